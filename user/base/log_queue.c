/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See log_queue.h. The queue is a ring of bytes; each line is preceded by its length. A length of 0
 * is followed by a number of lines that were lost there; the thread makes the report of it. The
 * lock is held for copies only, and it inherits priority: its holder may be the thread with
 * ordinary priority, and the one that waits the event loop.
 *
 * `missing` counts the lines that were lost and are not reported yet. While it is not 0 the ring
 * takes lines only when half of it is free. Otherwise a slow reader would get a report about each
 * second line.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log_queue.h"

#define QUEUE_BYTES (256 * 1024) /* about 2000 lines */
#define STACK_BYTES (64 * 1024)
#define STOP_MS     1000
#define NS_OF_MS    1000000L
#define NS_OF_S     1000000000L

typedef uint16_t line_len;

enum queue_state {
	QUEUE_OFF,     /* the caller writes */
	QUEUE_ON,      /* the thread writes */
	QUEUE_ENDING,  /* the thread writes what is there, and ends */
	QUEUE_BLOCKED, /* stderr took nothing when the queue ended */
};

static struct {
	pthread_mutex_t lock;
	pthread_t thread;
	sem_t more; /* posted when the first line enters an empty ring, and at the end */
	int (*first_call)(void);
	bool prepared;
	enum queue_state state;
	size_t first, used; /* bytes of ring */
	uint64_t lost, missing;
	char ring[QUEUE_BYTES];
} q;

/* ---- the ring; the caller holds the lock ---- */

static void ring_in(const void *data, size_t len)
{
	size_t at = (q.first + q.used) % QUEUE_BYTES;
	size_t part = len < QUEUE_BYTES - at ? len : QUEUE_BYTES - at;

	memcpy(q.ring + at, data, part);
	memcpy(q.ring, (const char *)data + part, len - part);
	q.used += len;
}

static void ring_out(void *data, size_t len)
{
	size_t part = len < QUEUE_BYTES - q.first ? len : QUEUE_BYTES - q.first;

	memcpy(data, q.ring + q.first, part);
	memcpy((char *)data + part, q.ring, len - part);
	q.first = (q.first + len) % QUEUE_BYTES;
	q.used -= len;
}

static void ring_line(const char *line, size_t len)
{
	const line_len size = (line_len)len;

	ring_in(&size, sizeof(size));
	ring_in(line, len);
}

static void ring_missing(void)
{
	const line_len none = 0;

	ring_in(&none, sizeof(none));
	ring_in(&q.missing, sizeof(q.missing));
	q.missing = 0;
}

static void enter(const char *line, size_t len)
{
	size_t room = q.missing ? QUEUE_BYTES / 2 : QUEUE_BYTES;

	if (q.used + sizeof(line_len) + len > room) {
		q.missing++;
		q.lost++;
		return;
	}
	if (!q.used)
		sem_post(&q.more);
	if (q.missing)
		ring_missing();
	ring_line(line, len);
}

bool log_queue_put(const char *line, size_t len)
{
	bool taken;

	if (!q.prepared)
		return false;
	pthread_mutex_lock(&q.lock);
	taken = q.state != QUEUE_OFF;
	if (q.state == QUEUE_ON || q.state == QUEUE_ENDING)
		enter(line, len);
	pthread_mutex_unlock(&q.lock);
	return taken;
}

uint64_t log_queue_lost(void)
{
	uint64_t lost;

	if (!q.prepared)
		return 0;
	pthread_mutex_lock(&q.lock);
	lost = q.lost;
	pthread_mutex_unlock(&q.lock);
	return lost;
}

/* ---- the thread ---- */

/* Takes the next line, or the report of lost lines. Returns its length, 0 when there is none. */
static size_t take(char line[LOG_LINE_MAX], bool *ending)
{
	uint64_t missing = 0;
	line_len len = 0;

	pthread_mutex_lock(&q.lock);
	if (!q.used && q.missing)
		ring_missing();
	if (q.used) {
		ring_out(&len, sizeof(len));
		if (len)
			ring_out(line, len);
		else
			ring_out(&missing, sizeof(missing));
	}
	*ending = q.state != QUEUE_ON;
	pthread_mutex_unlock(&q.lock);
	return missing ? log_lost_line(line, missing) : len;
}

/* Another process may have made the open file behind stderr non-blocking. */
static void write_all(const char *line, size_t len)
{
	struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n > 0) {
			line += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			(void)poll(&ready, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			return; /* there is no other place to report it */
		}
	}
}

static void *work(void *arg)
{
	char line[LOG_LINE_MAX];
	bool ending = false;

	(void)arg;
	if (q.first_call)
		(void)q.first_call();
	while (!ending) {
		size_t len;

		while (sem_wait(&q.more))
			continue;
		while ((len = take(line, &ending)))
			write_all(line, len);
	}
	return NULL;
}

/* ---- start and stop ---- */

static void forget_in_child(void)
{
	q.prepared = false;
}

static int prepare(void)
{
	pthread_mutexattr_t attr;
	int err;

	if (q.prepared)
		return 0;
	err = pthread_mutexattr_init(&attr);
	if (err)
		return -err;
	err = pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	if (!err)
		err = pthread_mutex_init(&q.lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (!err && sem_init(&q.more, 0, 0))
		err = errno;
	if (!err)
		err = pthread_atfork(NULL, NULL, forget_in_child);
	if (!err && atexit(log_queue_stop))
		err = ENOMEM;
	q.prepared = err == 0;
	return -err;
}

static int start_thread(void)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return -err;
	sigfillset(&all);
	err = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!err)
		err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!err) {
		err = pthread_create(&q.thread, &attr, work, NULL);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_attr_destroy(&attr);
	return -err;
}

static enum queue_state set_state(enum queue_state state)
{
	enum queue_state before;

	pthread_mutex_lock(&q.lock);
	before = q.state;
	q.state = state;
	pthread_mutex_unlock(&q.lock);
	return before;
}

int log_queue_start(int (*first)(void))
{
	int err = prepare();

	if (err || q.state != QUEUE_OFF)
		return err ? err : -EBUSY;
	q.first_call = first;
	set_state(QUEUE_ON);
	err = start_thread();
	if (err)
		set_state(QUEUE_OFF);
	return err;
}

void log_queue_stop(void)
{
	log_queue_stop_within(STOP_MS);
}

void log_queue_stop_within(unsigned int wait_ms)
{
	struct timespec until;

	if (!q.prepared || q.state != QUEUE_ON)
		return;
	set_state(QUEUE_ENDING);
	sem_post(&q.more);
	/* This cannot fail with this clock and a valid pointer. */
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * NS_OF_MS;
	if (until.tv_nsec >= NS_OF_S) {
		until.tv_sec++;
		until.tv_nsec -= NS_OF_S;
	}
	if (!pthread_clockjoin_np(q.thread, NULL, CLOCK_MONOTONIC, &until)) {
		set_state(QUEUE_OFF);
		return;
	}
	set_state(QUEUE_BLOCKED);
	pthread_detach(q.thread);
}
