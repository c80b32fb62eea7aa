/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making the actual state equal to the desired one.
 *
 * A struct apply remembers the actual state as it was last written. Service states are unknown
 * after opening and after an error. So a desired state that does not change costs nothing, and a
 * change that failed is tried again.
 *
 * apply_sync() first writes the service states, because they decide where packets are steered, and
 * then hands the desired routes and addresses to the VIP worker, whose result is taken later. The
 * lease is written by apply_own() only, at once: while the worker waits for the kernel, the gate in
 * XDP is open or closed already.
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
#include "act/vip_worker.h"
#include "base/log.h"

#define SAVE_FILE_MAX (CONF_PATH_MAX + sizeof("/sysctls"))

struct apply {
	struct hokm_bpf *bpf;
	struct vip *vip; /* until the worker has it */
	struct vip_worker *worker;
	struct garp *garp;
	char interface[IF_NAMESIZE];
	char save_file[SAVE_FILE_MAX];
	struct hokm_service service[HOKM_MAX_SERVICES];
	bool service_known[HOKM_MAX_SERVICES];
	struct vip_job job;       /* what is desired, as it was posted last */
	struct vip_result result; /* of the last job that is done */
	/* Of the last result, until it is asked for. */
	bool addrs_again, routes_again;
	int n_addrs, n_routes; /* put back since they were asked for last, or -errno */
	unsigned char gateway[6];
	struct in_addr gateway_addr;
	unsigned int n_gateways;
	struct in_addr gateways[VIP_GATEWAYS_MAX];
	bool gone; /* the interface is not there: no address and no route is wanted */
	int ifindex;
	bool own_failed;
	bool sync_failed;
	bool garp_failed;
};

/* One file, whatever the node is called: it is found again when its name or the socket changed. */
static void apply_save_file(const struct conf *c, char buf[SAVE_FILE_MAX])
{
	const char *slash = strrchr(c->state_file, '/');

	snprintf(buf, SAVE_FILE_MAX, "%.*s/sysctls", slash ? (int)(slash - c->state_file) : 1,
		 slash ? c->state_file : ".");
}

/* Where versions before saved them. */
static void apply_former_file(const struct conf *c, char buf[SAVE_FILE_MAX])
{
	snprintf(buf, SAVE_FILE_MAX, "%s.sysctl", c->socket);
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

/* ---- addresses and routes ---- */

/* Adds what one job put back to what no caller has asked for yet; a failure stays one. */
static void count_again(bool *again, int *sum, bool done, int n)
{
	if (!done)
		return;
	*sum = !*again || n < 0 ? n : *sum < 0 ? *sum : *sum + n;
	*again = true;
}

/* Takes the result of a job that is done. */
static void take_result(struct apply *a)
{
	const struct vip_result *r = vip_worker_take(a->worker);

	if (!r)
		return;
	a->result = *r;
	count_again(&a->addrs_again, &a->n_addrs, r->addrs_again, r->n_addrs_again);
	count_again(&a->routes_again, &a->n_routes, r->routes_again, r->n_routes_again);
	if (r->gateway_read) {
		memcpy(a->gateway, r->gateway, sizeof(a->gateway));
		a->gateway_addr = r->gateway_addr;
		a->n_gateways = r->n_gateways;
		memcpy(a->gateways, r->gateways, sizeof(a->gateways));
	}
}

static void post(struct apply *a)
{
	vip_worker_post(a->worker, &a->job);
	a->job.addrs_again = a->job.routes_again = false;
	memset(a->job.gateway_of, 0, sizeof(a->job.gateway_of));
	/* Before the worker has a thread, the job is done by now. */
	take_result(a);
}

static void desire(struct vip_list *l, const struct apply_want *want, bool wanted)
{
	memset(l, 0, sizeof(*l));
	l->n = wanted ? want->n_vips : 0;
	memcpy(l->vip, want->vips, l->n * sizeof(l->vip[0]));
}

static bool has(const struct vip_list *l, struct in_addr vip)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->vip[i].s_addr == vip.s_addr)
			return true;
	return false;
}

static bool lacks(const struct vip_list *there, const struct vip_list *wanted)
{
	for (unsigned int i = 0; i < wanted->n; i++)
		if (!has(there, wanted->vip[i]))
			return true;
	return false;
}

bool apply_lacking(const struct apply *a)
{
	return lacks(&a->result.addrs, &a->job.addrs) || lacks(&a->result.routes, &a->job.routes);
}

static bool same_list(const struct vip_list *a, const struct vip_list *b)
{
	return a->n == b->n && !memcmp(a->vip, b->vip, a->n * sizeof(a->vip[0]));
}

/* Is this what was posted last, and is nothing more to be looked at? */
static bool was_posted(const struct apply *a, const struct vip_job *job)
{
	const struct vip_job *last = &a->job;

	return job->ifindex == last->ifindex && job->gone == last->gone &&
	       same_list(&job->addrs, &last->addrs) && same_list(&job->routes, &last->routes) &&
	       !last->addrs_again && !last->routes_again && !last->gateway_of[0];
}

/* Posts what is desired when it has changed, and again while something of it is not there. */
static void sync_vips(struct apply *a, const struct apply_want *want)
{
	struct vip_job job;

	memset(&job, 0, sizeof(job));
	job.ifindex = a->ifindex;
	job.gone = a->gone;
	desire(&job.routes, want, !a->gone);
	desire(&job.addrs, want, !a->gone && want->vip_raised);
	take_result(a);
	if (was_posted(a, &job) &&
	    (vip_worker_busy(a->worker) || (!a->result.err && !apply_lacking(a))))
		return;
	memcpy(&a->job, &job, sizeof(job));
	post(a);
}

int apply_sync(struct apply *a, const struct apply_want *want)
{
	int err = sync_services(a, want);

	sync_vips(a, want);
	err = err ? err : a->result.err;
	if (err && !a->sync_failed)
		log_error(
			"could not set service states, routes or addresses on %s: %s; trying again",
			a->interface, strerror(-err));
	else if (!err && a->sync_failed)
		log_info("service states, routes and addresses on %s are set again", a->interface);
	a->sync_failed = err != 0;
	return err;
}

int apply_start(struct apply *a)
{
	return vip_worker_start(a->worker);
}

bool apply_works(const struct apply *a)
{
	return vip_worker_works(a->worker);
}

int apply_fd(const struct apply *a)
{
	return vip_worker_fd(a->worker);
}

void apply_interface_gone(struct apply *a, const struct apply_want *want)
{
	a->gone = true;
	apply_sync(a, want);
}

void apply_interface_back(struct apply *a, int ifindex)
{
	a->ifindex = ifindex;
	garp_set_interface(a->garp, ifindex);
	a->gone = false;
}

/* ---- what others changed ---- */

void apply_addrs_again(struct apply *a)
{
	a->job.addrs_again = true;
	post(a);
}

void apply_routes_again(struct apply *a)
{
	a->job.routes_again = true;
	post(a);
}

bool apply_addrs_put(struct apply *a, int *n)
{
	bool taken;

	take_result(a);
	taken = a->addrs_again;
	a->addrs_again = false;
	*n = a->n_addrs;
	return taken;
}

bool apply_routes_put(struct apply *a, int *n)
{
	bool taken;

	take_result(a);
	taken = a->routes_again;
	a->routes_again = false;
	*n = a->n_routes;
	return taken;
}

/* What is there and will stay: the keeper may miss nothing else. */
static unsigned int fill_list(struct in_addr *out, const struct vip_list *there,
			      const struct vip_list *wanted)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < there->n; i++)
		if (has(wanted, there->vip[i]))
			out[n++] = there->vip[i];
	return n;
}

void apply_fill_job(const struct apply *a, struct keep_job *job)
{
	job->n_addrs = fill_list(job->addrs, &a->result.addrs, &a->job.addrs);
	job->n_routes = fill_list(job->routes, &a->result.routes, &a->job.routes);
}

void apply_read_gateway(struct apply *a)
{
	memcpy(a->job.gateway_of, a->interface, sizeof(a->job.gateway_of));
	post(a);
}

void apply_gateway(const struct apply *a, unsigned char mac[6])
{
	memcpy(mac, a->gateway, sizeof(a->gateway));
}

struct in_addr apply_gateway_addr(const struct apply *a)
{
	return a->gateway_addr;
}

unsigned int apply_gateways(const struct apply *a, const struct in_addr **list)
{
	*list = a->gateways;
	return a->n_gateways;
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

	/* It is repeated ten times a second: a failure that lasts is logged once. */
	if (err && !a->garp_failed)
		log_warn("could not send gratuitous ARP on %s: %s", a->interface, strerror(-err));
	else if (!err && a->garp_failed)
		log_info("gratuitous ARP is sent on %s again", a->interface);
	a->garp_failed = err != 0;
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
static int adopt_addrs(struct apply *a, const struct conf *c, bool take, struct vip_list *adopted)
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
			adopted->vip[adopted->n++] = c->vips[i];
	}
	return 0;
}

/* The worker has the netlink socket from now on. The adopted addresses stay until apply_sync(). */
static int add_routes(struct apply *a, const struct conf *c, const struct vip_list *adopted)
{
	struct vip *v = a->vip;
	int err;

	a->vip = NULL;
	err = vip_worker_open(v, adopted, &a->worker);
	if (err)
		return err;
	a->job.ifindex = a->ifindex;
	a->job.addrs = *adopted;
	a->job.routes.n = c->n_vips;
	memcpy(a->job.routes.vip, c->vips, sizeof(c->vips[0]) * c->n_vips);
	apply_read_gateway(a); /* posts all of it */
	return a->result.err;
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
	struct vip_list adopted = {0};
	struct apply *a = calloc(1, sizeof(*a));
	char former[SAVE_FILE_MAX];
	int err;

	*out = NULL;
	if (!a)
		return -ENOMEM;
	a->bpf = b;
	memcpy(a->interface, c->interface, sizeof(a->interface));
	apply_save_file(c, a->save_file);
	apply_former_file(c, former);
	sysctl_arp_take_over(c->interface, former, a->save_file);
	a->ifindex = hokm_bpf_ifindex(b);
	err = vip_open(a->ifindex, &a->vip);
	if (!err)
		err = garp_open(a->ifindex, mac, &a->garp);
	if (!err)
		err = remove_leftovers(a, c);
	if (!err)
		err = adopt_addrs(a, c, take, &adopted);
	if (!err)
		err = sysctl_arp_set(c->interface, a->save_file);
	if (!err)
		err = add_routes(a, c, &adopted);
	if (!err && take)
		err = take_over(c);
	if (err) {
		log_error("could not set up VIP, routes and sysctls on %s: %s", c->interface,
			  strerror(-err));
		(void)apply_close(a, false);
		return err;
	}
	*out = a;
	return 0;
}

/* The kernel may not answer for long: a stop must end all the same. */
#define CLOSE_MS 5000

static int remove_vips(struct apply *a, bool keep)
{
	int err;

	if (!a->worker)
		return 0;
	a->job.addrs.n = 0;
	if (!keep)
		a->job.routes.n = 0;
	vip_worker_post(a->worker, &a->job);
	err = vip_worker_wait(a->worker, CLOSE_MS, &a->result);
	return err ? err : a->result.err;
}

int apply_close(struct apply *a, bool keep)
{
	char buf[IF_NAMESIZE];
	int err;

	if (!a)
		return 0;
	err = remove_vips(a, keep);
	if (!err && !keep && a->save_file[0])
		err = sysctl_arp_restore(sysctl_name_now(a->ifindex, a->interface, buf),
					 a->save_file);
	if (err)
		log_error("could not remove VIP, routes and sysctls from %s: %s; "
			  "run `hokm-xdp cleanup`",
			  a->interface, strerror(-err));
	garp_close(a->garp);
	vip_close(a->vip);
	vip_worker_close(a->worker);
	free(a);
	return err;
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
	apply_save_file(c, save_file);
	err = sysctl_arp_restore(c->interface, save_file);
	apply_former_file(c, save_file);
	if (!err)
		err = sysctl_arp_restore(c->interface, save_file);
	return removed < 0 ? removed : err;
}
