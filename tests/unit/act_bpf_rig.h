/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loader's surroundings in a test: a veth and a bpffs of the test's own, a configuration for
 * them, and questions about what is pinned and attached. All gone with the test's process.
 */
#ifndef TESTS_ACT_BPF_RIG_H
#define TESTS_ACT_BPF_RIG_H

#include "path/bpf_internal.h"
#include "own_netns.h"

struct act_bpf_rig {
	struct own_netns ns;
	char bpffs[32];
	struct conf conf; /* as new before each test */
};
extern struct act_bpf_rig rig;
extern const struct hokm_bpf_opts rig_plain;

/* Around each test: it must leave nothing that hokm_bpf_cleanup() does not remove. */
int rig_set_up(void **state);
int rig_tear_down(void **state);
#define RIG_TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)

/* Makes the surroundings, runs the tests in them, takes them down. Exit status. */
int rig_main(int (*tests)(void));

struct hokm_bpf *rig_open(bool want_adopted);
int rig_open_fails(const struct hokm_bpf_opts *opts);

void rig_pin_path(char path[PIN_PATH_MAX], const char *name);
bool rig_pinned(const char *name);
int rig_open_pin(const char *name);
uint32_t rig_link_id(void);
/* Nothing of ours left anywhere: no pin, no folder, no program, no filter, no qdisc. */
void rig_expect_clean(void);

#endif
