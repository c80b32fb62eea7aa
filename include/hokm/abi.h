/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI between the BPF programs and user space: keys and values of the maps, the pulse on the
 * wire, the event record, and the states that both sides name. This header includes all its parts.
 *
 *   abi_base.h      version, sizes of tables, targets, addresses
 *   abi_states.h    states of VRRP, services, TCP, WebSocket and frame tracking
 *   abi_counters.h  counters
 *   abi_events.h    event records
 *   abi_conn.h      conns, half_open, replica, changes
 *   abi_config.h    cfg, own, services, suspects, keys, fences, meta
 *   abi_grant.h     grants
 *   abi_peer.h      pulses, peers, path_peers
 *   abi_waits.h     waits, latency
 *
 * Rules of the ABI headers
 *  - Types have a fixed width, padding is explicit, and a static assert checks every size.
 *  - The byte order is in the type: __be16, __be32 and __be64 are network order, all other types
 *    are host order.
 *  - All times are CLOCK_BOOTTIME nanoseconds (bpf_ktime_get_boot_ns), and 0 means "never". last_ns
 *    and last_data_ns of a flow are up to HOKM_CLOCK_COARSE_NS late.
 *  - Every change of a layout raises HOKM_ABI_VERSION. A daemon refuses pins of another version,
 *    and pins whose layout hash is not its own.
 *
 * Who writes which map
 *
 *   cfg, own, meta, keys, services     user space
 *   fences                             BPF seen_ns; user space makes and deletes the entries
 *   suspects                           BPF until_ns and since_ns, user space held_until_ns
 *   peers, path_peers, peer_macs       BPF; user space clears the slots of removed peers and writes
 *                                      alive_ns when it verified a sign
 *   conns, half_open                   BPF; user space deletes entries of conns
 *   grants                             both, by compare-and-swap what both write (hokm/grant.h,
 *                                      hokm/grant_count.h)
 *   waits                              both by atomic addition; user space takes off the requests
 *                                      of entries that it deletes
 *   replica                            user space; BPF answered_ns, gone and seq_next of entries
 *                                      whose holder is dead
 *   changes, counters, latency         BPF
 *   event_limits, events               BPF
 */
#ifndef HOKM_ABI_H
#define HOKM_ABI_H

#include "hokm/abi_base.h"
#include "hokm/abi_states.h"
#include "hokm/abi_counters.h"
#include "hokm/abi_events.h"
#include "hokm/abi_conn.h"
#include "hokm/abi_config.h"
#include "hokm/abi_grant.h"
#include "hokm/abi_peer.h"
#include "hokm/abi_waits.h"

#endif
