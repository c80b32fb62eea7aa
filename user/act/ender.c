/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See ender.h. Batches lie in a ring. `given` is written by the loop, `done` by the thread, each
 * after what it stands for: a batch is the thread's while its number is above `done` and at most
 * `given`. Batch n lies in place n modulo the size.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "act/ender.h"
#include "act/session_reset.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rt_thread.h"

#define BATCHES  8
#define CLOSE_MS 1000
#define STUCK_NS NS_PER_S

struct batch {
	bool rst;
	unsigned int n;
	struct tickle_conn conns[TICKLE_MAX];
};

struct ender {
	struct session_reset reset;
	struct batch ring[BATCHES];
	uint64_t given;
	_Atomic uint64_t done;
	_Atomic uint64_t elsewhere[HOKM_MAX_SERVICES];
	_Atomic bool stop;
	/* The thread's last progress that the loop saw, and when; 0: look from now on. */
	uint64_t seen_done, seen_ns;
	uint64_t left;
	bool running;
	pthread_t thread;
	int go; /* a semaphore: one for each batch, and one for the end */
};

/* ---- the thread ---- */

static void count_elsewhere(struct ender *e, const struct batch *b)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (e->reset.elsewhere[i] && b->conns[i].service < HOKM_MAX_SERVICES)
			atomic_fetch_add(&e->elsewhere[b->conns[i].service], 1);
}

static void do_batch(struct ender *e, const struct batch *b)
{
	int n = session_reset_sockets(&e->reset, b->conns, b->n);

	if (n >= 0 && b->rst)
		count_elsewhere(e, b);
	if (n >= 0)
		return;
	if (b->rst)
		log_error("could not end %u sockets: %s; their clients were notified", b->n,
			  strerror(-n));
	else
		log_error("could not end %u connections whose clients a peer has notified: %s",
			  b->n, strerror(-n));
}

static void do_next(struct ender *e)
{
	uint64_t number = atomic_load(&e->done) + 1;

	do_batch(e, &e->ring[number % BATCHES]);
	atomic_store(&e->done, number);
}

static void *work(void *arg)
{
	struct ender *e = arg;
	uint64_t n;

	while (read(e->go, &n, sizeof(n)) == sizeof(n) && !atomic_load(&e->stop))
		do_next(e);
	return NULL;
}

/* ---- on the loop ---- */

bool ender_has_room(const struct ender *e)
{
	return e->given - atomic_load(&e->done) < BATCHES;
}

uint64_t ender_give(struct ender *e, const struct tickle_conn *conns, unsigned int n, bool rst)
{
	struct batch *b = &e->ring[(e->given + 1) % BATCHES];
	uint64_t one = 1;

	if (n > TICKLE_MAX)
		return e->given;
	if (rst)
		session_reset_tell(&e->reset, conns, n);
	if (!ender_has_room(e)) {
		e->left += n;
		return e->given;
	}
	if (ender_idle(e))
		e->seen_ns = 0;
	b->rst = rst;
	b->n = n;
	memcpy(b->conns, conns, n * sizeof(conns[0]));
	e->given++;
	/* Adding 1 to an eventfd this small cannot block, and fails for no other reason. */
	if (!e->running || write(e->go, &one, sizeof(one)) != sizeof(one))
		do_next(e);
	return e->given;
}

bool ender_done(const struct ender *e, uint64_t batch)
{
	return atomic_load(&e->done) >= batch;
}

bool ender_idle(const struct ender *e)
{
	return ender_done(e, e->given);
}

bool ender_stuck(struct ender *e, uint64_t now_ns)
{
	uint64_t done = atomic_load(&e->done);

	if (done == e->given || done != e->seen_done || !e->seen_ns) {
		e->seen_done = done;
		e->seen_ns = now_ns;
	}
	return now_ns - e->seen_ns >= STUCK_NS;
}

uint64_t ender_left(const struct ender *e)
{
	return e->left;
}

uint64_t ender_elsewhere(const struct ender *e, uint8_t service)
{
	return atomic_load(&e->elsewhere[service]);
}

/* ---- open, start, close ---- */

int ender_open(struct ender **out)
{
	struct ender *e = calloc(1, sizeof(*e));
	int err;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->go = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	if (e->go < 0) {
		err = -errno;
		log_error("could not set up the thread that terminates connections: %s",
			  strerror(-err));
		free(e);
		return err;
	}
	err = session_reset_open(&e->reset);
	if (err) {
		close(e->go);
		free(e);
		return err;
	}
	*out = e;
	return 0;
}

int ender_start(struct ender *e)
{
	int err = rt_thread_start(&e->thread, work, e);

	if (err)
		log_error("could not start the thread that terminates connections: %s",
			  strerror(-err));
	e->running = err == 0;
	return err;
}

/* Returns false when the kernel still has the thread. */
static bool end_thread(struct ender *e)
{
	uint64_t one = 1;

	for (int ms = 0; !ender_done(e, e->given); ms++) {
		if (ms == CLOSE_MS)
			return false;
		usleep(1000);
	}
	atomic_store(&e->stop, true);
	return write(e->go, &one, sizeof(one)) == sizeof(one) && !pthread_join(e->thread, NULL);
}

void ender_close(struct ender *e)
{
	if (!e)
		return;
	if (e->running && !end_thread(e)) {
		log_error("the kernel does not end some connections of this node");
		pthread_detach(e->thread);
		return;
	}
	session_reset_close(&e->reset);
	close(e->go);
	free(e);
}
