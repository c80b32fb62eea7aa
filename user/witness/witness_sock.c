/* SPDX-License-Identifier: GPL-2.0-only */
/* See witness_sock.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sense/sock.h"
#include "witness/witness_sock.h"

int witness_sock_open(struct in_addr addr, uint16_t port_host)
{
	const struct sock_option options[] = {
		{SOL_SOCKET, SO_PRIORITY, SOCK_PRIORITY, "SO_PRIORITY"},
		{IPPROTO_IP, IP_TTL, 255, "IP_TTL"},
		{IPPROTO_IP, IP_TOS, SOCK_TOS_CS6, "IP_TOS"},
		{IPPROTO_IP, IP_RECVTTL, 1, "IP_RECVTTL"},
	};

	return sock_open_udp("pulse", addr, port_host, options,
			     sizeof(options) / sizeof(options[0]), NULL);
}

enum hokm_witness_process witness_sock_process(struct hokm_addr addr, __be16 port)
{
	const struct sockaddr_in own = {
		.sin_family = AF_INET, .sin_addr = hokm_addr_to_ipv4(&addr), .sin_port = port};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) ? errno : 0;

	if (fd >= 0)
		close(fd);
	if (err == EADDRNOTAVAIL)
		return HOKM_WITNESS_NOWHERE;
	/* What cannot be asked may be. */
	return err ? HOKM_WITNESS_RUNS : HOKM_WITNESS_ABSENT;
}

/* The TTL of a packet; 0 when the kernel does not say it. */
static int ttl_of(struct msghdr *msg)
{
	int ttl = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
	return ttl;
}

/* One packet. False when none waits. */
static bool serve_one(int fd, struct witness *w)
{
	/* One byte more than a pulse has: a longer packet is seen to be one. */
	unsigned char bytes[sizeof(struct hokm_pulse) + 1];
	_Alignas(struct cmsghdr) unsigned char control[64];
	struct sockaddr_in from = {0};
	struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	const ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
	struct hokm_pulse answer;
	struct witness_packet in;

	if (n < 0)
		return false;
	in = (struct witness_packet){
		.from = from.sin_addr, .ttl = ttl_of(&msg), .bytes = bytes, .len = (size_t)n};
	/* A lost answer is asked for again by the next pulse. */
	if (witness_answer(w, &in, clock_now_ns(), &answer) == WITNESS_NONE)
		(void)sendto(fd, &answer, sizeof(answer), MSG_DONTWAIT, (struct sockaddr *)&from,
			     sizeof(from));
	return true;
}

unsigned int witness_sock_serve(int fd, struct witness *w, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && serve_one(fd, w))
		n++;
	return n;
}
