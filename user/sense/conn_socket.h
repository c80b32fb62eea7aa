/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a connection of a client has its socket on this machine (linux/sock_diag.h). A client may
 * say nothing for hours, and so may its server: then only the kernel knows that both are there.
 */
#ifndef HOKM_SENSE_CONN_SOCKET_H
#define HOKM_SENSE_CONN_SOCKET_H

#include <linux/types.h>
#include <netinet/in.h>

/*
 * Asks the kernel and waits for nothing. Ports are in network order. Returns 1: a socket of this
 * network namespace has the connection, in any state but LISTEN, TIME_WAIT and CLOSE; 0: none has;
 * or -errno.
 */
int conn_socket(struct in_addr vip, __be16 port, struct in_addr client, __be16 client_port);

#endif
