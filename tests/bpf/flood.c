/* SPDX-License-Identifier: GPL-2.0-only */
/* See flood.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "flood.h"

unsigned long flood_packets(unsigned long without)
{
	const char *text = getenv("HOKM_FLOOD");
	unsigned long n;
	char *end;

	if (!text)
		return without;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || !n || n > FLOOD_PACKETS_MAX)
		fail_msg("HOKM_FLOOD=%s: give a number from 1 to %lu", text, FLOOD_PACKETS_MAX);
	return n;
}

void flood_put32(uint8_t *at, uint32_t v)
{
	uint32_t be = htonl(v);

	memcpy(at, &be, sizeof(be));
}

void flood_put16(uint8_t *at, uint16_t v)
{
	uint16_t be = htons(v);

	memcpy(at, &be, sizeof(be));
}
