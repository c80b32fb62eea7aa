/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose pins they are: a witness is known by its address and port in pins of every version, and one
 * of the same name takes nothing away from it, whether its process runs or is just being restarted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act_bpf_rig.h"

#define PORT    8766
#define OTHER   8799
#define LOCK_MS 300 /* a removal takes less by far */

static struct in_addr own_address(void)
{
	return rig.ns.addr_a;
}

static struct conf *group(struct conf *c, uint16_t port)
{
	*c = rig.conf;
	c->pulse_port = port;
	c->n_witnesses = 1;
	c->witnesses[0].addr = own_address();
	snprintf(c->witnesses[0].name, sizeof(c->witnesses[0].name), "third");
	return c;
}

static enum hokm_witness_process nowhere(struct hokm_addr addr, __be16 port)
{
	(void)addr;
	(void)port;
	return HOKM_WITNESS_NOWHERE;
}

static enum hokm_witness_process absent(struct hokm_addr addr, __be16 port)
{
	assert_int_equal(hokm_addr_to_ipv4(&addr).s_addr, own_address().s_addr);
	assert_int_equal(ntohs(port), PORT);
	return HOKM_WITNESS_ABSENT;
}

static enum hokm_witness_process runs(struct hokm_addr addr, __be16 port)
{
	(void)absent(addr, port);
	return HOKM_WITNESS_RUNS;
}

/* Starts it, as user/witness does. Its process ends, and its kernel goes on. */
static int start(const struct conf *c, hokm_witness_process_fn process)
{
	const struct hokm_cfg cfg = {.addr = hokm_addr_from_ipv4(c->witnesses[0].addr),
				     .pulse_port = htons(c->pulse_port)};
	struct hokm_bpf *b;
	bool adopted;
	int err = hokm_bpf_open_witness(c, 0, "hx0", process, &b, &adopted);

	if (!err)
		err = hokm_bpf_set_cfg(b, &cfg);
	if (!err)
		err = hokm_bpf_attach_witness(b);
	hokm_bpf_close(b);
	return err;
}

static bool has_pins(void)
{
	char path[PIN_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/third/%s", rig.bpffs, PIN_ROOT_WITNESS, PIN_LINK);
	return !access(path, F_OK);
}

static bool answers(void)
{
	return strcmp(xdp_mode(rig.ns.ifindex_a), "none") != 0 && has_pins();
}

static void a_namesake_takes_nothing(void **state)
{
	struct conf first, second;

	(void)state;
	assert_int_equal(start(group(&first, PORT), nowhere), 0);
	group(&second, OTHER);
	assert_int_equal(start(&second, runs), -EEXIST);
	/* Between two processes of it. */
	assert_int_equal(start(&second, absent), -EEXIST);
	assert_int_equal(hokm_bpf_remove_witness(&second, 0, absent), 0);
	assert_true(answers());
	/* The first one starts again, and knows its pins. */
	assert_int_equal(start(&first, absent), 0);
	assert_int_equal(hokm_bpf_remove_witness(&first, 0, absent), 1);
}

/* It had this address before, which is not here any more: nobody else can come. */
static void a_new_address_takes_over(void **state)
{
	struct conf c;

	(void)state;
	assert_int_equal(start(group(&c, PORT), nowhere), 0);
	assert_int_equal(start(group(&c, OTHER), nowhere), 0);
	assert_true(answers());
	assert_int_equal(hokm_bpf_remove_witness(&c, 0, nowhere), 1);
}

/*
 * A map cfg that is longer than that of this version, with address and port where they always are.
 */
static struct pins pins_of_another_version(const struct conf *c)
{
	struct {
		struct hokm_cfg known;
		char more[200];
	} cfg = {.known = {.addr = hokm_addr_from_ipv4(c->witnesses[0].addr),
			   .pulse_port = htons(c->pulse_port)}};
	struct pins p = {.meta.abi_version = HOKM_ABI_VERSION + 1};
	const uint32_t zero = 0;

	memset(p.map, -1, sizeof(p.map));
	p.link = p.ingress = p.egress = p.fence = -1;
	p.map[MAP_CFG] = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "cfg", sizeof(zero), sizeof(cfg), 1, NULL);
	assert_true(p.map[MAP_CFG] >= 0);
	assert_int_equal(bpf_map_update_elem(p.map[MAP_CFG], &zero, &cfg, BPF_ANY), 0);
	return p;
}

static void known_in_every_version(void **state)
{
	struct conf c, other;
	struct pins p = pins_of_another_version(group(&c, PORT));

	(void)state;
	assert_true(witness_pins_are_of(&p, &c, 0));
	assert_false(witness_pins_are_of(&p, group(&other, OTHER), 0));
	assert_true(witness_pins_of_another(&p, &other, 0, runs));
	assert_false(witness_pins_of_another(&p, &c, 0, runs));
	pins_close(&p);
}

/* Of the version that is written into map meta of a witness that runs. */
static void another_version_runs(void **state)
{
	struct hokm_meta meta = {0};
	uint32_t zero = 0;
	struct conf c;
	char dir[PIN_DIR_MAX];
	struct pins p;

	(void)state;
	assert_int_equal(start(group(&c, PORT), nowhere), 0);
	assert_int_equal(pins_dir_witness(&c, "third", dir), 0);
	assert_int_equal(pins_open(dir, &p), 0);
	meta.abi_version = HOKM_ABI_VERSION + 1;
	assert_int_equal(bpf_map_update_elem(p.map[MAP_META], &zero, &meta, BPF_ANY), 0);
	pins_close(&p);
	assert_int_equal(hokm_bpf_remove_witnesses(runs), 0);
	assert_true(answers());
	assert_int_equal(hokm_bpf_remove_witnesses(absent), 1);
	assert_false(has_pins());
}

static void *remove_it(void *arg)
{
	const struct conf *c = arg;

	assert_int_equal(hokm_bpf_remove_witness(c, 0, nowhere), 1);
	return NULL;
}

static void one_after_the_other(void **state)
{
	pthread_t thread;
	struct conf c;
	int lock;

	(void)state;
	assert_int_equal(start(group(&c, PORT), nowhere), 0);
	lock = witness_lock(rig.bpffs);
	assert_true(lock >= 0);
	assert_int_equal(pthread_create(&thread, NULL, remove_it, &c), 0);
	(void)poll(NULL, 0, LOCK_MS);
	assert_true(answers());
	witness_unlock(rig.bpffs, lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(has_pins());
	assert_int_equal(witness_lock("/does/not/exist"), -ENOENT);
}

/* The pins of the first one say whose they are. Any other witness is gone. */
static enum hokm_witness_process one_runs(struct hokm_addr addr, __be16 port)
{
	return hokm_addr_to_ipv4(&addr).s_addr == own_address().s_addr && ntohs(port) == PORT
		       ? HOKM_WITNESS_RUNS
		       : HOKM_WITNESS_NOWHERE;
}

struct starting {
	struct conf conf;
	int err;
};

static void *start_it(void *arg)
{
	struct starting *s = arg;

	s->err = start(&s->conf, one_runs);
	return NULL;
}

/* Before the first one has written its address: to a namesake the pins would be nobody's. */
static void a_namesake_waits_for_a_start(void **state)
{
	struct starting second = {0};
	struct hokm_cfg cfg = {.pulse_port = htons(PORT)};
	struct hokm_bpf *b;
	pthread_t thread;
	struct conf first;
	bool adopted;

	(void)state;
	cfg.addr = hokm_addr_from_ipv4(own_address());
	group(&second.conf, OTHER);
	assert_int_equal(
		hokm_bpf_open_witness(group(&first, PORT), 0, "hx0", nowhere, &b, &adopted), 0);
	assert_int_equal(pthread_create(&thread, NULL, start_it, &second), 0);
	(void)poll(NULL, 0, LOCK_MS);
	assert_int_equal(hokm_bpf_set_cfg(b, &cfg), 0);
	assert_int_equal(hokm_bpf_attach_witness(b), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(second.err, -EEXIST);
	assert_true(answers());
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_remove_witness(&first, 0, nowhere), 1);
}

/* A bpffs may be open to all, and so to their locks. */
static void a_folder_of_another_user_has_no_lock(void **state)
{
	char root[PIN_PATH_MAX];
	struct conf first;
	int status = -1;
	pid_t pid;

	(void)state;
	group(&first, PORT);
	assert_int_equal(pins_path(rig.bpffs, PIN_ROOT_WITNESS, root), 0);
	assert_int_equal(chmod(rig.bpffs, 01777), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* It holds the lock no longer than the test lasts. setuid() would undo it. */
		if (setuid(65534) || prctl(PR_SET_PDEATHSIG, SIGKILL) || mkdir(root, 0755))
			_exit(1);
		_exit(flock(open(root, O_RDONLY | O_DIRECTORY), LOCK_EX) || raise(SIGSTOP));
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	/* At once, and not after ten seconds of waiting for that lock. */
	assert_int_equal(witness_lock(rig.bpffs), -ENOENT);
	assert_int_equal(start(&first, nowhere), -EBUSY);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(chmod(rig.bpffs, 0700), 0);
}

static void the_lock_is_of_a_folder_of_its_own(void **state)
{
	int others = open(rig.bpffs, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock;
	char root[PIN_PATH_MAX];
	struct stat st;

	(void)state;
	assert_true(others >= 0);
	assert_int_equal(flock(others, LOCK_EX | LOCK_NB), 0);
	lock = witness_lock(rig.bpffs);
	assert_true(lock >= 0);
	assert_int_equal(pins_path(rig.bpffs, PIN_ROOT_WITNESS, root), 0);
	assert_int_equal(stat(root, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	witness_unlock(rig.bpffs, lock);
	assert_int_equal(stat(root, &st), -1);
	close(others);
}

static void *lock_it(void *arg)
{
	*(int *)arg = witness_lock(rig.bpffs);
	return NULL;
}

/* Who waited for a folder that is gone has the lock of the next one. */
static void a_removed_folder_locks_nobody(void **state)
{
	int first = witness_lock(rig.bpffs), second = -1, third;
	char root[PIN_PATH_MAX];
	pthread_t thread;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(pins_path(rig.bpffs, PIN_ROOT_WITNESS, root), 0);
	assert_int_equal(pthread_create(&thread, NULL, lock_it, &second), 0);
	(void)poll(NULL, 0, LOCK_MS);
	witness_unlock(rig.bpffs, first);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(second >= 0);
	third = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(third >= 0);
	assert_int_equal(flock(third, LOCK_EX | LOCK_NB), -1);
	close(third);
	witness_unlock(rig.bpffs, second);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		RIG_TEST(a_namesake_takes_nothing),
		RIG_TEST(a_new_address_takes_over),
		RIG_TEST(known_in_every_version),
		RIG_TEST(another_version_runs),
		RIG_TEST(one_after_the_other),
		RIG_TEST(a_namesake_waits_for_a_start),
		RIG_TEST(a_folder_of_another_user_has_no_lock),
		RIG_TEST(the_lock_is_of_a_folder_of_its_own),
		RIG_TEST(a_removed_folder_locks_nobody),
	};

	return cmocka_run_group_tests_name("pins of a witness", all, NULL, NULL);
}

int main(void)
{
	return rig_main(tests);
}
