/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of notifications, as tables of events and of the messages that must follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "agent/notify_text.h"

#define NOON  (12 * 60)
#define S(n)  ((n)*NS_PER_S)
#define START S(100000)

static struct notify_state state;
static struct notify_conf conf;

static int reset(void **unused)
{
	(void)unused;
	memset(&state, 0, sizeof(state));
	conf = (struct notify_conf){
		.least = NOTIFY_WARNING,
		.kinds = ~0u,
		.per_hour = 30,
		.recovery = true,
		.group_ns = S(5),
		.repeat_ns = S(1800),
	};
	return 0;
}

/* An event of a line of the stream. */
static struct notify_event line(const char *what, enum hokm_reason reason, const char *text)
{
	struct notify_event e;

	if (!notify_event_from(what, reason, text, &e))
		fail_msg("%s %s is not notified", what, text);
	e.at = (struct notify_time){.wall_s = 1700000000};
	return e;
}

static void take(const char *what, enum hokm_reason reason, const char *text, uint64_t at_s)
{
	struct notify_event e = line(what, reason, text);

	e.at.wall_s += (int64_t)at_s;
	e.at.boot_ns = START + S(at_s);
	notify_take(&state, &conf, &e, START + S(at_s));
}

static bool due(uint64_t at_s, unsigned int minute)
{
	return notify_due(&state, &conf, START + S(at_s), minute, true);
}

static void down(uint64_t at_s)
{
	take("service", HOKM_R_CHECK_TIMEOUT, "game up -> down: the check did not finish in time",
	     at_s);
}

static void up(uint64_t at_s)
{
	take("service", HOKM_R_CHECK_OK, "game down -> up: the check passed", at_s);
}

/* ---- lines ---- */

static void lines_become_events(void **unused)
{
	static const struct {
		const char *what, *text;
		enum hokm_reason reason;
		enum notify_kind kind;
		enum notify_severity severity;
		enum notify_effect effect;
		const char *subject, *from, *to;
	} t[] = {
		{"state", "backup -> master: the owner sent no advert", HOKM_R_MASTER_DOWN,
		 NOTIFY_K_STATE, NOTIFY_CRITICAL, NOTIFY_ONCE, "", "backup", "master"},
		{"state", "backup -> master: requested", HOKM_R_OPERATOR, NOTIFY_K_STATE,
		 NOTIFY_INFO, NOTIFY_ONCE, "", "backup", "master"},
		{"state", "master -> fault: link", HOKM_R_LINK_DOWN, NOTIFY_K_STATE,
		 NOTIFY_CRITICAL, NOTIFY_ONCE, "", "master", "fault"},
		{"state", "no node is healthy, so the owner keeps the VIP", HOKM_R_PANIC_HOLD,
		 NOTIFY_K_PANIC, NOTIFY_CRITICAL, NOTIFY_OPEN, "", "", ""},
		{"state", "panic hold is over", HOKM_R_SERVICE_UP, NOTIFY_K_PANIC, NOTIFY_INFO,
		 NOTIFY_CLOSE, "", "", ""},
		{"service", "game up -> down: no pong", HOKM_R_CHECK_PONG, NOTIFY_K_SERVICE,
		 NOTIFY_CRITICAL, NOTIFY_OPEN, "game", "up", "down"},
		{"service", "game down -> up: passed", HOKM_R_CHECK_OK, NOTIFY_K_SERVICE,
		 NOTIFY_INFO, NOTIFY_CLOSE, "game", "down", "up"},
		{"peer", "primary: the peer answers no pulses: its machine or the path is dead",
		 HOKM_R_PEER_SILENT, NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, "primary", "",
		 ""},
		{"peer", "primary: the secrets differ", HOKM_R_SECRETS_DIFFER, NOTIFY_K_PEER,
		 NOTIFY_CRITICAL, NOTIFY_OPEN, "primary", "", ""},
		{"peer", "primary: vip: the lists of VIPs differ: here 1, there 2",
		 HOKM_R_SETTINGS_DIFFER, NOTIFY_K_CONFIG, NOTIFY_WARNING, NOTIFY_OPEN, "primary",
		 "", ""},
		{"peer", "primary: the settings agree again", HOKM_R_SETTINGS_AGREE,
		 NOTIFY_K_CONFIG, NOTIFY_INFO, NOTIFY_CLOSE, "primary", "", ""},
		{"peer", "primary: not yet replicated", HOKM_R_REPLICA_COLD, NOTIFY_K_REPLICA,
		 NOTIFY_WARNING, NOTIFY_OPEN, "primary", "", ""},
		{"peer", "judge: the peer answers no pulses: its machine or the path is dead",
		 HOKM_R_PEER_SILENT, NOTIFY_K_PEER, NOTIFY_CRITICAL, NOTIFY_OPEN, "judge", "", ""},
		{"state", "1 members in touch, 2 are a majority", HOKM_R_ISOLATED, NOTIFY_K_PEER,
		 NOTIFY_CRITICAL, NOTIFY_OPEN, "", "", ""},
		{"state", "3 members in touch, 2 are a majority", HOKM_R_MAJORITY, NOTIFY_K_PEER,
		 NOTIFY_INFO, NOTIFY_CLOSE, "", "", ""},
		{"upkeep", "the interface runs XDP in generic mode", HOKM_R_GENERIC_XDP,
		 NOTIFY_K_KERNEL, NOTIFY_WARNING, NOTIFY_ONCE, "", "", ""},
		{"config", "reload refused: the file has errors", HOKM_R_RELOAD_REFUSED,
		 NOTIFY_K_CONFIG, NOTIFY_WARNING, NOTIFY_ONCE, "", "", ""},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct notify_event e = line(t[i].what, t[i].reason, t[i].text);

		if (e.kind != t[i].kind || e.severity != t[i].severity || e.effect != t[i].effect)
			fail_msg("%s: %s %s %u", t[i].text, notify_kind_name(e.kind),
				 notify_severity_name(e.severity), e.effect);
		assert_string_equal(e.subject, t[i].subject);
		assert_string_equal(e.from, t[i].from);
		assert_string_equal(e.to, t[i].to);
	}
}

/* The next one that passes ends the problem, whatever failed. */
static void a_drill_that_failed_is_a_problem(void **unused)
{
	struct notify_event bad = line("drill", HOKM_R_DRILL_FAILED, "failover: it was refused");
	struct notify_event good = line("drill", HOKM_R_DRILL_PASSED, "the peer owned after 9 ms");

	(void)unused;
	assert_int_equal(bad.kind, NOTIFY_K_DRILL);
	assert_int_equal(bad.severity, NOTIFY_WARNING);
	assert_int_equal(bad.effect, NOTIFY_OPEN);
	assert_int_equal(good.kind, NOTIFY_K_DRILL);
	assert_int_equal(good.effect, NOTIFY_CLOSE);
	assert_string_equal(bad.subject, good.subject);
}

static void connections_are_not_notified(void **unused)
{
	struct notify_event e;

	(void)unused;
	assert_false(notify_event_from("stale", HOKM_R_STALE_PING, "192.0.2.1:5: no pong", &e));
	assert_false(notify_event_from("service", HOKM_R_NONE, "game init -> init: x", &e));
}

/* ---- filter ---- */

static void filters(void **unused)
{
	(void)unused;
	take("config", HOKM_R_RELOADED, "reloaded", 0);
	assert_false(due(100, NOON));
	conf.kinds = 1u << NOTIFY_K_PEER;
	down(0);
	assert_false(due(100, NOON));
	take("peer", HOKM_R_PEER_SILENT, "b: silent", 100);
	assert_true(due(105, NOON));
	assert_int_equal(state.n_out, 1);
}

/* A fault of the traffic that is over says nothing about SYNs that nobody answers. */
static void syns_that_nobody_answers_are_a_problem_of_their_own(void **unused)
{
	(void)unused;
	take("passive", HOKM_R_PASSIVE_STATUS, "game: 5xx: 3 of 4", 0);
	take("passive", HOKM_R_SYNS_UNANSWERED, "game: none is answered", 1);
	assert_true(due(6, NOON) && state.n_out == 2);
	notify_sent(&state);
	take("passive", HOKM_R_PASSIVE_CLEAR, "game: well", 10);
	assert_true(due(15, NOON) && state.n_out == 1);
	assert_int_equal(state.out[0].event.reason, HOKM_R_PASSIVE_CLEAR);
	notify_sent(&state);
	take("passive", HOKM_R_SYNS_ANSWERED, "game: answered", 20);
	assert_true(due(25, NOON) && state.n_out == 1);
	assert_int_equal(state.out[0].mark, NOTIFY_OVER);
	assert_int_equal(state.out[0].event.severity, NOTIFY_WARNING);
}

/* ---- grouping ---- */

static void burst_is_one_message(void **unused)
{
	(void)unused;
	take("peer", HOKM_R_PEER_SILENT, "primary: silent", 0);
	take("state", HOKM_R_MASTER_DOWN, "backup -> master: no advert", 1);
	take("peer", HOKM_R_TAKEOVER, "primary: this node notifies", 2);
	assert_false(due(4, NOON));
	assert_int_equal(notify_next_ns(&state, &conf, START + S(4), NOON), START + S(5));
	assert_true(due(5, NOON));
	assert_int_equal(state.n_out, 3);
	notify_sent(&state);
	assert_false(due(1000, NOON));
	assert_int_equal(state.dropped_total, 0);
}

/* ---- problems ---- */

static void recovery_follows_only_a_problem(void **unused)
{
	(void)unused;
	up(0);
	assert_false(due(100, NOON));
	down(100);
	assert_true(due(105, NOON));
	notify_sent(&state);
	up(160);
	assert_true(due(165, NOON));
	assert_int_equal(state.n_out, 1);
	assert_int_equal(state.out[0].mark, NOTIFY_OVER);
	assert_int_equal(state.out[0].event.severity, NOTIFY_CRITICAL);
	assert_int_equal(notify_passed_s(state.out[0].since, state.out[0].event.at), 60);
}

/* The boot clock counts as long as it runs; over a boot there is the wall clock. */
static void a_step_of_the_wall_clock_is_no_duration(void **unused)
{
	static const struct {
		struct notify_time from, to;
		int64_t passed_s;
	} rows[] = {
		{{1000, START}, {1060, START + S(60)}, 60},
		{{1000, START}, {1060 + 3 * 3600, START + S(60)}, 60},
		{{1000, START}, {1060 - 3 * 3600, START + S(60)}, 60},
		{{1000, START}, {1060, START - S(60)}, 0},
		{{1000, 0}, {1060, START + S(7)}, 60},
		{{1000, START}, {1060, 0}, 60},
		{{1000, 0}, {900, START}, 0},
		{{INT64_MIN, 0}, {INT64_MAX, 0}, 0},
		{{INT64_MIN, 0}, {1, 0}, 0},
		{{0, UINT64_MAX}, {0, 1}, 0},
		{{0, 1ULL << 63}, {0, (1ULL << 63) + S(5)}, 5},
		{{0, S(1)}, {0, (1ULL << 63) + S(1)}, (1ULL << 63) / S(1)},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (notify_passed_s(rows[i].from, rows[i].to) != rows[i].passed_s)
			fail_msg("row %zu: %lld s", i,
				 (long long)notify_passed_s(rows[i].from, rows[i].to));
}

/* A witness that was not restarted: the next failure leaves nobody owner. */
static void a_member_that_takes_no_part_is_reported(void **unused)
{
	(void)unused;
	take("peer", HOKM_R_NO_PART, "judge: the member answers and takes no part in grants", 0);
	assert_true(due(5, NOON));
	assert_int_equal(state.n_out, 1);
	assert_int_equal(state.out[0].event.kind, NOTIFY_K_CONFIG);
	assert_string_equal(state.out[0].event.subject, "judge");
	notify_sent(&state);
	take("peer", HOKM_R_TAKES_PART, "judge: the member takes part in grants", 60);
	assert_true(due(70, NOON));
	assert_int_equal(state.out[0].mark, NOTIFY_OVER);
}

/* Nobody may learn from players that no node can own the VIP. */
static void a_lost_majority_is_reported_and_its_return_too(void **unused)
{
	(void)unused;
	take("state", HOKM_R_PANIC_HOLD, "no node is healthy, so the owner keeps the VIP", 0);
	take("state", HOKM_R_ISOLATED, "1 members in touch, 2 are a majority", 0);
	assert_true(due(5, NOON));
	assert_int_equal(state.n_out, 2);
	assert_int_equal(notify_worst(&state.out[1], 1), NOTIFY_CRITICAL);
	assert_non_null(strstr(notify_advice(&state.out[1].event), "check peers, witnesses"));
	notify_sent(&state);
	take("state", HOKM_R_MAJORITY, "3 members in touch, 2 are a majority", 60);
	assert_true(due(70, NOON));
	/* What else is wrong goes on. */
	assert_int_equal(state.n_out, 1);
	assert_int_equal(state.out[0].mark, NOTIFY_OVER);
	assert_int_equal(state.out[0].event.kind, NOTIFY_K_PEER);
	assert_true(state.problems[0].open);
	assert_false(state.problems[1].open);
}

static void problems_of_grants_end_when_a_reload_turns_grants_off(void **unused)
{
	(void)unused;
	take("state", HOKM_R_ISOLATED, "1 members in touch, 2 are a majority", 0);
	take("peer", HOKM_R_NO_PART, "judge: the member answers and takes no part in grants", 0);
	assert_true(due(5, NOON));
	assert_int_equal(state.n_out, 2);
	notify_sent(&state);
	take("state", HOKM_R_GRANTS_OFF, hokm_reason_text(HOKM_R_GRANTS_OFF), 60);
	take("peer", HOKM_R_GRANTS_OFF, "judge: no majority decides any more", 60);
	assert_true(due(70, NOON));
	assert_int_equal(state.n_out, 2);
	assert_false(state.problems[0].open);
	assert_false(state.problems[1].open);
}

static void no_recovery_when_not_wanted(void **unused)
{
	(void)unused;
	conf.recovery = false;
	down(0);
	assert_true(due(5, NOON));
	notify_sent(&state);
	up(60);
	assert_false(due(10000, NOON));
}

static void short_trouble_is_not_told(void **unused)
{
	(void)unused;
	take("peer", HOKM_R_REPLICA_COLD, "b: cold", 0);
	assert_false(due(20, NOON));
	take("peer", HOKM_R_REPLICA_WARM, "b: warm", 21);
	assert_false(due(100, NOON));
	take("peer", HOKM_R_REPLICA_COLD, "b: cold", 200);
	assert_int_equal(notify_next_ns(&state, &conf, START + S(200), NOON), START + S(230));
	assert_false(due(230, NOON)); /* reported now, and grouped */
	assert_true(due(235, NOON));
}

static void critical_is_repeated_until_it_ends(void **unused)
{
	(void)unused;
	down(0);
	assert_true(due(5, NOON));
	notify_sent(&state);
	assert_false(due(1799, NOON));
	assert_false(due(1800, NOON));
	assert_true(due(1805, NOON));
	assert_int_equal(state.out[0].mark, NOTIFY_STILL);
	notify_sent(&state);
	up(1900);
	assert_true(due(1905, NOON));
	notify_sent(&state);
	for (uint64_t s = 2000; s < 20000; s += 100)
		assert_false(due(s, NOON));
}

static void warning_is_not_repeated(void **unused)
{
	(void)unused;
	take("passive", HOKM_R_PASSIVE_PING, "game: no pongs", 0);
	assert_true(due(5, NOON));
	notify_sent(&state);
	for (uint64_t s = 100; s < 20000; s += 100)
		assert_false(due(s, NOON));
}

static void same_problem_again_is_no_news(void **unused)
{
	(void)unused;
	down(0);
	down(1);
	assert_true(due(5, NOON));
	assert_int_equal(state.n_out, 1);
	notify_sent(&state);
	take("service", HOKM_R_CHECK_REFUSED, "game up -> down: refused", 50);
	assert_true(due(55, NOON)); /* another reason is news */
}

/* ---- rate ---- */

static void rate_holds_and_loses_nothing(void **unused)
{
	unsigned int messages = 0, items = 0;

	(void)unused;
	conf.per_hour = 6;
	conf.group_ns = 0;
	for (uint64_t s = 0; s < 7200; s += 10) {
		if (s < 3600 && s % 60 == 0)
			take("upkeep", HOKM_R_PUT_BACK, "address: put back", s);
		if (due(s, NOON)) {
			messages++;
			items += state.n_out;
			notify_sent(&state);
		}
	}
	assert_int_equal(items, 60);
	assert_in_range(messages, 7, 13);
}

/* ---- quiet hours ---- */

static void quiet_hours_hold_back_what_is_not_critical(void **unused)
{
	static const struct {
		uint16_t from, until, minute;
		bool quiet;
	} t[] = {
		{22 * 60, 7 * 60, 23 * 60, true},
		{22 * 60, 7 * 60, 6 * 60 + 59, true},
		{22 * 60, 7 * 60, 7 * 60, false},
		{22 * 60, 7 * 60, NOON, false},
		{60, 120, 59, false},
		{60, 120, 60, true},
		{60, 120, 120, false},
		{22 * 60, 7 * 60, 22 * 60, true},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		reset(NULL);
		conf.quiet = true;
		conf.quiet_from = t[i].from;
		conf.quiet_until = t[i].until;
		take("passive", HOKM_R_PASSIVE_PING, "game: no pongs", 0);
		assert_int_equal(due(10, t[i].minute), !t[i].quiet);
		reset(NULL);
		conf.quiet = true;
		conf.quiet_from = t[i].from;
		conf.quiet_until = t[i].until;
		down(0);
		assert_true(due(10, t[i].minute));
	}
}

/* ---- a channel that is down ---- */

static void channel_down_for_an_hour_gets_one_summary(void **unused)
{
	unsigned int tries = 0;

	(void)unused;
	conf.group_ns = 0;
	for (uint64_t s = 0; s < 3600; s++) {
		take("upkeep", HOKM_R_PUT_BACK, "address: put back", s);
		if (s == 1800)
			down(s);
		if (s % 60 == 0 && due(s, NOON)) {
			tries++;
			notify_failed(&state);
		}
		assert_in_range(state.n_waiting + state.n_out, 0, NOTIFY_ITEMS_MAX);
	}
	assert_true(tries > 20);
	assert_true(due(20000, NOON));
	assert_int_equal(state.n_out + state.out_dropped, 3601);
	assert_int_equal(notify_worst(state.out, state.n_out), NOTIFY_CRITICAL);
	notify_sent(&state);
	assert_int_equal(state.dropped, 0);
	assert_int_equal(state.dropped_total, 3601 - NOTIFY_ITEMS_MAX);
}

/* Of events that never came nobody knows whether this channel would have reported them. */
static void lost_events_ask_for_no_message_of_their_own(void **unused)
{
	(void)unused;
	conf.group_ns = 0;
	state.lost = 3;
	assert_false(due(100, NOON));
	assert_true(notify_next_ns(&state, &conf, START + S(100), NOON) == UINT64_MAX);
	down(101);
	assert_true(due(102, NOON));
	assert_int_equal(state.out_dropped, 3);
	notify_failed(&state);
	assert_true(due(103, NOON));
	assert_int_equal(state.out_dropped, 3);
	notify_sent(&state);
	assert_false(due(104, NOON));
}

static void message_that_is_out_is_not_lost(void **unused)
{
	(void)unused;
	conf.group_ns = 0;
	for (unsigned int i = 0; i < NOTIFY_ITEMS_MAX; i++)
		take("upkeep", HOKM_R_PUT_BACK, "address: put back", i);
	assert_true(due(100, NOON));
	down(101);
	assert_int_equal(state.dropped, 1);
	notify_failed(&state);
	assert_int_equal(state.n_waiting, NOTIFY_ITEMS_MAX);
	assert_int_equal(state.dropped, 1);
}

static void nothing_is_sent_while_the_channel_cannot(void **unused)
{
	(void)unused;
	down(0);
	assert_false(notify_due(&state, &conf, START + S(100), NOON, false));
	assert_true(due(100, NOON));
	assert_false(due(200, NOON)); /* one at a time */
}

/* ---- words ---- */

static void message_says_all_that_is_asked(void **unused)
{
	static const struct notify_who who = {"primary", "hokm", "192.168.1.25"};
	static char body[NOTIFY_BODY_MAX];
	static const char *const want[] = {
		"service game is down",
		"node primary of hokm, VIP 192.168.1.25",
		"up -> down",
		"the check did not finish in time (check-timeout)",
		"players: 12",
		"to do:   Check the game server",
		"3 earlier events were dropped"};
	struct notify_message m = {&who, state.out, 0, 3, {1700000005, START + S(5)}};
	char title[NOTIFY_TITLE_MAX], text[NOTIFY_SHORT_MAX];

	(void)unused;
	down(0);
	assert_true(due(5, NOON));
	state.out[0].event.players = 12;
	m.n = state.n_out;
	notify_body(&m, body, sizeof(body));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (!strstr(body, want[i]))
			fail_msg("\"%s\" is not in:\n%s", want[i], body);
	assert_null(strstr(body, "late"));
	assert_string_equal(notify_title(&m, title, sizeof(title)),
			    "[critical] hokm primary: service game is down");
	assert_non_null(strstr(notify_short(&m, text, sizeof(text)), "12 players"));
	m.now.wall_s += 36000; /* an operator has set it */
	assert_null(strstr(notify_body(&m, body, sizeof(body)), "late"));
	m.now.boot_ns += S(3600);
	assert_non_null(strstr(notify_body(&m, body, sizeof(body)), "1 h 0 min old"));
}

static void a_monitor_has_no_vip_and_no_players(void **unused)
{
	static const struct notify_who who = {"monitor", "hokm", ""};
	static char body[NOTIFY_BODY_MAX];
	struct notify_message m = {&who, state.out, 0, 0, {1700000005, START + S(5)}};
	char text[NOTIFY_SHORT_MAX];

	(void)unused;
	down(0);
	assert_true(due(5, NOON));
	m.n = state.n_out;
	notify_body(&m, body, sizeof(body));
	assert_non_null(strstr(body, "who:     monitor of hokm\n"));
	assert_null(strstr(body, "VIP"));
	assert_null(strstr(body, "players"));
	assert_null(strstr(notify_short(&m, text, sizeof(text)), "players"));
}

static void long_message_is_cut_with_words(void **unused)
{
	static const struct notify_who who = {"primary", "hokm", "192.168.1.25"};
	char body[1000];
	struct notify_message m = {&who, state.out, 0, 0, {1700000005, START + S(5)}};

	(void)unused;
	for (unsigned int i = 0; i < 20; i++)
		take("upkeep", HOKM_R_PUT_BACK, "address: put back", 0);
	assert_true(due(5, NOON));
	m.n = state.n_out;
	notify_body(&m, body, sizeof(body));
	assert_true(strlen(body) < sizeof(body));
	assert_non_null(strstr(body, "more events do not fit"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_become_events, reset),
		cmocka_unit_test_setup(a_step_of_the_wall_clock_is_no_duration, reset),
		cmocka_unit_test_setup(a_drill_that_failed_is_a_problem, reset),
		cmocka_unit_test_setup(connections_are_not_notified, reset),
		cmocka_unit_test_setup(filters, reset),
		cmocka_unit_test_setup(syns_that_nobody_answers_are_a_problem_of_their_own, reset),
		cmocka_unit_test_setup(burst_is_one_message, reset),
		cmocka_unit_test_setup(recovery_follows_only_a_problem, reset),
		cmocka_unit_test_setup(a_lost_majority_is_reported_and_its_return_too, reset),
		cmocka_unit_test_setup(problems_of_grants_end_when_a_reload_turns_grants_off,
				       reset),
		cmocka_unit_test_setup(a_member_that_takes_no_part_is_reported, reset),
		cmocka_unit_test_setup(no_recovery_when_not_wanted, reset),
		cmocka_unit_test_setup(short_trouble_is_not_told, reset),
		cmocka_unit_test_setup(critical_is_repeated_until_it_ends, reset),
		cmocka_unit_test_setup(warning_is_not_repeated, reset),
		cmocka_unit_test_setup(same_problem_again_is_no_news, reset),
		cmocka_unit_test_setup(rate_holds_and_loses_nothing, reset),
		cmocka_unit_test_setup(quiet_hours_hold_back_what_is_not_critical, reset),
		cmocka_unit_test_setup(channel_down_for_an_hour_gets_one_summary, reset),
		cmocka_unit_test_setup(lost_events_ask_for_no_message_of_their_own, reset),
		cmocka_unit_test_setup(message_that_is_out_is_not_lost, reset),
		cmocka_unit_test_setup(nothing_is_sent_while_the_channel_cannot, reset),
		cmocka_unit_test_setup(message_says_all_that_is_asked, reset),
		cmocka_unit_test_setup(a_monitor_has_no_vip_and_no_players, reset),
		cmocka_unit_test_setup(long_message_is_cut_with_words, reset),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
