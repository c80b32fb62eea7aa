/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fences of a machine in a real kernel: which interfaces have one, also those that are made
 * later, and what happens when others remove one. What a fence does to a frame is tested in
 * tests/bpf/test_fence.c and in tests/netns/test_other_interfaces.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "act/fences.h"
#include "act_bpf_rig.h"

static bool is_listed(const struct fence *f, const char *name)
{
	const struct fence_entry *list;
	unsigned int n = fence_list(f, &list);

	for (unsigned int i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return !list[i].err;
	return false;
}

/* In the list, and with the filter in the kernel; or neither. */
static void expect_covered(const struct fence *f, const char *name, bool covered)
{
	int ifindex = (int)if_nametoindex(name);

	assert_int_equal(is_listed(f, name), covered);
	assert_int_equal(ifindex && tc_program(ifindex, TC_FENCE), covered);
}

static struct fence *open_fence(struct hokm_bpf *b)
{
	struct fence *f;

	assert_int_equal(fence_open(b, &f), 0);
	assert_int_equal(fence_sync(f), 0);
	return f;
}

static void add_veth(void)
{
	assert_int_equal(RUN("ip", "link", "add", "hx2", "type", "veth", "peer", "name", "hx3"), 0);
}

static void every_other_interface_is_covered(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct fence *f;

	(void)state;
	add_veth();
	assert_int_equal(RUN("ip", "link", "add", "hxmac", "link", "hx0", "type", "macvlan"), 0);
	f = open_fence(b);
	expect_covered(f, "hx2", true);
	expect_covered(f, "hx3", true);
	expect_covered(f, "hxmac", true);
	expect_covered(f, "hx0", false); /* that of the instance */
	expect_covered(f, "lo", false);
	fence_close(f);
	hokm_bpf_close(b);
	/* A fence needs no daemon, and cleanup removes it with its qdisc. */
	assert_int_not_equal(tc_program((int)if_nametoindex("hx2"), TC_FENCE), 0);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(tc_program((int)if_nametoindex("hx2"), TC_FENCE), 0);
	assert_int_equal(RUN("tc", "qdisc", "add", "dev", "hx2", "clsact"), 0);
	assert_int_equal(RUN("ip", "link", "del", "hxmac"), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
}

static void a_port_is_its_bridge_s(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct fence *f;

	(void)state;
	add_veth();
	f = open_fence(b);
	expect_covered(f, "hx2", true);
	assert_int_equal(RUN("ip", "link", "add", "hxbr", "type", "bridge"), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx2", "master", "hxbr"), 0);
	assert_int_equal(fence_sync(f), 0);
	expect_covered(f, "hx2", false);
	expect_covered(f, "hx3", true);
	expect_covered(f, "hxbr", true);
	assert_int_equal(RUN("ip", "link", "set", "hx2", "nomaster"), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx3", "arp", "off"), 0);
	assert_int_equal(fence_sync(f), 0);
	expect_covered(f, "hx2", true);
	expect_covered(f, "hx3", false);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
	assert_int_equal(RUN("ip", "link", "del", "hxbr"), 0);
	assert_int_equal(fence_sync(f), 0);
	assert_false(is_listed(f, "hx2"));
	assert_false(is_listed(f, "hxbr"));
	fence_close(f);
	hokm_bpf_close(b);
}

static void a_removed_fence_is_put_back(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct fence *f;

	(void)state;
	add_veth();
	f = open_fence(b);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx2", "clsact"), 0);
	assert_int_equal(fence_sync(f), 0); /* trusted until a change is announced */
	fence_doubt(f, (int)if_nametoindex("hx2"));
	assert_int_equal(fence_sync(f), 1);
	expect_covered(f, "hx2", true);
	fence_doubt(f, 0);
	assert_int_equal(fence_sync(f), 0);
	fence_close(f);
	hokm_bpf_close(b);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
}

/* What a daemon before left there stays, because it is the program of the same build. */
static void fences_are_adopted(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	struct fence *f;
	uint32_t before;

	(void)state;
	add_veth();
	f = open_fence(b);
	before = tc_program((int)if_nametoindex("hx2"), TC_FENCE);
	fence_close(f);
	hokm_bpf_close(b);
	b = rig_open(true);
	f = open_fence(b);
	expect_covered(f, "hx2", true);
	assert_int_equal(tc_program((int)if_nametoindex("hx2"), TC_FENCE), before);
	fence_close(f);
	hokm_bpf_close(b);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
}

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(every_other_interface_is_covered),
		RIG_TEST(a_port_is_its_bridge_s),
		RIG_TEST(a_removed_fence_is_put_back),
		RIG_TEST(fences_are_adopted),
	};

	return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}

int main(void)
{
	return rig_main(all_tests);
}
