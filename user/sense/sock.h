/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Setting up the sockets between nodes: VRRP, pulses, replication. `who` is the name of the socket
 * ("pulse"); every message about a failure begins with it or contains it.
 */
#ifndef HOKM_SENSE_SOCK_H
#define HOKM_SENSE_SOCK_H

#include <linux/filter.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SOCK_TOS_CS6  0xc0 /* VRRP and pulses */
#define SOCK_TOS_CS4  0x80 /* replication: after VRRP and pulses, before the game */
#define SOCK_PRIORITY 6    /* for the queueing discipline: before all but network control */

/* One socket option whose value is a number. */
struct sock_option {
	int level, name, value;
	const char *text; /* the name of the option, for the log */
};

/* Sets one option. Returns 0 or -errno, logged. */
int sock_set(int fd, const char *who, int level, int name, const void *value, socklen_t len,
	     const char *text);

/* Binds the socket to another interface. Returns 0 or -errno, logged. */
int sock_set_interface(int fd, const char *who, int ifindex);

/* Sets options in order, up to the first that fails. Returns 0 or -errno, logged. */
int sock_set_all(int fd, const char *who, const struct sock_option *options, size_t n);

/*
 * Opens a non-blocking UDP socket, sets the options, attaches the filter (may be NULL), and binds
 * it to this address and port. Nothing can be received before the filter is attached. When another
 * program uses the port, the log names the key to change. Returns the descriptor, which the caller
 * closes, or -errno, logged.
 */
int sock_open_udp(const char *who, struct in_addr addr, uint16_t port_host,
		  const struct sock_option *options, size_t n, const struct sock_fprog *filter);

/* Sends one datagram to a peer. Returns 0 or -errno. */
int sock_send_udp(int fd, struct in_addr peer, uint16_t port_host, const void *buf, size_t len);

#endif
