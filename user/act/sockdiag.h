/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SOCK_DESTROY (linux/sock_diag.h): ends a connection of this machine as its own process would by
 * abort: the client gets an exact RST, the process ECONNABORTED. One that is still in the handshake
 * goes without an RST.
 */
#ifndef HOKM_ACT_SOCKDIAG_H
#define HOKM_ACT_SOCKDIAG_H

#include "act/tickle.h"

struct sockdiag; /* opaque */

/* 0 or -errno, logged. */
int sockdiag_open(struct sockdiag **out);
void sockdiag_close(struct sockdiag *s);
/*
 * Ends n <= TICKLE_MAX connections in two round trips. ended[i]: it had a socket (of any state but
 * LISTEN and TIME_WAIT) and that is destroyed. How many; -errno when the whole request failed:
 * -EOPNOTSUPP when the kernel lacks CONFIG_INET_DIAG_DESTROY.
 */
int sockdiag_destroy(struct sockdiag *s, const struct tickle_conn *conns, unsigned int n,
		     bool ended[]);

#endif
