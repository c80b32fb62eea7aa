/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A control server for tests, with its socket in a folder of its own: either in this process, where
 * ctl_rig_turn() runs it and raw clients talk to it, or in a child process, for clients that block.
 */
#ifndef TEST_CTL_RIG_H
#define TEST_CTL_RIG_H

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "serve/serve.h"

#define CTL_RIG_PATIENCE_NS (20 * NS_PER_S) /* how long a test waits for a condition */

struct ctl_rig {
	char dir[64];
	char path[96];
	sd_event *event;
	struct events *events;
	struct ctl_server *server;
	/*
	 * Clients may cost what they like. A long reply, made by a slow build on a busy machine,
	 * costs more than a client may, and its next request would wait for a minute.
	 */
	bool at_any_cost;
	pid_t child;
};

/*
 * Verbs: echo (its data are the args), text, fail (-EPERM with a message), mute (-EIO without one),
 * nothing, huge; act, which acts, and maybe, which does with a level; and count, a long reply with
 * the args {"frames": N, "bytes": of each frame, "fail": an error in place of the last frame,
 * "busy": works until the client has closed, "refuse": an error in place of all frames}.
 */
extern const struct ctl_verb ctl_rig_verbs[];

void ctl_rig_dir(struct ctl_rig *r);
void ctl_rig_open(struct ctl_rig *r, const char *group);
/* With ctl_group and ctl_admin_group. */
void ctl_rig_open_for(struct ctl_rig *r, const char *look, const char *act);
void ctl_rig_close(struct ctl_rig *r);
/* Fixtures of cmocka: *state is a rig whose server admits root alone. */
int ctl_rig_setup(void **state);
int ctl_rig_teardown(void **state);

/* Runs the server until it has nothing to do for a moment. */
void ctl_rig_turn(struct ctl_rig *r);

/* Starts the server in a child process, with these verbs. */
void ctl_rig_fork(struct ctl_rig *r, const struct ctl_verb *verbs);
void ctl_rig_join(struct ctl_rig *r);

/* Connects a raw, non-blocking client; returns its socket. */
int ctl_rig_connect(const struct ctl_rig *r);
void ctl_rig_send(int fd, const void *bytes, size_t len);
/* Sends one frame: length and text. */
void ctl_rig_send_frame(int fd, const char *text);
/* Runs the server until a complete frame has come back; returns a new reference. */
json_t *ctl_rig_frame(struct ctl_rig *r, int fd);
/* Runs the server until it has closed fd; frames that come before are ignored. */
void ctl_rig_wait_closed(struct ctl_rig *r, int fd);
/* The reply is an error with this code, and `part` in its message. Steals the reference. */
void ctl_rig_assert_error(json_t *reply, int code, const char *part);
struct ctl_server_stats ctl_rig_stats(const struct ctl_rig *r);

#endif
