/* SPDX-License-Identifier: GPL-2.0-only */
/* See orders.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/orders.h"

#define HEAD "hokm-xdp orders 1\n"
#define TAIL "end\n"

static const char *const names[ORDER_COUNT] = {
	[ORDER_MAINT] = "maint", [ORDER_DRAIN] = "drain", [ORDER_STANDBY] = "standby"};

/* Three lines of at most 7 + 3 * 21 characters, the boot, head and tail. */
_Static_assert(ORDER_COUNT *(7 + 3 * 21) + sizeof(HEAD TAIL) + BOOT_ID_MAX + 6 < ORDERS_TEXT_MAX,
	       "the longest text fits");

const char *order_name(enum order_kind kind)
{
	return kind < ORDER_COUNT ? names[kind] : "?";
}

bool orders_any(const struct orders *o)
{
	for (unsigned int i = 0; i < ORDER_COUNT; i++)
		if (o->of[i].on)
			return true;
	return false;
}

size_t orders_print(const struct orders *o, char buf[ORDERS_TEXT_MAX])
{
	size_t n = (size_t)snprintf(buf, ORDERS_TEXT_MAX, HEAD "boot %s\n", o->boot);

	for (unsigned int i = 0; i < ORDER_COUNT; i++) {
		const struct order *r = &o->of[i];

		if (!r->on)
			continue;
		n += (size_t)snprintf(buf + n, ORDERS_TEXT_MAX - n, "%s %" PRIu64 " %" PRIu32,
				      names[i], r->since_s, r->uid);
		if (i == ORDER_DRAIN)
			n += (size_t)snprintf(buf + n, ORDERS_TEXT_MAX - n, " %" PRIu64,
					      r->until_ns);
		n += (size_t)snprintf(buf + n, ORDERS_TEXT_MAX - n, "\n");
	}
	return n + (size_t)snprintf(buf + n, ORDERS_TEXT_MAX - n, TAIL);
}

/* The number behind *at; anything that is no number becomes one that does not print the same. */
static uint64_t number(char **at)
{
	return strtoull(*at, at, 10);
}

static void parse_order(char *line, struct orders *o)
{
	for (unsigned int i = 0; i < ORDER_COUNT; i++) {
		size_t len = strlen(names[i]);
		struct order *r = &o->of[i];
		char *at = line + len;

		if (strncmp(line, names[i], len) != 0)
			continue;
		r->on = true;
		r->since_s = number(&at);
		r->uid = (uint32_t)number(&at);
		r->until_ns = i == ORDER_DRAIN ? number(&at) : 0;
	}
}

/* Takes what it finds: whether that was all, and whether it was right, orders_parse() decides. */
static void parse_lines(char *copy, struct orders *o)
{
	char *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "boot ", 5))
			snprintf(o->boot, sizeof(o->boot), "%s", line + 5);
		else
			parse_order(line, o);
	}
}

int orders_parse(const char *text, size_t len, struct orders *o)
{
	char copy[ORDERS_TEXT_MAX] = "", again[ORDERS_TEXT_MAX];

	memset(o, 0, sizeof(*o));
	if (len < sizeof(copy)) {
		memcpy(copy, text, len);
		parse_lines(copy, o);
		if (orders_print(o, again) == len && !memcmp(again, text, len))
			return 0;
	}
	memset(o, 0, sizeof(*o));
	return -EINVAL;
}
