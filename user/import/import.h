/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp import`: a configuration of keepalived as one of hokm-xdp. */
#ifndef HOKM_IMPORT_H
#define HOKM_IMPORT_H

#include <stdio.h>

#include "base/command.h"
#include "import/kl_plan.h"

/*
 * Imports `path`. Writes the verdict of each line to `report`, what is wrong with the whole to
 * `errors`, and the configuration to *text, which the caller frees; *text is NULL when nothing
 * could be imported. What it writes was loaded as the daemon does it. Returns 0, -EINVAL when the
 * file was refused, or -errno.
 */
int import_file(const char *path, const struct kl_options *opt, FILE *report, FILE *errors,
		char **text);

extern const struct command import_command;
int import_main(int argc, char **argv);

#endif
