/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics that come from the status of the node. A row: see struct metric. */
#include <stddef.h>

#include "agent/metrics.h"

#define MS 1e3
#define US 1e6

#define GAUGE(name_, of_, path_, div_, help_)                                                  \
	{                                                                                      \
		.name = (name_), .type = METRIC_GAUGE, .of = METRIC_OF_##of_, .path = (path_), \
		.unit_div = (div_), .help = (help_)                                            \
	}
#define COUNTER(name_, of_, path_, help_)                                                        \
	{                                                                                        \
		.name = (name_), .type = METRIC_COUNTER, .of = METRIC_OF_##of_, .path = (path_), \
		.help = (help_)                                                                  \
	}
#define COUNTERS(name_, of_, path_, label_, help_)                                       \
	{                                                                                \
		.name = (name_), .type = METRIC_COUNTER, .of = METRIC_OF_##of_,          \
		.value = METRIC_MAP, .path = (path_), .label = (label_), .help = (help_) \
	}

static const char *const build_words[] = {"version", NULL};
/* Not "instance": Prometheus has a label of this name for the target. */
static const char *const node_words[] = {"node", "interface", "xdp_mode", "profile", NULL};
static const char *const reason_words[] = {"reason", NULL};
static const char *const states[] = {"init", "backup", "master", "fault", NULL};
static const char *const up[] = {"up", NULL};

const struct metric metrics_table[] = {
	{.name = "build_info",
	 .value = METRIC_INFO,
	 .words = build_words,
	 .help = "1; the version of the program is a label"},
	{.name = "node_info",
	 .value = METRIC_INFO,
	 .words = node_words,
	 .help = "1; what the node is called and how it is attached are labels"},
	GAUGE("status_revision", NODE, "revision", 0,
	      "grows when ownership, state, services, players or peers are not as before"),
	GAUGE("owner", NODE, "owner", 0, "1 while this node owns the VIP"),
	{.name = "state",
	 .value = METRIC_STATE,
	 .path = "state",
	 .label = "state",
	 .words = states,
	 .help = "1 for the state of the VRRP machine, 0 for the others"},
	{.name = "state_reason_info",
	 .value = METRIC_INFO,
	 .words = reason_words,
	 .help = "1; the reason of the state is a label"},
	GAUGE("state_age_seconds", NODE, "since_ms", MS, "time since the state changed"),
	GAUGE("lease_left_seconds", NODE, "lease_left_ms", MS,
	      "time until this node's lease ends, if it is not renewed"),
	GAUGE("priority", NODE, "priority", 0, "VRRP priority of this node"),
	GAUGE("epoch", NODE, "epoch", 0, "epoch of the ownership, raised by each new owner"),
	GAUGE("panic_hold", NODE, "panic", 0,
	      "1 while this node keeps the VIP because no node is healthy"),
	GAUGE("draining", NODE, "drain", 0, "1 while the operator drains this node"),
	GAUGE("maintenance", NODE, "maint", 0, "1 while the operator has it in maintenance"),
	GAUGE("standby", NODE, "standby", 0, "1 while the operator keeps it from preempting"),
	{.name = "has_successor",
	 .value = METRIC_THERE,
	 .path = "successor",
	 .help = "1 while a peer could take the VIP over"},
	GAUGE("uptime_seconds", NODE, "uptime_ms", MS, "time since the daemon started"),
	GAUGE("players", NODE, "players", 0, "players on this node"),
	GAUGE("missing_parts", NODE, "missing", 0,
	      "parts of the set-up in the kernel that are gone and do not come back"),
	GAUGE("foreign_claims", NODE, "claims", 0,
	      "claims of a VIP by the MAC address of another machine"),
	COUNTERS("put_back", NODE, "put_back", "part",
		 "parts of the set-up in the kernel that others removed and the daemon put back"),
	COUNTER("adverts_sent", NODE, "vrrp.sent", "adverts sent"),
	COUNTER("adverts_received", NODE, "vrrp.received", "adverts received and accepted"),
	COUNTER("adverts_send_failed", NODE, "vrrp.send_failed", "adverts that were not sent"),
	COUNTERS("adverts_discarded", NODE, "vrrp.discarded", "reason", "adverts discarded"),
	COUNTER("hooks_run", NODE, "hooks.run", "hooks that were run"),
	COUNTER("hooks_failed", NODE, "hooks.failed", "hooks that ended with an error"),
	COUNTER("hooks_timed_out", NODE, "hooks.timed_out", "hooks that were killed by timeout"),
	COUNTER("hooks_dropped", NODE, "hooks.dropped", "hooks left out: the queue was full"),
	COUNTER("agent_restarts", NODE, "agent.restarts", "times the agent was started again"),
	COUNTER("ctl_requests", NODE, "ctl.requests", "requests on the control socket"),
	COUNTER("ctl_denied", NODE, "ctl.denied", "requests of users without the right to them"),
	COUNTER("event_records_lost", NODE, "events_lost",
		"events of the packet path that the daemon did not get"),
	COUNTER("log_lines_lost", NODE, "log_lost", "lines that the log did not take"),
	COUNTER("connections_expired", NODE, "conns_expired",
		"entries of connections removed because nothing was heard for long"),
	{.name = "late_seconds",
	 .value = METRIC_MAP,
	 .path = "late",
	 .label = "work",
	 .field = "recent_us",
	 .unit_div = US,
	 .help = "how late the loop did a kind of work, the worst of the last two minutes"},
	{.name = "late_worst_seconds",
	 .value = METRIC_MAP,
	 .path = "late",
	 .label = "work",
	 .field = "worst_us",
	 .unit_div = US,
	 .help = "how late the loop did a kind of work, the worst since the start"},
	{.name = "service_up",
	 .of = METRIC_OF_SERVICE,
	 .value = METRIC_IS,
	 .path = "state",
	 .words = up,
	 .help = "1 while the checks find the service up on this node"},
	GAUGE("service_players", SERVICE, "players", 0, "players of the service on this node"),
	GAUGE("service_suspect_seconds", SERVICE, "suspect_ms", MS,
	      "for how much longer new players are steered elsewhere"),
	GAUGE("service_oldest_upgrade_seconds", SERVICE, "oldest_upgrade_ms", MS,
	      "age of the oldest upgrade request without an answer"),
	GAUGE("service_oldest_ping_seconds", SERVICE, "oldest_ping_ms", MS,
	      "age of the oldest ping of a player without a pong"),
	COUNTER("service_passive_trips", SERVICE, "trips",
		"times a passive check made the service suspect"),
	GAUGE("check_up", CHECK, "up", 0, "1 while the check counts as passed"),
	GAUGE("check_duration_seconds", CHECK, "took_ms", MS, "duration of the last run"),
	GAUGE("check_age_seconds", CHECK, "last_ms", MS, "time since the last run ended"),
	GAUGE("peer_pulsing", PEER, "pulsing", 0, "1 while the peer answers pulses"),
	GAUGE("peer_daemon_fresh", PEER, "daemon_fresh", 0,
	      "1 while the peer's daemon shows signs of life"),
	GAUGE("peer_round_trip_seconds", PEER, "rtt_us", US, "round trip of the last pulse"),
	GAUGE("peer_seen_age_seconds", PEER, "seen_ms", MS, "time since the last pulse"),
	GAUGE("path_answers", PATH, "answers", 0,
	      "1 while the peer answers pulses over the path: segment, 1 or 2"),
	GAUGE("path_round_trip_seconds", PATH, "rtt_us", US, "round trip of its last pulse there"),
	GAUGE("path_seen_age_seconds", PATH, "seen_ms", MS, "time since its last pulse there"),
	GAUGE("path_loss_ratio", PATH, "loss_permille", 1000,
	      "share of the probes without an answer, of the last 10 s"),
	GAUGE("peer_advert_age_seconds", PEER, "adverts_ms", MS, "time since the last advert"),
	GAUGE("peer_lease_left_seconds", PEER, "lease_left_ms", MS,
	      "time until the peer's lease ends, by its last answer"),
	GAUGE("peer_services_up", PEER, "services_up", 0, "services that are up at the peer"),
	GAUGE("peer_steerable", PEER, "steerable", 0, "1 while steered packets arrive at the peer"),
	GAUGE("peer_settings_differ", PEER, "differs", 0,
	      "settings that must be the same on both nodes and are not"),
	COUNTER("peer_adverts_discarded", PEER, "discarded", "adverts of the peer discarded"),
	GAUGE("replica_connected", PEER, "replica.connected", 0,
	      "1 while the peer acknowledges replication"),
	GAUGE("replica_warm", PEER, "replica.warm", 0,
	      "1 while this node has the peer's connections"),
	GAUGE("replica_connections", PEER, "replica.connections", 0,
	      "connections of the peer that this node knows"),
	GAUGE("replica_lag_seconds", PEER, "replica.lag_ms", MS,
	      "age of the oldest change that the peer has not acknowledged"),
	COUNTER("replica_sent", PEER, "replica.sent", "replication messages sent"),
	COUNTER("replica_received", PEER, "replica.received", "replication messages received"),
	COUNTER("replica_repeated", PEER, "replica.repeated", "replication messages sent again"),
	COUNTER("replica_resyncs", PEER, "replica.resyncs", "times all was replicated anew"),
	COUNTERS("replica_faults", PEER, "replica.faults", "reason",
		 "replication messages discarded"),
	{.name = NULL},
};
