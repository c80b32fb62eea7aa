/* SPDX-License-Identifier: GPL-2.0-only */
/* Another machine with the address of this node, over a link between two namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "act/twin.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "own_netns.h"

#define OWN "192.168.1.26"
#define MAC "02:00:00:00:00:99"
#define NEW "ip", "link", "add", "hx2", "address", MAC, "type", "veth", "peer", "name", "hx3"

static struct own_netns ns;
static struct conf conf;

/* Its peer has this address. */
static int find(const char *peer, unsigned char mac[6])
{
	memset(&conf, 0, sizeof(conf));
	snprintf(conf.interface, sizeof(conf.interface), "hx0");
	conf.n_nodes = 2;
	conf.self = 1;
	conf.nodes[0].addr = own_addr(peer);
	conf.nodes[1].addr = own_addr(OWN);
	memset(mac, 0, 6);
	return twin_find(&conf, mac);
}

/* hx1 is the interface of the other machine. */
static void other_machine(const char *verb, const char *addr)
{
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "addr", verb, addr, "dev", "hx1"), 0);
	own_netns_enter(ns.a);
}

static void nobody_has_the_address(void **state)
{
	uint64_t began_ns = clock_now_ns();
	unsigned char mac[6];

	(void)state;
	assert_int_equal(find("192.168.1.27", mac), 0);
	assert_true(clock_now_ns() - began_ns >= TWIN_WAIT_MS * NS_PER_MS);
	assert_int_equal(find("192.168.1.28", mac), 0);
}

static void a_clone_has_it(void **state)
{
	static const unsigned char hx1[6] = {2, 0, 0, 0, 0, 0x99};
	unsigned char mac[6];

	(void)state;
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "link", "set", "hx1", "address", MAC), 0);
	own_netns_enter(ns.a);
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.28", mac), 1);
	assert_memory_equal(mac, hx1, 6);
	other_machine("del", OWN "/32");
	assert_int_equal(find("192.168.1.28", mac), 0);
}

/* A router that answers for the peer too says nothing about this address. */
static void a_router_answers_for_everybody(void **state)
{
	unsigned char mac[6];

	(void)state;
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.27", mac), 0);
	other_machine("del", OWN "/32");
}

/* A second interface of this machine in the segment, which answers for all its addresses. */
static void another_interface_of_this_machine_has_it(void **state)
{
	unsigned char mac[6];

	(void)state;
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.28", mac), 1);
	assert_int_equal(RUN(NEW), 0);
	assert_int_equal(find("192.168.1.28", mac), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
	other_machine("del", OWN "/32");
}

static void an_interface_that_is_not_there(void **state)
{
	unsigned char mac[6];

	(void)state;
	find("192.168.1.28", mac);
	snprintf(conf.interface, sizeof(conf.interface), "none");
	assert_int_equal(twin_find(&conf, mac), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_the_address),
		cmocka_unit_test(a_clone_has_it),
		cmocka_unit_test(a_router_answers_for_everybody),
		cmocka_unit_test(another_interface_of_this_machine_has_it),
		cmocka_unit_test(an_interface_that_is_not_there),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
