/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's side of the agent, with the real, confined agent: its user and privileges, and that
 * its death or silence ends its checks, does not harm the daemon, and leaves no process behind.
 *
 * This program is also the agent, because the daemon's side starts /proc/self/exe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sched.h>
#include <sys/stat.h>

#include "../stub/agent_rig.h"
#include "base/caps.h"

static struct stub stub;

/* Returns the value of a line of /proc/PID/status. */
static void read_status(pid_t pid, const char *key, char *value, size_t size)
{
	char path[64], line[256];
	FILE *f;

	value[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			snprintf(value, size, "%s", line + strlen(key) + 2);
			value[strcspn(value, "\n")] = '\0';
		}
	fclose(f);
}

static void assert_status(pid_t pid, const char *key, const char *want)
{
	char value[128];

	read_status(pid, key, value, sizeof(value));
	if (strcmp(value, want))
		fail_msg("process %d: %s is \"%s\", expected \"%s\"", (int)pid, key, value, want);
}

/* Counts the processes with this command line, or the children of `parent`. */
static unsigned int count_processes(const char *words, pid_t parent, pid_t *one)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir))) {
		char path[300], line[256] = "", ppid[32];
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
		size_t len = 0;
		FILE *f;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
		f = fopen(path, "re");
		if (f) {
			len = fread(line, 1, sizeof(line) - 1, f);
			fclose(f);
		}
		for (size_t i = 0; i + 1 < len; i++)
			if (!line[i])
				line[i] = ' ';
		read_status(pid, "PPid", ppid, sizeof(ppid));
		if ((words && !strcmp(line, words)) ||
		    (parent && strtol(ppid, NULL, 10) == (long)parent)) {
			*one = pid;
			n++;
		}
	}
	closedir(dir);
	return n;
}

/* Waits until this number of processes have this command line. */
static void wait_processes(const char *words, unsigned int want)
{
	uint64_t by_ns = clock_now_ns() + WAIT_NS;
	pid_t one;

	while (count_processes(words, 0, &one) != want) {
		const struct timespec pause = {.tv_nsec = 5000000};

		if (clock_now_ns() > by_ns)
			fail_msg("\"%s\" runs %u times, expected %u", words,
				 count_processes(words, 0, &one), want);
		nanosleep(&pause, NULL);
	}
}

static void a_check_is_answered(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;

	stub_request(&r, CHECK_WEBSOCKET, stub.port, "/ws/ok");
	r.id = 7;
	r.seq = 42;
	check_until_replied(rig, &r);
	assert_int_equal(rig->reply.id, 7);
	assert_int_equal(rig->reply.seq, 42);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_OK);
	assert_int_equal(rig->died, 0);
}

static void all_checks_at_once(void **state)
{
	struct rig *rig = *state;
	uint64_t began_ns = clock_now_ns();

	for (uint32_t id = 0; id < AGENT_CHECKS_MAX; id++) {
		struct agent_request r;

		stub_request(&r, id % 2 ? CHECK_WEBSOCKET : CHECK_HTTP, stub.port,
			     id % 2 ? "/ws/no-pong" : "/hang");
		r.check.timeout_ns = NS_PER_S;
		r.id = id;
		assert_int_equal(agent_check(rig->agent, &r), 0);
	}
	turn_until(rig, &rig->replies, AGENT_CHECKS_MAX);
	/* In sequence they would take half a minute. */
	assert_true(clock_now_ns() - began_ns < 20 * NS_PER_S);
	assert_int_equal(rig->died, 0);
}

static void a_second_check_replaces_the_first(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;

	stub_request(&r, CHECK_HTTP, stub.port, "/hang");
	r.seq = 1;
	assert_int_equal(agent_check(rig->agent, &r), 0);
	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	r.seq = 2;
	check_until_replied(rig, &r);
	assert_int_equal(rig->reply.seq, 2);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_OK);
	assert_int_equal(rig->replies, 1);
}

static void assert_ids(pid_t pid)
{
	struct passwd *pw = getpwnam(stub_user());
	char uids[128];

	assert_non_null(pw);
	snprintf(uids, sizeof(uids), "%u\t%u\t%u\t%u", pw->pw_uid, pw->pw_uid, pw->pw_uid,
		 pw->pw_uid);
	assert_status(pid, "Uid", uids);
	snprintf(uids, sizeof(uids), "%u\t%u\t%u\t%u", pw->pw_gid, pw->pw_gid, pw->pw_gid,
		 pw->pw_gid);
	assert_status(pid, "Gid", uids);
	assert_status(pid, "CapInh", "0000000000000000");
	assert_status(pid, "CapPrm", "0000000000000000");
	assert_status(pid, "CapEff", "0000000000000000");
	assert_status(pid, "CapAmb", "0000000000000000");
	assert_status(pid, "NoNewPrivs", "1");
}

static void assert_descriptors(pid_t pid, unsigned int most)
{
	char path[64];
	struct dirent *d;
	unsigned int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((d = readdir(dir)))
		n += d->d_name[0] != '.';
	closedir(dir);
	if (n > most)
		fail_msg("process %d has %u descriptors, expected at most %u", (int)pid, n, most);
}

static void it_has_no_privileges(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	pid_t pid = agent_pid(rig->agent);
	pid_t broker = 0;
	int leak = dup(0);

	assert_true(leak >= 0);
	/* After a reply the agent is certainly set up. */
	stub_request(&r, CHECK_TCP, stub.port, "");
	check_until_replied(rig, &r);

	assert_ids(pid);
	assert_status(pid, "Seccomp", "2");
	assert_int_equal(sched_getscheduler(pid), SCHED_OTHER);
	assert_int_equal(getpgid(pid), pid);
	/* stdin, stdout, stderr, daemon, broker, libcurl's wake-up pair */
	assert_descriptors(pid, 7);

	assert_int_equal(count_processes(NULL, pid, &broker), 1);
	assert_ids(broker);
	assert_descriptors(broker, 4);
	close(leak);
}

/* A process that may start programs is there only for those who configured one. */
static void no_broker_without_an_exec_check(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	pid_t broker = 0;

	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	check_until_replied(rig, &r);
	assert_int_equal(count_processes(NULL, agent_pid(rig->agent), &broker), 0);
	/* The request brings no command of its own. */
	stub_request(&r, CHECK_EXEC, 0, "/bin/true");
	check_until_replied(rig, &r);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_EXEC);

	/* A reload brings one: another agent, with a broker, and without a report of a death. */
	set_command(rig, "/bin/true");
	check_until_replied(rig, &r);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_OK);
	assert_int_equal(count_processes(NULL, agent_pid(rig->agent), &broker), 1);
}

/* The OOM score of a process; `set`: a new one for it, if the kernel allows that. */
static int oom_score(pid_t pid, const char *set)
{
	char path[64];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	f = fopen(path, set ? "r+e" : "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &value), 1);
	rewind(f);
	if (set)
		(void)fputs(set, f);
	(void)fclose(f);
	return value;
}

static void it_starts_from_a_realtime_daemon(void **state)
{
	const struct sched_param fifo = {.sched_priority = 1}, other = {.sched_priority = 0};
	int score = oom_score(getpid(), "-500");
	struct agent_request r;
	pid_t broker = 0;
	struct rig *rig;
	char text[16];

	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		fail_msg("no SCHED_FIFO for the test: %s", strerror(errno));
	if (open_rig_exec(state))
		fail_msg("no agent");
	sched_setscheduler(0, SCHED_OTHER, &other);
	rig = *state;
	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	check_until_replied(rig, &r);
	assert_int_equal(sched_getscheduler(agent_pid(rig->agent)), SCHED_OTHER);
	assert_int_equal(count_processes(NULL, agent_pid(rig->agent), &broker), 1);
	assert_int_equal(sched_getscheduler(broker), SCHED_OTHER);
	assert_true(oom_score(agent_pid(rig->agent), NULL) >= 0);
	assert_true(oom_score(broker, NULL) >= 0);
	snprintf(text, sizeof(text), "%d", score);
	(void)oom_score(getpid(), text);
}

/* Runs in a child, because privileges cannot be regained. Returns 0 on success. */
static int check_from_a_daemon_of_few_capabilities(void)
{
	struct rig rig = {0};
	struct agent_request r;
	uint64_t by_ns = clock_now_ns() + WAIT_NS;

	if (caps_keep(false) || sd_event_new(&rig.event) < 0 ||
	    agent_open(rig.event, stub_user(), &rig.commands, on_reply, on_died, &rig, &rig.agent))
		return 1;
	stub_request(&r, CHECK_WEBSOCKET, stub.port, "/ws/ok");
	if (agent_check(rig.agent, &r))
		return 2;
	while (!rig.replies && clock_now_ns() < by_ns)
		if (sd_event_run(rig.event, 100 * 1000) < 0)
			return 3;
	/* The agent can be killed although it belongs to another user. */
	kill(agent_pid(rig.agent), SIGSTOP);
	r.check.timeout_ns = 10 * NS_PER_MS;
	if (agent_check(rig.agent, &r))
		return 4;
	while (!rig.died && clock_now_ns() < by_ns)
		if (sd_event_run(rig.event, 100 * 1000) < 0)
			return 5;
	agent_close(rig.agent);
	sd_event_unref(rig.event);
	return rig.replies == 1 && rig.reply.reason == HOKM_R_CHECK_OK && rig.died == 1 ? 0 : 6;
}

static void it_starts_from_a_daemon_of_few_capabilities(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check_from_a_daemon_of_few_capabilities());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void it_is_killed_and_comes_back(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	pid_t before = agent_pid(rig->agent);

	stub_request(&r, CHECK_HTTP, stub.port, "/hang");
	assert_int_equal(agent_check(rig->agent, &r), 0);
	kill(before, SIGKILL);
	turn_until(rig, &rig->died, 1);
	assert_int_equal(rig->replies, 0);

	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	r.seq = 9;
	check_until_replied(rig, &r);
	assert_int_equal(rig->reply.seq, 9);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_OK);
	assert_int_not_equal(agent_pid(rig->agent), before);
	assert_int_equal(rig->died, 1);
}

static void it_hangs_and_is_ended(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	pid_t before = agent_pid(rig->agent);
	uint64_t began_ns;

	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	check_until_replied(rig, &r);
	kill(before, SIGSTOP);
	r.check.timeout_ns = 200 * NS_PER_MS;
	began_ns = clock_now_ns();
	assert_int_equal(agent_check(rig->agent, &r), 0);
	turn_until(rig, &rig->died, 1);
	assert_true(clock_now_ns() - began_ns >= 1200 * NS_PER_MS);
	assert_true(clock_now_ns() - began_ns < 15 * NS_PER_S);
	r.check.timeout_ns = 5 * NS_PER_S;
	check_until_replied(rig, &r);
}

static void signals_to_end_do_not_end_it(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	pid_t before = agent_pid(rig->agent);

	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	check_until_replied(rig, &r);
	kill(before, SIGTERM);
	kill(before, SIGINT);
	check_until_replied(rig, &r);
	assert_int_equal(rig->died, 0);
	assert_int_equal(agent_pid(rig->agent), before);
}

/* A command that starts a child and does not exit. Both are recognized by how long they sleep. */
struct hanging {
	char path[32];
	char child[64], self[64]; /* command lines */
};

static void write_hanging(struct hanging *h)
{
	char text[256];
	int fd, n;

	snprintf(h->path, sizeof(h->path), "/tmp/hokm-test-XXXXXX");
	fd = mkstemp(h->path);
	snprintf(h->child, sizeof(h->child), "sleep 401.%d", (int)getpid());
	snprintf(h->self, sizeof(h->self), "sleep 402.%d", (int)getpid());
	n = snprintf(text, sizeof(text), "#!/bin/sh\n%s &\nexec %s\n", h->child, h->self);
	assert_true(fd >= 0 && n > 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
}

/*
 * Asks, and waits for the reply. False: the agent got no processor for the second that it has for
 * its reply after the timeout, so another one is started, and no reply comes.
 */
static bool asked_hanging(struct rig *rig, const struct hanging *h, const struct agent_request *r)
{
	const uint64_t by_ns = clock_now_ns() + WAIT_NS;
	const unsigned int died = rig->died;

	check_when_back(rig, r);
	wait_processes(h->child, 1);
	wait_processes(h->self, 1);
	while (!rig->replies && rig->died == died && clock_now_ns() < by_ns)
		assert_true(sd_event_run(rig->event, 100 * 1000) >= 0);
	assert_true(rig->replies || rig->died != died);
	wait_processes(h->child, 0);
	wait_processes(h->self, 0);
	return rig->replies;
}

static void hanging_command_is_killed_with_its_group(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	struct hanging h;
	int tries = 1;

	write_hanging(&h);
	set_command(rig, h.path);
	stub_request(&r, CHECK_EXEC, 0, h.path);
	r.check.timeout_ns = 2 * NS_PER_S;
	while (!asked_hanging(rig, &h, &r))
		assert_true(++tries <= 3);
	assert_int_equal(rig->reply.reason, HOKM_R_CHECK_TIMEOUT);
	unlink(h.path);
}

static void nothing_outlives_the_agent(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	struct hanging h;

	write_hanging(&h);
	set_command(rig, h.path);
	stub_request(&r, CHECK_EXEC, 0, h.path);
	r.check.timeout_ns = 100 * NS_PER_S;
	assert_int_equal(agent_check(rig->agent, &r), 0);
	wait_processes(h.child, 1);
	kill(agent_pid(rig->agent), SIGKILL);
	turn_until(rig, &rig->died, 1);
	wait_processes(h.child, 0);
	wait_processes(h.self, 0);
	unlink(h.path);
}

static void nothing_outlives_agent_close(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	struct hanging h;
	pid_t pid, broker = 0;

	write_hanging(&h);
	set_command(rig, h.path);
	stub_request(&r, CHECK_EXEC, 0, h.path);
	r.check.timeout_ns = 100 * NS_PER_S;
	check_when_back(rig, &r);
	wait_processes(h.child, 1);
	wait_processes(h.self, 1);
	pid = agent_pid(rig->agent);
	assert_int_equal(count_processes(NULL, pid, &broker), 1);
	agent_close(rig->agent);
	rig->agent = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(kill(broker, 0), -1);
	/* A killed process needs a processor for its end, and on a busy machine waits for one. */
	wait_processes(h.child, 0);
	wait_processes(h.self, 0);
	unlink(h.path);
}

/* Before another daemon takes the process over: an agent that does nothing is gone all the same. */
static void a_stopped_agent_is_cut(void **state)
{
	struct rig *rig = *state;
	pid_t pid = agent_pid(rig->agent);

	assert_int_equal(kill(pid, SIGSTOP), 0);
	agent_cut(rig->agent, (int)(WAIT_NS / NS_PER_MS));
	rig->agent = NULL;
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	agent_cut(NULL, 0);
}

/* An idle agent sleeps and uses almost no CPU time. */
static void idle_costs_nothing(void **state)
{
	struct rig *rig = *state;
	struct agent_request r;
	char value[64];
	unsigned long long before, after;
	uint64_t until_ns;

	stub_request(&r, CHECK_HTTP, stub.port, "/ok");
	check_until_replied(rig, &r);
	read_status(agent_pid(rig->agent), "voluntary_ctxt_switches", value, sizeof(value));
	before = strtoull(value, NULL, 10);
	for (until_ns = clock_now_ns() + NS_PER_S; clock_now_ns() < until_ns;)
		assert_true(sd_event_run(rig->event, 100 * 1000) >= 0);
	read_status(agent_pid(rig->agent), "voluntary_ctxt_switches", value, sizeof(value));
	after = strtoull(value, NULL, 10);
	assert_true(after - before <= 3);
}

static int start_stub(void **state)
{
	(void)state;
	return stub_start(&stub) ? 0 : -1;
}

static int stop_stub(void **state)
{
	(void)state;
	stub_stop(&stub);
	return 0;
}

#define WITH_AGENT(test)  cmocka_unit_test_setup_teardown(test, open_rig, close_rig)
#define WITH_BROKER(test) cmocka_unit_test_setup_teardown(test, open_rig_exec, close_rig)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_AGENT(a_check_is_answered),
		WITH_AGENT(all_checks_at_once),
		WITH_AGENT(a_second_check_replaces_the_first),
		WITH_BROKER(it_has_no_privileges),
		WITH_AGENT(no_broker_without_an_exec_check),
		cmocka_unit_test_teardown(it_starts_from_a_realtime_daemon, close_rig),
		cmocka_unit_test(it_starts_from_a_daemon_of_few_capabilities),
		WITH_AGENT(it_is_killed_and_comes_back),
		WITH_AGENT(it_hangs_and_is_ended),
		WITH_AGENT(signals_to_end_do_not_end_it),
		WITH_AGENT(hanging_command_is_killed_with_its_group),
		WITH_AGENT(nothing_outlives_the_agent),
		WITH_AGENT(nothing_outlives_agent_close),
		WITH_AGENT(a_stopped_agent_is_cut),
		WITH_AGENT(idle_costs_nothing),
	};

	if (argc > 1 && !strcmp(argv[1], "agent"))
		return agent_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start_stub, stop_stub);
}
