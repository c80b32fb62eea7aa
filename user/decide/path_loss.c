/* SPDX-License-Identifier: GPL-2.0-only */
/* See path_loss.h. */
#include "decide/path_loss.h"

static void begin(struct path_loss *l, uint64_t sent, uint64_t answered, uint64_t now_ns)
{
	l->since_ns = now_ns;
	l->sent = sent;
	l->answered = answered;
}

void path_loss_step(struct path_loss *l, uint64_t sent, uint64_t answered, uint64_t now_ns)
{
	uint64_t asked, came;

	if (!l->since_ns || sent < l->sent || answered < l->answered) {
		*l = (struct path_loss){0};
		begin(l, sent, answered, now_ns);
		return;
	}
	asked = sent - l->sent;
	if (now_ns - l->since_ns < PATH_LOSS_NS || !asked)
		return;
	came = answered - l->answered;
	/* An answer to a probe of the window before may be among them. */
	l->permille = came >= asked ? 0 : (unsigned int)((asked - came) * 1000 / asked);
	l->known = true;
	begin(l, sent, answered, now_ns);
}
