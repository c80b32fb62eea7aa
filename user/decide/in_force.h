/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * By which members this node counts its grants, and how many of them must grant, while a reload
 * changes the members (docs/arbiters.md). The configuration says what is wanted. What is in force
 * is what the packet path counts by.
 *
 *   no owner, or the wanted members grant it      what is wanted comes into force at once
 *   an owner that they do not grant yet           what was in force stays, so that it stays owner
 *
 * Invariants
 *   - The number that must grant, and the members that may, are those of one file. A new member
 *     counts only together with the new number. Else two members of four could make an owner while
 *     the other two make another one.
 *   - A member that is removed counts no more from that moment on.
 *   - Any two files that may stand beside each other have majorities that meet (conf_majorities_
 *     meet()). A node goes by one of the two, so a reload can wait for its owner as long as it
 *     takes, if no further file comes meanwhile (reload.c).
 */
#ifndef HOKM_DECIDE_IN_FORCE_H
#define HOKM_DECIDE_IN_FORCE_H

#include <stdbool.h>
#include <stdint.h>

struct in_force {
	unsigned int majority; /* members that must grant, this node among them; 0: grants are off
				*/
	uint32_t slots;        /* bit by slot: the other members */
};

/*
 * granted: an owner would be one by what is wanted, too. Without a majority in what is wanted: it
 * is one by what is in force.
 */
void in_force_step(struct in_force *f, const struct in_force *wanted, bool owner, bool granted);

#endif
