/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lease by grants of a majority (docs/architecture.md): this node as one of the members, and as
 * one that asks them. decide/grants.h decides; map grants has what the XDP program knows.
 *
 * `in_force` is the majority by which the packet path and the VRRP machine judge, and the members
 * that it is of (decide/in_force.h). It becomes that of the configuration at once where this node
 * is no owner. An owner first gets the grants of such a majority, so that a reload moves nothing;
 * until then what was in force before goes on.
 */
#ifndef HOKM_DAEMON_QUORUM_H
#define HOKM_DAEMON_QUORUM_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/stand_in_watch.h"
#include "decide/grants.h"
#include "decide/in_force.h"
#include "decide/majority_news.h"
#include "decide/vrrp.h"
#include "hokm/abi.h"

struct conf;
struct heartbeat;
struct node;

struct quorum {
	struct node *node;
	struct heartbeat *heartbeat;
	struct grants grants;
	struct stand_in_watch stand_in;
	struct in_force in_force; /* a majority of 0: VRRP's timers decide */
	uint64_t opened_ns;       /* its map was made before */
	/* that of its promises, from before it took no part; 0: it always took part */
	uint64_t silent_until_ns;
	uint64_t longer_ns; /* length of the grant that the owner asks for; 0: the configured one */
	sd_event_source *timer;

	/* reported last */
	struct majority_news news;
	bool silent[HOKM_MAX_PEERS], answered[HOKM_MAX_PEERS]; /* witnesses, by slot */
	bool unwilling[HOKM_MAX_PEERS];                        /* members, by slot */
};

/* After the maps have their configuration. lease_runs: an earlier daemon's. 0 or -errno. */
int quorum_open(struct quorum *q, struct node *n, struct heartbeat *h, struct gateway_watch *g,
		bool lease_runs);
void quorum_close(struct quorum *q);
/* The configuration has changed. */
void quorum_reconf(struct quorum *q);

/* The last change of the members is not in force yet: this owner goes by those before it. */
bool quorum_behind(const struct quorum *q);
/* Are the members of this file those that are in force? */
bool quorum_goes_by(const struct quorum *q, const struct conf *c);

/* A pulse is due: before its probe is built. */
void quorum_beat(struct quorum *q, const struct vrrp *v);
/* The peer has just started: it grants nothing yet, and so cannot win either. */
bool quorum_peer_silent(const struct quorum *q, unsigned int slot);
/* Does the promise of this node to another one end by then, as far as is known now? */
bool quorum_ends_by(const struct quorum *q, uint64_t by_ns);
/* What the grants say to the VRRP machine. */
void quorum_view(const struct quorum *q, uint64_t now_ns, struct vrrp_view *v);
/* After the VRRP machine, and after its lease is in the map: what this node wishes now. */
void quorum_run(struct quorum *q, const struct vrrp *v);

/* For status: the members and the settings as decide/grants.h takes them. */
void quorum_conf(const struct quorum *q, const struct vrrp *v, struct grants_conf *out);

#endif
