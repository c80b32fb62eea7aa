/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which sockets are connections, by the state in an answer of sock_diag. When no connection has the
 * addresses of a question, the kernel answers with the socket that listens. TIME_WAIT and CLOSE are
 * what is left of a connection: no program has it any more.
 */
#ifndef HOKM_SOCK_STATE_H
#define HOKM_SOCK_STATE_H

#include <netinet/tcp.h>
#include <stdbool.h>

/* `state`: of struct inet_diag_msg. */
static inline bool sock_is_connection(unsigned char state)
{
	return state != TCP_LISTEN && state != TCP_TIME_WAIT && state != TCP_CLOSE;
}

#endif
