/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The whole state of the daemon: one process, one event loop, one struct. Only the files that put
 * the concerns together include this header (start, loop, settle, interface, policy_input,
 * vrrp_actions, reload; in serve/ the verbs and the status); every concern works on struct node and
 * its own struct.
 *
 * The thread of the loop touches no disk and looks up no name: what may block is done by the agent,
 * by a hook, or by the thread of a reload.
 */
#ifndef HOKM_DAEMON_H
#define HOKM_DAEMON_H

#include "act/hooks.h"
#include "daemon/adverts.h"
#include "daemon/agreement.h"
#include "daemon/announcing.h"
#include "daemon/check_runner.h"
#include "daemon/dns.h"
#include "daemon/ended.h"
#include "daemon/etcd_watch.h"
#include "daemon/front_ops.h"
#include "daemon/node_drain.h"
#include "daemon/gateway_watch.h"
#include "daemon/heartbeat.h"
#include "daemon/lock.h"
#include "daemon/node.h"
#include "daemon/notify_ends.h"
#include "daemon/notify_feed.h"
#include "daemon/operator.h"
#include "daemon/peer_takeover.h"
#include "daemon/permission.h"
#include "daemon/publish.h"
#include "daemon/recovery.h"
#include "daemon/replication.h"
#include "daemon/rival_watch.h"
#include "daemon/segment_watch.h"
#include "daemon/quorum.h"
#include "daemon/session_end.h"
#include "daemon/steering.h"
#include "daemon/sweep.h"
#include "daemon/upkeep.h"
#include "decide/claims.h"
#include "decide/guess_time.h"
#include "decide/policy.h"
#include "decide/quiet.h"
#include "decide/relapse.h"
#include "decide/vrrp.h"
#include "sense/link.h"

struct reload;
struct upgrade;

struct daemon {
	struct node node;

	/* the run */
	uint64_t started_ns;
	struct node_lock lock;
	struct hokm_bpf_opts bpf_opts;
	bool adopted; /* maps and programs were pinned already: an earlier daemon left them */
	bool running;
	bool stopping;
	uint64_t stop_by_ns; /* stopping: the loop ends then, successor or not */

	/* concerns */
	struct heartbeat heartbeat;
	struct quorum quorum;
	struct steering steering;
	struct announcing announcing;
	struct adverts adverts;
	struct check_runner checks;
	struct replication *replication; /* NULL: off */
	struct agreement agreement;
	struct peer_takeover *takeover;
	struct session_end session_end;
	struct ended ended;
	struct drain drain;
	struct sweep sweep;
	struct reload *reload;
	struct upgrade *upgrade;
	struct notify_feed notify;
	struct notify_ends notify_ends;
	struct publish publish;
	struct hooks *hooks;
	struct permission permission;
	struct recovery recovery;
	struct dns dns;
	struct upkeep upkeep;
	struct link_watch *link;
	bool link_up;
	struct {
		bool removed;     /* noted */
		bool gone;        /* from its removal until a new one is complete */
		int found;        /* the index of the new one, as reported; 0: not made yet */
		uint64_t look_ns; /* when to look for it again */
	} interface;              /* daemon/interface.h */
	struct claims claims;
	struct rival_watch rivals;
	struct segment_watch segment;
	struct gateway_watch gateway;
	struct etcd_watch etcd;
	const struct daemon_front *front_ops;
	void *front;
	struct revision revision;

	struct operator_orders operator;

	/* decided */
	struct relapse relapse;
	struct policy_output policy;
	struct vrrp vrrp;
	bool vrrp_started;
	struct vrrp_event early; /* the last advert before the VRRP machine started */
	uint64_t early_ns;       /* when it came; 0: none */
	struct guess guess;      /* may the packet path guess who holds an unknown connection? */
	uint64_t epoch;          /* the greatest that any node had */

	struct quiet quiet; /* does a tick settle nothing? */

	sd_event_source *vrrp_timer, *garp_timer;
};

#endif
