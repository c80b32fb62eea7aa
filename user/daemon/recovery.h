/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recovery: runs the operator's command for a service that went DOWN (decide/recover.h), one
 * command at a time on a node, and reports each attempt and how the recovery ended.
 *
 * The state of each service is in struct service, which a reload carries over.
 */
#ifndef HOKM_DAEMON_RECOVERY_H
#define HOKM_DAEMON_RECOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "act/hooks.h"

struct node;
struct service;

struct recovery {
	struct node *node;
	struct hooks *hooks;
	bool runs;    /* a command runs */
	uint32_t tag; /* of the service that it is for */
};

void recovery_init(struct recovery *r, struct node *n, struct hooks *hooks);
/*
 * Looks at each service. held: the operator wants this node out of service, or the checks pause.
 * `state` is what the command learns of the node.
 */
void recovery_run(struct recovery *r, bool held, const struct hook_call *state, uint64_t now_ns);

/* The command and its limits as decide/recover.h takes them. */
struct recover_conf recovery_conf(const struct service *svc);

#endif
