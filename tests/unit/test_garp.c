/* SPDX-License-Identifier: GPL-2.0-only */
/* Every byte of our ARP requests, as they arrive at the other end of the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/garp.h"
#include "own_netns.h"
#include "sense/link.h"

static struct own_netns ns;

/* Opens a packet socket for ARP on hx1. The process is in namespace a afterwards. */
static int listen_b(void)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = ns.ifindex_b};
	int fd;

	own_netns_enter(ns.b);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	own_netns_enter(ns.a);
	return fd;
}

/* Waits for ARP with this sender: the kernels may ask for the addresses of each other. */
static void receive(struct pollfd *p, struct in_addr sender, uint8_t got[128], ssize_t len)
{
	do {
		assert_int_equal(poll(p, 1, 20000), 1);
		assert_int_equal(recv(p->fd, got, 128, 0), len);
	} while (memcmp(got + 28, &sender, 4) != 0);
}

static void question_goes_to_the_peer_alone(void **state)
{
	const struct in_addr own = own_addr("192.168.1.201"), peer = own_addr("192.168.1.202");
	const unsigned char its[6] = {2, 0, 0, 0, 0, 9};
	uint8_t want[42] = {0}, got[128];
	unsigned char mac[6];
	struct pollfd p;
	struct garp *g;

	(void)state;
	assert_int_equal(link_mac("hx0", mac), 0);
	p = (struct pollfd){.fd = listen_b(), .events = POLLIN};
	assert_int_equal(garp_open(ns.ifindex_a, mac, &g), 0);
	assert_int_equal(garp_ask(g, own, peer, its), 0);
	memcpy(want, its, 6);
	memcpy(want + 6, mac, 6);
	memcpy(want + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
	memcpy(want + 22, mac, 6);
	memcpy(want + 28, &own, 4);
	memcpy(want + 38, &peer, 4);
	receive(&p, own, got, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	/* One whose MAC address is not known is asked by broadcast. */
	assert_int_equal(garp_ask(g, own, peer, (const unsigned char[6]){0}), 0);
	memset(want, 0xff, 6);
	receive(&p, own, got, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	garp_close(g);
	close(p.fd);
}

static void frame_is_exact(void **state)
{
	uint8_t want[42] = {0}, got[128];
	struct in_addr vip = own_addr("192.168.1.25");
	unsigned char mac[6];
	struct pollfd p;
	struct garp *g;

	(void)state;
	assert_int_equal(link_mac("hx0", mac), 0);
	p = (struct pollfd){.fd = listen_b(), .events = POLLIN};
	assert_int_equal(garp_open(ns.ifindex_a, mac, &g), 0);
	assert_int_equal(garp_send(g, vip), 0);
	memset(want, 0xff, 6);
	memcpy(want + 6, mac, 6);
	memcpy(want + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
	memcpy(want + 22, mac, 6);
	memcpy(want + 28, &vip, 4);
	memcpy(want + 38, &vip, 4);
	receive(&p, vip, got, sizeof(want));
	assert_memory_equal(got, want, sizeof(want));
	garp_close(g);
	close(p.fd);
}

static void a_link_that_is_down_is_an_error(void **state)
{
	const unsigned char mac[6] = {2, 0, 0, 0, 0, 1};
	struct garp *g;

	(void)state;
	assert_int_equal(garp_open(ns.ifindex_a, mac, &g), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	assert_int_equal(garp_send(g, own_addr("192.168.1.25")), -ENETDOWN);
	garp_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_is_exact),
		cmocka_unit_test(question_goes_to_the_peer_alone),
		cmocka_unit_test(a_link_that_is_down_is_an_error),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("garp", tests, NULL, NULL);
}
