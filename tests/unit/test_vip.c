/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VIP address and local route in a real kernel. The test finds out whether the VIP is local as a
 * program does: by binding a socket to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/vip.h"
#include "own_netns.h"

static struct own_netns ns;

static bool is_local(struct in_addr a)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = a};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	assert_true(fd >= 0);
	rc = bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	close(fd);
	return rc == 0;
}

static bool present(struct vip *v, struct in_addr a)
{
	bool yes = false;

	assert_int_equal(vip_addr_present(v, a, &yes), 0);
	return yes;
}

static bool elsewhere(struct vip *v, struct in_addr a)
{
	bool yes = false;

	assert_int_equal(vip_addr_elsewhere(v, a, &yes), 0);
	return yes;
}

static void address_comes_and_goes(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_false(present(v, a));
	assert_int_equal(vip_addr_add(v, a), 0);
	assert_int_equal(vip_addr_add(v, a), 0); /* present already */
	assert_true(present(v, a));
	assert_false(elsewhere(v, a));
	assert_true(is_local(a));
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_false(present(v, a));
	assert_false(is_local(a));
	assert_int_equal(vip_addr_del(v, a), 0);
	vip_close(v);
}

static void a_later_process_knows_ours(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_int_equal(vip_addr_add(v, a), 0);
	vip_close(v);
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_true(present(v, a));
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_false(present(v, a));
	vip_close(v);
}

static void foreign_address_is_left_alone(void **state)
{
	static const char *const where[][2] = {
		{"192.168.1.25/32", "hx0"}, {"192.168.1.25/24", "hx0"}, {"192.168.1.25/32", "lo"}};
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		assert_int_equal(RUN("ip", "address", "add", where[i][0], "dev", where[i][1]), 0);
		assert_false(present(v, a));
		assert_true(elsewhere(v, a));
		assert_int_equal(vip_addr_del(v, a), 0);
		assert_true(is_local(a));
		assert_int_equal(RUN("ip", "address", "del", where[i][0], "dev", where[i][1]), 0);
		assert_false(elsewhere(v, a));
	}
	vip_close(v);
}

static void route_outlives_the_address(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_true(is_local(a));
	assert_int_equal(vip_addr_add(v, a), 0);
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_true(is_local(a));
	assert_int_equal(vip_route_del(v, a), 0);
	assert_false(is_local(a));
	assert_int_equal(vip_route_del(v, a), 0);
	/* The other order: first the adopted address, then the route, then both are removed. */
	assert_int_equal(vip_addr_add(v, a), 0);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_int_equal(vip_route_del(v, a), 0);
	assert_true(is_local(a));
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_false(is_local(a));
	vip_close(v);
}

static void errors_keep_their_errno(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(99999, &v), 0);
	assert_int_equal(vip_addr_add(v, a), -ENODEV);
	vip_close(v);
}

static void interface_of_an_address(void **state)
{
	char name[IF_NAMESIZE];

	(void)state;
	assert_int_equal(vip_interface_of(ns.addr_a, name), ns.ifindex_a);
	assert_string_equal(name, "hx0");
	assert_int_equal(vip_interface_of(own_addr("192.168.1.99"), name), 0);
	assert_string_equal(name, "");
}

/* Removed behind the daemon's back: seen, and added again. */
static void what_others_remove_comes_back(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	bool there = true;
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_false(there);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_int_equal(vip_addr_add(v, a), 0);
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_true(there);
	assert_int_equal(vip_route_again(v, a), 0);
	assert_int_equal(vip_addr_again(v, a), 0);
	assert_int_equal(RUN("ip", "addr", "del", "192.168.1.25/32", "dev", "hx0"), 0);
	assert_int_equal(
		RUN("ip", "route", "del", "local", "192.168.1.25", "dev", "lo", "table", "local"),
		0);
	assert_false(present(v, a));
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_false(there);
	assert_int_equal(vip_addr_again(v, a), 1);
	/* The kernel's own route of the address is not ours. */
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_false(there);
	assert_int_equal(vip_route_again(v, a), 1);
	assert_true(present(v, a));
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_true(there);
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_int_equal(vip_route_del(v, a), 0);
	vip_close(v);
}

/*
 * Addresses and routes with our mark of VIPs that the file no longer has, and addresses on an
 * interface that it no longer names. What others set stays.
 */
static void what_an_earlier_daemon_left_goes(void **state)
{
	struct in_addr keep[] = {own_addr("192.168.1.25"), own_addr("192.168.1.24")};
	struct in_addr old = own_addr("192.168.1.23"), theirs = own_addr("192.168.1.22");
	struct vip *v, *other;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_int_equal(vip_open((int)if_nametoindex("lo"), &other), 0);
	assert_int_equal(vip_addr_add(v, keep[0]), 0);
	assert_int_equal(vip_route_add(v, keep[0]), 0);
	assert_int_equal(vip_remove_others(v, keep, 2), 0);
	assert_int_equal(vip_addr_add(v, old), 0);
	assert_int_equal(vip_route_add(v, old), 0);
	assert_int_equal(vip_addr_add(other, keep[1]), 0);
	assert_int_equal(RUN("ip", "address", "add", "192.168.1.22/32", "dev", "hx0"), 0);
	assert_int_equal(vip_remove_others(v, keep, 2), 3);
	assert_true(present(v, keep[0]));
	assert_false(present(v, old));
	assert_false(is_local(old));
	assert_false(present(other, keep[1]));
	assert_true(is_local(theirs));
	/* Without a configuration nothing of ours stays. */
	assert_int_equal(vip_remove_others(other, NULL, 0), 2);
	assert_false(is_local(keep[0]));
	assert_true(is_local(theirs));
	assert_int_equal(RUN("ip", "address", "del", "192.168.1.22/32", "dev", "hx0"), 0);
	vip_close(other);
	vip_close(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_comes_and_goes),
		cmocka_unit_test(a_later_process_knows_ours),
		cmocka_unit_test(foreign_address_is_left_alone),
		cmocka_unit_test(route_outlives_the_address),
		cmocka_unit_test(errors_keep_their_errno),
		cmocka_unit_test(interface_of_an_address),
		cmocka_unit_test(what_others_remove_comes_back),
		cmocka_unit_test(what_an_earlier_daemon_left_goes),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("vip", tests, NULL, NULL);
}
