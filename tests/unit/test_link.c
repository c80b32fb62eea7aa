/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports of the link: carrier lost, carrier back, another MAC, interface removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "own_netns.h"
#include "sense/link.h"

static struct own_netns ns;

struct seen {
	int calls;
	bool up, gone;
};

static void on_link(bool up, bool gone, void *arg)
{
	struct seen *s = arg;

	s->calls++;
	s->up = up;
	s->gone = gone;
}

/* The kernel sets the carrier of a link a little after the command that does it. */
static void wait_for_carrier(void)
{
	uint64_t end = clock_now_ns() + 20000000000ULL;
	struct link_state l = {0};

	for (;;) {
		assert_int_equal(link_state_read(&l, ns.ifindex_a), 0);
		if (l.up)
			return;
		assert_true(clock_now_ns() < end);
		(void)usleep(1000);
	}
}

static int with_carrier(void **state)
{
	(void)state;
	wait_for_carrier();
	return 0;
}

/* Runs the loop until the callback was called, at most twenty seconds. */
static void run_until_called(sd_event *e, const struct seen *s, int calls)
{
	uint64_t end = clock_now_ns() + 20000000000ULL;

	while (s->calls < calls && clock_now_ns() < end)
		assert_true(sd_event_run(e, 50000) >= 0);
	assert_true(s->calls >= calls);
}

static void carrier_and_removal(void **state)
{
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_true(link_watch_up(w));
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "link", "set", "hx1", "down"), 0);
	own_netns_enter(ns.a);
	run_until_called(e, &s, 1);
	assert_false(s.up);
	assert_false(s.gone);
	assert_false(link_watch_up(w));
	own_netns_enter(ns.b);
	assert_int_equal(RUN("ip", "link", "set", "hx1", "up"), 0);
	own_netns_enter(ns.a);
	run_until_called(e, &s, 2);
	assert_true(s.up);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	run_until_called(e, &s, 3);
	assert_false(s.up);
	assert_int_equal(RUN("ip", "link", "del", "hx0"), 0);
	run_until_called(e, &s, 4);
	assert_true(s.gone);
	assert_false(link_watch_up(w));
	link_watch_close(w);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), -ENODEV);
	assert_null(w);
	sd_event_unref(e);
	own_netns_link(&ns);
}

/* run COMMAND, which takes the link away from IP, and the one that gives it back. */
static void take_and_give(const char *const take[], const char *const give[], const char *word)
{
	struct link_state l = {0};
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;

	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_true(link_watch_up(w));
	assert_int_equal(own_run(take), 0);
	run_until_called(e, &s, 1);
	assert_false(s.up);
	assert_false(s.gone);
	assert_non_null(strstr(link_watch_text(w), word));
	/* One that is read says the same. */
	assert_int_equal(link_state_read(&l, ns.ifindex_a), 0);
	assert_false(l.up);
	assert_non_null(strstr(link_state_text(&l), word));
	assert_int_equal(own_run(give), 0);
	run_until_called(e, &s, 2);
	assert_true(s.up);
	assert_string_equal(link_watch_text(w), "has its link back");
	link_watch_close(w);
	sd_event_unref(e);
}

/* Its carrier is there, and programs in XDP go on answering. */
static void a_link_that_ip_does_not_have_is_down(void **state)
{
	static const char *const off[] = {"ip", "link", "set", "hx0", "arp", "off", NULL};
	static const char *const on[] = {"ip", "link", "set", "hx0", "arp", "on", NULL};
	static const char *const in[] = {"ip", "link", "set", "hx0", "master", "hxbr", NULL};
	static const char *const out[] = {"ip", "link", "set", "hx0", "nomaster", NULL};
	static const char *const over[] = {"ip",   "link", "add",     "link", "hx0",      "name",
					   "hxmv", "type", "macvlan", "mode", "passthru", NULL};
	static const char *const away[] = {"ip", "link", "del", "hxmv", NULL};
	struct link_state l = {0};

	(void)state;
	take_and_give(off, on, "answers no ARP");
	assert_int_equal(RUN("ip", "link", "add", "hxbr", "type", "bridge"), 0);
	take_and_give(in, out, "is a port of a bridge");
	assert_int_equal(RUN("ip", "link", "del", "hxbr"), 0);
	take_and_give(over, away, "is below a macvlan");
	/* Of another mode it gets what is for its own MAC address. */
	assert_int_equal(RUN("ip", "link", "add", "link", "hx0", "name", "hxmv", "type", "macvlan",
			     "mode", "bridge"),
			 0);
	assert_int_equal(link_state_read(&l, ns.ifindex_a), 0);
	assert_true(l.up);
	assert_int_equal(RUN("ip", "link", "del", "hxmv"), 0);
}

/* The kernel's message comes up to a second after the carrier is lost: RUNNING is as it was. */
static void a_link_without_carrier_is_down(void **state)
{
	static const struct {
		unsigned int flags;
		bool up;
	} rows[] = {
		{IFF_UP | IFF_RUNNING | 0x10000, true},
		{IFF_UP | IFF_RUNNING, false},
		{IFF_UP | 0x10000, false},
		{IFF_RUNNING | 0x10000, false},
		{IFF_UP | IFF_RUNNING | 0x10000 | IFF_NOARP, false},
	};
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} m = {.nlh = {.nlmsg_type = RTM_NEWLINK, .nlmsg_len = sizeof(m)}, .ifi = {.ifi_index = 7}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct link_state l = {0};

		m.ifi.ifi_flags = rows[i].flags;
		assert_true(link_state_take(&l, 7, &m.nlh));
		assert_int_equal(l.up, rows[i].up);
	}
}

/* Reads the state as the keeper does. */
static void learn(struct link_watch *w)
{
	uint64_t doubt = link_watch_doubt(w);
	struct link_state now = {0};

	assert_true(doubt > 0);
	assert_int_equal(link_state_read(&now, link_watch_ifindex(w)), 0);
	link_watch_learn(w, doubt, &now);
}

static void lost_messages_lose_no_change(void **state)
{
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;
	char mac[32];

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	/* Far more messages than the buffer of the socket has room for, and no read between. */
	for (int i = 0; i < 300; i++) {
		snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i % 256);
		assert_int_equal(RUN("ip", "link", "set", "lo", "address", mac), 0);
	}
	while (!link_watch_doubt(w))
		assert_true(sd_event_run(e, 50000) >= 0);
	/* The thread of the loop asks the kernel nothing: it may have to wait for the answer. */
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:00:09"), 0);
	while (sd_event_run(e, 50000) > 0)
		;
	/* A state that cannot be read is reported, once. */
	assert_true(link_watch_unread(w));
	assert_false(link_watch_unread(w));
	learn(w);
	assert_int_equal(link_watch_doubt(w), 0);
	assert_false(link_watch_unread(w));
	assert_false(link_watch_up(w));
	assert_memory_equal(link_watch_mac(w), "\x02\0\0\0\0\x09", 6);
	assert_true(s.calls >= 1);
	link_watch_close(w);
	sd_event_unref(e);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "up"), 0);
}

/* What was read for an earlier doubt, or while messages came, may be older than they. */
static void a_state_that_may_be_out_of_date_is_not_taken(void **state)
{
	struct link_state up = {.up = true}, down = {0};
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;
	uint64_t doubt;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_int_equal(link_watch_doubt(w), 0);
	link_watch_learn(w, 0, &down);
	assert_true(link_watch_up(w));
	/* Nothing is in doubt: an error of an earlier reading is over. */
	assert_false(link_watch_unread(w));
	link_watch_expect(w, ns.ifindex_a);
	doubt = link_watch_doubt(w);
	assert_true(doubt > 0);
	assert_int_equal(link_watch_follow(w), -EAGAIN);
	link_watch_learn(w, doubt - 1, &down);
	assert_int_equal(link_watch_doubt(w), doubt);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	while (link_watch_doubt(w) == doubt)
		assert_true(sd_event_run(e, 50000) >= 0);
	link_watch_learn(w, doubt, &up);
	assert_int_equal(link_watch_follow(w), -EAGAIN);
	assert_false(link_watch_up(w));
	while (sd_event_run(e, 50000) > 0)
		;
	learn(w);
	assert_int_equal(link_watch_follow(w), 0);
	assert_false(link_watch_up(w));
	/* Nothing is reported before it is followed. */
	assert_int_equal(s.calls, 0);
	link_watch_close(w);
	sd_event_unref(e);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "up"), 0);
}

/* Something else than a message says that the link may be lost. */
static void a_link_that_is_suspected_is_read(void **state)
{
	struct link_state down = {0};
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;
	uint64_t doubt;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	link_watch_suspect(w);
	doubt = link_watch_doubt(w);
	assert_true(doubt > 0);
	/* It is the same doubt until the state is read. */
	link_watch_suspect(w);
	assert_int_equal(link_watch_doubt(w), doubt);
	learn(w);
	assert_true(link_watch_up(w));
	assert_int_equal(s.calls, 0);
	link_watch_suspect(w);
	assert_true(link_watch_doubt(w) > doubt);
	link_watch_learn(w, link_watch_doubt(w), &down);
	assert_int_equal(s.calls, 1);
	assert_false(s.up);
	assert_false(link_watch_up(w));
	link_watch_close(w);
	sd_event_unref(e);
}

/* Reported while the link stays up, and once only. */
static void another_mac_is_reported(void **state)
{
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;

	(void)state;
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:00:01"), 0);
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_memory_equal(link_watch_mac(w), "\x02\0\0\0\0\x01", 6);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:00:02"), 0);
	run_until_called(e, &s, 1);
	assert_true(s.up);
	assert_false(s.gone);
	assert_memory_equal(link_watch_mac(w), "\x02\0\0\0\0\x02", 6);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:00:02"), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	run_until_called(e, &s, 2);
	assert_false(s.up);
	assert_int_equal(s.calls, 2);
	link_watch_close(w);
	sd_event_unref(e);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "up"), 0);
}

/* The new one is watched from the moment when it is followed, with its own MAC. */
static void made_again(void **state)
{
	struct link_watch *w;
	struct seen s = {0};
	sd_event *e = NULL;

	(void)state;
	assert_true(sd_event_new(&e) >= 0);
	assert_int_equal(link_watch_open(e, ns.ifindex_a, on_link, &s, &w), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx0"), 0);
	run_until_called(e, &s, 1);
	while (!s.gone)
		run_until_called(e, &s, s.calls + 1);
	link_watch_expect(w, ns.ifindex_a);
	learn(w);
	assert_int_equal(link_watch_follow(w), -ENODEV);
	own_netns_link(&ns);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:00:00:00:00:03"), 0);
	wait_for_carrier();
	link_watch_expect(w, ns.ifindex_a);
	while (sd_event_run(e, 50000) > 0)
		;
	learn(w);
	assert_int_equal(link_watch_follow(w), 0);
	assert_true(link_watch_up(w));
	assert_memory_equal(link_watch_mac(w), "\x02\0\0\0\0\x03", 6);
	s = (struct seen){.up = true};
	assert_int_equal(RUN("ip", "link", "set", "hx0", "down"), 0);
	while (s.up)
		run_until_called(e, &s, s.calls + 1);
	assert_false(s.gone);
	assert_int_equal(RUN("ip", "link", "set", "hx0", "up"), 0);
	link_watch_close(w);
	sd_event_unref(e);
}

static void mac_of(void **state)
{
	unsigned char mac[6] = {0};

	(void)state;
	assert_int_equal(RUN("ip", "link", "set", "hx0", "address", "02:11:22:33:44:55"), 0);
	assert_int_equal(link_mac("hx0", mac), 0);
	assert_memory_equal(mac, "\x02\x11\x22\x33\x44\x55", 6);
	assert_int_equal(link_mac("hxnone", mac), -ENODEV);
	assert_int_equal(link_mac("a-name-that-is-too-long", mac), -ENAMETOOLONG);
	assert_int_equal(link_mac("lo", mac), -EPROTOTYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(carrier_and_removal, with_carrier),
		cmocka_unit_test_setup(a_link_that_ip_does_not_have_is_down, with_carrier),
		cmocka_unit_test(a_link_without_carrier_is_down),
		cmocka_unit_test_setup(a_link_that_is_suspected_is_read, with_carrier),
		cmocka_unit_test_setup(lost_messages_lose_no_change, with_carrier),
		cmocka_unit_test_setup(a_state_that_may_be_out_of_date_is_not_taken, with_carrier),
		cmocka_unit_test_setup(another_mac_is_reported, with_carrier),
		cmocka_unit_test_setup(made_again, with_carrier),
		cmocka_unit_test_setup(mac_of, with_carrier),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
