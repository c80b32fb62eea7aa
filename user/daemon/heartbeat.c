/* SPDX-License-Identifier: GPL-2.0-only */
/* See heartbeat.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/heartbeat.h"
#include "daemon/node.h"
#include "daemon/renewal.h"
#include "hokm/names.h"
#include "sense/pulse.h"

#define LATE_LOG_NS (200 * NS_PER_MS)
/* The distance of two clocks that are read one after the other varies by less than this. */
#define AHEAD_JITTER_NS (5 * NS_PER_MS)

void heartbeat_probe(struct heartbeat *h)
{
	const struct apply_want *want = &h->node->want;
	const struct pulse_state state = {.own = &want->own,
					  .services = want->service,
					  .grants = hokm_bpf_grants(h->node->bpf),
					  .wish = &h->wish};
	const struct peers *p = &h->node->peers;
	struct pulse_to to[HOKM_MAX_PEERS];
	unsigned int n = 0;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used)
			to[n++] = (struct pulse_to){.slot = slot, .peer = p->list[slot].addr};
		else if (p->witnesses[slot].used)
			to[n++] = (struct pulse_to){.slot = slot, .peer = p->witnesses[slot].addr};
	for (unsigned int i = 0; i < n; i++)
		pulse_paths_note(&h->paths, to[i].slot);
	pulse_paths_tell(&h->paths, h->renewal, pulse_signer(h->pulse));
	/* A probe that is lost is no reason to fail: the next one follows. */
	renewal_probe(h->renewal, to, n, &state, h->node->conf->pulse_ns, h->clock.each_ns);
}

void heartbeat_wish(struct heartbeat *h, const struct pulse_wish *wish)
{
	h->wish = *wish;
	if (h->renewal)
		renewal_wish(h->renewal, wish);
}

void heartbeat_wish_nothing(struct heartbeat *h)
{
	const struct pulse_wish nothing = {0};

	heartbeat_wish(h, &nothing);
}

/*
 * Without answers to the probes other signs of life decide about the connections of a peer. Its
 * kernel answers ARP, also where a filter drops the pulses.
 */
void heartbeat_ask_silent(struct heartbeat *h)
{
	const uint64_t now_ns = clock_now_ns();
	struct node *n = h->node;
	struct peers *p = &n->peers;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++)
		if (p->list[slot].used && peers_ask(p, slot, now_ns))
			(void)apply_ask(n->apply, n->conf->nodes[n->conf->self].addr,
					p->list[slot].addr, p->list[slot].map.mac);
}

void heartbeat_ask(struct heartbeat *h, struct in_addr peer)
{
	struct node *n = h->node;
	uint8_t slot = peers_by_addr(&n->peers, peer);

	if (slot < HOKM_MAX_PEERS &&
	    peers_sight(&n->peers, slot, clock_now_ns()).by != PEER_BY_PULSE)
		(void)apply_ask(n->apply, n->conf->nodes[n->conf->self].addr, peer,
				n->peers.list[slot].map.vrrp_mac);
}

/* Nobody signed that version, so nothing but the report goes by it. */
void heartbeat_dropped(struct heartbeat *h, const struct hokm_event *record)
{
	const struct in_addr source = hokm_addr_to_ipv4(&record->client);
	char addr[INET_ADDRSTRLEN];

	if (record->counter != HOKM_CTR_drop_pulse_version || !record->fault ||
	    !inet_ntop(AF_INET, &source, addr, sizeof(addr)) ||
	    !senders_report(&h->senders, source, record->fault, clock_now_ns()))
		return;
	log_warn("pulses from %s have the other wire version %u, this node's have %u; "
		 "it is reported once. Until both have one version it grants this node nothing, is "
		 "known by its adverts alone, and gets no steered connection (%s)",
		 addr, record->fault, HOKM_PULSE_VERSION, hokm_counter_name(record->counter));
}

/*
 * After the node was suspended, the coarse clock of the packet path is behind by that time until it
 * gets the new distance of the two clocks.
 */
static void publish_clock(struct heartbeat *h)
{
	uint64_t ahead_ns = clock_boot_ahead_ns();
	int err;

	if (ahead_ns - h->ahead_ns + AHEAD_JITTER_NS <= 2 * AHEAD_JITTER_NS)
		return;
	err = hokm_bpf_set_boot_ahead(h->node->bpf, ahead_ns);
	if (err)
		log_error("could not write map cfg: %s; times of connections are wrong by the time "
			  "that the node was suspended",
			  strerror(-err));
	else
		h->ahead_ns = ahead_ns;
}

void heartbeat_beat(struct heartbeat *h, uint64_t ticks)
{
	struct node *n = h->node;
	uint64_t now_ns = clock_now_ns();
	/* Several ticks at once, or one long after it was due: other processes had the CPU. */
	uint64_t late_ns = ticks ? h->late_ns : 0;

	peers_note_tick(&n->peers, late_ns, now_ns);
	late_note(&n->inbox.late[LATE_PULSE], late_ns, now_ns);
	if (late_ns > LATE_LOG_NS)
		log_warn("the daemon got the CPU %llu ms late",
			 (unsigned long long)(late_ns / NS_PER_MS));
	n->want.own.daemon_ns = now_ns;
	n->want.own.asking_ns = n->peers.asking_ns;
	n->want.own.asked_ns = n->peers.asked_ns;
	apply_own(n->apply, &n->want);
	heartbeat_probe(h);
	publish_clock(h);
	pulse_paths_look(&h->paths, now_ns);
}

bool heartbeat_take(struct heartbeat *h)
{
	struct inbox *in = &h->node->inbox;
	uint64_t now_ns = clock_now_ns(), late_ns = pulse_clock_late_ns(&h->clock, now_ns);
	uint64_t ticks = pulse_clock_take(&h->clock, now_ns);

	if (!ticks)
		return false;
	h->late_ns = late_ns;
	in->ticks += ticks;
	inbox_note(in, INBOX_TICK);
	return true;
}

/* ---- how often ---- */

/* The oldest of the members' last answers. Only what came over the segment counts. */
static uint64_t answered_ns(const struct heartbeat *h)
{
	const struct peers *p = &h->node->peers;
	const struct hokm_grants *grants = hokm_bpf_grants(h->node->bpf);
	uint64_t oldest_ns = UINT64_MAX;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		if (p->list[slot].used && p->list[slot].map.seen_ns < oldest_ns)
			oldest_ns = p->list[slot].map.seen_ns;
		if (p->witnesses[slot].used && grants->member[slot].answered_ns < oldest_ns)
			oldest_ns = grants->member[slot].answered_ns;
	}
	return oldest_ns == UINT64_MAX ? 0 : oldest_ns;
}

/* When a look last found a new probe of the owner. */
static uint64_t owner_asks_ns(struct heartbeat *h, struct in_addr owner, uint64_t now_ns)
{
	uint64_t stamp = peers_probe_stamp(&h->node->peers, owner);

	if (stamp != h->owner_stamp)
		h->owner_asks_ns = now_ns;
	h->owner_stamp = stamp;
	return h->owner_asks_ns;
}

static void set_pace(struct heartbeat *h, uint64_t each_ns, uint64_t now_ns)
{
	if (each_ns != h->clock.each_ns)
		renewal_pace(h->renewal, each_ns);
	h->node->peers.each_ns = each_ns;
	pulse_clock_every(&h->clock, each_ns, now_ns);
}

void heartbeat_pace(struct heartbeat *h, bool steady, bool replicates, struct in_addr owner)
{
	const struct pulse_pace_conf c = {h->node->conf->pulse_ns, h->node->conf->calm_pulse_ns};
	struct pulse_pace_seen seen = {steady, replicates, answered_ns(h)};
	uint64_t each_ns, now_ns = clock_now_ns();

	if (owner.s_addr && owner_asks_ns(h, owner, now_ns) < seen.heard_ns)
		seen.heard_ns = h->owner_asks_ns;
	each_ns = pulse_pace_step(&h->pace, &c, &seen, now_ns);
	set_pace(h, each_ns, now_ns);
}

void heartbeat_hurry(struct heartbeat *h)
{
	pulse_pace_disturb(&h->pace);
	set_pace(h, h->node->conf->pulse_ns, clock_now_ns());
}

static int on_due(sd_event_source *s, void *arg)
{
	(void)s;
	(void)heartbeat_take(arg);
	return 0;
}

int heartbeat_offer(struct heartbeat *h)
{
	bool due = !pulse_clock_left_ns(&h->clock, clock_now_ns());

	return sd_event_source_set_enabled(h->due, due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

int heartbeat_wait(const struct heartbeat *h, int fd)
{
	const uint64_t left_ns = pulse_clock_left_ns(&h->clock, clock_now_ns());
	const struct timespec most = {(time_t)(left_ns / NS_PER_S), (long)(left_ns % NS_PER_S)};
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int ready = ppoll(&p, 1, &most, NULL);

	/* After a signal the caller looks whether the pulse is due. */
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready;
}

int heartbeat_open(struct heartbeat *h, struct node *n)
{
	const struct conf *c = n->conf;
	int err;

	h->node = n;
	pulse_paths_init(&h->paths, n);
	err = pulse_open(hokm_bpf_ifindex(n->bpf), c->nodes[c->self].addr, c->pulse_port,
			 &h->pulse);
	if (!err)
		err = renewal_open(h->pulse, hokm_bpf_grants(n->bpf), c->pulse_ns, &h->renewal);
	return err;
}

void heartbeat_renewal(const struct heartbeat *h, struct renewal_report *out)
{
	renewal_read(h->renewal, out);
}

int heartbeat_start_thread(struct heartbeat *h)
{
	return renewal_start(h->renewal);
}

int heartbeat_start(struct heartbeat *h)
{
	int err = sd_event_add_defer(h->node->event, &h->due, on_due, h);

	if (err >= 0)
		err = sd_event_source_set_priority(h->due, NODE_PRIO_PULSE);
	if (err < 0)
		return err;
	heartbeat_set_interval(h);
	return 0;
}

void heartbeat_set_interval(struct heartbeat *h)
{
	pulse_pace_disturb(&h->pace);
	h->node->peers.each_ns = h->node->conf->pulse_ns;
	pulse_clock_set(&h->clock, h->node->conf->pulse_ns, clock_now_ns());
}

void heartbeat_stop(struct heartbeat *h)
{
	h->due = sd_event_source_disable_unref(h->due);
}

int heartbeat_set_interface(struct heartbeat *h, int ifindex)
{
	return pulse_set_interface(h->pulse, ifindex);
}

void heartbeat_close(struct heartbeat *h)
{
	renewal_close(h->renewal);
	h->renewal = NULL;
	pulse_paths_close(&h->paths);
	pulse_close(h->pulse);
	h->pulse = NULL;
}
