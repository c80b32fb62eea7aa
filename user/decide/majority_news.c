/* SPDX-License-Identifier: GPL-2.0-only */
/* See majority_news.h. */
#include "decide/majority_news.h"

static bool report(struct majority_news *news, enum majority_reported reported)
{
	bool changed = news->reported != reported;

	news->reported = reported;
	return changed;
}

bool majority_news_step(struct majority_news *news, const struct majority_seen *seen,
			uint64_t now_ns)
{
	uint64_t limit_ns = seen->limit_ns;

	if (!seen->in_force || seen->in_touch >= seen->majority) {
		news->lacking_ns = 0;
		return report(news, seen->in_force ? MAJORITY_THERE : MAJORITY_NOTHING);
	}
	if (!news->lacking_ns)
		news->lacking_ns = now_ns;
	if (news->reported == MAJORITY_NOTHING && limit_ns < MAJORITY_START_NS)
		limit_ns = MAJORITY_START_NS;
	return now_ns - news->lacking_ns >= limit_ns && report(news, MAJORITY_LACKING);
}
