/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The orders of the operator that last until the operator takes them back, and their text in the
 * state file. A daemon that starts again reads them there, so that a crash, an upgrade or a reboot
 * does not return a node to service that the operator has taken out.
 *
 *   hokm-xdp orders 1
 *   boot 3f1c1c52-5a39-4a52-8d27-6d1c9a3a8f0e
 *   maint 1764331200 0
 *   drain 1764331260 1000 86400000000000
 *   end
 *
 * One line for each order that is in force: its name, the wall clock's second at which it was
 * given, the uid that gave it. A drain has a third number: the moment of CLOCK_BOOTTIME at which
 * its time is over, 0 for never. That number means something only in the boot that `boot` names.
 *
 * Invariant: a text is accepted only if it is exactly the text that orders_print() makes of what
 * was read. So a text that was cut off, edited or damaged is refused as a whole.
 */
#ifndef HOKM_ORDERS_H
#define HOKM_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/boot_id.h"

#define ORDERS_TEXT_MAX 512 /* bytes of the text, with the terminating zero */

enum order_kind {
	ORDER_MAINT,
	ORDER_DRAIN,
	ORDER_STANDBY, /* the VIP was given away by `failover`: do not preempt it back */
	ORDER_COUNT
};

struct order {
	bool on;
	uint64_t since_s;  /* of the wall clock */
	uint32_t uid;      /* who gave it */
	uint64_t until_ns; /* ORDER_DRAIN: of CLOCK_BOOTTIME, 0 never */
};

struct orders {
	char boot[BOOT_ID_MAX];
	struct order of[ORDER_COUNT];
};

const char *order_name(enum order_kind kind);
/* An order is in force. */
bool orders_any(const struct orders *o);

/* Writes the text. Returns its length; it always fits. */
size_t orders_print(const struct orders *o, char buf[ORDERS_TEXT_MAX]);
/* Reads `len` bytes of text. Returns 0, or -EINVAL and an empty *o. */
int orders_parse(const char *text, size_t len, struct orders *o);

#endif
