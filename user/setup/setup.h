/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp setup`: makes a machine a node or the witness of a group.
 *
 *   setup_main.c  the command line, and where the configuration comes from
 *   setup.c       checks the machine and writes the files
 *   secret.c      the secret of a new configuration
 *   replace.c     the copy of a file that a person edited
 *   unit.c        systemd's unit, and waiting for the peers
 *   remove.c      takes it all back
 *   plan.h        the pure part      machine.h  the machine      act.h  files, processes, questions
 *
 * It writes four things: the configuration, a table of nftables, the file with that table beside
 * the configuration, and a drop-in of the unit that loads this file. Each file has a stamp. One
 * that was edited since is replaced only by the operator's leave, and a copy of it is kept.
 * `--remove` removes what is still as setup wrote it.
 */
#ifndef HOKM_SETUP_H
#define HOKM_SETUP_H

#include "base/command.h"
#include "setup/job.h"

/* Fills the names of files. Returns 0 or -ENAMETOOLONG. */
int setup_begin(struct setup *s);

/* Makes this machine what the configuration `text` says. Returns an enum setup_exit. */
int setup_apply(struct setup *s, const char *text);

/* Returns an enum setup_exit. */
int setup_remove(struct setup *s);

extern const struct command setup_command;

/* argv[0] is "setup". Returns the exit code. */
int setup_main(int argc, char **argv);

#endif
