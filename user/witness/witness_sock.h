/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The socket of a witness: pulses with the TTL of their packets in, answers out. Where the kernel
 * answers, no packet reaches the socket, and it keeps other processes from being this witness.
 *
 * It is bound to the address of the witness and to no interface, so that an interface that is made
 * again changes nothing.
 */
#ifndef HOKM_WITNESS_SOCK_H
#define HOKM_WITNESS_SOCK_H

#include <netinet/in.h>
#include <stdint.h>

#include "path/bpf_witness.h"
#include "witness/witness.h"

/* A descriptor, which the caller closes, or -errno, logged. */
int witness_sock_open(struct in_addr addr, uint16_t port_host);

/* Whether a process of this network namespace is the witness of this address and port. */
enum hokm_witness_process witness_sock_process(struct hokm_addr addr, __be16 port);

/* Answers the packets that wait, at most `most` of them. Returns how many there were. */
unsigned int witness_sock_serve(int fd, struct witness *w, unsigned int most);

#endif
