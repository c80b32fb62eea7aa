/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps the N greatest of a stream of entries: a heap with the least one on top, so that most
 * entries cost one comparison. Ranks and pointers are moved, not entries. See conns.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "serve/conns.h"

void conns_best_init(struct conns_best *b, unsigned int limit)
{
	memset(b, 0, sizeof(*b));
	b->limit = limit;
}

void conns_best_free(struct conns_best *b)
{
	for (unsigned int i = 0; i < b->n; i++)
		free(b->heap[i].entry);
	free(b->heap);
	memset(b, 0, sizeof(*b));
}

static void exchange(struct conns_best *b, unsigned int i, unsigned int j)
{
	struct conns_place p = b->heap[i];

	b->heap[i] = b->heap[j];
	b->heap[j] = p;
}

static void sift_up(struct conns_best *b, unsigned int i)
{
	while (i && b->heap[i].rank < b->heap[(i - 1) / 2].rank) {
		exchange(b, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct conns_best *b, unsigned int i)
{
	for (;;) {
		unsigned int least = i;

		for (unsigned int child = 2 * i + 1; child <= 2 * i + 2 && child < b->n; child++)
			if (b->heap[child].rank < b->heap[least].rank)
				least = child;
		if (least == i)
			return;
		exchange(b, i, least);
		i = least;
	}
}

static int reserve(struct conns_best *b)
{
	unsigned int cap = b->cap ? b->cap * 2 : 64;
	struct conns_place *grown;

	if (b->n < b->cap)
		return 0;
	grown = reallocarray(b->heap, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->heap = grown;
	b->cap = cap;
	return 0;
}

static void fill(struct conns_place *p, uint64_t rank, const struct hokm_conn_key *k,
		 const struct hokm_conn *c)
{
	p->rank = rank;
	p->entry->key = *k;
	p->entry->conn = *c;
}

int conns_best_put(struct conns_best *b, uint64_t rank, const struct hokm_conn_key *k,
		   const struct hokm_conn *c)
{
	int err;

	if (b->n == b->limit) {
		if (!b->n || rank <= b->heap[0].rank)
			return 0;
		fill(&b->heap[0], rank, k, c);
		sift_down(b, 0);
		return 0;
	}
	err = reserve(b);
	if (err)
		return err;
	b->heap[b->n].entry = malloc(sizeof(*b->heap[b->n].entry));
	if (!b->heap[b->n].entry)
		return -ENOMEM;
	fill(&b->heap[b->n], rank, k, c);
	sift_up(b, b->n++);
	return 0;
}

static int better_first(const void *a, const void *b)
{
	const struct conns_place *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	/* A second criterion, so that equal ranks come in the same order each time. */
	return memcmp(&x->entry->key, &y->entry->key, sizeof(x->entry->key));
}

void conns_best_sort(struct conns_best *b)
{
	if (b->n)
		qsort(b->heap, b->n, sizeof(*b->heap), better_first);
}
