/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify_engine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "agent/notify_engine.h"
#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_MIN_NS    (1 * NS_PER_S)
#define BACKOFF_MAX_NS    (300 * NS_PER_S)
#define RETRY_AFTER_MAX_S 3600

int engine_open(struct engine *e, engine_end_fn fn, void *arg)
{
	memset(e, 0, sizeof(*e));
	e->fn = fn;
	e->arg = arg;
	e->channels = calloc(CONF_NOTIFY_MAX, sizeof(e->channels[0]));
	e->multi = curl_multi_init();
	if (e->channels && e->multi)
		return 0;
	engine_close(e);
	return -ENOMEM;
}

static void stop_delivery(struct engine *e, struct channel *c)
{
	if (c->delivery && c->delivery->easy)
		curl_multi_remove_handle(e->multi, c->delivery->easy);
	deliver_free(c->delivery);
	c->delivery = NULL;
}

/*
 * Stops a delivery that runs. When a transfer of mail is removed, libcurl ends the mail as if it
 * were whole, and waits for the server's reply. A transfer that has run out of time is just cut.
 */
static void cut_delivery(struct engine *e, struct channel *c)
{
	int running;

	if (c->delivery && c->delivery->easy) {
		(void)curl_easy_setopt(c->delivery->easy, CURLOPT_TIMEOUT_MS, 1L);
		curl_multi_perform(e->multi, &running);
	}
	stop_delivery(e, c);
}

void engine_close(struct engine *e)
{
	for (unsigned int i = 0; e->channels && i < e->n; i++)
		cut_delivery(e, &e->channels[i]);
	if (e->channels)
		explicit_bzero(e->channels, CONF_NOTIFY_MAX * sizeof(e->channels[0]));
	free(e->channels);
	if (e->multi)
		curl_multi_cleanup(e->multi);
	memset(e, 0, sizeof(*e));
}

void engine_configure(struct engine *e, const struct notify_who *who,
		      const struct conf_notify *list, unsigned int n)
{
	struct channel *old = e->channels;
	struct channel *fresh = calloc(CONF_NOTIFY_MAX, sizeof(fresh[0]));

	if (!fresh) {
		log_error("notifier: no memory for the new channels: the former ones stay");
		return;
	}
	for (unsigned int i = 0; i < e->n; i++) {
		cut_delivery(e, &old[i]);
		notify_failed(&old[i].state);
	}
	for (unsigned int i = 0; i < n && i < CONF_NOTIFY_MAX; i++) {
		for (unsigned int o = 0; o < e->n; o++)
			if (!strcmp(old[o].conf.name, list[i].name))
				fresh[i] = old[o];
		fresh[i].conf = list[i];
		fresh[i].failures = 0;
		fresh[i].try_ns = 0;
		if (list[i].problem[0])
			log_error("notifier: channel %s cannot send: %s", list[i].name,
				  list[i].problem);
	}
	explicit_bzero(old, CONF_NOTIFY_MAX * sizeof(old[0]));
	free(old);
	e->channels = fresh;
	e->n = n < CONF_NOTIFY_MAX ? n : CONF_NOTIFY_MAX;
	e->who = *who;
	e->changed = true;
}

static unsigned int minute_of_day(void)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return 0;
	return (unsigned int)(tm.tm_hour * 60 + tm.tm_min);
}

struct notify_time engine_now(uint64_t now_ns)
{
	return (struct notify_time){.wall_s = time(NULL), .boot_ns = now_ns};
}

void engine_unread(struct engine *e)
{
	for (unsigned int i = 0; i < e->n; i++) {
		e->channels[i].state.dropped++;
		e->channels[i].state.dropped_total++;
	}
	e->changed = true;
}

void engine_know(struct engine *e, const struct notify_known *known, uint64_t now_ns)
{
	for (unsigned int i = 0; i < e->n; i++)
		notify_know(&e->channels[i].state, &e->channels[i].conf.rules, known,
			    engine_now(now_ns), now_ns);
	e->changed = true;
}

void engine_take(struct engine *e, const struct notify_event *ev, uint64_t now_ns)
{
	for (unsigned int i = 0; i < e->n; i++)
		notify_take(&e->channels[i].state, &e->channels[i].conf.rules, ev, now_ns);
	e->changed = true;
}

const char *engine_circuit(const struct channel *c, uint64_t now_ns)
{
	if (c->conf.problem[0])
		return "no-credential";
	if (c->failures < ENGINE_OPEN_AFTER)
		return "closed";
	return now_ns < c->try_ns ? "open" : "half-open";
}

/* ---- the end of a delivery ---- */

/* 1 s, 2 s, 4 s ... up to 5 min, each up to a quarter longer, so that nodes do not try at the same
 * moment. */
static uint64_t backoff_ns(const struct channel *c, const struct delivery *d)
{
	unsigned int doublings = c->failures > 1 ? c->failures - 1 : 0;
	uint64_t ns = doublings < 9 ? BACKOFF_MIN_NS << doublings : BACKOFF_MAX_NS;
	unsigned char byte = 0;

	if (ns > BACKOFF_MAX_NS)
		ns = BACKOFF_MAX_NS;
	if (d->retry_after_s) {
		uint64_t s = d->retry_after_s;

		ns = (s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * NS_PER_S;
	}
	if (RAND_bytes(&byte, 1) != 1)
		byte = 0;
	return ns + ns / 4 * byte / 255;
}

static void note_failure(struct channel *c, const struct delivery *d, uint64_t now_ns)
{
	c->failed++;
	c->failures++;
	c->try_ns = now_ns + backoff_ns(c, d);
	if (c->failures == 1)
		log_warn("notifier: channel %s: %s; it is tried again", c->conf.name, d->detail);
	else if (c->failures == ENGINE_OPEN_AFTER)
		log_error("notifier: channel %s cannot be reached: %s; events wait for it",
			  c->conf.name, d->detail);
}

static void note_success(struct channel *c)
{
	if (c->failures >= ENGINE_OPEN_AFTER)
		log_info("notifier: channel %s can be reached again", c->conf.name);
	c->failures = 0;
	c->try_ns = 0;
}

static void end_delivery(struct engine *e, struct channel *c, uint64_t now_ns)
{
	struct delivery *d = c->delivery;

	memcpy(c->detail, d->detail, sizeof(c->detail));
	if (e->fn)
		e->fn(c, d, e->arg);
	if (d->result == DELIVER_RETRY) {
		note_failure(c, d, now_ns);
		notify_failed(&c->state);
	} else if (d->result == DELIVER_REFUSED) {
		log_error("notifier: channel %s refused a message for good, it is dropped: %s",
			  c->conf.name, d->detail);
		c->refused++;
		note_success(c);
		notify_sent(&c->state);
	} else {
		c->delivered++;
		c->delivered_s = time(NULL);
		note_success(c);
		notify_sent(&c->state);
	}
	stop_delivery(e, c);
	e->changed = true;
}

/* ---- the run ---- */

static void start_delivery(struct engine *e, struct channel *c, uint64_t now_ns)
{
	struct notify_message m = {
		&e->who, c->state.out, c->state.n_out, c->state.out_dropped, engine_now(now_ns)};
	int err = deliver_open(&c->conf, &m, &c->delivery);

	if (!err && c->delivery->easy &&
	    curl_multi_add_handle(e->multi, c->delivery->easy) != CURLM_OK)
		err = -ENOMEM;
	e->changed = true;
	if (err) {
		log_error("notifier: channel %s: the message could not be made: %s", c->conf.name,
			  strerror(-err));
		stop_delivery(e, c);
		notify_failed(&c->state);
		c->try_ns = now_ns + BACKOFF_MIN_NS;
	} else if (!c->delivery->easy) {
		end_delivery(e, c, now_ns);
	}
}

static bool may_send(const struct channel *c, uint64_t now_ns)
{
	return !c->delivery && !c->conf.problem[0] && now_ns >= c->try_ns;
}

static void take_ends(struct engine *e, uint64_t now_ns)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(e->multi, &left))) {
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		for (unsigned int i = 0; i < e->n; i++) {
			struct channel *c = &e->channels[i];

			if (!c->delivery || c->delivery->easy != msg->easy_handle)
				continue;
			deliver_end(c->delivery, code);
			end_delivery(e, c, now_ns);
			break;
		}
	}
}

void engine_run(struct engine *e, uint64_t now_ns)
{
	const unsigned int minute = minute_of_day();
	int running;

	for (unsigned int i = 0; i < e->n; i++) {
		struct channel *c = &e->channels[i];

		if (notify_due(&c->state, &c->conf.rules, now_ns, minute, may_send(c, now_ns)))
			start_delivery(e, c, now_ns);
	}
	curl_multi_perform(e->multi, &running);
	take_ends(e, now_ns);
}

static uint64_t next_ns(const struct engine *e, uint64_t now_ns)
{
	const unsigned int minute = minute_of_day();
	uint64_t first_ns = UINT64_MAX;

	for (unsigned int i = 0; i < e->n; i++) {
		const struct channel *c = &e->channels[i];
		uint64_t ns = notify_next_ns(&c->state, &c->conf.rules, now_ns, minute);

		/* What is ready waits for the channel, which is looked at again when it may. */
		if (ns <= now_ns && !may_send(c, now_ns))
			ns = c->conf.problem[0] || c->delivery ? UINT64_MAX : c->try_ns;
		if (ns < first_ns)
			first_ns = ns;
	}
	return first_ns;
}

void engine_wait(struct engine *e, int fd, int most_ms, uint64_t now_ns)
{
	struct curl_waitfd wait = {.fd = fd, .events = CURL_WAIT_POLLIN};
	uint64_t at_ns = next_ns(e, now_ns);
	uint64_t ms = at_ns > now_ns ? (at_ns - now_ns) / NS_PER_MS + 1 : 0;

	if (ms > (uint64_t)most_ms)
		ms = (uint64_t)most_ms;
	curl_multi_poll(e->multi, &wait, fd < 0 ? 0 : 1, (int)ms, NULL);
}

void engine_lost(struct engine *e, uint32_t n)
{
	for (unsigned int i = 0; i < e->n; i++) {
		e->channels[i].state.lost += n;
		e->channels[i].state.dropped_total += n;
	}
}
