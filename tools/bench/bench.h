/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bench: nanoseconds per packet of every path, compared with floors that are measured in the
 * same run.
 *
 *   bench.c          options, the two parts, verdicts
 *   bench_paths.c    the paths of the first part and their budgets
 *   bench_million.c  the second part: 1,000,000 connections beside 1,000
 *   bench_measure.c  rounds, checks, evaluation
 *   bench_frame.c    the frames
 *   bench_world.c    loads the programs and fills the maps: an owner with one alive peer
 *   bench_conn.c     connections that the programs themselves tracked from SYN to 101
 *   bench_report.c   table and JSON
 *
 * Absolute times mean little, because other users of the machine change them. So rounds are
 * interleaved: every path runs once in every round. A path's time is the mean of the middle half of
 * its rounds. The verdict is on a ratio, after the trivial program's time was subtracted from both:
 *
 *   known connections, SYNs   to a floor program that touches the same tables for the same packets
 *                             and decides nothing
 *   none of ours              to a hot hash look-up
 *
 * A path with frame tracking is measured on new data only: see bench.bpf.c. After each run the
 * counters and the connection must show that every frame of it was read.
 */
#ifndef HOKM_BENCH_H
#define HOKM_BENCH_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <jansson.h>

#include "hokm/abi.h"
#include "bench_abi.h"

/* Numbers of a segment that belongs to no connection of the bench's own making. */
#define SEGMENT_SEQ 1000
#define SEGMENT_ACK 2000

/* TC_ACT_UNSPEC: what egress returns for a packet that leaves. */
#define TC_OK_V ((uint32_t)-1)

#define BENCH_ROUNDS_MAX 201
#define BENCH_PATHS_MAX  48
#define FRAME_MAX        1536

struct hokm_bpf;

enum bench_wrap {
	WRAP_RAW,
	WRAP_TCP,
	WRAP_DATA,
	WRAP_PING,
	WRAP_PROBE,
	WRAP_TC,
	WRAP_DATA_OUT,
	WRAP_COUNT
};

enum frame_id {
	FRAME_NONE_IPV6,
	FRAME_NONE_UDP,
	FRAME_NONE_TCP,
	FRAME_SEGMENT,
	FRAME_SYN,
	FRAME_ARP,
	FRAME_PROBE,
	FRAME_REPLY,
	FRAME_NONE_OUT,
	FRAME_ACK_IN, /* segments of tracked connections from here on */
	FRAME_TEXT_IN,
	FRAME_INSIDE_IN, /* payload of a large frame only */
	FRAME_TWO_IN,
	FRAME_FIVE_IN,
	FRAME_PING_IN,
	FRAME_NOISE_IN, /* bytes that are no WebSocket frame */
	FRAME_RECORD_IN,
	FRAME_TEXT_OUT,
	FRAME_FIVE_OUT,
	FRAME_COUNT
};

struct frame {
	uint8_t b[FRAME_MAX];
	uint32_t len;
	uint32_t payload; /* bytes of TCP payload, at the end of the frame */
};

/* The state of the maps while a path runs. */
enum bench_world {
	WORLD_OWNER,     /* owner, service up on this node */
	WORLD_GRANTED,   /* the same by its lease and the grants of a majority */
	WORLD_DOWN_HERE, /* owner, service down on this node and up on the peer */
	WORLD_NOT_OWNER,
};

/* The connection of a path before each run. FLOWS: one of many that are alike. */
enum bench_conn { CONN_NONE, CONN_FLOWS, CONN_WEBSOCKET, CONN_LARGE, CONN_LOST, CONN_TLS };

#define NO_BUDGET 0.0
/* The greatest ratio of a path to its floor program. */
#define OVER_FLOOR 1.5

struct path {
	const char *name;
	const char *key; /* name in JSON */
	enum bench_wrap wrap;
	enum bench_slot slot;
	enum frame_id frame;
	enum bench_world world;
	enum bench_conn conn;
	uint32_t base;  /* client address of flow 0, host order */
	uint32_t flows; /* WRAP_TCP: flows, a power of two */
	uint32_t verdict;
	/* enum hokm_counter that every packet must raise, or -1: no counter may rise */
	int counter;
	int counter_slot;
	unsigned int rise; /* how often one packet raises it; 0: once */
	bool purge;        /* delete what the path entered, after each round */
	bool full; /* measured in the second part of a round, with more connections in the table */
	double budget;      /* greatest ratio to a hot hash look-up, or NO_BUDGET */
	const char *beside; /* key of the path whose time is taken off before the look-ups, or NULL
			     */
	/* key of the path that is its floor: at most OVER_FLOOR times that; NULL: no verdict */
	const char *floor;
	uint64_t n;     /* WRAP_DATA*: packets so far */
	uint32_t seq;   /* WRAP_DATA*: sequence number of the flows' first segment */
	uint32_t shift; /* WRAP_DATA*: where in the order of flows the run begins */
	double ns[BENCH_ROUNDS_MAX];
	double median_ns;
	double net_ns;
	double lookups;
	double over_floor; /* ratio to the floor; 0: it has none */
};

/* Client addresses of flows: local ones, those on the peer, new ones, and the one of each path. */
#define BASE_LOCAL    0x0a000000u
#define BASE_STEERED  0x0b000000u
#define BASE_NEW      0x0c000000u
#define BASE_ONE      0x0d000000u
#define BASE_PING     (BASE_ONE + 1)
#define FLOWS_MAX     65536u
#define FLOWS_FEW     4096u
#define FLOWS_STEERED 4096u

struct bench {
	struct bpf_object *obj;
	struct hokm_bpf *skel;
	uint32_t conns_max; /* entries of conns; 0: as many as in the daemon */
	struct frame frames[FRAME_COUNT];
	int wrap_fd[WRAP_COUNT];
	int subject_in_fd, subject_out_fd, floor_tc_fd;
	int conns_fd;
	struct hokm_conn_bits *bits; /* map conn_bits */
	int ctl_fd;
	struct hokm_conn followed; /* the entry that all CONN_FLOWS are copies of */
	unsigned int rounds, repeat;
	uint64_t packets; /* WRAP_TCP and WRAP_PROBE: packets so far */
	unsigned int n_paths;
	struct path paths[BENCH_PATHS_MAX];
	/* time of the trivial program with few and with many connections */
	double floors[2][WRAP_COUNT][BENCH_ROUNDS_MAX];
};

/* bench_paths.c */
void bench_paths(struct bench *b);

/*
 * bench_million.c. Returns -errno after a message on stderr. *broken is set when a limit was
 * missed; json gets the results of this part. like: rounds and repeat.
 */
int bench_million(const struct bench *like, const char *bpf_object, json_t *json, bool *broken);

/* bench_measure.c */
/* both parts of all rounds; returns -errno after a message on stderr */
int bench_measure(struct bench *b);
/* Rounds 0 to `rounds` of one part. Round 0 warms caches and tables and is not counted. */
int bench_round(struct bench *b, bool full, unsigned int i);
void bench_progress(unsigned int i, unsigned int n); /* i = n ends the table */
/* ns of a hot look-up, which is paths[1]; paths[0] is the trivial program */
double bench_evaluate(struct bench *b);
double bench_middle(double *v, unsigned int n); /* mean of the middle half; sorts v */

/* bench_frame.c */
struct segment {
	bool out; /* from the server */
	bool syn;
	uint32_t client, seq, ack;
	uint32_t len; /* len: of the payload, which the caller fills */
};
void bench_frames(struct bench *b);
/* Returns the offset of the payload. */
uint8_t *bench_segment(struct frame *f, const struct segment *s);
/* Both probes with right tags, and the frame with the first of them. */
void bench_probes(struct frame *f, struct bench_probes *out, const struct hokm_keys *keys);

extern const uint8_t BENCH_MAC[6], BENCH_PEER_MAC[6], BENCH_CLIENT_MAC[6];
#define BENCH_VIP         0xc0a80119u
#define BENCH_ADDR        0xc0a8011au
#define BENCH_PEER        0xc0a8011bu
#define BENCH_PORT        8765
#define BENCH_PULSE       8766
#define BENCH_CLIENT_PORT 40000
#define BENCH_VRID        25
#define BENCH_TAG         0x11223344u

/* bench_world.c. Returns -errno after a message on stderr. bench_close() undoes bench_open(). */
int bench_open(struct bench *b, const char *bpf_object);
void bench_close(struct bench *b);
int complain(const char *what, int err);                      /* err */
const struct bpf_object *world_object(const struct bench *b); /* the packet path */
int world_set(struct bench *b, enum bench_world world);
struct hokm_conn_key world_key(uint32_t client);
/* Sets the bits of an entry of conns. */
void world_put_bits(struct bench *b, const struct hokm_conn_key *k);
/* Enters n connections into conns, with client addresses from base on, as copies of c. */
int world_put_flows(struct bench *b, uint32_t base, uint32_t n, const struct hokm_conn *c);
/* Grows the table from FLOWS_FEW to FLOWS_MAX local connections. */
int world_fill(struct bench *b);
int world_purge(struct bench *b, const struct path *p, uint64_t first, uint64_t last);
uint64_t world_counter(struct bench *b, int slot, int counter); /* counter -1: sum of all */

/* bench_conn.c. Returns -errno after a message on stderr. */
int conn_open(struct bench *b, uint32_t client, bool tls);
int conn_get(struct bench *b, uint32_t client, struct hokm_conn *c);
/* Before and after each run of a path. */
int conn_prepare(struct bench *b, struct path *p);
int conn_check(struct bench *b, const struct path *p);

/* bench_report.c */
void report_table(const struct bench *b, double lookup_ns);
json_t *report_json(const struct bench *b, double lookup_ns); /* NULL: out of memory */
bool path_broken(const struct path *p);

#endif
