/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of peers in a real map: which holder counts, what a new list removes, and what happens
 * when the map is full.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "act/replica.h"
#include "act_bpf_rig.h"

#define NOW (100 * NS_PER_S)

static struct hokm_conn_key key_of(unsigned int i)
{
	struct hokm_conn_key k = {.client.w = {0, 0, htonl(0xffff), htonl(0x0a000000 + i)},
				  .client_port = htons(4000),
				  .service = 2};

	return k;
}

static struct repl_record have(unsigned int i, uint32_t isn, uint32_t age_ms)
{
	struct hokm_conn_key k = key_of(i);

	return (struct repl_record){
		.client = k.client,
		.client_port = k.client_port,
		.what = REPL_HAVE,
		.tag = 1,
		.isn = isn,
		.seq_next = 2 * isn,
		.ack_next = 3 * isn,
		.age_ms = age_ms};
}

static void tell(struct replica *r, uint8_t holder, struct repl_record rec, uint8_t what)
{
	rec.what = what;
	assert_int_equal(replica_apply(r, holder, &rec, 2, NOW), 0);
}

static void mark(struct replica *r, uint8_t holder, uint8_t what)
{
	const struct repl_record rec = {.what = what};

	assert_int_equal(replica_apply(r, holder, &rec, HOKM_NODE_SLOT, NOW), 0);
}

static bool there(struct hokm_bpf *b, unsigned int i, struct hokm_replica *out)
{
	struct hokm_conn_key k = key_of(i);

	return !hokm_bpf_get_replica(b, &k, out);
}

/* Sends a list of holder 0 with connections from..to-1; with `end` the list is complete. */
static void list(struct replica *r, unsigned int from, unsigned int to, bool end)
{
	mark(r, 0, REPL_BEGIN);
	for (unsigned int i = from; i < to; i++)
		tell(r, 0, have(i, 7, 0), REPL_HAVE);
	if (end)
		mark(r, 0, REPL_END);
}

static void settle(struct replica *r)
{
	for (int i = 0; i < 100; i++)
		replica_slice(r);
}

static void told_and_taken_away(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_replica e;
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	tell(r, 3, have(1, 7, 1500), REPL_HAVE);
	assert_true(there(b, 1, &e));
	assert_int_equal(e.holder, 3);
	assert_true(e.since_ns == NOW - 1500 * NS_PER_MS && e.told_ns == NOW && !e.answered_ns);
	assert_true(e.isn == 7 && e.seq_next == 14 && e.ack_next == 21);
	assert_int_equal(replica_count(r, 3), 1);
	tell(r, 3, have(1, 7, 2500), REPL_HAVE); /* renewed: still the same */
	assert_true(there(b, 1, &e));
	assert_true(e.since_ns == NOW - 1500 * NS_PER_MS);
	assert_int_equal(replica_count(r, 3), 1);
	/* Neither another holder nor another connection of the same addresses removes it. */
	tell(r, 4, have(1, 7, 0), REPL_GONE);
	tell(r, 3, have(1, 8, 0), REPL_GONE);
	tell(r, 3, have(2, 7, 0), REPL_GONE);
	assert_true(there(b, 1, &e));
	tell(r, 3, have(1, 7, 0), REPL_GONE);
	assert_false(there(b, 1, &e));
	assert_int_equal(replica_count(r, 3), 0);
	/* A service that this node does not have. */
	assert_int_equal(
		replica_apply(r, 3, &(struct repl_record){.what = REPL_HAVE}, HOKM_NODE_SLOT, NOW),
		0);
	assert_int_equal(
		replica_apply(r, HOKM_MAX_PEERS, &(struct repl_record){.what = REPL_HAVE}, 2, NOW),
		-EINVAL);
	replica_close(r);
	hokm_bpf_close(b);
}

/*
 * A holder that was taken for dead replicates its connections again. What is noted of their clients
 * stays, so that the holder is informed; another connection of the same addresses begins without.
 */
static void a_renewal_keeps_what_is_noted_of_the_client(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_conn_key k = key_of(1);
	struct hokm_replica e;
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	tell(r, 3, have(1, 7, 1500), REPL_HAVE);
	assert_true(there(b, 1, &e));
	e.answered_ns = NOW - NS_PER_S;
	e.gone = 1;
	assert_int_equal(hokm_bpf_set_replica(b, &k, &e), 0);
	tell(r, 3, have(1, 7, 2500), REPL_HAVE);
	assert_true(there(b, 1, &e));
	assert_true(e.answered_ns == NOW - NS_PER_S && e.gone);
	tell(r, 3, have(1, 8, 10), REPL_HAVE);
	assert_true(there(b, 1, &e));
	assert_true(!e.answered_ns && !e.gone);
	replica_close(r);
	hokm_bpf_close(b);
}

static void the_later_connection_counts(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_replica e;
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	tell(r, 0, have(1, 7, 5000), REPL_HAVE);
	tell(r, 1, have(1, 9, 100), REPL_HAVE);
	assert_true(there(b, 1, &e));
	assert_int_equal(e.holder, 1);
	assert_int_equal(replica_count(r, 0), 0);
	assert_int_equal(replica_count(r, 1), 1);
	/* The former connection, replicated again by a list. */
	tell(r, 0, have(1, 7, 6000), REPL_HAVE);
	assert_true(there(b, 1, &e));
	assert_int_equal(e.holder, 1);
	replica_close(r);
	hokm_bpf_close(b);
}

static void a_list_takes_away_what_it_does_not_name(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_replica e;
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	for (uint8_t holder = 0; holder < 2; holder++)
		for (unsigned int i = 0; i < 500; i++)
			tell(r, holder, have(holder * 1000 + i, 7, 0), REPL_HAVE);
	/* A daemon that adopts the pinned map counts the entries. */
	replica_close(r);
	assert_int_equal(replica_open(b, &r), 0);
	assert_int_equal(replica_count(r, 0), 500);
	mark(r, 0, REPL_BEGIN);
	for (unsigned int i = 0; i < 500; i += 5)
		tell(r, 0, have(i, 7, 0), REPL_HAVE);
	settle(r);
	assert_int_equal(replica_count(r, 0), 500); /* not before the list is complete */
	mark(r, 0, REPL_END);
	settle(r);
	assert_int_equal(replica_count(r, 0), 100);
	assert_int_equal(replica_count(r, 1), 500);
	assert_true(there(b, 5, &e));
	assert_false(there(b, 6, &e));
	replica_forget(r, 1);
	settle(r);
	assert_int_equal(replica_count(r, 1), 0);
	assert_false(there(b, 1001, &e));
	assert_true(there(b, 5, &e));
	replica_close(r);
	hokm_bpf_close(b);
}

/*
 * Connections of an incomplete list that ended during the restart are not in the new list, and are
 * removed.
 */
static void restart_in_the_middle_of_a_list(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_replica e;
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	list(r, 0, 100, true);
	settle(r);
	list(r, 0, 50, false);
	replica_close(r);
	assert_int_equal(replica_open(b, &r), 0);
	list(r, 50, 100, true);
	settle(r);
	assert_int_equal(replica_count(r, 0), 50);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(there(b, i, &e), i >= 50);
	replica_close(r);
	hokm_bpf_close(b);
}

/* Entries that the walk after a list has passed already are removed too. */
static void forgotten_in_the_middle_of_a_walk(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct replica *r;

	(void)state;
	assert_int_equal(replica_open(b, &r), 0);
	list(r, 0, 3000, true);
	replica_slice(r);
	replica_forget(r, 0);
	settle(r);
	assert_int_equal(replica_count(r, 0), 0);
	replica_close(r);
	/* No entry is left that is not counted. */
	assert_int_equal(replica_open(b, &r), 0);
	assert_int_equal(replica_count(r, 0), 0);
	replica_close(r);
	hokm_bpf_close(b);
}

static void a_full_map_is_counted(void **state)
{
	struct replica *r;
	struct hokm_bpf *b;

	(void)state;
	rig.conf.max_connections = 1024;
	b = rig_open(false);
	assert_int_equal(replica_open(b, &r), 0);
	for (unsigned int i = 0; i < 4096; i++)
		tell(r, 0, have(i, 7, 0), REPL_HAVE);
	assert_true(replica_full(r) > 0);
	assert_int_equal(replica_count(r, 0) + replica_full(r), 4096);
	replica_close(r);
	hokm_bpf_close(b);
}

static int tests(void)
{
	const struct CMUnitTest list[] = {
		RIG_TEST(told_and_taken_away),
		RIG_TEST(a_renewal_keeps_what_is_noted_of_the_client),
		RIG_TEST(the_later_connection_counts),
		RIG_TEST(a_list_takes_away_what_it_does_not_name),
		RIG_TEST(restart_in_the_middle_of_a_list),
		RIG_TEST(forgotten_in_the_middle_of_a_walk),
		RIG_TEST(a_full_map_is_counted),
	};

	return cmocka_run_group_tests_name("replica", list, NULL, NULL);
}

int main(void)
{
	return rig_main(tests);
}
