/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two programs change one entry at the same moment, on two CPUs: no change is lost, and the
 * connection ends once. One thread runs ingress, the other egress, many times; the environment
 * variable HOKM_RACES sets how often. Needs two CPUs.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hokm/ws.h"
#include "skel.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define RACES 10000ul

/* The other thread: runs `out` through a program, mostly egress, once in each round. */
struct duel {
	int egress;
	int cpu;
	const struct frame *out;
	atomic_ulong round, done;
	unsigned long rounds;
};

static unsigned long races(void)
{
	const char *text = getenv("HOKM_RACES");
	unsigned long n = text ? strtoul(text, NULL, 10) : RACES;

	if (!n)
		fail_msg("HOKM_RACES=%s: give a number", text);
	return n;
}

static void run(int prog, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len, .repeat = 1);

	if (bpf_prog_test_run_opts(prog, &o))
		abort();
}

/* A spinning wait: the two runs must begin within nanoseconds. */
static void await(atomic_ulong *at, unsigned long value)
{
	for (unsigned int i = 0; atomic_load(at) < value; i++)
		if (i % 1024 == 1023)
			sched_yield();
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		abort();
}

static void *egress_thread(void *arg)
{
	struct duel *d = arg;

	stay_on(d->cpu);
	for (unsigned long r = 1; r <= d->rounds; r++) {
		await(&d->round, r);
		run(d->egress, d->out);
		atomic_store(&d->done, r);
	}
	return NULL;
}

/* What is put into conns before each round, and what must be true after it. */
struct contest {
	struct hokm_conn before;
	struct frame in, out;
	void (*check)(struct fix *x, const struct hokm_conn *after);
};

static void hold(struct fix *x, const struct contest *c)
{
	int cpu = sched_getcpu(), ingress = x->ingress;
	struct duel d = {.egress = x->egress, .out = &c->out, .rounds = races()};
	struct hokm_conn after;
	pthread_t thread;

	d.cpu = cpu ? 0 : 1;
	x->cfg.repl_port = htons(REPL_PORT);
	fix_cfg(x);
	assert_int_equal(pthread_create(&thread, NULL, egress_thread, &d), 0);
	for (unsigned long r = 1; r <= d.rounds; r++) {
		fix_conn_put(x, &c->before);
		atomic_store(&d.round, r);
		run(ingress, &c->in);
		await(&d.done, r);
		assert_true(fix_conn(x, &after));
		c->check(x, &after);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static bool alone(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) < 2;
}

static void expect_over(struct fix *x, const struct hokm_conn *c, uint8_t state)
{
	struct hokm_change change;

	assert_int_equal(c->tcp_state, state);
	assert_true(c->flags & HOKM_CONN_ENDED);
	assert_true(c->ended_ns && c->close_side);
	assert_int_equal(fix_changes(x, &change, 1), 1);
	assert_int_equal(change.kind, HOKM_CHANGE_CLOSE);
}

static void check_fins(struct fix *x, const struct hokm_conn *after)
{
	expect_over(x, after, HOKM_TCP_CLOSED);
}

/* With one FIN lost the connection would never be over. */
static void no_fin_is_lost(void **state)
{
	static struct contest c = {.check = check_fins};
	struct fix *x = *state;

	if (alone())
		skip();
	c.before = conn_known(HOKM_LOCAL);
	frame_tcp(&c.in, SEG(.flags = FIN | ACK, .seq = 1001, .ack = 5001));
	frame_tcp(&c.out, SEG(.flags = FIN | ACK, .seq = 5001, .ack = 1001, .reply = true));
	hold(x, &c);
	assert_int_equal(COUNT(x, fin_client) + COUNT(x, fin_server), races());
}

static void check_flags(struct fix *x, const struct hokm_conn *after)
{
	expect_over(x, after, HOKM_TCP_RESET);
	assert_int_equal(after->flags, HOKM_CONN_OPENED | HOKM_CONN_ENDED | HOKM_CONN_STEERED_IN);
}

static void no_flag_is_lost(void **state)
{
	static struct contest c = {.check = check_flags};
	struct fix *x = *state;

	if (alone())
		skip();
	c.before = conn_known(HOKM_LOCAL);
	frame_tcp(&c.in, SEG(.eth.from = PEER0_MAC, .flags = ACK, .seq = 1001, .ack = 5001));
	frame_tcp(&c.out, SEG(.flags = RST | ACK, .seq = 5001, .ack = 1001, .reply = true));
	hold(x, &c);
}

static void check_resets(struct fix *x, const struct hokm_conn *after)
{
	expect_over(x, after, HOKM_TCP_RESET);
}

static void two_resets_end_a_connection_once(void **state)
{
	static struct contest c = {.check = check_resets};
	struct fix *x = *state;

	if (alone())
		skip();
	c.before = conn_known(HOKM_LOCAL);
	frame_tcp(&c.in, SEG(.flags = RST, .seq = 1001));
	frame_tcp(&c.out, SEG(.flags = RST | ACK, .seq = 5001, .ack = 1001, .reply = true));
	hold(x, &c);
}

static void check_close_frames(struct fix *x, const struct hokm_conn *after)
{
	(void)x;
	assert_true(after->close_code == 1000 || after->close_code == 1001);
	assert_int_equal(after->rsv16, 0);
	assert_true(after->close_side == HOKM_SIDE_CLIENT || after->close_side == HOKM_SIDE_SERVER);
	assert_int_equal(after->ws, HOKM_WS_CLOSING);
	assert_int_equal(after->tcp_state, HOKM_TCP_ESTABLISHED);
}

/* The first close frame gives the code; the other one changes nothing. */
static void close_frames_of_both_sides_give_one_code(void **state)
{
	static const uint8_t in[] = {0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8};
	static const uint8_t out[] = {0x88, 0x02, 0x03, 0xe9};
	static struct contest c = {.check = check_close_frames};
	struct fix *x = *state;

	if (alone())
		skip();
	c.before = conn_known(HOKM_LOCAL);
	c.before.ws = HOKM_WS_OPEN;
	c.before.c2s.ws = (struct hokm_ws){.next = 1001, .state = HOKM_FOLLOW_FRAMES};
	c.before.s2c.ws = (struct hokm_ws){.next = 5001, .state = HOKM_FOLLOW_FRAMES};
	frame_tcp(&c.in, SEG(.flags = ACK | PSH, .seq = 1001, .ack = 5001, .data = in,
			     .payload = sizeof(in)));
	frame_tcp(&c.out, SEG(.flags = ACK | PSH, .seq = 5001, .ack = 1001, .data = out,
			      .payload = sizeof(out), .reply = true));
	hold(x, &c);
	assert_true(COUNT(x, close_client) + COUNT(x, close_server) <= races());
}

#define ISN         1000
#define SERVER_NEXT 5001

/* Both places are taken, and the next SYN gets that of the player, whose ACK is on its way. */
static void put_player(struct fix *x)
{
	struct hokm_half_open_set set = {
		.way[0] = {.key = fix_key(),
			   .isn = ISN,
			   .created_ns = 10,
			   .syn_ack_ns = 11,
			   .server_next = SERVER_NEXT,
			   .tcp_state = HOKM_TCP_SYN_ACK,
			   .target = HOKM_LOCAL},
		.way[1] = {.key = {.client_port = 1}, .isn = 7, .created_ns = 20},
	};
	const struct hokm_conn_key k = fix_key();
	const uint32_t zero = 0;

	(void)bpf_map_delete_elem(bpf_map__fd(x->skel->maps.conns), &k);
	assert_int_equal(bpf_map_update_elem(fix_map_fd(x, "half_open"), &zero, &set, BPF_ANY), 0);
}

/* The SYN that took the place has it still. */
static bool newcomer_is_there(struct fix *x)
{
	struct hokm_half_open_set set;
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fix_map_fd(x, "half_open"), &zero, &set), 0);
	for (int i = 0; i < HOKM_HALF_OPEN_WAYS; i++)
		if (set.way[i].created_ns && set.way[i].key.client_port == htons(2))
			return true;
	return false;
}

/*
 * A SYN takes the place of a handshake in the moment in which its ACK completes it, on another CPU:
 * the connection gets nothing of the other one, and does not free its place.
 */
static void no_handshake_gets_the_numbers_of_another(void **state)
{
	int cpu = sched_getcpu();
	struct fix *x = *state;
	struct frame ack, syn;
	struct duel d = {.egress = x->ingress, .out = &syn, .rounds = 4 * races()};
	unsigned long completed = 0;
	struct hokm_conn c;
	pthread_t thread;

	if (alone())
		skip();
	d.cpu = cpu ? 0 : 1;
	frame_tcp(&ack, SEG(.flags = ACK, .seq = ISN + 1, .ack = SERVER_NEXT));
	frame_tcp(&syn, SEG(.flags = SYN, .seq = 0x40000000, .sport = 2));
	assert_int_equal(pthread_create(&thread, NULL, egress_thread, &d), 0);
	for (unsigned long r = 1; r <= d.rounds; r++) {
		put_player(x);
		atomic_store(&d.round, r);
		run(x->ingress, &ack);
		await(&d.done, r);
		assert_true(newcomer_is_there(x));
		if (!fix_conn(x, &c))
			continue;
		completed++;
		assert_int_equal(c.isn, ISN);
		assert_int_equal(c.created_ns, 10);
		assert_int_equal(c.c2s.seq_next, ISN + 1);
		assert_int_equal(c.c2s.ack, SERVER_NEXT);
		assert_true(c.vouched == VOUCHED(ISN + 1, SERVER_NEXT));
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	print_message("%lu of %lu handshakes were complete first\n", completed, d.rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(no_fin_is_lost),
		HOKM_TEST(no_flag_is_lost),
		HOKM_TEST(two_resets_end_a_connection_once),
		HOKM_TEST(close_frames_of_both_sides_give_one_code),
		HOKM_TEST(no_handshake_gets_the_numbers_of_another),
	};

	return cmocka_run_group_tests_name("race", tests, fix_open, fix_close);
}
