/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two links over a network of the test's own: what one has, the other gets, whatever is lost,
 * repeated, swapped, damaged, recorded and played again, and whoever restarts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "decide/repl.h"

#define MS         1000000ULL
#define TICK_NS    (10 * MS)
#define SET        2048 /* possible connections: one a port */
#define QUEUE      4096
#define CONVERGE_S 10

static const __u64 key[2] = {7, 8};

struct datagram {
	unsigned char b[HOKM_REPL_MAX];
	size_t len;
};

struct end {
	struct repl_link *link;
	uint64_t session;
	uint64_t clock_ns; /* offset: nodes boot at different times */
	bool mine[SET];    /* what lives here */
	uint32_t isn[SET];
	bool theirs[SET], fresh[SET]; /* what the peer told; by the list that goes on */
	uint32_t their_isn[SET];
	bool listing_in;
	unsigned int at; /* of the list that is sent */
};

struct net {
	struct end e[2];
	struct datagram *way[2]; /* to end 0, to end 1 */
	unsigned int n[2];
	unsigned int loss, twice, swap, damage; /* of 1000 */
	unsigned int slow;                      /* list records a tick; 0: as many as go */
	uint32_t numbers;                       /* messages of a stream, 0: as many as there are */
	bool one_key;                           /* for both directions */
	uint64_t now_ns;
	uint32_t seed;
};

static uint32_t chance(struct net *t)
{
	t->seed = t->seed * 1664525u + 1013904223u;
	return t->seed >> 8;
}

static void start(struct net *t, unsigned int i)
{
	struct repl_conf conf = {.vrid = 25,
				 .numbers = t->numbers,
				 .key = {key[0], key[1] + (t->one_key ? 0 : i)},
				 .peer_key = {key[0], key[1] + (t->one_key ? 0 : !i)}};
	struct end *e = &t->e[i];

	repl_free(e->link);
	conf.session = e->session = ((uint64_t)chance(t) << 20 | chance(t)) | 1;
	assert_int_equal(repl_new(&conf, &e->link), 0);
	memset(e->theirs, 0, sizeof(e->theirs));
	e->listing_in = false;
	e->clock_ns = (uint64_t)chance(t) * 1000000;
}

static void net_open(struct net *t, uint32_t seed)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->now_ns = 1000 * MS;
	for (unsigned int i = 0; i < 2; i++) {
		t->way[i] = calloc(QUEUE, sizeof(*t->way[i]));
		assert_non_null(t->way[i]);
		start(t, i);
	}
}

static void net_close(struct net *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		repl_free(t->e[i].link);
		free(t->way[i]);
	}
}

static uint64_t clock_of(const struct net *t, unsigned int i)
{
	return t->now_ns + t->e[i].clock_ns;
}

static struct repl_record record(const struct end *e, unsigned int c, uint8_t what)
{
	return (struct repl_record){.client.w = {0, 0, htonl(0xffff), htonl(0x0a000001)},
				    .client_port = htons((uint16_t)(c + 1)),
				    .what = what,
				    .tag = 5,
				    .isn = e->isn[c]};
}

static void change(struct net *t, unsigned int i, unsigned int c, bool have)
{
	struct end *e = &t->e[i];
	struct repl_record r;

	if (e->mine[c] == have)
		return;
	if (have)
		e->isn[c] = chance(t);
	e->mine[c] = have;
	r = record(e, c, have ? REPL_HAVE : REPL_GONE);
	repl_put(e->link, &r, clock_of(t, i), clock_of(t, i));
}

static void apply(struct end *e, const struct repl_record *r)
{
	unsigned int c = ntohs(r->client_port) - 1u;

	switch (r->what) {
	case REPL_BEGIN:
		memset(e->fresh, 0, sizeof(e->fresh));
		e->listing_in = true;
		break;
	case REPL_HAVE:
		e->theirs[c] = e->fresh[c] = true;
		e->their_isn[c] = r->isn;
		break;
	case REPL_GONE:
		if (e->theirs[c] && e->their_isn[c] == r->isn)
			e->theirs[c] = e->fresh[c] = false;
		break;
	case REPL_END:
		assert_true(e->listing_in);
		e->listing_in = false;
		for (unsigned int k = 0; k < SET; k++)
			e->theirs[k] &= e->fresh[k];
		break;
	}
}

static enum repl_fault deliver(struct net *t, unsigned int i, const struct datagram *d)
{
	struct repl_received in;

	repl_receive(t->e[i].link, d->b, d->len, clock_of(t, i), &in);
	for (unsigned int k = 0; k < in.n; k++)
		apply(&t->e[i], &in.records[k]);
	return in.fault;
}

static void feed(struct net *t, unsigned int i)
{
	struct end *e = &t->e[i];

	if (repl_wants_list(e->link, clock_of(t, i))) {
		repl_list_begin(e->link, clock_of(t, i));
		e->at = 0;
	}
	for (unsigned int n = 0;
	     repl_listing(e->link) && repl_has_room(e->link) && (!t->slow || n < t->slow); n++) {
		struct repl_record r;

		while (e->at < SET && !e->mine[e->at])
			e->at++;
		if (e->at == SET) {
			repl_list_end(e->link, clock_of(t, i));
			break;
		}
		r = record(e, e->at, REPL_HAVE);
		repl_put(e->link, &r, clock_of(t, i), clock_of(t, i));
		e->at++;
	}
}

static void put_on_the_way(struct net *t, unsigned int to, const struct datagram *d)
{
	unsigned int copies = chance(t) % 1000 < t->loss ? 0 : chance(t) % 1000 < t->twice ? 2 : 1;

	while (copies-- && t->n[to] < QUEUE) {
		t->way[to][t->n[to]] = *d;
		if (chance(t) % 1000 < t->damage)
			t->way[to][t->n[to]].b[chance(t) % d->len] ^= 1;
		t->n[to]++;
	}
}

static void send_all(struct net *t, unsigned int i)
{
	struct datagram d;

	for (int k = 0; k < 64; k++) {
		d.len = repl_next(t->e[i].link, clock_of(t, i), d.b);
		if (!d.len)
			return;
		assert_true(d.len <= sizeof(d.b));
		put_on_the_way(t, !i, &d);
	}
}

static void acknowledge(struct net *t, unsigned int i)
{
	struct datagram d = {.len = 0};

	d.len = repl_acknowledge(t->e[i].link, clock_of(t, i), d.b);
	if (d.len)
		put_on_the_way(t, !i, &d);
}

static void tick(struct net *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int k = 0; k + 1 < t->n[i]; k++)
			if (chance(t) % 1000 < t->swap) {
				struct datagram d = t->way[i][k];

				t->way[i][k] = t->way[i][k + 1];
				t->way[i][k + 1] = d;
			}
		for (unsigned int k = 0; k < t->n[i]; k++)
			(void)deliver(t, i, &t->way[i][k]);
		t->n[i] = 0;
		acknowledge(t, i);
	}
	for (unsigned int i = 0; i < 2; i++) {
		feed(t, i);
		send_all(t, i);
	}
	t->now_ns += TICK_NS;
}

static bool equal(const struct net *t, unsigned int i)
{
	const struct end *e = &t->e[i], *p = &t->e[!i];

	for (unsigned int c = 0; c < SET; c++)
		if (e->theirs[c] != p->mine[c] || (p->mine[c] && e->their_isn[c] != p->isn[c]))
			return false;
	return true;
}

static bool converged(const struct net *t)
{
	return equal(t, 0) && equal(t, 1) && repl_warm(t->e[0].link) && repl_warm(t->e[1].link) &&
	       repl_peer_warm(t->e[0].link) && repl_peer_warm(t->e[1].link);
}

/* Ticks until both agree; fails when they do not within CONVERGE_S of the network's time. */
static unsigned int until_converged(struct net *t)
{
	for (unsigned int k = 0; k < CONVERGE_S * 100; k++) {
		if (converged(t))
			return k;
		tick(t);
	}
	fail_msg("no agreement within %d s", CONVERGE_S);
	return 0;
}

static void busy(struct net *t, unsigned int ticks, unsigned int changes)
{
	for (unsigned int k = 0; k < ticks; k++) {
		for (unsigned int n = 0; n < changes; n++)
			change(t, chance(t) & 1, chance(t) % SET, chance(t) & 1);
		tick(t);
	}
}

/* ---- a good network ---- */

static void everything_is_told(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 1);
	for (unsigned int c = 0; c < 300; c++)
		t.e[0].mine[c] = true;
	assert_in_range(until_converged(&t), 1, 12); /* 120 ms */
	busy(&t, 500, 20);
	assert_true(until_converged(&t) < 4);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.resyncs, 1);
	assert_int_equal(s.overflows, 0);
	assert_int_equal(s.repeated, 0);
	assert_true(s.lag_max_ns <= 3 * TICK_NS);
	busy(&t, 4, 0);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.lag_max_ns, 0); /* since it was asked for last */
	net_close(&t);
}

static void ten_thousand_a_second_keep_up(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 2);
	(void)until_converged(&t);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	busy(&t, 300, 400); /* each end 200 changes a tick */
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.overflows, 0);
	assert_true(s.lag_max_ns < 50 * MS);
	assert_true(until_converged(&t) < 4);
	net_close(&t);
}

/* The sender learns of it without a tick of the receiver's, once for all that came. */
static void what_arrived_is_acknowledged_at_once(void **state)
{
	struct repl_stats s;
	struct datagram d;
	struct net t;

	(void)state;
	net_open(&t, 3);
	(void)until_converged(&t);
	busy(&t, 4, 0);
	assert_int_equal(repl_acknowledge(t.e[1].link, clock_of(&t, 1), d.b), 0);
	for (unsigned int c = 0; c < 3 * REPL_RECORDS; c++)
		change(&t, 0, c, true);
	while ((d.len = repl_next(t.e[0].link, clock_of(&t, 0), d.b)))
		assert_int_equal(deliver(&t, 1, &d), REPL_BAD_NONE);
	t.now_ns += MS;
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.lag_ns, MS);
	d.len = repl_acknowledge(t.e[1].link, clock_of(&t, 1), d.b);
	assert_true(d.len > 0);
	assert_int_equal(deliver(&t, 0, &d), REPL_BAD_NONE);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.lag_ns, 0);
	assert_int_equal(repl_acknowledge(t.e[1].link, clock_of(&t, 1), d.b), 0);
	net_close(&t);
}

/* A stream whose numbers end is followed by another, and nothing is missed in between. */
static void numbers_end(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 4);
	t.numbers = 50;
	start(&t, 0);
	start(&t, 1);
	(void)until_converged(&t);
	busy(&t, 300, 40);
	(void)until_converged(&t);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_in_range(s.resyncs, 6, 20);
	assert_int_equal(s.overflows, 0);
	assert_int_equal(s.bad[REPL_BAD_ORDER] + s.bad[REPL_BAD_REPLAY], 0);
	net_close(&t);
}

/* ---- bad ones ---- */

static void bad_networks(void **state)
{
	static const struct {
		unsigned int loss, twice, swap, damage;
	} ways[] = {{200, 0, 0, 0}, {0, 200, 200, 0}, {0, 0, 0, 100}, {300, 100, 300, 50}};

	(void)state;
	for (unsigned int w = 0; w < sizeof(ways) / sizeof(ways[0]); w++)
		for (uint32_t seed = 0; seed < 25; seed++) {
			struct net t;

			net_open(&t, seed * 977 + w);
			t.loss = ways[w].loss;
			t.twice = ways[w].twice;
			t.swap = ways[w].swap;
			t.damage = ways[w].damage;
			for (unsigned int c = 0; c < SET; c += 2)
				t.e[1].mine[c] = true;
			busy(&t, 200, 10);
			(void)until_converged(&t);
			net_close(&t);
		}
}

static void restarts(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 25; seed++) {
		struct net t;

		net_open(&t, seed + 100);
		t.loss = seed % 2 ? 100 : 0;
		busy(&t, 100, 10);
		for (unsigned int k = 0; k < 4; k++) {
			start(&t, chance(&t) & 1);
			busy(&t, chance(&t) % 60, 10);
		}
		(void)until_converged(&t);
		net_close(&t);
	}
}

static void silence_and_overflow(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 3);
	(void)until_converged(&t);
	t.loss = 1000;
	busy(&t, 100, 0);
	assert_true(repl_connected(t.e[0].link, clock_of(&t, 0)));
	busy(&t, 400, 100);
	assert_false(repl_connected(t.e[0].link, clock_of(&t, 0)));
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.overflows, 1);
	assert_false(repl_wants_list(t.e[0].link, clock_of(&t, 0))); /* nobody would hear it */
	t.loss = 0;
	(void)until_converged(&t);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.resyncs, 2);
	net_close(&t);
}

/* A break that fits the window is made up for without a new list. */
static void short_break(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 4);
	(void)until_converged(&t);
	t.loss = 1000;
	busy(&t, 50, 5);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_true(s.lag_ns > 400 * MS);
	t.loss = 0;
	(void)until_converged(&t);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.resyncs, 1);
	assert_true(s.repeated > 0);
	net_close(&t);
}

/* What went out before a repeat took the cursor back has arrived, and is acknowledged late. */
static void late_acknowledgements_count(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 8);
	(void)until_converged(&t);
	for (unsigned int c = 0; c < SET; c++)
		change(&t, 0, c, true); /* 71 messages at once */
	for (unsigned int k = 0; k < 6; k++) {
		tick(&t);
		t.n[0] = 0; /* what the receiver says is lost for 60 ms */
	}
	assert_true(equal(&t, 1));
	busy(&t, 10, 0);
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_int_equal(s.lag_ns, 0);
	assert_int_equal(s.resyncs, 1);
	assert_in_range(s.repeated, 1, 40); /* two bursts, and not what was acknowledged then */
	net_close(&t);
}

/*
 * CONTROL goes through and DATA does not: a new stream is tried, and again, and the first that can
 * is whole.
 */
static void nothing_gets_stuck(void **state)
{
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 9);
	(void)until_converged(&t);
	for (unsigned int k = 0; k < 500; k++) {
		change(&t, 0, chance(&t) % SET, chance(&t) & 1);
		for (unsigned int d = 0; d < t.n[1]; d++)
			if (t.way[1][d].b[5] == REPL_DATA)
				t.way[1][d--] = t.way[1][--t.n[1]];
		tick(&t);
	}
	assert_true(repl_connected(t.e[0].link, clock_of(&t, 0)));
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_in_range(s.stuck, 1, 3);
	assert_int_equal(s.overflows, 0);
	(void)until_converged(&t);
	net_close(&t);
}

static void missed_changes_and_a_list_begun_again(void **state)
{
	struct net t;

	(void)state;
	net_open(&t, 5);
	(void)until_converged(&t);
	for (unsigned int c = 0; c < SET; c++)
		t.e[0].mine[c] = true; /* untold */
	t.slow = 40;
	repl_lost(t.e[0].link);
	busy(&t, 10, 0);
	assert_true(repl_listing(t.e[0].link));
	assert_false(repl_peer_warm(t.e[0].link));
	assert_false(repl_warm(t.e[1].link));
	repl_lost(t.e[0].link);
	t.slow = 0;
	(void)until_converged(&t);
	net_close(&t);
}

/* ---- recordings ---- */

static void old_messages_change_nothing(void **state)
{
	static struct datagram tape[2][2000];
	static bool before[SET];
	unsigned int taped[2] = {0}, bad = 0;
	struct net t;

	(void)state;
	net_open(&t, 6);
	for (unsigned int life = 0; life < 2; life++) {
		for (unsigned int k = 0; k < 200; k++) {
			for (unsigned int n = 0; n < 5; n++)
				change(&t, 0, chance(&t) % SET, chance(&t) & 1);
			for (unsigned int d = 0; d < t.n[1] && taped[life] < 2000; d++)
				tape[life][taped[life]++] = t.way[1][d];
			tick(&t);
		}
		(void)until_converged(&t);
		/* What was said in this life, and in the one before, once more. */
		memcpy(before, t.e[1].theirs, sizeof(before));
		for (unsigned int l = 0; l <= life; l++)
			for (unsigned int d = 0; d < taped[l]; d++) {
				enum repl_fault f = deliver(&t, 1, &tape[l][d]);

				assert_true(f == REPL_BAD_REPLAY || f == REPL_BAD_SESSION);
				bad++;
			}
		assert_memory_equal(before, t.e[1].theirs, sizeof(before));
		assert_true(repl_warm(t.e[1].link));
		assert_true(repl_connected(t.e[1].link, clock_of(&t, 1)));
		tick(&t);
		assert_true(converged(&t));
		start(&t, 0);
		memset(t.e[0].mine, 0, sizeof(t.e[0].mine));
	}
	assert_true(bad > 300);
	net_close(&t);
}

/*
 * What an end says comes back to it as if from its peer: no proof of anything, not even to ends
 * that were given one key for both directions.
 */
static void own_words_are_not_the_peers(void **state)
{
	static struct datagram tape[400];
	static bool before[SET];

	(void)state;
	for (int one_key = 0; one_key <= 1; one_key++) {
		unsigned int n, told = 0;
		struct net t;

		net_open(&t, 10);
		t.one_key = one_key;
		start(&t, 0);
		start(&t, 1);
		(void)until_converged(&t);
		for (unsigned int k = 0; k < 200; k++) {
			change(&t, 0, chance(&t) % SET, chance(&t) & 1);
			for (n = 0; n < t.n[1] && n < 400; n++)
				tape[n] = t.way[1][n];
			memcpy(before, t.e[0].theirs, sizeof(before));
			for (unsigned int d = 0; d < n; d++, told++)
				assert_int_equal(deliver(&t, 0, &tape[d]),
						 one_key ? REPL_BAD_SESSION : REPL_BAD_TAG);
			assert_memory_equal(before, t.e[0].theirs, sizeof(before));
			tick(&t);
			assert_true(repl_warm(t.e[0].link));
		}
		assert_true(told > 100);
		assert_true(until_converged(&t) < 4);
		net_close(&t);
	}
}

static void other_secret_never_connects(void **state)
{
	struct repl_conf conf = {.session = 5, .vrid = 25, .key = {17, 9}, .peer_key = {17, 8}};
	struct repl_stats s;
	struct net t;

	(void)state;
	net_open(&t, 7);
	repl_free(t.e[1].link);
	assert_int_equal(repl_new(&conf, &t.e[1].link), 0);
	busy(&t, 300, 5);
	assert_false(repl_connected(t.e[0].link, clock_of(&t, 0)));
	assert_false(repl_warm(t.e[0].link));
	repl_get_stats(t.e[0].link, clock_of(&t, 0), &s);
	assert_true(s.bad[REPL_BAD_TAG] > 10); /* 3 s of hellos */
	net_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_told),
		cmocka_unit_test(ten_thousand_a_second_keep_up),
		cmocka_unit_test(what_arrived_is_acknowledged_at_once),
		cmocka_unit_test(numbers_end),
		cmocka_unit_test(bad_networks),
		cmocka_unit_test(restarts),
		cmocka_unit_test(silence_and_overflow),
		cmocka_unit_test(short_break),
		cmocka_unit_test(late_acknowledgements_count),
		cmocka_unit_test(nothing_gets_stuck),
		cmocka_unit_test(missed_changes_and_a_list_begun_again),
		cmocka_unit_test(old_messages_change_nothing),
		cmocka_unit_test(own_words_are_not_the_peers),
		cmocka_unit_test(other_secret_never_connects),
	};

	return cmocka_run_group_tests_name("repl", tests, NULL, NULL);
}
