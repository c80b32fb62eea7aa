/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateway as the third member, as the daemon sees it in the maps: whether grants count at all,
 * and what the packet path finds. The maps, ARP and the gateway are played by this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "daemon/stand_in_watch.h"
#include "hokm/grant_count.h"

#define NOW_NS   (100 * NS_PER_S)
#define GRANT_NS (30 * NS_PER_MS)
#define PULSE_NS (10 * NS_PER_MS)
#define PEER     0
#define GATEWAY  (HOKM_MAX_PEERS - 1)

/* ---- what the daemon works with ---- */

static struct hokm_grants map;

struct hokm_grants *hokm_bpf_grants(const struct hokm_bpf *b)
{
	(void)b;
	return &map;
}

int hokm_bpf_get_peer(struct hokm_bpf *b, unsigned int slot, struct hokm_peer *out)
{
	(void)b;
	(void)slot;
	(void)out;
	return -EBADF;
}

void gateway_watch_ask(struct gateway_watch *w, uint64_t now_ns)
{
	(void)w;
	(void)now_ns;
}

int apply_ask(struct apply *a, struct in_addr own, struct in_addr peer, const unsigned char mac[6])
{
	(void)a;
	(void)own;
	(void)peer;
	(void)mac;
	return 0;
}

/* ---- a node with one peer, both of which know their promises ---- */

static struct conf conf;
static struct node node = {.conf = &conf};
static struct stand_in_watch watch;
static const struct grants_conf grants = {
	.majority = 2,
	.slots = 1U << PEER | 1U << GATEWAY,
	.stand_in = 1U << GATEWAY,
	.length_ns = GRANT_NS,
	.pulse_ns = PULSE_NS};

static int setup(void **state)
{
	(void)state;
	memset(&conf, 0, sizeof(conf));
	memset(&map, 0, sizeof(map));
	conf.arbiter = CONF_ARBITER_GATEWAY;
	conf.on_isolation = CONF_ISOLATION_RELEASE;
	conf.n_nodes = 2;
	conf.vrrp_version = 3;
	conf.grant_ns = GRANT_NS;
	conf.pulse_ns = PULSE_NS;
	conf.advert_ns = 100 * NS_PER_MS;
	memset(&node.peers, 0, sizeof(node.peers));
	node.peers.list[PEER].used = true;
	node.peers.each_ns = PULSE_NS;
	map.count.majority = 2;
	map.own.silent_until_ns = NOW_NS - 50 * NS_PER_S;
	map.member[PEER].answered_ns = NOW_NS - PULSE_NS;
	map.member[PEER].verdict = HOKM_VERDICT_NONE;
	stand_in_watch_init(&watch, &node, NULL);
	return 0;
}

/* Between a claimant and a peer that has booted VRRP's timers decide, so that one of them owns. */
static void grants_count_only_for_an_owner_while_the_peer_knows_no_promises(void **state)
{
	struct hokm_granted *m = &map.member[PEER];

	(void)state;
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS));
	m->verdict = HOKM_VERDICT_SILENT;
	assert_true(stand_in_watch_counts(&watch, &grants, true, NOW_NS));
	assert_false(stand_in_watch_counts(&watch, &grants, false, NOW_NS));
	/* It is dead again. */
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS + 4 * PULSE_NS));
	m->verdict = HOKM_VERDICT_HELD;
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS));
}

/* The owner hands over: no timer decides between its release and its next answer. */
static void a_released_promise_ends_the_lease_that_the_owner_showed_before(void **state)
{
	const struct hokm_grant_ask own = {HOKM_GRANT_PEER(PEER), HOKM_WISH_OWN, 7, GRANT_NS};
	const struct hokm_grant_ask release = {HOKM_GRANT_PEER(PEER), HOKM_WISH_RELEASE, 7, 0};
	struct hokm_peer *peer = &node.peers.list[PEER].map;

	(void)state;
	map.own.longest_ns = GRANT_NS;
	peer->newest_sent_ns = peer->alive_ns = NOW_NS;
	peer->lease_until_ns = NOW_NS + 200 * NS_PER_MS;
	/* It owns without a promise of this node. */
	assert_false(stand_in_watch_counts(&watch, &grants, false, NOW_NS));
	assert_int_equal(hokm_grant_carry_out(&map.own, &own, NOW_NS), HOKM_VERDICT_GRANTED);
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS + NS_PER_MS));
	(void)hokm_grant_carry_out(&map.own, &release, NOW_NS + 2 * NS_PER_MS);
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS + 3 * NS_PER_MS));
	/* The release came over a faster path than an answer from before it. */
	peer->alive_ns = NOW_NS + 3 * NS_PER_MS;
	assert_true(stand_in_watch_counts(&watch, &grants, false, NOW_NS + 4 * NS_PER_MS));
	/* It is asked again and answers: it owns without a promise after all. */
	peer->newest_sent_ns = peer->alive_ns = NOW_NS + 4 * NS_PER_MS;
	assert_false(stand_in_watch_counts(&watch, &grants, false, NOW_NS + 5 * NS_PER_MS));
}

static void step(enum hokm_vrrp_state vrrp, uint64_t now_ns)
{
	const struct vrrp v = {.state = vrrp};

	stand_in_watch_step(&watch, &v, &grants, 0, now_ns);
}

static void an_owner_uses_an_answer_for_longer_while_the_peer_knows_no_promises(void **state)
{
	(void)state;
	node.peers.list[PEER].map.alive_ns = NOW_NS;
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(watch.out.length_ns, GRANT_NS);
	map.member[PEER].verdict = HOKM_VERDICT_SILENT;
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(watch.out.length_ns, 4 * GRANT_NS);
	assert_int_equal(map.gateway.used_ns, hokm_grant_used_ns(4 * GRANT_NS));
	/* It answers no more. */
	node.peers.list[PEER].map.alive_ns = NOW_NS + 4 * PULSE_NS;
	step(HOKM_VRRP_MASTER, NOW_NS + 4 * PULSE_NS);
	assert_int_equal(watch.out.length_ns, GRANT_NS);
}

/* Its lease is that of the moment at which it answered; its promise to itself may end later. */
static void a_claimant_waits_for_the_promise_that_the_owner_made_to_itself(void **state)
{
	const uint64_t held_ns = NOW_NS + 270 * NS_PER_MS;
	struct hokm_peer *peer = &node.peers.list[PEER].map;

	(void)state;
	peer->alive_ns = peer->newest_sent_ns = NOW_NS;
	peer->lease_until_ns = NOW_NS + 20 * NS_PER_MS;
	map.member[PEER].held_until_ns = held_ns;
	step(HOKM_VRRP_BACKUP, NOW_NS);
	assert_int_equal(watch.out.free_at_ns, held_ns);
	/* It has released it. */
	map.member[PEER].held_until_ns = 0;
	step(HOKM_VRRP_BACKUP, NOW_NS);
	assert_int_equal(watch.out.free_at_ns, NOW_NS + hokm_grant_kept_ns(GRANT_NS));
	peer->lease_until_ns = held_ns;
	step(HOKM_VRRP_BACKUP, NOW_NS);
	assert_int_equal(watch.out.free_at_ns, held_ns);
}

/*
 * An answer that was on its way for long proves nothing of the time in which it was: the owner may
 * have been alone meanwhile, and use an answer of the gateway for longer.
 */
static void a_late_answer_shows_the_peer_as_it_was_when_it_was_asked(void **state)
{
	struct hokm_peer *peer = &node.peers.list[PEER].map;

	(void)state;
	peer->alive_ns = NOW_NS;
	peer->newest_sent_ns = NOW_NS - 700 * NS_PER_MS;
	step(HOKM_VRRP_BACKUP, NOW_NS);
	assert_int_equal(watch.out.free_at_ns, NOW_NS + hokm_grant_kept_ns(GRANT_NS));
	peer->newest_sent_ns = NOW_NS - 800 * NS_PER_MS;
	step(HOKM_VRRP_BACKUP, NOW_NS);
	assert_int_equal(watch.out.free_at_ns,
			 NOW_NS + hokm_grant_kept_ns(conf_longest_grant_ns(&conf)));
}

/*
 * The owner let go for this node, or this node claims, and then the owner is cut off: the handover
 * does not come to its end. When Master_Down is over too, an answer of the gateway counts.
 */
static void a_handover_without_an_end_does_not_put_master_down_off(void **state)
{
	static const struct {
		enum hokm_reason wants;
		bool over, claims; /* Master_Down is over; the gateway's answer counts */
	} rows[] = {
		{HOKM_R_MASTER_DOWN, true, true},   {HOKM_R_PRIORITY_ZERO, true, true},
		{HOKM_R_HANDED_OVER, true, true},   {HOKM_R_PREEMPT, true, true},
		{HOKM_R_HANDED_OVER, false, false}, {HOKM_R_PREEMPT, false, false},
		{HOKM_R_GRANTED, false, false},     {HOKM_R_NONE, true, false},
	};
	struct hokm_peer *peer = &node.peers.list[PEER].map;

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct vrrp v = {.state = HOKM_VRRP_BACKUP,
				       .wants = rows[i].wants,
				       .master_down_at_ns = NOW_NS + !rows[i].over};

		setup(NULL);
		peer->alive_ns = peer->newest_sent_ns = NOW_NS - 800 * NS_PER_MS;
		map.gateway.answered_ns = NOW_NS;
		stand_in_watch_step(&watch, &v, &grants, 0, NOW_NS);
		if ((watch.out.counts == HOKM_STAND_IN_CLAIMS) != rows[i].claims)
			fail_msg("row %u", i);
	}
}

/* The gateway has granted, the peer has not. */
static void be_granted_by_the_gateway(void)
{
	const struct hokm_grant_ask self = {HOKM_GRANT_SELF, HOKM_WISH_OWN, 5, GRANT_NS};

	hokm_grants_set_wish(&map, HOKM_WISH_OWN, 5);
	map.own.longest_ns = GRANT_NS;
	(void)hokm_grant_carry_out(&map.own, &self, NOW_NS);
	step(HOKM_VRRP_MASTER, NOW_NS);
	hokm_grants_note(&map, map.gateway.member, 5, NOW_NS + 20 * NS_PER_MS);
	assert_int_equal(hokm_grants_end_ns(&map), NOW_NS + 20 * NS_PER_MS);
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(hokm_grants_end_ns(&map), NOW_NS + 20 * NS_PER_MS);
}

/* The file is read again: a witness, and no gateway. Both count two members. */
static void a_gateway_that_is_no_member_any_more_grants_nothing(void **state)
{
	(void)state;
	be_granted_by_the_gateway();
	conf.arbiter = CONF_ARBITER_WITNESS;
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(hokm_grants_end_ns(&map), 0);
	/* What members grant goes on to count. */
	hokm_grants_note(&map, PEER, 5, NOW_NS + 10 * NS_PER_MS);
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(hokm_grants_end_ns(&map), NOW_NS + 10 * NS_PER_MS);
}

static void a_gateway_whose_slot_goes_to_the_peer_grants_nothing_there(void **state)
{
	(void)state;
	be_granted_by_the_gateway();
	node.peers.list[PEER].used = false;
	node.peers.list[GATEWAY].used = true;
	step(HOKM_VRRP_MASTER, NOW_NS);
	assert_int_equal(hokm_grants_end_ns(&map), 0);
	assert_int_equal(map.gateway.member, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			grants_count_only_for_an_owner_while_the_peer_knows_no_promises, setup),
		cmocka_unit_test_setup(
			a_released_promise_ends_the_lease_that_the_owner_showed_before, setup),
		cmocka_unit_test_setup(
			an_owner_uses_an_answer_for_longer_while_the_peer_knows_no_promises, setup),
		cmocka_unit_test_setup(
			a_claimant_waits_for_the_promise_that_the_owner_made_to_itself, setup),
		cmocka_unit_test_setup(a_late_answer_shows_the_peer_as_it_was_when_it_was_asked,
				       setup),
		cmocka_unit_test_setup(a_handover_without_an_end_does_not_put_master_down_off,
				       setup),
		cmocka_unit_test_setup(a_gateway_that_is_no_member_any_more_grants_nothing, setup),
		cmocka_unit_test_setup(a_gateway_whose_slot_goes_to_the_peer_grants_nothing_there,
				       setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
