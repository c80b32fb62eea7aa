/* SPDX-License-Identifier: GPL-2.0-only */
/* Which problems of an earlier daemon are reported to be over: user/daemon/notify_ends.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/agreement.h"
#include "daemon/etcd_watch.h"
#include "daemon/gateway_watch.h"
#include "daemon/node.h"
#include "daemon/notify_ends.h"
#include "daemon/notify_feed.h"
#include "daemon/quorum.h"
#include "daemon/rival_watch.h"
#include "daemon/steering.h"
#include "decide/policy.h"

/* ---- these take the place of the feed ---- */

static char ended[2048]; /* the texts of all ends, a line each */
static void (*turn)(void *arg);

void notify_feed_end(struct notify_feed *f, const char *what, enum hokm_reason why,
		     const char *text)
{
	size_t len = strlen(ended);

	(void)f;
	(void)what;
	(void)why;
	(void)snprintf(ended + len, sizeof(ended) - len, "%s\n", text);
}

void notify_feed_each_turn(struct notify_feed *f, void (*each_turn)(void *arg), void *arg)
{
	(void)f;
	(void)arg;
	turn = each_turn;
}

/* ---- the daemon ---- */

struct world {
	struct node *node;
	bool link_up;
	struct policy_output policy;
	struct agreement agreement;
	struct steering steering;
	struct quorum quorum;
	struct rival_watch rivals;
	struct gateway_watch gateway;
	struct etcd_watch etcd;
	struct conf_service conf;
	struct notify_ends ends;
};

static struct world *world(void)
{
	static struct world w;
	struct notify_ends_of of = {
		.link_up = &w.link_up,
		.policy = &w.policy,
		.agreement = &w.agreement,
		.steering = &w.steering,
		.quorum = &w.quorum,
		.rivals = &w.rivals,
		.gateway = &w.gateway,
		.etcd = &w.etcd};

	memset(&w, 0, sizeof(w));
	w.node = calloc(1, sizeof(*w.node));
	assert_non_null(w.node);
	of.node = w.node;
	(void)snprintf(w.conf.name, sizeof(w.conf.name), "%s", "game");
	w.node->services.n = 1;
	w.node->services.list[0].conf = &w.conf;
	notify_ends_open(&w.ends, &of);
	return &w;
}

static void new_peer(struct world *w, const char *name)
{
	struct peer *p = &w->node->peers.list[0];

	memset(p, 0, sizeof(*p));
	p->used = true;
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
}

/* It has answered just now, and so has its daemon. */
static void peer_is_heard(struct world *w)
{
	struct peers *p = &w->node->peers;
	uint64_t now_ns = clock_now_ns();

	p->dead_ns = p->players_dead_ns = p->stale_ns = 3600 * NS_PER_S;
	p->asking_ns = p->asked_ns = 1;
	p->tick_ns = now_ns;
	p->list[0].kind = CONF_PEER_HOKM;
	p->list[0].map.seen_ns = p->list[0].map.alive_ns = now_ns;
	p->list[0].map.daemon_seen_ns = now_ns;
	assert_true(peers_sight(p, 0, clock_now_ns()).fresh);
}

/* A look, as if it were due. Returns whether it ended a problem of `text`. */
static bool ends(struct world *w, const char *text)
{
	w->ends.look_ns = 0;
	ended[0] = '\0';
	turn(&w->ends);
	return strstr(ended, text) != NULL;
}

static void settings_are_well_at_a_peer_that_was_heard(void **state)
{
	struct world *w = world();

	(void)state;
	new_peer(w, "backup");
	assert_false(ends(w, "backup"));
	peer_is_heard(w);
	assert_true(ends(w, "backup: "));
	assert_false(ends(w, "backup"));
	free(w->node);
}

static void a_reload_begins_anew_with_what_it_can_exchange(void **state)
{
	struct world *w = world();

	(void)state;
	new_peer(w, "backup");
	peer_is_heard(w);
	w->policy.svc[0] = HOKM_SVC_UP;
	w->link_up = true;
	assert_true(ends(w, "backup: "));
	assert_true(w->ends.passive[0] && w->ends.settings[0] && w->ends.link);

	new_peer(w, "third");
	peer_is_heard(w);
	(void)snprintf(w->conf.name, sizeof(w->conf.name), "%s", "chat");
	w->steering.peers[0].test.state = STEER_GOOD;
	w->ends.steerable[0] = w->ends.paths[0][1] = true;
	notify_ends_reconf(&w->ends);
	/* Not at once: what the old configuration found is still there. */
	ended[0] = '\0';
	turn(&w->ends);
	assert_string_equal(ended, "");
	assert_false(w->ends.paths[0][1]);
	assert_true(ends(w, "third: "));
	assert_non_null(strstr(ended, "chat: "));
	assert_true(w->ends.steerable[0]);
	assert_null(strstr(ended, hokm_reason_text(HOKM_R_LINK_UP)));
	free(w->node);
}

/* Of an earlier daemon. They are not over while the peer is silent, or owns still. */
static void two_owners_are_over_when_the_peer_says_so(void **state)
{
	const char *text = hokm_reason_text(HOKM_R_ONE_OWNER);
	struct world *w = world();

	(void)state;
	new_peer(w, "backup");
	assert_false(ends(w, text));
	peer_is_heard(w);
	w->rivals.rivals[0].on = true;
	assert_false(ends(w, text));
	w->rivals.rivals[0].on = false;
	assert_true(ends(w, text));
	assert_false(ends(w, text));
	notify_ends_reconf(&w->ends);
	assert_true(ends(w, text));
	free(w->node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_well_at_a_peer_that_was_heard),
		cmocka_unit_test(a_reload_begins_anew_with_what_it_can_exchange),
		cmocka_unit_test(two_owners_are_over_when_the_peer_says_so),
	};

	return cmocka_run_group_tests_name("notify_ends", tests, NULL, NULL);
}
