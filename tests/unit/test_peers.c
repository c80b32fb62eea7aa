/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a peer alive, and how does this node know (decide/peer_sight)? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/peers.h"
#include "daemon/services.h"
#include "peer_cases.h"

/* As in a pulse. All machines that this program runs on are little-endian. */
#define BE32(n) ((uint32_t)(n) << 24)

static void each_case(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SIGHT_CASES; i++) {
		const struct sight_case *c = &sight_cases[i];
		struct peer_signs signs = sight_signs(c, NOW);
		struct peer_sight sight = peer_sight(&signs, NOW);

		if (sight.by != c->by || sight.fresh != c->fresh ||
		    sight.silent_since_ns != c->silent_since_ns ||
		    sight.players_dead != c->players_dead)
			fail_msg("%s: by %u, fresh %d, silent for %lld ms, players dead %d",
				 c->what, sight.by, sight.fresh,
				 (long long)(NOW - sight.silent_since_ns) / 1000000,
				 sight.players_dead);
	}
}

/* Where no pulse has come since the boot, an advert has nothing to be compared with. */
static void mac_of_pulses_is_that_of_adverts(void **state)
{
	struct peers p = {0};
	struct hokm_peer *map = &p.list[3].map;

	(void)state;
	map->vrrp_mac[0] = 2;
	assert_true(peers_advert_mac_known(&p, 3));
	map->mac[0] = 4;
	assert_false(peers_advert_mac_known(&p, 3));
	map->mac[0] = 2;
	assert_true(peers_advert_mac_known(&p, 3));
}

/*
 * Its pulses ceased 5 s ago, and count as silence after 100 ms. Replication of a dead node came as
 * long as its pulses, and is no proof for as long as it counts as connected.
 */
static void replication_shows_who_is_unseen(void **state)
{
	static const struct {
		uint64_t seen_ms, repl_ms; /* ago; 0: never */
		bool unseen;
	} rows[] = {
		{5000, 100, true},    {5000, 999, true}, {5000, 1001, false}, {5000, 0, false},
		{900, 790, true},     {900, 810, false}, {500, 500, false},   {150, 40, true},
		{150, 60, false},     {10, 1, false},    {0, 100, true},      {0, 0, false},
		{30000, 2000, false},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct peer_signs signs = {
			.seen_ns = rows[i].seen_ms ? NOW - rows[i].seen_ms * 1000000 : 0,
			.repl_ns = rows[i].repl_ms ? NOW - rows[i].repl_ms * 1000000 : 0,
			.advert_mac_known = true,
			.asking_ns = 1,
			.tick_ns = NOW,
			.dead_ns = 100000000,
			.players_dead_ns = 1000000000,
			.stale_ns = 1000000000,
		};
		const struct peer_sight sight = peer_sight(&signs, NOW);
		struct peer_signs forged = signs;

		if (sight.unseen != rows[i].unseen)
			fail_msg("row %u: unseen %d", i, sight.unseen);
		forged.advert_mac_known = false;
		assert_false(peer_sight(&forged, NOW).unseen);
	}
}

/* When a node has died, this line alone says what the node knew of itself. */
static void a_silent_peer_is_described_by_its_last_pulse(void **state)
{
	static const struct {
		struct hokm_peer map;
		const char *words;
	} t[] = {
		{{.state = HOKM_VRRP_MASTER,
		  .svc = {{.tag = BE32(1), .state = HOKM_SVC_UP},
			  {.tag = BE32(2), .state = HOKM_SVC_DOWN}}},
		 "master, 1 of 2 services up (chat down)"},
		{{.state = HOKM_VRRP_MASTER,
		  .svc = {{.tag = BE32(2), .state = HOKM_SVC_MAINT},
			  {.tag = BE32(1), .state = HOKM_SVC_DOWN}}},
		 "master, 0 of 2 services up (chat maint, game down)"},
		/* This node has no such service. */
		{{.state = HOKM_VRRP_MASTER, .svc = {{.tag = BE32(7), .state = HOKM_SVC_DOWN}}},
		 "master, 0 of 1 services up"},
		/* There is no room for the last one. */
		{{.state = HOKM_VRRP_MASTER,
		  .svc = {{.tag = BE32(3), .state = HOKM_SVC_DOWN},
			  {.tag = BE32(4), .state = HOKM_SVC_DOWN}}},
		 "master, 0 of 2 services up (a-service-whose-name-is-so-long down)"},
		/* A free slot is no service. */
		{{.state = HOKM_VRRP_BACKUP, .svc = {{.state = HOKM_SVC_UP}}},
		 "backup, 0 of 0 services up"},
	};
	static const struct conf_service conf[] = {
		{.name = "game"},
		{.name = "chat"},
		{.name = "a-service-whose-name-is-so-long"},
		{.name = "b-service-whose-name-is-so-long"}};
	static struct services s = {.n = 4};
	char words[PEERS_LAST_HEARD_MAX];

	(void)state;
	for (unsigned int i = 0; i < s.n; i++)
		s.list[i] = (struct service){.conf = &conf[i], .tag = i + 1};
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_string_equal(peers_last_heard(&t[i].map, &s, words), t[i].words);
}

/* The packet path still steers the answer of a client that is notified in between. */
static void nobody_is_notified_before_the_packet_path_sees_the_death(void **state)
{
	const uint64_t limit_ns = 300 * MS, began_ns = NOW - 10 * limit_ns;
	struct peers p = {.list[0] = {.used = true, .map = {.alive_ns = began_ns}},
			  .players_dead_ns = limit_ns,
			  .dead_ns = 100 * MS};
	uint64_t sure_ns = began_ns + limit_ns + HOKM_CLOCK_COARSE_NS;

	(void)state;
	p.tick_ns = began_ns + limit_ns;
	assert_true(peers_sight(&p, 0, p.tick_ns).players_dead);
	assert_false(peers_path_sees_dead(&p, 0, p.tick_ns));
	p.tick_ns = sure_ns - 1;
	assert_false(peers_path_sees_dead(&p, 0, p.tick_ns));
	p.tick_ns = sure_ns;
	assert_true(peers_path_sees_dead(&p, 0, p.tick_ns));
	/* Without probes nothing is known of the time since the last one. */
	p.tick_ns = began_ns + limit_ns - 1;
	assert_false(peers_path_sees_dead(&p, 0, sure_ns + limit_ns));
}

/* The newest one of any peer counts, and an unused slot has none. */
static void pulses_come_until_four_are_missing(void **state)
{
	const uint64_t pulse_ns = 10 * MS;
	struct peers p = {.each_ns = pulse_ns,
			  .list = {{.used = true, .map = {.seen_ns = NOW - pulse_ns}},
				   {.used = true, .map = {.seen_ns = NOW}},
				   {.map = {.seen_ns = NOW + pulse_ns}}}};

	(void)state;
	assert_true(peers_pulses_come(&p, pulse_ns, NOW + 5 * pulse_ns - 1));
	assert_false(peers_pulses_come(&p, pulse_ns, NOW + 5 * pulse_ns));
	/* A calm node looks less often: an answer may be as old as the look before. */
	p.each_ns = 3 * pulse_ns;
	assert_true(peers_pulses_come(&p, pulse_ns, NOW + 9 * pulse_ns - 1));
	assert_false(peers_pulses_come(&p, pulse_ns, NOW + 9 * pulse_ns));
	p.each_ns = pulse_ns;
	p.list[1].used = false;
	assert_false(peers_pulses_come(&p, pulse_ns, NOW + 4 * pulse_ns));
	p.list[0].used = false;
	assert_false(peers_pulses_come(&p, pulse_ns, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(replication_shows_who_is_unseen),
		cmocka_unit_test(mac_of_pulses_is_that_of_adverts),
		cmocka_unit_test(nobody_is_notified_before_the_packet_path_sees_the_death),
		cmocka_unit_test(pulses_come_until_four_are_missing),
		cmocka_unit_test(a_silent_peer_is_described_by_its_last_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
