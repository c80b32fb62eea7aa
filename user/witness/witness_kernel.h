/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A witness whose kernel answers (bpf/witness_pulse.h): its process loads the program, gives it the
 * configuration, watches that it stays, and reports what it does. No packet reaches the process.
 *
 * Invariants
 *   - Promises are in a pinned map. A process that starts adopts it, and is not silent. A map that
 *     is new begins with the silence of hokm_grant_silence_ns().
 *   - A node keeps its slot, which is its number in a promise, as long as it is in the
 *     configuration, and a slot that is given up is not given to another node by the same change.
 *   - Without the map nobody knows the promises. So what is pinned is removed before the process
 *     answers by itself.
 */
#ifndef HOKM_WITNESS_KERNEL_H
#define HOKM_WITNESS_KERNEL_H

#include <net/if.h>

#include "path/bpf_witness.h"
#include "witness/witness.h"

struct witness_kernel {
	struct hokm_bpf *bpf;         /* NULL: the process answers */
	bool adopted;                 /* what an earlier process left */
	uint8_t slot[HOKM_MAX_PEERS]; /* of each node of the configuration */
	struct hokm_counters since;   /* when this process began */
	char interface[IF_NAMESIZE];
	char bpffs[CONF_PATH_MAX];
	bool missing;      /* the program is not on the interface */
	bool unpinned;     /* its pins could not be put back */
	uint64_t again_ns; /* when it is looked for again */
};

/*
 * Pure. Gives each node of the configuration its slot in *cfg, which is zero before: the one it has
 * in `old`, or else one that is free there. Returns 0, or -ENOSPC when none is free.
 */
int witness_slots(const struct conf *c, const struct hokm_cfg *old, struct hokm_cfg *cfg,
		  uint8_t slot[HOKM_MAX_PEERS]);

/* Pure. The promise with the number of its node in the configuration in place of the slot. */
uint64_t witness_promise(const struct witness_kernel *k, unsigned int n_nodes, uint64_t word);

/*
 * Lets the kernel answer for this witness. Returns 0 or -errno, with the cause logged. The caller
 * ends it with witness_kernel_close().
 */
int witness_kernel_open(struct witness_kernel *k, const struct conf *c, unsigned int self,
			const char *interface);

/* The kernel goes by this configuration from now on. Returns 0 or -errno, logged. */
int witness_kernel_configure(struct witness_kernel *k, const struct conf *c, unsigned int self);

/* Reads what the kernel has promised, heard and discarded into *w. */
void witness_kernel_read(const struct witness_kernel *k, struct witness *w);

/* Once a second: the program, its pins and the MAC address in cfg are reconciled. */
void witness_kernel_watch(struct witness_kernel *k, uint64_t now_ns);

/* Frees what the process has of it. The kernel goes on answering. */
void witness_kernel_close(struct witness_kernel *k);

#endif
