/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notifier at work: a channel whose server is away or unresponsive blocks nothing, fills no
 * memory, and gets one message when the server is back; what the notifier keeps on disk. The rules
 * alone are in test_notify.c. Servers are sockets of this process, and time is an argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "../stub/stub.h"
#include "agent/notifier.h"
#include "agent/notify_store.h"

#define S(n)       ((n)*NS_PER_S)
#define START      S(100000)
#define PATIENCE_S 60 /* a function that waits for a server ends the test */

static const struct notify_who who = {"primary", "hokm", "192.168.1.25"};

/* ---- servers ---- */

/* Answers each POST with "ok", one at a time. */
struct server {
	int listener, fd;
	uint16_t port;
	bool keep; /* the connection, after an answer */
	unsigned int messages, accepted;
	size_t len;
	char request[2 * NOTIFY_BODY_MAX];
};

/* Nothing is accepted before serve(): until then clients connect, send, and hear nothing. */
static void server_listen(struct server *s)
{
	assert_int_equal(listen(s->listener, 8), 0);
}

/* Connections are refused until server_listen(). */
static void server_open(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->port = stub_dead_port(&s->listener);
	assert_true(s->port);
	assert_int_equal(fcntl(s->listener, F_SETFL, O_NONBLOCK), 0);
}

static void server_close(struct server *s)
{
	if (s->fd >= 0)
		close(s->fd);
	close(s->listener);
}

static bool is_whole(const struct server *s)
{
	const char *body = strstr(s->request, "\r\n\r\n");
	const char *length = strstr(s->request, "Content-Length: ");

	return body && length &&
	       strlen(body + 4) >= strtoul(length + strlen("Content-Length: "), NULL, 10);
}

static void server_hang_up(struct server *s)
{
	close(s->fd);
	s->fd = -1;
}

/* Does what can be done without waiting. */
static void serve(struct server *s)
{
	static const char last[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
	static const char kept[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const char *answer = s->keep ? kept : last;
	ssize_t n;

	if (s->fd < 0) {
		s->fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		s->len = 0;
		s->accepted += s->fd >= 0;
	}
	n = s->fd < 0 ? 0 : read(s->fd, s->request + s->len, sizeof(s->request) - 1 - s->len);
	if (n <= 0)
		return;
	s->len += (size_t)n;
	s->request[s->len] = '\0';
	if (!is_whole(s))
		return;
	assert_int_equal(write(s->fd, answer, strlen(answer)), strlen(answer));
	s->len = 0;
	s->messages++;
	if (!s->keep)
		server_hang_up(s);
}

/* ---- channels ---- */

static struct engine engine;
static unsigned int reported; /* events in messages to the other channel, dropped ones included */

static void channel_of(struct conf_notify *c, const char *name, enum conf_notify_type type,
		       uint16_t port)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->type = type;
	snprintf(c->endpoint, sizeof(c->endpoint), "%s://127.0.0.1:%u",
		 type == NOTIFY_EMAIL ? "smtp" : "http", port);
	/* The URL of Slack is its credential. */
	memcpy(c->credential, c->endpoint, sizeof(c->credential));
	snprintf(c->from, sizeof(c->from), "hokm@example.org");
	snprintf(c->to, sizeof(c->to), "ops@example.org");
	c->timeout_ns = S(3600);
	c->rules = (struct notify_conf){.kinds = ~0u, .per_hour = 3600, .recovery = true};
}

static void count_reported(const struct channel *c, const struct delivery *d, void *arg)
{
	(void)arg;
	if (d->result == DELIVER_OK && !strcmp(c->conf.name, "other"))
		reported += c->state.n_out + c->state.out_dropped;
}

static void take_event(uint64_t now_ns)
{
	struct notify_event e;

	assert_true(notify_event_from("upkeep", HOKM_R_PUT_BACK, "address: put back", &e));
	e.at = (struct notify_time){1700000000, now_ns};
	engine_take(&engine, &e, now_ns);
	for (unsigned int i = 0; i < engine.n; i++)
		assert_in_range(engine.channels[i].state.n_waiting + engine.channels[i].state.n_out,
				0, NOTIFY_ITEMS_MAX);
}

static void turn(struct server *s, uint64_t now_ns)
{
	engine_run(&engine, now_ns);
	serve(s);
	curl_multi_poll(engine.multi, NULL, 0, 1, NULL);
}

/* Turns until a delivery has ended; alarm() ends a test in which it never does. */
static void finish(const struct channel *c, struct server *s, uint64_t now_ns)
{
	for (engine_run(&engine, now_ns); c->delivery; serve(s))
		turn(s, now_ns);
}

static int begin(void **state)
{
	(void)state;
	reported = 0;
	alarm(PATIENCE_S);
	return engine_open(&engine, count_reported, NULL);
}

static int end(void **state)
{
	(void)state;
	engine_close(&engine);
	alarm(0);
	return 0;
}

/* ---- a server that is away ---- */

static void an_hour_without_slack_ends_in_one_message(void **state)
{
	struct conf_notify list[2];
	struct server slack, other;
	const struct channel *c;
	uint64_t now_ns = START;
	size_t heap = 0;

	(void)state;
	server_open(&slack);
	server_open(&other);
	server_listen(&other);
	channel_of(&list[0], "chat", NOTIFY_SLACK, slack.port);
	channel_of(&list[1], "other", NOTIFY_WEBHOOK, other.port);
	list[1].rules.group_ns = S(300);
	engine_configure(&engine, &who, list, 2);
	c = engine.channels;
	for (unsigned int s = 0; s < 3600; s++, now_ns += S(1)) {
		take_event(now_ns);
		finish(&c[0], &other, now_ns);
		finish(&c[1], &other, now_ns);
		if (s == 2400)
			heap = mallinfo2().uordblks;
	}
	/* By then libcurl has what it keeps. The message of an attempt is longer than 16 KiB. */
	assert_in_range(mallinfo2().uordblks, 0, heap + 16384);
	assert_string_equal(engine_circuit(c, c->try_ns - 1), "open");
	/* 1 s, 2 s, 4 s ... 256 s, then 300 s to 375 s. */
	assert_in_range(c->failed, 15, 22);
	assert_int_equal(c->delivered, 0);
	assert_int_equal(c->state.n_waiting, NOTIFY_ITEMS_MAX);
	/* The other channel was delayed by nothing. */
	assert_in_range(reported, 3300, 3600);

	server_listen(&slack);
	now_ns = c->try_ns;
	finish(c, &slack, now_ns);
	for (unsigned int s = 0; s < 7200; s += 60)
		finish(c, &slack, now_ns + S(s));
	assert_int_equal(slack.messages, 1);
	assert_int_equal(c->delivered, 1);
	assert_non_null(strstr(slack.request, "3536 earlier events were dropped"));
	server_close(&slack);
	server_close(&other);
}

static void messages_of_a_channel_share_a_connection(void **state)
{
	struct server chat;
	struct conf_notify conf;
	const struct channel *c;
	uint64_t now_ns = START;

	(void)state;
	server_open(&chat);
	server_listen(&chat);
	chat.keep = true;
	channel_of(&conf, "chat", NOTIFY_SLACK, chat.port);
	engine_configure(&engine, &who, &conf, 1);
	c = engine.channels;
	for (unsigned int i = 1; i <= 6; i++, now_ns += S(1)) {
		take_event(now_ns);
		finish(c, &chat, now_ns);
		assert_int_equal(c->delivered, i);
		assert_int_equal(chat.messages, i);
		assert_int_equal(chat.accepted, i <= 3 ? 1 : i - 2);
		/* The server ends connections that are idle: that is no failure. */
		if (i >= 3)
			server_hang_up(&chat);
	}
	assert_int_equal(c->failed, 0);
	server_close(&chat);
}

/* ---- a server that is unresponsive ---- */

static void unresponsive(enum conf_notify_type type)
{
	struct conf_notify list[2];
	struct server silent, other;

	server_open(&silent);
	server_listen(&silent);
	server_open(&other);
	server_listen(&other);
	channel_of(&list[0], "silent", type, silent.port);
	channel_of(&list[1], "other", NOTIFY_WEBHOOK, other.port);
	engine_configure(&engine, &who, list, 2);
	for (unsigned int i = 1; i <= 3; i++) {
		take_event(START + S(i));
		while (other.messages < i)
			turn(&other, START + S(i));
		assert_non_null(engine.channels[0].delivery);
	}
	for (unsigned int i = 0; i < 2 * NOTIFY_ITEMS_MAX; i++)
		take_event(START + S(10));
	assert_int_equal(engine.channels[0].state.dropped, 2 + NOTIFY_ITEMS_MAX + 1);
	engine_close(&engine); /* nor does it wait now */
	server_close(&silent);
	server_close(&other);
}

static void an_unresponsive_slack_holds_up_nobody(void **state)
{
	(void)state;
	unresponsive(NOTIFY_SLACK);
}

static void an_unresponsive_mail_server_holds_up_nobody(void **state)
{
	(void)state;
	unresponsive(NOTIFY_EMAIL);
}

/* ---- on disk ---- */

static char folder[] = "/tmp/hokm-notify-XXXXXX";

static int open_folder(void)
{
	memcpy(folder, "/tmp/hokm-notify-XXXXXX", sizeof(folder));
	assert_non_null(mkdtemp(folder));
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_folder(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/usr/bin/rm", "rm", "-rf", "--", folder, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void one_channel(unsigned int per_hour)
{
	struct conf_notify c;

	channel_of(&c, "chat", NOTIFY_SLACK, 1);
	c.rules.per_hour = per_hour;
	engine_configure(&engine, &who, &c, 1);
}

static bool is_due(uint64_t now_ns)
{
	struct channel *c = engine.channels;
	bool due = notify_due(&c->state, &c->conf.rules, now_ns, 0, true);

	if (due)
		notify_failed(&c->state);
	return due;
}

static void a_restart_sends_no_second_burst(void **state)
{
	const uint64_t now_ns = clock_now_ns();
	struct channel *c;
	int dir = open_folder();

	(void)state;
	one_channel(2);
	c = engine.channels;
	for (unsigned int i = 0; i < 2; i++) {
		take_event(now_ns);
		assert_true(notify_due(&c->state, &c->conf.rules, now_ns, 0, true));
		notify_sent(&c->state);
	}
	take_event(now_ns);
	assert_false(is_due(now_ns + S(60)));
	assert_int_equal(store_save_queue(dir, &engine), 0);
	engine_close(&engine);
	assert_int_equal(engine_open(&engine, NULL, NULL), 0);
	one_channel(2);
	assert_int_equal(store_load_queue(dir, &engine), 0);
	assert_int_equal(engine.channels->state.n_waiting, 1);
	assert_false(is_due(now_ns + S(900)));
	assert_true(is_due(now_ns + S(1900)));
	close(dir);
	remove_folder();
}

/* The file is as if it had been written before the machine booted. */
static void spoil_boot_id(int dir)
{
	int fd = openat(dir, "queue", O_RDWR | O_CLOEXEC);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 4 * sizeof(uint32_t)), 1);
	byte = byte == '0' ? '1' : '0';
	assert_int_equal(pwrite(fd, &byte, 1, 4 * sizeof(uint32_t)), 1);
	close(fd);
}

/* Durations go on by the boot clock, whatever is done to the wall clock, until the next boot. */
static void only_a_boot_makes_the_wall_clock_count(void **state)
{
	const uint64_t now_ns = clock_now_ns();
	int dir = open_folder();

	(void)state;
	for (unsigned int booted = 0; booted < 2; booted++) {
		one_channel(1);
		take_event(now_ns);
		assert_int_equal(store_save_queue(dir, &engine), 0);
		if (booted)
			spoil_boot_id(dir);
		engine_close(&engine);
		assert_int_equal(engine_open(&engine, NULL, NULL), 0);
		one_channel(1);
		assert_int_equal(store_load_queue(dir, &engine), 0);
		assert_int_equal(engine.channels->state.waiting[0].event.at.boot_ns,
				 booted ? 0 : now_ns);
		engine_close(&engine);
		assert_int_equal(engine_open(&engine, NULL, NULL), 0);
	}
	close(dir);
	remove_folder();
}

/* Events that did not come here make no message, also after a restart. The next one says it. */
static void lost_events_wait_for_the_next_message(void **state)
{
	const uint64_t now_ns = clock_now_ns();
	int dir = open_folder();

	(void)state;
	one_channel(1);
	engine_lost(&engine, 3);
	assert_false(is_due(now_ns + S(60)));
	assert_int_equal(store_save_queue(dir, &engine), 0);
	engine_close(&engine);
	assert_int_equal(engine_open(&engine, NULL, NULL), 0);
	one_channel(1);
	assert_int_equal(store_load_queue(dir, &engine), 0);
	assert_false(is_due(now_ns + S(60)));
	take_event(now_ns);
	assert_true(is_due(now_ns + S(60)));
	assert_int_equal(engine.channels->state.dropped, 3); /* the attempt took them */
	close(dir);
	remove_folder();
}

/* A message that was on its way does not count: it is sent again. */
static void an_attempt_costs_nothing_after_a_restart(void **state)
{
	const uint64_t now_ns = clock_now_ns();
	int dir = open_folder();

	(void)state;
	one_channel(1);
	take_event(now_ns);
	assert_true(
		notify_due(&engine.channels->state, &engine.channels->conf.rules, now_ns, 0, true));
	assert_int_equal(store_save_queue(dir, &engine), 0);
	engine_close(&engine);
	assert_int_equal(engine_open(&engine, NULL, NULL), 0);
	one_channel(1);
	assert_int_equal(store_load_queue(dir, &engine), 0);
	assert_true(is_due(now_ns + S(60)));
	close(dir);
	remove_folder();
}

/* Like the daemon after its start. */
static void give_nothing_away(void)
{
	const cap_value_t chown = CAP_CHOWN;
	cap_t caps = cap_get_proc();

	assert_non_null(caps);
	assert_int_equal(cap_set_flag(caps, CAP_EFFECTIVE, 1, &chown, CAP_CLEAR), 0);
	assert_int_equal(cap_set_proc(caps), 0);
	cap_free(caps);
}

static bool has_queue(const struct conf *c)
{
	char path[2 * CONF_PATH_MAX], file[sizeof(path) + 8];
	struct stat st;

	store_folder(c, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/queue", path);
	return !stat(file, &st);
}

static void the_first_channel_of_a_reload_is_kept_on_disk(void **state)
{
	static struct conf c;
	struct notifier *n;
	struct notify_event e;
	sd_event *loop;

	(void)state;
	close(open_folder());
	/* Its user must be able to reach it. */
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(c.state_file, sizeof(c.state_file), "%s/state", folder);
	snprintf(c.agent_user, sizeof(c.agent_user), "%s", stub_user());
	c.n_nodes = 1;
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "a");
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(notifier_open(loop, &c, &n), 0);
	give_nothing_away();
	channel_of(&c.notify[0], "chat", NOTIFY_SLACK, 1);
	c.n_notify = 1;
	notifier_reconf(n, &c);
	assert_true(notify_event_from("upkeep", HOKM_R_PUT_BACK, "address: put back", &e));
	notifier_take(n, &e);
	while (!has_queue(&c))
		poll(NULL, 0, 10);
	notifier_close(n);
	sd_event_unref(loop);
	remove_folder();
}

static pid_t only_child(void)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	return (pid_t)strtol(text, NULL, 10);
}

/* The status that the notifier keeps in its folder names the channel. */
static bool status_names(const struct conf *c, const char *channel)
{
	char path[2 * CONF_PATH_MAX], file[sizeof(path) + 8], text[4096];
	size_t len;
	FILE *f;

	store_folder(c, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/status", path);
	f = fopen(file, "r");
	if (!f)
		return false;
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	fclose(f);
	return strstr(text, channel) != NULL;
}

static void run_until_status_names(sd_event *loop, const struct conf *c, const char *channel)
{
	uint64_t by_ns = clock_now_ns() + S(PATIENCE_S);

	while (!status_names(c, channel)) {
		assert_true(clock_now_ns() < by_ns);
		assert_true(sd_event_run(loop, 20000) >= 0);
	}
}

/* A reload comes while the notifier stands still and its socket is full. */
static void settings_that_found_no_room_are_sent_again(void **state)
{
	static struct conf c;
	struct notify_event e;
	struct notifier *n;
	sd_event *loop;
	pid_t pid;

	(void)state;
	close(open_folder());
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(c.state_file, sizeof(c.state_file), "%s/state", folder);
	snprintf(c.agent_user, sizeof(c.agent_user), "%s", stub_user());
	c.n_nodes = 1;
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "a");
	channel_of(&c.notify[0], "first-one", NOTIFY_SLACK, 1);
	c.n_notify = 1;
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(notifier_open(loop, &c, &n), 0);
	run_until_status_names(loop, &c, "first-one");
	pid = only_child();
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_true(notify_event_from("upkeep", HOKM_R_PUT_BACK, "address: put back", &e));
	for (unsigned int i = 0; i < 5000; i++)
		notifier_take(n, &e);
	channel_of(&c.notify[0], "second-one", NOTIFY_SLACK, 1);
	notifier_reconf(n, &c);
	assert_int_equal(kill(pid, SIGCONT), 0);
	run_until_status_names(loop, &c, "second-one");
	assert_int_equal(only_child(), pid);
	notifier_close(n);
	sd_event_unref(loop);
	remove_folder();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_hour_without_slack_ends_in_one_message, begin, end),
		cmocka_unit_test_setup_teardown(
			messages_of_a_channel_share_a_connection, begin, end),
		cmocka_unit_test_setup_teardown(an_unresponsive_slack_holds_up_nobody, begin, end),
		cmocka_unit_test_setup_teardown(
			an_unresponsive_mail_server_holds_up_nobody, begin, end),
		cmocka_unit_test_setup_teardown(a_restart_sends_no_second_burst, begin, end),
		cmocka_unit_test_setup_teardown(only_a_boot_makes_the_wall_clock_count, begin, end),
		cmocka_unit_test_setup_teardown(lost_events_wait_for_the_next_message, begin, end),
		cmocka_unit_test_setup_teardown(
			an_attempt_costs_nothing_after_a_restart, begin, end),
		cmocka_unit_test_setup_teardown(
			settings_that_found_no_room_are_sent_again, begin, end),
		cmocka_unit_test_setup_teardown(
			the_first_channel_of_a_reload_is_kept_on_disk, begin, end),
	};

	if (argc > 1 && !strcmp(argv[1], "notifier"))
		return notifier_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
