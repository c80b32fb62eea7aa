/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path of known connections (bpf/known_fast.h) does with a segment what the pipelines do
 * with it. Each case runs twice from the same state: without a VLAN tag, which the fast path may
 * take, and with one, which only the pipelines take. Verdict, MAC addresses, counters, the entry of
 * the connection and its changes must be the same, field by field.
 *
 * Beside the cases that are written down there are some of chance (both_ways.h).
 */
#include <stdio.h>
#include <string.h>

#include "both_ways.h"
#include "skel.h"
#include "talk.h"

#define CLIENT_NEXT 1001
#define SERVER_NEXT 5001

/* What a case does to the entry and to the world before the segment. */
enum state {
	PLAYER,  /* a WebSocket of this node */
	ARRIVED, /* the same, and a peer steers its packets here */
	SECURE,  /* TLS */
	ASKED,   /* the upgrade request waits for its answer */
	LOST,
	CLOSED,
	INSIDE, /* a long frame has begun before */
	GAP,    /* an earlier segment is missing */
	STEERED,
	SILENT, /* its peer answers no pulses, but shows signs of life */
	DEAD,
	NO_MAC, /* the MAC of its peer is not known */
};

struct way {
	const char *what;
	enum state state;
	struct tcp_spec seg;
	enum { PIPELINE, FAST } takes;
};

#define TEXT   "\x81\x82mask\x01\x02"
#define BINARY "\xc2\x82mask\x01\x02"
#define PING   "\x89\x82mask\x01\x02"
#define BARE       \
	"\x81\x06" \
	"server"
#define MEDIUM             \
	"\x82\xfe\x00\x80" \
	"mask"
#define WRONG              \
	"\x82\xfe\x00\x08" \
	"mask" /* 8 has a shorter form */
#define RECORD                 \
	"\x17\x03\x03\x00\x05" \
	"12345"
#define LONG                   \
	"\x17\x03\x03\x00\x50" \
	"12345"
#define HUGE                   \
	"\x17\x03\x03\xff\xff" \
	"12345"

#define BYTES(text) .data = (text), .payload = sizeof(text) - 1
/* A field that is zero has its usual value: usual(). */
#define IN(...)             \
	{                   \
		__VA_ARGS__ \
	}
#define OUT(...)                           \
	{                                  \
		.reply = true, __VA_ARGS__ \
	}

static const struct way ways[] = {
	{"bare ACK", PLAYER, IN(.ack = SERVER_NEXT + 70000, .flags = ACK), PIPELINE},
	{"ACK without PSH", PLAYER, IN(.flags = ACK, BYTES(TEXT)), FAST},
	{"TCP options", PLAYER, IN(.options = 3, BYTES(TEXT)), FAST},
	{"IP options", PLAYER, IN(.ip.options = 2, BYTES(TEXT)), PIPELINE},
	{"padding", PLAYER, IN(.padding = 9, .payload = 3, .data = TEXT), PIPELINE},
	{"text", PLAYER, IN(BYTES(TEXT)), FAST},
	{"binary, compressed", PLAYER, IN(BYTES(BINARY)), FAST},
	{"ping", PLAYER, IN(BYTES(PING)), PIPELINE},
	{"16 bits of length, payload follows", PLAYER, IN(BYTES(MEDIUM)), FAST},
	{"length not in its shortest form", PLAYER, IN(BYTES(WRONG)), PIPELINE},
	{"not masked", PLAYER, IN(BYTES(BARE)), PIPELINE},
	{"two frames", PLAYER, IN(BYTES(TEXT TEXT)), PIPELINE},
	{"begin of a frame", PLAYER, IN(.payload = 5, .data = TEXT), PIPELINE},
	{"segment that was read", PLAYER, IN(.seq = CLIENT_NEXT - 20, .payload = 20), FAST},
	{"segment after a gap", PLAYER, IN(.seq = CLIENT_NEXT + 20, BYTES(TEXT)), PIPELINE},
	{"numbers that do not fit", PLAYER, IN(.seq = CLIENT_NEXT + 0x1000000, BYTES(TEXT)),
	 PIPELINE},
	{"FIN", PLAYER, IN(.flags = ACK | FIN, BYTES(TEXT)), PIPELINE},
	{"RST", PLAYER, IN(.flags = ACK | RST), PIPELINE},
	{"another port", PLAYER, IN(.dport = GAME_PORT + 1, BYTES(TEXT)), PIPELINE},
	{"another address", PLAYER, IN(.ip.dst = OTHER_ADDR, BYTES(TEXT)), PIPELINE},
	{"another host", PLAYER, IN(.eth.to = OTHER_MAC, BYTES(TEXT)), PIPELINE},
	{"total length too short", PLAYER, IN(.ip.cut = -30, BYTES(TEXT)), PIPELINE},
	{"total length too long", PLAYER, IN(.ip.cut = 30, BYTES(TEXT)), PIPELINE},
	{"inside a frame", INSIDE, IN(.payload = 100), FAST},
	{"text after a gap", GAP, IN(BYTES(TEXT)), PIPELINE},
	{"answer is awaited", ASKED, IN(.flags = ACK), PIPELINE},
	{"lost", LOST, IN(BYTES(TEXT)), PIPELINE},
	{"closed", CLOSED, IN(BYTES(TEXT)), PIPELINE},
	{"record", SECURE, IN(BYTES(RECORD)), FAST},
	{"record that goes on", SECURE, IN(BYTES(LONG)), FAST},
	{"two records", SECURE, IN(BYTES(RECORD RECORD)), PIPELINE},
	{"record that is too long", SECURE, IN(BYTES(HUGE)), PIPELINE},
	{"begin of a record", SECURE, IN(.payload = 4, .data = RECORD), PIPELINE},
	{"no record", SECURE, IN(BYTES(TEXT)), PIPELINE},
	{"first from a peer", PLAYER, IN(.eth.from = PEER0_MAC, BYTES(TEXT)), PIPELINE},
	{"from a peer", ARRIVED, IN(.eth.from = PEER1_MAC, BYTES(TEXT)), FAST},
	{"steered", STEERED, IN(BYTES(TEXT)), FAST},
	{"steered, bare ACK", STEERED, IN(.flags = ACK), FAST},
	{"steered, from a peer", STEERED, IN(.eth.from = PEER1_MAC, BYTES(TEXT)), PIPELINE},
	{"steered, numbers that do not fit", STEERED, IN(.seq = CLIENT_NEXT - 70000), PIPELINE},
	{"steered, FIN", STEERED, IN(.flags = ACK | FIN), PIPELINE},
	{"peer silent", SILENT, IN(BYTES(TEXT)), FAST},
	{"peer dead", DEAD, IN(BYTES(TEXT)), PIPELINE},
	{"peer without MAC", NO_MAC, IN(BYTES(TEXT)), PIPELINE},
	{"out, bare ACK", PLAYER, OUT(.flags = ACK), FAST},
	{"out, text", PLAYER, OUT(BYTES(BARE)), FAST},
	{"out, masked", PLAYER, OUT(BYTES(TEXT)), PIPELINE},
	{"out, bare ACK far ahead", PLAYER, OUT(.flags = ACK, .seq = SERVER_NEXT + 70000), FAST},
	{"out, far ahead", PLAYER, OUT(.seq = SERVER_NEXT + 70000, .payload = 20), PIPELINE},
	{"out, TCP options", PLAYER, OUT(.options = 3, BYTES(BARE)), FAST},
	{"out, two frames", PLAYER, OUT(BYTES(BARE BARE)), PIPELINE},
	{"out, record", SECURE, OUT(BYTES(RECORD)), FAST},
	{"out, answer is awaited", ASKED, OUT(.payload = 30), PIPELINE},
	{"out, FIN", PLAYER, OUT(.flags = ACK | FIN, BYTES(BARE)), PIPELINE},
	{"out, inside a frame", INSIDE, OUT(.payload = 100), FAST},
};

static void follow(struct hokm_conn *c, uint8_t phase, uint8_t state)
{
	c->ws = phase;
	c->c2s.ws.state = c->s2c.ws.state = state;
	c->c2s.ws.next = CLIENT_NEXT;
	c->s2c.ws.next = SERVER_NEXT;
	c->s2c.packets = 1;
	c->s2c.seq_next = SERVER_NEXT;
	c->s2c.ack = CLIENT_NEXT;
}

static struct hokm_conn entry(enum state s)
{
	struct hokm_conn c = s >= STEERED ? fix_steered_conn(1) : conn_known(HOKM_LOCAL);

	c.created_ns = 1;
	if (s >= STEERED)
		return c;
	follow(&c,
	       s == SECURE  ? HOKM_WS_TLS
	       : s == ASKED ? HOKM_WS_ASKED
			    : HOKM_WS_OPEN,
	       s == SECURE ? HOKM_FOLLOW_RECORDS
	       : s == LOST ? HOKM_FOLLOW_LOST
			   : HOKM_FOLLOW_FRAMES);
	if (s == ARRIVED)
		c.flags |= HOKM_CONN_STEERED_IN;
	if (s == CLOSED)
		c.tcp_state = HOKM_TCP_CLOSED;
	if (s == INSIDE) {
		c.c2s.ws.next += 1000;
		c.s2c.ws.next += 1000;
	}
	if (s == GAP) {
		c.c2s.ws.flags = HOKM_WS_FLAG_GAP;
		c.c2s.ws.gap = CLIENT_NEXT + 50;
	}
	return c;
}

/* How the fast path shows: see no_plain_segment_takes_the_pipeline(). */
static void hide_vip(struct fix *x)
{
	x->cfg.n_vips = 0;
	fix_cfg(x);
}

static void world(struct fix *x, enum state s)
{
	struct hokm_peer p = fix_alive_peer(1);
	struct hokm_conn c = entry(s);

	fix_conn_put(x, &c);
	if (s == SILENT)
		fix_peer_silent(x, 1);
	if (s == DEAD)
		fix_peer_dead(x, 1);
	if (s != NO_MAC)
		return;
	memset(p.mac, 0, sizeof(p.mac));
	fix_peer_set(x, 1, &p);
}

/* Everything that a segment leaves behind. */
struct result {
	int verdict;
	uint8_t macs[12];
	bool known;
	struct hokm_conn conn;
	struct counts counts;
	unsigned int changes;
};

/* Times differ between two runs; whether there is one must not. */
static void hide_times(struct hokm_conn *c)
{
	__u64 *times[] = {&c->ended_ns,         &c->c2s.last_ns,      &c->s2c.last_ns,
			  &c->c2s.last_data_ns, &c->s2c.last_data_ns, &c->upgrade_ns,
			  &c->ping_c2s_ns,      &c->ping_s2c_ns,      &c->asked_ns};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		*times[i] = !!*times[i];
}

static struct tcp_spec usual(const struct way *w, unsigned int tags)
{
	struct tcp_spec s = w->seg;

	s.eth.tags = tags;
	s.flags = s.flags ? s.flags : ACK | PSH;
	if (!s.seq)
		s.seq = s.reply ? SERVER_NEXT : CLIENT_NEXT;
	if (!s.ack)
		s.ack = s.reply ? CLIENT_NEXT : SERVER_NEXT;
	return s;
}

static struct result run(void **state, const struct way *w, unsigned int tags, bool vip)
{
	struct fix *x = *state;
	const struct tcp_spec seg = usual(w, tags);
	struct result r;

	memset(&r, 0, sizeof(r));
	fix_reset(state);
	world(x, w->state);
	if (!vip)
		hide_vip(x);
	if (seg.reply)
		fix_out(x, &seg);
	else
		fix_in(x, &seg);
	r.verdict = x->verdict;
	memcpy(r.macs, x->out.b, sizeof(r.macs));
	r.known = fix_conn(x, &r.conn);
	hide_times(&r.conn);
	counts_read(x, &r.counts);
	r.changes = fix_changes(x, NULL, 0);
	return r;
}

static void goes_both_ways(void **state, const struct way *w)
{
	struct result fast = run(state, w, 0, true), slow = run(state, w, 1, true);

	if (fast.verdict != slow.verdict)
		fail_msg("%s: verdict %d, in the pipeline %d", w->what, fast.verdict, slow.verdict);
	if (memcmp(fast.macs, slow.macs, sizeof(fast.macs)) || fast.known != slow.known ||
	    fast.changes != slow.changes)
		fail_msg("%s: frame, entry or changes differ", w->what);
	counts_same(w->what, &fast.counts, &slow.counts);
	for (size_t at = 0; at < sizeof(fast.conn); at++)
		if (((uint8_t *)&fast.conn)[at] != ((uint8_t *)&slow.conn)[at])
			fail_msg("%s: byte %zu of the entry differs", w->what, at);
}

static void no_segment_is_handled_otherwise_than_in_the_pipeline(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		goes_both_ways(state, &ways[i]);
}

/* A segment whose lengths, flags and numbers are right in most cases, and wrong in some. */
static struct way by_chance(uint32_t *seed, char *what, size_t size, const uint8_t *bytes)
{
	static const uint32_t far[] = {
		0,     0,       0,       0,      1,        -1U,       20,         -20U,      65535,
		65536, -65536U, -65535U, 131072, 0x100000, -0x10000U, 0x7fffffff, 0x80000000};
	static const uint8_t flags[] = {
		ACK, ACK | PSH, ACK, ACK | 0x20, ACK | FIN, ACK | RST, RST, SYN | ACK, 0xff};
	static const int cut[] = {0, 0, 0, 0, 0, 0, -1, 1, -20, -40, -60, 40, 1400, 60000};
	static const char *const texts[] = {TEXT, BINARY, PING, BARE, MEDIUM, WRONG, RECORD, LONG};
	const uint32_t before = *seed;
	struct way w = {.what = what, .state = (enum state)(talk_random(seed) % (NO_MAC + 1))};
	struct tcp_spec *s = &w.seg;

	s->reply = talk_random(seed) & 1;
	s->flags = ONE_OF(talk_random(seed), flags);
	s->seq = (s->reply ? SERVER_NEXT : CLIENT_NEXT) + ONE_OF(talk_random(seed), far);
	s->ack = (s->reply ? CLIENT_NEXT : SERVER_NEXT) + ONE_OF(talk_random(seed), far);
	s->options = talk_random(seed) % 3 ? 0 : talk_random(seed) % 11;
	s->payload = talk_random(seed) % 24;
	s->data = talk_random(seed) & 1 ? (const void *)ONE_OF(talk_random(seed), texts) : bytes;
	if (s->data != bytes)
		s->payload %= 9; /* each text is as long */
	s->padding = talk_random(seed) % 4 ? 0 : talk_random(seed) % 10;
	s->ip.cut = ONE_OF(talk_random(seed), cut);
	s->ip.frag = talk_random(seed) % 16 ? 0x4000 : 0x2000;
	s->ip.options = talk_random(seed) % 16 ? 0 : 2;
	snprintf(what, size, "HOKM_SEED=%u HOKM_WAYS=1", before);
	return w;
}

static void no_segment_of_chance_is_handled_otherwise(void **state)
{
	uint32_t seed = ways_number("HOKM_SEED", (uint32_t)fix_now());
	uint8_t bytes[24];
	char what[64];

	for (uint32_t i = ways_number("HOKM_WAYS", WAYS); i; i--) {
		struct way w;

		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)(seed >> (j % 4 * 8));
		w = by_chance(&seed, what, sizeof(what), bytes);
		goes_both_ways(state, &w);
	}
}

/*
 * A fast path leaves no trace but one: it does not ask whether the address of a service is a VIP,
 * which the configuration has seen to. The pipelines ask. Without a VIP they leave the entry of a
 * connection as it is, and only the fast path notes a segment in it.
 */
static void no_plain_segment_takes_the_pipeline(void **state)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *w = &ways[i];
		const struct hokm_conn before = entry(w->state);
		struct result fast = run(state, w, 0, false), slow = run(state, w, 1, false);
		bool took = fast.conn.c2s.packets + fast.conn.s2c.packets >
			    before.c2s.packets + before.s2c.packets;

		if (took != (w->takes == FAST))
			fail_msg("%s: it took the %s", w->what, took ? "fast path" : "pipeline");
		if (slow.conn.c2s.packets + slow.conn.s2c.packets !=
		    before.c2s.packets + before.s2c.packets)
			fail_msg("%s: with a tag it did not take the pipeline", w->what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(no_plain_segment_takes_the_pipeline),
		HOKM_TEST(no_segment_is_handled_otherwise_than_in_the_pipeline),
		HOKM_TEST(no_segment_of_chance_is_handled_otherwise),
	};

	return cmocka_run_group_tests_name("known fast", tests, fix_open, fix_close);
}
