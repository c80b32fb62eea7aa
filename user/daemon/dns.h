/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS failover: the address of a node in the record. In a daemon that is this node's address while
 * it is owner. In a monitor (daemon/monitor.h) it is that of the node it has chosen; the monitor is
 * "owner" here as long as it can see.
 *
 * When the record is written is decided by decide/dns_when.h, what is written by decide/dns_plan.h
 * in a job (agent/dns_job.h). Here both meet: dns_tick() takes what a job has sent, passes on who
 * owns, and starts the next job. A job is killed as soon as this node is not owner any more, and
 * writes only after it has asked. Nothing here waits.
 */
#ifndef HOKM_DAEMON_DNS_H
#define HOKM_DAEMON_DNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "act/dns_file.h"
#include "agent/dns_messages.h"
#include "daemon/dns_watch.h"
#include "decide/dns_when.h"

struct node;

/* One record. */
struct dns_line {
	bool used;    /* this node has an address for it */
	bool checked; /* what the operator ordered before the start still fits the group */
	struct dns_when when;
	unsigned int whose;  /* the node whose address is wanted; n_nodes: not chosen yet */
	struct dns_set keep; /* what a monitor leaves alone */
	bool renew;          /* a monitor wants it compared, after what the operator ordered */
	/* the job */
	int fd;    /* -1: none talks */
	pid_t pid; /* until it is reaped; 0: none */
	uint64_t by_ns;
	char want[DNS_ADDRESS_MAX]; /* of the last job */
	unsigned int far;       /* what the job has reported: DNS_ASK when it may change the record,
				   DNS_ACCEPTED, or DNS_REPLY_KINDS for neither */
	struct dns_set present; /* what it has read */
	struct dns_set hosts;   /* the addresses of the provider that answered last */
	uint64_t start_ns;      /* of the last job */
	uint64_t hosts_until_ns; /* until then its name is not asked for; 0: it is asked for */
	/* its last reply */
	bool known;
	struct dns_reply last;
	uint64_t last_ns;
	enum dns_breaker breaker; /* as last reported */
	struct dns_watch watch;   /* of the last change */
};

struct dns_owner {
	bool owner;
	bool adopted; /* ownership was continued from an earlier daemon */
	bool serves;  /* another node is healthy */
	bool sole;    /* it is certain that no other node owns */
	/* of a monitor */
	bool hold;         /* begin nothing now */
	bool renew;        /* compare and write the record now */
	unsigned int node; /* whose address is wanted */
	uint32_t keep;     /* the nodes whose address is left alone, one bit each */
};

struct dns {
	bool on;
	bool monitor;
	struct node *node;
	struct dns_line line[CONF_DNS_TYPES];
	struct dns_book book;
	struct dns_file *file;
	uint64_t retry_ns;
};

/* 0 or -errno. In a daemon it stays off when a monitor writes the record. */
int dns_open(struct dns *d, struct node *n, bool monitor);
void dns_close(struct dns *d);
/*
 * Before another daemon takes this process over: kills the jobs, and waits for the end of each for
 * wait_ms at most.
 */
void dns_cut(struct dns *d, int wait_ms);
/* The file of the orders and the history is being written. */
bool dns_saving(const struct dns *d);
/* At each tick of the pulse; of a monitor, often. */
void dns_tick(struct dns *d, const struct dns_owner o[CONF_DNS_TYPES], uint64_t now_ns);
/* A job runs or its end was not taken yet. */
bool dns_busy(const struct dns *d);

/*
 * Orders of the operator; a text of what follows, or NULL and the words of the refusal in `error`.
 *   set    the record is to have this address until start
 *   start  it is to have the owner's again, now
 *   stop   it is not written until start
 */
const char *dns_order_set(struct dns *d, const char *address, bool force, char *error, size_t size);
const char *dns_order_start(struct dns *d);
const char *dns_order_stop(struct dns *d);

#endif
