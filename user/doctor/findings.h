/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp doctor`: what is wrong on this node, and what to do.
 *
 *   look.c           asks the daemon twice
 *   facts_daemon.c   facts from what the daemon says (status and counters), pure
 *   facts_machine.c  facts that the daemon does not have: addresses, sysctls, clock, pins, checks
 *   facts_routes.c   what the kernel's routes do with packets of the game
 *   facts_listen.c   whether sockets of this machine listen for the services
 *   clients.c        clients of the daemon, as examples for the routes
 *   rules*.c         the rules, one table: facts in, findings out, pure
 *   drills.c         the history of the drills
 *   doctor.c         the command
 *
 * A finding rests on facts only, and quotes them. A fact that is not known makes no finding. What
 * is counted since the start of the daemon counts as wrong only while it grows: the doctor looks
 * twice.
 */
#ifndef HOKM_DOCTOR_FINDINGS_H
#define HOKM_DOCTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "decide/vrrp_wire.h"

#define FACT_TEXT    160
#define FACT_SETTING 4 /* settings that differ, of one peer */
#define FACT_LIST    8
#define FINDINGS_MAX 64

enum fact_daemon {
	FACT_ANSWERS,
	FACT_GONE,   /* no socket, or nobody listens on it */
	FACT_SILENT, /* the process is there and does not answer */
};

struct fact_setting {
	char name[32], text[FACT_TEXT], repair[FACT_TEXT];
};

/* A peer over one path of the pulses; the first one is the segment. */
struct fact_path {
	char address[16];
	bool in_use, answers;
	int64_t seen_ms; /* since its last answer over it; -1: never */
};

struct fact_peer {
	char name[CONF_NAME_MAX], address[16];
	bool vrrp_only; /* the configuration says that keepalived runs there */
	bool pulsing, fresh, secrets_differ, misdirected;
	bool owner;      /* its pulses say that it holds a lease */
	bool rival;      /* it answers none, and its adverts say that it owns as this node does */
	int64_t seen_ms; /* since the last pulse; -1: never */
	int64_t adverts_ms;            /* since the last advert that passed the guard; -1: never */
	char not_steerable[FACT_TEXT]; /* why; "" for steerable */
	bool replicated;               /* replication is on */
	bool connected, warm;
	uint64_t bad_tags; /* replication messages with a wrong signature, in the pause */
	unsigned int n_differs;
	struct fact_setting differs[FACT_SETTING];
	unsigned int n_paths;
	struct fact_path paths[HOKM_MAX_PATHS + 1];
};

struct fact_check {
	char service[CONF_NAME_MAX], kind[16], reason[32], detail[FACT_TEXT];
	bool down;
	char again[FACT_TEXT]; /* the result of making it now; "" for not made */
};

/* The packet path's counters of the node that grew in the pause. */
struct fact_grew {
	uint64_t vrrp[VRRP_DISCARD_COUNT]; /* the daemon's, by reason */
	uint64_t vrrp_seen;                /* by the packet path */
	uint64_t vrrp_received;            /* by the daemon, in good order */
	uint64_t vrrp_source, vrrp_ttl, vrrp_mac;
	uint64_t pulse_tag, pulse_version, pulse_mac, pulse_late;
	uint64_t replication_seen, syn_fenced, conns_full, events_lost, log_lost;
	uint64_t ct_invalid, ct_dropped; /* of the machine's connection tracking */
};

struct facts {
	bool config_ok;
	char config[CONF_PATH_MAX], config_error[FACT_TEXT];
	enum fact_daemon daemon;
	bool config_missing;   /* no file was named, and the usual one is not there */
	uint64_t advert_ms;    /* of the configuration; 0: not known */
	bool pins_known, pins; /* whether there are pinned maps of this node */
	int64_t lease_left_ms; /* by the pins; negative: it ended so long ago */
	bool ever_owner;       /* by the pins: there was a lease */

	/* As the daemon says. */
	char node[CONF_NAME_MAX], state[16], reason[32], reason_text[FACT_TEXT];
	char interface[16], xdp_mode[16];
	char vip[16]; /* the first one, or that by which vip_here is wrong */
	unsigned int n_vips;
	char vips[HOKM_MAX_VIPS][16];
	bool owner, panic, maint, drain, standby, agent;
	int64_t put_back_ms; /* since a part was put back; -1: never */
	char put_back[64];
	unsigned int n_missing;
	char missing[FACT_LIST][64];
	unsigned int n_foreign;
	char foreign[FACT_LIST][FACT_TEXT]; /* filters before ours */
	unsigned int n_open;
	char open[FACT_LIST][16]; /* interfaces without a fence */
	char claimer[20];         /* a foreign MAC address that claims a VIP; "" for none */
	char claimed[16];         /* that VIP */
	unsigned int n_own_paths;
	struct {
		char address[16], why[FACT_TEXT]; /* it is not in use; "": it is */
	} own_paths[HOKM_MAX_PATHS];
	char no_part[CONF_NAME_MAX]; /* a member that takes no part in grants; "" for none */
	/* A service of which no client's SYN is answered while its checks pass; "" for none. */
	char unanswered[CONF_NAME_MAX];
	int64_t unanswered_ms;   /* since when */
	char dns[FACT_TEXT];     /* what DNS failover complains of; "" for nothing */
	char dns_ttl[FACT_TEXT]; /* that a TTL is longer than the configuration wants */
	char drill[FACT_TEXT];   /* of the history: the last drill failed; "" for no */
	uint64_t events_lost, log_lost;
	unsigned int n_peers, n_checks;
	struct fact_peer peers[HOKM_MAX_PEERS];
	struct fact_check checks[HOKM_MAX_SERVICES * CONF_CHECKS_MAX];
	struct fact_grew grew;

	/* As the machine says; -1: unknown. */
	int vip_here; /* owner: all VIPs are addresses of this machine; else: one is */
	int rp_filter, arp_ignore_all, tcp_loose, clock_synced;
	int arp_filter;
	char no_listener[CONF_NAME_MAX]; /* a service for which no socket listens; "" for none */
	/* of several sockets of a service, those that accept nothing; "" for none */
	char stuck_listener[FACT_TEXT];
	int64_t ct_count, ct_max; /* of connection tracking: its connections, and their most */
	int interface_up;
	/*
	 * What is wrong with the routes: of packets of clients, of answers to them, and a route
	 * whose source is a VIP. "": nothing that was seen.
	 */
	char route_in[FACT_TEXT], route_out[FACT_TEXT], route_source[FACT_TEXT];
	char foreign_xdp[64]; /* an XDP program of others on the interface; "" for none, or unknown
			       */
};

enum finding_severity { FINDING_CRITICAL, FINDING_WARNING, FINDING_NOTE };

struct finding {
	enum finding_severity severity;
	const char *id;  /* a word for scripts */
	unsigned int of; /* the place of the peer or check */
	char evidence[2 * FACT_TEXT + 64];
	const char *cause, *next;
};

struct findings {
	unsigned int n;
	struct finding list[FINDINGS_MAX];
};

/* "critical", "warning", "note". */
const char *finding_severity_name(enum finding_severity s);

/* Applies every rule. The findings come by severity, in each by the order of the rules. Pure. */
void doctor_judge(const struct facts *f, struct findings *out);

#endif
