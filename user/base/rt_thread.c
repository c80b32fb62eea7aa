/* SPDX-License-Identifier: GPL-2.0-only */
/* See rt_thread.h. */
#include <sched.h>

#include "base/rt_thread.h"

#define LOWEST      1 /* of SCHED_FIFO */
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
