/* SPDX-License-Identifier: GPL-2.0-only */
/* The queues of listening sockets, as the kernel of this machine tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "sense/listen_queue.h"

static const struct in_addr LOCAL = {.s_addr = 0x0100007f}; /* 127.0.0.1 */
static const struct in_addr OTHER = {.s_addr = 0x0200007f}; /* 127.0.0.2 */

/* ---- the system calls of the question ---- */

static unsigned int waits, datagrams;

/* These take the places of the C library's. */
int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	const struct timespec none = {0};

	waits += timeout_ms != 0;
	return (int)syscall(SYS_ppoll, fds, n, &none, NULL, 0);
}

ssize_t recv(int fd, void *to, size_t len, int flags)
{
	waits += !(flags & MSG_DONTWAIT);
	datagrams++;
	return syscall(SYS_recvfrom, fd, to, len, flags, NULL, NULL);
}

/* ---- */

/* A socket that listens on a free port and lets in one connection. */
static int listener(int family, const char *addr, uint16_t *port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&four
						: (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int off = 0, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (family == AF_INET6)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
	assert_int_equal(
		inet_pton(family, addr,
			  family == AF_INET ? (void *)&four.sin_addr : (void *)&six.sin6_addr),
		1);
	assert_int_equal(bind(fd, sa, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, sa, &len), 0);
	*port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

static int visitor(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = LOCAL};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_true(!connect(fd, (const struct sockaddr *)&to, sizeof(to)) || errno == EINPROGRESS);
	return fd;
}

static void queue_of(int family, const char *addr)
{
	uint16_t port;
	int fd = listener(family, addr, &port), one, taken;

	assert_int_equal(listen_queue(LOCAL, port), LISTEN_OPEN);
	one = visitor(port);
	assert_int_equal(listen_queue(LOCAL, port), LISTEN_FULL);
	taken = accept(fd, NULL, NULL);
	assert_true(taken >= 0);
	assert_int_equal(listen_queue(LOCAL, port), LISTEN_OPEN);
	close(one);
	close(taken);
	close(fd);
	assert_int_equal(listen_queue(LOCAL, port), LISTEN_NONE);
}

static void full_queue_is_seen(void **state)
{
	(void)state;
	queue_of(AF_INET, "127.0.0.1");
	queue_of(AF_INET, "0.0.0.0");
	queue_of(AF_INET6, "::");
	queue_of(AF_INET6, "::ffff:127.0.0.1");
}

static void other_addresses_do_not_count(void **state)
{
	uint16_t port;
	int fd = listener(AF_INET, "127.0.0.1", &port);

	(void)state;
	assert_int_equal(listen_queue(OTHER, port), LISTEN_NONE);
	close(fd);
}

#define OTHERS 300

/* The event loop asks: adverts and pulses would wait meanwhile. */
static void question_does_not_wait(void **state)
{
	static int others[OTHERS];
	uint16_t port, unused;
	int fd = listener(AF_INET, "127.0.0.1", &port);

	(void)state;
	for (unsigned int i = 0; i < OTHERS; i++)
		others[i] = listener(AF_INET, "127.0.0.1", &unused);
	waits = datagrams = 0;
	assert_int_equal(listen_queue(LOCAL, port), LISTEN_OPEN);
	assert_int_equal(waits, 0);
	/* For each address family the answer and the end of the dump, however many listen. */
	assert_in_range(datagrams, 2, 4);
	for (unsigned int i = 0; i < OTHERS; i++)
		close(others[i]);
	close(fd);
	assert_int_equal(listen_queue(LOCAL, port), LISTEN_NONE);
	assert_int_equal(waits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_queue_is_seen),
		cmocka_unit_test(other_addresses_do_not_count),
		cmocka_unit_test(question_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
