/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel announces, as the daemon hears it: each kind of change, and no other routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <net/if.h>
#include <string.h>

#include "base/clock.h"
#include "own_netns.h"
#include "sense/kernel_watch.h"

#define MARK 0x48 /* 72 */

static struct own_netns ns;

struct heard {
	unsigned int changes; /* bits of enum kernel_change */
	int ifindex;          /* of the last one that names one */
};

static void on_change(enum kernel_change change, int ifindex, void *arg)
{
	struct heard *h = arg;

	h->changes |= 1u << change;
	if (ifindex)
		h->ifindex = ifindex;
}

/* Runs the loop until this change was heard, at most two seconds. */
static void expect_change(sd_event *e, struct heard *h, enum kernel_change change)
{
	uint64_t end = clock_now_ns() + 2 * NS_PER_S;

	while (!(h->changes & 1u << change) && clock_now_ns() < end)
		assert_true(sd_event_run(e, 50000) >= 0);
	assert_true(h->changes & 1u << change);
	h->changes = 0;
}

static void nothing_that_the_daemon_sets_changes_unheard(void **state)
{
	struct kernel_watch *w;
	struct heard h = {0};
	sd_event *e = NULL;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(kernel_watch_open(e, MARK, on_change, &h, &w), 0);
	assert_int_equal(RUN("ip", "addr", "add", "192.168.1.25/32", "dev", "hx0"), 0);
	expect_change(e, &h, KERNEL_ADDR);
	assert_int_equal(h.ifindex, ns.ifindex_a);
	assert_int_equal(RUN("ip", "addr", "del", "192.168.1.25/32", "dev", "hx0"), 0);
	expect_change(e, &h, KERNEL_ADDR);
	assert_int_equal(RUN("ip", "route", "add", "local", "192.168.1.25", "dev", "lo"), 0);
	expect_change(e, &h, KERNEL_ROUTE);
	assert_int_equal(
		RUN("ip", "route", "del", "local", "192.168.1.25", "dev", "lo", "table", "local"),
		0);
	expect_change(e, &h, KERNEL_ROUTE);
	assert_int_equal(RUN("tc", "qdisc", "add", "dev", "hx0", "clsact"), 0);
	expect_change(e, &h, KERNEL_FILTER);
	assert_int_equal(h.ifindex, ns.ifindex_a);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
	expect_change(e, &h, KERNEL_FILTER);
	/* Routes of other tables are none of ours: the next thing heard is the new interface. */
	assert_int_equal(RUN("ip", "route", "add", "10.9.0.0/16", "dev", "hx0"), 0);
	assert_int_equal(RUN("ip", "link", "add", "hxbr", "type", "bridge"), 0);
	while (!(h.changes & 1u << KERNEL_LINK))
		assert_true(sd_event_run(e, 2000000) > 0);
	assert_int_equal(h.changes & 1u << KERNEL_ROUTE, 0);
	assert_int_equal(h.ifindex, (int)if_nametoindex("hxbr"));
	kernel_watch_close(w);
	assert_int_equal(RUN("ip", "link", "del", "hxbr"), 0);
	sd_event_unref(e);
}

/* Counts KERNEL_OURS_GONE until the kernel has nothing more to say. */
static unsigned int count_gone(sd_event *e, struct heard *h)
{
	unsigned int n = 0;

	do {
		n += h->changes >> KERNEL_OURS_GONE & 1;
		h->changes = 0;
		assert_true(sd_event_run(e, 200000) >= 0);
	} while (h->changes);
	return n;
}

/* Of the routes with our mark each one that a program removes, and none that the kernel does. */
static void a_program_that_removes_our_routes_is_heard(void **state)
{
	struct kernel_watch *w;
	struct heard h = {0};
	sd_event *e = NULL;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(kernel_watch_open(e, MARK, on_change, &h, &w), 0);
#define ROUTE(verb, proto)                                                                         \
	RUN("ip", "route", verb, "local", "192.168.1.25", "dev", "hx0", "table", "local", "proto", \
	    proto)
	assert_int_equal(RUN("ip", "addr", "add", "10.9.9.9/24", "dev", "hx0"), 0);
	assert_int_equal(ROUTE("add", "72"), 0);
	assert_int_equal(count_gone(e, &h), 0);
	h.ifindex = 0;
	assert_int_equal(ROUTE("del", "72"), 0);
	assert_int_equal(count_gone(e, &h), 1);
	assert_int_equal(h.ifindex, ns.ifindex_a);
	assert_int_equal(ROUTE("add", "73"), 0);
	assert_int_equal(ROUTE("del", "73"), 0);
	assert_int_equal(count_gone(e, &h), 0);
	/* With the last address of the interface. */
	assert_int_equal(ROUTE("add", "72"), 0);
	assert_int_equal(RUN("ip", "addr", "flush", "dev", "hx0"), 0);
	assert_int_not_equal(ROUTE("del", "72"), 0);
	assert_int_equal(count_gone(e, &h), 0);
#undef ROUTE
	kernel_watch_close(w);
	sd_event_unref(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_the_daemon_sets_changes_unheard),
		cmocka_unit_test(a_program_that_removes_our_routes_is_heard),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("kernel_watch", tests, NULL, NULL);
}
