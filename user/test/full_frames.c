/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP echo requests (RFC 792) to a peer, without fragmentation: a small one, then one that fills
 * the MTU of the interface. The socket lets only echo replies of the peer through, and only their
 * lengths are asked for: no byte from the network is read here (architecture rule 10).
 *
 *   IPv4 header, 20 bytes
 *   ICMP header, 8 bytes: type 8, code 0, checksum, id, sequence number
 *   zeros up to the length that is tested
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/full_frames.h"

#define TRIES    3
#define WAIT_NS  (500 * NS_PER_MS)
#define SMALL    64
#define LARGEST  65535
#define IP_BYTES 20

/* A filter of the kernel for raw ICMP sockets: bits of the types that are kept back. */
#define RAW_ICMP_FILTER 1
struct raw_icmp_filter {
	uint32_t data;
};

struct echo {
	int fd;
	unsigned char *packet; /* LARGEST bytes of zeros behind the header */
};

/* 0 for unknown. */
static size_t mtu_of(int fd, const char *interface)
{
	struct ifreq r = {0};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%.15s", interface);
	if (!*interface || ioctl(fd, SIOCGIFMTU, &r) < 0 || r.ifr_mtu < SMALL ||
	    r.ifr_mtu > LARGEST)
		return 0;
	return (size_t)r.ifr_mtu;
}

static int echo_open(struct echo *e, struct in_addr peer)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = peer};
	const struct raw_icmp_filter replies = {.data = ~(1u << ICMP_ECHOREPLY)};
	const int no_fragments = IP_PMTUDISC_PROBE;

	e->packet = calloc(1, LARGEST);
	if (!e->packet)
		return -ENOMEM;
	e->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (e->fd < 0)
		return -errno;
	if (setsockopt(e->fd, SOL_RAW, RAW_ICMP_FILTER, &replies, sizeof(replies)) < 0 ||
	    setsockopt(e->fd, IPPROTO_IP, IP_MTU_DISCOVER, &no_fragments, sizeof(no_fragments)) <
		    0 ||
	    connect(e->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static void echo_close(struct echo *e)
{
	if (e->fd >= 0)
		close(e->fd);
	free(e->packet);
}

/* The sum over a header whose other bytes are zeros (RFC 1071). */
static void fill(struct echo *e, uint16_t sequence)
{
	struct icmphdr h = {.type = ICMP_ECHO};
	uint16_t words[4];
	uint32_t sum = 0;

	h.un.echo.id = htons((uint16_t)getpid());
	h.un.echo.sequence = htons(sequence);
	memcpy(words, &h, sizeof(words));
	for (size_t i = 0; i < 4; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	h.checksum = (uint16_t) ~(sum + (sum >> 16));
	memcpy(e->packet, &h, sizeof(h));
}

/* A reply of `length` bytes, IP header included, within WAIT_NS. */
static bool is_answered(const struct echo *e, size_t length)
{
	const uint64_t end_ns = clock_now_ns() + WAIT_NS;
	struct pollfd p = {.fd = e->fd, .events = POLLIN};

	for (uint64_t now_ns = clock_now_ns(); now_ns < end_ns; now_ns = clock_now_ns()) {
		char none;

		if (poll(&p, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) < 1)
			continue;
		if (recv(e->fd, &none, 0, MSG_TRUNC | MSG_DONTWAIT) == (ssize_t)length)
			return true;
	}
	return false;
}

/* Is one of several questions of `length` bytes, IP header included, answered? */
static bool passes(struct echo *e, size_t length)
{
	for (uint16_t i = 0; i < TRIES; i++) {
		fill(e, i);
		/* What cannot be sent is not answered. */
		if (send(e->fd, e->packet, length - IP_BYTES, 0) >= 0 && is_answered(e, length))
			return true;
	}
	return false;
}

static void test_peer(const struct conf_node *peer, const char *interface, struct test_row *r)
{
	struct echo e = {.fd = -1};
	int err = echo_open(&e, peer->addr);
	size_t mtu = err ? 0 : mtu_of(e.fd, interface);

	if (err)
		test_end(r, TEST_SKIP, "no ICMP socket: %s", strerror(-err));
	else if (!mtu)
		test_end(r, TEST_SKIP, "the MTU of interface %s is not known", interface);
	else if (!passes(&e, SMALL))
		test_end(r, TEST_SKIP, "node %s answers no ping", peer->name);
	else if (passes(&e, mtu))
		test_end(r, TEST_PASS, "node %s answers a ping of %zu bytes", peer->name, mtu);
	else
		test_end(r, TEST_FAIL, "node %s answers a small ping, and none of %zu bytes",
			 peer->name, mtu);
	echo_close(&e);
}

void test_full_frames(const struct conf *c, const char *interface, struct test_report *t)
{
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		struct test_row *r;

		if (i == c->self)
			continue;
		r = test_add(t, TEST_CONNECTIVITY, "full frames to the peer",
			     "a ping as large as the MTU is answered");
		snprintf(r->next, sizeof(r->next),
			 "ip link show %s on both nodes, and the ports of the switch: "
			 "all must have the same MTU",
			 interface);
		test_peer(&c->nodes[i], interface, r);
	}
}
