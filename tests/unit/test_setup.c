/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pure part of `hokm-xdp setup`: who is who, the code, the configuration and its stamp, and
 * what differs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setup/plan.h"

#define SECRET   "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct in_addr addr(const char *text)
{
	struct in_addr a = {0};

	if (text)
		assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static struct setup_plan plan(void)
{
	struct setup_plan p = {
		.fast = true,
		.vip = addr("192.168.1.25"),
		.nodes = {addr("192.168.1.26"), addr("192.168.1.27")},
		.witness = addr("10.9.8.7"),
		.port = 8765,
		.secret = SECRET,
	};

	return p;
}

/* ---- who is who ---- */

struct place {
	const char *self, *peer, *vip, *witness;
	unsigned int prefix;
	const char *found; /* this node; NULL: refused with `words` */
	const char *words;
};

static const struct place places[] = {
	{NULL, "192.168.1.27", "192.168.1.25", NULL, 0, "192.168.1.26", NULL},
	{NULL, "192.168.1.27", "192.168.1.25", "10.0.0.9", 24, "192.168.1.26", NULL},
	{NULL, "192.168.1.27", "192.168.1.25", NULL, 32, "192.168.1.26", NULL},
	{"172.16.0.2", "172.16.0.9", "172.16.0.8", NULL, 0, "172.16.0.2", NULL},
	{NULL, "172.16.0.9", "172.16.0.8", NULL, 0, NULL, "choose one by --self"},
	{NULL, NULL, "192.168.1.25", NULL, 0, NULL, "--peer"},
	{NULL, "192.168.1.26", "192.168.1.25", NULL, 0, NULL, "address of this machine"},
	{NULL, "192.168.1.25", "192.168.1.25", NULL, 0, NULL, "an address of its own"},
	{NULL, "192.168.1.27", "192.168.1.26", NULL, 0, NULL, "shares a subnet"},
	{"192.168.1.26", "192.168.1.27", "192.168.1.26", NULL, 0, NULL, "one of its own"},
	{NULL, "10.1.1.1", "192.168.1.25", NULL, 0, NULL, "shares a subnet"},
	{"192.168.1.26", "10.1.1.1", "192.168.1.25", NULL, 0, NULL, "must share a subnet"},
	{"192.168.1.99", "192.168.1.27", "192.168.1.25", NULL, 0, NULL, "no address of this"},
	{NULL, "192.168.1.27", "192.168.1.25", "192.168.1.27", 0, NULL, "third machine"},
	{NULL, "192.168.1.27", "192.168.1.25", "192.168.1.26", 0, NULL, "third machine"},
	{NULL, "192.168.1.27", "192.168.1.25", NULL, 16, NULL, "prefix differs"},
};

static void no_node_takes_the_wrong_address(void **state)
{
	const struct setup_addr here[] = {
		{addr("192.168.1.26"), 24, "eth0"},
		{addr("172.16.0.2"), 16, "eth1"},
		{addr("172.16.0.3"), 16, "eth1"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(places) * 2; i++) {
		const struct place *t = &places[i / 2];
		const bool backup = i % 2;
		const struct setup_wish w = {
			.self = addr(t->self),
			.peer = addr(t->peer),
			.vip = addr(t->vip),
			.witness = addr(t->witness),
			.prefix = t->prefix,
			.port = 1,
			.backup = backup};
		char words[SETUP_WORDS_MAX] = "";
		struct setup_plan p;
		int err = setup_place(&w, here, COUNT(here), &p, words);

		if (err != (t->found ? 0 : -EINVAL) || (t->words && !strstr(words, t->words)))
			fail_msg("row %zu: %d, %s", i / 2, err, words);
		if (!t->found)
			continue;
		assert_int_equal(p.nodes[backup].s_addr, addr(t->found).s_addr);
		assert_int_equal(p.nodes[!backup].s_addr, addr(t->peer).s_addr);
	}
}

static void the_gateway_of_the_route_decides_unless_the_wish_says_other(void **state)
{
	static const struct {
		const char *witness, *gateway, *route;
		bool none;
		const char *decides; /* NULL: the wish is refused; "0.0.0.0": no gateway */
	} rows[] = {
		{NULL, NULL, "192.168.1.1", false, "192.168.1.1"},
		{NULL, NULL, "0.0.0.0", false, "0.0.0.0"},
		{NULL, NULL, "10.0.0.1", false, "0.0.0.0"},
		{NULL, NULL, "192.168.1.27", false, "0.0.0.0"},
		{NULL, NULL, "192.168.1.1", true, "0.0.0.0"},
		{"10.0.0.9", NULL, "192.168.1.1", false, "0.0.0.0"},
		{NULL, "192.168.1.7", "192.168.1.1", false, "192.168.1.7"},
		{"10.0.0.9", "192.168.1.7", "0.0.0.0", false, NULL},
		{NULL, "192.168.1.25", "0.0.0.0", false, NULL},
		{NULL, "192.168.1.26", "0.0.0.0", false, NULL},
		{NULL, "10.0.0.1", "0.0.0.0", false, NULL},
	};
	const struct setup_addr here = {addr("192.168.1.26"), 24, "eth0"};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct setup_wish w = {
			.peer = addr("192.168.1.27"),
			.vip = addr("192.168.1.25"),
			.witness = addr(rows[i].witness),
			.gateway = addr(rows[i].gateway),
			.no_gateway = rows[i].none,
			.port = 1};
		char words[SETUP_WORDS_MAX];
		struct setup_plan p;
		int err = setup_place(&w, &here, 1, &p, words);

		if (err != (rows[i].decides ? 0 : -EINVAL))
			fail_msg("row %zu: %d", i, err);
		if (err)
			continue;
		setup_take_gateway(&w, &here, addr(rows[i].route), &p);
		if (p.gateway.s_addr != addr(rows[i].decides).s_addr)
			fail_msg("row %zu", i);
	}
}

/* ---- the code ---- */

static char *text_of(int (*write)(const void *arg, FILE *to), const void *arg)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(write(arg, to), 0);
	assert_int_equal(fclose(to), 0);
	return text;
}

static int write_conf(const void *arg, FILE *to)
{
	return setup_conf(arg, NULL, to);
}

static void same_plan(const struct setup_plan *p, const struct setup_plan *q)
{
	char *a = text_of(write_conf, p), *b = text_of(write_conf, q);

	assert_string_equal(a, b);
	free(a);
	free(b);
}

static void a_code_carries_the_whole_plan(void **state)
{
	const struct setup_plan p = plan();
	struct setup_plan q;
	char code[SETUP_CODE_MAX], spaced[2 * SETUP_CODE_MAX];
	size_t n = 0;

	(void)state;
	assert_int_equal(setup_code_make(&p, code), 0);
	assert_int_equal(setup_code_read(code, &q), 0);
	same_plan(&p, &q);
	for (const char *c = code; *c; c++) {
		spaced[n++] = (char)tolower((unsigned char)*c);
		spaced[n++] = (c - code) % 7 ? ' ' : '-';
	}
	spaced[n++] = '\n';
	spaced[n] = '\0';
	assert_int_equal(setup_code_read(spaced, &q), 0);
	same_plan(&p, &q);
}

static void a_code_carries_a_gateway(void **state)
{
	struct setup_plan p = plan(), q;
	char code[SETUP_CODE_MAX];

	(void)state;
	p.witness.s_addr = 0;
	p.gateway = addr("192.168.1.1");
	assert_int_equal(setup_code_make(&p, code), 0);
	assert_int_equal(setup_code_read(code, &q), 0);
	same_plan(&p, &q);
	assert_int_equal(q.gateway.s_addr, p.gateway.s_addr);
	assert_int_equal(q.witness.s_addr, 0);
	p.gateway = p.vip;
	assert_int_equal(setup_code_make(&p, code), 0);
	assert_int_equal(setup_code_read(code, &q), -EBADMSG);
}

static void no_wrong_digit_goes_unnoticed(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018=\xff";
	const struct setup_plan p = plan();
	struct setup_plan q;
	char code[SETUP_CODE_MAX];

	(void)state;
	assert_int_equal(setup_code_make(&p, code), 0);
	for (size_t i = 0; code[i]; i++) {
		const char was = code[i];

		for (size_t d = 0; d < sizeof(digits) - 1; d++) {
			code[i] = digits[d];
			if (code[i] != was)
				assert_int_not_equal(setup_code_read(code, &q), 0);
		}
		code[i] = '\0';
		assert_int_equal(setup_code_read(code, &q), -EBADMSG);
		code[i] = was;
	}
	strncat(code, "A", 1);
	assert_int_equal(setup_code_read(code, &q), -EBADMSG);
	assert_int_equal(setup_code_read("", &q), -EBADMSG);
	code[4] = '2';
	assert_int_equal(setup_code_read(code, &q), -EPROTO);
}

static void a_secret_of_another_form_makes_no_code(void **state)
{
	static const char *const secrets[] = {
		"", "short", "0123456789ABCDEFfedcba98765432100123456789abcdeffedcba9876543210",
		"0123456789abcdeffedcba98765432100123456789abcdeffedcba987654321-"};
	char code[SETUP_CODE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct setup_plan p = plan();

		snprintf(p.secret, sizeof(p.secret), "%s", secrets[i]);
		assert_int_equal(setup_code_make(&p, code), -EINVAL);
	}
}

/* A checksum that is right does not make a group of a node and itself. */
static void a_plan_without_sense_is_refused(void **state)
{
	struct setup_plan p = plan(), q;
	char code[SETUP_CODE_MAX];

	(void)state;
	p.nodes[1] = p.nodes[0];
	assert_int_equal(setup_code_make(&p, code), 0);
	assert_int_equal(setup_code_read(code, &q), -EBADMSG);
	p = plan();
	p.port = 0;
	assert_int_equal(setup_code_make(&p, code), 0);
	assert_int_equal(setup_code_read(code, &q), -EBADMSG);
}

/* ---- texts ---- */

static int write_stamp(const void *arg, FILE *to)
{
	return setup_stamp(SETUP_FILE_CONF, arg, to);
}

static struct conf *loaded(const struct setup_plan *p, char **text)
{
	char *conf = text_of(write_conf, p);
	struct conf *c;

	*text = text_of(write_stamp, conf);
	free(conf);
	assert_int_equal(conf_load_text(*text, false, stderr, &c), 0);
	return c;
}

static void the_daemon_takes_what_setup_writes(void **state)
{
	struct setup_plan p = plan();
	struct conf *c;
	char *text;

	(void)state;
	p.port = 9000;
	c = loaded(&p, &text);
	assert_int_equal(c->n_nodes, 2);
	assert_int_equal(c->n_witnesses, 1);
	assert_int_equal(c->profile, CONF_PROFILE_FAST);
	assert_int_equal(c->vips[0].s_addr, p.vip.s_addr);
	assert_int_equal(c->services[0].port, 9000);
	assert_true(c->nodes[0].priority > c->nodes[1].priority);
	assert_int_equal(c->nodes[1].addr.s_addr, p.nodes[1].s_addr);
	assert_string_equal(c->secrets[0].text, SECRET);
	conf_free(c);
	free(text);
}

static void a_gateway_in_the_plan_decides(void **state)
{
	struct setup_plan p = plan();
	struct conf *c;
	char *text;

	(void)state;
	p.witness.s_addr = 0;
	p.gateway = addr("192.168.1.1");
	c = loaded(&p, &text);
	assert_int_equal(c->arbiter, CONF_ARBITER_GATEWAY);
	assert_int_equal(c->gateway.s_addr, p.gateway.s_addr);
	conf_free(c);
	free(text);
}

static void no_edit_goes_unnoticed(void **state)
{
	const struct setup_plan p = plan();
	char *text;

	(void)state;
	conf_free(loaded(&p, &text));
	assert_true(setup_unedited(text));
	for (size_t i = 0; text[i]; i++) {
		text[i] ^= 1;
		assert_false(setup_unedited(text));
		text[i] ^= 1;
	}
	text[strlen(text) - 1] = '\0';
	assert_false(setup_unedited(text));
	assert_false(setup_unedited(""));
	free(text);
}

/* ---- what differs ---- */

static const struct {
	const char *from, *to, *shown;
	unsigned int n;
} diffs[] = {
	{"a\nb\n", "a\nb\n", "", 0},
	{"", "a\nb\n", "  + a\n  + b\n", 2},
	{"a\nb\nc\n", "a\nx\nc\n", "  - b\n  + x\n", 2},
	{"a\nbc\n", "a\nxc\n", "  - bc\n  + xc\n", 2},
	{"a\na\n", "a\n", "  - a\n", 1},
	{"a\n", "a\na\n", "  + a\n", 1},
	{"a", "a\n", "  - a\n  + a\n", 2},
	/* A line in the middle that stays. */
	{"1\nsecret = s\na\nb\nz\n", "2\nsecret = s\na\nx\nb\nz\n", "  - 1\n  + 2\n  + x\n", 3},
	/* The line that both end with is also in the middle of one. */
	{"1\nc\na\n", "2\nc\na\nb\na\n", "  - 1\n  + 2\n  + a\n  + b\n", 4},
	{"a\nb\nc\nd\n", "b\nx\nd\nc\n", "  - a\n  + x\n  + d\n  - d\n", 4},
	{"1\nsecret = {\n\"s\",\n\"t\" }\n2\n", "3\nsecret = {\n\"s\",\n\"u\" }\n4\n",
	 "  - 1\n  + 3\n  - ***\n  - 2\n  + ***\n  + 4\n", 6},
	{"secret = \"s1\"\n", "secret = \"s2\"\n", "  - secret ***\n  + secret ***\n", 2},
	{"\tpassword = p\n", "# password\n", "  - \tpassword ***\n  + # password\n", 2},
	{"", "#secret = \"s1\"\nvip\n", "  + #secret ***\n  + vip\n", 2},
	{"", "header = \"Authorization: b\"\na\n", "  + header ***\n  + a\n", 2},
	{"endpoint = \"https://h/key\"\n", "", "  - endpoint ***\n", 1},
	{"", "secret = {\n\"s1\", # it's\n\"s}2\"\n}\na\n",
	 "  + secret ***\n  + ***\n  + ***\n  + ***\n  + a\n", 5},
	{"secret = {\n\"s1\",\n\"s2\"}\n", "secret = {\n\"s3\",\n\"s2\"}\n", "  - ***\n  + ***\n",
	 2},
	{"", "secret\n=\n\"s1\"\nvip\n", "  + secret\n  + ***\n  + ***\n  + vip\n", 4},
	{"", "# secret = {\n#   's1'\nvip\n", "  + # secret ***\n  + ***\n  + vip\n", 3},
	{"", "# the secret's file\n# a secret\nvip\n",
	 "  + # the secret ***\n  + # a secret\n  + vip\n", 3},
	{"", "x = {a} secret = \"s\\\"\" password =\n\"p\"\na\n",
	 "  + x = {a} secret ***\n  + ***\n  + a\n", 3},
	{"", "secret_file = /f\nchecksum = pseudo-header\n}\n",
	 "  + secret ***\n  + checksum = pseudo-header\n  + }\n", 3},
};

static void no_difference_shows_a_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(diffs); i++) {
		char *shown;
		size_t size;
		FILE *to = open_memstream(&shown, &size);

		assert_non_null(to);
		assert_int_equal(setup_diff(diffs[i].from, diffs[i].to, to), diffs[i].n);
		assert_int_equal(fclose(to), 0);
		assert_string_equal(shown, diffs[i].shown);
		free(shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_node_takes_the_wrong_address),
		cmocka_unit_test(the_gateway_of_the_route_decides_unless_the_wish_says_other),
		cmocka_unit_test(a_code_carries_the_whole_plan),
		cmocka_unit_test(a_code_carries_a_gateway),
		cmocka_unit_test(no_wrong_digit_goes_unnoticed),
		cmocka_unit_test(a_secret_of_another_form_makes_no_code),
		cmocka_unit_test(a_plan_without_sense_is_refused),
		cmocka_unit_test(the_daemon_takes_what_setup_writes),
		cmocka_unit_test(a_gateway_in_the_plan_decides),
		cmocka_unit_test(no_edit_goes_unnoticed),
		cmocka_unit_test(no_difference_shows_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
