/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl conns` lists, summarizes or terminates connections. It is built for a million of them: it
 * runs on a thread of its own (struct ctl_work), on its own handle of the maps, and copies what it
 * needs of the daemon before.
 *
 *   conns.c          the job: the walk through a map, and the frames of the reply
 *   conns_query.c    turns the arguments of the request into a query
 *   conns_filter.c   which entries match, and by what they are sorted; pure
 *   conns_best.c     the first N of a sorted list, in bounded memory
 *   conns_row.c      writes an entry as a row of JSON
 *   conns_summary.c  counts and histograms over all entries
 *   conns_peer.c     writes entries of map replica as rows
 *   conns_kill.c     terminates the connections that match
 *
 * Request: {"half_open": bool, "limit": N, "stale": "5s", "states": [WORD...], "client":
 * "ADDR[:PORT]" or "ADDR/PREFIX", "service": NAME, "target": "local" or NODE, "sort": KEY or "top":
 * KEY, "summary": bool, "keys": [FIELD...], "peer": NODE or "all", "action": "kill", "dry_run":
 * bool}. All of them are optional. Without "sort" the rows come in the order of the map.
 *
 * Reply: first a frame {"keys": [FIELD...]}; then frames {"rows": [[...], ...]}, where each row has
 * the values of the keys, null for an unknown one; last {"total": entries that match, "seen":
 * entries in the map, "shown": N, "limit": N}. A summary is one frame: see conns_summary.c.
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
#define CONNS_SORTED_MOST 100000 /* sorted rows are kept in memory: 28 MB of them */

/* The names behind the slots of the maps. "": the slot is free. */
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
	bool kill, dry_run; /* terminate those that match */
	bool replica;       /* of map replica; holder -1: of all peers */
	int holder;
	unsigned int limit;
	enum conns_sort sort;
	bool descending;
	/* the filter: an entry must pass every part of it */
	uint64_t stale_ns; /* 0: any */
	bool any_state;
	bool lost;           /* or a direction lost synchronization */
	uint32_t tcp_states; /* or is in one of these, one bit for each */
	uint32_t ws_phases;
	bool any_client;
	struct hokm_addr client;
	unsigned int prefix; /* bits of client that count */
	__be16 port;         /* 0: any */
	uint32_t services;   /* one bit for each slot: several services may have one name */
	bool any_service;
	int target; /* -1: any */
	/* the rows */
	unsigned char fields[64]; /* indexes of conns_row.c */
	unsigned int n_fields;
};

/* conns_query.c: 0, or -errno and a message. */
int conns_query_read(struct conns_query *q, const json_t *args, char *error, size_t size);

/* conns_filter.c */
bool conns_lost(const struct hokm_conn *c);
bool conns_match(const struct conns_query *q, const struct hokm_conn_key *k,
		 const struct hokm_conn *c);
/* The value to sort by, the greatest first; 0 when the entry has no such value: last. */
uint64_t conns_rank(const struct conns_query *q, const struct hokm_conn *c);

/* conns_best.c: keeps the entries with the `limit` greatest ranks. */
struct conns_entry {
	struct hokm_conn_key key;
	struct hokm_conn conn;
};
struct conns_place {
	uint64_t rank;
	struct conns_entry *entry;
};
struct conns_best {
	struct conns_place *heap; /* the least rank on top */
	unsigned int n, cap, limit;
};
void conns_best_init(struct conns_best *b, unsigned int limit);
void conns_best_free(struct conns_best *b);
/* 0 or -ENOMEM. */
int conns_best_put(struct conns_best *b, uint64_t rank, const struct hokm_conn_key *k,
		   const struct hokm_conn *c);
/* Sorts heap[], the greatest rank first; nothing may be put in afterwards. */
void conns_best_sort(struct conns_best *b);

/* conns_row.c: text that grows. Without memory it is marked `failed` and grows no more. */
struct conns_text {
	char *buf;
	size_t len, cap;
	bool failed;
};
void conns_text_free(struct conns_text *t);
void conns_text_add(struct conns_text *t, const char *bytes, size_t len);
void conns_text_word(struct conns_text *t, const char *word);
void conns_text_int(struct conns_text *t, int64_t value);
/* The index of a field, -1 when there is none; the name of a field, NULL after the last. */
int conns_field_find(const char *name);
const char *conns_field_name(unsigned int field);
/* Appends one row as a JSON array. */
void conns_row(struct conns_text *t, const struct conns_query *q, const struct hokm_conn_key *k,
	       const struct hokm_conn *c);

/* conns_summary.c */
#define CONNS_PLACES 32 /* log2: place i counts 2^i .. 2^(i+1) - 1, place 0 also counts 0 */
struct conns_tally {
	uint64_t service[HOKM_MAX_SERVICES + 1]; /* the last one: of an unknown service */
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
 * The value that `percent` of all values of a log2 histogram do not exceed, estimated within its
 * place; -1 when nothing was counted.
 */
int64_t conns_quantile(const uint64_t places[CONNS_PLACES], unsigned int percent);
/* New reference; NULL without memory. `latency` is by the slot of the service. */
json_t *conns_summary(const struct conns_tally *t, const struct conns_query *q,
		      const struct hokm_latency latency[HOKM_MAX_SERVICES]);

/* conns_peer.c: as above, for entries of map replica. The name of a key, NULL after the last. */
const char *conns_peer_key(unsigned int i);
bool conns_peer_match(const struct conns_query *q, const struct hokm_conn_key *k,
		      const struct hokm_replica *r);
void conns_peer_row(struct conns_text *t, const struct conns_query *q,
		    const struct hokm_conn_key *k, const struct hokm_replica *r);

/* conns_kill.c: collects the entries of a walk, terminates their connections, counts. */
struct conns_kill; /* opaque */
int conns_kill_open(const struct conns_query *q, struct conns_kill **out);
void conns_kill_close(struct conns_kill *k);
/* One entry that matches. 0 or -errno. */
int conns_kill_add(struct conns_kill *k, const struct hokm_conn_key *key,
		   const struct hokm_conn *c);
/* Terminates the rest. New reference to {"kill": {...}}; NULL without memory. */
json_t *conns_kill_end(struct conns_kill *k);
/* The query has a filter. */
bool conns_filtered(const struct conns_query *q);

/* conns.c */
struct conns_job; /* opaque */
/*
 * Copies all it needs; `b` may be closed afterwards. 0, or -errno and a message. As
 * ctl_work.prepare.
 */
int conns_job_new(const struct conns_names *names, const struct hokm_bpf *b, const json_t *args,
		  void **job, char *error, size_t size);
int conns_job_run(void *job, struct ctl_stream *s, char *error, size_t size);
void conns_job_free(void *job);

#endif
