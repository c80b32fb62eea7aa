/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notifier: a child process without privileges that sends notifications, apart from the agent
 * that runs the checks, so that a name server or an unresponsive mail server delays no check. The
 * daemon and the notifier talk over a SOCK_SEQPACKET pair, in one direction: the daemon sends
 * struct notify_msg, and waits for nothing. The notifier keeps its queue on disk (notify_store.h),
 * so that it can die and be started again.
 *
 * A struct notifier is the daemon's handle. Nothing here blocks but notifier_close(), for a moment.
 * What the notifier cannot take is counted, and the count goes with the next event that it can
 * take, so that the receivers learn of it.
 */
#ifndef HOKM_AGENT_NOTIFIER_H
#define HOKM_AGENT_NOTIFIER_H

#include <systemd/sd-event.h>

#include "base/command.h"
#include "conf/conf.h"
#include "agent/notify_text.h"

enum notify_msg_type {
	NOTIFY_MSG_WHO, /* with the folder as SCM_RIGHTS, if there is one; then channels */
	NOTIFY_MSG_CHANNEL,
	NOTIFY_MSG_EVENT,
};

struct notify_msg {
	uint32_t type;
	uint32_t n; /* NOTIFY_MSG_WHO: channels that follow; NOTIFY_MSG_EVENT: lost before it */
	union {
		struct {
			struct notify_who who;
			struct notify_known known;
		};
		struct conf_notify channel;
		struct notify_event event;
	};
};

struct notifier; /* opaque */

/*
 * Prepares the folder, and starts the process if `c` has channels. Must be called before the daemon
 * gives up its capabilities. 0 or -errno, logged. Caller: notifier_close().
 */
int notifier_open(sd_event *event, const struct conf *c, struct notifier **out);
/* A reload: other channels. */
void notifier_reconf(struct notifier *n, const struct conf *c);
/* Who reports: a node of this configuration, or a monitor. */
void notifier_who(const struct conf *c, struct notify_who *who);
/* What it names, so that no problem of anything else is repeated without end. */
void notifier_known(const struct conf *c, struct notify_known *known);
/* Hands an event over. */
void notifier_take(struct notifier *n, const struct notify_event *e);
/* The notifier sends what can be sent at once, saves the rest, and ends. NULL is allowed. */
void notifier_close(struct notifier *n);
/*
 * Kills the notifier, before another program takes this process over, and waits for its end for
 * wait_ms at most. What waited is in the queue on disk; a message that was on its way may be sent
 * twice. NULL is allowed.
 */
void notifier_cut(struct notifier *n, int wait_ms);

/* The process: `hokm-xdp notifier USER LEVEL`. Never returns. */
int notifier_main(int argc, char **argv);

/* `hokm-xdp notify test [CHANNEL] | status | history` */
extern const struct command notify_command;
int notify_main(int argc, char **argv);

#endif
