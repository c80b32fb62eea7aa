/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VRRP adverts as bytes: version 3 (RFC 9568) and version 2 with or without PASS (RFC 2338, as
 * keepalived speaks it). Pure: bytes in, struct out, and back.
 */
#ifndef HOKM_VRRP_WIRE_H
#define HOKM_VRRP_WIRE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VRRP_GROUP      0xe0000012 /* 224.0.0.18 */
#define VRRP_IPPROTO    112
#define VRRP_ADDRS_MAX  20
#define VRRP_PASS_LEN   8
#define VRRP_PACKET_MAX (8 + 4 * VRRP_ADDRS_MAX + VRRP_PASS_LEN)

struct vrrp_advert {
	uint8_t version; /* 2 or 3 */
	uint8_t vrid;
	uint8_t priority;
	uint64_t adver_ns; /* Adver_Int or Max_Advertise_Interval */
	uint8_t n_addrs;
	struct in_addr addrs[VRRP_ADDRS_MAX];
	struct in_addr source; /* of the IP header */
	bool pseudo_checksum;  /* v3: the checksum included the pseudo-header */
};

/* What is expected of adverts: from the configuration. */
struct vrrp_wire_conf {
	uint8_t version;
	uint8_t vrid;
	uint64_t adver_ns;                /* v2 discards another interval */
	bool use_pass;                    /* v2 */
	char password[VRRP_PASS_LEN + 1]; /* zero-padded on the wire */
	bool checksum_pseudo;             /* v3, on sending; both are taken */
};

/*
 * Why an advert was discarded; each is counted by itself. The first that holds is given, in the
 * order ttl, short, version, type, vrid, checksum, count, (short,) interval, auth-type, auth;
 * source and addrs are the caller's, who knows peers and VIPs.
 */
#define VRRP_DISCARDS(X, p)                                                        \
	X(p, NONE, "none", "taken")                                                \
	X(p, TTL, "ttl", "TTL is not 255")                                         \
	X(p, SHORT, "short", "cut short")                                          \
	X(p, VERSION, "version", "another VRRP version")                           \
	X(p, TYPE, "type", "not an advertisement")                                 \
	X(p, VRID, "vrid", "another VRID")                                         \
	X(p, CHECKSUM, "checksum", "wrong checksum")                               \
	X(p, COUNT, "count", "no address, or more than fit")                       \
	X(p, INTERVAL, "interval", "interval 0, or another than ours (version 2)") \
	X(p, AUTH_TYPE, "auth-type", "another authentication type")                \
	X(p, AUTH, "auth", "wrong password")                                       \
	X(p, SOURCE, "source", "sender is no peer, or ourselves")                  \
	X(p, ADDRS, "addrs", "another list of addresses than ours; taken all the same")
#define VRRP_DISCARD_ENUM(p, id, name, text) p##_##id,
enum vrrp_discard { VRRP_DISCARDS(VRRP_DISCARD_ENUM, VRRP_BAD) VRRP_DISCARD_COUNT };
const char *vrrp_discard_name(unsigned int d);
const char *vrrp_discard_text(unsigned int d);

/*
 * Parses an IPv4 packet as a raw socket gives it (from the IP header on). Fills *out and returns
 * VRRP_BAD_NONE, or the reason it must be discarded; *out is then undefined. Never reads past len.
 * Does not judge the source: the caller knows the peers.
 */
enum vrrp_discard vrrp_wire_parse(const struct vrrp_wire_conf *c, const uint8_t *packet, size_t len,
				  struct vrrp_advert *out);

/*
 * Writes the VRRP message (without IP header) for sending from `source` to `dest` (both needed for
 * the pseudo-header). Returns its length; buf holds VRRP_PACKET_MAX bytes. 0 when n_addrs is 0 or
 * above VRRP_ADDRS_MAX: such a message is none. Intervals are rounded up to the wire's unit.
 */
size_t vrrp_wire_build(const struct vrrp_wire_conf *c, uint8_t priority,
		       const struct in_addr *addrs, uint8_t n_addrs, struct in_addr source,
		       struct in_addr dest, uint8_t *buf);

#endif
