/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A daemon that starts from existing pins: it takes over the pinned programs when they are those of
 * this binary, and loads the programs anew in every other case. In all of them the link stays, so
 * that no frame passes the interface without a program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "act_bpf_rig.h"
#include "hokm/conn_hash.h"

#define LO 1 /* the index of lo in every network namespace */

struct ids {
	uint32_t link, ingress, egress, fence, xdp, filter;
};

static uint32_t pinned_program(const char *name)
{
	int fd = rig_open_pin(name);
	uint32_t id = bpf_prog_id_of(fd);

	close(fd);
	return id;
}

static struct ids ids(void)
{
	struct ids now = {
		.link = rig_link_id(),
		.ingress = pinned_program(PIN_INGRESS),
		.egress = pinned_program(PIN_EGRESS),
		.fence = pinned_program(PIN_FENCE),
		.filter = tc_program(rig.ns.ifindex_a, TC_EGRESS),
	};

	assert_int_equal(bpf_xdp_query_id(rig.ns.ifindex_a, 0, &now.xdp), 0);
	assert_int_equal(now.xdp, now.ingress);
	assert_int_equal(now.filter, now.egress);
	return now;
}

static struct ids first_start(void)
{
	hokm_bpf_close(rig_open(false));
	return ids();
}

static void expect_loaded(const struct ids *was)
{
	struct ids now = ids();

	assert_int_equal(now.link, was->link);
	assert_int_not_equal(now.ingress, was->ingress);
	assert_int_not_equal(now.egress, was->egress);
	assert_int_not_equal(now.fence, was->fence);
	/* And what is pinned now is whole: the next start takes it over. */
	hokm_bpf_close(rig_open(true));
	assert_int_equal(ids().ingress, now.ingress);
}

static void unpin(const char *name)
{
	char path[PIN_PATH_MAX];

	rig_pin_path(path, name);
	assert_int_equal(unlink(path), 0);
}

static void pin(const char *name, int fd)
{
	char path[PIN_PATH_MAX];

	unpin(name);
	rig_pin_path(path, name);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
}

static void the_second_start_loads_no_program(void **state)
{
	struct ids was = first_start(), now;
	struct hokm_keys want, got;
	struct hokm_cfg cfg;
	struct hokm_bpf *b;
	uint32_t zero = 0;

	(void)state;
	/* The keys are those of the configuration now, not those that the pins have. */
	snprintf(rig.conf.secrets[0].text, CONF_SECRET_MAX, "another secret now");
	rig.conf.secrets[0].len = strlen(rig.conf.secrets[0].text);
	b = rig_open(true);
	now = ids();
	assert_memory_equal(&now, &was, sizeof(now));
	assert_int_equal(bpf_prog_id_of(b->ingress), was.ingress);
	assert_int_equal(bpf_prog_id_of(b->egress), was.egress);
	assert_int_equal(bpf_prog_id_of(b->fence), was.fence);
	assert_int_equal(hokm_bpf_get_cfg(b, &cfg), 0);
	assert_int_equal(conf_pulse_keys(&rig.conf, &cfg, &want), 0);
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_KEYS], &zero, &got), 0);
	assert_memory_equal(&got, &want, sizeof(want));
	/* The handle can all that one which loaded the programs can. */
	assert_int_equal(hokm_bpf_again_pins(b), 0);
	assert_int_equal(hokm_bpf_again_ingress(b), 0);
	assert_int_equal(hokm_bpf_again_egress(b), 0);
	assert_int_equal(hokm_bpf_fence_put(b, LO), 1);
	assert_int_equal(hokm_bpf_fence_remove(b, LO), 0);
	hokm_bpf_close(b);
}

/* 0: a start that died while it replaced programs. */
static void programs_of_another_build_are_replaced(void **state)
{
	static const uint64_t builds[] = {0, 0x1234};
	uint32_t zero = 0;

	(void)state;
	first_start();
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		struct ids was = ids();
		int fd = rig_open_pin("meta");
		struct hokm_meta meta;

		assert_int_equal(bpf_map_lookup_elem(fd, &zero, &meta), 0);
		assert_int_equal(meta.build_id, build_id());
		meta.build_id = builds[i];
		assert_int_equal(bpf_map_update_elem(fd, &zero, &meta, BPF_ANY), 0);
		close(fd);
		hokm_bpf_close(rig_open(true));
		expect_loaded(&was);
	}
}

/* The former build may have set other bits of the same connections. */
static void no_bit_is_missing_to_another_build(void **state)
{
	struct hokm_conn_key key = {.client_port = htons(50000), .service = 1};
	struct hokm_bpf *b;
	uint32_t zero = 0;
	struct hokm_meta meta;
	struct hokm_cfg cfg;

	(void)state;
	first_start();
	b = rig_open(true);
	assert_int_equal(hokm_bpf_get_cfg(b, &cfg), 0);
	assert_false(hokm_conn_may_be(b->conn_bits, hokm_conn_hash(cfg.hash_seed, &key)));
	assert_int_equal(bpf_map_lookup_elem(b->map[MAP_META], &zero, &meta), 0);
	meta.build_id++;
	assert_int_equal(bpf_map_update_elem(b->map[MAP_META], &zero, &meta, BPF_ANY), 0);
	hokm_bpf_close(b);
	b = rig_open(true);
	assert_true(hokm_conn_may_be(b->conn_bits, hokm_conn_hash(cfg.hash_seed, &key)));
	/* The first walk makes them anew. */
	for (int half = 0; half < 2; half++) {
		assert_int_equal(hokm_bpf_bits_begin(b), 0);
		hokm_bpf_bits_end(b);
	}
	assert_false(hokm_conn_may_be(b->conn_bits, hokm_conn_hash(cfg.hash_seed, &key)));
	hokm_bpf_close(b);
}

static void a_missing_pin_is_made_whole(void **state)
{
	static const char *const names[] = {PIN_EGRESS, PIN_FENCE, "fences"};

	(void)state;
	first_start();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ids was = ids();

		unpin(names[i]);
		hokm_bpf_close(rig_open(true));
		expect_loaded(&was);
	}
}

static void another_program_under_our_name_is_not_taken(void **state)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	struct ids was = first_start();

	(void)state;
	pin(PIN_INGRESS, bpf_prog_load(BPF_PROG_TYPE_XDP, "somebody_else", "GPL", code, 2, NULL));
	hokm_bpf_close(rig_open(true));
	expect_loaded(&was);
}

/* A map that no program reads: what the daemon writes to it would reach nobody. */
static void another_map_under_our_name_is_not_taken(void **state)
{
	struct ids was = first_start();

	(void)state;
	pin("keys",
	    bpf_map_create(BPF_MAP_TYPE_ARRAY, "keys", 4, sizeof(struct hokm_keys), 1, NULL));
	hokm_bpf_close(rig_open(true));
	expect_loaded(&was);
}

static void what_was_detached_is_attached_again(void **state)
{
	struct ids was = first_start(), now;
	int fd = rig_open_pin(PIN_LINK);

	(void)state;
	assert_int_equal(bpf_link_detach(fd), 0);
	close(fd);
	assert_int_equal(RUN("tc", "qdisc", "del", "dev", "hx0", "clsact"), 0);
	hokm_bpf_close(rig_open(true));
	now = ids();
	assert_int_not_equal(now.link, was.link);
	now.link = was.link;
	assert_memory_equal(&now, &was, sizeof(now));
}

static int all_tests(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(the_second_start_loads_no_program),
		RIG_TEST(programs_of_another_build_are_replaced),
		RIG_TEST(no_bit_is_missing_to_another_build),
		RIG_TEST(a_missing_pin_is_made_whole),
		RIG_TEST(another_program_under_our_name_is_not_taken),
		RIG_TEST(another_map_under_our_name_is_not_taken),
		RIG_TEST(what_was_detached_is_attached_again),
	};

	return cmocka_run_group_tests_name("act_bpf_reuse", tests, NULL, NULL);
}

int main(void)
{
	return rig_main(all_tests);
}
