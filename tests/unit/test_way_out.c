/* SPDX-License-Identifier: GPL-2.0-only */
/* Can the kernel answer the clients of established connections? Asked of a kernel with routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/way_out.h"
#include "act_bpf_rig.h"
#include "base/clock.h"

static void ip(const char *line)
{
	assert_int_equal(RUN("sh", "-c", line), 0);
}

#define VIP       "192.168.1.25"
#define OTHER_VIP "192.168.1.24"
#define OTHER     1 /* the slot of the service of the other VIP */

/* The kernel says a moment later that the link runs. */
static void link_up(void)
{
	ip("ip link set hx0 up");
	ip("timeout 9 sh -c 'until ip link show hx0|grep -Eq \"state (UP|UNKNOWN)\"; do :; done'");
}

/* As the daemon has it: a service of each VIP. */
static struct hokm_bpf *open_path(void)
{
	static const char *const vips[] = {VIP, OTHER_VIP};
	struct hokm_bpf *b = rig_open(false);
	struct hokm_cfg cfg;

	assert_int_equal(hokm_bpf_get_cfg(b, &cfg), 0);
	for (unsigned int i = 0; i < 2; i++) {
		cfg.service[i].vip = hokm_addr_from_ipv4(own_addr(vips[i]));
		cfg.service[i].used = 1;
	}
	assert_int_equal(hokm_bpf_set_cfg(b, &cfg), 0);
	return b;
}

static struct hokm_conn_key key_of(const char *client, uint16_t port)
{
	struct hokm_conn_key k = {.client_port = htons(port)};

	k.client.w[2] = htonl(0xffff);
	k.client.w[3] = own_addr(client).s_addr;
	return k;
}

static void add_conn(struct hokm_bpf *b, const char *client, uint16_t port, uint8_t tcp_state)
{
	const struct hokm_conn_key k = key_of(client, port);
	const struct hokm_conn c = {.tcp_state = tcp_state};

	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, BPF_ANY), 0);
}

static void remove_conn(struct hokm_bpf *b, const char *client, uint16_t port)
{
	const struct hokm_conn_key k = key_of(client, port);

	assert_int_equal(bpf_map_delete_elem(b->map[MAP_CONNS], &k), 0);
}

static uint64_t now_ns = 100 * NS_PER_S; /* of the next look */
static struct way_out way_out;           /* what the looks of one test remember */

static int look(struct hokm_bpf *b)
{
	int err = way_out_look(&way_out, b, now_ns);

	now_ns += NS_PER_S;
	return err;
}

/* Of each table, each one once, and no half of a handshake. */
static void examples_are_clients_that_answered(void **state)
{
	const struct hokm_replica r = {.isn = 1};
	const struct hokm_conn_key elsewhere = key_of("10.0.0.3", 1);
	struct hokm_bpf *b = open_path();
	struct hokm_client list[4];

	(void)state;
	assert_int_equal(hokm_bpf_some_clients(b, list, 4), 0);
	for (uint16_t port = 1; port <= 20; port++)
		add_conn(b, "10.0.0.1", port, HOKM_TCP_ESTABLISHED);
	add_conn(b, "10.0.0.2", 1, HOKM_TCP_ESTABLISHED + 1);
	assert_int_equal(hokm_bpf_some_clients(b, list, 4), 1);
	assert_int_equal(list[0].addr.s_addr, own_addr("10.0.0.1").s_addr);
	assert_int_equal(hokm_bpf_set_replica(b, &elsewhere, &r), 0);
	assert_int_equal(hokm_bpf_some_clients(b, list, 4), 2);
	assert_int_equal(list[1].addr.s_addr, own_addr("10.0.0.3").s_addr);
	assert_int_equal(hokm_bpf_some_clients(b, list, 1), 1);
	hokm_bpf_close(b);
}

static void most_clients_decide(void **state)
{
	(void)state;
	assert_false(way_out_is_lost(0, 0));
	assert_false(way_out_is_lost(0, 8));
	assert_true(way_out_is_lost(1, 1));
	assert_false(way_out_is_lost(1, 2));
	assert_true(way_out_is_lost(2, 3));
	assert_true(way_out_is_lost(8, 8));
}

static void the_kernel_is_asked(void **state)
{
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	assert_int_equal(look(b), 0); /* nobody is known */
	add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENODEV); /* the VIP is not local */
	ip("ip route add local 192.168.1.25 dev lo table local");
	assert_int_equal(look(b), -ENETUNREACH);
	ip("ip route add default via 192.168.1.27");
	assert_int_equal(look(b), 0);
	/* A route that drops packets is wanted. */
	ip("ip route add blackhole 203.0.113.1");
	assert_int_equal(look(b), 0);
	ip("ip route del blackhole 203.0.113.1");
	add_conn(b, "203.0.113.2", 1, HOKM_TCP_ESTABLISHED);
	/* Clients of the segment, and none that is answered by a route that is gone. */
	remove_conn(b, "203.0.113.1", 1);
	add_conn(b, "192.168.1.27", 1, HOKM_TCP_ESTABLISHED);
	ip("ip route del default");
	assert_int_equal(look(b), 0);
	remove_conn(b, "192.168.1.27", 1);
	assert_int_equal(look(b), -ENETUNREACH);
	/* Without its link nothing can be said. */
	ip("ip link set hx0 down");
	assert_int_equal(look(b), -ENODEV);
	link_up();
	ip("ip route del local 192.168.1.25 dev lo table local");
	hokm_bpf_close(b);
}

/* A client that is banned, with all its connections, and one whose network is. */
static void who_is_banned_says_nothing(void **state)
{
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	ip("ip route add default via 192.168.1.27");
	for (uint16_t port = 1; port <= 20; port++)
		add_conn(b, "203.0.113.1", port, HOKM_TCP_ESTABLISHED);
	ip("ip route add unreachable 203.0.113.1");
	assert_int_equal(look(b), 0);
	add_conn(b, "198.51.100.1", 1, HOKM_TCP_ESTABLISHED);
	ip("ip route add prohibit 198.51.100.0/24");
	assert_int_equal(look(b), 0);
	/* A client that lacks a route decides, and is remembered when it has left. */
	ip("ip route del default");
	assert_int_equal(look(b), 0);
	add_conn(b, "203.0.113.9", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENETUNREACH);
	remove_conn(b, "203.0.113.9", 1);
	assert_int_equal(look(b), -ENETUNREACH);
	/* Everybody is refused: that is no ban. */
	way_out = (struct way_out){0};
	assert_int_equal(look(b), 0);
	ip("ip route add unreachable default");
	assert_int_equal(look(b), -ENETUNREACH);
	ip("ip route del unreachable default");
	ip("ip route del prohibit 198.51.100.0/24");
	ip("ip route del unreachable 203.0.113.1");
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

static void send_to(struct hokm_bpf *b, const char *client, uint16_t port, uint64_t at_ns)
{
	const struct hokm_conn_key k = key_of(client, port);
	const struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED, .s2c.last_ns = at_ns};

	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, BPF_ANY), 0);
}

/* What left a moment ago had a route, by whatever rule; one connection of a client is enough. */
static void who_is_answered_has_a_route(void **state)
{
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	send_to(b, "203.0.113.1", 1, now_ns - NS_PER_S);
	assert_int_equal(look(b), -ENETUNREACH);
	for (uint16_t port = 2; port < 6; port++) {
		send_to(b, "203.0.113.1", port, now_ns - NS_PER_S / 2);
		assert_int_equal(look(b), 0);
		send_to(b, "203.0.113.1", port, now_ns - 2 * NS_PER_S);
		assert_int_equal(look(b), -ENETUNREACH);
	}
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

/* To find clients in a great table takes long, and while a route is missing looks are frequent. */
static void tables_are_read_once_a_second(void **state)
{
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(way_out_look(&way_out, b, now_ns), -ENETUNREACH);
	add_conn(b, "192.168.1.27", 1, HOKM_TCP_ESTABLISHED);
	for (unsigned int i = 0; i < 19; i++) {
		now_ns += 50 * NS_PER_MS;
		assert_int_equal(way_out_look(&way_out, b, now_ns), -ENETUNREACH);
	}
	now_ns += 50 * NS_PER_MS;
	assert_int_equal(look(b), 0);
	/* The route itself is looked for each time. */
	remove_conn(b, "192.168.1.27", 1);
	assert_int_equal(way_out_look(&way_out, b, now_ns), -ENETUNREACH);
	ip("ip route add default via 192.168.1.27");
	assert_int_equal(way_out_look(&way_out, b, now_ns + 50 * NS_PER_MS), 0);
	ip("ip route del default");
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

/* A mark, a VRF, a network of containers: the game may be routed otherwise than this look. */
static void rules_that_decide_by_more_leave_it_unsure(void **state)
{
	static const char *const more[] = {
		"fwmark 7 lookup 77", "l3mdev pref 1000", "iif hx0 lookup 77",
		"from 172.17.0.0/16 lookup 77", "not from 10.0.0.1 lookup 77"};
	static const char *const plain[] = {"from " VIP " lookup 77", "to 10.0.0.0/8 lookup 77"};
	struct hokm_bpf *b = open_path();
	char line[96];

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		assert_int_equal(look(b), -ENETUNREACH);
		snprintf(line, sizeof(line), "ip rule add %s", more[i]);
		ip(line);
		assert_int_equal(look(b), 0);
		assert_true(way_out.unsure);
		/* A route is back, and is lost again: that is reported again. */
		ip("ip route add default via 192.168.1.27");
		assert_int_equal(look(b), 0);
		assert_false(way_out.unsure);
		ip("ip route del default");
		assert_int_equal(look(b), 0);
		assert_true(way_out.unsure);
		/* While nobody is known, nothing is. */
		remove_conn(b, "203.0.113.1", 1);
		assert_int_equal(look(b), 0);
		assert_true(way_out.unsure);
		add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
		snprintf(line, sizeof(line), "ip rule del %s", more[i]);
		ip(line);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		snprintf(line, sizeof(line), "ip rule add %s", plain[i]);
		ip(line);
		assert_int_equal(look(b), -ENETUNREACH);
		assert_false(way_out.unsure);
		snprintf(line, sizeof(line), "ip rule del %s", plain[i]);
		ip(line);
	}
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

/* They have left because nobody answered them: that is no route. */
static void who_is_lost_is_asked_for_when_all_have_left(void **state)
{
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local 192.168.1.25 dev lo table local");
	add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENETUNREACH);
	remove_conn(b, "203.0.113.1", 1);
	assert_int_equal(look(b), -ENETUNREACH);
	ip("ip link set hx0 down");
	assert_int_equal(look(b), -ENODEV);
	link_up();
	assert_int_equal(look(b), -ENETUNREACH);
	/* A route is what ends it, and is enough. */
	ip("ip route add default via 192.168.1.27");
	assert_int_equal(look(b), 0);
	ip("ip route del default");
	assert_int_equal(look(b), 0);
	/* So does a client that has a route. */
	add_conn(b, "203.0.113.1", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENETUNREACH);
	remove_conn(b, "203.0.113.1", 1);
	add_conn(b, "192.168.1.27", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), 0);
	remove_conn(b, "192.168.1.27", 1);
	assert_int_equal(look(b), 0);
	ip("ip route del local 192.168.1.25 dev lo table local");
	hokm_bpf_close(b);
}

/* Each VIP has a rule and a table of its own, and the main table has no route to its clients. */
static void each_vip_is_asked_for_its_own_clients(void **state)
{
	struct hokm_conn_key k = key_of("203.0.113.1", 1);
	const struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED};
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	ip("ip rule add from " OTHER_VIP " lookup 77");
	ip("ip route add 203.0.113.0/24 via 192.168.1.27 table 77");
	k.service = OTHER;
	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, BPF_ANY), 0);
	assert_int_equal(look(b), -ENODEV);
	ip("ip route add local " OTHER_VIP " dev lo table local");
	assert_int_equal(look(b), 0);
	ip("ip route flush table 77");
	assert_int_equal(look(b), -ENETUNREACH);
	/* Nobody is asked for by the slot of a service that is gone. */
	k.service = OTHER + 1;
	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, BPF_ANY), 0);
	add_conn(b, "192.168.1.27", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), 0);
	ip("ip rule del from " OTHER_VIP " lookup 77");
	ip("ip route del local " OTHER_VIP " dev lo table local");
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

/* Clients of the segment stay connected: those that have left count beside them. */
static void who_is_lost_is_counted_beside_who_stays(void **state)
{
	static const char *const remote[] = {"203.0.113.1", "203.0.113.2", "203.0.113.3"};
	struct hokm_bpf *b = open_path();

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " VIP " dev lo table local");
	for (size_t i = 0; i < 3; i++)
		add_conn(b, remote[i], 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENETUNREACH);
	for (size_t i = 0; i < 3; i++)
		remove_conn(b, remote[i], 1);
	add_conn(b, "192.168.1.27", 1, HOKM_TCP_ESTABLISHED);
	assert_int_equal(look(b), -ENETUNREACH);
	assert_int_equal(look(b), -ENETUNREACH);
	/* No more are remembered than there is room for. */
	for (uint16_t i = 11; i < 11 + WAY_OUT_EXAMPLES; i++) {
		char client[16];

		snprintf(client, sizeof(client), "203.0.113.%d", i);
		add_conn(b, client, 1, HOKM_TCP_ESTABLISHED);
	}
	assert_int_equal(look(b), -ENETUNREACH);
	assert_int_equal(way_out.n_lost, WAY_OUT_EXAMPLES);
	ip("ip route add default via 192.168.1.27");
	assert_int_equal(look(b), 0);
	ip("ip route del default");
	ip("ip route del local " VIP " dev lo table local");
	hokm_bpf_close(b);
}

/* A reload took the VIP away that they used: nobody is asked for from it. */
static void who_is_lost_is_forgotten_with_its_vip(void **state)
{
	const struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED};
	struct hokm_conn_key k = key_of("203.0.113.1", 1);
	struct hokm_bpf *b = open_path();
	struct hokm_cfg cfg;

	(void)state;
	way_out = (struct way_out){0};
	ip("ip route add local " OTHER_VIP " dev lo table local");
	k.service = OTHER;
	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, BPF_ANY), 0);
	assert_int_equal(look(b), -ENETUNREACH);
	assert_int_equal(bpf_map_delete_elem(b->map[MAP_CONNS], &k), 0);
	assert_int_equal(look(b), -ENETUNREACH);
	assert_int_equal(hokm_bpf_get_cfg(b, &cfg), 0);
	cfg.service[OTHER].used = 0;
	assert_int_equal(hokm_bpf_set_cfg(b, &cfg), 0);
	ip("ip route del local " OTHER_VIP " dev lo table local");
	assert_int_equal(look(b), 0);
	assert_int_equal(way_out.n_lost, 0);
	hokm_bpf_close(b);
}

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(examples_are_clients_that_answered),
		cmocka_unit_test(most_clients_decide),
		RIG_TEST(the_kernel_is_asked),
		RIG_TEST(each_vip_is_asked_for_its_own_clients),
		RIG_TEST(who_is_banned_says_nothing),
		RIG_TEST(who_is_answered_has_a_route),
		RIG_TEST(tables_are_read_once_a_second),
		RIG_TEST(rules_that_decide_by_more_leave_it_unsure),
		RIG_TEST(who_is_lost_is_asked_for_when_all_have_left),
		RIG_TEST(who_is_lost_is_counted_beside_who_stays),
		RIG_TEST(who_is_lost_is_forgotten_with_its_vip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return rig_main(all_tests);
}
