/* SPDX-License-Identifier: GPL-2.0-only */
/* Replication messages as bytes: what is written is read back, and each fault has its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "decide/repl_wire.h"

#define VRID 25
static const __u64 key[2] = {1, 2};

static struct repl_msg message(unsigned int n)
{
	struct repl_msg m = {
		.kind = n ? REPL_DATA : REPL_CONTROL,
		.session = 0x1122334455667788ULL,
		.echo = 0x99aabbccddeeff00ULL,
		.stamp_ns = n ? 0 : 77,
		.echo_stamp_ns = n ? 0 : 66,
		.stream = 3,
		.number = 4,
		.n = n};

	for (unsigned int i = 0; i < n; i++)
		m.records[i] = (struct repl_record){
			.client.w = {0, 0, htonl(0xffff), htonl(0x0a000000 + i)},
			.client_port = htons((uint16_t)(1000 + i)),
			.what = i % 2 ? REPL_GONE : REPL_HAVE,
			.began = i % 3 == 0,
			.tag = 9 + i,
			.isn = 10 + i,
			.seq_next = 0xfffffff0u + i,
			.ack_next = 12 + i,
			.age_ms = 13 + i};
	return m;
}

/* Field by field: what lies between two fields is no part of a record. */
static bool same_record(const struct repl_record *a, const struct repl_record *b)
{
	return !memcmp(&a->client, &b->client, sizeof(a->client)) &&
	       a->client_port == b->client_port && a->what == b->what && a->tag == b->tag &&
	       a->isn == b->isn && a->seq_next == b->seq_next && a->ack_next == b->ack_next &&
	       a->age_ms == b->age_ms && a->began == b->began;
}

static void round_trip(void **state)
{
	static struct repl_msg m, got;
	unsigned char buf[HOKM_REPL_MAX];

	(void)state;
	for (unsigned int n = 0; n <= REPL_RECORDS; n++) {
		size_t len;

		m = message(n);
		len = repl_wire_build(&m, VRID, key, buf);
		assert_int_equal(len, HOKM_REPL_MIN + n * REPL_RECORD_LEN);
		memset(&got, 0, sizeof(got));
		assert_int_equal(repl_wire_parse(buf, len, VRID, key, &got), REPL_BAD_NONE);
		assert_int_equal(got.kind, m.kind);
		assert_int_equal(got.n, n);
		assert_true(got.session == m.session && got.echo == m.echo);
		assert_true(got.stamp_ns == m.stamp_ns && got.echo_stamp_ns == m.echo_stamp_ns);
		assert_true(got.stream == m.stream && got.number == m.number);
		for (unsigned int i = 0; i < n; i++)
			assert_true(same_record(&got.records[i], &m.records[i]));
	}
}

static void every_length_and_every_bit(void **state)
{
	static struct repl_msg m, got;
	unsigned char buf[HOKM_REPL_MAX + 1];
	size_t len;

	(void)state;
	m = message(3);
	len = repl_wire_build(&m, VRID, key, buf);
	for (size_t cut = 0; cut < sizeof(buf); cut++)
		if (cut != len)
			assert_int_equal(repl_wire_parse(buf, cut, VRID, key, &got),
					 REPL_BAD_SHORT);
	for (size_t bit = 0; bit < len * 8; bit++) {
		enum repl_fault f;

		buf[bit / 8] ^= (unsigned char)(1 << bit % 8);
		f = repl_wire_parse(buf, len, VRID, key, &got);
		if (bit / 8 < 7)
			assert_true(f == REPL_BAD_VERSION || (bit / 8 == 5 && f == REPL_BAD_TAG));
		else if (bit / 8 == 7)
			assert_int_equal(f, REPL_BAD_SHORT);
		else
			assert_int_equal(f, REPL_BAD_TAG);
		buf[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	assert_int_equal(repl_wire_parse(buf, len, VRID, key, &got), REPL_BAD_NONE);
}

static enum repl_fault fault_of(const struct repl_msg *m, uint8_t vrid, const __u64 *k)
{
	static struct repl_msg got;
	unsigned char buf[HOKM_REPL_MAX];
	size_t len = repl_wire_build(m, vrid, k, buf);

	return repl_wire_parse(buf, len, VRID, key, &got);
}

/* Messages whose signature is right and whose contents are invalid. */
static void signed_but_invalid(void **state)
{
	static const __u64 other[2] = {1, 3};
	static struct repl_msg m;

	(void)state;
	m = message(2);
	assert_int_equal(fault_of(&m, VRID + 1, key), REPL_BAD_VERSION);
	assert_int_equal(fault_of(&m, VRID, other), REPL_BAD_TAG);
	m.session = 0;
	assert_int_equal(fault_of(&m, VRID, key), REPL_BAD_RECORD);
	for (unsigned int what = 0; what < 256; what++) {
		bool good = what >= REPL_BEGIN && what <= REPL_ENDED;

		m = message(2);
		m.records[1].what = (uint8_t)what;
		assert_int_equal(fault_of(&m, VRID, key), good ? REPL_BAD_NONE : REPL_BAD_RECORD);
	}
	m = message(1);
	m.records[0].tag = 0;
	assert_int_equal(fault_of(&m, VRID, key), REPL_BAD_RECORD);
	m = message(1);
	m.records[0].client_port = 0;
	assert_int_equal(fault_of(&m, VRID, key), REPL_BAD_RECORD);
	m = message(1);
	m.kind = REPL_CONTROL;
	assert_int_equal(fault_of(&m, VRID, key), REPL_BAD_SHORT);
	m = message(0);
	m.kind = REPL_DATA;
	assert_int_equal(fault_of(&m, VRID, key), REPL_BAD_RECORD);
}

static void every_fault_has_a_name(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < REPL_FAULT_COUNT; f++) {
		assert_string_not_equal(repl_fault_name((enum repl_fault)f), "?");
		assert_string_not_equal(repl_fault_text((enum repl_fault)f), "?");
	}
	assert_string_equal(repl_fault_name(REPL_FAULT_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_length_and_every_bit),
		cmocka_unit_test(signed_but_invalid),
		cmocka_unit_test(every_fault_has_a_name),
	};

	return cmocka_run_group_tests_name("repl_wire", tests, NULL, NULL);
}
