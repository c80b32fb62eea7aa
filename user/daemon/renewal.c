/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See renewal.h. The loop sets the timer with each probe of an owner, half a pulse after the next
 * one is due, and when its pace changes. In time it sets it again before it fires, so the thread
 * does not wake up at all. A mutex guards all fields; a holder that has no CPU inherits the
 * priority of who waits. The kernel gives the thread its time by the length of a pulse, so a reload
 * that changes it wakes the thread, which asks anew.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rt_thread.h"
#include "daemon/renewal.h"
#include "hokm/grant_count.h"

/* A promise that another CPU changed meanwhile is read again. */
#define SELF_TRIES 4
/* So often the kernel is asked again for time of SCHED_DEADLINE. */
#define AGAIN_MS 1000

struct renewal {
	pthread_mutex_t lock;
	pthread_t thread;
	int timer;
	int news; /* an eventfd: the thread has to look at `stop` and `pulse_ns` */
	bool armed;
	bool running, stop;
	uint64_t asked_ns; /* the thread has asked for time in each of these */
	bool deadline;     /* and is a task of SCHED_DEADLINE */
	struct pulse *pulse;
	struct hokm_grants *grants;

	/* of the last probe of the loop */
	struct hokm_own own;
	struct hokm_service services[HOKM_MAX_SERVICES];
	struct pulse_to to[HOKM_MAX_PEERS];
	unsigned int n;
	struct renewal_path paths[HOKM_MAX_PATHS];
	unsigned int n_paths;
	uint64_t pulse_ns;
	uint64_t sent_ns, each_ns; /* the next one follows each_ns later */
	uint64_t until_ns;         /* the thread may send until then */

	struct pulse_wish wish;
	uint64_t count;
};

void renewal_promise_self(struct hokm_grants *grants, const struct pulse_wish *wish,
			  uint64_t now_ns)
{
	const struct hokm_grant_ask ask = {
		.member = HOKM_GRANT_SELF,
		.wish = wish->wish,
		.epoch = wish->epoch,
		.length_ns = wish->length_ns,
	};

	for (int i = 0; i < SELF_TRIES; i++)
		if (hokm_grant_carry_out(&grants->own, &ask, now_ns) != HOKM_VERDICT_BUSY)
			break;
	/* The answer of another member may count for longer than this promise did. */
	hokm_grants_sum(grants);
}

/*
 * A probe that is lost is no reason to fail: the next one follows. That over a path is newer than
 * those over the paths before it by the least that can be: a wish counts only if it is newer, and
 * the answers to one beat have an order.
 */
static void send_probes(struct renewal *r, uint64_t now_ns)
{
	const struct pulse_state state = {
		.own = &r->own,
		.services = r->services,
		.grants = r->grants,
		.wish = &r->wish,
	};

	(void)pulse_probe(r->pulse, r->to, r->n, &state, now_ns);
	for (unsigned int i = 0; i < r->n_paths; i++)
		(void)pulse_probe(r->paths[i].pulse, r->paths[i].to, r->paths[i].n, &state,
				  now_ns + 1 + i);
}

/* ---- the thread ---- */

static void renew(struct renewal *r)
{
	uint64_t now_ns = clock_now_ns();

	if (r->wish.wish != HOKM_WISH_OWN || now_ns >= r->until_ns ||
	    now_ns >= r->own.lease_until_ns)
		return;
	renewal_promise_self(r->grants, &r->wish, now_ns);
	send_probes(r, now_ns);
	r->count++;
}

/* Once for each change: it is asked again every second. */
static void report_deadline(int err, bool first, bool had)
{
	if (err && (first || had))
		log_info(
			"the kernel gives the thread that renews grants no time by SCHED_DEADLINE: "
			"%s; %s; "
			"another real-time process can delay it as it delays this daemon, "
			"and `grant = 100ms` outlives that",
			strerror(-err), rt_thread_advice(err, rt_thread_confined()));
	else if (!err && !first && !had)
		log_info("the thread that renews grants has its time by SCHED_DEADLINE now");
}

/*
 * Only the thread calls it. The kernel may let it sleep meanwhile, so it has no lock then. Returns
 * whether the thread is a task of SCHED_DEADLINE now.
 */
static bool ask_for_deadline(struct renewal *r)
{
	uint64_t pulse_ns;
	bool first, had;
	int err;

	pthread_mutex_lock(&r->lock);
	pulse_ns = r->pulse_ns;
	pthread_mutex_unlock(&r->lock);
	err = rt_thread_urgent(pulse_ns);
	pthread_mutex_lock(&r->lock);
	first = !r->asked_ns;
	had = r->deadline;
	r->asked_ns = pulse_ns;
	r->deadline = !err;
	pthread_mutex_unlock(&r->lock);
	report_deadline(err, first, had);
	return !err;
}

/* Takes the ticks or the news. The loop may have set the timer again just now: then it has none. */
static bool take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void *work(void *arg)
{
	struct renewal *r = arg;
	struct pollfd p[] = {{.fd = r->timer, .events = POLLIN}, {.fd = r->news, .events = POLLIN}};
	bool deadline = ask_for_deadline(r);
	bool stop = false, anew;

	while (!stop) {
		/* What others have of the CPUs may be free later. */
		int ready = poll(p, 2, deadline ? -1 : AGAIN_MS);

		pthread_mutex_lock(&r->lock);
		(void)take(r->news);
		stop = r->stop;
		anew = !ready || r->asked_ns != r->pulse_ns;
		if (ready > 0 && take(r->timer) && !stop && r->armed)
			renew(r);
		pthread_mutex_unlock(&r->lock);
		if (anew && !stop)
			deadline = ask_for_deadline(r);
	}
	return NULL;
}

/* ---- the loop ---- */

/* The first time, and then every pulse; both 0: never. */
static void set_timer(struct renewal *r, uint64_t at_ns, uint64_t every_ns)
{
	const struct itimerspec t = {
		.it_interval = {(time_t)(every_ns / NS_PER_S), (long)(every_ns % NS_PER_S)},
		.it_value = {(time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S)},
	};

	if (timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &t, NULL))
		log_error("could not set the timer of the grants: %s", strerror(errno));
	r->armed = at_ns;
}

/* Half a pulse after the next probe of the loop is due, but not after that was overdue already. */
static void await_loop(struct renewal *r, uint64_t now_ns)
{
	uint64_t due_ns = r->sent_ns + r->each_ns;

	if (due_ns < now_ns)
		due_ns = now_ns;
	r->until_ns = due_ns + (RENEWAL_PULSES - 1) * r->pulse_ns;
	set_timer(r, due_ns + r->pulse_ns / 2, r->pulse_ns);
}

static void tell_thread(struct renewal *r)
{
	const uint64_t one = 1;

	if (write(r->news, &one, sizeof(one)) != sizeof(one))
		log_error("could not wake the thread that renews the grants: %s", strerror(errno));
}

void renewal_wish(struct renewal *r, const struct pulse_wish *wish)
{
	pthread_mutex_lock(&r->lock);
	r->wish = *wish;
	if (r->armed && wish->wish != HOKM_WISH_OWN)
		set_timer(r, 0, 0);
	pthread_mutex_unlock(&r->lock);
}

void renewal_paths(struct renewal *r, const struct renewal_path *paths, unsigned int n)
{
	if (n > HOKM_MAX_PATHS)
		return;
	pthread_mutex_lock(&r->lock);
	for (unsigned int i = 0; i < n; i++)
		r->paths[i] = paths[i];
	r->n_paths = n;
	pthread_mutex_unlock(&r->lock);
}

void renewal_probe(struct renewal *r, const struct pulse_to *to, unsigned int n,
		   const struct pulse_state *state, uint64_t pulse_ns, uint64_t each_ns)
{
	uint64_t now_ns;

	if (n > HOKM_MAX_PEERS)
		return;
	pthread_mutex_lock(&r->lock);
	now_ns = clock_now_ns();
	r->own = *state->own;
	memcpy(r->services, state->services, sizeof(r->services));
	memcpy(r->to, to, n * sizeof(*to));
	r->n = n;
	if (r->pulse_ns != pulse_ns)
		tell_thread(r);
	r->pulse_ns = pulse_ns;
	r->sent_ns = now_ns;
	r->each_ns = each_ns;
	if (r->wish.wish == HOKM_WISH_OWN)
		await_loop(r, now_ns);
	send_probes(r, now_ns);
	pthread_mutex_unlock(&r->lock);
}

void renewal_pace(struct renewal *r, uint64_t each_ns)
{
	pthread_mutex_lock(&r->lock);
	r->each_ns = each_ns;
	if (r->armed)
		await_loop(r, clock_now_ns());
	pthread_mutex_unlock(&r->lock);
}

void renewal_read(struct renewal *r, struct renewal_report *out)
{
	pthread_mutex_lock(&r->lock);
	*out = (struct renewal_report){
		.count = r->count, .period_ns = r->asked_ns, .in_time = r->deadline};
	pthread_mutex_unlock(&r->lock);
}

/* ---- open, close ---- */

static void close_both(struct renewal *r)
{
	if (r->timer >= 0)
		close(r->timer);
	if (r->news >= 0)
		close(r->news);
}

int renewal_open(struct pulse *pulse, struct hokm_grants *grants, uint64_t pulse_ns,
		 struct renewal **out)
{
	struct renewal *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->pulse = pulse;
	r->grants = grants;
	r->pulse_ns = pulse_ns;
	r->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	err = r->timer < 0 ? -errno : 0;
	r->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = !err && r->news < 0 ? -errno : err;
	err = err ? err : rt_lock_init(&r->lock);
	if (!err) {
		*out = r;
		return 0;
	}
	log_error("could not set up the timer of the grants: %s", strerror(-err));
	close_both(r);
	free(r);
	return err;
}

int renewal_start(struct renewal *r)
{
	int err = rt_thread_start(&r->thread, work, r);

	r->running = !err;
	if (err)
		log_error("could not start the thread that renews the grants: %s", strerror(-err));
	return err;
}

static void end_thread(struct renewal *r)
{
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	tell_thread(r);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
}

void renewal_close(struct renewal *r)
{
	if (!r)
		return;
	if (r->running)
		end_thread(r);
	close_both(r);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
