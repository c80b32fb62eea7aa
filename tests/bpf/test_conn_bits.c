/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The filter in front of conns: the bit of a live connection is never missing, while programs store
 * connections on all CPUs and the daemon makes the bits anew, and also after a daemon was killed in
 * the middle of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "hokm/conn_hash.h"
#include "path/bpf_internal.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define STORERS 2
#define STORED  5000u
/* Every so many connections the storer looks at all that it stored last. */
#define LOOK_BACK 64u
#define FEW       500u

/* What the daemon has of the maps of the fixture. */
static struct hokm_bpf daemon_handle(struct fix *x)
{
	struct hokm_bpf b = {.conn_bits = fix_bits(x)};

	b.map[MAP_CFG] = fix_map_fd(x, "cfg");
	b.map[MAP_CONNS] = fix_map_fd(x, "conns");
	assert_int_equal(bpf_maps_init(&b), 0);
	return b;
}

static void release(struct hokm_bpf *b)
{
	free(b->percpu);
	free(b->batch_keys);
	free(b->batch_conns);
}

static int put_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	(void)c;
	hokm_bpf_bits_put(arg, k);
	return 0;
}

/* One whole rebuild. False: a program stored an entry just then. */
static bool make_anew(struct hokm_bpf *b)
{
	int err = hokm_bpf_bits_begin(b);

	if (err == -EAGAIN)
		return false;
	assert_int_equal(err, 0);
	assert_int_equal(hokm_bpf_walk_conns(b, false, put_one, b), 0);
	hokm_bpf_bits_end(b);
	return true;
}

static uint32_t client_of(unsigned int storer, unsigned int i)
{
	return IPV4(10, storer, i >> 8 & 0xff, i & 0xff);
}

static struct hokm_conn_key key_of(uint32_t client)
{
	struct hokm_conn_key k = fix_key();

	k.client.w[3] = htonl(client);
	return k;
}

/* Does the program look this connection up? It asks by the same code. */
static bool is_seen(struct hokm_conn_bits *b, uint64_t seed, uint32_t client)
{
	const struct hokm_conn_key k = key_of(client);

	return hokm_conn_may_be(b, hokm_conn_hash(seed, &k));
}

/* A client connects, and this node steers it: a SYN, and the ACK that makes the entry. */
static bool connect_one(int prog, struct frame *f, uint32_t client)
{
	const struct tcp_spec steps[] = {
		{.ip.src = client, .flags = SYN, .seq = 1000},
		{.ip.src = client, .flags = ACK, .seq = 1001, .ack = 5001},
	};

	for (int i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .repeat = 1);

		frame_tcp(f, &steps[i]);
		o.data_in = f->b;
		o.data_size_in = f->len;
		if (bpf_prog_test_run_opts(prog, &o) || o.retval != XDP_TX)
			return false;
	}
	return true;
}

struct storer {
	struct hokm_conn_bits *bits;
	uint64_t seed;
	int prog;
	unsigned int number;
	unsigned int failed, missing;
	atomic_bool done;
};

static void *store(void *arg)
{
	struct frame *f = malloc(sizeof(*f));
	struct storer *s = arg;

	for (unsigned int i = 0; f && i < STORED; i++) {
		unsigned int back = i % LOOK_BACK == LOOK_BACK - 1 ? i : 0;

		s->failed += !connect_one(s->prog, f, client_of(s->number, i));
		s->missing += !is_seen(s->bits, s->seed, client_of(s->number, i));
		for (unsigned int j = 0; j < back; j++)
			s->missing += !is_seen(s->bits, s->seed, client_of(s->number, j));
	}
	s->failed += !f;
	free(f);
	atomic_store(&s->done, true);
	return NULL;
}

/*
 * New connections go to peer 0 and are entered by the client's word: this node replicates nothing.
 */
static void steer_all(struct fix *x)
{
	x->cfg.hash_seed = 0x1234567890abcdefULL;
	x->cfg.half_open_mask = 8191;
	fix_cfg(x);
	fix_service(x, 0, SERVICE_TAG, HOKM_SVC_DOWN);
}

static void on_all_cpus(cpu_set_t *before)
{
	cpu_set_t all;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&all);
	for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		CPU_SET((unsigned int)i, &all);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static bool all_done(struct storer *s)
{
	for (unsigned int i = 0; i < STORERS; i++)
		if (!atomic_load(&s[i].done))
			return false;
	return true;
}

static void no_bit_of_a_live_connection_is_ever_missing(void **state)
{
	struct fix *x = *state;
	struct hokm_bpf b = daemon_handle(x);
	struct storer s[STORERS] = {0};
	pthread_t threads[STORERS];
	unsigned int rebuilt = 0;
	cpu_set_t before;

	steer_all(x);
	on_all_cpus(&before);
	for (unsigned int i = 0; i < STORERS; i++) {
		s[i] = (struct storer){.bits = fix_bits(x),
				       .seed = x->cfg.hash_seed,
				       .prog = x->ingress,
				       .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, store, &s[i]), 0);
	}
	while (!all_done(s))
		rebuilt += make_anew(&b);
	for (unsigned int i = 0; i < STORERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(s[i].failed, 0);
		assert_int_equal(s[i].missing, 0);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_true(rebuilt > 3);
	assert_int_equal(fix_bits(x)->storing, 0);
	assert_int_equal(COUNT(x, established), STORERS * STORED);
	release(&b);
}

static void connect_few(struct fix *x, unsigned int number)
{
	struct frame f;

	for (unsigned int i = 0; i < FEW; i++)
		assert_true(connect_one(x->ingress, &f, client_of(number, i)));
}

static void expect_few(struct fix *x, unsigned int number, bool seen)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < FEW; i++)
		wrong += is_seen(fix_bits(x), x->cfg.hash_seed, client_of(number, i)) != seen;
	/* The bits of other connections may be the same ones. */
	assert_true(seen ? !wrong : wrong < FEW / 20);
}

/* A daemon that is killed when it has put half of the connections. */
static int put_half(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	static unsigned int n;

	if (n++ == FEW / 2)
		(void)raise(SIGKILL);
	return put_one(k, c, arg);
}

static void die_in_the_middle(struct hokm_bpf *b)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		if (!hokm_bpf_bits_begin(b))
			(void)hokm_bpf_walk_conns(b, false, put_half, b);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_killed_daemon_leaves_no_connection_without_its_bit(void **state)
{
	struct fix *x = *state;
	struct hokm_bpf b = daemon_handle(x), next = daemon_handle(x);

	steer_all(x);
	connect_few(x, 0);
	die_in_the_middle(&b);
	expect_few(x, 0, true);
	/* Without a daemon connections go on to be stored. */
	connect_few(x, 1);
	expect_few(x, 0, true);
	expect_few(x, 1, true);
	/* The half that the killed one left is not taken as it is. */
	hokm_bpf_bits_end(&next);
	expect_few(x, 0, true);
	assert_true(make_anew(&next));
	expect_few(x, 0, true);
	expect_few(x, 1, true);
	release(&b);
	release(&next);
}

static void bits_of_deleted_connections_go(void **state)
{
	struct fix *x = *state;
	struct hokm_bpf b = daemon_handle(x);

	steer_all(x);
	connect_few(x, 0);
	connect_few(x, 1);
	for (unsigned int i = 0; i < FEW; i++) {
		const struct hokm_conn_key k = key_of(client_of(0, i));

		assert_int_equal(hokm_bpf_delete_conn(&b, &k), 0);
	}
	expect_few(x, 0, true);
	assert_true(make_anew(&b));
	expect_few(x, 0, false);
	expect_few(x, 1, true);
	release(&b);
}

/* A walk that began while a program stores an entry may miss the entry: it must not count. */
static void while_an_entry_is_stored_no_rebuild_begins(void **state)
{
	struct fix *x = *state;
	struct hokm_bpf b = daemon_handle(x);

	steer_all(x);
	connect_few(x, 0);
	fix_bits(x)->storing = 1;
	assert_false(make_anew(&b));
	hokm_bpf_bits_end(&b);
	expect_few(x, 0, true);
	fix_bits(x)->storing = 0;
	assert_true(make_anew(&b));
	expect_few(x, 0, true);
	release(&b);
}

/* A connection has three bits, and is looked up only with all of them. */
static void the_look_up_is_left_out_with_a_part_of_the_bits(void **state)
{
	struct fix *x = *state;
	const struct hokm_conn_key k = key_of(client_of(0, 1));
	uint64_t hash, mask;
	__u64 *word;

	steer_all(x);
	assert_true(connect_one(x->ingress, &x->out, client_of(0, 1)));
	assert_true(is_seen(fix_bits(x), x->cfg.hash_seed, client_of(0, 1)));
	hash = hokm_conn_hash(x->cfg.hash_seed, &k);
	mask = hokm_conn_mask(hash);
	word = hokm_conn_bits_word(fix_bits(x), fix_bits(x)->turn, hash);
	assert_int_equal(*word, mask);
	assert_int_equal(__builtin_popcountll(mask), 3);
	for (uint64_t left = mask; left; left &= left - 1) {
		*word = mask & ~(left & -left);
		assert_false(is_seen(fix_bits(x), x->cfg.hash_seed, client_of(0, 1)));
	}
}

/* The program relies on the bit: this is what a missing one would do. */
static void the_look_up_is_left_out_without_the_bit(void **state)
{
	const struct hokm_conn c = conn_known(1);
	struct fix *x = *state;

	fix_conn_put(x, &c);
	expect_in_steer(x, SEG(.flags = SYN, .seq = 9000), PEER1_MAC);
	memset(fix_bits(x), 0, sizeof(*fix_bits(x)));
	expect_in_pass(x, SEG(.flags = SYN, .seq = 9000));
	assert_int_equal(COUNT(x, syn_local), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(no_bit_of_a_live_connection_is_ever_missing),
		HOKM_TEST(a_killed_daemon_leaves_no_connection_without_its_bit),
		HOKM_TEST(bits_of_deleted_connections_go),
		HOKM_TEST(while_an_entry_is_stored_no_rebuild_begins),
		HOKM_TEST(the_look_up_is_left_out_with_a_part_of_the_bits),
		HOKM_TEST(the_look_up_is_left_out_without_the_bit),
	};

	return cmocka_run_group_tests_name("conn_bits", tests, fix_open, fix_close);
}
