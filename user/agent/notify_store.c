/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify_store.h. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/notify_store.h"
#include "base/boot_id.h"
#include "base/clock.h"
#include "conf/conf.h"

/*
 * Raised with each change of the structs below, and with those of decide/notify.h. A queue of
 * another version is not read, and receivers learn that (engine_unread). The first two numbers of
 * the head stay where they are.
 */
#define QUEUE_MAGIC   0x71786b68u
#define QUEUE_VERSION 3u

#define RATE_LEFT_MAX_NS (3600 * NS_PER_S) /* decide/notify.c lets no more be spent in advance */

#define WALL_MAX_S (1LL << 40) /* what the wall clock never says: the file is damaged */

struct queue_head {
	uint32_t magic, version, item_size, n_channels;
	/* Moments of the boot clock are of this boot; "": not known. No bytes between members. */
	char boot_id[(BOOT_ID_MAX + 3) / 4 * 4];
};

struct queue_channel {
	char name[NOTIFY_SUBJECT_MAX];
	uint32_t n_items, n_problems, dropped, lost;
	uint64_t rate_left_ns; /* until the rate has forgotten all messages, when it was saved */
	struct notify_time saved;
};

struct queue_problem {
	struct notify_event event;
	struct notify_time since;
	uint32_t told, spare;
};

const char *store_folder(const struct conf *c, char *dst, size_t size)
{
	return conf_notify_folder(c, dst, size);
}

/* ---- files ---- */

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int replace(int dir, const char *name, const char *data, size_t len, bool sync)
{
	char fresh[32];
	int fd, err;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	fd = openat(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (!err && sync && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir, fresh, dir, name))
		err = -errno;
	if (err)
		(void)unlinkat(dir, fresh, 0);
	return err;
}

/* ---- the queue ---- */

static unsigned int count_open(const struct notify_state *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++)
		n += s->problems[i].open;
	return n;
}

/* A message that is out is saved as one that waits, so what it took of the rate does not count. */
static uint64_t rate_left_ns(const struct notify_state *s, uint64_t now_ns)
{
	uint64_t until_ns = s->rate_ns - s->out_cost_ns;

	return until_ns > now_ns ? until_ns - now_ns : 0;
}

static void write_channel(FILE *f, const struct channel *c)
{
	const struct notify_state *s = &c->state;
	struct queue_channel head = {
		.n_items = s->n_out + s->n_waiting,
		.n_problems = count_open(s),
		.dropped = s->dropped + s->out_dropped,
		.lost = s->lost,
		.rate_left_ns = rate_left_ns(s, clock_now_ns()),
		.saved = engine_now(clock_now_ns())};

	memcpy(head.name, c->conf.name, sizeof(head.name));
	fwrite(&head, sizeof(head), 1, f);
	fwrite(s->out, sizeof(s->out[0]), s->n_out, f);
	fwrite(s->waiting, sizeof(s->waiting[0]), s->n_waiting, f);
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++) {
		const struct notify_problem *p = &s->problems[i];
		struct queue_problem q = {.event = p->event, .since = p->since, .told = p->told};

		if (p->open)
			fwrite(&q, sizeof(q), 1, f);
	}
}

int store_save_queue(int dir, const struct engine *e)
{
	struct queue_head head = {
		QUEUE_MAGIC, QUEUE_VERSION, sizeof(struct notify_item), e->n, {0}};
	char *data = NULL;
	size_t len = 0;
	FILE *f = dir < 0 ? NULL : open_memstream(&data, &len);
	int err;

	if (!f)
		return dir < 0 ? 0 : -ENOMEM;
	boot_id_read(head.boot_id);
	fwrite(&head, sizeof(head), 1, f);
	for (unsigned int i = 0; i < e->n; i++)
		write_channel(f, &e->channels[i]);
	err = fclose(f) ? -ENOMEM : replace(dir, "queue", data, len, true);
	free(data);
	return err;
}

static bool is_ended(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_moment(struct notify_time t)
{
	return t.wall_s >= 0 && t.wall_s <= WALL_MAX_S;
}

static bool is_valid(const struct notify_event *e)
{
	return is_moment(e->at) && e->kind < NOTIFY_KIND_COUNT && e->severity < NOTIFY_SEVERITIES &&
	       e->effect <= NOTIFY_DONE && e->reason < HOKM_REASON_COUNT &&
	       is_ended(e->subject, sizeof(e->subject)) && is_ended(e->from, sizeof(e->from)) &&
	       is_ended(e->to, sizeof(e->to)) && is_ended(e->text, sizeof(e->text));
}

static int read_items(FILE *f, struct notify_state *s, unsigned int n)
{
	if (n > NOTIFY_ITEMS_MAX || fread(s->waiting, sizeof(s->waiting[0]), n, f) != n)
		return -EBADMSG;
	for (unsigned int i = 0; i < n; i++)
		if (!is_valid(&s->waiting[i].event) || !is_moment(s->waiting[i].since) ||
		    s->waiting[i].mark > NOTIFY_OVER)
			return -EBADMSG;
	s->n_waiting = n;
	s->group_until_ns = n ? 1 : 0;
	return 0;
}

/* A problem that is still there is reminded of at once: the time without a notifier counts. */
static int read_problems(FILE *f, struct notify_state *s, unsigned int n)
{
	struct queue_problem q;

	if (n > NOTIFY_PROBLEMS_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < n; i++) {
		struct notify_problem *p = &s->problems[i];

		if (fread(&q, sizeof(q), 1, f) != 1 || !is_valid(&q.event) || !is_moment(q.since))
			return -EBADMSG;
		*p = (struct notify_problem){
			.open = true, .told = q.told != 0, .event = q.event, .since = q.since};
		if (!p->told)
			p->due_ns = clock_now_ns() + q.event.hold_s * NS_PER_S + 1;
	}
	return 0;
}

/* A restart must not send a second burst. A clock that was set back must not hold messages back. */
static void read_rate(const struct queue_channel *head, struct notify_state *s)
{
	int64_t ago_s = notify_passed_s(head->saved, engine_now(clock_now_ns()));
	uint64_t left_ns = head->rate_left_ns;
	uint64_t ago_ns;

	/* Bounded, so that it fits into nanoseconds. */
	if (ago_s > (int64_t)(RATE_LEFT_MAX_NS / NS_PER_S))
		return;
	ago_ns = (uint64_t)ago_s * NS_PER_S;
	if (left_ns > RATE_LEFT_MAX_NS)
		left_ns = RATE_LEFT_MAX_NS;
	if (left_ns > ago_ns)
		s->rate_ns = clock_now_ns() + left_ns - ago_ns;
}

/* The boot clock begins anew with a boot. */
static void forget_boot_clock(struct queue_channel *head, struct notify_state *s)
{
	head->saved.boot_ns = 0;
	for (unsigned int i = 0; i < s->n_waiting; i++)
		s->waiting[i].event.at.boot_ns = s->waiting[i].since.boot_ns = 0;
	for (unsigned int i = 0; i < NOTIFY_PROBLEMS_MAX; i++)
		s->problems[i].event.at.boot_ns = s->problems[i].since.boot_ns = 0;
}

static int read_channel(FILE *f, struct engine *e, struct notify_state *s, bool this_boot)
{
	struct queue_channel head;
	int err;

	memset(s, 0, sizeof(*s));
	if (fread(&head, sizeof(head), 1, f) != 1 || !is_ended(head.name, sizeof(head.name)) ||
	    !is_moment(head.saved))
		return -EBADMSG;
	err = read_items(f, s, head.n_items);
	if (!err)
		err = read_problems(f, s, head.n_problems);
	if (err)
		return err;
	s->dropped = head.dropped;
	s->lost = head.lost;
	if (!this_boot)
		forget_boot_clock(&head, s);
	read_rate(&head, s);
	for (unsigned int i = 0; i < e->n; i++) {
		struct channel *c = &e->channels[i];

		if (strcmp(c->conf.name, head.name) != 0)
			continue;
		c->state = *s;
		/* Repeats go on, a period from now. */
		for (unsigned int p = 0; p < NOTIFY_PROBLEMS_MAX; p++)
			if (s->problems[p].told && c->conf.rules.repeat_ns &&
			    s->problems[p].event.severity == NOTIFY_CRITICAL)
				c->state.problems[p].due_ns = clock_now_ns() +
							      c->conf.rules.repeat_ns;
	}
	return 0;
}

int store_load_queue(int dir, struct engine *e)
{
	int fd = dir < 0 ? -1 : openat(dir, "queue", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct notify_state *s = calloc(1, sizeof(*s));
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct queue_head head;
	int err = 0;

	if (!f || !s) {
		err = fd < 0 ? -ENOENT : -ENOMEM;
		goto out;
	}
	if (fread(&head, sizeof(head), 1, f) != 1 || head.magic != QUEUE_MAGIC)
		err = -EBADMSG;
	else if (head.version != QUEUE_VERSION)
		err = -EPROTONOSUPPORT;
	else if (head.item_size != sizeof(struct notify_item) || head.n_channels > CONF_NOTIFY_MAX)
		err = -EBADMSG;
	for (unsigned int i = 0; !err && i < head.n_channels; i++)
		err = read_channel(f, e, s, boot_id_is_this(head.boot_id));
out:
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	free(s);
	return err;
}

/* ---- status and history ---- */

static json_t *channel_json(const struct channel *c, uint64_t now_ns)
{
	static const char *const types[] = {"email", "slack", "sms", "webhook", "syslog"};
	const struct notify_state *s = &c->state;
	bool waits = c->try_ns > now_ns;

	return json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "name",
		c->conf.name, "type", types[c->conf.type % 5], "circuit", engine_circuit(c, now_ns),
		"waiting", (json_int_t)s->n_waiting + s->n_out, "open_problems",
		(json_int_t)count_open(s), "dropped", (json_int_t)s->dropped_total, "delivered",
		(json_int_t)c->delivered, "failed", (json_int_t)c->failed, "refused",
		(json_int_t)c->refused, "last_delivered", (json_int_t)c->delivered_s, "retry_in_s",
		(json_int_t)(waits ? (c->try_ns - now_ns) / NS_PER_S : 0), "last", c->detail,
		"problem", c->conf.problem);
}

int store_save_status(int dir, const struct engine *e)
{
	json_t *list = json_array(), *all;
	uint64_t now_ns = clock_now_ns();
	char *text;
	int err;

	if (dir < 0) {
		json_decref(list);
		return 0;
	}
	for (unsigned int i = 0; list && i < e->n; i++)
		json_array_append_new(list, channel_json(&e->channels[i], now_ns));
	all = json_pack("{s:s, s:I, s:o}", "node", e->who.node, "at", (json_int_t)time(NULL),
			"channels", list);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	err = text ? replace(dir, "status", text, strlen(text), false) : -ENOMEM;
	free(text);
	json_decref(all);
	return err;
}

static json_t *history_json(const struct engine *e, const struct channel *c,
			    const struct delivery *d)
{
	static const char *const results[] = {"delivered", "failed", "refused"};
	const struct notify_state *s = &c->state;
	struct notify_message m = {
		&e->who, s->out, s->n_out, s->out_dropped, engine_now(clock_now_ns())};
	char title[NOTIFY_TITLE_MAX];

	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:s}", "time", (json_int_t)m.now.wall_s,
			 "channel", c->conf.name, "result", results[d->result % 3], "title",
			 notify_title(&m, title, sizeof(title)), "events", (json_int_t)m.n,
			 "dropped", (json_int_t)m.dropped, "detail", d->detail);
}

int store_add_history(int dir, const struct engine *e, const struct channel *c,
		      const struct delivery *d)
{
	json_t *json = dir < 0 ? NULL : history_json(e, c, d);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int fd = -1, err = dir < 0 ? 0 : -ENOMEM;
	struct stat st;

	json_decref(json);
	if (!text)
		return err;
	if (!fstatat(dir, "history", &st, AT_SYMLINK_NOFOLLOW) && st.st_size > STORE_HISTORY_MAX)
		(void)renameat(dir, "history", dir, "history.1");
	fd = openat(dir, "history", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (!err)
		err = write_all(fd, "\n", 1);
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}
