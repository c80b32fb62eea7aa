/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol of the control socket: what the server (serve/) and the client (ctl/) agree on.
 *
 * A Unix stream socket. Each message is a 4-byte big-endian length followed by that many bytes of
 * JSON: at most CTL_REQUEST_MAX for a request, CTL_REPLY_MAX for a reply. The server checks the
 * peer's credentials when it accepts: only root and members of `ctl_group` and `ctl_admin_group`
 * may ask, and those of ctl_group alone may not act. A request that is malformed, too long, or not
 * complete within CTL_TIMEOUT_NS is counted, answered with an error if possible, and the connection
 * is closed. One that asks too much waits longer for its next reply.
 *
 *   request  {"verb": "status", "args": {...}}
 *   reply    {"ok": true, "data": {...}}
 *            {"ok": false, "error": "...", "code": N}, N as in errno.h
 *
 * An order whose client has closed the connection when the daemon comes to it is not carried out.
 * So an order without a reply is over once its client has ended, unless the daemon was at it.
 *
 * A connection may send its next request after it received the reply. When the reply arrives, the
 * daemon has already carried out what was asked.
 *
 * The verb "events" takes {"recent": N, "kinds": [...], "follow": bool} and replies {"events":
 * [...], "lost": N}. With "follow" the server then sends one frame for each event until the client
 * closes the connection, and {"dropped": N} where N events were left out because the client reads
 * too slowly.
 *
 * A long reply consists of several frames {"ok": true, "more": true, "data": {...}}; the last one
 * has no "more", and may be {"ok": false, ...}. The server closes a client that reads nothing for
 * CTL_STREAM_STALL_NS, or that has not read everything after CTL_STREAM_MAX_NS. serve/conns.h
 * describes the data of the verb "conns".
 */
#ifndef HOKM_BASE_CTL_PROTO_H
#define HOKM_BASE_CTL_PROTO_H

#include "base/clock.h"

#define CTL_REQUEST_MAX 4096
#define CTL_REPLY_MAX   (64u << 20)
/* For a whole request, and for a reply to be read. */
#define CTL_TIMEOUT_NS (5 * NS_PER_S)
/* Long enough for a person who looks at the first page in a pager. */
#define CTL_STREAM_STALL_NS (30 * NS_PER_S)
#define CTL_STREAM_MAX_NS   (300 * NS_PER_S)
/* The greatest "recent" of the verb "events": how many events of each source are kept. */
#define CTL_EVENTS_MAX 1024
#define CTL_RUN_DIR    "/run/hokm-xdp"

/* Exit codes of `hokm-xdp ctl`. */
#define CTL_EXIT_OK        0
#define CTL_EXIT_FAILED    1 /* the daemon refused; the message gives the reason */
#define CTL_EXIT_USAGE     2
#define CTL_EXIT_NO_DAEMON 3 /* no daemon answers on the socket */
#define CTL_EXIT_NOT_OWNER 4 /* ctl status --owner: this node is not owner */
#define CTL_EXIT_DENIED    5

#endif
