/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See keeper.h. The loop writes the job and then the eventfd `go`; the thread writes the result and
 * then the eventfd `done`. `busy` says who owns job, result, list of fences and handle at the
 * moment: the thread while it is true, the loop otherwise.
 */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "act/keeper.h"
#include "act/sysctl.h"
#include "act/vip.h"
#include "act/way_out.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rt_thread.h"

#define CLOSE_MS  1000 /* of a look that the kernel holds up, when the daemon ends */
#define BIT(part) (1u << (part))

struct keeper {
	struct hokm_bpf *bpf; /* a handle of its own */
	struct vip *vip;
	struct fence *fence;
	char ifname[IF_NAMESIZE];
	char named[IF_NAMESIZE]; /* its name, as it was the last time */
	struct way_out way_out;
	struct sysctl_kept kept; /* as they were at the start */
	int group_ifindex;       /* where the VRRP socket is in the group */
	struct keep_job job;
	struct keep_result result;
	bool fresh; /* the result was not taken yet */
	_Atomic bool busy;
	bool stop;
	bool running;
	pthread_t thread;
	int go, done;
};

static const struct {
	const char *name, *text;
} parts[KEEP_PARTS] = {
	[KEEP_ADDRS] = {"addrs", "VIP address"},
	[KEEP_ROUTES] = {"routes", "local route of the VIP"},
	[KEEP_SYSCTLS] = {"sysctls", "sysctl"},
	[KEEP_INGRESS] = {"ingress", "XDP program"},
	[KEEP_EGRESS] = {"egress", "egress filter"},
	[KEEP_PINS] = {"pins", "pin"},
	[KEEP_FENCES] = {"fences", "fence"},
	[KEEP_SELF] = {"self", "own address"},
	[KEEP_CLIENTS] = {"clients", "route to the clients"},
};

const char *keep_part_text(enum keep_part part)
{
	return parts[part].text;
}

const char *keep_part_name(enum keep_part part)
{
	return parts[part].name;
}

/* ---- one job ---- */

/* Counts the VIPs that are not there. */
static int count_missing(struct vip *v, const struct in_addr *list, unsigned int n,
			 int (*present)(struct vip *, struct in_addr, bool *))
{
	int missing = 0;

	for (unsigned int i = 0; i < n; i++) {
		bool here = false;
		int err = present(v, list[i], &here);

		if (err)
			return err;
		missing += !here;
	}
	return missing;
}

static void report_name(struct keeper *k, const char *name)
{
	if (!strcmp(name, k->named))
		return;
	snprintf(k->named, sizeof(k->named), "%s", name);
	log_warn("interface %s is named %s now: the node goes on with it; "
		 "if the file has the key `interface`, correct it before the next start",
		 k->ifname, name);
}

static int do_sysctls(struct keeper *k)
{
	char buf[IF_NAMESIZE];
	const char *name = sysctl_name_now(hokm_bpf_ifindex(k->bpf), k->ifname, buf);
	int arp = sysctl_arp_again(name, !k->job.returning);
	int kept = sysctl_kept_again(name, &k->kept);

	report_name(k, name);
	if (arp == -ENOENT || kept == -ENOENT) /* they went with the interface */
		return -ENODEV;
	return arp < 0 ? arp : kept < 0 ? kept : arp + kept;
}

static int do_fences(struct keeper *k)
{
	const struct keep_job *j = &k->job;

	if (j->n_doubts > KEEP_DOUBTS)
		fence_doubt(k->fence, 0);
	for (unsigned int i = 0; i < j->n_doubts && i < KEEP_DOUBTS; i++)
		fence_doubt(k->fence, j->doubts[i]);
	return fence_sync(k->fence);
}

/* An interface that is made again gets it later: move() looks for it. */
static int look_for_self(struct keeper *k)
{
	bool here = false;
	int err;

	if (k->job.returning || !k->job.self.s_addr)
		return 0;
	err = vip_addr_here(k->vip, k->job.self, &here);
	return err || here ? err : -EADDRNOTAVAIL;
}

/* One that is made again gets its routes later: until then nothing can be said. */
static int look_for_clients(struct keeper *k)
{
	if (k->job.returning || !k->job.n_routes)
		return -ENODEV;
	return way_out_look(&k->way_out, k->bpf, clock_now_ns());
}

static int do_part(struct keeper *k, enum keep_part part)
{
	const struct keep_job *j = &k->job;

	switch (part) {
	case KEEP_ADDRS:
		return count_missing(k->vip, j->addrs, j->n_addrs, vip_addr_present);
	case KEEP_ROUTES:
		return count_missing(k->vip, j->routes, j->n_routes, vip_route_present);
	case KEEP_SYSCTLS:
		return do_sysctls(k);
	case KEEP_INGRESS:
		return hokm_bpf_again_ingress(k->bpf);
	case KEEP_EGRESS:
		return hokm_bpf_again_egress(k->bpf);
	case KEEP_PINS:
		return hokm_bpf_again_pins(k->bpf);
	case KEEP_FENCES:
		return do_fences(k);
	case KEEP_SELF:
		return look_for_self(k);
	case KEEP_CLIENTS:
		return look_for_clients(k);
	default:
		return -EINVAL;
	}
}

static void list_fences(struct keeper *k)
{
	const struct fence_entry *list;

	k->result.n_fences = fence_list(k->fence, &list);
	memcpy(k->result.fences, list, k->result.n_fences * sizeof(*list));
}

/* A name that was known remains known: at the start the process could ask for it. */
static void keep_names(struct keep_result *r, const struct hokm_foreign *before, unsigned int n)
{
	for (unsigned int i = 0; i < r->n_foreign; i++)
		for (unsigned int j = 0; j < n && !r->foreign[i].name[0]; j++)
			if (before[j].id && before[j].id == r->foreign[i].id)
				memcpy(r->foreign[i].name, before[j].name,
				       sizeof(r->foreign[i].name));
}

/* Looks at our own interface, and at each one that has a fence. */
static void find_foreign(struct keeper *k)
{
	struct keep_result *r = &k->result;
	struct hokm_foreign before[KEEP_FOREIGN];
	unsigned int found = 0, n_before = r->n_foreign;

	memcpy(before, r->foreign, sizeof(before));
	for (unsigned int i = 0; i <= r->n_fences && found < KEEP_FOREIGN; i++) {
		int ifindex = i < r->n_fences ? r->fences[i].ifindex : hokm_bpf_ifindex(k->bpf);
		int more = hokm_bpf_foreign(
			k->bpf, ifindex, &r->foreign[found], KEEP_FOREIGN - found);

		found += more > 0 ? (unsigned int)more : 0;
	}
	r->n_foreign = found;
	keep_names(r, before, n_before);
}

static int join_group(struct keeper *k, int ifindex)
{
	int err;

	if (k->job.group_fd < 0)
		return 0;
	err = link_group_move(k->job.group_fd, k->job.group, k->group_ifindex, ifindex);
	if (!err)
		k->group_ifindex = ifindex;
	return err;
}

/* The interface was made again, without sysctls and programs: the parts put them there. */
static void move(struct keeper *k, int ifindex)
{
	int err = 0;

	vip_set_interface(k->vip, ifindex);
	if (ifindex != hokm_bpf_ifindex(k->bpf))
		err = hokm_bpf_move(k->bpf, ifindex);
	if (!err)
		err = vip_addr_here(k->vip, k->job.self, &k->result.has_self);
	if (!err && k->result.has_self)
		err = join_group(k, ifindex);
	if (!err)
		return;
	k->result.has_self = false;
	log_error("could not follow %s to interface %d: %s; trying again", k->ifname, ifindex,
		  strerror(-err));
}

static void read_link(struct keeper *k)
{
	if (!k->job.doubt)
		return;
	k->result.link_err = link_state_read(&k->result.link, k->job.link_ifindex);
	if (!k->result.link_err)
		k->result.doubt = k->job.doubt;
}

/* Returns false when the interface is not there. */
static bool find_interface(struct keeper *k)
{
	k->result.ifindex = (int)if_nametoindex(k->ifname);
	if (!k->result.ifindex)
		return false;
	move(k, k->result.ifindex);
	return true;
}

static void look_for_paths(struct keeper *k)
{
	k->result.n_paths = k->job.n_paths;
	path_look(k->job.paths, k->job.n_paths, hokm_bpf_ifindex(k->bpf), k->result.paths);
}

static void do_job(struct keeper *k)
{
	k->result.parts = 0;
	k->result.n_paths = 0;
	k->result.ifindex = 0;
	k->result.has_self = false;
	k->result.doubt = 0;
	k->result.link_err = 0;
	read_link(k);
	if (k->job.returning && !find_interface(k))
		return;
	k->result.parts = k->job.parts;
	for (unsigned int i = 0; i < KEEP_PARTS; i++)
		if (k->job.parts & BIT(i))
			k->result.n[i] = do_part(k, (enum keep_part)i);
	k->result.mode = hokm_bpf_mode(k->bpf);
	if (k->job.parts & BIT(KEEP_FENCES))
		list_fences(k);
	if (k->job.parts & (BIT(KEEP_ADDRS) | BIT(KEEP_FENCES)))
		look_for_paths(k);
	/* The announcement of a filter may be that of a foreign one. */
	if (k->job.parts & BIT(KEEP_EGRESS))
		find_foreign(k);
}

/* ---- the thread ---- */

static void *work(void *arg)
{
	struct keeper *k = arg;
	uint64_t n = 1;

	while (read(k->go, &n, sizeof(n)) == sizeof(n) && !k->stop) {
		do_job(k);
		atomic_store(&k->busy, false);
		n = 1;
		if (write(k->done, &n, sizeof(n)) != sizeof(n))
			break;
	}
	return NULL;
}

int keeper_start(struct keeper *k)
{
	int err = rt_thread_start(&k->thread, work, k);

	if (err)
		log_error("could not start the thread that reads the kernel's state back: %s",
			  strerror(-err));
	k->running = err == 0;
	return err;
}

int keeper_fd(const struct keeper *k)
{
	return k->done;
}

bool keeper_ask(struct keeper *k, const struct keep_job *job)
{
	uint64_t n = 1;

	if (!k->running || atomic_load(&k->busy))
		return false;
	k->job = *job;
	k->fresh = true;
	atomic_store(&k->busy, true);
	if (write(k->go, &n, sizeof(n)) == sizeof(n))
		return true;
	atomic_store(&k->busy, false);
	k->fresh = false;
	return false;
}

bool keeper_busy(const struct keeper *k)
{
	return atomic_load(&k->busy);
}

const struct keep_result *keeper_take(struct keeper *k)
{
	if (!k->fresh || atomic_load(&k->busy))
		return NULL;
	k->fresh = false;
	return &k->result;
}

/* ---- open and close ---- */

static int set_up(struct keeper *k, const struct hokm_bpf *b)
{
	int err;

	k->go = eventfd(0, EFD_CLOEXEC);
	k->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->go < 0 || k->done < 0)
		return -errno;
	err = sysctl_kept_read(k->ifname, &k->kept);
	if (!err)
		err = hokm_bpf_twin(b, &k->bpf);
	if (!err)
		err = vip_open(hokm_bpf_ifindex(b), &k->vip);
	k->group_ifindex = hokm_bpf_ifindex(b);
	if (!err)
		err = fence_open(k->bpf, &k->fence);
	return err ? err : fence_sync(k->fence);
}

int keeper_open(const struct hokm_bpf *b, const char *ifname, struct keeper **out)
{
	struct keeper *k = calloc(1, sizeof(*k));
	int err;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->go = k->done = -1;
	snprintf(k->ifname, sizeof(k->ifname), "%s", ifname);
	snprintf(k->named, sizeof(k->named), "%s", ifname);
	err = set_up(k, b);
	if (err < 0) {
		log_error("could not fence the other interfaces of this machine: %s",
			  strerror(-err));
		keeper_close(k);
		return err;
	}
	list_fences(k);
	find_foreign(k);
	k->result.mode = hokm_bpf_mode(k->bpf);
	k->fresh = true;
	*out = k;
	return 0;
}

void keeper_close(struct keeper *k)
{
	uint64_t n = 1;

	if (!k)
		return;
	if (k->running) {
		for (int ms = 0; atomic_load(&k->busy); ms++) {
			/* It keeps what it uses, and ends with the process. */
			if (ms == CLOSE_MS) {
				pthread_detach(k->thread);
				return;
			}
			usleep(1000);
		}
		k->stop = true;
		if (write(k->go, &n, sizeof(n)) == sizeof(n))
			pthread_join(k->thread, NULL);
	}
	fence_close(k->fence);
	vip_close(k->vip);
	hokm_bpf_close(k->bpf);
	if (k->go >= 0)
		close(k->go);
	if (k->done >= 0)
		close(k->done);
	free(k);
}
