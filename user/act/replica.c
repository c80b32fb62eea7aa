/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing map replica. A record costs two system calls: one reads the present entry, one writes or
 * deletes it. For each holder, this file keeps the number of entries and the generation of its
 * list.
 *
 *   REPL_BEGIN  the generation is incremented
 *   REPL_HAVE   an entry is added or renewed, with the present generation
 *   REPL_END    a walk removes the entries with another generation; there is one walk at a time,
 *               and other holders wait for theirs
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act/replica.h"
#include "conf/conf.h"

#define SLICE 1024 /* entries that replica_slice() visits */

struct holder {
	uint64_t entries;
	uint8_t generation;
	bool sweep; /* a list was completed: entries of other generations are to be removed */
	bool all;   /* the holder was forgotten: all its entries are to be removed */
};

struct replica {
	struct hokm_bpf *bpf;
	struct holder holders[HOKM_MAX_PEERS];
	uint64_t full; /* entries that found no room */
	struct hokm_conn_cursor cursor;
	int sweeping; /* the holder of the present walk, -1 for none */
};

/* What the walk of replica_open() finds. */
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

/*
 * Chooses the generation of each holder so that no entry has the next one yet: a list may have been
 * incomplete when the earlier daemon ended, and then two generations are present.
 */
static void choose_generations(struct census *c)
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
	choose_generations(&census);
	*out = r;
	return 0;
}

void replica_close(struct replica *r)
{
	free(r);
}

static void count_removed(struct replica *r, uint8_t holder)
{
	if (holder < HOKM_MAX_PEERS && r->holders[holder].entries)
		r->holders[holder].entries--;
}

/*
 * Returns true when a record of `holder` may replace entry *e, by age when it has another holder.
 */
static bool may_replace(const struct hokm_replica *e, uint8_t holder, uint64_t since_ns)
{
	return e->holder == holder || since_ns >= e->since_ns;
}

static int add_entry(struct replica *r, uint8_t holder, const struct hokm_conn_key *k,
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
	if (known && !may_replace(&was, holder, e.since_ns))
		return 0;
	/* The same connection keeps its beginning, because ages are rounded on the wire. */
	if (known && was.holder == holder && was.isn == rec->isn) {
		e.since_ns = was.since_ns;
		e.answered_ns = was.answered_ns;
		e.gone = was.gone;
	}
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
		count_removed(r, was.holder);
	r->holders[holder].entries++;
	return 0;
}

static int remove_entry(struct replica *r, uint8_t holder, const struct hokm_conn_key *k,
			uint32_t isn)
{
	struct hokm_replica was;
	int err = hokm_bpf_get_replica(r->bpf, k, &was);

	if (err == -ENOENT)
		return 0;
	if (err || was.holder != holder || was.isn != isn)
		return err;
	err = hokm_bpf_delete_replica(r->bpf, k);
	if (!err)
		count_removed(r, holder);
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
	return rec->what == REPL_HAVE ? add_entry(r, holder, &k, rec, now_ns)
				      : remove_entry(r, holder, &k, rec->isn);
}

static int sweep_one(const struct hokm_conn_key *k, const struct hokm_replica *e, void *arg)
{
	struct replica *r = arg;
	const struct holder *h = &r->holders[r->sweeping];

	(void)k;
	if (e->holder != r->sweeping || (!h->all && e->generation == h->generation))
		return 0;
	count_removed(r, e->holder);
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
		r->holders[r->sweeping].sweep = true; /* begin this walk again */
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
		r->sweeping = -1; /* begin again: entries that this walk has passed must go too */
}
