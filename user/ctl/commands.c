/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of the commands of `hokm-xdp ctl`. Parsing (parse.c), help, completion and the man
 * page (help.c) all come from it. A summary is one line of at most 55 characters, so that the list
 * of commands fits into 80 columns; longer texts are wrapped when they are printed.
 */
#include <string.h>

#include "ctl/commands.h"
#include "base/ctl_proto.h"
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
	 .help = "print only the first line; exit code 4 when this node is not the owner"},
	END_OF_OPTIONS,
};

static const struct ctl_option conns_options[] = {
	{.name = "stale",
	 .kind = CTL_WORD,
	 .value = "TIME",
	 .key = "stale",
	 .help = "only connections with a request that the server has left unanswered for TIME: "
		 "an upgrade, a ping, or data that is not acknowledged"},
	{.name = "state",
	 .kind = CTL_WORDS,
	 .value = "WORD",
	 .key = "states",
	 .help = "only connections in this TCP state or WebSocket phase, or \"lost\": "
		 "the tracking of WebSocket frames lost synchronization; "
		 "may be given several times"},
	{.name = "client",
	 .kind = CTL_WORD,
	 .value = "ADDRESS",
	 .key = "client",
	 .help = "only connections of this client: ADDR, ADDR:PORT or ADDR/PREFIX"},
	{.name = "service",
	 .kind = CTL_WORD,
	 .value = "NAME",
	 .key = "service",
	 .help = "only connections to this service"},
	{.name = "target",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "target",
	 .help = "only connections that NODE serves; \"local\" means this node"},
	{.name = "half-open",
	 .kind = CTL_FLAG,
	 .key = "half_open",
	 .help = "list only the connections whose TCP handshake is not complete"},
	{.name = "sort",
	 .kind = CTL_WORD,
	 .value = "KEY",
	 .key = "sort",
	 .help = "sort by KEY, lowest first; KEY is rtt, rtt-client, age, idle, bytes, frames, "
		 "stale or upgrade"},
	{.name = "top",
	 .kind = CTL_WORD,
	 .value = "KEY",
	 .key = "top",
	 .help = "show the 20 connections with the highest KEY, highest first"},
	{.name = "limit",
	 .kind = CTL_NUMBER,
	 .value = "N",
	 .min = 1,
	 .max = 4194304,
	 .key = "limit",
	 .help = "show at most N connections (default 1000, with --top 20)"},
	{.name = "summary",
	 .kind = CTL_FLAG,
	 .key = "summary",
	 .help = "show counts and histograms instead of the single connections"},
	{.name = "peer",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "peer",
	 .help = "list the connections that NODE replicated to this node; \"all\": every peer"},
	{.name = "dry-run",
	 .kind = CTL_FLAG,
	 .key = "dry_run",
	 .help = "with kill: count the connections that match, terminate none"},
	END_OF_OPTIONS,
};

static const struct ctl_option counters_options[] = {
	{.name = "all",
	 .kind = CTL_FLAG,
	 .key = "all",
	 .local = true,
	 .help = "show also the counters that are zero"},
	{.name = "service",
	 .kind = CTL_WORD,
	 .value = "NAME",
	 .key = "service",
	 .local = true,
	 .help = "only the counters of this service"},
	END_OF_OPTIONS,
};

static const struct ctl_option events_options[] = {
	{.name = "follow",
	 .letter = 'f',
	 .kind = CTL_FLAG,
	 .key = "follow",
	 .help = "print each new event until interrupted"},
	{.name = "recent",
	 .kind = CTL_NUMBER,
	 .value = "N",
	 .min = 0,
	 .max = CTL_EVENTS_MAX,
	 .key = "recent",
	 .help = "begin with the N newest events (default 50, with -f 10)"},
	{.name = "kind",
	 .kind = CTL_WORDS,
	 .value = "KIND",
	 .key = "kinds",
	 .help = "only events of this kind; may be given several times; "
		 "\"kernel\" and \"daemon\" mean all kinds of that source"},
	END_OF_OPTIONS,
};

static const struct ctl_option timeline_options[] = {
	{.name = "last",
	 .kind = CTL_FLAG,
	 .key = "last",
	 .local = true,
	 .help = "only the newest failover, as without --since"},
	{.name = "since",
	 .kind = CTL_WORD,
	 .value = "TIME",
	 .key = "since",
	 .local = true,
	 .help = "every failover since TIME: "
		 "an age such as 90s, or a local time such as \"2026-11-22 20:30\""},
	{.name = "with",
	 .kind = CTL_WORDS,
	 .value = "FILE",
	 .key = "with",
	 .local = true,
	 .help = "merge the record of another node; \"-\" is standard input; "
		 "may be given several times"},
	{.name = "record",
	 .kind = CTL_FLAG,
	 .key = "record",
	 .local = true,
	 .help = "print the record of this node, for --with on another node"},
	END_OF_OPTIONS,
};

static const struct ctl_option failover_options[] = {
	{.name = "to",
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "to",
	 .help = "refuse unless NODE is the peer that would become owner"},
	END_OF_OPTIONS,
};

static const struct ctl_option drain_options[] = {
	{.name = "timeout",
	 .kind = CTL_WORD,
	 .value = "TIME",
	 .key = "timeout",
	 .help = "terminate the connections that are left after TIME, such as 30m; implies --wait"},
	{.name = "wait",
	 .kind = CTL_FLAG,
	 .key = "wait",
	 .local = true,
	 .help = "wait until the node is empty, and show how many players are left"},
	END_OF_OPTIONS,
};

static const struct ctl_option dns_options[] = {
	{.name = "address",
	 .letter = 'a',
	 .kind = CTL_WORD,
	 .value = "ADDRESS",
	 .key = "address",
	 .help = "with set: the address that the record is to have"},
	{.name = "force",
	 .kind = CTL_FLAG,
	 .key = "force",
	 .help = "with set: replace an address that is not the group's"},
	{.name = "history",
	 .kind = CTL_FLAG,
	 .key = "history",
	 .local = true,
	 .help = "show the history in place of the state"},
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
	 .help = "take the path of the daemon's socket from this configuration"},
	{.name = "socket",
	 .letter = 's',
	 .kind = CTL_WORD,
	 .value = "PATH",
	 .key = "socket",
	 .local = true,
	 .help = "path of the daemon's socket (default: the only socket in " CTL_RUN_DIR ")"},
	{.name = "node",
	 .letter = 'n',
	 .kind = CTL_WORD,
	 .value = "NODE",
	 .key = "node",
	 .local = true,
	 .help = "ask the daemon of this node, where one machine runs several"},
	{.name = "json",
	 .kind = CTL_FLAG,
	 .key = "json",
	 .local = true,
	 .help = "print JSON; for events, one object a line"},
	{.name = "help",
	 .letter = 'h',
	 .kind = CTL_FLAG,
	 .key = "help",
	 .local = true,
	 .help = "print this help and exit"},
	END_OF_OPTIONS,
};

const struct ctl_command ctl_commands[] = {
	{.name = "status",
	 .summary = "show owner, services, checks, peers and warnings",
	 .about = "The first line says whether this node is the owner of the VIP. Below it, "
		  "a line with WARNING names each condition that needs attention. "
		  "Then follow the VRRP state and its reason, the services, the active checks, "
		  "the passive checks, the peers and their replicas. "
		  "When no daemon answers, root sees what it left in the kernel: "
		  "whether this node is owner, for how long, and what steers on.",
	 .options = status_options,
	 .render = render_status,
	 .judge = judge_status,
	 .render_gone = render_gone},
	{.name = "conns",
	 .summary = "list or terminate the connections that this node tracks",
	 .about = "Lists the client connections that this node serves or steers to a peer. "
		  "A connection is listed when it matches all filters that are given. "
		  "TIME is a number with a unit, such as 500ms, 5s or 30m.",
	 .options = conns_options,
	 .operand = "kill",
	 .operand_key = "action",
	 .operand_help = "terminate the matching connections that this node holds; "
			 "at least one filter is needed",
	 .operand_words = "kill",
	 .view = &conns_view},
	{.name = "counters",
	 .summary = "show the packet counters; ! marks dropped packets",
	 .about = "Counters that are zero are left out unless --all is given.",
	 .options = counters_options,
	 .render = render_counters,
	 .judge = judge_counters},
	{.name = "events",
	 .summary = "show recent events, or follow new ones",
	 .about = "Prints one line an event, newest last: time, source (kernel or daemon), kind, "
		  "text and, in parentheses, the reason code.",
	 .options = events_options},
	{.name = "timeline",
	 .summary = "show a failover from its first signal on",
	 .about =
		 "Shows the newest failover: the first signal, the decision, the moment at which a "
		 "node became owner of the VIP, what was done for the players, and the last "
		 "connection that came afterwards, with the milliseconds since the first signal. "
		 "A daemon knows its own events only. The record of another node is made there by "
		 "`hokm-xdp ctl timeline --record` and read here by --with. Its clock is compared "
		 "by the steered probes of the nodes.",
	 .options = timeline_options,
	 .view = &timeline_view},
	{.name = "failover",
	 .summary = "hand the VIP over to the healthiest peer now",
	 .about = "Only the owner accepts this command. "
		  "The VIP moves to the healthiest peer and established connections continue. "
		  "Afterwards this node is in standby: it does not preempt the new owner, "
		  "until `hokm-xdp ctl ready` ends the standby.",
	 .options = failover_options,
	 .render = render_text},
	{.name = "drain",
	 .summary = "send new clients to a peer, keep present connections",
	 .about =
		 "The VIP moves to a peer and new clients are steered to a peer. "
		 "Present connections stay on this node until the player leaves or --timeout ends. "
		 "The daemon refuses to drain when no peer is healthy enough to take over. "
		 "`hokm-xdp ctl undrain` ends the drain.",
	 .options = drain_options,
	 .render = render_drain,
	 .follow = follow_drain},
	{.name = "undrain",
	 .summary = "end a drain: accept new clients again",
	 .about = "The services of this node accept new clients again. "
		  "VRRP elects the owner as usual.",
	 .options = no_options,
	 .render = render_text},
	{.name = "maint",
	 .summary = "start maintenance: hand the VIP over to a peer",
	 .about = "The VIP moves to a healthy peer and new clients are steered to a peer. "
		  "When no peer is healthy, this node keeps the VIP. "
		  "`hokm-xdp ctl ready` ends the maintenance.",
	 .options = no_options,
	 .render = render_text},
	{.name = "ready",
	 .summary = "end maintenance, and the standby after a failover",
	 .about = "VRRP elects the owner as usual: "
		  "this node may preempt a peer with lower priority. "
		  "If its services failed again and again, it waits no longer because of that.",
	 .options = no_options,
	 .render = render_text},
	{.name = "reload",
	 .summary = "read the configuration file again",
	 .about = "The command returns when the new configuration is in use, or was refused: "
		  "then it prints why, with file and line, ends with 1, and nothing changed. "
		  "A change that needs a restart is refused too.",
	 .options = no_options,
	 .render = render_order,
	 .follow = follow_reload,
	 .patient = true},
	{.name = "upgrade",
	 .summary = "replace the daemon by the installed binary",
	 .about = "The binary at the daemon's path takes over in the same process. "
		  "It is asked first whether it accepts the configuration and the pinned maps; "
		  "if not, the command prints why, and nothing changes. "
		  "So it does with a file that a reload would refuse because of a peer, "
		  "such as one without the secret that the peer uses. "
		  "The VIP does not move and established connections continue. "
		  "The command returns when the new daemon has taken its place.",
	 .options = no_options,
	 .render = render_order,
	 .follow = follow_upgrade,
	 .patient = true},
	{.name = "dns",
	 .summary = "show or steer what the owner writes into the DNS record",
	 .about = "Without ACTION, prints the state of DNS failover. "
		  "set makes the owner write ADDRESS, which stays until start. "
		  "start makes the record follow the owner again, and writes it now. "
		  "stop leaves it as it is. "
		  "`hokm-xdp dns` has more: test and plan ask the provider.",
	 .options = dns_options,
	 .operand = "ACTION",
	 .operand_key = "action",
	 .operand_help = "set, start or stop",
	 .operand_words = "set\nstart\nstop",
	 .render = render_dns},
	{.name = "log-level",
	 .summary = "show or set the log level",
	 .about = "Without LEVEL, prints the present log level. With LEVEL, "
		  "sets it until the next reload or restart.",
	 .options = no_options,
	 .operand = "LEVEL",
	 .operand_key = "level",
	 .operand_help = "error, warn, info or debug",
	 .operand_words = "error\nwarn\ninfo\ndebug",
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
