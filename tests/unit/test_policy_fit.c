/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May this node own, where a peer is healthier and would not take the VIP, or owns it as well. This
 * node is 10.0.0.2, priority 128, with two services; `own` is their health: U up, D down, I no
 * check has finished yet. A peer is one word, with the number of its services that are UP:
 *
 *   b2  backup      f2  in FAULT, as one that its arbiter bars
 *   g2  backup, and by grants it has just started: it can be granted nothing yet
 *   o   owner without pulses, whose adverts and replication come: its health is not known
 *
 * The priorities of the peers are 150, 100 and 50.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "decide/policy.h"

/* Most rows end before the last columns. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define NOW   1000000000000ULL
#define LIMIT 300000000ULL

#define B    HOKM_VRRP_BACKUP
#define M    HOKM_VRRP_MASTER
#define F    HOKM_VRRP_FAULT
#define YES  HOKM_R_SERVICE_UP
#define HOLD HOKM_R_PANIC_HOLD
#define DOWN HOKM_R_SERVICE_DOWN

struct row {
	const char *own;
	const char *peers[3];
	enum hokm_vrrp_state state;
	enum hokm_reason reason; /* expected; eligible: YES and HOLD */
	bool maint, drain, path_lost;
};

static const struct row rows[] = {
	/* A peer in FAULT takes nothing: nobody would own, or the VIP would go to and fro. */
	{"DD", {"f2"}, M, HOLD},
	{"DD", {"f2"}, F, YES},
	{"UD", {"f2"}, M, YES},
	{"UD", {"f2"}, B, YES},
	{"ID", {"f2"}, M, YES},
	{"UI", {"f2"}, B, HOKM_R_STARTED},
	{"DD", {"f2", "f1"}, M, HOLD},
	/* Another one does. */
	{"DD", {"f2", "b1"}, M, DOWN},
	{"UD", {"f2", "b1"}, M, YES},
	{"UD", {"f2", "b2"}, M, DOWN},
	/* An owner waits until its peer can be granted the VIP; who is none waits for that peer. */
	{"DD", {"g2"}, M, HOLD},
	{"UD", {"g2"}, M, YES},
	{"DD", {"g2"}, B, DOWN},
	{"DD", {"g2", "b1"}, M, DOWN},
	{"UU", {"g2"}, M, HOLD, .maint = true},
	{"UU", {"g2"}, M, HOLD, .drain = true},
	{"UU", {"g2"}, M, YES, .path_lost = true},
	{"UU", {"g2", "b1"}, M, HOKM_R_MAINT, .maint = true},
	{"UU", {"g2", "b1"}, M, HOKM_R_OPERATOR, .drain = true},
	{"UU", {"g2", "b1"}, M, HOKM_R_PATH_LOST, .path_lost = true},
	{"UU", {"g2"}, B, HOKM_R_MAINT, .maint = true},
	{"UU", {"g2"}, B, HOKM_R_PATH_LOST, .path_lost = true},
	/* Two owners without pulses: by the election the better one stays, if it can serve. */
	{"UU", {NULL, "o"}, M, YES},
	{"UD", {NULL, "o"}, M, YES},
	{"DD", {NULL, "o"}, M, DOWN},
	{"DD", {NULL, "o"}, F, DOWN},
	{"DI", {NULL, "o"}, M, YES},
	{"DD", {"o"}, M, HOLD},
	{"UU", {"o"}, M, YES},
	/* Who should not own leaves the VIP to it. */
	{"UU", {"o"}, M, HOKM_R_MAINT, .maint = true},
	{"UU", {NULL, "o"}, M, HOKM_R_OPERATOR, .drain = true},
	{"UU", {NULL, "o"}, M, HOKM_R_PATH_LOST, .path_lost = true},
};

static struct in_addr octet(unsigned int last)
{
	return (struct in_addr){.s_addr = htonl(0x0a000000U | last)};
}

static void set_peer(struct policy_peer *p, unsigned int slot, const char *word)
{
	p->used = true;
	p->addr = octet(10 + slot);
	p->priority = (uint8_t)(150 - 50 * slot);
	p->owns_unseen = word[0] == 'o';
	if (p->owns_unseen)
		return;
	p->pulsing = p->daemon_fresh = true;
	p->silent = word[0] == 'g';
	p->state = word[0] == 'f' ? F : B;
	p->n_up = (unsigned int)(word[1] - '0');
	p->seen_ns = NOW - 1;
}

static void set_input(struct policy_input *in, const struct row *r)
{
	memset(in, 0, sizeof(*in));
	in->now_ns = NOW;
	in->link_up = true;
	in->own_priority = 128;
	in->own_addr = octet(2);
	in->state = r->state;
	in->maint = r->maint;
	in->drain = r->drain;
	in->path_lost = r->path_lost;
	for (const char *own = r->own; *own; own++)
		in->health[in->n_services++] = *own == 'U'   ? HOKM_SVC_UP
					       : *own == 'D' ? HOKM_SVC_DOWN
							     : HOKM_SVC_INIT;
	for (unsigned int i = 0; i < 3; i++)
		if (r->peers[i])
			set_peer(&in->peers[i], i, r->peers[i]);
}

static void who_would_take_the_vip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		struct policy_output out;
		struct policy_input in;

		set_input(&in, r);
		policy_decide(&in, &out);
		if (out.reason != r->reason || out.panic != (r->reason == HOLD) ||
		    out.eligible != (r->reason == HOLD || r->reason == YES))
			fail_msg("row %zu (%s): eligible %d reason %s panic %d", i, r->own,
				 out.eligible, hokm_reason_name(out.reason), out.panic);
	}
}

/*
 * Two services end at once. The peer, which has one of them, was in FAULT because this node had
 * more. It leaves FAULT when it hears that: until then no node is fit, and that is no panic.
 */
static void a_peer_that_leaves_fault_soon(void **state)
{
	static const struct {
		const char *own, *peer;
		uint64_t after_ns; /* the step before */
		enum hokm_reason reason;
	} steps[] = {
		{"UU", "f1", 1, YES},      {"DD", "f1", 1, YES}, {"DD", "f1", LIMIT - 1, YES},
		{"DD", "b1", 1, DOWN},     {"DD", "f1", 1, YES}, {"DD", "f1", LIMIT, HOLD},
		{"DD", "f1", LIMIT, HOLD}, {"UD", "f1", 1, YES},
	};
	struct policy_output out = {0};
	uint64_t now_ns = NOW;

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct row r = {.own = steps[i].own, .peers = {steps[i].peer}, .state = M};
		struct policy_input in;

		set_input(&in, &r);
		in.now_ns = now_ns += steps[i].after_ns;
		in.panic_after_ns = LIMIT;
		in.panic_ns = out.panic_ns;
		policy_decide(&in, &out);
		if (out.reason != steps[i].reason || out.panic != (steps[i].reason == HOLD))
			fail_msg("step %zu: reason %s panic %d", i, hokm_reason_name(out.reason),
				 out.panic);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_would_take_the_vip),
		cmocka_unit_test(a_peer_that_leaves_fault_soon),
	};

	return cmocka_run_group_tests_name("policy_fit", tests, NULL, NULL);
}
