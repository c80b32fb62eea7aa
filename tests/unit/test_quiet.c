/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which ticks of the pulse settle nothing. Every field of what is seen is news when it changes; a
 * machine that waits for something at the rate of the pulse is not quiet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "decide/quiet.h"

#define MS    1000000ULL
#define AT    (1000 * MS)
#define PULSE (10 * MS)

/* Two peers that answer. A walk over the bytes needs defined padding. */
static void fill(struct quiet *q)
{
	memset(q, 0, sizeof(*q));
	for (unsigned int slot = 0; slot < 2; slot++) {
		q->seen.peers[slot].used = true;
		q->seen.peers[slot].sight.by = PEER_BY_PULSE;
		q->seen.peers[slot].sight.fresh = true;
	}
	quiet_settled(q, true, 0, AT);
}

static bool quiet(struct quiet *q, const struct quiet_seen *now, uint64_t now_ns)
{
	return quiet_may(q, now_ns) && quiet_is(q, now);
}

static void nothing_new_is_quiet(void **state)
{
	struct quiet_seen now;
	struct quiet q;

	(void)state;
	fill(&q);
	now = q.seen;
	for (unsigned int i = 1; i < QUIET_NS / PULSE; i++)
		assert_true(quiet(&q, &now, AT + i * PULSE));
}

static void samples_are_due_between_settles(void **state)
{
	struct quiet q;

	(void)state;
	fill(&q);
	/* Without passive checks there are none. */
	assert_false(quiet_samples(&q, AT + QUIET_NS));
	quiet_sampled(&q, AT + 2 * PULSE);
	assert_false(quiet_samples(&q, AT + 2 * PULSE - 1));
	assert_true(quiet_samples(&q, AT + 2 * PULSE));
	/* One that is due keeps no tick from being quiet. */
	assert_true(quiet_may(&q, AT + 2 * PULSE));
	quiet_sampled(&q, AT + 4 * PULSE);
	assert_false(quiet_samples(&q, AT + 3 * PULSE));
}

static void the_slower_clock_settles(void **state)
{
	struct quiet q;

	(void)state;
	fill(&q);
	assert_true(quiet_may(&q, AT + QUIET_NS - 1));
	assert_false(quiet_may(&q, AT + QUIET_NS));
	/* A part that is due earlier is done earlier; one that is due later delays nothing. */
	quiet_settled(&q, true, AT + 3 * PULSE, AT);
	assert_true(quiet_may(&q, AT + 3 * PULSE - 1));
	assert_false(quiet_may(&q, AT + 3 * PULSE));
	quiet_settled(&q, true, AT + 2 * QUIET_NS, AT);
	assert_false(quiet_may(&q, AT + QUIET_NS));
}

static void no_tick_is_quiet_after_anything_else(void **state)
{
	struct quiet q = {0};

	(void)state;
	/* The first tick of the daemon. */
	assert_false(quiet_may(&q, AT));
	fill(&q);
	quiet_disturb(&q);
	assert_false(quiet_may(&q, AT + PULSE));
	/* Nor while something goes on. */
	quiet_settled(&q, false, 0, AT);
	assert_false(quiet_may(&q, AT + PULSE));
	quiet_settled(&q, true, 0, AT);
	assert_true(quiet_may(&q, AT + PULSE));
}

#define PEER(field, is)                                                      \
	{                                                                    \
#field, offsetof(struct quiet_seen, peers[1].field),         \
			sizeof(((struct quiet_seen *)0)->peers[1].field), is \
	}
#define SEEN(field, is)                                             \
	{                                                           \
#field, offsetof(struct quiet_seen, field),         \
			sizeof(((struct quiet_seen *)0)->field), is \
	}

/* The time since when a peer is silent moves with each answer, and is no news. */
static const struct {
	const char *name;
	size_t at, size;
	bool news;
} fields[] = {
	PEER(used, true),
	PEER(sight.by, true),
	PEER(sight.fresh, true),
	PEER(sight.players_dead, true),
	PEER(sight.secrets_differ, true),
	PEER(sight.silent_since_ns, false),
	PEER(path_dead, true),
	PEER(on_segment, true),
	PEER(deaf, true),
	PEER(holds, true),
	PEER(epoch, true),
	PEER(since_ns, true),
	PEER(says, true),
	SEEN(granted, true),
	SEEN(free, true),
	SEEN(occupied, true),
	SEEN(absent_holds, true),
	SEEN(lapsed, true),
	SEEN(barred, true),
	SEEN(pulses, true),
	SEEN(gateway_peer, true),
	SEEN(replica_complete, true),
};

/* Each byte of the field, for `says` has many. The value of a bool is its lowest bit. */
static void every_change_is_news_at_once(void **state)
{
	struct quiet q;

	(void)state;
	fill(&q);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t byte = 0; byte < fields[i].size; byte++) {
			struct quiet_seen now = q.seen;
			unsigned char *p = (unsigned char *)&now + fields[i].at + byte;

			*p ^= 1;
			if (quiet(&q, &now, AT + PULSE) == fields[i].news)
				fail_msg("%s, byte %zu", fields[i].name, byte);
		}
}

/* What an unused slot has is left of another peer. */
static void a_slot_without_a_peer_says_nothing(void **state)
{
	struct quiet_seen now;
	struct quiet q;

	(void)state;
	fill(&q);
	now = q.seen;
	now.peers[5].epoch = 7;
	assert_true(quiet(&q, &now, AT + PULSE));
}

/* The sizes of the table and of the bytes before `mac` cover all that a peer says. */
static void what_a_peer_says_is_covered(void **state)
{
	(void)state;
	assert_int_equal(QUIET_SAYS + offsetof(struct hokm_peer, mac), sizeof(struct hokm_peer));
	assert_int_equal(offsetof(struct hokm_peer, answers) + sizeof(uint64_t),
			 offsetof(struct hokm_peer, mac));
}

/* By grants a backup that follows an owner wants them all the time. */
static void a_backup_by_grants_is_quiet(void **state)
{
	struct vrrp v = {.state = HOKM_VRRP_BACKUP,
			 .owner = {1},
			 .owner_priority = 110,
			 .wants = HOKM_R_GRANTED,
			 .was_occupied = true};

	(void)state;
	assert_true(quiet_vrrp(&v));
	v.was_occupied = false; /* it asks for the first time */
	assert_false(quiet_vrrp(&v));
	v.was_occupied = true;
	v.owner_priority = 0; /* the owner has stopped */
	assert_false(quiet_vrrp(&v));
	v.owner_priority = 110;
	v.state = HOKM_VRRP_MASTER;
	assert_false(quiet_vrrp(&v));
}

static void machines_that_wait_are_not_quiet(void **state)
{
	static const struct vrrp backup = {.state = HOKM_VRRP_BACKUP, .owner = {1}};
	static const struct vrrp master = {.state = HOKM_VRRP_MASTER};
	struct vrrp v;

	(void)state;
	assert_true(quiet_vrrp(&backup));
	assert_true(quiet_vrrp(&master));
#define WAITS(of, field, value)               \
	do {                                  \
		v = of;                       \
		v.field = value;              \
		assert_false(quiet_vrrp(&v)); \
	} while (0)
	WAITS(backup, state, HOKM_VRRP_FAULT);
	WAITS(backup, state, HOKM_VRRP_INIT);
	WAITS(backup, owner.s_addr, 0);
	WAITS(backup, wants, HOKM_R_MASTER_DOWN);
	WAITS(backup, wants, HOKM_R_GRANTED);
	WAITS(backup, sending, VRRP_SENDING_CLAIM);
	WAITS(backup, claiming, true);
	WAITS(backup, released_ns, AT);
	WAITS(backup, preempt_at_ns, AT);
	WAITS(backup, undecided_ns, AT);
	WAITS(master, wants, HOKM_R_PREEMPT);
	WAITS(master, sending, VRRP_SENDING_RENEW);
	WAITS(master, send_failed, true);
	WAITS(master, rival, true);
	WAITS(master, yield_at_ns, AT);
	WAITS(master, correct_at_ns, AT);
}

static void grants_under_way_are_not_quiet(void **state)
{
	static const struct {
		struct grants g;
		bool quiet;
	} rows[] = {
		{{.phase = GRANTS_IDLE}, true},
		{{.phase = GRANTS_OWNING}, true},
		{{.phase = GRANTS_OWNING, .lapsed_ns = AT}, false},
		{{.phase = GRANTS_CLAIMING}, false},
		{{.phase = GRANTS_RELEASING}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(quiet_grants(&rows[i].g), rows[i].quiet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_new_is_quiet),
		cmocka_unit_test(samples_are_due_between_settles),
		cmocka_unit_test(the_slower_clock_settles),
		cmocka_unit_test(no_tick_is_quiet_after_anything_else),
		cmocka_unit_test(every_change_is_news_at_once),
		cmocka_unit_test(a_slot_without_a_peer_says_nothing),
		cmocka_unit_test(what_a_peer_says_is_covered),
		cmocka_unit_test(a_backup_by_grants_is_quiet),
		cmocka_unit_test(machines_that_wait_are_not_quiet),
		cmocka_unit_test(grants_under_way_are_not_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
