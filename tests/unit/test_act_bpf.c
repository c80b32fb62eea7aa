/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loader against a real kernel: fresh, adopted, refused, cleaned up. Every test begins and ends
 * with nothing pinned and nothing attached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hokm/grant.h"
#include "act_bpf_rig.h"

/* ---- opening and closing ---- */

static void fresh_then_clean(void **state)
{
	static const char *const files[] = {
		PIN_INGRESS, PIN_EGRESS,  PIN_FENCE,  PIN_LINK,   "keys",         "fences",
		"cfg",       "own",       "services", "suspects", "peers",        "peer_macs",
		"conns",     "half_open", "counters", "events",   "event_limits", "meta"};
	struct hokm_bpf *b = rig_open(false);
	char path[PIN_PATH_MAX];
	struct hokm_meta meta;
	uint32_t zero = 0;
	struct stat st;

	(void)state;
	assert_string_equal(hokm_bpf_mode(b), "native");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_true(rig_pinned(files[i]));
	snprintf(path, sizeof(path), "%s/hokm-xdp/east_example", rig.bpffs);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_META], &zero, &meta), 0);
	assert_int_equal(meta.abi_version, HOKM_ABI_VERSION);
	assert_int_equal(meta.ifindex, rig.ns.ifindex_a);
	assert_int_not_equal(meta.layout_hash, 0);
	assert_int_not_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	hokm_bpf_close(b);
	/* Closing changes nothing. */
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native");
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	rig_expect_clean();
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
}

static void adopted_with_all_it_holds(void **state)
{
	struct hokm_own own = {.lease_until_ns = 12345, .priority = 110}, got;
	struct hokm_bpf *b = rig_open(false);
	uint32_t link = rig_link_id();

	(void)state;
	assert_int_equal(hokm_bpf_set_own(b, &own), 0);
	hokm_bpf_close(b);
	b = rig_open(true);
	assert_int_equal(hokm_bpf_get_own(b, &got), 0);
	assert_memory_equal(&got, &own, sizeof(own));
	assert_int_equal(rig_link_id(), link); /* the same link: never detached in between */
	hokm_bpf_close(b);
}

/* Also after a restart, for the peers that the adopted maps name. */
static void pulses_have_their_keys_from_the_start(void **state)
{
	struct hokm_cfg cfg = {.addr.w = {0, 0, htonl(0xffff), htonl(0xc0a8011a)}};
	struct hokm_keys want, got;
	struct hokm_bpf *b = rig_open(false);
	uint32_t zero = 0;

	(void)state;
	cfg.peer[2].used = 1;
	cfg.peer[2].addr = cfg.addr;
	cfg.peer[2].addr.w[3] = htonl(0xc0a8011b);
	assert_int_equal(hokm_bpf_set_cfg(b, &cfg), 0);
	hokm_bpf_close(b);
	b = rig_open(true);
	assert_int_equal(conf_pulse_keys(&rig.conf, &cfg, &want), 0);
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_KEYS], &zero, &got), 0);
	assert_memory_equal(&got, &want, sizeof(want));
	hokm_bpf_close(b);
}

static void looked_at_only(void **state)
{
	struct hokm_own own = {.priority = 7}, got;
	struct hokm_bpf *b, *look;

	(void)state;
	assert_int_equal(hokm_bpf_open_pinned(&rig.conf, &look), -ENOENT);
	b = rig_open(false);
	assert_int_equal(hokm_bpf_set_own(b, &own), 0);
	assert_int_equal(hokm_bpf_open_pinned(&rig.conf, &look), 0);
	assert_int_equal(hokm_bpf_get_own(look, &got), 0);
	assert_int_equal(got.priority, 7);
	assert_int_equal(hokm_bpf_ifindex(look), rig.ns.ifindex_a);
	assert_string_equal(hokm_bpf_mode(look), "native");
	assert_int_equal(hokm_bpf_set_keys(look, &(struct hokm_keys){.to[0] = {1, 2}}), -EBADF);
	hokm_bpf_close(look);
	hokm_bpf_close(b);
}

static void generic_when_told(void **state)
{
	const struct hokm_bpf_opts generic = {.generic_only = true};
	struct hokm_bpf *b;
	bool adopted;

	(void)state;
	assert_int_equal(hokm_bpf_open(&rig.conf, &generic, &b, &adopted), 0);
	assert_string_equal(hokm_bpf_mode(b), "generic");
	hokm_bpf_close(b);
}

static void generic_when_the_driver_cannot(void **state)
{
	struct hokm_bpf *b;
	bool adopted;

	(void)state;
	/* A bridge has no XDP of its own. */
	assert_int_equal(RUN("ip", "link", "add", "hxbr", "type", "bridge"), 0);
	snprintf(rig.conf.interface, sizeof(rig.conf.interface), "hxbr");
	assert_int_equal(hokm_bpf_open(&rig.conf, &rig_plain, &b, &adopted), 0);
	assert_string_equal(hokm_bpf_mode(b), "generic");
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(RUN("ip", "link", "del", "hxbr"), 0);
}

static void a_new_interface_of_the_same_name(void **state)
{
	struct hokm_own own = {.priority = 9}, got;
	struct hokm_bpf *b = rig_open(false);
	uint32_t link = rig_link_id();

	(void)state;
	assert_int_equal(hokm_bpf_set_own(b, &own), 0);
	hokm_bpf_close(b);
	assert_int_equal(RUN("ip", "link", "del", "hx0"), 0);
	own_netns_link(&rig.ns);
	b = rig_open(true);
	assert_int_not_equal(rig_link_id(), link);
	assert_string_equal(hokm_bpf_mode(b), "native");
	assert_int_equal(hokm_bpf_get_own(b, &got), 0);
	assert_int_equal(got.priority, 9);
	hokm_bpf_close(b);
}

static void moved_to_another_interface(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	bool adopted;

	(void)state;
	hokm_bpf_close(b);
	assert_int_equal(RUN("ip", "link", "add", "hx2", "type", "veth", "peer", "name", "hx3"), 0);
	snprintf(rig.conf.interface, sizeof(rig.conf.interface), "hx2");
	assert_int_equal(hokm_bpf_open(&rig.conf, &rig_plain, &b, &adopted), 0);
	assert_true(adopted);
	assert_int_equal(hokm_bpf_ifindex(b), if_nametoindex("hx2"));
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "none");
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(RUN("ip", "link", "del", "hx2"), 0);
}

/* A filter of another program in the other direction. */
static void foreign_filter(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = rig.ns.ifindex_a, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};

	opts.prog_fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "others", "GPL", code, 2, NULL);
	assert_true(opts.prog_fd >= 0);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	close(opts.prog_fd);
}

static void another_filter_keeps_the_qdisc(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = rig.ns.ifindex_a,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct hokm_bpf *b;

	(void)state;
	foreign_filter();
	b = rig_open(false);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	assert_int_equal(bpf_tc_hook_create(&both), -EEXIST);
	assert_int_equal(bpf_tc_hook_destroy(&both), 0);
}

/* ---- refusals ---- */

/* A program that passes every frame, as another product would attach it. */
static int foreign_program(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody_else", "GPL", code, 2, &opts);

	assert_true(fd >= 0);
	return fd;
}

static void foreign_program_by_netlink(void **state)
{
	const struct hokm_bpf_opts replace = {.replace_foreign = true};
	int fd = foreign_program();
	struct hokm_bpf *b;
	uint32_t id = 0;
	bool adopted;

	(void)state;
	assert_int_equal(bpf_xdp_attach(rig.ns.ifindex_a, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &id), 0);
	assert_int_equal(id, bpf_prog_id_of(fd));
	assert_int_equal(bpf_xdp_detach(rig.ns.ifindex_a, XDP_FLAGS_SKB_MODE, NULL), 0);
	rig_expect_clean();
	assert_int_equal(bpf_xdp_attach(rig.ns.ifindex_a, fd, XDP_FLAGS_SKB_MODE, NULL), 0);
	assert_int_equal(hokm_bpf_open(&rig.conf, &replace, &b, &adopted), 0);
	assert_string_equal(hokm_bpf_mode(b), "native");
	hokm_bpf_close(b);
	close(fd);
}

static void foreign_program_by_link(void **state)
{
	const struct hokm_bpf_opts replace = {.replace_foreign = true};
	int fd = foreign_program();
	int link = bpf_link_create(fd, rig.ns.ifindex_a, BPF_XDP, NULL);
	struct hokm_bpf *b;
	bool adopted;

	(void)state;
	assert_true(link >= 0);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(xdp_link_ifindex(link, NULL), rig.ns.ifindex_a);
	assert_int_equal(hokm_bpf_open(&rig.conf, &replace, &b, &adopted), 0);
	assert_int_equal(xdp_link_ifindex(link, NULL), 0);
	hokm_bpf_close(b);
	close(link);
	close(fd);
}

static void no_bpffs(void **state)
{
	(void)state;
	snprintf(rig.conf.bpffs, sizeof(rig.conf.bpffs), "/tmp");
	assert_int_equal(rig_open_fails(&rig_plain), -EINVAL);
	snprintf(rig.conf.bpffs, sizeof(rig.conf.bpffs), "/hx/no/such/folder");
	assert_int_equal(rig_open_fails(&rig_plain), -EINVAL);
	rig_set_up(NULL);
}

/* As any user may do in a bpffs that was mounted by hand. */
static void made_by_a_user(const char *path)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(setuid(65534) || mkdir(path, 0755));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_folder_of_another_user_is_refused(void **state)
{
	char root[PIN_PATH_MAX], kept[PIN_PATH_MAX];
	struct hokm_bpf *b;
	struct stat st;

	(void)state;
	snprintf(root, sizeof(root), "%s/hokm-xdp", rig.bpffs);
	snprintf(kept, sizeof(kept), "%s/hokm-xdp/east_example", rig.bpffs);
	assert_int_equal(chmod(rig.bpffs, 01777), 0);
	made_by_a_user(root);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), -EBUSY);
	assert_int_equal(stat(root, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(stat(kept, &st), -1);
	assert_int_equal(rmdir(root), 0);
	/* Its own, and others may write to it. */
	assert_int_equal(mkdir(root, 0700), 0);
	assert_int_equal(chmod(root, 0777), 0);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(chmod(root, 0755), 0);
	b = rig_open(false);
	hokm_bpf_close(b);
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	assert_int_equal(chmod(rig.bpffs, 0700), 0);
}

static void no_interface(void **state)
{
	(void)state;
	snprintf(rig.conf.interface, sizeof(rig.conf.interface), "hxnone");
	assert_int_equal(rig_open_fails(&rig_plain), -ENODEV);
	rig_set_up(NULL);
	rig_expect_clean();
}

static void no_permission(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid) {
		struct hokm_bpf *b;
		bool adopted;
		cap_t none = cap_init();

		_exit(!none || cap_set_proc(none) || cap_free(none) ||
		      hokm_bpf_open(&rig.conf, &rig_plain, &b, &adopted) != -EPERM);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rig_expect_clean();
}

static void no_btf(void **state)
{
	(void)state;
	assert_int_equal(mount("none", "/sys/kernel", "tmpfs", 0, NULL), 0);
	assert_int_equal(rig_open_fails(&rig_plain), -ENOTSUP);
	assert_int_equal(umount("/sys/kernel"), 0);
	rig_expect_clean();
}

static void write_meta(const struct hokm_meta *meta)
{
	uint32_t zero = 0;
	int fd = rig_open_pin("meta");

	assert_int_equal(bpf_map_update_elem(fd, &zero, meta, BPF_ANY), 0);
	close(fd);
}

static void another_version_is_refused(void **state)
{
	struct hokm_bpf *b = rig_open(false), *look;
	uint32_t zero = 0, link = rig_link_id(), filter = tc_program(rig.ns.ifindex_a, TC_EGRESS);
	struct hokm_meta meta, wrong;

	(void)state;
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_META], &zero, &meta), 0);
	hokm_bpf_close(b);
	wrong = meta;
	wrong.abi_version++;
	write_meta(&wrong);
	assert_int_equal(rig_open_fails(&rig_plain), -EPROTO);
	assert_int_equal(hokm_bpf_open_pinned(&rig.conf, &look), -EPROTO);
	wrong = meta;
	wrong.layout_hash ^= 1;
	write_meta(&wrong);
	assert_int_equal(rig_open_fails(&rig_plain), -EPROTO);
	/* Pins and attached programs are unchanged. */
	assert_int_equal(rig_link_id(), link);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), filter);
	write_meta(&meta);
	b = rig_open(true);
	hokm_bpf_close(b);
}

static void unpin(const char *name)
{
	char path[PIN_PATH_MAX];

	rig_pin_path(path, name);
	assert_int_equal(unlink(path), 0);
	/* The kernel detaches a link without pins a little later. */
	for (int tries = 0; !strcmp(name, PIN_LINK) && tries < 5000; tries++) {
		uint32_t id = 0;

		assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &id), 0);
		if (!id)
			return;
		usleep(1000);
	}
	assert_string_not_equal(name, PIN_LINK);
}

/* The link stays, so there is no moment without a program. */
static void incomplete_and_attached_is_replaced(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t link = rig_link_id(), was, now;

	(void)state;
	hokm_bpf_close(b);
	unpin("peers");
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &was), 0);
	assert_int_equal(hokm_bpf_open_pinned(&rig.conf, &b), -EPROTO);
	b = rig_open(false);
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &now), 0);
	assert_int_not_equal(now, was);
	assert_int_equal(rig_link_id(), link);
	hokm_bpf_close(b);
	b = rig_open(true); /* the pins are whole again */
	hokm_bpf_close(b);
	/* The filter alone still runs. */
	unpin(PIN_LINK);
	unpin("conns");
	b = rig_open(false);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "native");
	hokm_bpf_close(b);
	b = rig_open(true);
	hokm_bpf_close(b);
}

/* A link without its pin counts as foreign: that start fails, and nothing is detached. */
static void incomplete_and_attached_survives_a_failed_start(void **state)
{
	uint32_t was, now, filter;
	char path[PIN_PATH_MAX], hidden[PIN_PATH_MAX];
	struct hokm_bpf *b = rig_open(false);

	(void)state;
	hokm_bpf_close(b);
	filter = tc_program(rig.ns.ifindex_a, TC_EGRESS);
	unpin("peers");
	rig_pin_path(path, PIN_LINK);
	rig_pin_path(hidden, "hidden");
	assert_int_equal(rename(path, hidden), 0);
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &was), 0);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &now), 0);
	assert_int_equal(now, was);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), filter);
	assert_int_equal(rename(hidden, path), 0);
	/* The programs do not use the maps of the start that failed. */
	assert_int_equal(hokm_bpf_open_pinned(&rig.conf, &b), -EPROTO);
	b = rig_open(false);
	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &now), 0);
	assert_int_not_equal(now, was);
	hokm_bpf_close(b);
	b = rig_open(true);
	hokm_bpf_close(b);
}

/* The programs before give grants until the new ones are attached; then meta is written. */
static void replaced_is_silent_from_the_last_grant_on(void **state)
{
	const struct hokm_bpf_opts member = {.longest_grant_ns = 2000000000};
	struct hokm_bpf *b = rig_open(false);
	struct hokm_meta meta;
	uint32_t zero = 0;
	bool adopted;

	(void)state;
	hokm_bpf_close(b);
	unpin("grants");
	assert_int_equal(hokm_bpf_open(&rig.conf, &member, &b, &adopted), 0);
	assert_false(adopted);
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_META], &zero, &meta), 0);
	assert_true(hokm_bpf_grants(b)->own.silent_until_ns >=
		    meta.created_ns + hokm_grant_silence_ns(member.longest_grant_ns));
	hokm_bpf_close(b);
}

static void incomplete_and_idle_is_rebuilt(void **state)
{
	struct hokm_meta never = {0};
	struct hokm_bpf *b = rig_open(false);

	(void)state;
	hokm_bpf_close(b);
	unpin(PIN_LINK);
	assert_int_equal(tc_detach(rig.ns.ifindex_a, TC_EGRESS), 0);
	unpin("events");
	b = rig_open(false);
	hokm_bpf_close(b);
	/* All maps, but the start died before it wrote meta. */
	unpin(PIN_LINK);
	assert_int_equal(tc_detach(rig.ns.ifindex_a, TC_EGRESS), 0);
	write_meta(&never);
	b = rig_open(false);
	hokm_bpf_close(b);
	/* Complete pins are adopted although nothing is attached. */
	unpin(PIN_LINK);
	b = rig_open(true);
	assert_true(rig_pinned(PIN_LINK));
	hokm_bpf_close(b);
}

static void a_failed_adoption_leaves_the_old(void **state)
{
	struct hokm_bpf *b = rig_open(false);
	uint32_t filter = tc_program(rig.ns.ifindex_a, TC_EGRESS);
	int fd = foreign_program();

	(void)state;
	hokm_bpf_close(b);
	/* Another program attached XDP while no daemon ran. */
	unpin(PIN_LINK);
	assert_int_equal(bpf_xdp_attach(rig.ns.ifindex_a, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(rig_open_fails(&rig_plain), -EBUSY);
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), filter);
	assert_true(rig_pinned("conns"));
	assert_int_equal(bpf_xdp_detach(rig.ns.ifindex_a, XDP_FLAGS_DRV_MODE, NULL), 0);
	close(fd);
	b = rig_open(true);
	hokm_bpf_close(b);
}

static void a_new_size_waits(void **state)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	struct hokm_bpf *b = rig_open(false);

	(void)state;
	hokm_bpf_close(b);
	rig.conf.max_connections = 32768;
	b = rig_open(true);
	assert_int_equal(bpf_obj_get_info_by_fd(b->map[MAP_CONNS], &info, &len), 0);
	assert_int_equal(info.max_entries, 16384);
	hokm_bpf_close(b);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(fresh_then_clean),
		RIG_TEST(adopted_with_all_it_holds),
		RIG_TEST(pulses_have_their_keys_from_the_start),
		RIG_TEST(looked_at_only),
		RIG_TEST(generic_when_told),
		RIG_TEST(generic_when_the_driver_cannot),
		RIG_TEST(a_new_interface_of_the_same_name),
		RIG_TEST(moved_to_another_interface),
		RIG_TEST(another_filter_keeps_the_qdisc),
		RIG_TEST(foreign_program_by_netlink),
		RIG_TEST(foreign_program_by_link),
		RIG_TEST(no_bpffs),
		RIG_TEST(a_folder_of_another_user_is_refused),
		RIG_TEST(no_interface),
		RIG_TEST(no_permission),
		RIG_TEST(no_btf),
		RIG_TEST(another_version_is_refused),
		RIG_TEST(incomplete_and_attached_is_replaced),
		RIG_TEST(incomplete_and_attached_survives_a_failed_start),
		RIG_TEST(replaced_is_silent_from_the_last_grant_on),
		RIG_TEST(incomplete_and_idle_is_rebuilt),
		RIG_TEST(a_failed_adoption_leaves_the_old),
		RIG_TEST(a_new_size_waits),
	};

	return cmocka_run_group_tests_name("act_bpf", tests, NULL, NULL);
}

int main(void)
{
	return rig_main(run_all);
}
