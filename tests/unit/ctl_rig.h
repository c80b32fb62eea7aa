/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control server in a folder of its own, for tests: in this process, turned by rig_turn(),
 * with raw clients beside it; or in a child, for clients that block.
 */
#ifndef TEST_CTL_RIG_H
#define TEST_CTL_RIG_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "ctl/ctl.h"

#define RIG_PATIENCE_NS (20 * NS_PER_S) /* a condition that does not come true by then never will */

struct rig {
	char dir[64];
	char path[96];
	sd_event *event;
	struct events *events;
	struct ctl_server *server;
	pid_t child;
};

/* Verbs: echo (data: args), text, fail (-EPERM with words), mute (-EIO without), nothing, huge. */
extern const struct ctl_verb rig_verbs[];

void rig_dir(struct rig *r);
void rig_open(struct rig *r, const char *group);
void rig_close(struct rig *r);

/* Lets the server work until it has nothing to do for a moment. */
void rig_turn(struct rig *r);

/* Starts the server in a child; `verbs` may be others than rig_verbs. */
void rig_fork(struct rig *r, const struct ctl_verb *verbs);
void rig_join(struct rig *r);

/* A raw client: non-blocking. */
int rig_connect(const struct rig *r);
void rig_send(int fd, const void *bytes, size_t len);
/* One frame: length and text. */
void rig_send_frame(int fd, const char *text);
/* Turns the server until a whole frame came back; new reference. */
json_t *rig_frame(struct rig *r, int fd);
/* Turns the server until it closed fd; frames that come before are skipped. */
void rig_wait_closed(struct rig *r, int fd);
struct ctl_server_stats rig_stats(const struct rig *r);

#endif
