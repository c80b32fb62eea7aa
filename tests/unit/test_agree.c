/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The digest of what must agree between nodes: a change of one group shows by the name of that
 * group and no other, bytes that are no digest are refused, and a peer that sends none is unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "conf_rig.h"
#include "daemon/agree_words.h"
#include "hokm/siphash.h"
#include "repl_rig.h"

#define SECRET     "secret = {0123456789abcde1, 0123456789abcde2} "
#define NODES      "node a { address = 10.0.0.1 } node b { address = 10.0.0.2 } "
#define BASE       SECRET NODES
#define WITNESS    "witness w { address = 10.0.0.4 } "
#define ETCD(hold) "etcd { endpoints = \"http://e\" hold = " hold " } "

static struct agree digest_of(const char *text)
{
	char *errors = NULL;
	struct conf *c = rig_load(text, &errors);
	struct agree a;

	if (!c)
		fail_msg("%s: %s", text, errors);
	assert_int_equal(conf_agree(c, &a), 0);
	conf_free(c);
	free(errors);
	return a;
}

/* Where the digests of two nodes agree, they ask about one record and mean one node by it. */
static void the_record_does_not_hang_on_the_order_or_names(void **state)
{
	static const char *const texts[] = {
		BASE "arbiter = etcd " ETCD("10s") "vip = {10.0.0.8, 10.0.0.9}",
		SECRET "node b { address = 10.0.0.1 } node a { address = 10.0.0.2 } "
		       "arbiter = etcd " ETCD("10s") "vip = {10.0.0.9, 10.0.0.8}",
	};
	struct in_addr first = {htonl(0x0a000001)}, vip = {htonl(0x0a000008)};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *errors = NULL, key[CONF_ETCD_KEY_MAX];
		struct conf *c = rig_load(texts[i], &errors);

		if (!c)
			fail_msg("%s: %s", texts[i], errors);
		conf_etcd_key(c, key);
		assert_string_equal(key, "/hokm-xdp/10.0.0.8/25");
		assert_ptr_equal(conf_node_at(c, first), &c->nodes[0]);
		assert_string_equal(c->nodes[0].name, i ? "b" : "a");
		assert_null(conf_node_at(c, vip));
		conf_free(c);
		free(errors);
	}
}

static const struct {
	const char *here, *there, *differ;
} pairs[] = {
	{BASE, BASE, ""},
	{BASE "vip = {10.0.0.8, 10.0.0.9} service x { vip = 10.0.0.8 }",
	 BASE "vip = {10.0.0.9, 10.0.0.8} service x { vip = 10.0.0.8 }", ""},
	/* A service without the key has the first VIP of the list. */
	{BASE "vip = {10.0.0.8, 10.0.0.9}", BASE "vip = {10.0.0.9, 10.0.0.8}", "service"},
	{BASE "vip = {10.0.0.8}", BASE "vip = {10.0.0.8, 10.0.0.9}", "vip"},
	{BASE "service x { port = 1 } service y { port = 2 }",
	 BASE "service y { port = 2 } service x { port = 1 }", ""},
	{BASE "service x { port = 1 }", BASE "service x { port = 2 }", "service"},
	{BASE "vip = {10.0.0.8, 10.0.0.9} service x { vip = 10.0.0.8 }",
	 BASE "vip = {10.0.0.8, 10.0.0.9} service x { vip = 10.0.0.9 }", "service"},
	{BASE, BASE "service x { check tcp { interval = 1s } }", ""},
	{BASE, SECRET "node b { address = 10.0.0.1 } node a { address = 10.0.0.2 }", ""},
	{BASE, BASE "node c { address = 10.0.0.3 }", "node"},
	{BASE, "arbiter = gateway " BASE, "node, pulse"},
	/* Only with release the gateway stands in for a member. */
	{"arbiter = gateway " BASE, "arbiter = gateway on_isolation = keep " BASE, "pulse"},
	{"arbiter = gateway " BASE, "arbiter = etcd " ETCD("10s") BASE, "node, pulse"},
	{"arbiter = etcd " ETCD("10s") BASE, "arbiter = etcd " ETCD("11s") BASE, "node"},
	{"arbiter = etcd " ETCD("10s") BASE, "arbiter = etcd " ETCD("10s") BASE, ""},
	{"arbiter = gateway " BASE, "arbiter = gateway gateway = 10.0.0.7 " BASE, ""},
	{BASE, SECRET "node a { address = 10.0.0.1 priority = 90 } node b { address = 10.0.0.2 }",
	 "node"},
	{BASE, BASE "witness w { address = 10.0.0.4 }", "node, pulse"},
	{BASE "witness w { address = 10.0.0.4 }", BASE "witness w { address = 10.0.0.5 }", "node"},
	{BASE "witness w { address = 10.0.0.4 }", BASE "witness x { address = 10.0.0.4 }", ""},
	{BASE "witness w { address = 10.0.0.4 }",
	 "arbiter = witness " BASE "witness w { address = 10.0.0.4 }", ""},
	/* Here the majority decides and there VRRP's timers: the worst that can differ. */
	{BASE "witness w { address = 10.0.0.4 }",
	 "arbiter = none " BASE "witness w { address = 10.0.0.4 }", "node, pulse"},
	{BASE WITNESS "node c { address = 10.0.0.3 }",
	 BASE WITNESS "node c { address = 10.0.0.3 peer = vrrp }", "node, pulse"},
	{BASE WITNESS, "grant = 400ms " BASE WITNESS, "pulse"},
	/* Without a majority nobody asks for grants. */
	{BASE, "grant = 400ms " BASE, ""},
	{BASE, BASE "vrrp { advert = 2s }", "vrrp"},
	{BASE, BASE "vrrp { mode = unicast }", "vrrp"},
	{BASE, BASE "vrrp { version = 3 }", "vrrp"},
	/* Version 2 always does without. */
	{BASE, BASE "vrrp { checksum = plain }", ""},
	{BASE "vrrp { version = 3 }", BASE "vrrp { version = 3 checksum = plain }", "vrrp"},
	{BASE, BASE "vrrp { preempt = no preempt_delay = 1s garp_count = 3 }", ""},
	{BASE, BASE "pulse { dead = 200ms }", "pulse"},
	{BASE, BASE "pulse { players_dead_after = 2s }", "pulse"},
	{BASE, BASE "pulse { port = 9000 }", "pulse"},
	{BASE, "secret = {0123456789abcde2, 0123456789abcde1} " NODES, "secret"},
	{BASE, "secret = 0123456789abcde1 " NODES, "secret"},
	{BASE "vip = {10.0.0.8} service x { vip = 10.0.0.8 }",
	 BASE "vip = {10.0.0.9} pulse { dead = 200ms } service x { vip = 10.0.0.9 }",
	 "vip, service, pulse"},
	{BASE, "log_level = debug " BASE "hooks { after = \"/bin/x\" }", ""},
};

static void each_group_shows_by_its_own_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct agree here = digest_of(pairs[i].here), there = digest_of(pairs[i].there);
		char names[AGREE_WORDS_MAX];

		agree_names(agree_differ(&here, &there), names, sizeof(names));
		if (strcmp(names, pairs[i].differ) != 0)
			fail_msg("%s and %s: \"%s\" differ", pairs[i].here, pairs[i].there, names);
	}
}

static void words_say_what_is_here_and_what_there(void **state)
{
	struct agree here = digest_of(BASE "vip = {192.168.1.25}");
	struct agree there = digest_of(BASE "vip = {192.168.1.30, 192.168.1.25}");
	char words[AGREE_WORDS_MAX], narrow[12];

	(void)state;
	agree_words(&here, &there, AGREE_VIP, words, sizeof(words));
	assert_string_equal(words, "vip: the lists of VIPs differ: here 192.168.1.25, "
				   "there 192.168.1.25 192.168.1.30");
	agree_words(&here, &there, AGREE_PULSE, words, sizeof(words));
	assert_string_equal(
		words, "pulse: port, interval, dead, players_dead_after, stale or grant differ");
	memcpy(there.version, "9.9", sizeof("9.9"));
	agree_words(&here, &there, AGREE_VERSION, words, sizeof(words));
	assert_non_null(strstr(words, ", there 9.9"));
	agree_words(&here, &there, AGREE_VIP, narrow, sizeof(narrow));
	assert_string_equal(narrow, "vip: the li");
	for (unsigned int i = 0; i < AGREE_GROUP_COUNT; i++) {
		assert_string_not_equal(agree_name(i), "?");
		assert_true(strlen(agree_repair(i)) > 10);
	}
	assert_string_equal(agree_name(AGREE_GROUP_COUNT), "?");
	assert_string_equal(agree_text(AGREE_GROUP_COUNT), "?");
	assert_string_equal(agree_repair(AGREE_GROUP_COUNT), "?");
}

static void bytes_come_back(void **state)
{
	struct agree a = digest_of(BASE "vip = {10.0.0.9, 10.0.0.8, 10.0.0.7, 10.0.0.6}"), got;
	unsigned char bytes[AGREE_LEN];

	(void)state;
	agree_put(&a, bytes);
	assert_true(agree_get(bytes, &got));
	assert_memory_equal(&got, &a, sizeof(a));
	assert_int_equal(got.vips[0].s_addr, inet_addr("10.0.0.6"));
}

/* What a faulty or hostile peer may send. */
static void bytes_that_are_no_digest_are_refused(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t n;
		bool good;
	} rows[] = {
		{0, "\xff\xff\xff\xff", 4, true},    /* any hash */
		{28, "\x00", 1, false},              /* no VIP */
		{28, "\x05", 1, false},              /* more than there is room for */
		{28, "\xff", 1, false},              /* the same */
		{28, "\x02", 1, true},               /* the second one is 0.0.0.0 */
		{31, "\x01", 1, false},              /* not zero behind the number */
		{36, "\x01", 1, false},              /* a VIP behind the last one */
		{47, "\x01", 1, false},              /* the same, its last byte */
		{48, "\0", 1, false},                /* no version */
		{48, "1234567890123456", 16, false}, /* a version without an end */
		{48, "123456789012345\0", 16, true}, /* the longest one */
		{48,
		 "1\0"
		 "2",
		 3, false},                /* something behind its end */
		{48, "1\n", 2, false},     /* a line of its own in the log */
		{48, "\x1b[1m", 4, false}, /* an escape sequence */
		{48, "1 2", 3, false},     /* a space */
		{48, "%s%n", 4, false},    /* a format */
	};
	struct agree a = digest_of(BASE), got;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* Of this length exactly, so that a sanitizer sees a read past its end. */
		unsigned char *bytes = malloc(AGREE_LEN);

		assert_non_null(bytes);
		agree_put(&a, bytes);
		memcpy(bytes + rows[i].at, rows[i].bytes, rows[i].n);
		if (agree_get(bytes, &got) != rows[i].good)
			fail_msg("row %zu", i);
		free(bytes);
	}
}

/* ---- between two daemons ---- */

static void a_peer_that_sends_none_is_unknown(void **state)
{
	struct agree a = digest_of(BASE);
	struct net t;

	(void)state;
	net_open_converged(&t, 1);
	assert_null(repl_agree(t.node[0].link));
	repl_set_agree(t.node[1].link, &a);
	ticks(&t, 60); /* longer than REPL_CONTROL_NS */
	assert_non_null(repl_agree(t.node[0].link));
	assert_memory_equal(repl_agree(t.node[0].link), &a, sizeof(a));
	assert_null(repl_agree(t.node[1].link));
	net_close(&t);
}

static void the_newest_digest_counts_after_a_restart_too(void **state)
{
	struct agree a = digest_of(BASE), b = digest_of(BASE "vrrp { advert = 2s }");
	struct net t;

	(void)state;
	net_open_converged(&t, 1);
	repl_set_agree(t.node[1].link, &a);
	ticks(&t, 60);
	repl_set_agree(t.node[1].link, &b);
	ticks(&t, 60);
	assert_memory_equal(repl_agree(t.node[0].link), &b, sizeof(b));
	restart(&t, 1);
	until_converged(&t);
	ticks(&t, 60);
	assert_null(repl_agree(t.node[0].link));
	net_close(&t);
}

static void a_message_with_two_digests_is_refused(void **state)
{
	static const __u64 key[2] = {1, 2};
	static struct repl_msg m, got;
	unsigned char buf[HOKM_REPL_MAX];
	size_t len;
	uint64_t tag;

	(void)state;
	m = (struct repl_msg){
		.kind = REPL_CONTROL, .session = 1, .has_agree = true, .agree = digest_of(BASE)};
	len = repl_wire_build(&m, 25, key, buf);
	assert_int_equal(len, HOKM_REPL_MIN + AGREE_LEN);
	assert_int_equal(repl_wire_parse(buf, len, 25, key, &got), REPL_BAD_NONE);
	assert_true(got.has_agree && got.n == 0);
	assert_memory_equal(&got.agree, &m.agree, sizeof(m.agree));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(repl_wire_parse(buf, cut, 25, key, &got), REPL_BAD_SHORT);
	for (unsigned int n = 0; n < 256; n++) {
		buf[7] = (unsigned char)n;
		assert_int_equal(repl_wire_parse(buf, len, 25, key, &got),
				 n == 1 ? REPL_BAD_NONE : REPL_BAD_SHORT);
	}
	/* Signed by a faulty peer. */
	memset(buf + len, 0, AGREE_LEN);
	buf[7] = 2;
	len += AGREE_LEN;
	tag = htobe64(siphash_bytes(buf, len - REPL_TAG_LEN, key));
	memcpy(buf + len - REPL_TAG_LEN, &tag, sizeof(tag));
	assert_int_equal(repl_wire_parse(buf, len, 25, key, &got), REPL_BAD_RECORD);
	m.agree.n_vips = 0;
	len = repl_wire_build(&m, 25, key, buf);
	assert_int_equal(repl_wire_parse(buf, len, 25, key, &got), REPL_BAD_RECORD);
}

/* Files 1 to 4 of the members; 0: the peer is not connected. */
static int behind(uint32_t here, uint32_t want, uint32_t peer0, uint32_t peer1)
{
	const uint32_t files[] = {here, want, peer0, peer1};
	const struct agree *there[HOKM_MAX_PEERS] = {NULL};
	struct agree a[4] = {0};

	for (unsigned int i = 0; i < 4; i++)
		a[i].hash[AGREE_NODE] = files[i];
	there[0] = peer0 ? &a[2] : NULL;
	there[1] = peer1 ? &a[3] : NULL;
	return agree_behind(&a[0], &a[1], there);
}

static void a_change_waits_for_peers_that_have_read_neither_file(void **state)
{
	(void)state;
	assert_int_equal(behind(1, 2, 0, 0), -1);
	assert_int_equal(behind(1, 2, 1, 1), -1);
	assert_int_equal(behind(1, 2, 2, 1), -1);
	assert_int_equal(behind(1, 2, 3, 1), 0);
	assert_int_equal(behind(1, 2, 1, 3), 1);
	assert_int_equal(behind(1, 2, 0, 3), 1);
	assert_int_equal(behind(1, 4, 2, 3), 0);
}

/* Three nodes with three files: one after the other takes that of a peer, without a restart. */
static void three_nodes_with_three_files_can_be_brought_together(void **state)
{
	(void)state;
	assert_int_equal(behind(1, 2, 2, 3), -1);
	assert_int_equal(behind(3, 2, 2, 2), -1);
	assert_int_equal(behind(1, 3, 2, 3), -1);
}

/* It goes by its former file or by the one that it has read. */
static void a_peer_that_waits_for_its_new_members_lets_its_file_pass_alone(void **state)
{
	(void)state;
	assert_int_equal(behind(1, 2, ~2U, 0), -1);
	assert_int_equal(behind(1, 3, ~2U, 0), 0);
	assert_int_equal(behind(2, 3, ~2U, 0), 0);
	assert_int_equal(behind(2, 1, ~2U, 0), 0);
	/* The others are looked at all the same. */
	assert_int_equal(behind(1, 2, ~2U, 3), 1);
	assert_int_equal(behind(1, 2, ~2U, 1), -1);
}

static void a_file_that_waits_at_one_node_does_not_differ(void **state)
{
	struct agree here = digest_of(BASE), there = digest_of(BASE);

	(void)state;
	there.hash[AGREE_NODE] = ~there.hash[AGREE_NODE];
	assert_true(agree_waits(&here, &there));
	assert_int_equal(agree_differ(&here, &there), 0);
	assert_int_equal(agree_differ(&there, &here), 0);
	there.hash[AGREE_PULSE] = ~there.hash[AGREE_PULSE];
	assert_int_equal(agree_differ(&here, &there), 1 << AGREE_PULSE);
	there = digest_of(BASE WITNESS);
	assert_false(agree_waits(&here, &there));
	there.hash[AGREE_NODE] = ~there.hash[AGREE_NODE];
	assert_false(agree_waits(&here, &there));
	assert_true(agree_differ(&here, &there) & 1 << AGREE_NODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_does_not_hang_on_the_order_or_names),
		cmocka_unit_test(each_group_shows_by_its_own_name),
		cmocka_unit_test(words_say_what_is_here_and_what_there),
		cmocka_unit_test(bytes_come_back),
		cmocka_unit_test(bytes_that_are_no_digest_are_refused),
		cmocka_unit_test(a_peer_that_sends_none_is_unknown),
		cmocka_unit_test(the_newest_digest_counts_after_a_restart_too),
		cmocka_unit_test(a_message_with_two_digests_is_refused),
		cmocka_unit_test(a_change_waits_for_peers_that_have_read_neither_file),
		cmocka_unit_test(three_nodes_with_three_files_can_be_brought_together),
		cmocka_unit_test(a_peer_that_waits_for_its_new_members_lets_its_file_pass_alone),
		cmocka_unit_test(a_file_that_waits_at_one_node_does_not_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
