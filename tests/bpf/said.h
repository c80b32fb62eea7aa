/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client's SYN with all that it may say, the RST by which our kernel refuses it, and the two
 * frames that may leave for it: that SYN again, or the RST untouched.
 *
 * What is expected is built from the SYN as the client sent it, by code that shares nothing with
 * the program: the MACs are new, the IP header has no options and no identification, payload is
 * gone.
 */
#ifndef HOKM_TEST_SAID_H
#define HOKM_TEST_SAID_H

#include "fixture.h"

#define ISN 1000u
#define ECE 0x40
#define CWR 0x80
#define DF  0x4000

/* What a client's SYN says; zero takes a default. */
struct said {
	uint32_t isn;
	unsigned int words; /* of options */
	uint8_t options[HOKM_SYN_OPTIONS];
	uint8_t flags, tos, ttl;
	uint16_t window, frag;
	unsigned int tags, ip_options, payload, padding;
	const uint8_t *from; /* MAC */
	bool sum_left; /* the RST comes from a packet filter: its checksum is left to the device */
};

/* As Linux says it. */
extern const struct said LINUX_SYN;

void syn_frame(struct frame *f, const struct said *s);
/* RFC 9293 section 3.10.7.1, as our kernel sends it. */
void refusal_frame(struct frame *f, const struct said *s);

/* The SYN comes and passes; the RST goes: x->out is what leaves. */
void in_said(struct fix *x, const struct said *s);
void out_refused(struct fix *x, const struct said *s);

/* What left is the SYN that came, for that MAC. */
void expect_said_again(struct fix *x, const struct said *s, const uint8_t *mac);
/* What left is the RST. */
void expect_honest(struct fix *x, const struct said *s);
/* SYN in, RST out, and that SYN leaves. */
void said_and_replayed(struct fix *x, const struct said *s, const uint8_t *mac);

#endif
