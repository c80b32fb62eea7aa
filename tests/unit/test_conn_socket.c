/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a connection has its socket here, as the kernel of this machine tells it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "sense/conn_socket.h"

static const struct in_addr LOCAL = {.s_addr = 0x0100007f}; /* 127.0.0.1 */
static const struct in_addr OTHER = {.s_addr = 0x0200007f}; /* 127.0.0.2 */

static unsigned int waits;

/* This takes the place of the C library's. */
ssize_t recv(int fd, void *to, size_t len, int flags)
{
	waits += !(flags & MSG_DONTWAIT);
	return syscall(SYS_recvfrom, fd, to, len, flags, NULL, NULL);
}

/* A socket that listens on all addresses of the machine, on a free port. */
static int listener(int family, __be16 *port)
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
	assert_int_equal(bind(fd, sa, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, sa, &len), 0);
	*port = family == AF_INET ? four.sin_port : six.sin6_port;
	return fd;
}

static int visitor(__be16 port, __be16 *own)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port, .sin_addr = LOCAL}, from;
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &len), 0);
	*own = from.sin_port;
	return fd;
}

static void connection_of(int family)
{
	const struct linger at_once = {.l_onoff = 1};
	__be16 port, own, other;
	int fd = listener(family, &port), one = visitor(port, &own), taken;

	/* Also before the server has accepted it. */
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 1);
	taken = accept(fd, NULL, NULL);
	assert_true(taken >= 0);
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 1);
	/* The listener is no connection, and other addresses are none of this one. */
	other = htons((uint16_t)(ntohs(own) ^ 1));
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, other), 0);
	assert_int_equal(conn_socket(OTHER, port, LOCAL, own), 0);
	assert_int_equal(conn_socket(LOCAL, port, OTHER, own), 0);
	/* The client has gone: the server's socket is still there. */
	close(one);
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 1);
	assert_int_equal(setsockopt(taken, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(taken);
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 0);
	close(fd);
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 0);
	assert_int_equal(waits, 0);
}

static void a_connection_has_its_socket_until_it_is_closed(void **state)
{
	(void)state;
	connection_of(AF_INET);
	connection_of(AF_INET6);
}

/* The server has closed first: its kernel waits for late segments, and serves nobody. */
static void time_wait_is_no_socket(void **state)
{
	__be16 port, own;
	int fd = listener(AF_INET, &port), one = visitor(port, &own);
	int taken = accept(fd, NULL, NULL);

	(void)state;
	assert_true(taken >= 0);
	close(taken);
	close(one);
	/* The kernel takes the FINs when it has time. */
	for (int i = 0; i < 1000 && conn_socket(LOCAL, port, LOCAL, own) == 1; i++)
		usleep(5000);
	assert_int_equal(conn_socket(LOCAL, port, LOCAL, own), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_has_its_socket_until_it_is_closed),
		cmocka_unit_test(time_wait_is_no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
