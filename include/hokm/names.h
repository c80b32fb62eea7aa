/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names and texts of the ABI's enums, and the reason codes of the daemon. For user space only.
 *
 * Each table is made from the list that makes its enum, so no value is without a name. A name is
 * for machines: the same word stands in logs, events, ctl output, hook environment and metrics, and
 * it never changes. A text is for operators and is understood without its context.
 */
#ifndef HOKM_NAMES_H
#define HOKM_NAMES_H

#include "hokm/abi.h"

/* Reason codes: why a state changed. One value per cause (architecture rule 6). */
#define HOKM_REASONS(X, p)                                                                         \
	X(p, NONE, "none", "no state has changed yet")                                             \
	X(p, STARTED, "started", "the daemon started")                                             \
	X(p, STOPPED, "stopped", "the daemon was stopped")                                         \
	X(p, ADOPTED, "adopted", "the daemon adopted the state that it found in the pins")         \
	X(p, MASTER_DOWN, "master-down", "the owner sent no advert within Master_Down_Interval")   \
	X(p, PRIORITY_ZERO, "priority-zero", "the owner released the VIP with priority 0")         \
	X(p, HANDED_OVER, "handed-over",                                                           \
	  "the owner handed the VIP over, and its pulses confirm it")                              \
	X(p, GRANTED, "granted",                                                                   \
	  "the owner's grants have ended, and a majority of the members grants this node")         \
	X(p, NO_MAJORITY, "no-majority", "the grants of a majority of the members have ended")     \
	X(p, CLOCK_STOOD, "clock-stood",                                                           \
	  "the clock of this machine stood still: its grants had ended before it knew")            \
	X(p, ISOLATED, "isolated", "too few members for a majority are in touch")                  \
	X(p, MAJORITY, "majority", "enough members for a majority are in touch")                   \
	X(p, NO_PART, "no-part",                                                                   \
	  "the member answers and takes no part in grants: its settings are other ones")           \
	X(p, TAKES_PART, "takes-part", "the member takes part in grants")                          \
	X(p, GRANTS_OFF, "grants-off",                                                             \
	  "no majority decides any more: VRRP's timers choose the owner")                          \
	X(p, GATEWAY_SILENT, "gateway-silent",                                                     \
	  "no peer is heard, and the gateway does not answer")                                     \
	X(p, GATEWAY_ANSWERS, "gateway-answers", "a peer is heard, or the gateway answers")        \
	X(p, ETCD_SILENT, "etcd-silent", "no peer is heard, and etcd does not answer")             \
	X(p, ETCD_ANSWERS, "etcd-answers", "the peer is heard, or etcd answers")                   \
	X(p, ETCD_REFUSED, "etcd-refused",                                                         \
	  "no peer is heard, and this node does not hold the record in etcd")                      \
	X(p, HIGHER_PRIORITY, "higher-priority", "a peer sent an advert with a higher priority")   \
	X(p, PREEMPT, "preempt",                                                                   \
	  "this node's priority is above the owner's, and the preempt delay is over")              \
	X(p, LEASE_LOST, "lease-lost", "the lease ran out before an advert could renew it")        \
	X(p, OTHER_OWNER, "other-owner", "a peer's pulse shows that the peer holds a lease")       \
	X(p, OPERATOR, "operator", "the operator requested it")                                    \
	X(p, SERVICE_DOWN, "service-down",                                                         \
	  "a service is down on this node, and a peer is healthier")                               \
	X(p, SERVICE_UP, "service-up",                                                             \
	  "the services of this node are as healthy as those of any peer again")                   \
	X(p, PANIC_HOLD, "panic-hold", "no node is healthy, so the owner keeps the VIP")           \
	X(p, MAINT, "maint", "the node is in maintenance")                                         \
	X(p, READY, "ready", "the node left maintenance")                                          \
	X(p, LINK_DOWN, "link-down", "the interface lost its link")                                \
	X(p, LINK_UP, "link-up", "the interface regained its link")                                \
	X(p, SEGMENT_SILENT, "segment-silent",                                                     \
	  "nothing was heard from the network since the link came")                                \
	X(p, LINK_MAC, "link-mac", "the interface has another MAC address")                        \
	X(p, VIP_CONFLICT, "vip-conflict",                                                         \
	  "a MAC address that is no node's claims the VIP by ARP")                                 \
	X(p, PUT_BACK, "put-back",                                                                 \
	  "another program removed what the daemon had set, and it was put back")                  \
	X(p, PATH_LOST, "path-lost",                                                               \
	  "what the node needs in the kernel is gone, or is removed again and again")              \
	X(p, SEND_FAILED, "send-failed", "an advert could not be sent")                            \
	X(p, PATH_SILENT, "path-silent",                                                           \
	  "no pulse comes over this path; the peer answers over another one")                      \
	X(p, PATH_ANSWERS, "path-answers", "pulses come over this path again")                     \
	X(p, PEER_ALIVE, "peer-alive", "the peer answers pulses")                                  \
	X(p, ONE_WAY, "one-way",                                                                   \
	  "the peer's adverts go on although this node is owner and answers them: the peer "       \
	  "does not hear this node, or the adverts are forged")                                    \
	X(p, TWO_OWNERS, "two-owners", "this node and the peer own the VIP at once")               \
	X(p, ONE_OWNER, "one-owner", "this node and the peer do not own the VIP at once any more") \
	X(p, SECRETS_DIFFER, "secrets-differ",                                                     \
	  "the secrets differ: none of this node's signed the peer's pulses")                      \
	X(p, SETTINGS_DIFFER, "settings-differ",                                                   \
	  "settings that must agree between the nodes differ")                                     \
	X(p, SETTINGS_AGREE, "settings-agree", "the settings of the nodes agree again")            \
	X(p, PEER_SILENT, "peer-silent",                                                           \
	  "the peer answers no pulses: its machine or the path to it is dead")                     \
	X(p, STEERABLE, "steerable", "steered frames arrive at the peer")                          \
	X(p, NOT_STEERABLE, "not-steerable", "steered frames do not arrive at the peer")           \
	X(p, STALE_ARP, "stale-arp",                                                               \
	  "packets of clients for the VIP arrive at the peer, which is not owner: ARP entries "    \
	  "are out of date")                                                                       \
	X(p, RELOADED, "reloaded", "the configuration was reloaded")                               \
	X(p, RELOAD_REFUSED, "reload-refused",                                                     \
	  "the new configuration was refused, and the old one stays in force")                     \
	X(p, CHECK_OK, "check-ok", "the check passed")                                             \
	X(p, CHECK_TIMEOUT, "check-timeout", "the check did not finish in time")                   \
	X(p, CHECK_CONNECT, "check-connect", "the check could not connect")                        \
	X(p, CHECK_REFUSED, "check-refused", "the server refused the connection of the check")     \
	X(p, CHECK_STATUS, "check-status",                                                         \
	  "the server answered the check with the wrong HTTP status")                              \
	X(p, CHECK_BODY, "check-body",                                                             \
	  "the body of the server's answer to the check did not match")                            \
	X(p, CHECK_ACCEPT, "check-accept",                                                         \
	  "the server answered the check with a wrong Sec-WebSocket-Accept")                       \
	X(p, CHECK_PONG, "check-pong",                                                             \
	  "the server did not answer the ping of the check with its pong")                         \
	X(p, CHECK_CLOSED, "check-closed", "the server closed the connection during the check")    \
	X(p, CHECK_EXIT, "check-exit", "the check command exited with a non-zero status")          \
	X(p, CHECK_SIGNAL, "check-signal", "a signal terminated the check command")                \
	X(p, CHECK_EXEC, "check-exec", "the check command could not be run")                       \
	X(p, CHECK_AGENT, "check-agent", "the agent process died during the check")                \
	X(p, CHECK_ERROR, "check-error", "the check failed for another reason")                    \
	X(p, PASSIVE_REFUSED, "passive-refused", "the server refused SYNs of clients")             \
	X(p, PASSIVE_SYN, "passive-syn", "the server did not answer SYNs of clients")              \
	X(p, PASSIVE_UPGRADE, "passive-upgrade",                                                   \
	  "the server did not answer upgrade requests of clients")                                 \
	X(p, PASSIVE_STATUS, "passive-status",                                                     \
	  "the server answered upgrade requests of clients with a 5xx status")                     \
	X(p, PASSIVE_PING, "passive-ping", "the server did not answer pings of clients in time")   \
	X(p, PASSIVE_RESET, "passive-reset", "the server reset connections of clients")            \
	X(p, PASSIVE_ABNORMAL, "passive-abnormal",                                                 \
	  "the server closed WebSockets without a close frame")                                    \
	X(p, PASSIVE_CLOSE, "passive-close",                                                       \
	  "the server closed WebSockets with code 1011, 1012 or 1013")                             \
	X(p, PASSIVE_UNSERVED, "passive-unserved",                                                 \
	  "the server ended connections of clients without an answer")                             \
	X(p, PASSIVE_CLEAR, "passive-clear", "the traffic of clients shows no fault any more")     \
	X(p, TAKEOVER, "takeover", "this node notifies the clients of the dead peer")              \
	X(p, ENDED_BY_PEER, "ended-by-peer",                                                       \
	  "the peer took this node for dead and has notified these clients")                       \
	X(p, SHUTDOWN_SESSIONS, "shutdown-sessions",                                               \
	  "the service is down and its process is unresponsive")                                   \
	X(p, DRAIN_TIMEOUT, "drain-timeout", "the drain timeout expired")                          \
	X(p, DRAINED, "drained", "the drain is complete, and no connection remains")               \
	X(p, REPLICA_WARM, "replica-warm",                                                         \
	  "all connections of the peer are replicated to this node")                               \
	X(p, REPLICA_COLD, "replica-cold",                                                         \
	  "the connections of the peer are not yet replicated to this node")                       \
	X(p, GENERIC_XDP, "generic-xdp",                                                           \
	  "the interface runs XDP in generic mode: packets cost more")                             \
	X(p, STALE_UPGRADE, "stale-upgrade", "the upgrade request has no answer")                  \
	X(p, STALE_PING, "stale-ping", "the client's ping has no pong")                            \
	X(p, STALE_DATA, "stale-data",                                                             \
	  "the server is silent, and the client's data is unacknowledged")                         \
	X(p, HOOK_REFUSED, "hook-refused", "the hook before refuses that this node becomes owner") \
	X(p, DNS_CHANGED, "dns-changed", "the DNS record has the wanted address")                  \
	X(p, DNS_REFUSED, "dns-refused", "the change of the DNS record is refused")                \
	X(p, DNS_FAILED, "dns-failed", "the DNS provider could not be asked")                      \
	X(p, DNS_CONTESTED, "dns-contested",                                                       \
	  "the DNS record of this owner has another node's address")                               \
	X(p, DNS_BLIND, "dns-blind", "the DNS monitor sees no node that is healthy")               \
	X(p, DNS_SEES, "dns-sees", "the DNS monitor sees a healthy node again")                    \
	X(p, RECOVER, "recover", "the service is down, and its command recover is run")            \
	X(p, RECOVER_FAILED, "recover-failed", "the command recover of the service failed")        \
	X(p, RECOVER_SPENT, "recover-spent",                                                       \
	  "all attempts to recover the service were made, and it is still down")                   \
	X(p, RECOVER_LIMIT, "recover-limit",                                                       \
	  "the service may not be recovered more often within an hour")                            \
	X(p, RECOVERED, "recovered", "the service is up again after recover")                      \
	X(p, DNS_LEFT, "dns-left", "this node does not write the DNS record any more")             \
	X(p, DRILL_PASSED, "drill-passed", "a drill moved the VIP to a peer and back")             \
	X(p, DRILL_FAILED, "drill-failed", "a drill of the failover failed")                       \
	X(p, NOT_CONFIGURED, "not-configured", "the configuration does not name it any more")      \
	X(p, SYNS_UNANSWERED, "syns-unanswered",                                                   \
	  "SYNs of clients arrive, and none is answered, although the checks pass")                \
	X(p, SYNS_ANSWERED, "syns-answered", "SYNs of clients are answered again")                 \
	X(p, SYNS_CEASED, "syns-ceased",                                                           \
	  "no client has sent a SYN for a minute, so nothing says whether SYNs are answered")
#define HOKM_REASON_ENUM(p, id, name, text) p##_##id,
enum hokm_reason { HOKM_REASONS(HOKM_REASON_ENUM, HOKM_R) HOKM_REASON_COUNT };

/*
 * Signals of the passive checks: faults that real traffic shows. The name is the word of the
 * configuration (`passive { signal NAME { ... } }`). Signal ID has the reason code PASSIVE_ID.
 */
#define HOKM_SIGNALS(X, p)                                                                   \
	X(p, REFUSED, "refused", "SYNs answered with RST")                                   \
	X(p, SYN, "syn", "SYNs without a SYN-ACK")                                           \
	X(p, UPGRADE, "upgrade", "upgrade requests without an answer")                       \
	X(p, STATUS, "status", "upgrade requests answered with a 5xx status")                \
	X(p, PING, "ping", "pings of clients without a pong")                                \
	X(p, RESET, "reset", "established connections reset by the server")                  \
	X(p, ABNORMAL, "abnormal", "WebSockets closed by the server without a close frame")  \
	X(p, CLOSE, "close", "WebSockets closed by the server with code 1011, 1012 or 1013") \
	X(p, UNSERVED, "unserved", "connections ended by the server without an answer")
enum hokm_signal { HOKM_SIGNALS(HOKM_ENUM, HOKM_SIGNAL) HOKM_SIGNAL_COUNT };

/*
 * hokm_*_name() returns the machine name of a value, hokm_*_text() its text. Both return "?" for a
 * value out of range, so that bytes from maps, events and other nodes never index a table. The
 * strings are constants.
 */
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

/**
 * hokm_signal_reason() - the reason code of a signal
 * @signal: enum hokm_signal
 *
 * Returns HOKM_R_PASSIVE_*, or HOKM_R_NONE for a value out of range.
 */
enum hokm_reason hokm_signal_reason(unsigned int signal);

/**
 * hokm_event_kind_from_name() - the event kind with a machine name
 * @name: the name, compared byte by byte
 *
 * Returns enum hokm_event_kind, or -1 when no kind has this name.
 */
int hokm_event_kind_from_name(const char *name);

#endif
