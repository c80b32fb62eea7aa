/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why this node may not own the VIP, in words: what is wrong with its interface, or what is gone in
 * the kernel. The reason codes `link-down` and `path-lost` say which of the two; the log and the
 * event stream say the rest once, at its beginning, and status as long as it lasts.
 */
#ifndef HOKM_SERVE_OBSTACLE_STATUS_H
#define HOKM_SERVE_OBSTACLE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#define OBSTACLE_TEXT_MAX 256

struct link_watch;
struct upkeep;

/* "" when there is none. Returns dst. */
const char *obstacle_status(const char *interface, const struct link_watch *link, bool link_up,
			    const struct upkeep *u, uint64_t now_ns, char dst[OBSTACLE_TEXT_MAX]);

#endif
