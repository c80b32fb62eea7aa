/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `hokm-xdp test`; see report.h. */
#ifndef HOKM_TEST_H
#define HOKM_TEST_H

#include "base/command.h"

extern const struct command test_command;

/* argv[0] is "test". Returns the exit code: 0, 1 when a test failed, 2 when none could be made. */
int test_main(int argc, char **argv);

#endif
