/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process of the HTTP listener, and clients that mean no good: it answers nothing but GET, ends
 * clients that are slow or too many, and neither they nor a listener that stands still hold up the
 * daemon. What it answers is in test_metrics.c, what followers read in test_http_stream.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>

#include "../stub/stub.h"
#include "agent/http_listener.h"

#define STATE      "{\"status\": {\"state\": \"backup\", \"owner\": false, \"n\": %u}}"
#define WAIT_S     30
#define PATIENCE_S 120 /* a function that waits for the listener ends the test */
#define MANY       60  /* more than any limit of the test */
#define CROWD      1000
#define OWN_FDS    24 /* what the listener has open besides clients, generously */
/* What a crowd may add to the listener's memory. ASan keeps what was freed. */
#ifdef __SANITIZE_ADDRESS__
#define CROWD_KB (512 * 1024)
#else
#define CROWD_KB (8 * 1024)
#endif

struct rig {
	sd_event *event;
	struct http_listener *listener;
	struct conf conf;
	unsigned int n; /* of the last state */
};

/* The addresses of lo are many: each run of the test has one of its own. */
static void own_address(char text[INET_ADDRSTRLEN])
{
	const unsigned int pid = (unsigned int)getpid();

	snprintf(text, INET_ADDRSTRLEN, "127.77.%u.%u", pid >> 8 & 255, pid & 255);
}

/* A state grows old within seconds, which a busy machine may need between two questions. */
static void repeat_state(const struct rig *r)
{
	char text[128];

	snprintf(text, sizeof(text), STATE, r->n);
	http_listener_state(r->listener, text, strlen(text));
}

static void send_state(struct rig *r)
{
	r->n++;
	repeat_state(r);
}

static int open_with(void **state, unsigned int clients, unsigned int each, uint64_t timeout_ns)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (!r || sd_event_new(&r->event) < 0)
		return -1;
	alarm(PATIENCE_S);
	snprintf(r->conf.agent_user, sizeof(r->conf.agent_user), "%s", stub_user());
	r->conf.listen = (struct conf_listen){
		.port = 18768,
		.clients = clients,
		.clients_per_address = each,
		.timeout_ns = timeout_ns};
	own_address(r->conf.listen.address);
	if (http_listener_open(r->event, &r->conf, &r->listener))
		return -1;
	send_state(r);
	*state = r;
	return 0;
}

static int open_patient(void **state)
{
	return open_with(state, 64, 32, 20 * NS_PER_S);
}

static int open_strict(void **state)
{
	return open_with(state, 8, 4, 300 * NS_PER_MS);
}

static int open_few(void **state)
{
	return open_with(state, 8, 8, 20 * NS_PER_S);
}

static int nice_before;

/* As a unit with Nice=19, or a test run of low priority, starts it. */
static int open_nice(void **state)
{
	nice_before = getpriority(PRIO_PROCESS, 0);
	return setpriority(PRIO_PROCESS, 0, 19) ? -1 : open_patient(state);
}

static int close_rig(void **state)
{
	struct rig *r = *state;

	http_listener_close(r->listener);
	sd_event_unref(r->event);
	free(r);
	alarm(0);
	return 0;
}

static int close_nice(void **state)
{
	return setpriority(PRIO_PROCESS, 0, nice_before) ? -1 : close_rig(state);
}

/* ---- clients ---- */

/* A connection from 127.0.0.FROM. */
static int client_connect(const struct rig *r, unsigned int from)
{
	const struct timeval patience = {.tv_sec = WAIT_S};
	struct sockaddr_in me = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000000 | from)}};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(r->conf.listen.port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, r->conf.listen.address, &to.sin_addr), 1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void client_say(int fd, const char *text)
{
	/* The listener may have closed. */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* All until the end of the connection; what a reset cuts off is missing. */
static const char *client_hear(int fd)
{
	static char text[64 * 1024];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	if (len < sizeof(text) - 1 && n < 0 && errno == EAGAIN)
		fail_msg("the listener neither answered nor closed");
	text[len] = '\0';
	close(fd);
	return text;
}

static const char *ask(const struct rig *r, const char *request)
{
	int fd = client_connect(r, 1);

	repeat_state(r);
	client_say(fd, request);
	return client_hear(fd);
}

static void begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("not %s but: %.300s", with, text);
}

/* A client that may be turned away because others are there: until it is answered. */
static void ask_until_answered(const struct rig *r, const char *request, const char *with)
{
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;
	const char *text;

	do {
		text = ask(r, request);
		if (strstr(text, with))
			return;
		usleep(20000);
	} while (clock_now_ns() < by_ns);
	fail_msg("no answer with %s; the last one: %.300s", with, text);
}

/* ---- followers ---- */

#define FOLLOW "GET /api/events HTTP/1.0\r\n\r\n"

/* Reads until the text has come; false at the end of the connection. */
static bool hear_until(int fd, const char *words)
{
	static char text[256 * 1024];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		text[len += (size_t)n] = '\0';
		if (strstr(text, words))
			return true;
		/* The words may lie across two pieces. */
		if (len > sizeof(text) / 2) {
			memmove(text, text + len - 64, 64);
			len = 64;
		}
	}
	if (n < 0 && errno == EAGAIN)
		fail_msg("the listener neither said %s nor closed", words);
	return false;
}

static int follow(const struct rig *r, unsigned int from)
{
	int fd = client_connect(r, from);

	repeat_state(r);
	client_say(fd, FOLLOW);
	return fd;
}

/* A follower that reads nothing, with little room for what it does not read. */
static int follow_deaf(const struct rig *r, unsigned int from)
{
	const int room = 4096;
	int fd = client_connect(r, from);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	client_say(fd, FOLLOW);
	return fd;
}

/* More than the kernel holds for a follower that reads nothing. */
static void send_long_state(struct rig *r)
{
	static char text[150 * 1024];
	int n;

	n = snprintf(text, sizeof(text), "{\"status\": {\"state\": \"backup\", \"long\": \"");
	memset(text + n, 'x', sizeof(text) - 8 - (size_t)n);
	snprintf(text + sizeof(text) - 8, 8, "\"}}");
	http_listener_state(r->listener, text, strlen(text));
}

/* ---- tests ---- */

static void a_client_gets_the_state(void **state)
{
	struct rig *r = *state;
	const char *text;

	ask_until_answered(r, "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n", "\"n\":1}");
	text = ask(r, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(text, " 503 "));
	assert_non_null(strstr(text, "\r\n\r\nbackup\n"));
	assert_non_null(strstr(text, "Content-Security-Policy: default-src 'none'"));
	text = ask(r, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(text, "Content-Length: 7\r\n"));
	assert_null(strstr(text, "backup"));
	text = ask(r, "GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\n"
		      "Accept: application/openmetrics-text; version=1.0.0\r\n\r\n");
	assert_non_null(strstr(text, "Content-Type: application/openmetrics-text; version=1.0.0"));
	assert_non_null(strstr(text, "\nhokm_owner 0\n"));
	send_state(r);
	ask_until_answered(r, "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n", "\"n\":2}");
}

static void nobody_can_do_more_than_get(void **state)
{
	static const char *const requests[] = {
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"PUT /api/status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		"DELETE / HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const char *text = ask(r, requests[i]);

		begins(text, "HTTP/1.1 405 ");
		assert_non_null(strstr(text, "Allow: GET, HEAD"));
	}
	begins(ask(r, "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 404 ");
}

/* Whatever the answer is, there is one or an end, and the next client is served. */
static void a_request_without_end_is_cut_off(void **state)
{
	struct rig *r = *state;
	int fd = client_connect(r, 1);
	char piece[1025];

	memset(piece, 'a', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	client_say(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: ");
	for (int i = 0; i < 64; i++)
		client_say(fd, piece);
	assert_null(strstr(client_hear(fd), " 200 "));
	fd = client_connect(r, 1);
	client_say(fd, "\x16\x03\x01\x02 this is not HTTP\r\n\r\n");
	assert_null(strstr(client_hear(fd), " 200 "));
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
}

/* A byte now and then keeps no connection: its time is counted from its begin. */
static void a_slow_client_is_ended(void **state)
{
	struct rig *r = *state;
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;
	int fd = client_connect(r, 1);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	client_say(fd, "GET /healthz HTTP/1.1\r\nX: ");
	while (poll(&p, 1, 50) == 0) {
		client_say(fd, "a");
		assert_true(clock_now_ns() < by_ns);
	}
	close(fd);
}

/* They take the places of their own address; the others' come free when their time is over. */
static void many_clients_keep_nobody_out(void **state)
{
	struct rig *r = *state;
	int idle[MANY];

	for (unsigned int i = 0; i < MANY; i++)
		idle[i] = client_connect(r, 2 + i % 40);
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	for (unsigned int i = 0; i < MANY; i++)
		close(idle[i]);
}

static void a_follower_hears_each_state(void **state)
{
	struct rig *r = *state;
	int fd = follow(r, 1);

	assert_true(hear_until(fd, "retry: 2000\n\n"));
	for (int i = 0; i < 3; i++) {
		char words[32];

		send_state(r);
		snprintf(words, sizeof(words), "\"n\":%u}}\n\n", r->n);
		assert_true(hear_until(fd, words));
	}
	close(fd);
	/* With a Last-Event-ID it gets everything, as any other. */
	fd = client_connect(r, 1);
	client_say(fd, "GET /api/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 2\r\n\r\n");
	assert_true(hear_until(fd, "\"n\":4}}\n\n"));
	close(fd);
}

/* Four is the limit here. A follower that is gone makes place for another one. */
static void followers_are_bounded(void **state)
{
	struct rig *r = *state;
	int fds[4];

	for (unsigned int i = 0; i < 4; i++) {
		fds[i] = follow(r, 10 + i);
		assert_true(hear_until(fds[i], "event: state\n"));
	}
	ask_until_answered(r, FOLLOW, "too many follow");
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	for (unsigned int i = 0; i < 4; i++)
		close(fds[i]);
	for (bool heard = false; !heard;) {
		int fd = follow(r, 1);

		heard = hear_until(fd, "event: state\n");
		close(fd);
		usleep(20000);
	}
}

/* All places have one that reads nothing. They are dropped: another one gets a place. */
static void a_follower_that_reads_nothing_is_dropped(void **state)
{
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;
	struct rig *r = *state;
	bool heard = false;
	int deaf[4];

	for (unsigned int i = 0; i < 4; i++)
		deaf[i] = follow_deaf(r, 10 + i);
	while (!heard && clock_now_ns() < by_ns) {
		int fd = client_connect(r, 1);

		send_long_state(r);
		client_say(fd, FOLLOW);
		heard = hear_until(fd, "event: state\n");
		close(fd);
		usleep(20000);
	}
	assert_true(heard);
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	for (unsigned int i = 0; i < 4; i++)
		close(deaf[i]);
}

/* Of the listener's process; 0: unknown. */
static unsigned long memory_kb(const struct rig *r)
{
	unsigned long kb = 0;
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/status", (int)http_listener_pid(r->listener));
	f = fopen(line, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmRSS:", 6))
			kb = strtoul(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static unsigned int descriptors(const struct rig *r)
{
	unsigned int n = 0;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)http_listener_pid(r->listener));
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* The idle ones are of one address, the hurried ones of another: they close before the answer. */
static void a_thousand_idle_and_hurried_clients_are_bounded(void **state)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
	struct rig *r = *state;
	unsigned int most_open = 0;
	unsigned long before_kb;
	int idle[CROWD];

	ask_until_answered(r, request, "backup");
	before_kb = memory_kb(r);
	for (unsigned int i = 0; i < CROWD; i++) {
		int hurried = client_connect(r, 3);

		idle[i] = client_connect(r, 2);
		client_say(hurried, request);
		close(hurried);
		/* An answer means that those before it were accepted, too. */
		if (i % 16)
			continue;
		ask_until_answered(r, request, "backup");
		most_open = descriptors(r) > most_open ? descriptors(r) : most_open;
	}
	assert_in_range(most_open, 0, 64 + OWN_FDS);
	assert_in_range(memory_kb(r), 0, before_kb + CROWD_KB);
	for (unsigned int i = 0; i < CROWD; i++)
		close(idle[i]);
}

static void a_listener_that_stands_still_holds_up_nobody(void **state)
{
	struct rig *r = *state;
	pid_t pid = http_listener_pid(r->listener);

	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (int i = 0; i < 20000; i++)
		send_state(r);
	assert_int_equal(kill(pid, SIGCONT), 0);
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	send_state(r);
	ask_until_answered(r, "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n", "\"n\":20002}");
	assert_int_equal(http_listener_pid(r->listener), pid);
}

static void a_dead_listener_comes_back(void **state)
{
	struct rig *r = *state;
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;
	pid_t pid = http_listener_pid(r->listener);

	assert_int_equal(kill(pid, SIGKILL), 0);
	while (!http_listener_pid(r->listener) || http_listener_pid(r->listener) == pid) {
		assert_true(clock_now_ns() < by_ns);
		assert_true(sd_event_run(r->event, 100 * 1000) >= 0);
	}
	send_state(r);
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
}

/* Waits until another process is the listener, or with `none` until there is none. */
static void wait_for_change(struct rig *r, pid_t pid, bool none)
{
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;

	while (http_listener_pid(r->listener) == pid || none != !http_listener_pid(r->listener)) {
		assert_true(clock_now_ns() < by_ns);
		assert_true(sd_event_run(r->event, 100 * 1000) >= 0);
	}
}

/* The same text again starts no new process; another port, none, and a port again do. */
static void no_change_of_the_port_needs_a_restart(void **state)
{
	static const uint16_t ports[] = {18769, 0, 18768};
	struct rig *r = *state;

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		pid_t pid = http_listener_pid(r->listener);

		http_listener_reconf(r->listener, &r->conf);
		assert_int_equal(http_listener_pid(r->listener), pid);
		r->conf.listen.port = ports[i];
		http_listener_reconf(r->listener, &r->conf);
		wait_for_change(r, pid, !ports[i]);
		if (!ports[i])
			continue;
		send_state(r);
		ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
	}
}

/* The port of another program: the daemon goes on, and the listener comes when it is free. */
static void a_port_that_is_taken_is_no_failure(void **state)
{
	struct rig *r = *state;
	struct http_listener *second;
	uint64_t by_ns = clock_now_ns() + WAIT_S * NS_PER_S;

	assert_int_equal(http_listener_open(r->event, &r->conf, &second), 0);
	assert_int_equal(http_listener_pid(second), 0);
	http_listener_close(r->listener);
	r->listener = second;
	while (!http_listener_pid(second)) {
		assert_true(clock_now_ns() < by_ns);
		assert_true(sd_event_run(r->event, 100 * 1000) >= 0);
	}
	send_state(r);
	ask_until_answered(r, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
}

static void a_node_of_low_priority_has_its_listener(void **state)
{
	ask_until_answered(*state, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "backup");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_client_gets_the_state, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			nobody_can_do_more_than_get, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			a_request_without_end_is_cut_off, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(a_slow_client_is_ended, open_strict, close_rig),
		cmocka_unit_test_setup_teardown(
			many_clients_keep_nobody_out, open_strict, close_rig),
		cmocka_unit_test_setup_teardown(
			a_follower_hears_each_state, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(followers_are_bounded, open_few, close_rig),
		cmocka_unit_test_setup_teardown(
			a_follower_that_reads_nothing_is_dropped, open_strict, close_rig),
		cmocka_unit_test_setup_teardown(
			a_thousand_idle_and_hurried_clients_are_bounded, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			a_listener_that_stands_still_holds_up_nobody, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			a_dead_listener_comes_back, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			no_change_of_the_port_needs_a_restart, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			a_port_that_is_taken_is_no_failure, open_patient, close_rig),
		cmocka_unit_test_setup_teardown(
			a_node_of_low_priority_has_its_listener, open_nice, close_nice),
	};

	if (argc > 1 && !strcmp(argv[1], "listener"))
		return http_child_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
