/* SPDX-License-Identifier: GPL-2.0-only */
/* See interface.h. */
#include <net/if.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/interface.h"

#define LOOK_NS (200 * NS_PER_MS)

/* Called for another MAC too; then the state of the link is as it was. */
void interface_on_link(bool up, bool gone, void *arg)
{
	enum hokm_reason why = up ? HOKM_R_LINK_UP : HOKM_R_LINK_DOWN;
	struct daemon *d = arg;

	if (gone)
		d->interface.removed = true;
	if (up || gone)
		inbox_note(&d->node.inbox, INBOX_LINK);
	if (up == d->link_up && !gone)
		return;
	d->link_up = up;
	segment_watch_lost(&d->segment);
	log_warn("interface %s %s", d->node.conf->interface,
		 gone ? "was removed"
		 : up ? "has its link back"
		      : "lost its link");
	events_add(d->node.events, "link", why, "%s", hokm_reason_text(why));
	inbox_note(&d->node.inbox, INBOX_POLICY);
}

bool interface_left(struct daemon *d)
{
	if (d->interface.removed) {
		apply_interface_gone(d->node.apply, &d->node.want);
		check_runner_pause(&d->checks, true, clock_now_ns());
		d->interface.gone = true;
		d->interface.found = 0;
		d->interface.look_ns = 0;
	}
	d->interface.removed = false;
	return d->interface.gone;
}

static int follow(struct daemon *d, int ifindex)
{
	struct node *n = &d->node;
	int err = link_watch_follow(d->link, ifindex);

	if (!err)
		err = adverts_set_interface(&d->adverts, ifindex);
	if (!err)
		err = heartbeat_set_interface(&d->heartbeat, ifindex);
	if (!err)
		err = replication_set_interface(d->replication, ifindex);
	if (!err)
		err = hokm_bpf_follow(n->bpf, ifindex);
	if (!err)
		apply_interface_back(n->apply, ifindex);
	return err;
}

static void return_to(struct daemon *d, int ifindex)
{
	const char *name = d->node.conf->interface;
	int err = follow(d, ifindex);

	if (err) {
		log_error("could not use %s, which was made again: %s; trying again", name,
			  strerror(-err));
		return;
	}
	d->interface.gone = false;
	upkeep_settled(&d->upkeep);
	check_runner_pause(&d->checks, false, clock_now_ns());
	log_info("interface %s has programs, sysctls and sockets again", name);
	interface_on_link(link_watch_up(d->link), false, d);
}

static void look(struct daemon *d)
{
	const char *name = d->node.conf->interface;
	int ifindex = (int)if_nametoindex(name);

	if (ifindex && ifindex != d->interface.found)
		log_warn("interface %s was made again: setting up what was set on the former one, "
			 "and waiting for this node's address",
			 name);
	d->interface.found = ifindex;
	if (ifindex)
		upkeep_return(&d->upkeep, ifindex);
}

void interface_run(struct daemon *d, uint64_t now_ns)
{
	if (!d->interface.gone)
		return;
	if (upkeep_returned(&d->upkeep))
		return_to(d, d->interface.found);
	if (!d->interface.gone || now_ns < d->interface.look_ns)
		return;
	d->interface.look_ns = now_ns + LOOK_NS;
	look(d);
}
