/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wall clock that a test can set, for all processes that are started with this library: the
 * daemon, its agent and its notifier read another time than the machine has. The difference is the
 * first eight bytes of the file /etc/wall-step, nanoseconds in the order of the processor. Daemon
 * and children find file and library in an /etc of their own (test_wall_clock.sh): children get no
 * environment. The clocks since boot are those of the machine.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

static const volatile int64_t *step;
static int (*next)(clockid_t, struct timespec *);

/* Before the process gives up its right to open files. */
__attribute__((constructor)) static void find(void)
{
	int fd = open("/etc/wall-step", O_RDONLY | O_CLOEXEC);
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*step), PROT_READ, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (at != MAP_FAILED)
		step = at;
	*(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
	if (!next)
		abort();
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err;
	int64_t ns;

	if (!next)
		find();
	err = next(clock, ts);
	if (err || !step || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return err;
	ns = ts->tv_sec * NS + ts->tv_nsec + *step;
	ts->tv_sec = ns / NS;
	ts->tv_nsec = ns % NS;
	return 0;
}

time_t time(time_t *dst)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_REALTIME, &ts);
	if (dst)
		*dst = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts = {0};

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
