/* SPDX-License-Identifier: GPL-2.0-only */
/* See lo.h. */
#include <errno.h>

#include <bpf/libbpf.h>

#include "lo.h"

void lo_egress_attach(const struct fix *x)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, o, .prog_fd = x->egress);
	int err = bpf_tc_hook_create(&hook);

	if (!err)
		err = bpf_tc_attach(&hook, &o);
	if (err == -ENOENT || err == -EOPNOTSUPP)
		fail_msg("could not attach the program to lo: clsact must be there");
	assert_int_equal(err, 0);
}

void lo_egress_detach(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LO,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	assert_int_equal(bpf_tc_hook_destroy(&hook), 0);
}
