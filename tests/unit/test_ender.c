/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ender, with a kernel of its own that answers when the test lets it: a socket whose lock
 * a process holds keeps neither the giver of a batch nor the end of the daemon waiting.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "act/ender.h"
#include "act/session_reset.h"

/* ---- the kernel ---- */

static struct {
	atomic_bool slow; /* the next batch waits for `answer` */
	sem_t asked, answer;
	atomic_uint batches, conns, rsts;
	uint32_t last_seq;
	bool in_order;
	bool refuses;      /* what it is asked for */
	uint8_t elsewhere; /* sockets of this service are not here */
} kernel;

static int end(const struct tickle_conn *conns, unsigned int n)
{
	if (atomic_exchange(&kernel.slow, false)) {
		sem_post(&kernel.asked);
		sem_wait(&kernel.answer);
	}
	kernel.in_order &= conns[0].seq == ++kernel.last_seq;
	atomic_fetch_add(&kernel.batches, 1);
	atomic_fetch_add(&kernel.conns, n);
	return (int)n - 1;
}

int session_reset_open(struct session_reset *r)
{
	memset(r, 0, sizeof(*r));
	return 0;
}

void session_reset_close(struct session_reset *r)
{
	(void)r;
}

int session_reset_sockets(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	int ended = end(conns, n);

	for (unsigned int i = 0; i < n; i++)
		r->elsewhere[i] = conns[i].service == kernel.elsewhere;
	return kernel.refuses ? -ENOMEM : ended;
}

void session_reset_tell(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	(void)r;
	(void)conns;
	atomic_fetch_add(&kernel.rsts, n);
}

/* ---- the world of each test ---- */

static struct ender *ender;
static uint32_t next_seq;

static int open_ender(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.in_order = true;
	sem_init(&kernel.asked, 0, 0);
	sem_init(&kernel.answer, 0, 0);
	next_seq = 0;
	return ender_open(&ender);
}

static int close_ender(void **state)
{
	(void)state;
	ender_close(ender);
	return 0;
}

static uint64_t give(unsigned int n, bool rst)
{
	struct tickle_conn conns[TICKLE_MAX] = {{.seq = ++next_seq}};

	return ender_give(ender, conns, n, rst);
}

/* Gives a batch that the kernel does not answer. */
static uint64_t give_stuck(void)
{
	uint64_t batch;

	atomic_store(&kernel.slow, true);
	batch = give(10, true);
	sem_wait(&kernel.asked);
	return batch;
}

static void wait_for(uint64_t batch)
{
	/* The runner of the tests ends one that is never done. */
	while (!ender_done(ender, batch))
		usleep(1000);
}

/* ---- tests ---- */

static void before_its_thread_runs_a_batch_is_done_at_once(void **state)
{
	(void)state;
	assert_true(ender_done(ender, 0));
	assert_true(ender_done(ender, give(3, false)));
	assert_int_equal(atomic_load(&kernel.conns), 3);
	assert_int_equal(atomic_load(&kernel.rsts), 0);
	assert_int_equal(ender_elsewhere(ender, 0), 0); /* its giver does not ask */
}

static void nobody_waits_for_a_socket_whose_lock_is_held(void **state)
{
	uint64_t stuck, last = 0;
	unsigned int given = 1;

	(void)state;
	assert_int_equal(ender_start(ender), 0);
	stuck = give_stuck();
	for (; ender_has_room(ender); given++)
		last = give(2, false);
	assert_in_range(given, 4, 64);
	assert_false(ender_done(ender, stuck));
	assert_int_equal(atomic_load(&kernel.batches), 0);
	sem_post(&kernel.answer);
	wait_for(last);
	assert_true(ender_done(ender, stuck));
	assert_true(ender_has_room(ender));
	assert_int_equal(atomic_load(&kernel.batches), given);
	assert_true(kernel.in_order);
	assert_int_equal(ender_elsewhere(ender, 0), 10);
}

/* Also those for whose sockets there is no room any more. */
static void no_client_waits_for_a_socket_whose_lock_is_held(void **state)
{
	unsigned int given = 1, sockets;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(ender_start(ender), 0);
	(void)give_stuck();
	assert_int_equal(atomic_load(&kernel.rsts), 10);
	for (; ender_has_room(ender); given++)
		last = give(2, true);
	sockets = 10 + 2 * (given - 1);
	assert_int_equal(give(TICKLE_MAX, true), last);
	assert_int_equal(atomic_load(&kernel.rsts), sockets + TICKLE_MAX);
	assert_int_equal(atomic_load(&kernel.conns), 0);
	assert_int_equal(ender_left(ender), TICKLE_MAX);
	sem_post(&kernel.answer);
	wait_for(last);
	assert_int_equal(atomic_load(&kernel.conns), sockets);
}

/* By service, so that the socket of one says nothing about the server of another. */
static void sockets_elsewhere_are_counted_by_service(void **state)
{
	struct tickle_conn conns[5] = {
		{.seq = 1, .service = 1},       {.service = 1}, {.service = 2}, {.service = 1},
		{.service = HOKM_MAX_SERVICES},
	};

	(void)state;
	kernel.elsewhere = 1;
	(void)ender_give(ender, conns, 5, true);
	assert_int_equal(ender_elsewhere(ender, 1), 3);
	assert_int_equal(ender_elsewhere(ender, 2), 0);
	/* Not those of a peer's notice, and not those that the kernel refused to look for. */
	(void)ender_give(ender, conns, 5, false);
	assert_int_equal(ender_elsewhere(ender, 1), 3);
	kernel.refuses = true;
	(void)ender_give(ender, conns, 5, true);
	assert_int_equal(ender_elsewhere(ender, 1), 3);
}

static void a_kernel_that_does_not_answer_for_a_second_is_noticed(void **state)
{
	const uint64_t s = 1000000000;
	uint64_t now_ns = 100 * s, batch;

	(void)state;
	assert_int_equal(ender_start(ender), 0);
	assert_false(ender_stuck(ender, now_ns));
	now_ns += 100 * s;
	batch = give_stuck();
	assert_false(ender_stuck(ender, now_ns));
	assert_false(ender_stuck(ender, now_ns + s - 1));
	assert_true(ender_stuck(ender, now_ns + s));
	sem_post(&kernel.answer);
	wait_for(batch);
	assert_false(ender_stuck(ender, now_ns + 2 * s));
}

static void each_batch_is_done_once_and_in_order(void **state)
{
	uint64_t last = 0;

	(void)state;
	assert_int_equal(ender_start(ender), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		while (!ender_has_room(ender))
			usleep(100);
		last = give(TICKLE_MAX, i % 2);
	}
	wait_for(last);
	assert_int_equal(atomic_load(&kernel.batches), 1000);
	assert_int_equal(atomic_load(&kernel.conns), 1000 * TICKLE_MAX);
	assert_int_equal(atomic_load(&kernel.rsts), 500 * TICKLE_MAX);
	assert_true(kernel.in_order);
}

static void closing_waits_for_batches_that_the_kernel_answers(void **state)
{
	assert_int_equal(open_ender(state), 0);
	assert_int_equal(ender_start(ender), 0);
	for (unsigned int i = 0; i < 3; i++)
		(void)give(1, true);
	ender_close(ender);
	assert_int_equal(atomic_load(&kernel.batches), 3);
}

/* Last: its thread stays with the kernel until the process ends. */
static void closing_does_not_wait_for_ever(void **state)
{
	assert_int_equal(open_ender(state), 0);
	assert_int_equal(ender_start(ender), 0);
	(void)give_stuck();
	ender_close(ender);
	assert_int_equal(atomic_load(&kernel.batches), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_ender, close_ender)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(before_its_thread_runs_a_batch_is_done_at_once),
		TEST(nobody_waits_for_a_socket_whose_lock_is_held),
		TEST(no_client_waits_for_a_socket_whose_lock_is_held),
		TEST(sockets_elsewhere_are_counted_by_service),
		TEST(a_kernel_that_does_not_answer_for_a_second_is_noticed),
		TEST(each_batch_is_done_once_and_in_order),
		cmocka_unit_test(closing_waits_for_batches_that_the_kernel_answers),
		cmocka_unit_test(closing_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
