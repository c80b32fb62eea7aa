/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that works for the event loop. It shares the memory map of the process and locks of the
 * kernel with the loop. If ordinary processes could take the CPU from it while it holds one of
 * these, the loop would wait for them. So it has the lowest real-time priority, if the kernel
 * grants one: below the event loop, above all ordinary processes.
 */
#ifndef HOKM_BASE_RT_THREAD_H
#define HOKM_BASE_RT_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts it, with real-time priority or without. Returns 0 or -errno. */
int rt_thread_start(pthread_t *thread, void *(*work)(void *), void *arg);

/*
 * For a thread that works a few times in a period, each time for a moment: before all that has a
 * priority, as a task of SCHED_DEADLINE with an eighth of a CPU, or a twentieth. The kernel grants
 * that where the CPUs have this time left, and no cpuset parts them. Returns 0, or -errno where it
 * does not: then the thread has the priority of the event loop, if the process may give it. It may
 * be asked again.
 */
int rt_thread_urgent(uint64_t period_ns);

/*
 * What to do about an error of rt_thread_urgent(), for a log. `confined`: the thread may not use
 * all CPUs.
 */
const char *rt_thread_advice(int err, bool confined);
/* Whether the calling thread may not use all CPUs. */
bool rt_thread_confined(void);

/*
 * A mutex for threads of several priorities: a holder that has no CPU gets the priority of who
 * waits. Returns 0 or -errno. The caller destroys it with pthread_mutex_destroy().
 */
int rt_lock_init(pthread_mutex_t *lock);

/*
 * For any thread: it has announced that it is done, as the last thing it does, and nobody waits
 * for it. To exit it needs a CPU, which others may keep from it for long.
 */
static inline void rt_thread_over(pthread_t thread)
{
	(void)pthread_detach(thread); /* fails only for a thread that is detached already */
}

#endif
