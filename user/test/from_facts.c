/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See from_facts.h. One row a test, in a table: what is expected, the findings of the doctor that
 * fail it, and a function that says what is seen when none of them is there.
 */
#include <inttypes.h>
#include <string.h>

#include "test/from_facts.h"

/* The number of a peer in f->peers, for rows of peers. */
struct fact_test {
	enum test_category category;
	bool of_peer, without_daemon;
	const char *name, *expected;
	const char *ids; /* of findings, parted by commas */
	/* TEST_SKIP with the reason in r->seen where the fact is not known or means nothing. */
	void (*look)(const struct facts *f, const struct fact_peer *p, struct test_row *r);
};

/* ---- connectivity ---- */

static void see_configuration(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (f->config_missing)
		test_end(r, TEST_FAIL, "there is no %s", f->config);
	else
		test_end(r, TEST_PASS, "%s, as node %s", f->config, f->node[0] ? f->node : "?");
}

static void see_daemon(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	test_end(r, TEST_PASS, "node %s is %s", f->node, f->state);
}

static void see_interface(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (f->interface_up < 0)
		test_end(r, TEST_SKIP, "the state of interface %s is not known", f->interface);
	else
		test_end(r, f->interface_up ? TEST_PASS : TEST_FAIL, "%s is %s, XDP mode %s",
			 f->interface, f->interface_up ? "up" : "down", f->xdp_mode);
}

static void see_path(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	test_end(r, TEST_PASS, "all of it is in place on %s", f->interface);
}

static void see_vip(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (f->vip_here < 0)
		test_end(r, TEST_SKIP, "the addresses of this machine could not be read");
	else if (!f->owner && f->vip_here)
		test_end(r, TEST_FAIL, "%s is an address of this machine, which is not the owner",
			 f->vip);
	else
		test_end(r, TEST_PASS, "%s is %s", f->vip,
			 f->vip_here ? "on the interface of the owner"
				     : "not on the interface of this node, which is not the owner");
}

static void see_claims(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	test_end(r, TEST_PASS, "no ARP of a strange machine names %s", f->vip);
}

/* A peer that runs keepalived answers no pulse, steers nothing and replicates nothing. */
static bool is_strange(const struct fact_peer *p, struct test_row *r)
{
	if (p->vrrp_only)
		test_end(r, TEST_SKIP, "node %s runs keepalived (peer = vrrp)", p->name);
	return p->vrrp_only;
}

static void see_pulses(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)f;
	if (!is_strange(p, r))
		test_end(r, p->pulsing ? TEST_PASS : TEST_FAIL,
			 "node %s (%s): last answer %" PRId64 " ms ago", p->name, p->address,
			 p->seen_ms);
}

static void see_replication(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)f;
	if (is_strange(p, r))
		return;
	if (!p->replicated)
		test_end(r, TEST_SKIP, "replication.enabled is off");
	else
		test_end(r, p->connected && p->warm ? TEST_PASS : TEST_FAIL, "node %s: %s%s",
			 p->name, p->connected ? "connected" : "not connected",
			 p->warm ? ", complete" : ", not complete");
}

static void see_steering(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)f;
	if (is_strange(p, r))
		return;
	if (!p->pulsing)
		test_end(r, TEST_SKIP, "node %s answers no pulses", p->name);
	else
		test_end(r, TEST_PASS, "steered frames arrive at node %s", p->name);
}

static void see_own_paths(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (!f->n_own_paths)
		test_end(r, TEST_SKIP, "node.path of this node is not set");
	else
		test_end(r, TEST_PASS, "%u beside the segment, the first one from %s",
			 f->n_own_paths, f->own_paths[0].address);
}

static void see_paths(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	unsigned int used = 0, answer = 0;

	(void)f;
	if (is_strange(p, r))
		return;
	for (unsigned int i = 0; i < p->n_paths; i++) {
		used += p->paths[i].in_use;
		answer += p->paths[i].in_use && p->paths[i].answers;
	}
	if (p->n_paths < 2)
		test_end(r, TEST_SKIP, "there is no path beside the segment: node.path is not set");
	else if (!p->pulsing)
		test_end(r, TEST_SKIP, "node %s answers no pulses", p->name);
	else
		test_end(r, used == answer ? TEST_PASS : TEST_FAIL, "node %s answers over %u of %u",
			 p->name, answer, used);
}

static void see_answers(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	(void)f;
	test_end(r, TEST_PASS, "no SYN waits for an answer");
}

static void see_routes(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	test_end(r, TEST_PASS, "packets for %s are delivered here, answers leave by %s", f->vip,
		 f->interface);
}

static void see_tracking(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (f->ct_max <= 0)
		test_end(r, TEST_SKIP, "this machine tracks no connections");
	else
		test_end(r, TEST_PASS, "%" PRId64 " connections of at most %" PRId64, f->ct_count,
			 f->ct_max);
}

/* ---- vrrp ---- */

static void see_owners(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	const char *owner = f->owner ? f->node : "";
	unsigned int n = f->owner;

	(void)p;
	for (unsigned int i = 0; i < f->n_peers; i++) {
		/* A keepalived that sends adverts is the owner. */
		bool owns = f->peers[i].owner || f->peers[i].rival ||
			    (f->peers[i].vrrp_only && f->peers[i].adverts_ms >= 0 &&
			     f->peers[i].adverts_ms < 3 * (int64_t)f->advert_ms);

		n += owns;
		if (owns)
			owner = f->peers[i].name;
	}
	if (n == 1)
		test_end(r, TEST_PASS, "%s", owner);
	else
		test_end(r, TEST_FAIL, "%u owners", n);
}

static void see_state(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	bool takes_part = !strcmp(f->state, "master") || !strcmp(f->state, "backup");

	(void)p;
	test_end(r, takes_part ? TEST_PASS : TEST_FAIL, "%s (%s)", f->state, f->reason);
}

static void see_adverts(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)p;
	if (f->owner)
		test_end(r, TEST_SKIP, "the owner hears none: run the test on the other node");
	else
		test_end(r, f->grew.vrrp_received ? TEST_PASS : TEST_FAIL,
			 "%" PRIu64 " accepted within the pause", f->grew.vrrp_received);
}

/* Counted by reason, and accepted nevertheless. */
static bool was_accepted(unsigned int reason)
{
	return reason == VRRP_BAD_PRIORITY || reason == VRRP_BAD_ADDRS ||
	       reason == VRRP_BAD_OTHER_INTERVAL;
}

static void see_discards(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	uint64_t n = f->grew.vrrp_source + f->grew.vrrp_ttl + f->grew.vrrp_mac;

	(void)p;
	for (unsigned int i = VRRP_BAD_NONE + 1; i < VRRP_DISCARD_COUNT; i++)
		n += was_accepted(i) ? 0 : f->grew.vrrp[i];
	test_end(r, n ? TEST_FAIL : TEST_PASS, "%" PRIu64 " discarded within the pause", n);
}

static void see_tags(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	uint64_t n = f->grew.pulse_tag;

	(void)p;
	for (unsigned int i = 0; i < f->n_peers; i++)
		n += f->peers[i].bad_tags;
	test_end(r, n ? TEST_FAIL : TEST_PASS,
		 "%" PRIu64 " with a wrong signature within the pause", n);
}

static void see_settings(const struct facts *f, const struct fact_peer *p, struct test_row *r)
{
	(void)f;
	if (is_strange(p, r))
		return;
	if (!p->pulsing)
		test_end(r, TEST_SKIP, "node %s answers no pulses", p->name);
	else
		test_end(r, TEST_PASS, "no difference to node %s", p->name);
}

static const struct fact_test tests[] = {
	{TEST_CONNECTIVITY, false, true, "configuration",
	 "a file that names this machine as a node", "config-wrong, config-missing",
	 see_configuration},
	{TEST_CONNECTIVITY, false, true, "daemon", "it answers on its socket",
	 "daemon-gone, daemon-silent", see_daemon},
	{TEST_CONNECTIVITY, false, false, "interface", "up", "", see_interface},
	{TEST_CONNECTIVITY, false, false, "packet path",
	 "programs, filters and routes are in place", "path-missing, foreign-filter, fence-missing",
	 see_path},
	{TEST_CONNECTIVITY, false, false, "VIP", "an address of the owner, and of no other node",
	 "vip-missing", see_vip},
	{TEST_CONNECTIVITY, false, false, "ARP for the VIP", "only the nodes answer it",
	 "vip-claimed, arp-ignore, stale-arp", see_claims},
	{TEST_CONNECTIVITY, true, false, "pulses of the peer", "it answers them",
	 "pulses-late, pulses-blocked, pulses-version, pulses-mac, peer-silent, peer-daemon",
	 see_pulses},
	{TEST_CONNECTIVITY, true, false, "replication to the peer", "connected and complete",
	 "replication-blocked, segment-lost", see_replication},
	{TEST_CONNECTIVITY, true, false, "steering to the peer", "steered frames arrive",
	 "not-steerable, segment-lost", see_steering},
	{TEST_CONNECTIVITY, false, false, "paths of the pulses here", "each one can be used",
	 "pulse-path-unusable", see_own_paths},
	{TEST_CONNECTIVITY, true, false, "paths to the peer", "it answers pulses over each one",
	 "pulse-path-never, pulse-path-lost, segment-lost", see_paths},
	{TEST_CONNECTIVITY, false, false, "SYNs of clients", "the server answers them",
	 "syns-unanswered", see_answers},
	{TEST_CONNECTIVITY, false, false, "routes of the game",
	 "to the server, and back to clients", "route-missing, route-in, route-out, route-source",
	 see_routes},
	{TEST_CONNECTIVITY, false, false, "connection tracking", "its table is not full",
	 "conntrack-full, conntrack-filling", see_tracking},
	{TEST_VRRP, false, false, "owner", "exactly one", "two-owners, panic", see_owners},
	{TEST_VRRP, false, false, "state", "master or backup", "fault, ordered", see_state},
	{TEST_VRRP, false, false, "adverts of the owner", "a backup hears them",
	 "adverts-missing, adverts-filtered", see_adverts},
	{TEST_VRRP, false, false, "discarded adverts", "none",
	 "adverts-password, adverts-version, adverts-vrid, adverts-interval, adverts-damaged, "
	 "adverts-ttl, adverts-stranger, adverts-forged",
	 see_discards},
	{TEST_VRRP, false, false, "signatures of pulses and replication", "all are right",
	 "secrets-differ, replication-forged", see_tags},
	{TEST_VRRP, true, false, "settings of the peer", "the same as here", "settings-differ",
	 see_settings},
};

/* Does the finding belong to the row, and to this peer if it is one of a peer? */
static bool belongs(const struct fact_test *test, unsigned int peer, const struct finding *g)
{
	const char *at = strstr(test->ids, g->id);
	const char *end = at ? at + strlen(g->id) : NULL;

	return at && (*end == ',' || !*end) && (at == test->ids || at[-1] == ' ') &&
	       (!test->of_peer || g->of == peer);
}

static void judge_one(const struct facts *f, const struct findings *found,
		      const struct fact_test *test, unsigned int peer, struct test_report *t)
{
	const struct fact_peer *p = test->of_peer ? &f->peers[peer] : NULL;
	struct test_row *r = test_add(t, test->category, test->name, test->expected);

	for (unsigned int i = 0; i < found->n; i++) {
		const struct finding *g = &found->list[i];

		if (!belongs(test, peer, g))
			continue;
		test_end(r, TEST_FAIL, "%s: %s", g->id, g->evidence);
		snprintf(r->next, sizeof(r->next), "%s: %s", g->cause, g->next);
		return;
	}
	if (f->daemon != FACT_ANSWERS && !test->without_daemon)
		test_end(r, TEST_SKIP, "the daemon does not answer");
	else
		test->look(f, p, r);
}

void test_from_facts(const struct facts *f, enum test_category c, struct test_report *t)
{
	struct findings found;

	doctor_judge(f, &found);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		for (unsigned int p = 0; p < (tests[i].of_peer ? f->n_peers : 1); p++)
			if (tests[i].category == c)
				judge_one(f, &found, &tests[i], p, t);
}
