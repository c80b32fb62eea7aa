/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VRRP adverts as bytes: known packets, every reason to discard, every truncation. Packets are cut
 * into buffers of exactly their size, so that a read past the end is found by the sanitizer's run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "decide/vrrp_wire.h"

#define MS     1000000ULL
#define IP_LEN 20
#define MAX    (IP_LEN + 40 + VRRP_PACKET_MAX)

static const struct vrrp_wire_conf v3 = {
	.version = 3, .vrid = 25, .adver_ns = 100 * MS, .checksum_pseudo = true};
static const struct vrrp_wire_conf v3_plain = {.version = 3, .vrid = 25, .adver_ns = 100 * MS};
static const struct vrrp_wire_conf v2 = {.version = 2, .vrid = 25, .adver_ns = 1000 * MS};
static const struct vrrp_wire_conf v2_pass = {
	.version = 2, .vrid = 25, .adver_ns = 1000 * MS, .use_pass = true, .password = "geheim"};

/* 10.0.0.1 to 224.0.0.18, TTL 255, protocol 112; the IP checksum is the kernel's affair. */
static const uint8_t ip_header[IP_LEN] = {
	0x45, 0xc0, 0, 0, 0, 1, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18};

/*
 * Captured from keepalived 2.2.7 at 10.0.0.1: VRID 25, priority 100, VIP 192.168.1.25, every
 * second; version 2 without authentication, version 2 with PASS "geheim", version 3.
 */
static const uint8_t keepalived_v2[] = {
	0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x91, 0x0a, 0x00,
	0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x21, 0x19, 0x64, 0x01, 0x00, 0x01, 0xb9, 0x22,
	0xc0, 0xa8, 0x01, 0x19, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
static const uint8_t keepalived_pass[] = {
	0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0, 0x91, 0x0a, 0x00,
	0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x21, 0x19, 0x64, 0x01, 0x01, 0x01, 0x7e, 0xea,
	0xc0, 0xa8, 0x01, 0x19, 0x67, 0x65, 0x68, 0x65, 0x69, 0x6d, 0x00, 0x00};
static const uint8_t keepalived_v3[] = {
	0x45, 0xc0, 0x00, 0x20, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xd0,
	0x99, 0x0a, 0x00, 0x00, 0x01, 0xe0, 0x00, 0x00, 0x12, 0x31, 0x19,
	0x64, 0x01, 0x00, 0x64, 0xbe, 0x2f, 0xc0, 0xa8, 0x01, 0x19};

static size_t wrap(const uint8_t *msg, size_t len, uint8_t *packet)
{
	memcpy(packet, ip_header, IP_LEN);
	packet[2] = (uint8_t)((IP_LEN + len) >> 8);
	packet[3] = (uint8_t)(IP_LEN + len);
	memcpy(packet + IP_LEN, msg, len);
	return IP_LEN + len;
}

static enum vrrp_discard parse(const struct vrrp_wire_conf *c, const uint8_t *packet, size_t len,
			       struct vrrp_advert *out)
{
	uint8_t *exact = malloc(len ? len : 1);
	enum vrrp_discard bad;

	assert_non_null(exact);
	memcpy(exact, packet, len);
	bad = vrrp_wire_parse(c, exact, len, out);
	free(exact);
	return bad;
}

static size_t build(const struct vrrp_wire_conf *c, uint8_t priority, uint8_t n, uint8_t *packet)
{
	struct in_addr addrs[VRRP_ADDRS_MAX], source, dest;
	uint8_t msg[VRRP_PACKET_MAX];
	size_t len;

	for (uint8_t i = 0; i < VRRP_ADDRS_MAX; i++)
		addrs[i].s_addr = htonl(0xc0a80119U + i);
	memcpy(&source, ip_header + 12, 4);
	memcpy(&dest, ip_header + 16, 4);
	len = vrrp_wire_build(c, priority, addrs, n, source, dest, msg);
	assert_int_equal(len, 8 + 4 * n + (c->version == 2 ? 8 : 0));
	return wrap(msg, len, packet);
}

static void test_round_trip(void **state)
{
	const struct vrrp_wire_conf *confs[] = {&v3, &v3_plain, &v2, &v2_pass};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (uint8_t n = 1; n <= VRRP_ADDRS_MAX; n++) {
			uint8_t packet[MAX];
			size_t len = build(confs[i], (uint8_t)(n * 12), n, packet);
			struct vrrp_advert a;

			assert_int_equal(parse(confs[i], packet, len, &a), VRRP_BAD_NONE);
			assert_int_equal(a.version, confs[i]->version);
			assert_int_equal(a.vrid, 25);
			assert_int_equal(a.priority, n * 12);
			assert_int_equal(a.adver_ns, confs[i]->adver_ns);
			assert_int_equal(a.n_addrs, n);
			assert_int_equal(ntohl(a.addrs[n - 1].s_addr), 0xc0a80119U + n - 1);
			assert_int_equal(ntohl(a.source.s_addr), 0x0a000001);
			assert_int_equal(a.checksum, i == 0 ? VRRP_SUM_PSEUDO : VRRP_SUM_PLAIN);
			assert_false(a.trailer);
		}
}

/* One of the two bits may be a switch's. */
static void test_firm(void **state)
{
	static const struct {
		uint8_t tos;
		bool firm;
	} rows[] = {{0xc0, false}, {0xc1, true}, {0xc3, true}, {0x00, false}, {0xfc, false}};
	uint8_t packet[MAX];
	size_t len = build(&v2_pass, 100, 1, packet);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_advert a;

		packet[1] = rows[i].tos;
		assert_int_equal(parse(&v2_pass, packet, len, &a), VRRP_BAD_NONE);
		assert_int_equal(a.firm, rows[i].firm);
	}
}

/* What keepalived sends is taken, and what we send is the same bytes. */
static void test_keepalived_bytes(void **state)
{
	struct vrrp_wire_conf c3 = v3;
	const struct {
		const struct vrrp_wire_conf *conf;
		const uint8_t *packet;
		size_t len;
	} rows[] = {
		{&v2, keepalived_v2, sizeof(keepalived_v2)},
		{&v2_pass, keepalived_pass, sizeof(keepalived_pass)},
		{&c3, keepalived_v3, sizeof(keepalived_v3)},
	};

	(void)state;
	c3.adver_ns = 1000 * MS;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ours[MAX];
		struct vrrp_advert a;

		assert_int_equal(parse(rows[i].conf, rows[i].packet, rows[i].len, &a),
				 VRRP_BAD_NONE);
		assert_int_equal(a.priority, 100);
		assert_int_equal(a.adver_ns, 1000 * MS);
		assert_int_equal(a.n_addrs, 1);
		assert_int_equal(ntohl(a.addrs[0].s_addr), 0xc0a80119);
		assert_int_equal(a.checksum,
				 rows[i].conf == &c3 ? VRRP_SUM_PSEUDO : VRRP_SUM_PLAIN);
		assert_int_equal(build(rows[i].conf, 100, 1, ours), rows[i].len);
		assert_memory_equal(ours + IP_LEN, rows[i].packet + IP_LEN, rows[i].len - IP_LEN);
	}
	/* Each is refused where another kind is expected. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
			struct vrrp_advert a;
			enum vrrp_discard why = parse(
				rows[i].conf, rows[j].packet, rows[j].len, &a);

			if (i != j)
				assert_int_equal(why, i == 2 || j == 2 ? VRRP_BAD_VERSION
								       : VRRP_BAD_AUTH_TYPE);
		}
}

static void sign(uint8_t *packet, size_t ihl, size_t len)
{
	uint32_t s = 0;

	packet[ihl + 6] = packet[ihl + 7] = 0;
	for (size_t i = ihl; i < len; i += 2)
		s += (uint32_t)(packet[i] << 8 | (i + 1 < len ? packet[i + 1] : 0));
	s = (s & 0xffff) + (s >> 16);
	s = ~((s & 0xffff) + (s >> 16));
	packet[ihl + 6] = (uint8_t)(s >> 8);
	packet[ihl + 7] = (uint8_t)s;
}

/* One byte changed in a good packet; `resign` makes the checksum right again. */
struct spoil {
	const struct vrrp_wire_conf *conf;
	size_t at;
	uint8_t value;
	bool resign;
	enum vrrp_discard why;
};

static const struct spoil spoils[] = {
	{&v3_plain, 8, 254, false, VRRP_BAD_TTL},
	{&v3_plain, 8, 0, false, VRRP_BAD_TTL},
	{&v3_plain, 0, 0x65, false, VRRP_BAD_SHORT},
	{&v3_plain, 0, 0x44, false, VRRP_BAD_SHORT},
	{&v3_plain, 0, 0x4f, false, VRRP_BAD_SHORT},
	{&v3_plain, 2, 0x40, false, VRRP_BAD_SHORT}, /* total length beyond the packet */
	{&v3_plain, 3, 27, false, VRRP_BAD_SHORT},
	{&v3_plain, 6, 0x20, false, VRRP_BAD_SHORT}, /* more fragments */
	{&v3_plain, 7, 1, false, VRRP_BAD_SHORT},    /* fragment offset */
	{&v3_plain, 6, 0x40, false, VRRP_BAD_NONE},  /* don't fragment */
	{&v3_plain, 9, 17, false, VRRP_BAD_TYPE},
	{&v3_plain, 20, 0x21, true, VRRP_BAD_VERSION},
	{&v2, 20, 0x31, true, VRRP_BAD_VERSION},
	{&v3_plain, 20, 0x01, true, VRRP_BAD_VERSION},
	{&v3_plain, 20, 0x32, true, VRRP_BAD_TYPE},
	{&v3_plain, 21, 26, true, VRRP_BAD_VRID},
	{&v3_plain, 22, 99, false, VRRP_BAD_CHECKSUM},
	{&v3, 12, 11, false, VRRP_BAD_CHECKSUM}, /* the sender is under the pseudo-header's sum */
	{&v3_plain, 12, 11, false, VRRP_BAD_NONE},
	{&v3_plain, 28, 1, false, VRRP_BAD_CHECKSUM},
	{&v2, 39, 1, false, VRRP_BAD_CHECKSUM}, /* v2: authentication data is under it too */
	{&v3_plain, 23, 0, true, VRRP_BAD_COUNT},
	{&v3_plain, 23, 21, true, VRRP_BAD_COUNT},
	{&v3_plain, 23, 255, true, VRRP_BAD_COUNT},
	{&v3_plain, 23, 3, true, VRRP_BAD_SHORT}, /* two are there */
	{&v3_plain, 25, 0, true, VRRP_BAD_INTERVAL},
	{&v3_plain, 24, 0xf0, true, VRRP_BAD_NONE}, /* reserved bits */
	{&v3_plain, 25, 200, true, VRRP_BAD_NONE},  /* v3 learns another interval */
	{&v2, 25, 0, true, VRRP_BAD_INTERVAL},
	{&v2, 25, 2, true, VRRP_BAD_INTERVAL},
	{&v2, 24, 1, true, VRRP_BAD_AUTH_TYPE},
	{&v2, 24, 2, true, VRRP_BAD_AUTH_TYPE},
	{&v2_pass, 24, 0, true, VRRP_BAD_AUTH_TYPE},
	{&v2_pass, 36, 'G', true, VRRP_BAD_AUTH},
	{&v2_pass, 43, 'x', true, VRRP_BAD_AUTH}, /* all eight bytes count */
	{&v2, 43, 'x', true, VRRP_BAD_NONE},      /* no authentication: not looked at */
};

static void test_discards(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		const struct spoil *s = &spoils[i];
		uint8_t packet[MAX];
		size_t len = build(s->conf, 100, 2, packet);
		struct vrrp_advert a;
		enum vrrp_discard why;

		packet[s->at] = s->value;
		if (s->resign)
			sign(packet, IP_LEN, len);
		why = parse(s->conf, packet, len, &a);
		if (why != s->why)
			fail_msg("spoil %zu: %s, not %s", i, vrrp_discard_name(why),
				 vrrp_discard_name(s->why));
	}
}

/* The reasons' order: a packet wrong in all respects, mended one after the other. */
static void test_order(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum vrrp_discard why; /* before this is mended */
	} mends[] = {
		{8, 255, VRRP_BAD_TTL},       {6, 0, VRRP_BAD_SHORT},
		{20, 0x21, VRRP_BAD_VERSION}, {20, 0x21, VRRP_BAD_TYPE},
		{21, 25, VRRP_BAD_VRID},      {23, 1, VRRP_BAD_COUNT},
		{25, 1, VRRP_BAD_INTERVAL},   {24, 1, VRRP_BAD_AUTH_TYPE},
		{32, 'g', VRRP_BAD_AUTH},     {0, 0x45, VRRP_BAD_NONE},
	};
	struct vrrp_advert a;
	uint8_t packet[MAX];
	size_t len = build(&v2_pass, 100, 1, packet);

	(void)state;
	packet[8] = 1;
	packet[6] = 0x20;
	packet[20] = 0x12;
	packet[21] = 1;
	packet[23] = 0;
	packet[24] = 0;
	packet[25] = 9;
	packet[32] = 'x';
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++) {
		/* Type is looked at only when the version is right, and is in the same byte. */
		if (mends[i].why == VRRP_BAD_TYPE)
			packet[20] = 0x22;
		if (mends[i].why == VRRP_BAD_COUNT)
			assert_int_equal(parse(&v2_pass, packet, len, &a), VRRP_BAD_CHECKSUM);
		if (mends[i].why >= VRRP_BAD_COUNT)
			sign(packet, IP_LEN, len);
		if (mends[i].why == VRRP_BAD_NONE)
			sign(packet, IP_LEN, len);
		assert_int_equal(parse(&v2_pass, packet, len, &a), mends[i].why);
		packet[mends[i].at] = mends[i].value;
	}
}

/* keepalived 2.4 with auth_hmac: 32 bytes behind the advert, which the checksum does not cover. */
static void test_trailer(void **state)
{
	const struct vrrp_wire_conf *confs[] = {&v3, &v3_plain, &v2, &v2_pass};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (size_t more = 1; more <= 40; more++) {
			uint8_t packet[MAX + 40];
			size_t len = build(confs[i], 100, 2, packet);
			struct vrrp_advert a;

			memset(packet + len, 0x5a, more);
			packet[3] = (uint8_t)(len + more);
			assert_int_equal(parse(confs[i], packet, len + more, &a), VRRP_BAD_NONE);
			assert_true(a.trailer);
			assert_int_equal(a.n_addrs, 2);
			assert_int_equal(a.priority, 100);
			/* The trailer is not looked at, the standard part still is. */
			packet[22]++;
			assert_int_equal(parse(confs[i], packet, len + more, &a),
					 VRRP_BAD_CHECKSUM);
		}
}

/* While a secret is replaced: the password of the other one counts too, and is never sent. */
static void test_password_of_the_second_secret_counts(void **state)
{
	struct vrrp_wire_conf old = v2_pass, both = v2_pass;
	uint8_t packet[MAX];
	size_t len = build(&v2_pass, 100, 1, packet);
	struct vrrp_advert a;

	(void)state;
	memcpy(both.password, "anderes", 8);
	assert_int_equal(parse(&both, packet, len, &a), VRRP_BAD_AUTH);
	memcpy(both.also, v2_pass.password, sizeof(both.also));
	assert_int_equal(parse(&both, packet, len, &a), VRRP_BAD_NONE);
	len = build(&both, 100, 1, packet);
	assert_int_equal(parse(&both, packet, len, &a), VRRP_BAD_NONE);
	assert_int_equal(parse(&old, packet, len, &a), VRRP_BAD_AUTH);
	/* No second one: an empty password is none. */
	memset(both.also, 0, sizeof(both.also));
	memset(old.password, 0, sizeof(old.password));
	len = build(&old, 100, 1, packet);
	assert_int_equal(parse(&both, packet, len, &a), VRRP_BAD_AUTH);
}

/* A trailer saves no wrong password, and its bytes are no addresses. */
static void test_trailer_is_no_part(void **state)
{
	struct vrrp_wire_conf other = v2_pass;
	uint8_t packet[MAX + 40];
	size_t len = build(&v2_pass, 100, 1, packet);
	struct vrrp_advert a;

	(void)state;
	memcpy(packet + len, "anderes\0", 8);
	packet[3] = (uint8_t)(len + 8);
	memcpy(other.password, "anderes", 8);
	assert_int_equal(parse(&other, packet, len + 8, &a), VRRP_BAD_AUTH);
	len = build(&v3_plain, 100, 2, packet);
	memset(packet + len, 0, 32);
	packet[3] = (uint8_t)(len + 32);
	packet[23] = 4; /* four are claimed, two are there and a trailer of zeros */
	assert_int_equal(parse(&v3_plain, packet, len + 32, &a), VRRP_BAD_CHECKSUM);
}

/* keepalived 1.3.5 sums up 224.0.0.18 for packets to a unicast address as well. */
static void test_checksum_of_the_group_in_unicast(void **state)
{
	uint8_t packet[MAX];
	size_t len = build(&v3, 100, 2, packet); /* to the group */
	struct vrrp_advert a;

	(void)state;
	assert_int_equal(parse(&v3, packet, len, &a), VRRP_BAD_NONE);
	assert_int_equal(a.checksum, VRRP_SUM_PSEUDO);
	memcpy(packet + 16, "\x0a\x00\x00\x02", 4);
	assert_int_equal(parse(&v3, packet, len, &a), VRRP_BAD_NONE);
	assert_int_equal(a.checksum, VRRP_SUM_GROUP);
	packet[15] = 9; /* another sender */
	assert_int_equal(parse(&v3, packet, len, &a), VRRP_BAD_CHECKSUM);
	len = build(&v2, 100, 2, packet);
	packet[16] = 10;
	assert_int_equal(parse(&v2, packet, len, &a), VRRP_BAD_NONE);
	assert_int_equal(a.checksum, VRRP_SUM_PLAIN);
	assert_string_equal(vrrp_checksum_name(VRRP_SUM_GROUP), "pseudo-header of the group");
	assert_string_equal(vrrp_checksum_name(VRRP_CHECKSUM_COUNT), "?");
}

/* IP options move the message; padding behind the total length is not part of it. */
static void test_options_and_padding(void **state)
{
	uint8_t plain[MAX], packet[MAX + 64];
	size_t len = build(&v3, 100, 2, plain);
	struct vrrp_advert a;

	(void)state;
	for (uint8_t words = 6; words <= 15; words++) {
		size_t ihl = (size_t)words * 4, total = len - IP_LEN + ihl;

		memset(packet, 0xaa, sizeof(packet));
		memcpy(packet, plain, IP_LEN);
		packet[0] = (uint8_t)(0x40 | words);
		packet[2] = 0;
		packet[3] = (uint8_t)total;
		memset(packet + IP_LEN, 1, ihl - IP_LEN);
		memcpy(packet + ihl, plain + IP_LEN, len - IP_LEN);
		assert_int_equal(parse(&v3, packet, total, &a), VRRP_BAD_NONE);
		assert_int_equal(a.n_addrs, 2);
		assert_int_equal(parse(&v3, packet, total + 20, &a), VRRP_BAD_NONE);
		assert_int_equal(parse(&v3, packet, total - 1, &a), VRRP_BAD_SHORT);
	}
}

static void test_truncated(void **state)
{
	const struct vrrp_wire_conf *confs[] = {&v3, &v3_plain, &v2, &v2_pass};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint8_t packet[MAX];
		size_t len = build(confs[i], 100, 3, packet);
		struct vrrp_advert a;

		for (size_t cut = 0; cut < len; cut++) {
			assert_int_equal(parse(confs[i], packet, cut, &a), VRRP_BAD_SHORT);
			if (cut < IP_LEN + 8)
				continue;
			/* And when the IP header agrees that this is all. */
			packet[3] = (uint8_t)cut;
			if (confs[i] != &v3)
				sign(packet, IP_LEN, cut);
			assert_int_not_equal(parse(confs[i], packet, cut, &a), VRRP_BAD_NONE);
			len = build(confs[i], 100, 3, packet);
		}
	}
}

/* A version 2 message without its eight bytes of authentication. */
static void test_v2_without_auth_data(void **state)
{
	uint8_t packet[MAX];
	size_t len = build(&v2, 100, 2, packet) - 8;
	struct vrrp_advert a;

	(void)state;
	packet[3] = (uint8_t)len;
	sign(packet, IP_LEN, len);
	assert_int_equal(parse(&v2, packet, len, &a), VRRP_BAD_SHORT);
}

static void test_build_bounds(void **state)
{
	struct in_addr addrs[VRRP_ADDRS_MAX + 1] = {{0}}, zero = {0};
	struct vrrp_wire_conf c = v3;
	uint8_t buf[VRRP_PACKET_MAX];

	(void)state;
	assert_int_equal(vrrp_wire_build(&c, 1, addrs, 0, zero, zero, buf), 0);
	assert_int_equal(vrrp_wire_build(&c, 1, addrs, VRRP_ADDRS_MAX + 1, zero, zero, buf), 0);
	/* Intervals: rounded up, kept within the field. */
	c.adver_ns = 101 * MS;
	assert_int_equal(vrrp_wire_build(&c, 1, addrs, 1, zero, zero, buf), 12);
	assert_int_equal(buf[4] << 8 | buf[5], 11);
	c.adver_ns = UINT64_MAX;
	vrrp_wire_build(&c, 1, addrs, 1, zero, zero, buf);
	assert_int_equal(buf[4] << 8 | buf[5], 4095);
	c.adver_ns = 0;
	vrrp_wire_build(&c, 1, addrs, 1, zero, zero, buf);
	assert_int_equal(buf[4] << 8 | buf[5], 1);
	c.version = 2;
	c.adver_ns = UINT64_MAX;
	vrrp_wire_build(&c, 1, addrs, 1, zero, zero, buf);
	assert_int_equal(buf[5], 255);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(vrrp_discard_name(VRRP_BAD_TTL), "ttl");
	assert_string_equal(vrrp_discard_name(VRRP_BAD_ADDRS), "addrs");
	assert_string_equal(vrrp_discard_text(VRRP_BAD_AUTH), "wrong password");
	assert_string_equal(vrrp_discard_name(VRRP_DISCARD_COUNT), "?");
	assert_string_equal(vrrp_discard_text(1000), "?");
	for (unsigned int i = 0; i < VRRP_DISCARD_COUNT; i++) {
		assert_non_null(vrrp_discard_name(i));
		assert_non_null(vrrp_discard_text(i));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_firm),
		cmocka_unit_test(test_keepalived_bytes),
		cmocka_unit_test(test_discards),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_password_of_the_second_secret_counts),
		cmocka_unit_test(test_trailer_is_no_part),
		cmocka_unit_test(test_checksum_of_the_group_in_unicast),
		cmocka_unit_test(test_options_and_padding),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_v2_without_auth_data),
		cmocka_unit_test(test_build_bounds),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
