/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pure part of `hokm-xdp setup`: who is who, the code, the configuration and its stamp, what
 * differs, and what is said of a machine.
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

#include "setup/machine.h"

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

/* ---- the machine ---- */

static struct setup_facts good(void)
{
	struct setup_facts f = {
		.kernel_major = 6,
		.kernel_minor = 1,
		.btf = true,
		.bpffs = true,
		.interface = "eth0",
		.driver = "virtio_net",
		.ethernet = true,
		.up = true,
		.mtu = 1500,
		.clock_synced = 1,
	};

	return f;
}

static void old_kernel(struct setup_facts *f)
{
	f->kernel_major = 5;
	f->kernel_minor = 19;
}
static void new_kernel(struct setup_facts *f)
{
	f->kernel_major = 7;
	f->kernel_minor = 0;
}
static void no_btf(struct setup_facts *f)
{
	f->btf = false;
}
static void no_bpffs(struct setup_facts *f)
{
	f->bpffs = false;
}
static void tunnel(struct setup_facts *f)
{
	f->ethernet = false;
}
static void down(struct setup_facts *f)
{
	f->up = false;
}
static void slow_driver(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "r8169");
}
static void jumbo(struct setup_facts *f)
{
	f->mtu = 9000;
}
static void lro_on(struct setup_facts *f)
{
	f->lro = 1;
}
static void lro_unknown(struct setup_facts *f)
{
	f->lro = -1;
}
static void bond(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "bonding");
	snprintf(f->bond_mode, sizeof(f->bond_mode), "802.3ad");
	f->n_ports = 2;
	f->ports[0] = f->ports[1] = (struct setup_port){.name = "eth1", .driver = "i40e"};
}
static void bond_lro(struct setup_facts *f)
{
	bond(f);
	f->ports[1].lro = 1;
}
static void bond_slow_port(struct setup_facts *f)
{
	bond(f);
	snprintf(f->ports[1].driver, sizeof(f->ports[1].driver), "r8169");
}
static void bond_alb(struct setup_facts *f)
{
	bond(f);
	snprintf(f->bond_mode, sizeof(f->bond_mode), "balance-alb");
}
static void bond_empty(struct setup_facts *f)
{
	bond(f);
	f->n_ports = 0;
}
static void foreign(struct setup_facts *f)
{
	f->xdp_id = 7;
}
static void ours(struct setup_facts *f)
{
	f->xdp_id = 7;
	f->daemon_here = f->vip_here = true;
}
static void keepalived(struct setup_facts *f)
{
	f->keepalived = f->vip_here = true;
}
static void static_vip(struct setup_facts *f)
{
	f->vip_here = true;
}
static void no_clock(struct setup_facts *f)
{
	f->clock_synced = 0;
}
static void ena(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "ena");
	f->queues = f->queues_most = 8;
}

static const struct {
	void (*spoil)(struct setup_facts *f);
	enum setup_level node, witness; /* the worst verdict */
} machines[] = {
	{new_kernel, SETUP_WELL, SETUP_WELL},  {old_kernel, SETUP_STOP, SETUP_STOP},
	{no_btf, SETUP_STOP, SETUP_WELL},      {no_bpffs, SETUP_STOP, SETUP_WELL},
	{tunnel, SETUP_STOP, SETUP_STOP},      {down, SETUP_NOTE, SETUP_NOTE},
	{slow_driver, SETUP_NOTE, SETUP_WELL}, {jumbo, SETUP_NOTE, SETUP_WELL},
	{lro_on, SETUP_NOTE, SETUP_WELL},      {foreign, SETUP_STOP, SETUP_WELL},
	{ours, SETUP_WELL, SETUP_WELL},        {keepalived, SETUP_NOTE, SETUP_NOTE},
	{static_vip, SETUP_NOTE, SETUP_WELL},  {no_clock, SETUP_NOTE, SETUP_WELL},
	{ena, SETUP_NOTE, SETUP_WELL},         {lro_unknown, SETUP_WELL, SETUP_WELL},
	{bond, SETUP_WELL, SETUP_WELL},        {bond_lro, SETUP_NOTE, SETUP_WELL},
	{bond_alb, SETUP_NOTE, SETUP_WELL},    {bond_slow_port, SETUP_NOTE, SETUP_WELL},
	{bond_empty, SETUP_NOTE, SETUP_WELL},
};

static const struct {
	const char *driver;
	unsigned int minor; /* of Linux 6 */
	bool native;
} drivers[] = {
	{"virtio_net", 1, true}, {"vif", 1, true},       {"xen_netfront", 1, false},
	{"mana", 1, true},       {"fsl_enetc", 1, true}, {"gve", 1, false},
	{"gve", 3, false},       {"gve", 4, true},       {"bonding", 1, true},
	{"tsnep", 2, false},     {"tsnep", 3, true},     {"r8169", 12, false},
	{"st_gmac", 1, true},    {"stmmac", 1, false},   {"", 1, false},
};

static enum setup_level worst(const struct setup_facts *f, bool witness)
{
	struct setup_verdict list[SETUP_VERDICTS_MAX];
	unsigned int n = setup_judge(f, witness, list);
	enum setup_level level = SETUP_WELL;

	assert_true(n > 0);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(list[i].level == SETUP_WELL, list[i].next == NULL);
		assert_true(list[i].text[0]);
		if (list[i].level > level)
			level = list[i].level;
	}
	return level;
}

static void no_machine_is_set_up_that_cannot_work(void **state)
{
	struct setup_facts f = good();

	(void)state;
	assert_int_equal(worst(&f, false), SETUP_WELL);
	for (size_t i = 0; i < COUNT(machines); i++) {
		f = good();
		machines[i].spoil(&f);
		if (worst(&f, false) != machines[i].node || worst(&f, true) != machines[i].witness)
			fail_msg("row %zu", i);
	}
}

/* A driver that does not say whether it has LRO is not said to have it off. */
static void nothing_unknown_is_said_to_be_well(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		struct setup_facts f = good();
		struct setup_verdict list[SETUP_VERDICTS_MAX];
		bool said = false;

		f.lro = known - 1;
		for (unsigned int i = 0, n = setup_judge(&f, false, list); i < n; i++)
			said |= strstr(list[i].text, "LRO") != NULL;
		assert_int_equal(said, known);
	}
}

static void no_driver_is_said_to_have_what_its_kernel_lacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(drivers); i++) {
		struct setup_facts f = good();

		f.kernel_minor = drivers[i].minor;
		snprintf(f.driver, sizeof(f.driver), "%s", drivers[i].driver);
		if ((worst(&f, false) == SETUP_WELL) != drivers[i].native)
			fail_msg("row %zu: %s", i, drivers[i].driver);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_node_takes_the_wrong_address),
		cmocka_unit_test(a_code_carries_the_whole_plan),
		cmocka_unit_test(no_wrong_digit_goes_unnoticed),
		cmocka_unit_test(a_secret_of_another_form_makes_no_code),
		cmocka_unit_test(a_plan_without_sense_is_refused),
		cmocka_unit_test(the_daemon_takes_what_setup_writes),
		cmocka_unit_test(no_edit_goes_unnoticed),
		cmocka_unit_test(no_difference_shows_a_secret),
		cmocka_unit_test(no_machine_is_set_up_that_cannot_work),
		cmocka_unit_test(nothing_unknown_is_said_to_be_well),
		cmocka_unit_test(no_driver_is_said_to_have_what_its_kernel_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
