/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Map replica, written. Two system calls a record: what is there, and what becomes of it. Of each
 * holder it is remembered how many entries it has and in which generation its list is.
 *
 *   BEGIN  generation + 1
 *   HAVE   entry made or renewed, with this generation
 *   END    a walk takes away what has another generation: one at a time, the next holder's after it
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act/replica.h"
#include "conf/conf.h"

#define SLICE 1024

struct holder {
	uint64_t entries;
	uint8_t generation;
	bool sweep; /* a list ended: what it did not name goes */
	bool all;   /* forgotten: everything goes */
};

struct replica {
	struct hokm_bpf *bpf;
	struct holder holders[HOKM_MAX_PEERS];
	uint64_t full;
	struct hokm_conn_cursor cursor;
	int sweeping; /* holder, -1 for none */
};

struct census {
	struct replica *r;
	bool seen[HOKM_MAX_PEERS][UINT8_MAX + 1];
};

static int count_one(const struct hokm_conn_key *k, const struct hokm_replica *e, void *arg)
{
	struct census *c = arg;

	(void)k;
	if (e->holder < HOKM_MAX_PEERS) {
		c->r->holders[e->holder].entries++;
		c->seen[e->holder][e->generation] = true;
	}
	return 0;
}

/* A list may have been under way: the next generation must be one that no entry has yet. */
static void go_on(struct census *c)
{
	for (unsigned int h = 0; h < HOKM_MAX_PEERS; h++)
		for (unsigned int g = 0; g <= UINT8_MAX; g++)
			if (c->seen[h][g] && !c->seen[h][(uint8_t)(g + 1)])
				c->r->holders[h].generation = (uint8_t)g;
}

int replica_open(struct hokm_bpf *b, struct replica **out)
{
	struct replica *r = calloc(1, sizeof(*r));
	struct census census = {.r = r};
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->bpf = b;
	r->sweeping = -1;
	err = hokm_bpf_walk_replica(b, count_one, &census);
	if (err) {
		free(r);
		return err;
	}
	go_on(&census);
	*out = r;
	return 0;
}

void replica_close(struct replica *r)
{
	free(r);
}

static void left(struct replica *r, uint8_t holder)
{
	if (holder < HOKM_MAX_PEERS && r->holders[holder].entries)
		r->holders[holder].entries--;
}

/* Is what another holder told of these addresses older than what is told now? */
static bool is_newer(const struct hokm_replica *e, uint8_t holder, uint64_t since_ns)
{
	return e->holder == holder || since_ns >= e->since_ns;
}

static int have(struct replica *r, uint8_t holder, const struct hokm_conn_key *k,
		const struct repl_record *rec, uint64_t now_ns)
{
	uint64_t age_ns = rec->age_ms * NS_PER_MS;
	struct hokm_replica e, was;
	int err = hokm_bpf_get_replica(r->bpf, k, &was);
	bool known = !err;

	if (err && err != -ENOENT)
		return err;
	memset(&e, 0, sizeof(e));
	e.since_ns = age_ns < now_ns ? now_ns - age_ns : 1;
	if (known && !is_newer(&was, holder, e.since_ns))
		return 0;
	/* The same connection keeps when it began: ages are rounded. */
	if (known && was.holder == holder && was.isn == rec->isn)
		e.since_ns = was.since_ns;
	e.told_ns = now_ns;
	e.isn = rec->isn;
	e.seq_next = rec->seq_next;
	e.ack_next = rec->ack_next;
	e.holder = holder;
	e.generation = r->holders[holder].generation;
	err = hokm_bpf_set_replica(r->bpf, k, &e);
	if (err) {
		r->full++;
		return err == -E2BIG || err == -ENOSPC || err == -ENOMEM ? 0 : err;
	}
	if (known)
		left(r, was.holder);
	r->holders[holder].entries++;
	return 0;
}

static int gone(struct replica *r, uint8_t holder, const struct hokm_conn_key *k, uint32_t isn)
{
	struct hokm_replica was;
	int err = hokm_bpf_get_replica(r->bpf, k, &was);

	if (err == -ENOENT)
		return 0;
	if (err || was.holder != holder || was.isn != isn)
		return err;
	err = hokm_bpf_delete_replica(r->bpf, k);
	if (!err)
		left(r, holder);
	return err;
}

int replica_apply(struct replica *r, uint8_t holder, const struct repl_record *rec,
		  unsigned int slot, uint64_t now_ns)
{
	struct hokm_conn_key k;

	if (holder >= HOKM_MAX_PEERS)
		return -EINVAL;
	switch (rec->what) {
	case REPL_BEGIN:
		r->holders[holder].generation++;
		r->holders[holder].sweep = r->holders[holder].all = false;
		if (r->sweeping == holder)
			r->sweeping = -1;
		return 0;
	case REPL_END:
		r->holders[holder].sweep = true;
		return 0;
	}
	if (slot >= HOKM_MAX_SERVICES)
		return 0;
	memset(&k, 0, sizeof(k));
	k.client = rec->client;
	k.client_port = rec->client_port;
	k.service = (__u16)slot;
	return rec->what == REPL_HAVE ? have(r, holder, &k, rec, now_ns)
				      : gone(r, holder, &k, rec->isn);
}

static int sweep_one(const struct hokm_conn_key *k, const struct hokm_replica *e, void *arg)
{
	struct replica *r = arg;
	const struct holder *h = &r->holders[r->sweeping];

	(void)k;
	if (e->holder != r->sweeping || (!h->all && e->generation == h->generation))
		return 0;
	left(r, e->holder);
	return 1;
}

static void next_sweep(struct replica *r)
{
	for (int i = 0; i < HOKM_MAX_PEERS; i++) {
		if (!r->holders[i].sweep)
			continue;
		r->holders[i].sweep = false;
		memset(&r->cursor, 0, sizeof(r->cursor));
		r->sweeping = i;
		return;
	}
}

void replica_slice(struct replica *r)
{
	bool done = false;

	if (r->sweeping < 0)
		next_sweep(r);
	if (r->sweeping < 0)
		return;
	if (hokm_bpf_sweep_replica(r->bpf, &r->cursor, SLICE, sweep_one, r, &done) < 0) {
		r->holders[r->sweeping].sweep = true; /* once more, from the start */
		r->sweeping = -1;
	} else if (done) {
		r->holders[r->sweeping].all = false;
		r->sweeping = -1;
	}
}

uint64_t replica_count(const struct replica *r, uint8_t holder)
{
	return holder < HOKM_MAX_PEERS ? r->holders[holder].entries : 0;
}

uint64_t replica_full(const struct replica *r)
{
	return r->full;
}

void replica_forget(struct replica *r, uint8_t holder)
{
	if (holder >= HOKM_MAX_PEERS)
		return;
	r->holders[holder].sweep = r->holders[holder].all = true;
	if (r->sweeping == holder)
		r->sweeping = -1; /* what that walk has passed must go too */
}
