/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the kernel routes the packets of the game. It is asked by RTM_GETROUTE (rtnetlink(7)) what it
 * would do with a packet of a client to the VIP that arrives on the interface, and with the answer
 * of the server. So the whole of policy routing counts: rules, tables, VRFs, reverse path
 * filtering. Marks that a packet filter gives to packets do not.
 *
 * The checks of the daemon do not see any of it, because they do not leave the machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <string.h>

#include "base/nl.h"
#include "doctor/facts.h"

/* One packet. */
struct way {
	int ifindex;
	struct in_addr client, vip;
	__be16 client_port, port;
};

/* What the kernel answers. */
struct verdict {
	unsigned char type; /* RTN_* */
	int oif;
};

#define A_CLIENT_PORT 40000

static int note_route(struct nlmsghdr *nlh, void *arg)
{
	struct verdict *v = arg;
	const struct rtmsg *r = nlmsg_data(nlh);
	struct nlattr *tb[RTA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(nlh, sizeof(*r), tb, RTA_MAX, NULL) < 0)
		return -EPROTO;
	v->type = r->rtm_type;
	v->oif = tb[RTA_OIF] ? (int)nla_get_u32(tb[RTA_OIF]) : 0;
	return 0;
}

/* in: the packet of the client; else the answer. 0 or -errno, that of the kernel if it refuses. */
static int ask(struct nl_sock *sk, const struct way *w, bool in, struct verdict *out)
{
	struct rtmsg hdr = {.rtm_family = AF_INET, .rtm_src_len = 32, .rtm_dst_len = 32};
	struct in_addr src = in ? w->client : w->vip, dst = in ? w->vip : w->client;
	__be16 sport = in ? w->client_port : w->port, dport = in ? w->port : w->client_port;
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	int err;

	if (!msg)
		return -ENOMEM;
	err = nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) ||
	      nla_put(msg, RTA_SRC, sizeof(src), &src) ||
	      nla_put(msg, RTA_DST, sizeof(dst), &dst) ||
	      nla_put_u8(msg, RTA_IP_PROTO, IPPROTO_TCP) || nla_put_u16(msg, RTA_SPORT, sport) ||
	      nla_put_u16(msg, RTA_DPORT, dport) ||
	      (in && nla_put_u32(msg, RTA_IIF, (uint32_t)w->ifindex));
	if (err) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return nlr_get(sk, msg, note_route, out);
}

static const char *why_not(int err)
{
	switch (-err) {
	case EXDEV:
	case EINVAL: /* in place of EXDEV since Linux 6.14 */
		return "drops it by reverse path filtering (rp_filter), or as a martian";
	case EACCES:
		return "refuses it by a prohibiting rule or route";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "has no route for it";
	default:
		return NULL;
	}
}

static void say_in(char text[FACT_TEXT], const struct way *w, const char *verdict)
{
	char client[INET_ADDRSTRLEN] = "?", vip[INET_ADDRSTRLEN] = "?", name[IF_NAMESIZE] = "?";

	(void)inet_ntop(AF_INET, &w->client, client, sizeof(client));
	(void)inet_ntop(AF_INET, &w->vip, vip, sizeof(vip));
	(void)if_indextoname((unsigned int)w->ifindex, name);
	snprintf(text, FACT_TEXT, "packets of %s to %s on %s: the kernel %s", client, vip, name,
		 verdict);
}

static void say_out(char text[FACT_TEXT], const struct way *w, const char *verdict)
{
	char client[INET_ADDRSTRLEN] = "?", vip[INET_ADDRSTRLEN] = "?";

	(void)inet_ntop(AF_INET, &w->client, client, sizeof(client));
	(void)inet_ntop(AF_INET, &w->vip, vip, sizeof(vip));
	snprintf(text, FACT_TEXT, "answers of %s to %s: the kernel %s", vip, client, verdict);
}

/* A packet of the client must be delivered here. */
static void look_in(struct nl_sock *sk, const struct way *w, char text[FACT_TEXT])
{
	struct verdict v = {0, 0};
	int err = ask(sk, w, true, &v);

	if (!err && v.type != RTN_LOCAL)
		say_in(text, w, "would not deliver it to this machine");
	else if (why_not(err))
		say_in(text, w, why_not(err));
}

/* The answer must leave by the interface, where the egress program sees it. */
static void look_out(struct nl_sock *sk, const struct way *w, char text[FACT_TEXT])
{
	char words[64] = "", name[IF_NAMESIZE] = "?";
	struct verdict v = {0, 0};
	int err = ask(sk, w, false, &v);

	if (why_not(err)) {
		say_out(text, w, why_not(err));
		return;
	}
	if (err || v.type == RTN_LOCAL || v.oif == w->ifindex)
		return;
	(void)if_indextoname((unsigned int)v.oif, name);
	snprintf(words, sizeof(words), "sends it by %s", name);
	say_out(text, w, words);
}

void facts_from_routes(struct facts *f, const struct conf *c, const struct fact_clients *clients)
{
	const struct conf_service *s = &c->services[0];
	struct way w = {.ifindex = (int)if_nametoindex(f->interface), .port = htons(s->port)};
	struct nl_sock *sk;

	if (!w.ifindex || !c->n_services || nlr_open(&sk))
		return;
	w.vip = c->vips[s->vip];
	w.client_port = htons(A_CLIENT_PORT);
	for (unsigned int i = 0; i < clients->n; i++) {
		w.client = clients->list[i];
		if (!f->route_in[0])
			look_in(sk, &w, f->route_in);
		if (!f->route_out[0])
			look_out(sk, &w, f->route_out);
	}
	nl_socket_free(sk);
}

/* ---- routes whose source is the VIP ---- */

struct sources {
	const struct conf *conf;
	char *text;
};

static int note_source(struct nlmsghdr *nlh, void *arg)
{
	struct sources *s = arg;
	const struct rtmsg *r = nlmsg_data(nlh);
	struct nlattr *tb[RTA_MAX + 1];
	char dst[INET_ADDRSTRLEN] = "", src[INET_ADDRSTRLEN] = "?";
	struct in_addr source;

	if (nlh->nlmsg_type != RTM_NEWROUTE || nlmsg_parse(nlh, sizeof(*r), tb, RTA_MAX, NULL) < 0)
		return -EPROTO;
	/* Those of table local the kernel makes itself. */
	if (s->text[0] || r->rtm_type != RTN_UNICAST || !tb[RTA_PREFSRC] ||
	    nla_len(tb[RTA_PREFSRC]) != (int)sizeof(source))
		return 0;
	memcpy(&source, nla_data(tb[RTA_PREFSRC]), sizeof(source));
	for (unsigned int i = 0; i < s->conf->n_vips; i++) {
		if (s->conf->vips[i].s_addr != source.s_addr)
			continue;
		if (tb[RTA_DST])
			(void)inet_ntop(AF_INET, nla_data(tb[RTA_DST]), dst, sizeof(dst));
		(void)inet_ntop(AF_INET, &source, src, sizeof(src));
		snprintf(s->text, FACT_TEXT, "the route %s%s has the source address %s",
			 dst[0] ? "to " : "default", dst, src);
	}
	return 0;
}

void facts_from_sources(struct facts *f, const struct conf *c)
{
	struct rtmsg hdr = {.rtm_family = AF_INET};
	struct sources s = {.conf = c, .text = f->route_source};
	struct nl_sock *sk;

	if (nlr_open(&sk))
		return;
	/* A table that changes meanwhile may be read in part only. */
	(void)nlr_dump(sk, RTM_GETROUTE, &hdr, sizeof(hdr), note_source, &s);
	nl_socket_free(sk);
}
