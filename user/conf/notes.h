/* SPDX-License-Identifier: GPL-2.0-only */
/* What check-config remarks of a file without errors. */
#ifndef HOKM_NOTES_H
#define HOKM_NOTES_H

#include <stdio.h>

#include "conf/conf.h"

/*
 * Writes one line for each setting that is allowed and that will not do what it seems to do on this
 * machine. Starts child processes, to look with the eyes of another user.
 */
void conf_notes(const struct conf *c, FILE *to);

#endif
