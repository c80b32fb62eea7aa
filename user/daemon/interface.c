/* SPDX-License-Identifier: GPL-2.0-only */
/* See interface.h. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/configure.h"
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
	log_warn("interface %s %s", d->node.conf->interface, link_watch_text(d->link));
	events_add(d->node.events, "link", why, "%s", hokm_reason_text(why));
	inbox_note(&d->node.inbox, INBOX_POLICY);
}

void interface_follow(struct daemon *d)
{
	const unsigned char *mac = link_watch_mac(d->link);
	const struct conf *c = d->node.conf;
	bool changed;
	int err = configure_mac(&d->node, d->heartbeat.pulse, mac, &changed);

	if (err)
		log_error("could not write the new MAC address to map cfg: %s", strerror(-err));
	if (changed) {
		log_warn("interface %s has the MAC address %02x:%02x:%02x:%02x:%02x:%02x now",
			 c->interface, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
		events_add(d->node.events, "link", HOKM_R_LINK_MAC, "%s",
			   hokm_reason_text(HOKM_R_LINK_MAC));
	}
	announcing_self(&d->announcing);
	if (d->vrrp.state == HOKM_VRRP_MASTER)
		announcing_vips(&d->announcing);
	announcing_send(&d->announcing);
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
	int err = link_watch_follow(d->link);

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

	if (err == -EAGAIN) /* the state of its link changed just now: it is read again */
		return;
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

/* The keeper has found it. Messages about its link count from now on. */
static void note_found(struct daemon *d, int ifindex)
{
	if (ifindex == d->interface.found)
		return;
	d->interface.found = ifindex;
	if (!ifindex)
		return;
	log_warn("interface %s was made again: setting up what was set on the former one, "
		 "and waiting for this node's address",
		 d->node.conf->interface);
	link_watch_expect(d->link, ifindex);
	d->interface.look_ns = 0;
}

/* The keeper reads the state of a link that is in doubt. */
static void learn_link(struct daemon *d)
{
	struct link_state s;
	uint64_t doubt = upkeep_link(&d->upkeep, &s);
	int err = upkeep_link_error(&d->upkeep);

	if (doubt)
		link_watch_learn(d->link, doubt, &s);
	if (err && link_watch_unread(d->link))
		log_error(
			"the kernel's messages about the link of %s were lost, and its state could "
			"not be read: %s; trying again. A link that fails is not seen meanwhile",
			d->node.conf->interface, strerror(-err));
	upkeep_read_link(&d->upkeep, link_watch_ifindex(d->link), link_watch_doubt(d->link));
}

/*
 * A node that hears nothing because its own cable is out is no judge of its peer: it would own on
 * an island, and beside the other one when the cable is back.
 */
void interface_suspect(struct daemon *d, uint64_t now_ns)
{
	if (d->interface.gone || !d->link_up || !upkeep_doubts_link(&d->upkeep, now_ns))
		return;
	link_watch_suspect(d->link);
	upkeep_read_link(&d->upkeep, link_watch_ifindex(d->link), link_watch_doubt(d->link));
}

void interface_run(struct daemon *d, uint64_t now_ns)
{
	learn_link(d);
	if (!d->interface.gone)
		return;
	note_found(d, upkeep_found(&d->upkeep));
	if (d->interface.found && upkeep_returned(&d->upkeep))
		return_to(d, d->interface.found);
	if (!d->interface.gone || now_ns < d->interface.look_ns)
		return;
	d->interface.look_ns = now_ns + LOOK_NS;
	upkeep_return(&d->upkeep, adverts_group_fd(&d->adverts));
}
