/* SPDX-License-Identifier: GPL-2.0-only */
/* See segment_watch.h. */
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/segment_watch.h"

#define ASK_NS NS_PER_S
/* Its route comes with the link, or a moment later. */
#define ROUTE_NS (100 * NS_PER_MS)

static uint64_t newest_peer(const struct peers *p)
{
	uint64_t newest_ns = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		const struct peer *peer = &p->list[slot];
		uint64_t alive_ns;

		if (!peer->used)
			continue;
		/* A sign of life that came over another path proves nothing here. */
		alive_ns = p->n_paths ? peer->map.seen_ns : peer->map.alive_ns;
		if (alive_ns > newest_ns)
			newest_ns = alive_ns;
		/* Before its first pulse an advert is no sign of life yet, but it arrived. */
		if (peer->map.vrrp_ns > newest_ns)
			newest_ns = peer->map.vrrp_ns;
	}
	return newest_ns;
}

/*
 * Frames that other hosts sent, as the programs counted them. What cannot be read counts as 0: the
 * sum is smaller then, which proves nothing.
 */
static uint64_t count_frames(const struct node *n)
{
	struct hokm_counters counters;
	uint64_t frames = 0;

	if (!hokm_bpf_get_counters(n->bpf, HOKM_NODE_SLOT, &counters))
		frames += counters.arp_seen;
	for (unsigned int s = 0; s < n->services.n; s++)
		if (!hokm_bpf_get_counters(n->bpf, n->services.list[s].slot, &counters))
			frames += counters.packets_in;
	return frames;
}

static void ask_gateway(struct segment_watch *w, uint64_t now_ns)
{
	static const unsigned char everybody[6];
	const struct conf *c = w->node->conf;
	const struct in_addr gateway = apply_gateway_addr(w->node->apply);

	if (now_ns < w->ask_ns)
		return;
	w->ask_ns = now_ns + (gateway.s_addr ? ASK_NS : ROUTE_NS);
	apply_read_gateway(w->node->apply);
	/* A question that is lost is asked again. */
	if (gateway.s_addr)
		(void)apply_ask(w->node->apply, c->nodes[c->self].addr, gateway, everybody);
}

static void report_wait(struct segment_watch *w)
{
	const struct conf *c = w->node->conf;

	if (w->reported)
		return;
	w->reported = true;
	log_warn("waiting: nothing was heard on %s since its link came; "
		 "this node may own when it hears a peer, the gateway or another host, "
		 "or after %llu s (start_delay)",
		 c->interface, (unsigned long long)(c->start_delay_ns / NS_PER_S));
}

static void report_end(struct segment_watch *w, uint64_t now_ns)
{
	static const char *const texts[] = {
		[SEGMENT_NONE] = "nothing",
		[SEGMENT_PEER] = "a peer was heard",
		[SEGMENT_FRAME] = "another host was heard",
		[SEGMENT_DELAY] = "nothing was heard, and start_delay is over",
	};

	if (w->reported)
		log_info("the wait is over: %s, %llu ms after the link came",
			 texts[w->segment.proof],
			 (unsigned long long)((now_ns - w->segment.since_ns) / NS_PER_MS));
	w->reported = false;
}

void segment_watch_init(struct segment_watch *w, struct node *n, bool heard)
{
	memset(w, 0, sizeof(*w));
	w->node = n;
	w->segment.proof = heard ? SEGMENT_PEER : SEGMENT_NONE;
}

void segment_watch_lost(struct segment_watch *w)
{
	segment_lost(&w->segment);
	w->ask_ns = 0;
}

void segment_watch_run(struct segment_watch *w, bool link_up, uint64_t now_ns)
{
	struct segment_seen seen = {
		.link_up = link_up,
		.delay_ns = w->node->conf->start_delay_ns,
	};

	if (link_up && w->segment.proof)
		return;
	if (link_up) {
		seen.peer_ns = newest_peer(&w->node->peers);
		seen.frames = count_frames(w->node);
	}
	w->waits = !segment_step(&w->segment, &seen, now_ns) && link_up;
	if (w->waits) {
		ask_gateway(w, now_ns);
		report_wait(w);
	} else if (link_up) {
		report_end(w, now_ns);
	}
}
