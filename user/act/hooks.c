/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue of hooks, and the hook that runs.
 *
 * Life of a hook:
 *   queued -> started (a failure is logged and counted) -> its leader exits -> the next hook starts
 *                 \ timeout -> SIGTERM to the group -> 2 s -> SIGKILL to the group
 *                              -> the newest state again, if no newer call waits
 *
 * Invariants:
 *   - At most one hook runs. While `running` is set, process, item and event sources are valid.
 *   - A hook is over when the leader of its process group exits. Background processes that it left
 *     do not delay the next hook; they are killed only when the hook ran out of time.
 *   - When the daemon stops, hooks of changes before have until older_until_ns, and its own hooks
 *     until stop_until_ns. What has no time left is not begun.
 *   - Output is read without blocking. At most OUTPUT_LINES lines of OUTPUT_LINE bytes are logged.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/hook_fifo.h"
#include "act/hook_spawn.h"
#include "act/hooks.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

#define OUTPUT_LINES 100
#define OUTPUT_LINE  512
#define GRACE_USEC   (2 * 1000 * 1000) /* between SIGTERM and SIGKILL */
#define CLOSE_MS     1000              /* how long closing waits for a killed hook */
#define REPEATS_MAX  3                 /* of one state, for hooks that run out of time each time */
/* When the daemon stops. The unit gives it 15 s in all. */
#define STOP_GRACE_USEC (1000 * 1000)
#define STOP_OLDER_NS   NS_PER_S
#define STOP_NEWER_NS   (HOOKS_STOP_NS - STOP_GRACE_USEC * 1000ULL)

struct hooks {
	sd_event *event;
	const struct conf *conf;
	struct hooks_stats stats;

	struct hook_item queue[HOOKS_QUEUE_MAX]; /* ring */
	unsigned int head, n;

	uint64_t change;   /* the number of the newest state change, or of what is asked */
	struct hooks *ask; /* runs `before` where an answer is awaited; NULL before the first one */
	struct hooks *recover; /* runs the commands that recover services; NULL as above */
	hook_answer_fn answer;
	void *answer_arg;
	struct hook_fifo fifo;
	char fifo_path[CONF_PATH_MAX];

	uint64_t stop_change; /* the daemon stops: the first change that follows; 0: it does not */
	uint64_t older_until_ns, stop_until_ns;

	bool running;
	struct hook_item item;
	struct hook_process process;
	sd_event_source *child, *timer, *output;
	bool timed_out;
	bool denied; /* it wrote that it lacks a right */
	unsigned int lines;
	size_t line_len;
	char line[OUTPUT_LINE + 1];
};

static void start_next(struct hooks *h);

/* ---- output ---- */

static void flush_line(struct hooks *h)
{
	if (!h->line_len)
		return;
	h->line[h->line_len] = '\0';
	h->line_len = 0;
	h->denied |= strstr(h->line, "Operation not permitted") ||
		     strstr(h->line, "Permission denied");
	if (h->lines < OUTPUT_LINES)
		log_info("hook %s: %s", h->item.path, h->line);
	else if (h->lines == OUTPUT_LINES)
		log_warn("hook %s: it wrote more than %d lines; the rest is not logged",
			 h->item.path, OUTPUT_LINES);
	h->lines++;
}

static void take_output(struct hooks *h, const char *buf, size_t len)
{
	for (size_t i = 0; i < len && h->lines <= OUTPUT_LINES; i++) {
		unsigned char c = (unsigned char)buf[i];

		if (c == '\n') {
			flush_line(h);
			continue;
		}
		if (h->line_len == OUTPUT_LINE)
			flush_line(h);
		/* No control character may reach the terminal of a reader. UTF-8 bytes stay. */
		h->line[h->line_len++] = c == '\t' ? ' ' : c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
}

/* Reads at most 64 KiB. Returns false at the end of the output or on an error. */
static bool read_output(struct hooks *h)
{
	char buf[4096];

	for (int i = 0; i < 16; i++) {
		ssize_t n = read(h->process.output_fd, buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		take_output(h, buf, (size_t)n);
	}
	return true;
}

static int on_output(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct hooks *h = arg;

	(void)fd;
	(void)revents;
	if (!read_output(h))
		(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	return 0;
}

/* ---- the queue ---- */

static void discard_oldest(struct hooks *h)
{
	const struct hook_item *item = &h->queue[h->head];

	log_error("hook %s (%s, %s) is discarded: %d newer hooks wait behind it, "
		  "because the running hook takes too long",
		  item->path, hook_item_name(item), hokm_vrrp_state_name(item->call.state),
		  HOOKS_QUEUE_MAX);
	h->head = (h->head + 1) % HOOKS_QUEUE_MAX;
	h->n--;
	h->stats.dropped++;
}

/* Does nothing when no such hook is configured. */
static void push(struct hooks *h, enum conf_hook hook, const struct hook_call *call,
		 unsigned int repeats)
{
	struct hook_item *item;

	if (!h->conf->hooks.command[hook][0])
		return;
	if (h->n == HOOKS_QUEUE_MAX)
		discard_oldest(h);
	item = &h->queue[(h->head + h->n) % HOOKS_QUEUE_MAX];
	hook_item_fill(item, h->conf, hook, call);
	item->change = h->change;
	item->repeats = repeats;
	h->n++;
}

/* How long this one may run. */
static uint64_t time_ns(const struct hooks *h, const struct hook_item *item)
{
	bool older = item->change < h->stop_change;
	uint64_t until_ns = older ? h->older_until_ns : h->stop_until_ns;
	uint64_t now_ns = clock_now_ns(), left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

	return h->stop_change && left_ns < item->timeout_ns ? left_ns : item->timeout_ns;
}

static enum conf_hook hook_of_state(enum hokm_vrrp_state state)
{
	switch (state) {
	case HOKM_VRRP_MASTER:
		return CONF_HOOK_MASTER;
	case HOKM_VRRP_BACKUP:
		return CONF_HOOK_BACKUP;
	case HOKM_VRRP_FAULT:
		return CONF_HOOK_FAULT;
	default:
		return CONF_HOOK_STOP;
	}
}

/* What the hook set up for an older state would stay, if it did not get the newest one. */
static void tell_again(struct hooks *h)
{
	const struct hook_item *item = &h->item;

	/* The state was entered meanwhile: there is no "before" any more. */
	if (item->call.when != HOOK_AFTER)
		return;
	/* Its own hooks wait, or there is none for it. */
	if (item->change != h->change || h->stop_change)
		return;
	if (item->repeats == REPEATS_MAX) {
		log_error("hook %s does not get state %s again: it ran out of time %d times",
			  item->path, hokm_vrrp_state_name(item->call.state), REPEATS_MAX + 1);
		return;
	}
	log_warn("hook %s gets state %s again", item->path, hokm_vrrp_state_name(item->call.state));
	push(h, item->hook, &item->call, item->repeats + 1);
}

/* ---- the end of a hook ---- */

/* Frees what the running hook used. The child is reaped here already, or by its event source. */
static void forget(struct hooks *h)
{
	h->child = sd_event_source_disable_unref(h->child);
	h->timer = sd_event_source_disable_unref(h->timer);
	h->output = sd_event_source_disable_unref(h->output);
	close(h->process.output_fd);
	close(h->process.status_fd);
	h->running = false;
}

/* A script that goes on after a failed command succeeds, although it has not done its work. */
static void judge_success(struct hooks *h)
{
	if (!h->denied) {
		log_debug("hook %s (%s) succeeded", h->item.path, hook_item_name(&h->item));
		return;
	}
	h->stats.denied++;
	log_warn("hook %s (%s) ended with exit status 0, but wrote that it lacks a right; "
		 "it runs as user %s, %s%s",
		 h->item.path, hook_item_name(&h->item), h->item.user,
		 h->item.caps ? "with the capabilities " : "without capabilities",
		 h->item.capabilities);
}

/* Exit status 0 permits; all that says nothing of the hook's own will is no answer. */
static enum hook_answer answer_of(const struct hooks *h, bool started, const siginfo_t *si)
{
	if (!started || h->timed_out)
		return HOOK_SILENT;
	return si->si_code == CLD_EXITED && !si->si_status ? HOOK_PERMITS : HOOK_REFUSES;
}

static void pass_on(const struct hooks *h, uint64_t number, enum hook_answer answer)
{
	if (h->answer)
		h->answer(h->answer_arg, number, answer);
}

/* Returns false when the hook could not be started. */
static bool judge(struct hooks *h, const siginfo_t *si)
{
	struct hook_failure f;

	if (read(h->process.status_fd, &f, sizeof(f)) == (ssize_t)sizeof(f)) {
		h->stats.not_started++;
		hook_report_failure(&h->item, &f);
		return false;
	}
	h->stats.run++;
	if (h->timed_out && h->stop_change) {
		log_error("hook %s (%s) was killed: the daemon stops, and its time was over",
			  h->item.path, hook_item_name(&h->item));
	} else if (h->timed_out) {
		log_error("hook %s (%s) was killed: it ran longer than %llu ms", h->item.path,
			  hook_item_name(&h->item),
			  (unsigned long long)(h->item.timeout_ns / NS_PER_MS));
	} else if (si->si_code != CLD_EXITED) {
		h->stats.failed++;
		log_error("hook %s (%s) was killed by signal %d", h->item.path,
			  hook_item_name(&h->item), si->si_status);
	} else if (si->si_status) {
		h->stats.failed++;
		log_error("hook %s (%s) failed: exit status %d", h->item.path,
			  hook_item_name(&h->item), si->si_status);
	} else {
		judge_success(h);
	}
	return true;
}

/* The leader exited. It is still a zombie, so no other group can have its number yet. */
static int on_exit_of_child(sd_event_source *s, const siginfo_t *si, void *arg)
{
	struct hooks *h = arg;
	enum hook_answer answer;

	(void)s;
	if (h->timed_out)
		(void)kill(-h->process.pid, SIGKILL);
	(void)read_output(h);
	flush_line(h);
	answer = answer_of(h, judge(h, si), si);
	forget(h);
	if (h->timed_out)
		tell_again(h);
	pass_on(h, h->item.change, answer);
	start_next(h);
	return 0;
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *arg)
{
	struct hooks *h = arg;
	int sig = h->timed_out ? SIGKILL : SIGTERM;
	int err;

	(void)usec;
	if (kill(-h->process.pid, sig) < 0)
		log_error("could not kill hook %s: %s", h->item.path, strerror(errno));
	if (h->timed_out)
		return 0;
	h->timed_out = true;
	h->stats.timed_out++;
	err = sd_event_source_set_time_relative(s, h->stop_change ? STOP_GRACE_USEC : GRACE_USEC);
	if (err >= 0)
		err = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
	if (err < 0) {
		log_error("could not set a timer for hook %s: %s; it is killed now", h->item.path,
			  strerror(-err));
		(void)kill(-h->process.pid, SIGKILL);
	}
	return 0;
}

/* ---- starting ---- */

static int watch(struct hooks *h)
{
	int err = sd_event_add_child(
		h->event, &h->child, h->process.pid, WEXITED, on_exit_of_child, h);

	if (err >= 0)
		err = sd_event_add_io(h->event, &h->output, h->process.output_fd, EPOLLIN,
				      on_output, h);
	if (err >= 0)
		err = sd_event_add_time_relative(h->event, &h->timer, CLOCK_BOOTTIME,
						 time_ns(h, &h->item) / 1000, 1000, on_timeout, h);
	return err < 0 ? err : 0;
}

/* Kills the process group and reaps the leader. Waits at most CLOSE_MS. */
static void kill_and_reap(const struct hooks *h)
{
	pid_t pid = h->process.pid;
	struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};

	if (kill(-pid, SIGKILL) < 0 && errno != ESRCH)
		log_error("could not kill hook %s: %s", h->item.path, strerror(errno));
	/* Without a pidfd, poll() sleeps for CLOSE_MS, which is long enough too. */
	(void)poll(&p, 1, CLOSE_MS);
	if (waitpid(pid, NULL, WNOHANG) == 0)
		log_error("hook %s (pid %d) was killed, but did not exit within %d ms; "
			  "the daemon does not wait for it",
			  h->item.path, (int)pid, CLOSE_MS);
	if (p.fd >= 0)
		close(p.fd);
}

static int start(struct hooks *h)
{
	int err = hook_spawn(&h->item, &h->process);

	if (err)
		return err;
	h->running = true;
	h->timed_out = false;
	h->denied = false;
	h->lines = 0;
	h->line_len = 0;
	err = watch(h);
	if (err) {
		kill_and_reap(h);
		forget(h);
	}
	return err;
}

static void start_next(struct hooks *h)
{
	char advice[LIMITS_ADVICE];

	while (!h->running && h->n) {
		int err;

		h->item = h->queue[h->head];
		h->head = (h->head + 1) % HOOKS_QUEUE_MAX;
		h->n--;
		if (!time_ns(h, &h->item)) {
			h->stats.dropped++;
			log_warn("hook %s (%s, %s) is not run: the daemon stops, "
				 "and no time is left for it",
				 h->item.path, hook_item_name(&h->item),
				 hokm_vrrp_state_name(h->item.call.state));
			continue;
		}
		err = start(h);
		if (!err)
			return;
		h->stats.not_started++;
		log_error("hook %s was not run: %s%s", h->item.path, strerror(-err),
			  limits_advice(err, advice));
	}
}

/* ---- public functions ---- */

static struct hooks *make(sd_event *event, const struct conf *c)
{
	struct hooks *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->event = sd_event_ref(event);
	h->conf = c;
	hook_fifo_open(&h->fifo, "");
	return h;
}

int hooks_open(sd_event *event, const struct conf *c, struct hooks **out)
{
	struct hooks *h = make(event, c);

	*out = h;
	if (!h)
		return -ENOMEM;
	memcpy(h->fifo_path, c->hooks.fifo, sizeof(h->fifo_path));
	hook_fifo_open(&h->fifo, h->fifo_path);
	return 0;
}

void hooks_reconf(struct hooks *h, const struct conf *c)
{
	h->conf = c;
	if (h->ask)
		h->ask->conf = c;
	if (h->recover)
		h->recover->conf = c;
}

void hooks_close(struct hooks *h)
{
	if (!h)
		return;
	if (h->n)
		log_warn("%u waiting hooks are not run, because the daemon stops", h->n);
	if (h->running) {
		log_warn("hook %s is killed, because the daemon stops", h->item.path);
		h->child = sd_event_source_disable_unref(h->child);
		kill_and_reap(h);
		forget(h);
	}
	hook_fifo_close(&h->fifo);
	hooks_close(h->ask);
	hooks_close(h->recover);
	sd_event_unref(h->event);
	free(h);
}

static void hurry(struct hooks *h, uint64_t older_until_ns, uint64_t stop_until_ns)
{
	uint64_t usec = 0;

	if (!h)
		return;
	h->stop_change = h->change + 1;
	h->older_until_ns = older_until_ns;
	h->stop_until_ns = stop_until_ns;
	/* The timer may be due before, or stand for the wait between the two signals. */
	if (h->running && sd_event_source_get_time(h->timer, &usec) >= 0 &&
	    usec > older_until_ns / 1000 &&
	    sd_event_source_set_time(h->timer, older_until_ns / 1000) < 0)
		log_error("hook %s goes on until its timeout: its timer could not be set",
			  h->item.path);
}

void hooks_stop(struct hooks *h)
{
	uint64_t now_ns = clock_now_ns(), older_until_ns = now_ns + STOP_OLDER_NS;

	hurry(h, older_until_ns, now_ns + STOP_NEWER_NS);
	hurry(h->ask, older_until_ns, older_until_ns);
	hurry(h->recover, older_until_ns, older_until_ns);
}

void hooks_queue(struct hooks *h, const struct hook_call *call)
{
	if (call->when == HOOK_BEFORE) {
		push(h, CONF_HOOK_BEFORE, call, 0);
	} else {
		h->change++;
		hook_fifo_write(&h->fifo, h->conf->instance, call);
		push(h, hook_of_state(call->state), call, 0);
		push(h, CONF_HOOK_AFTER, call, 0);
	}
	start_next(h);
}

void hooks_on_answer(struct hooks *h, hook_answer_fn fn, void *arg)
{
	h->answer = fn;
	h->answer_arg = arg;
}

void hooks_ask(struct hooks *h, const struct hook_call *call, uint64_t wait_ns, uint64_t number)
{
	struct hooks *ask = h->ask ? h->ask : make(h->event, h->conf);

	h->ask = ask;
	if (!ask)
		return;
	hooks_on_answer(ask, h->answer, h->answer_arg);
	ask->change = number;
	push(ask, CONF_HOOK_BEFORE, call, 0);
	if (ask->n)
		ask->queue[(ask->head + ask->n - 1) % HOOKS_QUEUE_MAX].timeout_ns = wait_ns;
	start_next(ask);
}

int hooks_recover(struct hooks *h, const struct conf_service *svc, unsigned int attempt,
		  const struct hook_call *call, hook_answer_fn fn, void *arg)
{
	struct hooks *one = h->recover ? h->recover : make(h->event, h->conf);
	int err;

	h->recover = one;
	if (!one)
		return -ENOMEM;
	if (one->running)
		return -EBUSY;
	hooks_on_answer(one, fn, arg);
	hook_item_recover(&one->item, one->conf, svc, attempt, call);
	one->item.change = attempt;
	err = start(one);
	if (err)
		one->stats.not_started++;
	return err;
}

static void add_stats(const struct hooks *h, struct hooks_stats *out)
{
	out->run += h->stats.run;
	out->failed += h->stats.failed;
	out->timed_out += h->stats.timed_out;
	out->dropped += h->stats.dropped;
	out->not_started += h->stats.not_started;
	out->denied += h->stats.denied;
	out->fifo_lost += h->fifo.lost;
	out->waiting += h->n;
}

void hooks_get_stats(const struct hooks *h, struct hooks_stats *out)
{
	memset(out, 0, sizeof(*out));
	add_stats(h, out);
	if (h->ask)
		add_stats(h->ask, out);
	if (h->recover)
		add_stats(h->recover, out);
}

bool hooks_busy(const struct hooks *h)
{
	return h->running || h->n || (h->ask && hooks_busy(h->ask)) ||
	       (h->recover && hooks_busy(h->recover));
}
