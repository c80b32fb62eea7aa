/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the heartbeat of a loop comes: the wait ends with the next pulse or the first event, and a
 * pulse that is due beside events has its place among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/heartbeat.h"
#include "daemon/node.h"

#define ORDER_MAX 8

struct rig {
	struct node node;
	struct conf conf;
	struct heartbeat h;
	int pipe[2];
	char order[ORDER_MAX]; /* what came, oldest first */
};

/* A node whose pulses are `pulse_ns` apart. The first one is due at once. */
static void begin(struct rig *r, uint64_t pulse_ns)
{
	memset(r, 0, sizeof(*r));
	r->conf.pulse_ns = pulse_ns;
	r->node.conf = &r->conf;
	r->h.node = &r->node;
	assert_true(sd_event_new(&r->node.event) >= 0);
	assert_int_equal(pipe(r->pipe), 0);
	assert_int_equal(heartbeat_start(&r->h), 0);
}

static void end(struct rig *r)
{
	heartbeat_stop(&r->h);
	sd_event_unref(r->node.event);
	close(r->pipe[0]);
	close(r->pipe[1]);
}

static void a_due_pulse_is_taken_once(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3600 * NS_PER_S);
	assert_true(heartbeat_take(&r.h));
	assert_int_equal(r.node.inbox.notes, INBOX_TICK);
	assert_int_equal(r.node.inbox.ticks, 1);
	assert_false(heartbeat_take(&r.h));
	assert_int_equal(r.node.inbox.ticks, 1);
	end(&r);
}

static void the_wait_ends_with_the_pulse(void **state)
{
	uint64_t began_ns;
	struct rig r;

	(void)state;
	/* The first pulse is due later than this, and the second one 20 ms after the first. */
	began_ns = clock_now_ns();
	begin(&r, 20 * NS_PER_MS);
	assert_true(heartbeat_take(&r.h));
	assert_int_equal(heartbeat_wait(&r.h, r.pipe[0]), 0);
	assert_true(clock_now_ns() >= began_ns + 20 * NS_PER_MS);
	assert_true(heartbeat_take(&r.h));
	end(&r);
}

/* It would wait for an hour. */
static void the_wait_ends_with_an_event(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3600 * NS_PER_S);
	assert_true(heartbeat_take(&r.h));
	assert_int_equal(write(r.pipe[1], "x", 1), 1);
	assert_int_equal(heartbeat_wait(&r.h, r.pipe[0]), 1);
	assert_false(heartbeat_take(&r.h));
	end(&r);
}

static void add(struct rig *r, char what)
{
	r->order[strlen(r->order)] = what;
}

static int on_vrrp(sd_event_source *s, void *arg)
{
	(void)s;
	add(arg, 'v');
	return 0;
}

static int on_repl(sd_event_source *s, void *arg)
{
	(void)s;
	add(arg, 'r');
	return 0;
}

/* One turn of the loop. */
static void turn(struct rig *r)
{
	uint64_t ticks = r->node.inbox.ticks;

	assert_int_equal(heartbeat_offer(&r->h), 0);
	assert_true(sd_event_run(r->node.event, 0) >= 0);
	if (r->node.inbox.ticks != ticks)
		add(r, 'p');
}

/* A flood of work of a lower priority delays no pulse, and the pulse no advert. */
static void a_pulse_has_its_place_among_events(void **state)
{
	sd_event_source *vrrp, *repl;
	struct rig r;

	(void)state;
	begin(&r, 3600 * NS_PER_S);
	assert_true(sd_event_add_defer(r.node.event, &repl, on_repl, &r) >= 0);
	assert_true(sd_event_source_set_priority(repl, NODE_PRIO_REPL) >= 0);
	assert_true(sd_event_source_set_enabled(repl, SD_EVENT_ON) >= 0);
	assert_true(sd_event_add_defer(r.node.event, &vrrp, on_vrrp, &r) >= 0);
	assert_true(sd_event_source_set_priority(vrrp, NODE_PRIO_VRRP) >= 0);
	for (int i = 0; i < 4; i++)
		turn(&r);
	/* A pulse that is not due takes no turn from others. */
	assert_string_equal(r.order, "vprr");
	sd_event_source_unref(repl);
	sd_event_source_unref(vrrp);
	end(&r);
}

static int on_garp(sd_event_source *s, void *arg)
{
	(void)s;
	add(arg, 'g');
	return 0;
}

/* Each turn takes longer than the interval. Gratuitous ARP that becomes due meanwhile is sent. */
static void gratuitous_arp_comes_before_pulses_without_end(void **state)
{
	sd_event_source *garp;
	struct rig r;

	(void)state;
	begin(&r, 1);
	turn(&r);
	assert_true(sd_event_add_defer(r.node.event, &garp, on_garp, &r) >= 0);
	assert_true(sd_event_source_set_priority(garp, NODE_PRIO_GARP) >= 0);
	for (int i = 0; i < 3; i++)
		turn(&r);
	assert_string_equal(r.order, "pgpp");
	sd_event_source_unref(garp);
	end(&r);
}

static void another_interval_counts_at_once(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, 3600 * NS_PER_S);
	assert_true(heartbeat_take(&r.h));
	r.conf.pulse_ns = 10 * NS_PER_MS;
	heartbeat_set_interval(&r.h);
	assert_true(heartbeat_take(&r.h));
	assert_int_equal(heartbeat_wait(&r.h, r.pipe[0]), 0);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_due_pulse_is_taken_once),
		cmocka_unit_test(the_wait_ends_with_the_pulse),
		cmocka_unit_test(the_wait_ends_with_an_event),
		cmocka_unit_test(a_pulse_has_its_place_among_events),
		cmocka_unit_test(gratuitous_arp_comes_before_pulses_without_end),
		cmocka_unit_test(another_interval_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
