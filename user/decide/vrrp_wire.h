/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VRRP adverts on the wire: version 3 (RFC 9568 section 5) and version 2 (RFC 2338 section 5), the
 * latter with or without a password (authentication type 1, "PASS" of keepalived). Pure functions
 * from bytes to struct vrrp_advert and back; vrrp_wire.c has the layout.
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
/*
 * The ECN bits of the IP header. keepalived leaves them 0 and ignores them. A node of ours sets
 * one of them while its adverts are firm (struct vrrp_advert); a switch may set the other one too.
 */
#define VRRP_TOS_FIRM      0x03
#define VRRP_TOS_FIRM_SENT 0x01

/* What the checksum of an advert was found to cover; each form in use has a name and a counter. */
#define VRRP_CHECKSUMS(X, p)          \
	X(p, PLAIN, "plain")          \
	X(p, PSEUDO, "pseudo-header") \
	X(p, GROUP, "pseudo-header of the group")
#define VRRP_CHECKSUM_ENUM(p, id, name) p##_##id,
enum vrrp_checksum { VRRP_CHECKSUMS(VRRP_CHECKSUM_ENUM, VRRP_SUM) VRRP_CHECKSUM_COUNT };
/* "?" for a value that is out of range. */
const char *vrrp_checksum_name(unsigned int form);

struct vrrp_advert {
	uint8_t version; /* 2 or 3 */
	uint8_t vrid;
	uint8_t priority;
	uint64_t adver_ns; /* Adver_Int (v2), Max_Advertise_Interval (v3) */
	uint8_t n_addrs;
	struct in_addr addrs[VRRP_ADDRS_MAX];
	struct in_addr source; /* from the IP header */
	enum vrrp_checksum checksum;
	bool trailer; /* more bytes follow the standard part, as keepalived's auth_hmac */
	/* the sender is hokm-xdp, and gives way to no node that it does not see by pulses */
	bool firm;
};

/* What received adverts must match, and how own adverts are made. */
struct vrrp_wire_conf {
	uint8_t version;
	uint8_t vrid;
	uint64_t adver_ns;                /* v2: received adverts must have the same */
	bool use_pass;                    /* v2: with a password */
	char password[VRRP_PASS_LEN + 1]; /* zero-padded on the wire */
	char also[VRRP_PASS_LEN + 1];     /* accepted on receipt too; "": no other one */
	bool checksum_pseudo;             /* v3, sending: include the pseudo-header */
};

/*
 * Why an advert was discarded; each reason has a counter. vrrp_wire_parse() returns the first that
 * applies, in the order ttl, short, version, type, vrid, checksum, count, short, interval,
 * auth-type, auth. The caller, which knows the peers and the VIPs, decides about the others.
 */
#define VRRP_DISCARDS(X, p)                                                                       \
	X(p, NONE, "none", "accepted")                                                            \
	X(p, TTL, "ttl", "TTL is not 255")                                                        \
	X(p, SHORT, "short", "truncated")                                                         \
	X(p, VERSION, "version", "another VRRP version")                                          \
	X(p, TYPE, "type", "not an advertisement")                                                \
	X(p, VRID, "vrid", "another VRID")                                                        \
	X(p, CHECKSUM, "checksum", "wrong checksum")                                              \
	X(p, COUNT, "count", "no address, or too many")                                           \
	X(p, INTERVAL, "interval", "interval 0, or not our interval (version 2)")                 \
	X(p, AUTH_TYPE, "auth-type", "another authentication type")                               \
	X(p, AUTH, "auth", "wrong password")                                                      \
	X(p, SOURCE, "source", "the sender is not a peer, or is this node")                       \
	X(p, UNPROVEN, "unproven", "the peer answers no pulses: its adverts alone end no lease")  \
	X(p, PRIORITY, "priority",                                                                \
	  "priority 255: the sender says that the VIP is its own address; accepted nevertheless") \
	X(p, ADDRS, "addrs", "its list of addresses is not ours; accepted nevertheless")          \
	X(p, OTHER_INTERVAL, "other-interval",                                                    \
	  "its interval is not ours (version 3); accepted nevertheless")
#define VRRP_DISCARD_ENUM(p, id, name, text) p##_##id,
enum vrrp_discard { VRRP_DISCARDS(VRRP_DISCARD_ENUM, VRRP_BAD) VRRP_DISCARD_COUNT };
/* "?" for a value that is out of range. */
const char *vrrp_discard_name(unsigned int d);
const char *vrrp_discard_text(unsigned int d);

/*
 * Parses an IPv4 packet as a raw socket delivers it, that is from the IP header on. Returns
 * VRRP_BAD_NONE and fills *out, or the reason to discard the packet; *out is then undefined. Reads
 * at most len bytes. Does not check the source, because only the caller knows the peers.
 */
enum vrrp_discard vrrp_wire_parse(const struct vrrp_wire_conf *c, const uint8_t *packet, size_t len,
				  struct vrrp_advert *out);

/*
 * Writes a VRRP message, without IP header, into buf (VRRP_PACKET_MAX bytes). source and dest are
 * for the pseudo-header. The interval is rounded up to the unit of the version. Returns the length;
 * 0 when n_addrs is 0 or above VRRP_ADDRS_MAX, which no message can have.
 */
size_t vrrp_wire_build(const struct vrrp_wire_conf *c, uint8_t priority,
		       const struct in_addr *addrs, uint8_t n_addrs, struct in_addr source,
		       struct in_addr dest, uint8_t *buf);

#endif
