/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See bpf_clock.h. A program of three instructions returns the clock of BPF programs, when it is
 * run by BPF_PROG_TEST_RUN. A program returns 32 bits, so there are two of them, for the upper and
 * the lower half.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/ethernet.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "path/bpf_clock.h"

/* Both clocks are the same one; between two readings the process may lose the CPU. */
#define TRIES   5
#define HALF_MS 500000

/* Returns a descriptor or -errno. */
static int load(int shift)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_boot_ns},
		{.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = shift},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "hokm_clock", "GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), NULL);
}

static int run(int fd, uint32_t *out)
{
	unsigned char frame[ETH_ZLEN] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	int err = bpf_prog_test_run_opts(fd, &opts);

	*out = opts.retval;
	return err;
}

/* The upper half may change between two runs. */
static int read_clock(int upper, int lower, uint64_t *ns)
{
	uint32_t high = 0, low = 0, again = 0;
	int err;

	do {
		err = run(upper, &high);
		if (!err)
			err = run(lower, &low);
		if (!err)
			err = run(upper, &again);
	} while (!err && high != again);
	*ns = (uint64_t)high << 32 | low;
	return err;
}

/* *ahead_ns: by how much the clock of this process is ahead of the other one; 0: the same clock. */
static int compare(int upper, int lower, int64_t *ahead_ns)
{
	int err = 0;

	for (int i = 0; i < TRIES && !err; i++) {
		uint64_t before_ns = clock_now_ns(), after_ns, ns = 0;

		err = read_clock(upper, lower, &ns);
		after_ns = clock_now_ns();
		*ahead_ns = 0;
		if (ns >= before_ns && ns <= after_ns)
			break;
		*ahead_ns = (int64_t)(before_ns - ns);
	}
	return err;
}

/* It is the first BPF program of a start. The capabilities were there. */
static const char *advice(int err)
{
	if (err != -EPERM)
		return "";
	return "; the kernel refuses BPF to this process: "
	       "it is in a user namespace, as an unprivileged container is, "
	       "or a filter of system calls (seccomp) or a security module forbids bpf(); "
	       "start it on the host, or in a privileged container";
}

int bpf_clock_check(void)
{
	int upper = load(32), lower = load(0), err;
	int64_t ahead_ns = 0;

	err = upper < 0 ? upper : lower;
	if (err >= 0)
		err = compare(upper, lower, &ahead_ns);
	if (upper >= 0)
		close(upper);
	if (lower >= 0)
		close(lower);
	if (err) {
		log_error("could not compare the clocks of this process and of BPF programs: %s%s",
			  strerror(-err), advice(err));
		return err;
	}
	if (!ahead_ns)
		return 0;
	log_error("CLOCK_BOOTTIME of this process is %" PRId64 " ms off the kernel's: "
		  "it runs in a time namespace, in which no lease would be right; "
		  "start it outside of it",
		  (ahead_ns + (ahead_ns < 0 ? -HALF_MS : HALF_MS)) / (2 * HALF_MS));
	return -EXDEV;
}
