/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to an etcd cluster about one record, for the arbiter `etcd` (decide/tie.h): a child
 * process without privileges, which keeps its connection, so that an answer costs one round trip.
 * Daemon and process talk over a SOCK_SEQPACKET pair: the daemon sends one struct etcd_settings and
 * then any number of struct etcd_question; each gets one struct etcd_reply, unless another question
 * comes before it, which replaces it. The process can die and be started again; its question has no
 * reply then.
 *
 * The record is the value of one key: "EPOCH ADDRESS HOLD", as in "7 192.168.1.26 10000", and "7"
 * when it is nobody's. The address is the holder's: two files can give one name to two nodes, but
 * not one address. HOLD is how long the holder may own after this claim, in milliseconds. etcd's
 * API is the JSON gateway of version 3 (etcd 3.4 and newer): /v3/kv/range, /v3/kv/txn,
 * /v3/auth/authenticate.
 *
 * A struct etcd_client is the daemon's handle. It is used by the thread of the event loop only.
 */
#ifndef HOKM_AGENT_ETCD_CLIENT_H
#define HOKM_AGENT_ETCD_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"

#define ETCD_TEXT_MAX 192

struct etcd_settings {
	struct conf_etcd conf;
	char key[CONF_ETCD_KEY_MAX];
	uint64_t cluster; /* the id of the only one that is believed; 0: the first that answers */
};

enum etcd_op { ETCD_READ, ETCD_WRITE, ETCD_OPS };

struct etcd_question {
	uint32_t seq;
	uint32_t op;
	uint64_t limit_ns;     /* how long the answer is awaited, over all endpoints */
	uint64_t revision;     /* ETCD_WRITE: only if the record has this one; 0: none */
	uint64_t epoch;        /* what is written */
	uint64_t hold_ms;      /* 1..CONF_ETCD_HOLD_MAX_MS where there is a holder */
	struct in_addr holder; /* 0.0.0.0: nobody */
};

struct etcd_reply {
	uint32_t seq;
	bool valid; /* etcd answered, and the record is one of this program */
	bool moved; /* it was written */
	uint64_t revision, epoch, hold_ms;
	struct in_addr holder;
	uint64_t cluster; /* that answered */
	uint64_t took_ns;
	char endpoint[CONF_ETCD_URL_MAX]; /* that answered, or was asked last */
	char text[ETCD_TEXT_MAX];         /* not valid: what was tried and what happened */
};

struct etcd_client; /* opaque */

typedef void (*etcd_reply_fn)(const struct etcd_reply *r, void *arg);

/* Starts the process as `user`. 0 or -errno, logged. Caller: etcd_client_close(). */
int etcd_client_open(sd_event *event, const char *user, const struct etcd_settings *settings,
		     etcd_reply_fn fn, void *arg, struct etcd_client **out);
/*
 * Kills the process without waiting for its end. Another one is started then, which reads secrets
 * and certificates anew; NULL: none, until this is called with settings. A question on its way has
 * no reply.
 */
void etcd_client_restart(struct etcd_client *c, const struct etcd_settings *settings);
/* Kills it, and waits for its end as long. NULL is allowed. */
void etcd_client_close(struct etcd_client *c, int wait_ms);
/* 0, or -ENOTCONN while no process runs. */
int etcd_client_ask(struct etcd_client *c, const struct etcd_question *q);

/* The process: `hokm-xdp etcd-client USER LEVEL`. Never returns. */
int etcd_child_main(int argc, char **argv);

#endif
