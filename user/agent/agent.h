/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent: a child process without privileges that runs the active checks over libcurl's multi
 * interface. It talks with the daemon over a SOCK_SEQPACKET pair, one message one packet, both
 * structs below; a message of the wrong size ends the connection. It can die and be started again
 * without touching ownership: the checks it had out end as CHECK_AGENT.
 */
#ifndef HOKM_AGENT_H
#define HOKM_AGENT_H

#include <stdint.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"
#include "hokm/names.h"

struct agent_request {
	uint32_t id; /* of the check: the caller's, at most AGENT_CHECKS_MAX - 1 */
	uint32_t seq;
	struct conf_check check; /* all it needs; no secret in it */
	char host[64];           /* Host header: VIP:port */
};

struct agent_reply {
	uint32_t id;
	uint32_t seq;
	uint32_t reason; /* enum hokm_reason, CHECK_* */
	uint32_t attempts;
	uint64_t took_ns;
	char detail[128]; /* what was tried and what happened, printable */
};

#define AGENT_CHECKS_MAX (HOKM_MAX_SERVICES * CONF_CHECKS_MAX)

/* Daemon side. */
struct agent; /* opaque */
/* The callbacks may call agent_check() but not agent_close(). */
typedef void (*agent_reply_fn)(const struct agent_reply *r, void *arg);
typedef void (*agent_died_fn)(void *arg); /* it was lost; restarted by itself with back-off */

/*
 * Starts the agent: fork, exec of this program (/proc/self/exe) as `hokm-xdp agent` with the socket
 * as fd 3, in its own process group, dying with the daemon (PR_SET_PDEATHSIG).
 */
int agent_open(sd_event *event, const char *user, agent_reply_fn fn, agent_died_fn died, void *arg,
	       struct agent **out);
void agent_close(struct agent *a);
/* Sends a check; its reply comes within check.timeout_ns + 1 s, or died_fn is called. */
int agent_check(struct agent *a, const struct agent_request *r);
pid_t agent_pid(const struct agent *a);

/* Agent side: `hokm-xdp agent`, fd 3 is the socket. Never returns to the caller's business. */
int agent_main(int argc, char **argv);

/* One check, awaited, in a cage like the agent's: the tests of each kind of check go through it. */
int agent_run_once(const struct agent_request *r, struct agent_reply *out);

#endif
