/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-load: takes processor time from others, and ends by itself.
 *
 *   hokm-load --seconds S [--cpu N] [--fifo P] [--loops N]
 *     --seconds S    how long                                               (1 to 3600)
 *     --cpu N        on this CPU; else on each CPU
 *     --fifo P       with this real-time priority; else as it was started
 *     --loops N      endless loops on each of these CPUs                    (1)
 *
 * A loop looks at the clock all the time, so that it ends in time however it is scheduled. When the
 * program that started it ends, so does each loop.
 */
#include <getopt.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "program.h"

#define NS_PER_S  1000000000ULL
#define SECONDS   3600
#define LOOPS_MAX 16
#define NO_CPU    UINT32_MAX
#define NO_FIFO   0
#define FIFO_MAX  49 /* below the daemon and what tests need to end this */

struct load {
	unsigned int seconds, cpu, fifo, loops;
	uint64_t end_ns;
};

static int parse(struct load *l, int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"cpu", required_argument, NULL, 'c'},
		{"fifo", required_argument, NULL, 'f'},
		{"loops", required_argument, NULL, 'l'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		bool good = false;

		if (c == 's')
			good = prog_option("seconds", optarg, 1, SECONDS, &l->seconds);
		else if (c == 'c')
			good = prog_option("cpu", optarg, 0, CPU_SETSIZE - 1, &l->cpu);
		else if (c == 'f')
			good = prog_option("fifo", optarg, 1, FIFO_MAX, &l->fifo);
		else if (c == 'l')
			good = prog_option("loops", optarg, 1, LOOPS_MAX, &l->loops);
		if (!good)
			return -EINVAL;
	}
	return optind == argc && l->seconds ? 0 : -EINVAL;
}

static int settle_on(const struct load *l, unsigned int cpu)
{
	const struct sched_param param = {.sched_priority = (int)l->fifo};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return prog_fail("sched_setaffinity");
	if (l->fifo != NO_FIFO && sched_setscheduler(0, SCHED_FIFO, &param))
		return prog_fail("sched_setscheduler");
	return 0;
}

/* In a child. Returns its exit status. */
static int loop(const struct load *l, unsigned int cpu, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || settle_on(l, cpu))
		return EXIT_FAILURE;
	while (prog_now_ns() < l->end_ns)
		;
	return EXIT_SUCCESS;
}

static int start_loops(const struct load *l, unsigned int cpu, unsigned int *n)
{
	pid_t parent = getpid();

	for (unsigned int i = 0; i < l->loops; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return prog_fail("fork");
		if (!pid)
			_exit(loop(l, cpu, parent));
		(*n)++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct load l = {.cpu = NO_CPU, .fifo = NO_FIFO, .loops = 1};
	unsigned int n = 0;
	int err = 0;
	cpu_set_t set;

	if (parse(&l, argc, argv)) {
		fprintf(stderr, "usage: hokm-load --seconds S [--cpu N] [--fifo P] [--loops N]\n");
		return EXIT_FAILURE;
	}
	if (sched_getaffinity(0, sizeof(set), &set))
		return -prog_fail("sched_getaffinity");
	l.end_ns = prog_now_ns() + l.seconds * NS_PER_S;
	for (unsigned int cpu = 0; !err && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && (l.cpu == NO_CPU || l.cpu == cpu))
			err = start_loops(&l, cpu, &n);
	for (; n; n--) {
		int status;

		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			err = -ECHILD;
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
