/* SPDX-License-Identifier: GPL-2.0-only */
/* See ended_inbox.h. */
#include <string.h>

#include "base/clock.h"
#include "daemon/ended_inbox.h"
#include "decide/ghost.h"

/* Its peer replicates a connection again and again: it is compared for so long. */
#define RECENT_NS (60 * NS_PER_S)

/* Is the connection here that has its address and port a ghost? Then *isn is that of the ghost. */
static bool replaces(struct hokm_bpf *b, const struct hokm_conn_key *k, uint64_t since_ns,
		     uint32_t *isn)
{
	struct hokm_conn c;

	if (hokm_bpf_get_conn(b, k, &c) || !ghost_replaced(&c, *isn, since_ns))
		return false;
	*isn = c.isn;
	return true;
}

void ended_note(struct ended_inbox *in, struct hokm_bpf *b, uint8_t peer,
		const struct repl_record *rec, unsigned int service, uint64_t now_ns)
{
	uint64_t age_ns = rec->age_ms * NS_PER_MS;
	struct ended_record r = {
		.key.client = rec->client,
		.key.client_port = rec->client_port,
		.key.service = (__u16)service,
		.isn = rec->isn,
		.peer = peer,
		.replaced = rec->what == REPL_HAVE,
		.ended_ns = age_ns < now_ns ? now_ns - age_ns : 0,
	};

	if (service >= HOKM_MAX_SERVICES || in->n == ENDED_QUEUE)
		return;
	if (rec->what == REPL_ENDED || (r.replaced && rec->began && age_ns < RECENT_NS &&
					replaces(b, &r.key, r.ended_ns, &r.isn)))
		in->queue[in->n++] = r;
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
