/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control server in a folder of its own, for tests: in this process, turned by ctl_rig_turn(),
 * with raw clients beside it; or in a child, for clients that block.
 */
#ifndef TEST_CTL_RIG_H
#define TEST_CTL_RIG_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "ctl/ctl.h"

#define CTL_RIG_PATIENCE_NS \
	(20 * NS_PER_S) /* a condition that does not come true by then never will */

struct ctl_rig {
	char dir[64];
	char path[96];
	sd_event *event;
	struct events *events;
	struct ctl_server *server;
	pid_t child;
};

/*
 * Verbs: echo (data: args), text, fail (-EPERM with words), mute (-EIO without), nothing, huge; and
 * count, a long reply: {"frames": N, "bytes": of each, "fail": instead of the last, "busy": works
 * until nobody wants it any more, "refuse": from the start}.
 */
extern const struct ctl_verb ctl_rig_verbs[];

void ctl_rig_dir(struct ctl_rig *r);
void ctl_rig_open(struct ctl_rig *r, const char *group);
void ctl_rig_close(struct ctl_rig *r);

/* Lets the server work until it has nothing to do for a moment. */
void ctl_rig_turn(struct ctl_rig *r);

/* Starts the server in a child; `verbs` may be others than ctl_rig_verbs. */
void ctl_rig_fork(struct ctl_rig *r, const struct ctl_verb *verbs);
void ctl_rig_join(struct ctl_rig *r);

/* A raw client: non-blocking. */
int ctl_rig_connect(const struct ctl_rig *r);
void ctl_rig_send(int fd, const void *bytes, size_t len);
/* One frame: length and text. */
void ctl_rig_send_frame(int fd, const char *text);
/* Turns the server until a whole frame came back; new reference. */
json_t *ctl_rig_frame(struct ctl_rig *r, int fd);
/* Turns the server until it closed fd; frames that come before are skipped. */
void ctl_rig_wait_closed(struct ctl_rig *r, int fd);
struct ctl_server_stats ctl_rig_stats(const struct ctl_rig *r);

#endif
