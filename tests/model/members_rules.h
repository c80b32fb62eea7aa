/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The access of the model members.pml to the code: the rules of grants by rules.h, and what decides
 * on a change of the members. A member has the slot of its number at each node.
 */
#include "members_constants.h"
#include "rules.h"
#include "decide/agree.c"
#include "decide/in_force.c"

#define FILES 3

static const struct rules_file {
	unsigned int majority;
	unsigned int members; /* bit by number */
} rules_files[FILES] = {{2, 0x7}, {3, 0xf}, {2, 0xb}};

static struct in_force rules_wanted(int n, int file)
{
	return (struct in_force){rules_files[file].majority,
				 rules_files[file].members & ~(1U << n)};
}

/* As conf_majorities_meet() of user/conf/conf_members.c. */
static int rules_meet(int a, int b)
{
	const unsigned int all = rules_files[a].members | rules_files[b].members;

	return BROKEN(AT_ONCE) || rules_files[a].majority + rules_files[b].majority >
					  (unsigned int)__builtin_popcount(all);
}

/* Does what the peer tells stand in the way of a change of the file? */
static int rules_behind(int file, int wanted, int told)
{
	const struct agree here = {.hash = {[AGREE_NODE] = (uint32_t)file}};
	const struct agree want = {.hash = {[AGREE_NODE] = (uint32_t)wanted}};
	const struct agree peer = {.hash = {[AGREE_NODE] = (uint32_t)told}};
	const struct agree *const there[HOKM_MAX_PEERS] = {&peer};

	return !BROKEN(PEER) && agree_behind(&here, &want, there) >= 0;
}

static void rules_in_force(struct in_force *f, const struct in_force *wanted, int owner,
			   int granted)
{
	const struct in_force former = *f;

	in_force_step(f, wanted, owner, granted && !BROKEN(STAYS));
	if (BROKEN(COUNT))
		f->slots |= wanted->slots;
	if (BROKEN(LEFT) && f->majority < former.majority)
		f->slots |= former.slots;
}

/* The word of the packet path: until when does a majority grant, by this count? */
static int rules_counts(struct hokm_grants *g, const struct in_force *f)
{
	hokm_grants_set_members(g, f->majority, f->slots);
	return NOW_NS < hokm_grants_end_ns(g);
}
