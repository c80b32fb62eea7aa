/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: one file, the same on every node; a node finds itself by its own addresses.
 *
 * conf_load() gives an immutable struct conf or errors that name file, line, key, value and what
 * would be right. Nothing in it changes afterwards: a reload loads a second one and swaps.
 */
#ifndef HOKM_CONF_H
#define HOKM_CONF_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "decide/observe_conf.h"
#include "hokm/abi.h"

/* bytes with the terminating zero, of node, instance and service names */
#define CONF_NAME_MAX   32
#define CONF_PATH_MAX   256
#define CONF_NODES_MAX  (HOKM_MAX_PEERS + 1)
#define CONF_CHECKS_MAX 4 /* checks of one service */

#define CONF_SECRET_MAX 256

enum conf_profile { CONF_PROFILE_STANDARD, CONF_PROFILE_FAST };

enum conf_check_kind { CHECK_WEBSOCKET, CHECK_HTTP, CHECK_TCP, CHECK_EXEC };

/* One active check; times are the profile's unless the file says otherwise. */
struct conf_check {
	enum conf_check_kind kind;
	char path[CONF_PATH_MAX]; /* request path (websocket "/", http "/health") or the command */
	char body[CONF_NAME_MAX]; /* http: the answer's body must contain this; "" for any */
	unsigned int status;      /* http: expected status, default 200 */
	bool tls;                 /* wss:// or https:// */
	struct in_addr addr;      /* where to; default the service's VIP, reached over lo */
	uint16_t port;            /* host order; default the service's */
	uint64_t interval_ns;     /* standard 5 s, fast 200 ms */
	uint64_t fastinter_ns;    /* between UP and DOWN: standard 1 s, fast 50 ms */
	uint64_t downinter_ns;    /* while fully DOWN: standard 2 s, fast 100 ms */
	uint64_t timeout_ns;      /* bounds the whole check, attempts included: 10 s / 250 ms */
	unsigned int rise;        /* successes in a row to go UP: 2 / 2 */
	unsigned int fall;        /* failures in a row to go DOWN: 3 / 2 */
	unsigned int attempts;    /* tries inside one check: 3 / 1 */
	uint64_t backoff_ns;      /* before the second try, doubling: 500 ms / 20 ms */
};

/*
 * What becomes of the players of a service that went DOWN with its process hung (HAProxy's words).
 */
enum conf_marked_down { CONF_SHUTDOWN_SESSIONS, CONF_KEEP };

struct conf_service {
	char name[CONF_NAME_MAX];             /* default "game" */
	enum conf_marked_down on_marked_down; /* default shutdown_sessions */
	unsigned int vip;                     /* index of conf.vips */
	uint16_t port;                        /* host order, default 8765 */
	unsigned int n_checks;                /* default one websocket and one http /health */
	struct conf_check checks[CONF_CHECKS_MAX];
};

struct conf_node {
	char name[CONF_NAME_MAX];
	struct in_addr addr;
	uint8_t priority; /* 1..254, default 110, 100, 90 … in the file's order */
};

struct conf_hooks {
	char before[CONF_PATH_MAX]; /* run before the VIP is raised, "" for none */
	char after[CONF_PATH_MAX];  /* run after every state change */
	char user[CONF_NAME_MAX];   /* who runs them, default nobody */
	uint64_t timeout_ns;        /* 10 s */
};

struct conf {
	char file[CONF_PATH_MAX];
	enum conf_profile profile;
	char instance[CONF_NAME_MAX]; /* default "hokm" */
	char interface[IF_NAMESIZE];  /* default: the one that has this node's address */
	char bpffs[CONF_PATH_MAX]; /* pins live in <bpffs>/hokm-xdp/<node>; default /sys/fs/bpf */
	/* default /run/hokm-xdp/%n.sock; both with %n replaced by self */
	char socket[CONF_PATH_MAX];
	char ctl_group[CONF_NAME_MAX];  /* group that may use ctl besides root, "" for none */
	char agent_user[CONF_NAME_MAX]; /* default nobody */
	unsigned int log_level;         /* enum log_level, default info */
	unsigned int max_connections;   /* size of conns, default 131072, 1024..4194304 */

	unsigned int n_nodes;
	struct conf_node nodes[CONF_NODES_MAX];
	unsigned int self; /* index of nodes; n_nodes when it was not looked for */

	unsigned int n_vips;
	struct in_addr vips[HOKM_MAX_VIPS]; /* default 192.168.1.25 */
	unsigned int n_services;
	struct conf_service services[HOKM_MAX_SERVICES];

	/* vrrp */
	unsigned int vrrp_version; /* 2 (standard) or 3 (fast) */
	uint8_t vrid;              /* default 25 */
	bool multicast;            /* default true; false: unicast to every other node */
	bool checksum_pseudo;      /* v3: with the pseudo-header, default true */
	uint64_t advert_ns; /* standard 1 s, fast 100 ms; v2: whole seconds; v3: 10 ms..40.95 s */
	bool preempt;       /* default true */
	uint64_t preempt_delay_ns; /* standard 10 s, fast 2 s */
	char vrrp_password[9]; /* v2 PASS; default derived from the secret; "": no authentication */
	unsigned int garp_count;  /* default 5, gratuitous ARPs of one burst */
	uint64_t garp_refresh_ns; /* default 60 s, 0: never */

	/* pulses */
	uint16_t pulse_port;      /* host order, 8766 */
	uint64_t pulse_ns;        /* 10 ms */
	uint64_t peer_dead_ns;    /* 100 ms */
	uint64_t daemon_stale_ns; /* 500 ms / 200 ms */

	/* replication */
	bool replicate;     /* default yes: peers are told of connections, and listened to */
	uint16_t repl_port; /* host order, 8767 */
	/* connections of a dead peer ended in a second, 100,000; 100..10,000,000 */
	unsigned int tell_rate;
	uint64_t warm_ns; /* preemption waits for a warm replica, but no longer than this: 30 s */

	struct observe_conf observe; /* passive checks; hold_ns is also what a refused SYN sets */
	uint64_t idle_ns; /* entries of conns without a packet for this long expire: 2 h */

	struct conf_hooks hooks;

	char secret[CONF_SECRET_MAX];
	size_t secret_len;
};

/*
 * Reads and checks `file`. With `find_self` this node is found among the nodes by the addresses of
 * this machine's interfaces, and interface, bpffs and socket are filled in for it; check-config
 * does without. Writes each error as one line to `errors`. Returns 0 and the configuration in *out,
 * which the caller gives to conf_free(); -EINVAL with *out NULL when the file is wrong, else
 * -errno.
 */
int conf_load(const char *file, bool find_self, FILE *errors, struct conf **out);

/* Wipes the secrets and frees. NULL is fine. */
void conf_free(struct conf *c);

/*
 * What a reload may not change while running (interface, own address, VRID, pins, table size, agent
 * user): returns the name of the first key that differs and needs a restart, or NULL.
 */
const char *conf_needs_restart(const struct conf *running, const struct conf *wanted);

/* Keys derived from the secret (HKDF-SHA256, one label each). 0 or -errno. */
int conf_pulse_key(const struct conf *c, struct hokm_keys *out);
/* SipHash key of replication messages, halves as hokm/siphash.h takes them. 0 or -errno. */
int conf_repl_key(const struct conf *c, __u64 key[2]);

/* Name of a service to other nodes: 32 bits of SipHash over VIP, port and protocol, never 0. */
uint32_t hokm_service_tag(struct in_addr vip, uint16_t port_host);

/* ::ffff:a.b.c.d */
struct hokm_addr hokm_addr_from_ipv4(struct in_addr a);
struct in_addr hokm_addr_to_ipv4(const struct hokm_addr *a);

#endif
