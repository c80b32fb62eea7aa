/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words for the ABI's enums, user space only: one table per enum, made from the same lists as
 * the enums themselves, so that a value cannot be without its name; and the reason codes of the
 * daemon.
 */
#ifndef HOKM_NAMES_H
#define HOKM_NAMES_H

#include "hokm/abi.h"

/*
 * Why a state changed: the same word in log, event, ctl output, hook environment and metrics.
 * One value per cause (DESIGN rule 6).
 */
#define HOKM_REASONS(X, p)                                                                   \
	X(p, NONE, "none", "nothing happened yet")                                           \
	X(p, STARTED, "started", "the daemon started")                                       \
	X(p, STOPPED, "stopped", "the daemon was told to stop")                              \
	X(p, ADOPTED, "adopted", "the daemon took over what it found pinned")                \
	X(p, MASTER_DOWN, "master-down", "no advert within Master_Down_Interval")            \
	X(p, PRIORITY_ZERO, "priority-zero", "the owner gave up with priority 0")            \
	X(p, HANDED_OVER, "handed-over", "the owner let go, pulses confirm it")              \
	X(p, HIGHER_PRIORITY, "higher-priority", "a higher priority advert was heard")       \
	X(p, PREEMPT, "preempt", "priority above the owner's, preempt delay over")           \
	X(p, LEASE_LOST, "lease-lost", "the lease ran out before an advert could renew it")  \
	X(p, OTHER_OWNER, "other-owner", "a peer's pulse shows a lease of its own")          \
	X(p, OPERATOR, "operator", "asked for by the operator")                              \
	X(p, SERVICE_DOWN, "service-down", "a service is down here and a peer is healthier") \
	X(p, SERVICE_UP, "service-up", "services are as healthy as any peer's again")        \
	X(p, PANIC_HOLD, "panic-hold", "nobody is healthy: the owner keeps the VIP")         \
	X(p, MAINT, "maint", "the node is in maintenance")                                   \
	X(p, READY, "ready", "the node left maintenance")                                    \
	X(p, LINK_DOWN, "link-down", "the interface lost its link")                          \
	X(p, LINK_UP, "link-up", "the interface has its link back")                          \
	X(p, SEND_FAILED, "send-failed", "an advert could not be sent")                      \
	X(p, PEER_ALIVE, "peer-alive", "the peer answers pulses")                            \
	X(p, PEER_SILENT, "peer-silent",                                                     \
	  "the peer answers no pulses: its kernel or the way is dead")                       \
	X(p, RELOADED, "reloaded", "the configuration was read again")                       \
	X(p, RELOAD_REFUSED, "reload-refused",                                               \
	  "the new configuration cannot be used; nothing changed")                           \
	X(p, CHECK_OK, "check-ok", "the check passed")                                       \
	X(p, CHECK_TIMEOUT, "check-timeout", "the check did not end in time")                \
	X(p, CHECK_CONNECT, "check-connect", "the check could not connect")                  \
	X(p, CHECK_REFUSED, "check-refused", "the connection was refused")                   \
	X(p, CHECK_STATUS, "check-status", "the answer had the wrong HTTP status")           \
	X(p, CHECK_BODY, "check-body", "the answer's body did not match")                    \
	X(p, CHECK_ACCEPT, "check-accept", "Sec-WebSocket-Accept was wrong")                 \
	X(p, CHECK_PONG, "check-pong", "the ping was not answered by its pong")              \
	X(p, CHECK_CLOSED, "check-closed", "the server closed during the check")             \
	X(p, CHECK_EXIT, "check-exit", "the command ended with a non-zero status")           \
	X(p, CHECK_SIGNAL, "check-signal", "the command was ended by a signal")              \
	X(p, CHECK_EXEC, "check-exec", "the command could not be run")                       \
	X(p, CHECK_AGENT, "check-agent", "the agent died during the check")                  \
	X(p, CHECK_ERROR, "check-error", "the check failed for another reason")              \
	X(p, PASSIVE_REFUSED, "passive-refused", "players' SYNs were refused")               \
	X(p, PASSIVE_SYN, "passive-syn", "players' SYNs got no SYN-ACK")                     \
	X(p, PASSIVE_UPGRADE, "passive-upgrade", "upgrades got no answer")                   \
	X(p, PASSIVE_STATUS, "passive-status", "upgrades were answered with a 5xx status")   \
	X(p, PASSIVE_PING, "passive-ping", "players' pings got no pong in time")             \
	X(p, PASSIVE_RESET, "passive-reset", "the server reset its players")                 \
	X(p, PASSIVE_ABNORMAL, "passive-abnormal",                                           \
	  "the server ended WebSockets without a close frame")                               \
	X(p, PASSIVE_CLOSE, "passive-close", "the server closed with 1011, 1012 or 1013")    \
	X(p, PASSIVE_CLEAR, "passive-clear", "the traffic looks well again")                 \
	X(p, TAKEOVER, "takeover", "the players of a dead peer are told")                    \
	X(p, SHUTDOWN_SESSIONS, "shutdown-sessions",                                         \
	  "the service is down, its process hung: its players are told")                     \
	X(p, DRAIN_TIMEOUT, "drain-timeout", "the drain's time is over: players are ended")  \
	X(p, DRAINED, "drained", "the last player has left")                                 \
	X(p, REPLICA_WARM, "replica-warm", "all connections of the peer are known here")     \
	X(p, REPLICA_COLD, "replica-cold", "the connections of the peer are not known yet")  \
	X(p, STALE_UPGRADE, "stale-upgrade", "the upgrade has no answer")                    \
	X(p, STALE_PING, "stale-ping", "the client's ping has no pong")                      \
	X(p, STALE_DATA, "stale-data", "the server is silent, client data unacknowledged")
#define HOKM_REASON_ENUM(p, id, name, text) p##_##id,
enum hokm_reason { HOKM_REASONS(HOKM_REASON_ENUM, HOKM_R) HOKM_REASON_COUNT };

/*
 * What the passive checks look for in real traffic (`passive { signal NAME { … } }`): the word of
 * the configuration, and which reason code it gives.
 */
#define HOKM_SIGNALS(X, p)                                                      \
	X(p, REFUSED, "refused", "SYNs answered with RST")                      \
	X(p, SYN, "syn", "SYNs without SYN-ACK")                                \
	X(p, UPGRADE, "upgrade", "upgrades without an answer")                  \
	X(p, STATUS, "status", "upgrades answered with 5xx")                    \
	X(p, PING, "ping", "clients' pings without a pong")                     \
	X(p, RESET, "reset", "established connections reset by the server")     \
	X(p, ABNORMAL, "abnormal", "ended by the server without a close frame") \
	X(p, CLOSE, "close", "closed by the server with 1011, 1012 or 1013")
enum hokm_signal { HOKM_SIGNALS(HOKM_ENUM, HOKM_SIGNAL) HOKM_SIGNAL_COUNT };

/* Word for a value; "?" for one that is out of range, so that foreign bytes never index a table. */
const char *hokm_vrrp_state_name(unsigned int state);
const char *hokm_svc_state_name(unsigned int state);
const char *hokm_tcp_state_name(unsigned int state);
const char *hokm_ws_phase_name(unsigned int phase);
const char *hokm_follow_state_name(unsigned int state);
const char *hokm_ws_fault_name(unsigned int fault);
const char *hokm_event_kind_name(unsigned int kind);
const char *hokm_counter_name(unsigned int counter);
const char *hokm_counter_text(unsigned int counter);
const char *hokm_latency_name(unsigned int kind);
const char *hokm_latency_text(unsigned int kind);
const char *hokm_reason_name(unsigned int reason);
const char *hokm_reason_text(unsigned int reason);
const char *hokm_signal_name(unsigned int signal);
const char *hokm_signal_text(unsigned int signal);
/* PASSIVE_* of a signal; HOKM_R_NONE for one out of range. */
enum hokm_reason hokm_signal_reason(unsigned int signal);

/* Index of the event kind with this word, or -1. */
int hokm_event_kind_from_name(const char *name);

#endif
