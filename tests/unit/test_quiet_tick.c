/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of the passive checks in quiet ticks: taken when they are due, and news when they bring a
 * service into doubt or report something. The node has no peers and no maps; the checks and the
 * view of the grants are this file's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/node.h"
#include "daemon/quiet_tick.h"
#include "daemon/quorum.h"
#include "daemon/traffic_watch.h"

#define LATER_NS (3600 * NS_PER_S)

/* ---- the checks ---- */

static enum { BRINGS_NOTHING, BRINGS_TRIP, BRINGS_DOUBT, BRINGS_REPORT, BRINGS_WAIT } brings;
static unsigned int samples;

void traffic_watch(struct node *n, uint32_t refused, uint32_t turned_away, uint64_t now_ns)
{
	struct health *h = &n->services.list[0].checks[1].health;

	assert_int_equal(refused | turned_away, 0);
	samples++;
	if (brings == BRINGS_TRIP)
		n->services.list[0].observe.suspect = true;
	if (brings == BRINGS_DOUBT || brings == BRINGS_WAIT)
		h->doubt = true;
	if (brings == BRINGS_WAIT)
		h->next_ns = now_ns + LATER_NS;
	if (brings == BRINGS_REPORT)
		events_add(n->events, "passive", HOKM_R_SYNS_UNANSWERED, "chat");
}

uint64_t traffic_watch_next_ns(const struct node *n, uint64_t now_ns)
{
	(void)n;
	return now_ns + LATER_NS;
}

void quorum_view(const struct quorum *q, uint64_t now_ns, struct vrrp_view *v)
{
	(void)q;
	(void)now_ns;
	(void)v;
}

static uint64_t promise_until_ns; /* to another node; 0: to nobody */

bool quorum_ends_by(const struct quorum *q, uint64_t by_ns)
{
	(void)q;
	return promise_until_ns && promise_until_ns <= by_ns;
}

/* ---- a node ---- */

struct rig {
	struct conf conf;
	struct conf_service service;
	struct node node;
	struct quorum quorum;
	struct quiet quiet;
};

/* Calm, after a whole settle. */
static void begin(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	samples = 0;
	brings = BRINGS_NOTHING;
	r->node.conf = &r->conf;
	r->quorum.node = &r->node;
	r->node.services.n = 1;
	r->node.services.list[0].conf = &r->service;
	r->service.n_checks = 2;
	for (unsigned int i = 0; i < r->service.n_checks; i++)
		r->node.services.list[0].checks[i].health = (struct health){
			.known = true, .value = 1, .reason = HOKM_R_CHECK_OK, .conf.rise = 1};
	r->node.services.list[0].health = HOKM_SVC_UP;
	assert_true(sd_event_new(&r->node.event) >= 0);
	assert_int_equal(events_open(r->node.event, -1, NULL, NULL, &r->node.events), 0);
	quiet_settled(&r->quiet, true, 0, clock_now_ns());
	quiet_tick_note(&r->quiet, &r->node, &r->quorum, NULL);
}

static void end(struct rig *r)
{
	events_close(r->node.events);
	sd_event_unref(r->node.event);
}

static bool tick(struct rig *r)
{
	return quiet_tick_is(&r->quiet, &r->node, &r->quorum, NULL);
}

/* ---- tests ---- */

static void a_sample_is_taken_when_it_is_due(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	quiet_sampled(&r.quiet, clock_now_ns() + LATER_NS);
	assert_true(tick(&r));
	assert_int_equal(samples, 0);
	quiet_sampled(&r.quiet, clock_now_ns());
	assert_true(tick(&r));
	assert_int_equal(samples, 1);
	/* The next one is due later. */
	assert_true(tick(&r));
	assert_int_equal(samples, 1);
	assert_int_equal(r.quiet.count, 3);
	end(&r);
}

/* The claim after the end of a promise has a timer, which only a whole settle sets. */
static void a_promise_that_ends_soon_is_news(void **state)
{
	const uint64_t each_ns = 10 * NS_PER_MS;
	struct rig r;

	(void)state;
	begin(&r);
	r.node.peers.each_ns = each_ns;
	promise_until_ns = clock_now_ns() + LATER_NS;
	assert_true(tick(&r));
	promise_until_ns = clock_now_ns() + each_ns * 3 / 2;
	assert_false(tick(&r));
	promise_until_ns = 1; /* it has ended, and the claim is due */
	assert_false(tick(&r));
	promise_until_ns = 0;
	end(&r);
}

static void a_sample_can_be_news(void **state)
{
	struct rig r;

	(void)state;
	for (int what = BRINGS_TRIP; what <= BRINGS_REPORT; what++) {
		begin(&r);
		brings = what;
		quiet_sampled(&r.quiet, clock_now_ns());
		assert_false(tick(&r));
		assert_int_equal(samples, 1);
		assert_int_equal(r.quiet.count, 0);
		end(&r);
	}
}

/* Its check is due later: clients who are turned away do not make each tick a whole settle. */
static void a_doubt_that_waits_is_no_news(void **state)
{
	struct rig r;

	(void)state;
	begin(&r);
	brings = BRINGS_WAIT;
	quiet_sampled(&r.quiet, clock_now_ns());
	assert_true(tick(&r));
	assert_int_equal(samples, 1);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_taken_when_it_is_due),
		cmocka_unit_test(a_promise_that_ends_soon_is_news),
		cmocka_unit_test(a_sample_can_be_news),
		cmocka_unit_test(a_doubt_that_waits_is_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
