/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hooks as processes: real scripts in a temporary folder, which run as `nobody`. Like the daemon,
 * these tests need root to change to another user.
 */
#ifndef TESTS_HOOKS_RIG_H
#define TESTS_HOOKS_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "act/hooks.h"

struct hooks_rig {
	char dir[32];
	char out[48]; /* what the scripts wrote */
	struct conf conf;
	sd_event *event;
	struct hooks *hooks;
};

/* For each test: a rig without a hook in *state, and its end. */
int hooks_set_up(void **state);
int hooks_tear_down(void **state);
#define HOOK_TEST(fn) cmocka_unit_test_setup_teardown(fn, hooks_set_up, hooks_tear_down)
/* What main() does before its tests. 0, or the exit code of a test that cannot run here. */
int hooks_prepare(void);

/* Writes a hook, a shell script. In it $OUT is the file that hooks_read() reads. */
void hooks_script(struct hooks_rig *r, enum conf_hook h, const char *body);
void hooks_before(struct hooks_rig *r, const char *body);
void hooks_after(struct hooks_rig *r, const char *body);
/* Arguments of its own for a hook; begins with a blank. */
void hooks_add_args(struct hooks_rig *r, enum conf_hook h, const char *args);
void hooks_path(const struct hooks_rig *r, char *buf, size_t size, const char *name);
void hooks_read(const struct hooks_rig *r, char *buf, size_t size);

/* A change from BACKUP, for the reason master-down, with priority 110. */
void hooks_call(struct hooks_rig *r, bool is_before, enum hokm_vrrp_state to);
/* Runs the loop until no hook is left. */
void hooks_run_all(struct hooks_rig *r, uint64_t deadline_ms);
struct hooks_stats hooks_stats_of(const struct hooks_rig *r);

#endif
