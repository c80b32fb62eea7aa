/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process of the HTTP listener. It gives up its privileges as the agent does, gets the
 * listening socket from the daemon, and is confined before it accepts a client: it can then use the
 * sockets that it has, accept more on that one, and nothing else.
 *
 * libmicrohttpd parses the requests, within CLIENT_MEMORY bytes for each client, and bounds the
 * number of clients. One thread serves all of them. A client has one answer, and is closed after
 * `listen.timeout` whatever it does: libmicrohttpd's own time limit begins anew with each byte,
 * which a client may send one at a time. Only one that follows events stays for longer
 * (agent/http_followers.h).
 *
 * The process has a higher nice value than a game server: however many clients there are, they take
 * only time that nobody else needs.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/http_answer.h"
#include "agent/http_followers.h"
#include "agent/http_listener.h"
#include "agent/http_page.h"
#include "agent/lib_mhd.h"
#include "agent/messages.h"
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/log.h"

#define CLIENT_MEMORY (8 * 1024) /* for the head of the request and of the answer */
#define NICE          10
#define FLAGS         (MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME)
#define TURN_MS       200 /* the longest wait before old connections are looked for */
#define OPEN_WAIT_MS  5000
#define FOLLOW_NS     (3600 * NS_PER_S) /* how long a client may follow; a browser comes back */

/* A connection; fd -1: none. */
struct client {
	int fd;
	bool follows;
	uint64_t since_ns;
};

struct child {
	struct conf_listen conf;
	int listen_fd;
	struct MHD_Daemon *mhd;
	int mhd_fd; /* readable: there is work for libmicrohttpd */
	struct http_state state;
	struct http_followers followers;
	struct client clients[CONF_LISTEN_CLIENTS_MAX];
	char text[HTTP_MSG_MAX];
};

/* ---- clients ---- */

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = lib_mhd()->get_connection_info(
		c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct child *k = arg;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			((struct client *)*context)->fd = -1;
		return;
	}
	for (unsigned int i = 0; info && i < CONF_LISTEN_CLIENTS_MAX; i++) {
		if (k->clients[i].fd >= 0)
			continue;
		k->clients[i] = (struct client){info->connect_fd, false, clock_now_ns()};
		*context = &k->clients[i];
		return;
	}
}

/* libmicrohttpd finds the end of the stream and closes. */
static void end_old(struct child *k)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int i = 0; i < CONF_LISTEN_CLIENTS_MAX; i++) {
		const struct client *c = &k->clients[i];
		uint64_t limit_ns = c->follows ? FOLLOW_NS : k->conf.timeout_ns;

		if (c->fd >= 0 && now_ns - c->since_ns > limit_ns)
			(void)shutdown(c->fd, SHUT_RDWR);
	}
}

/* The stream, when there is a place for one more. */
static struct MHD_Response *follow(struct child *k, struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = lib_mhd()->get_connection_info(
		c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *client = info ? info->socket_context : NULL;
	struct MHD_Response *r = NULL;

	if (client)
		r = http_followers_add(&k->followers, c, client->fd, clock_now_ns());
	if (r)
		client->follows = true;
	return r;
}

static bool add_headers(struct MHD_Response *r, const struct http_answer *a)
{
	static const struct {
		const char *name, *value;
	} always[] = {
		{"Connection", "close"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (lib_mhd()->add_response_header(r, always[i].name, always[i].value) != MHD_YES)
			return false;
	if (a->allow && lib_mhd()->add_response_header(r, "Allow", "GET, HEAD") != MHD_YES)
		return false;
	if (lib_mhd()->add_response_header(r, "Content-Security-Policy", a->policy) != MHD_YES)
		return false;
	return lib_mhd()->add_response_header(r, "Content-Type", a->type) == MHD_YES;
}

/* The state may change before all of it is sent. */
static struct MHD_Response *copy_answer(const struct http_answer *a)
{
	return lib_mhd()->create_response_from_buffer(
		a->len, (void *)(uintptr_t)a->body, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *respond(struct child *k, struct MHD_Connection *c,
				    struct http_answer *a)
{
	struct MHD_Response *r = a->follow ? follow(k, c) : NULL;

	if (!r && a->follow)
		http_answer_busy(a);
	return r ? r : copy_answer(a);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **context)
{
	const struct http_request request = {
		.method = method,
		.path = url,
		.accept = lib_mhd()->lookup_connection_value(c, MHD_HEADER_KIND, "Accept")};
	enum MHD_Result queued = MHD_NO;
	struct child *k = arg;
	struct http_answer a;
	struct MHD_Response *r;

	(void)version;
	(void)data;
	(void)size;
	(void)context;
	http_answer(&k->state, &request, clock_now_ns(), &a);
	r = respond(k, c, &a);
	if (r && add_headers(r, &a))
		queued = lib_mhd()->queue_response(c, a.status, r);
	if (r)
		lib_mhd()->destroy_response(r);
	return queued;
}

/* ---- the daemon ---- */

static void take_fd(struct child *k, struct msghdr *h)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(h);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && k->listen_fd < 0)
		memcpy(&k->listen_fd, CMSG_DATA(c), sizeof(int));
}

/* One message. 0, -EAGAIN, or -EPIPE when the daemon closed the socket or sends nonsense. */
static int take_message(struct child *k)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct http_msg m;
	struct iovec iov[] = {{.iov_base = &m, .iov_len = sizeof(m)},
			      {.iov_base = k->text, .iov_len = sizeof(k->text)}};
	struct msghdr h = {.msg_iov = iov,
			   .msg_iovlen = 2,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(AGENT_FD, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
	if ((size_t)n < sizeof(m) || h.msg_flags & MSG_TRUNC)
		return -EPIPE;
	if (m.type == HTTP_MSG_OPEN) {
		k->conf = m.listen;
		take_fd(k, &h);
	} else if (http_state_take(&k->state, k->text, (size_t)n - sizeof(m), clock_now_ns())) {
		http_followers_take(&k->followers, &k->state);
	} else {
		log_warn("listener: a state of the daemon is not JSON");
	}
	return 0;
}

static int take_messages(struct child *k)
{
	int err;

	do
		err = take_message(k);
	while (!err);
	return err == -EAGAIN ? 0 : err;
}

static int await_socket(struct child *k)
{
	struct pollfd p = {.fd = AGENT_FD, .events = POLLIN};
	int err;

	if (poll(&p, 1, OPEN_WAIT_MS) != 1)
		return -ETIMEDOUT;
	err = take_message(k);
	return err ? err : k->listen_fd < 0 ? -EPROTO : 0;
}

/* ---- the process ---- */

static int open_http(struct child *k)
{
	const union MHD_DaemonInfo *info;

	for (unsigned int i = 0; i < CONF_LISTEN_CLIENTS_MAX; i++)
		k->clients[i].fd = -1;
	http_followers_init(&k->followers, k->conf.clients);
	if (!http_page())
		log_warn("listener: the page could not be made");
	k->mhd = lib_mhd()->start_daemon(
		FLAGS, 0, NULL, NULL, on_request, k, MHD_OPTION_LISTEN_SOCKET, k->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, k->conf.clients, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		k->conf.clients_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CLIENT_MEMORY, MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)1024,
		MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)((k->conf.timeout_ns + NS_PER_S - 1) / NS_PER_S),
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, k, MHD_OPTION_END);
	info = k->mhd ? lib_mhd()->get_daemon_info(k->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return -EIO;
	k->mhd_fd = info->epoll_fd;
	return 0;
}

static int wait_ms(struct child *k)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return lib_mhd()->get_timeout(k->mhd, &ms) == MHD_YES && ms < TURN_MS ? (int)ms : TURN_MS;
}

static void serve(struct child *k)
{
	struct pollfd p[] = {{.fd = AGENT_FD, .events = POLLIN}, {.events = POLLIN}};
	int err = 0;

	p[1].fd = k->mhd_fd;
	while (!err) {
		if (poll(p, 2, wait_ms(k)) < 0 && errno != EINTR)
			err = -errno;
		if (!err)
			err = take_messages(k);
		http_followers_turn(&k->followers, clock_now_ns(), k->conf.timeout_ns);
		lib_mhd()->run(k->mhd);
		end_old(k);
	}
}

/* A nice value that is greater already stays: an ordinary user may not lower it. */
static int give_way(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	if (nice == -1 && errno)
		return -errno;
	return nice < NICE && setpriority(PRIO_PROCESS, 0, NICE) ? -errno : 0;
}

static int run(const char *user)
{
	static struct child k = {.listen_fd = -1};
	int err = agent_become(user);

	prctl(PR_SET_NAME, "hokm-listener", 0, 0, 0);
	if (!err)
		err = give_way();
	if (!err)
		err = await_socket(&k);
	if (err == -EPIPE)
		return 0;
	if (!err)
		err = lib_mhd() ? open_http(&k) : -ELIBACC;
	if (!err)
		err = sandbox_enter_to_listen();
	if (err) {
		log_error("listener: could not start: %s", strerror(-err));
		return 1;
	}
	serve(&k);
	return 0;
}

int http_child_main(int argc, char **argv)
{
	agent_started(argc, argv);
	_exit(run(argv[1]));
}
