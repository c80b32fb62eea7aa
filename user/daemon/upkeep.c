/* SPDX-License-Identifier: GPL-2.0-only */
/* See upkeep.h. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "act/vip.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/upkeep_judge.h"
#include "decide/vrrp_wire.h"

#define BIT(part) (1u << (part))
#define ALL_PARTS (BIT(KEEP_PARTS) - 1)
/* What the kernel does not announce, at least not always. */
#define OFTEN_PARTS (BIT(KEEP_SYSCTLS) | BIT(KEEP_PINS) | BIT(KEEP_INGRESS) | BIT(KEEP_CLIENTS))
/*
 * Without it the kernel resets players that live on a peer. It is asked for while no pulse comes.
 */
#define SOON_PARTS BIT(KEEP_INGRESS)
/*
 * Without pins the end of the daemon would end its programs. Without the XDP program no pulse is
 * answered or noted: each node may take the other one for dead. They wait for no other part.
 */
#define URGENT_PARTS (BIT(KEEP_PINS) | BIT(KEEP_INGRESS))

/* What an interface that was made again needs before a VIP may be reached by it. */
#define RETURN_PARTS                                                                 \
	(BIT(KEEP_SYSCTLS) | BIT(KEEP_INGRESS) | BIT(KEEP_EGRESS) | BIT(KEEP_PINS) | \
	 BIT(KEEP_FENCES))

#define GAP_MIN_NS (50 * NS_PER_MS)
#define GAP_MAX_NS (800 * NS_PER_MS)
/* After so long without a loss the gap is short again. */
#define CALM_NS   (10 * NS_PER_S)
#define URGENT_NS (100 * NS_PER_MS)
#define SOON_NS   (100 * NS_PER_MS)
#define OFTEN_NS  (NS_PER_S)
/* The kernel announces that the carrier is lost a second later at most; with some reserve. */
#define LINK_LATE_NS (2 * NS_PER_S)
#define FULL_NS      (10 * NS_PER_S)
#define RETRY_NS     (2 * NS_PER_S)
/* Before the failure is judged: it may end in that time. */
#define NEW_RETRY_NS (200 * NS_PER_MS)
/* What was announced as removed is put back within this time, or was not wanted any more. */
#define ROUTES_GONE_NS (2 * NS_PER_S)
#define LO_IFINDEX     1 /* in each network namespace */

/* ---- what is announced ---- */

static void doubt(struct upkeep *u, int ifindex)
{
	if (!ifindex)
		u->job.n_doubts = KEEP_DOUBTS + 1;
	else if (u->job.n_doubts < KEEP_DOUBTS)
		u->job.doubts[u->job.n_doubts++] = ifindex;
	else
		u->job.n_doubts = KEEP_DOUBTS + 1;
}

/*
 * The route of the interface alone says nothing when it is put back: the kernel removes it with the
 * last address of the interface, without a word. So its removal counts when it is announced.
 */
static void note_route_gone(struct upkeep *u, int ifindex)
{
	if (ifindex != LO_IFINDEX)
		u->routes_gone++;
}

static void on_change(enum kernel_change change, int ifindex, void *arg)
{
	struct upkeep *u = arg;

	switch (change) {
	case KERNEL_LINK:
		u->job.parts |= BIT(KEEP_FENCES);
		break;
	case KERNEL_ADDR:
		/* Removing the last address of an interface removes routes without a word. */
		u->job.parts |= BIT(KEEP_ADDRS) | BIT(KEEP_ROUTES) | BIT(KEEP_SELF);
		u->retry_ns[KEEP_SELF] = 0;
		break;
	case KERNEL_OURS_GONE:
		note_route_gone(u, ifindex);
		u->job.parts |= BIT(KEEP_ROUTES);
		break;
	case KERNEL_ROUTE:
		u->job.parts |= BIT(KEEP_ROUTES);
		break;
	case KERNEL_FILTER:
		doubt(u, ifindex);
		u->job.parts |= BIT(KEEP_EGRESS) | BIT(KEEP_FENCES);
		break;
	case KERNEL_LOST:
		doubt(u, 0);
		u->job.parts |= ALL_PARTS;
		break;
	}
	inbox_note(&u->node->inbox, INBOX_KERNEL);
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct upkeep *u = arg;
	uint64_t n;

	(void)s;
	(void)revents;
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		inbox_note(&u->node->inbox, INBOX_KERNEL);
	return 0;
}

/*
 * Until a pin is back, the end of the daemon would end the program: the node would answer ARP for
 * VIPs that another one owns.
 */
static int on_pin(sd_event_source *s, const struct inotify_event *event, void *arg)
{
	struct upkeep *u = arg;

	(void)s;
	(void)event;
	u->job.parts |= BIT(KEEP_PINS);
	inbox_note(&u->node->inbox, INBOX_KERNEL);
	return 0;
}

/*
 * Without a watch the pins are looked at every OFTEN_NS. The former watch ends after the new one
 * has begun: with its last watch libsystemd would close the descriptor of inotify, and the kernel
 * takes tens of milliseconds for that.
 */
static void watch_pins(struct upkeep *u)
{
	const char *folder = hokm_bpf_folder(u->node->bpf);
	sd_event_source *fresh = NULL;
	int err = sd_event_add_inotify(
		u->node->event, &fresh, folder,
		IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF, on_pin, u);

	if (err < 0) {
		log_info("pins in %s are looked at every second: their removal is not announced "
			 "(%s)",
			 folder, strerror(-err));
		return;
	}
	sd_event_source_disable_unref(u->pins);
	u->pins = fresh;
}

/* ---- filters of others ---- */

static bool is_known(const struct keep_result *r, const struct hokm_foreign *f)
{
	for (unsigned int i = 0; i < r->n_foreign; i++)
		if (!memcmp(&r->foreign[i], f, sizeof(*f)))
			return true;
	return false;
}

static void report_foreign(const struct hokm_foreign *f)
{
	char name[IF_NAMESIZE] = "?";
	const char *known = f->name[0] ? f->name : "name unknown";

	if (!if_indextoname((unsigned int)f->ifindex, name))
		return;
	if (!strcmp(f->kind, "tcx")) {
		log_warn("%s: a program at the tcx hook that is not ours runs before ours: "
			 "program %u (%s); if it ends the chain (TCX_PASS), "
			 "packets do not reach hokm-xdp: let it return TCX_NEXT",
			 name, f->id, known);
		return;
	}
	log_warn(
		"%s: a filter that is not ours runs before ours: %s, priority %u, program %u (%s); "
		"if it ends the chain (TC_ACT_OK), packets do not reach hokm-xdp: "
		"let it return TC_ACT_UNSPEC, or move it behind priority %d",
		name, f->kind, f->priority, f->id, known, 0x484b);
}

/* ---- reading back ---- */

static void note_put_back(struct upkeep *u, enum keep_part part, int n, uint64_t now_ns)
{
	u->count[part] += (uint64_t)n;
	u->count_ns = now_ns;
	u->count_part = part;
	events_add(u->node->events, "upkeep", HOKM_R_PUT_BACK,
		   "%s: removed or changed by another program, and put back", keep_part_text(part));
}

static const char *why_not(const struct upkeep *u, enum keep_part part, int err,
			   char dst[HOKM_AGAIN_TEXT_MAX])
{
	if (part == KEEP_EGRESS && err == -EBUSY)
		return "another program set the qdisc `ingress`, which takes the place of clsact "
		       "(tc qdisc show)";
	if (part == KEEP_SELF && err == -EADDRNOTAVAIL)
		return "the daemon adds only VIPs; without this address the node cannot be owner: "
		       "give it to the interface again";
	if (part == KEEP_CLIENTS && err == -ENETUNREACH)
		return "the kernel could not answer most of the clients that are known; "
		       "the daemon sets no route but those of the VIPs: "
		       "give this machine its routes again "
		       "(`ip route`; `ip link set down` removes a default route)";
	if (part == KEEP_SYSCTLS && (err == -EROFS || err == -EACCES))
		return "/proc/sys is mounted read-only here, as in a container: "
		       "correct the value on the host (hokm-xdp doctor names it)";
	return hokm_bpf_again_text(err, u->node->conf->bpffs, dst);
}

/* It may be over at once: the next look comes soon. */
static bool is_new_failure(const struct upkeep *u, enum keep_part part, uint64_t now_ns)
{
	return u->failing_ns[part] && now_ns - u->failing_ns[part] < UPKEEP_PATIENCE_NS;
}

static void note_failure(struct upkeep *u, enum keep_part part, int err, uint64_t now_ns)
{
	const char *what = keep_part_text(part), *why;
	char text[HOKM_AGAIN_TEXT_MAX];
	const bool new = !u->failing_ns[part] || is_new_failure(u, part, now_ns);

	u->retry_ns[part] = now_ns + (new ? NEW_RETRY_NS : RETRY_NS);
	if (u->failing_ns[part])
		return;
	u->failing_ns[part] = now_ns;
	why = why_not(u, part, err, text);
	log_error("%s of %s is gone and could not be put back: %s; trying again", what,
		  u->node->conf->interface, why);
	events_add(u->node->events, "upkeep", HOKM_R_PATH_LOST,
		   "%s: gone, and could not be put back: %s", what, why);
}

static void note_there(struct upkeep *u, enum keep_part part)
{
	if (!u->failing_ns[part])
		return;
	u->failing_ns[part] = 0;
	log_info("%s of %s is there again", keep_part_text(part), u->node->conf->interface);
}

static void report_put(const struct upkeep *u, enum keep_part part, int n)
{
	if (u->returning || n <= 0 || part == KEEP_SYSCTLS || part == KEEP_FENCES)
		return; /* the last two are logged one by one */
	log_warn("%s of %s: another program removed it, it is back", keep_part_text(part),
		 u->node->conf->interface);
}

/* n: how many were put back, or -errno. Returns true when something had to be put back. */
static bool note_part(struct upkeep *u, enum keep_part part, int n, uint64_t now_ns)
{
	const bool failed = u->failing_ns[part] != 0;

	/*
	 * Without its interface the node is in fault anyway (link-down). What was missed before
	 * says nothing when it is back.
	 */
	if (n == -ENODEV) {
		u->missed_ns[part] = 0;
		u->retry_ns[part] = now_ns +
				    (is_new_failure(u, part, now_ns) ? NEW_RETRY_NS : RETRY_NS);
		return false;
	}
	/* The kernel's tables changed while they were read. */
	if (n == -EINTR) {
		u->job.parts |= BIT(part);
		return false;
	}
	/* Until then the keeper looks again after each gap. */
	if (upkeep_is_passing(u, part, n, now_ns)) {
		u->job.parts |= BIT(part);
		return false;
	}
	report_put(u, part, n);
	if (n < 0)
		note_failure(u, part, n, now_ns);
	else
		note_there(u, part);
	if (n < 0 || u->returning)
		return false;
	if (n || failed)
		upkeep_judge_removal(u, part, now_ns);
	if (!n)
		return false;
	note_put_back(u, part, n, now_ns);
	return true;
}

/*
 * Returns true when something had to be put back. Addresses and routes that the keeper misses are
 * put back by the VIP worker, if they are still wanted; its result comes later.
 */
static bool take_part(struct upkeep *u, enum keep_part part, int found, uint64_t now_ns)
{
	if (found <= 0 || (part != KEEP_ADDRS && part != KEEP_ROUTES))
		return note_part(u, part, found, now_ns);
	if (part == KEEP_ADDRS)
		apply_addrs_again(u->node->apply);
	else
		apply_routes_again(u->node->apply);
	return false;
}

/* Nothing had to be put back: the daemon removed them, as for a VIP that the file has no more. */
static void forget_routes_gone(struct upkeep *u, uint64_t now_ns)
{
	if (!u->routes_gone || !u->routes_gone_ns)
		u->routes_gone_ns = u->routes_gone ? now_ns : 0;
	else if (now_ns - u->routes_gone_ns >= ROUTES_GONE_NS)
		u->routes_gone = 0;
}

/* n: of the routes of lo. Those of the interface that a program removed are back as well. */
static int with_routes_gone(struct upkeep *u, int n)
{
	const int gone = n < 0 ? 0 : (int)u->routes_gone;

	u->routes_gone = 0;
	u->routes_gone_ns = 0;
	return n + gone;
}

/* What the VIP worker put back. */
static bool take_put(struct upkeep *u, uint64_t now_ns)
{
	bool lost = false;
	int n;

	if (apply_addrs_put(u->node->apply, &n))
		lost |= note_part(u, KEEP_ADDRS, n, now_ns);
	if (apply_routes_put(u->node->apply, &n))
		lost |= note_part(u, KEEP_ROUTES, with_routes_gone(u, n), now_ns);
	return lost;
}

/* Others may remove things again and again: the answer gets slower, up to about a second. */
static void set_gap(struct upkeep *u, bool lost, uint64_t now_ns)
{
	if (lost)
		u->gap_ns = u->gap_ns * 2 > GAP_MAX_NS ? GAP_MAX_NS : u->gap_ns * 2;
	else if (now_ns - u->count_ns > CALM_NS)
		u->gap_ns = GAP_MIN_NS;
	u->next_ns = now_ns + u->gap_ns;
}

static bool is_complete(const struct keep_result *r)
{
	if (!r->has_self || ~r->parts & RETURN_PARTS)
		return false;
	for (unsigned int i = 0; i < KEEP_PARTS; i++)
		if (RETURN_PARTS & BIT(i) && r->n[i] < 0)
			return false;
	return true;
}

static void take_result(struct upkeep *u, const struct keep_result *r, uint64_t now_ns)
{
	bool lost = false;

	u->returned = u->returning && is_complete(r);
	for (unsigned int i = 0; i < KEEP_PARTS; i++)
		if (r->parts & BIT(i))
			lost |= take_part(u, (enum keep_part)i, r->n[i], now_ns);
	for (unsigned int i = 0; i < r->n_foreign; i++)
		if (!is_known(&u->last, &r->foreign[i]))
			report_foreign(&r->foreign[i]);
	/* The folder may be another one now. */
	if (r->parts & BIT(KEEP_PINS) && r->n[KEEP_PINS] > 0)
		watch_pins(u);
	u->last = *r;
	if (r->doubt == u->job.doubt)
		u->job.doubt = 0;
	/* Who removes urgent parts must not keep the others from being looked at. */
	if (r->parts & ~URGENT_PARTS)
		set_gap(u, lost, now_ns);
}

/* Only a program that runs notes pulses. */
static bool pulses_come(const struct upkeep *u, uint64_t now_ns)
{
	return peers_pulses_come(&u->node->peers, u->node->conf->pulse_ns, now_ns);
}

static void find_due(struct upkeep *u, uint64_t now_ns)
{
	if (now_ns >= u->soon_ns && !pulses_come(u, now_ns)) {
		u->job.parts |= SOON_PARTS;
		u->soon_ns = now_ns + SOON_NS;
	}
	if (now_ns >= u->often_ns) {
		u->job.parts |= OFTEN_PARTS;
		u->often_ns = now_ns + OFTEN_NS;
	}
	if (now_ns >= u->full_ns) {
		doubt(u, 0);
		u->job.parts |= ALL_PARTS;
		u->full_ns = now_ns + FULL_NS;
	}
	for (unsigned int i = 0; i < KEEP_PARTS; i++) {
		if (u->failing_ns[i] && now_ns >= u->retry_ns[i])
			u->job.parts |= BIT(i);
		else if (u->failing_ns[i])
			u->job.parts &= ~BIT(i);
	}
}

static void give_job(struct upkeep *u)
{
	const struct conf *c = u->node->conf;

	apply_fill_job(u->node->apply, &u->job);
	u->job.returning = u->returning;
	u->job.self = c->nodes[c->self].addr;
	u->job.n_paths = c->nodes[c->self].n_paths;
	memcpy(u->job.paths, c->nodes[c->self].paths, sizeof(u->job.paths));
	if (!keeper_ask(u->keeper, &u->job))
		return;
	u->job.parts = 0;
	u->job.doubt = 0;
	u->job.n_doubts = 0;
}

/* Urgent parts and the link alone, while the others have to wait. */
static void give_urgent(struct upkeep *u, uint64_t now_ns)
{
	struct keep_job job = {
		.parts = u->job.parts & URGENT_PARTS,
		.doubt = u->job.doubt,
		.link_ifindex = u->job.link_ifindex,
	};

	if (u->returning || !keeper_ask(u->keeper, &job))
		return;
	u->job.parts &= ~URGENT_PARTS;
	u->job.doubt = 0;
	u->urgent_ns = now_ns + URGENT_NS;
}

bool upkeep_run(struct upkeep *u, uint64_t now_ns)
{
	uint64_t addrs = u->count[KEEP_ADDRS];
	const struct keep_result *r = keeper_take(u->keeper);

	forget_routes_gone(u, now_ns);
	if (r)
		take_result(u, r, now_ns);
	if (take_put(u, now_ns))
		set_gap(u, true, now_ns);
	upkeep_judge(u, now_ns);
	find_due(u, now_ns);
	if (upkeep_waits(u) && now_ns >= u->next_ns)
		give_job(u);
	else if ((u->job.parts & URGENT_PARTS || u->job.doubt) && now_ns >= u->urgent_ns)
		give_urgent(u, now_ns);
	return u->count[KEEP_ADDRS] != addrs;
}

bool upkeep_waits(const struct upkeep *u)
{
	return u->job.parts || u->job.doubt;
}

bool upkeep_doubts_link(const struct upkeep *u, uint64_t now_ns)
{
	uint64_t newest_ns = peers_newest_ns(&u->node->peers);

	return now_ns >= u->soon_ns && !pulses_come(u, now_ns) && newest_ns &&
	       now_ns - newest_ns < LINK_LATE_NS;
}

uint64_t upkeep_look_ns(const struct upkeep *u, uint64_t now_ns)
{
	return pulses_come(u, now_ns) ? 0 : u->soon_ns;
}

bool upkeep_works(const struct upkeep *u)
{
	return keeper_busy(u->keeper);
}

bool upkeep_lacks_self(const struct upkeep *u)
{
	return u->failing_ns[KEEP_SELF] != 0;
}

/* ---- the interface made again ---- */

void upkeep_return(struct upkeep *u, int group_fd)
{
	u->returning = true;
	u->job.group_fd = group_fd;
	u->job.group.s_addr = htonl(VRRP_GROUP);
	doubt(u, 0);
	u->job.parts |= ALL_PARTS;
}

int upkeep_found(const struct upkeep *u)
{
	return u->returning ? u->last.ifindex : 0;
}

bool upkeep_returned(struct upkeep *u)
{
	bool returned = u->returned;

	u->returned = false;
	return returned;
}

void upkeep_settled(struct upkeep *u)
{
	u->returning = false;
}

/* ---- open, start, close ---- */

int upkeep_open(struct upkeep *u, struct node *n)
{
	uint64_t now_ns = clock_now_ns();

	u->node = n;
	u->gap_ns = GAP_MIN_NS;
	u->soon_ns = now_ns + SOON_NS;
	u->often_ns = now_ns + OFTEN_NS;
	u->full_ns = now_ns + FULL_NS;
	return keeper_open(n->bpf, n->conf->interface, &u->keeper);
}

int upkeep_start(struct upkeep *u)
{
	int err = kernel_watch_open(u->node->event, VIP_MARK, on_change, u, &u->watch);

	if (!err)
		err = sd_event_add_io(u->node->event, &u->done, keeper_fd(u->keeper), EPOLLIN,
				      on_done, u);
	if (err >= 0)
		err = sd_event_add_io(u->node->event, &u->put, apply_fd(u->node->apply), EPOLLIN,
				      on_done, u);
	if (err < 0)
		return err;
	watch_pins(u);
	/* What changed between opening and now. */
	on_change(KERNEL_LOST, 0, u);
	err = keeper_start(u->keeper);
	return err ? err : apply_start(u->node->apply);
}

void upkeep_close(struct upkeep *u)
{
	u->done = sd_event_source_disable_unref(u->done);
	u->put = sd_event_source_disable_unref(u->put);
	u->pins = sd_event_source_disable_unref(u->pins);
	kernel_watch_close(u->watch);
	keeper_close(u->keeper);
	u->watch = NULL;
	u->keeper = NULL;
}
