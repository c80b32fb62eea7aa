/* SPDX-License-Identifier: GPL-2.0-only */
/* The environment of the loader in a test, see act_bpf_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "act_bpf_rig.h"

struct act_bpf_rig rig = {.bpffs = "/tmp/hxbpfXXXXXX"};
const struct hokm_bpf_opts rig_plain;

void rig_pin_path(char path[PIN_PATH_MAX], const char *name)
{
	char dir[PIN_DIR_MAX];

	assert_int_equal(pins_dir(&rig.conf, dir), 0);
	assert_int_equal(pins_path(dir, name, path), 0);
}

bool rig_pinned(const char *name)
{
	char path[PIN_PATH_MAX];

	rig_pin_path(path, name);
	return access(path, F_OK) == 0;
}

int rig_open_pin(const char *name)
{
	char path[PIN_PATH_MAX];
	int fd;

	rig_pin_path(path, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

uint32_t rig_link_id(void)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int fd = rig_open_pin(PIN_LINK);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

/* Nothing of the packet path is left: no pin, folder, program, filter or qdisc. */
void rig_expect_clean(void)
{
	LIBBPF_OPTS(bpf_tc_hook, both, .ifindex = rig.ns.ifindex_a,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char root[PIN_PATH_MAX];

	snprintf(root, sizeof(root), "%s/hokm-xdp", rig.bpffs);
	assert_int_not_equal(access(root, F_OK), 0);
	assert_string_equal(xdp_mode(rig.ns.ifindex_a), "none");
	assert_int_equal(tc_program(rig.ns.ifindex_a, TC_EGRESS), 0);
	assert_int_equal(bpf_tc_hook_create(&both), 0); /* would be -EEXIST if there were a qdisc */
	assert_int_equal(bpf_tc_hook_destroy(&both), 0);
}

struct hokm_bpf *rig_open(bool want_adopted)
{
	struct hokm_bpf *b;
	bool adopted;

	assert_int_equal(hokm_bpf_open(&rig.conf, &rig_plain, &b, &adopted), 0);
	assert_int_equal(adopted, want_adopted);
	assert_int_equal(hokm_bpf_ifindex(b), rig.ns.ifindex_a);
	return b;
}

int rig_open_fails(const struct hokm_bpf_opts *opts)
{
	struct hokm_bpf *b;
	bool adopted;
	int err = hokm_bpf_open(&rig.conf, opts, &b, &adopted);

	assert_null(b);
	assert_false(adopted);
	return err;
}

int rig_set_up(void **state)
{
	(void)state;
	memset(&rig.conf, 0, sizeof(rig.conf));
	snprintf(rig.conf.interface, sizeof(rig.conf.interface), "hx0");
	snprintf(rig.conf.bpffs, sizeof(rig.conf.bpffs), "%s", rig.bpffs);
	snprintf(rig.conf.nodes[0].name, sizeof(rig.conf.nodes[0].name), "east.example");
	rig.conf.n_nodes = 1;
	rig.conf.max_connections = 16384;
	rig.conf.n_secrets = 1;
	snprintf(rig.conf.secrets[0].text, CONF_SECRET_MAX, "only for this test");
	rig.conf.secrets[0].len = strlen(rig.conf.secrets[0].text);
	return 0;
}

int rig_tear_down(void **state)
{
	(void)state;
	assert_int_equal(hokm_bpf_cleanup(&rig.conf), 0);
	rig_expect_clean();
	return 0;
}

int rig_main(int (*tests)(void))
{
	int rc = 1;

	own_netns_make(&rig.ns);
	if (!mkdtemp(rig.bpffs))
		return 1;
	if (!mount("bpf", rig.bpffs, "bpf", 0, NULL)) {
		rc = tests();
		if (umount(rig.bpffs) < 0)
			rc = 1;
	}
	if (rmdir(rig.bpffs) < 0)
		rc = 1;
	return rc;
}
