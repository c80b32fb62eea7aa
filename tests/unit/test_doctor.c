/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The doctor: a table of what is wrong and the finding that must come first, a healthy node without
 * findings, and the facts that it takes from the daemon's replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/facts.h"

/* A node of a healthy pair, owner or not. */
static void healthy(struct facts *f, bool owner)
{
	struct fact_peer *p = &f->peers[0];

	facts_init(f);
	f->daemon = FACT_ANSWERS;
	f->pins_known = f->pins = f->agent = f->owner = owner;
	f->pins_known = f->pins = f->agent = true;
	f->vip_here = owner;
	f->rp_filter = f->arp_ignore_all = 0;
	f->tcp_loose = f->clock_synced = f->interface_up = 1;
	snprintf(f->node, sizeof(f->node), "primary");
	snprintf(f->state, sizeof(f->state), owner ? "master" : "backup");
	snprintf(f->vip, sizeof(f->vip), "192.168.1.25");
	snprintf(f->xdp_mode, sizeof(f->xdp_mode), "native");
	snprintf(f->interface, sizeof(f->interface), "eth0");
	f->n_peers = f->n_checks = 1;
	snprintf(p->name, sizeof(p->name), "backup");
	snprintf(p->address, sizeof(p->address), "192.168.1.27");
	p->pulsing = p->fresh = p->replicated = p->connected = p->warm = true;
	p->seen_ms = 3;
	p->owner = !owner;
	p->adverts_ms = owner ? -1 : 200;
	snprintf(f->checks[0].service, sizeof(f->checks[0].service), "game");
	snprintf(f->checks[0].kind, sizeof(f->checks[0].kind), "websocket");
}

#define TEXT(field, text) snprintf(field, sizeof(field), "%s", text)

static void gone(struct facts *f)
{
	f->daemon = FACT_GONE;
	f->ever_owner = true;
	f->lease_left_ms = -3000;
}
static void gone_holding(struct facts *f)
{
	f->daemon = FACT_GONE;
	f->lease_left_ms = 1200;
}
static void gone_without_configuration(struct facts *f)
{
	f->daemon = FACT_GONE;
	f->config_missing = true;
	f->pins_known = false;
	TEXT(f->config, "/etc/hokm-xdp/hokm-xdp.conf");
}
static void stopped(struct facts *f)
{
	f->daemon = FACT_SILENT;
}
static void foreign_program(struct facts *f)
{
	f->daemon = FACT_GONE;
	TEXT(f->foreign_xdp, "other (id 7)");
}
static void config(struct facts *f)
{
	f->config_ok = false;
	TEXT(f->config_error, "a.conf:3: unknown key \"vrpp\"");
}
static void config_with_path(struct facts *f)
{
	config(f);
	TEXT(f->config, "a.conf");
}
static void bad_drill(struct facts *f)
{
	TEXT(f->drill, "the drill failed: it was refused");
}
static void two(struct facts *f)
{
	f->peers[0].owner = f->owner = true;
}
static void no_vip(struct facts *f)
{
	f->vip_here = 0;
}
static void claimed(struct facts *f)
{
	TEXT(f->claimer, "02:00:00:00:00:99");
	TEXT(f->claimed, "192.168.1.24");
}
static void claimed_by_another_vrid(struct facts *f)
{
	claimed(f);
	f->peers[0].pulsing = false;
	f->grew.pulse_version = 100;
	f->grew.vrrp[VRRP_BAD_VRID] = 2;
}
static void claimed_by_another_secret(struct facts *f)
{
	claimed(f);
	f->peers[0].secrets_differ = true;
	f->peers[0].pulsing = false;
}
static void detached(struct facts *f)
{
	f->n_missing = 1;
	TEXT(f->missing[0], "the XDP program");
}
static void secrets(struct facts *f)
{
	f->peers[0].secrets_differ = true;
	f->peers[0].pulsing = false;
	f->grew.pulse_tag = 30;
	f->grew.vrrp[VRRP_BAD_AUTH] = 1;
}
static void password(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_AUTH] = 2;
}
static void version(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_VERSION] = 2;
}
static void vrid(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_VRID] = 2;
}
static void interval(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_INTERVAL] = 2;
}
static void checksum(struct facts *f)
{
	f->grew.vrrp[VRRP_BAD_CHECKSUM] = 2;
}
static void ttl(struct facts *f)
{
	f->grew.vrrp_ttl = 2;
}
static void stranger(struct facts *f)
{
	f->grew.vrrp_source = 2;
}
static void forged(struct facts *f)
{
	f->grew.vrrp_mac = 2;
}
static void adverts_gone(struct facts *f)
{
	f->peers[0].adverts_ms = 4100;
}
static void adverts_slow(struct facts *f)
{
	f->peers[0].adverts_ms = 4100;
	f->advert_ms = 5000;
}
static void filtered(struct facts *f)
{
	f->grew.vrrp_seen = 2;
}
static void received(struct facts *f)
{
	f->grew.vrrp_seen = 2;
	f->grew.vrrp_received = 1;
}
static void other_vrid_pulses(struct facts *f)
{
	f->peers[0].pulsing = false;
	f->peers[0].seen_ms = f->peers[0].adverts_ms = -1;
	f->grew.pulse_version = 100;
}
static void pulses(struct facts *f)
{
	f->peers[0].pulsing = f->peers[0].owner = false;
	f->peers[0].adverts_ms = 300;
}
static void keepalived(struct facts *f)
{
	pulses(f);
	f->peers[0].vrrp_only = true;
}
static void dead_peer(struct facts *f)
{
	f->peers[0].pulsing = f->peers[0].owner = false;
	f->peers[0].seen_ms = f->peers[0].adverts_ms = 60000;
}
static void stale_peer(struct facts *f)
{
	f->peers[0].fresh = false;
}
static void replication(struct facts *f)
{
	f->peers[0].connected = f->peers[0].warm = false;
}
static void cold(struct facts *f)
{
	f->peers[0].warm = false;
}
static void unsteerable(struct facts *f)
{
	TEXT(f->peers[0].not_steerable, "no probe arrives");
}
static void stale_arp(struct facts *f)
{
	f->peers[0].misdirected = true;
}
static void differs(struct facts *f)
{
	f->peers[0].n_differs = 1;
	TEXT(f->peers[0].differs[0].name, "vrrp");
	TEXT(f->peers[0].differs[0].text, "priority 110 here");
}
static void check(struct facts *f)
{
	f->checks[0].down = true;
	TEXT(f->checks[0].reason, "check-refused");
	TEXT(f->checks[0].detail, "port 8765 refused");
	TEXT(f->checks[0].again, "check-refused: it still does");
}
static void hung_everywhere(struct facts *f)
{
	check(f);
	f->panic = true;
}
static void closed_port(struct facts *f)
{
	TEXT(f->unanswered, "game");
	f->unanswered_ms = 12300;
}
static void closed_port_of_dead_server(struct facts *f)
{
	closed_port(f);
	check(f);
}
static void agent(struct facts *f)
{
	f->agent = false;
}
static void fault(struct facts *f)
{
	TEXT(f->state, "fault");
	TEXT(f->reason, "link-down");
	f->interface_up = 0;
}
static void filter(struct facts *f)
{
	f->n_foreign = 1;
	TEXT(f->foreign[0], "filter bpf of eth0");
}
static void removed(struct facts *f)
{
	f->put_back_ms = 5000;
	TEXT(f->put_back, "the VIP address");
}
static void removed_long_ago(struct facts *f)
{
	f->put_back_ms = 3600 * 1000;
}
static void fence(struct facts *f)
{
	f->n_open = 1;
	TEXT(f->open[0], "eth1");
}
static void full(struct facts *f)
{
	f->grew.conns_full = 9;
}
static void fenced(struct facts *f)
{
	f->grew.syn_fenced = 9;
}
static void generic(struct facts *f)
{
	TEXT(f->xdp_mode, "generic");
}
static void lost(struct facts *f)
{
	f->grew.events_lost = 4;
}
static void lost_before(struct facts *f)
{
	f->events_lost = f->log_lost = 4;
}
static void dns(struct facts *f)
{
	TEXT(f->dns, "DNS: the provider refused: expired token");
}
static void dns_ttl(struct facts *f)
{
	TEXT(f->dns_ttl, "DNS: the TTL of the record is 3600 s");
}
static void rp(struct facts *f)
{
	f->rp_filter = 1;
}
static void arp(struct facts *f)
{
	f->arp_ignore_all = 2;
}
static void loose(struct facts *f)
{
	f->tcp_loose = 0;
}
static void invalid(struct facts *f)
{
	f->grew.ct_invalid = 3;
}
static void clock_off(struct facts *f)
{
	f->clock_synced = 0;
}
static void absent(struct facts *f)
{
	TEXT(f->no_part, "third");
}
static void drained(struct facts *f)
{
	f->drain = true;
}

static const struct row {
	void (*set)(struct facts *f);
	bool owner;
	const char *first;    /* NULL: no finding */
	const char *evidence; /* a part of it */
} rows[] = {
	{gone, true, "daemon-gone", "the kernel's lease ended 3.0 s ago"},
	{gone_holding, true, "daemon-gone", "still holds the VIP for 1200 ms"},
	{gone_without_configuration, false, "config-missing", "hokm-xdp.conf"},
	{stopped, true, "daemon-silent", "does not answer"},
	{foreign_program, false, "foreign-xdp", "XDP program other (id 7) on eth0 is not ours"},
	{config, true, "config-wrong", "unknown key"},
	{config_with_path, true, "config-wrong", "a.conf:3: unknown key \"vrpp\""},
	{two, true, "two-owners", "primary holds a lease, and the pulses of backup"},
	{no_vip, true, "vip-missing", "192.168.1.25"},
	{no_vip, false, NULL, NULL},
	{claimed, true, "vip-claimed", "02:00:00:00:00:99"},
	{claimed_by_another_vrid, true, "adverts-vrid", "another VRID"},
	{claimed_by_another_secret, true, "secrets-differ", "no secret of this node signed"},
	{detached, true, "path-missing", "the XDP program"},
	{secrets, true, "secrets-differ", "drop_pulse_tag grows"},
	{password, true, "adverts-password", "2 adverts discarded just now: wrong password (auth)"},
	{version, false, "adverts-version", "another VRRP version"},
	{vrid, false, "adverts-vrid", "another VRID"},
	{interval, false, "adverts-interval", "interval"},
	{checksum, false, "adverts-damaged", "wrong checksum"},
	{ttl, false, "adverts-ttl", "TTL below 255"},
	{stranger, false, "adverts-stranger", "2 adverts"},
	{forged, false, "adverts-forged", "another MAC"},
	{adverts_gone, false, "adverts-missing", "its last advert came 4.1 s ago"},
	{adverts_slow, false, NULL, NULL},
	{filtered, false, "adverts-filtered", "2 adverts arrived at the interface, none reached"},
	{received, false, NULL, NULL},
	{other_vrid_pulses, true, "pulses-version", "100 pulses"},
	{pulses, true, "pulses-blocked", "backup (192.168.1.27) sends adverts"},
	{keepalived, true, NULL, NULL},
	{dead_peer, true, "peer-silent", "60.0 s ago"},
	{stale_peer, true, "peer-daemon", "backup"},
	{replication, true, "replication-blocked", "no message of any peer arrived"},
	{cold, true, "replica-cold", "backup"},
	{bad_drill, true, "drill-failed", "it was refused"},
	{unsteerable, true, "not-steerable", "no probe arrives"},
	{stale_arp, true, "stale-arp", "arrive at backup"},
	{differs, true, "settings-differ", "vrrp differs at backup: priority 110 here"},
	{check, true, "check-fails", "port 8765 refused; made again now: check-refused: it still"},
	{hung_everywhere, true, "check-fails", "websocket of game"},
	{closed_port, true, "syns-unanswered",
	 "to service game was answered for 12.3 s, and its checks"},
	{closed_port_of_dead_server, true, "check-fails", "websocket of game"},
	{agent, true, "agent-gone", "no active check"},
	{fault, false, "fault", "no link"},
	{filter, true, "foreign-filter", "filter bpf of eth0"},
	{removed, true, "path-removed", "the VIP address was removed by another program 5 s ago"},
	{removed_long_ago, true, NULL, NULL},
	{fence, true, "fence-missing", "eth1"},
	{full, true, "table-full", "9"},
	{fenced, false, "clients-unserved", "9"},
	{generic, true, "generic-xdp", "eth0"},
	{lost, true, "events-lost", "4 events"},
	{lost_before, true, NULL, NULL},
	{dns, true, "dns", "expired token"},
	{dns_ttl, true, "dns-ttl", "3600 s"},
	{rp, true, "rp-filter", "eth0"},
	{arp, true, "arp-ignore", "2"},
	{loose, true, "conntrack-loose", "tcp_loose"},
	{invalid, true, "conntrack-invalid", "3 packets"},
	{clock_off, true, "clock", "not synchronized"},
	{absent, true, "member-absent", "third answers, and takes no part"},
	{drained, true, "ordered", "drain"},
};

static void each_fault_is_named_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings found;
		struct facts f;

		healthy(&f, rows[i].owner);
		rows[i].set(&f);
		doctor_judge(&f, &found);
		if (!rows[i].first) {
			if (found.n)
				fail_msg("row %zu: %s was found", i, found.list[0].id);
			continue;
		}
		if (!found.n || strcmp(found.list[0].id, rows[i].first) != 0)
			fail_msg("row %zu: %s, expected %s", i,
				 found.n ? found.list[0].id : "nothing", rows[i].first);
		/* The path of the file is in it once. */
		assert_false(!strncmp(found.list[0].evidence, "a.conf: a.conf", 14));
		if (!strstr(found.list[0].evidence, rows[i].evidence))
			fail_msg("%s: evidence %s", rows[i].first, found.list[0].evidence);
		assert_true(found.list[0].cause[0] && found.list[0].next[0]);
	}
}

static void a_healthy_node_has_no_finding(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	for (int owner = 0; owner < 2; owner++) {
		healthy(&f, owner);
		doctor_judge(&f, &found);
		if (found.n)
			fail_msg("%s: %s", found.list[0].id, found.list[0].evidence);
	}
	/* What is not known is no finding, too. */
	facts_init(&f);
	f.agent = true;
	doctor_judge(&f, &found);
	assert_int_equal(found.n, 0);
}

/* All faults at once: the order is that of severity, and nothing is written beyond the list. */
static void severe_findings_come_first(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	healthy(&f, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].set != gone && rows[i].set != gone_holding &&
		    rows[i].set != gone_without_configuration && rows[i].set != stopped &&
		    rows[i].set != foreign_program)
			rows[i].set(&f);
	f.n_peers = HOKM_MAX_PEERS;
	for (unsigned int i = 1; i < HOKM_MAX_PEERS; i++)
		f.peers[i] = f.peers[0];
	doctor_judge(&f, &found);
	assert_in_range(found.n, 20, FINDINGS_MAX);
	for (unsigned int i = 1; i < found.n; i++)
		assert_true(found.list[i - 1].severity <= found.list[i].severity);
}

/* ---- facts of the daemon ---- */

/* With ' in place of ". Caller: json_decref(). */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *o;

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	o = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(o);
	return o;
}

#define STATUS(auth)                                                                             \
	"{'node':'primary','state':'master','reason':'master-down','interface':'eth0',"          \
	"'owner':true,'vips':['192.168.1.25'],'xdp_mode':'native','agent':{'pid':7},"            \
	"'put_back_ms':null,'missing':['the egress filter'],'foreign':[{'kind':'bpf',"           \
	"'interface':'eth0','priority':1,'program':42,'name':'other'}],"                         \
	"'fences':[{'interface':'eth1',"                                                         \
	"'covered':false},{'interface':'eth2','covered':true}],'claims':[{'mac':"                \
	"'02:00:00:00:00:99','vip':'192.168.1.24','last_ms':900}],'events_lost':5,"              \
	"'vrrp':{'discarded':{'auth':" auth ",'ttl':0}},"                                        \
	"'services':[{'name':'chat','unanswered_ms':null},{'name':'game',"                       \
	"'unanswered_ms':7000,'checks':[{'kind':'http','known':true,'up':false,"                 \
	"'reason':'check-status','detail':'GET /health: 503'},{'kind':'tcp','known':false,"      \
	"'up':false}]}],'peers':[{'name':'backup','address':'192.168.1.27','pulsing':true,"      \
	"'daemon_fresh':true,'seen_ms':4,'adverts_ms':null,'lease_left_ms':900,"                 \
	"'not_steerable':'no probe arrives','replica':{'connected':true,'warm':false,"           \
	"'faults':{'tag':" auth "}},'differs':[{'name':'vip','text':'another','repair':'x'}],"   \
	"'paths':[{'path':0,'address':'192.168.1.27','in_use':true,'answers':true,'seen_ms':4}," \
	"{'path':1,'address':'10.0.0.27','in_use':true,'answers':false,'seen_ms':null}]}],"      \
	"'paths':[{'path':1,'address':'10.0.0.26','in_use':false,'why':'no address'}],"          \
	"'dns':{'saved':true,'records':[{'type':'A','state':'right','ttl_long':true,'ttl':900}," \
	"{'type':'AAAA','state':'refused','text':'no rights'}]},"                                \
	"'grants':{'others':[{'name':'v','unwilling':false},{'name':'w','unwilling':true}]}}"

static void facts_come_from_the_replies(void **state)
{
	struct facts_said before = {
		json_of(STATUS("3")), json_of("{'node':{'drop_pulse_tag':7,'conns_full':1}}")};
	struct facts_said after = {
		json_of(STATUS("5")), json_of("{'node':{'drop_pulse_tag':9,'conns_full':1}}")};
	struct facts f;

	(void)state;
	facts_init(&f);
	facts_from_daemon(&f, &before, &after);
	assert_string_equal(f.node, "primary");
	assert_string_equal(f.vip, "192.168.1.25");
	assert_true(f.owner && f.agent);
	assert_int_equal(f.put_back_ms, -1);
	assert_string_equal(f.missing[0], "the egress filter");
	assert_int_equal(f.n_foreign, 1);
	assert_string_equal(f.foreign[0], "filter bpf of eth0, priority 1, program 42 other");
	assert_int_equal(f.n_open, 1);
	assert_string_equal(f.open[0], "eth1");
	assert_string_equal(f.claimer, "02:00:00:00:00:99");
	assert_string_equal(f.claimed, "192.168.1.24");
	assert_int_equal(f.grew.vrrp[VRRP_BAD_AUTH], 2);
	assert_int_equal(f.grew.pulse_tag, 2);
	assert_int_equal(f.grew.conns_full, 0);
	assert_int_equal(f.grew.events_lost, 0);
	assert_int_equal(f.n_checks, 2);
	assert_true(f.checks[0].down && !f.checks[1].down);
	assert_int_equal(f.n_peers, 1);
	assert_true(f.peers[0].owner && f.peers[0].connected && !f.peers[0].warm);
	assert_int_equal(f.peers[0].adverts_ms, -1);
	assert_int_equal(f.peers[0].bad_tags, 2);
	assert_string_equal(f.peers[0].differs[0].text, "another");
	assert_int_equal(f.peers[0].n_paths, 2);
	assert_true(f.peers[0].paths[0].answers && !f.peers[0].paths[1].answers);
	assert_string_equal(f.peers[0].paths[1].address, "10.0.0.27");
	assert_int_equal(f.peers[0].paths[1].seen_ms, -1);
	assert_int_equal(f.n_own_paths, 1);
	assert_string_equal(f.own_paths[0].why, "no address");
	assert_string_equal(f.unanswered, "game");
	assert_int_equal(f.unanswered_ms, 7000);
	assert_string_equal(f.no_part, "w");
	assert_string_equal(f.dns, "DNS: the record of type AAAA is not changed: no rights");
	assert_non_null(strstr(f.dns_ttl, "type A is 900 s"));
	json_decref(before.status);
	json_decref(before.counters);
	json_decref(after.status);
	json_decref(after.counters);
}

/* A daemon of another version, or a reply that makes no sense: no field of it is trusted. */
static void replies_that_make_no_sense(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{'peers':7,'services':'x','vrrp':[],'missing':[1,{}],'fences':[3],'vips':[]}",
		"{'peers':[{'paths':[1,{},{},{},{}]}],'paths':[{},7,{},{}]}",
		"{'peers':[1,null,{}],'services':[{}, {'checks':[0]}],'claims':[{}],'dns':5}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct facts_said said = {json_of(texts[i]), json_of(texts[i])};
		struct findings found;
		struct facts f;

		facts_init(&f);
		facts_from_daemon(&f, &said, &said);
		doctor_judge(&f, &found);
		json_decref(said.status);
		json_decref(said.counters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_is_named_first),
		cmocka_unit_test(a_healthy_node_has_no_finding),
		cmocka_unit_test(severe_findings_come_first),
		cmocka_unit_test(facts_come_from_the_replies),
		cmocka_unit_test(replies_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
