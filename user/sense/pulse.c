/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending probes. The socket exists to send: a classic BPF filter drops whatever reaches it, so that
 * a peer's packets can never wake this process, with or without XDP in front.
 */
#include <arpa/inet.h>
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

#define TOS_CS6  0xc0
#define PRIORITY 6

struct pulse {
	int fd;
	uint16_t port; /* host order, of both ends */
	uint8_t vrid;
	uint64_t nonce;
	struct hokm_keys keys;
};

static int set_int(int fd, int level, int name, int value, const char *text)
{
	int err;

	if (!setsockopt(fd, level, name, &value, sizeof(value)))
		return 0;
	err = -errno;
	log_error("pulse socket: setting %s failed: %s", text, strerror(-err));
	return err;
}

static int drop_all(int fd)
{
	struct sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {.len = 1, .filter = code};
	int err;

	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		return 0;
	err = -errno;
	log_error("pulse socket: attaching the filter failed: %s", strerror(-err));
	return err;
}

static int bind_to(int fd, struct in_addr addr, uint16_t port_host)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = addr, .sin_port = htons(port_host)};
	char text[INET_ADDRSTRLEN] = "?";
	int err;

	if (!bind(fd, (struct sockaddr *)&sin, sizeof(sin)))
		return 0;
	err = -errno;
	(void)inet_ntop(AF_INET, &addr, text, sizeof(text));
	log_error("could not bind the pulse socket to %s port %u: %s%s", text, port_host,
		  strerror(-err),
		  err == -EADDRINUSE ? " (another program has this UDP port: change pulse port on "
				       "all nodes, or stop it)"
				     : "");
	return err;
}

int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out)
{
	struct pulse *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->port = port_host;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0) {
		err = -errno;
		log_error("could not open the pulse socket: %s", strerror(-err));
		goto fail;
	}
	/* The filter first: nothing may be queued between bind and filter. */
	err = drop_all(p->fd);
	if (!err)
		err = set_int(p->fd, SOL_SOCKET, SO_BINDTOIFINDEX, ifindex, "SO_BINDTOIFINDEX");
	if (!err)
		err = set_int(p->fd, SOL_SOCKET, SO_PRIORITY, PRIORITY, "SO_PRIORITY");
	if (!err)
		err = set_int(p->fd, IPPROTO_IP, IP_TTL, 255, "IP_TTL");
	if (!err)
		err = set_int(p->fd, IPPROTO_IP, IP_TOS, TOS_CS6, "IP_TOS");
	if (!err)
		err = bind_to(p->fd, addr, port_host);
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
