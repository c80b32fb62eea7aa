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
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
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

/* A map cfg that is longer than that of this version, with address and port where they always are.
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
	close(lock);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(has_pins());
	assert_int_equal(witness_lock("/does/not/exist"), -ENOENT);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		RIG_TEST(a_namesake_takes_nothing), RIG_TEST(a_new_address_takes_over),
		RIG_TEST(known_in_every_version),   RIG_TEST(another_version_runs),
		RIG_TEST(one_after_the_other),
	};

	return cmocka_run_group_tests_name("pins of a witness", all, NULL, NULL);
}

int main(void)
{
	return rig_main(tests);
}
