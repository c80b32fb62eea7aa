/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp check-config`: checks a configuration file and lists its settings. */
#ifndef HOKM_CHECK_CONFIG_H
#define HOKM_CHECK_CONFIG_H

#include "base/command.h"
#include "conf/conf.h"

#define CHECK_CONFIG_OK       0
#define CHECK_CONFIG_USAGE    2
#define CHECK_CONFIG_NO_INPUT 66 /* EX_NOINPUT: the file cannot be read */
#define CHECK_CONFIG_WRONG    78 /* EX_CONFIG */

extern const struct command check_config_command;

/* Lists every setting of `c` without secrets, as the command does. 0 or -errno. */
int check_config_list(const struct conf *c, FILE *to);

/* argv[0] is the command's own name. Returns the exit code. */
int check_config_main(int argc, char **argv);

#endif
