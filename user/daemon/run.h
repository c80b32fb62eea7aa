/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp run` and `hokm-xdp cleanup`. */
#ifndef HOKM_DAEMON_RUN_H
#define HOKM_DAEMON_RUN_H

#include <systemd/sd-event.h>

struct conf;
struct daemon;
struct events;

/*
 * The front: where operators reach the daemon. serve/ implements it and main.c passes it in, so the
 * daemon does not depend on it.
 */
struct daemon_front {
	/* On the thread of the loop, before the loop runs. 0 or -errno, logged. */
	int (*open)(struct daemon *d, sd_event *event, const struct conf *c, struct events *events,
		    void **front);
	/* NULL is fine. */
	void (*close)(void *front);
};

/* Both return the exit code of the program (sysexits.h). */
int daemon_run_main(int argc, char **argv, const struct daemon_front *front);
int daemon_cleanup_main(int argc, char **argv);

#endif
