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
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/foreign_vip.h"
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

static bool is_foreign(struct in_addr a)
{
	struct foreign_vip f;
	int found = foreign_vip_find(a, &f);

	assert_true(found >= 0);
	return found;
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
	assert_false(is_foreign(a));
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
		assert_true(is_foreign(a));
		assert_int_equal(vip_addr_del(v, a), 0);
		assert_true(is_local(a));
		assert_int_equal(RUN("ip", "address", "del", where[i][0], "dev", where[i][1]), 0);
		assert_false(is_foreign(a));
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

/* Left by a killed keepalived, or set by hand: on any interface, with any prefix. */
static void a_foreign_address_is_named_and_taken_over(void **state)
{
	static const struct {
		const char *address, *ifname;
		uint8_t prefix;
	} where[] = {{"192.168.1.25/32", "hx0", 32},
		     {"192.168.1.25/24", "hx0", 24}, /* secondary: the node's own comes first */
		     {"192.168.1.25/32", "lo", 32}};
	struct in_addr a = own_addr("192.168.1.25");
	struct foreign_vip f;

	(void)state;
	assert_int_equal(foreign_vip_find(a, &f), 0);
	assert_int_equal(foreign_vip_take_over(a), 0);
	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		assert_int_equal(
			RUN("ip", "address", "add", where[i].address, "dev", where[i].ifname), 0);
		assert_int_equal(foreign_vip_find(a, &f), 1);
		assert_string_equal(f.ifname, where[i].ifname);
		assert_int_equal(f.prefix, where[i].prefix);
		assert_false(f.is_primary);
		assert_int_equal(foreign_vip_take_over(a), 0);
		assert_int_equal(foreign_vip_find(a, &f), 0);
	}
	assert_int_equal(RUN("ip", "address", "add", "192.168.1.25/32", "dev", "hx0"), 0);
	assert_int_equal(RUN("ip", "address", "add", "192.168.1.25/32", "dev", "lo"), 0);
	assert_int_equal(foreign_vip_take_over(a), 0);
	assert_int_equal(foreign_vip_find(a, &f), 0);
	assert_int_equal(foreign_vip_find(ns.addr_a, &f), 1); /* the node's own is there */
}

/* The kernel would remove the others of the subnet with it, the node's own among them. */
static void the_nodes_own_address_is_not_taken_with_it(void **state)
{
	struct in_addr a = own_addr("192.168.2.25");
	struct foreign_vip f;

	(void)state;
	assert_int_equal(RUN("ip", "address", "add", "192.168.2.25/24", "dev", "hx0"), 0);
	assert_int_equal(RUN("ip", "address", "add", "192.168.2.26/24", "dev", "hx0"), 0);
	assert_int_equal(foreign_vip_take_over(a), -EBUSY);
	assert_int_equal(foreign_vip_find(a, &f), 1);
	assert_int_equal(foreign_vip_find(own_addr("192.168.2.26"), &f), 1);
	assert_int_equal(RUN("ip", "address", "del", "192.168.2.26/24", "dev", "hx0"), 0);
	assert_int_equal(RUN("ip", "address", "del", "192.168.2.25/24", "dev", "hx0"), 0);
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

/* The first of the routes to the VIP leads to this interface. */
static bool first_is_on(const char *ifname)
{
	char command[128];

	snprintf(command, sizeof(command),
		 "ip route show table local | grep -m1 192.168.1.25 | grep -q 'dev %s '", ifname);
	return RUN("sh", "-c", command) == 0;
}

/* One more interface, with an address. */
static int third_interface(void)
{
	int ifindex;

	assert_int_equal(RUN("ip", "link", "add", "hxmac", "link", "hx0", "type", "macvlan"), 0);
	assert_int_equal(RUN("ip", "link", "set", "hxmac", "up"), 0);
	assert_int_equal(RUN("ip", "address", "add", "192.168.7.1/24", "dev", "hxmac"), 0);
	ifindex = (int)if_nametoindex("hxmac");
	assert_true(ifindex > 0);
	return ifindex;
}

/*
 * Packet filters take the interface of the first local route for that of the address. The kernel
 * removes this route with the last address of the interface, and the one of lo remains.
 */
static void interface_comes_first(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	bool there = true;
	struct vip *v;

	(void)state;
	assert_int_equal(vip_open(third_interface(), &v), 0);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_true(first_is_on("hxmac"));
	assert_int_equal(vip_addr_add(v, a), 0);
	assert_true(first_is_on("hxmac"));
	assert_int_equal(vip_addr_del(v, a), 0);
	assert_int_equal(RUN("ip", "address", "flush", "dev", "hxmac"), 0);
	assert_true(is_local(a));
	assert_true(first_is_on("lo"));
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_false(there);
	assert_int_equal(vip_route_again(v, a), 0);
	assert_int_equal(vip_route_present(v, a, &there), 0);
	assert_true(there);
	assert_true(first_is_on("hxmac"));
	assert_int_equal(
		RUN("ip", "route", "del", "local", "192.168.1.25", "dev", "lo", "table", "local"),
		0);
	assert_int_equal(vip_route_again(v, a), 1);
	assert_true(first_is_on("hxmac"));
	assert_int_equal(vip_route_del(v, a), 0);
	assert_false(is_local(a));
	assert_int_equal(RUN("ip", "link", "del", "hxmac"), 0);
	vip_close(v);
}

/* A daemon before this one had another interface: its route goes with ours. */
static void routes_of_another_interface_go(void **state)
{
	struct in_addr a = own_addr("192.168.1.25");
	struct vip *v, *other;

	(void)state;
	assert_int_equal(vip_open(ns.ifindex_a, &v), 0);
	assert_int_equal(vip_open(third_interface(), &other), 0);
	assert_int_equal(vip_route_add(other, a), 0);
	assert_int_equal(vip_route_add(v, a), 0);
	assert_true(first_is_on("hx0"));
	assert_int_equal(vip_remove_others(v, NULL, 0), 1);
	assert_false(is_local(a));
	assert_int_equal(RUN("ip", "link", "del", "hxmac"), 0);
	vip_close(other);
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
		cmocka_unit_test(a_foreign_address_is_named_and_taken_over),
		cmocka_unit_test(the_nodes_own_address_is_not_taken_with_it),
		cmocka_unit_test(what_others_remove_comes_back),
		cmocka_unit_test(interface_comes_first),
		cmocka_unit_test(routes_of_another_interface_go),
		cmocka_unit_test(what_an_earlier_daemon_left_goes),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("vip", tests, NULL, NULL);
}
