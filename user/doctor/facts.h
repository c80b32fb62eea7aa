/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the facts of the doctor come from; see findings.h. */
#ifndef HOKM_DOCTOR_FACTS_H
#define HOKM_DOCTOR_FACTS_H

#include <jansson.h>
#include <netinet/in.h>

#include "doctor/findings.h"

/* Nothing is known yet. */
void facts_init(struct facts *f);

/* What the daemon said at one moment; the data of its replies, NULL where there was none. */
struct facts_said {
	json_t *status, *counters;
};

/* From what it said before and after a pause. Pure. A field that is missing is not known. */
void facts_from_daemon(struct facts *f, const struct facts_said *before,
		       const struct facts_said *after);

/* Packets since the machine started; 0 where connection tracking is not there. */
struct fact_tracked {
	uint64_t invalid; /* that connection tracking called invalid */
	uint64_t dropped; /* that it dropped because its table was full */
};
struct fact_tracked facts_conntrack(void);

/*
 * Which VIPs are addresses of this machine, as bits by their order: an owner has all of them, and
 * another node has none. Pure.
 */
void facts_judge_vips(struct facts *f, unsigned int here);

/* Addresses, sysctls, clock. */
void facts_from_machine(struct facts *f);

/*
 * What the configuration says: the interval of adverts, which peers run keepalived, and the
 * interface if no daemon has named it.
 */
void facts_from_conf(struct facts *f, const struct conf *c);

/* Whether the XDP program on the interface is that of others. */
void facts_from_xdp(struct facts *f);

/* Whether the last drill failed, by their history. */
void facts_from_drills(struct facts *f, const struct conf *c);

/* What the pinned maps of this node say. */
void facts_from_pins(struct facts *f, const struct conf *c);

#define FACT_CLIENTS 64
struct fact_clients {
	unsigned int n;
	struct in_addr list[FACT_CLIENTS]; /* each one once */
};
/*
 * Clients that the daemon on this socket knows, 64 of them at most; those whose SYNs are not
 * answered if there are no others, or if no SYN is. Returns 0 or -errno.
 */
int facts_clients(const char *socket, bool unanswered, struct fact_clients *out);

/* How the kernel routes the packets of these clients, and the answers to them. */
void facts_from_routes(struct facts *f, const struct conf *c, const struct fact_clients *clients);
/* The sockets of this machine that listen for a service. */
#define FACT_LISTENERS 128
struct fact_listeners {
	bool known;
	unsigned int n;
	struct fact_listener {
		unsigned int service; /* its place in the configuration */
		unsigned int waiting; /* connections that wait for accept() */
		unsigned long inode;  /* names the socket */
		bool six;             /* a socket of IPv6, of both families as a rule */
		bool stuck; /* as far as is known: connections waited at each look, never fewer */
	} list[FACT_LISTENERS];
};
void facts_listeners(const struct conf *c, struct fact_listeners *out);
/* Corrects what `now` says of sockets that are stuck by the look before. Pure. */
void facts_follow_listeners(const struct fact_listeners *before, struct fact_listeners *now);
/* Whether one of several sockets of a service is stuck. Pure. */
void facts_judge_listeners(struct facts *f, const struct conf *c, const struct fact_listeners *now);
/* Whether a socket of this machine listens for each service. */
void facts_from_listeners(struct facts *f, const struct conf *c);
/* Whether a route has a VIP as its source. */
void facts_from_sources(struct facts *f, const struct conf *c);

/* Makes each check once that fails, as `hokm-xdp probe` does. */
void facts_from_checks(struct facts *f, const struct conf *c);

#endif
