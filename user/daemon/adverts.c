/* SPDX-License-Identifier: GPL-2.0-only */
/* See adverts.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/adverts.h"
#include "daemon/configure.h"
#include "daemon/node.h"
#include "hokm/names.h"
#include "sense/vrrp_sock.h"

#define SOURCE_OFFSET 12 /* of the sender's address in the IP header */
#define IP_HEADER_LEN 20

#define PRIORITY_OF_OWN_ADDRESS 255
/* The faults of struct senders are the discards and, from here on, the counters of XDP. */
#define DROPPED 0x10000

/* ---- received ---- */

static bool is_taken(enum vrrp_discard why)
{
	return why == VRRP_BAD_ADDRS || why == VRRP_BAD_PRIORITY || why == VRRP_BAD_OTHER_INTERVAL;
}

void adverts_discard(struct adverts *a, enum vrrp_discard why, struct in_addr source)
{
	uint8_t slot = peers_by_addr(&a->node->peers, source);
	char addr[INET_ADDRSTRLEN];

	a->discarded[why]++;
	if (slot < HOKM_MAX_PEERS)
		a->node->peers.list[slot].discarded++;
	if (!inet_ntop(AF_INET, &source, addr, sizeof(addr)) ||
	    !senders_report(&a->senders, source, why, clock_now_ns()))
		return;
	log_warn("advert from %s %s: reason=%s (%s); it is reported once", addr,
		 is_taken(why) ? "is strange" : "discarded", vrrp_discard_name(why),
		 vrrp_discard_text(why));
}

void adverts_dropped(struct adverts *a, const struct hokm_event *record)
{
	const char *counter = hokm_counter_name(record->counter);
	const struct in_addr source = hokm_addr_to_ipv4(&record->client);
	const struct conf *c = a->node->conf;
	const struct in_addr own = c->nodes[c->self].addr;
	char addr[INET_ADDRSTRLEN];

	if (strncmp(counter, "drop_vrrp_", strlen("drop_vrrp_")) != 0 ||
	    !inet_ntop(AF_INET, &source, addr, sizeof(addr)) ||
	    !senders_report(&a->senders, source, DROPPED + record->counter, clock_now_ns()))
		return;
	if (record->counter == HOKM_CTR_drop_vrrp_source && source.s_addr == own.s_addr)
		log_warn("adverts of this node come back (%s); it is reported once. "
			 "The network has a loop, or another host has this node's address (%s)",
			 addr, counter);
	else if (record->counter == HOKM_CTR_drop_vrrp_source)
		log_warn("%s sends adverts with our VRID %u and is no peer; it is reported once. "
			 "Another VRRP group, or CARP, needs a VRID of its own (%s)",
			 addr, c->vrid, counter);
	else
		log_warn("advert from %s: %s; it is reported once (%s)", addr,
			 hokm_counter_text(record->counter), counter);
}

/*
 * An advert that lists other VIPs than ours is reported and counts all the same: RFC 9568 section
 * 7.1 leaves that choice.
 */
static bool same_vips(const struct conf *c, const struct vrrp_advert *a)
{
	if (a->n_addrs != c->n_vips)
		return false;
	for (unsigned int i = 0; i < c->n_vips; i++) {
		bool found = false;

		for (unsigned int j = 0; j < a->n_addrs; j++)
			found |= a->addrs[j].s_addr == c->vips[i].s_addr;
		if (!found)
			return false;
	}
	return true;
}

/* An advert that counts: what is unusual about it. */
static void note_form(struct adverts *a, const struct vrrp_advert *advert)
{
	a->received++;
	a->checksums[advert->checksum]++;
	a->trailers += advert->trailer;
	if (advert->priority == PRIORITY_OF_OWN_ADDRESS)
		adverts_discard(a, VRRP_BAD_PRIORITY, advert->source);
	if (advert->priority && advert->adver_ns != a->node->conf->advert_ns)
		adverts_discard(a, VRRP_BAD_OTHER_INTERVAL, advert->source);
	if (!same_vips(a->node->conf, advert))
		adverts_discard(a, VRRP_BAD_ADDRS, advert->source);
}

static void take_advert(struct adverts *a, const uint8_t *packet, size_t len)
{
	struct vrrp_event ev = {.kind = VRRP_EV_ADVERT};
	struct node *n = a->node;
	struct in_addr source = {0};
	struct vrrp_wire_conf w;
	enum vrrp_discard bad;
	uint8_t slot;

	configure_wire(n->conf, &w);
	bad = vrrp_wire_parse(&w, packet, len, &ev.advert);
	explicit_bzero(&w, sizeof(w));
	if (len >= IP_HEADER_LEN)
		memcpy(&source, packet + SOURCE_OFFSET, sizeof(source));
	slot = peers_by_addr(&n->peers, ev.advert.source);
	if (bad == VRRP_BAD_NONE && slot >= HOKM_MAX_PEERS)
		bad = VRRP_BAD_SOURCE;
	if (bad != VRRP_BAD_NONE) {
		adverts_discard(a, bad, source);
		return;
	}
	note_form(a, &ev.advert);
	n->peers.list[slot].advert_ns = ev.advert.priority ? clock_now_ns() : 0;
	if (ev.advert.priority > n->peers.list[slot].advert_priority)
		n->peers.list[slot].advert_priority = ev.advert.priority;
	n->peers.list[slot].advert_firm = ev.advert.firm;
	inbox_note_vrrp(&n->inbox, &ev);
}

void adverts_read(struct adverts *a)
{
	uint8_t packet[2048];

	for (int i = 0; i < INBOX_ADVERTS; i++) {
		ssize_t len = vrrp_sock_recv(a->sock, packet, sizeof(packet));

		if (len == -EAGAIN)
			return;
		if (len < 0) {
			log_warn("could not read adverts: %s", strerror((int)-len));
			return;
		}
		take_advert(a, packet, (size_t)len);
	}
}

static int on_readable(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	(void)s;
	(void)fd;
	(void)revents;
	adverts_read(arg);
	return 0;
}

/* ---- sent ---- */

static int send_to(struct adverts *a, uint8_t priority, uint64_t adver_ns, struct in_addr dest)
{
	const struct conf *c = a->node->conf;
	uint8_t buf[VRRP_PACKET_MAX];
	struct vrrp_wire_conf w;
	size_t len;

	configure_wire(c, &w);
	w.adver_ns = adver_ns;
	len = vrrp_wire_build(&w, priority, c->vips, (uint8_t)c->n_vips, c->nodes[c->self].addr,
			      dest, buf);
	explicit_bzero(&w, sizeof(w));
	return vrrp_sock_send(a->sock, buf, len, dest);
}

/* 0 when at least one peer's advert went out. */
static int send_unicast(struct adverts *a, uint8_t priority, uint64_t adver_ns)
{
	const struct peers *p = &a->node->peers;
	int err = -EDESTADDRREQ;

	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		int one;

		if (!p->list[slot].used)
			continue;
		one = send_to(a, priority, adver_ns, p->list[slot].addr);
		if (err)
			err = one;
	}
	return err;
}

int adverts_send(struct adverts *a, uint8_t priority, uint64_t adver_ns)
{
	struct in_addr group = {.s_addr = htonl(VRRP_GROUP)};
	const struct conf *c = a->node->conf;
	int err;

	/* When that fails, which is logged, an advert that is not firm is better than none. */
	(void)vrrp_sock_set_firm(a->sock, peers_firm(&a->node->peers, clock_now_ns()));
	err = c->multicast ? send_to(a, priority, adver_ns, group)
			   : send_unicast(a, priority, adver_ns);
	if (!err)
		a->sent++;
	else if (!a->failed++)
		log_error("could not send an advert on %s: %s", c->interface, strerror(-err));
	return err;
}

/* ---- open and close ---- */

int adverts_open(struct adverts *a, struct node *n)
{
	const struct conf *c = n->conf;

	a->node = n;
	return vrrp_sock_open((int)if_nametoindex(c->interface), c->nodes[c->self].addr,
			      c->multicast, &a->sock);
}

int adverts_start(struct adverts *a)
{
	int err = sd_event_add_io(a->node->event, &a->io, vrrp_sock_fd(a->sock), EPOLLIN,
				  on_readable, a);

	if (err >= 0)
		err = sd_event_source_set_priority(a->io, NODE_PRIO_VRRP);
	return err < 0 ? err : 0;
}

void adverts_stop(struct adverts *a)
{
	a->io = sd_event_source_disable_unref(a->io);
}

int adverts_set_interface(struct adverts *a, int ifindex)
{
	return vrrp_sock_set_interface(a->sock, ifindex);
}

int adverts_group_fd(const struct adverts *a)
{
	return vrrp_sock_multicast(a->sock) ? vrrp_sock_fd(a->sock) : -1;
}

void adverts_close(struct adverts *a)
{
	vrrp_sock_close(a->sock);
	a->sock = NULL;
}
