/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of a node that owns (daemon/dns.h), as `hokm-xdp dns status` and `dns history` show
 * them, against the stand-ins of the providers: the circuit breaker in each of its states, the
 * pause that a provider asks for, A apart from AAAA, a history that survives, and ticks that wait
 * for nothing. Time is an argument; test_dns_node.c has what happens between two nodes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>

#include "../stub/dns_rig.h"
#include "daemon/dns.h"
#include "daemon/node.h"
#include "serve/dns_status.h"

#define S(n)       ((n)*NS_PER_S)
#define BREAKER_S  120  /* BREAKER_NS of daemon/dns.c */
#define LIMIT_S    1800 /* RETRY_S of the stand-in */
#define FOREIGN    "198.51.100.1"
#define PATIENCE_S 120 /* of one wait for a process or for the stub, in real time */

static struct dns_rig rig;
static uint64_t now_ns;

/* Node b. It owns. */
static struct conf conf;
static struct node node;
static struct dns dns;
static sd_event *loop;
static char happened[512]; /* the reasons of its events, in their order */

static void on_line(const struct event_line *line, void *arg)
{
	size_t len = strlen(happened);

	(void)arg;
	if (!strcmp(line->what, "dns"))
		snprintf(happened + len, sizeof(happened) - len, "%s ",
			 hokm_reason_name(line->reason));
}

static void open_node(void)
{
	node = (struct node){.conf = &conf, .nonce = 1};
	memset(&dns, 0, sizeof(dns));
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(events_open(loop, -1, NULL, NULL, &node.events), 0);
	assert_true(events_follow(node.events, on_line, NULL) > 0);
	assert_int_equal(dns_open(&dns, &node, false), 0);
}

static void close_node(void)
{
	dns_close(&dns);
	events_close(node.events);
	sd_event_unref(loop);
}

/* A node that has never run, at a provider that fails as `how` says. */
static void begin(enum conf_dns_provider p, bool both, const char *shape, const char *how)
{
	struct dns_request req;

	now_ns = clock_now_ns() + S(1000);
	happened[0] = '\0';
	rig_control(&rig, shape, how);
	rig_request(&rig, p, DNS_OP_WRITE, ADDR_B, &req);
	memset(&conf, 0, sizeof(conf));
	conf.dns = req.conf;
	conf.dns.timeout_ns = S(60);
	conf.dns.ttl_ns = conf.dns.verify_ns = S(300);
	rig_path(&rig, "book", conf.dns.state_file, sizeof(conf.dns.state_file));
	assert_true(!unlink(conf.dns.state_file) || errno == ENOENT);
	conf.n_nodes = 2;
	conf.self = 1;
	snprintf(conf.nodes[0].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_A);
	snprintf(conf.nodes[1].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_B);
	snprintf(conf.nodes[0].dns_address[CONF_DNS_AAAA], DNS_ADDRESS_MAX, both ? ADDR_A6 : "");
	snprintf(conf.nodes[1].dns_address[CONF_DNS_AAAA], DNS_ADDRESS_MAX, both ? ADDR_B6 : "");
	snprintf(conf.agent_user, sizeof(conf.agent_user), "%s", stub_user());
	open_node();
}

static void tick(void)
{
	const struct dns_owner o[CONF_DNS_TYPES] = {
		{.owner = true, .node = 1}, {.owner = true, .node = 1}};

	dns_tick(&dns, o, now_ns);
}

/* The other node owns now. */
static void lose(void)
{
	const struct dns_owner o[CONF_DNS_TYPES] = {{.node = 1}, {.node = 1}};

	dns_tick(&dns, o, now_ns);
}

/* Ticks until no job runs. No time passes meanwhile. */
static void settle(void)
{
	alarm(PATIENCE_S);
	for (tick(); dns_busy(&dns); tick())
		(void)poll(NULL, 0, 5);
	alarm(0);
}

static void pass(uint64_t seconds)
{
	now_ns += S(seconds);
	settle();
}

/* ---- what status says ---- */

/* A part of the status of a record. */
static json_t *field(enum conf_dns_type t, const char *key, json_t **status)
{
	json_t *list;

	*status = dns_status_json(&dns, true);
	list = json_object_get(*status, "records");
	return json_object_get(json_array_get(list, t), key);
}

static void check_word(enum conf_dns_type t, const char *key, const char *want)
{
	json_t *status;

	assert_string_equal(json_string_value(field(t, key, &status)), want);
	json_decref(status);
}

/* In how many seconds from now the next attempt is to come. */
static uint64_t next_s(void)
{
	json_t *status;
	json_int_t ms = json_integer_value(field(CONF_DNS_A, "next_ms", &status));
	uint64_t at_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS;

	json_decref(status);
	assert_true(at_ns + S(1) >= now_ns);
	return (at_ns + S(1) - now_ns) / NS_PER_S;
}

static bool history_has(const char *what, const char *text)
{
	json_t *status = dns_status_json(&dns, true), *entry;
	bool found = false;
	size_t i;

	json_array_foreach (json_object_get(status, "history"), i, entry)
		found |= !strcmp(json_string_value(json_object_get(entry, "what")), what) &&
			 strstr(json_string_value(json_object_get(entry, "text")), text);
	json_decref(status);
	return found;
}

/* Has the stub been asked since rig_control()? */
static bool is_asked(void)
{
	return !rig_unasked(&rig);
}

static bool stub_says(const char *text)
{
	return strstr(rig_state(&rig), text) != NULL;
}

/* ---- the breaker ---- */

static void fail_until_the_breaker_opens(void)
{
	settle();
	for (unsigned int i = 1; i < 5; i++) {
		check_word(CONF_DNS_A, "breaker", "closed");
		pass(70);
	}
	check_word(CONF_DNS_A, "breaker", "open");
}

static void the_breaker_is_shown_in_each_of_its_states(void **state)
{
	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "\"fail\": \"500\"");
	fail_until_the_breaker_opens();
	check_word(CONF_DNS_A, "state", "waiting");
	assert_in_range(next_s(), BREAKER_S - 1, BREAKER_S + 2);
	/* Nobody is asked while it is open. */
	rig_control(&rig, "one", "\"fail\": \"500\"");
	pass(BREAKER_S - 1);
	assert_false(is_asked());
	now_ns += S(2);
	tick();
	check_word(CONF_DNS_A, "breaker", "half-open");
	settle();
	check_word(CONF_DNS_A, "breaker", "open");
	rig_control(&rig, "one", "");
	pass(BREAKER_S + 1);
	check_word(CONF_DNS_A, "breaker", "closed");
	check_word(CONF_DNS_A, "state", "right");
	close_node();
}

/* ---- what the provider asks for ---- */

/* Cloudflare says it with Retry-After, DigitalOcean with ratelimit-reset. */
static void no_request_comes_before_the_provider_allows_it(void **state)
{
	static const enum conf_dns_provider list[] = {CONF_DNS_CLOUDFLARE, CONF_DNS_DIGITALOCEAN};

	(void)state;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		begin(list[i], false, "one", "\"fail\": \"429\"");
		settle();
		check_word(CONF_DNS_A, "result", "limited");
		assert_in_range(next_s(), LIMIT_S - 60, LIMIT_S + 2);
		rig_control(&rig, "one", "");
		pass(LIMIT_S - 60);
		assert_false(is_asked());
		pass(61);
		check_word(CONF_DNS_A, "result", "changed");
		assert_true(stub_says("\"A\": [\"" ADDR_B "\"]"));
		close_node();
	}
}

static void the_interval_between_two_changes_is_shown(void **state)
{
	char error[96];

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "");
	conf.dns.min_interval_ns = S(500);
	close_node();
	open_node();
	settle();
	check_word(CONF_DNS_A, "result", "changed");
	/* An order of the operator waits for nothing. */
	assert_non_null(dns_order_set(&dns, FOREIGN, false, error, sizeof(error)));
	settle();
	assert_true(stub_says("\"A\": [\"" FOREIGN "\"]"));
	/* Another owner, and back. */
	lose();
	rig_control(&rig, "one", "");
	tick();
	assert_in_range(next_s(), 490, 502);
	pass(480);
	assert_false(is_asked());
	pass(21);
	assert_true(is_asked());
	close_node();
}

/* ---- A and AAAA ---- */

/* The record of type A has a stranger's address. */
static void a_refusal_of_one_type_does_not_hold_up_the_other(void **state)
{
	(void)state;
	begin(CONF_DNS_CLOUDFLARE, true, "foreign", "");
	settle();
	check_word(CONF_DNS_A, "state", "refused");
	check_word(CONF_DNS_AAAA, "state", "right");
	check_word(CONF_DNS_AAAA, "result", "changed");
	assert_true(stub_says("\"A\": [\"" FOREIGN "\"], \"AAAA\": [\"" ADDR_B6 "\"]"));
	assert_true(stub_says("\"untouched\": true"));
	close_node();
}

static void an_order_for_one_type_leaves_the_other_alone(void **state)
{
	char error[96];

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, true, "one", "");
	settle();
	assert_true(stub_says("\"A\": [\"" ADDR_B "\"], \"AAAA\": [\"" ADDR_B6 "\"]"));
	assert_non_null(dns_order_set(&dns, "2001:db8::99", false, error, sizeof(error)));
	settle();
	assert_true(stub_says("\"A\": [\"" ADDR_B "\"], \"AAAA\": [\"2001:db8::99\"]"));
	check_word(CONF_DNS_A, "held", "");
	check_word(CONF_DNS_AAAA, "held", "2001:db8::99");
	close_node();
}

/*
 * The second order comes after the change at the provider and before the word of the job about it.
 */
static void an_order_takes_back_what_nobody_has_reported(void **state)
{
	char error[96];

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "");
	settle();
	assert_non_null(dns_order_set(&dns, FOREIGN, false, error, sizeof(error)));
	alarm(PATIENCE_S);
	for (tick(); dns.line[CONF_DNS_A].far != DNS_ASK; tick())
		(void)poll(NULL, 0, 5);
	while (!stub_says("\"A\": [\"" FOREIGN "\"]"))
		(void)poll(NULL, 0, 5);
	alarm(0);
	assert_non_null(dns_order_start(&dns));
	close_node();
	/* Nor does a restart make it foreign, or a change back that fails. */
	open_node();
	rig_control(&rig, "foreign", "\"fail\": \"500\", \"on\": \"PATCH\"");
	settle();
	check_word(CONF_DNS_A, "result", "failed");
	rig_control(&rig, "foreign", "");
	pass(70);
	check_word(CONF_DNS_A, "result", "changed");
	assert_true(stub_says("\"A\": [\"" ADDR_B "\"]"));
	close_node();
}

/* ---- the history ---- */

static void the_history_survives_the_daemon(void **state)
{
	char error[96];

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "");
	settle();
	assert_non_null(dns_order_set(&dns, FOREIGN, false, error, sizeof(error)));
	settle();
	close_node();
	open_node();
	assert_true(history_has("changed", ADDR_A " is replaced by " ADDR_B));
	assert_true(history_has("set", FOREIGN));
	assert_true(history_has("changed", ADDR_B " is replaced by " FOREIGN));
	close_node();
}

/* The file of a node that does not run gets another value: in all its records, or in the book. */
static void edit_book(const char *key, json_t *value)
{
	json_t *book = json_load_file(conf.dns.state_file, 0, NULL), *types, *o;
	const char *type;

	assert_non_null(book);
	types = json_object_get(book, "types");
	json_object_foreach (types, type, o)
		if (json_object_get(o, key))
			json_object_set(o, key, value);
	if (json_object_get(book, key))
		json_object_set(book, key, value);
	json_decref(value);
	assert_int_equal(json_dump_file(book, conf.dns.state_file, 0), 0);
	json_decref(book);
}

/* A step of the wall clock shortens no interval in the boot of the change. */
static void the_interval_holds_over_a_restart(void **state)
{
	const uint64_t interval = S(3600);

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "");
	conf.dns.min_interval_ns = interval;
	settle();
	close_node();
	/* The clock was set forward by years. */
	edit_book("changed_s", json_integer(1));
	open_node();
	/* The change was at now_ns, which is the time of the test and ahead of the clock. */
	assert_in_range(dns.line[CONF_DNS_A].when.change_ns, clock_now_ns() + interval - S(60),
			clock_now_ns() + interval);
	close_node();
	/* The same file after a boot: only the wall clock is left. */
	edit_book("boot_id", json_string("another boot"));
	open_node();
	assert_int_equal(dns.line[CONF_DNS_A].when.change_ns, 0);
	close_node();
}

/* ---- events ---- */

static void a_trouble_is_reported_once_and_so_is_its_end(void **state)
{
	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "one", "\"fail\": \"500\"");
	settle();
	pass(2);
	pass(3);
	assert_string_equal(happened, "dns-failed ");
	rig_control(&rig, "one", "");
	pass(70);
	assert_string_equal(happened, "dns-failed dns-changed ");
	pass(301);
	assert_string_equal(happened, "dns-failed dns-changed ");
	close_node();
}

/* The record was corrected by hand while the daemon did not run. */
static void a_restart_does_not_leave_a_trouble_without_end(void **state)
{
	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "foreign", "");
	settle();
	assert_string_equal(happened, "dns-refused ");
	close_node();
	open_node();
	rig_control(&rig, "one", "");
	snprintf(conf.nodes[1].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_A);
	settle();
	check_word(CONF_DNS_A, "result", "same");
	assert_string_equal(happened, "dns-refused dns-changed ");
	close_node();
	open_node();
	settle();
	assert_string_equal(happened, "dns-refused dns-changed ");
	close_node();
}

static void a_trouble_ends_with_the_writing(void **state)
{
	(void)state;
	begin(CONF_DNS_CLOUDFLARE, false, "foreign", "");
	settle();
	lose();
	lose();
	assert_string_equal(happened, "dns-refused dns-left ");
	settle();
	assert_string_equal(happened, "dns-refused dns-left dns-refused ");
	assert_non_null(dns_order_stop(&dns));
	settle();
	assert_string_equal(happened, "dns-refused dns-left dns-refused dns-left ");
	assert_true(history_has("left", "does not write it any more"));
	close_node();
}

/* ---- the thread of the adverts ---- */

static long waits_so_far(void)
{
	struct rusage used;

	assert_int_equal(getrusage(RUSAGE_THREAD, &used), 0);
	return used.ru_nvcsw;
}

/*
 * A thread that waits gives the processor away by itself, which the kernel counts. That is so on
 * a machine with other work too, where times say little.
 */
static void a_tick_waits_for_nothing_while_the_provider_is_unresponsive(void **state)
{
	unsigned int ticks = 0;
	long waits = 0;

	(void)state;
	begin(CONF_DNS_CLOUDFLARE, true, "one", "\"fail\": \"timeout\"");
	alarm(PATIENCE_S);
	for (unsigned int n = 0; n < 200; n += is_asked(), ticks++) {
		long before = waits_so_far();

		tick();
		waits += waits_so_far() - before;
		check_word(CONF_DNS_A, "state", "running");
		(void)poll(NULL, 0, 1);
	}
	alarm(0);
	/* To start a job may wait for memory. */
	assert_in_range(waits, 0, ticks / 20);
	close_node();
}

static int start(void **state)
{
	(void)state;
	return rig_start(&rig) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_breaker_is_shown_in_each_of_its_states),
		cmocka_unit_test(no_request_comes_before_the_provider_allows_it),
		cmocka_unit_test(the_interval_between_two_changes_is_shown),
		cmocka_unit_test(a_refusal_of_one_type_does_not_hold_up_the_other),
		cmocka_unit_test(an_order_for_one_type_leaves_the_other_alone),
		cmocka_unit_test(an_order_takes_back_what_nobody_has_reported),
		cmocka_unit_test(the_history_survives_the_daemon),
		cmocka_unit_test(the_interval_holds_over_a_restart),
		cmocka_unit_test(a_trouble_is_reported_once_and_so_is_its_end),
		cmocka_unit_test(a_restart_does_not_leave_a_trouble_without_end),
		cmocka_unit_test(a_trouble_ends_with_the_writing),
		cmocka_unit_test(a_tick_waits_for_nothing_while_the_provider_is_unresponsive),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return dns_job_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
