/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Problems of what the configuration does not name any more: no part of the daemon would ever
 * report their end, so they end with the configuration, and nothing else does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/notifier.h"
#include "base/clock.h"

#define S(n) ((n)*NS_PER_S)
#define NOW  S(100000)

static const struct notify_conf rules = {.kinds = ~0u, .per_hour = 60, .recovery = true};

/* Two nodes with a cable between them, witness w, two services, and a record of DNS. */
static void make_known(bool monitor, enum conf_arbiter arbiter, struct notify_known *out)
{
	static struct conf c;

	memset(&c, 0, sizeof(c));
	c.n_nodes = 2;
	c.self = monitor ? 2 : 0;
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "primary");
	snprintf(c.nodes[1].name, sizeof(c.nodes[1].name), "a-node-whose-name-has-31-letter");
	for (unsigned int i = 0; i < c.n_nodes; i++)
		c.nodes[i].n_paths = 1;
	c.n_witnesses = 1;
	snprintf(c.witnesses[0].name, sizeof(c.witnesses[0].name), "w");
	c.n_services = 2;
	snprintf(c.services[0].name, sizeof(c.services[0].name), "game");
	snprintf(c.services[1].name, sizeof(c.services[1].name), "a-service-of-long-name");
	c.arbiter = arbiter;
	c.dns.provider = CONF_DNS_CLOUDFLARE;
	c.dns.mode = monitor ? CONF_DNS_MONITOR : CONF_DNS_OWNER;
	notifier_known(&c, out);
}

struct row {
	bool monitor;
	const char *what, *text;
	enum hokm_reason reason;
	bool stays;
};

static const struct row rows[] = {
	{false, "service", "game up -> down: x", HOKM_R_CHECK_TIMEOUT, true},
	{false, "service", "chat up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{false, "service", "gam up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{false, "service", "games up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{false, "passive", "game: x", HOKM_R_PASSIVE_PING, true},
	{false, "passive", "chat: x", HOKM_R_PASSIVE_PING, false},
	{false, "peer", "primary: x", HOKM_R_PEER_SILENT, true},
	{false, "peer", "w: x", HOKM_R_PEER_SILENT, true},
	{false, "peer", "third: x", HOKM_R_PEER_SILENT, false},
	{false, "peer", "a-node-whose-name-has-31-letter: x", HOKM_R_PEER_SILENT, true},
	{false, "peer", "a-node-whose-name-has-31-lettex: x", HOKM_R_PEER_SILENT, false},
	{false, "peer", "primary segment: x", HOKM_R_PATH_SILENT, true},
	{false, "peer", "a-node-whose-name-has-31-letter path 1: x", HOKM_R_PATH_SILENT, true},
	{false, "peer", "primary path 2: x", HOKM_R_PATH_SILENT, false},
	{false, "peer", "third path 1: x", HOKM_R_PATH_SILENT, false},
	{false, "state", "2 members in touch", HOKM_R_ISOLATED, true},
	{false, "link", "link: x", HOKM_R_LINK_DOWN, true},
	{false, "dns", "game.example.com A: x", HOKM_R_DNS_REFUSED, true},
	{true, "dns", "game.example.com AAAA: x", HOKM_R_DNS_REFUSED, true},
	{true, "dns", "no node", HOKM_R_DNS_BLIND, true},
	{true, "service", "primary/game up -> down: x", HOKM_R_CHECK_TIMEOUT, true},
	{true, "service", "primary/chat up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{true, "service", "third/game up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	/* A monitor cuts long names off. */
	{true, "service", "a-node-whose-na/game up -> down: x", HOKM_R_CHECK_TIMEOUT, true},
	{true, "service", "a-node-whose-nx/game up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{true, "service", "a-node-whose-n/game up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
	{true, "service", "primary/a-service-of-lo up -> down: x", HOKM_R_CHECK_TIMEOUT, true},
	{true, "service", "primary/a-service-of-lx up -> down: x", HOKM_R_CHECK_TIMEOUT, false},
};

/* The arbiter has no name: events call it by what it is. */
static const struct {
	enum conf_arbiter arbiter;
	const char *text;
	enum hokm_reason reason;
	bool stays;
} arbiters[] = {
	{CONF_ARBITER_AUTO, "gateway: x (192.168.1.1)", HOKM_R_GATEWAY_SILENT, false},
	{CONF_ARBITER_GATEWAY, "gateway: x (192.168.1.1)", HOKM_R_GATEWAY_SILENT, true},
	{CONF_ARBITER_ETCD, "gateway: x (192.168.1.1)", HOKM_R_GATEWAY_SILENT, false},
	{CONF_ARBITER_ETCD, "etcd: x", HOKM_R_ETCD_SILENT, true},
	{CONF_ARBITER_NONE, "etcd: x", HOKM_R_ETCD_SILENT, false},
	{CONF_ARBITER_WITNESS, "gateway: x (192.168.1.1)", HOKM_R_GATEWAY_SILENT, false},
};

static void open_problem(struct notify_state *s, const struct row *r)
{
	struct notify_event e;

	memset(s, 0, sizeof(*s));
	assert_true(notify_event_from(r->what, r->reason, r->text, &e));
	e.at = (struct notify_time){.wall_s = 1700000000, .boot_ns = NOW};
	e.hold_s = 0;
	notify_take(s, &rules, &e, NOW);
	assert_true(s->problems[0].open);
	assert_int_equal(s->n_waiting, 1);
}

static void what_is_not_named_is_over(void **unused)
{
	static struct notify_state s;
	struct notify_known known;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_known(rows[i].monitor, CONF_ARBITER_NONE, &known);
		open_problem(&s, &rows[i]);
		notify_know(&s, &rules, &known, (struct notify_time){1700000100, NOW + S(100)},
			    NOW + S(100));
		if (s.problems[0].open != rows[i].stays)
			fail_msg("%s: %s", rows[i].what, rows[i].text);
		assert_int_equal(s.n_waiting, rows[i].stays ? 1 : 2);
	}
}

static void an_arbiter_that_is_asked_is_named(void **unused)
{
	static struct notify_state s;
	struct notify_known known;

	(void)unused;
	for (size_t i = 0; i < sizeof(arbiters) / sizeof(arbiters[0]); i++) {
		const struct row silent = {
			.what = "state", .text = arbiters[i].text, .reason = arbiters[i].reason};

		make_known(false, arbiters[i].arbiter, &known);
		open_problem(&s, &silent);
		notify_know(&s, &rules, &known, (struct notify_time){1700000100, NOW + S(100)},
			    NOW + S(100));
		if (s.problems[0].open != arbiters[i].stays)
			fail_msg("row %zu: %s", i, arbiters[i].text);
	}
}

static void take(struct notify_state *s, enum hokm_reason why, const char *what, const char *text)
{
	struct notify_event e;

	assert_true(notify_event_from(what, why, text, &e));
	e.at = (struct notify_time){.wall_s = 1700000000, .boot_ns = NOW};
	e.hold_s = 0;
	notify_take(s, &rules, &e, NOW);
}

static bool is_open(const struct notify_state *s, const char *subject)
{
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++)
		if (s->problems[i].open && !strcmp(s->problems[i].event.subject, subject))
			return true;
	return false;
}

/* Two owners are a problem of their own: a peer that is heard again does not end it. */
static void two_owners_are_a_problem_until_there_is_one(void **unused)
{
	static struct notify_state s;
	struct notify_event e;

	(void)unused;
	assert_true(notify_event_from("peer", HOKM_R_TWO_OWNERS, "backup: x", &e));
	assert_int_equal(e.kind, NOTIFY_K_CONFLICT);
	assert_int_equal(e.severity, NOTIFY_CRITICAL);
	take(&s, HOKM_R_TWO_OWNERS, "peer", "backup: x");
	take(&s, HOKM_R_PEER_ALIVE, "peer", "backup: x");
	assert_true(is_open(&s, "backup"));
	take(&s, HOKM_R_ONE_OWNER, "peer", "backup: x");
	assert_false(is_open(&s, "backup"));
}

/* What answers ends its own problem: not that of another path, nor a lost majority. */
static void each_path_has_problems_of_its_own(void **unused)
{
	static struct notify_state s;

	(void)unused;
	take(&s, HOKM_R_PATH_SILENT, "peer", "primary segment: x");
	take(&s, HOKM_R_PATH_SILENT, "peer", "primary path 1: x");
	take(&s, HOKM_R_PATH_SILENT, "peer", "backup path 1: x");
	take(&s, HOKM_R_ISOLATED, "state", "1 members in touch");
	take(&s, HOKM_R_PATH_ANSWERS, "peer", "primary path 1: x");
	assert_true(is_open(&s, "primary/segment"));
	assert_false(is_open(&s, "primary/path 1"));
	assert_true(is_open(&s, "backup/path 1"));
	assert_true(is_open(&s, ""));
	take(&s, HOKM_R_MAJORITY, "state", "2 members in touch");
	assert_false(is_open(&s, ""));
	assert_true(is_open(&s, "primary/segment"));
}

/* The record is written by nobody here any more: no section, or it is a monitor's from now on. */
static void a_record_that_is_left_is_over(void **unused)
{
	static const struct row trouble = {.what = "dns",
					   .text = "game.example.com A: it is refused",
					   .reason = HOKM_R_DNS_REFUSED};
	static struct notify_state s;
	static struct conf c;
	struct notify_known known;

	(void)unused;
	for (unsigned int mode = 0; mode < 2; mode++) {
		memset(&c, 0, sizeof(c));
		c.n_nodes = 2;
		c.dns.provider = mode ? CONF_DNS_CLOUDFLARE : CONF_DNS_NONE;
		c.dns.mode = mode ? CONF_DNS_MONITOR : CONF_DNS_OWNER;
		notifier_known(&c, &known);
		open_problem(&s, &trouble);
		notify_know(&s, &rules, &known, (struct notify_time){1700000100, NOW + S(100)},
			    NOW + S(100));
		assert_false(s.problems[0].open);
		assert_int_equal(s.waiting[1].event.reason, HOKM_R_DNS_LEFT);
	}
}

/* As any end: as severe as the problem, and with how long it was. It knows no number of players. */
static void the_end_is_reported_as_others_are(void **unused)
{
	static const struct row down = {
		.what = "service", .text = "chat up -> down: x", .reason = HOKM_R_CHECK_TIMEOUT};
	const struct notify_time later = {1700000100, NOW + S(100)};
	const struct notify_who who = {"primary", "hokm", "192.168.1.25"};
	const struct notify_conf quiet = {.kinds = ~0u, .per_hour = 60};
	static struct notify_state s;
	struct notify_known known;
	struct notify_message m;
	char body[4096];

	(void)unused;
	make_known(false, CONF_ARBITER_NONE, &known);
	open_problem(&s, &down);
	notify_know(&s, &rules, &known, later, NOW + S(100));
	m = (struct notify_message){&who, s.waiting, s.n_waiting, 0, later};
	notify_body(&m, body, sizeof(body));
	assert_non_null(strstr(body, "over: service chat: "));
	assert_non_null(strstr(body, hokm_reason_text(HOKM_R_NOT_CONFIGURED)));
	assert_non_null(strstr(body, "it lasted 1 min 40 s\n"));
	assert_null(strstr(strstr(body, "over: "), "players"));
	assert_int_equal(s.waiting[1].event.severity, NOTIFY_CRITICAL);
	/* Where no end is reported, it is over all the same. */
	open_problem(&s, &down);
	notify_know(&s, &quiet, &known, later, NOW + S(100));
	assert_false(s.problems[0].open);
	assert_int_equal(s.n_waiting, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_named_is_over),
		cmocka_unit_test(an_arbiter_that_is_asked_is_named),
		cmocka_unit_test(two_owners_are_a_problem_until_there_is_one),
		cmocka_unit_test(each_path_has_problems_of_its_own),
		cmocka_unit_test(a_record_that_is_left_is_over),
		cmocka_unit_test(the_end_is_reported_as_others_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
