/* SPDX-License-Identifier: GPL-2.0-only */
/* Adverts over a real wire: group and unicast, IP header fields, no loop, reported errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "own_netns.h"
#include "base/link_state.h"
#include "sense/vrrp_sock.h"

static struct own_netns ns;
static const uint8_t message[] = {0x31, 25, 110, 1, 0, 100, 0xab, 0xcd, 192, 168, 1, 25};

/* One socket in each namespace; the process ends in a. */
static void open_both(bool multicast, struct vrrp_sock **a, struct vrrp_sock **b)
{
	own_netns_enter(ns.b);
	assert_int_equal(vrrp_sock_open(ns.ifindex_b, ns.addr_b, multicast, b), 0);
	own_netns_enter(ns.a);
	assert_int_equal(vrrp_sock_open(ns.ifindex_a, ns.addr_a, multicast, a), 0);
}

static void expect_tos(struct vrrp_sock *s, struct in_addr source, struct in_addr dest, uint8_t tos)
{
	struct pollfd p = {.fd = vrrp_sock_fd(s), .events = POLLIN};
	uint8_t buf[256];
	struct iphdr ip;

	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(vrrp_sock_recv(s, buf, sizeof(buf)), sizeof(ip) + sizeof(message));
	memcpy(&ip, buf, sizeof(ip));
	assert_int_equal(ip.ttl, 255);
	assert_int_equal(ip.tos, tos);
	assert_int_equal(ip.protocol, 112);
	assert_int_equal(ip.saddr, source.s_addr);
	assert_int_equal(ip.daddr, dest.s_addr);
	assert_memory_equal(buf + sizeof(ip), message, sizeof(message));
}

static void expect_message(struct vrrp_sock *s, struct in_addr source, struct in_addr dest)
{
	expect_tos(s, source, dest, 0xc0);
}

static void expect_nothing(struct vrrp_sock *s)
{
	uint8_t buf[64];

	assert_int_equal(vrrp_sock_recv(s, buf, sizeof(buf)), -EAGAIN);
}

static void group(void **state)
{
	struct in_addr to = own_addr("224.0.0.18");
	struct vrrp_sock *a, *b;

	(void)state;
	open_both(true, &a, &b);
	expect_nothing(b);
	assert_int_equal(vrrp_sock_send(a, message, sizeof(message), to), 0);
	expect_message(b, ns.addr_a, to);
	expect_nothing(a); /* own adverts do not come back */
	assert_int_equal(vrrp_sock_send(b, message, sizeof(message), to), 0);
	expect_message(a, ns.addr_b, to);
	vrrp_sock_close(a);
	vrrp_sock_close(b);
}

static void source_is_the_address_given(void **state)
{
	struct in_addr to = own_addr("224.0.0.18"), second = own_addr("192.168.1.30");
	struct vrrp_sock *a, *b;

	(void)state;
	open_both(true, &a, &b);
	vrrp_sock_close(a);
	assert_int_equal(RUN("ip", "address", "add", "192.168.1.30/24", "dev", "hx0"), 0);
	assert_int_equal(vrrp_sock_open(ns.ifindex_a, second, true, &a), 0);
	assert_int_equal(vrrp_sock_send(a, message, sizeof(message), to), 0);
	expect_message(b, second, to);
	assert_int_equal(RUN("ip", "address", "del", "192.168.1.30/24", "dev", "hx0"), 0);
	vrrp_sock_close(a);
	vrrp_sock_close(b);
}

static void unicast(void **state)
{
	struct vrrp_sock *a, *b;

	(void)state;
	open_both(false, &a, &b);
	assert_int_equal(vrrp_sock_send(a, message, sizeof(message), ns.addr_b), 0);
	expect_message(b, ns.addr_a, ns.addr_b);
	vrrp_sock_close(a);
	vrrp_sock_close(b);
}

static int queue_priority(struct vrrp_sock *s)
{
	int priority = -1;
	socklen_t len = sizeof(priority);

	assert_int_equal(getsockopt(vrrp_sock_fd(s), SOL_SOCKET, SO_PRIORITY, &priority, &len), 0);
	return priority;
}

static void firm_adverts(void **state)
{
	struct in_addr to = own_addr("224.0.0.18");
	struct vrrp_sock *a, *b;

	(void)state;
	open_both(true, &a, &b);
	assert_int_equal(queue_priority(a), 6);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(vrrp_sock_set_firm(a, i & 2), 0);
		assert_int_equal(vrrp_sock_send(a, message, sizeof(message), to), 0);
		expect_tos(b, ns.addr_a, to, i & 2 ? 0xc1 : 0xc0);
		assert_int_equal(queue_priority(a), 6);
	}
	vrrp_sock_close(a);
	vrrp_sock_close(b);
}

/* More often than a socket may join groups. */
/* What the daemon's threads do together. */
static void follow(struct vrrp_sock *s, int former, int ifindex)
{
	assert_int_equal(vrrp_sock_set_interface(s, ifindex), 0);
	assert_true(vrrp_sock_multicast(s));
	assert_int_equal(link_group_move(vrrp_sock_fd(s), own_addr("224.0.0.18"), former, ifindex),
			 0);
}

static void the_interface_is_made_again(void **state)
{
	struct in_addr to = own_addr("224.0.0.18");
	struct vrrp_sock *a, *b;
	int former_a, former_b;

	(void)state;
	open_both(true, &a, &b);
	for (int i = 0; i < 25; i++) {
		former_a = ns.ifindex_a;
		former_b = ns.ifindex_b;
		assert_int_equal(RUN("ip", "link", "del", "hx0"), 0);
		own_netns_link(&ns);
		follow(a, former_a, ns.ifindex_a);
		own_netns_enter(ns.b);
		follow(b, former_b, ns.ifindex_b);
		own_netns_enter(ns.a);
	}
	assert_int_equal(vrrp_sock_send(a, message, sizeof(message), to), 0);
	expect_message(b, ns.addr_a, to);
	assert_int_equal(vrrp_sock_send(b, message, sizeof(message), to), 0);
	expect_message(a, ns.addr_b, to);
	assert_true(vrrp_sock_set_interface(a, 99999) < 0);
	vrrp_sock_close(a);
	vrrp_sock_close(b);
}

static void refused(void **state)
{
	uint8_t huge[4096] = {0};
	struct vrrp_sock *a, *b;

	(void)state;
	open_both(true, &a, &b);
	assert_int_equal(vrrp_sock_send(a, huge, sizeof(huge), ns.addr_b), -EMSGSIZE);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	assert_true(vrrp_sock_send(a, message, sizeof(message), own_addr("224.0.0.18")) < 0);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "up"), 0);
	vrrp_sock_close(a);
	vrrp_sock_close(b);
	assert_true(vrrp_sock_open(99999, ns.addr_a, true, &a) < 0);
	assert_null(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(group),   cmocka_unit_test(source_is_the_address_given),
		cmocka_unit_test(unicast), cmocka_unit_test(the_interface_is_made_again),
		cmocka_unit_test(refused), cmocka_unit_test(firm_adverts),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("vrrp_sock", tests, NULL, NULL);
}
