/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-floor: what a pulse costs this machine whatever sends it. It does nothing but what no sender
 * of pulses can leave out: each 10 ms it waits for an event or the end of its time (ppoll), and
 * sends one datagram of the size of a pulse (sendmmsg), at real-time priority and with its memory
 * locked. tools/bench/idle shows the CPU time of a node as a multiple of it.
 *
 *   hokm-floor SECONDS ADDR:PORT
 *
 * At the end it prints its CPU time, by the scheduler, in millionths of a core.
 */
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "program.h"

#define PULSE_NS   10000000ULL
#define PULSES_A_S 100
#define BYTES      160 /* at least sizeof(struct hokm_pulse) */

/* CPU time of this process in ns; 0 when it cannot be read. */
static uint64_t cpu_ns(void)
{
	unsigned long long ns = 0;
	FILE *f = fopen("/proc/self/schedstat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	(void)fclose(f);
	return ns;
}

/* The daemon has the same; without the right to it the floor is a little higher. */
static void as_the_daemon(void)
{
	const struct sched_param param = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &param) || mlockall(MCL_CURRENT | MCL_FUTURE))
		(void)prog_fail("real-time priority and locked memory");
}

/* Waits for the next pulse. The daemon waits at an event loop in the same way. */
static int wait_until(int set, uint64_t due_ns)
{
	struct pollfd p = {.fd = set, .events = POLLIN};
	uint64_t now_ns = prog_now_ns();
	struct timespec left = {0, due_ns > now_ns ? (long)(due_ns - now_ns) : 0};

	return ppoll(&p, 1, &left, NULL) ? prog_fail("ppoll") : 0;
}

static int run(unsigned long seconds, struct sockaddr_in *to)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int set = epoll_create1(EPOLL_CLOEXEC);
	char pulse[BYTES] = {0};
	struct iovec iov = {pulse, sizeof(pulse)};
	struct mmsghdr msg = {.msg_hdr = {.msg_name = to,
					  .msg_namelen = sizeof(*to),
					  .msg_iov = &iov,
					  .msg_iovlen = 1}};
	uint64_t before = cpu_ns(), began = prog_now_ns();

	if (sock < 0 || set < 0)
		return prog_fail("socket or epoll set");
	for (unsigned long i = 0; i < seconds * PULSES_A_S; i++) {
		if (wait_until(set, began + (i + 1) * PULSE_NS))
			return -EIO;
		if (sendmmsg(sock, &msg, 1, 0) != 1)
			return prog_fail("pulse");
	}
	if (!before)
		return prog_fail("/proc/self/schedstat");
	printf("%llu\n",
	       (unsigned long long)((cpu_ns() - before) * 1000000 / (prog_now_ns() - began)));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to;
	unsigned long seconds;

	if (argc != 3 || !prog_number(argv[1], 1, 3600, &seconds) || !prog_addr(argv[2], &to)) {
		fprintf(stderr, "usage: hokm-floor SECONDS ADDR:PORT\n");
		return 2;
	}
	as_the_daemon();
	return run(seconds, &to) ? 1 : 0;
}
