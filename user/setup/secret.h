/* SPDX-License-Identifier: GPL-2.0-only */
/* The secret of a new configuration. */
#ifndef HOKM_SETUP_SECRET_H
#define HOKM_SETUP_SECRET_H

#include <stdio.h>

#include "conf/genkey.h"

/*
 * Takes the secret of the configuration that is there, and makes a new one only where there is no
 * such file: a new one beside a peer with the former ends what both say to each other. Returns 0,
 * or -errno, reported.
 */
int setup_secret(const char *config, FILE *errors, char secret[GENKEY_TEXT_MAX]);

#endif
