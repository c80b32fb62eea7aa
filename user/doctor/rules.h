/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the doctor: what a rule is, and the functions that the table of rules (rules.c) names.
 *
 *   rules.c         the table, in the order of the findings, and its use
 *   rules_node.c    this node: daemon, files, ownership, packet path, checks
 *   rules_routes.c  the routes of the kernel
 *   rules_peers.c   the other nodes: adverts, pulses, replication, settings
 *   rules_paths.c   the paths of the pulses
 */
#ifndef HOKM_DOCTOR_RULES_H
#define HOKM_DOCTOR_RULES_H

#include "doctor/findings.h"

/*
 * Whether the facts make this finding, about the peer or check out->of where the rule is of one.
 * Writes its evidence then, and may write another `next` than the row of the rule has.
 */
typedef bool rule_applies(const struct facts *f, struct finding *out);

struct rule {
	const char *id;
	enum finding_severity severity;
	rule_applies *applies;
	enum { OF_NODE, OF_PEER, OF_CHECK } of;
	bool without_daemon; /* it needs no word of the daemon */
	const char *cause, *next;
};

/* Writes the evidence. Returns true. */
__attribute__((format(printf, 2, 3))) bool rule_say(struct finding *out, const char *fmt, ...);

/* ---- rules_node.c ---- */
rule_applies rule_config_bad;
rule_applies rule_config_missing;
rule_applies rule_foreign_xdp;
rule_applies rule_daemon_gone;
rule_applies rule_daemon_silent;
rule_applies rule_two_owners;
rule_applies rule_part_missing;
rule_applies rule_vip_missing;
rule_applies rule_check_fails;
rule_applies rule_syns_unanswered;
rule_applies rule_no_listener;
rule_applies rule_stuck_listener;
rule_applies rule_agent_dead;
rule_applies rule_in_fault;
rule_applies rule_panics;
rule_applies rule_syn_fenced;
rule_applies rule_takes_no_part;
rule_applies rule_filter_before;
rule_applies rule_part_put_back;
rule_applies rule_fence_open;
rule_applies rule_table_full;
rule_applies rule_conntrack_full;
rule_applies rule_conntrack_filling;
rule_applies rule_conntrack_strict;
rule_applies rule_arp_silent;
rule_applies rule_dns_complains;
rule_applies rule_dns_ttl;
rule_applies rule_drill_failed;
rule_applies rule_rp_strict;
rule_applies rule_generic;
rule_applies rule_events_gone;
rule_applies rule_conntrack_invalid;
rule_applies rule_clock_wrong;
rule_applies rule_ordered;

/* ---- rules_routes.c ---- */
/* Of what status calls missing: the routes to the clients, which the daemon does not set. */
bool rule_of_routes(const char *missing);
rule_applies rule_route_missing;
rule_applies rule_arp_filtered;
rule_applies rule_route_in;
rule_applies rule_route_out;
rule_applies rule_route_source;

/* ---- rules_peers.c ---- */
rule_applies rule_vip_claimed;
rule_applies rule_secrets_differ;
rule_applies rule_other_password;
rule_applies rule_other_version;
rule_applies rule_other_vrid;
rule_applies rule_other_interval;
rule_applies rule_bad_checksum;
rule_applies rule_low_ttl;
rule_applies rule_stranger_adverts;
rule_applies rule_forged_adverts;
rule_applies rule_adverts_filtered;
rule_applies rule_adverts_missing;
rule_applies rule_other_pulses;
rule_applies rule_pulse_from_other_mac;
rule_applies rule_pulses_late;
rule_applies rule_pulses_blocked;
rule_applies rule_peer_silent;
rule_applies rule_peer_stale;
rule_applies rule_replication_forged;
rule_applies rule_replication_blocked;
rule_applies rule_not_steerable;
rule_applies rule_misdirected;
rule_applies rule_settings_differ;
rule_applies rule_replica_cold;

/* ---- rules_paths.c ---- */
rule_applies rule_pulse_path_unusable;
rule_applies rule_segment_lost;
rule_applies rule_pulse_path_never;
rule_applies rule_pulse_path_lost;
/* The peer answers pulses, and none over the segment: the case of rule_segment_lost(). */
bool rules_segment_is_lost(const struct fact_peer *p);

#endif
