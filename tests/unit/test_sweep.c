/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep, on the maps of a loaded packet path and with sockets of this kernel: a connection that
 * is silent for idle_timeout stays as long as its server has the socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "act_bpf_rig.h"
#include "base/clock.h"
#include "daemon/node.h"
#include "daemon/sweep.h"
#include "decide/stale.h"

#define S NS_PER_S

static int refused; /* the error of each new socket; 0: none */

/* This takes the place of the C library's. */
int socket(int domain, int type, int protocol)
{
	if (!refused)
		return (int)syscall(SYS_socket, domain, type, protocol);
	errno = refused;
	return -1;
}

/* A server on a free port of the VIP, and one client. */
struct talk {
	int listener, client, server;
	struct sockaddr_in vip, from;
};

static void begin(struct talk *t)
{
	socklen_t len = sizeof(t->vip);

	t->vip = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = rig.ns.addr_a};
	t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	t->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(t->listener >= 0 && t->client >= 0);
	assert_int_equal(bind(t->listener, (struct sockaddr *)&t->vip, sizeof(t->vip)), 0);
	assert_int_equal(listen(t->listener, 1), 0);
	assert_int_equal(getsockname(t->listener, (struct sockaddr *)&t->vip, &len), 0);
	assert_int_equal(connect(t->client, (struct sockaddr *)&t->vip, sizeof(t->vip)), 0);
	t->server = accept(t->listener, NULL, NULL);
	assert_true(t->server >= 0);
	assert_int_equal(getsockname(t->client, (struct sockaddr *)&t->from, &len), 0);
}

static void end(struct talk *t)
{
	close(t->server);
	close(t->client);
	close(t->listener);
}

static struct hokm_conn_key key_of(const struct talk *t, uint16_t apart)
{
	struct hokm_conn_key k = {
		.client_port = htons((uint16_t)(ntohs(t->from.sin_port) + apart))};

	k.client.w[2] = htonl(0xffff);
	k.client.w[3] = t->from.sin_addr.s_addr;
	return k;
}

static void enter(struct hokm_bpf *b, const struct hokm_conn_key *k, uint64_t last_ns)
{
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED,
			      .target = HOKM_LOCAL,
			      .flags = HOKM_CONN_OPENED,
			      .created_ns = last_ns};

	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], k, &c, 0), 0);
}

static bool is_there(struct hokm_bpf *b, const struct hokm_conn_key *k)
{
	struct hokm_conn c;

	return !bpf_map_lookup_elem(b->map[MAP_CONNS], k, &c);
}

/* A walk each second. */
static void walk(struct sweep *w, uint64_t *now_ns, unsigned int seconds)
{
	for (unsigned int i = 0; i < seconds; i++, *now_ns += S)
		do
			sweep_run(w, *now_ns);
		while (w->running);
}

/* A node whose only service is that of the talk. */
static struct node *node_of(struct hokm_bpf *b, const struct talk *t, struct conf_service *conf)
{
	struct node *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	*conf = (struct conf_service){.port = ntohs(t->vip.sin_port)};
	rig.conf.idle_ns = 7200 * S;
	n->conf = &rig.conf;
	n->bpf = b;
	n->services.n = 1;
	n->services.list[0] = (struct service){.conf = conf, .vip = t->vip.sin_addr};
	return n;
}

static void a_silent_connection_stays_with_its_socket(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct conf_service conf;
	struct node *n;
	struct sweep w = {0};
	struct talk t;
	struct hokm_conn_key held, gone;
	uint64_t now_ns = clock_now_ns();

	(void)state;
	begin(&t);
	held = key_of(&t, 0);
	gone = key_of(&t, 1);
	n = node_of(b, &t, &conf);
	sweep_init(&w, n, NULL);
	enter(b, &held, now_ns - rig.conf.idle_ns + 10 * S);
	enter(b, &gone, now_ns - rig.conf.idle_ns + 10 * S);

	walk(&w, &now_ns, 10);
	assert_true(is_there(b, &held) && is_there(b, &gone));
	/* The one without a socket expires, but not while the kernel must not be asked. */
	n->terminating = true;
	walk(&w, &now_ns, 70);
	assert_true(is_there(b, &gone));
	n->terminating = false;
	walk(&w, &now_ns, 61);
	assert_true(is_there(b, &held));
	assert_false(is_there(b, &gone));
	assert_int_equal(w.stats.expired, 1);
	assert_int_equal(n->services.list[0].players, 1);

	walk(&w, &now_ns, 300);
	assert_true(is_there(b, &held));
	end(&t);
	walk(&w, &now_ns, 61);
	assert_false(is_there(b, &held));
	assert_int_equal(w.stats.expired, 2);
	free(n);
	hokm_bpf_close(b);
}

/* A player who waits pays for no shortage of this node. */
static void a_kernel_that_cannot_say_is_asked_again(void **state)
{
	static const int brief[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN};
	struct hokm_bpf *b = rig_open(false);
	struct conf_service conf;
	struct node *n;
	struct sweep w = {0};
	struct talk t;
	struct hokm_conn_key held;
	uint64_t now_ns = clock_now_ns();

	(void)state;
	begin(&t);
	held = key_of(&t, 0);
	n = node_of(b, &t, &conf);
	sweep_init(&w, n, NULL);
	enter(b, &held, now_ns - rig.conf.idle_ns - S);
	for (size_t i = 0; i < sizeof(brief) / sizeof(brief[0]); i++) {
		refused = brief[i];
		walk(&w, &now_ns, 61);
		if (!is_there(b, &held))
			fail_msg("deleted for error %d", brief[i]);
	}
	/* Where it is never to be had, the time decides. */
	refused = EPERM;
	walk(&w, &now_ns, 61);
	refused = 0;
	assert_false(is_there(b, &held));
	end(&t);
	free(n);
	hokm_bpf_close(b);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_silent_connection_stays_with_its_socket),
		RIG_TEST(a_kernel_that_cannot_say_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return rig_main(run_all);
}
