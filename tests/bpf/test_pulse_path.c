/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pulses over a path beside the segment, which ends at another interface of the machine: answered
 * and taken in by the fence. They prove life and bring the state of the peer, and never where it is
 * steered to. Replication messages pass the same guard there as over the segment.
 *
 * BPF_PROG_TEST_RUN runs the frame on lo, whose index is 1 and whose MAC address is zero.
 */
#include <bpf/bpf.h>

#include "grant_spec.h"

#define LO_INDEX   1
#define PATH       1
#define PATH_OWN   IPV4(10, 0, 0, 26)
#define PATH_PEER0 IPV4(10, 0, 0, 27)
#define PATH_PEER1 IPV4(10, 0, 0, 28)
#define PEER_NONCE 0xabcdefull

#define TC_SHOT        2
#define TC_REDIRECT    7
#define XDP_VERDICT_TX 3

#define NODE(x, c) fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)

static const uint8_t LO_MAC[6];
static const uint8_t CABLE_OWN[6] = {0x02, 0, 0, 0, 1, 26}, CABLE_PEER[6] = {0x02, 0, 0, 0, 1, 27};
/* A segment whose pulses have been silent for long. */
static const struct hokm_path_peer NOTHING;

static struct hokm_path_peer on_path(struct fix *x, unsigned int slot)
{
	uint32_t key = HOKM_PATH_KEY(PATH, slot);
	struct hokm_path_peer p;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.path_peers), &key, &p), 0);
	return p;
}

static int reset(void **state)
{
	int err = fix_reset(state);
	struct fix *x = *state;

	x->cfg.path[0] = (struct hokm_path_cfg){
		.ifindex = LO_INDEX,
		.addr = htonl(PATH_OWN),
		.peer = {htonl(PATH_PEER0), htonl(PATH_PEER1)},
	};
	memcpy(x->cfg.path[0].mac, CABLE_OWN, sizeof(CABLE_OWN));
	fix_cfg(x);
	for (uint32_t key = 0; key < HOKM_PATH_KEYS; key++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.path_peers), &key,
						     &NOTHING, BPF_ANY),
				 0);
	return err;
}

static void sign_between(const struct fix *x, struct hokm_pulse *p, uint32_t from, uint32_t to)
{
	p->tag = htobe64(hokm_pulse_tag(p, htonl(from), htonl(to), x->keys.from[0][0]));
}

static void sign(const struct fix *x, struct hokm_pulse *p)
{
	sign_between(x, p, PATH_PEER0, PATH_OWN);
}

static struct hokm_pulse on_cable(const struct fix *x, struct hokm_pulse p)
{
	memcpy(p.mac, CABLE_PEER, sizeof(p.mac));
	sign(x, &p);
	return p;
}

static struct hokm_pulse probe(const struct fix *x, uint64_t sent_ns)
{
	return on_cable(x, pulse_probe_of(x, 0, PEER_NONCE, sent_ns));
}

static struct hokm_pulse answer(const struct fix *x, uint64_t sent_ns)
{
	return on_cable(x, pulse_answer_of(x, 0, sent_ns));
}

static void run(struct fix *x, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len,
		    .data_out = x->out.b, .data_size_out = sizeof(x->out.b), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(x->fence, &o), 0);
	x->verdict = (int)o.retval;
	x->out.len = o.data_size_out;
	x->out.l3 = f->l3;
	x->out.l4 = f->l4;
}

static void frame_of(struct frame *f, const struct hokm_pulse *p)
{
	const struct eth_spec eth = {.from = CABLE_PEER, .to = LO_MAC};
	const struct ip_spec ip = {.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255};

	frame_udp(f, &eth, &ip, PULSE_PORT, p, sizeof(*p));
}

static void run_pulse(struct fix *x, const struct hokm_pulse *p, int verdict)
{
	struct frame f;

	frame_of(&f, p);
	run(x, &f);
	assert_int_equal(x->verdict, verdict);
}

/* Hidden from the kernel with this counter; nothing that is known of the peer changes. */
static void expect_refused(struct fix *x, const struct frame *f, enum hokm_counter c)
{
	struct hokm_peer before = fix_peer(x, 0), after;
	struct hokm_path_peer path = on_path(x, 0), path_after;
	uint64_t drops = fix_count_drops(x), n = fix_count(x, HOKM_NODE_SLOT, c);

	run(x, f);
	assert_int_equal(x->verdict, EGRESS_PASS);
	assert_int_equal(fix_count_drops(x), drops + 1);
	assert_int_equal(fix_count(x, HOKM_NODE_SLOT, c), n + 1);
	after = fix_peer(x, 0);
	after.wrong_tag_ns = before.wrong_tag_ns;
	assert_memory_equal(&after, &before, sizeof(after));
	path_after = on_path(x, 0);
	assert_memory_equal(&path_after, &path, sizeof(path));
}

static void expect_pulse_refused(struct fix *x, const struct hokm_pulse *p, enum hokm_counter c)
{
	struct frame f;

	frame_of(&f, p);
	expect_refused(x, &f, c);
}

/* ---- probes ---- */

static void probe_is_answered_on_the_path(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, 1000), got;
	uint64_t before = fix_now();

	fix_owner(x, true);
	fix_peer_dead(x, 0);
	run_pulse(x, &p, TC_REDIRECT);
	assert_memory_equal(x->out.b, CABLE_PEER, 6);
	assert_memory_equal(x->out.b + 6, CABLE_OWN, 6);
	assert_int_equal(x->out.len, 14 + 20 + 8 + sizeof(got));
	assert_true(frame_ip_checksum_ok(&x->out));
	assert_memory_equal(x->out.b + x->out.l3 + 12, &(uint32_t){htonl(PATH_OWN)}, 4);
	assert_memory_equal(x->out.b + x->out.l3 + 16, &(uint32_t){htonl(PATH_PEER0)}, 4);
	assert_memory_equal(x->out.b + x->out.l4, &(uint16_t){htons(PULSE_PORT)}, 2);
	assert_memory_equal(x->out.b + x->out.l4 + 2, &(uint16_t){htons(5000)}, 2);
	assert_memory_equal(x->out.b + x->out.l4 + 6, &(uint16_t){0}, 2);
	got = pulse_out(x);
	assert_int_equal(got.kind, HOKM_PULSE_ANSWER);
	assert_int_equal(got.sent_ns, p.sent_ns);
	assert_int_equal(got.state, HOKM_VRRP_MASTER);
	assert_true(be64toh(got.lease_left_ns) > 0);
	assert_memory_equal(got.mac, CABLE_OWN, 6);
	assert_int_equal(be64toh(got.tag),
			 hokm_pulse_tag(&got, htonl(PATH_OWN), htonl(PATH_PEER0), x->keys.to[0]));
	/* Nothing was heard over the segment: this node cannot steer there. */
	assert_int_equal(got.flags & HOKM_PULSE_HEARS, 0);
	assert_true(fix_peer(x, 0).alive_ns >= before);
	assert_int_equal(NODE(x, pulse_probes), 1);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_replay);
}

static struct hokm_pulse_grant over_the_segment(struct fix *x, struct hokm_pulse p)
{
	struct frame f;

	pulse_sign(x, 0, &p);
	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	return pulse_out(x).grant;
}

/*
 * A wish counts over whatever path it comes. The answer over the path may be lost: that over the
 * slower segment grants what is left, and prolongs nothing.
 */
static void wish_is_granted_over_each_path(void **state)
{
	const uint32_t length_us = 30000000;
	struct fix *x = *state;
	struct hokm_grants g = grants_member();
	struct hokm_pulse p = pulse_probe_of(x, 0, PEER_NONCE, 20000000), got;
	struct hokm_pulse_grant late;

	grants_put(x, &g);
	p.grant.wish = HOKM_WISH_OWN;
	p.grant.epoch = htobe64(9);
	p.grant.length_us = htonl(length_us);
	got = on_cable(x, p);
	run_pulse(x, &got, TC_REDIRECT);
	assert_int_equal(pulse_out(x).grant.verdict, HOKM_VERDICT_GRANTED);
	g = grants_get(x);
	/* The probe over the segment was sent just before, and comes later. */
	p.sent_ns = htobe64(19999000);
	late = over_the_segment(x, p);
	assert_int_equal(late.verdict, HOKM_VERDICT_GRANTED);
	assert_int_equal(late.wish_epoch, htobe64(9));
	assert_in_range(ntohl(late.length_us), 1, length_us);
	assert_true(fix_now() + hokm_grant_used_ns(ntohl(late.length_us) * 1000ull) <=
		    hokm_grant_until_ns(g.own.word));
	assert_int_equal(grants_get(x).own.word, g.own.word + (1 << 8));
	assert_int_equal(grants_get(x).member[0].wished.sent_ns, 20000000 + 1000);
	/* Given back over the path: what comes late over the segment is too old. */
	p.sent_ns = htobe64(30000000);
	p.grant.wish = HOKM_WISH_RELEASE;
	got = on_cable(x, p);
	run_pulse(x, &got, TC_REDIRECT);
	p.sent_ns = htobe64(29999000);
	p.grant.wish = HOKM_WISH_OWN;
	assert_int_equal(over_the_segment(x, p).verdict, HOKM_VERDICT_OLD);
	assert_int_equal(hokm_grant_member(grants_get(x).own.word), HOKM_GRANT_NOBODY);
}

/* ---- answers ---- */

static void answer_over_the_path_proves_life_and_no_way_to_steer(void **state)
{
	struct fix *x = *state;
	uint64_t sent = fix_now();
	struct hokm_pulse p = answer(x, sent);
	struct hokm_peer was, now;
	struct hokm_path_peer path;

	fix_peer_dead(x, 0);
	fix_owner(x, false);
	was = fix_peer(x, 0);
	run_pulse(x, &p, TC_SHOT);
	now = fix_peer(x, 0);
	path = on_path(x, 0);
	assert_true(now.alive_ns >= sent);
	assert_int_equal(now.state, HOKM_VRRP_MASTER);
	assert_true(now.lease_until_ns >= sent + SECOND_NS);
	assert_int_equal(now.epoch, 7);
	assert_int_equal(now.newest_sent_ns, sent);
	assert_true(path.seen_ns >= sent);
	assert_int_equal(path.rtt_ns, path.seen_ns - sent);
	assert_int_equal(path.answers, 1);
	assert_int_equal(NODE(x, pulse_answers), 1);
	/* What belongs to the segment is as it was. */
	assert_int_equal(now.seen_ns, was.seen_ns);
	assert_int_equal(now.answers, was.answers);
	assert_int_equal(now.answer_sent_ns, was.answer_sent_ns);
	assert_memory_equal(now.mac, was.mac, sizeof(now.mac));
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_replay);
}

/* It owns and is alive, and only over the segment it gets what a client sends. */
static void owner_is_steered_to_over_the_segment_only(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());
	struct frame f;

	fix_peer_dead(x, 0);
	fix_peer_dead(x, 1);
	fix_owner(x, false);
	run_pulse(x, &p, TC_SHOT);
	fix_in(x, SEG(.flags = SYN));
	assert_int_not_equal(x->verdict, XDP_VERDICT_TX);
	p = pulse_answer_of(x, 0, fix_now());
	pulse_frame_of(&f, 0, &p);
	fix_ingress(x, &f);
	expect_in_steer(x, SEG(.flags = SYN), PEER0_MAC);
}

static void the_newest_answer_of_all_paths_counts(void **state)
{
	struct fix *x = *state;
	uint64_t sent = fix_now();
	struct hokm_pulse over_segment = pulse_answer_of(x, 0, sent);
	struct hokm_pulse over_path = pulse_answer_of(x, 0, sent + 1);
	struct hokm_peer peer;
	struct frame f;

	over_path.state = HOKM_VRRP_BACKUP;
	over_path.lease_left_ns = 0;
	over_path = on_cable(x, over_path);
	fix_peer_dead(x, 0);
	run_pulse(x, &over_path, TC_SHOT);
	/* The older one comes later: its round trip and MAC address count, its state does not. */
	pulse_frame_of(&f, 0, &over_segment);
	fix_ingress(x, &f);
	peer = fix_peer(x, 0);
	assert_int_equal(peer.state, HOKM_VRRP_BACKUP);
	assert_int_equal(peer.lease_until_ns, 0);
	assert_int_equal(peer.answer_sent_ns, sent);
	assert_true(peer.seen_ns >= sent);
	assert_int_equal(peer.answers, 1);
	assert_memory_equal(peer.mac, PEER0_MAC, 6);
}

/* ---- refused ---- */

static void pulses_of_another_path_are_refused(void **state)
{
	struct fix *x = *state;
	uint64_t sent = fix_now();
	struct hokm_pulse p = answer(x, sent);
	struct frame f;

	/* Genuine on the segment. */
	p = pulse_answer_of(x, 0, sent);
	memcpy(p.mac, CABLE_PEER, sizeof(p.mac));
	pulse_sign(x, 0, &p);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_tag);
	/* Genuine on the path, and shown on the segment. */
	p = answer(x, sent);
	memcpy(p.mac, PEER0_MAC, sizeof(p.mac));
	sign(x, &p);
	pulse_frame_of(&f, 0, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
	/* This node's own, reflected. */
	p = answer(x, sent);
	p.tag = htobe64(hokm_pulse_tag(&p, htonl(PATH_OWN), htonl(PATH_PEER0), x->keys.to[0]));
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_tag);
	/* Of the other peer's address. */
	p = answer(x, sent);
	sign_between(x, &p, PATH_PEER1, PATH_OWN);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_tag);
	assert_int_equal(NODE(x, pulse_answers), 0);
}

static void forged_pulses_are_refused_by_their_reason(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());
	const struct eth_spec eth = {.from = CABLE_PEER, .to = LO_MAC};
	struct frame f;

	frame_udp(&f, &eth, &(const struct ip_spec){.src = OTHER_ADDR, .dst = PATH_OWN, .ttl = 255},
		  PULSE_PORT, &p, sizeof(p));
	expect_refused(x, &f, HOKM_CTR_drop_pulse_source);
	frame_udp(&f, &eth, &(const struct ip_spec){.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 64},
		  PULSE_PORT, &p, sizeof(p));
	expect_refused(x, &f, HOKM_CTR_drop_pulse_ttl);
	frame_udp(&f, &eth, &(const struct ip_spec){.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255},
		  PULSE_PORT, &p, sizeof(p) - 8);
	expect_refused(x, &f, HOKM_CTR_drop_pulse_short);
	p.mac[5] ^= 1;
	sign(x, &p);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_mac);
	p = answer(x, fix_now());
	p.version++;
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_version);
	/* It may have another length. */
	frame_udp(&f, &eth, &(const struct ip_spec){.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255},
		  PULSE_PORT, &p, sizeof(p) - 8);
	expect_refused(x, &f, HOKM_CTR_drop_pulse_version);
	p = answer(x, fix_now());
	p.nonce = htobe64(TEST_NONCE + 1);
	sign(x, &p);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_nonce);
	p = answer(x, fix_now() - 10 * LIMIT_NS);
	expect_pulse_refused(x, &p, HOKM_CTR_drop_pulse_late);
}

/* ---- replication ---- */

static void message_of(struct frame *f, const struct ip_spec *ip, unsigned int len)
{
	static const uint8_t payload[HOKM_REPL_MAX + 1];

	frame_udp(f, &(struct eth_spec){.from = CABLE_PEER, .to = LO_MAC}, ip, REPL_PORT, payload,
		  len);
}

static void replication_on_the_path_is_for_peers(void **state)
{
	static const struct {
		struct ip_spec ip;
		unsigned int len;
		enum hokm_counter c;
	} cases[] = {
		{{.src = OTHER_ADDR, .dst = PATH_OWN, .ttl = 255}, 100, HOKM_CTR_drop_repl_source},
		/* The peer's address on the segment. */
		{{.src = PEER0_ADDR, .dst = PATH_OWN, .ttl = 255}, 100, HOKM_CTR_drop_repl_source},
		{{.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 254}, 100, HOKM_CTR_drop_repl_ttl},
		{{.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255, .frag = 0x2000},
		 100,
		 HOKM_CTR_drop_repl_short},
		{{.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255},
		 HOKM_REPL_MIN - 1,
		 HOKM_CTR_drop_repl_short},
		{{.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255},
		 HOKM_REPL_MAX + 1,
		 HOKM_CTR_drop_repl_short},
	};
	struct fix *x = *state;
	struct hokm_peer before, after;
	struct frame f;

	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		message_of(&f, &cases[i].ip, cases[i].len);
		expect_refused(x, &f, cases[i].c);
	}
	assert_int_equal(NODE(x, replication_seen), 0);
	before = fix_peer(x, 0);
	message_of(&f, &(struct ip_spec){.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255}, 100);
	run(x, &f);
	assert_int_equal(x->verdict, EGRESS_PASS);
	assert_memory_equal(x->out.b, f.b, f.len);
	assert_int_equal(NODE(x, replication_seen), 1);
	/* A sign of life only when the daemon has verified it: others may be in this network. */
	after = fix_peer(x, 0);
	assert_memory_equal(&after, &before, sizeof(after));
}

/* Another interface or address, another port, no path at all: the kernel gets the packet. */
static void all_else_is_left_alone(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, 1000);
	const struct eth_spec eth = {.from = CABLE_PEER, .to = LO_MAC};
	struct frame f;

	for (int what = 0; what < 4; what++) {
		struct ip_spec ip = {.src = PATH_PEER0, .dst = PATH_OWN, .ttl = 255};

		x->cfg.path[0].ifindex = what == 0 ? LO_INDEX + 1 : LO_INDEX;
		ip.dst = what == 1 ? OTHER_ADDR : PATH_OWN;
		if (what == 3)
			memset(&x->cfg.path[0], 0, sizeof(x->cfg.path[0]));
		fix_cfg(x);
		frame_udp(&f, &eth, &ip, what == 2 ? PULSE_PORT + 1 : PULSE_PORT, &p, sizeof(p));
		run(x, &f);
		assert_int_equal(x->verdict, EGRESS_PASS);
		assert_int_equal(x->out.len, f.len);
		assert_memory_equal(x->out.b, f.b, f.len);
		assert_int_equal(fix_count_all(x), 0);
	}
}

#define PATH_TEST(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PATH_TEST(probe_is_answered_on_the_path),
		PATH_TEST(wish_is_granted_over_each_path),
		PATH_TEST(answer_over_the_path_proves_life_and_no_way_to_steer),
		PATH_TEST(owner_is_steered_to_over_the_segment_only),
		PATH_TEST(the_newest_answer_of_all_paths_counts),
		PATH_TEST(pulses_of_another_path_are_refused),
		PATH_TEST(forged_pulses_are_refused_by_their_reason),
		PATH_TEST(replication_on_the_path_is_for_peers),
		PATH_TEST(all_else_is_left_alone),
	};

	return cmocka_run_group_tests_name("pulse path", tests, fix_open, fix_close);
}
