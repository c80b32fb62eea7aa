/* SPDX-License-Identifier: GPL-2.0-only */
/* See upkeep_judge.h. */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/upkeep_judge.h"

#define BIT(part) (1u << (part))
/* Without these the node is no good owner. */
#define VITAL_PARTS                                                                   \
	(BIT(KEEP_ADDRS) | BIT(KEEP_ROUTES) | BIT(KEEP_SYSCTLS) | BIT(KEEP_INGRESS) | \
	 BIT(KEEP_EGRESS) | BIT(KEEP_SELF) | BIT(KEEP_CLIENTS))

#define GONE_NS  (200 * NS_PER_MS)
#define SIGHT_NS (NS_PER_S)
/* The same, without a failure: so long the kernel may take to add an address. */
#define KERNEL_NS (5 * NS_PER_S)
/* So long the node stays away: the address may only fail while the node owns it. */
#define BROKEN_NS (30 * NS_PER_S)

static void note_since(uint64_t *since_ns, bool is, uint64_t now_ns)
{
	if (!is)
		*since_ns = 0;
	else if (!*since_ns)
		*since_ns = now_ns;
}

static bool is_long(uint64_t since_ns, uint64_t now_ns)
{
	return since_ns && now_ns - since_ns >= UPKEEP_PATIENCE_NS;
}

static void note_lack(struct upkeep_lack *l, const char *what, uint64_t stay_ns, uint64_t now_ns)
{
	l->found_ns = now_ns;
	if (l->until_ns < now_ns + stay_ns)
		l->until_ns = now_ns + stay_ns;
	l->by = what;
}

/* These fail the same way whether the node owns or not. */
static uint64_t stay_away_ns(enum keep_part part)
{
	return part == KEEP_SELF || part == KEEP_CLIENTS ? UPKEEP_PATIENCE_NS : BROKEN_NS;
}

static void report_sight(const struct upkeep *u)
{
	const char *interface = u->node->conf->interface;

	if (!u->sight.blind) {
		log_info("the egress filter of %s sees again what leaves", interface);
		return;
	}
	log_error("the egress filter of %s does not see what leaves: "
		  "another filter before it ends the chain; "
		  "an owner hands the VIP over, if a peer can take it; "
		  "let that filter return TC_ACT_UNSPEC (TCX_NEXT at the tcx hook)",
		  interface);
	events_add(u->node->events, "upkeep", HOKM_R_PATH_LOST,
		   "egress filter: another filter hides from it what leaves");
}

/* When the newest probe left that a peer answered over the segment. */
static uint64_t answered_ns(const struct peers *p)
{
	uint64_t newest_ns = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && p->list[slot].map.answer_sent_ns > newest_ns)
			newest_ns = p->list[slot].map.answer_sent_ns;
	return newest_ns;
}

static void look_at_sight(struct upkeep *u, uint64_t now_ns)
{
	const bool blind = u->sight.blind;
	uint64_t seen;

	if (u->failing_ns[KEEP_EGRESS]) { /* a filter that is not there sees nothing */
		u->sight = (struct egress_sight){0};
		if (blind)
			log_info("the egress filter of %s fails: "
				 "whether it sees what leaves is not known any more",
				 u->node->conf->interface);
		return;
	}
	if (now_ns >= u->sight_ns) {
		u->sight_ns = now_ns + SIGHT_NS;
		if (!upkeep_sight_read(u, &seen))
			egress_sight_step(&u->sight, answered_ns(&u->node->peers), seen, now_ns);
		if (u->sight.blind != blind)
			report_sight(u);
	}
	if (u->sight.blind)
		note_lack(&u->broken, "sight of the egress filter", BROKEN_NS, now_ns);
}

void upkeep_judge(struct upkeep *u, uint64_t now_ns)
{
	note_since(&u->unset_ns, apply_failing(u->node->apply), now_ns);
	note_since(&u->lacking_ns, apply_lacking(u->node->apply), now_ns);
	if (is_long(u->unset_ns, now_ns))
		note_lack(&u->broken, "an address or a route of a VIP", BROKEN_NS, now_ns);
	if (u->lacking_ns && now_ns - u->lacking_ns >= KERNEL_NS)
		note_lack(&u->broken, "an address or a route of a VIP", BROKEN_NS, now_ns);
	for (unsigned int i = 0; i < KEEP_PARTS; i++) {
		const enum keep_part part = (enum keep_part)i;

		if (VITAL_PARTS & BIT(i) && is_long(u->failing_ns[i], now_ns))
			note_lack(&u->broken, keep_part_text(part), stay_away_ns(part), now_ns);
	}
	if (is_long(u->failing_ns[KEEP_PINS], now_ns))
		note_lack(&u->unpinned, keep_part_text(KEEP_PINS), BROKEN_NS, now_ns);
	look_at_sight(u, now_ns);
}

void upkeep_judge_removal(struct upkeep *u, enum keep_part part, uint64_t now_ns)
{
	uint64_t stay_ns;

	if (!(VITAL_PARTS & BIT(part)))
		return;
	stay_ns = removals_note(&u->removals[part], now_ns);
	if (!stay_ns)
		return;
	if (!upkeep_broken(u, now_ns))
		log_warn("%s of %s was removed by another program %d times within %llu s: "
			 "an owner hands the VIP over, if a peer can take it, "
			 "and stays away until it has been there for %llu s; "
			 "find the program that removes it (ip monitor, bpftool)",
			 keep_part_text(part), u->node->conf->interface, REMOVALS_MANY,
			 REMOVALS_NS / NS_PER_S, (unsigned long long)(stay_ns / NS_PER_S));
	note_lack(&u->broken, keep_part_text(part), stay_ns, now_ns);
}

bool upkeep_is_passing(struct upkeep *u, enum keep_part part, int n, uint64_t now_ns)
{
	const uint64_t wait_ns = part == KEEP_SELF ? GONE_NS : UPKEEP_PATIENCE_NS;
	const int gone = part == KEEP_SELF ? -EADDRNOTAVAIL : -ENETUNREACH;

	if (part != KEEP_SELF && part != KEEP_CLIENTS)
		return false;
	note_since(&u->missed_ns[part], n == gone, now_ns);
	return u->missed_ns[part] && now_ns - u->missed_ns[part] < wait_ns;
}

bool upkeep_broken(const struct upkeep *u, uint64_t now_ns)
{
	return now_ns < u->broken.until_ns;
}

bool upkeep_unpinned(const struct upkeep *u, uint64_t now_ns)
{
	return now_ns < u->unpinned.until_ns;
}

const char *upkeep_obstacle(const struct upkeep *u, uint64_t now_ns, uint64_t *waits_ns)
{
	const struct upkeep_lack *l = upkeep_broken(u, now_ns) ? &u->broken : &u->unpinned;
	/* It is judged at each tick of the pulse. */
	bool back = now_ns >= l->found_ns + UPKEEP_PATIENCE_NS;

	*waits_ns = 0;
	if (now_ns >= l->until_ns)
		return NULL;
	if (back)
		*waits_ns = l->until_ns - now_ns;
	return l->by;
}
