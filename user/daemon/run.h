/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp run` and `hokm-xdp cleanup`. */
#ifndef HOKM_DAEMON_RUN_H
#define HOKM_DAEMON_RUN_H

#include "base/command.h"

struct daemon_front;

extern const struct command run_command, cleanup_command;

/* Both return the exit code of the program (sysexits.h). */
int daemon_run_main(int argc, char **argv, const struct daemon_front *front);
int daemon_cleanup_main(int argc, char **argv);

#endif
