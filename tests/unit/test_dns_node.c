/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS failover as a node runs it (daemon/dns.h), with real jobs and the stand-in of Cloudflare, in
 * some tests that of DigitalOcean's reserved IPs, whose changes take a moment: a job that is killed
 * anywhere, two owners, a restart before the first write, an unresponsive provider. Time is an
 * argument, so that hours pass between two ticks.
 *
 * A run kills a job at some of its system calls (cut_seed()), with HOKM_CUT_EVERY=1 at each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <systemd/sd-event.h>

#include "../stub/dns_rig.h"
#include "agent/messages.h"
#include "cut_rig.h"
#include "daemon/dns.h"
#include "daemon/node.h"
#include "decide/notify.h"
#include "serve/dns_status.h"

#define S(n)       ((n)*NS_PER_S)
#define VERIFY_S   300
#define PATIENCE_S 120 /* of one wait for a process or for the stub, in real time */

#ifdef __SANITIZE_ADDRESS__
#define SAMPLES 1
#else
#define SAMPLES 4
#endif

static struct dns_rig rig;
static uint64_t now_ns;
static bool floating; /* a reserved IP in place of a record */
static bool a_left;   /* machine a is no node of the group any more */

/* ---- nodes ---- */

struct side {
	struct conf conf;
	struct node node;
	struct dns dns;
	struct dns_owner owner;
	sd_event *loop;
	unsigned int contested, held; /* events */
	struct notify_event alarm;
};

static struct side a, b;

static void on_line(const struct event_line *line, void *arg)
{
	struct side *s = arg;

	if (strcmp(line->what, "dns") != 0 ||
	    (line->reason != HOKM_R_DNS_CONTESTED && line->reason != HOKM_R_OPERATOR))
		return;
	s->contested += line->reason == HOKM_R_DNS_CONTESTED;
	s->held += line->reason == HOKM_R_OPERATOR;
	assert_true(notify_event_from(line->what, line->reason, line->text, &s->alarm));
}

static void make_request(enum dns_op op, struct dns_request *req)
{
	if (floating)
		rig_floating(&rig, CONF_DNS_DIGITALOCEAN_IP, op, 'b', req);
	else
		rig_request(&rig, CONF_DNS_CLOUDFLARE, op, ADDR_B, req);
}

/* What the record has when it names this node, 'a' or 'b'. */
static const char *value_of(char which)
{
	if (floating)
		return rig_machine(CONF_DNS_DIGITALOCEAN_IP, which);
	return which == 'a' ? ADDR_A : ADDR_B;
}

static struct dns_line *line_of(struct side *s)
{
	return &s->dns.line[CONF_DNS_A];
}

static void side_open(struct side *s, unsigned int self)
{
	struct conf *c = &s->conf;
	struct dns_request req;

	memset(s, 0, sizeof(*s));
	make_request(DNS_OP_WRITE, &req);
	c->dns = req.conf;
	c->dns.credentials[0] = '\0'; /* $CREDENTIALS_DIRECTORY */
	c->dns.ttl_ns = S(300);
	c->dns.timeout_ns = S(60);
	c->dns.failback_ns = S(30);
	c->dns.verify_ns = S(VERIFY_S);
	c->n_nodes = 2;
	c->self = self;
	snprintf(c->nodes[0].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_A);
	snprintf(c->nodes[1].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_B);
	for (unsigned int i = 0; i < c->n_nodes; i++)
		snprintf(c->nodes[i].cloud_id, DNS_ADDRESS_MAX, "%s",
			 rig_machine(CONF_DNS_DIGITALOCEAN_IP, (char)('a' + i)));
	if (a_left)
		snprintf(c->nodes[0].cloud_id, DNS_ADDRESS_MAX, "3164499");
	snprintf(c->dns.state_file, sizeof(c->dns.state_file), "%s/%c.dns", rig.folder, 'a' + self);
	snprintf(c->agent_user, sizeof(c->agent_user), "%s", stub_user());
	s->node = (struct node){.conf = c, .nonce = 1 + self};
	assert_int_equal(sd_event_new(&s->loop), 0);
	assert_int_equal(events_open(s->loop, -1, NULL, NULL, &s->node.events), 0);
	assert_true(events_follow(s->node.events, on_line, s) > 0);
	assert_int_equal(dns_open(&s->dns, &s->node, false), 0);
}

static void side_close(struct side *s)
{
	dns_close(&s->dns);
	events_close(s->node.events);
	sd_event_unref(s->loop);
}

/* As if the node had never run. */
static void forget(const struct side *s)
{
	assert_true(!unlink(s->conf.dns.state_file) || errno == ENOENT);
}

static void tick(struct side *s)
{
	struct dns_owner o[CONF_DNS_TYPES];

	for (unsigned int type = 0; type < CONF_DNS_TYPES; type++) {
		o[type] = s->owner;
		o[type].node = s->conf.self;
	}
	dns_tick(&s->dns, o, now_ns);
}

/* Ticks until no job runs. No time passes meanwhile. */
static void settle(struct side *s)
{
	alarm(PATIENCE_S);
	for (tick(s); line_of(s)->pid > 0; tick(s)) {
		struct pollfd p = {.fd = line_of(s)->fd, .events = POLLIN};

		poll(&p, 1, 5);
	}
	alarm(0);
}

static void pass(struct side *s, uint64_t seconds)
{
	now_ns += S(seconds);
	settle(s);
}

static bool is_state(struct side *s, enum dns_state state)
{
	return line_of(s)->when.state == state;
}

static void begin(const char *how)
{
	now_ns = S(100000);
	rig_control(&rig, "one", how);
}

/* ---- what the stub has ---- */

static bool stub_says(const char *text)
{
	return strstr(rig_state(&rig), text) != NULL;
}

/* What was sent has had its effect when all connections are closed. */
static void await_stub(void)
{
	alarm(PATIENCE_S);
	while (!stub_says("\"open\": 0"))
		poll(NULL, 0, 5);
	alarm(0);
}

/* Does it name this node? */
static bool record_is(char which)
{
	char text[96];

	await_stub();
	/* A stub that was not asked since rig_control() reports what was before. */
	if (rig_unasked(&rig))
		return which == 'a';
	if (floating)
		snprintf(text, sizeof(text), "\"holder\": \"%c\"", which);
	else
		snprintf(text, sizeof(text), "\"A\": [\"%s\"]", value_of(which));
	return stub_says(text);
}

static bool changes_are(unsigned int n)
{
	char text[32];

	snprintf(text, sizeof(text), "\"changes\": %u,", n);
	return rig_unasked(&rig) ? n == 0 : stub_says(text);
}

/* ---- a job that is killed ---- */

static bool status_has(const struct side *s, const char *text)
{
	json_t *json = dns_status_json(&s->dns, false);
	char *words = json_dumps(json, JSON_COMPACT);
	bool found = words && strstr(words, text);

	free(words);
	json_decref(json);
	return found;
}

/* After its death the record has the old or the new address, and status says what is known. */
static void check_death(bool changed)
{
	char either[96];

	snprintf(either, sizeof(either), "the record has the old value or %s", value_of('b'));
	assert_true(record_is(changed ? 'b' : 'a'));
	assert_true(changes_are(changed));
	assert_true(status_has(&b, "\"state\":\"waiting\""));
	if (status_has(&b, "it had not changed the record"))
		assert_false(changed);
	else if (status_has(&b, "the provider had accepted the change"))
		assert_true(changed);
	else
		assert_true(status_has(&b, either));
}

/* The next job reads the record, and writes only what is missing. */
static void check_repair(bool changed)
{
	char record[96];

	assert_true(record_is('b'));
	assert_true(changes_are(1));
	assert_true(is_state(&b, DNS_RIGHT));
	assert_true(status_has(&b, "\"state\":\"right\""));
	assert_true(status_has(&b, changed ? "\"result\":\"same\"" : "\"result\":\"changed\""));
	snprintf(record, sizeof(record), "\"record\":[\"%s\"]", value_of('b'));
	assert_true(status_has(&b, record) || !changed);
}

/* A node becomes owner, and its job is killed at this call, after this number of messages. */
static void write_and_die(unsigned int sends, unsigned int at)
{
	struct cut_ran ran;
	bool changed;

	begin("");
	side_open(&b, 1);
	b.owner.owner = true;
	cut_order(rig.folder, sends, at);
	settle(&b);
	cut_off(rig.folder);
	changed = record_is('b');
	/* The timing of TLS makes a few calls more or less: it may have been done before. */
	if (cut_report(rig.folder, &ran) && ran.killed) {
		check_death(changed);
		pass(&b, 2);
		check_repair(changed);
	} else {
		check_repair(false);
	}
	assert_false(cut_met(rig.folder));
	side_close(&b);
	forget(&b);
}

/* A job that is not killed. */
static void write_whole(struct cut_ran *ran)
{
	struct dns_request req;
	struct dns_reply r;

	begin("");
	make_request(DNS_OP_WRITE, &req);
	cut_order(rig.folder, 0, 0);
	assert_int_equal(dns_job_run(stub_user(), &req, true, &r), 0);
	cut_off(rig.folder);
	assert_int_equal(r.result, DNS_CHANGED);
	assert_true(cut_report(rig.folder, ran));
}

static void kill_everywhere(const unsigned int samples[3])
{
	/* It asks whether it may change the record, says that this is accepted, and ends. */
	bool all = getenv("HOKM_CUT_EVERY") != NULL;
	unsigned int seed = cut_seed(), step;
	struct cut_ran ran;

	write_whole(&ran);
	for (unsigned int sends = 0; sends < 3; sends++) {
		assert_in_range(ran.calls[sends], 5, 5000);
		step = all ? 1 : ran.calls[sends] / samples[sends] + 1;
		for (unsigned int at = 1 + seed % step; at <= ran.calls[sends]; at += step)
			write_and_die(sends, at);
	}
}

static void a_job_may_be_killed_anywhere(void **state)
{
	static const unsigned int samples[] = {SAMPLES, 2 * SAMPLES, SAMPLES};

	(void)state;
	kill_everywhere(samples);
}

static void a_job_that_moves_an_address_may_be_killed_anywhere(void **state)
{
	static const unsigned int samples[] = {1, SAMPLES, SAMPLES};

	(void)state;
	floating = true;
	kill_everywhere(samples);
	floating = false;
}

static void a_job_has_no_rights(void **state)
{
	struct cut_ran ran;

	(void)state;
	write_whole(&ran);
	assert_int_not_equal(ran.uid, 0);
	assert_int_equal(ran.caps, 0);
	assert_int_equal(ran.seccomp, 2); /* SECCOMP_MODE_FILTER */
}

/* A job that was killed is gone before the next one starts. */
static void an_owner_that_comes_and_goes_has_one_writer(void **state)
{
	pid_t last = 0;

	(void)state;
	begin("");
	side_open(&b, 1);
	for (unsigned int i = 0; i < 12; i++) {
		b.owner.owner = true;
		tick(&b);
		if (last && line_of(&b)->pid != last)
			assert_int_equal(kill(last, 0), -1);
		last = line_of(&b)->pid;
		poll(NULL, 0, (int)(5 * i));
		b.owner.owner = false;
		tick(&b);
	}
	b.owner.owner = true;
	settle(&b);
	settle(&b);
	assert_true(is_state(&b, DNS_RIGHT));
	assert_true(record_is('b'));
	assert_false(cut_met(rig.folder));
	side_close(&b);
	forget(&b);
}

/* ---- two owners ---- */

static void two_owners_change_the_record_once_and_say_so(void **state)
{
	(void)state;
	begin("");
	side_open(&a, 0);
	side_open(&b, 1);
	a.owner.owner = true;
	settle(&a);
	assert_true(is_state(&a, DNS_RIGHT));
	a.owner.serves = true;
	pass(&a, VERIFY_S + 1);
	/* Neither hears the other. */
	a.owner.serves = false;
	tick(&a);
	b.owner.owner = true;
	settle(&b);
	assert_true(record_is('b'));
	assert_string_equal(line_of(&b)->hosts.value[0], "127.0.0.1");
	/* The alarm does not wait for dns.verify. */
	pass(&a, 6);
	assert_int_equal(a.contested, 1);
	for (unsigned int i = 0; i < 3; i++) {
		pass(&a, VERIFY_S + 1);
		settle(&b);
		assert_true(is_state(&a, DNS_CONTESTED));
		assert_true(is_state(&b, DNS_RIGHT));
	}
	assert_true(record_is('b'));
	assert_true(changes_are(1));
	assert_int_equal(a.contested, 1);
	assert_int_equal(b.contested, 0);
	assert_int_equal(a.alarm.severity, NOTIFY_CRITICAL);
	assert_non_null(strstr(a.alarm.text, "another node's address"));
	assert_non_null(strstr(notify_advice(&a.alarm), "hokm-xdp dns start"));
	/* They hear each other again, and one of them owns. */
	b.owner.owner = false;
	a.owner.serves = a.owner.sole = true;
	settle(&b);
	settle(&a);
	pass(&a, 31);
	assert_true(record_is('a'));
	assert_true(changes_are(2));
	side_close(&a);
	side_close(&b);
	forget(&a);
	forget(&b);
}

/* The former owner is dead, and its last change comes after the first one of this owner. */
static void a_late_write_is_written_over(void **state)
{
	(void)state;
	begin("\"fail\": \"ignored\", \"on\": \"PATCH\"");
	side_open(&b, 1);
	b.owner.owner = true;
	settle(&b);
	assert_true(is_state(&b, DNS_CONTESTED));
	begin("");
	pass(&b, 60);
	assert_true(is_state(&b, DNS_CONTESTED));
	b.owner.sole = true;
	pass(&b, 1);
	pass(&b, 5);
	assert_true(is_state(&b, DNS_RIGHT));
	assert_true(record_is('b'));
	assert_int_equal(b.contested, 1);
	side_close(&b);
	forget(&b);
}

/* ---- a restart ---- */

static void a_restart_before_the_first_write_writes(void **state)
{
	(void)state;
	begin("");
	side_open(&a, 0);
	a.owner.owner = true;
	settle(&a);
	a.owner.owner = false;
	settle(&a);
	side_open(&b, 1);
	b.owner.owner = true;
	settle(&b);
	assert_true(record_is('b'));
	side_close(&b);
	forget(&b);
	/* It owns again, and ends before it has written. */
	a.owner = (struct dns_owner){.owner = true, .serves = true};
	tick(&a);
	assert_int_equal(line_of(&a)->pid, 0);
	side_close(&a);
	side_open(&a, 0);
	a.owner = (struct dns_owner){.owner = true, .adopted = true};
	settle(&a);
	assert_true(is_state(&a, DNS_RIGHT));
	assert_true(record_is('a'));
	assert_true(changes_are(2));
	side_close(&a);
	forget(&a);
}

/* ---- orders ---- */

/* What `set` holds is written after a restart too, but not without a word. */
static void a_machine_that_has_left_is_not_held_in_silence(void **state)
{
	char error[96];

	(void)state;
	floating = true;
	begin("");
	side_open(&b, 1);
	assert_non_null(dns_order_set(&b.dns, value_of('a'), false, error, sizeof(error)));
	b.owner.owner = true;
	settle(&b);
	assert_true(record_is('a'));
	assert_true(status_has(&b, "\"held_by_no_node\":false"));
	side_close(&b);
	a_left = true;
	side_open(&b, 1);
	settle(&b);
	assert_int_equal(b.held, 1);
	assert_int_equal(b.alarm.severity, NOTIFY_WARNING);
	assert_non_null(strstr(b.alarm.text, value_of('a')));
	assert_non_null(strstr(notify_advice(&b.alarm), "hokm-xdp dns start"));
	assert_true(status_has(&b, "\"held_by_no_node\":true"));
	assert_null(dns_order_set(&b.dns, value_of('a'), false, error, sizeof(error)));
	a_left = floating = false;
	side_close(&b);
	forget(&b);
}

/* Also after a restart, and by an owner that has just become one. */
static void a_record_is_left_alone_after_stop(void **state)
{
	(void)state;
	begin("");
	side_open(&b, 1);
	assert_non_null(dns_order_stop(&b.dns));
	for (unsigned int i = 0; i < 2; i++) {
		b.owner.owner = true;
		pass(&b, VERIFY_S + 1);
		assert_int_equal(line_of(&b)->pid, 0);
		assert_true(status_has(&b, "\"state\":\"stopped\""));
		side_close(&b);
		side_open(&b, 1);
	}
	b.owner.owner = true;
	assert_non_null(dns_order_start(&b.dns));
	settle(&b);
	assert_true(record_is('b'));
	side_close(&b);
	forget(&b);
}

/* ---- an unresponsive provider ---- */

static void an_unresponsive_provider_delays_no_tick(void **state)
{
	uint64_t longest_ns = 0;

	(void)state;
	begin("\"fail\": \"timeout\"");
	side_open(&b, 1);
	b.owner.owner = true;
	alarm(PATIENCE_S);
	for (unsigned int n = 0; n < 100; n += !rig_unasked(&rig)) {
		uint64_t begin_ns = clock_now_ns();

		tick(&b);
		begin_ns = clock_now_ns() - begin_ns;
		longest_ns = begin_ns > longest_ns ? begin_ns : longest_ns;
		assert_true(is_state(&b, DNS_RUNNING));
		poll(NULL, 0, 2);
	}
	alarm(0);
	/* A request may take a minute. */
	assert_true(longest_ns < S(5));
	side_close(&b);
	forget(&b);
}

static int start(void **state)
{
	(void)state;
	if (!rig_start(&rig))
		return -1;
	rig_write(&rig, "hokm-dns", SECRETS, 0400);
	return setenv("CREDENTIALS_DIRECTORY", rig.folder, 1);
}

static int stop(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

static int job(int argc, char **argv)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder)
		cut_enter(folder);
	if (folder && cut_wanted(folder))
		cut_run(folder, AGENT_FD, dns_job_main, argc, argv);
	return dns_job_main(argc, argv);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_may_be_killed_anywhere),
		cmocka_unit_test(a_job_that_moves_an_address_may_be_killed_anywhere),
		cmocka_unit_test(a_job_has_no_rights),
		cmocka_unit_test(an_owner_that_comes_and_goes_has_one_writer),
		cmocka_unit_test(two_owners_change_the_record_once_and_say_so),
		cmocka_unit_test(a_late_write_is_written_over),
		cmocka_unit_test(a_restart_before_the_first_write_writes),
		cmocka_unit_test(a_machine_that_has_left_is_not_held_in_silence),
		cmocka_unit_test(a_record_is_left_alone_after_stop),
		cmocka_unit_test(an_unresponsive_provider_delays_no_tick),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return job(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
