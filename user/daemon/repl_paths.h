/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets of replication messages: one of the segment, and one of each path of the pulses that
 * is in use (pulse_paths.h), with the node's address there. What is sent to a peer goes over one of
 * them (decide/repl_path.h); what comes over any is read.
 *
 * Invariants
 *  - A message counts as the peer's whose address it comes from on the path that it came over. The
 *    packet path has dropped what is from no peer (bpf/repl_guard.h), and what is not signed with
 *    the peer's key is discarded (decide/repl.h), whatever its path is.
 *  - A path that cannot be used is reported by pulse_paths.h. Replication does without it.
 */
#ifndef HOKM_DAEMON_REPL_PATHS_H
#define HOKM_DAEMON_REPL_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "daemon/pulse_paths.h"
#include "decide/repl_path.h"
#include "sense/repl_sock.h"

struct repl_socket {
	struct repl_sock *sock; /* NULL: the path is not in use */
	sd_event_source *io;
	struct path_place place; /* where it was opened, or could not be; of the segment nothing */
	uint64_t again_ns;       /* one that could not be opened is tried again then */
};

struct repl_paths {
	struct node *node;
	const struct pulse_paths *pulses;
	sd_event_io_handler_t on_readable;
	void *arg;
	struct repl_socket list[PULSE_PATHS];
	struct repl_path to[HOKM_MAX_PEERS];
};

/*
 * Opens the socket of the segment. on_readable() gets its fd and arg, is to read it by
 * repl_paths_recv(). Returns 0 or -errno. Caller: repl_paths_close(), also after an error.
 */
int repl_paths_open(struct repl_paths *p, struct node *n, const struct pulse_paths *pulses,
		    sd_event_io_handler_t on_readable, void *arg);
void repl_paths_close(struct repl_paths *p);
/* The interface of the segment was made again, with this index. 0 or -errno, logged. */
int repl_paths_set_interface(struct repl_paths *p, int ifindex);

/* At each tick: opens and closes sockets as the paths of the pulses do. */
void repl_paths_follow(struct repl_paths *p, uint64_t now_ns);
/* At each tick: chooses the path to the peer in this slot. */
void repl_paths_choose(struct repl_paths *p, unsigned int slot, bool connected, uint64_t now_ns);
/* The slot has another peer now. */
void repl_paths_forget(struct repl_paths *p, unsigned int slot);

/* Sends one message to the peer in this slot. Returns 0 or -errno. */
int repl_paths_send(const struct repl_paths *p, unsigned int slot, const void *buf, size_t len);
/*
 * Receives one message from the socket fd, as repl_sock_recv(). *slot is HOKM_NO_PEER when it is
 * from no peer.
 */
ssize_t repl_paths_recv(const struct repl_paths *p, int fd, void *buf, size_t size, uint8_t *slot);

#endif
