/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of the checks: a table of runs over one libcurl multi handle.
 *
 * A run is either trying (start() of its kind was called and stop() was not) or pausing until
 * wake_ns, before its next attempt. In each turn libcurl transfers, every trying run makes a step,
 * and a run that reached its deadline is reported late. When an attempt has a result, it is
 * stopped, and then the run replies or pauses. When a pause would reach the deadline, the run
 * replies at once with the failure that it has.
 *
 * Invariants: there is at most one run for each id. Each run sends one reply, at the latest one
 * turn after its deadline. A kind's function never frees its own run: finish() does that after the
 * function has returned.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/check.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"

#define IDLE_MS       (3600 * 1000) /* longest sleep */
#define BACKOFF_SHIFT 10            /* the pause doubles at most this many times */

struct check_engine {
	CURLM *multi;
	int broker_fd;
	check_reply_fn fn;
	void *arg;
	struct check_run *runs[AGENT_CHECKS_MAX]; /* by id */
};

static const struct check_kind *const kinds[] = {
	[CHECK_WEBSOCKET] = &check_websocket,
	[CHECK_HTTP] = &check_http,
	[CHECK_TCP] = &check_tcp,
	[CHECK_EXEC] = &check_exec,
};

int check_engine_open(int broker_fd, check_reply_fn fn, void *arg, struct check_engine **out)
{
	struct check_engine *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->broker_fd = broker_fd;
	e->fn = fn;
	e->arg = arg;
	e->multi = curl_multi_init();
	if (!e->multi) {
		free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

static void stop_try(struct check_run *r)
{
	if (!r->trying)
		return;
	r->trying = false;
	if (r->kind->stop)
		r->kind->stop(r);
	check_easy_steps(r);
	check_easy_drop(r);
}

static void free_run(struct check_run *r)
{
	stop_try(r);
	free(r->priv);
	free(r);
}

void check_engine_close(struct check_engine *e)
{
	if (!e)
		return;
	for (unsigned int id = 0; id < AGENT_CHECKS_MAX; id++)
		if (e->runs[id])
			free_run(e->runs[id]);
	curl_multi_cleanup(e->multi);
	free(e);
}

/* The text may contain bytes from a server: only printable ASCII is kept. */
__attribute__((format(printf, 2, 0))) static void set_detail(struct check_run *r, const char *fmt,
							     va_list ap)
{
	if (vsnprintf(r->detail, sizeof(r->detail), fmt, ap) < 0)
		r->detail[0] = '\0';
	ascii_only(r->detail);
}

__attribute__((format(printf, 3, 0))) static void end_try(
	struct check_run *r, enum hokm_reason reason, const char *fmt, va_list ap)
{
	if (r->ended)
		return;
	r->ended = true;
	r->reason = reason;
	set_detail(r, fmt, ap);
	if (!r->ended_ns)
		r->ended_ns = clock_now_ns();
}

void check_pass(struct check_run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_try(r, HOKM_R_CHECK_OK, fmt, ap);
	va_end(ap);
}

void check_fail(struct check_run *r, enum hokm_reason reason, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_try(r, reason, fmt, ap);
	va_end(ap);
}

bool check_ask_broker(struct check_run *r, const struct broker_request *q)
{
	const int fd = r->engine->broker_fd;

	return fd >= 0 && send(fd, q, sizeof(*q), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*q);
}

void check_step_done(struct check_run *r, enum check_step step)
{
	uint64_t now_ns = clock_now_ns();

	/* At least 1: 0 says that the step was not made. */
	r->step_ns[step] = now_ns > r->mark_ns ? now_ns - r->mark_ns : 1;
	r->mark_ns = now_ns;
}

static void begin_try(struct check_run *r)
{
	memset(r->step_ns, 0, sizeof(r->step_ns));
	r->mark_ns = clock_now_ns();
	r->attempt++;
	r->trying = true;
	r->ended = false;
	r->ended_ns = 0;
	r->wake_ns = UINT64_MAX;
	if (r->priv)
		memset(r->priv, 0, r->kind->priv_bytes);
	r->kind->start(r);
}

static void reply(struct check_engine *e, const struct check_run *r)
{
	struct agent_reply out;

	memset(&out, 0, sizeof(out));
	out.id = r->request.id;
	out.seq = r->request.seq;
	out.reason = r->reason;
	out.attempts = r->attempt;
	out.took_ns = r->ended_ns > r->started_ns ? r->ended_ns - r->started_ns : 0;
	memcpy(out.step_ns, r->step_ns, sizeof(out.step_ns));
	memcpy(out.detail, r->detail, sizeof(out.detail));
	e->fn(&out, e->arg);
}

static void finish(struct check_run *r)
{
	struct check_engine *e = r->engine;

	e->runs[r->request.id] = NULL;
	stop_try(r);
	reply(e, r);
	free_run(r);
}

/* Returns when the attempt after the present one would begin. */
static uint64_t next_try_ns(const struct check_run *r, uint64_t now_ns)
{
	unsigned int doublings = r->attempt - 1 < BACKOFF_SHIFT ? r->attempt - 1 : BACKOFF_SHIFT;
	uint64_t pause_ns = r->request.check.backoff_ns;

	/* A pause of half the range is centuries: the next attempt never begins. */
	if (pause_ns > (UINT64_MAX >> 1 >> BACKOFF_SHIFT))
		return UINT64_MAX;
	return now_ns + (pause_ns << doublings);
}

/* The attempt has its result: sends the reply, or begins the pause before the next attempt. */
static void settle(struct check_run *r, uint64_t now_ns)
{
	uint64_t at_ns = next_try_ns(r, now_ns);

	stop_try(r);
	if (r->reason == HOKM_R_CHECK_OK || r->attempt >= r->request.check.attempts ||
	    at_ns >= r->deadline_ns) {
		finish(r);
		return;
	}
	r->wake_ns = at_ns;
}

static void carry_on(struct check_run *r)
{
	uint64_t now_ns = clock_now_ns();

	if (!r->trying && now_ns >= r->wake_ns)
		begin_try(r);
	if (r->trying && !r->ended && r->kind->step)
		r->kind->step(r);
	if (r->trying && !r->ended && now_ns >= r->deadline_ns)
		r->kind->late(r);
	if (r->trying && r->ended)
		settle(r, now_ns);
}

static bool is_text(const char *s, size_t size, char lowest)
{
	size_t len = strnlen(s, size);

	for (size_t i = 0; i < len; i++)
		if (s[i] < lowest || s[i] > '~')
			return false;
	return len < size;
}

/*
 * Returns what is wrong with a request, NULL when it is valid. The daemon has checked the
 * configuration; this check prevents that a mistake there ends up in a request to a server.
 */
static const char *wrong_with(const struct agent_request *r)
{
	const struct conf_check *c = &r->check;
	const bool http = c->kind == CHECK_HTTP || c->kind == CHECK_WEBSOCKET;

	if ((size_t)c->kind >= sizeof(kinds) / sizeof(kinds[0]))
		return "the kind of the check is unknown";
	if (!is_text(c->path, sizeof(c->path), http ? '!' : ' '))
		return http ? "the path has blanks or unprintable bytes"
			    : "the command has unprintable bytes";
	if (http && c->path[0] != '/')
		return "the path does not begin with /";
	if (strnlen(c->body, sizeof(c->body)) == sizeof(c->body))
		return "the text to search for is not terminated";
	if (!is_text(r->host, sizeof(r->host), '!'))
		return "the Host header has unprintable bytes";
	if (!c->attempts || !c->timeout_ns || c->timeout_ns > (uint64_t)INT_MAX * NS_PER_MS)
		return "attempts or timeout are out of range";
	return NULL;
}

static void refuse(struct check_engine *e, const struct agent_request *r, const char *why)
{
	struct agent_reply out;

	memset(&out, 0, sizeof(out));
	out.id = r->id;
	out.seq = r->seq;
	out.reason = HOKM_R_CHECK_ERROR;
	snprintf(out.detail, sizeof(out.detail), "the check was not started: %s", why);
	e->fn(&out, e->arg);
}

static struct check_run *make_run(struct check_engine *e, const struct agent_request *request)
{
	struct check_run *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->kind = kinds[request->check.kind];
	r->priv = r->kind->priv_bytes ? calloc(1, r->kind->priv_bytes) : NULL;
	if (r->kind->priv_bytes && !r->priv) {
		free(r);
		return NULL;
	}
	r->engine = e;
	r->request = *request;
	r->started_ns = clock_now_ns();
	r->deadline_ns = r->started_ns + request->check.timeout_ns;
	return r;
}

void check_engine_start(struct check_engine *e, const struct agent_request *request)
{
	const char *why = request->id < AGENT_CHECKS_MAX ? wrong_with(request)
							 : "the id is out of range";
	struct check_run *r;

	if (why) {
		refuse(e, request, why);
		return;
	}
	r = e->runs[request->id];
	if (r) {
		r->ended = false;
		check_fail(r, HOKM_R_CHECK_ERROR, "a newer run of the same check replaced it");
		finish(r);
	}
	r = make_run(e, request);
	if (!r) {
		refuse(e, request, "out of memory");
		return;
	}
	e->runs[request->id] = r;
	begin_try(r);
	if (r->ended)
		settle(r, clock_now_ns());
}

static uint64_t next_wake_ns(const struct check_engine *e)
{
	uint64_t next_ns = UINT64_MAX;

	for (unsigned int id = 0; id < AGENT_CHECKS_MAX; id++) {
		const struct check_run *r = e->runs[id];

		if (r && r->wake_ns < next_ns)
			next_ns = r->wake_ns;
		if (r && r->deadline_ns < next_ns)
			next_ns = r->deadline_ns;
	}
	return next_ns;
}

static int wait_ms(uint64_t next_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t ms;

	if (next_ns == UINT64_MAX)
		return IDLE_MS;
	if (next_ns <= now_ns)
		return 0;
	ms = (next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms > IDLE_MS ? IDLE_MS : (int)ms;
}

int check_engine_wait(struct check_engine *e, int fd)
{
	struct curl_waitfd fds[AGENT_CHECKS_MAX + 2];
	unsigned int n = 0;
	CURLMcode code;

	memset(fds, 0, sizeof(fds));
	if (fd >= 0)
		fds[n++] = (struct curl_waitfd){.fd = fd, .events = CURL_WAIT_POLLIN};
	if (e->broker_fd >= 0)
		fds[n++] = (struct curl_waitfd){.fd = e->broker_fd, .events = CURL_WAIT_POLLIN};
	for (unsigned int id = 0; id < AGENT_CHECKS_MAX; id++) {
		const struct check_run *r = e->runs[id];

		if (r && r->trying && r->kind->wants && r->kind->wants(r, &fds[n]))
			n++;
	}
	code = curl_multi_poll(e->multi, fds, n, wait_ms(next_wake_ns(e)), NULL);
	if (code == CURLM_OK)
		return 0;
	log_error("agent: libcurl could not wait for events: %s", curl_multi_strerror(code));
	return code == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

static void take_transfers(struct check_engine *e)
{
	int running = 0, left = 0;
	CURLMcode code = curl_multi_perform(e->multi, &running);
	CURLMsg *msg;

	if (code != CURLM_OK)
		log_warn("agent: libcurl could not transfer: %s", curl_multi_strerror(code));
	while ((msg = curl_multi_info_read(e->multi, &left))) {
		struct check_run *r = NULL;

		if (msg->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&r) || !r)
			continue;
		if (!r->ended)
			r->kind->ended(r, msg->data.result);
	}
}

/* Receives answers of the broker. Returns 0, or -EPIPE when it closed or sent nonsense. */
static int take_answers(struct check_engine *e)
{
	struct broker_answer a;

	while (e->broker_fd >= 0) {
		ssize_t n = recv(e->broker_fd, &a, sizeof(a), MSG_DONTWAIT | MSG_TRUNC);
		struct check_run *r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n != sizeof(a))
			return -EPIPE;
		r = a.id < AGENT_CHECKS_MAX ? e->runs[a.id] : NULL;
		if (r && r->trying && !r->ended && r->kind->answered && r->request.seq == a.seq &&
		    r->attempt == a.attempt)
			r->kind->answered(r, &a);
	}
	return 0;
}

int check_engine_run(struct check_engine *e)
{
	int err;

	take_transfers(e);
	err = take_answers(e);
	for (unsigned int id = 0; id < AGENT_CHECKS_MAX; id++)
		if (e->runs[id])
			carry_on(e->runs[id]);
	return err;
}

CURLM *check_engine_multi(struct check_engine *e)
{
	return e->multi;
}
