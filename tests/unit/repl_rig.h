/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two nodes that replicate their connections to each other over a simulated network. Each node has
 * a decide/repl link, a set of connections of its own, and a replica of the other node's set.
 * Connection number c is the client port c + 1.
 *
 * The network loses, duplicates, swaps and damages datagrams as its rates say. Time passes in ticks
 * of TICK_NS. The random numbers depend on the seed alone, so that a failure can be repeated.
 */
#ifndef TEST_REPL_RIG_H
#define TEST_REPL_RIG_H

#include "decide/repl.h"

#define MS         1000000ULL
#define TICK_NS    (10 * MS)
#define SET        2048 /* possible connections of a node */
#define CONVERGE_S 10   /* until both replicas must be complete */

struct datagram {
	unsigned char b[HOKM_REPL_MAX];
	size_t len;
};

struct node {
	struct repl_link *link;
	uint64_t session;
	uint64_t clock_ns; /* ahead of the network's clock: nodes boot at different times */
	bool own[SET];     /* its connections */
	uint32_t isn[SET];
	bool replica[SET]; /* the connections of the other node, as replicated */
	uint32_t replica_isn[SET];
	bool listed[SET]; /* named in the list that is being received */
	bool receives_list;
	unsigned int list_at; /* next connection of the list that is being sent */
};

struct net {
	struct node node[2];
	struct datagram *way[2];                /* datagrams on the way to node 0, to node 1 */
	unsigned int n[2];                      /* how many there are */
	unsigned int loss, twice, swap, damage; /* of 1000 datagrams */
	unsigned int slow;                      /* records of a list in a tick; 0: no limit */
	uint32_t numbers;                       /* messages of a stream; 0: REPL_NUMBERS */
	bool one_key;                           /* both directions use the same key */
	uint64_t now_ns;
	uint32_t seed;
};

/* A network without faults and two nodes that have just started. Caller: net_close(). */
void net_open(struct net *t, uint32_t seed);
void net_close(struct net *t);
/* The same; returns when both replicas are complete. */
void net_open_converged(struct net *t, uint32_t seed);

/* A random number below 2^24. */
uint32_t chance(struct net *t);
/* The daemon of node i restarts: a new session and an empty replica; the connections stay. */
void restart(struct net *t, unsigned int i);
/* The clock of node i. */
uint64_t clock_of(const struct net *t, unsigned int i);

/* Node i gets connection c, or loses it, and replicates that. */
void change(struct net *t, unsigned int i, unsigned int c, bool have);
/* The same with a random connection and a random direction. */
void change_any(struct net *t, unsigned int i);
/* A datagram arrives at node i, which applies its records. */
enum repl_fault deliver(struct net *t, unsigned int i, const struct datagram *d);

/* What is on the way arrives; both nodes acknowledge and send; TICK_NS pass. */
void tick(struct net *t);
void ticks(struct net *t, unsigned int n);
/* n ticks with `changes` random changes before each. */
void busy(struct net *t, unsigned int n, unsigned int changes);

/* The replica at node i equals the connections of the other node. */
bool replica_is_right(const struct net *t, unsigned int i);
/* Both replicas are right and warm, and both nodes know that. */
bool converged(const struct net *t);
/* Ticks until then, and returns how many; fails after CONVERGE_S of the network's time. */
unsigned int until_converged(struct net *t);

bool is_connected(const struct net *t, unsigned int i);
/* The counters of node i. */
struct repl_stats stats_of(struct net *t, unsigned int i);

#endif
