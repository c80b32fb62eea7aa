/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_tcp.h. */
#include <arpa/nameser.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "agent/dns_message.h"
#include "agent/dns_tcp.h"
#include "base/clock.h"
#include "base/wait_fd.h"

static int connect_to(struct dns_tcp *t, const struct sockaddr_storage *host, uint64_t by_ns)
{
	socklen_t len = host->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						    : sizeof(struct sockaddr_in);
	socklen_t size = sizeof(int);
	int err, fd = socket(host->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)host, len) ? -errno : 0;
	if (err == -EINPROGRESS)
		err = wait_fd(fd, POLLOUT, by_ns);
	if (!err && !getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size))
		err = -err;
	if (err) {
		close(fd);
		return err;
	}
	t->fd = fd;
	return 0;
}

/* Each address gets its part of the time. */
static int connect_any(struct dns_tcp *t, const struct dns_job *j, uint64_t by_ns)
{
	int err = -EADDRNOTAVAIL;

	for (unsigned int i = 0; i < j->n_hosts && t->fd < 0; i++) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = by_ns > now_ns ? by_ns - now_ns : 0;

		err = connect_to(t, &j->host[i], now_ns + left_ns / (j->n_hosts - i));
	}
	return t->fd < 0 ? err : 0;
}

static int send_all(int fd, const uint8_t *data, size_t len, uint64_t by_ns)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		int err = n < 0 ? -errno : 0;

		if (err == -EAGAIN)
			err = wait_fd(fd, POLLOUT, by_ns);
		else if (!err) {
			data += n;
			len -= (size_t)n;
		}
		if (err && err != -EINTR)
			return err;
	}
	return 0;
}

/* -EPIPE: the connection ended before. */
static int receive_all(int fd, uint8_t *data, size_t len, uint64_t by_ns)
{
	while (len) {
		ssize_t n = recv(fd, data, len, 0);
		int err = n < 0 ? -errno : 0;

		if (err == -EAGAIN)
			err = wait_fd(fd, POLLIN, by_ns);
		else if (!n)
			err = -EPIPE;
		else if (!err) {
			data += n;
			len -= (size_t)n;
		}
		if (err && err != -EINTR)
			return err;
		/* A host that sends a byte now and then does not get more time. */
		if (len && clock_now_ns() >= by_ns)
			return -ETIMEDOUT;
	}
	return 0;
}

static int exchange(int fd, const uint8_t *msg, size_t len, uint8_t *answer, size_t size,
		    size_t *got, uint64_t by_ns)
{
	uint8_t framed[2 + DNS_OUT_MAX];
	const uint16_t length = htobe16((uint16_t)len);
	uint16_t answer_length = 0;
	int err;

	if (len > DNS_OUT_MAX)
		return -EMSGSIZE;
	memcpy(framed, &length, sizeof(length));
	memcpy(framed + sizeof(length), msg, len);
	err = send_all(fd, framed, sizeof(length) + len, by_ns);
	if (!err)
		err = receive_all(fd, (uint8_t *)&answer_length, sizeof(answer_length), by_ns);
	*got = be16toh(answer_length);
	if (!err && (*got < NS_HFIXEDSZ || *got > size))
		err = -EBADMSG;
	return err ? err : receive_all(fd, answer, *got, by_ns);
}

int dns_tcp_ask(struct dns_tcp *t, struct dns_job *j, const uint8_t *msg, size_t len,
		uint8_t *answer, size_t size, size_t *got)
{
	uint64_t by_ns = clock_now_ns() + j->req->conf.timeout_ns;
	int err = t->fd < 0 ? connect_any(t, j, by_ns) : 0;

	if (err)
		return dns_fail(j, DNS_FAILED, "no connection to %s: %s", j->base, strerror(-err));
	err = exchange(t->fd, msg, len, answer, size, got, by_ns);
	if (!err)
		return 0;
	dns_tcp_close(t);
	return dns_fail(j, DNS_FAILED, "%s did not answer: %s", j->base,
			err == -EPIPE       ? "it closed the connection"
			: err == -EBADMSG   ? "what it sent is no DNS message"
			: err == -ETIMEDOUT ? "timed out"
					    : strerror(-err));
}

void dns_tcp_close(struct dns_tcp *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}
