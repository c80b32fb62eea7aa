/* SPDX-License-Identifier: GPL-2.0-only */
/* Two nodes that replicate over a simulated network; see repl_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "repl_rig.h"

#define QUEUE          4096 /* datagrams on the way to a node */
#define SEND_MOST      64   /* datagrams that a node sends in a tick */
#define TICKS_A_SECOND 100

static const __u64 key[2] = {7, 8};

uint32_t chance(struct net *t)
{
	t->seed = t->seed * 1664525u + 1013904223u;
	return t->seed >> 8;
}

static bool happens(struct net *t, unsigned int of_1000)
{
	return chance(t) % 1000 < of_1000;
}

/* ---- nodes ---- */

void restart(struct net *t, unsigned int i)
{
	struct repl_conf conf = {.vrid = 25,
				 .numbers = t->numbers,
				 .keys = {.sign = {key[0], key[1] + (t->one_key ? 0 : i)},
					  .verify = {{key[0], key[1] + (t->one_key ? 0 : !i)}},
					  .n_verify = 1}};
	struct node *node = &t->node[i];

	repl_free(node->link);
	conf.session = node->session = ((uint64_t)chance(t) << 20 | chance(t)) | 1;
	assert_int_equal(repl_new(&conf, &node->link), 0);
	memset(node->replica, 0, sizeof(node->replica));
	node->receives_list = false;
	node->clock_ns = (uint64_t)chance(t) * 1000000;
}

void net_open(struct net *t, uint32_t seed)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->now_ns = 1000 * MS;
	for (unsigned int i = 0; i < 2; i++) {
		t->way[i] = calloc(QUEUE, sizeof(*t->way[i]));
		assert_non_null(t->way[i]);
		restart(t, i);
	}
}

void net_open_converged(struct net *t, uint32_t seed)
{
	net_open(t, seed);
	(void)until_converged(t);
}

void net_close(struct net *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		repl_free(t->node[i].link);
		free(t->way[i]);
	}
}

uint64_t clock_of(const struct net *t, unsigned int i)
{
	return t->now_ns + t->node[i].clock_ns;
}

bool is_connected(const struct net *t, unsigned int i)
{
	return repl_connected(t->node[i].link, clock_of(t, i));
}

struct repl_stats stats_of(struct net *t, unsigned int i)
{
	struct repl_stats s;

	repl_get_stats(t->node[i].link, clock_of(t, i), &s);
	return s;
}

/* ---- connections ---- */

static void put(struct net *t, unsigned int i, unsigned int c, uint8_t what)
{
	struct repl_record r = {.client.w = {0, 0, htonl(0xffff), htonl(0x0a000001)},
				.client_port = htons((uint16_t)(c + 1)),
				.what = what,
				.tag = 5,
				.isn = t->node[i].isn[c]};

	repl_put(t->node[i].link, &r, clock_of(t, i), clock_of(t, i));
}

void change(struct net *t, unsigned int i, unsigned int c, bool have)
{
	struct node *node = &t->node[i];

	if (node->own[c] == have)
		return;
	if (have)
		node->isn[c] = chance(t);
	node->own[c] = have;
	put(t, i, c, have ? REPL_HAVE : REPL_GONE);
}

void change_any(struct net *t, unsigned int i)
{
	bool have = chance(t) & 1;
	unsigned int c = chance(t) % SET;

	change(t, i, c, have);
}

static void end_list(struct node *node)
{
	assert_true(node->receives_list);
	node->receives_list = false;
	for (unsigned int c = 0; c < SET; c++)
		node->replica[c] &= node->listed[c];
}

static void apply(struct node *node, const struct repl_record *r)
{
	unsigned int c = ntohs(r->client_port) - 1u;

	switch (r->what) {
	case REPL_BEGIN:
		memset(node->listed, 0, sizeof(node->listed));
		node->receives_list = true;
		break;
	case REPL_HAVE:
		node->replica[c] = node->listed[c] = true;
		node->replica_isn[c] = r->isn;
		break;
	case REPL_GONE:
		if (node->replica[c] && node->replica_isn[c] == r->isn)
			node->replica[c] = node->listed[c] = false;
		break;
	case REPL_END:
		end_list(node);
		break;
	}
}

/* ---- sending and receiving ---- */

enum repl_fault deliver(struct net *t, unsigned int i, const struct datagram *d)
{
	struct repl_received in;

	repl_receive(t->node[i].link, d->b, d->len, clock_of(t, i), &in);
	for (unsigned int k = 0; k < in.n; k++)
		apply(&t->node[i], &in.records[k]);
	return in.fault;
}

/* Continues the list that node i sends, or begins it when the link needs one. */
static void send_list(struct net *t, unsigned int i)
{
	struct node *node = &t->node[i];

	if (repl_wants_list(node->link, clock_of(t, i))) {
		repl_list_begin(node->link, clock_of(t, i));
		node->list_at = 0;
	}
	for (unsigned int n = 0; repl_listing(node->link) && repl_has_room(node->link); n++) {
		if (t->slow && n == t->slow)
			break;
		while (node->list_at < SET && !node->own[node->list_at])
			node->list_at++;
		if (node->list_at == SET) {
			repl_list_end(node->link, clock_of(t, i));
			break;
		}
		put(t, i, node->list_at++, REPL_HAVE);
	}
}

static void put_on_the_way(struct net *t, unsigned int to, const struct datagram *d)
{
	unsigned int copies = happens(t, t->loss) ? 0 : happens(t, t->twice) ? 2 : 1;

	while (copies-- && t->n[to] < QUEUE) {
		t->way[to][t->n[to]] = *d;
		if (happens(t, t->damage))
			t->way[to][t->n[to]].b[chance(t) % d->len] ^= 1;
		t->n[to]++;
	}
}

static void send_all(struct net *t, unsigned int i)
{
	struct datagram d;

	for (int k = 0; k < SEND_MOST; k++) {
		d.len = repl_next(t->node[i].link, clock_of(t, i), d.b);
		if (!d.len)
			return;
		assert_true(d.len <= sizeof(d.b));
		put_on_the_way(t, !i, &d);
	}
}

static void acknowledge(struct net *t, unsigned int i)
{
	struct datagram d = {.len = 0};

	d.len = repl_acknowledge(t->node[i].link, clock_of(t, i), d.b);
	if (d.len)
		put_on_the_way(t, !i, &d);
}

static void swap_some(struct net *t, unsigned int to)
{
	for (unsigned int k = 0; k + 1 < t->n[to]; k++)
		if (happens(t, t->swap)) {
			struct datagram d = t->way[to][k];

			t->way[to][k] = t->way[to][k + 1];
			t->way[to][k + 1] = d;
		}
}

static void receive_all(struct net *t, unsigned int i)
{
	for (unsigned int k = 0; k < t->n[i]; k++)
		(void)deliver(t, i, &t->way[i][k]);
	t->n[i] = 0;
}

void tick(struct net *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		swap_some(t, i);
		receive_all(t, i);
		acknowledge(t, i);
	}
	for (unsigned int i = 0; i < 2; i++) {
		send_list(t, i);
		send_all(t, i);
	}
	t->now_ns += TICK_NS;
}

void busy(struct net *t, unsigned int n, unsigned int changes)
{
	for (unsigned int k = 0; k < n; k++) {
		for (unsigned int n_changes = 0; n_changes < changes; n_changes++) {
			bool have = chance(t) & 1;
			unsigned int c = chance(t) % SET;

			change(t, chance(t) & 1, c, have);
		}
		tick(t);
	}
}

void ticks(struct net *t, unsigned int n)
{
	busy(t, n, 0);
}

/* ---- what must hold at the end ---- */

bool replica_is_right(const struct net *t, unsigned int i)
{
	const struct node *node = &t->node[i], *other = &t->node[!i];

	for (unsigned int c = 0; c < SET; c++)
		if (node->replica[c] != other->own[c] ||
		    (other->own[c] && node->replica_isn[c] != other->isn[c]))
			return false;
	return true;
}

bool converged(const struct net *t)
{
	for (unsigned int i = 0; i < 2; i++)
		if (!replica_is_right(t, i) || !repl_warm(t->node[i].link) ||
		    !repl_peer_warm(t->node[i].link))
			return false;
	return true;
}

unsigned int until_converged(struct net *t)
{
	for (unsigned int k = 0; k < CONVERGE_S * TICKS_A_SECOND; k++) {
		if (converged(t))
			return k;
		tick(t);
	}
	fail_msg("the replicas are not complete within %d s", CONVERGE_S);
	return 0;
}
