/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of ctl's commands, and what is printed from it. See commands.h.
 */
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/render.h"

#define END_OF_OPTIONS       \
	{                    \
		.name = NULL \
	}

static const struct ctl_option status_options[] = {
	{.name = "owner",
	 .kind = CTL_FLAG,
	 .key = "owner",
	 .local = true,
	 .help = "one line; exit code 4 when this node is not owner"},
	END_OF_OPTIONS,
};

static const struct ctl_option conns_options[] = {
	{.name = "stale",
	 .kind = CTL_WORD,
	 .value = "TIME",
	 .key = "stale",
	 .help = "only with a request unanswered for TIME, such as 5s"},
	{.name = "state",
	 .kind = CTL_WORDS,
	 .value = "WORD",
	 .key = "states",
	 .help = "only in this TCP state or WebSocket phase, or lost; may be given again"},
	{.name = "client",
	 .kind = CTL_WORD,
	 .value = "ADDRESS",
	 .key = "client",
	 .help = "only of ADDR, ADDR:PORT or ADDR/PREFIX"},
	{.name = "service",
	 .kind = CTL_WORD,
	 .value = "NAME",
	 .key = "service",
	 .help = "only of this service"},
	{.name = "target",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "target",
	 .help = "only those that NODE serves; local for this node"},
	{.name = "half-open",
	 .kind = CTL_FLAG,
	 .key = "half_open",
	 .help = "those whose handshake is not complete"},
	{.name = "sort",
	 .kind = CTL_WORD,
	 .value = "KEY",
	 .key = "sort",
	 .help = "lowest first: rtt, rtt-client, age, idle, bytes, frames, stale, upgrade"},
	{.name = "top",
	 .kind = CTL_WORD,
	 .value = "KEY",
	 .key = "top",
	 .help = "the 20 highest of KEY, highest first"},
	{.name = "limit",
	 .kind = CTL_NUMBER,
	 .value = "N",
	 .min = 1,
	 .max = 4194304,
	 .key = "limit",
	 .help = "show at most N (default 1000, with --top 20)"},
	{.name = "summary",
	 .kind = CTL_FLAG,
	 .key = "summary",
	 .help = "counts and histograms instead of the connections"},
	{.name = "peer",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "peer",
	 .help = "those that live on NODE, as it told of them (its replica here); or all"},
	{.name = "dry-run",
	 .kind = CTL_FLAG,
	 .key = "dry_run",
	 .help = "with kill: only count them"},
	END_OF_OPTIONS,
};

static const struct ctl_option counters_options[] = {
	{.name = "all",
	 .kind = CTL_FLAG,
	 .key = "all",
	 .local = true,
	 .help = "counters that are zero too"},
	{.name = "service",
	 .kind = CTL_WORD,
	 .value = "NAME",
	 .key = "service",
	 .local = true,
	 .help = "only those of this service"},
	END_OF_OPTIONS,
};

static const struct ctl_option events_options[] = {
	{.name = "follow",
	 .letter = 'f',
	 .kind = CTL_FLAG,
	 .key = "follow",
	 .help = "go on with each new event until interrupted"},
	{.name = "recent",
	 .kind = CTL_NUMBER,
	 .value = "N",
	 .min = 0,
	 .max = EVENTS_KEEP,
	 .key = "recent",
	 .help = "begin with the newest N (default 50, with -f 10)"},
	{.name = "kind",
	 .kind = CTL_WORDS,
	 .value = "KIND",
	 .key = "kinds",
	 .help = "only these; may be given again; kernel and daemon stand for all of theirs"},
	END_OF_OPTIONS,
};

static const struct ctl_option failover_options[] = {
	{.name = "to",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "to",
	 .help = "refuse when another than NODE would get it"},
	END_OF_OPTIONS,
};

static const struct ctl_option drain_options[] = {
	{.name = "timeout",
	 .kind = CTL_WORD,
	 .value = "TIME",
	 .key = "timeout",
	 .help = "end the players who are left after TIME, such as 30m; waits like --wait"},
	{.name = "wait",
	 .kind = CTL_FLAG,
	 .key = "wait",
	 .local = true,
	 .help = "show how many are left until the node is empty"},
	END_OF_OPTIONS,
};

static const struct ctl_option no_options[] = {END_OF_OPTIONS};

const struct ctl_option ctl_common_options[] = {
	{.name = "config",
	 .letter = 'c',
	 .kind = CTL_WORD,
	 .value = "FILE",
	 .key = "config",
	 .local = true,
	 .help = "take the socket's path from this configuration"},
	{.name = "socket",
	 .letter = 's',
	 .kind = CTL_WORD,
	 .value = "PATH",
	 .key = "socket",
	 .local = true,
	 .help = "the daemon's socket (default: the only one in " CTL_RUN_DIR ")"},
	{.name = "node",
	 .letter = 'n',
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "node",
	 .local = true,
	 .help = "the daemon of this node, where one machine runs several"},
	{.name = "json",
	 .kind = CTL_FLAG,
	 .key = "json",
	 .local = true,
	 .help = "print JSON; events: one object a line"},
	{.name = "help",
	 .letter = 'h',
	 .kind = CTL_FLAG,
	 .key = "help",
	 .local = true,
	 .help = "print this and exit"},
	END_OF_OPTIONS,
};

const struct ctl_command ctl_commands[] = {
	{.name = "status",
	 .help = "who owns the VIP and why, services, peers, warnings",
	 .options = status_options,
	 .render = render_status,
	 .judge = judge_status},
	{.name = "conns",
	 .help = "the connections this node knows",
	 .options = conns_options,
	 .operand = "kill",
	 .operand_key = "action",
	 .operand_help = "end those that match and live here; needs a filter",
	 .view = &conns_view},
	{.name = "counters",
	 .help = "what the packet path counted; drops are marked with !",
	 .options = counters_options,
	 .render = render_counters,
	 .judge = judge_counters},
	{.name = "events", .help = "what happened, newest last", .options = events_options},
	{.name = "failover",
	 .help = "give the VIP to the healthiest peer now",
	 .options = failover_options,
	 .render = render_text},
	{.name = "drain",
	 .help = "send new players to a peer, keep the present ones",
	 .options = drain_options,
	 .render = render_drain,
	 .follow = follow_drain},
	{.name = "undrain",
	 .help = "take new players again",
	 .options = no_options,
	 .render = render_text},
	{.name = "maint",
	 .help = "take this node out: the VIP goes to a peer",
	 .options = no_options,
	 .render = render_text},
	{.name = "ready",
	 .help = "end maint, and the standby after a failover",
	 .options = no_options,
	 .render = render_text},
	{.name = "reload",
	 .help = "read the configuration again",
	 .options = no_options,
	 .render = render_text},
	{.name = "log-level",
	 .help = "show or set how much is logged",
	 .options = no_options,
	 .operand = "LEVEL",
	 .operand_key = "level",
	 .operand_help = "error, warn, info or debug",
	 .render = render_text},
	{.name = NULL},
};

const struct ctl_command *ctl_command_find(const char *name)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void help_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++) {
		int used = 0;

		if (o->letter)
			used = fprintf(out, "  -%c, --%s", o->letter, o->name);
		else
			used = fprintf(out, "      --%s", o->name);
		if (o->value)
			used += fprintf(out, " %s", o->value);
		fprintf(out, "%*s %s\n", used < 22 ? 22 - used : 0, "", o->help);
	}
}

static void help_one(const struct ctl_command *c, FILE *out)
{
	fprintf(out, "usage: hokm-xdp ctl %s%s%s%s%s\n\n%s\n", c->name,
		c->options->name ? " [options]" : "", c->operand ? " [" : "",
		c->operand ? c->operand : "", c->operand ? "]" : "", c->help);
	if (c->operand)
		fprintf(out, "\n  %-20s %s\n", c->operand, c->operand_help);
	if (c->options->name) {
		fprintf(out, "\noptions\n");
		help_options(c->options, out);
	}
	fprintf(out, "\ncommon options\n");
	help_options(ctl_common_options, out);
}

void ctl_help(const struct ctl_command *command, FILE *out)
{
	if (command) {
		help_one(command, out);
		return;
	}
	fprintf(out, "usage: hokm-xdp ctl [-c FILE | -s SOCKET | -n NODE] COMMAND [options] "
		     "[--json]\n\nAsks the daemon of this machine.\n\ncommands\n");
	for (const struct ctl_command *c = ctl_commands; c->name; c++)
		fprintf(out, "  %-20s %s\n", c->name, c->help);
	fprintf(out, "\ncommon options\n");
	help_options(ctl_common_options, out);
	fprintf(out,
		"\nexit codes\n"
		"  %d  done\n  %d  the daemon refused, the message says why\n"
		"  %d  the command line is wrong\n  %d  no daemon answers on the socket\n"
		"  %d  status --owner: this node is not owner\n  %d  permission denied\n",
		CTL_EXIT_OK, CTL_EXIT_FAILED, CTL_EXIT_USAGE, CTL_EXIT_NO_DAEMON,
		CTL_EXIT_NOT_OWNER, CTL_EXIT_DENIED);
}

static void word_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++)
		fprintf(out, "--%s\n", o->name);
}

void ctl_words(const struct ctl_command *command, FILE *out)
{
	if (command)
		word_options(command->options, out);
	for (const struct ctl_command *c = ctl_commands; !command && c->name; c++)
		fprintf(out, "%s\n", c->name);
	word_options(ctl_common_options, out);
}

/* Text with what roff takes for its own made plain. */
static void man_text(const char *text, FILE *out)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static void man_options(const struct ctl_option *o, FILE *out)
{
	for (; o->name; o++) {
		fputs(".TP\n\\fB", out);
		if (o->letter)
			fprintf(out, "\\-%c\\fR, \\fB", o->letter);
		fputs("\\-\\-", out);
		man_text(o->name, out);
		fprintf(out, "\\fR%s\\fI%s\\fR\n", o->value ? " " : "", o->value ? o->value : "");
		man_text(o->help, out);
		fputc('\n', out);
	}
}

void ctl_man(FILE *out)
{
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		fputs(".SS ctl ", out);
		man_text(c->name, out);
		if (c->operand)
			fprintf(out, " [%s]", c->operand);
		fputc('\n', out);
		man_text(c->help, out);
		fputs(".\n", out);
		if (c->operand) {
			fprintf(out, ".TP\n\\fI%s\\fR\n", c->operand);
			man_text(c->operand_help, out);
			fputc('\n', out);
		}
		man_options(c->options, out);
	}
	fputs(".SS Common options of ctl\n", out);
	man_options(ctl_common_options, out);
}
