/* SPDX-License-Identifier: GPL-2.0-only */
/* What is said to etcd and what it answers: user/agent/etcd_json.h. */
#include <arpa/inet.h>
#include <asm/byteorder.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/etcd_json.h"

#define ADDR(last) htonl(0x0a000000 + (last))
#define HEADER     "\"header\":{\"cluster_id\":\"77\",\"member_id\":\"5\",\"revision\":\"12\"}"
#define RECORD \
	"\"kvs\":[{\"key\":\"L2s=\",\"mod_revision\":\"9\",\"value\":\"NyAxMC4wLjAuMSA5MDAw\"}]"
#define VALUE(v) "{" HEADER ",\"kvs\":[{\"mod_revision\":\"9\",\"value\":\"" v "\"}]}"

static const struct etcd_question reads = {.op = ETCD_READ};
static const struct etcd_question writes = {
	.op = ETCD_WRITE,
	.revision = 9,
	.epoch = 8,
	.holder = {__constant_htonl(0x0a000002)},
	.hold_ms = 600000};
static const struct etcd_question leaves = {.op = ETCD_WRITE, .revision = 9, .epoch = 8};

static void requests(void **state)
{
	char *text = etcd_json_range("/k");

	(void)state;
	assert_string_equal(text, "{\"key\":\"L2s=\"}");
	free(text);
	text = etcd_json_write("/k", &writes);
	assert_string_equal(
		text, "{\"compare\":[{\"key\":\"L2s=\",\"target\":\"MOD\",\"result\":"
		      "\"EQUAL\",\"mod_revision\":\"9\"}],\"success\":[{\"request_put\":"
		      "{\"key\":\"L2s=\",\"value\":\"OCAxMC4wLjAuMiA2MDAwMDA=\"}}],\"failure\":[{"
		      "\"request_range\":{\"key\":\"L2s=\"}}]}");
	free(text);
	text = etcd_json_write("/k", &leaves);
	assert_non_null(strstr(text, "\"value\":\"OA==\""));
	free(text);
	text = etcd_json_login("u", "a\"b");
	assert_string_equal(text, "{\"name\":\"u\",\"password\":\"a\\\"b\"}");
	free(text);
}

static const struct {
	const struct etcd_question *q;
	const char *body;
	bool valid, moved;
	uint64_t revision, epoch;
	unsigned int holder; /* the last byte of the address */
	uint64_t hold_ms;
} rows[] = {
	/* no record, one of a node, and one that is nobody's */
	{&reads, "{" HEADER "}", true, false, 0, 0, 0, 0},
	{&reads, "{" HEADER ",\"kvs\":[]}", true, false, 0, 0, 0, 0},
	{&reads, "{" HEADER "," RECORD ",\"count\":\"1\"}", true, false, 9, 7, 1, 9000},
	{&reads, VALUE("Nw=="), true, false, 9, 7, 0, 0},
	/* a transaction that was carried out, and one that was not */
	{&writes,
	 "{" HEADER ",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{}}}]}", true,
	 true, 12, 8, 2, 600000},
	{&writes, "{" HEADER ",\"responses\":[{\"response_range\":{" RECORD "}}]}", true, false, 9,
	 7, 1, 9000},
	{&writes, "{" HEADER ",\"responses\":[{\"response_range\":{}}]}", true, false, 0, 0, 0, 0},
	/* no answers */
	{&reads, "", .valid = false},
	{&reads, "{" HEADER ",\"kvs\":[{\"mod_rev", .valid = false},
	{&reads, "[]", .valid = false},
	{&reads, "{}", .valid = false},
	{&reads, "{\"header\":{\"revision\":\"12\"}}", .valid = false},
	{&reads, "{\"header\":{\"cluster_id\":\"77\",\"revision\":\"-1\"}}", .valid = false},
	{&reads, "{\"header\":{\"cluster_id\":\"7x\",\"revision\":\"1\"}}", .valid = false},
	{&reads, "{" HEADER ",\"kvs\":{}}", .valid = false},
	{&reads, "{" HEADER ",\"kvs\":[{\"value\":\"Nw==\"}]}", .valid = false},
	{&reads, "{" HEADER ",\"kvs\":[{\"mod_revision\":\"9\"}]}", .valid = false},
	/* records of others, and what is no base64 */
	{&reads, VALUE("NyBwcmltYXJ5"), .valid = false},             /* 7 primary */
	{&reads, VALUE("NyAxMC4wLjAuMQ=="), .valid = false},         /* 7 10.0.0.1 */
	{&reads, VALUE("NyAxMC4wLjAuMSA="), .valid = false},         /* 7 10.0.0.1  */
	{&reads, VALUE("NyAxMC4wLjAuMSAw"), .valid = false},         /* 7 10.0.0.1 0 */
	{&reads, VALUE("NyAxMC4wLjAuMSA2MDAwMDE="), .valid = false}, /* 7 10.0.0.1 600001 */
	{&reads, VALUE("NyAxMC4wLjAuMSA5cw=="), .valid = false},     /* 7 10.0.0.1 9s */
	{&reads, VALUE("NyAwLjAuMC4wIDkwMDA="), .valid = false},     /* 7 0.0.0.0 9000 */
	{&reads, VALUE("NyAxMC4wLjAgOTAwMA=="), .valid = false},     /* 7 10.0.0 9000 */
	{&reads, VALUE("NyAgOTAwMA=="), .valid = false},             /* 7  9000 */
	{&reads, VALUE("aGVsbG8="), .valid = false},
	{&reads, VALUE("NyA="), .valid = false},
	{&reads, VALUE("eDc="), .valid = false},
	{&reads, VALUE("NyBhIGI="), .valid = false},
	{&reads, VALUE("LTcgYQ=="), .valid = false},
	{&reads, VALUE("!!!!"), .valid = false},
	{&reads, VALUE("Nw="), .valid = false},
	/* a transaction without its words */
	{&writes, "{" HEADER ",\"succeeded\":true}", .valid = false},
	{&writes, "{" HEADER "}", .valid = false},
	{&writes,
	 "{\"header\":{\"cluster_id\":\"77\",\"revision\":\"9\"},\"succeeded\":true,"
	 "\"responses\":[{\"response_put\":{}}]}",
	 .valid = false},
};

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct etcd_reply r = {.holder = {1}, .hold_ms = 1};
		uint64_t cluster = 0;

		etcd_json_read(rows[i].body, strlen(rows[i].body), rows[i].q, &r, &cluster);
		if (r.valid != rows[i].valid || !r.valid != (r.text[0] != '\0'))
			fail_msg("row %zu: valid %d, text %s", i, r.valid, r.text);
		if (!r.valid) {
			assert_false(r.moved);
			continue;
		}
		if (r.moved != rows[i].moved || r.revision != rows[i].revision ||
		    r.epoch != rows[i].epoch || r.hold_ms != rows[i].hold_ms ||
		    r.holder.s_addr != (rows[i].holder ? ADDR(rows[i].holder) : 0) || cluster != 77)
			fail_msg("row %zu: %d %d %d %x %d", i, r.moved, (int)r.revision,
				 (int)r.epoch, r.holder.s_addr, (int)r.hold_ms);
	}
}

static void a_token_is_taken_if_it_fits_into_a_header(void **state)
{
	char token[ETCD_TOKEN_MAX];

	(void)state;
	assert_int_equal(etcd_json_token("{\"token\":\"ab.1\"}", 16, token), 0);
	assert_string_equal(token, "ab.1");
	assert_int_not_equal(etcd_json_token("{\"token\":\"a\\nX: y\"}", 19, token), 0);
	assert_int_not_equal(etcd_json_token("{}", 2, token), 0);
	assert_int_not_equal(etcd_json_token("", 0, token), 0);
}

static void words_are_printable(void **state)
{
	char words[24];

	(void)state;
	etcd_json_words("{\"message\":\"a\\nb\"}", 18, words, sizeof(words));
	assert_string_equal(words, "a?b");
	etcd_json_words("{\"error\":\"0123456789012345678901234567890\"}", 43, words,
			sizeof(words));
	assert_string_equal(words, "01234567890123456789012");
	etcd_json_words("<html>", 6, words, sizeof(words));
	assert_string_equal(words, "no words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(answers),
		cmocka_unit_test(a_token_is_taken_if_it_fits_into_a_header),
		cmocka_unit_test(words_are_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
