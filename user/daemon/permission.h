/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks the hook `before` whether this node may become owner (decide/permit.h), when
 * hooks.before_wait is set. The answer is noted, and settle() goes on with it.
 */
#ifndef HOKM_DAEMON_PERMISSION_H
#define HOKM_DAEMON_PERMISSION_H

#include "act/hooks.h"
#include "decide/permit.h"

struct node;

struct permission {
	struct node *node;
	struct hooks *hooks;
	struct permit permit;
	struct hook_call call; /* of the last question */
	bool reported;         /* that it was refused, since it was asked for the first time */
};

void permission_init(struct permission *p, struct node *n, struct hooks *hooks);
/* Is a permission needed at all? */
bool permission_needed(const struct permission *p);
/* The node may not become owner now. calm: a healthy peer owns. */
bool permission_lacks(struct permission *p, bool calm, uint64_t now_ns);
/* The hook refused, and did not permit since: no peer is to hand the VIP over to this node. */
bool permission_refuses(const struct permission *p);
/* The node would become owner. Asks, unless that was done. */
void permission_ask(struct permission *p, const struct hook_call *call, uint64_t now_ns);
/* The state has changed: the next time it is asked anew. */
void permission_reset(struct permission *p);

#endif
