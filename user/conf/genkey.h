/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp genkey`: prints a new secret. */
#ifndef HOKM_GENKEY_H
#define HOKM_GENKEY_H

/* argv[0] is the command's own name. Returns the exit code. */
int genkey_main(int argc, char **argv);

#endif
