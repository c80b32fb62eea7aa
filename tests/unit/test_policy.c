/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy, as tables. This node is 10.0.0.2, priority 128, with two services. `own` is their health,
 * one letter each: U up, D down, I no check has finished yet. A peer is one word:
 *
 *   p2  answers pulses, daemon fresh, 2 services UP      s2  answers pulses, daemon stale
 *   i2  answers pulses, daemon stopped (INIT)            k   adverts only (keepalived)
 *   b2  pulses and adverts                               -   configured, silent
 *   l   as k, and it replicates                          m   as k, and its adverts are firm
 *   r2  as p2, and its operator's hook refuses that it becomes owner
 *   z2  as p2, and by grants it has just started
 *   f2  as p2, and in FAULT
 *
 * Peer n has address 10.0.0.(10 + n) and priority 150 - 50 * n: 150, 100, 50.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "decide/policy.h"

#define MS  1000000ULL
#define NOW (1000000 * MS)

#define B HOKM_VRRP_BACKUP
#define M HOKM_VRRP_MASTER
#define F HOKM_VRRP_FAULT

static struct in_addr octet(uint8_t last)
{
	struct in_addr a = {.s_addr = last ? htonl(0x0a000000U | last) : 0};

	return a;
}

static void set_peer(struct policy_peer *p, unsigned int slot, const char *word)
{
	p->used = true;
	p->addr = octet((uint8_t)(10 + slot));
	p->priority = (uint8_t)(150 - 50 * slot);
	p->pulsing = word[0] && strchr("psibrzf", word[0]);
	p->refuses = word[0] == 'r';
	p->silent = word[0] == 'z';
	p->daemon_fresh = p->pulsing && word[0] != 's';
	p->mute = word[0] == 'k' || word[0] == 'l' || word[0] == 'm';
	p->firm = word[0] == 'm';
	p->replicates = word[0] == 'l' || word[0] == 'x';
	p->last_up = word[0] == 'x' ? (unsigned int)(word[1] - '0') : 0;
	p->adverts = p->mute || word[0] == 'b';
	p->advertises = p->adverts || word[0] == 'a';
	p->state = word[0] == 'i' ? HOKM_VRRP_INIT : word[0] == 'f' ? F : B;
	p->n_up = p->pulsing ? (unsigned int)(word[1] - '0') : 0;
	p->seen_ns = p->pulsing ? NOW - 5 * MS : 0;
}

static void set_input(struct policy_input *in, const char *own, const char *const *peers)
{
	memset(in, 0, sizeof(*in));
	in->now_ns = NOW;
	in->link_up = true;
	in->own_priority = 128;
	in->own_addr = octet(2);
	in->state = B;
	for (; *own; own++)
		in->health[in->n_services++] = *own == 'U'   ? HOKM_SVC_UP
					       : *own == 'D' ? HOKM_SVC_DOWN
							     : HOKM_SVC_INIT;
	for (unsigned int i = 0; i < 3 && peers[i]; i++)
		set_peer(&in->peers[i], i, peers[i]);
}

struct row {
	const char *own;
	const char *peers[3];
	enum hokm_vrrp_state state;
	bool drain, maint, no_link, path_lost, silent, barred;
	/* expected */
	enum hokm_reason reason; /* eligible: SERVICE_UP and PANIC_HOLD */
};

static const struct row rows[] = {
	/* no peer is alive */
	{"UU", {NULL}, B, .reason = HOKM_R_SERVICE_UP},
	{"DD", {"-"}, B, .reason = HOKM_R_SERVICE_UP},
	{"DD", {"-"}, M, .reason = HOKM_R_PANIC_HOLD},
	{"DU", {"-"}, M, .reason = HOKM_R_SERVICE_UP},
	{"II", {"-"}, B, .reason = HOKM_R_SERVICE_UP},
	{"II", {"-"}, M, .reason = HOKM_R_SERVICE_UP},
	{"ID", {"-"}, M, .reason = HOKM_R_SERVICE_UP},
	/* a peer is healthier */
	{"UD", {"p2"}, M, .reason = HOKM_R_SERVICE_DOWN},
	{"UD", {"p2"}, B, .reason = HOKM_R_SERVICE_DOWN},
	{"UD", {"p2"}, F, .reason = HOKM_R_SERVICE_DOWN},
	{"DD", {"p1"}, M, .reason = HOKM_R_SERVICE_DOWN},
	{"DD", {"p0", "p1"}, M, .reason = HOKM_R_SERVICE_DOWN},
	{"UD", {"k"}, M, .reason = HOKM_R_SERVICE_DOWN}, /* keepalived is fully healthy */
	{"UD", {"b1"}, M, .reason = HOKM_R_SERVICE_UP},  /* pulses count more than adverts */
	/* no peer is healthier */
	{"UD", {"p1"}, M, .reason = HOKM_R_SERVICE_UP},
	{"UD", {"p0"}, B, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"k"}, M, .reason = HOKM_R_SERVICE_UP},
	{"DD", {"p0", "p0"}, M, .reason = HOKM_R_PANIC_HOLD},
	{"DD", {"p0"}, B, .reason = HOKM_R_SERVICE_UP},
	/* a peer that is healthier could not own */
	{"DD", {"s2"}, M, .reason = HOKM_R_PANIC_HOLD},
	{"DD", {"i2"}, M, .reason = HOKM_R_PANIC_HOLD},
	{"UD", {"s2"}, B, .reason = HOKM_R_SERVICE_UP},
	/* one whose operator forbids it would not take the VIP: better a bad owner than none */
	{"DD", {"r2"}, M, .reason = HOKM_R_PANIC_HOLD},
	{"DD", {"r2"}, F, .reason = HOKM_R_SERVICE_UP},
	{"DD", {"r2", "p1"}, M, .reason = HOKM_R_SERVICE_DOWN},
	{"UU", {"r2"}, M, .maint = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"r2"}, M, .drain = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"r2"}, M, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	/* INIT does not count as DOWN at an owner, and not as UP at other nodes */
	{"UI", {"p2"}, M, .reason = HOKM_R_SERVICE_UP},
	{"II", {"p2"}, M, .reason = HOKM_R_SERVICE_UP},
	{"DI", {"p2"}, M, .reason = HOKM_R_SERVICE_DOWN},
	{"UI", {"p1"}, B, .reason = HOKM_R_STARTED},
	{"UI", {"p0"}, B, .reason = HOKM_R_STARTED},
	{"UI", {"k"}, F, .reason = HOKM_R_STARTED},
	{"UI", {"s2"}, B, .reason = HOKM_R_SERVICE_UP},
	/* the operator */
	{"UU", {"p1"}, M, .maint = true, .reason = HOKM_R_MAINT},
	{"UU", {"k"}, B, .maint = true, .reason = HOKM_R_MAINT},
	{"UU", {"p0"}, M, .maint = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"s2"}, M, .maint = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {NULL}, B, .maint = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"p1"}, M, .drain = true, .reason = HOKM_R_OPERATOR},
	{"UU", {"p0"}, M, .drain = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"p1"}, M, .drain = true, .maint = true, .reason = HOKM_R_MAINT},
	/* a peer in FAULT would not take the VIP, whatever the operator wants of this node */
	{"UU", {"f2"}, M, .maint = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"f2"}, M, .drain = true, .reason = HOKM_R_PANIC_HOLD},
	{"UU", {"f2"}, F, .drain = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"f2", "p1"}, M, .maint = true, .reason = HOKM_R_MAINT},
	{"UU", {"f2", "p1"}, M, .drain = true, .reason = HOKM_R_OPERATOR},
	/* the link comes before everything else */
	{"UU", {NULL}, M, .no_link = true, .reason = HOKM_R_LINK_DOWN},
	/* the link has just come, and nothing was heard: this node may be on an island */
	{"UU", {NULL}, B, .silent = true, .reason = HOKM_R_SEGMENT_SILENT},
	{"UU", {"-"}, F, .silent = true, .reason = HOKM_R_SEGMENT_SILENT},
	{"UU", {"-"}, F, .silent = true, .no_link = true, .reason = HOKM_R_LINK_DOWN},
	{"UU", {"-"}, M, .barred = true, .reason = HOKM_R_GATEWAY_SILENT},
	{"UU", {"-"}, B, .barred = true, .silent = true, .reason = HOKM_R_SEGMENT_SILENT},
	{"UU", {"p1"}, M, .path_lost = true, .reason = HOKM_R_PATH_LOST},
	{"UU", {"k"}, B, .path_lost = true, .reason = HOKM_R_PATH_LOST},
	/* with the program the pulses are lost; the peer replicates */
	{"UU", {"x1"}, M, .path_lost = true, .reason = HOKM_R_PATH_LOST},
	{"UU", {"x0"}, M, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UD", {"x2"}, M, .reason = HOKM_R_SERVICE_UP},
	/* the path of the peer may be lost as well: better this owner than none */
	{"UU", {"f2"}, M, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"f2"}, F, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"x1"}, F, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"x1", "a"}, F, .path_lost = true, .reason = HOKM_R_PATH_LOST},
	{"UU", {"f2", "p1"}, M, .path_lost = true, .reason = HOKM_R_PATH_LOST},
	{"UU", {"p0"}, M, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {NULL}, M, .path_lost = true, .reason = HOKM_R_SERVICE_UP},
	{"UU", {"p2"}, M, .no_link = true, .path_lost = true, .reason = HOKM_R_LINK_DOWN},
	{"DD", {"p2"}, M, .no_link = true, .maint = true, .reason = HOKM_R_LINK_DOWN},
};

static void test_eligible(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct policy_output out;
		struct policy_input in;
		bool panic = r->reason == HOKM_R_PANIC_HOLD;

		set_input(&in, r->own, r->peers);
		in.state = r->state;
		in.drain = r->drain;
		in.maint = r->maint;
		in.path_lost = r->path_lost;
		in.link_up = !r->no_link;
		in.silent = r->silent;
		in.barred = r->barred ? HOKM_R_GATEWAY_SILENT : HOKM_R_NONE;
		policy_decide(&in, &out);
		if (out.reason != r->reason || out.panic != panic ||
		    out.eligible != (panic || r->reason == HOKM_R_SERVICE_UP))
			fail_msg("row %zu (%s): eligible %d reason %s panic %d", i, r->own,
				 out.eligible, hokm_reason_name(out.reason), out.panic);
		assert_int_equal(out.view.deaf, r->no_link || r->silent || r->barred);
	}
}

static void test_shown(void **state)
{
	static const struct {
		bool drain, maint;
		enum hokm_svc_state shown[3]; /* of up, down, init */
	} words[] = {
		{false, false, {HOKM_SVC_UP, HOKM_SVC_DOWN, HOKM_SVC_INIT}},
		{true, false, {HOKM_SVC_DRAIN, HOKM_SVC_DOWN, HOKM_SVC_INIT}},
		{false, true, {HOKM_SVC_MAINT, HOKM_SVC_MAINT, HOKM_SVC_MAINT}},
		{true, true, {HOKM_SVC_MAINT, HOKM_SVC_MAINT, HOKM_SVC_MAINT}},
	};
	static const char *const none[3] = {NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct policy_output out;
		struct policy_input in;

		set_input(&in, "UDI", none);
		in.drain = words[i].drain;
		in.maint = words[i].maint;
		policy_decide(&in, &out);
		for (unsigned int s = 0; s < 3; s++)
			assert_int_equal(out.svc[s], words[i].shown[s]);
	}
}

static void test_may_preempt(void **state)
{
	static const struct {
		const char *own;
		const char *peers[3];
		uint8_t owner;  /* last octet of the owner that is followed */
		uint8_t holder; /* of a holder known by pulses alone */
		char word;      /* s standby, d drain, m maint, r relapsed */
		bool may;
	} may_rows[] = {
		{"UU", {"-"}, 0, 0, 0, true},
		{"UU", {"p2"}, 10, 0, 0, true},
		{"UD", {"p1"}, 10, 0, 0, true},
		{"UD", {"p2"}, 10, 0, 0, false},
		{"UD", {"p2", "p1"}, 11, 0, 0, true},
		{"UU", {"k"}, 10, 0, 0, true},
		{"UD", {"k"}, 10, 0, 0, false},
		{"DD", {"p0"}, 10, 0, 0, false},
		{"DD", {"-"}, 0, 0, 0, false},
		{"II", {"-"}, 0, 0, 0, false},
		{"UD", {"p2"}, 0, 10, 0, false},
		{"UD", {"p1"}, 0, 10, 0, true},
		{"UU", {"p2"}, 10, 0, 's', false},
		{"UU", {"p2"}, 10, 0, 'r', false},
		{"UU", {"p0"}, 10, 0, 'd', false},
		{"UU", {"p0"}, 10, 0, 'm', false},
		{"UU", {"p2"}, 99, 0, 0, true},
		/* the owner answers no pulses now: it would not give way */
		{"UU", {"-"}, 10, 0, 0, false},
		{"UU", {"p2", "-"}, 11, 0, 0, false},
		{"UU", {"l"}, 10, 0, 0, false},
		{"UU", {"m"}, 10, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(may_rows) / sizeof(may_rows[0]); i++) {
		struct policy_output out;
		struct policy_input in;

		set_input(&in, may_rows[i].own, may_rows[i].peers);
		in.owner = octet(may_rows[i].owner);
		if (may_rows[i].holder)
			in.peers[may_rows[i].holder - 10].lease_until_ns = NOW + 1;
		in.standby = may_rows[i].word == 's';
		in.relapsed = may_rows[i].word == 'r';
		in.drain = may_rows[i].word == 'd';
		in.maint = may_rows[i].word == 'm';
		policy_decide(&in, &out);
		if (out.may_preempt != may_rows[i].may)
			fail_msg("may_preempt row %zu: %d", i, out.may_preempt);
		assert_int_equal(out.view.may_preempt, out.may_preempt);
	}
}

static void test_successor(void **state)
{
	static const struct {
		const char *own;
		const char *peers[3];
		bool maint;
		uint8_t successor;
	} successor_rows[] = {
		{"UU", {NULL}, false, HOKM_NO_PEER},
		{"UU", {"-", "k"}, false, HOKM_NO_PEER},
		{"UU", {"p2"}, false, 0},
		{"UU", {"p1"}, false, HOKM_NO_PEER},
		{"UD", {"p1"}, false, 0},
		{"DD", {"p0"}, false, HOKM_NO_PEER},
		{"UU", {"p2", "p2"}, false, 0}, /* by priority */
		{"UD", {"p1", "p2"}, false, 1}, /* by health first */
		{"UU", {"s2", "p2"}, false, 1},
		{"UU", {"i2", "p2"}, false, 1},
		{"UU", {"s2", "i2", "p2"}, false, 2},
		{"UU", {"p1"}, true, 0},
		{"UU", {"b2"}, false, 0},
		{"UU", {"f2"}, false, 0}, /* the last resort */
		{"UU", {"f2", "p2"}, false, 1},
		{"UD", {"f2", "p1"}, false, 1},
		{"UU", {"p2", "f2"}, false, 0},
		{"UU", {"f2", "f2"}, false, 0},
		{"UU", {"f2", "p1"}, false, 0}, /* p1 is less healthy than this node */
	};
	static const char *const equals[3] = {"p2", "p2"};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	for (size_t i = 0; i < sizeof(successor_rows) / sizeof(successor_rows[0]); i++) {
		set_input(&in, successor_rows[i].own, successor_rows[i].peers);
		in.maint = successor_rows[i].maint;
		policy_decide(&in, &out);
		if (out.successor != successor_rows[i].successor)
			fail_msg("successor row %zu: %u", i, out.successor);
	}
	/* Equal priorities: the higher address, as in the election. */
	set_input(&in, "UU", equals);
	in.peers[0].priority = in.peers[1].priority;
	policy_decide(&in, &out);
	assert_int_equal(out.successor, 1);
}

static void test_best_successor(void **state)
{
	static const struct {
		const char *own;
		const char *peers[3];
		uint8_t owner;
		bool best;
	} best_rows[] = {
		{"UU", {"p2"}, 10, true},        {"UU", {"p2", "p2"}, 10, true},
		{"UU", {"p2", "p2"}, 11, false}, /* 10.0.0.10 has a higher priority */
		{"UU", {"p1", "p2"}, 11, true},  {"UD", {"p2", "p2"}, 10, false},
		{"UU", {"s2", "p2"}, 11, true},  {"UU", {"i2", "p2"}, 11, true},
		{"UU", {"k", "p2"}, 11, true},   {"UU", {"p2"}, 0, false},
		{"UU", {NULL}, 10, true},        {"DD", {"p0"}, 10, false},
		{"II", {"p0"}, 10, false},       {"UU", {"f2", "p2"}, 11, true},
		{"UD", {"f2", "p2"}, 11, true},
	};
	static const char *const two[3] = {"p2", "p2"};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	for (size_t i = 0; i < sizeof(best_rows) / sizeof(best_rows[0]); i++) {
		set_input(&in, best_rows[i].own, best_rows[i].peers);
		in.owner = octet(best_rows[i].owner);
		policy_decide(&in, &out);
		if (out.view.best_successor != best_rows[i].best)
			fail_msg("best row %zu: %d", i, out.view.best_successor);
	}
	/* Equal priorities: the higher address. */
	set_input(&in, "UU", two);
	in.owner = octet(11);
	in.peers[0].priority = 128;
	policy_decide(&in, &out);
	assert_false(out.view.best_successor);
	in.own_addr = octet(12);
	policy_decide(&in, &out);
	assert_true(out.view.best_successor);
}

static void test_view(void **state)
{
	static const char *const peers[3] = {"p2", "p2", "-"};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	set_input(&in, "UU", peers);
	policy_decide(&in, &out);
	assert_false(out.view.peer_holds);
	assert_int_equal(out.view.lease_until_ns, 0);
	assert_false(out.view.owner_pulses);
	assert_int_equal(out.view.owner_seen_ns, 0);

	in.owner = octet(11);
	policy_decide(&in, &out);
	assert_true(out.view.owner_pulses);
	assert_int_equal(out.view.owner_seen_ns, NOW - 5 * MS);
	in.owner = octet(12);
	policy_decide(&in, &out);
	assert_false(out.view.owner_pulses);

	/* A lease that has ended is reported, but has no holder; one that ends now has ended. */
	in.peers[1].lease_until_ns = NOW;
	policy_decide(&in, &out);
	assert_false(out.view.peer_holds);
	assert_int_equal(out.view.lease_until_ns, NOW);
	/* A lease of a silent peer counts; of several, the best holder and the latest end. */
	in.peers[2].lease_until_ns = NOW + 2 * MS;
	policy_decide(&in, &out);
	assert_true(out.view.peer_holds);
	assert_int_equal(out.view.holder.s_addr, octet(12).s_addr);
	assert_int_equal(out.view.holder_priority, 50);
	in.peers[1].lease_until_ns = NOW + 1 * MS;
	policy_decide(&in, &out);
	assert_int_equal(out.view.holder.s_addr, octet(11).s_addr);
	assert_int_equal(out.view.holder_priority, 100);
	assert_int_equal(out.view.lease_until_ns, NOW + 2 * MS);
	/* A slot that is not used is ignored, whatever it contains. */
	in.peers[1].used = in.peers[2].used = false;
	policy_decide(&in, &out);
	assert_false(out.view.peer_holds);
	assert_int_equal(out.view.lease_until_ns, 0);
}

/* Preempting waits for a warm replica, for a bounded time; nothing else waits. */
static void test_waits_for_the_replica(void **state)
{
	static const char *const peers[3] = {NULL, "p2"};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	set_input(&in, "UU", peers);
	in.owner = octet(11);
	in.warm_ns = 30 * MS;
	policy_decide(&in, &out);
	assert_true(out.view.may_preempt && !out.waits && !out.waits_ns);
	in.replica_cold = true;
	policy_decide(&in, &out);
	assert_true(!out.view.may_preempt && out.waits && out.eligible);
	assert_true(out.waits_ns == NOW);
	for (unsigned int ms = 1; ms < 40; ms++) {
		in.now_ns = NOW + ms * MS;
		in.waits_ns = out.waits_ns;
		policy_decide(&in, &out);
		assert_int_equal(out.view.may_preempt, ms >= 30);
		assert_int_equal(out.waits, ms < 30);
	}
	/* The replica is warm; the next wait starts from the beginning. */
	in.replica_cold = false;
	in.waits_ns = out.waits_ns;
	policy_decide(&in, &out);
	assert_true(out.view.may_preempt && !out.waits_ns);
	/* A node that may not preempt anyway does not wait, nor does an owner. */
	in.replica_cold = true;
	in.waits_ns = 0;
	in.standby = true;
	policy_decide(&in, &out);
	assert_false(out.waits || out.waits_ns);
	in.standby = false;
	in.state = M;
	policy_decide(&in, &out);
	assert_false(out.waits || out.waits_ns);
	/* warm_ns 0: no wait. */
	in.state = B;
	in.warm_ns = 0;
	policy_decide(&in, &out);
	assert_true(out.view.may_preempt && !out.waits);
}

/* More services than fit: nothing is read beyond the end of the arrays. */
static void test_bounds(void **state)
{
	static const char *const peers[3] = {"k"};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	set_input(&in, "UUUUUUUU", peers);
	in.n_services = 1000;
	policy_decide(&in, &out);
	assert_true(out.eligible);
}

/*
 * A mute peer (keepalived that is backup and never advertised) is offered the VIP once by an owner
 * whose game is dead: no panic hold while it could serve, and no ping-pong when it does not.
 */
static void test_mute_peer_is_offered_the_vip_once(void **state)
{
	static const char *const silent[] = {"-", NULL}, *const heard[] = {"k", NULL};
	static const struct {
		uint64_t after_ms;
		const char *own;
		enum hokm_vrrp_state state;
		bool heard, maint;
		enum hokm_reason reason;
	} told[] = {
		{0, "UU", M, .reason = HOKM_R_SERVICE_UP},
		{1, "UD", M, .reason = HOKM_R_SERVICE_UP}, /* half of it is better than nothing */
		{1, "ID", M, .reason = HOKM_R_SERVICE_UP},
		{1, "DD", M, .maint = true, .reason = HOKM_R_PANIC_HOLD},
		{1, "DD", M, .reason = HOKM_R_SERVICE_DOWN}, /* the offer */
		{1, "DD", F, .reason = HOKM_R_SERVICE_DOWN},
		{3590, "DD", F, .reason = HOKM_R_SERVICE_DOWN},
		{20, "DD", F, .reason = HOKM_R_SERVICE_UP}, /* nobody took it */
		{1, "DD", B, .reason = HOKM_R_SERVICE_UP},
		{1, "DD", M, .reason = HOKM_R_PANIC_HOLD},
		{60000, "DD", M, .reason = HOKM_R_PANIC_HOLD}, /* no second offer */
		{1, "DD", M, .heard = true, .reason = HOKM_R_SERVICE_DOWN},
		{1, "DD", F, .heard = true, .reason = HOKM_R_SERVICE_DOWN},
		{60000, "DD", F, .reason = HOKM_R_SERVICE_UP}, /* it died */
		{1, "DD", M, .reason = HOKM_R_PANIC_HOLD},
		{1, "DU", M, .reason = HOKM_R_SERVICE_UP},
		{1, "DD", M, .reason = HOKM_R_PANIC_HOLD}, /* it never showed life since */
		{1, "UU", M, .heard = true, .reason = HOKM_R_SERVICE_UP},
		{1, "DD", M, .reason = HOKM_R_SERVICE_DOWN}, /* it did: a new case, a new offer */
	};
	struct policy_output out = {0};
	uint64_t now_ns = NOW;

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		uint64_t offered_ns = out.offered_ns;
		struct policy_input in;

		now_ns += told[i].after_ms * MS;
		set_input(&in, told[i].own, told[i].heard ? heard : silent);
		in.peers[0].mute = true;
		in.state = told[i].state;
		in.maint = told[i].maint;
		in.now_ns = now_ns;
		in.offer_ns = 3600 * MS;
		in.offered_ns = offered_ns;
		policy_decide(&in, &out);
		if (out.reason != told[i].reason)
			fail_msg("row %zu: %s", i, hokm_reason_name(out.reason));
	}
}

/* The VIP would wait for it: nobody grants anything to a node that has just started. */
/* The owner is peer 0, if there is one. */
static void a_peer_serves_only_as_owner_and_healthy(void **state)
{
	static const struct {
		const char *own, *peer;
		bool lease, followed, served;
	} cases[] = {
		{"UU", "p2", .lease = true, .served = true},
		{"UD", "p1", .lease = true, .served = true},
		{"UU", "p2", .lease = false, .served = false},
		{"UU", "p1", .lease = true, .served = false},
		{"UU", "s2", .lease = true, .served = false},
		{"UU", "-", .lease = true, .served = false},
		{"UU", "k", .followed = true, .served = true},
		{"UU", "k", .followed = false, .served = false},
	};
	struct policy_output out;
	struct policy_input in;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const peers[3] = {cases[i].peer, "p2"};

		set_input(&in, cases[i].own, peers);
		in.peers[0].lease_until_ns = NOW + (cases[i].lease ? MS : 0);
		in.owner = octet(cases[i].followed ? 10 : 0);
		policy_decide(&in, &out);
		if (out.peer_serves != cases[i].served)
			fail_msg("row %zu: %d", i, out.peer_serves);
		in.state = M;
		policy_decide(&in, &out);
		assert_false(out.peer_serves);
	}
}

static void a_peer_that_has_just_started_is_no_successor(void **state)
{
	static const struct {
		const char *peers[3];
		uint8_t successor;
	} cases[] = {
		{{"p2"}, 0},
		{{"z2"}, HOKM_NO_PEER},
		{{"z2", "p2"}, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy_input in;
		struct policy_output out;

		set_input(&in, "UU", cases[i].peers);
		in.state = M;
		policy_decide(&in, &out);
		assert_int_equal(out.successor, cases[i].successor);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_serves_only_as_owner_and_healthy),
		cmocka_unit_test(a_peer_that_has_just_started_is_no_successor),
		cmocka_unit_test(test_eligible),
		cmocka_unit_test(test_mute_peer_is_offered_the_vip_once),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_may_preempt),
		cmocka_unit_test(test_successor),
		cmocka_unit_test(test_best_successor),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_waits_for_the_replica),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
