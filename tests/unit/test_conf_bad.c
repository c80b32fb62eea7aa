/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration files that are wrong: each row is a file's text and what an error must say, with
 * its line. A row's text stands behind the preamble, which has one line, so its first line is
 * line 2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

#define SECRET    "secret = \"0123456789abcdef\" "
#define NINE_URLS "http://1 http://2 http://3 http://4 http://5 http://6 http://7 http://8 http://9"
#define NODES     "node a { address = \"10.0.0.1\" } node b { address = \"10.0.0.2\" }"
#define PRE       SECRET NODES "\n"
#define FOREIGN   "node c { address = 10.0.0.3 peer = vrrp } "

struct row {
	const char *text;
	const char *error; /* behind the file's name */
};

static const struct row syntax_rows[] = {
	{"bogus = 1", ":2: bogus: there is no such key here; known are: secret, secret_file"},
	{"vrrp {\n\n bogus = 1 }", ":4: vrrp.bogus: there is no such key here; known are: version"},
	{"service g { check http {\n pth = \"/\" } }", ":3: service g.check http.pth: there is no"},
	{"# a\n# b\nport = 1", ":4: port: there is no such key"},
	{"/* a\n b */ // c\nport = 1", ":4: port: there is no such key"},
	{"instance", ":2: the file ends too early"},
	{"instance hokm", ":2: instance: no '=' behind the key"},
	{"instance = {a}", ":2: \"{\" cannot stand here"},
	{"instance += a", ":2: instance takes one value"},
	{"\nvrrp { vrid = 1", ":3: the { that opens here is never closed"},
	{"}", ":2: }: there is no { that it could close"},
	{"vip = {\"10.0.0.9\" \"10.0.0.8\"}", ":2: \"10.0.0.8\" cannot stand here"},
	{"node { }", ":2: node: no name"},
	{"node a { }", ":2: \"a\" is there already"},
	{"service g { check tcp { } check tcp { } }", "service g.\"tcp\" is there already"},
	{"vrrp { }\nvrrp { }", ":3: vrrp { }: a second section"},
	{"instance = a\ninstance = b", ":3: instance = \"b\": given twice"},
	{"vrrp { advert = 1s\nadvert = 2s }", ":3: vrrp.advert = \"2s\": given twice"},
	{"instance = \"a", ":2: the text that begins with \" here has no end"},
	{"instance = \"a\n\"", ":2: the text that begins with \" here does not end on its line"},
	{"\n/* never", ":3: the comment that begins here has no end"},
	{"instance = \"${HOME}\"", ":2: ${...}: environment variables are not put in"},
	{"instance = ${HOME}", ":2: $ has no meaning here"},
	{"instance = *a", ":2: * has no meaning here"},
	{"instance = \001", ":2: byte 0x01: this is not a text file"},
	{"a{a{a{a{a{a{a{a{a{", ":2: {: sections nest"},
	{"instance = \"\\999\"", ":2: bad escape sequence"},
};

static const struct row general_rows[] = {
	{"secret_file = \"/x\"", ":2: secret_file = \"/x\": secret is given too"},
	{"listen { port = 80 }", ":2: listen.port = \"80\": ports below 1024 are for root"},
	{"listen { port = 9000 }\nservice g { port = 9000 check tcp { } }",
	 ":2: listen.port = \"9000\": it is the port of service g"},
	{"listen { address = \"127.0.0\" }",
	 ":2: listen.address = \"127.0.0\": not an IPv4 address"},
	{"profile = slow", ":2: profile = \"slow\": one of: standard, fast"},
	{"instance = \"a b\"", ":2: instance = \"a b\": a name of 1 to 31"},
	{"instance = \"\"", ":2: instance = \"\": a name"},
	{"instance = abcdefghijklmnopqrstuvwxyz0123456", "a name of 1 to 31"},
	{"interface = abcdefghijklmnopq", ":2: interface = \"abcdefghijklmnopq\": at most 15"},
	{"bpffs = sys", ":2: bpffs = \"sys\": an absolute path"},
	{"bpffs = \"/%d\"", ":2: bpffs = \"/%d\": % may stand once, as %n"},
	{"socket = \"/%n/%n\"", ":2: socket = \"/%n/%n\": % may stand once, as %n"},
	{"socket = \"/a\\tb\"", ":2: socket = \"/a\\x09b\": control characters"},
	{"ctl_group = \"a.b\"", ":2: ctl_group = \"a.b\": a name"},
	{"agent_user = \"-x\"", ":2: agent_user = \"-x\": a name"},
	{"log_level = loud", ":2: log_level = \"loud\": one of: error, warn, info, debug"},
	{"max_connections = 1023", ":2: max_connections = \"1023\": a whole number from 1024 to"},
	{"max_connections = 4194305", "a whole number from 1024 to 4194304"},
	{"max_connections = 0x1000", "a whole number from 1024"},
	{"vip = {\"10.0.0\"}", ":2: vip = \"10.0.0\": an IPv4 address"},
	{"vip = {\"127.0.0.1\"}", ":2: vip = \"127.0.0.1\": not an address that a host"},
	{"vip = {\"224.0.0.18\"}", ":2: vip = \"224.0.0.18\": not an address"},
	{"vip = {\"10.0.0.9\",\n\"10.0.0.9\"}", ":3: vip = \"10.0.0.9\": in the list twice"},
	{"vip = {\"10.1.0.1\",\"10.1.0.2\",\"10.1.0.3\",\"10.1.0.4\",\"10.1.0.5\"}",
	 ":2: vip = \"10.1.0.5\": too many"},
	{"vip = {}", ": vip = {}: at least one"},
	{"node c { }", ":2: node c.address: missing"},
	{"node c { address = \"fe80::1\" }", ":2: node c.address = \"fe80::1\": an IPv4"},
	{"node c { address = \"10.0.0.1\" }", ":2: node c.address = \"10.0.0.1\": node a has this"},
	{"node c { address = \"192.168.1.25\" }",
	 "node c.address = \"192.168.1.25\": this is a VIP"},
	{"node c { address = \"10.0.0.3\" priority = 0 }",
	 "node c.priority = \"0\": a whole number"},
	{"node c { address = \"10.0.0.3\" priority = 255 }", "from 1 to 254"},
	{"node c { address = \"10.0.0.3\" priority = 110 }",
	 ":2: node c.priority = \"110\": node a has this priority already"},
	{"node c { address = \"10.0.0.3\" priority = 80 } node d { address = \"10.0.0.4\" }",
	 ":2: node d.priority: not given, and the default for its place, 80, is that of node c"},
	{"node c.d { address = \"10.0.0.3\" }", ":2: node \"c.d\": a name of 1 to 31"},
	{"node 3 {address=10.0.0.3} node 4 {address=10.0.0.4} node 5 {address=10.0.0.5} "
	 "node 6 {address=10.0.0.6} node 7 {address=10.0.0.7} node 8 {address=10.0.0.8} "
	 "node 9 {address=10.0.0.9} node 10 {address=10.0.0.10}",
	 ":2: node: at most 9"},
};

static const struct row witness_rows[] = {
	{"witness w { }", ":2: witness w.address: missing"},
	{"witness \"w w\" { address = 10.0.0.4 }", ":2: witness \"w w\": a name of 1 to 31"},
	{"witness a { address = 10.0.0.4 }", ":2: witness \"a\": a node has this name already"},
	{"witness w { address = 10.0.0.4 } witness w { address = 10.0.0.5 }",
	 ":2: \"w\" is there already"},
	{"witness w { address = 10.0.0.2 }",
	 ":2: witness w.address = \"10.0.0.2\": node b has this address"},
	{"witness w { address = 10.0.0.3 }\nnode c { address = 10.0.0.3 }",
	 ":2: witness w.address = \"10.0.0.3\": node c has this address"},
	{"witness w { address = 10.0.0.4 }\nwitness x { address = 10.0.0.4 }",
	 ":3: witness x.address = \"10.0.0.4\": witness w has this address already"},
	{"witness w { address = 192.168.1.25 }",
	 ":2: witness w.address = \"192.168.1.25\": this is a VIP"},
	{"witness w { address = 127.0.0.1 }", "witness w.address = \"127.0.0.1\": not an address"},
	{"witness w { address = 10.0.0.4 peer = hokm }",
	 ":2: witness w.peer: there is no such key"},
	{"node c {address=10.0.0.3} node d {address=10.0.0.4} node e {address=10.0.0.5} "
	 "node f {address=10.0.0.6} node g {address=10.0.0.7} node h {address=10.0.0.8} "
	 "witness v {address=10.0.0.9}\nwitness w {address=10.0.0.10}",
	 ":3: witness \"w\": too many: nodes and witnesses are at most 9 together"},
	{"witness 1 {address=10.0.1.1} witness 2 {address=10.0.1.2} witness 3 {address=10.0.1.3} "
	 "witness 4 {address=10.0.1.4} witness 5 {address=10.0.1.5} witness 6 {address=10.0.1.6} "
	 "witness 7 {address=10.0.1.7} witness 8 {address=10.0.1.8}",
	 ":2: witness: at most 7"},
	{"arbiter = zookeeper", ":2: arbiter = \"zookeeper\": one of: auto, witness, majority"},
	{"arbiter = witness", ":2: arbiter = \"witness\": there is no witness: write witness"},
	{"arbiter = witness " FOREIGN "witness w { address = 10.0.0.4 }",
	 ":2: arbiter = \"witness\": node c has peer = vrrp"},
	{"arbiter = majority", ":2: arbiter = \"majority\": there are two members"},
	{"arbiter = majority " FOREIGN, ":2: arbiter = \"majority\": node c has peer = vrrp"},
	{"arbiter = etcd", ":2: arbiter = \"etcd\": no cluster is named"},
	{"arbiter = etcd etcd { endpoints = \"e:1\" }",
	 "etcd.endpoints = \"e:1\": write http://HOST:PORT or https://HOST:PORT"},
	{"arbiter = etcd etcd { endpoints = \"http://u:p@e:1\" }",
	 "only scheme, host and port; a user belongs into etcd.credentials"},
	{"etcd { endpoints = \"" NINE_URLS "\" }", "at most 8 endpoints"},
	{"etcd { prefix = \"/a b\" }", "no blanks, quotes and backslashes"},
	{"etcd { key_file = \"/k\" }", "cert_file and key_file belong together"},
	{"arbiter = etcd etcd { endpoints = \"http://e\" timeout = 2s }",
	 "etcd.timeout is longer than vrrp.advert"},
	{"arbiter = etcd etcd { endpoints = \"http://e\" hold = 3s }",
	 "etcd.hold is too short: at least 10 times vrrp.advert"},
	{"arbiter = etcd etcd { endpoints = \"http://e\" } node c { address = 10.0.0.3 }",
	 "etcd decides between two nodes, and there are 3"},
	{"arbiter = gateway witness w { address = 10.0.0.4 }",
	 ":2: arbiter = \"gateway\": there is a witness, and it would be asked by nobody"},
	{"arbiter = gateway node c { address = 10.0.0.3 peer = vrrp }",
	 ":2: arbiter = \"gateway\": node c has peer = vrrp: as backup it is never heard"},
	{"arbiter = gateway pulse { dead = 2s }",
	 ":2: arbiter = \"gateway\": pulse.dead is too long for vrrp.advert"},
	{"gateway = 10.0.0.9 pulse { interval = 333ms dead = 1s }",
	 ":2: gateway = \"10.0.0.9\": pulse.dead is too long for vrrp.advert"},
	{"arbiter = gateway pulse { interval = 2ms dead = 8ms } vrrp { version = 3 advert = 40ms }",
	 ":2: arbiter = \"gateway\": vrrp.advert is too short"},
	{"gateway = 10.0.0.2", ":2: gateway = \"10.0.0.2\": node b has this address"},
	{"on_isolation = hold", ":2: on_isolation = \"hold\": one of: release, keep"},
	{"grant = 9ms", ":2: grant = \"9ms\": from 10ms to 5s"},
	{"grant = 11s", ":2: grant = \"11s\": from 10ms to 5s"},
	{"grant = 29ms", ":2: grant = \"29ms\": at least 3 times pulse.interval, that is 30ms"},
};

static const struct row service_rows[] = {
	{"service \"a b\" { }", ":2: service \"a b\": a name"},
	{"service g { vip = \"10.9.9.9\" }", ":2: service g.vip = \"10.9.9.9\": not in the list"},
	{"service g { port = 0 }", ":2: service g.port = \"0\": a whole number from 1 to 65535"},
	{"service g { port = 65536 }", "from 1 to 65535"},
	{"service g { } service h { }", "service h.port: service g has this VIP and port"},
	{"service g { check ping { } }", ":2: service g.check \"ping\": one of: websocket, http"},
	{"service g { check tcp { path = \"/\" } }",
	 ":2: service g.check tcp.path = \"/\": only for checks of kind websocket and http"},
	{"service g { check websocket { status = 200 } }", "status = \"200\": only for checks"},
	{"service g { check websocket { body = x } }", "body = \"x\": only for checks"},
	{"service g { check tcp { tls = true } }", "tls = \"true\": only for checks"},
	{"service g { check http { command = \"/x\" } }", "command = \"/x\": only for checks"},
	{"service g { check exec { command = \"/x\" port = 1 } }", "port = \"1\": only for checks"},
	{"service g { check exec { command = \"/x\" address = 10.0.0.1 } }", "only for checks"},
	{"service g { check exec { } }", "service g.check exec.command: missing"},
	{"service g { check exec { command = x } }", "command = \"x\": an absolute path"},
	{"service g { check http { path = x } }", "path = \"x\": an absolute path"},
	{"service g { check http { path = \"/a b\" } }", "path = \"/a b\": no spaces"},
	{"service g { check http { path = \"/a\\r\\n\" } }", "path = \"/a\\x0d\\x0a\": control"},
	{"service g { check http { status = 99 } }", "status = \"99\": a whole number from 100"},
	{"service g { check http { body = 01234567890123456789012345678901 } }", "at most 31"},
	{"service g { check http { tls = maybe } }", "tls = \"maybe\": true or false"},
	{"service g { check http { address = x } }", "address = \"x\": an IPv4 address"},
	{"service g { check http { port = x } }", "port = \"x\": a whole number"},
	{"service g { check tcp { interval = 5 } }",
	 ":2: service g.check tcp.interval = \"5\": a number with a unit of ns, us, ms, s or m"},
	{"service g { check tcp { interval = 0s } }", "interval = \"0s\": from 10ms to 3600s"},
	{"service g { check tcp { fastinter = 6s } }",
	 "fastinter = \"6s\": at most the interval, that is 5s"},
	{"service g { check tcp { downinter = 1ms } }", "downinter = \"1ms\": from 10ms"},
	{"service g { check tcp { timeout = 0ms } }", "timeout = \"0ms\": from 10ms to 600s"},
	{"service g { check tcp { timeout = 1s } }",
	 "timeout = \"1s\": the waits between 3 attempts take 1500ms, the whole check may take 1s"},
	{"service g { check tcp { attempts = 10 } }", "attempts = \"10\": the waits between 10"},
	{"service g { check tcp { backoff = 1m } }", "backoff = \"1m\": the waits between 3"},
	{"service g { check tcp { attempts = 11 } }", "attempts = \"11\": a whole number from 1"},
	{"service g { check tcp { rise = 0 } }", "rise = \"0\": a whole number from 1 to 100"},
	{"service g { check tcp { fall = 101 } }", "fall = \"101\": a whole number from 1 to 100"},
	{"service 1{port=1} service 2{port=2} service 3{port=3} service 4{port=4} "
	 "service 5{port=5} service 6{port=6} service 7{port=7} service 8{port=8} "
	 "service 9{port=9}",
	 ":2: service: at most 8"},
};

static const struct row timing_rows[] = {
	{"vrrp { version = 1 }", ":2: vrrp.version = \"1\": a whole number from 2 to 3"},
	{"vrrp { vrid = 256 }", ":2: vrrp.vrid = \"256\": a whole number from 1 to 255"},
	{"vrrp { mode = broadcast }", "vrrp.mode = \"broadcast\": one of: multicast, unicast"},
	{"vrrp { checksum = none }", "vrrp.checksum = \"none\": one of: pseudo-header, plain"},
	{"vrrp { advert = \"0.5s\" }",
	 ":2: vrrp.advert = \"0.5s\": version 2 takes whole seconds from 1s to 255s; "
	 "for shorter ones set vrrp.version = 3"},
	{"vrrp { advert = 256s }", "vrrp.advert = \"256s\": from 10ms to 255s"},
	{"vrrp { version = 3 advert = 15ms }", "advert = \"15ms\": version 3 takes whole centi"},
	{"vrrp { version = 3 advert = 5ms }", "advert = \"5ms\": from 10ms to 255s"},
	{"vrrp { preempt = 2 }", "vrrp.preempt = \"2\": true or false"},
	{"vrrp { preempt_delay = 61m }", "preempt_delay = \"61m\": from 0s to 3600s"},
	{"vrrp { garp_count = 0 }", "garp_count = \"0\": a whole number from 1 to 60"},
	{"vrrp { garp_refresh = 60 }", "garp_refresh = \"60\": a number with a unit"},
	{"vrrp { password = ninechars }",
	 ":2: vrrp.password (value not shown): VRRP takes at most 8"},
	{"vrrp { password = 01234567 }",
	 "vrrp.password (value not shown): the beginning of the secret"},
	{"vrrp { version = 3 password = x }", "version 3 adverts carry no password: remove it"},
	{"profile = fast vrrp { password = x }", "(3 is the version of profile fast)"},
	{"pulse { port = 0 }", ":2: pulse.port = \"0\": a whole number"},
	{"pulse { interval = 1us }", ":2: pulse.interval = \"1us\": from 1ms to 10s"},
	{"pulse { dead = 29ms }", "\"29ms\": at least 3 times pulse.interval, that is 30ms"},
	{"pulse { dead = 60ms calm_interval = 9ms }", "at least pulse.interval, 10ms; at"},
	{"profile = fast pulse { calm_interval = 11ms }", "and grant, 10ms"},
	{"pulse { stale = 60ms calm_interval = 21ms }", "and grant, 20ms"},
	{"pulse { players_dead_after = 99ms }", "\"99ms\": at least pulse.dead, that is 100ms"},
	{"pulse { interval = 1s stale = 2s }", "pulse.stale = \"2s\": at least 3 times"},
	{"replication { port = 65536 }", ":2: replication.port = \"65536\": a whole number"},
	{"replication { rate = 99 }",
	 "replication.rate = \"99\": a whole number from 100 to 10000000"},
	{"replication { wait = 61m }", "replication.wait = \"61m\": from 0s to 3600s"},
	{"pulse { interval = 501ms }", "pulse.interval is more than 500ms, too slow for"},
	{"replication { port = 8766 }", "replication.port and pulse.port are both 8766"},
	{"service g { on_marked_down = kill }",
	 "on_marked_down = \"kill\": one of: shutdown_sessions, keep"},
	{"passive { suspect = 6m }", ":2: passive.suspect = \"6m\": from 0s to 300s"},
	{"service g { check exec { command = \"/bin/x 'a\" } }",
	 ":2: service g.check exec.command = \"/bin/x 'a\": a quote is not closed"},
	{"service g { check exec { command = {\"/bin/x\", \"a'b\\\"c\"} } }",
	 "both kinds of quotes"},
	{"service g { check exec { command = {x, y} } }", "command = \"x\": an absolute path"},
	{"hooks { before = x }", ":2: hooks.before = \"x\": an absolute path"},
	{"hooks { after = x }", ":2: hooks.after = \"x\": an absolute path"},
	{"hooks { master = stop.sh }", ":2: hooks.master = \"stop.sh\": an absolute path"},
	{"hooks { backup = \"/x 'y\" }", ":2: hooks.backup = \"/x 'y\": a quote is not closed"},
	{"hooks { fault = {\"\", \"/x\"} }", ":2: hooks.fault = \"\": an absolute path"},
	{"hooks { stop = {\"/x\", \"'\\\"\"} }", ":2: hooks.stop = \"/x\": the list is longer"},
	{"hooks { fifo = fifo }", ":2: hooks.fifo = \"fifo\": an absolute path"},
	{"hooks { capabilities = \"kill sys_admin\" }",
	 ":2: hooks.capabilities = \"kill sys_admin\": sys_admin is none of those"},
	{"hooks { user = \"\" }", ":2: hooks.user = \"\": a name"},
	{"hooks { timeout = 0s }", ":2: hooks.timeout = \"0s\": from 100ms to 600s"},
};

#define MAIL "notify m { type = email endpoint = \"smtp://h:25\" "
static const struct row notify_rows[] = {
	/* Nobody writes another field of the header, or another command, through a key. */
	{MAIL "from = \"a@b\\r\\nBcc: c@d\" to = \"a@b\" }",
	 ":2: notify m.from = \"a@b\\x0d\\x0aBcc: c@d\": control characters"},
	{MAIL "from = \"a@b\" to = \"a@b\\r\\nBcc: c@d\" }",
	 ":2: notify m.to = \"a@b\\x0d\\x0aBcc: c@d\": control characters"},
	{MAIL "from = \"Ops <a@b>\" to = \"a@b\" }",
	 ":2: notify m.from = \"Ops <a@b>\": one address"},
	{MAIL "from = \"a@b\" to = \"Ops <a@b>\" }",
	 "notify m.to = \"Ops <a@b>\": addresses without"},
};

/* Rows that are the whole file. */
static const struct row file_rows[] = {
	{"", ": secret: missing"},
	{"", ": node: a group needs at least two"},
	{NODES, ": secret: missing"},
	{SECRET, ": node: a group needs at least two"},
	{SECRET "node a { address = 10.0.0.1 }", ": node: a group needs at least two"},
	{"secret = \"fifteen letters\"", ":1: secret (value not shown): the secret has 15"},
	{"secret = 0123456789abcdef\nsecret = 0123456789abcdeg",
	 ":2: secret (value not shown): given"},
	{"secret = {0123456789abcdef, \"fifteen letters\"}",
	 ":1: secret (value not shown): the secret has 15"},
	{"secret = {0123456789abcdef, 0123456789abcdef}",
	 ":1: secret (value not shown): the same secret twice"},
	{"secret = {0123456789abcde1, 0123456789abcde2, 0123456789abcde3}",
	 ":1: secret (value not shown): more than 2 secrets"},
	{"secret = {0123456789abcde1}\nsecret = {0123456789abcde2}",
	 ":2: secret (value not shown): given"},
	{SECRET NODES "vip = {10.0.0.8}\nvip = {10.0.0.9}", ":2: vip = \"10.0.0.9\": given twice"},
	{"secret_file = \"x\"", ":1: secret_file = \"x\": an absolute path"},
	{"secret_file = \"/nonexistent/x\"", ":1: secret_file = \"/nonexistent/x\": No such file"},
	{"secret_file = \"/dev/null\"", ":1: secret_file = \"/dev/null\": not a regular file"},
	{"secret_file = \"/etc/passwd\"",
	 "secret_file = \"/etc/passwd\": others may use this file"},
};

#define DNS                                                                        \
	SECRET "node a { address = \"10.0.0.1\" dns_address = \"203.0.113.1\" } "  \
	       "node b { address = \"10.0.0.2\" dns_address = \"203.0.113.2\" }\n" \
	       "dns { record = \"g.example.com\" provider = "
#define FLOAT(a, b, record)                                               \
	SECRET "node a { address = \"10.0.0.1\" cloud_id = \"" a "\" } "  \
	       "node b { address = \"10.0.0.2\" cloud_id = \"" b "\" }\n" \
	       "dns { record = \"" record "\" provider = "

/* Rows that are the whole file. */
static const struct row dns_rows[] = {
	{DNS "rfc2136 }", "endpoint: missing: name the primary name server of the zone"},
	{DNS "rfc2136 endpoint = \"https://x\" }", "with provider rfc2136 it begins with dns://"},
	{DNS "route53 endpoint = \"dns://x\" }", "with provider route53 it begins with https://"},
	{DNS "route53 name_servers = \"192.0.2.1 ns1.example.com\" }",
	 "\"ns1.example.com\" is no address, with or without a port"},
	{DNS "route53 name_servers = \"192.0.2.1:0\" }", "\"192.0.2.1:0\" is no address"},
	{DNS "route53 name_servers = \"192.0.2.1:65536\" }", "\"192.0.2.1:65536\" is no address"},
	{DNS "route53 name_servers = \"192.0.2.1:\" }", "\"192.0.2.1:\" is no address"},
	{DNS "route53 name_servers = \"[::1\" }", "\"[::1\" is no address"},
	{DNS "route53 name_servers = \"[::1]x\" }", "\"[::1]x\" is no address"},
	{DNS "route53 name_servers = \"[192.0.2.1]:53\" }", "\"[192.0.2.1]:53\" is no address"},
	{DNS "route53 name_servers = \"1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
	     "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1\" }",
	 "17 of them: at most 16 are asked"},
	/* floating addresses */
	{FLOAT("1", "2", "203.0.113.5") "aws-eip region = \"eu-central-1\" }",
	 "node a has cloud_id 1: it must be the id of a network interface or instance"},
	{FLOAT("eni-1", "i-2", "10.0.0.9") "aws-private region = \"eu-central-1\" }",
	 "node b has cloud_id i-2: it must be the id of a network interface, eni-..."},
	{FLOAT("1", "i-2", "203.0.113.5") "digitalocean-ip }",
	 "node b has cloud_id i-2: it must be the id of a droplet, a number"},
	{FLOAT("1", "1", "203.0.113.5") "digitalocean-ip }",
	 "nodes a and b have the same cloud_id 1"},
	{FLOAT("1", "", "203.0.113.5") "digitalocean-ip }", "node b has no cloud_id"},
	{FLOAT("1", "2", "game.example.com") "digitalocean-ip }", "it is an IPv4 address"},
	{FLOAT("1", "2", "203.0.113.5") "digitalocean-ip zone = \"example.com\" }",
	 "provider digitalocean-ip has none"},
	{FLOAT("eni-1", "eni-2", "203.0.113.5") "aws-eip }", "region: name the region of AWS"},
	{FLOAT("eni-1", "eni-2", "203.0.113.5") "aws-eip region = \"x:y\" }",
	 "name the region of AWS, such as eu-central-1"},
	/* All that is well, and then something that is not. */
	{DNS
	 "rfc2136 endpoint = \"dns://x\" name_servers = \"192.0.2.1, 192.0.2.2:5353 2001:db8::1,"
	 "[2001:db8::1] [2001:db8::1]:53 x\" }",
	 ": \"x\" is no address"},
};

/* Writes bytes to a new file whose name is put into path. */
static void put_file(char *path, const char *bytes, size_t len, mode_t mode)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Loads bytes as a file; returns conf_load's answer and its errors, which the caller frees. */
static int load_bytes(const char *bytes, size_t len, char **errors)
{
	char path[] = "/tmp/hokm-conf-XXXXXX";
	size_t size;
	FILE *f = open_memstream(errors, &size);
	struct conf *c;
	int err;

	assert_non_null(f);
	put_file(path, bytes, len, 0600);
	err = conf_load(path, false, f, &c);
	assert_int_equal(fclose(f), 0);
	unlink(path);
	assert_true((err == 0) == (c != NULL));
	conf_free(c);
	return err;
}

static void check_row(const char *text, const char *error)
{
	char *errors;
	int err = load_bytes(text, strlen(text), &errors);

	if (err != -EINVAL || !strstr(errors, error))
		fail_msg("file: %s\nexpected: %s\ngot (%d): %s", text, error, err, errors);
	/* Never the secret, not even a part of it. */
	assert_null(strstr(errors, "456789abc"));
	assert_null(strstr(errors, "fifteen"));
	free(errors);
}

static void check_rows(const struct row *rows, size_t n)
{
	char text[1024];

	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%s%s", PRE, rows[i].text);
		check_row(text, rows[i].error);
	}
}

#define ROWS_TEST(name)                                                                \
	static void name(void **state)                                                 \
	{                                                                              \
		(void)state;                                                           \
		check_rows(name##_rows, sizeof(name##_rows) / sizeof(name##_rows[0])); \
	}
ROWS_TEST(syntax)
ROWS_TEST(general)
ROWS_TEST(witness)
ROWS_TEST(service)
ROWS_TEST(timing)
ROWS_TEST(notify)

static void whole_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]); i++)
		check_row(file_rows[i].text, file_rows[i].error);
	for (size_t i = 0; i < sizeof(dns_rows) / sizeof(dns_rows[0]); i++)
		check_row(dns_rows[i].text, dns_rows[i].error);
}

/* The preamble alone is right, so that the rows fail for what they say. */
static void preamble_is_good(void **state)
{
	char *errors;

	(void)state;
	assert_int_equal(load_bytes(PRE, strlen(PRE), &errors), 0);
	assert_string_equal(errors, "");
	free(errors);
}

static void all_errors_in_order(void **state)
{
	static const char *const expected[] = {
		":2: profile",     ":3: secret",    ":4: node primary", ":5: node backup",
		":7: vrrp.advert", ":8: vrrp.vrid", ":10: hooks.after"};
	struct conf *c;
	char *errors, *at;
	size_t size;
	FILE *f = open_memstream(&errors, &size);

	(void)state;
	assert_non_null(f);
	assert_int_equal(conf_load("tests/conf/bad/many.conf", false, f, &c), -EINVAL);
	assert_null(c);
	fclose(f);
	at = errors;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		at = strstr(at, expected[i]);
		assert_non_null(at);
	}
	at = strchr(at, '\n');
	assert_non_null(at);
	assert_string_equal(at, "\n");
	free(errors);
}

/* Every sample is refused with a message. */
static void samples(void **state)
{
	struct conf *c;
	char *errors;
	size_t size;
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/conf/bad/*.conf", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 5);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		FILE *f = open_memstream(&errors, &size);

		assert_non_null(f);
		assert_int_equal(conf_load(g.gl_pathv[i], false, f, &c), -EINVAL);
		fclose(f);
		assert_ptr_equal(strstr(errors, g.gl_pathv[i]), errors);
		free(errors);
	}
	globfree(&g);
}

static void values_before_a_syntax_error(void **state)
{
	(void)state;
	/*
	 * What stands before the place where the parser stopped is checked; what is missing is not.
	 */
	check_row("instance = \"a b\"\nbogus = 1", ":1: instance = \"a b\": a name");
	check_row("instance = \"a b\"\nbogus = 1", ":2: bogus: there is no such key");
}

static void no_false_errors_after_a_syntax_error(void **state)
{
	char *errors;

	(void)state;
	assert_int_equal(load_bytes("bogus = 1", 9, &errors), -EINVAL);
	assert_null(strstr(errors, "missing"));
	assert_null(strstr(errors, "at least two"));
	free(errors);
}

static void odd_bytes(void **state)
{
	static const char zero[] = PRE "\0instance = a";
	char *big = malloc((1u << 20) + 1), *errors;

	(void)state;
	assert_int_equal(load_bytes(zero, sizeof(zero) - 1, &errors), -EINVAL);
	assert_non_null(strstr(errors, ":2: byte 0x00"));
	free(errors);

	assert_non_null(big);
	memset(big, '\n', (1u << 20) + 1);
	assert_int_equal(load_bytes(big, (1u << 20) + 1, &errors), -EINVAL);
	assert_non_null(strstr(errors, "larger than 1 MiB"));
	free(errors);
	/* As large as allowed, and each line an error: some are reported, the others counted. */
	for (size_t i = 0; i + 13 < 1u << 16; i += 13)
		memcpy(big + i, "vip={\"0.0\"}\n\n", 13);
	memcpy(big + (1u << 16), PRE, strlen(PRE));
	assert_int_equal(load_bytes(big, 1u << 20, &errors), -EINVAL);
	free(errors);
	free(big);
}

static void secret_file(void **state)
{
	char path[] = "/tmp/hokm-secret-XXXXXX", text[256], *errors;

	(void)state;
	put_file(path, "a secret in a file\n", 19, 0640);
	snprintf(text, sizeof(text), "secret_file = \"%s\" %s", path, NODES);
	assert_int_equal(load_bytes(text, strlen(text), &errors), 0);
	free(errors);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(load_bytes(text, strlen(text), &errors), -EINVAL);
	assert_non_null(strstr(errors, "others may use this file: run chmod o= /tmp/"));
	free(errors);
	unlink(path);
}

static void secret_file_of_too_many_lines(void **state)
{
	static const char lines[] = "0123456789abcde1\n0123456789abcde2\n0123456789abcde3\n";
	static const struct {
		size_t len;
		int result;
	} rows[] = {{17, 0}, {33, 0}, {34, 0}, {35, -EINVAL}, {51, -EINVAL}};
	char text[256], *errors;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[] = "/tmp/hokm-secret-XXXXXX";

		put_file(path, lines, rows[i].len, 0600);
		snprintf(text, sizeof(text), "secret_file = \"%s\" %s", path, NODES);
		assert_int_equal(load_bytes(text, strlen(text), &errors), rows[i].result);
		free(errors);
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preamble_is_good),
		cmocka_unit_test(syntax),
		cmocka_unit_test(general),
		cmocka_unit_test(witness),
		cmocka_unit_test(service),
		cmocka_unit_test(timing),
		cmocka_unit_test(notify),
		cmocka_unit_test(whole_files),
		cmocka_unit_test(all_errors_in_order),
		cmocka_unit_test(samples),
		cmocka_unit_test(values_before_a_syntax_error),
		cmocka_unit_test(no_false_errors_after_a_syntax_error),
		cmocka_unit_test(odd_bytes),
		cmocka_unit_test(secret_file),
		cmocka_unit_test(secret_file_of_too_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
