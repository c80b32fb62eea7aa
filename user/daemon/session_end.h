/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ending connections: those that live here, by SOCK_DESTROY and an RST of our own (ending.c); and
 * those of a dead peer, at their clients (takeover.c). Both go a slice at a time, every
 * millisecond.
 */
#ifndef HOKM_DAEMON_ENDING_H
#define HOKM_DAEMON_ENDING_H

#include "act/session_reset.h"
#include "hokm/names.h"

struct daemon;

/* RSTs of a service say nothing of its server for so long after the last connection was ended. */
#define ENDING_QUIET_NS 2000000000ULL

/* 0 or -errno, logged. */
int daemon_ending_open(struct daemon *d);
void daemon_ending_close(struct daemon *d);
/* Ends every connection of the service (index of the configuration) that lives here. */
void daemon_end_service(struct daemon *d, unsigned int service, enum hokm_reason reason);
/* The service's RSTs are ours from now on, for ENDING_QUIET_NS. */
void daemon_ending_quiet(struct daemon *d, unsigned int service, uint64_t now_ns);
/* Each tick of the pulse: hung services, the drain's time-out. */
void daemon_ending_tick(struct daemon *d, uint64_t now_ns);

/* takeover.c */
int daemon_takeover_open(struct daemon *d);
void daemon_takeover_close(struct daemon *d);
/* Each tick of the pulse, and right after a gratuitous ARP. */
void daemon_takeover_tick(struct daemon *d, uint64_t now_ns);

#endif
