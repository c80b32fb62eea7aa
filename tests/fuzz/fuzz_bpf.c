/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes the BPF programs themselves: they are loaded and run by BPF_PROG_TEST_RUN in the world of
 * tests/bpf/fixture.h, as root. libFuzzer sees no coverage of BPF code. It is guided by the
 * branches of the simple classifier here, which decides for each frame what the programs may do
 * with it.
 *
 *   byte 0    bit 0: egress
 *             bit 1: this node is not the owner
 *             bit 2: a peer is the owner
 *             bit 3: sign a frame that may be a pulse
 *             bit 4: peer 1 is dead
 *             bit 7: the input is a talk, otherwise a frame
 *   a frame   the rest of the input, from its Ethernet header on
 *   a talk    byte 1: how it begins; then segments of one connection, each with a byte of
 *             options, a byte of length, and the payload
 *
 * What the programs note of both directions of a talk must be what hokm/ws.h finds when ws_rig.c
 * runs it.
 *
 * For every frame: a frame that belongs to no service passes unchanged, a frame is sent out only in
 * the allowed ways, and the entries of other established connections do not change. The replica
 * names the holders of two connections: peer 0 of client port 41000, peer 1 of client port 41001.
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
#include "bpf_fuzz.h"
#include "frame_look.h"
#include "hokm/pulse_tag.h"
#include "hokm/ws.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
#define PULSE_AT     28 /* offset of a pulse from an IPv4 header without options */

static struct fix *x;
static unsigned long frames_run;
static struct hokm_conn others[OTHERS];

_Noreturn void bpf_fuzz_differ(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s (verdict %d)\n", file, line, what,
		x ? x->verdict : -1);
	abort();
}

/* ---- what the programs may do ---- */

bool bpf_fuzz_untouched(const struct frame *f)
{
	return x->out.len == f->len && !memcmp(x->out.b, f->b, f->len);
}

static bool steered_to(const uint8_t *mac, const struct frame *f)
{
	return !memcmp(x->out.b, mac, 6) && !memcmp(x->out.b + 6, OWN_MAC, 6) &&
	       x->out.len == f->len && !memcmp(x->out.b + 12, f->b + 12, f->len - 12);
}

/*
 * Are all peers alive for longer than the run takes? A pulse among the frames gives its peer a
 * limit.
 */
static bool all_alive(void)
{
	return fix_peer(x, 0).seen_ns > fix_now() && fix_peer(x, 1).seen_ns > fix_now();
}

/* Only an ACK from a client, of a connection whose holder is dead, is answered. */
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

/*
 * Was the last frame over the rate of guesses, or over that of strays (bpf/guess.h)? Fragments are
 * counted at the node.
 */
static bool over_a_rate(void)
{
	static uint64_t before;
	uint64_t now = fix_count(x, 0, HOKM_CTR_drop_guess) + fix_count(x, 0, HOKM_CTR_drop_stray) +
		       fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_drop_stray);
	bool more = now != before;

	before = now;
	return more;
}

static void expect_tcp(const struct frame *f, const struct looked *k, bool owner)
{
	const uint8_t *tcp = k->ip + k->ip_hlen;

	if (x->verdict == XDP_PASS_V) {
		EXPECT(bpf_fuzz_untouched(f));
		return;
	}
	EXPECT(!memcmp(f->b, OWN_MAC, 6) && k->left >= k->ip_hlen + 20 &&
	       get16(tcp + 2) == GAME_PORT);
	if (x->verdict == XDP_TX_V) {
		EXPECT(!from_peer(f));
		EXPECT(steered_to(PEER0_MAC, f) || steered_to(PEER1_MAC, f) || answered(f, k));
		return;
	}
	EXPECT(x->verdict == XDP_DROP_V && bpf_fuzz_untouched(f));
	EXPECT((!from_peer(f) && over_a_rate()) || (!owner && tcp[13] & SYN));
}

static void expect_pulse(const struct frame *f, const struct looked *k)
{
	const uint8_t *ip = x->out.b + k->l3;

	if (x->verdict == XDP_DROP_V) {
		EXPECT(bpf_fuzz_untouched(f));
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

	EXPECT(bpf_fuzz_untouched(f));
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
		EXPECT(x->verdict == XDP_PASS_V && bpf_fuzz_untouched(f));
		break;
	case STACKED:
	case STEER_PROBE:
		EXPECT(x->verdict == XDP_DROP_V && bpf_fuzz_untouched(f));
		break;
	case ARP:
		EXPECT(x->verdict ==
		       (arp_about_vip(&k, false) && !owner ? XDP_DROP_V : XDP_PASS_V));
		EXPECT(bpf_fuzz_untouched(f));
		break;
	case VRRP:
		EXPECT(x->verdict == XDP_PASS_V || x->verdict == XDP_DROP_V);
		EXPECT(bpf_fuzz_untouched(f));
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

/* A RST that refuses a SYN is rewritten to that SYN, for a peer. */
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
	EXPECT(bpf_fuzz_untouched(f) || (k.kind == VIP_TCP && replayed(f, &k)));
}

/* ---- other connections ---- */

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
		fix_conn_bits(x, &k);
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

void bpf_fuzz_run(const struct frame *f, bool egress)
{
	frames_run++;
	if (egress)
		fix_egress(x, f);
	else
		fix_ingress(x, f);
}

/* Does the frame belong to that connection? */
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

/* Only a packet of its client may mark an entry of the replica. */
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
	unsigned int slot;

	if (k.kind != PULSE || k.ip_hlen != 20 || k.left < PULSE_AT + sizeof(p))
		return;
	memcpy(&p, k.ip + PULSE_AT, sizeof(p));
	memcpy(p.mac, f->b + 6, sizeof(p.mac));
	slot = get32(k.ip + 12) == PEER1_ADDR;
	p.tag = htobe64(hokm_pulse_tag(
		&p, htonl(get32(k.ip + 12)), htonl(get32(k.ip + 16)), x->keys.from[0][slot]));
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

/*
 * The frames fill the tables, so from time to time they are cleared and the world is set up again.
 */
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

/* BPF_PROG_TEST_RUN makes no skb of an Ethernet header alone, or of an incomplete IP header. */
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
	bpf_fuzz_run(&f, egress);
	if (egress)
		expect_egress(&f, owner);
	else
		expect_ingress(&f, owner);
	expect_others(&f, egress);
	expect_told(&f, egress);
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
	if (data[0] & OPT_TALK) {
		world(0);
		bpf_fuzz_talk(x, data + 1, size - 1);
	} else {
		one_frame(data[0], data + 1, size - 1);
	}
	return 0;
}
