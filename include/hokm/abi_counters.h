/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the packet path: one struct of them per service and one for the node, on each CPU.
 *
 * Every frame that the programs drop raises exactly one drop_* counter, and no other path drops a
 * frame. A counter only grows; it wraps at 2^64.
 */
#ifndef HOKM_ABI_COUNTERS_H
#define HOKM_ABI_COUNTERS_H

#include "hokm/abi_base.h"

/* One line per counter: X(name, text). The name is the field, the metric and the word in ctl. */
#define HOKM_COUNTERS(X)                                                                           \
	X(packets_in, "packets from clients to the service")                                       \
	X(packets_out, "packets from the service to clients")                                      \
	X(bytes_in, "bytes of packets_in, counted by IP total length")                             \
	X(bytes_out, "bytes of packets_out, counted by IP total length")                           \
	X(syn, "SYNs from clients")                                                                \
	X(syn_local, "SYNs delivered to the local kernel")                                         \
	X(syn_steered_in, "SYNs steered to this node by a peer")                                   \
	X(syn_ack, "SYN-ACKs from the server")                                                     \
	X(refused, "SYNs that the local kernel refused with a RST")                                \
	X(rst_filter, "SYNs that a packet filter or a container refused while a socket listens")   \
	X(rst_join, "MPTCP joins that the local kernel refused: a peer has their connection")      \
	X(established, "handshakes completed")                                                     \
	X(fin_client, "connections on which the client sent the first FIN")                        \
	X(fin_server, "connections on which the server sent the first FIN")                        \
	X(rst_client, "RSTs from clients")                                                         \
	X(rst_server, "RSTs from the server")                                                      \
	X(steered_syn, "SYNs steered to a peer because the local service is not up")               \
	X(steered_owner, "SYNs that stale ARP sent here, steered to the owner or successor")       \
	X(steered_conn, "packets of known connections steered to their target")                    \
	X(second_chance, "packets of unknown connections steered to a peer")                       \
	X(steered_holder, "part of second_chance: steered to the holder named by the replica")     \
	X(out_of_window, "packets whose numbers do not fit their connection: they change nothing") \
	X(steered_again, "packets that came steered and were steered once more, to their holder")  \
	X(steered_in, "packets steered to this node by a peer")                                    \
	X(local_socket, "packets of unknown connections that have a local socket")                 \
	X(unknown_pass, "packets of unknown connections passed to the local kernel")               \
	X(target_dead, "packets whose target peer is dead, passed to the local kernel")            \
	X(answered_dead, "packets of a dead peer's connections answered with a RST")               \
	X(suspects, "times a refused SYN made the service suspect")                                \
	X(replayed, "SYNs sent to a peer in place of the RST: of refused, rst_filter, rst_join")   \
	X(told_dead, "RSTs and tickles sent by the daemon for connections of dead peers")          \
	X(shut_down, "connections terminated by this node's daemon or operator")                   \
	X(upgrade, "upgrade requests from clients")                                                \
	X(switched, "upgrade requests answered with 101")                                          \
	X(upgrade_4xx, "upgrade requests answered with a status of 400 to 499")                    \
	X(upgrade_5xx, "upgrade requests answered with a status of 500 to 599")                    \
	X(upgrade_other, "upgrade requests answered with another status")                          \
	X(http_plain, "HTTP requests without an upgrade")                                          \
	X(tls, "connections that use TLS")                                                         \
	X(in_continuation, "continuation frames from clients")                                     \
	X(in_text, "text frames from clients")                                                     \
	X(in_binary, "binary frames from clients")                                                 \
	X(in_close, "close frames from clients")                                                   \
	X(in_ping, "pings from clients")                                                           \
	X(in_pong, "pongs from clients")                                                           \
	X(out_continuation, "continuation frames from the server")                                 \
	X(out_text, "text frames from the server")                                                 \
	X(out_binary, "binary frames from the server")                                             \
	X(out_close, "close frames from the server")                                               \
	X(out_ping, "pings from the server")                                                       \
	X(out_pong, "pongs from the server")                                                       \
	X(in_records, "TLS records from clients")                                                  \
	X(out_records, "TLS records from the server")                                              \
	X(close_client, "WebSockets whose first close frame came from the client")                 \
	X(close_server, "WebSockets whose first close frame came from the server")                 \
	X(close_1011, "part of close_server: code 1011, internal error")                           \
	X(close_1012, "part of close_server: code 1012, service restart")                          \
	X(close_1013, "part of close_server: code 1013, try again later")                          \
	X(abnormal_client, "WebSockets that the client closed without a close frame")              \
	X(abnormal_server, "WebSockets that the server closed by FIN without a close frame")       \
	X(reset_server, "WebSocket connections that the server's kernel reset")                    \
	X(unserved, "connections that the server ended without data, or reset as no WebSocket")    \
	X(sync_lost_in, "times frame tracking of a client lost synchronization")                   \
	X(sync_lost_out, "times frame tracking of the server lost synchronization")                \
	X(sync_regained_in, "times frame tracking of a client regained synchronization")           \
	X(sync_regained_out, "times frame tracking of the server regained synchronization")        \
	X(conns_full, "connections not tracked because the table is full")                         \
	X(half_open_evicted, "half-open entries replaced by newer ones")                           \
	X(fragments, "IP fragments of TCP packets for a VIP")                                      \
	X(fragments_steered, "of fragments: steered to the peer that holds the connection")        \
	X(icmp_steered, "ICMP errors steered to the peer that holds the connection")               \
	X(icmp_limited, "ICMP errors passed to the local kernel because of the rate limit")        \
	X(bad_ip, "malformed IPv4 headers, passed to the local kernel")                            \
	X(bad_tcp, "malformed TCP headers, passed to the local kernel")                            \
	X(bad_arp, "malformed ARP packets, passed to the local kernel")                            \
	X(other_host, "frames to another host's MAC address, passed to the local kernel")          \
	X(vrrp_seen, "adverts of peers passed to the daemon")                                      \
	X(arp_seen, "ARP packets from other hosts")                                                \
	X(arp_answered, "ARP requests for a VIP passed to the owner's kernel")                     \
	X(arp_foreign, "ARP by which a MAC address that is no node's claims a VIP")                \
	X(pulse_probes, "pulse probes answered")                                                   \
	X(pulse_answers, "pulse answers accepted")                                                 \
	X(pulse_out, "pulse probes of this node that its egress filter saw")                       \
	X(clock_stood, "times its grants ended by a proof that its clock stood still")             \
	X(steer_probes, "steered probes of peers that arrived")                                    \
	X(replication_seen, "replication messages passed to the daemon")                           \
	X(changes_lost, "opened and terminated connections that did not fit into the ring buffer") \
	X(events_limited, "events not sent because of their rate limit")                           \
	X(events_lost, "events that did not fit into the perf buffer")                             \
	X(drop_arp_gate, "dropped: ARP request for a VIP, and this node is not its owner")         \
	X(drop_arp_claim, "dropped: ARP from this node that claims a VIP it does not own")         \
	X(drop_other_arp, "dropped: ARP request for a VIP on another interface of the machine")    \
	X(drop_other_syn,                                                                          \
	  "dropped: SYN on another interface in the segment, and this node is not owner")          \
	X(drop_syn_fenced, "dropped: SYN, this node is not owner and knows no owner")              \
	X(drop_vrrp_source, "dropped: advert from an address that is not a peer's")                \
	X(drop_vrrp_ttl, "dropped: advert with a TTL below 255")                                   \
	X(drop_vrrp_mac, "dropped: advert with an alive peer's address from another MAC address")  \
	X(drop_vrrp_short, "dropped: advert that is too short or fragmented")                      \
	X(drop_pulse_source, "dropped: pulse from an address that is not a peer's")                \
	X(drop_pulse_ttl, "dropped: pulse with a TTL below 255")                                   \
	X(drop_pulse_short, "dropped: pulse of the wrong length")                                  \
	X(drop_pulse_version, "dropped: pulse of another version, kind or VRID")                   \
	X(drop_pulse_tag, "dropped: pulse with a wrong tag")                                       \
	X(drop_pulse_replay, "dropped: pulse that is older than one seen before, or equal to it")  \
	X(drop_pulse_nonce, "dropped: pulse answer to a probe of another daemon session")          \
	X(drop_pulse_late, "dropped: pulse answer to a probe that is older than pulse.dead")       \
	X(drop_pulse_mac, "dropped: pulse from another MAC address than its sender signed")        \
	X(drop_steer_probe, "dropped: steered probe that is malformed, forged, or from no peer")   \
	X(drop_repl_source, "dropped: replication message from an address that is not a peer's")   \
	X(drop_repl_ttl, "dropped: replication message with a TTL below 255")                      \
	X(drop_repl_short, "dropped: replication message that is fragmented or of a wrong length") \
	X(drop_vlan_stack, "dropped: frame with more stacked priority tags than are parsed")       \
	X(drop_steer_loop, "dropped: a peer and this node name each other as the holder")          \
	X(drop_guess, "dropped: packet of an unknown connection, over the rate of guesses")        \
	X(drop_stray,                                                                              \
	  "dropped: packet that fits no steered connection, or unknown fragment, too many")        \
	X(drop_steer_fault, "dropped: the frame could not be rewritten to be steered")             \
	X(drop_answer_fault,                                                                       \
	  "dropped: the frame could not be rewritten to the RST that answers it")                  \
	X(drop_replay_fault, "dropped: the RST could not be rewritten to the SYN that it refuses")

/* Value of map counters. Field i is counter i of enum hokm_counter. */
#define HOKM_COUNTER_FIELD(name, text) __u64 name;
struct hokm_counters {
	HOKM_COUNTERS(HOKM_COUNTER_FIELD)
};
#define HOKM_COUNTER_ENUM(name, text) HOKM_CTR_##name,
enum hokm_counter { HOKM_COUNTERS(HOKM_COUNTER_ENUM) HOKM_CTR_COUNT };
_Static_assert(sizeof(struct hokm_counters) == HOKM_CTR_COUNT * sizeof(__u64), "counters");

#endif
