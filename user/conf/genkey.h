/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp genkey`: prints a new secret. */
#ifndef HOKM_GENKEY_H
#define HOKM_GENKEY_H

#include "base/command.h"

#define GENKEY_TEXT_MAX 65 /* bytes of a secret, with the terminating zero */

/*
 * Makes a new secret. Returns 0, or -EIO when the kernel gave no random bytes. The caller wipes it.
 */
int genkey_make(char text[GENKEY_TEXT_MAX]);

extern const struct command genkey_command;

/* argv[0] is the command's own name. Returns the exit code. */
int genkey_main(int argc, char **argv);

#endif
