/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last words of a node, with a kernel and a packet path of their own: whatever the kernel does
 * with the sockets, all clients are notified, and the caller gets on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "act/session_reset.h"
#include "daemon/last_words.h"
#include "path/bpf.h"

#define PORT     8080
#define PLAYERS  700 /* three batches */
#define LOCK_FD  100
#define GIVES_UP 60 /* seconds: a call that has not returned by then never does */

/* ---- the kernel, whose memory the children share ---- */

static struct kernel {
	unsigned int stuck, fails; /* the batch that it does not answer, or refuses; 0: none */
	int lock;                  /* a descriptor of the caller that no child may have */
	atomic_uint batches, ended, notified, notified_before; /* notified before the first batch of
								  sockets */
	atomic_bool has_lock;
} * kernel;

static struct conf conf;

int session_reset_open(struct session_reset *r)
{
	memset(r, 0, sizeof(*r));
	return 0;
}

void session_reset_close(struct session_reset *r)
{
	(void)r;
}

void session_reset_tell(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	(void)r;
	(void)conns;
	atomic_fetch_add(&kernel->notified, n);
}

int session_reset_sockets(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	unsigned int batch = atomic_fetch_add(&kernel->batches, 1) + 1;

	(void)r;
	(void)conns;
	if (batch == 1)
		atomic_store(&kernel->notified_before, atomic_load(&kernel->notified));
	if (fcntl(kernel->lock, F_GETFD) >= 0)
		atomic_store(&kernel->has_lock, true);
	while (batch == kernel->stuck)
		pause();
	if (batch == kernel->fails)
		return -ENOBUFS;
	atomic_fetch_add(&kernel->ended, n);
	return (int)n;
}

int session_reset_send(struct session_reset *r, const struct tickle_conn *conns, unsigned int n)
{
	session_reset_tell(r, conns, n);
	return session_reset_sockets(r, conns, n);
}

/* ---- the packet path ---- */

int hokm_bpf_open_pinned(const struct conf *c, struct hokm_bpf **out)
{
	(void)c;
	*out = NULL;
	return 0;
}

void hokm_bpf_close(struct hokm_bpf *b)
{
	(void)b;
}

int hokm_bpf_get_service(struct hokm_bpf *b, unsigned int slot, struct hokm_service *out)
{
	(void)b;
	memset(out, 0, sizeof(*out));
	out->tag = slot ? 0 : hokm_service_tag(conf.vips[0], PORT);
	return 0;
}

int hokm_bpf_walk_conns(struct hokm_bpf *b, bool half, hokm_conn_fn fn, void *arg)
{
	struct hokm_conn_key k = {0};
	struct hokm_conn c = {.target = HOKM_LOCAL, .tcp_state = HOKM_TCP_ESTABLISHED};
	int rc = 0;

	(void)b;
	(void)half;
	for (unsigned int i = 0; i < PLAYERS && !rc; i++) {
		k.client_port = (uint16_t)i;
		rc = fn(&k, &c, arg);
	}
	return rc;
}

/* ---- the tests ---- */

static int make(void **state)
{
	static const struct kernel fresh;
	int null;

	(void)state;
	kernel = mmap(NULL, sizeof(*kernel), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (kernel == MAP_FAILED)
		return -1;
	memcpy(kernel, &fresh, sizeof(fresh));
	/* Above the descriptors that the child makes for itself. */
	null = open("/dev/null", O_RDONLY);
	kernel->lock = null < 0 ? -1 : fcntl(null, F_DUPFD, LOCK_FD);
	close(null);
	conf.n_services = 1;
	conf.services[0].port = PORT;
	alarm(GIVES_UP);
	return kernel->lock < 0 ? -1 : 0;
}

static int unmake(void **state)
{
	(void)state;
	alarm(0);
	close(kernel->lock);
	return munmap(kernel, sizeof(*kernel));
}

static void all_are_notified_before_the_first_socket_is_ended(void **state)
{
	(void)state;
	assert_int_equal(last_words(&conf), PLAYERS);
	assert_int_equal(atomic_load(&kernel->notified_before), PLAYERS);
	assert_int_equal(atomic_load(&kernel->notified), PLAYERS);
	assert_int_equal(atomic_load(&kernel->ended), PLAYERS);
}

static void a_socket_whose_lock_is_held_keeps_nobody(void **state)
{
	(void)state;
	kernel->stuck = 1;
	assert_int_equal(last_words(&conf), PLAYERS);
	assert_int_equal(atomic_load(&kernel->notified), PLAYERS);
	assert_int_equal(atomic_load(&kernel->ended), 0);
}

static void who_ends_the_sockets_holds_no_lock_of_the_node(void **state)
{
	(void)state;
	assert_int_equal(last_words(&conf), PLAYERS);
	assert_true(atomic_load(&kernel->batches) > 0);
	assert_false(atomic_load(&kernel->has_lock));
}

static void after_a_batch_that_failed_the_others_follow(void **state)
{
	(void)state;
	kernel->fails = 1;
	assert_int_equal(last_words(&conf), PLAYERS);
	assert_int_equal(atomic_load(&kernel->notified), PLAYERS);
	assert_int_equal(atomic_load(&kernel->ended), PLAYERS - TICKLE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_are_notified_before_the_first_socket_is_ended, make, unmake),
		cmocka_unit_test_setup_teardown(
			a_socket_whose_lock_is_held_keeps_nobody, make, unmake),
		cmocka_unit_test_setup_teardown(
			who_ends_the_sockets_holds_no_lock_of_the_node, make, unmake),
		cmocka_unit_test_setup_teardown(
			after_a_batch_that_failed_the_others_follow, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
