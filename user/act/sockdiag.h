/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminating local connections with SOCK_DESTROY (linux/sock_diag.h). The effect is as if the
 * process had aborted the connection: the client gets an exact RST, the process gets ECONNABORTED.
 * A connection that is still in the handshake ends without an RST.
 */
#ifndef HOKM_ACT_SOCKDIAG_H
#define HOKM_ACT_SOCKDIAG_H

#include "act/tickle.h"

struct sockdiag; /* opaque: a netlink socket */

/* Opens the socket. Returns 0 or -errno, logged. The caller closes *out with sockdiag_close(). */
int sockdiag_open(struct sockdiag **out);
void sockdiag_close(struct sockdiag *s);

/*
 * Terminates n <= TICKLE_MAX connections in two round trips to the kernel. ended[i] is true when
 * connection i had a socket (in any state but LISTEN and TIME_WAIT) and this socket is destroyed.
 * Returns how many were terminated, or -errno when the whole request failed: -EOPNOTSUPP means that
 * the kernel was built without CONFIG_INET_DIAG_DESTROY.
 */
int sockdiag_destroy(struct sockdiag *s, const struct tickle_conn *conns, unsigned int n,
		     bool ended[]);

#endif
