/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The environment of the loader in a test: a veth pair and a bpffs in namespaces of the test, a
 * configuration for them, and queries for what is pinned and attached. Everything disappears with
 * the process of the test.
 */
#ifndef TESTS_ACT_BPF_RIG_H
#define TESTS_ACT_BPF_RIG_H

#include "path/bpf_internal.h"
#include "own_netns.h"

struct act_bpf_rig {
	struct own_netns ns;
	char bpffs[32];
	struct conf conf; /* reset before each test */
};
extern struct act_bpf_rig rig;
extern const struct hokm_bpf_opts rig_plain;

/* Run around each test, which must leave nothing that hokm_bpf_cleanup() does not remove. */
int rig_set_up(void **state);
int rig_tear_down(void **state);
#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)

/* Sets the environment up, runs the tests, and removes it. Returns the exit status. */
int rig_main(int (*tests)(void));

struct hokm_bpf *rig_open(bool want_adopted);
int rig_open_fails(const struct hokm_bpf_opts *opts);

void rig_pin_path(char path[PIN_PATH_MAX], const char *name);
bool rig_pinned(const char *name);
int rig_open_pin(const char *name);
uint32_t rig_link_id(void);
/* Nothing of the packet path is left: no pin, folder, program, filter or qdisc. */
void rig_expect_clean(void);

#endif
