/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns`: which connections, in which order, shown how. Made for a million of them, on a
 * thread of its own (ctl_work), from a view of the maps and copies of all it needs of the daemon.
 *
 *   conns.c          the job: walk, frames, order of things
 *   conns_query.c    the request's args as a query
 *   conns_filter.c   which entries, and what they are sorted by: pure
 *   conns_best.c     the best N of any number, in bounded memory
 *   conns_row.c      an entry as a row of JSON
 *   conns_summary.c  all entries as counts and histograms
 *   conns_peer.c     map replica as rows
 *   conns_kill.c     ending those that match
 *
 * Request: {"half_open": bool, "limit": N, "stale": "5s", "states": [WORD...], "client":
 * "ADDR[:PORT]" or "ADDR/PREFIX", "service": NAME, "target": "local" or NODE, "sort": KEY or "top":
 * KEY, "summary": bool, "keys": [FIELD...], "peer": NODE or "all", "action": "kill", "dry_run":
 * bool}, all of them optional. Without a sort rows come in the order of the walk.
 *
 * Reply: frames {"keys": [FIELD...]} first, then {"rows": [[...], ...]}, in each row the values of
 * the keys, null for what is not known; last {"total": entries that match, "seen": all of them,
 * "shown": N, "limit": N}. A summary is one frame: see conns_summary.c.
 */
#ifndef HOKM_CONNS_H
#define HOKM_CONNS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path/bpf.h"
#include "serve/serve.h"
#include "hokm/names.h"

#define CONNS_DEFAULT     1000
#define CONNS_TOP         20
#define CONNS_MOST        4194304
#define CONNS_SORTED_MOST 100000 /* sorted ones are kept in memory: 28 MB of them */

/* Who is behind the slots. "": nobody. */
struct conns_names {
	char service[HOKM_MAX_SERVICES][CONF_NAME_MAX];
	char peer[HOKM_MAX_PEERS][CONF_NAME_MAX];
	struct in_addr vip[HOKM_MAX_SERVICES]; /* of the service */
	__be16 port[HOKM_MAX_SERVICES];
};

#define CONNS_SORTS(X)              \
	X(NONE, "")                 \
	X(RTT, "rtt")               \
	X(RTT_CLIENT, "rtt-client") \
	X(AGE, "age")               \
	X(IDLE, "idle")             \
	X(BYTES, "bytes")           \
	X(FRAMES, "frames")         \
	X(STALE, "stale")           \
	X(UPGRADE, "upgrade")
#define CONNS_SORT_ENUM(id, word) CONNS_BY_##id,
enum conns_sort { CONNS_SORTS(CONNS_SORT_ENUM) CONNS_SORT_COUNT };

struct conns_query {
	struct conns_names names;
	uint64_t now_ns;
	bool half_open, summary;
	bool kill, dry_run; /* end those that match */
	bool replica;       /* those of peers; holder -1: of all of them */
	int holder;
	unsigned int limit;
	enum conns_sort sort;
	bool descending;
	/* the filter: an entry must pass all of it */
	uint64_t stale_ns; /* 0: any */
	bool any_state;
	bool lost;           /* or a direction is out of step */
	uint32_t tcp_states; /* or one of these, a bit each */
	uint32_t ws_phases;
	bool any_client;
	struct hokm_addr client;
	unsigned int prefix; /* bits of client that count */
	__be16 port;         /* 0: any */
	uint32_t services;   /* a bit a slot, for names may come twice */
	bool any_service;
	int target; /* -1: any */
	/* the rows */
	unsigned char fields[64]; /* indexes of conns_row.c */
	unsigned int n_fields;
};

/* conns_query.c: 0, or -errno and words. */
int conns_query_read(struct conns_query *q, const json_t *args, char *error, size_t size);

/* conns_filter.c */
bool conns_lost(const struct hokm_conn *c);
bool conns_match(const struct conns_query *q, const struct hokm_conn_key *k,
		 const struct hokm_conn *c);
/* By what it is sorted, the greater the sooner; 0, the last, when it has no such value. */
uint64_t conns_rank(const struct conns_query *q, const struct hokm_conn *c);

/* conns_best.c: the best `limit` of what was put in. */
struct conns_entry {
	struct hokm_conn_key key;
	struct hokm_conn conn;
};
struct conns_place {
	uint64_t rank;
	struct conns_entry *entry;
};
struct conns_best {
	struct conns_place *heap; /* the worst on top */
	unsigned int n, cap, limit;
};
void conns_best_init(struct conns_best *b, unsigned int limit);
void conns_best_free(struct conns_best *b);
/* 0 or -ENOMEM. */
int conns_best_put(struct conns_best *b, uint64_t rank, const struct hokm_conn_key *k,
		   const struct hokm_conn *c);
/* Best first, in heap[]; nothing may be put in any more. */
void conns_best_sort(struct conns_best *b);

/* conns_row.c: text that grows; without memory it is `failed` and takes nothing more. */
struct conns_text {
	char *buf;
	size_t len, cap;
	bool failed;
};
void conns_text_free(struct conns_text *t);
void conns_text_add(struct conns_text *t, const char *bytes, size_t len);
void conns_text_word(struct conns_text *t, const char *word);
void conns_text_int(struct conns_text *t, int64_t value);
/* Index of a field, -1 for none; its name, NULL beyond the last. */
int conns_field_find(const char *name);
const char *conns_field_name(unsigned int field);
/* Appends [...]. */
void conns_row(struct conns_text *t, const struct conns_query *q, const struct hokm_conn_key *k,
	       const struct hokm_conn *c);

/* conns_summary.c */
#define CONNS_PLACES 32 /* log2: place i counts 2^i .. 2^(i+1) - 1, place 0 with 0 */
struct conns_tally {
	uint64_t service[HOKM_MAX_SERVICES + 1]; /* the last: of no service we know */
	uint64_t state[HOKM_TCP_STATE_COUNT + 1];
	uint64_t ws[HOKM_WS_PHASE_COUNT + 1];
	uint64_t follow_in[HOKM_FOLLOW_STATE_COUNT + 1], follow_out[HOKM_FOLLOW_STATE_COUNT + 1];
	uint64_t peer[HOKM_MAX_PEERS + 1], local;
	uint64_t stale[HOKM_REASON_COUNT];
	uint64_t age_ms[CONNS_PLACES], idle_ms[CONNS_PLACES];
	uint64_t rtt_us[CONNS_PLACES], rtt_client_us[CONNS_PLACES];
};
void conns_tally_add(struct conns_tally *t, const struct conns_query *q,
		     const struct hokm_conn_key *k, const struct hokm_conn *c);
/*
 * Of a log2 histogram: the value that `percent` of all do not exceed, estimated within its place;
 * -1 when nothing was counted.
 */
int64_t conns_quantile(const uint64_t places[CONNS_PLACES], unsigned int percent);
/* New reference; NULL without memory. `latency` by slot of service. */
json_t *conns_summary(const struct conns_tally *t, const struct conns_query *q,
		      const struct hokm_latency latency[HOKM_MAX_SERVICES]);

/*
 * conns_peer.c: the walk of `--peer`. row() gets one entry's text as [...]; non-zero ends the walk.
 * 0 or what ended it.
 */
const char *conns_peer_key(unsigned int i); /* NULL beyond the last */
bool conns_peer_match(const struct conns_query *q, const struct hokm_conn_key *k,
		      const struct hokm_replica *r);
void conns_peer_row(struct conns_text *t, const struct conns_query *q,
		    const struct hokm_conn_key *k, const struct hokm_replica *r);

/* conns_kill.c: collects what a walk brings, ends it, counts. */
struct conns_kill; /* opaque */
int conns_kill_open(const struct conns_query *q, struct conns_kill **out);
void conns_kill_close(struct conns_kill *k);
/* One entry that matches. 0 or -errno. */
int conns_kill_add(struct conns_kill *k, const struct hokm_conn_key *key,
		   const struct hokm_conn *c);
/* Ends those that are left. New reference to {"kill": {...}}; NULL without memory. */
json_t *conns_kill_end(struct conns_kill *k);
/* Does the query name which ones? */
bool conns_filtered(const struct conns_query *q);

/* conns.c */
struct conns_job; /* opaque */
/*
 * Copies all it needs; `b` may be closed afterwards. 0, or -errno and words. As ctl_work.prepare.
 */
int conns_job_new(const struct conns_names *names, const struct hokm_bpf *b, const json_t *args,
		  void **job, char *error, size_t size);
int conns_job_run(void *job, struct ctl_stream *s, char *error, size_t size);
void conns_job_free(void *job);

#endif
