/* SPDX-License-Identifier: GPL-2.0-only */
/* See ended_inbox.h. */
#include <string.h>

#include "base/clock.h"
#include "daemon/ended_inbox.h"

void ended_note(struct ended_inbox *in, uint8_t peer, const struct repl_record *rec,
		unsigned int service, uint64_t now_ns)
{
	uint64_t age_ns = rec->age_ms * NS_PER_MS;

	if (service >= HOKM_MAX_SERVICES || in->n == ENDED_QUEUE)
		return;
	in->queue[in->n++] = (struct ended_record){
		.key.client = rec->client,
		.key.client_port = rec->client_port,
		.key.service = (__u16)service,
		.isn = rec->isn,
		.peer = peer,
		.ended_ns = age_ns < now_ns ? now_ns - age_ns : 0,
	};
}

bool ended_has_room(const struct ended_inbox *in)
{
	return in->n + REPL_RECORDS <= ENDED_QUEUE;
}

void ended_drop(struct ended_inbox *in, unsigned int n)
{
	in->n -= n;
	memmove(in->queue, in->queue + n, in->n * sizeof(*in->queue));
}
