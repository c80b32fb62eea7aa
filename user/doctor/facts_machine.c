/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts that the daemon does not have, or that remain when there is none. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/ascii.h"
#include "base/log.h"
#include "base/units.h"
#include "ctl/render.h"
#include "doctor/drills.h"
#include "doctor/facts.h"
#include "path/bpf.h"

/* A person waits: a check that takes longer has shown enough. */
#define CHECK_NS (3 * NS_PER_S)

/* A number in a file of /proc/sys; -1 when it is not there. */
static int64_t read_count(const char *path)
{
	char text[24] = "";
	uint64_t value = 0;
	FILE *f = fopen(path, "re");
	bool found;

	if (!f)
		return -1;
	found = fgets(text, sizeof(text), f) != NULL;
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	return found && !number_parse(text, &value) && value <= INT32_MAX ? (int64_t)value : -1;
}

static int read_number(const char *path)
{
	return (int)read_count(path);
}

/* A value of an interface, or of "all". */
static int read_of_interface(const char *ifname, const char *name)
{
	char path[128];

	if (!*ifname)
		return -1;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", ifname, name);
	return read_number(path);
}

#define CONNTRACK "/proc/sys/net/netfilter/nf_conntrack_"

/* The columns 5 and 11 of each line, in hexadecimal; one line a processor. */
struct fact_tracked facts_conntrack(void)
{
	FILE *f = fopen("/proc/net/stat/nf_conntrack", "re");
	struct fact_tracked sum = {0, 0};
	unsigned long long invalid, dropped;
	char line[512];

	if (!f)
		return sum;
	while (fgets(line, sizeof(line), f)) {
		/* NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(line, "%*x %*x %*x %*x %llx %*x %*x %*x %*x %*x %llx", &invalid,
			   &dropped) != 2)
			continue;
		sum.invalid += invalid;
		sum.dropped += dropped;
	}
	fclose(f);
	return sum;
}

void facts_judge_vips(struct facts *f, unsigned int here)
{
	f->vip_here = f->owner;
	for (unsigned int i = 0; i < f->n_vips; i++) {
		if ((here >> i & 1) == f->owner)
			continue;
		f->vip_here = !f->owner;
		memcpy(f->vip, f->vips[i], sizeof(f->vip));
		return;
	}
}

static void look_at_addresses(struct facts *f)
{
	struct ifaddrs *list = NULL;
	char text[INET_ADDRSTRLEN];
	unsigned int here = 0;

	if (!f->n_vips || getifaddrs(&list))
		return;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		struct sockaddr_in sin;

		if (!strcmp(a->ifa_name, f->interface))
			f->interface_up = (a->ifa_flags & IFF_RUNNING) != 0;
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&sin, a->ifa_addr, sizeof(sin));
		for (unsigned int i = 0; i < f->n_vips; i++)
			if (inet_ntop(AF_INET, &sin.sin_addr, text, sizeof(text)) &&
			    !strcmp(text, f->vips[i]))
				here |= 1u << i;
	}
	freeifaddrs(list);
	facts_judge_vips(f, here);
}

void facts_from_machine(struct facts *f)
{
	struct timex clock = {.modes = 0};
	int all = read_of_interface("all", "rp_filter");
	int filter = read_of_interface("all", "arp_filter");
	int state = adjtimex(&clock);

	look_at_addresses(f);
	f->rp_filter = read_of_interface(f->interface, "rp_filter");
	f->rp_filter = all > f->rp_filter ? all : f->rp_filter;
	f->arp_filter = read_of_interface(f->interface, "arp_filter");
	f->arp_filter = filter > f->arp_filter ? filter : f->arp_filter;
	f->arp_ignore_all = read_of_interface("all", "arp_ignore");
	f->tcp_loose = read_number(CONNTRACK "tcp_loose");
	f->ct_count = read_count(CONNTRACK "count");
	f->ct_max = read_count(CONNTRACK "max");
	f->clock_synced = state < 0 ? -1 : state != TIME_ERROR;
}

void facts_from_conf(struct facts *f, const struct conf *c)
{
	f->advert_ms = c->advert_ns / NS_PER_MS;
	if (!f->node[0])
		snprintf(f->node, sizeof(f->node), "%s", c->nodes[c->self].name);
	if (!f->interface[0])
		snprintf(f->interface, sizeof(f->interface), "%s", c->interface);
	for (unsigned int p = 0; p < f->n_peers; p++)
		for (unsigned int i = 0; i < c->n_nodes; i++)
			if (!strcmp(c->nodes[i].name, f->peers[p].name))
				f->peers[p].vrrp_only = c->nodes[i].peer == CONF_PEER_VRRP;
}

void facts_from_xdp(struct facts *f)
{
	char name[HOKM_BPF_NAME_MAX];
	const int ifindex = (int)if_nametoindex(f->interface);
	uint32_t id;

	/* Only root sees the name, and without it the program may be ours. */
	if (ifindex && !geteuid() && !hokm_bpf_program_of(ifindex, &id, name) && id &&
	    !hokm_bpf_is_ours(name))
		snprintf(f->foreign_xdp, sizeof(f->foreign_xdp), "%s (id %" PRIu32 ")", name, id);
}

void facts_from_drills(struct facts *f, const struct conf *c)
{
	char path[CONF_PATH_MAX];
	const json_t *last;
	json_t *list = NULL;

	/* A history that others cannot read, or that is damaged, says nothing. */
	if (conf_drills_file(c, path) || drills_read(path, &list))
		return;
	last = drills_last_run(list);
	if (last && !strcmp(drill_result(last), "failed")) {
		snprintf(f->drill, sizeof(f->drill), "the drill of %.24s failed: %.100s",
			 field_text(last, "time"),
			 json_object_get(last, "why") ? field_text(last, "why") : "see its rows");
		ascii_only(f->drill);
	}
	json_decref(list);
}

void facts_from_pins(struct facts *f, const struct conf *c)
{
	struct hokm_left left;
	int64_t left_ns;

	/* What is wrong with the pins is a fact, not an error of this command. */
	f->pins_known = true;
	if (hokm_bpf_look_left(c, &left))
		return;
	left_ns = (int64_t)(left.owner_until_ns - clock_now_ns());
	f->pins = true;
	f->ever_owner = left.owner_until_ns != 0;
	f->lease_left_ms = left_ns / (int64_t)NS_PER_MS;
}

static void make_again(struct fact_check *check, const struct conf *c, unsigned int s,
		       unsigned int i)
{
	const struct conf_service *svc = &c->services[s];
	struct agent_request request;
	struct agent_reply reply;
	int err;

	agent_request_fill(&request, i, svc, i, c->vips[svc->vip]);
	request.check.attempts = 1;
	if (request.check.timeout_ns > CHECK_NS)
		request.check.timeout_ns = CHECK_NS;
	err = agent_run_once(&request, c->agent_user, &reply);
	if (err)
		snprintf(check->again, sizeof(check->again), "not possible: %s", strerror(-err));
	else
		snprintf(check->again, sizeof(check->again), "%s: %s",
			 hokm_reason_name((enum hokm_reason)reply.reason), reply.detail);
}

void facts_from_checks(struct facts *f, const struct conf *c)
{
	for (unsigned int at = 0; at < f->n_checks; at++)
		for (unsigned int s = 0; f->checks[at].down && s < c->n_services; s++) {
			const struct conf_service *svc = &c->services[s];

			if (strcmp(svc->name, f->checks[at].service) != 0)
				continue;
			for (unsigned int i = 0; i < svc->n_checks; i++)
				if (!strcmp(check_kind_name(svc->checks[i].kind),
					    f->checks[at].kind))
					make_again(&f->checks[at], c, s, i);
		}
}
