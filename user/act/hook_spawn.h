/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hook as a process: what it is called with, and how it is started. Used by act/hooks.c only.
 */
#ifndef HOKM_ACT_HOOK_SPAWN_H
#define HOKM_ACT_HOOK_SPAWN_H

#include <sys/types.h>

#include "act/hooks.h"

/* A hook that waits or runs: copies of all it needs, since a reload may swap the configuration. */
struct hook_item {
	char path[CONF_PATH_MAX];
	char user[CONF_NAME_MAX];
	char instance[CONF_NAME_MAX];
	char node[CONF_NAME_MAX];
	char vips[HOKM_MAX_VIPS * INET_ADDRSTRLEN]; /* separated by spaces */
	uint64_t timeout_ns;
	struct hook_call call;
};

/* Where starting it failed: sent by the child over the status pipe before it exits. */
enum hook_stage { HOOK_STAGE_SETUP, HOOK_STAGE_USER, HOOK_STAGE_EXEC };
struct hook_failure {
	int stage; /* enum hook_stage */
	int err;   /* positive errno */
};

struct hook_process {
	pid_t pid;     /* leader of its own process group */
	int output_fd; /* its stdout and stderr, non-blocking */
	int status_fd; /* one struct hook_failure if it was not started; else end of file at exec */
};

/* Fills the copies of *item for one call. `before` or `after` must be configured. */
void hook_item_fill(struct hook_item *item, const struct conf *c, const struct hook_call *call);

/* Starts it. The caller owns the fds and reaps the child. 0 or -errno. */
int hook_spawn(const struct hook_item *item, struct hook_process *out);

#endif
