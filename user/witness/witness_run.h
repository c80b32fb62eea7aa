/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp witness`: the program of a witness (witness.h). */
#ifndef HOKM_WITNESS_RUN_H
#define HOKM_WITNESS_RUN_H

#include "base/command.h"

extern const struct command witness_command;

/* Returns an exit code as in sysexits.h. */
int witness_main(int argc, char **argv);

#endif
