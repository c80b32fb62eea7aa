/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the operator ordered for as long as it takes: maintenance, drain, standby. The orders are in
 * the state file (act/orders_file.h), so that a daemon that starts again goes on with them.
 */
#ifndef HOKM_DAEMON_OPERATOR_H
#define HOKM_DAEMON_OPERATOR_H

#include <sys/types.h>

#include "act/orders_file.h"

struct drain;
struct node;

struct operator_orders {
	struct orders now;
	struct orders_file *file;
	uint64_t retry_ns; /* the state file could not be written: when to try again */
};

/*
 * Reads the orders that an earlier daemon left, reports them, and begins the drain again if there
 * was one. 0 or -errno, logged. Caller: operator_close().
 */
int operator_open(struct operator_orders *op, struct node *n, struct drain *dr);
void operator_close(struct operator_orders *op);

/* until_ns: end of a drain; 0 for never and for other orders. An order given again begins again. */
void operator_give(struct operator_orders *op, enum order_kind kind, uid_t uid, uint64_t until_ns);
void operator_take_back(struct operator_orders *op, enum order_kind kind);
bool operator_ordered(const struct operator_orders *op, enum order_kind kind);

/* At each tick: a state file that could not be written is tried again. */
void operator_tick(struct operator_orders *op, uint64_t now_ns);

#endif
