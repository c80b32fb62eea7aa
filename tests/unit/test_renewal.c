/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes in place of an event loop that is late: the loop of these tests sends one and then no
 * more. How early or late the thread comes is not tested here, only until when it sends and what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rt_thread.h"
#include "daemon/renewal.h"
#include "hokm/grant_count.h"
#include "own_netns.h"

#define PORT     8766
#define PULSE_NS (50 * NS_PER_MS)
#define EPOCH    7
#define MANY     100
#define LO_INDEX 1
#define WAIT_MS  20000

#define POLICY_DEADLINE 6 /* SCHED_DEADLINE of the kernel */

static struct own_netns ns;
static struct hokm_own owned;
static const struct hokm_service no_service[HOKM_MAX_SERVICES];
static const struct pulse_state state = {.own = &owned, .services = no_service};
static const struct pulse_wish own = {HOKM_WISH_OWN, EPOCH, 3 * PULSE_NS};
static const struct pulse_wish given_back = {HOKM_WISH_RELEASE, EPOCH, 0};
static const struct pulse_wish none = {HOKM_WISH_NONE, 0, 0};

struct rig {
	struct hokm_grants grants;
	struct pulse *pulse;
	struct renewal *renewal;
	struct pollfd peer; /* the socket that the probes come to */
	struct hokm_pulse got[MANY];
	unsigned int n;
};

static void rig_open(struct rig *r)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr = ns.addr_b, .sin_port = htons(PORT)};

	memset(r, 0, sizeof(*r));
	owned.lease_until_ns = UINT64_MAX;
	r->grants.own.silent_until_ns = 1;
	r->grants.own.longest_ns = NS_PER_S;
	own_netns_enter(ns.b);
	r->peer.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r->peer.events = POLLIN;
	assert_true(r->peer.fd >= 0);
	assert_int_equal(bind(r->peer.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	own_netns_enter(ns.a);
	assert_int_equal(pulse_open(ns.ifindex_a, ns.addr_a, PORT, &r->pulse), 0);
	assert_int_equal(renewal_open(r->pulse, &r->grants, PULSE_NS, &r->renewal), 0);
	assert_int_equal(renewal_start(r->renewal), 0);
}

static void rig_close(struct rig *r)
{
	renewal_close(r->renewal);
	pulse_close(r->pulse);
	close(r->peer.fd);
}

static void calm_loop_probes(struct rig *r, uint64_t pulse_ns, uint64_t each_ns)
{
	const struct pulse_to to = {3, ns.addr_b};

	renewal_probe(r->renewal, &to, 1, &state, pulse_ns, each_ns);
}

static void loop_probes(struct rig *r, uint64_t pulse_ns)
{
	calm_loop_probes(r, pulse_ns, pulse_ns);
}

/* Takes in all probes that come until it has been silent for so long. */
static void receive(struct rig *r, uint64_t silence_ns)
{
	while (poll(&r->peer, 1, (int)(silence_ns / NS_PER_MS)) == 1) {
		assert_true(r->n < MANY);
		assert_int_equal(recv(r->peer.fd, &r->got[r->n], sizeof(r->got[0]), 0),
				 sizeof(r->got[0]));
		r->n++;
	}
}

static uint64_t counted(const struct rig *r)
{
	struct renewal_report report;

	renewal_read(r->renewal, &report);
	return report.count;
}

/* All probes of a thread that sends none after this moment. Returns how many the thread counted. */
static uint64_t receive_all(struct rig *r, uint64_t until_ns)
{
	uint64_t count;

	while (clock_now_ns() <= until_ns)
		receive(r, PULSE_NS);
	count = counted(r);
	receive(r, PULSE_NS);
	return count;
}

static uint64_t sent_ns(const struct rig *r, unsigned int i)
{
	return be64toh(r->got[i].sent_ns);
}

/* It asks for the same as the loop, in order, and not for longer than it may. */
static void loop_is_late(void **arg)
{
	uint64_t count;
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	count = receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	assert_true(r.n > 1);
	assert_int_equal(count, r.n - 1);
	for (unsigned int i = 0; i < r.n; i++) {
		assert_int_equal(r.got[i].grant.wish, HOKM_WISH_OWN);
		assert_int_equal(be64toh(r.got[i].grant.epoch), EPOCH);
		assert_int_equal(be32toh(r.got[i].grant.length_us), own.length_ns / 1000);
		assert_true(!i || sent_ns(&r, i) > sent_ns(&r, i - 1));
	}
	assert_true(sent_ns(&r, r.n - 1) < sent_ns(&r, 0) + RENEWAL_PULSES * PULSE_NS);
	rig_close(&r);
}

/* How long after the probe before it each probe was sent: the shortest time. */
static uint64_t least_gap_ns(const struct rig *r, unsigned int from)
{
	uint64_t least_ns = UINT64_MAX;

	for (unsigned int i = from; i < r->n; i++)
		if (sent_ns(r, i) - sent_ns(r, i - 1) < least_ns)
			least_ns = sent_ns(r, i) - sent_ns(r, i - 1);
	return least_ns;
}

/* The probe of a calm loop is overdue later; those of the thread follow each other as ever. */
static void calm_loop_is_late(void **arg)
{
	const uint64_t calm_ns = (RENEWAL_PULSES + 5) * PULSE_NS;
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	calm_loop_probes(&r, PULSE_NS, calm_ns);
	receive_all(&r, clock_now_ns() + calm_ns + RENEWAL_PULSES * PULSE_NS);
	assert_true(r.n > 2);
	assert_true(sent_ns(&r, 1) >= sent_ns(&r, 0) + calm_ns + PULSE_NS / 2);
	assert_true(least_gap_ns(&r, 2) < calm_ns / 2);
	rig_close(&r);
}

/* After its probe the loop becomes calm, or is in a hurry: the next one is due accordingly. */
static void the_pace_of_the_loop_changes(void **arg)
{
	const uint64_t calm_ns = 10 * PULSE_NS;
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	renewal_pace(r.renewal, calm_ns);
	receive_all(&r, clock_now_ns() + calm_ns + 4 * PULSE_NS);
	assert_true(r.n > 1);
	assert_true(sent_ns(&r, 1) >= sent_ns(&r, 0) + calm_ns + PULSE_NS / 2);
	rig_close(&r);
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	calm_loop_probes(&r, PULSE_NS, 100 * PULSE_NS);
	renewal_pace(r.renewal, PULSE_NS);
	receive_all(&r, clock_now_ns() + 10 * PULSE_NS);
	assert_true(r.n > 1);
	rig_close(&r);
}

/* A path beside the segment: the loopback interface. Returns the socket that its probes come to. */
static int path_open(struct renewal_path *path)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sin.sin_addr = own_addr("127.0.0.2");
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	*path = (struct renewal_path){.n = 1, .to = {{3, sin.sin_addr}}};
	assert_int_equal(pulse_open(LO_INDEX, own_addr("127.0.0.1"), PORT, &path->pulse), 0);
	return fd;
}

/* The same probes, each a nanosecond newer. With the path closed the thread asks on without it. */
static void loop_is_late_on_every_path(void **arg)
{
	struct renewal_path path;
	struct hokm_pulse got;
	unsigned int n = 0;
	struct rig r;
	int fd;

	(void)arg;
	rig_open(&r);
	fd = path_open(&path);
	renewal_paths(r.renewal, &path, 1);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	(void)receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	for (; recv(fd, &got, sizeof(got), 0) == sizeof(got); n++) {
		assert_true(n < r.n);
		assert_int_equal(got.grant.wish, HOKM_WISH_OWN);
		assert_int_equal(be64toh(got.sent_ns), sent_ns(&r, n) + 1);
	}
	assert_true(n > 1);
	assert_int_equal(n, r.n);
	renewal_paths(r.renewal, NULL, 0);
	pulse_close(path.pulse);
	loop_probes(&r, PULSE_NS);
	(void)receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	assert_true(r.n > n + 1);
	assert_int_equal(recv(fd, &got, sizeof(got), 0), -1);
	close(fd);
	rig_close(&r);
}

/* Grants without a lease would keep the VIP from everybody. */
static void lease_ends(void **arg)
{
	struct rig r;

	(void)arg;
	rig_open(&r);
	owned.lease_until_ns = clock_now_ns() + RENEWAL_PULSES / 2 * PULSE_NS;
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	assert_true(r.n > 1);
	assert_true(sent_ns(&r, r.n - 1) < owned.lease_until_ns);
	rig_close(&r);
}

static void promises_to_itself(void **arg)
{
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	assert_int_equal(hokm_grant_member(r.grants.own.word), HOKM_GRANT_SELF);
	assert_true(hokm_grant_until_ns(r.grants.own.word) >= sent_ns(&r, r.n - 1) + own.length_ns);
	assert_int_equal(r.grants.own.epoch, EPOCH);
	rig_close(&r);
}

/* The loop gives the grants back; nothing asks for them afterwards. */
static void wish_ends(void **arg)
{
	struct rig r;
	unsigned int before;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	assert_int_equal(poll(&r.peer, 1, 20000), 1);
	renewal_wish(r.renewal, &given_back);
	loop_probes(&r, PULSE_NS);
	receive(&r, 8 * PULSE_NS);
	for (before = 0; before < r.n && r.got[before].grant.wish == HOKM_WISH_OWN; before++)
		;
	assert_int_equal(r.n, before + 1);
	assert_int_equal(r.got[before].grant.wish, HOKM_WISH_RELEASE);
	rig_close(&r);
}

static void wishes_nothing(void **arg)
{
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &none);
	loop_probes(&r, PULSE_NS);
	receive(&r, 8 * PULSE_NS);
	assert_int_equal(r.n, 1);
	assert_int_equal(counted(&r), 0);
	rig_close(&r);
}

/* It is late only when the next pulse is overdue. */
static void loop_in_time(void **arg)
{
	struct rig r;

	(void)arg;
	rig_open(&r);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, 400 * PULSE_NS);
	receive(&r, 8 * PULSE_NS);
	assert_int_equal(r.n, 1);
	rig_close(&r);
}

/* The period of the thread of SCHED_DEADLINE of this process; 0: there is none. */
static uint64_t deadline_period_ns(void)
{
	/* As struct sched_attr of linux/sched/types.h. */
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attr;
	DIR *tasks = opendir("/proc/self/task");
	uint64_t period_ns = 0;

	assert_non_null(tasks);
	for (const struct dirent *e; (e = readdir(tasks)) != NULL;) {
		long tid = strtol(e->d_name, NULL, 10);

		if (tid && !syscall(SYS_sched_getattr, tid, &attr, sizeof(attr), 0) &&
		    attr.policy == POLICY_DEADLINE)
			period_ns = attr.period_ns;
	}
	closedir(tasks);
	return period_ns;
}

/* Whether the kernel has time left for it is not asked here: others run on the machine. */
static void wait_until_asked(struct rig *r, uint64_t pulse_ns)
{
	struct renewal_report report = {0};

	for (unsigned int i = 0; i < WAIT_MS && report.period_ns != pulse_ns; i++) {
		(void)poll(NULL, 0, 1);
		renewal_read(r->renewal, &report);
	}
	assert_int_equal(report.period_ns, pulse_ns);
	if (report.in_time)
		assert_int_equal(deadline_period_ns(), pulse_ns);
}

/*
 * The kernel gives the thread time in each pulse, and a reload changes the length of a pulse.
 * Whether the node wishes anything makes no difference.
 */
static void pulse_changes(void **arg)
{
	struct rig r;

	(void)arg;
	rig_open(&r);
	wait_until_asked(&r, PULSE_NS);
	loop_probes(&r, PULSE_NS / 5);
	wait_until_asked(&r, PULSE_NS / 5);
	loop_probes(&r, 4 * PULSE_NS);
	wait_until_asked(&r, 4 * PULSE_NS);
	assert_int_equal(counted(&r), 0);
	rig_close(&r);
}

/* ---- the kernel gives no time ---- */

#define GIVES_NONE "gives the thread that renews grants no time"

/* Binds this thread, and what it starts, to one CPU of `all`. */
static void bind_to_one(cpu_set_t *all)
{
	cpu_set_t one;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(*all), all), 0);
	while (!CPU_ISSET(cpu, all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* What is logged until catch_end() is in the file that it returns, which the caller closes. */
static FILE *catch_begin(int *saved)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	fflush(stderr);
	*saved = dup(STDERR_FILENO);
	assert_true(*saved >= 0);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	return f;
}

/* Returns how many lines have `text`; `also` must be in each of them. */
static unsigned int catch_end(FILE *f, int saved, const char *text, const char *also)
{
	char line[1024];
	unsigned int n = 0;

	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, text))
			continue;
		assert_non_null(strstr(line, also));
		n++;
	}
	fclose(f);
	return n;
}

/* It asks again every second. */
static void until_asked_again(struct rig *r)
{
	uint64_t end_ns = clock_now_ns() + 2500 * NS_PER_MS;

	while (clock_now_ns() < end_ns)
		receive(r, PULSE_NS);
}

/* A thread that is bound to a CPU is refused. It sends all the same, and says it once. */
static void is_refused(void **arg)
{
	struct renewal_report report;
	struct rig r;
	cpu_set_t all;
	uint64_t count;
	int saved;
	FILE *log;

	(void)arg;
	bind_to_one(&all);
	if (CPU_COUNT(&all) < 2)
		skip();
	log = catch_begin(&saved);
	rig_open(&r);
	wait_until_asked(&r, PULSE_NS);
	renewal_read(r.renewal, &report);
	renewal_wish(r.renewal, &own);
	loop_probes(&r, PULSE_NS);
	count = receive_all(&r, clock_now_ns() + RENEWAL_PULSES * PULSE_NS);
	until_asked_again(&r);
	rig_close(&r);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(catch_end(log, saved, GIVES_NONE, "taskset"), 1);
	assert_false(report.in_time);
	assert_true(r.n > 1);
	assert_int_equal(count, r.n - 1);
}

/* Also when no other member answers any more: what it answered counts for longer. */
static void its_promise_counts_at_once(void **arg)
{
	struct hokm_grants g = {.own = {.silent_until_ns = 1, .longest_ns = NS_PER_S},
				.count.majority = 2,
				.wish = HOKM_WISH_OWN,
				.wish_epoch = EPOCH};
	uint64_t now_ns = clock_now_ns();

	(void)arg;
	hokm_grants_note(&g, 3, EPOCH, now_ns + NS_PER_S);
	assert_int_equal(hokm_grants_end_ns(&g), 0);
	renewal_promise_self(&g, &own, now_ns);
	assert_true(hokm_grants_end_ns(&g) > now_ns);
	now_ns += PULSE_NS;
	renewal_promise_self(&g, &own, now_ns);
	assert_true(hokm_grants_end_ns(&g) >= now_ns + 3 * PULSE_NS);
}

/* What to do depends on why the kernel refused. */
static void advice(void **arg)
{
	static const struct {
		int err;
		bool confined;
		const char *has;
	} cases[] = {
		{-EPERM, true, "CPUAffinity="}, {-EPERM, false, "CAP_SYS_NICE"},
		{-EBUSY, false, "DLN"},         {-EBUSY, true, "DLN"},
		{-ENOSYS, false, "filter"},     {-EINVAL, true, "filter"},
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_non_null(
			strstr(rt_thread_advice(cases[i].err, cases[i].confined), cases[i].has));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_is_late),
		cmocka_unit_test(calm_loop_is_late),
		cmocka_unit_test(the_pace_of_the_loop_changes),
		cmocka_unit_test(lease_ends),
		cmocka_unit_test(promises_to_itself),
		cmocka_unit_test(its_promise_counts_at_once),
		cmocka_unit_test(wish_ends),
		cmocka_unit_test(wishes_nothing),
		cmocka_unit_test(loop_in_time),
		cmocka_unit_test(pulse_changes),
		cmocka_unit_test(is_refused),
		cmocka_unit_test(advice),
		cmocka_unit_test(loop_is_late_on_every_path),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("renewal", tests, NULL, NULL);
}
