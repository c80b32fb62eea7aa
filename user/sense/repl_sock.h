/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The UDP socket of replication messages: bound to this node's address and port, TTL 255 both ways
 * (XDP has dropped what is not from a peer or came through a router), no name look-ups,
 * non-blocking.
 */
#ifndef HOKM_SENSE_REPL_SOCK_H
#define HOKM_SENSE_REPL_SOCK_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct repl_sock; /* opaque */

/* 0 or -errno, logged. */
int repl_sock_open(int ifindex, struct in_addr addr, uint16_t port_host, struct repl_sock **out);
void repl_sock_close(struct repl_sock *s);
int repl_sock_fd(const struct repl_sock *s);
int repl_sock_send(struct repl_sock *s, struct in_addr peer, const void *buf, size_t len);
/* Bytes, or -EAGAIN, -errno. A datagram longer than size counts as `size + 1` bytes. */
ssize_t repl_sock_recv(struct repl_sock *s, void *buf, size_t size, struct in_addr *from);

#endif
