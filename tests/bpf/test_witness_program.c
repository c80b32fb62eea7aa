/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program of a witness (bpf/witness_pulse.h), packet by packet: it grants by the rules that
 * test_grant tests on a node, says which other nodes it hears, and lets every other frame pass.
 */
#include "grant_spec.h"

#define VERDICT_DROP 1
#define VERDICT_PASS 2
#define VERDICT_TX   3

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

/* Both peers are nodes that have not been heard, and the silence is over. */
static int setup(void **state)
{
	const struct hokm_grants g = grants_member();
	const struct hokm_peer nothing = {0};
	const struct hokm_own none = {0};
	int err = fix_reset(state);
	struct fix *x = *state;

	grants_put(x, &g);
	fix_own(x, &none);
	for (unsigned int slot = 0; slot < 2; slot++)
		fix_peer_set(x, slot, &nothing);
	for (unsigned int slot = 0; slot < HOKM_MAX_SERVICES; slot++)
		fix_service(x, slot, 0, HOKM_SVC_INIT);
	x->cfg.pulse_nonce = 0;
	x->cfg.n_vips = 0;
	fix_cfg(x);
	return err;
}

#define WITNESS_TEST(fn) cmocka_unit_test_setup(fn, setup)

/* The answer that leaves as a frame to the asking node, with a tag of this witness. */
static struct hokm_pulse answer_to(struct fix *x, unsigned int slot, const struct hokm_pulse *p)
{
	struct hokm_pulse got;
	struct frame f;

	pulse_frame_of(&f, slot, p);
	fix_witness(x, &f);
	assert_int_equal(x->verdict, VERDICT_TX);
	assert_int_equal(x->out.len, f.len);
	assert_memory_equal(x->out.b, pulse_peer_mac(slot), 6);
	assert_memory_equal(x->out.b + 6, OWN_MAC, 6);
	got = pulse_out(x);
	assert_int_equal(be64toh(got.tag), pulse_own_tag(x, slot, &got));
	assert_int_equal(got.kind, HOKM_PULSE_ANSWER);
	assert_int_equal(got.nonce, p->nonce);
	assert_int_equal(got.sent_ns, p->sent_ns);
	assert_memory_equal(got.mac, OWN_MAC, 6);
	return got;
}

static struct hokm_pulse ask(struct fix *x, unsigned int slot, uint64_t sent_ns,
			     enum hokm_wish wish, uint64_t epoch)
{
	struct hokm_pulse p = wish_of(x, slot, sent_ns, wish, epoch, LENGTH_NS);

	return answer_to(x, slot, &p);
}

static void grants_one_node_at_a_time(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse a = ask(x, 0, 1, HOKM_WISH_OWN, EPOCH);

	assert_int_equal(a.grant.verdict, HOKM_VERDICT_GRANTED);
	assert_int_equal(a.grant.holder, htonl(PEER0_ADDR));
	a = ask(x, 1, 1, HOKM_WISH_OWN, EPOCH + 1);
	assert_int_equal(a.grant.verdict, HOKM_VERDICT_HELD);
	assert_int_equal(a.grant.holder, htonl(PEER0_ADDR));
	a = ask(x, 0, 2, HOKM_WISH_RELEASE, EPOCH);
	assert_int_equal(a.grant.holder, 0);
	a = ask(x, 1, 2, HOKM_WISH_OWN, EPOCH + 1);
	assert_int_equal(a.grant.verdict, HOKM_VERDICT_GRANTED);
	assert_int_equal(hokm_grant_member(grants_get(x).own.word), HOKM_GRANT_PEER(1));
	assert_int_equal(NODE(x, pulse_probes), 4);
}

/* It owns nothing, whatever else is in its maps. */
static void is_no_owner(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse a = ask(x, 0, 1, HOKM_WISH_NONE, 0);

	assert_int_equal(a.state, HOKM_VRRP_INIT);
	assert_int_equal(a.priority, 0);
	assert_int_equal(a.lease_left_ns, 0);
	assert_int_equal(a.daemon_age_ns, 0);
	assert_int_equal(a.epoch, 0);
	assert_int_equal(a.flags, HOKM_PULSE_KERNEL);
}

static void new_map_is_silent(void **state)
{
	struct hokm_grants g = grants_member();
	struct fix *x = *state;

	g.own.silent_until_ns = fix_now() + LONG_NS;
	grants_put(x, &g);
	assert_int_equal(ask(x, 0, 1, HOKM_WISH_OWN, EPOCH).grant.verdict, HOKM_VERDICT_SILENT);
	assert_int_equal(grants_get(x).own.word, 0);
	g.own.silent_until_ns = fix_now();
	grants_put(x, &g);
	assert_int_equal(ask(x, 0, 2, HOKM_WISH_OWN, EPOCH).grant.verdict, HOKM_VERDICT_GRANTED);
}

/* ---- the nodes that it hears ---- */

static unsigned int heard(const struct hokm_pulse *a, uint32_t *addr, uint32_t *age_us)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		if (!a->heard[i].addr) {
			assert_int_equal(a->heard[i].age_us, 0);
			continue;
		}
		*addr = ntohl(a->heard[i].addr);
		*age_us = ntohl(a->heard[i].age_us);
		n++;
	}
	return n;
}

static void says_which_other_nodes_it_hears(void **state)
{
	uint32_t addr = 0, age_us = 0;
	struct fix *x = *state;
	struct hokm_pulse a = ask(x, 0, 1, HOKM_WISH_NONE, 0);
	struct hokm_peer peer;

	assert_int_equal(heard(&a, &addr, &age_us), 0); /* the asking one knows of itself */
	a = ask(x, 1, 1, HOKM_WISH_NONE, 0);
	assert_int_equal(heard(&a, &addr, &age_us), 1);
	assert_int_equal(addr, PEER0_ADDR);
	peer = fix_peer(x, 1);
	peer.alive_ns = fix_now() - LIMIT_NS;
	fix_peer_set(x, 1, &peer);
	a = ask(x, 0, 2, HOKM_WISH_NONE, 0);
	assert_int_equal(heard(&a, &addr, &age_us), 1);
	assert_int_equal(addr, PEER1_ADDR);
	assert_in_range(age_us, LIMIT_NS / 1000, 100 * LIMIT_NS / 1000);
}

/* A stamp of another CPU may lie ahead, and one of an hour ago does not fit the field. */
static void ages_that_do_not_fit_are_not_said_wrong(void **state)
{
	struct hokm_peer peer = {.alive_ns = fix_now() + LONG_NS};
	uint32_t addr = 0, age_us = 1;
	struct fix *x = *state;
	struct hokm_pulse a;

	fix_peer_set(x, 1, &peer);
	a = ask(x, 0, 1, HOKM_WISH_NONE, 0);
	assert_int_equal(heard(&a, &addr, &age_us), 1);
	assert_int_equal(age_us, 0);
}

/* The nodes would take the other one for alive. */
static void what_is_not_a_probe_is_no_sign_of_life(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = pulse_answer_of(x, 1, fix_now());
	uint32_t addr = 0, age_us = 0;
	struct hokm_pulse a;
	struct frame f;

	pulse_frame_of(&f, 1, &p);
	fix_witness(x, &f);
	assert_int_equal(x->verdict, VERDICT_DROP);
	assert_int_equal(NODE(x, drop_pulse_nonce), 1);
	frame_arp(&f, &(struct eth_spec){.from = PEER1_MAC}, 1, PEER1_ADDR, OWN_ADDR);
	fix_witness(x, &f);
	assert_int_equal(x->verdict, VERDICT_PASS);
	a = ask(x, 0, 1, HOKM_WISH_NONE, 0);
	assert_int_equal(heard(&a, &addr, &age_us), 0);
}

/* A probe of the owner must not tell a witness to steer, or keep a lease there. */
static void no_probe_changes_the_state_of_a_node(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = wish_of(x, 0, 1, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	struct hokm_peer peer;

	p.state = HOKM_VRRP_MASTER;
	p.lease_left_ns = htobe64(LONG_NS);
	pulse_sign(x, 0, &p);
	(void)answer_to(x, 0, &p);
	peer = fix_peer(x, 0);
	assert_int_equal(peer.state, 0);
	assert_int_equal(peer.lease_until_ns, 0);
	assert_int_equal(peer.seen_ns, 0);
}

/* ---- forged and replayed ---- */

static void expect_refused(struct fix *x, const struct frame *f, enum hokm_counter c)
{
	const struct hokm_grants before = grants_get(x);
	const uint64_t n = fix_count(x, HOKM_NODE_SLOT, c), drops = fix_count_drops(x);
	struct hokm_grants after;

	fix_witness(x, f);
	assert_int_equal(x->verdict, VERDICT_DROP);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, c), n + 1);
	assert_int_equal(fix_count_drops(x), drops + 1);
	after = grants_get(x);
	assert_memory_equal(&before, &after, sizeof(after));
	assert_int_equal(fix_peer(x, 0).alive_ns, 0);
	assert_int_equal(fix_peer(x, 1).alive_ns, 0);
}

static void forged_probes_change_nothing(void **state)
{
	struct fix *x = *state;
	const struct hokm_pulse good = wish_of(x, 0, 1000, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	const struct eth_spec eth = {.from = PEER0_MAC}, other = {.from = OTHER_MAC};
	struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255};
	struct hokm_pulse p = good;
	struct frame f;

	p.grant.epoch = htobe64(EPOCH + 1);
	pulse_frame_of(&f, 0, &p);
	expect_refused(x, &f, HOKM_CTR_drop_pulse_tag);
	pulse_frame_of(&f, 1, &good); /* as another node's */
	expect_refused(x, &f, HOKM_CTR_drop_pulse_tag);
	frame_udp(&f, &other, &ip, PULSE_PORT, &good, sizeof(good));
	expect_refused(x, &f, HOKM_CTR_drop_pulse_mac);
	frame_udp(&f, &eth, &ip, PULSE_PORT, &good, sizeof(good) - 1);
	expect_refused(x, &f, HOKM_CTR_drop_pulse_short);
	ip.ttl = 254;
	frame_udp(&f, &eth, &ip, PULSE_PORT, &good, sizeof(good));
	expect_refused(x, &f, HOKM_CTR_drop_pulse_ttl);
	ip = (struct ip_spec){.src = OTHER_ADDR, .ttl = 255};
	frame_udp(&f, &eth, &ip, PULSE_PORT, &good, sizeof(good));
	expect_refused(x, &f, HOKM_CTR_drop_pulse_source);
	p = good;
	p.vrid = TEST_VRID + 1;
	pulse_sign(x, 0, &p);
	pulse_frame_of(&f, 0, &p);
	expect_refused(x, &f, HOKM_CTR_drop_pulse_version);
	assert_int_equal(answer_to(x, 0, &good).grant.verdict, HOKM_VERDICT_GRANTED);
}

static void a_probe_counts_once(void **state)
{
	struct fix *x = *state;
	const struct hokm_pulse p = wish_of(x, 0, 1000, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	struct hokm_grants before, after;
	struct frame f;

	(void)answer_to(x, 0, &p);
	before = grants_get(x);
	pulse_frame_of(&f, 0, &p);
	fix_witness(x, &f);
	assert_int_equal(x->verdict, VERDICT_DROP);
	assert_int_equal(NODE(x, drop_pulse_replay), 1);
	after = grants_get(x);
	assert_memory_equal(&before, &after, sizeof(after));
}

/* ---- everything else ---- */

static void expect_pass_unchanged(struct fix *x, const struct frame *f)
{
	fix_witness(x, f);
	assert_int_equal(x->verdict, VERDICT_PASS);
	assert_int_equal(x->out.len, f->len);
	assert_memory_equal(x->out.b, f->b, f->len);
}

/* The machine may be a router, run keepalived of its own, or have the address of others. */
static void other_frames_pass(void **state)
{
	struct fix *x = *state;
	const struct hokm_pulse p = wish_of(x, 0, 1, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	const struct eth_spec eth = {.from = PEER0_MAC};
	const struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255};
	const struct ip_spec beyond = {.src = PEER0_ADDR, .dst = OTHER_ADDR, .ttl = 255};
	struct frame f;

	fix_owner(x, false);
	frame_tcp(&f, SEG(.flags = SYN, .seq = 1000));
	expect_pass_unchanged(x, &f);
	frame_arp(&f, &eth, 1, CLIENT_ADDR, VIP_ADDR);
	expect_pass_unchanged(x, &f);
	frame_vrrp(&f, &eth, &ip, TEST_VRID, 20);
	expect_pass_unchanged(x, &f);
	frame_udp(&f, &eth, &ip, PULSE_PORT + 1, &p, sizeof(p));
	expect_pass_unchanged(x, &f);
	frame_udp(&f, &eth, &beyond, PULSE_PORT, &p, sizeof(p));
	expect_pass_unchanged(x, &f);
	frame_cut(&f, 40);
	expect_pass_unchanged(x, &f);
	frame_cut(&f, 10 + 4);
	expect_pass_unchanged(x, &f);
	assert_int_equal(fix_count_all(x), 0);
}

static void without_configuration_all_passes(void **state)
{
	struct fix *x = *state;
	const struct hokm_pulse p = wish_of(x, 0, 1, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	struct frame f;

	memset(&x->cfg, 0, sizeof(x->cfg));
	fix_cfg(x);
	pulse_frame_of(&f, 0, &p);
	expect_pass_unchanged(x, &f);
}

static void answers_in_a_vlan(void **state)
{
	struct fix *x = *state;
	const struct hokm_pulse p = wish_of(x, 0, 1, HOKM_WISH_OWN, EPOCH, LENGTH_NS);
	const struct eth_spec eth = {.from = PEER0_MAC, .tags = 2};
	const struct ip_spec ip = {.src = PEER0_ADDR, .ttl = 255, .options = 2};
	struct hokm_pulse got;
	struct frame f;

	frame_udp(&f, &eth, &ip, PULSE_PORT, &p, sizeof(p));
	fix_witness(x, &f);
	assert_int_equal(x->verdict, VERDICT_TX);
	got = pulse_out(x);
	assert_int_equal(be64toh(got.tag), pulse_own_tag(x, 0, &got));
	assert_int_equal(got.grant.verdict, HOKM_VERDICT_GRANTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITNESS_TEST(grants_one_node_at_a_time),
		WITNESS_TEST(is_no_owner),
		WITNESS_TEST(new_map_is_silent),
		WITNESS_TEST(says_which_other_nodes_it_hears),
		WITNESS_TEST(ages_that_do_not_fit_are_not_said_wrong),
		WITNESS_TEST(what_is_not_a_probe_is_no_sign_of_life),
		WITNESS_TEST(no_probe_changes_the_state_of_a_node),
		WITNESS_TEST(forged_probes_change_nothing),
		WITNESS_TEST(a_probe_counts_once),
		WITNESS_TEST(other_frames_pass),
		WITNESS_TEST(without_configuration_all_passes),
		WITNESS_TEST(answers_in_a_vlan),
	};

	return cmocka_run_group_tests_name("witness program", tests, fix_open, fix_close);
}
