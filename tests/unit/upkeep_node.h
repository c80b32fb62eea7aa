/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node with one peer, whose upkeep is tested (test_upkeep.c). It plays the keeper, the worker of
 * the VIPs and the watch of the kernel: a test writes what they would find.
 */
#ifndef HOKM_TEST_UPKEEP_NODE_H
#define HOKM_TEST_UPKEEP_NODE_H

#include "base/clock.h"
#include "daemon/node.h"
#include "daemon/upkeep_judge.h"

#define PULSE_NS (10 * NS_PER_MS)
#define START_NS (1000 * NS_PER_S)
#define NEVER    UINT64_MAX

/* ---- the keeper and the worker ---- */

static struct keep_result result; /* of each job but its parts */
static unsigned int jobs, given;  /* how many, and the parts of the last one */
static uint64_t asked_link;       /* the doubt of the last job */
static bool fresh;
static bool addrs_put, routes_put; /* by the worker, and not taken yet */
static int n_routes_put;           /* of lo */
static uint64_t probes_seen;
static bool unset, lacking; /* what the worker says of the VIPs */

const char *keep_part_text(enum keep_part part)
{
	(void)part;
	return "part";
}

int keeper_open(const struct hokm_bpf *b, const char *ifname, struct keeper **out)
{
	(void)b;
	(void)ifname;
	(void)out;
	return 0;
}

void keeper_close(struct keeper *k)
{
	(void)k;
}

int keeper_start(struct keeper *k)
{
	(void)k;
	return 0;
}

int keeper_fd(const struct keeper *k)
{
	(void)k;
	return -1;
}

bool keeper_ask(struct keeper *k, const struct keep_job *job)
{
	(void)k;
	jobs++;
	given = result.parts = job->parts;
	asked_link = result.doubt = job->doubt;
	fresh = true;
	return true;
}

bool keeper_busy(const struct keeper *k)
{
	(void)k;
	return false;
}

const struct keep_result *keeper_take(struct keeper *k)
{
	const struct keep_result *r = fresh ? &result : NULL;

	(void)k;
	fresh = false;
	return r;
}

int apply_start(struct apply *a)
{
	(void)a;
	return 0;
}

int apply_fd(const struct apply *a)
{
	(void)a;
	return -1;
}

void apply_addrs_again(struct apply *a)
{
	(void)a;
	addrs_put = true;
}

void apply_routes_again(struct apply *a)
{
	(void)a;
	routes_put = true;
}

static bool take_put(bool *put, int found, int *n)
{
	const bool taken = *put;

	*n = taken ? found : 0;
	*put = false;
	return taken;
}

bool apply_addrs_put(struct apply *a, int *n)
{
	(void)a;
	return take_put(&addrs_put, 1, n);
}

bool apply_routes_put(struct apply *a, int *n)
{
	(void)a;
	return take_put(&routes_put, n_routes_put, n);
}

int upkeep_sight_read(const struct upkeep *of, uint64_t *seen)
{
	(void)of;
	*seen = probes_seen;
	return 0;
}

void apply_fill_job(const struct apply *a, struct keep_job *job)
{
	(void)a;
	(void)job;
}

bool apply_failing(const struct apply *a)
{
	(void)a;
	return unset;
}

bool apply_lacking(const struct apply *a)
{
	(void)a;
	return lacking;
}

/* What the kernel announces, this test says. */
static kernel_change_fn announce;

int kernel_watch_open(sd_event *event, uint8_t mark, kernel_change_fn fn, void *arg,
		      struct kernel_watch **out)
{
	(void)event;
	(void)arg;
	(void)out;
	assert_int_equal(mark, 0x48);
	announce = fn;
	return -ENODEV; /* the rest of the start is no matter here */
}

void kernel_watch_close(struct kernel_watch *w)
{
	(void)w;
}

/* Who reads the events is no matter here. */
void events_add(struct events *e, const char *kind, enum hokm_reason reason, const char *fmt, ...)
{
	(void)e;
	(void)kind;
	(void)reason;
	(void)fmt;
}

/* ---- the node ---- */

static struct conf conf = {.n_nodes = 1, .pulse_ns = PULSE_NS};
static struct node node = {.conf = &conf};
static struct upkeep u;
static uint64_t now_ns;

/* A peer that answers each pulse, and nothing is due. */
static int set_up(void **state)
{
	(void)state;
	node.peers = (struct peers){.list = {{.used = true}}};
	u = (struct upkeep){.node = &node,
			    .gap_ns = 50 * NS_PER_MS,
			    .soon_ns = START_NS,
			    .often_ns = NEVER,
			    .full_ns = NEVER};
	result = (struct keep_result){0};
	probes_seen = 0;
	unset = lacking = false;
	n_routes_put = 1;
	fresh = addrs_put = routes_put = false;
	jobs = given = 0;
	asked_link = 0;
	now_ns = START_NS;
	node.peers.list[0].map.seen_ns = now_ns;
	return 0;
}

static void tick(bool answered)
{
	now_ns += PULSE_NS;
	if (answered)
		node.peers.list[0].map.seen_ns = now_ns;
	(void)upkeep_run(&u, now_ns);
}

#endif
