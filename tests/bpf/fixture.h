/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixture of the BPF tests: loads the real programs without attaching them, builds frames, lays out
 * the maps, runs a frame through BPF_PROG_TEST_RUN and compares verdict, frame, maps and counters.
 *
 * Each test program works in a network namespace of its own, with VIP and client address on lo, so
 * that the socket look-ups of the programs meet real sockets and nothing of the machine is touched.
 *
 * The world of every test, unless it says otherwise:
 *
 *   client 192.168.1.100:40000 ──> VIP 192.168.1.25:8765     services slot 0, UP here and on peers
 *   this node 192.168.1.26, owner      peer 0 192.168.1.27     peer 1 192.168.1.28, both alive
 *
 * "Alive" stamps lie an hour ahead, so that no test races the clock; dead ones lie far before the
 * limits, which are 10 ms.
 */
#ifndef HOKM_TEST_FIXTURE_H
#define HOKM_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hokm/abi.h"

#define IPV4(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define VIP_ADDR    IPV4(192, 168, 1, 25)
#define OWN_ADDR    IPV4(192, 168, 1, 26)
#define PEER0_ADDR  IPV4(192, 168, 1, 27)
#define PEER1_ADDR  IPV4(192, 168, 1, 28)
#define CLIENT_ADDR IPV4(192, 168, 1, 100)
#define OTHER_ADDR  IPV4(192, 168, 1, 200)

#define GAME_PORT   8765
#define CLIENT_PORT 40000
#define PULSE_PORT  8766
#define REPL_PORT   8767 /* cfg.repl_port is 0 unless a test sets it */
#define TEST_VRID   51
#define SERVICE_TAG 0x11223344u
#define TEST_NONCE  0x1122334455667788ull

/*
 * peer_dead_ns and daemon_stale_ns of the tests: longer than an emulated machine is without a CPU
 * between setting a peer and the packet that meets it. A hundred times of it must have passed since
 * boot.
 */
#define LIMIT_NS  300000000ull
#define LONG_NS   3600000000000ull
#define SECOND_NS 1000000000ull

/* TC_ACT_UNSPEC: egress leaves the packet to the filters behind it. */
#define EGRESS_PASS (-1)

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

extern const uint8_t OWN_MAC[6], PEER0_MAC[6], PEER1_MAC[6], CLIENT_MAC[6], OTHER_MAC[6];

struct frame {
	uint8_t b[65000];
	uint32_t len;
	uint32_t l3, l4; /* offsets of the headers */
};

/* A field that is zero has the value of the world above. */
struct eth_spec {
	const uint8_t *from, *to; /* MACs */
	unsigned int tags;        /* VLAN tags */
	bool priority_tags;       /* of VLAN 0 */
};

struct ip_spec {
	uint32_t src, dst;
	uint8_t ttl;
	unsigned int options; /* words */
	uint16_t frag;        /* flags and offset, host order */
	int cut;              /* added to the IP total length, to make it wrong */
};

struct tcp_spec {
	struct eth_spec eth;
	struct ip_spec ip;
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	unsigned int payload; /* bytes */
	const void *data;     /* the payload; NULL: filler bytes */
	unsigned int options; /* words */
	unsigned int padding; /* bytes of padding after the packet */
	bool reply;           /* from the server to the client */
};
/* hokm_conn.vouched, of the next sequence numbers of both sides. */
#define VOUCHED(client, server) ((uint64_t)(server) << 32 | (uint32_t)(client))
#define SEG(...)                (&(const struct tcp_spec){__VA_ARGS__})

void frame_tcp(struct frame *f, const struct tcp_spec *s);
/* UDP or VRRP to this node; payload is copied. */
void frame_udp(struct frame *f, const struct eth_spec *eth, const struct ip_spec *ip, uint16_t port,
	       const void *payload, unsigned int len);
void frame_vrrp(struct frame *f, const struct eth_spec *eth, const struct ip_spec *ip, uint8_t vrid,
		unsigned int len);
void frame_arp(struct frame *f, const struct eth_spec *eth, uint16_t op, uint32_t sender,
	       uint32_t target);
/* ICMP to the VIP: its eight bytes of head, and the quoted packet. from: NULL for the client's. */
void frame_icmp(struct frame *f, const uint8_t *from, uint32_t src, const uint8_t head[8],
		const void *quote, unsigned int len);
/* TCP checksum of a packet of an even number of bytes, without padding. */
void frame_tcp_checksum(struct frame *f);
void frame_cut(struct frame *f, uint32_t len);
/* Corrects the IP header checksum. */
void frame_ip_checksum(struct frame *f);
bool frame_ip_checksum_ok(const struct frame *f);

struct fix {
	struct hokm_bpf *skel;      /* of the generated skeleton: its maps */
	int ingress, egress, fence; /* descriptors of the programs */
	int witness;                /* that of a machine of its own */
	struct hokm_cfg cfg;
	struct hokm_keys keys; /* bytes 00, 01, 02 ...: all different; the first is of the reference
				*/
	struct frame out;      /* result of the last run */
	int verdict;
	uint32_t linear; /* bytes of an ingress frame in its first buffer; 0: as many as fit */
	bool forwarded;  /* egress frames came in by another interface of the node */
	struct hokm_conn_bits *bits; /* map conn_bits, by fix_bits() */
	struct perf_buffer *events;
	struct ring_buffer *changes;
	struct hokm_change change[64];
	unsigned int n_changes;
	struct hokm_event event[512]; /* events received since fix_reset */
	unsigned int n_events;
};

/* cmocka group set-up and tear-down, and the set-up of one test: the world above, maps empty. */
int fix_open(void **state);
int fix_close(void **state);
int fix_reset(void **state);
/* As fix_open, with room for conns_max connections. */
int fix_open_small(void **state, uint32_t conns_max);

uint64_t fix_now(void);
void fix_cfg(struct fix *x); /* writes x->cfg and x->keys */
void fix_own(struct fix *x, const struct hokm_own *own);
void fix_owner(struct fix *x, bool owner);
void fix_service(struct fix *x, unsigned int slot, uint32_t tag, enum hokm_svc_state state);
void fix_suspect(struct fix *x, unsigned int slot, uint64_t until_ns);
struct hokm_peer fix_alive_peer(unsigned int slot);
void fix_peer_set(struct fix *x, unsigned int slot, const struct hokm_peer *p);
struct hokm_peer fix_peer(struct fix *x, unsigned int slot);
void fix_peer_dead(struct fix *x, unsigned int slot);
/* It answers no pulses, but shows other signs of life. */
void fix_peer_silent(struct fix *x, unsigned int slot);
/*
 * Whether a packet of a connection that nobody is known to hold may go to a peer. The world says
 * yes; the daemon counts as alive for an hour afterwards.
 */
void fix_guesses(struct fix *x, bool given);
/* A window of a limit in packets a second (bpf/rate_limit.h). */
#define FIX_WINDOW_NS (1ull << 30)
/* The clock of most packets is a timer tick behind, more on an emulated machine (bpf/packet.h). */
#define FIX_TICK_NS 50000000ull
/* So many windows a burst that began then may have met. */
uint64_t fix_windows(uint64_t began_ns);
/* Both peers alive and UP again. */
void fix_reset_peers(struct fix *x);
/* Sets services.ending_until_ns: until then the node terminates connections of the service. */
void fix_ending(struct fix *x, unsigned int slot, uint64_t until_ns);
struct hokm_suspect fix_suspect_get(struct fix *x, unsigned int slot);

/* Sets both times of a suspect service: that of a refused SYN, and that of the daemon. */
void fix_held(struct fix *x, unsigned int slot, uint64_t until_ns, uint64_t held_until_ns);

struct hokm_conn_key fix_key(void);
void fix_conn_put(struct fix *x, const struct hokm_conn *c);
void fix_conn_put_at(struct fix *x, uint16_t client_port, const struct hokm_conn *c);
int fix_map_fd(struct fix *x, const char *name);
/* The filter in front of conns, in memory. fix_reset() clears it. */
struct hokm_conn_bits *fix_bits(struct fix *x);
/* Sets the bits of an entry that the caller puts into conns; fix_conn_put() does it. */
void fix_conn_bits(struct fix *x, const struct hokm_conn_key *k);
void fix_half_put(struct fix *x, const struct hokm_conn *c);
bool fix_conn(struct fix *x, struct hokm_conn *out);
bool fix_conn_at(struct fix *x, uint16_t client_port, struct hokm_conn *out);
bool fix_half(struct fix *x, struct hokm_conn *out);
unsigned int fix_conn_count(struct fix *x);

/*
 * Puts so many bytes of each further ingress frame into its first buffer; 0: as many as fit.
 * Returns false when BPF_PROG_TEST_RUN of this kernel cannot do that. Finding out raises the node's
 * counter bad_ip.
 */
bool fix_split(struct fix *x, uint32_t linear);
/* Runs a frame; the result is in x->verdict and x->out. */
void fix_ingress(struct fix *x, const struct frame *f);
void fix_egress(struct fix *x, const struct frame *f);
void fix_witness(struct fix *x, const struct frame *f);
void fix_in(struct fix *x, const struct tcp_spec *s);  /* builds and runs */
void fix_out(struct fix *x, const struct tcp_spec *s); /* the same, as the server's reply */

/* A counter, summed over the CPUs; slot: that of a service, or HOKM_NODE_SLOT. */
uint64_t fix_count(struct fix *x, unsigned int slot, enum hokm_counter c);
/* The sum of all counters of all slots, and the sum of the drop_* counters. */
uint64_t fix_count_all(struct fix *x);
uint64_t fix_count_drops(struct fix *x);

/* Expects these values of the counters of slot 0, and 0 of all its other counters. */
struct want {
	enum hokm_counter c;
	uint64_t n;
};
#define N(name, n)                 \
	{                          \
		HOKM_CTR_##name, n \
	}
#define EXPECT_COUNTS(x, ...)                                \
	expect_counts(x, (const struct want[]){__VA_ARGS__}, \
		      sizeof((const struct want[]){__VA_ARGS__}) / sizeof(struct want))
void expect_counts(struct fix *x, const struct want *w, size_t n);

/* Slot 0: expects so many waiting requests in the ring, and no place below zero. */
void fix_waits(struct fix *x, struct hokm_waits *out);
void expect_waiting(struct fix *x, uint32_t upgrades, uint32_t pings);
/* Slot 0: the number of answers in a histogram; us: lower bound of the last place that has any. */
uint64_t fix_latency(struct fix *x, enum hokm_latency_kind kind, uint64_t *us);

/*
 * Expects: passed unchanged; dropped, counted by this drop_* counter alone; steered to that MAC
 * address.
 */
void expect_pass(struct fix *x, const struct frame *f);
void expect_drop(struct fix *x, const struct frame *f, unsigned int slot, enum hokm_counter c);
/* The frame is dropped at the node, counted and reported with this counter; no peer changes. */
void expect_drop_alone(struct fix *x, const struct frame *f, enum hokm_counter c);
void expect_steer(struct fix *x, const struct frame *f, const uint8_t *mac);
/* The same for a segment from the client. */
void expect_in_pass(struct fix *x, const struct tcp_spec *s);
void expect_in_steer(struct fix *x, const struct tcp_spec *s, const uint8_t *mac);
/*
 * Expects that the segment from the client is answered with the RST of an unknown connection, byte
 * for byte.
 */
void expect_in_answer(struct fix *x, const struct tcp_spec *s);

/* Enters the fixture's connection into replica, with this peer as its holder. */
/* An established connection with this target; the client has sent its SYN with number 1000. */
struct hokm_conn conn_known(uint8_t target);
/*
 * An established connection that this node steers to a peer. The client has sent a SYN with
 * sequence number 1000 and nothing else.
 */
struct hokm_conn fix_steered_conn(unsigned int peer);
void fix_replica_put(struct fix *x, unsigned int holder);
bool fix_replica(struct fix *x, struct hokm_replica *out);
/*
 * The number of records in the ring buffer changes since the last call; at most n of them go to
 * out.
 */
unsigned int fix_changes(struct fix *x, struct hokm_change *out, unsigned int n);
/* True when the TCP checksum of the frame's packet is right. */
bool frame_tcp_checksum_ok(const struct frame *f);
/*
 * Is out, byte for byte, the RST of an unknown connection to the sender of f? f has no IP options.
 */
bool frame_is_answer(const struct frame *out, const struct frame *f);

/* Events: reads those that came; the number of one kind; the newest of one kind. */
unsigned int fix_events(struct fix *x, enum hokm_event_kind kind, struct hokm_event *last);

/* Real sockets between the client's address and the VIP. Both ends close on socks_close. */
struct socks {
	int listener, client, server;
	uint16_t client_port;
};
void socks_listen(struct socks *s);
void socks_connect(struct socks *s);
/* One more connection, to the listener of the first and from this port. */
void socks_join(struct socks *s, const struct socks *first, uint16_t port);
/*
 * Closes the connection by FINs, the server first, so that the server's socket stays in TIME_WAIT.
 */
void socks_end_quietly(struct socks *s);
void socks_close(struct socks *s);

#define HOKM_TEST(fn) cmocka_unit_test_setup(fn, fix_reset)

#endif
