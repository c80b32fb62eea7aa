/* SPDX-License-Identifier: GPL-2.0-only */
/* See drill.h. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "doctor/drills.h"
#include "test/drill.h"
#include "test/drill_guard.h"

#define LOOK_EVERY_NS (20 * NS_PER_MS)
#define MOVE_MAX_NS   (30 * NS_PER_S) /* after this long it has not moved */
#define READY_MAX_NS  (60 * NS_PER_S) /* after this long a person must order it */

/* ---- signals ---- */

/*
 * The standby that the failover leaves must end in any case. So from the order on no signal ends
 * the program: it is taken while the program waits, and the VIP is ordered back at once.
 */
static void take_signals(sigset_t *set)
{
	/* They cannot fail with these signals. */
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, set, NULL);
}

/* ---- the daemon ---- */

/*
 * An order, such as `failover`. It takes args over. 0, -EPERM: refused, or another -errno: the
 * daemon may carry it out or not. The cause is in *why.
 */
static int order(const struct look *k, const char *verb, json_t *args, char *why, size_t size)
{
	json_t *reply = NULL;
	struct ctl_conn conn;
	int err = args ? ctl_conn_open(&conn, k->socket) : -ENOMEM;

	if (!err) {
		err = ctl_conn_ask(&conn, verb, args, &reply);
		ctl_conn_close(&conn);
	}
	snprintf(why, size, "%s", err ? strerror(-err) : field_text(reply, "error"));
	if (!err && !field_true(reply, "ok"))
		err = -EPERM;
	json_decref(args);
	json_decref(reply);
	return err;
}

/* What a status says of the owner. */
struct sight {
	bool owner, maint;        /* this node */
	char peer[CONF_NAME_MAX]; /* that owns; "": none */
	json_int_t players;       /* connections on this node */
};

static void take_status(const json_t *status, struct sight *s)
{
	const json_t *o;
	size_t i;

	*s = (struct sight){.owner = field_true(status, "owner"),
			    .maint = field_true(status, "maint")};
	json_array_foreach (json_object_get(status, "peers"), i, o)
		if (field_true(o, "pulsing") && field_int(o, "lease_left_ms", 0) > 0)
			snprintf(s->peer, sizeof(s->peer), "%s", field_text(o, "name"));
	json_array_foreach (json_object_get(status, "services"), i, o)
		s->players += field_int(o, "players", 0);
}

static int look_now(const struct look *k, struct sight *s)
{
	json_t *status = NULL;
	int err = look_ask(k->socket, "status", &status);

	if (!err)
		take_status(status, s);
	json_decref(status);
	return err;
}

/*
 * Waits until this node is the owner, or a peer is and this node is not. 0, -ETIMEDOUT, or -EINTR:
 * a signal came.
 */
static int wait_for(const struct look *k, bool this_node, uint64_t most_ns, struct sight *s)
{
	const struct timespec pause = {.tv_nsec = (long)LOOK_EVERY_NS};
	const uint64_t end_ns = clock_now_ns() + most_ns;
	sigset_t set;

	take_signals(&set);
	while (clock_now_ns() < end_ns) {
		if (!look_now(k, s) && s->owner == this_node && (this_node || s->peer[0]))
			return 0;
		if (sigtimedwait(&set, NULL, &pause) > 0)
			return -EINTR;
	}
	return -ETIMEDOUT;
}

/* ---- the steps ---- */

/* 0; -EPERM: refused; -EINTR: a signal came; another -errno: the VIP may have moved. */
static int move_away(const struct look *k, const struct drill_conf *c, struct test_report *t)
{
	char expected[80], why[192];
	struct test_row *r;
	struct sight s = {0};
	uint64_t began_ns;
	int err;

	snprintf(expected, sizeof(expected), "a peer owns the VIP within %.0f ms",
		 (double)c->limit_ns / NS_PER_MS);
	r = test_add(t, TEST_FAILOVER, "failover", expected);
	began_ns = clock_now_ns();
	err = order(k, "failover", json_object(), why, sizeof(why));
	if (err) {
		if (err == -EPERM)
			test_end(r, TEST_FAIL, "refused: %s", why);
		else
			test_end(r, TEST_FAIL,
				 "the daemon did not answer the order (%s): "
				 "it may have carried it out",
				 why);
		return err;
	}
	err = wait_for(k, false, MOVE_MAX_NS, &s);
	if (err == -EINTR) {
		test_end(r, TEST_FAIL, "a signal ended the drill");
		return err;
	}
	if (err) {
		test_end(r, TEST_FAIL, "this node %s, no peer is seen as the owner",
			 s.owner ? "is still the owner" : "is not the owner");
		snprintf(r->next, sizeof(r->next), "hokm-xdp doctor, on both nodes");
		return err;
	}
	r->took_ns = clock_now_ns() - began_ns;
	test_end(r, r->took_ns > c->limit_ns ? TEST_FAIL : TEST_PASS,
		 "node %s owned after at most %.0f ms", s.peer, (double)r->took_ns / NS_PER_MS);
	return 0;
}

/*
 * Orders `ready` until the daemon answers: without it the node would stay in standby. A signal ends
 * the wait, not the first order. Returns as order().
 */
static int order_ready(const struct look *k, char *why, size_t size)
{
	const struct timespec pause = {.tv_nsec = (long)(10 * LOOK_EVERY_NS)};
	const uint64_t end_ns = clock_now_ns() + READY_MAX_NS;
	sigset_t set;
	int err;

	take_signals(&set);
	for (;;) {
		err = order(k, "ready", json_object(), why, size);
		if (!err || err == -EPERM || clock_now_ns() > end_ns ||
		    sigtimedwait(&set, NULL, &pause) > 0)
			return err;
	}
}

static void not_ready(struct test_row *r, const char *why)
{
	test_end(r, TEST_FAIL, "the order `ready` failed: %s; this node may stay in standby", why);
	snprintf(r->next, sizeof(r->next), "hokm-xdp ctl ready, as soon as the daemon answers");
}

/* False: the row has its end. */
static bool order_back(const struct look *k, bool interrupted, struct test_row *r)
{
	const struct conf *conf = k->conf;
	struct sight s = {0};
	char why[192];

	/* `ready` would end it too. */
	if (!look_now(k, &s) && s.maint)
		test_end(r, TEST_SKIP, "maintenance was ordered meanwhile, and stays");
	else if (order_ready(k, why, sizeof(why)))
		not_ready(r, why);
	else if (interrupted)
		test_end(r, TEST_SKIP, "a signal ended the drill: `ready` was ordered");
	else if (conf && !conf->preempt)
		test_end(r, TEST_SKIP, "vrrp.preempt is off: order the failover on the owner");
	else
		return true;
	return false;
}

static void move_back(const struct look *k, const struct drill_conf *c, bool interrupted,
		      struct test_report *t)
{
	const struct conf *conf = k->conf;
	struct test_row *r = test_add(t, TEST_FAILOVER, "failback", "this node owns the VIP again");
	uint64_t began_ns = clock_now_ns();
	struct sight s = {0};
	int err;

	if (!c->failback) {
		test_end(r, TEST_SKIP, "--no-failback: hokm-xdp ctl ready ends the standby");
		return;
	}
	if (!order_back(k, interrupted, r))
		return;
	err = wait_for(k, true, MOVE_MAX_NS + (conf ? conf->preempt_delay_ns : 0), &s);
	if (err == -EINTR) {
		test_end(r, TEST_FAIL, "a signal ended the drill: `ready` was ordered before");
		return;
	}
	if (err) {
		test_end(r, TEST_FAIL, "node %s still owns",
			 s.peer[0] ? s.peer : "that is not known");
		snprintf(r->next, sizeof(r->next),
			 "a node preempts only an owner of lower priority: hokm-xdp ctl status");
		return;
	}
	r->took_ns = clock_now_ns() - began_ns;
	test_end(r, TEST_PASS, "after %.1f s, of which preempt_delay is %.1f s",
		 (double)r->took_ns / NS_PER_S,
		 conf ? (double)conf->preempt_delay_ns / NS_PER_S : 0.0);
}

/* keepalived says in no pulse that it owns. */
static bool has_pulsing_peer(const struct look *k)
{
	for (unsigned int i = 0; i < k->facts.n_peers; i++)
		if (!k->facts.peers[i].vrrp_only)
			return true;
	return false;
}

static enum drill_end move_both(const struct look *k, const struct drill_conf *c,
				struct test_report *t)
{
	struct sight s;
	sigset_t set;
	int err;

	take_status(k->said.status, &s);
	take_signals(&set);
	err = move_away(k, c, t);
	if (err == -EPERM)
		return DRILL_RAN;
	move_back(k, c, err == -EINTR, t);
	test_end(test_add(t, TEST_FAILOVER, "players", "no connection breaks"), TEST_SKIP,
		 "this node had %lld before, and cannot be its own player: "
		 "watch on a machine that is no node, with --connect URL",
		 (long long)s.players);
	return DRILL_RAN;
}

/* When the last drill moved the VIP, for the guard. */
static void look_at_history(const struct conf *c, struct drill_guard *g)
{
	char path[CONF_PATH_MAX];
	json_t *list = NULL;
	json_int_t at = 0, now = (json_int_t)time(NULL);

	g->history_err = conf_drills_file(c, path);
	if (!g->history_err)
		g->history_err = drills_read(path, &list);
	if (!g->history_err)
		at = field_int(drills_last_run(list), "at", 0);
	json_decref(list);
	/* After a step of the clock back it is not known. */
	g->since_s = at > 0 && at <= now ? now - at : -1;
}

/* Whether a drill is safe is not known then. */
static enum drill_end no_conf(const struct look *k, struct test_report *t)
{
	const struct facts *f = &k->facts;

	test_end(test_add(t, TEST_FAILOVER, "scheduled drill", "the configuration can be read"),
		 TEST_FAIL, "the configuration cannot be read: %s",
		 f->config_error[0]  ? f->config_error
		 : f->config_missing ? strerror(ENOENT)
				     : strerror(EACCES));
	return DRILL_NOTHING;
}

static enum drill_end ask_guard(const struct look *k, const struct drill_conf *c,
				struct test_report *t)
{
	struct drill_guard g = {
		.preempt = k->conf->preempt,
		.preempt_delay_ns = k->conf->preempt_delay_ns,
		.settled_ns = c->settled_ns,
		.rest_ns = c->rest_ns,
	};
	char why[DRILL_WHY];
	enum drill_may may;

	look_at_history(k->conf, &g);
	may = drill_may(k->said.status, &g, why);
	if (may == DRILL_MAY)
		return move_both(k, c, t);
	test_end(test_add(t, TEST_FAILOVER, "scheduled drill", "it is safe"), TEST_SKIP, "%s", why);
	return may == DRILL_UNSAFE ? DRILL_LEFT_OUT : DRILL_NOTHING;
}

enum drill_end drill_run(const struct look *k, const struct drill_conf *c, struct test_report *t)
{
	struct sight s;

	if (!has_pulsing_peer(k)) {
		test_end(test_add(t, TEST_FAILOVER, "failover", "a peer that sends pulses"),
			 TEST_SKIP, "no peer sends pulses: that it owns cannot be seen from here");
		return DRILL_NOTHING;
	}
	if (c->scheduled)
		return k->conf ? ask_guard(k, c, t) : no_conf(k, t);
	take_status(k->said.status, &s);
	if (s.owner)
		return move_both(k, c, t);
	test_end(test_add(t, TEST_FAILOVER, "failover", "it is ordered on the owner"), TEST_FAIL,
		 "this node is not the owner: run it on node %s", s.peer[0] ? s.peer : "that owns");
	return DRILL_NOTHING;
}

/* ---- the history ---- */

static bool is_of_drill(const struct test_row *r)
{
	return r->category == TEST_FAILOVER;
}

/* The first row that did not pass, failed ones before skipped ones; NULL: all passed. */
static const struct test_row *worst(const struct test_report *t)
{
	const struct test_row *found = NULL;

	for (unsigned int i = 0; i < t->n; i++) {
		const struct test_row *r = &t->rows[i];

		if (is_of_drill(r) && r->result == TEST_FAIL)
			return r;
		if (is_of_drill(r) && r->result == TEST_SKIP && !found)
			found = r;
	}
	return found;
}

static json_t *rows_of(const struct test_report *t)
{
	json_t *rows = json_array();

	for (unsigned int i = 0; i < t->n; i++) {
		const struct test_row *r = &t->rows[i];

		if (is_of_drill(r) &&
		    json_array_append_new(
			    rows, json_pack("{s:s, s:s, s:s, s:f}", "name", r->name, "result",
					    test_result_name(r->result), "seen", r->seen, "took_ms",
					    (double)r->took_ns / NS_PER_MS)))
			break;
	}
	return rows;
}

static bool has_failed(const struct test_report *t)
{
	const struct test_row *r = worst(t);

	return r && r->result == TEST_FAIL;
}

static json_t *line_of(const struct look *k, const struct drill_conf *c, enum drill_end end,
		       const struct test_report *t)
{
	const bool failed = has_failed(t);
	const char *result = end == DRILL_LEFT_OUT ? "skipped" : failed ? "failed" : "passed";
	char when[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_pack(
		"{s:s, s:I, s:s, s:b, s:s, s:s*, s:i, s:o}", "time", when, "at", (json_int_t)now,
		"node", k->facts.node, "scheduled", (int)c->scheduled, "result", result, "why",
		failed || end == DRILL_LEFT_OUT ? worst(t)->seen : NULL, "failed",
		(int)test_count(t, TEST_FAIL), "rows", rows_of(t));
}

int drill_keep(const struct look *k, const struct drill_conf *c, enum drill_end end,
	       const struct test_report *t, char path[CONF_PATH_MAX])
{
	json_t *line;
	int err = k->conf ? conf_drills_file(k->conf, path) : -ENOENT;

	if (err) {
		path[0] = '\0';
		return err;
	}
	line = line_of(k, c, end, t);
	err = line ? drills_add(path, line) : -ENOMEM;
	json_decref(line);
	return err;
}

int drill_tell(const struct look *k, const struct test_report *t, char *why, size_t size)
{
	const struct test_row *r = worst(t);
	const bool failed = has_failed(t);
	char text[160], took[40] = "";

	for (unsigned int i = 0; i < t->n; i++)
		if (is_of_drill(&t->rows[i]) && !strcmp(t->rows[i].name, "failover"))
			snprintf(took, sizeof(took), "the peer owned after %.0f ms",
				 (double)t->rows[i].took_ns / NS_PER_MS);
	if (failed)
		snprintf(text, sizeof(text), "%.20s: %.130s", r->name, r->seen);
	else
		snprintf(text, sizeof(text), "%s", took);
	return order(k, "drilled", json_pack("{s:b, s:s}", "failed", (int)failed, "text", text),
		     why, size);
}
