/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See vip_worker.h. As in the keeper, the loop writes the job and then the eventfd `go`, the thread
 * writes the result and then the eventfd `done`, and `busy` says who owns job, result and lists at
 * the moment: the thread while it is true, the loop otherwise. `next` is the loop's alone.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "act/vip_worker.h"
#include "base/gateway.h"
#include "base/log.h"
#include "base/rt_thread.h"

struct vip_worker {
	struct vip *vip;
	int ifindex;                   /* of the last job */
	struct vip_list addrs, routes; /* what is there */
	struct vip_job job;
	struct vip_result result;
	_Atomic bool busy;
	bool fresh; /* the result was not taken yet */
	bool waiting;
	struct vip_job next; /* while `waiting` */
	struct vip_result taken;
	bool stop;
	bool running;
	pthread_t thread;
	int go, done;
};

/* ---- one job ---- */

static bool has(const struct vip_list *l, struct in_addr a)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->vip[i].s_addr == a.s_addr)
			return true;
	return false;
}

/* Removes what is not wanted, adds what is missing. Returns 0 or the first -errno. */
static int sync_list(struct vip *v, struct vip_list *have, const struct vip_list *want,
		     int (*add)(struct vip *, struct in_addr),
		     int (*del)(struct vip *, struct in_addr))
{
	int first = 0;

	for (unsigned int i = 0; i < have->n;) {
		int err = has(want, have->vip[i]) ? 1 : del(v, have->vip[i]);

		if (err == 0)
			have->vip[i] = have->vip[--have->n];
		else
			i++;
		if (err < 0 && !first)
			first = err;
	}
	for (unsigned int i = 0; i < want->n; i++) {
		int err;

		if (has(have, want->vip[i]) || have->n == HOKM_MAX_VIPS)
			continue;
		err = add(v, want->vip[i]);
		if (err == 0)
			have->vip[have->n++] = want->vip[i];
		else if (!first)
			first = err;
	}
	return first;
}

/* What could not be put back leaves the list, so that the next job adds it. */
static int list_again(struct vip *v, struct vip_list *have,
		      int (*again)(struct vip *, struct in_addr))
{
	int n = 0;

	for (unsigned int i = 0; i < have->n; i++) {
		int put = again(v, have->vip[i]);

		if (put < 0) {
			have->vip[i] = have->vip[--have->n];
			return put;
		}
		n += put;
	}
	return n;
}

static void read_gateway(struct vip_worker *w)
{
	const bool found = !gateway_find(w->job.gateway_of, &w->result.gateway_addr);

	w->result.gateway_read = true;
	if (!found)
		w->result.gateway_addr.s_addr = 0;
	w->result.n_gateways = gateways_find(
		w->job.gateway_of, w->result.gateways, VIP_GATEWAYS_MAX);
	if (!found || gateway_mac(w->job.gateway_of, w->result.gateway_addr, w->result.gateway))
		memset(w->result.gateway, 0, sizeof(w->result.gateway));
}

static void do_job(struct vip_worker *w)
{
	const struct vip_job *j = &w->job;
	struct vip_result *r = &w->result;
	int err_routes, err_addrs;

	memset(r, 0, sizeof(*r));
	vip_set_interface(w->vip, j->ifindex);
	if (j->gone || (w->ifindex && w->ifindex != j->ifindex))
		w->addrs.n = 0;
	w->ifindex = j->ifindex;
	err_routes = sync_list(w->vip, &w->routes, &j->routes, vip_route_add, vip_route_del);
	err_addrs = sync_list(w->vip, &w->addrs, &j->addrs, vip_addr_add, vip_addr_del);
	r->err = err_routes ? err_routes : err_addrs;
	r->addrs_again = j->addrs_again;
	if (j->addrs_again)
		r->n_addrs_again = list_again(w->vip, &w->addrs, vip_addr_again);
	r->routes_again = j->routes_again;
	if (j->routes_again)
		r->n_routes_again = list_again(w->vip, &w->routes, vip_route_again);
	r->addrs = w->addrs;
	r->routes = w->routes;
	if (j->gateway_of[0])
		read_gateway(w);
}

static void *work(void *arg)
{
	struct vip_worker *w = arg;
	uint64_t n = 1;

	while (read(w->go, &n, sizeof(n)) == sizeof(n) && !w->stop) {
		do_job(w);
		atomic_store(&w->busy, false);
		n = 1;
		if (write(w->done, &n, sizeof(n)) != sizeof(n))
			break;
	}
	return NULL;
}

/* ---- on the loop ---- */

/* The worker must be idle. */
static void give(struct vip_worker *w, const struct vip_job *job)
{
	uint64_t n = 1;

	w->job = *job;
	w->fresh = true;
	if (!w->running) {
		do_job(w);
		return;
	}
	atomic_store(&w->busy, true);
	if (write(w->go, &n, sizeof(n)) == sizeof(n))
		return;
	atomic_store(&w->busy, false);
	memset(&w->result, 0, sizeof(w->result));
	w->result.err = -EIO;
}

void vip_worker_post(struct vip_worker *w, const struct vip_job *job)
{
	struct vip_job next = *job;

	if (w->waiting) {
		next.addrs_again |= w->next.addrs_again;
		next.routes_again |= w->next.routes_again;
		next.gone |= w->next.gone;
		if (!next.gateway_of[0])
			memcpy(next.gateway_of, w->next.gateway_of, sizeof(next.gateway_of));
	}
	w->waiting = atomic_load(&w->busy) || w->fresh;
	if (w->waiting)
		w->next = next;
	else
		give(w, &next);
}

const struct vip_result *vip_worker_take(struct vip_worker *w)
{
	if (!w->fresh || atomic_load(&w->busy))
		return NULL;
	w->taken = w->result;
	w->fresh = false;
	if (w->waiting) {
		w->waiting = false;
		give(w, &w->next);
	}
	return &w->taken;
}

bool vip_worker_busy(const struct vip_worker *w)
{
	return atomic_load(&w->busy) || w->fresh || w->waiting;
}

bool vip_worker_works(const struct vip_worker *w)
{
	return atomic_load(&w->busy);
}

int vip_worker_wait(struct vip_worker *w, int ms, struct vip_result *out)
{
	while (vip_worker_busy(w)) {
		const struct vip_result *r = vip_worker_take(w);

		if (r) {
			*out = *r;
			continue;
		}
		if (ms-- <= 0)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

int vip_worker_fd(const struct vip_worker *w)
{
	return w->done;
}

/* ---- open, start, close ---- */

int vip_worker_open(struct vip *v, const struct vip_list *addrs, struct vip_worker **out)
{
	struct vip_worker *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w) {
		vip_close(v);
		return -ENOMEM;
	}
	w->vip = v;
	w->addrs = *addrs;
	w->go = eventfd(0, EFD_CLOEXEC);
	w->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->go < 0 || w->done < 0) {
		err = -errno;
		log_error("could not set up the thread for addresses and routes: %s",
			  strerror(-err));
		vip_worker_close(w);
		return err;
	}
	*out = w;
	return 0;
}

int vip_worker_start(struct vip_worker *w)
{
	int err = rt_thread_start(&w->thread, work, w);

	if (err)
		log_error("could not start the thread for addresses and routes: %s",
			  strerror(-err));
	w->running = err == 0;
	return err;
}

void vip_worker_close(struct vip_worker *w)
{
	uint64_t n = 1;

	if (!w)
		return;
	if (w->running) {
		if (atomic_load(&w->busy)) {
			pthread_detach(w->thread);
			return;
		}
		w->stop = true;
		if (write(w->go, &n, sizeof(n)) == sizeof(n))
			pthread_join(w->thread, NULL);
	}
	vip_close(w->vip);
	if (w->go >= 0)
		close(w->go);
	if (w->done >= 0)
		close(w->done);
	free(w);
}
