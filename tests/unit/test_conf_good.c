/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration files that are right: what comes out of the samples in tests/conf/good (the tests
 * run in the project's root), what may not change without a restart, and what check-config answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/check_config.h"
#include "conf/conf.h"
#include "base/log.h"
#include "conf_rig.h"

#define MS(n) ((n)*NS_PER_MS)
#define S(n)  ((n)*NS_PER_S)

static struct conf *load(const char *file)
{
	struct conf *c;

	file = rig_private(file);
	assert_int_equal(conf_load(file, false, stderr, &c), 0);
	assert_non_null(c);
	assert_string_equal(c->file, file);
	rig_private(NULL);
	return c;
}

static void assert_addr(struct in_addr a, const char *text)
{
	char buf[INET_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET, &a, buf, sizeof(buf)));
	assert_string_equal(buf, text);
}

static void minimal(void **state)
{
	struct conf *c = load("tests/conf/good/minimal.conf");
	const struct conf_service *v = &c->services[0];

	(void)state;
	assert_int_equal(c->profile, CONF_PROFILE_STANDARD);
	assert_string_equal(c->instance, "hokm");
	assert_string_equal(c->interface, "");
	assert_string_equal(c->bpffs, "/sys/fs/bpf");
	assert_string_equal(c->socket, "/run/hokm-xdp/%n.sock");
	assert_string_equal(c->ctl_group, "");
	assert_string_equal(c->agent_user, "nobody");
	assert_int_equal(c->log_level, LOG_LVL_INFO);
	assert_int_equal(c->max_connections, 131072);
	assert_int_equal(c->n_nodes, 2);
	assert_int_equal(c->self, 2);
	assert_string_equal(c->nodes[0].name, "primary");
	assert_addr(c->nodes[0].addr, "192.168.1.26");
	assert_int_equal(c->nodes[0].priority, 110);
	assert_string_equal(c->nodes[1].name, "backup");
	assert_addr(c->nodes[1].addr, "192.168.1.27");
	assert_int_equal(c->nodes[1].priority, 100);
	assert_int_equal(c->n_vips, 1);
	assert_addr(c->vips[0], "192.168.1.25");
	assert_int_equal(c->n_services, 1);
	assert_string_equal(v->name, "game");
	assert_int_equal(v->vip, 0);
	assert_int_equal(v->port, 8765);
	assert_int_equal(v->n_checks, 2);
	assert_int_equal(v->checks[0].kind, CHECK_WEBSOCKET);
	assert_string_equal(v->checks[0].path, "/");
	assert_int_equal(v->checks[1].kind, CHECK_HTTP);
	assert_string_equal(v->checks[1].path, "/health");
	assert_int_equal(v->checks[1].status, 200);
	for (unsigned int i = 0; i < 2; i++) {
		assert_addr(v->checks[i].addr, "192.168.1.25");
		assert_int_equal(v->checks[i].port, 8765);
		assert_false(v->checks[i].tls);
	}
	assert_int_equal(c->n_secrets, 1);
	assert_string_equal(c->secrets[0].text, "0123456789abcdef");
	assert_int_equal(c->secrets[0].len, 16);
	conf_free(c);
}

static void standard_times(void **state)
{
	struct conf *c = load("tests/conf/good/minimal.conf");
	const struct conf_check *k = &c->services[0].checks[1];

	(void)state;
	assert_int_equal(c->vrrp_version, 2);
	assert_int_equal(c->vrid, 25);
	assert_true(c->multicast);
	assert_true(c->checksum_pseudo);
	assert_true(c->preempt);
	assert_int_equal(c->advert_ns, S(1));
	assert_int_equal(c->preempt_delay_ns, S(10));
	assert_string_equal(c->vrrp_password[0], "");
	assert_false(c->vrrp_password_given);
	assert_int_equal(c->garp_count, 5);
	assert_int_equal(c->garp_gap_ns, MS(100));
	assert_int_equal(c->garp_delay_ns, S(5));
	assert_int_equal(c->garp_refresh_ns, S(60));
	assert_int_equal(c->pulse_port, 8766);
	assert_int_equal(c->pulse_ns, MS(10));
	assert_int_equal(c->calm_pulse_ns, MS(30));
	assert_int_equal(c->peer_dead_ns, MS(100));
	assert_int_equal(c->players_dead_ns, S(1));
	assert_int_equal(c->daemon_stale_ns, MS(500));
	assert_true(c->replicate);
	assert_int_equal(c->repl_port, 8767);
	assert_int_equal(c->tell_rate, 100000);
	assert_int_equal(c->warm_ns, S(30));
	assert_int_equal(c->services[0].on_marked_down, CONF_SHUTDOWN_SESSIONS);
	assert_int_equal(c->observe.hold_ns, S(3));
	for (enum conf_hook h = 0; h < CONF_HOOKS; h++)
		assert_string_equal(c->hooks.command[h], "");
	assert_string_equal(c->hooks.user, "nobody");
	assert_int_equal(c->hooks.timeout_ns, S(10));
	assert_int_equal(k->interval_ns, S(5));
	assert_int_equal(k->fastinter_ns, S(1));
	assert_int_equal(k->downinter_ns, S(2));
	assert_int_equal(k->timeout_ns, S(10));
	assert_int_equal(k->backoff_ns, MS(500));
	assert_int_equal(k->rise, 2);
	assert_int_equal(k->fall, 3);
	assert_int_equal(k->attempts, 3);
	conf_free(c);
}

static void fast_times(void **state)
{
	struct conf *c = load("tests/conf/good/fast.conf");
	const struct conf_check *k = &c->services[0].checks[0];

	(void)state;
	assert_int_equal(c->profile, CONF_PROFILE_FAST);
	assert_int_equal(c->vrrp_version, 3);
	assert_string_equal(c->vrrp_password[0], "");
	assert_int_equal(c->advert_ns, MS(100));
	assert_int_equal(c->preempt_delay_ns, S(2));
	assert_int_equal(c->daemon_stale_ns, MS(200));
	assert_int_equal(c->observe.hold_ns, S(1));
	assert_int_equal(k->interval_ns, MS(200));
	assert_int_equal(k->fastinter_ns, MS(50));
	assert_int_equal(k->downinter_ns, MS(100));
	assert_int_equal(k->timeout_ns, MS(250));
	assert_int_equal(k->backoff_ns, MS(20));
	assert_int_equal(k->rise, 2);
	assert_int_equal(k->fall, 2);
	assert_int_equal(k->attempts, 1);
	conf_free(c);
}

static void fast_with_version_2(void **state)
{
	struct conf *c = load("tests/conf/good/fast-v2.conf");

	(void)state;
	assert_int_equal(c->vrrp_version, 2);
	assert_int_equal(c->advert_ns, S(1));
	assert_string_equal(c->vrrp_password[0], "");
	conf_free(c);
}

/* The longer grant that is recommended where the renewal has no time of its own. */
static void fast_with_a_long_grant_is_as_fast(void **state)
{
	static const char text[] = "secret = 0123456789abcdef\nprofile = fast grant = 100ms\n"
				   "node a { address = 10.0.0.1 } node b { address = 10.0.0.2 }\n"
				   "service game { }\n";
	struct conf *c;

	(void)state;
	assert_int_equal(conf_load_text(text, false, stderr, &c), 0);
	assert_int_equal(c->calm_pulse_ns, MS(10));
	conf_free(c);
}

static void times_follow(void **state)
{
	struct conf *c = load("tests/conf/good/shorter.conf");
	const struct conf_check *k = &c->services[0].checks[0];

	(void)state;
	assert_int_equal(c->services[0].n_checks, 1);
	assert_int_equal(k->interval_ns, MS(500));
	assert_int_equal(k->fastinter_ns, MS(500));
	assert_int_equal(k->downinter_ns, MS(500));
	assert_int_equal(c->pulse_ns, MS(100));
	assert_int_equal(c->calm_pulse_ns, MS(100)); /* a third of the grant */
	assert_int_equal(c->peer_dead_ns, S(1));
	assert_int_equal(c->players_dead_ns, S(3));
	assert_int_equal(c->daemon_stale_ns, S(1));
	assert_int_equal(c->advert_ns, MS(40950));
	conf_free(c);
}

static void full_general(void **state)
{
	struct conf *c = load("tests/conf/good/full.conf");

	(void)state;
	assert_string_equal(c->instance, "arena");
	assert_string_equal(c->interface, "eth7");
	assert_string_equal(c->bpffs, "/run/bpf/%n");
	assert_string_equal(c->socket, "/run/hokm-xdp/%n.ctl");
	assert_string_equal(c->ctl_group, "games");
	assert_string_equal(c->agent_user, "hokm-agent");
	assert_int_equal(c->log_level, LOG_LVL_DEBUG);
	assert_int_equal(c->max_connections, 4096);
	assert_int_equal(c->n_vips, 2);
	assert_addr(c->vips[1], "10.0.0.6");
	assert_int_equal(c->n_nodes, 3);
	assert_int_equal(c->nodes[0].priority, 50);
	assert_string_equal(c->nodes[1].name, "right");
	assert_addr(c->nodes[1].addr, "10.0.0.12");
	assert_int_equal(c->nodes[1].priority, 100);
	assert_int_equal(c->nodes[2].priority, 60);
	assert_int_equal(c->vrid, 77);
	assert_false(c->multicast);
	assert_false(c->checksum_pseudo);
	assert_int_equal(c->advert_ns, S(2));
	assert_false(c->preempt);
	assert_int_equal(c->preempt_delay_ns, S(60));
	assert_string_equal(c->vrrp_password[0], "hush");
	assert_int_equal(c->garp_count, 7);
	assert_int_equal(c->garp_gap_ns, MS(50));
	assert_int_equal(c->garp_delay_ns, S(7));
	assert_int_equal(c->garp_refresh_ns, 0);
	assert_int_equal(c->pulse_port, 9766);
	assert_int_equal(c->pulse_ns, MS(20));
	assert_int_equal(c->calm_pulse_ns, MS(20)); /* a third of pulse.dead */
	assert_int_equal(c->peer_dead_ns, MS(60));
	assert_int_equal(c->daemon_stale_ns, MS(1500));
	assert_false(c->replicate);
	assert_int_equal(c->repl_port, 9767);
	assert_int_equal(c->tell_rate, 5000);
	assert_int_equal(c->warm_ns, MS(1500));
	assert_int_equal(c->observe.hold_ns, MS(500));
	assert_string_equal(c->hooks.command[CONF_HOOK_BEFORE], "'/opt/the hooks/before'");
	assert_string_equal(c->hooks.command[CONF_HOOK_MASTER], "/bin/state --of 'the owner'");
	assert_string_equal(c->hooks.command[CONF_HOOK_BACKUP], "/bin/state 'a word' -b");
	assert_string_equal(c->hooks.command[CONF_HOOK_FAULT], "");
	assert_string_equal(c->hooks.command[CONF_HOOK_STOP], "/bin/stop");
	assert_string_equal(c->hooks.command[CONF_HOOK_AFTER], "/bin/after");
	assert_string_equal(c->hooks.fifo, "/run/hooks.fifo");
	assert_string_equal(c->hooks.capabilities, "net_admin, kill");
	assert_true(c->hooks.caps == (1ULL << 12 | 1ULL << 5));
	assert_string_equal(c->hooks.user, "games");
	assert_int_equal(c->hooks.timeout_ns, MS(2500));
	conf_free(c);
}

static void full_services(void **state)
{
	struct conf *c = load("tests/conf/good/full.conf");
	const struct conf_check *k = c->services[0].checks;

	(void)state;
	assert_int_equal(c->n_services, 2);
	assert_int_equal(c->services[0].vip, 1);
	assert_int_equal(c->services[0].port, 9000);
	assert_int_equal(c->services[0].n_checks, 4);
	assert_int_equal(c->services[0].on_marked_down, CONF_KEEP);
	assert_string_equal(k[0].path, "/play?room=1");
	assert_int_equal(k[0].interval_ns, S(4));
	assert_int_equal(k[0].fastinter_ns, MS(500));
	assert_int_equal(k[0].downinter_ns, S(3));
	assert_int_equal(k[0].timeout_ns, S(5));
	assert_int_equal(k[0].rise, 4);
	assert_int_equal(k[0].fall, 5);
	assert_int_equal(k[0].attempts, 2);
	assert_int_equal(k[0].backoff_ns, MS(250));
	assert_addr(k[0].addr, "10.0.0.6");
	assert_int_equal(k[0].port, 9000);
	assert_string_equal(k[1].path, "/ready");
	assert_int_equal(k[1].status, 204);
	assert_string_equal(k[1].body, "fine");
	assert_true(k[1].tls);
	assert_addr(k[1].addr, "10.0.0.99");
	assert_int_equal(k[1].port, 81);
	assert_int_equal(k[2].kind, CHECK_TCP);
	assert_int_equal(k[2].port, 9001);
	assert_int_equal(k[3].kind, CHECK_EXEC);
	assert_string_equal(k[3].path, "/usr/local/bin/check-game");
	assert_int_equal(k[3].addr.s_addr, 0);
	assert_string_equal(c->services[1].name, "chat");
	assert_int_equal(c->services[1].vip, 0);
	assert_int_equal(c->services[1].n_checks, 1);
	conf_free(c);
}

static void restart_keys(void **state)
{
	struct conf *a = load("tests/conf/good/minimal.conf");
	struct conf *b = load("tests/conf/good/minimal.conf");

	(void)state;
	a->self = b->self = 0;
	assert_null(conf_needs_restart(a, b));
	b->advert_ns = S(3);
	b->log_level = LOG_LVL_ERROR;
	b->nodes[1].priority = 90;
	assert_null(conf_needs_restart(a, b));
#define DIFFERS(field, value, key)                                  \
	do {                                                        \
		__typeof__(b->field) kept = b->field;               \
		b->field = (value);                                 \
		assert_string_equal(conf_needs_restart(a, b), key); \
		b->field = kept;                                    \
		assert_null(conf_needs_restart(a, b));              \
	} while (0)
	/* Passive checks and the time of idle connections change while running. */
	memset(&b->observe, 0, sizeof(b->observe));
	b->idle_ns = S(60);
	b->tell_rate = 1000;
	b->warm_ns = 0;
	b->services[0].on_marked_down = CONF_KEEP;
	assert_null(conf_needs_restart(a, b));
	DIFFERS(interface[0], 'x', "interface");
	DIFFERS(nodes[0].addr.s_addr, 1, "node.address");
	DIFFERS(bpffs[1], 'x', "bpffs");
	DIFFERS(socket[1], 'x', "socket");
	DIFFERS(ctl_group[0], 'x', "ctl_group");
	DIFFERS(agent_user[0], 'x', "agent_user");
	DIFFERS(max_connections, 2048, "max_connections");
	DIFFERS(vrid, 26, "vrrp.vrid");
	DIFFERS(multicast, false, "vrrp.mode");
	DIFFERS(pulse_port, 1, "pulse.port");
	DIFFERS(replicate, false, "replication.enabled");
	DIFFERS(repl_port, 1, "replication.port");
	conf_free(a);
	conf_free(b);
}

/* Runs check-config with stdout and stderr kept; returns its exit code. */
static int run_check(const char *file, const char *option, char *text, size_t size)
{
	char name[] = "check-config", *path = strdup(file), *more = option ? strdup(option) : NULL;
	char *argv[] = {name, path, more, NULL};
	int memory = memfd_create("output", MFD_CLOEXEC);
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), code;
	ssize_t n;

	assert_true(memory >= 0 && out >= 0 && err >= 0 && path);
	fflush(stdout);
	fflush(stderr);
	dup2(memory, STDOUT_FILENO);
	dup2(memory, STDERR_FILENO);
	code = check_config_main(more ? 3 : 2, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	n = pread(memory, text, size - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	close(memory);
	close(out);
	close(err);
	free(path);
	free(more);
	return code;
}

/* Every setting of the section passive in full.conf, as JSON. */
static void check_config_passive(const char *text)
{
	static const char *const expected[] = {
		"\"idle_timeout_ms\": 5400000",
		"\"suspect_ms\": 500",
		"\"suspect_max_ms\": 7000",
		"\"calm_ms\": 8000",
		"\"sample_ms\": 50",
		"\"window_ms\": 3000",
		"\"timeout_ms\": 700",
		"\"name\": \"refused\"",
		"\"percent\": 41",
		"\"name\": \"upgrade\"",
		"\"percent\": 43",
		"\"after_ms\": 400",
		"\"name\": \"ping\"",
		"\"percent\": 45",
		"\"after_ms\": 6000",
		"\"name\": \"close\"",
		"\"enabled\": false",
		"\"min\": 3",
	};
	const char *at = text;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		const char *next = strstr(at, expected[i]);

		if (!next)
			print_error("%s is not there, or not in its place\n", expected[i]);
		assert_non_null(next);
		at = next;
	}
}

static void check_config(void **state)
{
	const char *full = rig_private("tests/conf/good/full.conf");
	char text[16384];

	(void)state;
	assert_int_equal(run_check(full, NULL, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "OK /tmp/hokm-private-"));
	assert_non_null(strstr(text, "  - name: third\n    address: 10.0.0.13\n"));
	assert_non_null(strstr(text, "  advert: 2s\n"));
	assert_non_null(strstr(text, "idle_timeout: 5400s\n"));
	assert_non_null(strstr(text, "  - name: ping\n"));
	assert_null(strstr(text, "a secret of many"));
	assert_null(strstr(text, "hush"));

	assert_int_equal(run_check(full, "--json", text, sizeof(text)), 0);
	assert_int_equal(text[0], '{');
	assert_non_null(strstr(text, "\"ok\": true"));
	assert_non_null(strstr(text, "\"stale_ms\": 1500"));
	check_config_passive(text);
	assert_null(strstr(text, "a secret of many"));
	assert_null(strstr(text, "hush"));

	assert_int_equal(run_check("tests/conf/bad/many.conf", NULL, text, sizeof(text)), 78);
	assert_non_null(strstr(text, "many.conf:7: vrrp.advert = \"0.5s\": version 2 takes whole"));
	assert_int_equal(run_check("tests/conf/bad/many.conf", "--json", text, sizeof(text)), 78);
	assert_non_null(strstr(text, "\"ok\": false"));
	assert_non_null(strstr(text, "many.conf:10: hooks.after"));

	assert_int_equal(run_check("/nonexistent/x.conf", NULL, text, sizeof(text)), 66);
	assert_non_null(strstr(text, "/nonexistent/x.conf: the configuration cannot be read"));
	assert_int_equal(run_check("tests/conf", NULL, text, sizeof(text)), 66);
	assert_int_equal(run_check("--what", NULL, text, sizeof(text)), 2);
	assert_non_null(strstr(text, "usage:"));
	rig_private(NULL);
}

/* A list and a text give the same words, and a check that cannot pass is named. */
static void commands(void **state)
{
	static const struct {
		const char *value, *path;
		bool note;
	} rows[] = {
		{"\"/bin/x -a 'b c'\"", "/bin/x -a 'b c'", false},
		{"{\"/bin/x\", \"-a\", \"b c\"}", "/bin/x -a 'b c'", false},
		{"{\"/bin/x y\", \"\", \"it's\"}", "'/bin/x y' '' \"it's\"", false},
		{"\"/usr/bin/killall -0 game\"", "/usr/bin/killall -0 game", true},
		{"{\"/usr/bin/pkill\", \"-0\", \"game\"}", "/usr/bin/pkill -0 game", true},
		{"\"/usr/bin/killall game\"", "/usr/bin/killall game", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[] = "/tmp/hokm-command-XXXXXX", text[16384];
		int fd = mkstemp(path);
		struct conf *c;

		assert_true(fd >= 0);
		assert_true(dprintf(fd,
				    "secret = 0123456789abcdef\n"
				    "node a { address = 10.0.0.1 } node b { address = 10.0.0.2 }\n"
				    "service g { check exec { command = %s } }\n",
				    rows[i].value) > 0);
		close(fd);
		assert_int_equal(conf_load(path, false, stderr, &c), 0);
		assert_string_equal(c->services[0].checks[0].path, rows[i].path);
		conf_free(c);
		assert_int_equal(run_check(path, NULL, text, sizeof(text)), 0);
		assert_int_equal(
			strstr(text, "user nobody may signal its own processes only") != NULL,
			rows[i].note);
		unlink(path);
	}
}

/* DNS_PROVIDER names the provider, but only of a record, and only where the file names none. */
static void the_environment_names_the_dns_provider(void **state)
{
	static const struct {
		const char *variable, *dns;
		int provider; /* -1: refused */
	} rows[] = {
		{"route53", "record = \"game.example.com\"", CONF_DNS_ROUTE53},
		{"digitalocean", "record = \"game.example.com\"", CONF_DNS_DIGITALOCEAN},
		{"route53", "record = \"game.example.com\" provider = cloudflare",
		 CONF_DNS_CLOUDFLARE},
		{"route53", "", CONF_DNS_NONE},
		{"godaddy", "record = \"game.example.com\"", -1},
		{"none", "record = \"game.example.com\"", -1},
		{NULL, "record = \"game.example.com\"", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512], *errors;
		struct conf *c;

		snprintf(text, sizeof(text),
			 "secret = 0123456789abcdef\n"
			 "node a { address = 10.0.0.1 dns_address = 203.0.113.1 }\n"
			 "node b { address = 10.0.0.2 dns_address = 203.0.113.2 }\n"
			 "dns { %s }\n",
			 rows[i].dns);
		if (rows[i].variable)
			assert_int_equal(setenv("DNS_PROVIDER", rows[i].variable, 1), 0);
		else
			assert_int_equal(unsetenv("DNS_PROVIDER"), 0);
		c = rig_load(text, &errors);
		assert_int_equal(c ? (int)c->dns.provider : -1, rows[i].provider);
		assert_true(c || strstr(errors, "in the environment as DNS_PROVIDER"));
		conf_free(c);
		free(errors);
	}
	unsetenv("DNS_PROVIDER");
}

/* test_conf_docs looks at what is in the documents. */
static void documents(void **state)
{
	static const struct {
		const char *name, *beginning;
	} rows[] = {
		{"sample", "# Configuration of hokm-xdp."},
		{"man", ".\\\""},
		{"markdown", "<!--"},
	};
	char text[16384];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(run_check("--keys", rows[i].name, text, sizeof(text)), 0);
		assert_ptr_equal(strstr(text, rows[i].beginning), text);
	}
	assert_int_equal(run_check("--keys", "html", text, sizeof(text)), 2);
	assert_non_null(strstr(text, "one of: sample, man, markdown"));
	assert_int_equal(run_check("--keys", NULL, text, sizeof(text)), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minimal),
		cmocka_unit_test(standard_times),
		cmocka_unit_test(fast_times),
		cmocka_unit_test(fast_with_version_2),
		cmocka_unit_test(fast_with_a_long_grant_is_as_fast),
		cmocka_unit_test(times_follow),
		cmocka_unit_test(full_general),
		cmocka_unit_test(full_services),
		cmocka_unit_test(restart_keys),
		cmocka_unit_test(check_config),
		cmocka_unit_test(commands),
		cmocka_unit_test(documents),
		cmocka_unit_test(the_environment_names_the_dns_provider),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
