/* SPDX-License-Identifier: GPL-2.0-only */
/* See interface.h. */
#include <net/if.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/interface.h"
#include "daemon/loop.h"

#define LOOK_NS (200 * NS_PER_MS)

bool interface_left(struct daemon *d)
{
	struct interface *i = &d->interface;

	if (i->removed) {
		apply_interface_gone(d->node.apply, &d->node.want);
		check_runner_pause(&d->checks, true, clock_now_ns());
		i->gone = true;
		i->found = 0;
		i->look_ns = 0;
	}
	i->removed = false;
	return i->gone;
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
	loop_on_link(link_watch_up(d->link), false, d);
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
	struct interface *i = &d->interface;

	if (!i->gone)
		return;
	if (upkeep_returned(&d->upkeep))
		return_to(d, i->found);
	if (!i->gone || now_ns < i->look_ns)
		return;
	i->look_ns = now_ns + LOOK_NS;
	look(d);
}
