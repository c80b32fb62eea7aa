/* SPDX-License-Identifier: GPL-2.0-only */
/* See obstacle_status.h. */
#include <stdio.h>

#include "base/clock.h"
#include "daemon/upkeep.h"
#include "sense/link.h"
#include "serve/obstacle_status.h"

const char *obstacle_status(const char *interface, const struct link_watch *link, bool link_up,
			    const struct upkeep *u, uint64_t now_ns, char dst[OBSTACLE_TEXT_MAX])
{
	uint64_t waits_ns;
	const char *what = upkeep_obstacle(u, now_ns, &waits_ns);

	dst[0] = '\0';
	if (!link_up)
		snprintf(dst, OBSTACLE_TEXT_MAX, "interface %s %s", interface,
			 link_watch_up(link) ? "is not complete yet" : link_watch_text(link));
	else if (what && waits_ns)
		snprintf(dst, OBSTACLE_TEXT_MAX,
			 "%s was gone, and is back: it must stay for %llu s more", what,
			 (unsigned long long)(waits_ns / NS_PER_S + 1));
	else if (what)
		snprintf(dst, OBSTACLE_TEXT_MAX, "%s is gone", what);
	return dst;
}
