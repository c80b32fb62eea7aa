/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the upkeep still has to do, and when: while it has, no tick of the pulse is quiet. And what
 * keeps a node from owning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "upkeep_node.h"

/* Without pulses the next look is no later than it is due, although ticks are quiet. */
static void the_program_is_looked_for_when_no_pulse_comes(void **state)
{
	uint64_t at_ns;

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		tick(true);
		assert_int_equal(upkeep_look_ns(&u, now_ns), 0);
	}
	assert_int_equal(jobs, 0);
	/* It is due when they cease: at this tick, or at the next one. */
	for (unsigned int i = 0; i < 10 && !upkeep_look_ns(&u, now_ns + PULSE_NS); i++)
		tick(false);
	assert_int_not_equal(upkeep_look_ns(&u, now_ns + PULSE_NS), 0);
	assert_true(upkeep_look_ns(&u, now_ns + PULSE_NS) <= now_ns);
	tick(false);
	assert_int_equal(jobs, 1);
	assert_int_equal(given, 1u << KEEP_INGRESS);
	at_ns = upkeep_look_ns(&u, now_ns);
	assert_int_equal(at_ns, now_ns + 100 * NS_PER_MS);
	while (now_ns + PULSE_NS < at_ns)
		tick(false);
	assert_int_equal(jobs, 1);
	tick(false);
	assert_int_equal(jobs, 2);
}

/* As the daemon does before each run. */
static void tick_in_doubt(uint64_t number, bool answered)
{
	bool doubts = upkeep_doubts_link(&u, now_ns + PULSE_NS);

	if (doubts)
		upkeep_read_link(&u, 1, number);
	tick(answered);
}

/* It comes in one job with the program, each 0.1 s until the kernel would have said it. */
static void the_link_is_read_when_pulses_cease(void **state)
{
	unsigned int read = 0;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		tick_in_doubt(1, true);
	assert_int_equal(jobs, 0);
	for (unsigned int i = 0; i < 5; i++)
		tick_in_doubt(2, false);
	assert_int_equal(jobs, 1);
	assert_int_equal(given, 1u << KEEP_INGRESS);
	assert_int_equal(asked_link, 2);
	for (uint64_t number = 3; number < 500; number++) {
		asked_link = 0;
		tick_in_doubt(number, false);
		read += asked_link == number;
	}
	assert_in_range(read, 18, 20);
	/* A peer that never answered says nothing of the link. */
	node.peers.list[0].map.seen_ns = 0;
	assert_false(upkeep_doubts_link(&u, now_ns + 100 * NS_PER_MS));
}

/* Others who go on removing things do not keep the link from being read. */
static void a_link_in_doubt_waits_for_no_gap(void **state)
{
	(void)state;
	u.next_ns = NEVER;
	tick(true);
	upkeep_read_link(&u, 1, 7);
	tick(true);
	assert_int_equal(jobs, 1);
	assert_int_equal(given, 0);
	assert_int_equal(asked_link, 7);
	/* Read once, and for the next doubt 0.1 s later. */
	tick(true);
	assert_int_equal(jobs, 1);
	upkeep_read_link(&u, 1, 8);
	for (unsigned int i = 0; i < 8; i++)
		tick(true);
	assert_int_equal(jobs, 1);
	tick(true);
	assert_int_equal(jobs, 2);
	assert_int_equal(asked_link, 8);
}

/* What the kernel announces twice within the gap: the second job is due at its end. */
static void what_must_wait_for_the_gap_waits(void **state)
{
	const uint64_t gap_ns = 50 * NS_PER_MS;
	uint64_t first_ns;

	(void)state;
	tick(true);
	assert_false(upkeep_waits(&u));
	upkeep_look_for_paths(&u);
	assert_true(upkeep_waits(&u));
	tick(true);
	assert_int_equal(jobs, 1);
	assert_false(upkeep_waits(&u));
	tick(true); /* takes the result; the gap begins */
	first_ns = now_ns;
	upkeep_look_for_paths(&u);
	while (now_ns + PULSE_NS < first_ns + gap_ns) {
		tick(true);
		assert_true(upkeep_waits(&u));
	}
	tick(true);
	assert_int_equal(jobs, 2);
	assert_false(upkeep_waits(&u));
	upkeep_read_link(&u, 1, 7);
	assert_true(upkeep_waits(&u));
}

/*
 * It is tried again after 0.2 s while it is new, and then after two seconds. It waits for that
 * time, not for each tick.
 */
static void what_fails_does_not_wait_for_ever(void **state)
{
	unsigned int waited = 0;

	(void)state;
	for (unsigned int i = 0; i < KEEP_PARTS; i++)
		result.n[i] = -EPERM;
	upkeep_look_for_paths(&u);
	for (unsigned int i = 0; i < 1000; i++) {
		/* Others change it meanwhile. */
		if (i % 100 == 50)
			upkeep_look_for_paths(&u);
		tick(true);
		waited += upkeep_waits(&u);
	}
	assert_in_range(jobs, 8, 11);
	assert_in_range(waited, 0, 10);
}

/* ---- what keeps a node from owning ---- */

/* For so long each look finds the part like that. */
static void look_at(enum keep_part part, int found, uint64_t long_ns)
{
	const uint64_t end_ns = now_ns + long_ns;

	result.n[part] = found;
	while (now_ns < end_ns) {
		u.job.parts |= 1u << part; /* as after an announcement */
		u.retry_ns[part] = 0;
		tick(true);
	}
}

static const char *obstacle(void)
{
	uint64_t waits_ns;

	return upkeep_obstacle(&u, now_ns, &waits_ns);
}

/* It is put back each time, and is away until then. */
static void what_is_removed_again_and_again(void **state)
{
	static const struct {
		enum keep_part part;
		bool vital;
	} rows[] = {
		{KEEP_ADDRS, true},   {KEEP_ROUTES, true}, {KEEP_SYSCTLS, true},
		{KEEP_INGRESS, true}, {KEEP_EGRESS, true}, {KEEP_FENCES, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(state);
		look_at(rows[i].part, 1, 5 * NS_PER_S);
		assert_true(u.count[rows[i].part] >= 5);
		assert_int_equal(upkeep_broken(&u, now_ns), rows[i].vital);
		/* It stays: so must the node, for 30 s. */
		look_at(rows[i].part, 0, 29 * NS_PER_S);
		assert_int_equal(upkeep_broken(&u, now_ns), rows[i].vital);
		look_at(rows[i].part, 0, 2 * NS_PER_S);
		assert_false(upkeep_broken(&u, now_ns));
	}
}

static void wait_for(uint64_t long_ns)
{
	const uint64_t end_ns = now_ns + long_ns;

	while (now_ns < end_ns)
		tick(true);
}

/* The kernel refuses to add an address or a route, or takes its time, as a busy one may. */
static void a_vip_that_cannot_be_set(void **state)
{
	const struct {
		bool *which;
		uint64_t patience_ns;
	} rows[] = {{&unset, NS_PER_S}, {&lacking, 5 * NS_PER_S}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(state);
		*rows[i].which = true;
		wait_for(rows[i].patience_ns - 100 * NS_PER_MS);
		assert_null(obstacle());
		wait_for(200 * NS_PER_MS);
		assert_non_null(obstacle());
		assert_string_equal(obstacle(), "an address or a route of a VIP");
		/* It can only fail while the node owns: it must stay away for a while. */
		*rows[i].which = false;
		wait_for(29 * NS_PER_S);
		assert_non_null(obstacle());
		wait_for(2 * NS_PER_S);
		assert_null(obstacle());
	}
}

/* The kernel does not announce all. Some parts are looked at each second, and all each ten. */
static void all_is_looked_at_without_an_announcement(void **state)
{
	const unsigned int all = (1u << KEEP_PARTS) - 1;
	unsigned int often = 0, full = 0, before = 0;

	(void)state;
	u.often_ns = u.full_ns = now_ns;
	for (unsigned int i = 0; i < 2995; i++) {
		tick(true);
		if (jobs == before)
			continue;
		before = jobs;
		full += given == all;
		often += given != all;
		assert_int_equal(given & 1u << KEEP_PINS, 1u << KEEP_PINS);
		assert_int_equal(given & 1u << KEEP_SYSCTLS, 1u << KEEP_SYSCTLS);
	}
	assert_int_equal(full, 3);
	assert_in_range(often, 26, 27);
}

/* Part by part: it fails at one look, as for pins while the bpffs is mounted anew. */
static void a_failure_that_ends_at_once(void **state)
{
	static const struct {
		enum keep_part part;
		int found; /* at each look for `fails_ns` */
		uint64_t fails_ns;
	} rows[] = {
		{KEEP_PINS, -EMEDIUMTYPE, 300 * NS_PER_MS},
		{KEEP_INGRESS, -EBUSY, 700 * NS_PER_MS},
		{KEEP_CLIENTS, -ENETUNREACH, 1500 * NS_PER_MS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(state);
		result.n[rows[i].part] = rows[i].found;
		u.job.parts |= 1u << rows[i].part; /* as after an announcement; there is no other */
		wait_for(rows[i].fails_ns);
		assert_int_not_equal(u.failing_ns[rows[i].part], 0);
		result.n[rows[i].part] = 0;
		for (unsigned int t = 0; t < 300; t++) {
			tick(true);
			assert_null(obstacle());
		}
		assert_int_equal(u.failing_ns[rows[i].part], 0);
	}
}

/* The daemon alone holds what was pinned: its end would be that of its programs. */
static void pins_that_cannot_be_put_back(void **state)
{
	(void)state;
	look_at(KEEP_PINS, -EMEDIUMTYPE, 900 * NS_PER_MS);
	assert_null(obstacle());
	look_at(KEEP_PINS, -EMEDIUMTYPE, 200 * NS_PER_MS);
	assert_non_null(obstacle());
	/* The node is no worse an owner, and stays away for a while where it is not needed. */
	assert_true(upkeep_unpinned(&u, now_ns));
	assert_false(upkeep_broken(&u, now_ns));
	look_at(KEEP_PINS, 0, 29 * NS_PER_S);
	assert_true(upkeep_unpinned(&u, now_ns));
	look_at(KEEP_PINS, 0, 2 * NS_PER_S);
	assert_false(upkeep_unpinned(&u, now_ns));
	assert_null(obstacle());
	set_up(state);
	look_at(KEEP_FENCES, -EPERM, 5 * NS_PER_S);
	assert_null(obstacle());
}

/* For six seconds the routes of the interface are gone again and again. */
static void look_at_routes(int announced_on)
{
	for (unsigned int i = 0; i < 20; i++) {
		if (announced_on)
			announce(KERNEL_OURS_GONE, announced_on, &u);
		look_at(KEEP_ROUTES, 1, 200 * NS_PER_MS);
		look_at(KEEP_ROUTES, 0, 100 * NS_PER_MS);
	}
}

/*
 * The kernel takes them along with the last address of the interface, as when it gets another mask.
 * A program that removes them again and again is heard.
 */
static void routes_of_the_interface(void **state)
{
	assert_int_equal(upkeep_start(&u), -ENODEV);
	n_routes_put = 0;
	look_at_routes(0);
	assert_int_equal(u.count[KEEP_ROUTES], 0);
	assert_false(upkeep_broken(&u, now_ns));
	/* One of lo is counted anyway. */
	look_at_routes(1);
	assert_int_equal(u.count[KEEP_ROUTES], 0);
	set_up(state);
	n_routes_put = 0;
	look_at_routes(2);
	assert_in_range(u.count[KEEP_ROUTES], 5, 20);
	assert_true(upkeep_broken(&u, now_ns));
	/* What was removed long before, as by a reload, is no sign of others. */
	set_up(state);
	n_routes_put = 0;
	announce(KERNEL_OURS_GONE, 2, &u);
	look_at(KEEP_ROUTES, 0, 3 * NS_PER_S);
	look_at(KEEP_ROUTES, 1, NS_PER_S);
	assert_int_equal(u.count[KEEP_ROUTES], 0);
}

static void put_routes_until(uint64_t many)
{
	result.n[KEEP_ROUTES] = 1;
	u.job.parts |= 1u << KEEP_ROUTES;
	for (unsigned int i = 0; i < 20 && u.count[KEEP_ROUTES] < many; i++)
		tick(true);
	result.n[KEEP_ROUTES] = 0;
	assert_int_equal(u.count[KEEP_ROUTES], many);
}

/* It comes in the same moment as the first one is put back, and has a time of its own. */
static void a_second_removal_of_a_route(void **state)
{
	(void)state;
	assert_int_equal(upkeep_start(&u), -ENODEV);
	n_routes_put = 0;
	announce(KERNEL_OURS_GONE, 2, &u);
	wait_for(1900 * NS_PER_MS);
	put_routes_until(1);
	announce(KERNEL_OURS_GONE, 2, &u);
	wait_for(300 * NS_PER_MS);
	put_routes_until(2);
}

/* Nobody puts it back but the program that removes it. It never fails for a whole second. */
static void an_own_address_that_comes_and_goes(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		assert_null(obstacle());
		look_at(KEEP_SELF, -EADDRNOTAVAIL, 700 * NS_PER_MS);
		look_at(KEEP_SELF, 0, 2300 * NS_PER_MS / 2);
	}
	assert_non_null(obstacle());
}

/* Who configures a network anew sets its routes last. Then nobody can be answered for a moment. */
static void routes_to_the_clients_that_come_late(void **state)
{
	(void)state;
	look_at(KEEP_CLIENTS, -ENETUNREACH, 900 * NS_PER_MS);
	assert_int_equal(u.failing_ns[KEEP_CLIENTS], 0);
	look_at(KEEP_CLIENTS, 0, 2 * NS_PER_S);
	assert_null(obstacle());
	look_at(KEEP_CLIENTS, -ENETUNREACH, 1500 * NS_PER_MS);
	assert_int_not_equal(u.failing_ns[KEEP_CLIENTS], 0);
	assert_null(obstacle());
	look_at(KEEP_CLIENTS, -ENETUNREACH, NS_PER_S);
	assert_non_null(obstacle());
	/* Without its link the interface has no routes, and nothing new is known. */
	look_at(KEEP_CLIENTS, -ENODEV, 5 * NS_PER_S);
	assert_non_null(obstacle());
	/* The node is a good owner as soon as they are there. */
	look_at(KEEP_CLIENTS, 0, 1500 * NS_PER_MS);
	assert_null(obstacle());
	/* With its link they have their second again, whatever was missed before. */
	look_at(KEEP_CLIENTS, -ENETUNREACH, 500 * NS_PER_MS);
	look_at(KEEP_CLIENTS, -ENODEV, 5 * NS_PER_S);
	look_at(KEEP_CLIENTS, -ENETUNREACH, 900 * NS_PER_MS);
	assert_int_equal(u.failing_ns[KEEP_CLIENTS], 0);
}

/* One look says nothing of a failure that is new: the next one comes as soon as otherwise. */
static void a_look_that_says_nothing_delays_no_other(void **state)
{
	(void)state;
	result.n[KEEP_CLIENTS] = -ENETUNREACH;
	u.job.parts |= 1u << KEEP_CLIENTS;
	wait_for(1500 * NS_PER_MS);
	assert_int_not_equal(u.failing_ns[KEEP_CLIENTS], 0);
	result.n[KEEP_CLIENTS] = -ENODEV;
	wait_for(250 * NS_PER_MS);
	result.n[KEEP_CLIENTS] = 0;
	for (unsigned int t = 0; t < 300; t++) {
		tick(true);
		assert_null(obstacle());
	}
	assert_int_equal(u.failing_ns[KEEP_CLIENTS], 0);
}

/* A filter before ours ends the chain: no probe is seen, and the peers answer them. */
static void a_filter_that_sees_nothing(void **state)
{
	static const struct {
		bool answers;      /* over the segment; over a path they answer always */
		unsigned int seen; /* in each of four seconds */
		int egress;        /* as the keeper finds the filter */
		bool blind;
	} rows[] = {
		{true, 100, 0, false},
		{true, 0, 0, true},
		{false, 0, 0, false},
		{true, 0, -EBUSY, false}, /* it is not there: that is another obstacle */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up(state);
		for (unsigned int s = 0; s < 4; s++) {
			look_at(KEEP_EGRESS, rows[i].egress, NS_PER_S);
			if (rows[i].answers)
				node.peers.list[0].map.answer_sent_ns = now_ns;
			node.peers.list[0].map.newest_sent_ns = now_ns;
			probes_seen += rows[i].seen;
		}
		assert_int_equal(u.sight.blind, rows[i].blind);
		if (rows[i].blind)
			assert_string_equal(obstacle(), "sight of the egress filter");
		else if (rows[i].egress)
			assert_string_equal(obstacle(), "part");
		else
			assert_null(obstacle());
	}
}

/* What the log said of a blind filter ends there, too, when the filter fails. */
static void a_blind_filter_that_fails(void **state)
{
	int log = memfd_create("log", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	char text[4096] = "";

	(void)state;
	assert_true(log >= 0 && saved >= 0);
	u.sight.blind = true;
	u.sight_ns = NEVER;
	assert_true(dup2(log, STDERR_FILENO) >= 0);
	look_at(KEEP_EGRESS, -EBUSY, NS_PER_S);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	assert_true(pread(log, text, sizeof(text) - 1, 0) >= 0);
	close(log);
	assert_false(u.sight.blind);
	assert_non_null(strstr(text, "whether it sees what leaves is not known"));
	assert_null(strstr(strstr(text, "whether it") + 1, "whether it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_program_is_looked_for_when_no_pulse_comes, set_up),
		cmocka_unit_test_setup(the_link_is_read_when_pulses_cease, set_up),
		cmocka_unit_test_setup(a_link_in_doubt_waits_for_no_gap, set_up),
		cmocka_unit_test_setup(what_must_wait_for_the_gap_waits, set_up),
		cmocka_unit_test_setup(what_fails_does_not_wait_for_ever, set_up),
		cmocka_unit_test(what_is_removed_again_and_again),
		cmocka_unit_test(a_failure_that_ends_at_once),
		cmocka_unit_test_setup(pins_that_cannot_be_put_back, set_up),
		cmocka_unit_test(a_vip_that_cannot_be_set),
		cmocka_unit_test_setup(all_is_looked_at_without_an_announcement, set_up),
		cmocka_unit_test_setup(routes_of_the_interface, set_up),
		cmocka_unit_test_setup(a_second_removal_of_a_route, set_up),
		cmocka_unit_test_setup(an_own_address_that_comes_and_goes, set_up),
		cmocka_unit_test_setup(routes_to_the_clients_that_come_late, set_up),
		cmocka_unit_test_setup(a_look_that_says_nothing_delays_no_other, set_up),
		cmocka_unit_test(a_filter_that_sees_nothing),
		cmocka_unit_test_setup(a_blind_filter_that_fails, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
