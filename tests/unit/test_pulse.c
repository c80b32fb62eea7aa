/* SPDX-License-Identifier: GPL-2.0-only */
/* Probes: their bytes, how they are sent, and that the socket receives nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hokm/grant_count.h"
#include "hokm/pulse_tag.h"
#include "own_netns.h"
#include "sense/pulse.h"

#define PORT 8766

static struct own_netns ns;
static struct pulse_signer signer = {
	.mac = {0x02, 0, 0, 0, 0, 0x0a},
	.vrid = 25,
	.nonce = 0x0102030405060708ULL,
	.keys.to[3] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL},
};

static const struct hokm_own nothing_owned;
static const struct hokm_service no_service[HOKM_MAX_SERVICES];
static const struct pulse_state silent = {.own = &nothing_owned, .services = no_service};

static void probe_bytes(void **state)
{
	static const uint8_t head[16] = {
		'H', 'K', 'M', 'P', 3, 1, 25, 0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
	static const uint8_t sent[8] = {0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
	static const uint8_t zero[sizeof(struct hokm_pulse)];
	const struct in_addr peer = own_addr("192.168.1.27"), third = own_addr("192.168.1.28");
	struct hokm_pulse p, other;

	(void)state;
	signer.addr = own_addr("192.168.1.26");
	pulse_build_probe(&p, &signer, 3, peer, &silent, 0x1112131415161718ULL);
	assert_memory_equal(&p, head, sizeof(head));
	assert_memory_equal((uint8_t *)&p + 16, sent, sizeof(sent));
	assert_memory_equal((uint8_t *)&p + 24, zero, 50 - 24);
	assert_memory_equal((uint8_t *)&p + 50, signer.mac, 6);
	assert_memory_equal((uint8_t *)&p + 56, zero, HOKM_PULSE_SIGNED - 56);
	pulse_build_probe(&other, &signer, 3, peer, &silent, 0x1112131415161719ULL);
	assert_int_not_equal(p.tag, other.tag);
	pulse_build_probe(&other, &signer, 3, third, &silent, 0x1112131415161718ULL);
	assert_int_not_equal(p.tag, other.tag);
	pulse_build_probe(&other, &signer, 4, peer, &silent, 0x1112131415161718ULL);
	assert_int_not_equal(p.tag, other.tag);
}

/* A peer without a daemon learns from the probes who owns. */
static void probe_says_who_owns(void **state)
{
	const struct in_addr peer = own_addr("192.168.1.27");
	const struct hokm_own owns = {
		.lease_until_ns = 1500, .epoch = 9, .state = HOKM_VRRP_MASTER, .priority = 110};
	const struct hokm_service services[HOKM_MAX_SERVICES] = {
		[0] = {.state = HOKM_SVC_UP}, [2] = {.tag = 0x01020304, .state = HOKM_SVC_UP}};
	const struct pulse_state says = {.own = &owns, .services = services};
	struct hokm_pulse p;

	(void)state;
	pulse_build_probe(&p, &signer, 3, peer, &says, 1000);
	assert_int_equal(be64toh(p.lease_left_ns), 500);
	assert_int_equal(be64toh(p.epoch), 9);
	assert_int_equal(p.state, HOKM_VRRP_MASTER);
	assert_int_equal(p.priority, 110);
	assert_int_equal(p.daemon_age_ns, 0);
	assert_int_equal(p.svc[0].state, 0);
	assert_int_equal(be32toh(p.svc[2].tag), 0x01020304);
	assert_int_equal(p.svc[2].state, HOKM_SVC_UP);
	pulse_build_probe(&p, &signer, 3, peer, &says, 1500);
	assert_int_equal(p.lease_left_ns, 0);
}

/* By grants it also says since which epoch, where members that promise have granted it. */
static void probe_says_since_when_by_grants(void **state)
{
	static const struct {
		uint16_t majority;
		uint64_t end_ns, lease_ns, used_ns, since;
	} rows[] = {
		{2, 5000000, 9000000, 0, 7}, {2, 5000000, 3000000, 0, 0},
		{2, 4000000, 9000000, 0, 0}, {0, 5000000, 9000000, 0, 0},
		{2, 5000000, 9000000, 1, 0},
	};
	const struct hokm_service none[HOKM_MAX_SERVICES] = {{0}};
	const struct in_addr peer = own_addr("192.168.1.27");
	struct hokm_pulse p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hokm_grants g = {.count.majority = rows[i].majority};
		const struct hokm_own owns = {.lease_until_ns = rows[i].lease_ns};
		const struct pulse_state says = {.own = &owns, .services = none, .grants = &g};

		hokm_grants_set_wish(&g, HOKM_WISH_OWN, 7);
		g.end = hokm_grant_end_word(7, rows[i].end_ns);
		hokm_grants_raise(&g, 9);
		g.gateway.used_ns = rows[i].used_ns;
		pulse_build_probe(&p, &signer, 3, peer, &says, 4000000);
		if (be64toh(p.grant.wish_epoch) != rows[i].since)
			fail_msg("row %zu: since %llu", i,
				 (unsigned long long)be64toh(p.grant.wish_epoch));
	}
}

/* The tag is SipHash over the bytes before it, the source and the destination address. */
static void tag_of_a_probe(void **state)
{
	const struct in_addr peer = own_addr("192.168.1.27");
	uint8_t message[HOKM_PULSE_SIGNED + 8];
	struct hokm_pulse p;

	(void)state;
	signer.addr = own_addr("192.168.1.26");
	pulse_build_probe(&p, &signer, 3, peer, &silent, 77);
	memcpy(message, &p, HOKM_PULSE_SIGNED);
	memcpy(message + HOKM_PULSE_SIGNED, &signer.addr, 4);
	memcpy(message + HOKM_PULSE_SIGNED + 4, &peer, 4);
	assert_int_equal(be64toh(p.tag),
			 siphash_bytes(message, sizeof(message), signer.keys.to[3]));
}

static int udp_socket(struct in_addr addr, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = addr, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	return fd;
}

/* Returns the value of an IP control message, which is a byte or an int. */
static int control(struct msghdr *mh, int type)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == type)
			return *CMSG_DATA(c); /* little-endian int or byte, both below 256 */
	return -1;
}

static void probe_leaves(void **state)
{
	struct hokm_pulse want, got;
	struct sockaddr_in from;
	char buf[256];
	struct iovec iov = {.iov_base = &got, .iov_len = sizeof(got)};
	struct msghdr mh = {.msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = buf,
			    .msg_controllen = sizeof(buf)};
	struct pollfd pfd = {.events = POLLIN};
	/* The first cannot be sent: a broadcast. The second has no receiver. */
	const struct pulse_to to[] = {
		{1, own_addr("255.255.255.255")}, {2, ns.addr_a}, {3, ns.addr_b}};
	struct pulse *p;

	(void)state;
	own_netns_enter(ns.b);
	pfd.fd = udp_socket(ns.addr_b, PORT);
	own_netns_enter(ns.a);
	assert_int_equal(pulse_open(ns.ifindex_a, ns.addr_a, PORT, &p), 0);
	signer.addr = ns.addr_a;
	pulse_set_signer(p, &signer);
	assert_int_equal(pulse_probe(p, to, 3, &silent, 123456), 2);
	assert_int_equal(poll(&pfd, 1, 20000), 1);
	assert_int_equal(recvmsg(pfd.fd, &mh, 0), sizeof(got));
	pulse_build_probe(&want, &signer, 3, ns.addr_b, &silent, 123456);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(from.sin_addr.s_addr, ns.addr_a.s_addr);
	assert_int_equal(ntohs(from.sin_port), PORT);
	assert_int_equal(control(&mh, IP_TTL), 255);
	assert_int_equal(control(&mh, IP_TOS), 0xc0);
	pulse_close(p);
	close(pfd.fd);
}

struct queue {
	unsigned int waiting, drops;
};

/* Reads the line of the pulse socket in /proc/net/udp. */
static bool read_queue(struct queue *q)
{
	FILE *f = fopen("/proc/self/net/udp", "re");
	char line[256];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned int addr, port, rx, drops;

		if (sscanf(line,
			   " %*u: %x:%x %*x:%*x %*x %*x:%x %*x:%*x %*x %*u %*u %*u %*u %*s %u",
			   &addr, &port, &rx, &drops) != 4)
			continue;
		found = addr == ns.addr_a.s_addr && port == PORT;
		q->waiting = rx;
		q->drops = drops;
	}
	fclose(f);
	return found;
}

static bool dropped_one(void *arg)
{
	struct queue *q = arg;

	return read_queue(q) && q->drops > 0;
}

static void nothing_gets_in(void **state)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = ns.addr_a, .sin_port = htons(PORT)};
	struct queue q = {0};
	struct pulse *p;
	int fd;

	(void)state;
	assert_int_equal(pulse_open(ns.ifindex_a, ns.addr_a, PORT, &p), 0);
	assert_true(read_queue(&q));
	assert_int_equal(q.drops, 0);
	own_netns_enter(ns.b);
	fd = udp_socket(ns.addr_b, PORT);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
	own_netns_enter(ns.a);
	assert_true(own_wait(dropped_one, &q, 2000));
	assert_int_equal(q.waiting, 0);
	close(fd);
	pulse_close(p);
}

static void port_in_use(void **state)
{
	struct pulse *p, *second;

	(void)state;
	assert_int_equal(pulse_open(ns.ifindex_a, ns.addr_a, PORT, &p), 0);
	assert_int_equal(pulse_open(ns.ifindex_a, ns.addr_a, PORT, &second), -EADDRINUSE);
	assert_null(second);
	pulse_close(p);
	assert_int_equal(pulse_open(ns.ifindex_a, own_addr("192.168.1.99"), PORT, &p),
			 -EADDRNOTAVAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_bytes),
		cmocka_unit_test(probe_says_who_owns),
		cmocka_unit_test(probe_says_since_when_by_grants),
		cmocka_unit_test(tag_of_a_probe),
		cmocka_unit_test(probe_leaves),
		cmocka_unit_test(nothing_gets_in),
		cmocka_unit_test(port_in_use),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
