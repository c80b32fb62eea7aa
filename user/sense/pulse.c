/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending probes. The socket exists to send: a classic BPF filter drops whatever reaches it, so
 * that a peer's packets can never wake this process, with or without XDP in front.
 */
#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "hokm/siphash.h"
#include "sense/pulse.h"
#include "sense/sock.h"

#define WHO "pulse"

struct pulse {
	int fd;
	uint16_t port; /* host order, of both ends */
	uint8_t vrid;
	uint64_t nonce;
	struct hokm_keys keys;
};

static int drop_all(int fd)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {.len = 1, .filter = code};

	return sock_set(fd, WHO, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog),
			"SO_ATTACH_FILTER");
}

int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out)
{
	const struct sock_option options[] = {
		{SOL_SOCKET, SO_BINDTOIFINDEX, ifindex, "SO_BINDTOIFINDEX"},
		{SOL_SOCKET, SO_PRIORITY, SOCK_PRIORITY, "SO_PRIORITY"},
		{IPPROTO_IP, IP_TTL, 255, "IP_TTL"},
		{IPPROTO_IP, IP_TOS, SOCK_TOS_CS6, "IP_TOS"},
	};
	struct pulse *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->port = port_host;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0) {
		err = -errno;
		log_error("could not open the " WHO " socket: %s", strerror(-err));
		goto fail;
	}
	/* The filter first: nothing may be queued between bind and filter. */
	err = drop_all(p->fd);
	if (!err)
		err = sock_set_all(p->fd, WHO, options, sizeof(options) / sizeof(options[0]));
	if (!err)
		err = sock_bind_udp(p->fd, WHO, addr, port_host);
	if (err)
		goto fail;
	*out = p;
	return 0;
fail:
	pulse_close(p);
	return err;
}

void pulse_close(struct pulse *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		close(p->fd);
	explicit_bzero(&p->keys, sizeof(p->keys));
	free(p);
}

void pulse_set_key(struct pulse *p, const struct hokm_keys *keys, uint64_t nonce, uint8_t vrid)
{
	p->keys = *keys;
	p->nonce = nonce;
	p->vrid = vrid;
}

int pulse_probe(struct pulse *p, struct in_addr peer, uint64_t now_ns)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = peer, .sin_port = htons(p->port)};
	struct hokm_pulse msg;
	ssize_t n;

	pulse_build_probe(&msg, &p->keys, p->nonce, p->vrid, now_ns);
	n = sendto(p->fd, &msg, sizeof(msg), 0, (struct sockaddr *)&to, sizeof(to));
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(msg) ? 0 : -EIO;
}

void pulse_build_probe(struct hokm_pulse *out, const struct hokm_keys *keys, uint64_t nonce,
		       uint8_t vrid, uint64_t now_ns)
{
	memset(out, 0, sizeof(*out));
	out->magic = htobe32(HOKM_PULSE_MAGIC);
	out->version = HOKM_PULSE_VERSION;
	out->kind = HOKM_PULSE_PROBE;
	out->vrid = vrid;
	out->nonce = htobe64(nonce);
	out->sent_ns = htobe64(now_ns);
	out->tag = htobe64(siphash_bytes(out, HOKM_PULSE_SIGNED, keys->pulse));
}
