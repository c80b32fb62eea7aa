/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-xdp: one binary and one table of commands (base/command.h), from which parsing, help,
 * completion and man page come.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>

#include "agent/agent.h"
#include "agent/dns_job.h"
#include "agent/http_listener.h"
#include "agent/etcd_client.h"
#include "agent/notifier.h"
#include "base/log.h"
#include "conf/check_config.h"
#include "conf/genkey.h"
#include "base/version.h"
#include "ctl/commands.h"
#include "ctl/complete.h"
#include "ctl/ctl.h"
#include "dns/dns_command.h"
#include "doctor/doctor.h"
#include "import/import.h"
#include "daemon/run.h"
#include "daemon/upgrade.h"
#include "hokm/abi.h"
#include "probe/probe_run.h"
#include "daemon/monitor.h"
#include "serve/front.h"
#include "serve/monitor_front.h"
#include "setup/setup.h"
#include "test/test.h"
#include "top/top.h"
#include "witness/witness_run.h"

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

static int dns_main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "monitor"))
		return monitor_main(argc - 1, argv + 1, &serve_monitor_front);
	return dns_command_main(argc, argv);
}

static int complete_main(int argc, char **argv);

static const struct command ctl_command = {
	.name = "ctl",
	.operands = "VERB",
	.summary = "inspect and control the running daemon",
	.about = "Asks the daemon of this machine. The verbs have a page of their own, "
		 "hokm-xdp-ctl(8).",
};

static const struct command version_command = {
	.name = "version",
	.operands = "",
	.summary = "version of program and map schema",
	.about = "Prints the version of the program and of the layout of its maps.",
};

static int version_main(int argc, char **argv)
{
	struct command_line l;
	int what;

	command_begin(&l, &version_command, argc, argv, stdout, stderr);
	what = command_next(&l);
	if (what)
		return what == COMMAND_HELP ? EX_OK : EX_USAGE;
	printf("hokm-xdp %s (map schema %d)\n", HOKM_VERSION, HOKM_ABI_VERSION);
	return EX_OK;
}

static const struct entry {
	const struct command *command;
	int (*main)(int argc, char **argv);
} entries[] = {
	{.command = &setup_command, .main = setup_main},
	{.command = &run_command, .main = run_main},
	{.command = &witness_command, .main = witness_main},
	{.command = &check_config_command, .main = check_config_main},
	{.command = &import_command, .main = import_main},
	{.command = &genkey_command, .main = genkey_main},
	{.command = &ctl_command, .main = ctl_main},
	{.command = &top_command, .main = top_main},
	{.command = &probe_command, .main = probe_main},
	{.command = &doctor_command, .main = doctor_main},
	{.command = &test_command, .main = test_main},
	{.command = &dns_command, .main = dns_main},
	{.command = &notify_command, .main = notify_main},
	{.command = &cleanup_command, .main = daemon_cleanup_main},
	{.command = &version_command, .main = version_main},
};
#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

/* Started by the daemon, the agent with a socket as file descriptor 3, or by a shell. */
static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} hidden[] = {
	{"accepts", daemon_accepts_main}, {"agent", agent_main},
	{"dns-job", dns_job_main},        {"notifier", notifier_main},
	{"complete", complete_main},      {"listener", http_child_main},
	{"etcd-client", etcd_child_main},
};

static int complete_main(int argc, char **argv)
{
	const struct command *list[N_ENTRIES + 1] = {NULL};

	for (size_t i = 0; i < N_ENTRIES; i++)
		list[i] = entries[i].command;
	return complete_run(list, argc, argv, stdout);
}

static void usage(FILE *f)
{
	fprintf(f, "usage: hokm-xdp COMMAND\n\n");
	for (size_t i = 0; i < N_ENTRIES; i++)
		command_list_line(entries[i].command, f);
	fprintf(f, "\nEach command has --help.\n");
}

/* The commands' part of the man page, for tools/packaging/man. */
static int man(void)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		command_man(entries[i].command, stdout);
	return fflush(stdout) ? EX_IOERR : EX_OK;
}

/*
 * Each command that reads the configuration has secrets in its memory: no core dump, not even one
 * that a handler of the system takes, and no ptrace by another process of the same user.
 */
static void hide_memory(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		log_warn("core dumps could not be turned off: %s", strerror(errno));
}

/* Who knows `wg show` or `ip addr` tries `hokm-xdp status` first. */
static int no_command(const char *name)
{
	if (ctl_command_find(name)) {
		fprintf(stderr, "hokm-xdp: `%s` is a command to the daemon: hokm-xdp ctl %s\n",
			name, name);
		return EX_USAGE;
	}
	if (*name)
		fprintf(stderr, "hokm-xdp: there is no command `%s`\n", name);
	usage(stderr);
	return EX_USAGE;
}

/* `help COMMAND`, and `help ctl VERB`, as `COMMAND --help`. */
static int help(int argc, char **argv)
{
	char option[] = "--help";
	char *words[4] = {NULL}; /* the command, a verb, the option, and the end */
	int n = 0;

	for (int i = 2; i < argc && n < 2; i++)
		words[n++] = argv[i];
	words[n++] = option;
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (!strcmp(words[0], entries[i].command->name))
			return entries[i].main(n, words);
	return no_command(words[0]);
}

static bool asks_help(const char *name)
{
	return !strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	hide_memory();
	if (!strcmp(name, "help") && argc > 2 && !asks_help(argv[2]))
		return help(argc, argv);
	if (asks_help(name)) {
		usage(stdout);
		return EX_OK;
	}
	if (!strcmp(name, "--man"))
		return man();
	if (!strcmp(name, "--version"))
		return version_main(1, argv + 1);
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (!strcmp(name, entries[i].command->name))
			return entries[i].main(argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!strcmp(name, hidden[i].name))
			return hidden[i].main(argc - 1, argv + 1);
	return no_command(name);
}
