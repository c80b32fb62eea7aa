/* SPDX-License-Identifier: GPL-2.0-only */
/* Collects what the policy decides on: services, peers, the operator's orders, the link. */
#ifndef HOKM_DAEMON_POLICY_INPUT_H
#define HOKM_DAEMON_POLICY_INPUT_H

#include "decide/policy.h"

struct daemon;

/* Has a service of this node failed, or are all up again? Called before policy_input(). */
void policy_note_relapse(struct daemon *d);

/* Reads only the daemon's state: peers_read() comes before. Peers are named by their slots. */
void policy_input(const struct daemon *d, struct policy_input *in);

/* Is there a peer whose pulses are answered and whose services are all up? */
bool policy_peer_serves(const struct daemon *d, uint64_t now_ns);
/* This node owns. Is it certain that no other one does: by a majority, or as all report? */
bool policy_sole_owner(const struct daemon *d, uint64_t now_ns);

#endif
