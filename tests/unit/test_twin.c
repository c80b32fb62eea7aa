/* SPDX-License-Identifier: GPL-2.0-only */
/* Another machine with the address of this node, over a link between two namespaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/twin.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "own_netns.h"

#define OWN "192.168.1.26"
#define MAC "02:00:00:00:00:99"
#define MS  100 /* that a look lasts */
#define NEW "ip", "link", "add", "hx2", "address", MAC, "type", "veth", "peer", "name", "hx3"

static struct own_netns ns;
static struct conf conf;

/* Of a node with the address OWN and a peer with this one. */
static void configure(struct conf *c, const char *interface, const char *peer)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->interface, sizeof(c->interface), "%s", interface);
	c->n_nodes = 2;
	c->self = 1;
	c->nodes[0].addr = own_addr(peer);
	c->nodes[1].addr = own_addr(OWN);
}

static int find(const char *peer, struct twin_seen *seen)
{
	configure(&conf, "hx0", peer);
	memset(seen, 0, sizeof(*seen));
	return twin_find(&conf, MS, seen);
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
	struct twin_seen seen;

	(void)state;
	assert_int_equal(find("192.168.1.27", &seen), 0);
	assert_true(clock_now_ns() - began_ns >= MS * NS_PER_MS);
	assert_int_equal(find("192.168.1.28", &seen), 0);
}

static void a_clone_has_it(void **state)
{
	static const unsigned char hx1[6] = {2, 0, 0, 0, 0, 0x99};
	struct twin_seen seen;

	(void)state;
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "link", "set", "hx1", "address", MAC), 0);
	own_netns_enter(ns.a);
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.28", &seen), 1);
	assert_memory_equal(seen.mac, hx1, 6);
	assert_false(seen.goes_first);
	other_machine("del", OWN "/32");
	assert_int_equal(find("192.168.1.28", &seen), 0);
}

/* A router that answers for the peer too says nothing about this address. */
static void a_router_answers_for_everybody(void **state)
{
	struct twin_seen seen;

	(void)state;
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.27", &seen), 0);
	other_machine("del", OWN "/32");
}

/* A second interface of this machine in the segment, which answers for all its addresses. */
static void another_interface_of_this_machine_has_it(void **state)
{
	struct twin_seen seen;

	(void)state;
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.28", &seen), 1);
	assert_int_equal(RUN(NEW), 0);
	assert_int_equal(find("192.168.1.28", &seen), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
	other_machine("del", OWN "/32");
}

static void an_interface_that_is_not_there(void **state)
{
	struct twin_seen seen;

	(void)state;
	find("192.168.1.28", &seen);
	snprintf(conf.interface, sizeof(conf.interface), "none");
	assert_int_equal(twin_find(&conf, MS, &seen), -ENODEV);
}

struct asker {
	struct twin_seen seen;
	int found;
};

/* The other machine looks, too, and for longer, so that it asks during the look of this one. */
static void *look_there(void *arg)
{
	struct asker *a = arg;
	struct conf there;

	own_netns_enter(ns.b);
	configure(&there, "hx1", "192.168.1.28");
	a->found = twin_find(&there, 4 * MS, &a->seen);
	return NULL;
}

static void mac_there(const char *mac)
{
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "link", "set", "hx1", "address", mac), 0);
	own_netns_enter(ns.a);
}

/* A look of each. goes_first: what the one here learns. */
static void both_look(bool goes_first)
{
	struct asker there = {0};
	struct twin_seen seen = {0};
	pthread_t thread;

	configure(&conf, "hx0", "192.168.1.28");
	assert_int_equal(pthread_create(&thread, NULL, look_there, &there), 0);
	assert_int_equal(twin_find(&conf, 4 * MS, &seen), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(there.found, 1);
	assert_int_equal(seen.goes_first, goes_first);
	assert_int_equal(there.seen.goes_first, !goes_first);
}

/* Of two machines that ask for the same address the one with the smaller MAC address goes first. */
static void two_that_ask(void **state)
{
	struct twin_seen seen;

	(void)state;
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:01:00"), 0);
	other_machine("add", OWN "/32");
	mac_there("02:00:00:00:00:ff");
	both_look(false);
	mac_there("02:00:00:00:01:01");
	both_look(true);
	/* One that answers and does not ask runs already. */
	assert_int_equal(find("192.168.1.28", &seen), 1);
	assert_false(seen.goes_first);
	other_machine("del", OWN "/32");
}

/* The gateway is no node. Its answer shows that the network forwards, and nothing else. */
static void the_gateway_answers(void **state)
{
	struct twin_seen seen;

	(void)state;
	assert_int_equal(find("192.168.1.28", &seen), 0);
	assert_false(seen.heard);
	assert_int_equal(RUN("ip", "route", "add", "default", "via", "192.168.1.27", "dev", "hx0"),
			 0);
	assert_int_equal(find("192.168.1.28", &seen), 0);
	assert_true(seen.heard);
	/* One that has the address of this node, too, is a twin all the same. */
	other_machine("add", OWN "/32");
	assert_int_equal(find("192.168.1.28", &seen), 1);
	other_machine("del", OWN "/32");
	assert_int_equal(RUN("ip", "route", "del", "default"), 0);
}

#define CROWD 16

/* Probes of so many hosts, all for the address of this node, and one behind the other. */
static void crowd_asks(void)
{
	const struct in_addr own = own_addr(OWN);
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	struct ether_arp arp = {0};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	to.sll_ifindex = ns.ifindex_b;
	to.sll_protocol = htons(ETH_P_ARP);
	memset(to.sll_addr, 0xff, to.sll_halen);
	arp.arp_hrd = htons(ARPHRD_ETHER);
	arp.arp_pro = htons(ETH_P_IP);
	arp.arp_hln = 6;
	arp.arp_pln = 4;
	arp.arp_op = htons(ARPOP_REQUEST);
	memcpy(arp.arp_tpa, &own, sizeof(own));
	arp.arp_sha[0] = 2;
	for (unsigned char i = 0; i < CROWD; i++) {
		arp.arp_sha[5] = i;
		assert_int_equal(
			sendto(fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(arp));
	}
	close(fd);
}

/* It asks during the look of this node, and then gets the address, before the second question. */
static void *crowd_and_clone(void *arg)
{
	(void)arg;
	own_netns_enter(ns.b);
	(void)poll(NULL, 0, MS);
	crowd_asks();
	assert_int_equal(RUN("ip", "addr", "add", OWN "/32", "dev", "hx1"), 0);
	return NULL;
}

/* More hosts than a look keeps do not hide a clone. */
static void a_clone_behind_a_crowd(void **state)
{
	static const unsigned char hx1[6] = {2, 0, 0, 0, 0, 0x99};
	struct twin_seen seen = {0};
	pthread_t thread;

	(void)state;
	mac_there(MAC);
	configure(&conf, "hx0", "192.168.1.28");
	assert_int_equal(pthread_create(&thread, NULL, crowd_and_clone, NULL), 0);
	assert_int_equal(twin_find(&conf, 20 * MS, &seen), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_memory_equal(seen.mac, hx1, 6);
	assert_false(seen.goes_first);
	other_machine("del", OWN "/32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_the_address),
		cmocka_unit_test(a_clone_has_it),
		cmocka_unit_test(a_router_answers_for_everybody),
		cmocka_unit_test(another_interface_of_this_machine_has_it),
		cmocka_unit_test(an_interface_that_is_not_there),
		cmocka_unit_test(two_that_ask),
		cmocka_unit_test(the_gateway_answers),
		cmocka_unit_test(a_clone_behind_a_crowd),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
