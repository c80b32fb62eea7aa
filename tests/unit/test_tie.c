/* SPDX-License-Identifier: GPL-2.0-only */
/* What a record in etcd lets a node do that hears no peer: user/decide/tie.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "decide/quiet.h"
#include "decide/tie.h"

#define MS    1000000ULL
#define S     (1000 * MS)
#define BEGAN (500 * S)
#define TICK  (10 * MS)
#define DEAD  (100 * MS)
#define LAST  (1000 * MS)
#define LIMIT (200 * MS)
#define HOLD  (5 * S)

struct rig {
	struct tie t;
	struct tie_input in;
	struct tie_output out;
	struct tie_answer answer;
	uint64_t now_ns, lease_ns;
	bool heard; /* the peer, all the time */
	bool gone;  /* etcd answers nothing */
	unsigned int asked[TIE_RELEASE + 1];
	struct tie_record record; /* in etcd; the holder is as this node sees it */
	bool pending;
};

static void rig(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->now_ns = BEGAN;
	r->in.on = true;
	r->in.times = (struct tie_times){
		.dead_ns = DEAD,
		.last_ns = LAST,
		.wait_ns = tie_wait_ns(LAST),
		.timeout_ns = LIMIT,
		.hold_ns = HOLD};
}

/* etcd answers each question a tick later. */
static void serve(struct rig *r)
{
	bool writes = r->t.sent == TIE_CLAIM || r->t.sent == TIE_RELEASE;

	r->in.answer = NULL;
	if (r->t.sent == TIE_NONE || !r->pending || r->gone)
		return;
	r->answer = (struct tie_answer){.valid = true};
	if (writes && r->t.record.revision == r->record.revision) {
		r->record.epoch += r->record.holder != TIE_SELF;
		r->record.revision++;
		r->record.holder = r->t.sent == TIE_CLAIM ? TIE_SELF : TIE_NOBODY;
		r->record.hold_ns = r->t.sent == TIE_CLAIM ? r->t.claim_ns : 0;
		r->answer.moved = true;
	}
	r->answer.record = r->record;
	r->in.answer = &r->answer;
}

static void run(struct rig *r, uint64_t ns)
{
	for (uint64_t end_ns = r->now_ns + ns; r->now_ns < end_ns; r->now_ns += TICK) {
		if (r->heard)
			r->in.heard_ns = r->in.alive_ns = r->now_ns - 1;
		serve(r);
		tie_step(&r->t, &r->in, r->now_ns, &r->out);
		r->pending = r->t.sent != TIE_NONE;
		r->asked[r->out.ask]++;
		if (r->in.owns)
			r->in.lease_until_ns = r->now_ns + LAST / 2 < r->out.until_ns
						       ? r->now_ns + LAST / 2
						       : r->out.until_ns;
	}
}

static void expect(const struct rig *r, enum tie_phase phase, bool undecided, bool bars)
{
	if (r->t.phase != phase || r->out.undecided != undecided || r->out.bars != bars)
		fail_msg("phase %s, undecided %d, bars %d", tie_phase_name(r->t.phase),
			 r->out.undecided, r->out.bars);
}

static void another_arbiter_changes_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.on = false;
	run(&r, 10 * S);
	expect(&r, TIE_OFF, false, false);
	assert_int_equal(r.asked[TIE_NONE], 10 * S / TICK);
	assert_true(r.out.until_ns == UINT64_MAX);
}

/* It is read slowly, and an answer that is missing moves nothing. */
static void while_the_peer_is_heard_etcd_decides_nothing(void **state)
{
	struct rig r;

	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		rig(&r);
		r.heard = r.in.owns = true;
		r.gone = gone;
		run(&r, 60 * S);
		expect(&r, TIE_PEER, false, false);
		assert_in_range(r.asked[TIE_READ], 12, 13);
		assert_int_equal(r.asked[TIE_CLAIM], 0);
		r.in.owns = false;
		run(&r, TICK);
		expect(&r, TIE_PEER, false, false);
		assert_true(r.out.until_ns > r.now_ns + LAST - 2 * TICK);
		assert_true(r.out.until_ns <= r.now_ns + LAST);
	}
}

static void an_owner_claims_at_once_and_goes_on_claiming(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.heard = r.in.owns = true;
	run(&r, 10 * S);
	r.heard = false;
	run(&r, DEAD + 3 * TICK);
	expect(&r, TIE_HOLDS, false, false);
	assert_int_equal(r.asked[TIE_CLAIM], 1);
	assert_int_equal(r.record.epoch, 1);
	run(&r, 10 * HOLD);
	expect(&r, TIE_HOLDS, false, false);
	assert_in_range(r.asked[TIE_CLAIM], 35, 45);
	assert_int_equal(r.record.epoch, 1);
	/* The peer is back: the record is free again. */
	r.heard = true;
	run(&r, 5 * TICK);
	expect(&r, TIE_PEER, false, false);
	assert_int_equal(r.record.holder, TIE_NOBODY);
}

static void an_owner_without_peer_and_etcd_ends_with_its_lease(void **state)
{
	struct rig r;
	uint64_t until_ns;

	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		rig(&r);
		r.heard = r.in.owns = true;
		r.in.keep = keep;
		run(&r, 10 * S);
		r.heard = false;
		r.gone = true;
		run(&r, DEAD + TICK);
		expect(&r, TIE_ASKED, true, false);
		until_ns = keep ? UINT64_MAX : r.in.lease_until_ns;
		run(&r, LAST / 2 - 5 * TICK);
		expect(&r, TIE_SILENT, true, false);
		assert_true(r.out.until_ns == until_ns);
		run(&r, 6 * TICK);
		expect(&r, TIE_SILENT, true, !keep);
		/* A node that is no owner does not become one. */
		r.in.owns = false;
		run(&r, TICK);
		expect(&r, TIE_SILENT, true, true);
		/* Its last question is lost, which counts as lost after twice its time. */
		r.gone = false;
		run(&r, 3 * LIMIT);
		assert_int_not_equal(r.t.phase, TIE_SILENT);
	}
}

/* A claim that is renewed no more gives a right for so long, and no longer. */
static void the_right_of_a_claim_ends(void **state)
{
	struct rig r;
	uint64_t held_ns;

	(void)state;
	rig(&r);
	r.heard = r.in.owns = true;
	run(&r, 10 * S);
	r.heard = false;
	run(&r, DEAD + 3 * TICK);
	held_ns = r.out.until_ns;
	assert_in_range(held_ns - r.now_ns, HOLD - 5 * TICK, HOLD);
	r.gone = true;
	run(&r, HOLD - 5 * TICK);
	expect(&r, TIE_HOLDS, false, false);
	assert_true(r.out.until_ns == held_ns);
	run(&r, 5 * TICK);
	expect(&r, TIE_SILENT, true, true);
}

static void another_node_claims_when_the_owner_has_surely_ended(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.heard = true;
	run(&r, 10 * S);
	r.heard = false;
	r.in.wants = true;
	run(&r, LAST);
	expect(&r, TIE_ASKED, true, false);
	assert_int_equal(r.asked[TIE_CLAIM], 0);
	run(&r, tie_wait_ns(LAST) - LAST + 2 * TICK);
	expect(&r, TIE_HOLDS, false, false);
	/* It may have heard the other one since, and let it own. */
	r.in.alive_ns = r.now_ns;
	run(&r, TICK);
	expect(&r, TIE_HOLDS, true, false);
	/* A node that has just begun may have been heard just before. */
	rig(&r);
	r.in.wants = true;
	run(&r, LAST);
	expect(&r, TIE_ASKED, true, false);
	/* While signs of life come, it waits: the other one may hear our answers. */
	rig(&r);
	r.heard = true;
	run(&r, 10 * S);
	r.heard = false;
	r.in.wants = true;
	for (int i = 0; i < 40; i++) {
		r.in.alive_ns = r.now_ns;
		run(&r, DEAD);
	}
	assert_int_equal(r.asked[TIE_CLAIM], 0);
	/* But not without limit: what answers nothing for so long cannot hear us. */
	for (int i = 0; i < 40; i++) {
		r.in.alive_ns = r.now_ns;
		run(&r, DEAD);
	}
	assert_int_not_equal(r.asked[TIE_CLAIM], 0);
}

static void a_record_of_the_other_node_is_claimed_when_it_is_old(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.record = (struct tie_record){.revision = 7, .epoch = 3, .holder = TIE_THEIRS};
	r.heard = r.in.wants = true;
	run(&r, 10 * TICK);
	r.heard = false;
	/* The other node claims it again and again. */
	for (int i = 0; i < 20; i++) {
		r.record.revision++;
		run(&r, HOLD / 4);
	}
	expect(&r, TIE_OTHER, true, false);
	assert_int_equal(r.asked[TIE_CLAIM], 0);
	/* The clock of the other node may be slower. */
	run(&r, r.t.noted_ns + HOLD + 2 * TICK - r.now_ns);
	expect(&r, TIE_OTHER, true, false);
	run(&r, HOLD / 32);
	expect(&r, TIE_HOLDS, false, false);
	assert_int_equal(r.record.epoch, 4);
}

/* The two files may have different holds, and a reload changes it on one node first. */
static void the_longer_hold_of_the_two_counts(void **state)
{
	static const uint64_t theirs_ns[] = {HOLD / 2, 4 * HOLD};

	(void)state;
	for (int i = 0; i < 2; i++) {
		const uint64_t longer_ns = i ? theirs_ns[i] : HOLD;
		struct rig r;

		rig(&r);
		r.record = (struct tie_record){
			.revision = 7, .epoch = 3, .hold_ns = theirs_ns[i], .holder = TIE_THEIRS};
		r.heard = r.in.wants = true;
		run(&r, 10 * TICK);
		r.heard = false;
		run(&r, r.t.noted_ns + longer_ns + 2 * TICK - r.now_ns);
		expect(&r, TIE_OTHER, true, false);
		run(&r, longer_ns / 32 + TICK);
		expect(&r, TIE_HOLDS, false, false);
	}
}

/* A reload changes the hold while a claim is on its way, and while the record is held. */
static void the_right_is_as_long_as_the_record_says(void **state)
{
	struct rig r;
	uint64_t sent_ns;

	(void)state;
	rig(&r);
	r.heard = r.in.owns = true;
	run(&r, 10 * S);
	r.heard = false;
	while (!r.asked[TIE_CLAIM])
		run(&r, TICK);
	sent_ns = r.now_ns - TICK;
	r.in.times.hold_ns = 4 * HOLD;
	run(&r, TICK);
	expect(&r, TIE_HOLDS, false, false);
	assert_true(r.record.hold_ns == HOLD);
	/* It is counted from the moment at which the claim was sent. */
	assert_true(r.out.until_ns == sent_ns + HOLD);
	/* The next claim says the shorter one, and may count although its answer is lost. */
	r.in.times.hold_ns = HOLD / 10;
	r.gone = true;
	while (r.asked[TIE_CLAIM] < 3)
		run(&r, TICK);
	assert_in_range(r.out.until_ns - r.now_ns, 1, HOLD / 10);
	expect(&r, TIE_HOLDS, false, false);
}

/* Two nodes that hear each other again and have no owner do not both take the VIP. */
static void the_second_node_waits_longer(void **state)
{
	struct rig r;

	(void)state;
	for (int second = 0; second < 2; second++) {
		rig(&r);
		r.in.second = second;
		run(&r, S);
		r.heard = true;
		run(&r, TICK);
		expect(&r, TIE_PEER, true, false);
		run(&r, DEAD);
		expect(&r, TIE_PEER, second, false);
		run(&r, 2 * DEAD);
		expect(&r, TIE_PEER, false, false);
	}
}

/* A node that was held up has asked nothing, so no answer could come. */
static void a_break_is_no_silence(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	run(&r, 10 * S);
	expect(&r, TIE_ASKED, true, false);
	r.gone = true;
	run(&r, S + TICK);
	r.now_ns += 10 * S;
	run(&r, TICK);
	r.gone = false;
	run(&r, LIMIT / 2);
	expect(&r, TIE_ASKED, true, false);
}

static void a_node_that_no_longer_wants_gives_the_record_back(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.wants = true;
	run(&r, 2 * LAST);
	expect(&r, TIE_HOLDS, false, false);
	r.in.wants = false;
	run(&r, S);
	expect(&r, TIE_HOLDS, false, false);
	/* Its right ends when it asks for it, not when etcd has done it. */
	while (!r.asked[TIE_RELEASE])
		run(&r, TICK);
	expect(&r, TIE_ASKED, true, false);
	assert_int_equal(r.record.holder, TIE_SELF);
	run(&r, 2 * TICK);
	assert_int_equal(r.record.holder, TIE_NOBODY);
	assert_int_equal(r.asked[TIE_RELEASE], 1);
}

/* A node that hears its peer reads them each hour, and soon where etcd does not answer. */
static void files_are_read_again(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.heard = true;
	run(&r, 60 * S);
	while (r.t.open_ns)
		run(&r, TICK);
	assert_false(tie_files_due(&r.t, r.now_ns, r.now_ns + TIE_FILES_NS - 1));
	assert_true(tie_files_due(&r.t, r.now_ns, r.now_ns + TIE_FILES_NS));
	r.gone = true;
	run(&r, TIE_FILES_AGAIN_NS - S);
	assert_false(tie_files_due(&r.t, BEGAN, r.now_ns));
	run(&r, TIE_SLOW_NS + S);
	assert_true(tie_files_due(&r.t, BEGAN, r.now_ns));
	assert_false(tie_files_due(&r.t, r.now_ns - TIE_FILES_AGAIN_NS + 1, r.now_ns));
}

/* With short adverts, a step is as far from the next as a question may take. */
static void quiet_ticks_do_not_hide_that_etcd_is_silent(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.heard = true;
	r.in.times.timeout_ns = QUIET_NS;
	run(&r, 60 * S);
	r.gone = true;
	for (int i = 0; i < 250; i++, r.now_ns += QUIET_NS - TICK + i % 2 * TICK / 2)
		run(&r, TICK);
	expect(&r, TIE_PEER, false, false);
	assert_true(r.t.open_ns && r.now_ns - r.t.open_ns > TIE_FILES_AGAIN_NS);
	assert_true(tie_files_due(&r.t, BEGAN, r.now_ns));
	/* A daemon that stood still is something else. */
	r.now_ns += 3 * QUIET_NS;
	run(&r, TICK);
	assert_false(tie_files_due(&r.t, BEGAN, r.now_ns));
}

/* While an answer lets a node own, or keeps it from that, the process is left alone. */
static void files_are_not_read_while_an_answer_counts(void **state)
{
	struct rig r;

	(void)state;
	rig(&r);
	r.in.owns = true;
	run(&r, 60 * S);
	expect(&r, TIE_HOLDS, false, false);
	assert_false(tie_files_due(&r.t, 0, r.now_ns + TIE_FILES_NS));
	r.gone = true;
	run(&r, TICK);
	expect(&r, TIE_HOLDS, false, false);
	assert_false(tie_files_due(&r.t, 0, r.now_ns + TIE_FILES_NS));
	run(&r, HOLD + TIE_FILES_AGAIN_NS);
	expect(&r, TIE_SILENT, true, true);
	assert_true(tie_files_due(&r.t, 0, r.now_ns));
	assert_false(tie_files_due(&r.t, r.now_ns - S, r.now_ns));
}

static void each_phase_has_a_name(void **state)
{
	(void)state;
	for (int i = TIE_OFF; i <= TIE_SILENT; i++)
		assert_string_not_equal(tie_phase_name((enum tie_phase)i), "?");
	assert_string_equal(tie_phase_name((enum tie_phase)(TIE_SILENT + 1)), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_arbiter_changes_nothing),
		cmocka_unit_test(while_the_peer_is_heard_etcd_decides_nothing),
		cmocka_unit_test(an_owner_claims_at_once_and_goes_on_claiming),
		cmocka_unit_test(an_owner_without_peer_and_etcd_ends_with_its_lease),
		cmocka_unit_test(the_right_of_a_claim_ends),
		cmocka_unit_test(another_node_claims_when_the_owner_has_surely_ended),
		cmocka_unit_test(a_record_of_the_other_node_is_claimed_when_it_is_old),
		cmocka_unit_test(the_longer_hold_of_the_two_counts),
		cmocka_unit_test(the_right_is_as_long_as_the_record_says),
		cmocka_unit_test(the_second_node_waits_longer),
		cmocka_unit_test(a_break_is_no_silence),
		cmocka_unit_test(a_node_that_no_longer_wants_gives_the_record_back),
		cmocka_unit_test(files_are_read_again),
		cmocka_unit_test(quiet_ticks_do_not_hide_that_etcd_is_silent),
		cmocka_unit_test(files_are_not_read_while_an_answer_counts),
		cmocka_unit_test(each_phase_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
