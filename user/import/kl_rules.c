/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One row a keyword of keepalived.conf(5), and its verdict. A row has a function, or the
 * verdict for all lines with this keyword and its reason. A block whose row has no function is left
 * out with everything in it.
 */
#include <arpa/inet.h>

#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "base/clock.h"
#include "import/kl_int.h"

static bool keep_seconds(struct kl_line *l, uint64_t *ns)
{
	if (!kl_seconds(l, ns))
		return false;
	kl_keep(l);
	return true;
}

/* ---- global_defs ---- */

static void mail_block(struct kl *k, struct kl_line *l)
{
	k->mail = l;
	kl_keep(l);
}

/* A value that is put between quotes here, and must not end them. */
static bool is_plain(struct kl_line *l, unsigned int at)
{
	if (!l->word[at][0] || strpbrk(l->word[at], "\"'\\$<>{}, \t")) {
		kl_say(l, KL_REFUSED, "`%s` is no plain address", l->word[at]);
		return false;
	}
	return true;
}

static void mail_to(struct kl *k, struct kl_line *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		size_t at = strlen(k->p->mail_to), size = sizeof(k->p->mail_to) - at;
		int n;

		if (!is_plain(l, i))
			return;
		n = snprintf(k->p->mail_to + at, size, "%s%s", at ? "," : "", l->word[i]);
		if (n >= (int)size) {
			k->p->mail_to[at] = '\0';
			kl_say(l, KL_LEFT_OUT,
			       "the list of recipients is too long: use a mailing list");
			return;
		}
	}
	kl_keep(l);
}

static void mail_server(struct kl *k, struct kl_line *l)
{
	int n;

	if (!is_plain(l, 1) || (l->n > 2 && !is_plain(l, 2)))
		return;
	n = snprintf(k->p->mail_server, sizeof(k->p->mail_server), "%s:%s", l->word[1],
		     l->n > 2 ? l->word[2] : "25");
	if (n >= (int)sizeof(k->p->mail_server))
		kl_say(l, KL_REFUSED, "the name is too long");
	kl_keep(l);
}

static void mail_from(struct kl *k, struct kl_line *l)
{
	if (is_plain(l, 1))
		(void)kl_text(l, 1, k->p->mail_from, sizeof(k->p->mail_from));
}

static void mail_wanted(struct kl *k, struct kl_line *l)
{
	static const char *const no[] = {"off", "no", "false", "0"};

	k->p->mail_wanted = true;
	for (size_t i = 0; l->n > 1 && i < sizeof(no) / sizeof(no[0]); i++)
		if (!strcmp(l->word[1], no[i]))
			k->p->mail_wanted = false;
	kl_keep(l);
}

static void script_user(struct kl *k, struct kl_line *l)
{
	if (!kl_text(l, 1, k->p->user, sizeof(k->p->user)))
		return;
	if (!name_valid(k->p->user))
		kl_say(l, KL_REFUSED, "`%s` is no name of a user that is taken here", l->word[1]);
	else if (!strcmp(k->p->user, "root"))
		kl_say(l, KL_CHANGED,
		       "hooks of root have only the capabilities that hooks.capabilities names");
	else if (l->n > 2)
		kl_say(l, KL_CHANGED, "hooks have the groups of the user, not group %s",
		       l->word[2]);
}

static void vrrp_version(struct kl *k, struct kl_line *l)
{
	if (kl_number(l, 1, 2, 3, &k->p->version))
		kl_keep(l);
}

static void garp_count(struct kl *k, struct kl_line *l)
{
	if (kl_number(l, 1, 1, 60, &k->p->garp_count))
		kl_keep(l);
}

static void garp_refresh(struct kl *k, struct kl_line *l)
{
	(void)keep_seconds(l, &k->p->garp_refresh_ns);
}

static void garp_delay(struct kl *k, struct kl_line *l)
{
	k->p->garp_delay = keep_seconds(l, &k->p->garp_delay_ns);
}

/* ---- vrrp_script ---- */

static struct kl_script *script_named(struct kl *k, const char *name)
{
	for (unsigned int i = 0; i < k->p->n_scripts; i++)
		if (!strcmp(k->p->scripts[i].name, name))
			return &k->p->scripts[i];
	return NULL;
}

/* The script whose block is being read: the newest one. */
static struct kl_script *this_script(struct kl *k)
{
	return &k->p->scripts[k->p->n_scripts - 1];
}

static void script(struct kl *k, struct kl_line *l)
{
	if (k->p->n_scripts == KL_SCRIPTS_MAX || script_named(k, l->word[1])) {
		kl_say(l, KL_REFUSED, "a script with this name was there before, or more than %d",
		       KL_SCRIPTS_MAX);
		return;
	}
	/* keepalived's own defaults. */
	k->p->scripts[k->p->n_scripts++] = (struct kl_script){
		.name = l->word[1], .line = l, .interval_ns = NS_PER_S, .rise = 1, .fall = 1};
	kl_say(l, KL_LEFT_OUT, "no instance that is imported tracks it");
}

static void script_command(struct kl *k, struct kl_line *l)
{
	this_script(k)->command = l;
	kl_keep(l);
}

static void script_interval(struct kl *k, struct kl_line *l)
{
	(void)keep_seconds(l, &this_script(k)->interval_ns);
}

static void script_timeout(struct kl *k, struct kl_line *l)
{
	(void)keep_seconds(l, &this_script(k)->timeout_ns);
}

static void script_rise(struct kl *k, struct kl_line *l)
{
	if (kl_number(l, 1, 1, 100, &this_script(k)->rise))
		kl_keep(l);
}

static void script_fall(struct kl *k, struct kl_line *l)
{
	if (kl_number(l, 1, 1, 100, &this_script(k)->fall))
		kl_keep(l);
}

static void script_weight(struct kl *k, struct kl_line *l)
{
	(void)k;
	kl_say(l, KL_CHANGED,
	       "no priority is added or taken away: "
	       "the service is down when the check fails, and a node whose service is up owns");
}

/* ---- vrrp_instance ---- */

/* An instance that is not imported keeps its verdict. */
static void instance(struct kl *k, struct kl_line *l)
{
	if (l != k->instance)
		return;
	kl_text(l, 1, k->p->instance, sizeof(k->p->instance));
	if (!name_valid(l->word[1])) {
		snprintf(k->p->instance, sizeof(k->p->instance), "hokm");
		kl_say(l, KL_CHANGED, "its name is hokm: a name has letters, digits, - and _");
	}
}

static void state(struct kl *k, struct kl_line *l)
{
	k->p->master = !strcmp(l->word[1], "MASTER");
	if (!k->p->master && strcmp(l->word[1], "BACKUP") != 0)
		kl_say(l, KL_REFUSED, "the state is MASTER or BACKUP");
	else
		kl_say(l, KL_CHANGED, "every node begins as backup; priorities decide");
}

static void interface(struct kl *k, struct kl_line *l)
{
	kl_text(l, 1, k->p->interface, sizeof(k->p->interface));
	if (l->verdict == KL_KEPT)
		kl_say(l, KL_KEPT, "each node finds it by its own address");
}

static void own_address(struct kl *k, struct kl_line *l)
{
	if (kl_addr(l, 1, &k->p->self))
		kl_keep(l);
}

static void unicast_peer(struct kl *k, struct kl_line *l)
{
	k->p->unicast = true;
	kl_keep(l);
}

static void one_peer(struct kl *k, struct kl_line *l)
{
	struct in_addr a;

	if (!kl_addr(l, 0, &a))
		return;
	if (k->p->n_peers == KL_PEERS_MAX) {
		kl_say(l, KL_REFUSED, "more than %d peers", KL_PEERS_MAX);
		return;
	}
	k->p->peers[k->p->n_peers++] = a;
	kl_keep(l);
}

static void vrid(struct kl *k, struct kl_line *l)
{
	if (kl_number(l, 1, 1, 255, &k->p->vrid))
		kl_keep(l);
}

static void priority(struct kl *k, struct kl_line *l)
{
	if (!kl_number(l, 1, 1, 255, &k->p->priority))
		return;
	kl_keep(l);
	if (k->p->priority == 255) {
		k->p->priority = 254;
		kl_say(l, KL_CHANGED, "254: 255 is for the machine whose own address the VIP is");
	}
}

static void advert(struct kl *k, struct kl_line *l)
{
	(void)keep_seconds(l, &k->p->advert_ns);
}

static void nopreempt(struct kl *k, struct kl_line *l)
{
	k->p->nopreempt = l;
	kl_keep(l);
}

static void preempt_delay(struct kl *k, struct kl_line *l)
{
	if (!keep_seconds(l, &k->p->preempt_delay_ns))
		return;
	if (k->p->preempt_delay_ns > 3600 * NS_PER_S) {
		k->p->preempt_delay_ns = 3600 * NS_PER_S;
		kl_say(l, KL_CHANGED, "an hour, which is the longest here");
	}
}

static void auth_type(struct kl *k, struct kl_line *l)
{
	(void)k;
	if (!strcmp(l->word[1], "PASS"))
		kl_keep(l);
	else
		kl_say(l, KL_REFUSED, "%s is not spoken: use PASS on all nodes first, then import",
		       l->word[1]);
}

static void auth_pass(struct kl *k, struct kl_line *l)
{
	size_t len = strlen(l->word[1]);

	snprintf(k->p->password, sizeof(k->p->password), "%s", l->word[1]);
	k->p->authenticated = true;
	explicit_bzero(l->word[1], len);
	if (strpbrk(k->p->password, "\"\\$"))
		kl_say(l, KL_REFUSED,
		       "a quote, a backslash or a $ in the password: "
		       "change it on all nodes first");
	else if (len > KL_PASSWORD_MAX)
		kl_say(l, KL_CHANGED,
		       "its first %d characters: "
		       "an advert has no room for more, and keepalived sends no more",
		       KL_PASSWORD_MAX);
	kl_keep(l);
}

static void vip(struct kl *k, struct kl_line *l)
{
	struct in_addr a;

	if (!kl_addr(l, 0, &a))
		return;
	if (k->p->n_vips == HOKM_MAX_VIPS) {
		kl_say(l, KL_REFUSED, "more than %d VIPs: leave out those that no game listens on",
		       HOKM_MAX_VIPS);
		return;
	}
	k->p->vips[k->p->n_vips++] = a;
	for (unsigned int i = 1; i + 1 < l->n; i++)
		if (!strcmp(l->word[i], "dev") && k->p->interface[0] &&
		    strcmp(l->word[i + 1], k->p->interface) != 0) {
			kl_say(l, KL_REFUSED, "its interface %s is not that of the instance",
			       l->word[i + 1]);
			return;
		}
	if (l->n > 1 || strchr(l->word[0], '/'))
		kl_say(l, KL_CHANGED, "an address of its own (/32) on the interface of the nodes");
	kl_keep(l);
}

static void add_check(struct kl *k, struct kl_line *l, struct kl_script *s)
{
	struct kl_check *c = &k->p->checks[k->p->n_checks];

	if (k->p->n_checks == KL_CHECKS_MAX) {
		kl_say(l, KL_REFUSED, "more than %d checks", KL_CHECKS_MAX);
		return;
	}
	s->line->verdict = KL_KEPT;
	s->line->why[0] = '\0';
	if (!s->timeout_ns)
		s->timeout_ns = s->interval_ns;
	if (!kl_check_of(s, c))
		k->p->n_checks++;
	kl_keep(l);
}

static void track_script(struct kl *k, struct kl_line *l)
{
	struct kl_script *s = script_named(k, l->word[0]);

	if (!s) {
		kl_say(l, KL_REFUSED, "there is no vrrp_script %s", l->word[0]);
	} else if (!s->command) {
		kl_say(l, KL_REFUSED, "vrrp_script %s has no script", l->word[0]);
	} else {
		if (l->n > 1)
			kl_say(l, KL_CHANGED,
			       "no priority is added or taken away: "
			       "the service is down when the check fails");
		add_check(k, l, s);
	}
}

static void track_interface(struct kl *k, struct kl_line *l)
{
	if (!strcmp(l->word[0], k->p->interface))
		kl_keep(l);
	else
		kl_say(l, KL_LEFT_OUT, "only the interface of the nodes' addresses is watched");
}

static void block(struct kl *k, struct kl_line *l)
{
	(void)k;
	kl_keep(l);
}

static void hook(struct kl *k, struct kl_line *l, enum kl_hook h)
{
	if (l->n > 2)
		kl_say(l, KL_REFUSED,
		       "put the command with its arguments in quotes; "
		       "a user behind it: use script_user");
	else if (kl_command(l, k->p->hooks[h], sizeof(k->p->hooks[h])))
		kl_say(l, KL_REFUSED,
		       "the command does not fit into one text here: "
		       "write it into a file of its own, and give the path of that file");
	else if (!k->p->user[0])
		kl_say(l, KL_CHANGED, "it is run by the user nobody: see the key user of hooks");
	kl_keep(l);
}

static void notify_master(struct kl *k, struct kl_line *l)
{
	hook(k, l, KL_MASTER);
}

static void notify_backup(struct kl *k, struct kl_line *l)
{
	hook(k, l, KL_BACKUP);
}

static void notify_fault(struct kl *k, struct kl_line *l)
{
	hook(k, l, KL_FAULT);
}

static void notify_stop(struct kl *k, struct kl_line *l)
{
	hook(k, l, KL_STOP);
}

static void notify_all(struct kl *k, struct kl_line *l)
{
	hook(k, l, KL_NOTIFY);
}

/* ---- the table ---- */

#define ROW(block, word, least, fn)                   \
	{                                             \
		block, word, least, fn, KL_KEPT, NULL \
	}
#define KEPT(block, word, why)                     \
	{                                          \
		block, word, 0, NULL, KL_KEPT, why \
	}
#define OUT(block, word, why)                          \
	{                                              \
		block, word, 0, NULL, KL_LEFT_OUT, why \
	}
#define LVS                                                                                        \
	"balancing of connections with LVS: hokm-xdp moves one address between nodes. Leave this " \
	"part to keepalived, with a VIP of its own"

static const struct kl_rule rules[] = {
	ROW("", "global_defs", 0, block),
	ROW("", "vrrp_script", 1, script),
	ROW("", "vrrp_instance", 1, instance),
	OUT("", "vrrp_sync_group", "one group of nodes moves all its VIPs together"),
	OUT("", "virtual_server", LVS),
	OUT("", "virtual_server_group", LVS),
	OUT("", "static_ipaddress", "addresses of the machine are the network configuration's"),
	OUT("", "static_routes", "routes of the machine are the network configuration's"),
	OUT("", "static_rules", "rules of the machine are the network configuration's"),
	OUT("", "vrrp_track_process", "use a check of the service, which connects to it"),
	OUT("", "vrrp_track_file", "use hokm-xdp ctl maint or drain to take a node out"),
	OUT("", "track_file", "use hokm-xdp ctl maint or drain to take a node out"),
	OUT("", "bfd_instance", "pulses watch the peers, many times a second"),
	OUT("", "net_namespace", "start hokm-xdp in the namespace: ip netns exec"),
	KEPT("", "include", NULL),
	ROW("global_defs", "notification_email", 0, mail_block),
	ROW("notification_email", KL_ANY, 0, mail_to),
	ROW("global_defs", "notification_email_from", 1, mail_from),
	ROW("global_defs", "smtp_server", 1, mail_server),
	OUT("global_defs", "smtp_connect_timeout", "the default is used"),
	ROW("global_defs", "smtp_alert", 0, mail_wanted),
	OUT("global_defs", "router_id", "the name of a node is in the new file"),
	ROW("global_defs", "script_user", 1, script_user),
	KEPT("global_defs", "enable_script_security", "always so"),
	OUT("global_defs", "vrrp_strict", "not needed: VRRP is always spoken as the RFC has it"),
	OUT("global_defs", "vrrp_skip_check_adv_addr", "not needed"),
	OUT("global_defs", "vrrp_iptables", "no firewall rules are made"),
	ROW("global_defs", "vrrp_version", 1, vrrp_version),
	ROW("global_defs", "vrrp_garp_master_repeat", 1, garp_count),
	ROW("global_defs", "vrrp_garp_master_refresh", 1, garp_refresh),
	ROW("global_defs", "vrrp_garp_master_delay", 1, garp_delay),
	OUT("global_defs", "vrrp_garp_interval", "the default is used"),
	OUT("global_defs", "vrrp_gna_interval", "IPv6 only"),
	OUT("global_defs", "vrrp_mcast_group4", "the group 224.0.0.18 of the RFC is used"),
	OUT("global_defs", "vrrp_priority", "the daemon has a real-time class"),
	OUT("global_defs", "vrrp_rt_priority", "the daemon has a real-time class"),
	OUT("global_defs", "lvs_sync_daemon", LVS),
	ROW("vrrp_script", "script", 1, script_command),
	ROW("vrrp_script", "interval", 1, script_interval),
	ROW("vrrp_script", "timeout", 1, script_timeout),
	ROW("vrrp_script", "rise", 1, script_rise),
	ROW("vrrp_script", "fall", 1, script_fall),
	ROW("vrrp_script", "weight", 1, script_weight),
	OUT("vrrp_script", "user", "all checks are run by the user of agent_user"),
	OUT("vrrp_script", "init_fail", "a service is down until its first check has passed"),
	ROW("vrrp_instance", "state", 1, state),
	ROW("vrrp_instance", "interface", 1, interface),
	ROW("vrrp_instance", "virtual_router_id", 1, vrid),
	ROW("vrrp_instance", "priority", 1, priority),
	ROW("vrrp_instance", "version", 1, vrrp_version),
	ROW("vrrp_instance", "advert_int", 1, advert),
	ROW("vrrp_instance", "nopreempt", 0, nopreempt),
	KEPT("vrrp_instance", "preempt", "the default"),
	ROW("vrrp_instance", "preempt_delay", 1, preempt_delay),
	ROW("vrrp_instance", "authentication", 0, block),
	ROW("authentication", "auth_type", 1, auth_type),
	ROW("authentication", "auth_pass", 1, auth_pass),
	ROW("vrrp_instance", "mcast_src_ip", 1, own_address),
	ROW("vrrp_instance", "unicast_src_ip", 1, own_address),
	ROW("vrrp_instance", "unicast_peer", 0, unicast_peer),
	ROW("unicast_peer", KL_ANY, 0, one_peer),
	ROW("vrrp_instance", "virtual_ipaddress", 0, block),
	ROW("virtual_ipaddress", KL_ANY, 0, vip),
	OUT("vrrp_instance", "virtual_ipaddress_excluded",
	    "addresses that no advert has: move them with a hook"),
	OUT("vrrp_instance", "virtual_routes", "move routes with a hook"),
	OUT("vrrp_instance", "virtual_rules", "move rules with a hook"),
	ROW("vrrp_instance", "track_script", 0, block),
	ROW("track_script", KL_ANY, 0, track_script),
	ROW("vrrp_instance", "track_interface", 0, block),
	ROW("track_interface", KL_ANY, 0, track_interface),
	OUT("vrrp_instance", "track_file", "use hokm-xdp ctl maint or drain to take a node out"),
	OUT("vrrp_instance", "track_process", "use a check of the service, which connects to it"),
	OUT("vrrp_instance", "track_bfd", "pulses watch the peers, many times a second"),
	ROW("vrrp_instance", "notify_master", 1, notify_master),
	ROW("vrrp_instance", "notify_backup", 1, notify_backup),
	ROW("vrrp_instance", "notify_fault", 1, notify_fault),
	ROW("vrrp_instance", "notify_stop", 1, notify_stop),
	ROW("vrrp_instance", "notify", 1, notify_all),
	ROW("vrrp_instance", "smtp_alert", 0, mail_wanted),
	ROW("vrrp_instance", "garp_master_repeat", 1, garp_count),
	ROW("vrrp_instance", "garp_master_refresh", 1, garp_refresh),
	ROW("vrrp_instance", "garp_master_delay", 1, garp_delay),
	OUT("vrrp_instance", "garp_master_refresh_repeat", "the default is used"),
	OUT("vrrp_instance", "garp_lower_prio_repeat", "the default is used"),
	OUT("vrrp_instance", "garp_lower_prio_delay", "the default is used"),
	OUT("vrrp_instance", "higher_prio_send_advert", "the default is used"),
	OUT("vrrp_instance", "use_vmac",
	    "clients learn the new owner by gratuitous ARP, and both nodes steer meanwhile"),
	OUT("vrrp_instance", "vmac_xmit_base", "there is no virtual MAC address"),
	OUT("vrrp_instance", "dont_track_primary", "a node whose interface is down cannot own"),
	OUT("vrrp_instance", "debug", "see log_level"),
	OUT("vrrp_instance", "strict_mode", "VRRP is always spoken as the RFC has it"),
	OUT("vrrp_instance", "native_ipv6", "IPv6: hokm-xdp moves IPv4 addresses"),
	KEPT("vrrp_instance", "accept", "always so"),
	OUT("vrrp_instance", "lvs_sync_daemon_interface", LVS),
	OUT("vrrp_instance", "lvs_sync_daemon_inteface", LVS),
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

const struct kl_rule *kl_rule_of(const char *block, const char *word)
{
	for (size_t i = 0; i < N_RULES; i++)
		if (!strcmp(rules[i].block, block) &&
		    (!strcmp(rules[i].word, word) || !strcmp(rules[i].word, KL_ANY)))
			return &rules[i];
	return NULL;
}
