/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the doctor says of the machine's network: the table of connection tracking, and the routes
 * of the game's packets, which a real kernel is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor/facts.h"
#include "own_netns.h"

#define TEXT(field, text) snprintf(field, sizeof(field), "%s", text)

static struct own_netns ns;

static void dropping(struct facts *f)
{
	f->ct_count = 90;
	f->grew.ct_dropped = 7;
}
static void full(struct facts *f)
{
	f->ct_count = 100;
}
static void filling(struct facts *f)
{
	f->ct_count = 80;
}
static void well(struct facts *f)
{
	f->ct_count = 79;
}
static void no_tracking(struct facts *f)
{
	f->ct_count = f->ct_max = -1;
}
static void not_delivered(struct facts *f)
{
	TEXT(f->route_in, "packets of 10.0.0.1");
}
static void answers_elsewhere(struct facts *f)
{
	TEXT(f->route_out, "answers to 10.0.0.1");
}
static void arp_filtered(struct facts *f)
{
	answers_elsewhere(f);
	f->arp_filter = 1;
}
static void arp_filter_alone(struct facts *f)
{
	f->arp_filter = 1;
}
static void container(struct facts *f)
{
	TEXT(f->no_listener, "game");
}
static void stuck(struct facts *f)
{
	TEXT(f->stuck_listener, "1 of 4 sockets that listen for service game: 35 connections wait");
}
/* Late answers are the cause of the silence, with and without adverts. */
static void late(struct facts *f)
{
	f->grew.pulse_late = 10;
	f->n_peers = 2;
	f->peers[0].seen_ms = f->peers[1].seen_ms = 900;
	f->peers[0].adverts_ms = 100;
	f->peers[1].adverts_ms = -1;
}
static void sometimes_late(struct facts *f)
{
	f->grew.pulse_late = 9;
}
static void source(struct facts *f)
{
	TEXT(f->route_source, "the route default");
}

static void each_fault_is_named(void **state)
{
	static const struct {
		void (*set)(struct facts *f);
		const char *id, *evidence;
	} rows[] = {
		{dropping, "conntrack-full", "dropped 7 packets just now; it has 90"},
		{full, "conntrack-filling", "100 connections of at most 100"},
		{filling, "conntrack-filling", "80 connections of at most 100"},
		{well, NULL, NULL},
		{no_tracking, NULL, NULL},
		{not_delivered, "route-in", "packets of 10.0.0.1"},
		{answers_elsewhere, "route-out", "answers to 10.0.0.1"},
		{arp_filter_alone, NULL, NULL},
		{container, "no-listener", "for service game, and its checks pass"},
		{stuck, "listener-stuck", "game: 35 connections wait, and none was accepted"},
		{late, "pulses-late", "10 answers to pulses came later"},
		{sometimes_late, NULL, NULL},
		{source, "route-source", "the route default"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct findings found;
		struct facts f;

		facts_init(&f);
		f.agent = true;
		f.ct_max = 100;
		rows[i].set(&f);
		doctor_judge(&f, &found);
		if (found.n != (rows[i].id != NULL))
			fail_msg("row %zu: %u findings", i, found.n);
		if (!rows[i].id)
			continue;
		assert_string_equal(found.list[0].id, rows[i].id);
		if (!strstr(found.list[0].evidence, rows[i].evidence))
			fail_msg("row %zu: %s", i, found.list[0].evidence);
	}
}

/* One that sends nothing, and no late answers either. */
static void a_late_peer_hides_no_dead_one(void **state)
{
	static const struct {
		unsigned int n_peers;
		int64_t seen_ms;
		bool connected, silent;
	} rows[] = {
		{2, 180000, false, true}, {2, -1, false, true},      {2, 9999, false, false},
		{2, 180000, true, false}, {1, 180000, false, false},
	};
	struct findings found;
	struct facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fact_peer *p;

		facts_init(&f);
		f.agent = true;
		f.ct_max = 100;
		late(&f);
		f.n_peers = rows[i].n_peers;
		p = &f.peers[f.n_peers - 1];
		TEXT(p->name, "third");
		p->adverts_ms = -1;
		p->seen_ms = rows[i].seen_ms;
		p->connected = rows[i].connected;
		doctor_judge(&f, &found);
		if (found.n != 1u + rows[i].silent)
			fail_msg("row %zu: %u findings", i, found.n);
		assert_string_equal(found.list[0].id, "pulses-late");
		if (!rows[i].silent)
			continue;
		assert_string_equal(found.list[1].id, "peer-silent");
		if (!strstr(found.list[1].evidence, "third"))
			fail_msg("row %zu: %s", i, found.list[0].evidence);
	}
}

/* With the answers' way, which is wrong in any case. */
static void what_arp_filter_does_comes_first(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	facts_init(&f);
	f.agent = true;
	arp_filtered(&f);
	doctor_judge(&f, &found);
	assert_int_equal(found.n, 2);
	assert_string_equal(found.list[0].id, "arp-filter");
	assert_string_equal(found.list[1].id, "route-out");
}

/* A server that is not there listens neither. */
static void a_dead_server_is_no_container(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	facts_init(&f);
	f.agent = true;
	container(&f);
	f.n_checks = 1;
	f.checks[0].down = true;
	TEXT(f.checks[0].service, "game");
	doctor_judge(&f, &found);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.list[0].id, "check-fails");
}

/* The finding of the fault has the cause already. */
static void a_node_in_fault_has_no_routes(void **state)
{
	struct findings found;
	struct facts f;

	(void)state;
	facts_init(&f);
	f.agent = true;
	TEXT(f.state, "fault");
	not_delivered(&f);
	answers_elsewhere(&f);
	doctor_judge(&f, &found);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.list[0].id, "fault");
}

/* That cause has a finding of its own, which comes first and has an example. */
static void a_node_without_a_route_to_its_clients(void **state)
{
	static const char *const evidence[] = {
		"answers to 10.0.0.1", "most clients could not be answered"};

	(void)state;
	for (size_t i = 0; i < sizeof(evidence) / sizeof(evidence[0]); i++) {
		struct findings found;
		struct facts f;

		facts_init(&f);
		f.agent = true;
		TEXT(f.state, "fault");
		f.n_missing = 1;
		TEXT(f.missing[0], "route to the clients");
		if (!i)
			answers_elsewhere(&f);
		doctor_judge(&f, &found);
		assert_int_equal(found.n, 2);
		assert_string_equal(found.list[0].id, "route-missing");
		assert_string_equal(found.list[0].evidence, evidence[i]);
		assert_string_equal(found.list[1].id, "fault");
	}
}

/* ---- a real kernel ---- */

static void ask(struct facts *f, const char *client)
{
	static struct conf c;
	struct fact_clients clients = {.n = 1};

	facts_init(f);
	TEXT(f->interface, "hx0");
	c.n_vips = c.n_services = 1;
	c.vips[0] = own_addr("192.168.1.25");
	c.services[0].port = 8765;
	clients.list[0] = own_addr(client);
	facts_from_routes(f, &c, &clients);
	facts_from_sources(f, &c);
}

static bool says(const char *text, const char *part)
{
	return *part ? strstr(text, part) != NULL : !*text;
}

static void expect(const char *client, const char *in, const char *out)
{
	struct facts f;

	ask(&f, client);
	if (!says(f.route_in, in) || !says(f.route_out, out))
		fail_msg("\"%s\" and \"%s\" instead of \"%s\" and \"%s\"", f.route_in, f.route_out,
			 in, out);
}

static void ip(const char *line)
{
	assert_int_equal(RUN("sh", "-c", line), 0);
}

static void the_kernel_is_asked(void **state)
{
	(void)state;
	expect("192.168.1.50", "packets of 192.168.1.50 to 192.168.1.25 on hx0: the kernel has no",
	       "answers of 192.168.1.25 to 192.168.1.50: the kernel has no route");
	ip("ip route add local 192.168.1.25 dev lo table local");
	expect("192.168.1.50", "", "");
	/* A client that this machine reaches by another interface. */
	ip("ip link add hx2 type veth peer name hx3");
	ip("ip link set hx3 up");
	ip("ip link set hx2 up");
	ip("ip addr add 10.9.8.1/24 dev hx2");
	ip("ip route add 10.9.9.0/24 dev hx2");
	ip("sysctl -qw net.ipv4.conf.hx0.rp_filter=0 net.ipv4.conf.all.rp_filter=0");
	expect("10.9.9.9", "", "sends it by hx2");
	ip("sysctl -qw net.ipv4.conf.hx0.rp_filter=1");
	expect("10.9.9.9", "drops it by reverse path filtering", "sends it by hx2");
	/* A rule for what comes from the VIP. Strict filtering would drop the clients' packets,
	 * too. */
	ip("sysctl -qw net.ipv4.conf.hx0.rp_filter=2");
	ip("ip route add default dev hx2 table 77");
	ip("ip rule add from 192.168.1.25 lookup 77 pref 50");
	expect("192.168.1.50", "", "sends it by hx2");
	ip("ip rule del pref 50");
	/* A rule before table local, for the port of the game alone. */
	ip("ip rule add pref 90 lookup local");
	ip("ip rule del pref 0");
	expect("192.168.1.50", "", "");
	ip("ip rule add to 192.168.1.25 ipproto tcp dport 8765 lookup main pref 80");
	expect("192.168.1.50", "has no route", "");
	ip("ip rule del pref 80");
	expect("192.168.1.50", "", "");
}

static void routes_of_a_vip_are_found(void **state)
{
	struct facts f;

	(void)state;
	ip("ip route replace local 192.168.1.25 dev lo table local");
	ask(&f, "192.168.1.50");
	assert_string_equal(f.route_source, "");
	ip("ip route add 10.7.0.0/16 via 192.168.1.27 src 192.168.1.25");
	ask(&f, "192.168.1.50");
	assert_string_equal(f.route_source,
			    "the route to 10.7.0.0 has the source address 192.168.1.25");
	ip("ip route del 10.7.0.0/16");
	ip("ip route add default via 192.168.1.27 src 192.168.1.25");
	ask(&f, "192.168.1.50");
	assert_string_equal(f.route_source,
			    "the route default has the source address 192.168.1.25");
	ip("ip route del default");
}

static int listen_at(int family, const char *addr)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(8765)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(8765)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	four.sin_addr = own_addr(addr);
	if (fd < 0)
		return -1;
	assert_int_equal(bind(fd, family == AF_INET ? (void *)&four : (void *)&six,
			      family == AF_INET ? sizeof(four) : sizeof(six)),
			 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void listening_sockets_are_found(void **state)
{
	static const struct {
		int family;
		const char *addr, *without; /* the service that has none */
	} rows[] = {
		{AF_INET, "0.0.0.0", ""},
		{AF_INET, "192.168.1.25", ""},
		{AF_INET, "192.168.1.26", "game"},
		{AF_INET6, "0.0.0.0", ""},
	};
	static struct conf c;
	struct fact_listeners l;
	struct facts f;

	(void)state;
	ip("ip route replace local 192.168.1.25 dev lo table local");
	c.n_vips = c.n_services = 1;
	c.vips[0] = own_addr("192.168.1.25");
	c.services[0].port = 8765;
	TEXT(c.services[0].name, "game");
	facts_init(&f);
	facts_from_listeners(&f, &c);
	assert_string_equal(f.no_listener, "game");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = listen_at(rows[i].family, rows[i].addr);

		if (fd < 0) /* a kernel without IPv6 */
			continue;
		facts_init(&f);
		facts_from_listeners(&f, &c);
		facts_listeners(&c, &l);
		close(fd);
		assert_int_equal(l.n, !rows[i].without[0]);
		if (l.n)
			assert_int_equal(l.list[0].six, rows[i].family == AF_INET6);
		if (strcmp(f.no_listener, rows[i].without) != 0)
			fail_msg("row %zu: \"%s\"", i, f.no_listener);
	}
	ip("ip route del local 192.168.1.25 dev lo table local");
}

/* ---- one of several sockets accepts nothing ---- */

static struct conf one_service(void)
{
	static struct conf c;

	c.n_vips = c.n_services = 1;
	c.vips[0] = own_addr("192.168.1.25");
	c.services[0].port = 8765;
	TEXT(c.services[0].name, "game");
	return c;
}

#define LOOKS 3

/* Two sockets of one service; with `six` the second one is of IPv6. */
static struct fact_listeners seen(const unsigned int waiting[2], bool six, unsigned long inode)
{
	struct fact_listeners l = {.n = 2};

	for (unsigned int i = 0; i < 2; i++)
		l.list[i] = (struct fact_listener){
			.inode = inode + i,
			.waiting = waiting[i],
			.six = six && i,
			.stuck = waiting[i] > 0,
		};
	return l;
}

/* How many connections wait for each of two sockets, look by look. */
static void when_a_listener_is_stuck(void **state)
{
	static const struct {
		unsigned int waiting[LOOKS][2];
		bool six, stuck;
	} rows[] = {
		{{{3, 0}, {3, 0}, {3, 0}}, false, true},
		{{{3, 0}, {5, 0}, {9, 0}}, false, true},
		{{{0, 1}, {0, 1}, {0, 1}}, false, true},
		{{{3, 0}, {3, 2}, {3, 0}}, false, true},
		{{{0, 0}, {0, 0}, {3, 0}}, false, false}, /* they have just come */
		{{{0, 0}, {3, 0}, {3, 0}}, false, false}, /* they came within the time */
		{{{3, 0}, {3, 0}, {2, 0}}, false, false}, /* one was accepted */
		{{{1, 0}, {0, 0}, {1, 0}}, false, false}, /* a busy server, not a stuck one */
		{{{3, 0}, {2, 0}, {4, 0}}, false, false},
		{{{3, 3}, {3, 3}, {3, 3}}, false, false}, /* the whole server: its checks fail */
		{{{0, 0}, {0, 0}, {0, 0}}, false, false},
		{{{3, 0}, {3, 0}, {3, 0}}, true, false}, /* the whole one of IPv4 */
		{{{0, 3}, {0, 3}, {0, 3}}, true, false},
	};
	static struct conf c;

	(void)state;
	c = one_service();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fact_listeners before, now = seen(rows[i].waiting[0], rows[i].six, 100);
		struct facts f;

		for (unsigned int look = 1; look < LOOKS; look++) {
			before = now;
			now = seen(rows[i].waiting[look], rows[i].six, 100);
			facts_follow_listeners(&before, &now);
		}
		facts_init(&f);
		facts_judge_listeners(&f, &c, &now);
		if ((f.stuck_listener[0] != '\0') != rows[i].stuck)
			fail_msg("row %zu: \"%s\"", i, f.stuck_listener);
		/* A new socket: its queue was not seen before. */
		now = seen(rows[i].waiting[LOOKS - 1], rows[i].six, 102);
		facts_follow_listeners(&before, &now);
		facts_init(&f);
		facts_judge_listeners(&f, &c, &now);
		assert_string_equal(f.stuck_listener, "");
	}
}

static int listen_shared(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8765)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static void accept_all(int listener)
{
	for (int fd = accept(listener, NULL, NULL); fd >= 0; fd = accept(listener, NULL, NULL))
		close(fd);
}

#define CLIENTS 32 /* some of them come to each of the two sockets */

/* The kernel gives each of the two sockets its share of the connections. */
static void the_kernel_shows_what_waits(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8765)};
	static struct conf c;
	struct fact_listeners before, now;
	int stuck, well, clients[CLIENTS];
	struct facts f;

	(void)state;
	ip("ip route replace local 192.168.1.25 dev lo table local");
	c = one_service();
	to.sin_addr = c.vips[0];
	stuck = listen_shared();
	well = listen_shared();
	for (unsigned int i = 0; i < CLIENTS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (void *)&to, sizeof(to)), 0);
	}
	accept_all(well);
	facts_listeners(&c, &before);
	facts_listeners(&c, &now);
	assert_true(now.known);
	assert_int_equal(now.n, 2);
	facts_follow_listeners(&before, &now);
	facts_init(&f);
	facts_judge_listeners(&f, &c, &now);
	assert_ptr_equal(strstr(f.stuck_listener, "1 of 2 sockets that listen for service game: "),
			 f.stuck_listener);
	accept_all(stuck);
	before = now;
	facts_listeners(&c, &now);
	facts_follow_listeners(&before, &now);
	facts_init(&f);
	facts_judge_listeners(&f, &c, &now);
	assert_string_equal(f.stuck_listener, "");
	for (unsigned int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	close(stuck);
	close(well);
	ip("ip route del local 192.168.1.25 dev lo table local");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_is_named),
		cmocka_unit_test(a_late_peer_hides_no_dead_one),
		cmocka_unit_test(what_arp_filter_does_comes_first),
		cmocka_unit_test(a_dead_server_is_no_container),
		cmocka_unit_test(listening_sockets_are_found),
		cmocka_unit_test(when_a_listener_is_stuck),
		cmocka_unit_test(the_kernel_shows_what_waits),
		cmocka_unit_test(a_node_in_fault_has_no_routes),
		cmocka_unit_test(a_node_without_a_route_to_its_clients),
		cmocka_unit_test(the_kernel_is_asked),
		cmocka_unit_test(routes_of_a_vip_are_found),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
