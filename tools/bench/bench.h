/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bench: ns a packet of every path of the packet path, against floors measured in the same run.
 *
 *   bench.c         options, rounds, budgets
 *   bench_frame.c   the frames
 *   bench_world.c   programs loaded, maps laid out: an owner with one live peer
 *   bench_report.c  table and JSON
 *
 * Absolute times mean little: a machine's neighbours move them. Rounds are interleaved (every path
 * runs once in every round), a path's time is the mean of the middle half of its rounds, and what is
 * judged is the ratio to a hot HASH look-up, after the trivial program's time was taken off both.
 */
#ifndef HOKM_BENCH_H
#define HOKM_BENCH_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "hokm/abi.h"
#include "bench_abi.h"

#define BENCH_ROUNDS_MAX 201
#define BENCH_PATHS_MAX  40
#define FRAME_MAX        256

struct hokm_bpf;

enum bench_wrap { WRAP_RAW, WRAP_TCP, WRAP_PROBE, WRAP_TC, WRAP_COUNT };

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
	FRAME_COUNT
};

struct frame {
	uint8_t b[FRAME_MAX];
	uint32_t len;
};

/* How the maps stand while a path runs. */
enum bench_world {
	WORLD_OWNER,     /* owner, service up here */
	WORLD_DOWN_HERE, /* owner, service down here and up on the peer */
	WORLD_NOT_OWNER,
};

#define NO_BUDGET 0.0

struct path {
	const char *name;
	const char *key; /* in JSON */
	enum bench_wrap wrap;
	enum bench_slot slot;
	enum frame_id frame;
	enum bench_world world;
	uint32_t base;  /* client address of flow 0, host order */
	uint32_t flows; /* a power of two */
	uint32_t verdict;
	int counter; /* enum hokm_counter that every packet must raise, or -1: none may */
	int counter_slot;
	bool purge;    /* empty what the path entered, after each round */
	bool full;     /* measured in the second half, with FLOWS_MAX connections in the table */
	double budget; /* hot HASH look-ups, or NO_BUDGET: broken above */
	double katran; /* what Katran needs there, in look-ups; 0: not known */
	double ns[BENCH_ROUNDS_MAX];
	double median_ns;
	double net_ns;
	double lookups;
};

/* Client addresses of flows: established and local, established on the peer, new ones. */
#define BASE_LOCAL    0x0a000000u
#define BASE_STEERED  0x0b000000u
#define BASE_NEW      0x0c000000u
#define FLOWS_MAX     65536u
#define FLOWS_FEW     4096u
#define FLOWS_STEERED 4096u

struct bench {
	struct bpf_object *obj;
	struct hokm_bpf *skel;
	struct frame frames[FRAME_COUNT];
	int wrap_fd[WRAP_COUNT];
	int subject_tc_fd, floor_tc_fd;
	int ctl_fd;
	unsigned int rounds, repeat;
	unsigned int n_paths;
	struct path paths[BENCH_PATHS_MAX];
};

/* bench_frame.c */
void bench_frames(struct bench *b);
/* Both probes, with right tags, and the frame that carries the first. */
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

/* bench_world.c: -errno on failure, said on stderr. bench_close() undoes bench_open(). */
int bench_open(struct bench *b, const char *bpf_object);
void bench_close(struct bench *b);
int world_set(struct bench *b, enum bench_world world);
/* From FLOWS_FEW to FLOWS_MAX local connections. */
int world_fill(struct bench *b);
int world_purge(struct bench *b, const struct path *p, uint64_t first, uint64_t last);
uint64_t world_counter(struct bench *b, int slot, int counter); /* counter -1: sum of all */

/* bench_report.c */
void report_table(const struct bench *b, double lookup_ns);
int report_json(const struct bench *b, double lookup_ns, const char *file);
bool path_broken(const struct path *p);

#endif
