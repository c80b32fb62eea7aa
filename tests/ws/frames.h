/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the ends of a frames test share: the kinds of frames and their counters, the sizes of random
 * messages, and what a client may ask of a server. frames_ws.py is the same for the Python ends.
 *
 *   from the client    the server answers
 *   any message        one random message
 *   text "!end"        text "!end", after all random messages that it still has to send
 *   text "!echo"       text "!echo", at once
 *   text "!big N"      a binary frame of N bytes
 *   text "!bye CODE"   a close frame with this code
 */
#ifndef WS_FRAMES_H
#define WS_FRAMES_H

#include <stddef.h>
#include <stdio.h>

#include "chance.h"

#define FRAME_KINDS 6

struct frame_counts {
	unsigned long long n[FRAME_KINDS];
};

static const char *const frame_names[FRAME_KINDS] = {
	"continuation", "text", "binary", "close", "ping", "pong"};

/* The index of an opcode in frame_counts; -1: not an opcode. */
static inline int frame_kind(unsigned int opcode)
{
	if (opcode < 3)
		return (int)opcode;
	return opcode >= 8 && opcode <= 10 ? (int)opcode - 5 : -1;
}

static inline void frame_counts_print(const char *name, const struct frame_counts *c,
				      const char *end)
{
	int i;

	printf("\"%s\":{", name);
	for (i = 0; i < FRAME_KINDS; i++)
		printf("\"%s\":%llu%s", frame_names[i], c->n[i], i + 1 < FRAME_KINDS ? "," : "");
	printf("}%s", end);
}

static inline void frame_counts_add(struct frame_counts *sum, const struct frame_counts *c)
{
	int i;

	for (i = 0; i < FRAME_KINDS; i++)
		sum->n[i] += c->n[i];
}

/* Mostly small sizes, but also every form of the length field and the limits between them. */
static inline size_t frame_size(struct chance *c, size_t max)
{
	static const size_t edges[] = {0, 1, 2, 124, 125, 126, 127, 128, 65535, 65536, 65537};
	unsigned int draw = chance_below(c, 100);
	size_t size;

	if (draw < 60)
		size = chance_below(c, 126);
	else if (draw < 70)
		size = edges[chance_below(c, sizeof(edges) / sizeof(edges[0]))];
	else if (draw < 93)
		size = chance_below(c, 2000);
	else if (draw < 98)
		size = chance_below(c, 65536);
	else
		size = chance_below(c, 200001);
	return size > max ? chance_below(c, (unsigned int)max + 1) : size;
}

#endif
