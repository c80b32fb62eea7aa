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
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act_bpf_rig.h"
#include "base/clock.h"
#include "daemon/node.h"
#include "daemon/sweep.h"
#include "decide/stale.h"

#define S NS_PER_S

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

static void a_silent_connection_stays_with_its_socket(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct conf_service conf = {0};
	struct node *n = calloc(1, sizeof(*n));
	struct sweep w = {0};
	struct talk t;
	struct hokm_conn_key held, gone;
	uint64_t now_ns = clock_now_ns();

	(void)state;
	assert_non_null(n);
	begin(&t);
	held = key_of(&t, 0);
	gone = key_of(&t, 1);
	conf.port = ntohs(t.vip.sin_port);
	rig.conf.idle_ns = 7200 * S;
	n->conf = &rig.conf;
	n->bpf = b;
	n->services.n = 1;
	n->services.list[0] = (struct service){.conf = &conf, .vip = t.vip.sin_addr};
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

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_silent_connection_stays_with_its_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return rig_main(run_all);
}
