/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event stream: records of the packet path and the daemon's own transitions become lines of one
 * sequence.
 *
 *   rings      The newest EVENTS_KEEP lines of each source. Each source has a ring of its own, so
 *              that many connections do not push the transitions of the daemon out. Line n of a
 *              ring is at index n % EVENTS_KEEP.
 *   followers  A table of fixed size, so that a follower may be removed during publish().
 *
 * The buffer of each CPU in the perf event array allows one reader: this file. A turn of the loop
 * reads buffers one after the other until it has seen EVENTS_TURN records, so its time does not
 * grow with the number of CPUs. The buffers that are left follow in the next turns, after the
 * loop's more urgent work: `more` is enabled then, because the kernel announces what a buffer holds
 * only once.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "sense/events.h"

#define PERF_PAGES  16 /* 64 KiB for each CPU, about 700 records */
#define EVENTS_TURN 256

struct follower {
	int id;
	event_fn fn; /* NULL: this place is free */
	void *arg;
};

struct ring {
	uint64_t n; /* lines so far, and the number of the next line */
	struct event_line line[EVENTS_KEEP];
};

#define N_SOURCES 2 /* of enum event_source */

struct events {
	struct perf_buffer *perf; /* NULL without a kernel source */
	sd_event_source *source, *more;
	size_t next, left;   /* the next buffer, and how many are to be read */
	unsigned int n_turn; /* records of this turn */
	event_record_fn record_fn;
	void *record_arg;
	uint64_t seq; /* of the newest line, 0 when there is none */
	uint64_t lost;
	int last_id;
	struct follower followers[EVENTS_FOLLOWERS_MAX];
	struct ring rings[N_SOURCES];
};

static int64_t realtime_now_ns(void)
{
	struct timespec ts;

	/* This cannot fail with this clock and a valid pointer. */
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Returns the next line of the ring of this source, empty but for number, source and times. */
static struct event_line *next_line(struct events *e, enum event_source source, uint64_t at_ns)
{
	struct ring *r = &e->rings[source];
	struct event_line *line = &r->line[r->n++ % EVENTS_KEEP];

	memset(line, 0, sizeof(*line));
	line->seq = ++e->seq;
	line->source = source;
	line->now_ns = at_ns;
	line->realtime_ns = realtime_now_ns() - (int64_t)(clock_now_ns() - at_ns);
	return line;
}

static void publish(struct events *e, const struct event_line *line)
{
	for (unsigned int i = 0; i < EVENTS_FOLLOWERS_MAX; i++)
		if (e->followers[i].fn)
			e->followers[i].fn(line, e->followers[i].arg);
}

void events_take_record(struct events *e, const void *data, uint32_t size)
{
	struct event_line *line;
	struct hokm_event record;

	/* The kernel pads samples, so they may be longer. A shorter one is not a valid record. */
	if (size < sizeof(record)) {
		e->lost++;
		return;
	}
	memcpy(&record, data, sizeof(record));
	line = next_line(e, EVENT_KERNEL, record.now_ns);
	line->record = record;
	publish(e, line);
	if (e->record_fn)
		e->record_fn(&record, e->record_arg);
}

void events_take_lost(struct events *e, uint64_t n)
{
	e->lost += n;
	events_add(e, "lost", HOKM_R_NONE,
		   "%llu kernel events were lost: the daemon did not read them in time",
		   (unsigned long long)n);
}

static void on_sample(void *arg, int cpu, void *data, __u32 size)
{
	struct events *e = arg;

	(void)cpu;
	e->n_turn++;
	events_take_record(e, data, size);
}

static void on_lost(void *arg, int cpu, __u64 n)
{
	(void)cpu;
	events_take_lost(arg, n);
}

/* If it stayed enabled, a buffer that cannot be read would wake the loop without end. */
static void give_up(struct events *e, int err)
{
	log_error("could not read kernel events: %s; they are disabled until the daemon restarts",
		  strerror(-err));
	e->left = 0;
	err = sd_event_source_set_enabled(e->source, SD_EVENT_OFF);
	if (err < 0)
		log_error("could not disable kernel events: %s", strerror(-err));
}

static void read_buffers(struct events *e)
{
	size_t n = perf_buffer__buffer_cnt(e->perf);
	int err = 0;

	for (e->n_turn = 0; err >= 0 && e->left && e->n_turn < EVENTS_TURN; e->left--) {
		err = perf_buffer__consume_buffer(e->perf, e->next);
		e->next = (e->next + 1) % n;
	}
	if (err < 0)
		give_up(e, err);
	err = sd_event_source_set_enabled(e->more, e->left ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (err < 0)
		log_error("could not go on reading kernel events: %s", strerror(-err));
}

static bool has_records(const struct events *e, size_t buffer)
{
	const struct perf_event_mmap_page *page;
	size_t size;
	void *base;

	if (perf_buffer__buffer(e->perf, (int)buffer, &base, &size))
		return false;
	page = base;
	return __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE) != page->data_tail;
}

int events_look(struct events *e)
{
	bool any = false;
	size_t n;

	if (!e->perf || sd_event_source_get_enabled(e->source, NULL) <= 0)
		return 0;
	n = perf_buffer__buffer_cnt(e->perf);
	for (size_t i = 0; i < n && !any; i++)
		any = has_records(e, i);
	if (!any)
		return 0;
	e->left = n;
	return sd_event_source_set_enabled(e->more, SD_EVENT_ONESHOT);
}

static int on_more(sd_event_source *s, void *arg)
{
	(void)s;
	read_buffers(arg);
	return 0;
}

/* A new announcement may be of any buffer, also of one that was just read. */
static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct events *e = arg;

	(void)s;
	(void)fd;
	(void)revents;
	e->left = perf_buffer__buffer_cnt(e->perf);
	read_buffers(e);
	return 0;
}

static int open_perf(struct events *e, sd_event *event, int events_fd)
{
	int err;

	e->perf = perf_buffer__new(events_fd, PERF_PAGES, on_sample, on_lost, e, NULL);
	if (!e->perf) {
		err = -errno;
		log_error("could not open the buffers for kernel events: %s; "
			  "CAP_PERFMON and %d KiB of lockable memory for each CPU are needed",
			  strerror(-err), PERF_PAGES * 4 + 4);
		return err;
	}
	err = sd_event_add_io(event, &e->source, perf_buffer__epoll_fd(e->perf), EPOLLIN,
			      on_readable, e);
	if (err >= 0)
		err = sd_event_add_defer(event, &e->more, on_more, e);
	if (err >= 0)
		err = sd_event_source_set_enabled(e->more, SD_EVENT_OFF);
	if (err < 0) {
		log_error("could not watch the buffers for kernel events: %s", strerror(-err));
		return err;
	}
	return 0;
}

int events_open(sd_event *event, int events_fd, event_record_fn record_fn, void *arg,
		struct events **out)
{
	struct events *e = calloc(1, sizeof(*e));
	int err;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->record_fn = record_fn;
	e->record_arg = arg;
	if (events_fd >= 0) {
		err = open_perf(e, event, events_fd);
		if (err) {
			events_close(e);
			return err;
		}
	}
	*out = e;
	return 0;
}

void events_close(struct events *e)
{
	if (!e)
		return;
	sd_event_source_disable_unref(e->source);
	sd_event_source_disable_unref(e->more);
	perf_buffer__free(e->perf);
	free(e);
}

void events_add(struct events *e, const char *what, enum hokm_reason reason, const char *fmt, ...)
{
	struct event_line *line = next_line(e, EVENT_DAEMON, clock_now_ns());
	va_list ap;

	line->what = what;
	line->reason = reason;
	va_start(ap, fmt);
	vsnprintf(line->text, sizeof(line->text), fmt, ap);
	va_end(ap);
	publish(e, line);
}

uint64_t events_lines(const struct events *e)
{
	return e->seq;
}

int events_follow(struct events *e, event_fn fn, void *arg)
{
	for (unsigned int i = 0; i < EVENTS_FOLLOWERS_MAX; i++) {
		struct follower *f = &e->followers[i];

		if (f->fn)
			continue;
		e->last_id = e->last_id == INT32_MAX ? 1 : e->last_id + 1;
		*f = (struct follower){.id = e->last_id, .fn = fn, .arg = arg};
		return f->id;
	}
	return -EUSERS;
}

void events_unfollow(struct events *e, int id)
{
	for (unsigned int i = 0; i < EVENTS_FOLLOWERS_MAX; i++)
		if (e->followers[i].fn && e->followers[i].id == id)
			memset(&e->followers[i], 0, sizeof(e->followers[i]));
}

/* Returns the number of the oldest line among the newest n kept lines. */
static uint64_t oldest(const struct ring *r, uint64_t n)
{
	uint64_t kept = r->n < EVENTS_KEEP ? r->n : EVENTS_KEEP;

	return r->n - (n < kept ? n : kept);
}

void events_recent(struct events *e, unsigned int n, event_fn fn, void *arg)
{
	uint64_t at[N_SOURCES];

	for (int i = 0; i < N_SOURCES; i++)
		at[i] = oldest(&e->rings[i], n);
	for (;;) {
		const struct event_line *next = NULL;

		for (int i = 0; i < N_SOURCES; i++) {
			const struct ring *r = &e->rings[i];
			const struct event_line *line = &r->line[at[i] % EVENTS_KEEP];

			if (at[i] < r->n && (!next || line->seq < next->seq))
				next = line;
		}
		if (!next)
			return;
		at[next->source]++;
		fn(next, arg);
	}
}

uint64_t events_lost(const struct events *e)
{
	return e->lost;
}
