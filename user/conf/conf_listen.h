/* SPDX-License-Identifier: GPL-2.0-only */
/* The settings of the HTTP listener (section `listen`). */
#ifndef HOKM_CONF_LISTEN_H
#define HOKM_CONF_LISTEN_H

#include <netinet/in.h>
#include <stdint.h>

/* Connections at the same time, at most. */
#define CONF_LISTEN_CLIENTS_MAX 128

struct conf_listen {
	char address[INET_ADDRSTRLEN]; /* IPv4 */
	uint16_t port;                 /* host order; 0: there is no listener */
	unsigned int clients;
	unsigned int clients_per_address;
	uint64_t timeout_ns; /* the longest life of a connection */
};

#endif
