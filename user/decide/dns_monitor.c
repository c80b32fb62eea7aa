/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_monitor.h. */
#include <string.h>

#include "decide/dns_monitor.h"

void dns_monitor_init(struct dns_monitor *m, uint64_t failback_ns, uint64_t settle_ns)
{
	memset(m, 0, sizeof(*m));
	m->failback_ns = failback_ns;
	m->settle_ns = settle_ns;
}

void dns_monitor_recall(struct dns_monitor *m, const struct dns_monitor_node *nodes, unsigned int n,
			uint8_t priority)
{
	for (unsigned int i = 0; i < n; i++)
		if (nodes[i].priority > priority)
			m->fell |= 1u << i;
}

static uint32_t bits_of(const struct dns_monitor_node *nodes, unsigned int n, enum dns_sight sight)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; i < n; i++)
		if (nodes[i].sight == sight)
			bits |= 1u << i;
	return bits;
}

/* No node that is UP has passed its checks since the last one went DOWN. */
static bool in_doubt(const struct dns_monitor_node *nodes, unsigned int n)
{
	uint64_t down_ns = 0, proof_ns = 0;

	for (unsigned int i = 0; i < n; i++) {
		const struct dns_monitor_node *k = &nodes[i];

		if (k->sight == DNS_SIGHT_DOWN && k->since_ns > down_ns)
			down_ns = k->since_ns;
		if (k->sight == DNS_SIGHT_UP && k->proof_ns > proof_ns)
			proof_ns = k->proof_ns;
	}
	return down_ns && proof_ns < down_ns;
}

static enum dns_view look(struct dns_monitor *m, const struct dns_monitor_node *nodes,
			  unsigned int n, uint64_t now_ns)
{
	uint32_t all = (1u << n) - 1, up = bits_of(nodes, n, DNS_SIGHT_UP);

	if (bits_of(nodes, n, DNS_SIGHT_UNKNOWN))
		return DNS_VIEW_STARTING;
	if (!up) {
		m->seen_ns = 0;
		return DNS_VIEW_BLIND;
	}
	if (!m->seen_ns)
		m->seen_ns = now_ns;
	if (!m->acts && up != all && now_ns - m->seen_ns < m->settle_ns)
		return DNS_VIEW_SETTLING;
	return in_doubt(nodes, n) ? DNS_VIEW_DOUBT : DNS_VIEW_CLEAR;
}
_Static_assert(DNS_MONITOR_NODES < 32, "a node is a bit of 32");

/* The one with the greatest priority, of equal ones the first in the file. There is one. */
static unsigned int best_of(const struct dns_monitor_node *nodes, unsigned int n, uint32_t up)
{
	unsigned int best = n;

	for (unsigned int i = 0; i < n; i++)
		if ((up & (1u << i)) && (best == n || nodes[i].priority > nodes[best].priority))
			best = i;
	return best;
}

static bool changed(struct dns_monitor *m, uint32_t up, uint32_t all)
{
	if (m->began && m->acts && m->up == up)
		return false;
	/* It was not carried out, and is due again as soon as the node is the best. */
	if (m->failback)
		m->fell |= 1u << m->want;
	m->failback = false;
	m->began = m->acts = true;
	m->up = m->keep = up;
	m->fell |= all & ~up;
	return true;
}

static bool fails_back(struct dns_monitor *m, const struct dns_monitor_node *nodes, unsigned int n,
		       uint64_t now_ns)
{
	bool due = false;

	for (unsigned int i = 0; i < n; i++) {
		if (!(m->fell & m->up & (1u << i)) || now_ns < nodes[i].since_ns + m->failback_ns)
			continue;
		m->fell &= ~(1u << i);
		due |= i == m->want;
	}
	if (!due)
		return false;
	m->failback = true;
	m->keep = 1u << m->want;
	return true;
}

bool dns_monitor_see(struct dns_monitor *m, const struct dns_monitor_node *nodes, unsigned int n,
		     uint64_t now_ns)
{
	uint32_t up = bits_of(nodes, n, DNS_SIGHT_UP);
	bool due;

	m->view = look(m, nodes, n, now_ns);
	if (m->view == DNS_VIEW_BLIND || m->view == DNS_VIEW_STARTING)
		m->acts = false;
	if (m->view != DNS_VIEW_CLEAR)
		return false;
	due = changed(m, up, (1u << n) - 1);
	m->want = best_of(nodes, n, up);
	return fails_back(m, nodes, n, now_ns) || due;
}

void dns_monitor_done(struct dns_monitor *m)
{
	m->failback = false;
	m->keep = m->up;
}

const char *dns_view_name(enum dns_view v)
{
	static const char *const names[] = {
		[DNS_VIEW_STARTING] = "starting", [DNS_VIEW_BLIND] = "blind",
		[DNS_VIEW_SETTLING] = "settling", [DNS_VIEW_DOUBT] = "in doubt",
		[DNS_VIEW_CLEAR] = "clear",
	};

	return names[v];
}
