/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the nodes' own sockets (VRRP, pulses, replication) are set up with, and the words when that
 * fails.
 */
#ifndef HOKM_SENSE_SOCK_H
#define HOKM_SENSE_SOCK_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOCK_TOS_CS6  0xc0 /* VRRP and pulses */
#define SOCK_TOS_CS4  0x80 /* replication: behind them, before the game */
#define SOCK_PRIORITY 6    /* of the queueing discipline: before everything but network control */

/* One option whose value is a number. */
struct sock_option {
	int level, name, value;
	const char *text; /* its name, for the log */
};

/* All three: 0, or -errno after a line in the log that begins with who ("pulse"). */

int sock_set(int fd, const char *who, int level, int name, const void *value, socklen_t len,
	     const char *text);

/* In order, up to the first that fails. */
int sock_set_all(int fd, const char *who, const struct sock_option *options, size_t n);

/* Binds a UDP socket. When another program has the port, the log names the setting to change. */
int sock_bind_udp(int fd, const char *who, struct in_addr addr, uint16_t port_host);

#endif
