/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When one of several paths to a peer is reported as silent. Pure; nothing is decided by it.
 *
 * The nodes do without the path, so nobody would notice until the other path fails too. It is
 * reported when the peer answered over another path for PATH_NEWS_NS meanwhile: a peer that is
 * silent on all paths is reported as such, and a few lost pulses are none of it.
 */
#ifndef HOKM_PATH_NEWS_H
#define HOKM_PATH_NEWS_H

#include <stdbool.h>
#include <stdint.h>

#define PATH_NEWS_NS 2000000000ULL

/* All zero at the start. */
struct path_news {
	uint64_t since_ns; /* since when the path alone is silent; 0: it is not */
	bool silent;       /* reported so */
};

/* answers: over this path; alive: over any. True when p->silent has changed: report it. */
bool path_news_step(struct path_news *p, bool answers, bool alive, uint64_t now_ns);

#endif
