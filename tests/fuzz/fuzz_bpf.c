/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the BPF programs themselves, loaded and run by BPF_PROG_TEST_RUN in the world of
 * tests/bpf/fixture.h (root). libFuzzer sees no coverage of the kernel's; it is led by the branches
 * of the plain classifier here, which says for each frame what the programs may do with it.
 *
 *   byte 0   bit 0: egress   bit 1: not the owner   bit 2: a peer is   bit 3: sign what may be a
 * pulse bit 4: peer 1 is dead   bit 7: not a frame but a talk frame    the rest, from its Ethernet
 * header on talk     byte 1: how it begins; then segments of one connection: a byte of options, one
 * of length, the payload. What the programs note of both directions must be what hokm/ws.h finds
 * when ws_rig.c drives it.
 *
 * Whatever the frame: what is none of ours passes untouched, nothing comes back but in the ways
 * that are allowed, the entries of other established connections stay as they are. Of two
 * connections the replica says that they live on the peers: 41000 on peer 0, 41001 on peer 1.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../bpf/fixture.h"
#include "../bpf/skel.h"
#include "../unit/ws_rig.h"
#include "frame_look.h"
#include "hokm/siphash.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define XDP_DROP_V 1
#define XDP_PASS_V 2
#define XDP_TX_V   3
#define TC_OK_V    0
#define TC_SHOT_V  2

#define OPT_EGRESS 0x01
#define OPT_FENCED 0x02
#define OPT_LEASED 0x04
#define OPT_SIGN   0x08
#define OPT_DEAD   0x10
#define OPT_TALK   0x80

#define CONNS_MAX    512
#define OTHERS       3
#define OTHER_CLIENT IPV4(192, 168, 1, 101)
#define FRAME_MIN    14
#define FRAME_MAX    2000
#define CLEAN_EVERY  256
#define TOLD_PORT    41000
#define PULSE_AT     28 /* behind the beginning of an IPv4 header without options */

static struct fix *x;
static unsigned long frames_run;
static struct hokm_conn others[OTHERS];

#define EXPECT(cond) ((cond) ? (void)0 : differ(__LINE__, #cond))
static _Noreturn void differ(int line, const char *what)
{
	fprintf(stderr, "fuzz_bpf.c:%d: not so: %s (verdict %d)\n", line, what,
		x ? x->verdict : -1);
	abort();
}

/* ---- what may come of it ---- */

static bool untouched(const struct frame *f)
{
	return x->out.len == f->len && !memcmp(x->out.b, f->b, f->len);
}

static bool steered_to(const uint8_t *mac, const struct frame *f)
{
	return !memcmp(x->out.b, mac, 6) && !memcmp(x->out.b + 6, OWN_MAC, 6) &&
	       x->out.len == f->len && !memcmp(x->out.b + 12, f->b + 12, f->len - 12);
}

/* Do all peers answer, for longer than this takes? A pulse among the frames makes one mortal. */
static bool all_alive(void)
{
	return fix_peer(x, 0).seen_ns > fix_now() && fix_peer(x, 1).seen_ns > fix_now();
}

/* Only what acknowledges something, from a client, of a connection whose holder is dead. */
static bool answered(const struct frame *f, const struct looked *k)
{
	const uint8_t *tcp = k->ip + k->ip_hlen;
	static struct frame in;

	memcpy(in.b, f->b, f->len);
	in.len = f->len;
	in.l3 = (uint32_t)k->l3;
	in.l4 = in.l3 + 20;
	return k->ip_hlen == 20 && (tcp[13] & (ACK | RST | SYN)) == ACK && !all_alive() &&
	       frame_is_answer(&x->out, &in);
}

static void expect_tcp(const struct frame *f, const struct looked *k, bool owner)
{
	const uint8_t *tcp = k->ip + k->ip_hlen;

	if (x->verdict == XDP_PASS_V) {
		EXPECT(untouched(f));
		return;
	}
	EXPECT(!memcmp(f->b, OWN_MAC, 6) && k->left >= k->ip_hlen + 20 &&
	       get16(tcp + 2) == GAME_PORT);
	if (x->verdict == XDP_TX_V) {
		EXPECT(!from_peer(f));
		EXPECT(steered_to(PEER0_MAC, f) || steered_to(PEER1_MAC, f) || answered(f, k));
		return;
	}
	EXPECT(x->verdict == XDP_DROP_V && !owner && tcp[13] & SYN && untouched(f));
}

static void expect_pulse(const struct frame *f, const struct looked *k)
{
	const uint8_t *ip = x->out.b + k->l3;

	if (x->verdict == XDP_DROP_V) {
		EXPECT(untouched(f));
		return;
	}
	EXPECT(x->verdict == XDP_TX_V && x->out.len == f->len);
	EXPECT(!memcmp(x->out.b, f->b + 6, 6) && !memcmp(x->out.b + 6, OWN_MAC, 6));
	EXPECT(get32(ip + 12) == OWN_ADDR && get32(ip + 16) == get32(k->ip + 12));
	EXPECT(ip[k->ip_hlen + 8 + 5] == HOKM_PULSE_ANSWER);
}

static void expect_replication(const struct frame *f, const struct looked *k)
{
	uint32_t from = get32(k->ip + 12);

	EXPECT(untouched(f));
	if (x->verdict == XDP_PASS_V)
		EXPECT((from == PEER0_ADDR || from == PEER1_ADDR) && k->ip[8] == 255 &&
		       get16(k->ip + k->ip_hlen + 4) == get16(k->ip + 2) - k->ip_hlen);
	else
		EXPECT(x->verdict == XDP_DROP_V);
}

static void expect_ingress(const struct frame *f, bool owner)
{
	struct looked k = look(f, false);

	switch (k.kind) {
	case NONE_OF_OURS:
		EXPECT(x->verdict == XDP_PASS_V && untouched(f));
		break;
	case STACKED:
		EXPECT(x->verdict == XDP_DROP_V && untouched(f));
		break;
	case ARP:
		EXPECT(x->verdict ==
		       (arp_about_vip(&k, false) && !owner ? XDP_DROP_V : XDP_PASS_V));
		EXPECT(untouched(f));
		break;
	case VRRP:
		EXPECT(x->verdict == XDP_PASS_V || x->verdict == XDP_DROP_V);
		EXPECT(untouched(f));
		break;
	case PULSE:
		expect_pulse(f, &k);
		break;
	case REPLICATION:
		expect_replication(f, &k);
		break;
	case VIP_TCP:
		expect_tcp(f, &k, owner);
		break;
	}
}

/* A RST that refuses a SYN: it is that SYN again, for a peer. */
static bool replayed(const struct frame *f, const struct looked *k)
{
	const uint8_t *ip = x->out.b + k->l3, *tcp = ip + 20, *rst = k->ip + k->ip_hlen;
	uint32_t options = x->out.len - (uint32_t)k->l3 - 40;

	return (rst[13] & (SYN | RST | ACK)) == (RST | ACK) && !get32(rst + 4) &&
	       (!memcmp(x->out.b, PEER0_MAC, 6) || !memcmp(x->out.b, PEER1_MAC, 6)) &&
	       !memcmp(x->out.b + 6, OWN_MAC, 6) && !memcmp(x->out.b + 12, f->b + 12, k->l3 - 12) &&
	       options <= HOKM_SYN_OPTIONS && ip[0] == 0x45 && get16(ip + 2) == 40 + options &&
	       get32(ip + 12) == get32(k->ip + 16) && get32(ip + 16) == VIP_ADDR &&
	       !memcmp(tcp, rst + 2, 2) && !memcmp(tcp + 2, rst, 2) &&
	       get32(tcp + 4) == get32(rst + 8) - 1 && tcp[12] >> 4 == 5 + options / 4 &&
	       (tcp[13] & (SYN | RST | ACK | FIN)) == SYN;
}

static void expect_egress(const struct frame *f, bool owner)
{
	struct looked k = look(f, true);
	bool claim = k.kind == ARP && arp_about_vip(&k, true);

	EXPECT(x->verdict == (claim && !owner ? TC_SHOT_V : TC_OK_V));
	EXPECT(untouched(f) || (k.kind == VIP_TCP && replayed(f, &k)));
}

/* ---- others' connections ---- */

static struct hokm_conn_key other_key(uint32_t i)
{
	struct hokm_conn_key k = fix_key();

	k.client.w[3] = htonl(OTHER_CLIENT + i);
	return k;
}

static void others_put(void)
{
	for (uint32_t i = 0; i < OTHERS; i++) {
		struct hokm_conn_key k = other_key(i);

		others[i] = (struct hokm_conn){
			.created_ns = 1 + i,
			.established_ns = 2,
			.tcp_state = HOKM_TCP_ESTABLISHED,
			.target = HOKM_LOCAL,
			.flags = HOKM_CONN_OPENED,
			.ws = HOKM_WS_OPEN,
			.c2s = {.packets = 9, .seq_next = 100 + i},
			.s2c = {.packets = 9, .seq_next = 200 + i}};
		ws_begin(&others[i].c2s.ws, 100 + i);
		ws_begin_unknown(&others[i].s2c.ws);
		EXPECT(!bpf_map_update_elem(
			bpf_map__fd(x->skel->maps.conns), &k, &others[i], BPF_ANY));
	}
}

static struct hokm_conn_key told_key(uint32_t i)
{
	struct hokm_conn_key k = fix_key();

	k.client_port = htons((uint16_t)(TOLD_PORT + i));
	return k;
}

static void told_put(uint32_t i)
{
	struct hokm_conn_key k = told_key(i);
	struct hokm_replica r = {.told_ns = 1, .isn = 1000, .holder = (uint8_t)i};

	EXPECT(!bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k, &r, BPF_ANY));
}

static void run(const struct frame *f, bool egress)
{
	frames_run++;
	if (egress)
		fix_egress(x, f);
	else
		fix_ingress(x, f);
}

/* Is the frame one of that connection's? */
static bool is_others(const struct looked *k, uint32_t i, bool egress)
{
	const uint8_t *tcp;

	if (k->kind != VIP_TCP || k->left < k->ip_hlen + 4)
		return false;
	tcp = k->ip + k->ip_hlen;
	return get32(k->ip + (egress ? 16 : 12)) == OTHER_CLIENT + i &&
	       get16(tcp + (egress ? 2 : 0)) == CLIENT_PORT;
}

static void expect_others(const struct frame *f, bool egress)
{
	struct looked k = look(f, egress);
	int fd = bpf_map__fd(x->skel->maps.conns);

	for (uint32_t i = 0; i < OTHERS; i++) {
		struct hokm_conn_key key = other_key(i);
		struct hokm_conn c;

		if (is_others(&k, i, egress)) {
			EXPECT(!bpf_map_update_elem(fd, &key, &others[i], BPF_ANY));
			continue;
		}
		EXPECT(!bpf_map_lookup_elem(fd, &key, &c));
		EXPECT(!memcmp(&c, &others[i], sizeof(c)));
	}
}

/*
 * Only a packet of its client, of which somebody may have been told, marks an entry of the replica.
 */
static void expect_told(const struct frame *f, bool egress)
{
	struct looked k = look(f, egress);

	for (uint32_t i = 0; i < 2; i++) {
		struct hokm_conn_key key = told_key(i);
		const uint8_t *tcp;
		struct hokm_replica r;

		EXPECT(!bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.replica), &key, &r));
		if (!r.answered_ns)
			continue;
		EXPECT(!egress && k.kind == VIP_TCP && get32(k.ip + 12) == CLIENT_ADDR);
		tcp = k.ip + k.ip_hlen;
		EXPECT(get16(tcp) == TOLD_PORT + i && !all_alive());
		EXPECT(tcp[13] & RST ? x->verdict == XDP_PASS_V : x->verdict == XDP_TX_V);
		told_put(i);
	}
}

/* ---- frames ---- */

static void sign(struct frame *f)
{
	struct looked k = look(f, false);
	struct hokm_pulse p;

	if (k.kind != PULSE || k.ip_hlen != 20 || k.left < PULSE_AT + sizeof(p))
		return;
	memcpy(&p, k.ip + PULSE_AT, sizeof(p));
	p.tag = htobe64(siphash_bytes(&p, HOKM_PULSE_SIGNED, x->keys.pulse));
	memcpy(f->b + k.l3 + PULSE_AT, &p, sizeof(p));
}

static int world_is = -1;

static void world(uint8_t options)
{
	int want = options & (OPT_FENCED | OPT_LEASED | OPT_DEAD);
	struct hokm_peer p = fix_alive_peer(0);

	if (want == world_is)
		return;
	world_is = want;
	fix_owner(x, !(options & OPT_FENCED));
	if (options & OPT_LEASED)
		p.lease_until_ns = p.seen_ns;
	fix_peer_set(x, 0, &p);
	p = fix_alive_peer(1);
	fix_peer_set(x, 1, &p);
	if (options & OPT_DEAD)
		fix_peer_dead(x, 1);
}

/* The tables fill up with what the frames claim: emptied now and then, and the world made anew. */
static void clean(void)
{
	static unsigned int runs;
	struct hokm_conn_key key;
	int fd = bpf_map__fd(x->skel->maps.conns);

	if (runs++ % CLEAN_EVERY)
		return;
	world_is = -1;
	while (!bpf_map_get_next_key(fd, NULL, &key))
		EXPECT(!bpf_map_delete_elem(fd, &key));
	others_put();
	told_put(0);
	told_put(1);
	fix_changes(x, NULL, 0);
	for (unsigned int i = 0; i < x->n_events; i++)
		EXPECT(x->event[i].kind != HOKM_EV_SYNC_LOST ||
		       x->event[i].fault != HOKM_FAULT_READ);
	x->n_events = 0;
	fix_events(x, HOKM_EV_DROP, NULL);
	EXPECT(!fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_drop_steer_fault));
	EXPECT(!fix_count(x, 0, HOKM_CTR_drop_steer_fault));
	EXPECT(!fix_count(x, 0, HOKM_CTR_drop_answer_fault));
	EXPECT(!fix_count(x, 0, HOKM_CTR_drop_replay_fault));
}

/* The kernel's test run makes no skb of a header alone, nor of IP that is cut off in its header. */
static bool makes_skb(const uint8_t *data, size_t size)
{
	unsigned int type = get16(data + 12);

	return size > FRAME_MIN + (type == 0x0800 ? 19 : type == 0x86dd ? 39 : 0);
}

static void one_frame(uint8_t options, const uint8_t *data, size_t size)
{
	static struct frame f;
	bool egress = options & OPT_EGRESS, owner = !(options & OPT_FENCED);

	if (size < FRAME_MIN || size > FRAME_MAX || (egress && !makes_skb(data, size)))
		return;
	memcpy(f.b, data, size);
	f.len = (uint32_t)size;
	if (options & OPT_SIGN)
		sign(&f);
	world(options);
	run(&f, egress);
	if (egress)
		expect_egress(&f, owner);
	else
		expect_ingress(&f, owner);
	expect_others(&f, egress);
	expect_told(&f, egress);
}

/* ---- a talk ---- */

#define CISN 0xffffffc0U
#define SISN 7000U

#define TALK_SERVER  0x01
#define TALK_WHERE   0x06 /* 2: begins earlier, 4: early */
#define TALK_PADDED  0x08
#define TALK_OLD_ACK 0x10
#define TALK_AGAIN   0x20 /* the same bytes once more behind them */
#define TALK_WORDS   0x40 /* the padding would make a request of what has its first letter */

struct side {
	struct ws_rig rig;
	uint32_t at;  /* where the next segment begins */
	uint32_t ack; /* newest it sent */
};

static void talk_begin(struct side s[2], uint8_t how)
{
	bool frames = how & 1;
	struct hokm_conn c = {
		.created_ns = fix_now(),
		.established_ns = fix_now(),
		.isn = CISN,
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = HOKM_LOCAL,
		.flags = HOKM_CONN_OPENED,
		.ws = frames ? HOKM_WS_OPEN : HOKM_WS_NONE,
		.c2s = {.packets = 2, .seq_next = CISN + 1, .ack = SISN + 1},
		.s2c = {.packets = 1, .seq_next = SISN + 1, .ack = CISN + 1},
	};

	for (uint8_t i = 0; i < 2; i++) {
		uint32_t first = (i ? SISN : CISN) + 1;
		uint8_t side = i ? HOKM_SIDE_SERVER : HOKM_SIDE_CLIENT;

		s[i].at = first;
		s[i].ack = (i ? CISN : SISN) + 1;
		if (frames)
			ws_rig_begin_frames(&s[i].rig, side, first);
		else if (how & 2 << i)
			ws_rig_begin_unknown(&s[i].rig, side, first);
		else
			ws_rig_begin(&s[i].rig, side, first);
		*(i ? &c.s2c.ws : &c.c2s.ws) = s[i].rig.ws;
	}
	fix_conn_put(x, &c);
}

/* A refused or plain connection may ask again: bpf/ws_track.h begins anew then. */
static void talk_again(struct ws_rig *r, const struct hokm_conn *c, bool server, uint32_t seq,
		       const uint8_t *data, uint32_t len)
{
	bool begins = len >= 4 && seq == r->newest && !memcmp(data, server ? "HTTP" : "GET ", 4);

	if (!server && r->ws.state == HOKM_FOLLOW_FRAMES && c->ws == HOKM_WS_REFUSED)
		r->ws.state = HOKM_FOLLOW_PLAIN;
	if (r->ws.state == HOKM_FOLLOW_PLAIN && begins && (!server || c->upgrade_ns))
		ws_begin(&r->ws, seq);
}

/* bpf/ws_track.h may count a message whose length is known before all of its mask has come. */
static bool counted_before_its_mask(const struct hokm_ws *rig, const struct hokm_ws *bpf)
{
	return rig->state == HOKM_FOLLOW_FRAMES && rig->have >= 4 && !bpf->have &&
	       ((rig->b0 & ~WS_RSV1) == (WS_FIN | WS_TEXT) ||
		(rig->b0 & ~WS_RSV1) == (WS_FIN | WS_BINARY));
}

/* False: they part here without a fault of either. */
static bool talk_same(const struct side *s, const struct hokm_flow *h)
{
	const struct hokm_ws *rig = &s->rig.ws, *bpf = &h->ws;
	uint32_t frames = s->rig.total.records;

	if (counted_before_its_mask(rig, bpf))
		return false;
	for (int i = 0; i < WS_KINDS; i++)
		frames += s->rig.total.n[i];
	EXPECT(bpf->state == rig->state);
	EXPECT(h->frames == frames);
	EXPECT(h->seq_next == s->rig.newest);
	if (rig->state > HOKM_FOLLOW_RECORDS)
		return true;
	EXPECT(bpf->next == rig->next && bpf->flags == rig->flags);
	EXPECT(bpf->have == rig->have && bpf->left == rig->left);
	EXPECT(!(rig->flags & HOKM_WS_FLAG_GAP) || bpf->gap == rig->gap);
	return true;
}

static void talk_frame(struct frame *f, bool server, uint32_t seq, uint32_t ack,
		       const uint8_t *data, uint32_t len, uint8_t how)
{
	bool padded = how & TALK_PADDED && !server;

	frame_tcp(f, SEG(.flags = ACK, .seq = seq, .ack = ack, .payload = len, .reply = server,
			 .padding = padded ? 12 : 0));
	memcpy(f->b + f->len - (padded ? 12 : 0) - len, data, len);
	if (padded)
		memcpy(f->b + f->len - 12,
		       how & TALK_WORDS ? "ET / HTTP/1."
					: "\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85",
		       12);
}

/* One segment; false ends the talk. */
static bool talk_segment(struct side s[2], uint8_t how, const uint8_t *data, uint32_t len)
{
	static struct frame f;
	bool server = how & TALK_SERVER;
	struct side *me = &s[server], *you = &s[!server];
	uint32_t seq = me->at, ack = how & TALK_OLD_ACK ? you->at - 1 : you->at;
	struct hokm_conn c;

	if ((how & TALK_WHERE) == 2)
		seq -= len / 2;
	else if ((how & TALK_WHERE) == 4)
		seq += len;
	EXPECT(fix_conn(x, &c));
	talk_frame(&f, server, seq, ack, data, len, how);
	run(&f, server);
	EXPECT(x->verdict == (server ? TC_OK_V : XDP_PASS_V) && untouched(&f));

	if (ws_diff(ack, me->ack) > 0)
		me->ack = ack;
	talk_again(&me->rig, &c, server, seq, data, len);
	me->rig.has_acked = true;
	me->rig.acked = you->ack;
	ws_rig_segment(&me->rig, seq, data, len);
	if ((how & TALK_WHERE) != 4 && ws_diff(seq + len, me->at) > 0)
		me->at = seq + len;
	EXPECT(fix_conn(x, &c));
	return talk_same(me, server ? &c.s2c : &c.c2s);
}

static void talk(const uint8_t *data, size_t size)
{
	static struct side s[2];
	static uint8_t copy[1200];
	size_t at = 1;

	if (size < 1)
		return;
	world(0);
	memset(s, 0, sizeof(s));
	talk_begin(s, data[0]);
	while (at + 2 < size) {
		uint8_t how = data[at];
		size_t len = data[at + 1] + 1u, left = size - at - 2;

		at += 2;
		if (len > left)
			len = left;
		memcpy(copy, data + at, len);
		at += len;
		if (how & TALK_AGAIN) {
			memcpy(copy + len, copy, len);
			len *= 2;
		}
		if (!talk_segment(s, how, copy, (uint32_t)len))
			break;
	}
}

static void say_frames(void)
{
	fprintf(stderr, "fuzz_bpf: %lu frames through the programs\n", frames_run);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	void *state = NULL;

	(void)argc;
	(void)argv;
	if (fix_open_small(&state, CONNS_MAX) || fix_reset(&state)) {
		fprintf(stderr, "fuzz_bpf: cannot load the programs; it must be run as root\n");
		exit(1);
	}
	x = state;
	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	if (atexit(say_frames))
		exit(1);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	clean();
	if (data[0] & OPT_TALK)
		talk(data + 1, size - 1);
	else
		one_frame(data[0], data + 1, size - 1);
	return 0;
}
