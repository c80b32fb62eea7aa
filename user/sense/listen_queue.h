/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues of the sockets that listen for a service on this machine (linux/sock_diag.h): how many
 * connections wait for accept(). When a queue is full the kernel discards SYNs without an answer.
 * This is the one sign that SYNs stay unanswered because of the server, and not because of a packet
 * filter, a wrong checksum or a forged source.
 */
#ifndef HOKM_SENSE_LISTEN_QUEUE_H
#define HOKM_SENSE_LISTEN_QUEUE_H

#include <netinet/in.h>
#include <stdint.h>

enum listen_queue {
	LISTEN_NONE, /* no socket of this network namespace listens for the service */
	LISTEN_OPEN,
	LISTEN_FULL, /* one of them accepts nothing: its queue is full */
};

/*
 * Asks the kernel and waits for nothing. Only the first question of a machine takes longer: the
 * kernel may load a module for it. vip: the address that clients connect to. port: in host
 * order. Returns enum listen_queue, or -errno.
 */
int listen_queue(struct in_addr vip, uint16_t port);

#endif
