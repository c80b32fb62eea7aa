/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies as text: each test renders sample data and looks for the lines that it must give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/render.h"

#define STATUS                                                                                \
	"{'version':'0.1.0','node':'primary','address':'192.168.1.26','instance':'hokm',"     \
	"'vrid':25,'vrrp_version':2,'interface':'eth0','xdp_mode':'native',"                  \
	"'vips':['192.168.1.25'],'state':'master','owner':true,'reason':'master-down',"       \
	"'reason_text':'no advert within Master_Down_Interval','since_ms':192000,"            \
	"'lease_left_ms':2710,'priority':110,'epoch':3,'panic':false,'drain':false,"          \
	"'maint':false,'standby':false,'profile':'standard','successor':'backup',"            \
	"'adopted':false,'uptime_ms':7500000,'log_level':'info',"                             \
	"'services':[{'name':'game','vip':'192.168.1.25','port':8765,'state':'up',"           \
	"'reason':'check-ok','since_ms':65000,'suspect_ms':0,'players':50,"                   \
	"'upgrade_limit_ms':500,'upgrade_median_us':1250,'checks':["                          \
	"{'kind':'websocket','up':true,'known':true,'reason':'check-ok','detail':'',"         \
	"'health':4,'rise':2,'fall':3,'last_ms':400,'took_ms':2,'running':false},"            \
	"{'kind':'http','up':false,'known':true,'reason':'check-status',"                     \
	"'detail':'GET /health: 503','health':0,'rise':2,'fall':3,'last_ms':1200,"            \
	"'took_ms':3,'running':true},"                                                        \
	"{'kind':'tcp','up':false,'known':false,'reason':'none','detail':'','health':0,"      \
	"'rise':2,'fall':3,'last_ms':null,'took_ms':0,'running':false}]}],"                   \
	"'peers':[{'name':'backup','address':'192.168.1.27','priority':100,'pulsing':true,"   \
	"'daemon_fresh':true,'state':'backup','rtt_us':120,'seen_ms':3,'adverts_ms':null,"    \
	"'lease_left_ms':0,'mac':'02:00:00:00:00:02','services_up':1,'discarded':0}],"        \
	"'vrrp':{'sent':190,'received':2,'send_failed':0,'discarded':{'ttl':0,'auth':3}},"    \
	"'hooks':{'run':2,'failed':1,'timed_out':0,'dropped':0,'not_started':0,'waiting':0}," \
	"'ctl':{'requests':5,'garbage':0,'oversized':0,'timed_out':0,'denied':0},"            \
	"'agent':{'pid':4711,'restarts':0},'events_lost':0,'late_ms_max':1,"                  \
	"'log_lost':7,'turns':{'pulse':750000,'vrrp':8100,'link':3},"                         \
	"'late':{'vrrp':{'recent_us':130,'worst_us':2400}}}"

typedef void (*render_fn)(const json_t *, const json_t *, FILE *);

/* Parses JSON with ' in place of ", which is easier to read in C. Caller: json_decref(). */
static json_t *sample(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *o;

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	o = json_loads(copy, 0, &error);
	free(copy);
	if (!o)
		fail_msg("sample: %s", error.text);
	return o;
}

/* Caller: free(). */
static char *rendered(render_fn fn, const json_t *data, const char *options)
{
	json_t *o = sample(options);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fn(data, o, out);
	assert_int_equal(fclose(out), 0);
	json_decref(o);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("missing \"%s\" in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" should not be in:\n%s", part, text);
}

static void test_status_of_an_owner(void **state)
{
	static const char *const parts[] = {
		"primary (192.168.1.26) is OWNER of 192.168.1.25\n",
		"  state      master for 3 min 12 s: no advert within Master_Down_Interval "
		"(master-down)\n",
		"  lease      2.7 s left\n",
		"  successor  backup\n",
		"hokm, version 2, VRID 25, priority 110, epoch 3",
		"eth0, XDP native",
		"0.1.0, profile standard, up 2 h 5 min, log level info",
		"  SERVICE  ADDRESS            STATE        FOR  PLAYERS\n",
		"  game     192.168.1.25:8765  up     1 min 5 s       50\n",
		"  game     websocket  up          4/4  400 ms ago  2 ms  check-ok\n",
		"  game     http       DOWN        0/4   1.2 s ago  3 ms  "
		"check-status: GET /health: 503 (running)\n",
		"  game     tcp        unknown     0/4       never     -  no result yet\n",
		"  SERVICE  PASSIVE  OLDEST UPGRADE   MEDIAN   LIMIT  OLDEST PING  TRIPS\n",
		"  game     off                   -  1.25 ms  500 ms            -      0\n",
		"  backup  192.168.1.27  backup       100      -  alive   fresh   0.12 ms   "
		"never            1\n",
		"adverts    sent 190, received 2; discarded: auth 3\n",
		"hooks      run 2, failed 1\n",
		"log        7 lines lost\n",
		"turns/s    pulse 100.0, vrrp 1.1, checks 0.0, other 0.0\n",
		"late, ms   vrrp 0.1 (2.4)\n",
		"ctl        requests 5\n",
	};
	json_t *data = sample(STATUS);
	char *text = rendered(render_status, data, "{}");

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	assert_has_not(text, "WARNING");
	free(text);
	text = rendered(render_status, data, "{'owner':true}");
	assert_string_equal(text, "primary (192.168.1.26) is OWNER of 192.168.1.25\n");
	free(text);
	json_decref(data);
}

static void test_status_warnings(void **state)
{
	static const char *const parts[] = {
		"primary (192.168.1.26) is not owner of 192.168.1.25\n",
		"WARNING  panic hold: no node is healthy",
		"WARNING  in maintenance; `hokm-xdp ctl ready` ends the maintenance (since 2026-",
		" by root)\n",
		"no player is left (since 2026-11-28 ",
		" by uid 4294967290)\n",
		"WARNING  the state file cannot be written",
		"WARNING  draining:",
		"WARNING  standby after `failover`: this node does not preempt; "
		"`hokm-xdp ctl ready` ends the standby\n",
		"WARNING  service game is DOWN (check-timeout)",
		"WARNING  service game is suspect (passive-ping): "
		"new players go to a peer for 1.5 s",
		"WARNING  peer a answers pulses but its daemon is unresponsive",
		"WARNING  peer b is silent: last pulse 12.0 s ago, last advert 3.0 s ago",
		"WARNING  peer c has shown no sign of life since the daemon started",
		"WARNING  peer d sends adverts but answers no pulse: "
		"no player can be steered to it",
		"WARNING  the secrets differ: pulses of peer e arrive",
		"WARNING  the secret is being replaced",
		"WARNING  peer f signs with the second secret",
		"WARNING  XDP is attached in generic mode",
		"WARNING  the agent is not running",
		"WARNING  7 kernel events were lost",
		"  successor  none: no peer is healthy enough\n",
		"SILENT, 12.0 s",
		"  game     suspect 1.5 s: passive-ping               -       -   0 ms"
		"        5.2 s      3\n",
		"STALE",
	};
	json_t *data = sample(STATUS);
	json_t *change = sample(
		"{'owner':false,'panic':true,'maint':true,'drain':true,'standby':true,"
		"'drained':true,'orders':{'maint':{'since_s':1795867200,'uid':0},"
		"'drain':{'since_s':1795867200,'uid':4294967290}},'orders_failed':true,"
		"'xdp_mode':'generic','agent':{'pid':0},'events_lost':7,'successor':null,"
		"'services':[{'name':'game','state':'down','reason':'check-timeout',"
		"'suspect_ms':1500,'suspect_reason':'passive-ping',"
		"'observe':true,'oldest_upgrade_ms':null,'oldest_ping_ms':5200,'trips':3,"
		"'checks':[]}],'peers':["
		"{'name':'a','pulsing':true,'daemon_fresh':false},"
		"{'name':'b','pulsing':false,'seen_ms':12000,'adverts_ms':3000},"
		"{'name':'c','pulsing':false,'seen_ms':null,'adverts_ms':null},"
		"{'name':'d','pulsing':false,'seen_ms':null,'adverts_ms':900},"
		"{'name':'e','pulsing':false,'seen_ms':900,'secrets_differ':true},"
		"{'name':'f','pulsing':true,'daemon_fresh':true,'secret':2}],'secrets':2}");
	char *text;

	(void)state;
	assert_int_equal(json_object_update(data, change), 0);
	text = rendered(render_status, data, "{}");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	assert_has_not(text, "lease  ");
	free(text);
	json_decref(change);
	json_decref(data);
}

/* What others removed, or put before our filters; and the other interfaces. */
static void test_status_of_upkeep(void **state)
{
	static const char *const parts[] = {
		"WARNING  egress filter is gone and cannot be put back",
		("WARNING  another program removes what the daemon set: 5 times, "
		 "the last one 1.5 s ago (VIP address)"),
		"WARNING  this node should not own the VIP: egress filter is gone\n",
		"WARNING  eth0: filter bpf, priority 1, program 42 (cil_to_host:[42]) runs before",
		"WARNING  eth2: filter tcx, priority 0, program 7 (name unknown) runs before ours",
		"WARNING  interface eth2 has no fence",
		"  fences     eth1 (in the segment), eth2\n",
	};
	json_t *data = sample(STATUS);
	json_t *change = sample(
		"{'obstacle':'egress filter is gone',"
		"'put_back':{'addrs':3,'pins':2},'put_back_ms':1500,"
		"'put_back_last':'VIP address','missing':['egress filter'],'foreign':["
		"{'interface':'eth0','kind':'bpf','priority':1,'program':42,"
		"'name':'cil_to_host:[42]'},"
		"{'interface':'eth2','kind':'tcx','priority':0,'program':7,'name':''}],"
		"'fences':[{'interface':'eth1','covered':true,'segment_ms':12},"
		"{'interface':'eth2','covered':false,'segment_ms':null}]}");
	char *text;

	(void)state;
	assert_int_equal(json_object_update(data, change), 0);
	text = rendered(render_status, data, "{}");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	free(text);
	json_decref(change);
	json_decref(data);
}

#define DRAINING                                                                               \
	"WARNING  draining: new players go to a peer; `hokm-xdp ctl undrain` ends the drain; " \
	"7 players left, to be terminated in 4.2 s\n"

static void test_status_of_recovery(void **state)
{
	static const char *const parts[] = {
		"  PEER  REPLICA              CONNECTIONS  OURS AT PEER  "
		"LAG MAX  RESYNCS  FAULTS  SETTINGS\n",
		"  b     warm                          50  warm          "
		"  12 ms        1       3  DIFFER\n",
		"  c     COLD, NOT CONNECTED            0  COLD          "
		"  2.0 s        4       0  unknown\n",
		"WARNING  the settings of peer b differ: vip: here 1, there 2; same file\n",
		"WARNING  this node does not preempt yet: it waits until a peer has replicated",
		"WARNING  this node does not preempt for 38.0 s: its services failed 3 times",
		DRAINING,
	};
	json_t *data = sample(STATUS);
	json_t *change = sample(
		"{'drain':true,'drain_ms':4200,'drained':false,'players':7,"
		"'waits_for_replica_ms':900,'relapse_left_ms':38000,'relapses':2,'peers':["
		"{'name':'b','replica':{'connected':true,'warm':true,'peer_warm':true,"
		"'connections':50,'lag_max_ms':12,'resyncs':1,'faults':{'tag':1,'order':2}},"
		"'differs':[{'name':'vip','text':'vip: here 1, there 2',"
		"'repair':'same file'}]},"
		"{'name':'c','replica':{'connected':false,'warm':false,'peer_warm':false,"
		"'connections':0,'lag_max_ms':2000,'resyncs':4,'faults':{'tag':0}}},"
		"{'name':'d','replica':null}]}");
	char *text;

	(void)state;
	assert_int_equal(json_object_update(data, change), 0);
	text = rendered(render_status, data, "{}");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	free(text);
	assert_int_equal(json_object_set_new(data, "drained", json_true()), 0);
	text = rendered(render_status, data, "{}");
	assert_has(text, "EMPTY: no player is left\n");
	free(text);
	json_decref(change);
	json_decref(data);
}

static void test_status_of_dns(void **state)
{
	json_t *data = sample("{'dns':{'name':'x','stopped':true,'saved':true,'records':["
			      "{'type':'A','held':'10.9.8.7','held_by_no_node':true}]}}");
	char *text = rendered(render_status, data, "{}");

	(void)state;
	assert_has(text, "WARNING  DNS: stopped by the operator");
	assert_has(text, "`dns set` holds the record of type A at 10.9.8.7, which no node has");
	free(text);
	json_decref(data);
}

static void test_status_of_another_version(void **state)
{
	json_t *data = json_object();
	char *text = rendered(render_status, data, "{}");

	(void)state;
	assert_has(text, "? (?) is not owner of");
	free(text);
	json_decref(data);
}

static void test_judge(void **state)
{
	json_t *owner = sample("{'owner':true}"), *other = sample("{'owner':false}");
	json_t *asked = sample("{'owner':true}"), *not_asked = sample("{}");

	(void)state;
	assert_int_equal(judge_status(owner, asked, stderr), CTL_EXIT_OK);
	assert_int_equal(judge_status(other, asked, stderr), CTL_EXIT_NOT_OWNER);
	assert_int_equal(judge_status(other, not_asked, stderr), CTL_EXIT_OK);
	json_decref(owner);
	json_decref(other);
	json_decref(asked);
	json_decref(not_asked);
}

/* What the view of conns prints for these frames; NULL ends them. Caller: free(). */
static char *viewed(const char *options, const char *const *frames)
{
	json_t *o = sample(options);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	void *view;

	assert_non_null(out);
	view = conns_view.open(o, out, stderr);
	assert_non_null(view);
	for (; *frames; frames++) {
		json_t *data = sample(*frames);

		conns_view.frame(view, data);
		json_decref(data);
	}
	assert_int_equal(conns_view.close(view), CTL_EXIT_OK);
	assert_int_equal(fclose(out), 0);
	json_decref(o);
	return text;
}

#define VIEWED(options, ...) viewed(options, (const char *const[]){__VA_ARGS__, NULL})

/* The keys that the view asks for. */
static json_t *asked_keys(const char *options)
{
	json_t *o = sample(options), *args = json_object(), *keys;

	assert_int_equal(conns_view.prepare(o, args), 0);
	keys = json_incref(json_object_get(args, "keys"));
	json_decref(args);
	json_decref(o);
	return keys;
}

#define KEYS                                                                       \
	"{'keys':['client','service','state','ws','target','age_ms','idle_in_ms'," \
	"'idle_out_ms','frames_in','frames_out','rtt_us','bytes_in','bytes_out',"  \
	"'flags','stale_ms','stale_reason']}"
#define ROW_1                                                                        \
	"['192.168.1.50:40312','game','established','open','local',61000,12,null,7," \
	"90,350,1536,52,['steered-in','lost'],5200,'stale-upgrade']"
#define ROW_2                                                                     \
	"['192.168.100.151:65535','game','fin-client','none','backup',5,5,5,0,0," \
	"null,3145728,0,[],null,null]"

static void test_conns_table(void **state)
{
	char *text = VIEWED("{'stale':'5s'}", KEYS, "{'rows':[" ROW_1 "]}", "{'rows':[" ROW_2 "]}",
			    "{'total':3,'seen':9,'shown':2,'limit':2}");

	(void)state;
	/* The first frame determines the widths; a longer cell shifts only its own line. */
	assert_string_equal(
		text,
		"  CLIENT              SERVICE  STATE        WS    TARGET        AGE  IDLE-IN  "
		"IDLE-OUT  FRAMES-IN  FRAMES-OUT     RTT  BYTES-IN  BYTES-OUT          WAITS  "
		"FLAGS\n"
		"  192.168.1.50:40312  game     established  open  local   1 min 1 s    12 ms     "
		"never          7          90  350 us   1.5 KiB         52  upgrade 5.2 s  "
		"steered-in,lost\n"
		"  192.168.100.151:65535  game     fin-client   none  backup       5 ms     5 ms   "
		"   "
		"5 ms          0           0       -   3.0 MiB          0              -  -\n"
		"3 of 9 connections, 2 shown; --limit N shows more\n");
	free(text);
	text = VIEWED("{}", KEYS, "{'rows':[" ROW_1 "," ROW_2 "]}",
		      "{'total':2,'seen':2,'shown':2,'limit':1000}");
	assert_has_not(text, "WAITS");
	assert_has(text, "\n2 connections\n");
	free(text);
	text = VIEWED("{'half_open':true}", KEYS, "{'total':0,'seen':0,'shown':0,'limit':1000}");
	assert_string_equal(text, "0 half-open connections\n");
	free(text);
	/* A daemon of another version: keys and values are missing. */
	text = VIEWED("{}", "{'keys':['client']}", "{'rows':[['x',5],[],7]}", "{'total':3}");
	assert_has(text, "  x       ?        ?");
	free(text);
}

static void test_conns_json(void **state)
{
	char *text = VIEWED("{'json':true}", KEYS, "{'rows':[" ROW_1 "]}", "{'rows':[" ROW_2 "]}",
			    "{'total':3,'seen':9,'shown':2,'limit':2}");
	json_t *o = json_loads(text, 0, NULL), *conns = json_object_get(o, "conns");
	json_t *row = json_array_get(conns, 0);

	(void)state;
	assert_int_equal(json_array_size(conns), 2);
	assert_int_equal(json_integer_value(json_object_get(o, "total")), 3);
	assert_int_equal(json_integer_value(json_object_get(o, "seen")), 9);
	assert_int_equal(json_integer_value(json_object_get(row, "rtt_us")), 350);
	assert_true(json_is_null(json_object_get(row, "idle_out_ms")));
	assert_string_equal(json_string_value(json_object_get(row, "stale_reason")),
			    "stale-upgrade");
	assert_int_equal(json_array_size(json_object_get(row, "flags")), 2);
	assert_int_equal(json_object_size(row), 16);
	json_decref(o);
	free(text);
	text = VIEWED("{'json':true}", KEYS, "{'total':0,'seen':0,'shown':0,'limit':2}");
	o = json_loads(text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(o, "conns")), 0);
	assert_true(json_is_array(json_object_get(o, "conns")));
	json_decref(o);
	free(text);
}

/* A column is requested once, and only when an option makes it meaningful. */
static void test_conns_keys(void **state)
{
	json_t *plain = asked_keys("{}"), *more = asked_keys("{'stale':'5s','top':'stale'}");
	json_t *rtt = asked_keys("{'sort':'rtt-client'}");

	(void)state;
	assert_int_equal(json_array_size(plain), 14);
	assert_int_equal(json_array_size(more), 16);
	assert_int_equal(json_array_size(rtt), 15);
	assert_null(asked_keys("{'json':true}"));
	assert_null(asked_keys("{'summary':true}"));
	json_decref(plain);
	json_decref(more);
	json_decref(rtt);
}

#define SUMMARY                                                                               \
	"{'total':12,'seen':20,'summary':{'services':{'game':12},'states':{'established':11," \
	"'syn':1},'ws':{'open':12},'follow_in':{},'follow_out':{'lost':2},"                   \
	"'targets':{'local':12},'stale':{},'histograms':{'age_ms':{'count':12,'p50':1536,"    \
	"'p90':3000,'p99':4000,'places':[0,0,0,0,0,0,0,0,0,0,11,0,1,0]},'idle_ms':{},"        \
	"'rtt_us':{'count':0,'p50':null,'places':[0,0]}},'latency':{'game':{'upgrade':"       \
	"{'count':4,'p50':900,'p90':1000,'p99':1020,'places':[0,1,0,0,0,0,0,0,0,3]}}}}}"

static void test_summary(void **state)
{
	static const char *const parts[] = {
		"12 of 20 connections\n",
		"  services    game 12\n",
		"  states      established 11, syn 1\n",
		"  frames in   none\n",
		"  frames out  lost 2\n",
		"  unanswered  none\n",
		"\nage: 12, p50 1.5 s, p90 3.0 s, p99 4.0 s\n"
		"  from 1.0 s  11  ########################################\n"
		"  from 2.0 s   0  \n"
		"  from 4.0 s   1  ###\n",
		"\ngame, since the packet path was loaded: "
		"time from an upgrade request to its answer: "
		"4, p50 900 us, p90 1.00 ms, p99 1.02 ms\n"
		"    from 2 us  1  #############\n",
		"  from 512 us  3  ########################################\n",
	};
	char *text = VIEWED("{'summary':true}", SUMMARY);
	json_t *o;

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_has(text, parts[i]);
	assert_has_not(text, "idle:");
	assert_has_not(text, "round trip");
	free(text);
	text = VIEWED("{'summary':true,'json':true}", SUMMARY);
	o = json_loads(text, 0, NULL);
	assert_true(json_is_object(json_object_get(o, "summary")));
	json_decref(o);
	free(text);
}

static void test_counters(void **state)
{
	json_t *data = sample("{'services':{'game':{'syn':50,'established':0,'drop_syn_fenced':2,"
			      "'from_the_future':9},'chat':{'syn':0}},"
			      "'node':{'vrrp_seen':7,'drop_vrrp_ttl':0}}");
	char *text = rendered(render_counters, data, "{}");

	(void)state;
	assert_has(text, "service game\n");
	assert_has(text, "     syn              50  SYNs from clients\n");
	assert_has(text, "  !  drop_syn_fenced   2  dropped: SYN, this node is not owner");
	assert_has(text, "from_the_future");
	assert_has_not(text, "established");
	assert_has(text, "service chat\n  all zero\n");
	assert_has(text, "node\n");
	assert_has(text, "vrrp_seen");
	assert_has_not(text, "drop_vrrp_ttl");
	free(text);

	text = rendered(render_counters, data, "{'all':true}");
	assert_has(text, "established       0");
	assert_has(text, "     drop_vrrp_ttl  0");
	free(text);

	text = rendered(render_counters, data, "{'service':'chat'}");
	assert_string_equal(text, "service chat\n  all zero\n");
	free(text);
	json_decref(data);
}

static char *event_text(const char *event)
{
	json_t *o = sample(event);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	render_event(o, out);
	assert_int_equal(fclose(out), 0);
	json_decref(o);
	return text;
}

static void assert_event(const char *event, const char *want)
{
	char *text = event_text(event);

	assert_string_equal(text, want);
	free(text);
}

static void test_events(void **state)
{
	(void)state;
	assert_int_equal(setenv("TZ", "XYZ-1", 1), 0);
	tzset(); /* localtime_r() need not read TZ again */
	assert_event("{'seq':1,'time':'2026-11-22T20:30:01.123Z','source':'kernel','kind':'open',"
		     "'text':'client=192.168.1.50:40312 service=game target=local'}",
		     "2026-11-22 21:30:01.123 kernel open "
		     "client=192.168.1.50:40312 service=game target=local\n");
	assert_event("{'seq':2,'time':'2026-12-31T23:30:01.007Z','source':'daemon','kind':'state',"
		     "'what':'state','reason':'master-down','text':'backup -> master'}",
		     "2027-01-01 00:30:01.007 daemon state backup -> master (master-down)\n");
	assert_event("{'time':'yesterday','source':'daemon','kind':'x','text':'y'}",
		     "yesterday daemon x y\n");
	assert_event("{'dropped':12}", "... 12 events are missing here: "
				       "they were not read fast enough\n");
}

static void test_words(void **state)
{
	char buf[RENDER_WORD];

	(void)state;
	assert_string_equal(word_age(-1, buf), "never");
	assert_string_equal(word_age(0, buf), "0 ms");
	assert_string_equal(word_age(999, buf), "999 ms");
	assert_string_equal(word_age(1250, buf), "1.2 s");
	assert_string_equal(word_age(59999, buf), "59.9 s");
	assert_string_equal(word_age(60000, buf), "1 min 0 s");
	assert_string_equal(word_age(3600000, buf), "1 h 0 min");
	assert_string_equal(word_age(90000000, buf), "1 d 1 h");
	assert_string_equal(word_us(-1, buf), "-");
	assert_string_equal(word_us(0, buf), "0 us");
	assert_string_equal(word_us(1250, buf), "1.25 ms");
	assert_string_equal(word_us(9999, buf), "10.00 ms");
	assert_string_equal(word_us(12345, buf), "12.3 ms");
	assert_string_equal(word_us(1250000, buf), "1.2 s");
	assert_string_equal(word_bytes(1023, buf), "1023");
	assert_string_equal(word_bytes(1024, buf), "1.0 KiB");
	assert_string_equal(word_bytes(1099511627776LL * 5000, buf), "5000.0 TiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_of_an_owner),
		cmocka_unit_test(test_status_warnings),
		cmocka_unit_test(test_status_of_upkeep),
		cmocka_unit_test(test_status_of_recovery),
		cmocka_unit_test(test_status_of_dns),
		cmocka_unit_test(test_status_of_another_version),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_conns_table),
		cmocka_unit_test(test_conns_json),
		cmocka_unit_test(test_conns_keys),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
