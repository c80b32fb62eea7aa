/* SPDX-License-Identifier: GPL-2.0-only */
/* See witness.h. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "hokm/pulse_tag.h"
#include "witness/witness.h"

#define PULSE_TTL 255

#define DISCARD_TEXT(p, id, text) [p##_##id] = (text),
static const char *const texts[] = {WITNESS_DISCARDS(DISCARD_TEXT, WITNESS)};

const char *witness_discard_text(unsigned int d)
{
	return d < WITNESS_DISCARD_COUNT ? texts[d] : "?";
}

/* ---- start ---- */

/* The keys of each direction, as a node derives them for its peers. */
static int make_keys(struct witness *w, const struct conf *c)
{
	struct hokm_cfg cfg = {.addr = hokm_addr_from_ipv4(w->addr)};

	for (unsigned int i = 0; i < w->n_nodes; i++) {
		cfg.peer[i].addr = hokm_addr_from_ipv4(w->nodes[i].addr);
		cfg.peer[i].used = 1;
	}
	return conf_pulse_keys(c, &cfg, &w->keys);
}

int witness_init(struct witness *w, const struct conf *c, unsigned int self, uint64_t now_ns)
{
	const uint64_t longest_ns = conf_longest_grant_ns(c);

	memset(w, 0, sizeof(*w));
	if (self >= c->n_witnesses || c->n_nodes > HOKM_MAX_PEERS)
		return -EINVAL;
	w->addr = c->witnesses[self].addr;
	w->vrid = c->vrid;
	w->n_nodes = c->n_nodes;
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		memcpy(w->nodes[i].name, c->nodes[i].name, sizeof(w->nodes[i].name));
		w->nodes[i].addr = c->nodes[i].addr;
	}
	w->promise.longest_ns = longest_ns;
	if (longest_ns)
		w->promise.silent_until_ns = now_ns + hokm_grant_silence_ns(longest_ns);
	return make_keys(w, c);
}

/* ---- a packet ---- */

static struct witness_node *node_with(struct witness *w, struct in_addr addr)
{
	for (unsigned int i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].addr.s_addr == addr.s_addr)
			return &w->nodes[i];
	return NULL;
}

/* Whether it begins as a pulse of another version, which may have another length. */
static bool of_other_version(const struct witness_packet *in)
{
	struct hokm_pulse head = {0};

	if (in->len < offsetof(struct hokm_pulse, nonce))
		return false;
	memcpy(&head, in->bytes, offsetof(struct hokm_pulse, nonce));
	return be32toh(head.magic) == HOKM_PULSE_MAGIC && head.version != HOKM_PULSE_VERSION;
}

static bool version_ok(const struct witness *w, const struct hokm_pulse *p)
{
	return be32toh(p->magic) == HOKM_PULSE_MAGIC && p->version == HOKM_PULSE_VERSION &&
	       p->vrid == w->vrid;
}

static bool tag_ok(const struct witness *w, unsigned int slot, const struct hokm_pulse *p)
{
	const uint32_t from = w->nodes[slot].addr.s_addr;

	for (uint64_t i = 0; i < w->keys.n; i++)
		if (be64toh(p->tag) ==
		    hokm_pulse_tag(p, from, w->addr.s_addr, w->keys.from[i][slot]))
			return true;
	return false;
}

/* What is wrong with a datagram of a node; *p has its pulse when nothing is. */
static enum witness_discard check(const struct witness *w, const struct witness_node *n,
				  const struct witness_packet *in, struct hokm_pulse *p)
{
	if (in->ttl != PULSE_TTL)
		return WITNESS_TTL;
	if (of_other_version(in))
		return WITNESS_VERSION;
	if (in->len != sizeof(*p))
		return WITNESS_SHORT;
	memcpy(p, in->bytes, sizeof(*p));
	if (!version_ok(w, p))
		return WITNESS_VERSION;
	if (!tag_ok(w, (unsigned int)(n - w->nodes), p))
		return WITNESS_TAG;
	if (p->kind != HOKM_PULSE_PROBE)
		return WITNESS_KIND;
	if (be64toh(p->nonce) == n->nonce && be64toh(p->sent_ns) <= n->sent_ns)
		return WITNESS_REPLAY;
	return WITNESS_NONE;
}

/* ---- the answer ---- */

const struct witness_node *witness_holder(const struct witness *w, uint64_t now_ns)
{
	const uint64_t word = w->promise.word;
	const uint32_t slot = hokm_grant_member(word) - HOKM_GRANT_PEER(0);

	return now_ns < hokm_grant_until_ns(word) && slot < w->n_nodes ? &w->nodes[slot] : NULL;
}

static void fill_holder(const struct witness *w, uint64_t now_ns, struct hokm_pulse_grant *g)
{
	const struct witness_node *holder = witness_holder(w, now_ns);
	const uint64_t until_ns = hokm_grant_until_ns(w->promise.word);

	g->holder = holder ? holder->addr.s_addr : 0;
	g->left_us = holder ? htobe32((uint32_t)((until_ns - now_ns + 999) / 1000)) : 0;
}

/* Carries out the wish, and turns its part of the pulse into the answer. */
static void answer_wish(struct witness *w, struct witness_node *n, uint64_t now_ns,
			struct hokm_pulse *p)
{
	struct hokm_pulse_grant *g = &p->grant;
	struct hokm_grant_ask ask = {
		.member = HOKM_GRANT_PEER((unsigned int)(n - w->nodes)),
		.wish = g->wish,
		.epoch = be64toh(g->epoch),
		.length_ns = be32toh(g->length_us) * 1000ULL,
	};

	g->verdict = (uint8_t)hokm_grant_take_wish(
		&w->promise, &n->wished, &ask, be64toh(p->sent_ns), now_ns);
	g->wish_epoch = g->epoch;
	g->epoch = htobe64(hokm_grant_seen_epoch(&w->promise, &n->wished));
	if (g->verdict != HOKM_VERDICT_GRANTED)
		ask.length_ns = w->promise.longest_ns;
	g->length_us = htobe32((uint32_t)(ask.length_ns / 1000));
	memset(g->rsv, 0, sizeof(g->rsv));
	fill_holder(w, now_ns, g);
}

/* The other nodes whose probes came here, and how long ago. */
static void fill_heard(const struct witness *w, const struct witness_node *asks, uint64_t now_ns,
		       struct hokm_pulse *p)
{
	unsigned int at = 0;

	memset(p->heard, 0, sizeof(p->heard));
	for (unsigned int i = 0; i < w->n_nodes; i++) {
		const struct witness_node *n = &w->nodes[i];
		const uint64_t age_us = (now_ns - n->heard_ns + 999) / 1000;

		if (n == asks || !n->heard_ns || age_us > UINT32_MAX)
			continue;
		p->heard[at++] = (struct hokm_pulse_heard){
			.addr = n->addr.s_addr, .age_us = htobe32((uint32_t)age_us)};
	}
}

/* A witness is no owner: all of these are zero. */
static void fill_state(const struct witness *w, struct hokm_pulse *p)
{
	p->kind = HOKM_PULSE_ANSWER;
	p->state = HOKM_VRRP_INIT;
	p->lease_left_ns = 0;
	p->daemon_age_ns = 0;
	p->epoch = 0;
	p->priority = 0;
	p->flags = 0;
	memcpy(p->mac, w->mac, sizeof(p->mac));
}

enum witness_discard witness_answer(struct witness *w, const struct witness_packet *in,
				    uint64_t now_ns, struct hokm_pulse *out)
{
	struct witness_node *n = node_with(w, in->from);
	enum witness_discard bad = n ? check(w, n, in, out) : WITNESS_SOURCE;
	unsigned int slot;

	if (bad != WITNESS_NONE) {
		w->discarded[bad]++;
		return bad;
	}
	slot = (unsigned int)(n - w->nodes);
	n->nonce = be64toh(out->nonce);
	n->sent_ns = be64toh(out->sent_ns);
	n->heard_ns = now_ns;
	answer_wish(w, n, now_ns, out);
	fill_state(w, out);
	fill_heard(w, n, now_ns, out);
	out->tag = htobe64(hokm_pulse_tag(out, w->addr.s_addr, n->addr.s_addr, w->keys.to[slot]));
	w->answered++;
	return WITNESS_NONE;
}
