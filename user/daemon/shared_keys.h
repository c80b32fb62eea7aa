/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys that must be the same on all nodes and that only a restart changes. Nodes that differ in
 * them do not hear each other. With one restarted after the other both own the VIP, so a file that
 * changes such a key is taken only while no peer runs.
 */
#ifndef HOKM_DAEMON_SHARED_KEYS_H
#define HOKM_DAEMON_SHARED_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct peers;
struct replication;

/* Is a key that needs a restart, which a refused reload names, one of them? */
bool shared_keys_has(const char *key);
/* The name of one in which the file differs from the configuration that runs, or NULL. */
const char *shared_keys_changed(const struct conf *is, const struct conf *wanted);
/*
 * The name of a peer whose daemon runs, or NULL. It is known by the sign of life in its pulses, by
 * its adverts, or by its replication, whatever its state is. One that was stopped counts until
 * its last signs are old: for REPL_FRESH_NS, or `pulse.stale` if that is longer. The name is valid
 * as long as the configuration.
 */
const char *shared_keys_peer(const struct peers *p, const struct replication *r, uint64_t now_ns);

#endif
