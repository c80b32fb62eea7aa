/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VIP worker, with a kernel of its own that answers when the test lets it: the caller never
 * waits for it, and only what is still desired is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/vip_worker.h"
#include "base/gateway.h"

/* Far more than a loaded machine needs; no test measures it. */
#define PATIENCE_MS 60000

/* ---- the kernel ---- */

struct vip {
	int ifindex;
};

static struct {
	atomic_bool slow; /* the next change waits for `answer` */
	sem_t asked, answer;
	int fail; /* -errno of every change */
	unsigned int calls;
	struct vip_list addrs, routes;
	struct in_addr gateway; /* of the default route; 0: there is none */
	bool resolved;
} kernel;

int gateway_find(const char *ifname, struct in_addr *out)
{
	assert_string_equal(ifname, "eth0");
	*out = kernel.gateway;
	return kernel.gateway.s_addr ? 0 : -ENOENT;
}

unsigned int gateways_find(const char *ifname, struct in_addr *out, unsigned int max)
{
	(void)ifname;
	assert_true(max >= 2);
	out[0] = kernel.gateway;
	out[1].s_addr = 9;
	return kernel.gateway.s_addr ? 2 : 0;
}

int gateway_mac(const char *ifname, struct in_addr gateway, unsigned char mac[6])
{
	(void)ifname;
	assert_int_equal(gateway.s_addr, kernel.gateway.s_addr);
	memset(mac, 7, 6);
	return kernel.resolved ? 0 : -ENOENT;
}

static int change(struct vip_list *l, struct in_addr vip, bool add)
{
	if (atomic_exchange(&kernel.slow, false)) {
		sem_post(&kernel.asked);
		sem_wait(&kernel.answer);
	}
	kernel.calls++;
	if (kernel.fail)
		return kernel.fail;
	for (unsigned int i = 0; i < l->n; i++)
		if (l->vip[i].s_addr == vip.s_addr) {
			if (!add)
				l->vip[i] = l->vip[--l->n];
			return 0;
		}
	if (add)
		l->vip[l->n++] = vip;
	return add;
}

void vip_close(struct vip *v)
{
	free(v);
}

void vip_set_interface(struct vip *v, int ifindex)
{
	v->ifindex = ifindex;
}

int vip_addr_again(struct vip *v, struct in_addr vip)
{
	(void)v;
	return change(&kernel.addrs, vip, true);
}

int vip_addr_add(struct vip *v, struct in_addr vip)
{
	int err = vip_addr_again(v, vip);

	return err < 0 ? err : 0;
}

int vip_addr_del(struct vip *v, struct in_addr vip)
{
	(void)v;
	return change(&kernel.addrs, vip, false);
}

int vip_route_again(struct vip *v, struct in_addr vip)
{
	(void)v;
	return change(&kernel.routes, vip, true);
}

int vip_route_add(struct vip *v, struct in_addr vip)
{
	int err = vip_route_again(v, vip);

	return err < 0 ? err : 0;
}

int vip_route_del(struct vip *v, struct in_addr vip)
{
	(void)v;
	return change(&kernel.routes, vip, false);
}

/* ---- the world of each test ---- */

static struct vip_worker *worker;

static struct vip_list list(unsigned int n)
{
	struct vip_list l = {.n = n};

	for (unsigned int i = 0; i < n; i++)
		l.vip[i].s_addr = htonl(0x0a000001 + i);
	return l;
}

static struct vip_job job(unsigned int routes, unsigned int addrs)
{
	return (struct vip_job){.ifindex = 7, .routes = list(routes), .addrs = list(addrs)};
}

static int open_worker(void **state)
{
	const struct vip_list none = {0};

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	sem_init(&kernel.asked, 0, 0);
	sem_init(&kernel.answer, 0, 0);
	return vip_worker_open(calloc(1, sizeof(struct vip)), &none, &worker);
}

static int close_worker(void **state)
{
	(void)state;
	vip_worker_close(worker);
	return 0;
}

static void post(struct vip_job j)
{
	vip_worker_post(worker, &j);
}

/* The next result, however long it takes. */
static struct vip_result next_result(void)
{
	const struct vip_result *r;

	while (!(r = vip_worker_take(worker))) {
		struct pollfd p = {.fd = vip_worker_fd(worker), .events = POLLIN};
		uint64_t n;

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		assert_int_equal(read(p.fd, &n, sizeof(n)), sizeof(n));
	}
	return *r;
}

/* Posts a job whose first change the kernel does not answer. */
static void post_stuck(struct vip_job j)
{
	atomic_store(&kernel.slow, true);
	post(j);
	sem_wait(&kernel.asked);
}

static void answer(void)
{
	sem_post(&kernel.answer);
}

/* ---- tests ---- */

static void before_its_thread_runs_a_job_is_done_at_once(void **state)
{
	const struct vip_result *r;

	(void)state;
	post(job(2, 1));
	assert_int_equal(kernel.routes.n, 2);
	assert_int_equal(kernel.addrs.n, 1);
	r = vip_worker_take(worker);
	assert_non_null(r);
	assert_int_equal(r->err, 0);
	assert_int_equal(r->addrs.n, 1);
	assert_null(vip_worker_take(worker));
	assert_false(vip_worker_busy(worker));
}

static void nobody_waits_for_a_kernel_that_does_not_answer(void **state)
{
	struct vip_result r;

	(void)state;
	assert_int_equal(vip_worker_start(worker), 0);
	post_stuck(job(1, 1));
	assert_null(vip_worker_take(worker));
	assert_true(vip_worker_busy(worker));
	assert_int_equal(vip_worker_wait(worker, 1, &r), -ETIMEDOUT);
	answer();
	r = next_result();
	assert_int_equal(r.err, 0);
	assert_int_equal(r.addrs.n, 1);
	assert_int_equal(r.routes.n, 1);
	assert_int_equal(kernel.addrs.n, 1);
}

static void what_is_not_wanted_any_more_is_never_added(void **state)
{
	struct vip_result r;

	(void)state;
	assert_int_equal(vip_worker_start(worker), 0);
	post_stuck(job(1, 0));
	post(job(1, 3)); /* it became owner */
	post(job(1, 0)); /* and is none any more */
	answer();
	assert_int_equal(vip_worker_wait(worker, PATIENCE_MS, &r), 0);
	assert_int_equal(r.addrs.n, 0);
	assert_int_equal(kernel.addrs.n, 0);
	assert_int_equal(kernel.calls, 1);
}

static void an_address_that_came_too_late_is_removed(void **state)
{
	struct vip_result r;

	(void)state;
	assert_int_equal(vip_worker_start(worker), 0);
	post_stuck(job(0, 1));
	post(job(0, 0));
	answer();
	assert_int_equal(vip_worker_wait(worker, PATIENCE_MS, &r), 0);
	assert_int_equal(kernel.addrs.n, 0);
}

static void a_question_is_not_lost_by_a_newer_job(void **state)
{
	struct vip_job ask = job(1, 2), gone = job(0, 0);
	struct vip_result r;

	(void)state;
	assert_int_equal(vip_worker_start(worker), 0);
	post(job(1, 2));
	assert_int_equal(vip_worker_wait(worker, PATIENCE_MS, &r), 0);
	kernel.addrs.n = 0; /* another program */
	ask.addrs_again = true;
	gone.gone = true;
	post_stuck(job(2, 2));
	post(ask);
	post(job(1, 2));
	answer();
	r = next_result();
	assert_false(r.addrs_again);
	r = next_result();
	assert_true(r.addrs_again);
	assert_int_equal(r.n_addrs_again, 2);
	assert_int_equal(kernel.addrs.n, 2);
	/* Addresses that went with their interface are added anew, though nobody saw it gone. */
	kernel.addrs.n = 0;
	post_stuck(job(2, 2));
	post(gone);
	post(job(2, 2));
	answer();
	assert_int_equal(vip_worker_wait(worker, PATIENCE_MS, &r), 0);
	assert_int_equal(kernel.addrs.n, 2);
}

static void another_interface_has_none_of_the_addresses(void **state)
{
	struct vip_job moved = job(1, 1);

	(void)state;
	post(job(1, 1));
	assert_non_null(vip_worker_take(worker));
	kernel.addrs.n = 0;
	moved.ifindex++;
	post(moved);
	assert_int_equal(kernel.addrs.n, 1);
}

static void what_failed_is_tried_by_the_next_job(void **state)
{
	const struct vip_result *r;

	(void)state;
	kernel.fail = -ENOBUFS;
	post(job(1, 1));
	r = vip_worker_take(worker);
	assert_int_equal(r->err, -ENOBUFS);
	assert_int_equal(r->addrs.n, 0);
	kernel.fail = 0;
	post(job(1, 1));
	r = vip_worker_take(worker);
	assert_int_equal(r->err, 0);
	assert_int_equal(r->addrs.n, 1);
}

/* Its address is known by the route, its MAC address only when the kernel has asked for it. */
static void the_gateway_is_read_when_asked(void **state)
{
	static const struct {
		const char *name;
		in_addr_t gateway;
		bool resolved, read;
		in_addr_t addr;
		unsigned char mac;
	} rows[] = {
		{"", 1, true, false, 0, 0},
		{"eth0", 1, true, true, 1, 7},
		{"eth0", 1, false, true, 1, 0},
		{"eth0", 0, false, true, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vip_job j = job(1, 1);
		const struct vip_result *r;

		kernel.gateway.s_addr = rows[i].gateway;
		kernel.resolved = rows[i].resolved;
		memcpy(j.gateway_of, rows[i].name, strlen(rows[i].name) + 1);
		post(j);
		r = vip_worker_take(worker);
		assert_non_null(r);
		assert_int_equal(r->gateway_read, rows[i].read);
		assert_int_equal(r->gateway_addr.s_addr, rows[i].addr);
		assert_int_equal(r->gateway[5], rows[i].mac);
		assert_int_equal(r->n_gateways, rows[i].addr ? 2 : 0);
		if (r->n_gateways)
			assert_int_equal(r->gateways[1].s_addr, 9);
	}
}

/* Last: its thread stays with the kernel until the process ends. */
static void closing_does_not_wait_either(void **state)
{
	assert_int_equal(open_worker(state), 0);
	assert_int_equal(vip_worker_start(worker), 0);
	post_stuck(job(1, 1));
	vip_worker_close(worker);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_worker, close_worker)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_its_thread_runs_a_job_is_done_at_once),
		TEST(nobody_waits_for_a_kernel_that_does_not_answer),
		TEST(what_is_not_wanted_any_more_is_never_added),
		TEST(an_address_that_came_too_late_is_removed),
		TEST(a_question_is_not_lost_by_a_newer_job),
		TEST(another_interface_has_none_of_the_addresses),
		TEST(what_failed_is_tried_by_the_next_job),
		TEST(the_gateway_is_read_when_asked),
		cmocka_unit_test(closing_does_not_wait_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
