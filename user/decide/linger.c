/* SPDX-License-Identifier: GPL-2.0-only */
/* See linger.h. */
#include "decide/linger.h"

static void note_daemon(struct linger_watch *l, const struct linger_seen *seen, uint64_t now_ns)
{
	l->daemon_ns = seen->daemon_ns;
	l->packets = seen->packets;
	l->packet_ns = now_ns;
}

void linger_init(struct linger_watch *l, const struct linger_seen *seen, uint64_t now_ns)
{
	l->alive = 0;
	note_daemon(l, seen, now_ns);
}

enum linger_answer linger_step(struct linger_watch *l, const struct linger_seen *seen,
			       uint64_t now_ns)
{
	if (seen->daemon_ns != l->daemon_ns) {
		note_daemon(l, seen, now_ns);
		return ++l->alive < LINGER_LOOKS ? LINGER_WAIT : LINGER_DAEMON;
	}
	l->alive = 0;
	if (seen->packets != l->packets) {
		l->packets = seen->packets;
		l->packet_ns = now_ns;
	}
	if (now_ns - l->daemon_ns < seen->linger_ns && now_ns - l->packet_ns < LINGER_QUIET_NS)
		return LINGER_WAIT;
	return seen->players ? LINGER_WAIT : LINGER_OVER;
}
