/* SPDX-License-Identifier: GPL-2.0-only */
/* See rt_thread.h. */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/rt_thread.h"

#define LOWEST      1 /* of SCHED_FIFO */
#define URGENT      50
#define STACK_BYTES (1 << 20)

static int start_realtime(pthread_t *thread, void *(*work)(void *), void *arg)
{
	const struct sched_param param = {.sched_priority = LOWEST};
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return err;
	err = pthread_attr_setstacksize(&attr, STACK_BYTES); /* it is locked into memory */
	err = err ? err : pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	err = err ? err : pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	err = err ? err : pthread_attr_setschedparam(&attr, &param);
	err = err ? err : pthread_create(thread, &attr, work, arg);
	pthread_attr_destroy(&attr);
	return err;
}

int rt_thread_start(pthread_t *thread, void *(*work)(void *), void *arg)
{
	/* The daemon logs by itself that it got no real-time priority. */
	if (!start_realtime(thread, work, arg))
		return 0;
	return -pthread_create(thread, NULL, work, arg);
}

/* As struct sched_attr of linux/sched/types.h, which cannot be included beside sched.h. */
struct deadline_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* The C library has no function for it. 0: this thread. */
static int become_deadline(uint64_t period_ns, uint64_t runtime_ns)
{
	const struct deadline_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime_ns = runtime_ns,
		.deadline_ns = period_ns / 2,
		.period_ns = period_ns,
	};

	return syscall(SYS_sched_setattr, 0, &attr, 0) ? -errno : 0;
}

int rt_thread_urgent(uint64_t period_ns)
{
	/*
	 * Of a CPU one part of so many. A thread that has used it up sleeps until the next period.
	 */
	static const unsigned int shares[] = {8, 20};
	const struct sched_param param = {.sched_priority = URGENT};
	int err = -EBUSY;

	for (size_t i = 0; err == -EBUSY && i < sizeof(shares) / sizeof(shares[0]); i++)
		err = become_deadline(period_ns, period_ns / shares[i]);
	/* A daemon without real-time priority has logged that by itself. */
	if (err)
		(void)sched_setscheduler(0, SCHED_FIFO, &param);
	return err;
}

/* DLN is the class of such threads in a list of `ps`. */
const char *rt_thread_advice(int err, bool confined)
{
	if (err == -EPERM && confined)
		return "it is kept from some of the CPUs and must be allowed all of them: "
		       "look for CPUAffinity= of the unit, a cpuset, taskset";
	if (err == -EPERM)
		return "give the daemon CAP_SYS_NICE";
	if (err == -EBUSY)
		return "other threads have all of it: `ps -eLo cls,pid,args | grep DLN`";
	return "look whether a filter of system calls forbids sched_setattr";
}

bool rt_thread_confined(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t may;

	return !sched_getaffinity(0, sizeof(may), &may) && CPU_COUNT(&may) < online;
}

int rt_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int err = pthread_mutexattr_init(&attr);

	if (err)
		return -err;
	err = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	err = err ? err : pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return -err;
}
