/* SPDX-License-Identifier: GPL-2.0-only */
/* Starts the daemon step by step, and takes the steps back in reverse order. */
#ifndef HOKM_DAEMON_START_H
#define HOKM_DAEMON_START_H

#include "path/bpf.h"

struct conf;
struct daemon;
struct daemon_front;

/*
 * Takes `c` over in any case. On an error everything is undone and -errno returned; what was pinned
 * before stays. Caller: daemon_close().
 */
int daemon_start(struct conf *c, const struct hokm_bpf_opts *opts, const struct daemon_front *front,
		 struct daemon **out);
/* Undoes everything. While players are left, the packet path stays pinned for them. */
void daemon_close(struct daemon *d);

#endif
