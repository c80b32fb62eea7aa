/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of the doctor on this node itself: its daemon and files, ownership of the VIP, the packet
 * path, its checks. Pure.
 */
#include <inttypes.h>
#include <string.h>

#include "doctor/rules.h"
#include "hokm/names.h"

#define RECENT_MS (10 * 60 * 1000)
#define RP_STRICT 1

/* ---- without a daemon ---- */

bool rule_config_bad(const struct facts *f, struct finding *out)
{
	/* An error within a file begins with its path and the line. */
	if (!f->config_ok && !strncmp(f->config_error, f->config, strlen(f->config)))
		return rule_say(out, "%s", f->config_error);
	return !f->config_ok && rule_say(out, "%s: %s", f->config, f->config_error);
}

bool rule_config_missing(const struct facts *f, struct finding *out)
{
	return f->config_missing && f->daemon == FACT_GONE &&
	       rule_say(out, "there is no %s, and no daemon answers", f->config);
}

bool rule_foreign_xdp(const struct facts *f, struct finding *out)
{
	return f->foreign_xdp[0] &&
	       rule_say(out, "XDP program %s on %s is not ours", f->foreign_xdp, f->interface);
}

static bool say_lease(const struct facts *f, const char *what, struct finding *out)
{
	if (!f->pins_known)
		return rule_say(out, "%s here, and no configuration names another place", what);
	if (!f->pins)
		return rule_say(out, "%s, and nothing of it is left in the kernel", what);
	if (f->lease_left_ms > 0)
		return rule_say(out, "%s; the kernel still holds the VIP for %" PRId64 " ms", what,
				f->lease_left_ms);
	if (f->ever_owner)
		return rule_say(
			out,
			"%s; the kernel's lease ended %.1f s ago, its programs are still there",
			what, (double)-f->lease_left_ms / 1000);
	return rule_say(out, "%s; the kernel holds no lease, its programs are still there", what);
}

bool rule_daemon_gone(const struct facts *f, struct finding *out)
{
	return f->daemon == FACT_GONE && say_lease(f, "no daemon answers", out);
}

bool rule_daemon_silent(const struct facts *f, struct finding *out)
{
	return f->daemon == FACT_SILENT &&
	       say_lease(f, "the daemon's process is there and does not answer", out);
}

bool rule_clock_wrong(const struct facts *f, struct finding *out)
{
	return f->clock_synced == 0 &&
	       rule_say(out, "the kernel says that its clock is not synchronized");
}

/*
 * A full table alone drops nothing while the kernel finds connections in it that were never
 * answered: it evicts these.
 */
bool rule_conntrack_full(const struct facts *f, struct finding *out)
{
	return f->grew.ct_dropped &&
	       rule_say(out,
			"connection tracking dropped %" PRIu64 " packets just now; "
			"it has %" PRId64 " connections of at most %" PRId64,
			f->grew.ct_dropped, f->ct_count, f->ct_max);
}

/* Above so many percent the table may be full before anybody looks again. */
#define FILLING_PERCENT 80

bool rule_conntrack_filling(const struct facts *f, struct finding *out)
{
	return f->ct_max > 0 && !f->grew.ct_dropped &&
	       f->ct_count * 100 >= f->ct_max * FILLING_PERCENT &&
	       rule_say(out, "connection tracking has %" PRId64 " connections of at most %" PRId64,
			f->ct_count, f->ct_max);
}

bool rule_conntrack_strict(const struct facts *f, struct finding *out)
{
	return f->tcp_loose == 0 && rule_say(out, "net.netfilter.nf_conntrack_tcp_loose is 0");
}

bool rule_conntrack_invalid(const struct facts *f, struct finding *out)
{
	return f->grew.ct_invalid &&
	       rule_say(out, "connection tracking called %" PRIu64 " packets invalid just now",
			f->grew.ct_invalid);
}

bool rule_arp_silent(const struct facts *f, struct finding *out)
{
	return f->arp_ignore_all > 1 &&
	       rule_say(out, "net.ipv4.conf.all.arp_ignore is %d", f->arp_ignore_all);
}

bool rule_rp_strict(const struct facts *f, struct finding *out)
{
	return f->rp_filter == RP_STRICT &&
	       rule_say(out, "rp_filter of %s is 1 (strict)", f->interface);
}

/* ---- ownership ---- */

bool rule_two_owners(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (f->owner && p->rival) {
		out->cause = "pulses do not pass between the nodes; "
			     "neither gives way to adverts alone; or an attacker forges them";
		return rule_say(out, "%s holds a lease, and the adverts of %s say that it owns too",
				f->node, p->name);
	}
	return f->owner && p->owner &&
	       rule_say(out, "%s holds a lease, and the pulses of %s say that it holds one too",
			f->node, p->name);
}

bool rule_vip_missing(const struct facts *f, struct finding *out)
{
	return f->owner && f->vip_here == 0 &&
	       rule_say(out, "%s is owner, and %s is no address of this machine", f->node, f->vip);
}

/* What to do in state fault, by its reason (what bars a node: user/decide/policy.c). */
static const struct {
	enum hokm_reason reason;
	const char *next;
} fault_steps[] = {
	{HOKM_R_LINK_DOWN, "ip link; ip address; check cable and switch port"},
	{HOKM_R_SEGMENT_SILENT,
	 "wait for start_delay; where it lasts: port-fast at the switch, and check its VLAN"},
	{HOKM_R_PATH_LOST,
	 "journalctl -u hokm-xdp; bpftool net; ip address; ip route show table local"},
	{HOKM_R_SERVICE_DOWN,
	 "repair the game server of this node; hokm-xdp probe shows each step"},
	{HOKM_R_STARTED, "hokm-xdp ctl status again in some seconds: the first checks are made"},
	{HOKM_R_MAINT, "hokm-xdp ctl ready"},
	{HOKM_R_OPERATOR, "hokm-xdp ctl undrain"},
	{HOKM_R_GATEWAY_SILENT,
	 "ip neigh; check cable and switch of this node: it is cut off from the network"},
	{HOKM_R_ETCD_SILENT, "hokm-xdp ctl status: why etcd does not answer; check the network"},
	{HOKM_R_ETCD_REFUSED, "hokm-xdp doctor on the other node: it holds the record in etcd"},
};

bool rule_in_fault(const struct facts *f, struct finding *out)
{
	if (strcmp(f->state, "fault") != 0)
		return false;
	for (size_t i = 0; i < sizeof(fault_steps) / sizeof(fault_steps[0]); i++)
		if (!strcmp(f->reason, hokm_reason_name(fault_steps[i].reason)))
			out->next = fault_steps[i].next;
	return rule_say(out, "state fault: %s (%s)%s", f->reason_text, f->reason,
			f->interface_up == 0 ? "; no link" : "");
}

bool rule_panics(const struct facts *f, struct finding *out)
{
	return f->panic &&
	       rule_say(out, "panic hold: no node is healthy, %s keeps the VIP", f->node);
}

bool rule_syn_fenced(const struct facts *f, struct finding *out)
{
	return f->grew.syn_fenced &&
	       rule_say(out,
			"drop_syn_fenced grew by %" PRIu64 ": clients come here, no owner is known",
			f->grew.syn_fenced);
}

bool rule_ordered(const struct facts *f, struct finding *out)
{
	if (f->maint)
		return rule_say(out, "maintenance is ordered");
	if (f->drain)
		return rule_say(out, "a drain is ordered");
	return f->standby && rule_say(out, "standby after `failover`: it does not preempt");
}

/* ---- the packet path ---- */

bool rule_part_missing(const struct facts *f, struct finding *out)
{
	const char *first = "", *second = "";

	for (unsigned int i = 0; i < f->n_missing; i++) {
		if (rule_of_routes(f->missing[i]))
			continue;
		second = *first && !*second ? f->missing[i] : second;
		first = *first ? first : f->missing[i];
	}
	return *first && rule_say(out, "gone, and cannot be put back: %s%s%s", first,
				  *second ? ", " : "", second);
}

bool rule_part_put_back(const struct facts *f, struct finding *out)
{
	return f->put_back_ms >= 0 && f->put_back_ms < RECENT_MS &&
	       rule_say(out, "%s was removed by another program %" PRId64 " s ago and put back",
			f->put_back, f->put_back_ms / 1000);
}

bool rule_filter_before(const struct facts *f, struct finding *out)
{
	return f->n_foreign && rule_say(out, "%s runs before ours", f->foreign[0]);
}

bool rule_fence_open(const struct facts *f, struct finding *out)
{
	return f->n_open && rule_say(out, "interface %s has no fence", f->open[0]);
}

bool rule_generic(const struct facts *f, struct finding *out)
{
	return !strcmp(f->xdp_mode, "generic") &&
	       rule_say(out, "XDP on %s is generic", f->interface);
}

bool rule_table_full(const struct facts *f, struct finding *out)
{
	return f->grew.conns_full &&
	       rule_say(out, "conns_full grew by %" PRIu64, f->grew.conns_full);
}

bool rule_events_gone(const struct facts *f, struct finding *out)
{
	return (f->grew.events_lost || f->grew.log_lost) &&
	       rule_say(out, "lost just now: %" PRIu64 " events, %" PRIu64 " lines of the log",
			f->grew.events_lost, f->grew.log_lost);
}

bool rule_dns_complains(const struct facts *f, struct finding *out)
{
	return f->dns[0] && rule_say(out, "%s", f->dns);
}

bool rule_dns_ttl(const struct facts *f, struct finding *out)
{
	return f->dns_ttl[0] && rule_say(out, "%s", f->dns_ttl);
}

bool rule_drill_failed(const struct facts *f, struct finding *out)
{
	return f->drill[0] && rule_say(out, "%s", f->drill);
}

bool rule_takes_no_part(const struct facts *f, struct finding *out)
{
	return f->no_part[0] &&
	       rule_say(out, "%s answers, and takes no part in grants", f->no_part);
}

/* ---- checks ---- */

bool rule_check_fails(const struct facts *f, struct finding *out)
{
	const struct fact_check *c = &f->checks[out->of];

	return c->down && rule_say(out, "%s of %s: %s: %s%s%s", c->kind, c->service, c->reason,
				   c->detail, c->again[0] ? "; made again now: " : "", c->again);
}

bool rule_syns_unanswered(const struct facts *f, struct finding *out)
{
	return f->unanswered[0] &&
	       rule_say(out, "no SYN to service %s was answered for %.1f s, and its checks pass",
			f->unanswered, (double)f->unanswered_ms / 1000);
}

/* With a check that fails the server is not there at all. */
bool rule_no_listener(const struct facts *f, struct finding *out)
{
	for (unsigned int i = 0; i < f->n_checks; i++)
		if (f->checks[i].down && !strcmp(f->checks[i].service, f->no_listener))
			return false;
	return f->no_listener[0] &&
	       rule_say(out,
			"no socket of this machine listens for service %s, and its checks pass",
			f->no_listener);
}

bool rule_stuck_listener(const struct facts *f, struct finding *out)
{
	return f->stuck_listener[0] &&
	       rule_say(out, "%s, and none was accepted", f->stuck_listener);
}

bool rule_agent_dead(const struct facts *f, struct finding *out)
{
	return !f->agent && rule_say(out, "the agent does not run: no active check is made");
}
