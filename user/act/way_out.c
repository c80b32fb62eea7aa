/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See way_out.h. To connect a socket of UDP sends nothing: the kernel looks for the route. So the
 * rules of policy routing count, for what comes from the VIP too, and the kernel's lock for network
 * settings is not waited for, as rtnetlink does.
 */
#include "act/way_out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/ip_rules.h"
#include "base/clock.h"
#include "base/log.h"

#define ANY_PORT    8765
#define ANSWERED_NS NS_PER_S
#define READ_NS     NS_PER_S

/* A socket with this address, or -errno. */
static int open_at(struct in_addr vip)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = vip};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&sin, sizeof(sin)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* 0: there is a route; -ENETUNREACH, -EHOSTUNREACH, -EACCES, or another -errno. */
static int ask(int fd, struct in_addr client)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = client, .sin_port = htons(ANY_PORT)};

	return connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) ? -errno : 0;
}

/* An address far from this one. Who bans a client, or its network, does not ban this one too. */
static struct in_addr far_from(struct in_addr a)
{
	return (struct in_addr){.s_addr = a.s_addr ^ htonl(0x10000000)};
}

/* By a route of type `unreachable` or `prohibit`. */
static bool is_refused(int err)
{
	return err == -EHOSTUNREACH || err == -EACCES;
}

/*
 * 0: there is a route; -ENETUNREACH: there is none; -ENODEV: the VIP is not local; another -errno:
 * the client is banned, which says nothing of other clients. Operators do that by routes of type
 * `unreachable`, `prohibit` and `blackhole`, and so does fail2ban. One that refuses others, too, as
 * `unreachable default` does, counts as none.
 */
static int look_for_route(const struct hokm_client *c)
{
	int fd = open_at(c->vip);
	int err;

	if (fd < 0)
		return -ENODEV;
	err = ask(fd, c->addr);
	if (is_refused(err) && is_refused(ask(fd, far_from(c->addr))))
		err = -ENETUNREACH;
	close(fd);
	return err;
}

/* The kernel removes the routes of an interface that is down. */
static bool is_up(int ifindex)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up = fd >= 0 && if_indextoname((unsigned int)ifindex, ifr.ifr_name) &&
		  !ioctl(fd, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP &&
		  ifr.ifr_flags & IFF_RUNNING;

	if (fd >= 0)
		close(fd);
	return up;
}

bool way_out_is_lost(unsigned int lost, unsigned int n)
{
	return 2 * lost > n;
}

struct tally {
	unsigned int asked; /* clients that say something */
	unsigned int banned, lost;
	unsigned int n_found;
	struct hokm_client found[WAY_OUT_EXAMPLES]; /* of those that are lost */
};

/* The kernel had a route for a packet that left a moment ago, whatever it says to this socket. */
static bool is_answered(const struct hokm_client *c, uint64_t now_ns)
{
	return c->sent_ns && c->sent_ns + ANSWERED_NS > now_ns;
}

static void count(struct tally *t, const struct hokm_client *list, unsigned int n, uint64_t now_ns)
{
	for (unsigned int i = 0; i < n; i++) {
		int err = is_answered(&list[i], now_ns) ? 0 : look_for_route(&list[i]);

		if (err == -ENODEV)
			continue;
		if (err && err != -ENETUNREACH) {
			t->banned++;
			continue;
		}
		t->asked++;
		if (!err)
			continue;
		t->lost++;
		if (t->n_found < WAY_OUT_EXAMPLES)
			t->found[t->n_found++] = list[i];
	}
}

static bool has_vip(const struct hokm_cfg *cfg, struct in_addr vip)
{
	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++)
		if (cfg->service[i].used &&
		    hokm_addr_to_ipv4(&cfg->service[i].vip).s_addr == vip.s_addr)
			return true;
	return false;
}

/* A reload may take the VIP of a client away: then it is not asked for any more. */
static void forget_without_vip(struct way_out *w, struct hokm_bpf *b)
{
	const unsigned int n = w->n_lost;
	struct hokm_cfg cfg;

	if (!n || hokm_bpf_get_cfg(b, &cfg))
		return;
	w->n_lost = 0;
	for (unsigned int i = 0; i < n; i++)
		if (has_vip(&cfg, w->lost[i].vip))
			w->lost[w->n_lost++] = w->lost[i];
}

static bool is_in(const struct hokm_client *one, const struct hokm_client *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].addr.s_addr == one->addr.s_addr &&
		    list[i].vip.s_addr == one->vip.s_addr)
			return true;
	return false;
}

/* Clients that had no route the last time, and are not in the list. Returns how many. */
static unsigned int count_remembered(struct tally *t, const struct way_out *w,
				     const struct hokm_client *list, unsigned int n,
				     uint64_t now_ns)
{
	unsigned int remembered = 0;

	for (unsigned int i = 0; i < w->n_lost; i++) {
		if (is_in(&w->lost[i], list, n))
			continue;
		count(t, &w->lost[i], 1, now_ns);
		remembered++;
	}
	return remembered;
}

static void report_unsure(struct way_out *w)
{
	if (!w->unsure)
		log_warn("this node has no route to most of the clients that are known, "
			 "but rules of policy routing decide by a mark, an interface or a VRF, "
			 "so that the game's answers may leave all the same: the VIP stays; "
			 "see `ip rule` and `ip route`");
	w->unsure = true;
	w->n_lost = 0;
}

int way_out_look(struct way_out *w, struct hokm_bpf *b, uint64_t now_ns)
{
	struct hokm_client list[WAY_OUT_EXAMPLES];
	struct tally t = {0};
	int more;
	unsigned int n = 0;

	forget_without_vip(w, b);
	if (!w->n_lost || now_ns - w->read_ns >= READ_NS) {
		n = hokm_bpf_some_clients(b, list, WAY_OUT_EXAMPLES);
		w->read_ns = now_ns;
	}
	count(&t, list, n, now_ns);
	/* No client gets in without a route, and those that were known leave. */
	n += count_remembered(&t, w, list, n, now_ns);
	if (!t.asked && t.banned < n)
		return -ENODEV;
	if (!way_out_is_lost(t.lost, t.asked)) {
		w->n_lost = 0;
		w->unsure = w->unsure && !t.asked;
		return 0;
	}
	if (!is_up(hokm_bpf_ifindex(b)))
		return -ENODEV;
	more = ip_rules_decide_by_more();
	if (more < 0)
		return more == -EINTR ? more : -ENODEV;
	if (more) {
		report_unsure(w);
		return 0;
	}
	memcpy(w->lost, t.found, sizeof(w->lost));
	w->n_lost = t.n_found;
	w->unsure = false;
	return -ENETUNREACH;
}
