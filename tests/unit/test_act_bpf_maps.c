/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading, writing, walking and sweeping the maps of a loaded packet path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "act_bpf_rig.h"
#include "base/clock.h"
#include "hokm/grant_count.h"

static void small_maps(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_cfg cfg = {.vrid = 25, .pulse_nonce = 42}, got_cfg;
	struct hokm_service svc = {.tag = 7, .state = HOKM_SVC_UP}, got_svc;
	struct hokm_suspect suspect = {.until_ns = 5}, got_suspect;
	struct hokm_peer peer = {.seen_ns = 6}, got_peer;
	struct hokm_peer_macs macs = {.peer = {1, 2, 3, 4, 5}}, got_macs;
	uint32_t slot = 3, zero = 0;

	(void)state;
	assert_int_equal(hokm_bpf_set_cfg(b, &cfg), 0);
	assert_int_equal(hokm_bpf_get_cfg(b, &got_cfg), 0);
	assert_memory_equal(&got_cfg, &cfg, sizeof(cfg));
	assert_int_equal(hokm_bpf_set_service(b, slot, &svc), 0);
	assert_int_equal(hokm_bpf_get_service(b, slot, &got_svc), 0);
	assert_memory_equal(&got_svc, &svc, sizeof(svc));
	assert_int_equal(hokm_bpf_set_service(b, HOKM_MAX_SERVICES, &svc), -EINVAL);
	assert_int_equal(bpf_map_update_elem(b->map[MAP_SUSPECTS], &slot, &suspect, 0), 0);
	assert_int_equal(hokm_bpf_get_suspect(b, slot, &got_suspect), 0);
	assert_int_equal(got_suspect.until_ns, 5);
	assert_int_equal(hokm_bpf_hold_suspect(b, slot, 9), 0);
	assert_int_equal(hokm_bpf_get_suspect(b, slot, &got_suspect), 0);
	assert_int_equal(got_suspect.held_until_ns, 9);
	assert_int_equal(got_suspect.until_ns, 5);
	assert_int_equal(hokm_bpf_hold_suspect(b, HOKM_MAX_SERVICES, 9), -EINVAL);
	assert_int_equal(hokm_bpf_hold_suspect(b, slot, 0), 0);
	assert_int_equal(hokm_bpf_get_suspect(b, slot, &got_suspect), 0);
	assert_int_equal(got_suspect.until_ns | got_suspect.held_until_ns, 0);
	assert_int_equal(bpf_map_update_elem(b->map[MAP_PEERS], &slot, &peer, 0), 0);
	assert_int_equal(hokm_bpf_get_peer(b, slot, &got_peer), 0);
	assert_int_equal(got_peer.seen_ns, 6);
	assert_int_equal(hokm_bpf_note_sign(b, slot, 9), 0);
	assert_int_equal(hokm_bpf_note_sign(b, slot, 8), 0); /* the later sign stays */
	assert_int_equal(hokm_bpf_note_sign(b, HOKM_MAX_PEERS, 9), -EINVAL);
	assert_int_equal(hokm_bpf_get_peer(b, slot, &got_peer), 0);
	assert_int_equal(got_peer.alive_ns, 9);
	assert_int_equal(got_peer.seen_ns, 6);
	assert_int_equal(bpf_map_update_elem(b->map[MAP_PEER_MACS], &zero, &macs, 0), 0);
	assert_int_equal(hokm_bpf_clear_peer(b, slot), 0);
	assert_int_equal(hokm_bpf_clear_peer(b, HOKM_MAX_PEERS), -EINVAL);
	assert_int_equal(hokm_bpf_get_peer(b, slot, &got_peer), 0);
	assert_int_equal(got_peer.seen_ns, 0);
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_PEER_MACS], &zero, &got_macs), 0);
	macs.peer[slot] = 0;
	assert_memory_equal(&got_macs, &macs, sizeof(macs));
	assert_true(hokm_bpf_events_fd(b) >= 0);
	hokm_bpf_close(b);
}

/*
 * A member whose map is new does not know what it has promised: it is silent for the longest that
 * it may have promised. One whose map was adopted knows it.
 */
static void only_a_new_map_of_grants_is_silent(void **state)
{
	const struct hokm_bpf_opts opts = {.longest_grant_ns = 5000000000};
	uint64_t before = clock_now_ns(), silence = hokm_grant_silence_ns(5000000000), silent;
	struct hokm_bpf *b;
	bool adopted;

	(void)state;
	assert_int_equal(hokm_bpf_open(&rig.conf, &opts, &b, &adopted), 0);
	assert_false(adopted);
	silent = hokm_bpf_grants(b)->own.silent_until_ns;
	assert_in_range(silent, before + silence, clock_now_ns() + silence);
	assert_int_equal(hokm_bpf_grants(b)->own.longest_ns, 5000000000);
	hokm_bpf_grants(b)->own.word = hokm_grant_word(HOKM_GRANT_PEER(3), 7000);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_open(&rig.conf, &opts, &b, &adopted), 0);
	assert_true(adopted);
	assert_int_equal(hokm_bpf_grants(b)->own.silent_until_ns, silent);
	assert_int_equal(hokm_bpf_grants(b)->own.word, hokm_grant_word(HOKM_GRANT_PEER(3), 7000));
	/* A peer that loses its slot leaves its promise to nobody. */
	hokm_bpf_grants(b)->member[3].wished.epoch = 4;
	assert_int_equal(hokm_bpf_clear_peer(b, 3), 0);
	assert_int_equal(hokm_bpf_grants(b)->own.word, hokm_grant_word(HOKM_GRANT_NOBODY, 7000));
	assert_int_equal(hokm_bpf_grants(b)->member[3].wished.epoch, 0);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
}

static void counters_are_summed(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_counters *values = calloc(b->n_cpus, sizeof(*values)), sum;
	uint32_t slot = 2;

	(void)state;
	assert_non_null(values);
	for (unsigned int cpu = 0; cpu < b->n_cpus; cpu++) {
		values[cpu].packets_in = cpu + 1;
		values[cpu].drop_steer_fault = 10;
	}
	assert_int_equal(bpf_map_update_elem(b->map[MAP_COUNTERS], &slot, values, 0), 0);
	assert_int_equal(hokm_bpf_get_counters(b, slot, &sum), 0);
	assert_int_equal(sum.packets_in, b->n_cpus * (b->n_cpus + 1) / 2);
	assert_int_equal(sum.drop_steer_fault, 10 * b->n_cpus);
	assert_int_equal(hokm_bpf_get_counters(b, HOKM_NODE_SLOT, &sum), 0);
	assert_int_equal(hokm_bpf_get_counters(b, HOKM_COUNTER_SLOTS, &sum), -EINVAL);
	free(values);
	hokm_bpf_close(b);
}

#define CONNS 5000

static void fill(const struct hokm_bpf *b, enum bpf_map_id id)
{
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED};
	struct hokm_conn_key k = {.service = 1};

	for (uint32_t i = 0; i < CONNS; i++) {
		k.client.w[3] = htonl(i);
		c.created_ns = i;
		assert_int_equal(bpf_map_update_elem(b->map[id], &k, &c, BPF_NOEXIST), 0);
	}
}

/* Counts how often each entry was visited. */
struct tally {
	uint8_t seen[CONNS];
	unsigned int n;
	unsigned int stop_at;
	bool delete_odd;
};

static int count(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct tally *t = arg;
	uint32_t i = ntohl(k->client.w[3]);

	assert_true(i < CONNS);
	assert_int_equal(c->created_ns, i);
	t->seen[i]++;
	if (++t->n == t->stop_at)
		return 42;
	return t->delete_odd && i % 2;
}

static void walks(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct tally *t = calloc(1, sizeof(*t));

	(void)state;
	assert_non_null(t);
	assert_int_equal(hokm_bpf_walk_conns(b, false, count, t), 0);
	assert_int_equal(t->n, 0);
	fill(b, MAP_CONNS);
	assert_int_equal(hokm_bpf_walk_conns(b, false, count, t), 0);
	for (int i = 0; i < CONNS; i++)
		assert_int_equal(t->seen[i], 1);
	assert_int_equal(hokm_bpf_walk_conns(b, true, count, t), 0);
	assert_int_equal(t->n, CONNS);
	*t = (struct tally){.stop_at = 300};
	assert_int_equal(hokm_bpf_walk_conns(b, false, count, t), 42);
	assert_int_equal(t->n, 300);
	free(t);
	hokm_bpf_close(b);
}

static void walks_half_open(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct tally *t = calloc(1, sizeof(*t));
	uint32_t sets = hokm_bpf_half_open_sets(b);

	(void)state;
	assert_non_null(t);
	assert_true(sets && !(sets & (sets - 1)));
	for (uint32_t i = 1; i <= 100; i++) {
		struct hokm_half_open_set set = {0};
		struct hokm_half_open *h = &set.way[i % HOKM_HALF_OPEN_WAYS];
		uint32_t at = sets - i;

		h->key.client.w[3] = htonl(i);
		h->created_ns = i;
		assert_int_equal(bpf_map_update_elem(b->map[MAP_HALF_OPEN], &at, &set, 0), 0);
	}
	assert_int_equal(hokm_bpf_walk_conns(b, true, count, t), 0);
	assert_int_equal(t->n, 100);
	t->stop_at = 110;
	assert_int_equal(hokm_bpf_walk_conns(b, true, count, t), 42);
	free(t);
	hokm_bpf_close(b);
}

/* Makes a complete sweep in slices of `max`. Returns how many entries were visited. */
static unsigned int sweep(struct hokm_bpf *b, unsigned int max, struct tally *t)
{
	struct hokm_conn_cursor cursor = {0};
	unsigned int seen = 0;
	bool done = false;

	for (int slices = 0; !done; slices++) {
		int n = hokm_bpf_sweep_conns(b, &cursor, max, count, t, &done);

		assert_true(n >= 0);
		assert_true(n <= 2 * (int)max + 16); /* whole buckets may have a few more */
		assert_true(slices <= CONNS);
		seen += (unsigned int)n;
	}
	return seen;
}

static void sweeps(void **state)
{
	static const unsigned int slices[] = {1, 7, 100, 1000, 100000};
	struct hokm_bpf *b = rig_open(false);
	struct tally *t = calloc(1, sizeof(*t));

	(void)state;
	assert_non_null(t);
	fill(b, MAP_CONNS);
	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		struct hokm_conn_cursor cursor = {0};
		bool done = false;

		memset(t, 0, sizeof(*t));
		while (!done)
			assert_true(hokm_bpf_sweep_conns(b, &cursor, slices[i], count, t, &done) >=
				    0);
		for (int c = 0; c < CONNS; c++)
			assert_int_equal(t->seen[c], 1);
	}
	*t = (struct tally){.delete_odd = true};
	assert_int_equal(sweep(b, 100, t), CONNS);
	memset(t, 0, sizeof(*t));
	assert_int_equal(sweep(b, 100, t), CONNS / 2);
	for (int i = 0; i < CONNS; i++)
		assert_int_equal(t->seen[i], 1 - i % 2);
	free(t);
	hokm_bpf_close(b);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(small_maps),          RIG_TEST(only_a_new_map_of_grants_is_silent),
		RIG_TEST(counters_are_summed), RIG_TEST(walks),
		RIG_TEST(walks_half_open),     RIG_TEST(sweeps),
	};

	return cmocka_run_group_tests_name("act_bpf_maps", tests, NULL, NULL);
}

int main(void)
{
	return rig_main(run_all);
}
