/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet path of a witness: one XDP program (bpf/witness_pulse.h) and the maps that it uses. A
 * witness has no VIP, so there is no egress filter and no fence.
 *
 * The handle is that of a node with fewer maps. These functions of path/bpf.h work on it: cfg,
 * keys, grants, peers, counters, hokm_bpf_mode(), hokm_bpf_again_ingress(), hokm_bpf_again_pins(),
 * hokm_bpf_move() and hokm_bpf_close(), which leaves the packet path as it is.
 *
 * Pins: <bpffs>/hokm-xdp-witness/<witness>/. They are those of one version: maps of another one are
 * made anew, and their promises with them, because a witness that is silent for a while is no harm.
 *
 * A witness is known by its address and port, also in pins of another version: what it left under
 * another name, or in another bpffs, is removed by the functions that open and remove its packet
 * path. Their caller has the port of the witness, so that no other process is this witness.
 *
 * Two groups of one machine may give their witnesses the same name, and so the same folder. The one
 * that was there first keeps it: also while its process is being restarted, for its kernel answers
 * meanwhile. Opening, until the program is attached, and removing happen one after the other, by a
 * lock of the folder above.
 */
#ifndef HOKM_PATH_BPF_WITNESS_H
#define HOKM_PATH_BPF_WITNESS_H

#include "path/bpf.h"

/* The process of the witness of an address and port, as this network namespace sees it. */
enum hokm_witness_process {
	HOKM_WITNESS_NOWHERE, /* the address is not here: there can be none */
	HOKM_WITNESS_ABSENT,  /* none runs; the next one may come at any moment */
	HOKM_WITNESS_RUNS,
};

typedef enum hokm_witness_process (*hokm_witness_process_fn)(struct hokm_addr addr, __be16 port);

/*
 * Loads the program, with the pinned maps when they are whole and of this version (then *adopted),
 * else with new ones, which are pinned. Nothing is attached: first the caller writes cfg, keys and
 * hokm_bpf_allow_grants(). Returns 0 or -errno, logged; -EBUSY: the interface has an XDP program of
 * others; -EEXIST: the pins of this name are those of another witness, and nothing of it was
 * touched; -EBUSY also: another process kept the lock. This one has it until it attaches the
 * program or closes *out; so it must not remove a witness before that. The caller closes *out with
 * hokm_bpf_close().
 */
int hokm_bpf_open_witness(const struct conf *c, unsigned int self, const char *interface,
			  hokm_witness_process_fn process, struct hokm_bpf **out, bool *adopted);

/*
 * The longest grant that the witness gives; 0: it takes no part. Promises that run stay. A member
 * that took no part until now is silent first. The XDP program may run meanwhile.
 */
void hokm_bpf_allow_grants(struct hokm_bpf *b, uint64_t longest_ns);

/*
 * Attaches the program in the place of an earlier one of this witness, and ends the lock in every
 * case. 0 or -errno, logged.
 */
int hokm_bpf_attach_witness(struct hokm_bpf *b);

/*
 * Detaches the program of this witness and removes its pins. Returns 1, 0 when there was nothing,
 * or -errno, logged. Pins of its name that are those of another witness stay.
 */
int hokm_bpf_remove_witness(const struct conf *c, unsigned int self,
			    hokm_witness_process_fn process);

/*
 * Does the same for each witness that has a program on an interface here, without a configuration.
 * What a witness whose process runs has stays, logged. Returns how many were removed, or -errno,
 * logged.
 */
int hokm_bpf_remove_witnesses(hokm_witness_process_fn process);

#endif
