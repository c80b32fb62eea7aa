/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp ctl`: the client of the control socket. base/ctl_proto.h describes the protocol, limits
 * and exit codes.
 */
#ifndef HOKM_CTL_H
#define HOKM_CTL_H

#include <stdio.h>

#include "base/ctl_proto.h"

/* argv[0] is "ctl". Returns the exit code. */
int ctl_main(int argc, char **argv);
/* The same, with its output written to `out` and its errors to `err`. */
int ctl_run(int argc, char **argv, FILE *out, FILE *err);

#endif
