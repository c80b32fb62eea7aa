/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-floor: what a pulse costs this machine whatever sends it. It does nothing but what no sender
 * of pulses can leave out: each 10 ms it waits for a timer (epoll_wait), reads it, and sends one
 * datagram of the size of a pulse (sendmmsg), at real-time priority and with its memory locked.
 * tools/bench/idle shows the CPU time of a node as a multiple of it.
 *
 *   hokm-floor SECONDS ADDR:PORT
 *
 * At the end it prints its CPU time, by the scheduler, in millionths of a core.
 */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "program.h"

#define PULSE_NS   10000000L
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

/* A timer of pulses in an epoll set. Returns the set, or -errno. */
static int open_timer(int *timer)
{
	const struct itimerspec every = {{0, PULSE_NS}, {0, PULSE_NS}};
	struct epoll_event ev = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC);

	*timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (set < 0 || *timer < 0 || timerfd_settime(*timer, 0, &every, NULL) ||
	    epoll_ctl(set, EPOLL_CTL_ADD, *timer, &ev))
		return prog_fail("timer");
	return set;
}

static int run(unsigned long seconds, struct sockaddr_in *to)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), timer;
	int set = open_timer(&timer);
	char pulse[BYTES] = {0};
	struct iovec iov = {pulse, sizeof(pulse)};
	struct mmsghdr msg = {.msg_hdr = {.msg_name = to,
					  .msg_namelen = sizeof(*to),
					  .msg_iov = &iov,
					  .msg_iovlen = 1}};
	uint64_t before = cpu_ns(), began = prog_now_ns(), ticks;

	if (sock < 0)
		return prog_fail("socket");
	if (set < 0)
		return set;
	for (unsigned long i = 0; i < seconds * PULSES_A_S; i++) {
		struct epoll_event ev;

		if (epoll_wait(set, &ev, 1, -1) != 1 ||
		    read(timer, &ticks, sizeof(ticks)) != sizeof(ticks) ||
		    sendmmsg(sock, &msg, 1, 0) != 1)
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
