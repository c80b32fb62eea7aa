/* SPDX-License-Identifier: GPL-2.0-only */
/* See node_drain.h. */
#include "base/log.h"
#include "daemon/node_drain.h"
#include "daemon/node.h"
#include "daemon/session_end.h"
#include "decide/unresponsive.h"

void drain_begin(struct drain *dr, struct node *n, uint64_t timeout_ns)
{
	dr->on = true;
	dr->since_ns = clock_now_ns();
	dr->until_ns = timeout_ns ? dr->since_ns + timeout_ns : 0;
	dr->complete = false;
	for (unsigned int s = 0; s < n->services.n; s++)
		n->services.list[s].drain_kept = false;
}

void drain_stop(struct drain *dr)
{
	dr->on = false;
	dr->until_ns = 0;
}

/* Without a peer that serves them, players would come back here and be terminated again. */
static void end_sessions(struct node *n, struct session_end *e, struct service *svc,
			 uint64_t now_ns)
{
	const char *name = svc->conf->name;

	if (peers_serve(&n->peers, svc->tag, now_ns)) {
		svc->drain_kept = false;
		session_end_service(e, svc, HOKM_R_DRAIN_TIMEOUT);
		return;
	}
	if (svc->drain_kept)
		return;
	svc->drain_kept = true;
	log_warn("service %s: the time of the drain is over, but no peer serves it: "
		 "its players stay until a peer does, or until `hokm-xdp ctl undrain`",
		 name);
	events_add(n->events, "service", HOKM_R_DRAIN_TIMEOUT,
		   "%s: %s, but no peer serves it: its players stay", name,
		   hokm_reason_text(HOKM_R_DRAIN_TIMEOUT));
}

void drain_tick(struct drain *dr, struct node *n, struct session_end *e, uint64_t now_ns)
{
	if (!dr->on)
		return;
	if (!dr->complete && !services_players(&n->services) &&
	    n->services.counted_ns > dr->since_ns) {
		dr->complete = true;
		log_info("the drain is complete: no player is left on this node");
		events_add(n->events, "operator", HOKM_R_DRAINED, "%s",
			   hokm_reason_text(HOKM_R_DRAINED));
	}
	if (!dr->until_ns || now_ns < dr->until_ns || dr->complete)
		return;
	/* Again each second, while players are left. */
	dr->until_ns = now_ns + UNRESPONSIVE_AGAIN_NS;
	for (unsigned int s = 0; s < n->services.n; s++)
		end_sessions(n, e, &n->services.list[s], now_ns);
}
