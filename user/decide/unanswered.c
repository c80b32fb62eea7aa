/* SPDX-License-Identifier: GPL-2.0-only */
/* See unanswered.h. */
#include "decide/unanswered.h"

/* answer: a SYN was answered since the last look. */
static enum unanswered_news begin_anew(struct unanswered *u, const struct unanswered_look *l,
				       bool answer, uint64_t established)
{
	enum unanswered_news news = UNANSWERED_NONE;

	if (u->reported)
		news = UNANSWERED_ENDED;
	else if (answer && !u->ended_once)
		news = UNANSWERED_FIRST_END;
	*u = (struct unanswered){
		.known = true,
		.ended_once = u->ended_once || answer,
		.answered = l->answered,
		.syns = l->syns,
		.established = established,
	};
	return news;
}

/* It was reported, and no SYN has come for so long that it may be over. */
static bool ceased(struct unanswered *u, const struct unanswered_look *l, uint64_t now_ns)
{
	if (l->syns != u->newest || !u->newest_ns) {
		u->newest = l->syns;
		u->newest_ns = now_ns;
	}
	return u->reported && now_ns - u->newest_ns > UNANSWERED_MOST_NS;
}

enum unanswered_news unanswered_step(struct unanswered *u, const struct unanswered_look *l,
				     uint64_t now_ns)
{
	if (!u->known || l->answered != u->answered || l->syns < u->syns)
		return begin_anew(u, l, u->known && l->answered > u->answered, l->established);
	/* The former number stays: until a packet is seen, it proves that there is another way. */
	if (l->unseen && l->established != u->established)
		return begin_anew(u, l, true, u->established);
	if (l->doubtful && !u->reported)
		return begin_anew(u, l, false, u->established);
	if (u->since_ns && !u->reported && now_ns - u->since_ns > UNANSWERED_MOST_NS)
		return begin_anew(u, l, false, u->established);
	if (ceased(u, l, now_ns)) {
		(void)begin_anew(u, l, false, u->established);
		return UNANSWERED_CEASED;
	}
	if (!u->since_ns && l->syns > u->syns)
		u->since_ns = now_ns;
	if (u->reported || !u->since_ns || l->syns - u->syns < UNANSWERED_SYNS ||
	    now_ns - u->since_ns < UNANSWERED_NS)
		return UNANSWERED_NONE;
	u->reported = true;
	return UNANSWERED_BEGAN;
}

enum unanswered_news unanswered_stop(struct unanswered *u)
{
	enum unanswered_news news = UNANSWERED_NONE;

	if (u->reported)
		news = UNANSWERED_ENDED;
	else if (!u->ended_once)
		news = UNANSWERED_FIRST_END;
	*u = (struct unanswered){.ended_once = true};
	return news;
}
