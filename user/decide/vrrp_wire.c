/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VRRP on the wire. Both versions share the first four bytes and the address list:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-------+-------+---------------+---------------+---------------+
 *   |version| type 1|     VRID      |   priority    |  addresses n  |
 *   +-------+-------+---------------+---------------+---------------+
 *   | v2: auth type | v2: interval s|           checksum            |
 *   | v3: rsvd(4) | interval cs(12) |                               |
 *   +-------------------------------+-------------------------------+
 *   |                      n IPv4 addresses                         |
 *   +---------------------------------------------------------------+
 *   |           v2 only: 8 bytes of authentication data             |
 *   +---------------------------------------------------------------+
 *
 * v2 (RFC 2338, RFC 3768): the 8 bytes of authentication data are always present, and the checksum
 * covers them. v3 (RFC 9568): the checksum over IPv4 has no pseudo-header, but keepalived and FRR
 * include one, and keepalived 1.3.5 includes one with 224.0.0.18 in unicast packets too: all are
 * accepted. Reserved bits are ignored, as the RFCs demand.
 *
 * keepalived 2.4 can append a trailer (auth_hmac): it lies inside the IP length, and the VRRP
 * checksum does not cover it. The standard part is read as if the trailer were not there.
 *
 * Neither version has room for a word between nodes of ours, and a trailer would not be accepted by
 * every keepalived. So the one bit that they need is in the IP header: `firm`, in the ECN bits.
 *
 * Invariants of the parser: no byte is read before it is known to lie inside the packet. Beyond the
 * fields that determine the format, no field is used before the checksum was verified.
 */
#include <arpa/inet.h>
#include <string.h>

#include "decide/vrrp_wire.h"

#define IP_HEADER_MIN 20
#define TYPE_ADVERT   1
#define FIXED_LEN     8 /* of a message before its addresses */
#define AUTH_NONE     0
#define AUTH_PASS     1
#define NS_PER_S      1000000000ULL
#define NS_PER_CS     10000000ULL
#define CS_MAX        0x0fff

static const char *const names[] = {
#define NAME(p, id, name, text) [p##_##id] = (name),
	VRRP_DISCARDS(NAME, VRRP_BAD)};
static const char *const texts[] = {
#define TEXT(p, id, name, text) [p##_##id] = (text),
	VRRP_DISCARDS(TEXT, VRRP_BAD)};
static const char *const checksum_names[] = {
#define CHECKSUM_NAME(p, id, name) [p##_##id] = (name),
	VRRP_CHECKSUMS(CHECKSUM_NAME, VRRP_SUM)};

const char *vrrp_discard_name(unsigned int d)
{
	return d < VRRP_DISCARD_COUNT ? names[d] : "?";
}

const char *vrrp_discard_text(unsigned int d)
{
	return d < VRRP_DISCARD_COUNT ? texts[d] : "?";
}

const char *vrrp_checksum_name(unsigned int form)
{
	return form < VRRP_CHECKSUM_COUNT ? checksum_names[form] : "?";
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Internet checksum (RFC 1071): the sum of big-endian words, not yet folded. */
static uint64_t sum(const uint8_t *p, size_t len, uint64_t start)
{
	uint64_t s = start;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		s += get16(p + i);
	if (i < len)
		s += (uint64_t)p[i] << 8;
	return s;
}

static uint16_t fold(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static uint64_t pseudo_sum(struct in_addr source, struct in_addr dest, size_t len)
{
	uint64_t s = VRRP_IPPROTO + (uint64_t)len;

	s += ntohl(source.s_addr) >> 16;
	s += ntohl(source.s_addr) & 0xffff;
	s += ntohl(dest.s_addr) >> 16;
	s += ntohl(dest.s_addr) & 0xffff;
	return s;
}

/* Compares all eight bytes in any case, so that the duration does not depend on the password. */
static bool same_password(const uint8_t *data, const char *password)
{
	unsigned int differ = 0;

	for (size_t i = 0; i < VRRP_PASS_LEN; i++)
		differ |= (unsigned int)(data[i] ^ (uint8_t)password[i]);
	return differ == 0;
}

static bool password_ok(const struct vrrp_wire_conf *c, const uint8_t *data)
{
	return same_password(data, c->password) || (c->also[0] && same_password(data, c->also));
}

/* The VRRP message inside an IPv4 packet. */
struct message {
	const uint8_t *p;
	size_t len;
	struct in_addr source, dest;
	bool firm;
};

static enum vrrp_discard find_message(const uint8_t *packet, size_t len, struct message *m)
{
	size_t ihl, total;

	if (len < IP_HEADER_MIN)
		return VRRP_BAD_SHORT;
	if (packet[8] != 255)
		return VRRP_BAD_TTL;
	ihl = (size_t)(packet[0] & 0x0f) * 4;
	total = get16(packet + 2);
	if (packet[0] >> 4 != 4 || ihl < IP_HEADER_MIN || total > len || total < ihl + FIXED_LEN)
		return VRRP_BAD_SHORT;
	/* A fragment (with an offset, or with more to follow) holds a truncated message. */
	if (get16(packet + 6) & 0x3fff)
		return VRRP_BAD_SHORT;
	if (packet[9] != VRRP_IPPROTO)
		return VRRP_BAD_TYPE;
	memcpy(&m->source, packet + 12, sizeof(m->source));
	memcpy(&m->dest, packet + 16, sizeof(m->dest));
	m->firm = packet[1] & VRRP_TOS_FIRM;
	m->p = packet + ihl;
	m->len = total - ihl;
	return VRRP_BAD_NONE;
}

/* The length of the standard part by its fields; all there is when that is impossible. */
static size_t standard_len(const struct message *m, uint8_t version)
{
	size_t n = m->p[3];
	size_t len = FIXED_LEN + 4 * n + (version == 2 ? VRRP_PASS_LEN : 0);

	return n > 0 && n <= VRRP_ADDRS_MAX && len < m->len ? len : m->len;
}

/* Verifies the checksum of the first len bytes. */
static bool good_checksum(const struct message *m, size_t len, uint8_t version,
			  enum vrrp_checksum *form)
{
	const struct in_addr group = {.s_addr = htonl(VRRP_GROUP)};
	uint64_t plain = sum(m->p, len, 0);

	if (version == 3 && fold(plain + pseudo_sum(m->source, m->dest, len)) == 0)
		*form = VRRP_SUM_PSEUDO;
	else if (fold(plain) == 0)
		*form = VRRP_SUM_PLAIN;
	else if (version == 3 && fold(plain + pseudo_sum(m->source, group, len)) == 0)
		*form = VRRP_SUM_GROUP;
	else
		return false;
	return true;
}

static enum vrrp_discard check_rest(const struct vrrp_wire_conf *c, const struct message *m,
				    uint64_t adver_ns)
{
	size_t n = m->p[3];
	uint8_t auth = c->use_pass ? AUTH_PASS : AUTH_NONE;

	if (n == 0 || n > VRRP_ADDRS_MAX)
		return VRRP_BAD_COUNT;
	if (m->len < FIXED_LEN + 4 * n + (c->version == 2 ? VRRP_PASS_LEN : 0))
		return VRRP_BAD_SHORT;
	if (!adver_ns || (c->version == 2 && adver_ns != c->adver_ns))
		return VRRP_BAD_INTERVAL;
	if (c->version == 2 && m->p[4] != auth)
		return VRRP_BAD_AUTH_TYPE;
	if (c->version == 2 && c->use_pass && !password_ok(c, m->p + FIXED_LEN + 4 * n))
		return VRRP_BAD_AUTH;
	return VRRP_BAD_NONE;
}

enum vrrp_discard vrrp_wire_parse(const struct vrrp_wire_conf *c, const uint8_t *packet, size_t len,
				  struct vrrp_advert *out)
{
	enum vrrp_discard bad;
	struct message m;
	size_t standard;

	memset(out, 0, sizeof(*out));
	bad = find_message(packet, len, &m);
	if (bad != VRRP_BAD_NONE)
		return bad;
	out->version = m.p[0] >> 4;
	if (out->version != c->version)
		return VRRP_BAD_VERSION;
	if ((m.p[0] & 0x0f) != TYPE_ADVERT)
		return VRRP_BAD_TYPE;
	out->vrid = m.p[1];
	if (out->vrid != c->vrid)
		return VRRP_BAD_VRID;
	standard = standard_len(&m, out->version);
	/* Some senders sum up everything, whatever it is. */
	if (!good_checksum(&m, standard, out->version, &out->checksum) &&
	    !good_checksum(&m, m.len, out->version, &out->checksum))
		return VRRP_BAD_CHECKSUM;
	out->trailer = standard < m.len;
	out->adver_ns = out->version == 2 ? m.p[5] * NS_PER_S
					  : (get16(m.p + 4) & CS_MAX) * NS_PER_CS;
	bad = check_rest(c, &m, out->adver_ns);
	if (bad != VRRP_BAD_NONE)
		return bad;
	out->priority = m.p[2];
	out->n_addrs = m.p[3];
	memcpy(out->addrs, m.p + FIXED_LEN, 4 * (size_t)out->n_addrs);
	out->source = m.source;
	out->firm = m.firm;
	return VRRP_BAD_NONE;
}

/* Rounded up: a peer that learns the interval must not wait for less than our interval. */
static uint64_t wire_units(uint64_t adver_ns, uint64_t unit_ns, uint64_t max)
{
	uint64_t units = adver_ns / unit_ns + (adver_ns % unit_ns != 0);

	if (units < 1)
		return 1;
	return units < max ? units : max;
}

size_t vrrp_wire_build(const struct vrrp_wire_conf *c, uint8_t priority,
		       const struct in_addr *addrs, uint8_t n_addrs, struct in_addr source,
		       struct in_addr dest, uint8_t *buf)
{
	size_t len = FIXED_LEN + 4 * (size_t)n_addrs;
	uint16_t checksum;
	uint64_t start = 0;

	if (n_addrs == 0 || n_addrs > VRRP_ADDRS_MAX)
		return 0;
	memset(buf, 0, VRRP_PACKET_MAX);
	buf[0] = (uint8_t)(c->version << 4 | TYPE_ADVERT);
	buf[1] = c->vrid;
	buf[2] = priority;
	buf[3] = n_addrs;
	memcpy(buf + FIXED_LEN, addrs, 4 * (size_t)n_addrs);
	if (c->version == 2) {
		buf[4] = c->use_pass ? AUTH_PASS : AUTH_NONE;
		buf[5] = (uint8_t)wire_units(c->adver_ns, NS_PER_S, 255);
		if (c->use_pass)
			memcpy(buf + len, c->password, VRRP_PASS_LEN);
		len += VRRP_PASS_LEN;
	} else {
		uint64_t cs = wire_units(c->adver_ns, NS_PER_CS, CS_MAX);

		buf[4] = (uint8_t)(cs >> 8);
		buf[5] = (uint8_t)cs;
		if (c->checksum_pseudo)
			start = pseudo_sum(source, dest, len);
	}
	checksum = fold(sum(buf, len, start));
	buf[6] = (uint8_t)(checksum >> 8);
	buf[7] = (uint8_t)checksum;
	return len;
}
