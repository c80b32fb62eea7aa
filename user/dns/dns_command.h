/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp dns`: DNS failover from the command line. test and plan ask the provider themselves, by
 * a job without privileges (agent/dns_job.h), and need no daemon. The others ask the daemon.
 */
#ifndef HOKM_DNS_COMMAND_H
#define HOKM_DNS_COMMAND_H

#include "base/command.h"

extern const struct command dns_command;

/* argv[0] is "dns". Returns the exit code: 0, 1 when it failed, 2 for a wrong command line. */
int dns_command_main(int argc, char **argv);

#endif
