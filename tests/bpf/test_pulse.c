/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pulses: probes are answered in place, answers are stored, forged and replayed pulses are dropped.
 */
#include "pulse_spec.h"

#define PULSE_HEAD offsetof(struct hokm_pulse, nonce)

#define XDP_VERDICT_DROP 1
#define XDP_VERDICT_TX   3

#define NODE(x, c)   fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_##c)
#define PEER_NONCE   0xabcdefull
#define DEAD_PEER(x) fix_peer_dead(x, 0)

static const struct eth_spec FROM_PEER0 = {.from = PEER0_MAC};
static const struct ip_spec TTL255 = {.ttl = 255};

static void sign(const struct fix *x, struct hokm_pulse *p)
{
	pulse_sign(x, 0, p);
}

static struct hokm_pulse probe(const struct fix *x, uint64_t nonce, uint64_t sent)
{
	return pulse_probe_of(x, 0, nonce, sent);
}

/* The answer of peer 0 to a probe that this node sent at `sent`. */
static struct hokm_pulse answer(const struct fix *x, uint64_t sent)
{
	return pulse_answer_of(x, 0, sent);
}

static void pulse_frame(struct frame *f, const struct hokm_pulse *p)
{
	pulse_frame_of(f, 0, p);
}

static void expect_answered(struct fix *x, const struct hokm_pulse *p)
{
	uint64_t probes = NODE(x, pulse_probes);
	struct frame f;

	pulse_frame(&f, p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	assert_int_equal(NODE(x, pulse_probes), probes + 1);
	assert_int_equal(fix_count_drops(x), 0);
}

/* ---- the tag ---- */

/* Test vectors of the reference implementation: key 00..0f, message 00, 01, 02 ... */
static void siphash_agrees_with_the_reference(void **state)
{
	static const struct {
		size_t len;
		uint64_t tag;
	} vectors[] = {
		{0, 0x726fdb47dd0e0e31ull},  {1, 0x74f839c593dc67fdull},
		{7, 0xab0200f58b01d137ull},  {8, 0x93f5f5799a932462ull},
		{15, 0xa129ca6149be45e5ull}, {16, 0x3f2acc7f57c29bdbull},
	};
	const struct fix *x = *state;
	_Alignas(8) uint8_t msg[16];
	uint64_t words[2];

	for (unsigned int i = 0; i < sizeof(msg); i++)
		msg[i] = (uint8_t)i;
	memcpy(words, msg, sizeof(words));
	for (unsigned int i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		assert_int_equal(siphash_bytes(msg, vectors[i].len, x->keys.from[0][0]),
				 vectors[i].tag);
		if (vectors[i].len % 8 == 0)
			assert_int_equal(siphash_words((const __u64 *)words,
						       (int)vectors[i].len / 8, x->keys.from[0][0]),
					 vectors[i].tag);
	}
}

/* The hash of user space verifies the tag of the program's answer, with any key. */
static void program_and_user_space_make_the_same_tag(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1), got;

	expect_answered(x, &p);
	got = pulse_out(x);
	assert_int_equal(be64toh(got.tag), pulse_own_tag(x, 0, &got));
}

/* ---- probes ---- */

static void probe_is_answered_in_place(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1000), got;
	uint64_t before = fix_now();

	fix_owner(x, true);
	fix_service(x, 3, 0x55667788, HOKM_SVC_DRAIN);
	expect_answered(x, &p);
	assert_memory_equal(x->out.b, PEER0_MAC, 6);
	assert_memory_equal(x->out.b + 6, OWN_MAC, 6);
	assert_int_equal(x->out.len, 14 + 20 + 8 + sizeof(got));
	assert_true(frame_ip_checksum_ok(&x->out));
	assert_int_equal(x->out.b[x->out.l3 + 8], 255);
	assert_memory_equal(x->out.b + x->out.l3 + 12, &(uint32_t){htonl(OWN_ADDR)}, 4);
	assert_memory_equal(x->out.b + x->out.l3 + 16, &(uint32_t){htonl(PEER0_ADDR)}, 4);
	assert_memory_equal(x->out.b + x->out.l4, &(uint16_t){htons(PULSE_PORT)}, 2);
	assert_memory_equal(x->out.b + x->out.l4 + 2, &(uint16_t){htons(5000)}, 2);
	assert_memory_equal(x->out.b + x->out.l4 + 6, &(uint16_t){0}, 2);

	got = pulse_out(x);
	assert_int_equal(got.kind, HOKM_PULSE_ANSWER);
	assert_int_equal(got.version, HOKM_PULSE_VERSION);
	assert_int_equal(got.vrid, TEST_VRID);
	assert_int_equal(got.nonce, p.nonce);
	assert_int_equal(got.sent_ns, p.sent_ns);
	assert_memory_equal(got.mac, OWN_MAC, 6);
	assert_int_equal(got.state, HOKM_VRRP_MASTER);
	assert_int_equal(got.priority, 110);
	assert_true(be64toh(got.lease_left_ns) <= LONG_NS);
	assert_true(be64toh(got.lease_left_ns) + (fix_now() - before) >= LONG_NS);
	assert_true(be64toh(got.daemon_age_ns) <= fix_now() - before + LIMIT_NS);
	assert_int_equal(got.svc[0].tag, htonl(SERVICE_TAG));
	assert_int_equal(got.svc[0].state, HOKM_SVC_UP);
	assert_int_equal(got.svc[1].tag, 0);
	assert_int_equal(got.svc[3].tag, htonl(0x55667788));
	assert_int_equal(got.svc[3].state, HOKM_SVC_DRAIN);
}

static void answer_without_lease_and_with_a_dead_daemon(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1000), got;
	struct hokm_own own = {.state = HOKM_VRRP_FAULT, .priority = 9, .epoch = 5};

	fix_own(x, &own);
	expect_answered(x, &p);
	got = pulse_out(x);
	assert_int_equal(got.lease_left_ns, 0);
	assert_int_equal(got.state, HOKM_VRRP_FAULT);
	assert_int_equal(got.priority, 9);
	assert_int_equal(be64toh(got.epoch), 5);
	assert_true(be64toh(got.daemon_age_ns) > 0 && be64toh(got.daemon_age_ns) <= fix_now());
}

static void probe_changes_its_replay_window_and_the_sign_only(void **state)
{
	struct fix *x = *state;
	struct hokm_peer before = fix_peer(x, 0), after;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1000);

	expect_answered(x, &p);
	after = fix_peer(x, 0);
	before.probe_nonce = PEER_NONCE;
	before.probe_sent_ns = 1000;
	assert_true(after.alive_ns && after.alive_ns <= fix_now());
	before.alive_ns = after.alive_ns;
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(fix_events(x, HOKM_EV_PEER_UP, NULL), 0);
}

static void replayed_probe_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1000), old = probe(x, PEER_NONCE, 999);
	struct hokm_pulse next = probe(x, PEER_NONCE, 1001), session = probe(x, 42, 5);
	struct frame f;

	expect_answered(x, &p);
	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_replay);
	pulse_frame(&f, &old);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_replay);
	fix_reset(state);
	expect_answered(x, &p);
	expect_answered(x, &next);
	expect_answered(x, &session); /* the peer's daemon started again */
	assert_int_equal(fix_peer(x, 0).probe_nonce, 42);
	assert_int_equal(fix_peer(x, 0).probe_sent_ns, 5);
}

static void probe_keeps_its_vlan_tags(void **state)
{
	struct fix *x = *state;
	struct eth_spec eth = {.from = PEER0_MAC, .tags = 2};
	struct hokm_pulse p = probe(x, PEER_NONCE, 1000);
	struct frame f;

	frame_udp(&f, &eth, &TTL255, PULSE_PORT, &p, sizeof(p));
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	assert_memory_equal(x->out.b + 12, f.b + 12, 10);
	p = pulse_out(x);
	assert_int_equal(p.kind, HOKM_PULSE_ANSWER);
}

/* ---- answers ---- */

static void answer_is_stored(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;
	struct hokm_event ev;
	struct hokm_peer peer;
	uint64_t sent = fix_now(), after;
	struct frame f;

	fix_peer_set(x, 0, &(struct hokm_peer){0});
	p = answer(x, sent);
	pulse_frame(&f, &p);
	fix_ingress(x, &f);
	after = fix_now();
	assert_int_equal(x->verdict, XDP_VERDICT_DROP);
	assert_int_equal(fix_count_drops(x), 0);
	assert_int_equal(NODE(x, pulse_answers), 1);
	peer = fix_peer(x, 0);
	assert_true(peer.seen_ns >= sent && peer.seen_ns <= after);
	assert_int_equal(peer.since_ns, peer.seen_ns);
	assert_int_equal(peer.rtt_ns, peer.seen_ns - sent);
	assert_int_equal(peer.answer_sent_ns, sent);
	assert_int_equal(peer.lease_until_ns, peer.seen_ns + SECOND_NS);
	assert_int_equal(peer.daemon_seen_ns, peer.seen_ns - LIMIT_NS);
	assert_int_equal(peer.epoch, 7);
	assert_memory_equal(peer.mac, PEER0_MAC, 6);
	assert_int_equal(peer.state, HOKM_VRRP_MASTER);
	assert_int_equal(peer.priority, 100);
	assert_int_equal(peer.svc[2].tag, htonl(SERVICE_TAG));
	assert_int_equal(peer.svc[2].state, HOKM_SVC_UP);
	assert_int_equal(fix_events(x, HOKM_EV_PEER_UP, &ev), 1);
	assert_int_equal(ev.target, 0);
}

static void take_in(struct fix *x, const struct hokm_pulse *p)
{
	struct frame f;

	pulse_frame(&f, p);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_DROP);
	assert_int_equal(fix_count_drops(x), 0);
}

static void series_of_answers_begins_once(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;
	uint64_t since;

	x->cfg.peer_dead_ns = LONG_NS;
	fix_cfg(x);
	fix_peer_set(x, 0, &(struct hokm_peer){0});
	p = answer(x, fix_now());
	take_in(x, &p);
	since = fix_peer(x, 0).since_ns;
	p = answer(x, fix_now());
	take_in(x, &p);
	assert_int_equal(fix_peer(x, 0).since_ns, since);
	assert_true(fix_peer(x, 0).seen_ns > since);
	assert_int_equal(fix_events(x, HOKM_EV_PEER_UP, NULL), 1);
}

static void answers_after_a_gap_begin_a_new_series(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());

	DEAD_PEER(x);
	take_in(x, &p);
	assert_int_equal(fix_peer(x, 0).since_ns, fix_peer(x, 0).seen_ns);
	assert_int_equal(fix_events(x, HOKM_EV_PEER_UP, NULL), 1);
}

static void answer_without_lease_or_daemon(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());

	DEAD_PEER(x);
	p.lease_left_ns = 0;
	p.daemon_age_ns = ~0ull;
	sign(x, &p);
	take_in(x, &p);
	assert_int_equal(fix_peer(x, 0).lease_until_ns, 0);
	assert_int_equal(fix_peer(x, 0).daemon_seen_ns, 0);
}

static void lease_without_end_does_not_wrap(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());

	p.lease_left_ns = ~0ull;
	sign(x, &p);
	take_in(x, &p);
	assert_true(fix_peer(x, 0).lease_until_ns == ~0ull);
}

static void replayed_answer_is_refused(void **state)
{
	struct fix *x = *state;
	uint64_t sent = fix_now();
	struct hokm_pulse p = answer(x, sent), old = answer(x, sent - 1);
	struct frame f;

	take_in(x, &p);
	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_replay);
	pulse_frame(&f, &old);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_replay);
}

static void answer_from_the_future_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now() + LONG_NS);
	struct frame f;

	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_replay);
}

static void answer_to_another_session_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = answer(x, fix_now());
	struct frame f;

	p.nonce = htobe64(TEST_NONCE + 1);
	sign(x, &p);
	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_nonce);
	p.nonce = 0; /* no daemon runs on this node, so no probe was sent */
	sign(x, &p);
	pulse_frame(&f, &p);
	x->cfg.pulse_nonce = 0;
	fix_cfg(x);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_nonce);
}

/* ---- dropped whatever they contain ---- */

static void pulse_from_a_stranger_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	struct ip_spec ip = {.src = OTHER_ADDR, .ttl = 255};
	struct frame f;

	frame_udp(&f, &FROM_PEER0, &ip, PULSE_PORT, &p, sizeof(p));
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_source);
	x->cfg.peer[0].used = 0;
	fix_cfg(x);
	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_source);
}

static void pulse_that_was_routed_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	struct ip_spec ip = {.ttl = 254};
	struct frame f;

	frame_udp(&f, &FROM_PEER0, &ip, PULSE_PORT, &p, sizeof(p));
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_ttl);
}

static void pulse_of_the_wrong_length_is_refused(void **state)
{
	static const unsigned int lengths[] = {0, 1, 8, 64, 128, 159, 161, 168, 1400};
	struct fix *x = *state;
	uint8_t payload[1400] = {0};
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	struct frame f;

	memcpy(payload, &p, sizeof(p));
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		frame_udp(&f, &FROM_PEER0, &TTL255, PULSE_PORT, payload, lengths[i]);
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_short);
	}
	pulse_frame(&f, &p);
	for (uint32_t len = f.l4 + 8; len < f.len; len++) {
		struct frame cut = f;

		frame_cut(&cut, len);
		expect_drop_alone(x, &cut, HOKM_CTR_drop_pulse_short);
	}
	f.b[f.l4 + 5] ^= 1; /* UDP length against IP total length */
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_short);
}

static void fragmented_pulse_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	struct ip_spec first = {.ttl = 255, .frag = 0x2000}, later = {.ttl = 255, .frag = 1};
	struct frame f;

	frame_udp(&f, &FROM_PEER0, &first, PULSE_PORT, &p, sizeof(p));
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_short);
	frame_udp(&f, &FROM_PEER0, &later, PULSE_PORT, &p, sizeof(p));
	/* a later fragment has no port, and the kernel never delivers it alone */
	expect_pass(x, &f);
}

static void expect_version_refused(struct fix *x, struct hokm_pulse *p)
{
	struct frame f;

	sign(x, p);
	pulse_frame(&f, p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_version);
}

static void pulse_of_another_version_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);

	p.magic ^= 1;
	expect_version_refused(x, &p);
	p.magic ^= 1;
	p.version++;
	expect_version_refused(x, &p);
	p.version--;
	p.kind = 0;
	expect_version_refused(x, &p);
	p.kind = 3;
	expect_version_refused(x, &p);
	p.kind = HOKM_PULSE_PROBE;
	p.vrid++;
	expect_version_refused(x, &p);
}

/* Only the head is the same in every version. */
static void another_version_may_have_another_length(void **state)
{
	static const unsigned int lengths[] = {
		PULSE_HEAD, sizeof(struct hokm_pulse) - 1, sizeof(struct hokm_pulse) + 16};
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	unsigned char payload[sizeof(p) + 16] = {0};
	struct frame f;

	p.version++;
	memcpy(payload, &p, sizeof(p));
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		frame_udp(&f, &FROM_PEER0, &TTL255, PULSE_PORT, payload, lengths[i]);
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_version);
	}
	frame_udp(&f, &FROM_PEER0, &TTL255, PULSE_PORT, payload, PULSE_HEAD - 1);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_short);
}

/* Changes every byte that the tag covers, and every byte of the tag. */
static void forged_pulse_is_refused(void **state)
{
	const size_t version_end = offsetof(struct hokm_pulse, state);
	struct fix *x = *state;
	uint64_t now = fix_now();

	for (size_t i = version_end; i < sizeof(struct hokm_pulse); i++) {
		struct hokm_pulse p = i % 2 ? probe(x, PEER_NONCE, 1) : answer(x, now);
		struct frame f;

		((uint8_t *)&p)[i] ^= 0x80;
		pulse_frame(&f, &p);
		expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
	}
}

static void other_key_is_refused(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p;
	struct frame f;

	x->keys.from[0][0][1] ^= 1;
	p = probe(x, PEER_NONCE, 1);
	pulse_frame(&f, &p);
	expect_drop_alone(x, &f, HOKM_CTR_drop_pulse_tag);
}

static void other_udp_is_left_alone(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);
	struct ip_spec elsewhere = {.dst = OTHER_ADDR, .ttl = 255};
	struct frame f;

	frame_udp(&f, &FROM_PEER0, &TTL255, PULSE_PORT + 1, &p, sizeof(p));
	expect_pass(x, &f);
	frame_udp(&f, &FROM_PEER0, &elsewhere, PULSE_PORT, &p, sizeof(p));
	expect_pass(x, &f);
	pulse_frame(&f, &p);
	frame_cut(&f, f.l4 + 7);
	expect_pass(x, &f);
	assert_int_equal(fix_count_all(x), 0);
}

/* ---- signs of life ---- */

/* A player on peer 0, which was silent for long: the pulse keeps its connection. */
static void expect_kept_by(struct fix *x, const struct hokm_pulse *p)
{
	const struct tcp_spec *data = SEG(.flags = ACK, .seq = 1001, .ack = 5001, .payload = 10);
	struct hokm_conn c = conn_known(0);
	struct frame f;

	fix_conn_put(x, &c);
	DEAD_PEER(x);
	pulse_frame(&f, p);
	fix_ingress(x, &f);
	assert_int_equal(fix_count_drops(x), 0);
	expect_in_steer(x, data, PEER0_MAC);
	assert_int_equal(fix_count(x, 0, HOKM_CTR_answered_dead), 0);
}

static void probe_of_a_silent_peer_keeps_its_players(void **state)
{
	struct hokm_pulse p = probe(*state, PEER_NONCE, 1);

	expect_kept_by(*state, &p);
}

static void answer_of_a_silent_peer_keeps_its_players(void **state)
{
	struct hokm_pulse p = answer(*state, fix_now());

	expect_kept_by(*state, &p);
}

/* The answer says whether this node has fresh answers of the peer itself, and can steer to it. */
static void answer_says_whether_the_peer_is_heard(void **state)
{
	struct fix *x = *state;
	struct hokm_pulse p = probe(x, PEER_NONCE, 1);

	expect_answered(x, &p);
	assert_int_equal(pulse_out(x).flags, HOKM_PULSE_HEARS);
	fix_peer_silent(x, 0);
	p = probe(x, PEER_NONCE, 2);
	expect_answered(x, &p);
	assert_int_equal(pulse_out(x).flags, 0);
	p = answer(x, fix_now());
	p.flags = HOKM_PULSE_HEARS;
	sign(x, &p);
	take_in(x, &p);
	assert_int_equal(fix_peer(x, 0).flags, HOKM_PULSE_HEARS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(siphash_agrees_with_the_reference),
		HOKM_TEST(program_and_user_space_make_the_same_tag),
		HOKM_TEST(probe_is_answered_in_place),
		HOKM_TEST(answer_without_lease_and_with_a_dead_daemon),
		HOKM_TEST(probe_changes_its_replay_window_and_the_sign_only),
		HOKM_TEST(replayed_probe_is_refused),
		HOKM_TEST(probe_keeps_its_vlan_tags),
		HOKM_TEST(answer_is_stored),
		HOKM_TEST(series_of_answers_begins_once),
		HOKM_TEST(answers_after_a_gap_begin_a_new_series),
		HOKM_TEST(answer_without_lease_or_daemon),
		HOKM_TEST(lease_without_end_does_not_wrap),
		HOKM_TEST(replayed_answer_is_refused),
		HOKM_TEST(answer_from_the_future_is_refused),
		HOKM_TEST(answer_to_another_session_is_refused),
		HOKM_TEST(pulse_from_a_stranger_is_refused),
		HOKM_TEST(pulse_that_was_routed_is_refused),
		HOKM_TEST(pulse_of_the_wrong_length_is_refused),
		HOKM_TEST(fragmented_pulse_is_refused),
		HOKM_TEST(pulse_of_another_version_is_refused),
		HOKM_TEST(another_version_may_have_another_length),
		HOKM_TEST(forged_pulse_is_refused),
		HOKM_TEST(other_key_is_refused),
		HOKM_TEST(other_udp_is_left_alone),
		HOKM_TEST(probe_of_a_silent_peer_keeps_its_players),
		HOKM_TEST(answer_of_a_silent_peer_keeps_its_players),
		HOKM_TEST(answer_says_whether_the_peer_is_heard),
	};

	return cmocka_run_group_tests_name("pulse", tests, fix_open, fix_close);
}
