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
 * A witness is known by its address and port: what it left under another name, or in another bpffs,
 * is removed by the functions that open and remove its packet path. Their caller has the port of
 * the witness, so that no other process is this witness.
 */
#ifndef HOKM_PATH_BPF_WITNESS_H
#define HOKM_PATH_BPF_WITNESS_H

#include "path/bpf.h"

/* Whether a process is the witness of this address and port. */
typedef bool (*hokm_witness_runs_fn)(struct hokm_addr addr, __be16 port);

/*
 * Loads the program, with the pinned maps when they are whole and of this version (then *adopted),
 * else with new ones, which are pinned. Nothing is attached: first the caller writes cfg, keys and
 * hokm_bpf_allow_grants(). Returns 0 or -errno, logged; -EBUSY: the interface has an XDP program of
 * others; -EEXIST: the pins of this name are those of another witness that `runs`, or of another
 * network namespace, and nothing of it was touched. The caller closes *out with hokm_bpf_close().
 */
int hokm_bpf_open_witness(const struct conf *c, unsigned int self, const char *interface,
			  hokm_witness_runs_fn runs, struct hokm_bpf **out, bool *adopted);

/*
 * The longest grant that the witness gives; 0: it takes no part. Promises that run stay. A member
 * that took no part until now is silent first. The XDP program may run meanwhile.
 */
void hokm_bpf_allow_grants(struct hokm_bpf *b, uint64_t longest_ns);

/* Attaches the program in the place of an earlier one of this witness. 0 or -errno, logged. */
int hokm_bpf_attach_witness(struct hokm_bpf *b);

/*
 * Detaches the program of this witness and removes its pins. Returns 1, 0 when there was nothing,
 * or -errno, logged. Pins of its name that are those of another witness that `runs`, or of another
 * network namespace, stay.
 */
int hokm_bpf_remove_witness(const struct conf *c, unsigned int self, hokm_witness_runs_fn runs);

/*
 * Does the same for each witness that has a program on an interface here, without a configuration.
 * What a witness that `runs` has stays, logged. Returns how many were removed, or -errno, logged.
 */
int hokm_bpf_remove_witnesses(hokm_witness_runs_fn runs);

#endif
