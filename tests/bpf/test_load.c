/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs cost the verifier. A daemon that starts waits for it, and a kernel refuses a
 * program over 1,000,000 instructions. Kernel 6.1 counts more than newer ones for the same program,
 * so the bounds keep a distance. The number of instructions depends on the kernel, not on the load
 * of the machine.
 */
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fixture.h"
#include "skel.h"

#define INGRESS_MOST 250000u
#define EGRESS_MOST  60000u
#define FENCE_MOST   50000u
#define WITNESS_MOST 150000u

static uint32_t verified(const struct bpf_program *prog)
{
	struct bpf_prog_info info;
	uint32_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		fail_msg("no information about program %s", bpf_program__name(prog));
	print_message("%s: %u instructions verified\n", bpf_program__name(prog),
		      info.verified_insns);
	return info.verified_insns;
}

static void the_verifier_is_not_kept_busy(void **state)
{
	struct hokm_bpf *skel = hokm_bpf__open_and_load();

	(void)state;
	assert_non_null(skel);
	assert_in_range(verified(skel->progs.hokm_ingress), 1, INGRESS_MOST);
	assert_in_range(verified(skel->progs.hokm_egress), 1, EGRESS_MOST);
	assert_in_range(verified(skel->progs.hokm_fence), 1, FENCE_MOST);
	assert_in_range(verified(skel->progs.hokm_witness), 1, WITNESS_MOST);
	hokm_bpf__destroy(skel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verifier_is_not_kept_busy),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
