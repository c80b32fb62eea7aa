/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The HTTP listener: a child process without privileges that answers GET requests for metrics and
 * the state of the node. It is apart from the agent, so that no client delays a check. Daemon and
 * listener talk over a SOCK_SEQPACKET pair, in one direction: the daemon sends its state at its own
 * rate, whether anybody asks for it or not, and the listener answers all clients from the last one.
 *
 * The daemon binds the socket and keeps it. A listener that has died is started again with it.
 * Nothing here fails a start of the daemon: what does not work is logged and tried again.
 *
 * Each message is a struct http_msg and, for HTTP_MSG_STATE, JSON behind it:
 *
 *   {"status": as `ctl status --json`, "counters": as `ctl counters --json`,
 *    "latency": {SERVICE: {KIND: [numbers, as in hokm/abi_waits.h]}},
 *    "events": the newest events of the daemon, as `ctl events --json`, without those that have the
 *    address of a player, "history": those of kind state, "time_ms": of the clock of these events}
 */
#ifndef HOKM_AGENT_HTTP_LISTENER_H
#define HOKM_AGENT_HTTP_LISTENER_H

#include <stddef.h>
#include <systemd/sd-event.h>

#include "conf/conf.h"

enum http_msg_type {
	HTTP_MSG_OPEN, /* the first one, with the socket as SCM_RIGHTS */
	HTTP_MSG_STATE,
};

struct http_msg {
	uint32_t type;
	struct conf_listen listen;
};

/* The longest message. It fits into the buffer that a socket has without a setting. */
#define HTTP_MSG_MAX (192 * 1024)

struct http_listener; /* opaque */

/* With port 0 no process runs. 0 or -errno, logged. Caller: http_listener_close(). */
int http_listener_open(sd_event *event, const struct conf *c, struct http_listener **out);
/*
 * After a reload. With another section listen the process is replaced, and its clients are ended.
 */
void http_listener_reconf(struct http_listener *h, const struct conf *c);
/* Hands the state over. A listener that takes none gets the next one. */
void http_listener_state(struct http_listener *h, const char *json, size_t len);
/* The pid of the listener, 0 when none runs. */
pid_t http_listener_pid(const struct http_listener *h);
/* NULL is allowed. */
void http_listener_close(struct http_listener *h);
/*
 * Kills the listener, before another program takes this process over, and waits for its end for
 * wait_ms at most. NULL is allowed.
 */
void http_listener_cut(struct http_listener *h, int wait_ms);

/* The process: `hokm-xdp listener USER LEVEL`. Never returns. */
int http_child_main(int argc, char **argv);

#endif
