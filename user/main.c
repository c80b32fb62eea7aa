/* SPDX-License-Identifier: GPL-2.0-only */
/* hokm-xdp: one binary and one table of commands, from which parsing and help both come. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "agent/agent.h"
#include "agent/dns_job.h"
#include "agent/notifier.h"
#include "conf/check_config.h"
#include "conf/genkey.h"
#include "base/version.h"
#include "ctl/ctl.h"
#include "dns/dns_command.h"
#include "import/import.h"
#include "daemon/run.h"
#include "daemon/upgrade.h"
#include "hokm/abi.h"
#include "probe/probe_run.h"
#include "daemon/monitor.h"
#include "serve/front.h"
#include "serve/monitor_front.h"

struct main_command {
	const char *name;
	const char *args;
	const char *help;
	int (*main)(int argc, char **argv);
};

static int version_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("hokm-xdp %s (map schema %d)\n", HOKM_VERSION, HOKM_ABI_VERSION);
	return EX_OK;
}

/* A reload that is asked for while the daemon starts is done when the loop runs. */
static void hold_hangups(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static int run_main(int argc, char **argv)
{
	hold_hangups();
	upgrade_remember(argc, argv);
	return daemon_run_main(argc, argv, &serve_front);
}

static int probe_main(int argc, char **argv)
{
	return probe_command.main(argc, argv);
}

static int dns_main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "monitor"))
		return monitor_main(argc - 1, argv + 1, &serve_monitor_front);
	return dns_command_main(argc, argv);
}

static const struct main_command commands[] = {
	{"run", "[-c FILE] [--replace] [--generic] [--adopt-address]",
	 "the daemon of this node, in the foreground", run_main},
	{"check-config", "FILE [--json]",
	 "check a configuration, and show its errors or its meaning", check_config_main},
	{"import", "[OPTION]… KEEPALIVED.CONF", "a configuration of keepalived as one of hokm-xdp",
	 import_main},
	{"genkey", "", "print a new secret for the configuration", genkey_main},
	{"ctl", "[-c FILE | -s SOCKET] VERB …", "inspect and control the running daemon", ctl_main},
	{"dns", "ACTION [-c FILE] …",
	 "DNS failover: test, plan, status, set, start, stop, history, monitor", dns_main},
	{"probe", "[OPTION]… [URL]", "one health check as the daemon makes it", probe_main},
	{"cleanup", "[-c FILE] [--wait]",
	 "remove what a stopped daemon left, at once or when nobody needs it any more",
	 daemon_cleanup_main},
	{"notify", "test [CHANNEL] | status | history",
	 "notifications: try a channel, see queue and deliveries", notify_main},
	{"version", "", "version of program and map schema", version_main},
	/* Started by the daemon, the agent with a socket as file descriptor 3; not in the help. */
	{"accepts", NULL, NULL, daemon_accepts_main},
	{"agent", NULL, NULL, agent_main},
	{"dns-job", NULL, NULL, dns_job_main},
	{"notifier", NULL, NULL, notifier_main},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: hokm-xdp COMMAND …\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].help)
			fprintf(f, "  %-13s %-36s %s\n", commands[i].name, commands[i].args,
				commands[i].help);
	fprintf(f, "\nEach command has --help.\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EX_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EX_OK;
	}
	if (!strcmp(argv[1], "--version"))
		return version_main(argc, argv);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].main(argc - 1, argv + 1);
	fprintf(stderr, "hokm-xdp: there is no command `%s`\n", argv[1]);
	usage(stderr);
	return EX_USAGE;
}
