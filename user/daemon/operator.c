/* SPDX-License-Identifier: GPL-2.0-only */
/* See operator.h. */
#include <string.h>

#include "base/boot_id.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/node_drain.h"
#include "daemon/operator.h"

#define RETRY_NS (10 * NS_PER_S)

static void report(const struct operator_orders *op, struct node *n, enum order_kind kind)
{
	const struct order *o = &op->now.of[kind];
	time_t since = (time_t)o->since_s;
	char when[32] = "?";
	struct tm tm;

	if (gmtime_r(&since, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	log_warn("the order %s of %s (uid %u) is still in force; `hokm-xdp ctl %s` takes it back",
		 order_name(kind), when, o->uid, kind == ORDER_DRAIN ? "undrain" : "ready");
	events_add(n->events, "operator", HOKM_R_OPERATOR, "%s of %s is still in force",
		   order_name(kind), when);
}

/*
 * The moment at which a drain is over is one of the boot in which it began. After a reboot no
 * player of that time is left, and those who came since have no time limit.
 */
static void resume_drain(const struct operator_orders *op, struct node *n, struct drain *dr,
			 bool same_boot)
{
	drain_begin(dr, n, 0);
	dr->until_ns = same_boot ? op->now.of[ORDER_DRAIN].until_ns : 0;
}

int operator_open(struct operator_orders *op, struct node *n, struct drain *dr)
{
	bool same_boot;
	int err = orders_file_open(n->event, n->conf->state_file, &op->file);

	if (err)
		return err;
	orders_file_read(op->file, &op->now);
	same_boot = boot_id_is_this(op->now.boot);
	boot_id_read(op->now.boot);
	for (unsigned int i = 0; i < ORDER_COUNT; i++)
		if (op->now.of[i].on)
			report(op, n, (enum order_kind)i);
	if (op->now.of[ORDER_DRAIN].on)
		resume_drain(op, n, dr, same_boot);
	op->now.of[ORDER_DRAIN].until_ns = dr->until_ns;
	return 0;
}

void operator_close(struct operator_orders *op)
{
	orders_file_close(op->file);
	op->file = NULL;
}

void operator_give(struct operator_orders *op, enum order_kind kind, uid_t uid, uint64_t until_ns)
{
	struct timespec now;

	/* It cannot fail with a valid pointer. */
	clock_gettime(CLOCK_REALTIME, &now);
	op->now.of[kind] = (struct order){
		.on = true,
		.since_s = (uint64_t)now.tv_sec,
		.uid = uid,
		.until_ns = until_ns,
	};
	orders_file_write(op->file, &op->now);
}

void operator_take_back(struct operator_orders *op, enum order_kind kind)
{
	if (!op->now.of[kind].on)
		return;
	op->now.of[kind] = (struct order){.on = false};
	orders_file_write(op->file, &op->now);
}

bool operator_ordered(const struct operator_orders *op, enum order_kind kind)
{
	return op->now.of[kind].on;
}

void operator_tick(struct operator_orders *op, uint64_t now_ns)
{
	if (!orders_file_failed(op->file)) {
		op->retry_ns = now_ns + RETRY_NS;
	} else if (now_ns >= op->retry_ns) {
		op->retry_ns = now_ns + RETRY_NS;
		orders_file_write(op->file, &op->now);
	}
}
