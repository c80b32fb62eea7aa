/* SPDX-License-Identifier: GPL-2.0-only */
/* See active.h. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/notifier.h"
#include "base/caps.h"
#include "base/clock.h"
#include "dns/dns_command.h"
#include "probe/probe_run.h"
#include "test/active.h"

#define REACH_MS     5000
#define URL_TIMEOUT  (10 * NS_PER_S)
#define SMS_ENDPOINT "https://api.twilio.com"
#define HOST_MAX     256
#define OF_THIS_NODE "on a node the VIP leads to its own server"

/* ---- checks ---- */

static void make_check(struct probe_result *p, const char *user, struct test_row *r)
{
	int err = agent_run_once(&p->request, user, &p->reply);

	if (err) {
		test_end(r, TEST_FAIL, "the check could not be made: %s", strerror(-err));
		return;
	}
	r->took_ns = p->reply.took_ns;
	test_end(r, probe_is_healthy(p) ? TEST_PASS : TEST_FAIL, "%s: %s",
		 hokm_reason_name((enum hokm_reason)p->reply.reason), p->reply.detail);
}

/* A row for a check; `kind` stands before its URL. */
static struct test_row *check_row(struct test_report *t, enum test_category category,
				  const struct probe_result *p, const char *expected)
{
	char url[PROBE_URL_MAX], name[80];

	snprintf(name, sizeof(name), "%s%s%.60s", p->service ? p->service : "",
		 p->service ? " " : "", probe_url_text(&p->request.check, url, sizeof(url)));
	return test_add(t, category, name, expected);
}

void test_health(const struct conf *c, struct test_report *t)
{
	for (unsigned int s = 0; s < c->n_services; s++)
		for (unsigned int i = 0; i < c->services[s].n_checks; i++) {
			const struct conf_service *svc = &c->services[s];
			struct probe_result p = {.service = svc->name};
			struct test_row *r;

			agent_request_fill(&p.request, i, svc, i, c->vips[svc->vip]);
			r = check_row(t, TEST_HEALTH, &p, "the check passes");
			snprintf(r->next, sizeof(r->next), "hokm-xdp probe");
			make_check(&p, c->agent_user, r);
		}
}

/* A check of this kind where the players connect. It asks for nothing that only a check wants. */
static void request_fill(const struct conf *c, const struct conf_service *svc,
			 enum conf_check_kind kind, struct probe_result *p)
{
	struct conf_service one = *svc;
	struct conf_check *k = &one.checks[0];

	for (unsigned int i = 0; i < svc->n_checks; i++)
		if (svc->checks[i].kind == kind)
			*k = svc->checks[i];
	k->kind = kind;
	k->addr = c->vips[svc->vip];
	k->port = svc->port;
	k->attempts = 1;
	if (!k->path[0] || (kind == CHECK_WEBSOCKET && k->path[0] != '/'))
		memcpy(k->path, "/", sizeof("/"));
	agent_request_fill(&p->request, 0, &one, 0, c->vips[svc->vip]);
}

void test_ports(const struct conf *c, struct test_report *t)
{
	for (unsigned int s = 0; s < c->n_services; s++) {
		struct probe_result p = {.service = c->services[s].name};
		struct test_row *r;

		request_fill(c, &c->services[s], CHECK_TCP, &p);
		r = check_row(t, TEST_CONNECTIVITY, &p, "the port is open at the VIP");
		make_check(&p, c->agent_user, r);
	}
}

/* The round trip of the ping, which the check measures as a step. */
static void make_game_check(struct probe_result *p, const char *user, const char *where,
			    struct test_row *r)
{
	make_check(p, user, r);
	if (r->result == TEST_PASS)
		test_end(r, TEST_PASS, "upgrade in %.2f ms, pong after %.2f ms%s",
			 (double)p->reply.step_ns[CHECK_STEP_ANSWER] / NS_PER_MS,
			 (double)p->reply.step_ns[CHECK_STEP_END] / NS_PER_MS, where);
}

static void test_url(const char *url, struct test_report *t)
{
	struct probe_result p = {.service = NULL};
	const char *why = probe_url_parse(url, &p.request.check);
	struct test_row *r = test_add(t, TEST_GAME, url, "upgrade, and a pong for a ping");

	if (!why && p.request.check.kind != CHECK_WEBSOCKET)
		why = "not ws:// or wss://";
	if (why) {
		test_end(r, TEST_FAIL, "%s", why);
		return;
	}
	p.request.check.attempts = 1;
	p.request.check.timeout_ns = URL_TIMEOUT;
	make_game_check(&p, NULL, "", r);
}

void test_game(const struct conf *c, const char *url, struct test_report *t)
{
	if (url) {
		test_url(url, t);
		return;
	}
	for (unsigned int s = 0; s < c->n_services; s++) {
		struct probe_result p = {.service = c->services[s].name};
		struct test_row *r;

		request_fill(c, &c->services[s], CHECK_WEBSOCKET, &p);
		r = check_row(t, TEST_GAME, &p, "upgrade, and a pong for a ping");
		snprintf(r->next, sizeof(r->next), "hokm-xdp probe");
		make_game_check(&p, c->agent_user, "; " OF_THIS_NODE, r);
	}
}

/* ---- commands of this program ---- */

/* Runs a command in a child, and keeps the end of what it prints. Its exit code, or -errno. */
static int run_quietly(int (*command)(int, char **), char **argv, char *text, size_t size)
{
	int fds[2], argc = 0, status;
	size_t at = 0;
	ssize_t n;
	char c;
	pid_t pid;

	while (argv[argc])
		argc++;
	if (pipe(fds) < 0)
		return -errno;
	/* What is buffered would be printed by the child too. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (dup2(fds[1], 1) < 0 || dup2(fds[1], 2) < 0)
			_exit(126);
		status = command(argc, argv);
		fflush(NULL);
		_exit(status);
	}
	close(fds[1]);
	/* The first line; the rest is read, so that the child can end. */
	while (pid > 0 && ((n = read(fds[0], &c, 1)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && at < size - 1 && (!at || text[at - 1] != '\n'))
			text[at++] = c;
	text[at && text[at - 1] == '\n' ? at - 1 : at] = '\0';
	close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

static void run_row(struct test_row *r, int (*command)(int, char **), char **argv)
{
	char text[sizeof(r->seen) - 32];
	uint64_t began_ns = clock_now_ns();
	int code = run_quietly(command, argv, text, sizeof(text));

	r->took_ns = clock_now_ns() - began_ns;
	if (code < 0)
		test_end(r, TEST_FAIL, "it could not be run: %s", strerror(-code));
	else
		test_end(r, code ? TEST_FAIL : TEST_PASS, "exit code %d: %s", code, text);
}

void test_dns(const struct conf *c, struct test_report *t)
{
	struct test_row *r = test_add(
		t, TEST_DNS, "hokm-xdp dns test", "the provider permits what DNS failover needs");
	char name[] = "dns", word[] = "test", option[] = "-c", file[CONF_PATH_MAX];
	char *argv[] = {name, word, option, file, NULL};

	if (c->dns.provider == CONF_DNS_NONE) {
		test_end(r, TEST_SKIP, "there is no DNS failover: dns.provider is none");
		return;
	}
	memcpy(file, c->file, sizeof(file));
	snprintf(r->next, sizeof(r->next), "hokm-xdp dns test");
	run_row(r, dns_command_main, argv);
}

/* ---- notifications ---- */

/* The host and the port of "scheme://[user@]host[:port]/...". False: there is none. */
static bool host_of(const char *url, char host[HOST_MAX], char port[8])
{
	static const struct {
		const char *scheme, *port;
	} schemes[] = {{"https:", "443"}, {"http:", "80"}, {"smtps:", "465"}, {"smtp:", "25"}};
	const char *at = strstr(url, "://"), *colon;
	size_t len;

	if (!at)
		return false;
	port[0] = '\0';
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (!port[0] && !strncmp(url, schemes[i].scheme, strlen(schemes[i].scheme)))
			snprintf(port, 8, "%s", schemes[i].port);
	at += strlen("://");
	len = strcspn(at, "/?#");
	for (const char *user; (user = memchr(at, '@', len)) != NULL; at = user + 1)
		len -= (size_t)(user + 1 - at);
	if (!len || len >= HOST_MAX)
		return false;
	snprintf(host, HOST_MAX, "%.*s", (int)len, at);
	colon = strrchr(host, ':');
	/* The colons of an IPv6 address stand in brackets. */
	if (colon && !strchr(colon, ']')) {
		snprintf(port, 8, "%s", colon + 1);
		host[colon - host] = '\0';
	}
	len = strlen(host);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		memmove(host, host + 1, len - 1);
	}
	return host[0] && port[0];
}

static int connect_to(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 0;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	socklen_t len = sizeof(err);

	if (fd < 0)
		return errno;
	if (connect(fd, a->ai_addr, a->ai_addrlen) && errno != EINPROGRESS)
		err = errno;
	else if (poll(&p, 1, REACH_MS) != 1)
		err = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	close(fd);
	return err;
}

/* In a child without rights: answers of a resolver are not parsed as root (rule 10). */
static int reach_child(int argc, char **argv)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int err;

	(void)argc;
	if (geteuid() == 0 && caps_become(argv[0]))
		return 2;
	err = getaddrinfo(argv[1], argv[2], &hints, &list);
	if (err) {
		printf("%s: %s\n", argv[1], gai_strerror(err));
		return 1;
	}
	err = connect_to(list);
	for (const struct addrinfo *a = list->ai_next; err && a; a = a->ai_next)
		err = connect_to(a);
	freeaddrinfo(list);
	printf("%s port %s: %s\n", argv[1], argv[2],
	       err ? strerror(err) : "it accepts connections");
	return err != 0;
}

static const char *endpoint_of(const struct conf_notify *n)
{
	if (n->endpoint[0])
		return n->endpoint;
	/* The secret URL of a channel; only its host is shown. */
	return n->type == NOTIFY_SMS ? SMS_ENDPOINT : n->credential;
}

static void test_channel(const struct conf *c, const struct conf_notify *n, bool send,
			 struct test_report *t)
{
	struct test_row *r = test_add(
		t, TEST_NOTIFY, n->name, send ? "a message is taken" : "the service is reachable");
	char name[] = "notify", word[] = "test", option[] = "-c", file[CONF_PATH_MAX];
	char channel[NOTIFY_SUBJECT_MAX], user[CONF_NAME_MAX], host[HOST_MAX], port[8];
	char *send_argv[] = {name, word, option, file, channel, NULL};
	char *argv[] = {user, host, port, NULL};

	memcpy(file, c->file, sizeof(file));
	memcpy(channel, n->name, sizeof(channel));
	memcpy(user, c->agent_user, sizeof(user));
	snprintf(r->next, sizeof(r->next), "hokm-xdp notify test %s", n->name);
	if (n->problem[0])
		test_end(r, TEST_FAIL, "%s", n->problem);
	else if (send)
		run_row(r, notify_main, send_argv);
	else if (n->type == NOTIFY_SYSLOG)
		test_end(r, TEST_PASS, "the log of this machine");
	else if (!host_of(endpoint_of(n), host, port))
		test_end(r, TEST_FAIL, "its endpoint has no host");
	else
		run_row(r, reach_child, argv);
}

void test_notify(const struct conf *c, bool send, struct test_report *t)
{
	for (unsigned int i = 0; i < c->n_notify; i++)
		test_channel(c, &c->notify[i], send, t);
	if (!c->n_notify)
		test_end(test_add(t, TEST_NOTIFY, "channels", "at least one"), TEST_SKIP,
			 "the configuration has no section notify");
}
