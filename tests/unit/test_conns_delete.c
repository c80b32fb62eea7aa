/* SPDX-License-Identifier: GPL-2.0-only */
/* Deleting an entry of conns removes its open requests from the map waits, once. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "act_bpf_rig.h"

#define UPGRADE_NS (5 * HOKM_WAIT_NS)
#define PING_NS    (9 * HOKM_WAIT_NS)
#define SLOT       1

static void put(struct hokm_bpf *b, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], k, c, BPF_ANY), 0);
}

/* How many connections wait for the answer to an upgrade, and for a pong. */
static void expect_waits(struct hokm_bpf *b, uint32_t upgrades, uint32_t pings)
{
	uint32_t n;

	assert_int_equal(
		hokm_bpf_count_waits(b, SLOT, HOKM_WAIT_UPGRADE, 0, 100 * HOKM_WAIT_NS, &n, NULL),
		0);
	assert_int_equal(n, upgrades);
	assert_int_equal(
		hokm_bpf_count_waits(b, SLOT, HOKM_WAIT_PING, 0, 100 * HOKM_WAIT_NS, &n, NULL), 0);
	assert_int_equal(n, pings);
}

static int end_all(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	(void)k;
	(void)c;
	(void)arg;
	return 1;
}

static void waits_leave(void **state)
{
	struct hokm_conn_key k = {.client_port = htons(7), .service = SLOT};
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED, .upgrade_ns = UPGRADE_NS};
	struct hokm_conn_cursor cursor = {0};
	struct hokm_bpf *b = rig_open(false);
	bool done;

	(void)state;
	b->waits[SLOT].upgrade[5] = 2;
	b->waits[SLOT].ping[9] = 2;
	put(b, &k, &c);
	assert_int_equal(hokm_bpf_delete_conn(b, &k), 0);
	expect_waits(b, 1, 2);
	/* The entry is deleted: nothing more is removed. */
	assert_int_equal(hokm_bpf_delete_conn(b, &k), -ENOENT);
	expect_waits(b, 1, 2);
	/* Deleted by a sweep, with two open requests. */
	c.ping_c2s_ns = PING_NS;
	put(b, &k, &c);
	assert_int_equal(hokm_bpf_sweep_conns(b, &cursor, 10, end_all, NULL, &done), 1);
	assert_true(done);
	expect_waits(b, 0, 1);
	/* Without an open request. */
	c.upgrade_ns = c.ping_c2s_ns = 0;
	put(b, &k, &c);
	assert_int_equal(hokm_bpf_delete_conn(b, &k), 0);
	expect_waits(b, 0, 1);
	hokm_bpf_close(b);
}

static int count(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	unsigned int *n = arg;

	(void)k;
	(void)c;
	return ++*n == 1 ? 0 : 42;
}

/* A view can be used after the handle that it came from was closed. */
static void a_view_outlives_its_handle(void **state)
{
	struct hokm_conn_key k = {.client_port = htons(7), .service = SLOT};
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED};
	struct hokm_bpf *b = rig_open(false), *view;
	struct hokm_latency latency;
	unsigned int n = 0;

	(void)state;
	put(b, &k, &c);
	assert_int_equal(hokm_bpf_view(b, &view), 0);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_walk_conns(view, false, count, &n), 0);
	assert_int_equal(n, 1);
	n = 0;
	assert_int_equal(hokm_bpf_walk_conns(view, true, count, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(hokm_bpf_get_latency(view, SLOT, &latency), 0);
	/* It uses these file descriptors and no other. */
	assert_int_equal(hokm_bpf_get_cfg(view, &(struct hokm_cfg){0}), -EBADF);
	hokm_bpf_close(view);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		RIG_TEST(waits_leave),
		RIG_TEST(a_view_outlives_its_handle),
	};

	return cmocka_run_group_tests(list, NULL, NULL);
}

int main(void)
{
	return rig_main(tests);
}
