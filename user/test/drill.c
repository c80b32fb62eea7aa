/* SPDX-License-Identifier: GPL-2.0-only */
/* See drill.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/render.h"
#include "test/drill.h"

#define LOOK_EVERY_NS (20 * NS_PER_MS)
#define MOVE_MAX_NS   (30 * NS_PER_S) /* after this long it has not moved */
#define HISTORY       "drills.jsonl"

/* ---- the daemon ---- */

/*
 * An order, such as `failover`. 0, -EPERM: refused, or another -errno: the daemon may carry it out
 * or not. The cause is in *why.
 */
static int order(const struct look *k, const char *verb, char *why, size_t size)
{
	json_t *args = json_object(), *reply = NULL;
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
	bool owner;               /* this node */
	char peer[CONF_NAME_MAX]; /* that owns; "": none */
	json_int_t players;       /* connections on this node */
};

static void take_status(const json_t *status, struct sight *s)
{
	const json_t *o;
	size_t i;

	*s = (struct sight){.owner = field_true(status, "owner")};
	json_array_foreach (json_object_get(status, "peers"), i, o)
		if (field_true(o, "pulsing") && field_int(o, "lease_left_ms", 0) > 0)
			snprintf(s->peer, sizeof(s->peer), "%s", field_text(o, "name"));
	json_array_foreach (json_object_get(status, "services"), i, o)
		s->players += field_int(o, "players", 0);
}

/* Waits until this node is the owner, or a peer is and this node is not. False: it took too long.
 */
static bool wait_for(const struct look *k, bool this_node, uint64_t most_ns, struct sight *s)
{
	const struct timespec pause = {.tv_nsec = (long)LOOK_EVERY_NS};
	const uint64_t end_ns = clock_now_ns() + most_ns;
	json_t *status = NULL;

	while (clock_now_ns() < end_ns) {
		if (!look_ask(k->socket, "status", &status)) {
			take_status(status, s);
			json_decref(status);
			if (s->owner == this_node && (this_node || s->peer[0]))
				return true;
		}
		/* An interrupted sleep only looks earlier. */
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* ---- the steps ---- */

/* False: this node was not moved to standby. */
static bool move_away(const struct look *k, const struct drill_conf *c, struct test_report *t)
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
	err = order(k, "failover", why, sizeof(why));
	if (err) {
		test_end(r, TEST_FAIL, "%s: %s", err == -EPERM ? "refused" : "not known", why);
		return err != -EPERM;
	}
	if (!wait_for(k, false, MOVE_MAX_NS, &s)) {
		test_end(r, TEST_FAIL, "this node %s, no peer is seen as the owner",
			 s.owner ? "is still the owner" : "is not the owner");
		snprintf(r->next, sizeof(r->next), "hokm-xdp doctor, on both nodes");
		return true;
	}
	r->took_ns = clock_now_ns() - began_ns;
	test_end(r, r->took_ns > c->limit_ns ? TEST_FAIL : TEST_PASS,
		 "node %s owned after at most %.0f ms", s.peer, (double)r->took_ns / NS_PER_MS);
	return true;
}

static void move_back(const struct look *k, const struct drill_conf *c, struct test_report *t)
{
	const struct conf *conf = k->conf;
	struct test_row *r = test_add(t, TEST_FAILOVER, "failback", "this node owns the VIP again");
	uint64_t began_ns = clock_now_ns();
	struct sight s = {0};
	char why[192];

	if (!c->failback) {
		test_end(r, TEST_SKIP, "--no-failback: hokm-xdp ctl ready ends the standby");
		return;
	}
	if (order(k, "ready", why, sizeof(why))) {
		test_end(r, TEST_FAIL, "the order `ready` failed: %s", why);
		return;
	}
	if (conf && !conf->preempt) {
		test_end(r, TEST_SKIP, "vrrp.preempt is off: order the failover on the owner");
		return;
	}
	if (!wait_for(k, true, MOVE_MAX_NS + (conf ? conf->preempt_delay_ns : 0), &s)) {
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

void drill_run(const struct look *k, const struct drill_conf *c, struct test_report *t)
{
	struct sight s;

	if (!has_pulsing_peer(k)) {
		test_end(test_add(t, TEST_FAILOVER, "failover", "a peer that sends pulses"),
			 TEST_SKIP, "no peer sends pulses: that it owns cannot be seen from here");
		return;
	}

	take_status(k->said.status, &s);
	if (!s.owner) {
		test_end(test_add(t, TEST_FAILOVER, "failover", "it is ordered on the owner"),
			 TEST_FAIL, "this node is not the owner: run it on node %s",
			 s.peer[0] ? s.peer : "that owns");
		return;
	}
	if (!move_away(k, c, t))
		return;
	move_back(k, c, t);
	test_end(test_add(t, TEST_FAILOVER, "players", "no connection breaks"), TEST_SKIP,
		 "this node had %lld before, and cannot be its own player: "
		 "watch on a machine that is no node, with --connect URL",
		 (long long)s.players);
}

/* ---- the history ---- */

static json_t *line_of(const struct look *k, const struct test_report *t)
{
	json_t *rows = json_array();
	char when[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	for (unsigned int i = 0; i < t->n; i++) {
		const struct test_row *r = &t->rows[i];

		if (r->category == TEST_FAILOVER &&
		    json_array_append_new(
			    rows, json_pack("{s:s, s:s, s:s, s:f}", "name", r->name, "result",
					    test_result_name(r->result), "seen", r->seen, "took_ms",
					    (double)r->took_ns / NS_PER_MS)))
			break;
	}
	return json_pack("{s:s, s:s, s:i, s:o}", "time", when, "node", k->facts.node, "failed",
			 (int)test_count(t, TEST_FAIL), "rows", rows);
}

int drill_keep(const struct look *k, const struct test_report *t, char path[CONF_PATH_MAX])
{
	const char *state = k->conf ? k->conf->state_file : "", *slash = strrchr(state, '/');
	json_t *o = slash ? line_of(k, t) : NULL;
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int fd = -1, err = 0;

	snprintf(path, CONF_PATH_MAX, "%.*s/" HISTORY, slash ? (int)(slash - state) : 0, state);
	if (!text)
		err = slash ? -ENOMEM : -ENOENT;
	else
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (!err && fd < 0)
		err = -errno;
	if (!err && dprintf(fd, "%s\n", text) != (int)strlen(text) + 1)
		err = -ENOSPC;
	if (fd >= 0)
		close(fd);
	free(text);
	json_decref(o);
	return err;
}
