/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See fences.h. An interface needs a fence when the machine's own ARP code sees its frames:
 *
 *   Ethernet with ARP     others (lo, tunnels, dummy) carry no ARP
 *   no port of a master   the bridge, bond, team or switch has the frames of its ports. The slaves
 * of a VRF are different: they receive for themselves not the interface of the instance, whose XDP
 * program is the gate
 *
 * Which interfaces can reach the segment of the VIP cannot be known beforehand: a bridge or a
 * tunnel may lead there. So all of them have a fence; it costs a few nanoseconds for each packet.
 *
 * The list is kept in the order of the kernel's dump. A fence that was looked at is trusted until
 * the kernel announces a change of a filter of that interface.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "act/fences.h"
#include "base/log.h"
#include "base/nl.h"

struct fence {
	struct hokm_bpf *bpf;
	struct nl_sock *sk;
	unsigned int n;
	struct fence_entry list[HOKM_MAX_FENCES];
	unsigned int left_out; /* interfaces that found no place in the list */
};

int fence_open(struct hokm_bpf *b, struct fence **out)
{
	struct fence *f = calloc(1, sizeof(*f));
	int err;

	*out = NULL;
	if (!f)
		return -ENOMEM;
	f->bpf = b;
	err = nlr_open(&f->sk);
	if (err) {
		log_error("could not open an rtnetlink socket: %s", strerror(-err));
		fence_close(f);
		return err;
	}
	*out = f;
	return 0;
}

void fence_close(struct fence *f)
{
	if (!f)
		return;
	if (f->sk)
		nl_socket_free(f->sk);
	free(f);
}

/* The master has the frames of this interface, unless it is a VRF. */
static bool is_port(struct nlattr *tb[IFLA_MAX + 1])
{
	struct nlattr *info[IFLA_INFO_MAX + 1];

	if (!tb[IFLA_MASTER])
		return false;
	if (!tb[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL) < 0 ||
	    !info[IFLA_INFO_SLAVE_KIND])
		return true;
	return nla_strcmp(info[IFLA_INFO_SLAVE_KIND], "vrf") != 0;
}

bool fence_needed(struct nlmsghdr *nlh, int own_ifindex, char name[IF_NAMESIZE])
{
	struct nlattr *tb[IFLA_MAX + 1];
	const struct ifinfomsg *ifi = nlmsg_data(nlh);

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(nlh, sizeof(*ifi), tb, IFLA_MAX, NULL) < 0 || !tb[IFLA_IFNAME])
		return false;
	nla_strlcpy(name, tb[IFLA_IFNAME], IF_NAMESIZE);
	return ifi->ifi_index != own_ifindex && ifi->ifi_type == ARPHRD_ETHER &&
	       !(ifi->ifi_flags & (IFF_LOOPBACK | IFF_NOARP)) && !is_port(tb);
}

static struct fence_entry *find(struct fence *f, int ifindex)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (f->list[i].ifindex == ifindex)
			return &f->list[i];
	return NULL;
}

static int note_link(struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = nlmsg_data(nlh);
	struct fence *f = arg;
	char name[IF_NAMESIZE];
	struct fence_entry *e;

	if (!fence_needed(nlh, hokm_bpf_ifindex(f->bpf), name))
		return 0;
	e = find(f, ifi->ifi_index);
	if (!e && f->n == HOKM_MAX_FENCES) {
		f->left_out++;
		return 0;
	}
	if (!e) {
		e = &f->list[f->n++];
		*e = (struct fence_entry){.ifindex = ifi->ifi_index, .err = -EINPROGRESS};
	}
	memcpy(e->name, name, sizeof(name));
	e->seen = true;
	return 0;
}

static int read_links(struct fence *f)
{
	struct ifinfomsg hdr = {.ifi_family = AF_UNSPEC};
	int err;

	/* -EINTR: the interfaces changed during the dump. */
	for (int tries = 0; tries < 3; tries++) {
		for (unsigned int i = 0; i < f->n; i++)
			f->list[i].seen = false;
		f->left_out = 0;
		err = nlr_dump(f->sk, RTM_GETLINK, &hdr, sizeof(hdr), note_link, f);
		if (err != -EINTR)
			break;
	}
	return err;
}

/* Takes out interfaces that are gone, or that became a port of a bridge. */
static void forget_unseen(struct fence *f)
{
	for (unsigned int i = 0; i < f->n;) {
		struct fence_entry *e = &f->list[i];

		if (e->seen) {
			i++;
			continue;
		}
		/* The filters of an interface that is gone went with it. */
		(void)hokm_bpf_fence_remove(f->bpf, e->ifindex);
		*e = f->list[--f->n];
	}
}

static void report(const struct fence_entry *e, int was)
{
	if (!e->err && was == -EINPROGRESS)
		log_info("interface %s is fenced: it answers no ARP for the VIP", e->name);
	else if (!e->err)
		log_warn("the fence of interface %s was gone and was put back", e->name);
	else if (e->err != was)
		log_error("interface %s has no fence: %s; if it is in the segment of the VIP, "
			  "this machine answers ARP there although it may not be the owner",
			  e->name, strerror(-e->err));
}

/* Returns 1 when a fence that was there before had to be put back. */
static int cover(struct fence *f, struct fence_entry *e)
{
	int was = e->err;
	int put = hokm_bpf_fence_put(f->bpf, e->ifindex);

	if (put == -ENODEV) /* gone since the dump: the next one will not show it */
		return 0;
	e->err = put < 0 ? put : 0;
	e->verified = put >= 0;
	if (put)
		report(e, was);
	else if (was)
		log_info("interface %s is fenced: the fence was there already", e->name);
	return put > 0 && !was;
}

int fence_sync(struct fence *f)
{
	unsigned int was_left_out = f->left_out;
	int put_back = 0;
	int err = read_links(f);

	if (err) {
		log_error("could not read the interfaces of this machine: %s", strerror(-err));
		return err;
	}
	forget_unseen(f);
	for (unsigned int i = 0; i < f->n; i++)
		if (!f->list[i].verified)
			put_back += cover(f, &f->list[i]);
	if (f->left_out && !was_left_out)
		log_error("%u interfaces have no fence: at most %d can have one", f->left_out,
			  HOKM_MAX_FENCES);
	return put_back;
}

void fence_doubt(struct fence *f, int ifindex)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (!ifindex || f->list[i].ifindex == ifindex)
			f->list[i].verified = false;
}

unsigned int fence_list(const struct fence *f, const struct fence_entry **list)
{
	*list = f->list;
	return f->n;
}
