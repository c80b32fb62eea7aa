/* SPDX-License-Identifier: GPL-2.0-only */
/* See path_news.h. */
#include "decide/path_news.h"

bool path_news_step(struct path_news *p, bool answers, bool alive, uint64_t now_ns)
{
	const bool was = p->silent;

	if (answers || !alive)
		p->since_ns = 0;
	else if (!p->since_ns)
		p->since_ns = now_ns;
	if (answers)
		p->silent = false;
	else if (p->since_ns && now_ns - p->since_ns >= PATH_NEWS_NS)
		p->silent = true;
	return p->silent != was;
}
