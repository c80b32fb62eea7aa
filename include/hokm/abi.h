/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the BPF programs and user space share: the maps' keys and values, the pulse on the wire,
 * the perf event record, and the enums that name states and reasons in both worlds.
 *
 * Rules of this file
 *  - fixed-width types only, explicit padding, a static assert on every size;
 *  - byte order is in the type: __be16/__be32/__be64 is network order, everything else is host
 * order;
 *  - all times are CLOCK_BOOTTIME nanoseconds (bpf_ktime_get_boot_ns), 0 means "never";
 *  - addresses are struct hokm_addr, IPv4 mapped as ::ffff:a.b.c.d, so that IPv6 needs no new
 * layout;
 *  - a change of any layout raises HOKM_ABI_VERSION: a daemon refuses pins of another version.
 *
 * Who writes what (no value has two writers)
 *  cfg, own, meta, keys     user space
 *  services                 user space
 *  suspects                 BPF until_ns and since_ns, user space the rest
 *  peers, conns, half_open  BPF; user space deletes conns entries and zeroes slots of removed peers
 *  waits                    both, by atomic addition: user space takes off what deleted entries
 * left replica                  user space; BPF answered_ns, gone and seq_next, of entries whose
 * holder is dead changes                  BPF counters, latency, event_limits   BPF
 */
#ifndef HOKM_ABI_H
#define HOKM_ABI_H

#ifndef __bpf__
#include <linux/types.h>
#include <stddef.h>
#define HOKM_OFFSETOF(t, m) offsetof(t, m)
#else
#define HOKM_OFFSETOF(t, m) __builtin_offsetof(t, m)
#endif

#define HOKM_ABI_VERSION 4

#define HOKM_MAX_PEERS    8 /* peers of one node; a peer's slot is local to the node that keeps it */
#define HOKM_MAX_SERVICES 8 /* VIP + port pairs of one instance */
#define HOKM_MAX_VIPS     4
#define HOKM_LOCAL        255 /* target: this node, not a slot of peers */
#define HOKM_NO_PEER      254 /* successor, arrival: no peer */

/* Name tables: one line per value, expanded into the enum here and into strings in names.h. */
#define HOKM_ENUM(prefix, id, name, text) prefix##_##id,

/* VRRP state of the instance (RFC 9568 section 6.4; FAULT as in keepalived). */
#define HOKM_VRRP_STATES(X, p)                               \
	X(p, INIT, "init", "not started")                    \
	X(p, BACKUP, "backup", "watching the owner")         \
	X(p, MASTER, "master", "owner while the lease runs") \
	X(p, FAULT, "fault", "not eligible")
enum hokm_vrrp_state { HOKM_VRRP_STATES(HOKM_ENUM, HOKM_VRRP) HOKM_VRRP_STATE_COUNT };

/* State of a service on a node. */
#define HOKM_SVC_STATES(X, p)                                        \
	X(p, INIT, "init", "no check has finished")                  \
	X(p, UP, "up", "serves players")                             \
	X(p, DOWN, "down", "failed its checks")                      \
	X(p, DRAIN, "drain", "keeps its players, takes no new ones") \
	X(p, MAINT, "maint", "taken out by the operator")
enum hokm_svc_state { HOKM_SVC_STATES(HOKM_ENUM, HOKM_SVC) HOKM_SVC_STATE_COUNT };

/* TCP state of a tracked connection as seen from the middle. */
#define HOKM_TCP_STATES(X, p)                                  \
	X(p, NONE, "none", "no state")                         \
	X(p, SYN, "syn", "SYN seen")                           \
	X(p, SYN_ACK, "syn-ack", "SYN-ACK seen")               \
	X(p, ESTABLISHED, "established", "handshake complete") \
	X(p, FIN_CLIENT, "fin-client", "the client sent FIN")  \
	X(p, FIN_SERVER, "fin-server", "the server sent FIN")  \
	X(p, CLOSED, "closed", "both sent FIN")                \
	X(p, RESET, "reset", "ended by RST")
enum hokm_tcp_state { HOKM_TCP_STATES(HOKM_ENUM, HOKM_TCP) HOKM_TCP_STATE_COUNT };

/* What is known of the WebSocket of a connection. */
#define HOKM_WS_PHASES(X, p)                                             \
	X(p, NONE, "none", "no upgrade seen")                            \
	X(p, ASKED, "asked", "upgrade request seen, no answer yet")      \
	X(p, OPEN, "open", "answered with 101: frames are followed")     \
	X(p, REFUSED, "refused", "upgrade answered with another status") \
	X(p, CLOSING, "closing", "a close frame was seen")               \
	X(p, TLS, "tls", "opaque: TCP and TLS records only")             \
	X(p, PLAIN, "plain", "another protocol, or HTTP without an upgrade")
enum hokm_ws_phase { HOKM_WS_PHASES(HOKM_ENUM, HOKM_WS) HOKM_WS_PHASE_COUNT };

/* How one direction of a connection is followed (hokm/ws.h). */
#define HOKM_FOLLOW_STATES(X, p)                                   \
	X(p, HEAD, "head", "in the HTTP head")                     \
	X(p, FRAMES, "frames", "frame by frame")                   \
	X(p, RECORDS, "records", "TLS record by record")           \
	X(p, PLAIN, "plain", "not followed")                       \
	X(p, LOST, "lost", "out of step: TCP liveness only")       \
	X(p, TRIAL, "trial", "a segment validated, one more must") \
	X(p, DONE, "done", "behind the close frame")
enum hokm_follow_state { HOKM_FOLLOW_STATES(HOKM_ENUM, HOKM_FOLLOW) HOKM_FOLLOW_STATE_COUNT };

/* Why a direction got out of step. */
#define HOKM_WS_FAULTS(X, p)                                                          \
	X(p, NONE, "none", "in step")                                                 \
	X(p, GAP, "gap", "a header passed out of order, or by another way")           \
	X(p, RSV, "rsv", "reserved bits set")                                         \
	X(p, OPCODE, "opcode", "reserved opcode")                                     \
	X(p, MASK, "mask", "masked by the server, or not by the client")              \
	X(p, CONTROL, "control", "control frame fragmented or longer than 125 bytes") \
	X(p, LENGTH, "length", "length not in its shortest form, or over 2^63")       \
	X(p, ORDER, "order", "continuation of no message, or message inside another") \
	X(p, RECORD, "record", "not a TLS record")                                    \
	X(p, READ, "read", "bytes of the packet could not be read")
enum hokm_ws_fault { HOKM_WS_FAULTS(HOKM_ENUM, HOKM_FAULT) HOKM_WS_FAULT_COUNT };

/*
 * Counters. One struct of them per service and one (slot HOKM_NODE_SLOT) for what belongs to none.
 * Every frame the programs drop raises exactly one drop_* counter; no other path drops.
 */
#define HOKM_COUNTERS(X)                                                                  \
	X(packets_in, "client to server packets of the service")                          \
	X(packets_out, "server to client packets of the service")                         \
	X(bytes_in, "bytes of packets_in, IP total length")                               \
	X(bytes_out, "bytes of packets_out, IP total length")                             \
	X(syn, "SYNs from clients")                                                       \
	X(syn_local, "SYNs given to the local kernel")                                    \
	X(syn_steered_in, "SYNs that came steered from a peer")                           \
	X(syn_ack, "SYN-ACKs from the server")                                            \
	X(refused, "SYNs the local kernel answered with RST")                             \
	X(established, "handshakes completed")                                            \
	X(fin_client, "first FIN came from the client")                                   \
	X(fin_server, "first FIN came from the server")                                   \
	X(rst_client, "RST from the client")                                              \
	X(rst_server, "RST from the server")                                              \
	X(steered_syn, "SYNs sent on to a peer because the local service is not up")      \
	X(steered_owner, "SYNs of stale ARP sent on to the owner or successor")           \
	X(steered_conn, "packets of known connections sent on to their target")           \
	X(second_chance, "packets of unknown connections sent on to a live peer")         \
	X(steered_holder, "of second_chance: sent to the holder the replica names")       \
	X(steered_in, "packets that came steered from a peer")                            \
	X(local_socket, "packets of unknown connections found in a local socket")         \
	X(unknown_pass, "packets of unknown connections left to the kernel")              \
	X(target_dead, "packets whose target peer is dead, left to the kernel")           \
	X(answered_dead, "packets of a dead peer's connections answered with their RST")  \
	X(suspects, "times a refused SYN made the service suspect")                       \
	X(replayed, "of refused: the SYN was sent on to a peer in place of the RST")      \
	X(told_dead, "RSTs and tickles for connections of dead peers, by the daemon")     \
	X(shut_down, "connections reset by this node's daemon or operator")               \
	X(upgrade, "upgrade requests from clients")                                       \
	X(switched, "upgrades answered with 101")                                         \
	X(upgrade_4xx, "upgrades answered with a status of 400 to 499")                   \
	X(upgrade_5xx, "upgrades answered with a status of 500 to 599")                   \
	X(upgrade_other, "upgrades answered with any other status")                       \
	X(http_plain, "HTTP requests without an upgrade")                                 \
	X(tls, "connections that speak TLS")                                              \
	X(in_continuation, "continuation frames from clients")                            \
	X(in_text, "text frames from clients")                                            \
	X(in_binary, "binary frames from clients")                                        \
	X(in_close, "close frames from clients")                                          \
	X(in_ping, "pings from clients")                                                  \
	X(in_pong, "pongs from clients")                                                  \
	X(out_continuation, "continuation frames from the server")                        \
	X(out_text, "text frames from the server")                                        \
	X(out_binary, "binary frames from the server")                                    \
	X(out_close, "close frames from the server")                                      \
	X(out_ping, "pings from the server")                                              \
	X(out_pong, "pongs from the server")                                              \
	X(in_records, "TLS records from clients")                                         \
	X(out_records, "TLS records from the server")                                     \
	X(close_client, "WebSockets whose first close frame came from the client")        \
	X(close_server, "WebSockets whose first close frame came from the server")        \
	X(close_1011, "of close_server: internal error")                                  \
	X(close_1012, "of close_server: service restart")                                 \
	X(close_1013, "of close_server: try again later")                                 \
	X(abnormal_client, "WebSockets the client ended without a close frame")           \
	X(abnormal_server, "WebSockets the server ended by FIN without a close frame")    \
	X(reset_server, "established connections the server's kernel reset")              \
	X(sync_lost_in, "times frames from a client got out of step")                     \
	X(sync_lost_out, "times frames from the server got out of step")                  \
	X(sync_regained_in, "times frames from a client got in step again")               \
	X(sync_regained_out, "times frames from the server got in step again")            \
	X(conns_full, "connections not tracked because the table is full")                \
	X(half_open_evicted, "half-open entries replaced by newer ones")                  \
	X(fragments, "IP fragments for a VIP, left to the kernel")                        \
	X(bad_ip, "IPv4 headers that make no sense, left to the kernel")                  \
	X(bad_tcp, "TCP headers that make no sense, left to the kernel")                  \
	X(bad_arp, "ARP that makes no sense, left to the kernel")                         \
	X(other_host, "frames for another host's MAC, left alone")                        \
	X(vrrp_seen, "adverts of peers passed to the daemon")                             \
	X(arp_answered, "ARP requests for a VIP let through to the owner's kernel")       \
	X(pulse_probes, "probes answered")                                                \
	X(pulse_answers, "answers taken in")                                              \
	X(replication_seen, "replication messages passed to the daemon")                  \
	X(changes_lost, "openings and ends of connections the ring could not take")       \
	X(events_limited, "events not sent because of their rate limit")                  \
	X(events_lost, "events the perf buffer could not take")                           \
	X(drop_arp_gate, "dropped: ARP request for a VIP this node does not own")         \
	X(drop_arp_claim, "dropped: own ARP that claims a VIP this node does not own")    \
	X(drop_syn_fenced, "dropped: SYN, not owner, and no owner known")                 \
	X(drop_vrrp_source, "dropped: advert from an address that is no peer")            \
	X(drop_vrrp_ttl, "dropped: advert with a TTL below 255")                          \
	X(drop_vrrp_mac, "dropped: advert with a pulsing peer's address but not its MAC") \
	X(drop_vrrp_short, "dropped: advert cut short or fragmented")                     \
	X(drop_pulse_source, "dropped: pulse from an address that is no peer")            \
	X(drop_pulse_ttl, "dropped: pulse with a TTL below 255")                          \
	X(drop_pulse_short, "dropped: pulse of the wrong length")                         \
	X(drop_pulse_version, "dropped: pulse of another version or kind")                \
	X(drop_pulse_tag, "dropped: pulse whose tag does not verify")                     \
	X(drop_pulse_replay, "dropped: pulse that is old or was seen before")             \
	X(drop_pulse_nonce, "dropped: answer to a probe this daemon did not send")        \
	X(drop_repl_source, "dropped: replication from an address that is no peer")       \
	X(drop_repl_ttl, "dropped: replication with a TTL below 255")                     \
	X(drop_repl_short, "dropped: replication cut short, fragmented or too long")      \
	X(drop_vlan_stack, "dropped: priority tags stacked deeper than is looked into")   \
	X(drop_steer_fault, "dropped: could not rewrite the frame to steer it")           \
	X(drop_answer_fault, "dropped: could not turn the frame into its RST")            \
	X(drop_replay_fault, "dropped: could not turn the RST into its SYN")

#define HOKM_COUNTER_FIELD(name, text) __u64 name;
struct hokm_counters {
	HOKM_COUNTERS(HOKM_COUNTER_FIELD)
};
#define HOKM_COUNTER_ENUM(name, text) HOKM_CTR_##name,
enum hokm_counter { HOKM_COUNTERS(HOKM_COUNTER_ENUM) HOKM_CTR_COUNT };
#define HOKM_NODE_SLOT     HOKM_MAX_SERVICES
#define HOKM_COUNTER_SLOTS (HOKM_MAX_SERVICES + 1)

/* Events from the packet path. */
#define HOKM_EVENT_KINDS(X, p)                                                              \
	X(p, OPEN, "open", "a connection was established")                                  \
	X(p, CLOSED, "closed", "a connection ended")                                        \
	X(p, UPGRADED, "upgraded", "an upgrade was answered with 101")                      \
	X(p, NOT_UPGRADED, "not-upgraded", "an upgrade was answered with another status")   \
	X(p, SYNC_LOST, "sync-lost", "frames got out of step: TCP liveness only")           \
	X(p, SYNC_REGAINED, "sync-regained", "frames are in step again")                    \
	X(p, REFUSED, "refused", "the local kernel refused a SYN")                          \
	X(p, REPLAYED, "replayed", "a refused SYN was sent on to a peer")                   \
	X(p, STEERED, "steered", "a new connection was sent on to a peer")                  \
	X(p, SECOND_CHANCE, "second-chance", "an unknown connection was sent on to a peer") \
	X(p, TARGET_DEAD, "target-dead", "a connection's target is dead")                   \
	X(p, ANSWERED_DEAD, "answered-dead", "a dead peer's player was told by RST")        \
	X(p, DROP, "drop", "a frame was dropped; counter names the reason")                 \
	X(p, PEER_UP, "peer-up", "pulses of a peer began")
enum hokm_event_kind { HOKM_EVENT_KINDS(HOKM_ENUM, HOKM_EV) HOKM_EVENT_KIND_COUNT };

struct hokm_addr {
	__be32 w[4];
};
_Static_assert(sizeof(struct hokm_addr) == 16, "addr");

/*
 * Who a connection is, in conns and half_open. The service stands for VIP and port: its slot never
 * changes while used.
 */
struct hokm_conn_key {
	struct hokm_addr client;
	__be16 client_port;
	__u16 service; /* slot of services */
};
_Static_assert(sizeof(struct hokm_conn_key) == 20, "conn key");

/*
 * How far one direction's byte stream has been read; hokm/ws.h follows it. In HEAD: next byte of
 * the HTTP head; else the next frame or record header, which may lie behind payload still to come.
 */
struct hokm_ws {
	__u32 next; /* sequence number of what is to be read next */
	__u32 gap;  /* FLAG_GAP: where the first segment began that came too early */
	/*
	 * have > 0: the bytes of the length so far; HEAD: the last eight characters; else payload
	 * bytes behind `next` that belong to the frame before it (frames over WS_STRIDE).
	 */
	__u64 left;
	__u8 state;   /* enum hokm_follow_state */
	__u8 have;    /* bytes of a split header that came already; HEAD: marks of ws.h */
	__u8 b0;      /* first byte of a split header; HEAD: characters of the status line so far */
	__u8 b1;      /* second byte of it */
	__u8 mask[2]; /* first two bytes of its masking key; HEAD: the status */
	__u8 code;    /* first byte of a split close code */
	__u8 flags;   /* HOKM_WS_* */
};
_Static_assert(sizeof(struct hokm_ws) == 24, "ws");
#define HOKM_WS_FLAG_GAP     0x01 /* gap is valid */
#define HOKM_WS_FLAG_MESSAGE 0x02 /* a fragmented message is open */
#define HOKM_WS_FLAG_UNSURE  0x04 /* regained: whether one is open is not known yet */

/*
 * One direction of a connection. Written by one program on one CPU at a time: client to server by
 * ingress, server to client by egress.
 */
struct hokm_flow {
	__u64 last_ns;      /* last packet */
	__u64 last_data_ns; /* last packet with bytes not seen before */
	__u64 bytes;        /* IP total lengths */
	__u32 packets;      /* wraps */
	__u32 frames;       /* WebSocket frames or TLS records; wraps */
	/* sequence number after the newest byte seen (for the server: replicated) */
	__u32 seq_next;
	__u32 ack; /* newest acknowledgement sent in this direction */
	struct hokm_ws ws;
};
_Static_assert(sizeof(struct hokm_flow) == 64, "flow");

#define HOKM_CONN_STEERED_IN 0x01 /* came steered from a peer */
/* first seen established, through a local socket or second chance */
#define HOKM_CONN_ADOPTED  0x02
#define HOKM_CONN_OPENED   0x04 /* counted and announced as established */
#define HOKM_CONN_ENDED    0x08 /* counted and announced as ended */
#define HOKM_CONN_REPLAYED 0x10 /* its SYN was refused here and sent on to target: never again */

#define HOKM_SIDE_NONE   0
#define HOKM_SIDE_CLIENT 1
#define HOKM_SIDE_SERVER 2

/*
 * Value of conns. The kernel puts 48 bytes of its own and the key, rounded up to 24, before it: so
 * the element is five cache lines, and each of the four parts here lies in one: head, client to
 * server, server to client, and what changes rarely. A data packet touches the kernel's line, the
 * head and one half.
 */
struct hokm_conn {
	__u64 created_ns; /* SYN, or when it was first seen */
	__u64 syn_ack_ns;
	__u64 established_ns;
	__u64 ended_ns;  /* RST or second FIN */
	__u32 isn;       /* client's initial sequence number */
	__u8 tcp_state;  /* enum hokm_tcp_state */
	__u8 target;     /* HOKM_LOCAL or a slot of peers */
	__u8 flags;      /* HOKM_CONN_* */
	__u8 close_side; /* HOKM_SIDE_*: who began the end, by close frame, FIN or RST */
	__u8 ws;         /* enum hokm_ws_phase */
	__u8 sync_lost;  /* times a direction got out of step; stays at 255 */
	__u16 status;    /* HTTP status that answered the upgrade; 0: none yet */
	/* of the first close frame; 1005: it had none; 1006: ended without; 0: open */
	__u16 close_code;
	__u16 rsv16;
	__u64 rsv64;
	struct hokm_flow c2s;
	struct hokm_flow s2c;
	__u64 upgrade_ns;  /* upgrade request that waits for its answer; 0: none does */
	__u64 switch_ns;   /* when it was answered */
	__u64 ping_c2s_ns; /* the client's oldest unanswered ping; 0: none */
	__u64 ping_s2c_ns; /* the server's */
	__u32 upgrade_us;  /* request to answer */
	__u32 rtt_c2s_us;  /* the client's last answered ping: how fast the server is */
	__u32 rtt_s2c_us;  /* the server's: how fast the way to the client and back is */
	__u32 rsv32[5];
};
_Static_assert(sizeof(struct hokm_conn) == 248, "conn");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, c2s) == 56, "conn c2s");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, s2c) == 120, "conn s2c");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, upgrade_ns) == 184, "conn rare");

/*
 * What a client's SYN said beside its sequence number: enough to say the same again to a peer
 * (bpf/syn_replay.h). Bytes as they were on the wire.
 */
#define HOKM_SYN_OPTIONS 40
struct hokm_syn {
	__u8 words; /* of options, 4 bytes each; 0..10 */
	__u8 flags; /* the TCP header's byte 13: SYN, ECE, CWR */
	__u8 tos;
	__u8 ttl;
	__be16 window;
	__be16 frag; /* IP flags and fragment offset */
	__u8 options[HOKM_SYN_OPTIONS];
	__u16 data; /* bytes it carried (TCP Fast Open) */
	__u16 rsv16[3];
	__u64 rsv64;
};
_Static_assert(sizeof(struct hokm_syn) == 64, "syn");

/*
 * A connection of which only a SYN is known: one cache line, much less than a hokm_conn, for a
 * flood of SYNs must cost little. See bpf/half_open.h for how half_open is filled.
 */
struct hokm_half_open {
	struct hokm_conn_key key;
	__u32 isn;        /* client's initial sequence number */
	__u64 created_ns; /* the first SYN with this isn; 0: the place is free */
	__u64 syn_ack_ns;
	__u32 server_next; /* what acknowledges the SYN-ACK */
	__u8 tcp_state;    /* enum hokm_tcp_state: SYN or SYN_ACK */
	__u8 target;       /* HOKM_LOCAL or a slot of peers */
	__u8 flags;        /* HOKM_CONN_* */
	__u8 syn_kept;     /* what the SYN said stands in the set's syn */
	__u32 packets_in;
	__u32 packets_out;
	__u32 bytes_in; /* IP total lengths */
	__u32 bytes_out;
};
_Static_assert(sizeof(struct hokm_half_open) == 64, "half open");

/*
 * Value of half_open, an array indexed by a hash of the key: the places an entry may have, and in a
 * line of its own what the SYN of each said: only one that is to be served here is kept, so a
 * search touches neighbouring lines alone.
 */
#define HOKM_HALF_OPEN_WAYS 2
struct hokm_half_open_set {
	struct hokm_half_open way[HOKM_HALF_OPEN_WAYS];
	struct hokm_syn syn[HOKM_HALF_OPEN_WAYS];
};
_Static_assert(sizeof(struct hokm_half_open_set) == 256, "half open set");

/* What a SYN needs to find its service: in cfg, so that one array look-up brings all of them. */
struct hokm_service_key {
	struct hokm_addr vip;
	__be16 port;
	__u8 used;
	__u8 rsv[5];
};
_Static_assert(sizeof(struct hokm_service_key) == 24, "service key");

struct hokm_peer_cfg {
	struct hokm_addr addr;
	__u8 used;
	__u8 priority;
	__u8 rsv[6];
};
_Static_assert(sizeof(struct hokm_peer_cfg) == 24, "peer cfg");

/* Map cfg, one entry: what the configuration says. Slots are kept across restarts and reloads. */
struct hokm_cfg {
	struct hokm_addr addr; /* this node's own */
	__u8 mac[6];           /* of the interface */
	__u8 vrid;             /* of the instance, 1..255 */
	__u8 n_vips;
	__be16 pulse_port;
	__u8 n_order;    /* used entries of order */
	__u8 n_peers;    /* highest used slot of peer + 1 */
	__u8 n_services; /* highest used slot of service + 1 */
	__u8 rsv;
	__be16 repl_port;      /* of replication messages; 0: none are sent or taken */
	__u64 peer_dead_ns;    /* a peer without an answer for this long is dead */
	__u64 daemon_stale_ns; /* a daemon not seen for this long gets no new connections */
	__u64 suspect_ns;      /* how long a refused SYN keeps new connections away */
	__u64 pulse_nonce;     /* of this daemon's probes; 0: no daemon, take no answers */
	__u64 hash_seed;       /* of half_open: random, kept as long as the map is */
	__u32 half_open_mask;  /* sets of half_open - 1, a power of two - 1 */
	__u32 rsv32;
	__u8 order[HOKM_MAX_PEERS]; /* slots of peers by falling priority: whom to prefer */
	struct hokm_addr vip[HOKM_MAX_VIPS];
	struct hokm_service_key service[HOKM_MAX_SERVICES];
	struct hokm_peer_cfg peer[HOKM_MAX_PEERS];
};
_Static_assert(sizeof(struct hokm_cfg) == 536, "cfg");

/* Map own, one entry: ownership. Owner means: boot time now < lease_until_ns. */
struct hokm_own {
	__u64 lease_until_ns;
	__u64 daemon_ns; /* the daemon's last sign of life */
	__u64 epoch;     /* raised by each takeover; kept for fencing */
	__u64 arbiter;   /* kept for the arbiter */
	__u8 state;      /* enum hokm_vrrp_state */
	__u8 priority;   /* effective */
	__u8 successor;  /* slot of the peer a handover goes to, or HOKM_NO_PEER */
	__u8 rsv[5];
	__u64 successor_until_ns; /* the successor gets this node's SYNs until then */
	__u64 asking_ns;          /* since when the daemon asks its peers without a break */
	__u64 asked_ns;           /* when it had asked last before that; 0: nobody knows */
};
_Static_assert(sizeof(struct hokm_own) == 64, "own");

/* Map services: state of each service here. tag names it to other nodes (hokm_service_tag). */
struct hokm_service {
	__u32 tag;
	__u8 state; /* enum hokm_svc_state */
	__u8 rsv[3];
	/* This node ends connections of it until then: their RSTs say nothing of the server. */
	__u64 ending_until_ns;
};
_Static_assert(sizeof(struct hokm_service) == 16, "service");

/*
 * Map suspects: new connections avoid the local service while either time lies ahead. A refused SYN
 * sets the first, what the daemon reads from the traffic the second.
 */
struct hokm_suspect {
	__u64 until_ns;      /* BPF */
	__u64 since_ns;      /* BPF: first refused SYN of the present row of them */
	__u64 held_until_ns; /* user space */
	__u64 rsv;
};
_Static_assert(sizeof(struct hokm_suspect) == 32, "suspect");

/*
 * Map waits, one entry a service: how many requests wait for their answer, by when they began. A
 * request that began at t is counted in place t / HOKM_WAIT_NS % HOKM_WAIT_SLOTS until its answer
 * takes it off there again; so the oldest is found without a walk. What waits longer than the ring
 * is long (34 s) shows up younger than it is.
 */
#define HOKM_WAIT_SHIFT 24 /* 16.8 ms a place */
#define HOKM_WAIT_NS    (1ULL << HOKM_WAIT_SHIFT)
#define HOKM_WAIT_SLOTS 2048
struct hokm_waits {
	__u32 upgrade[HOKM_WAIT_SLOTS]; /* upgrade requests without an answer */
	__u32 ping[HOKM_WAIT_SLOTS];    /* clients' pings without a pong */
};
_Static_assert(sizeof(struct hokm_waits) == 16384, "waits");

/*
 * Map latency, per service and CPU: log2 histograms, place i counts 2^i .. 2^(i+1) - 1 us, 0 with
 * 1.
 */
#define HOKM_LATENCY_PLACES 32
#define HOKM_LATENCIES(X)                                \
	X(syn_ack, "SYN to SYN-ACK")                     \
	X(upgrade, "upgrade request to its answer")      \
	X(ping_in, "client's ping to the server's pong") \
	X(ping_out, "server's ping to the client's pong")
#define HOKM_LATENCY_FIELD(name, text) __u64 name[HOKM_LATENCY_PLACES];
struct hokm_latency {
	HOKM_LATENCIES(HOKM_LATENCY_FIELD)
};
#define HOKM_LATENCY_ENUM(name, text) HOKM_LAT_##name,
enum hokm_latency_kind { HOKM_LATENCIES(HOKM_LATENCY_ENUM) HOKM_LAT_COUNT };

/* State of one service as a pulse tells it. */
#define HOKM_PULSE_SVC_SUSPECT 0x01
struct hokm_pulse_svc {
	__be32 tag;
	__u8 state;
	__u8 flags; /* HOKM_PULSE_SVC_* */
	__u8 rsv[2];
};
_Static_assert(sizeof(struct hokm_pulse_svc) == 8, "pulse svc");

/* Map peers: what pulses and adverts say of each peer. */
struct hokm_peer {
	__u64 seen_ns;        /* last good answer */
	__u64 since_ns;       /* first answer of the present run of answers */
	__u64 rtt_ns;         /* of the last answer */
	__u64 answer_sent_ns; /* counter of the newest answered probe: older answers are replays */
	__u64 lease_until_ns; /* end of the peer's lease in our clock, never early; 0: holds none */
	__u64 daemon_seen_ns; /* last sign of life of its daemon in our clock */
	__u64 epoch;
	__u64 vrrp_ns;       /* last advert that passed the guard */
	__u64 probe_nonce;   /* of the peer's probes: replay window */
	__u64 probe_sent_ns; /* newest counter of the peer's probes, peer's clock */
	__u8 mac[6];
	__u8 state;    /* enum hokm_vrrp_state */
	__u8 priority; /* effective */
	__u8 vrrp_mac[6];
	__u8 rsv[2];
	struct hokm_pulse_svc svc[HOKM_MAX_SERVICES];
};
_Static_assert(sizeof(struct hokm_peer) == 160, "peer");

/*
 * Pulse on the wire: UDP payload, fixed length, TTL 255.
 *
 *   probe   by the daemon: nonce of its session, sent = its boot time; the rest zero.
 *   answer  by the peer's XDP program: nonce and sent echoed, state filled in.
 *
 * Only an answer that echoes this session's nonce and a newer `sent` than any before changes
 * anything: a forged one fails the tag, a replayed one is not newer. tag is SipHash-2-4 over
 * everything before it, key of map keys. Durations, not clock readings, cross the wire.
 */
#define HOKM_PULSE_MAGIC   0x484b4d50 /* "HKMP" */
#define HOKM_PULSE_VERSION 1
#define HOKM_PULSE_PROBE   1
#define HOKM_PULSE_ANSWER  2
struct hokm_pulse {
	__be32 magic;
	__u8 version;
	__u8 kind;
	__u8 vrid;
	__u8 state; /* enum hokm_vrrp_state */
	__be64 nonce;
	__be64 sent_ns;
	__be64 lease_left_ns; /* 0: not owner */
	__be64 daemon_age_ns; /* since the daemon's last sign of life */
	__be64 epoch;
	__u8 priority;
	__u8 rsv[7];
	struct hokm_pulse_svc svc[HOKM_MAX_SERVICES];
	__be64 tag;
};
_Static_assert(sizeof(struct hokm_pulse) == 128, "pulse");
#define HOKM_PULSE_SIGNED (sizeof(struct hokm_pulse) - sizeof(__be64)) /* bytes under the tag */

/* Map keys (never pinned): SipHash key of pulses, little-endian halves as the reference has it. */
struct hokm_keys {
	__u64 pulse[2];
};
_Static_assert(sizeof(struct hokm_keys) == 16, "keys");

/*
 * Map replica: connections that live on a peer, as that peer told of them (user/decide/repl.h);
 * keys as in conns, the service's slot being this node's. An unknown packet finds its holder by it.
 */
struct hokm_replica {
	__u64 since_ns; /* when it was established, by what its holder says of its age */
	__u64 told_ns;  /* when it was last told of */
	/* BPF: holder dead, and its client was answered or has reset it; 0: not yet */
	__u64 answered_ns;
	__u32 isn;       /* client's initial sequence number, or what its holder saw first */
	__u32 seq_next;  /* server's next sequence number, as last told */
	__u32 ack_next;  /* what the server acknowledged last: the client's next sequence number */
	__u8 holder;     /* slot of peers */
	__u8 generation; /* of the holder's full list that it was part of last */
	__u8 gone;       /* BPF: holder dead, and its client has said by RST that it knows */
	__u8 rsv;
};
_Static_assert(sizeof(struct hokm_replica) == 40, "replica");

/*
 * Ring buffer changes: connections with target HOKM_LOCAL that began or ended here, in the order in
 * which they did, read by the daemon once a tick (nobody is woken up). What finds no room is
 * counted in changes_lost, and the daemon goes through conns instead.
 */
#define HOKM_CHANGE_OPEN  1
#define HOKM_CHANGE_CLOSE 2
#define HOKM_CHANGES_SIZE (1u << 20) /* bytes: 18,000 records */
struct hokm_change {
	__u64 now_ns;
	struct hokm_conn_key key;
	__u32 isn;
	__u32 seq_next; /* conn.s2c.seq_next, 0 when the server has not spoken yet */
	__u32 ack_next; /* conn.s2c.ack, else conn.c2s.seq_next */
	__u8 kind;      /* HOKM_CHANGE_* */
	__u8 rsv[7];
};
_Static_assert(sizeof(struct hokm_change) == 48, "change");

/*
 * SO_MARK of what the daemon sends in the name of connections (act/tickle.h): egress only counts
 * it.
 */
#define HOKM_SKB_MARK 0x686b6d70

/* Replication messages: UDP payload, TTL 255; user/decide/repl_wire.h has the rest. */
#define HOKM_REPL_MIN 56
#define HOKM_REPL_MAX 1216 /* 1244 with IP and UDP: no MTU in use is below 1280 */

/* Map meta: what laid these pins down. */
struct hokm_meta {
	__u32 abi_version;
	__u32 ifindex;
	__u64 layout_hash;
	__u64 created_ns;
};
_Static_assert(sizeof(struct hokm_meta) == 24, "meta");

/* Per kind and CPU: how many events went out in the current second. */
struct hokm_event_limit {
	__u64 window_ns;
	__u64 count;
};
#define HOKM_EVENTS_PER_SECOND 200 /* per kind and CPU */

/* One perf event record. */
struct hokm_event {
	__u64 now_ns;
	__u64 age_ns;   /* closed: lifetime; upgraded, not upgraded: since the request */
	__u64 bytes_in; /* closed */
	__u64 bytes_out;
	struct hokm_addr client; /* or the sender of what was dropped */
	__be16 client_port;
	__u8 kind;        /* enum hokm_event_kind */
	__u8 service;     /* slot, or HOKM_NODE_SLOT */
	__u8 tcp_state;   /* enum hokm_tcp_state */
	__u8 target;      /* HOKM_LOCAL, a slot of peers, or HOKM_NO_PEER */
	__u16 counter;    /* drop: enum hokm_counter */
	__u8 close_side;  /* closed: HOKM_SIDE_*; sync lost or regained: whose frames */
	__u8 fault;       /* sync lost: enum hokm_ws_fault */
	__u16 close_code; /* closed */
	__u16 status;     /* upgraded, not upgraded */
	__u8 rsv[2];
};
_Static_assert(sizeof(struct hokm_event) == 64, "event");

#endif
