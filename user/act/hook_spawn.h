/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hook as a process: its arguments and how it is started. Only act/hooks.c uses this header.
 */
#ifndef HOKM_ACT_HOOK_SPAWN_H
#define HOKM_ACT_HOOK_SPAWN_H

#include <sys/types.h>

#include "act/hooks.h"

/*
 * A hook that waits or runs. It has copies of all that it needs, because a reload may replace the
 * configuration meanwhile.
 */
struct hook_item {
	enum conf_hook hook;
	char command[CONF_PATH_MAX]; /* words_split() */
	char path[CONF_PATH_MAX];    /* its first word */
	char user[CONF_NAME_MAX];
	char capabilities[CONF_HEADER_MAX];
	uint64_t caps;
	char instance[CONF_NAME_MAX];
	char node[CONF_NAME_MAX];
	char vips[HOKM_MAX_VIPS * INET_ADDRSTRLEN]; /* separated by spaces */
	char service[CONF_NAME_MAX];                /* that is recovered; "" for a hook */
	unsigned int attempt;                       /* to recover it */
	uint64_t timeout_ns;
	struct hook_call call;
	uint64_t change;      /* the number of the state change that it follows */
	unsigned int repeats; /* how often it was started again with this state */
};

/* The step in which a start failed. The child sends it through the status pipe before it exits. */
enum hook_stage { HOOK_STAGE_SETUP, HOOK_STAGE_TRUST, HOOK_STAGE_USER, HOOK_STAGE_EXEC };
struct hook_failure {
	int stage;                      /* enum hook_stage */
	int err;                        /* positive errno */
	char words[CONF_PATH_MAX + 64]; /* HOOK_STAGE_TRUST: which file or folder, and why */
};

struct hook_process {
	pid_t pid;     /* leader of its own process group */
	int output_fd; /* stdout and stderr of the hook; non-blocking */
	/* Has one struct hook_failure when the start failed; otherwise it ends at the exec. */
	int status_fd;
};

/* The state in the words that keepalived passes to its notify scripts. */
const char *hook_state_word(enum hokm_vrrp_state state);

/* Fills *item for one call. This hook must be configured. */
void hook_item_fill(struct hook_item *item, const struct conf *c, enum conf_hook hook,
		    const struct hook_call *call);

/* The same for the command that recovers a service. */
void hook_item_recover(struct hook_item *item, const struct conf *c, const struct conf_service *svc,
		       unsigned int attempt, const struct hook_call *call);
/* Its word in the log: the key of the hook, or "recover". */
const char *hook_item_name(const struct hook_item *item);

/* Logs why the hook did not start, and what to do. */
void hook_report_failure(const struct hook_item *item, const struct hook_failure *f);

/*
 * Starts the process and does not wait for its exec. The caller owns both descriptors of *out and
 * reaps the child. Returns 0 or -errno.
 */
int hook_spawn(const struct hook_item *item, struct hook_process *out);

#endif
