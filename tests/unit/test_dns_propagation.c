/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * After a change: the name servers of the zone are asked, as BIND 9 names them, until they have the
 * new address. Other servers are stand-ins that answer late, with the old address, or with noise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/nameser.h>
#include <sys/mount.h>
#include <systemd/sd-event.h>

#include "../stub/named_rig.h"
#include "daemon/dns.h"
#include "daemon/dns_watch.h"
#include "daemon/node.h"

#define RECORDS                                                                                    \
	"@ NS ns2\nns2 A 127.0.0.2\ngame 60 A " ADDR_B "\ngame 60 AAAA " ADDR_B6 "\nold A " ADDR_A \
	"\n"                                                                                       \
	"api 77 A 127.0.0.1\nalias 44 CNAME api\nshort 1 A 127.0.0.1\nlong 86400 A 127.0.0.1\n"    \
	"two A " ADDR_B "\ntwo A " ADDR_A "\nmember A " ADDR_B "\nmember A 198.51.100.1\n"
#define WAIT_MS 60000

static struct dns_rig rig;

/* ---- a name server that is no good one ---- */

enum server {
	LATE,  /* the old address, and the new one from the third question on */
	CACHE, /* the new address, but it is not its own */
	NOISE,
};

/* Makes the answer with one address in place of the question. Its length. */
static size_t answer(uint8_t *msg, size_t len, enum server how, unsigned int nth)
{
	static const uint8_t record[] = {
		0xc0, NS_HFIXEDSZ, 0, ns_t_a, 0, ns_c_in, 0, 0, 0, 60, 0, 4, 203, 0, 113};

	/* The question ends with the name, type and class; an OPT record is left out. */
	len = NS_HFIXEDSZ + strlen((const char *)msg + NS_HFIXEDSZ) + 1 + 4;
	if (how == NOISE) {
		memset(msg + 2, 0xc0, len - 2);
		return len;
	}
	msg[2] = (uint8_t)(0x80 | (how == CACHE ? 0 : 0x04));
	msg[3] = 0;
	msg[7] = 1;
	msg[11] = 0;
	memcpy(msg + len, record, sizeof(record));
	len += sizeof(record);
	msg[len++] = how == LATE && nth < 3 ? 26 : 27;
	return len;
}

static void serve(int fd, enum server how)
{
	uint8_t msg[1024];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int nth = 1;; nth++) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, msg, sizeof(msg) / 2, 0, (struct sockaddr *)&from, &size);
		size_t len;

		if (n <= NS_HFIXEDSZ)
			_exit(1);
		len = answer(msg, (size_t)n, how, nth);
		if (sendto(fd, msg, len, 0, (struct sockaddr *)&from, size) < 0)
			_exit(1);
	}
}

static pid_t server(enum server how, const char *address, unsigned int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_int_equal(inet_pton(AF_INET, address, &at.sin_addr), 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	pid = fork();
	if (pid == 0)
		serve(fd, how);
	close(fd);
	return pid;
}

static void end_server(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the daemon's side ---- */

static void request(const char *name, const char *want, const char *servers,
		    struct dns_request *req)
{
	named_request(&rig, DNS_OP_WRITE, name, want, req);
	snprintf(req->conf.name_servers, sizeof(req->conf.name_servers), "%s", servers);
	req->conf.propagation_ns = 60 * NS_PER_S;
}

/* Ticks as the daemon does, until the job has ended. The most servers that had it before that. */
static unsigned int watch(struct dns_watch *w, const struct dns_request *req, const char *zone)
{
	uint64_t by_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;
	unsigned int before = 0;

	dns_watch_init(w);
	dns_watch_begin(w, req, zone);
	while (!dns_watch_tick(w, stub_user(), clock_now_ns())) {
		if (w->known && !w->ended)
			before = w->last.have + 1;
		assert_true(clock_now_ns() < by_ns);
		(void)poll(NULL, 0, 5);
	}
	dns_watch_close(w);
	assert_int_equal(w->pid, 0);
	return before;
}

static void expect(const struct dns_watch *w, enum dns_result result, const char *says)
{
	if (!w->known || !w->ended || w->last.result != result || !strstr(w->last.text, says))
		fail_msg("%s, expected %s \"%s\": \"%s\"",
			 dns_result_name((enum dns_result)w->last.result), dns_result_name(result),
			 says, w->last.text);
}

static void a_server_that_is_late_is_waited_for(void **state)
{
	pid_t late = server(LATE, "127.0.0.2", 53);
	unsigned int most;
	struct dns_request req;
	struct dns_watch w;

	(void)state;
	/* Those of the zone: BIND is ns1, the late one is ns2. */
	request("game", ADDR_B, "", &req);
	most = watch(&w, &req, "example.com");
	end_server(late);
	expect(&w, DNS_SAME, "2 of 2 name servers have it after ");
	/* What status has meanwhile: one of two. */
	assert_in_range(most, 1, 1 + 1);
}

static void a_server_without_the_new_address_is_named(void **state)
{
	pid_t cache = server(CACHE, "127.0.0.1", 5401), noise = server(NOISE, "127.0.0.1", 5402);
	struct dns_request req;
	struct dns_watch w;

	(void)state;
	request("game", ADDR_B,
		"127.0.0.1:5353, [::1]:5353 127.0.0.1:5401, 127.0.0.1:5402, 127.0.0.1:5403", &req);
	req.conf.propagation_ns = 8 * NS_PER_S;
	watch(&w, &req, "example.com");
	end_server(cache);
	end_server(noise);
	expect(&w, DNS_FAILED, "2 of 5 name servers have it");
	expect(&w, DNS_FAILED, "; not 127.0.0.1:5401, 127.0.0.1:5402, 127.0.0.1:5403");
}

static void what_counts_as_new(void **state)
{
	static const struct {
		const char *name, *want, *says;
	} cases[] = {
		{"game", ADDR_B6, "1 of 1 "}, {"old", ADDR_B, "0 of 1 "},
		{"two", ADDR_B, "0 of 1 "},   {"member", ADDR_B, "1 of 1 "},
		{"none", ADDR_B, "0 of 1 "},
	};
	struct dns_request req;
	struct dns_watch w;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request(cases[i].name, cases[i].want, "127.0.0.1:5353", &req);
		if (cases[i].says[0] == '0')
			req.conf.propagation_ns = 300 * NS_PER_MS;
		watch(&w, &req, "example.com");
		expect(&w, cases[i].says[0] == '0' ? DNS_FAILED : DNS_SAME, cases[i].says);
	}
}

static void a_zone_without_servers_is_no_failure_of_the_change(void **state)
{
	struct dns_request req;
	struct dns_watch w;

	(void)state;
	request("game", ADDR_B, "", &req);
	watch(&w, &req, "nowhere.example.com");
	expect(&w, DNS_FAILED, "the name servers of nowhere.example.com were not asked: ");
	assert_int_equal(w.last.servers, 0);
}

static void a_later_change_ends_the_watch_of_the_former(void **state)
{
	struct dns_request req;
	struct dns_watch w;
	pid_t first;

	(void)state;
	request("old", ADDR_B, "127.0.0.1:5353", &req);
	dns_watch_init(&w);
	dns_watch_begin(&w, &req, "example.com");
	assert_false(dns_watch_tick(&w, stub_user(), clock_now_ns()));
	first = w.pid;
	assert_true(first > 0);
	request("game", ADDR_B, "127.0.0.1:5353", &req);
	dns_watch_begin(&w, &req, "example.com");
	assert_false(w.known);
	for (uint64_t by_ns = clock_now_ns() + WAIT_MS * NS_PER_MS; !w.ended;) {
		(void)dns_watch_tick(&w, stub_user(), clock_now_ns());
		assert_true(clock_now_ns() < by_ns);
		(void)poll(NULL, 0, 5);
	}
	expect(&w, DNS_SAME, "1 of 1 ");
	assert_int_equal(waitpid(first, NULL, WNOHANG), -1);
	/* Not to be watched at all. */
	req.conf.propagation_ns = 0;
	dns_watch_close(&w);
	dns_watch_begin(&w, &req, "example.com");
	assert_false(dns_watch_tick(&w, stub_user(), clock_now_ns()));
	assert_int_equal(w.pid, 0);
	assert_false(w.known);
}

/* ---- the provider's own name ---- */

static void look(struct dns_request *req, struct dns_reply *r)
{
	assert_int_equal(dns_job_run(stub_user(), req, false, r), 0);
}

static void the_name_of_the_provider_is_asked_for_once_in_its_ttl(void **state)
{
	static const struct {
		const char *host;
		unsigned int ttl_s;
	} cases[] = {
		{"api", 77}, {"alias", 44}, {"short", DNS_HOSTS_MIN_S}, {"long", DNS_HOSTS_MAX_S}};
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	request("game", ADDR_B, "", &req);
	req.op = DNS_OP_LOOK;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://%s.example.com:%d",
			 cases[i].host, NAMED_PORT);
		look(&req, &r);
		assert_string_equal(r.text, "the record has " ADDR_B " already");
		assert_string_equal(r.hosts.value[0], "127.0.0.1");
		assert_int_equal(r.hosts_ttl_s, cases[i].ttl_s);
	}
	/* As the daemon asks within the TTL: also for a name that is gone. */
	req.known = r.hosts;
	req.fresh = 1;
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://gone.example.com:%d",
		 NAMED_PORT);
	look(&req, &r);
	assert_int_equal(r.result, DNS_SAME);
	assert_int_equal(r.hosts_ttl_s, 0);
	/* Nobody answers where the name was. It is asked for when the TTL is over. */
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://api.example.com:%d",
		 NAMED_PORT);
	snprintf(req.known.value[0], DNS_ADDRESS_MAX, "127.0.0.9");
	look(&req, &r);
	assert_int_equal(r.result, DNS_FAILED);
	req.fresh = 0;
	look(&req, &r);
	assert_int_equal(r.result, DNS_SAME);
	assert_string_equal(r.hosts.value[0], "127.0.0.1");
}

/* The daemon of node B, which owns. Ticks until no job runs; no time passes meanwhile. */
static void run_job(struct dns *d, uint64_t now_ns)
{
	const struct dns_owner o[CONF_DNS_TYPES] = {
		[CONF_DNS_A] = {.owner = true, .node = 1}, [CONF_DNS_AAAA] = {.node = 1}};
	uint64_t by_ns = clock_now_ns() + WAIT_MS * NS_PER_MS;

	for (dns_tick(d, o, now_ns); d->line[CONF_DNS_A].pid > 0; dns_tick(d, o, now_ns)) {
		assert_true(clock_now_ns() < by_ns);
		(void)poll(NULL, 0, 5);
	}
}

static void the_daemon_asks_again_after_a_failure_and_after_the_ttl(void **state)
{
	static struct conf conf;
	struct node node = {.conf = &conf, .nonce = 1};
	struct dns_request req;
	static struct dns d;
	struct dns_line *l = &d.line[CONF_DNS_A];
	uint64_t now_ns = 100000 * NS_PER_S;
	sd_event *loop;

	(void)state;
	request("game", ADDR_B, "", &req);
	conf.dns = req.conf;
	snprintf(conf.dns.endpoint, sizeof(conf.dns.endpoint), "dns://api.example.com:%d",
		 NAMED_PORT);
	rig_path(&rig, "book", conf.dns.state_file, sizeof(conf.dns.state_file));
	conf.dns.ttl_ns = conf.dns.verify_ns = 50 * NS_PER_S;
	conf.n_nodes = 2;
	conf.self = 1;
	snprintf(conf.nodes[0].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_A);
	snprintf(conf.nodes[1].dns_address[CONF_DNS_A], DNS_ADDRESS_MAX, ADDR_B);
	snprintf(conf.agent_user, sizeof(conf.agent_user), "%s", stub_user());
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(events_open(loop, -1, NULL, NULL, &node.events), 0);
	assert_int_equal(dns_open(&d, &node, false), 0);
	run_job(&d, now_ns);
	assert_int_equal(l->last.result, DNS_SAME);
	assert_string_equal(l->hosts.value[0], "127.0.0.1");
	assert_true(l->hosts_until_ns == now_ns + 77 * NS_PER_S);
	/* Within the TTL nobody is asked, and the address is dead. */
	snprintf(l->hosts.value[0], DNS_ADDRESS_MAX, "127.0.0.9");
	run_job(&d, now_ns += 60 * NS_PER_S);
	assert_int_equal(l->last.result, DNS_FAILED);
	run_job(&d, now_ns += 10 * NS_PER_S);
	assert_int_equal(l->last.result, DNS_SAME);
	assert_string_equal(l->hosts.value[0], "127.0.0.1");
	/* After it the former address is not used. */
	snprintf(l->hosts.value[0], DNS_ADDRESS_MAX, "127.0.0.9");
	run_job(&d, now_ns += 120 * NS_PER_S);
	assert_int_equal(l->last.result, DNS_SAME);
	assert_true(l->last_ns == now_ns);
	assert_string_equal(l->hosts.value[0], "127.0.0.1");
	dns_close(&d);
	events_close(node.events);
	sd_event_unref(loop);
}

static int start(void **state)
{
	char path[256];

	(void)state;
	if (!named_start(&rig, RECORDS))
		return -1;
	/* The mounts of this process are its own. */
	rig_write(&rig, "resolv.conf", "nameserver 127.0.0.1\n", 0644);
	rig_path(&rig, "resolv.conf", path, sizeof(path));
	return mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL);
}

static int stop(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_late_is_waited_for),
		cmocka_unit_test(a_server_without_the_new_address_is_named),
		cmocka_unit_test(what_counts_as_new),
		cmocka_unit_test(a_zone_without_servers_is_no_failure_of_the_change),
		cmocka_unit_test(a_later_change_ends_the_watch_of_the_former),
		cmocka_unit_test(the_name_of_the_provider_is_asked_for_once_in_its_ttl),
		cmocka_unit_test(the_daemon_asks_again_after_a_failure_and_after_the_ttl),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return dns_job_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
