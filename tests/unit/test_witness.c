/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A witness, packet by packet: what it discards changes nothing, what it grants to one node it does
 * not grant to another one, and after a start it grants nothing until no earlier grant can last.
 * Both directions are verified with the keys that a node derives by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "conf_rig.h"
#include "hokm/pulse_tag.h"
#include "witness/witness.h"

#define CONF                                                                      \
	"secret = 0123456789abcdef profile = fast node a { address = 10.0.0.1 } " \
	"node b { address = 10.0.0.2 } witness w { address = 10.0.0.3 } "
#define ADDR_W   "10.0.0.3"
#define START_NS (1000 * NS_PER_S)
#define GRANT_NS (30 * NS_PER_MS)

static const char *const addrs[] = {"10.0.0.1", "10.0.0.2"};

/* The nodes, each with keys of its own making, and the witness. */
struct rig {
	struct conf *conf;
	struct witness w;
	struct hokm_keys keys[2]; /* slot 0: the witness */
	uint64_t now_ns;
	struct hokm_pulse answer;
};

static struct in_addr ipv4(const char *text)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, text, &a), 1);
	return a;
}

static struct conf *load(const char *text)
{
	char *errors;
	struct conf *c = rig_load(text, &errors);

	if (!c)
		fail_msg("%s", errors);
	free(errors);
	return c;
}

static void start_witness(struct rig *r)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 3};

	assert_int_equal(witness_init(&r->w, r->conf, 0, r->now_ns), 0);
	memcpy(r->w.mac, mac, sizeof(mac));
}

static void begin(struct rig *r, const char *text)
{
	memset(r, 0, sizeof(*r));
	r->conf = load(text);
	r->now_ns = START_NS;
	for (unsigned int i = 0; i < 2; i++) {
		struct hokm_cfg cfg = {.addr = hokm_addr_from_ipv4(ipv4(addrs[i]))};

		cfg.peer[0].addr = hokm_addr_from_ipv4(ipv4(ADDR_W));
		cfg.peer[0].used = 1;
		assert_int_equal(conf_pulse_keys(r->conf, &cfg, &r->keys[i]), 0);
	}
	start_witness(r);
}

/* Past the silence after the start. */
static void begin_ready(struct rig *r)
{
	begin(r, CONF);
	r->now_ns = r->w.promise.silent_until_ns;
}

static void end(struct rig *r)
{
	conf_free(r->conf);
}

static void sign(const struct rig *r, unsigned int node, struct hokm_pulse *p)
{
	p->tag = htobe64(hokm_pulse_tag(
		p, ipv4(addrs[node]).s_addr, ipv4(ADDR_W).s_addr, r->keys[node].to[0]));
}

static struct hokm_pulse probe(const struct rig *r, unsigned int node, enum hokm_wish wish,
			       uint64_t epoch)
{
	struct hokm_pulse p = {
		.magic = htobe32(HOKM_PULSE_MAGIC),
		.version = HOKM_PULSE_VERSION,
		.kind = HOKM_PULSE_PROBE,
		.vrid = (uint8_t)r->conf->vrid,
		.state = HOKM_VRRP_MASTER,
		.nonce = htobe64(77),
		.sent_ns = htobe64(r->now_ns),
		.lease_left_ns = htobe64(5),
		.epoch = htobe64(epoch),
		.priority = 110,
		.mac = {2, 0, 0, 0, 0, 1},
		.grant = {.wish_epoch = htobe64(77), /* an owner says since when it is one */
			  .wish = (uint8_t)wish,
			  .epoch = htobe64(epoch),
			  .length_us = htobe32((uint32_t)(GRANT_NS / 1000))},
		.svc[1] = {.tag = htobe32(9), .state = HOKM_SVC_UP},
	};

	sign(r, node, &p);
	return p;
}

static enum witness_discard give(struct rig *r, unsigned int node, const struct hokm_pulse *p)
{
	const struct witness_packet in = {
		.from = ipv4(addrs[node]), .ttl = 255, .bytes = p, .len = sizeof(*p)};

	return witness_answer(&r->w, &in, r->now_ns, &r->answer);
}

/* Asks, expects an answer that the node would accept, and returns its verdict. */
static enum hokm_verdict ask(struct rig *r, unsigned int node, enum hokm_wish wish, uint64_t epoch)
{
	const struct hokm_pulse p = probe(r, node, wish, epoch);
	const struct hokm_pulse *a = &r->answer;

	assert_int_equal(give(r, node, &p), WITNESS_NONE);
	assert_int_equal(be64toh(a->tag),
			 hokm_pulse_tag(a, ipv4(ADDR_W).s_addr, ipv4(addrs[node]).s_addr,
					r->keys[node].from[0][0]));
	assert_int_equal(a->kind, HOKM_PULSE_ANSWER);
	assert_int_equal(a->version, HOKM_PULSE_VERSION);
	assert_int_equal(a->vrid, r->conf->vrid);
	assert_int_equal(a->nonce, p.nonce);
	assert_int_equal(a->sent_ns, p.sent_ns);
	assert_memory_equal(a->mac, r->w.mac, 6);
	/* It owns nothing. */
	assert_int_equal(a->state, HOKM_VRRP_INIT);
	assert_int_equal(a->lease_left_ns, 0);
	assert_int_equal(a->epoch, 0);
	assert_int_equal(a->priority, 0);
	/* What was asked comes back with what is answered. */
	assert_int_equal(a->grant.wish, wish);
	assert_int_equal(a->grant.wish_epoch, p.grant.epoch);
	assert_int_equal(
		be32toh(a->grant.length_us),
		(a->grant.verdict == HOKM_VERDICT_GRANTED ? GRANT_NS
							  : conf_longest_grant_ns(r->conf)) /
			1000);
	return (enum hokm_verdict)a->grant.verdict;
}

/* The answer says that this node (2: nobody) has the grant for at least this long. */
static void holder_is(const struct rig *r, unsigned int node, uint64_t least_ns)
{
	const uint64_t left_ns = be32toh(r->answer.grant.left_us) * 1000ULL;

	assert_int_equal(r->answer.grant.holder, node < 2 ? ipv4(addrs[node]).s_addr : 0);
	assert_true(left_ns >= least_ns);
	assert_true(left_ns <= least_ns + 2000);
	if (node < 2)
		assert_ptr_equal(witness_holder(&r->w, r->now_ns), &r->w.nodes[node]);
	else
		assert_null(witness_holder(&r->w, r->now_ns));
}

/* ---- grants ---- */

static void two_nodes_never_have_its_grant_at_once(void **state)
{
	const uint64_t kept_ns = hokm_grant_kept_ns(GRANT_NS);
	struct rig r;

	(void)state;
	begin_ready(&r);
	assert_int_equal(ask(&r, 0, HOKM_WISH_NONE, 0), HOKM_VERDICT_NONE);
	holder_is(&r, 2, 0);
	r.now_ns += NS_PER_MS;
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	holder_is(&r, 0, kept_ns);
	assert_int_equal(be64toh(r.answer.grant.epoch), 4);
	r.now_ns += NS_PER_MS;
	assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 5), HOKM_VERDICT_HELD);
	holder_is(&r, 0, kept_ns - NS_PER_MS);
	r.now_ns += 9 * NS_PER_MS;
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	holder_is(&r, 0, kept_ns);
	/* One microsecond before its end, and after it. */
	r.now_ns += kept_ns - 1000;
	assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 5), HOKM_VERDICT_HELD);
	r.now_ns += 2000;
	assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 5), HOKM_VERDICT_GRANTED);
	holder_is(&r, 1, kept_ns);
	/* The former owner comes too late with its old epoch. */
	r.now_ns += NS_PER_MS;
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_OLD);
	assert_int_equal(be64toh(r.answer.grant.epoch), 5);
	holder_is(&r, 1, kept_ns - NS_PER_MS);
	end(&r);
}

static void a_release_lets_the_next_owner_wait_for_nothing(void **state)
{
	struct rig r;

	(void)state;
	begin_ready(&r);
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	r.now_ns += NS_PER_MS;
	/* Of a node that has no grant: nothing ends. */
	assert_int_equal(ask(&r, 1, HOKM_WISH_RELEASE, 9), HOKM_VERDICT_NONE);
	holder_is(&r, 0, hokm_grant_kept_ns(GRANT_NS) - NS_PER_MS);
	r.now_ns += NS_PER_MS;
	assert_int_equal(ask(&r, 0, HOKM_WISH_RELEASE, 4), HOKM_VERDICT_NONE);
	holder_is(&r, 2, 0);
	assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 10), HOKM_VERDICT_GRANTED);
	end(&r);
}

static void a_grant_that_is_too_long_is_refused(void **state)
{
	struct rig r;
	struct hokm_pulse p;

	(void)state;
	begin_ready(&r);
	p = probe(&r, 0, HOKM_WISH_OWN, 4);
	/* The longest one is that of an upgrade. */
	p.grant.length_us = htobe32((uint32_t)(CONF_RESTART_GRANT_NS / 1000 + 1));
	sign(&r, 0, &p);
	assert_int_equal(give(&r, 0, &p), WITNESS_NONE);
	assert_int_equal(r.answer.grant.verdict, HOKM_VERDICT_REFUSED);
	r.now_ns += 1000;
	p.sent_ns = htobe64(r.now_ns);
	p.grant.length_us = htobe32((uint32_t)(CONF_RESTART_GRANT_NS / 1000));
	sign(&r, 0, &p);
	assert_int_equal(give(&r, 0, &p), WITNESS_NONE);
	assert_int_equal(r.answer.grant.verdict, HOKM_VERDICT_GRANTED);
	holder_is(&r, 0, hokm_grant_kept_ns(CONF_RESTART_GRANT_NS));
	end(&r);
}

/* It has forgotten what an earlier run promised. */
static void a_start_forgets_no_grant_that_may_last(void **state)
{
	const uint64_t kept_ns = hokm_grant_kept_ns(CONF_RESTART_GRANT_NS);
	struct rig r;

	(void)state;
	begin_ready(&r);
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	start_witness(&r);
	for (uint64_t at_ns = 1; at_ns < kept_ns; at_ns += 10 * NS_PER_MS) {
		r.now_ns = r.w.promise.silent_until_ns - kept_ns + at_ns;
		assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 5), HOKM_VERDICT_SILENT);
		holder_is(&r, 2, 0);
	}
	r.now_ns = r.w.promise.silent_until_ns;
	assert_int_equal(ask(&r, 1, HOKM_WISH_OWN, 5), HOKM_VERDICT_GRANTED);
	end(&r);
}

static void without_a_majority_it_grants_nothing(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, "arbiter = none " CONF);
	r.now_ns += 100 * NS_PER_S;
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_ABSENT);
	/* A node that wishes nothing learns it too. */
	assert_int_equal(ask(&r, 1, HOKM_WISH_NONE, 0), HOKM_VERDICT_ABSENT);
	holder_is(&r, 2, 0);
	end(&r);
}

/* The answer to this node names the other one, whose probe came this long ago; -1: nobody. */
static void heard_is(struct rig *r, unsigned int node, int64_t age_ns)
{
	static const struct hokm_pulse_heard none[HOKM_MAX_SERVICES];
	const struct hokm_pulse_heard *h = r->answer.heard;

	(void)ask(r, node, HOKM_WISH_NONE, 0);
	if (age_ns >= 0) {
		assert_int_equal(h->addr, ipv4(addrs[!node]).s_addr);
		assert_int_equal(be32toh(h->age_us), age_ns / 1000);
		h++;
	}
	assert_memory_equal(h, none, sizeof(none) - (size_t)(h - r->answer.heard) * sizeof(*h));
}

/* Two nodes that are cut from each other and hear the witness know that the other one is alive. */
static void who_is_heard_is_told_to_the_others(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, "arbiter = none " CONF);
	heard_is(&r, 0, -1);
	r.now_ns += NS_PER_MS;
	heard_is(&r, 1, NS_PER_MS);
	r.now_ns += 2 * NS_PER_MS;
	heard_is(&r, 0, 2 * NS_PER_MS);
	/* Silent since then: its age grows, until the field has no room for it. */
	r.now_ns += 4000 * NS_PER_S;
	heard_is(&r, 0, 2 * (int64_t)NS_PER_MS + 4000 * (int64_t)NS_PER_S);
	r.now_ns += 400 * NS_PER_S;
	heard_is(&r, 0, -1);
	end(&r);
}

/* While the secret is replaced, pulses of either one are verified. */
static void a_second_secret_is_accepted(void **state)
{
	struct rig r;
	struct hokm_pulse p;

	(void)state;
	begin_ready(&r);
	p = probe(&r, 0, HOKM_WISH_OWN, 4);
	conf_free(r.conf);
	r.conf = load("secret = {0123456789abcdeX, 0123456789abcdef} profile = fast\n"
		      "node a { address = 10.0.0.1 } node b { address = 10.0.0.2 } "
		      "witness w { address = 10.0.0.3 }");
	r.now_ns = START_NS;
	start_witness(&r);
	assert_int_equal(give(&r, 0, &p), WITNESS_NONE);
	end(&r);
}

/* ---- what is discarded ---- */

enum change {
	SOURCE_OTHER,
	SOURCE_WITNESS,
	SOURCE_PEER,
	TTL_254,
	TTL_0,
	EMPTY,
	ONE_LESS,
	ONE_MORE,
	VERSION_LONGER,
	VERSION_SHORTER,
	FORMER_LENGTH,
	MAGIC,
	VERSION,
	VRID,
	TAG,
	WISH,
	EPOCH,
	MAC,
	REFLECTED,
	ANSWER,
	AGAIN,
	EARLIER,
	CHANGES,
};

static const enum witness_discard reasons[] = {
	[SOURCE_OTHER] = WITNESS_SOURCE,
	[SOURCE_WITNESS] = WITNESS_SOURCE,
	[SOURCE_PEER] = WITNESS_TAG,
	[TTL_254] = WITNESS_TTL,
	[TTL_0] = WITNESS_TTL,
	[EMPTY] = WITNESS_SHORT,
	[ONE_LESS] = WITNESS_SHORT,
	[ONE_MORE] = WITNESS_SHORT,
	[FORMER_LENGTH] = WITNESS_SHORT,
	[MAGIC] = WITNESS_VERSION,
	[VERSION] = WITNESS_VERSION,
	[VERSION_LONGER] = WITNESS_VERSION,
	[VERSION_SHORTER] = WITNESS_VERSION,
	[VRID] = WITNESS_VERSION,
	[TAG] = WITNESS_TAG,
	[WISH] = WITNESS_TAG,
	[EPOCH] = WITNESS_TAG,
	[MAC] = WITNESS_TAG,
	[REFLECTED] = WITNESS_TAG,
	[ANSWER] = WITNESS_KIND,
	[AGAIN] = WITNESS_REPLAY,
	[EARLIER] = WITNESS_REPLAY,
};

static void change_bytes(const struct rig *r, enum change c, struct hokm_pulse *p)
{
	if (c == MAGIC)
		p->magic++;
	else if (c == VERSION || c == VERSION_LONGER || c == VERSION_SHORTER)
		p->version--;
	else if (c == VRID)
		p->vrid++;
	else if (c == TAG)
		p->tag++;
	else if (c == WISH)
		p->grant.wish = HOKM_WISH_RELEASE;
	else if (c == EPOCH)
		p->grant.epoch++;
	else if (c == MAC)
		p->mac[5]++;
	else if (c == REFLECTED)
		*p = r->answer;
	else if (c == ANSWER || c == EARLIER) {
		p->kind = c == ANSWER ? HOKM_PULSE_ANSWER : HOKM_PULSE_PROBE;
		p->sent_ns = htobe64(c == EARLIER ? r->now_ns - 1 : r->now_ns + 1);
		sign(r, 0, p);
	}
}

static struct witness_packet change_packet(enum change c, const void *bytes)
{
	static const struct {
		const char *from;
		int ttl;
		size_t len;
	} is[CHANGES] = {
		[SOURCE_OTHER] = {.from = "10.0.0.9"},
		[SOURCE_WITNESS] = {.from = ADDR_W},
		[SOURCE_PEER] = {.from = "10.0.0.2"},
		[TTL_254] = {.ttl = 254},
		[TTL_0] = {.ttl = -1},
		[ONE_LESS] = {.len = sizeof(struct hokm_pulse) - 1},
		[ONE_MORE] = {.len = sizeof(struct hokm_pulse) + 1},
		[FORMER_LENGTH] = {.len = 128},
		[VERSION_LONGER] = {.len = sizeof(struct hokm_pulse) + 1},
		[VERSION_SHORTER] = {.len = offsetof(struct hokm_pulse, nonce)},
	};

	return (struct witness_packet){
		.from = ipv4(is[c].from ? is[c].from : addrs[0]),
		.ttl = is[c].ttl ? is[c].ttl : 255,
		.bytes = bytes,
		.len = c == EMPTY  ? 0
		       : is[c].len ? is[c].len
				   : sizeof(struct hokm_pulse),
	};
}

/* Rule 8: bad input changes nothing but the counter of its reason. */
static void what_is_discarded_changes_nothing(void **state)
{
	struct rig r;

	(void)state;
	begin_ready(&r);
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	for (enum change c = 0; c < CHANGES; c++) {
		struct hokm_pulse p = probe(&r, 0, HOKM_WISH_OWN, 4), out;
		unsigned char bytes[sizeof(p) + 1] = {0};
		struct witness_packet in = change_packet(c, bytes);
		struct witness before = r.w;

		/* Each of them would be answered, were it not for the change. */
		if (c != AGAIN) {
			p.sent_ns = htobe64(r.now_ns + 1);
			sign(&r, 0, &p);
		}
		change_bytes(&r, c, &p);
		memcpy(bytes, &p, sizeof(p));
		if (witness_answer(&r.w, &in, r.now_ns, &out) != reasons[c])
			fail_msg("change %d is not discarded, or for another reason", c);
		before.discarded[reasons[c]]++;
		assert_memory_equal(&r.w, &before, sizeof(before));
		assert_true(strlen(witness_discard_text(reasons[c])) > 10);
	}
	assert_string_equal(witness_discard_text(WITNESS_DISCARD_COUNT), "?");
	end(&r);
}

/*
 * A new session of the daemon opens the window of probes, but not that of wishes: an old probe,
 * recorded in an earlier session, neither ends nor makes a grant.
 */
static void a_recorded_wish_counts_never_again(void **state)
{
	struct hokm_pulse release, own;
	struct rig r;

	(void)state;
	begin_ready(&r);
	own = probe(&r, 0, HOKM_WISH_OWN, 4);
	assert_int_equal(give(&r, 0, &own), WITNESS_NONE);
	r.now_ns += NS_PER_MS;
	release = probe(&r, 0, HOKM_WISH_RELEASE, 4);
	assert_int_equal(give(&r, 0, &release), WITNESS_NONE);
	r.now_ns += NS_PER_MS;
	own = probe(&r, 0, HOKM_WISH_OWN, 6);
	own.nonce = htobe64(78);
	sign(&r, 0, &own);
	assert_int_equal(give(&r, 0, &own), WITNESS_NONE);
	assert_int_equal(r.answer.grant.verdict, HOKM_VERDICT_GRANTED);
	/* Of another session: no replay by its nonce. */
	assert_int_equal(give(&r, 0, &release), WITNESS_NONE);
	assert_int_equal(r.answer.grant.verdict, HOKM_VERDICT_OLD);
	holder_is(&r, 0, hokm_grant_kept_ns(GRANT_NS));
	end(&r);
}

/* The answer over another path may have been lost: this one says what is left. */
static void a_wish_that_comes_late_is_granted_what_is_left(void **state)
{
	const uint64_t kept_ns = hokm_grant_kept_ns(GRANT_NS);
	struct hokm_pulse late;
	struct rig r;

	(void)state;
	begin_ready(&r);
	late = probe(&r, 0, HOKM_WISH_OWN, 4);
	late.nonce = htobe64(78);
	sign(&r, 0, &late);
	r.now_ns += NS_PER_MS;
	assert_int_equal(ask(&r, 0, HOKM_WISH_OWN, 4), HOKM_VERDICT_GRANTED);
	r.now_ns += GRANT_NS / 2;
	assert_int_equal(give(&r, 0, &late), WITNESS_NONE);
	assert_int_equal(r.answer.grant.verdict, HOKM_VERDICT_GRANTED);
	holder_is(&r, 0, kept_ns - GRANT_NS / 2);
	assert_int_equal(be32toh(r.answer.grant.length_us),
			 hokm_grant_used_ns(kept_ns - GRANT_NS / 2) / 1000);
	end(&r);
}

/* ---- limits ---- */

static void a_full_group_has_room(void **state)
{
	struct rig r = {.now_ns = START_NS};
	struct conf *c = load(
		"secret = 0123456789abcdef\n"
		"node 1 {address=10.0.0.1} node 2 {address=10.0.0.2} "
		"node 3 {address=10.0.0.3} node 4 {address=10.0.0.4} "
		"node 5 {address=10.0.0.5} node 6 {address=10.0.0.6} "
		"node 7 {address=10.0.0.7} node 8 {address=10.0.0.8} "
		"witness w {address=10.0.0.9}");

	(void)state;
	assert_int_equal(witness_init(&r.w, c, 0, r.now_ns), 0);
	assert_int_equal(r.w.n_nodes, HOKM_MAX_PEERS);
	assert_int_not_equal(witness_init(&r.w, c, 1, r.now_ns), 0);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_never_have_its_grant_at_once),
		cmocka_unit_test(a_release_lets_the_next_owner_wait_for_nothing),
		cmocka_unit_test(a_grant_that_is_too_long_is_refused),
		cmocka_unit_test(a_start_forgets_no_grant_that_may_last),
		cmocka_unit_test(without_a_majority_it_grants_nothing),
		cmocka_unit_test(who_is_heard_is_told_to_the_others),
		cmocka_unit_test(a_second_secret_is_accepted),
		cmocka_unit_test(what_is_discarded_changes_nothing),
		cmocka_unit_test(a_recorded_wish_counts_never_again),
		cmocka_unit_test(a_wish_that_comes_late_is_granted_what_is_left),
		cmocka_unit_test(a_full_group_has_room),
	};

	return cmocka_run_group_tests_name("witness", tests, NULL, NULL);
}
