/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What others remove from the packet path is put back, and what they put before our filter is
 * named: the loader's own functions against a real kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act_bpf_rig.h"

static void detached_ingress_is_put_back(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t was = rig_link_id();

	(void)state;
	assert_int_equal(hokm_bpf_again_ingress(b), 0);
	assert_int_equal(bpf_link_detach(b->link), 0);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "none");
	assert_int_equal(hokm_bpf_again_ingress(b), 1);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native");
	assert_int_not_equal(rig_link_id(), was);
	assert_int_equal(hokm_bpf_again_ingress(b), 0);
	hokm_bpf_close(b);
	b = rig_open(true); /* the new link is pinned as the first one was */
	hokm_bpf_close(b);
}

static int load(enum bpf_prog_type type, int result)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = result},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(type, "somebody_else", "GPL", code, 2, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void a_foreign_program_in_our_place_stays(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	int fd = load(BPF_PROG_TYPE_XDP, XDP_PASS);

	(void)state;
	assert_int_equal(bpf_link_detach(b->link), 0);
	assert_int_equal(bpf_xdp_attach(rig.ns.ifindex_a, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), -EBUSY);
	assert_int_equal(bpf_xdp_detach(rig.ns.ifindex_a, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), 1);
	hokm_bpf_close(b);
	close(fd);
}

/* The programs, loaded once, come to the new interface; the pins and map meta follow. */
static void the_interface_is_made_again(void **state)
{
	struct hokm_bpf *b = rig_open(false), *twin;

	(void)state;
	assert_int_equal(hokm_bpf_twin(b, &twin), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx0"), 0);
	assert_int_equal(hokm_bpf_again_ingress(twin), -ENODEV);
	assert_int_equal(hokm_bpf_again_egress(twin), -ENODEV);
	own_netns_link(&rig.ns);
	assert_int_equal(hokm_bpf_move(twin, rig.ns.ifindex_a), 0);
	assert_int_equal(hokm_bpf_again_ingress(twin), 1);
	assert_int_equal(hokm_bpf_again_egress(twin), 1);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native");
	assert_int_equal(hokm_bpf_follow(b, rig.ns.ifindex_a), 0);
	assert_int_equal(hokm_bpf_ifindex(b), rig.ns.ifindex_a);
	assert_int_equal(xdp_link_ifindex(b->link, NULL), rig.ns.ifindex_a);
	hokm_bpf_close(twin);
	hokm_bpf_close(b);
	b = rig_open(true); /* a later daemon adopts both there */
	hokm_bpf_close(b);
}

static void removed_egress_is_put_back(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t was = tc_program(rig.ns.ifindex_a, TC_EGRESS);

	(void)state;
	assert_int_equal(hokm_bpf_again_egress(b), 0);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
	assert_int_equal(hokm_bpf_again_egress(b), 1);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), was);
	hokm_bpf_close(b);
}

/* Its one list of filters takes a filter for egress, which would see incoming packets. */
static void an_ingress_qdisc_is_no_clsact(void **state)
{
	struct hokm_bpf *b = rig_open(false);

	(void)state;
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
	assert_int_equal(RUN("tc", "qdisc", "add", "dev", "hx0", "ingress"), 0);
	assert_int_equal(hokm_bpf_again_egress(b), -EBUSY);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	assert_int_equal(tc_attach(rig.ns.ifindex_a, TC_FENCE, b->fence), 0);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_FENCE), bpf_prog_id_of(b->fence));
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "ingress"), 0);
	assert_int_equal(hokm_bpf_again_egress(b), 1);
	hokm_bpf_close(b);
}

/* A daemon of an older version did that. */
static void cleanup_finds_the_filter_at_an_ingress_qdisc(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = rig.ns.ifindex_a, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, ours, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	struct hokm_bpf *b = rig_open(false);

	(void)state;
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
	assert_int_equal(RUN("tc", "qdisc", "add", "dev", "hx0", "ingress"), 0);
	ours.prog_fd = b->egress;
	assert_int_equal(bpf_tc_attach(&hook, &ours), 0);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	assert_int_not_equal(tc_listed(rig.ns.ifindex_a, TC_EGRESS), 0);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(tc_listed(rig.ns.ifindex_a, TC_EGRESS), 0);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "ingress"), 0);
}

static void remove_pin(const char *name)
{
	char path[PIN_PATH_MAX];

	rig_pin_path(path, name);
	assert_int_equal(unlink(path), 0);
}

static void removed_pins_lose_nothing(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t link = rig_link_id();
	char dir[PIN_DIR_MAX];

	(void)state;
	assert_int_equal(hokm_bpf_again_pins(b), 0);
	remove_pin(PIN_LINK);
	remove_pin("conns");
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native"); /* held by the handle */
	assert_int_equal(hokm_bpf_again_pins(b), 2);
	assert_int_equal(rig_link_id(), link);
	assert_int_equal(pins_dir(&rig.conf, dir), 0);
	assert_int_equal(pins_remove(dir), 0);
	assert_int_equal(hokm_bpf_again_pins(b), MAP_COUNT + 4);
	hokm_bpf_close(b);
	b = rig_open(true);
	assert_int_equal(rig_link_id(), link);
	hokm_bpf_close(b);
}

/* Another agent unmounts the bpffs. Nothing is made in what is below it. */
static void without_a_bpffs_nothing_is_pinned(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t link = rig_link_id();
	char dir[PIN_DIR_MAX];

	(void)state;
	assert_int_equal(pins_dir(&rig.conf, dir), 0);
	assert_int_equal(umount2(rig.bpffs, MNT_DETACH), 0);
	assert_int_equal(hokm_bpf_again_pins(b), -EMEDIUMTYPE);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native"); /* held by the handle */
	assert_int_equal(bpf_link_detach(b->link), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), -EMEDIUMTYPE);
	assert_int_not_equal(access(dir, F_OK), 0);
	assert_int_equal(rmdir(rig.bpffs), 0);
	assert_int_equal(mkdir(rig.bpffs, 0700), 0);
	assert_int_equal(mount("bpf", rig.bpffs, "bpf", 0, "mode=0700"), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), 1);
	assert_int_equal(hokm_bpf_again_pins(b), MAP_COUNT + 3);
	assert_int_not_equal(rig_link_id(), link);
	hokm_bpf_close(b);
}

/* The new link has a place to be pinned at. */
static void ingress_comes_back_before_its_folder(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	char dir[PIN_DIR_MAX];

	(void)state;
	assert_int_equal(bpf_link_detach(b->link), 0);
	assert_int_equal(pins_dir(&rig.conf, dir), 0);
	assert_int_equal(pins_remove(dir), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), 1);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native");
	assert_int_equal(hokm_bpf_again_pins(b), MAP_COUNT + 3);
	hokm_bpf_close(b);
	b = rig_open(true);
	hokm_bpf_close(b);
}

static void a_filter_before_ours_is_named(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = rig.ns.ifindex_a, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, first, .handle = 1, .priority = 1);
	LIBBPF_OPTS(bpf_tc_opts, behind, .handle = 1, .priority = 50000);
	struct hokm_bpf *b = rig_open(false);
	struct hokm_foreign list[4];

	(void)state;
	assert_int_equal(hokm_bpf_foreign(b, rig.ns.ifindex_a, list, 4), 0);
	first.prog_fd = behind.prog_fd = load(BPF_PROG_TYPE_SCHED_CLS, 0);
	assert_int_equal(bpf_tc_attach(&hook, &behind), 0);
	assert_int_equal(hokm_bpf_foreign(b, rig.ns.ifindex_a, list, 4), 0);
	assert_int_equal(bpf_tc_attach(&hook, &first), 0);
	assert_int_equal(RUN("tc", "filter", "add", "dev", "hx0", "egress", "prio", "2", "protocol",
			     "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1"),
			 0);
	assert_int_equal(hokm_bpf_foreign(b, rig.ns.ifindex_a, list, 4), 2);
	assert_string_equal(list[0].kind, "bpf");
	assert_int_equal(list[0].priority, 1);
	assert_int_equal(list[0].id, bpf_prog_id_of(first.prog_fd));
	assert_non_null(strstr(list[0].name, "somebody_else"));
	assert_string_equal(list[1].kind, "u32");
	assert_int_equal(list[1].priority, 2);
	assert_int_equal(hokm_bpf_foreign(b, rig.ns.ifindex_a, list, 1), 1);
	close(first.prog_fd);
	hokm_bpf_close(b);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
}

/* libbpf 1.1 has no name for this hook. A kernel before 6.6 has no tcx, and nothing to find. */
static void a_tcx_program_is_named(void **state)
{
	const enum bpf_attach_type tcx_egress = 47;
	struct hokm_bpf *b = rig_open(false);
	int prog = load(BPF_PROG_TYPE_SCHED_CLS, 0);
	int link = bpf_link_create(prog, rig.ns.ifindex_a, tcx_egress, NULL);
	struct hokm_foreign list[4];

	(void)state;
	assert_true(link >= 0 || link == -EINVAL);
	assert_int_equal(hokm_bpf_foreign(b, rig.ns.ifindex_a, list, 4), link >= 0);
	if (link >= 0) {
		assert_string_equal(list[0].kind, "tcx");
		assert_int_equal(list[0].id, bpf_prog_id_of(prog));
		assert_string_equal(list[0].name, "somebody_else");
		close(link);
	}
	close(prog);
	hokm_bpf_close(b);
}

/* Handles of other threads close what they opened themselves, and nothing else of this process. */
static void handles_of_other_threads_close_their_own(void **state)
{
	struct hokm_bpf *b = rig_open(false), *other;
	int least;

	(void)state;
	least = dup(0);
	assert_true(least > 0);
	close(least);
	assert_int_equal(hokm_bpf_twin(b, &other), 0);
	hokm_bpf_close(other);
	assert_int_equal(dup(0), least);
	close(least);
	assert_int_equal(hokm_bpf_view(b, &other), 0);
	hokm_bpf_close(other);
	assert_int_equal(dup(0), least);
	close(least);
	hokm_bpf_close(b);
}

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(detached_ingress_is_put_back),
		RIG_TEST(a_foreign_program_in_our_place_stays),
		RIG_TEST(the_interface_is_made_again),
		RIG_TEST(removed_egress_is_put_back),
		RIG_TEST(an_ingress_qdisc_is_no_clsact),
		RIG_TEST(cleanup_finds_the_filter_at_an_ingress_qdisc),
		RIG_TEST(removed_pins_lose_nothing),
		RIG_TEST(without_a_bpffs_nothing_is_pinned),
		RIG_TEST(ingress_comes_back_before_its_folder),
		RIG_TEST(handles_of_other_threads_close_their_own),
		RIG_TEST(a_filter_before_ours_is_named),
		RIG_TEST(a_tcx_program_is_named),
	};

	return cmocka_run_group_tests_name("act_bpf_again", tests, NULL, NULL);
}

int main(void)
{
	return rig_main(all_tests);
}
