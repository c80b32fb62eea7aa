/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to etcd over libcurl (user/agent/etcd_http.h), against a process that speaks for a
 * cluster: a login may last longer than a question, it is made again when etcd wants it, and a
 * question that another one replaces does not count against its endpoint.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/etcd_http.h"
#include "agent/messages.h"
#include "base/clock.h"

#define LIMIT_NS (100 * NS_PER_MS)
#define LOGIN_MS 300
#define HEADER   "{\"header\":{\"cluster_id\":\"77\",\"revision\":\"12\"}}"

/* Shared with the process. */
struct cluster {
	int login_ms;     /* how long a login lasts */
	int answer_ms;    /* how long a question lasts */
	int refuse;       /* how many questions are refused */
	int status;       /* with this one */
	int logins, asks; /* counted */
};

static struct rig {
	struct cluster *cluster;
	pid_t pid;
	int daemon; /* the other end of AGENT_FD */
	struct etcd_settings settings;
	struct etcd_http h;
} rig;

static void answer(int fd, int status, const char *body)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			 status, strlen(body), body);

	(void)!write(fd, text, (size_t)n);
}

/* The request comes in one or two pieces: its body ends with a brace. */
static void serve_one(struct cluster *c, int fd)
{
	char text[4096] = "";
	size_t len = 0;
	ssize_t n;

	while (!len || text[len - 1] != '}') {
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
	}
	if (strstr(text, "authenticate")) {
		c->logins++;
		(void)poll(NULL, 0, c->login_ms);
		answer(fd, 200, "{\"token\":\"t.1\"}");
		return;
	}
	c->asks++;
	(void)poll(NULL, 0, c->answer_ms);
	if (!strstr(text, "Authorization: t.1"))
		answer(fd, 401, "{\"message\":\"no token\"}");
	else if (c->refuse-- > 0)
		answer(fd, c->status, "{\"message\":\"revision of auth store is old\"}");
	else
		answer(fd, 200, HEADER);
}

static void serve(struct cluster *c, int listener)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		serve_one(c, fd);
		close(fd);
	}
}

/* `fd` under another number. */
static int moved(int fd, int to)
{
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, to), to);
	if (fd != to)
		close(fd);
	return to;
}

static int setup(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct conf_etcd *conf = &rig.settings.conf;
	socklen_t len = sizeof(at);
	int pair[2], listener;

	(void)state;
	/* Not AGENT_FD, which is put in its place below. */
	listener = moved(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), AGENT_FD + 10);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 16), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	memset(&rig, 0, sizeof(rig));
	rig.cluster = mmap(NULL, sizeof(*rig.cluster), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig.cluster, MAP_FAILED);
	rig.pid = fork();
	assert_true(rig.pid >= 0);
	if (!rig.pid)
		serve(rig.cluster, listener);
	close(listener);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	rig.daemon = moved(pair[0], AGENT_FD + 11);
	(void)moved(pair[1], AGENT_FD);
	conf->n_endpoints = 2;
	for (int i = 0; i < 2; i++)
		snprintf(conf->endpoint[i], sizeof(conf->endpoint[i]), "http://127.0.0.1:%u",
			 ntohs(at.sin_port));
	snprintf(rig.settings.key, sizeof(rig.settings.key), "/k");
	rig.h.settings = &rig.settings;
	snprintf(rig.h.user, sizeof(rig.h.user), "u");
	snprintf(rig.h.password, sizeof(rig.h.password), "p");
	etcd_http_open(&rig.h);
	assert_string_equal(rig.h.problem, "");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	etcd_http_close(&rig.h);
	kill(rig.pid, SIGKILL);
	waitpid(rig.pid, NULL, 0);
	munmap(rig.cluster, sizeof(*rig.cluster));
	close(rig.daemon);
	close(AGENT_FD);
	return 0;
}

static struct etcd_reply ask(void)
{
	struct etcd_question q = {.seq = 1, .op = ETCD_READ, .limit_ns = LIMIT_NS};
	struct etcd_reply r;

	etcd_http_ask(&rig.h, &q, &r);
	return r;
}

/* The daemon has asked something else meanwhile. */
static void ask_more(void)
{
	assert_int_equal(send(rig.daemon, "x", 1, 0), 1);
}

static void a_login_may_last_longer_than_a_question(void **state)
{
	struct etcd_reply r;

	(void)state;
	rig.cluster->login_ms = LOGIN_MS;
	r = ask();
	if (!r.valid)
		fail_msg("%s", r.text);
	assert_int_equal(rig.cluster->logins, 1);
}

static void a_login_before_the_first_question(void **state)
{
	struct etcd_reply r;

	(void)state;
	rig.cluster->login_ms = LOGIN_MS;
	etcd_http_log_in(&rig.h);
	assert_string_equal(rig.h.token, "t.1");
	r = ask();
	assert_true(r.valid);
	assert_true(r.took_ns < LOGIN_MS * NS_PER_MS);
	assert_int_equal(rig.cluster->logins, 1);
}

static void another_question_does_not_end_a_login(void **state)
{
	(void)state;
	rig.cluster->login_ms = LOGIN_MS;
	ask_more();
	(void)ask();
	assert_true(rig.h.superseded);
	assert_string_equal(rig.h.token, "t.1");
}

static void a_question_that_is_replaced_keeps_its_endpoint(void **state)
{
	(void)state;
	etcd_http_log_in(&rig.h);
	rig.cluster->answer_ms = LOGIN_MS;
	ask_more();
	(void)ask();
	assert_true(rig.h.superseded);
	assert_int_equal(rig.h.at, 0);
}

/* Once for a question: what is refused for another reason is not asked without limit. */
static void a_login_is_made_again(void **state)
{
	static const int statuses[] = {400, 401};
	struct etcd_reply r;

	(void)state;
	rig.settings.conf.n_endpoints = 1;
	for (size_t i = 0; i < 2; i++) {
		rig.h.token[0] = '\0';
		rig.cluster->logins = 0;
		rig.cluster->status = statuses[i];
		rig.cluster->refuse = 1;
		r = ask();
		if (!r.valid)
			fail_msg("%d: %s", statuses[i], r.text);
		assert_int_equal(rig.cluster->logins, 2);
	}
	rig.cluster->refuse = 1000;
	rig.cluster->asks = 0;
	r = ask();
	assert_false(r.valid);
	assert_in_range(rig.cluster->asks, 2, 4);
	assert_non_null(strstr(r.text, "revision of auth store is old"));
}

static void a_long_token_is_taken(void **state)
{
	char text[1200], token[ETCD_TOKEN_MAX];
	int n = snprintf(text, sizeof(text), "{\"token\":\"%01000d\"}", 7);

	(void)state;
	assert_int_equal(etcd_json_token(text, (size_t)n, token), 0);
	assert_int_equal(strlen(token), 1000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_login_may_last_longer_than_a_question),
		CASE(a_login_before_the_first_question),
		CASE(another_question_does_not_end_a_login),
		CASE(a_question_that_is_replaced_keeps_its_endpoint),
		CASE(a_login_is_made_again),
		cmocka_unit_test(a_long_token_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
