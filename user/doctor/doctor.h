/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `hokm-xdp doctor`; see findings.h. */
#ifndef HOKM_DOCTOR_H
#define HOKM_DOCTOR_H

#include "base/command.h"

extern const struct command doctor_command;

/* argv[0] is "doctor". Returns the exit code: 0, 1 with findings, 2 when it could not look. */
int doctor_main(int argc, char **argv);

#endif
