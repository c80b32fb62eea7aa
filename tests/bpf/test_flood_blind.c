/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flood of blind ACKs, FINs, RSTs, SYNs, ICMP errors and first fragments, of random tuples and of
 * those of real players: no entry of a player changes by a byte, nothing is entered, and a peer
 * gets less than 1,000 of the packets in a second. The environment variable HOKM_FLOOD sets the
 * number of packets.
 *
 * Half of the players live here, with real sockets; half of them live on peer 1, and the
 * replica names it. The numbers come from a fixed seed, so that no run meets the window by chance.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flood.h"
#include "hokm/ws.h"
#include "skel.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define HERE        40
#define PLAYERS     (2 * HERE) /* the others are carried */
#define PACKETS     1000000ul
#define PLAYER_PORT 20000
#define CARRIER     1
#define SENT_ON     3
#define FLOOD_NET   IPV4(10, 0, 0, 0)
#define A_SECOND    1000u

enum kind { BLIND_ACK, BLIND_FIN, BLIND_RST, BLIND_SYN, BLIND_ICMP, BLIND_PART, KINDS };
static const uint8_t FLAGS[] = {ACK | PSH, FIN | ACK, RST, SYN};

struct players {
	struct talk talk[PLAYERS];
	struct socks socks[HERE];
	struct hokm_conn before[PLAYERS];
};

static void live_here(struct fix *x, struct players *p)
{
	for (uint16_t i = 0; i < HERE; i++) {
		if (i)
			socks_join(&p->socks[i], &p->socks[0], (uint16_t)(PLAYER_PORT + i));
		talk_init(&p->talk[i], x, i ? p->socks[i].client_port : CLIENT_PORT, i * 7919,
			  i * 104729);
		talk_handshake(&p->talk[i]);
		talk_switch(&p->talk[i]);
		talk_frame(&p->talk[i], CLIENT, WS_FIN | WS_TEXT, i);
		talk_frame(&p->talk[i], SERVER, WS_FIN | WS_TEXT, i);
	}
}

static void live_on_the_peer(struct fix *x, struct players *p)
{
	for (uint16_t i = HERE; i < PLAYERS; i++) {
		struct hokm_conn c = fix_steered_conn(CARRIER);
		struct hokm_conn_key k = fix_key();
		struct hokm_replica r = {.told_ns = 1, .holder = CARRIER};
		struct talk *t = &p->talk[i];

		talk_init(t, x, (uint16_t)(PLAYER_PORT + i), i * 7919, i * 104729);
		t->to = PEER1_MAC;
		c.isn = r.isn = t->next[CLIENT] - 1;
		c.c2s.seq_next = r.ack_next = t->next[CLIENT];
		c.c2s.ack = r.seq_next = t->next[SERVER];
		c.vouched = VOUCHED(c.c2s.seq_next, c.c2s.ack);
		fix_conn_put_at(x, t->port, &c);
		k.client_port = htons(t->port);
		assert_int_equal(
			bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k, &r, BPF_ANY),
			0);
	}
}

/* Addresses, ports and numbers of one packet of the flood. */
struct shot {
	uint32_t client;
	uint16_t port;
	uint32_t seq, ack;
};

static struct shot aim(const struct players *p, uint32_t *seed)
{
	struct shot s = {.client = CLIENT_ADDR,
			 .port = p->talk[talk_random(seed) % PLAYERS].port,
			 .seq = talk_random(seed),
			 .ack = talk_random(seed)};

	if (talk_random(seed) & 1) {
		s.client = FLOOD_NET + (talk_random(seed) & 0xffffff);
		s.port = (uint16_t)talk_random(seed);
	}
	return s;
}

static void fire_tcp(struct frame *f, const struct shot *s)
{
	flood_put32(f->b + f->l3 + 12, s->client);
	flood_put16(f->b + f->l4, s->port);
	flood_put32(f->b + f->l4 + 4, s->seq);
	flood_put32(f->b + f->l4 + 8, s->ack);
	frame_ip_checksum(f);
}

/* "Fragmentation needed" about a packet from the VIP to the client. */
static void fire_icmp(struct frame *f, const struct shot *s)
{
	uint8_t *quote = f->b + f->l4 + 8;

	flood_put32(quote + 16, s->client);
	flood_put16(quote + 22, s->port);
	flood_put32(quote + 24, s->seq);
}

static void icmp_frame(struct frame *f)
{
	static const uint8_t head[8] = {3, 4, 0, 0, 0, 0, 5, 20};
	struct frame quoted;

	frame_tcp(&quoted, SEG(.flags = ACK, .reply = true));
	frame_icmp(f, CLIENT_MAC, OTHER_ADDR, head, quoted.b + quoted.l3, 28);
}

static uint64_t flood(struct fix *x, const struct players *p, unsigned long n)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .repeat = 1);
	int prog = x->ingress;
	static struct frame f[KINDS];
	uint64_t sent_on = 0;
	uint32_t seed = 20261128;

	for (int kind = 0; kind < BLIND_ICMP; kind++)
		frame_tcp(&f[kind],
			  SEG(.flags = FLAGS[kind], .payload = kind == BLIND_ACK ? 6 : 0));
	icmp_frame(&f[BLIND_ICMP]);
	frame_tcp(&f[BLIND_PART], SEG(.flags = ACK, .payload = 8, .ip.frag = 0x2000));
	for (unsigned long i = 0; i < n; i++) {
		struct frame *shot = &f[i % KINDS];
		const struct shot s = aim(p, &seed);

		if (i % KINDS == BLIND_ICMP)
			fire_icmp(shot, &s);
		else
			fire_tcp(shot, &s);
		o.data_in = shot->b;
		o.data_size_in = shot->len;
		o.data_size_out = 0; /* the call before has set it */
		assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
		sent_on += o.retval == SENT_ON;
	}
	return sent_on;
}

static void flood_players(struct fix *x, unsigned long n, bool guesses)
{
	static struct players p;
	uint64_t began, took, sent_on;

	x->cfg.half_open_mask = bpf_map__max_entries(x->skel->maps.half_open) - 1;
	fix_cfg(x);
	fix_guesses(x, guesses);
	socks_connect(&p.socks[0]);
	live_here(x, &p);
	live_on_the_peer(x, &p);
	for (unsigned int i = 0; i < PLAYERS; i++)
		p.before[i] = talk_conn(&p.talk[i]);
	began = fix_now();
	sent_on = flood(x, &p, n);
	took = fix_now() - began;
	print_message("%lu packets in %.1f s, %.0f ns each with the system call; %llu to a peer\n",
		      n, (double)took / 1e9, (double)took / (double)n, (unsigned long long)sent_on);
	for (unsigned int i = 0; i < PLAYERS; i++) {
		struct hokm_conn after = talk_conn(&p.talk[i]);

		assert_memory_equal(&after, &p.before[i], sizeof(after));
		talk_say(&p.talk[i], CLIENT, "\x82\x80\0\0\0\0", 6);
		assert_int_equal(talk_conn(&p.talk[i]).c2s.packets, after.c2s.packets + 1);
	}
	assert_int_equal(fix_conn_count(x), PLAYERS);
	assert_true(sent_on <= (took / SECOND_NS + 2) * A_SECOND);
	assert_int_equal(COUNT(x, in_binary), HERE);
	for (unsigned int i = 0; i < HERE; i++)
		socks_close(&p.socks[i]);
}

static void flood_changes_no_player(void **state)
{
	flood_players(*state, flood_packets(PACKETS), false);
}

/* As while a replica is not complete, for a second after a move, and while no daemon runs. */
static void flood_changes_no_player_while_guesses_are_given(void **state)
{
	flood_players(*state, flood_packets(PACKETS) / 4, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(flood_changes_no_player),
		HOKM_TEST(flood_changes_no_player_while_guesses_are_given),
	};

	return cmocka_run_group_tests_name("flood_blind", tests, fix_open, fix_close);
}
