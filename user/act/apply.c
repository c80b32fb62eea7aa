/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making the actual state equal to the desired one.
 *
 * A struct apply remembers the actual state as it was last written. Service states are unknown
 * after opening and after an error. So a desired state that does not change costs nothing, and a
 * change that failed is tried again.
 *
 * apply_sync() first writes the service states, because they decide where packets are steered, and
 * then changes routes and addresses. The lease is written by apply_own() only.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/apply.h"
#include "act/foreign_vip.h"
#include "act/garp.h"
#include "act/sysctl.h"
#include "act/vip.h"
#include "base/log.h"

#define SAVE_FILE_MAX (CONF_PATH_MAX + sizeof(".sysctl"))

struct apply {
	struct hokm_bpf *bpf;
	struct vip *vip;
	struct garp *garp;
	char interface[IF_NAMESIZE];
	char save_file[SAVE_FILE_MAX];
	struct hokm_service service[HOKM_MAX_SERVICES];
	bool service_known[HOKM_MAX_SERVICES];
	unsigned int n_routes;
	struct in_addr routes[HOKM_MAX_VIPS];
	unsigned int n_addrs;
	struct in_addr addrs[HOKM_MAX_VIPS]; /* of the interface */
	bool gone; /* the interface is not there: no address and no route is wanted */
	bool own_failed;
	bool sync_failed;
};

/* The file lies beside the control socket, in a folder that is gone after a reboot. */
static void apply_save_file(const struct conf *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s.sysctl", c->socket);
}

static bool has_addr(const struct in_addr *list, unsigned int n, struct in_addr a)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].s_addr == a.s_addr)
			return true;
	return false;
}

/*
 * Removes the elements of `have` that are not in `want` and adds the missing ones, and keeps `have`
 * up to date. Returns 0 or the first -errno.
 */
static int sync_list(struct vip *v, struct in_addr *have, unsigned int *n_have,
		     const struct in_addr *want, unsigned int n_want,
		     int (*add)(struct vip *, struct in_addr),
		     int (*del)(struct vip *, struct in_addr))
{
	int first = 0;

	for (unsigned int i = 0; i < *n_have;) {
		int err = has_addr(want, n_want, have[i]) ? 1 : del(v, have[i]);

		if (err == 0)
			have[i] = have[--*n_have];
		else
			i++;
		if (err < 0 && !first)
			first = err;
	}
	for (unsigned int i = 0; i < n_want; i++) {
		int err;

		if (has_addr(have, *n_have, want[i]) || *n_have == HOKM_MAX_VIPS)
			continue;
		err = add(v, want[i]);
		if (err == 0)
			have[(*n_have)++] = want[i];
		else if (!first)
			first = err;
	}
	return first;
}

static int sync_services(struct apply *a, const struct apply_want *want)
{
	int first = 0;

	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		int err;

		if (a->service_known[i] &&
		    !memcmp(&a->service[i], &want->service[i], sizeof(a->service[i])))
			continue;
		err = hokm_bpf_set_service(a->bpf, i, &want->service[i]);
		a->service_known[i] = err == 0;
		a->service[i] = want->service[i];
		if (err && !first)
			first = err;
	}
	return first;
}

int apply_sync(struct apply *a, const struct apply_want *want)
{
	unsigned int n_routes = a->gone ? 0 : want->n_vips;
	unsigned int n_addrs = want->vip_raised ? n_routes : 0;
	int err_services = sync_services(a, want);
	int err_routes = sync_list(a->vip, a->routes, &a->n_routes, want->vips, n_routes,
				   vip_route_add, vip_route_del);
	int err_addrs = sync_list(a->vip, a->addrs, &a->n_addrs, want->vips, n_addrs, vip_addr_add,
				  vip_addr_del);
	int err = err_services ? err_services : err_routes ? err_routes : err_addrs;

	if (err && !a->sync_failed)
		log_error(
			"could not set service states, routes or addresses on %s: %s; trying again",
			a->interface, strerror(-err));
	else if (!err && a->sync_failed)
		log_info("service states, routes and addresses on %s are set again", a->interface);
	a->sync_failed = err != 0;
	return err;
}

void apply_interface_gone(struct apply *a, const struct apply_want *want)
{
	a->gone = true;
	a->n_addrs = 0;
	apply_sync(a, want);
}

void apply_interface_back(struct apply *a, int ifindex)
{
	vip_set_interface(a->vip, ifindex);
	garp_set_interface(a->garp, ifindex);
	a->gone = false;
}

/* ---- what others changed ---- */

/* What could not be put back leaves the list, so that apply_sync() adds it. */
static int list_again(struct vip *v, struct in_addr *have, unsigned int *n_have,
		      int (*again)(struct vip *, struct in_addr))
{
	int n = 0;

	for (unsigned int i = 0; i < *n_have; i++) {
		int put = again(v, have[i]);

		if (put < 0) {
			have[i] = have[--*n_have];
			return put;
		}
		n += put;
	}
	return n;
}

static int report_again(const struct apply *a, const char *what, int n)
{
	if (n > 0)
		log_warn("%s of %s: another program removed it, it is back", what, a->interface);
	return n;
}

int apply_addrs_again(struct apply *a)
{
	return report_again(a, "VIP address",
			    list_again(a->vip, a->addrs, &a->n_addrs, vip_addr_again));
}

int apply_routes_again(struct apply *a)
{
	return report_again(a, "local route of the VIP",
			    list_again(a->vip, a->routes, &a->n_routes, vip_route_again));
}

void apply_fill_job(const struct apply *a, struct keep_job *job)
{
	job->n_addrs = a->n_addrs;
	memcpy(job->addrs, a->addrs, sizeof(job->addrs));
	job->n_routes = a->n_routes;
	memcpy(job->routes, a->routes, sizeof(job->routes));
}

bool apply_failing(const struct apply *a)
{
	return a->sync_failed;
}

int apply_own(struct apply *a, const struct apply_want *want)
{
	int err = hokm_bpf_set_own(a->bpf, &want->own);

	if (err && !a->own_failed)
		log_error("could not write the lease to map own: %s; "
			  "this node is not owner until it succeeds",
			  strerror(-err));
	a->own_failed = err != 0;
	return err;
}

int apply_ask(struct apply *a, struct in_addr own, struct in_addr peer, const unsigned char mac[6])
{
	return garp_ask(a->garp, own, peer, mac);
}

void apply_announce(struct apply *a, struct in_addr addr)
{
	int err = garp_send(a->garp, addr);

	if (err)
		log_warn("could not send gratuitous ARP on %s: %s", a->interface, strerror(-err));
}

void apply_garp(struct apply *a, const struct apply_want *want)
{
	for (unsigned int i = 0; i < want->n_vips; i++)
		apply_announce(a, want->vips[i]);
}

void apply_set_mac(struct apply *a, const unsigned char mac[6])
{
	garp_set_mac(a->garp, mac);
}

void apply_hold_suspect(struct apply *a, unsigned int slot, uint64_t until_ns)
{
	int err = hokm_bpf_hold_suspect(a->bpf, slot, until_ns);

	if (err)
		log_warn("could not %s service slot %u: %s",
			 until_ns ? "steer new connections away from"
				  : "allow new connections again to",
			 slot, strerror(-err));
}

/* A daemon that was killed had other VIPs, or another interface. */
static int remove_leftovers(struct apply *a, const struct conf *c)
{
	int n = vip_remove_others(a->vip, c->vips, c->n_vips);

	if (n > 0)
		log_warn("removed %d addresses and routes that an earlier daemon left: "
			 "they are of VIPs that the file no longer has",
			 n);
	return n < 0 ? n : 0;
}

/* Adopts VIP addresses that a killed daemon left, and refuses others, unless `take`. */
static int adopt_addrs(struct apply *a, const struct conf *c, bool take)
{
	for (unsigned int i = 0; i < c->n_vips; i++) {
		struct foreign_vip foreign;
		bool here = false;
		int err = vip_addr_present(a->vip, c->vips[i], &here);
		int found = err ? err : foreign_vip_find(c->vips[i], &foreign);

		if (found < 0)
			return found;
		if (found && !take) {
			foreign_vip_report(&foreign);
			return -EADDRINUSE;
		}
		if (here)
			a->addrs[a->n_addrs++] = c->vips[i];
	}
	return 0;
}

/* By now the sockets of players have their local route. */
static int take_over(const struct conf *c)
{
	int err = 0;

	for (unsigned int i = 0; i < c->n_vips && !err; i++)
		err = foreign_vip_take_over(c->vips[i]);
	return err;
}

int apply_open(const struct conf *c, struct hokm_bpf *b, const unsigned char mac[6], bool take,
	       struct apply **out)
{
	struct apply_want want = {.n_vips = c->n_vips};
	struct apply *a = calloc(1, sizeof(*a));
	int err;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	a->bpf = b;
	memcpy(a->interface, c->interface, sizeof(a->interface));
	apply_save_file(c, a->save_file, sizeof(a->save_file));
	memcpy(want.vips, c->vips, sizeof(want.vips));
	err = vip_open(hokm_bpf_ifindex(b), &a->vip);
	if (!err)
		err = garp_open(hokm_bpf_ifindex(b), mac, &a->garp);
	if (!err)
		err = remove_leftovers(a, c);
	if (!err)
		err = adopt_addrs(a, c, take);
	if (!err)
		err = sysctl_arp_set(c->interface, a->save_file);
	if (!err)
		err = sync_list(a->vip, a->routes, &a->n_routes, want.vips, want.n_vips,
				vip_route_add, vip_route_del);
	if (!err && take)
		err = take_over(c);
	if (err) {
		log_error("could not set up VIP, routes and sysctls on %s: %s", c->interface,
			  strerror(-err));
		apply_close(a, false);
		return err;
	}
	*out = a;
	return 0;
}

void apply_close(struct apply *a, bool keep)
{
	int err = 0;

	if (!a)
		return;
	if (a->vip) {
		err = sync_list(a->vip, a->addrs, &a->n_addrs, NULL, 0, vip_addr_add, vip_addr_del);
		if (!err && !keep)
			err = sync_list(a->vip, a->routes, &a->n_routes, NULL, 0, vip_route_add,
					vip_route_del);
	}
	if (!err && !keep && a->save_file[0])
		err = sysctl_arp_restore(a->interface, a->save_file);
	if (err)
		log_error("could not remove VIP, routes and sysctls from %s: %s; "
			  "run `hokm-xdp cleanup`",
			  a->interface, strerror(-err));
	garp_close(a->garp);
	vip_close(a->vip);
	free(a);
}

int apply_cleanup(const struct conf *c)
{
	char save_file[SAVE_FILE_MAX];
	struct vip *v = NULL;
	/* Without the interface (index 0) there is no address, but the routes are there. */
	int err = vip_open((int)if_nametoindex(c->interface), &v);
	int removed;

	if (err)
		return err;
	removed = vip_remove_others(v, NULL, 0);
	vip_close(v);
	apply_save_file(c, save_file, sizeof(save_file));
	err = sysctl_arp_restore(c->interface, save_file);
	return removed < 0 ? removed : err;
}
