/* SPDX-License-Identifier: GPL-2.0-only */
/* See cut_rig.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cut_rig.h"

#define LINE "calls %u %u %u %u killed %u uid %u seccomp %u caps %llx\n"

static FILE *open_file(const char *folder, const char *name, const char *mode)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, mode);
}

static void remove_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (unlink(path) && errno != ENOENT)
		abort();
}

static bool has_file(const char *folder, const char *name)
{
	FILE *f = open_file(folder, name, "re");

	if (f)
		fclose(f);
	return f != NULL;
}

void cut_order(const char *folder, unsigned int sends, unsigned int at)
{
	FILE *f = open_file(folder, "cut", "we");

	if (!f || fprintf(f, "%u %u\n", sends, at) < 0 || fclose(f))
		abort();
	remove_file(folder, "ran");
}

void cut_off(const char *folder)
{
	remove_file(folder, "cut");
}

bool cut_wanted(const char *folder)
{
	return has_file(folder, "cut");
}

bool cut_report(const char *folder, struct cut_ran *ran)
{
	FILE *f = open_file(folder, "ran", "re");
	unsigned int killed = 0;
	int n;

	memset(ran, 0, sizeof(*ran));
	if (!f)
		return false;
	n = fscanf(f, LINE, &ran->calls[0], &ran->calls[1], &ran->calls[2], &ran->calls[3], &killed,
		   &ran->uid, &ran->seccomp, &ran->caps);
	fclose(f);
	ran->killed = killed;
	return n == 8;
}

unsigned int cut_seed(void)
{
	const char *text = getenv("HOKM_CUT_SEED");
	unsigned int seed = text ? (unsigned int)strtoul(text, NULL, 10) : (unsigned int)time(NULL);

	printf("HOKM_CUT_SEED=%u kills at the same calls\n", seed);
	return seed;
}

/* ---- one at a time ---- */

static int alone = -1; /* the locked file; it stays open */

/* Who traces the process that has the lock, 0 for nobody. */
static void note_tracer(pid_t tracer)
{
	if (alone >= 0 && pwrite(alone, &tracer, sizeof(tracer), 0) != sizeof(tracer))
		_exit(125);
}

/*
 * The kernel kills a process whose tracer has ended, but the tracer may be reaped while it still
 * dies. It makes no system call any more: the lock is waited for.
 */
static bool is_dying(int fd)
{
	pid_t tracer = 0;

	return pread(fd, &tracer, sizeof(tracer), 0) == sizeof(tracer) && tracer > 0 &&
	       kill(tracer, 0) && errno == ESRCH;
}

void cut_enter(const char *folder)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/alone", folder);
	alone = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (alone < 0)
		_exit(125);
	if (!flock(alone, LOCK_EX | LOCK_NB) || (is_dying(alone) && !flock(alone, LOCK_EX))) {
		note_tracer(0);
		return;
	}
	f = open_file(folder, "met", "we");
	if (!f || fclose(f))
		_exit(125);
}

bool cut_met(const char *folder)
{
	return has_file(folder, "met");
}

/* ---- the tracer ---- */

struct tracer {
	pid_t pid;
	int fd;
	unsigned int sends, at; /* of the order */
	unsigned int sent;
	struct cut_ran ran;
};

static void write_report(const char *folder, const struct cut_ran *ran)
{
	FILE *f = open_file(folder, "ran", "we");

	if (!f ||
	    fprintf(f, LINE, ran->calls[0], ran->calls[1], ran->calls[2], ran->calls[3],
		    ran->killed, ran->uid, ran->seccomp, ran->caps) < 0 ||
	    fclose(f))
		_exit(125);
}

static void read_rights(pid_t pid, struct cut_ran *ran)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		(void)sscanf(line, "Uid: %*u %u", &ran->uid);
		(void)sscanf(line, "Seccomp: %u", &ran->seccomp);
		(void)sscanf(line, "CapEff: %llx", &ran->caps);
	}
	if (f)
		fclose(f);
}

/* The child begins a system call, which a kill keeps from being made. */
static void note_call(struct tracer *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	t->ran.calls[t->sent]++;
	t->ran.killed = t->ran.calls[t->sent] == t->at && t->sent == t->sends;
	if (t->ran.killed) {
		kill(t->pid, SIGKILL);
		return;
	}
	if (info.entry.nr != SYS_sendto || (int)info.entry.args[0] != t->fd)
		return;
	if (!t->sent)
		read_rights(t->pid, &t->ran);
	if (t->sent + 1 < CUT_SENDS)
		t->sent++;
}

static void trace(struct tracer *t)
{
	int status = 0, sig = 0;

	if (waitpid(t->pid, &status, 0) != t->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, t->pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		_exit(125);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, t->pid, 0, sig) && errno != ESRCH)
			_exit(125);
		if (waitpid(t->pid, &status, __WALL) != t->pid || !WIFSTOPPED(status))
			return;
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80)) {
			sig = 0;
			note_call(t);
		}
	}
}

void cut_run(const char *folder, int fd, int (*fn)(int argc, char **argv), int argc, char **argv)
{
	struct tracer t = {.fd = fd};
	FILE *f = open_file(folder, "cut", "re");

	if (!f || fscanf(f, "%u %u", &t.sends, &t.at) != 2)
		_exit(125);
	fclose(f);
	t.pid = fork();
	if (t.pid == 0) {
		note_tracer(getppid());
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP))
			_exit(125);
		(void)fn(argc, argv);
		_exit(125);
	}
	trace(&t);
	write_report(folder, &t.ran);
	_exit(0);
}
