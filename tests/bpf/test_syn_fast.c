/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path of new SYNs (bpf/syn_fast.h) does with a SYN what the pipeline does with it. Each
 * case runs twice from the same state: without a VLAN tag, which the fast path may take, and with
 * one, which only the pipeline takes. Verdict, frame, counters, events, the half-open set and conns
 * must be the same, byte for byte.
 *
 * Beside the cases that are written down there are some of chance (both_ways.h).
 */
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "both_ways.h"
#include "hokm/conn_hash.h"
#include "hokm/grant_count.h"
#include "skel.h"
#include "talk.h"

#define ISN 1000

/* What a case does to the world before the SYN. */
enum state {
	NEW,
	KNOWN,        /* conns has the connection, and a peer holds it */
	ENDED,        /* conns has a connection with this key that is over */
	BIT_ALONE,    /* the bit in front of conns is that of another connection */
	REPEATED,     /* half_open has this SYN */
	OTHER_ISN,    /* half_open has another SYN with this key */
	FIRST_OLDER,  /* both places of the set are taken */
	SECOND_OLDER, /* the same */
	SECOND_FREE,
	FIRST_NEVER, /* the first is of a time that no clock shows */
	NOT_OWNER,
	NOT_GRANTED, /* the lease runs, and the grants of a majority are missing */
	GRANTED,
	SUSPECT, /* the service, on this node */
	PEERS_DEAD,
	FIRST_DEAD,
	NO_MAC, /* of this node */
	HASHED, /* with a seed: the bit in front of conns has another place */
};

struct way {
	const char *what;
	enum state state;
	struct tcp_spec seg;
	bool down; /* the service is down on this node */
};

#define IN(...)   {__VA_ARGS__}, false
#define DOWN(...) {__VA_ARGS__}, true

static const uint8_t NO_ADDRESS[6];

static const struct way ways[] = {
	{"SYN", NEW, IN(.flags = SYN)},
	{"the options of Linux", NEW, IN(.flags = SYN, .options = 5)},
	{"one word of options", NEW, IN(.flags = SYN, .options = 1)},
	{"two words", NEW, IN(.flags = SYN, .options = 2)},
	{"six words", NEW, IN(.flags = SYN, .options = 6)},
	{"nine words", NEW, IN(.flags = SYN, .options = 9)},
	{"all options", NEW, IN(.flags = SYN, .options = 10)},
	{"six words, place taken", SECOND_OLDER, IN(.flags = SYN, .options = 6)},
	{"IP options", NEW, IN(.flags = SYN, .ip.options = 2)},
	{"padding", NEW, IN(.flags = SYN, .padding = 6)},
	{"data", NEW, IN(.flags = SYN, .options = 3, .payload = 50)},
	{"data without options", NEW, IN(.flags = SYN, .payload = 50)},
	{"ECN", NEW, IN(.flags = SYN | 0xc0)},
	{"with PSH", NEW, IN(.flags = SYN | PSH)},
	{"DF", NEW, IN(.flags = SYN, .ip.frag = 0x4000)},
	{"first fragment", NEW, IN(.flags = SYN, .ip.frag = 0x2000)},
	{"SYN-ACK", NEW, IN(.flags = SYN | ACK)},
	{"SYN and FIN", NEW, IN(.flags = SYN | FIN)},
	{"SYN and RST", NEW, IN(.flags = SYN | RST)},
	{"another port", NEW, IN(.flags = SYN, .dport = GAME_PORT + 1)},
	{"another address", NEW, IN(.flags = SYN, .ip.dst = OTHER_ADDR)},
	{"another host", NEW, IN(.flags = SYN, .eth.to = OTHER_MAC)},
	{"another client", NEW, IN(.flags = SYN, .ip.src = OTHER_ADDR, .sport = 1)},
	{"source of a steered probe", NEW, IN(.flags = SYN, .ip.src = IPV4(192, 0, 2, 1))},
	{"total length too short", NEW, IN(.flags = SYN, .ip.cut = -4)},
	{"total length too long", NEW, IN(.flags = SYN, .ip.cut = 4)},
	{"from a peer", NEW, IN(.flags = SYN, .eth.from = PEER1_MAC)},
	{"known", KNOWN, IN(.flags = SYN)},
	{"known, another connection", KNOWN, IN(.flags = SYN, .sport = CLIENT_PORT + 1)},
	{"ended", ENDED, IN(.flags = SYN)},
	{"bit alone", BIT_ALONE, IN(.flags = SYN)},
	{"repeated", REPEATED, IN(.flags = SYN)},
	{"other number", OTHER_ISN, IN(.flags = SYN)},
	{"first is older", FIRST_OLDER, IN(.flags = SYN)},
	{"second is older", SECOND_OLDER, IN(.flags = SYN)},
	{"second is free", SECOND_FREE, IN(.flags = SYN)},
	{"not owner", NOT_OWNER, IN(.flags = SYN)},
	{"not granted", NOT_GRANTED, IN(.flags = SYN)},
	{"granted", GRANTED, IN(.flags = SYN)},
	{"down here", NEW, DOWN(.flags = SYN)},
	{"down here, options", NEW, DOWN(.flags = SYN, .options = 5)},
	{"down here, place taken", SECOND_OLDER, DOWN(.flags = SYN)},
	{"down here, from a peer", NEW, DOWN(.flags = SYN, .eth.from = PEER0_MAC)},
	{"suspect", SUSPECT, IN(.flags = SYN)},
	{"down here, peers dead", PEERS_DEAD, DOWN(.flags = SYN)},
	{"down here, first peer dead", FIRST_DEAD, DOWN(.flags = SYN)},
	{"no MAC here", NO_MAC, IN(.flags = SYN, .eth.to = NO_ADDRESS)},
	{"no MAC here, steered", NO_MAC, DOWN(.flags = SYN, .eth.to = NO_ADDRESS)},
	{"hashed", HASHED, IN(.flags = SYN)},
};

/*
 * A fast path leaves no trace but one. It compares the times of the two places of a set
 * without a branch, which is right below 2^63 ns only. Beyond, the places differ.
 */
#define NEVER ((1ULL << 63) + 10)

static void put_half(struct fix *x, uint64_t first_ns, uint64_t second_ns)
{
	const struct hokm_half_open_set set = {
		.way[0] = {.key = {.client_port = 1}, .isn = 7, .created_ns = first_ns},
		.way[1] = {.key = {.client_port = 2}, .isn = 8, .created_ns = second_ns},
		.syn[0] = {.words = 1},
		.syn[1] = {.words = 2},
	};
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "half_open"), &zero, &set, BPF_ANY), 0);
}

static void put_grants(struct fix *x, uint64_t until_ns)
{
	const struct hokm_grants g = {.count.majority = 2,
				      .wish = HOKM_WISH_OWN,
				      .wish_epoch = 5,
				      .end = hokm_grant_end_word(5, until_ns)};
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "grants"), &zero, &g, BPF_ANY), 0);
}

static void tables(struct fix *x, enum state s)
{
	struct hokm_conn c = conn_known(s == KNOWN ? 1 : HOKM_LOCAL);
	const struct hokm_conn_key k = fix_key();

	c.created_ns = 1;
	c.isn = s == OTHER_ISN ? ISN + 1 : ISN;
	c.tcp_state = s == ENDED ? HOKM_TCP_CLOSED : HOKM_TCP_ESTABLISHED;
	if (s == KNOWN || s == ENDED)
		fix_conn_put(x, &c);
	if (s == BIT_ALONE)
		fix_conn_bits(x, &k);
	c.tcp_state = HOKM_TCP_SYN;
	if (s == REPEATED || s == OTHER_ISN)
		fix_half_put(x, &c);
	if (s == FIRST_OLDER || s == SECOND_OLDER)
		put_half(x, s == FIRST_OLDER ? 5 : 6, s == FIRST_OLDER ? 6 : 5);
	if (s == SECOND_FREE)
		put_half(x, 5, 0);
	if (s == FIRST_NEVER)
		put_half(x, NEVER, 5);
}

static void world(struct fix *x, const struct way *w)
{
	enum state s = w->state;

	tables(x, s);
	fix_owner(x, s != NOT_OWNER);
	if (s == NOT_GRANTED || s == GRANTED)
		put_grants(x, s == GRANTED ? fix_now() + LONG_NS : 1);
	if (w->down)
		fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
	if (s == SUSPECT)
		fix_suspect(x, 0, fix_now() + LONG_NS);
	for (unsigned int i = 0; i < 2; i++)
		if (s == PEERS_DEAD || (s == FIRST_DEAD && !i))
			fix_peer_dead(x, i);
	if (s == NO_MAC)
		memset(x->cfg.mac, 0, sizeof(x->cfg.mac));
	if (s == HASHED)
		x->cfg.hash_seed = 0x123456789abcdefULL;
	fix_cfg(x);
}

/* Everything that a SYN leaves behind. */
struct result {
	int verdict;
	uint32_t len;
	uint8_t frame[256];
	unsigned int conns;
	struct hokm_half_open_set set;
	struct counts counts;
	unsigned int changes, n_events;
	struct hokm_event event[4];
};

/* The frame without its VLAN tag. */
static void keep_frame(const struct fix *x, struct result *r, unsigned int tags)
{
	const size_t tag = 4 * (size_t)tags;

	r->len = x->out.len - (uint32_t)tag;
	assert_true(r->len <= sizeof(r->frame));
	memcpy(r->frame, x->out.b, 12);
	memcpy(r->frame + 12, x->out.b + 12 + tag, r->len - 12);
}

/* The time of the new entry differs between two runs. Those of the world are small numbers. */
static void keep_set(struct fix *x, struct result *r)
{
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fix_map_fd(x, "half_open"), &zero, &r->set), 0);
	for (int i = 0; i < HOKM_HALF_OPEN_WAYS; i++)
		if (r->set.way[i].created_ns > 6)
			r->set.way[i].created_ns = 7;
}

static void keep_events(struct fix *x, struct result *r)
{
	(void)fix_events(x, HOKM_EVENT_KIND_COUNT, NULL);
	r->n_events = x->n_events;
	for (unsigned int i = 0; i < x->n_events && i < 4; i++) {
		r->event[i] = x->event[i];
		r->event[i].now_ns = 0;
	}
}

static struct result run(void **state, const struct way *w, unsigned int tags)
{
	struct tcp_spec seg = w->seg;
	struct fix *x = *state;
	struct result r;

	memset(&r, 0, sizeof(r));
	seg.eth.tags = tags;
	seg.seq = ISN;
	fix_reset(state);
	world(x, w);
	fix_in(x, &seg);
	r.verdict = x->verdict;
	keep_frame(x, &r, tags);
	keep_set(x, &r);
	keep_events(x, &r);
	r.conns = fix_conn_count(x);
	r.changes = fix_changes(x, NULL, 0);
	counts_read(x, &r.counts);
	return r;
}

static void goes_both_ways(void **state, const struct way *w)
{
	struct result fast = run(state, w, 0), slow = run(state, w, 1);

	if (fast.verdict != slow.verdict)
		fail_msg("%s: verdict %d, in the pipeline %d", w->what, fast.verdict, slow.verdict);
	if (fast.len != slow.len || memcmp(fast.frame, slow.frame, fast.len))
		fail_msg("%s: the frame differs", w->what);
	counts_same(w->what, &fast.counts, &slow.counts);
	if (memcmp(&fast.set, &slow.set, sizeof(fast.set)))
		fail_msg("%s: the half-open set differs", w->what);
	if (fast.conns != slow.conns || fast.changes != slow.changes)
		fail_msg("%s: conns or changes differ", w->what);
	if (fast.n_events != slow.n_events || memcmp(fast.event, slow.event, sizeof(fast.event)))
		fail_msg("%s: events differ", w->what);
}

static void no_syn_is_handled_otherwise_than_in_the_pipeline(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		goes_both_ways(state, &ways[i]);
}

/* A SYN whose lengths and flags are right in most cases, and wrong in some. */
static struct way by_chance(uint32_t *seed, char *what, size_t size)
{
	static const enum state states[] = {
		NEW,         KNOWN,        ENDED,       BIT_ALONE, REPEATED, OTHER_ISN,
		FIRST_OLDER, SECOND_OLDER, SECOND_FREE, NOT_OWNER, GRANTED,  NOT_GRANTED,
		SUSPECT,     PEERS_DEAD,   FIRST_DEAD,  NO_MAC,    HASHED};
	static const uint8_t flags[] = {0, 0, 0, 0, 0xc0, 0x40, PSH, 0x20, ACK, FIN, RST};
	static const int cut[] = {0, 0, 0, 0, 0, -1, 1, -4, 4, -20, -40, 1400, 60000};
	const uint32_t before = *seed;
	struct way w = {.what = what, .state = ONE_OF(talk_random(seed), states)};
	struct tcp_spec *s = &w.seg;

	w.down = talk_random(seed) & 1;
	s->flags = SYN | ONE_OF(talk_random(seed), flags);
	s->options = talk_random(seed) % 11;
	s->payload = talk_random(seed) % 4 ? 0 : talk_random(seed) % 100;
	s->padding = talk_random(seed) % 4 ? 0 : talk_random(seed) % 10;
	s->ip.cut = ONE_OF(talk_random(seed), cut);
	s->ip.frag = talk_random(seed) % 16 ? 0x4000 : 0x2000;
	s->ip.options = talk_random(seed) % 16 ? 0 : 3;
	s->ip.ttl = (uint8_t)talk_random(seed);
	s->eth.from = talk_random(seed) % 16 ? NULL : PEER1_MAC;
	snprintf(what, size, "HOKM_SEED=%u HOKM_WAYS=1", before);
	return w;
}

static void no_syn_of_chance_is_handled_otherwise(void **state)
{
	uint32_t seed = ways_number("HOKM_SEED", (uint32_t)fix_now());
	char what[64];

	for (uint32_t i = ways_number("HOKM_WAYS", WAYS); i; i--) {
		const struct way w = by_chance(&seed, what, sizeof(what));

		goes_both_ways(state, &w);
	}
}

/* New SYNs as clients send them. */
static const struct way plain[] = {
	{"SYN", FIRST_NEVER, IN(.flags = SYN)},
	{"the options of Linux", FIRST_NEVER, IN(.flags = SYN, .options = 5)},
	{"another client", FIRST_NEVER, IN(.flags = SYN, .ip.src = OTHER_ADDR, .sport = 1)},
	{"down here", FIRST_NEVER, DOWN(.flags = SYN)},
};

static void no_plain_syn_takes_the_pipeline(void **state)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct result fast = run(state, &plain[i], 0), slow = run(state, &plain[i], 1);

		if (fast.set.way[0].isn != ISN)
			fail_msg("%s: it took the pipeline", plain[i].what);
		if (slow.set.way[1].isn != ISN)
			fail_msg("%s: with a tag it did not take the pipeline", plain[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(no_plain_syn_takes_the_pipeline),
		HOKM_TEST(no_syn_is_handled_otherwise_than_in_the_pipeline),
		HOKM_TEST(no_syn_of_chance_is_handled_otherwise),
	};

	return cmocka_run_group_tests_name("syn fast", tests, fix_open, fix_close);
}
