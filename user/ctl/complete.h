/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp complete WORD...`, for the shells' completion: what may stand in the place of the last
 * word, one a line. The line ":files" asks the shell for names of files.
 *
 * Commands and options come from the tables. Names of nodes and services come from the running
 * daemon, or else from the configuration.
 */
#ifndef HOKM_CTL_COMPLETE_H
#define HOKM_CTL_COMPLETE_H

#include <stdio.h>

#include "base/command.h"

/* `commands` ends with NULL. argv[0] is "complete". Returns the exit code, 0. */
int complete_run(const struct command *const *commands, int argc, char **argv, FILE *out);

#endif
