/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Passive checks with the settings of both profiles, over a small model of a game server. Ten
 * minutes of ordinary mixed traffic must not trip. Then each fault of the server must trip with its
 * own reason. The model advances by 1 ms; its random numbers come from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "conf/conf_int.h"
#include "decide/recent.h"
#include "observe_rig.h"

#define MINUTE    (60 * SEC)
#define WAITS_MAX 4096

/* How the server behaves. */
enum fault { WELL, STOPPED, FULL, DEAD, SAYS_503, SLOW_PONGS, SAYS_1011, RESETS, DROPS, ENDS };

#define AUTH_MS 700 /* what a slow database behind the login takes */

/* Requests without an answer, in no order. */
struct waits {
	struct wait {
		uint64_t began_ns, answer_ns;
	} at[WAITS_MAX];
	unsigned int n;
};

struct world {
	struct observe o;
	struct observe_sample s;
	struct observe_verdict v; /* the last one with a change */
	uint64_t now_ns, look_ns;
	uint64_t seed;
	struct waits syns, upgrades, pings;
	enum fault fault;
	unsigned int joins; /* in a second; so are pings and ends */
	bool scan, stalled;
	bool slow;                         /* each login takes AUTH_MS more */
	unsigned int banned;               /* SYNs a second that a packet filter discards */
	unsigned int barred;               /* clients a second that the server turns away */
	__u64 places[HOKM_LATENCY_PLACES]; /* how long upgrades took */
	struct recent recent;
	unsigned int trips, doubts, answered, scanned;
};

static unsigned int chance(struct world *w, unsigned int of)
{
	w->seed = w->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(w->seed >> 33) % of;
}

/* True so many times in a second, on average. */
static bool happens(struct world *w, unsigned int per_second)
{
	return chance(w, 1000) < per_second;
}

static void ask(struct world *w, struct waits *q, uint64_t answer_ns)
{
	assert_true(q->n < WAITS_MAX);
	q->at[q->n++] = (struct wait){w->now_ns, answer_ns};
}

/* Removes the requests that are answered by now; returns how many. */
static unsigned int answers(struct world *w, struct waits *q)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < q->n;)
		if (q->at[i].answer_ns <= w->now_ns) {
			q->at[i] = q->at[--q->n];
			n++;
		} else {
			i++;
		}
	return n;
}

static uint32_t count_late(const struct world *w, const struct waits *q, enum hokm_signal signal)
{
	uint64_t from_ns, to_ns;
	uint32_t n = 0;

	if (!observe_late_range(&w->o, signal, w->now_ns, &from_ns, &to_ns))
		return 0;
	for (unsigned int i = 0; i < q->n; i++)
		n += q->at[i].began_ns >= from_ns && q->at[i].began_ns < to_ns;
	return n;
}

static void look(struct world *w)
{
	struct observe_verdict v;

	if (w->stalled || w->now_ns < observe_next_ns(&w->o, w->now_ns))
		return;
	recent_take(&w->recent, w->places, w->now_ns);
	observe_pace(&w->o, w->recent.median_ns);
	w->s.queue_full = w->fault == FULL && observe_asks_queue(&w->o, &w->s);
	w->s.late_upgrades = count_late(w, &w->upgrades, HOKM_SIGNAL_UPGRADE);
	w->s.late_pings = count_late(w, &w->pings, HOKM_SIGNAL_PING);
	observe_step(&w->o, &w->s, true, w->now_ns, &v);
	if (v.change == OBSERVE_DOUBTED) {
		w->doubts++;
		for (int i = 0; i < 2; i++) {
			const struct observe_result r = {
				.ok = w->fault != ENDS && w->fault != SAYS_503,
				.doubting = true,
				.started_ns = w->now_ns};

			observe_check(&w->o, &r, w->now_ns, &v);
		}
	}
	if (v.change == OBSERVE_SAME)
		return;
	w->v = v;
	w->trips += v.change == OBSERVE_TRIPPED;
}

/* A SYN and its answer within 1 ms: a sample may be taken between them. */
static void join(struct world *w)
{
	w->s.syn++;
	if (w->fault == DEAD)
		w->s.refused++;
	else if (w->fault != FULL)
		ask(w, &w->syns, w->now_ns + MS);
}

/* The handshake is complete: an upgrade, which the server answers after 1 to 40 ms. */
static void upgrade(struct world *w)
{
	uint64_t took_ns = (1 + chance(w, 40) + (w->slow ? AUTH_MS : 0)) * MS;

	w->s.established++;
	if (w->fault == ENDS) {
		w->s.unserved++;
		return;
	}
	if (w->fault != STOPPED)
		w->places[63 - __builtin_clzll(took_ns / 1000)]++;
	ask(w, &w->upgrades, w->fault == STOPPED ? UINT64_MAX : w->now_ns + took_ns);
}

static void upgraded(struct world *w)
{
	w->s.answered++;
	w->answered++;
	/* Some are rejected, as by any ordinary server. */
	if (w->fault == SAYS_503 || chance(w, 40) == 0)
		w->s.answer_5xx++;
}

static void ping(struct world *w)
{
	uint64_t took_ns = (1 + chance(w, 5)) * MS;

	if (w->fault == STOPPED)
		took_ns = UINT64_MAX - w->now_ns;
	else if (w->fault == SLOW_PONGS)
		took_ns += 5 * SEC;
	ask(w, &w->pings, w->now_ns + took_ns);
}

/* Most players close properly; a few vanish, are reset, closed with 1011, or cut off. */
static void leave(struct world *w)
{
	unsigned int how = chance(w, 30);

	w->s.ended++;
	w->s.reset += w->fault == RESETS || how == 0;
	w->s.close_error += w->fault == SAYS_1011 || how == 1;
	w->s.abnormal += w->fault == DROPS || how == 2;
}

/* A player on a bad link: one ping in a second, whose pong is late or never comes. */
static void bad_link(struct world *w)
{
	if (w->now_ns % SEC < MS)
		ask(w, &w->pings, w->now_ns + (w->now_ns / SEC % 3 ? 1400 : 5) * MS);
	if (w->now_ns % (20 * SEC) < MS)
		ask(w, &w->pings, w->now_ns + 15 * SEC);
}

static void tick(struct world *w)
{
	unsigned int n = answers(w, &w->syns);

	w->now_ns += MS;
	w->s.syn_ack += n;
	/* A port scanner resets its connections and never sends an upgrade. */
	while (n--)
		if (w->scan && chance(w, 100))
			w->scanned++;
		else
			upgrade(w);
	for (n = answers(w, &w->upgrades); n; n--)
		upgraded(w);
	w->s.pongs += answers(w, &w->pings);
	if (happens(w, w->joins) || (w->scan && happens(w, 900)))
		join(w);
	if (w->joins && happens(w, 40))
		ping(w);
	if (happens(w, w->joins) && w->fault != STOPPED)
		leave(w);
	if (happens(w, w->banned))
		w->s.syn++;
	if (happens(w, w->barred)) {
		w->s.established++;
		w->s.unserved++;
	}
	if (happens(w, w->barred)) {
		w->s.answered++;
		w->s.answer_5xx += w->joins > w->barred;
	}
	bad_link(w);
	look(w);
}

static void run(struct world *w, uint64_t ns)
{
	uint64_t end_ns = w->now_ns + ns;

	while (w->now_ns < end_ns)
		tick(w);
}

static void no_trip(struct world *w, uint64_t ns, const char *what)
{
	run(w, ns);
	if (w->trips)
		fail_msg("%s: tripped, reason %s, %llu of %llu", what,
			 hokm_reason_name(w->v.reason), (unsigned long long)w->v.wrong,
			 (unsigned long long)w->v.all);
}

/* The whole machine stood still, with the server: everything is late. */
static void pause_all(struct world *w, uint64_t ns)
{
	for (unsigned int i = 0; i < 10; i++)
		ping(w);
	w->now_ns += ns;
	for (unsigned int i = 0; i < w->pings.n; i++)
		w->pings.at[i].answer_ns += ns;
	look(w);
}

/* No sample for a while; the server continues. */
static void stall_daemon(struct world *w, uint64_t ns)
{
	w->stalled = true;
	run(w, ns);
	w->stalled = false;
}

static void begin(struct world *w, enum conf_profile profile)
{
	struct conf conf;

	*w = (struct world){.now_ns = RIG_T0, .seed = 42, .joins = 3};
	conf_default(&conf, profile);
	assert_true(conf.observe.on);
	observe_init(&w->o, &conf.observe, w->now_ns);
	recent_init(&w->recent, w->now_ns);
}

static void ten_minutes(enum conf_profile profile)
{
	static struct world w;

	begin(&w, profile);
	no_trip(&w, 2 * MINUTE, "few players");
	w.joins = 60;
	no_trip(&w, 2 * MINUTE, "many players");
	w.scan = true;
	no_trip(&w, MINUTE, "port scan");
	w.scan = false;
	stall_daemon(&w, 5 * SEC);
	no_trip(&w, 55 * SEC, "the daemon got no CPU");
	pause_all(&w, 20 * SEC);
	no_trip(&w, MINUTE, "the machine stood still");
	w.joins = 0;
	no_trip(&w, 3 * MINUTE, "idle players and the one on a bad link");
	/* Each kind of traffic did occur. */
	assert_true(w.answered > 10000);
	assert_true(w.scanned > 30000);
	assert_true(w.s.answer_5xx > 100 && w.s.reset > 100 && w.s.abnormal > 100 &&
		    w.s.close_error > 100);
	assert_true(w.s.pongs > 10000 && w.pings.n > 0);
	assert_true(w.s.refused == 0);
}

static void test_ten_minutes_standard(void **state)
{
	(void)state;
	ten_minutes(CONF_PROFILE_STANDARD);
}

static void test_ten_minutes_fast(void **state)
{
	(void)state;
	ten_minutes(CONF_PROFILE_FAST);
}

/* 700 ms of authentication inside the handshake, at both profiles, from the first player on. */
static void test_honest_slowness_never_trips(void **state)
{
	static const unsigned int joins[] = {3, 60, 200};
	static struct world w;

	(void)state;
	for (enum conf_profile p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++)
		for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
			begin(&w, p);
			w.slow = true;
			w.joins = joins[i];
			no_trip(&w, 2 * MINUTE, "slow from the beginning");
			w.joins = 0;
			no_trip(&w, 2 * MINUTE, "nobody comes");
			w.joins = joins[i];
			no_trip(&w, MINUTE, "they come back");
			/* It is still seen when the server stops. */
			w.fault = STOPPED;
			run(&w, 2 * SEC + 3 * SEC / w.joins + 2 * AUTH_MS * MS);
			assert_int_equal(w.trips, 1);
		}
}

/* SYNs that a packet filter discards, or that have a wrong checksum, or a forged source. */
static void test_syns_that_the_server_never_got_never_trip(void **state)
{
	static struct world w;

	(void)state;
	for (enum conf_profile p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++) {
		begin(&w, p);
		w.banned = 500;
		no_trip(&w, MINUTE, "banned clients and few players");
		w.joins = 0;
		no_trip(&w, MINUTE, "banned clients alone");
	}
}

/*
 * The server turns clients away: it ends their connections without an answer, or says 503 to less
 * than half of them. Its checks pass. With and without players, whatever anybody does.
 */
static void test_clients_that_are_turned_away_never_trip(void **state)
{
	static const unsigned int joins[] = {0, 3, 200};
	static struct world w;

	(void)state;
	for (enum conf_profile p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++)
		for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
			begin(&w, p);
			w.joins = joins[i];
			run(&w, 5 * SEC);
			w.barred = 50;
			no_trip(&w, MINUTE, "clients that are turned away");
			assert_true(w.doubts > 10);
		}
}

static void test_faults(void **state)
{
	static const struct {
		enum fault fault;
		enum hokm_signal signal;
		uint64_t within_ns[CONF_PROFILE_FAST + 1]; /* after the fault, by profile */
	} rows[] = {
		{STOPPED, HOKM_SIGNAL_UPGRADE, {700 * MS, 250 * MS}},
		{FULL, HOKM_SIGNAL_SYN, {1500 * MS, 400 * MS}},
		{DEAD, HOKM_SIGNAL_REFUSED, {1500 * MS, 400 * MS}},
		{SAYS_503, HOKM_SIGNAL_STATUS, {1500 * MS, 400 * MS}},
		{SLOW_PONGS, HOKM_SIGNAL_PING, {3000 * MS, 800 * MS}},
		{SAYS_1011, HOKM_SIGNAL_CLOSE, {1500 * MS, 400 * MS}},
		{RESETS, HOKM_SIGNAL_RESET, {1500 * MS, 400 * MS}},
		{DROPS, HOKM_SIGNAL_ABNORMAL, {1500 * MS, 400 * MS}},
		{ENDS, HOKM_SIGNAL_UNSERVED, {150 * MS, 100 * MS}},
	};
	static struct world w;

	(void)state;
	for (enum conf_profile p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			begin(&w, p);
			w.joins = 100;
			no_trip(&w, 20 * SEC, "before the fault");
			w.fault = rows[i].fault;
			run(&w, rows[i].within_ns[p]);
			if (w.trips != 1 || w.v.signal != rows[i].signal ||
			    w.v.reason != hokm_signal_reason(rows[i].signal))
				fail_msg("profile %d, row %zu: %u trips, reason %s, %llu of %llu",
					 p, i, w.trips, hokm_reason_name(w.v.reason),
					 (unsigned long long)w.v.wrong,
					 (unsigned long long)w.v.all);
			/*
			 * The server recovers: the trip ends some time later, and no other begins.
			 */
			w.fault = WELL;
			w.upgrades.n = w.pings.n = 0; /* their players have left */
			run(&w, 20 * SEC);
			assert_int_equal(w.v.change, OBSERVE_CLEARED);
			assert_int_equal(w.trips, 1);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_minutes_standard),
		cmocka_unit_test(test_ten_minutes_fast),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_honest_slowness_never_trips),
		cmocka_unit_test(test_syns_that_the_server_never_got_never_trip),
		cmocka_unit_test(test_clients_that_are_turned_away_never_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
