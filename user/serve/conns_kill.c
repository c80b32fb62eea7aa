/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns kill`: terminates the matching connections whose sockets are on this node. It runs on
 * the thread of the walk, with sockets of its own. Connections that a peer holds are only counted,
 * for each peer: that node alone can terminate them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/conns.h"
#include "act/session_reset.h"

struct conns_kill {
	const struct conns_query *q;
	struct session_reset reset;
	struct tickle_conn conns[TICKLE_MAX];
	unsigned int n;
	uint64_t matched, ended, elsewhere[HOKM_MAX_PEERS];
};

bool conns_filtered(const struct conns_query *q)
{
	return q->stale_ns || !q->any_state || !q->any_client || !q->any_service || q->target >= 0;
}

int conns_kill_open(const struct conns_query *q, struct conns_kill **out)
{
	struct conns_kill *k = calloc(1, sizeof(*k));
	int err;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->q = q;
	err = session_reset_open(&k->reset);
	if (err) {
		free(k);
		return err;
	}
	*out = k;
	return 0;
}

void conns_kill_close(struct conns_kill *k)
{
	if (!k)
		return;
	session_reset_close(&k->reset);
	free(k);
}

static int flush(struct conns_kill *k)
{
	int n = k->q->dry_run ? 0 : session_reset_send(&k->reset, k->conns, k->n);

	if (n < 0)
		return n;
	k->ended += k->q->dry_run ? 0 : k->n;
	k->n = 0;
	return 0;
}

int conns_kill_add(struct conns_kill *k, const struct hokm_conn_key *key, const struct hokm_conn *c)
{
	if (c->flags & HOKM_CONN_ENDED || key->service >= HOKM_MAX_SERVICES)
		return 0;
	if (c->target != HOKM_LOCAL) {
		if (c->target < HOKM_MAX_PEERS)
			k->elsewhere[c->target]++;
		return 0;
	}
	k->matched++;
	k->conns[k->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&key->client),
		.vip = k->q->names.vip[key->service],
		.client_port = key->client_port,
		.port = k->q->names.port[key->service],
		.seq = c->s2c.seq_next,
		.ack = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.known = c->s2c.packets > 0,
	};
	return k->n == TICKLE_MAX ? flush(k) : 0;
}

json_t *conns_kill_end(struct conns_kill *k)
{
	json_t *elsewhere = json_object();
	int err = flush(k);

	for (unsigned int p = 0; p < HOKM_MAX_PEERS; p++)
		if (k->elsewhere[p] &&
		    json_object_set_new(elsewhere, k->q->names.peer[p],
					json_integer((json_int_t)k->elsewhere[p])))
			err = -ENOMEM;
	if (err) {
		json_decref(elsewhere);
		return NULL;
	}
	return json_pack("{s:{s:I, s:I, s:o}}", "kill", "matched", (json_int_t)k->matched, "ended",
			 (json_int_t)k->ended, "elsewhere", elsewhere);
}
