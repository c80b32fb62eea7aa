/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The UDP socket of replication messages. It is bound to this node's address and port, it does not
 * block, and it sends with TTL 255. XDP has already dropped messages that are not from a peer or
 * that came through a router (RFC 5082).
 *
 * A struct repl_sock is used by the thread of the event loop only.
 */
#ifndef HOKM_SENSE_REPL_SOCK_H
#define HOKM_SENSE_REPL_SOCK_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct repl_sock; /* opaque */

/* Opens the socket. Returns 0 or -errno, logged. The caller closes it with repl_sock_close(). */
int repl_sock_open(int ifindex, struct in_addr addr, uint16_t port_host, struct repl_sock **out);
void repl_sock_close(struct repl_sock *s);

/* The interface was made again, with this index. Returns 0 or -errno, logged. */
int repl_sock_set_interface(struct repl_sock *s, int ifindex);

/* Returns the descriptor, for the event loop. It stays owned by s. */
int repl_sock_fd(const struct repl_sock *s);

/* Sends one message to a peer. Returns 0 or -errno; -EAGAIN when the socket has no room. */
int repl_sock_send(struct repl_sock *s, struct in_addr peer, const void *buf, size_t len);

/*
 * Receives one message. Returns its length in bytes, or size + 1 when it is longer than the buffer.
 * Returns -EAGAIN when there is none, or another -errno.
 */
ssize_t repl_sock_recv(struct repl_sock *s, void *buf, size_t size, struct in_addr *from);

#endif
