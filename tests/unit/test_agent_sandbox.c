/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The confinement of the agent: which calls kill it, which are refused, and which work. Each case
 * is a child that changes to the user of the agent, confines itself and makes one call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../stub/stub.h"
#include "base/caps.h"
#include "agent/sandbox.h"

#define REFUSED 10 /* exit status: the call failed with EPERM */
#define ALLOWED 11
#define OTHER   12
#define NO_CAGE 13

static int status_of(long ret)
{
	if (ret >= 0)
		return ALLOWED;
	return errno == EPERM ? REFUSED : OTHER;
}

static int try_exec(void)
{
	char name[] = "true";
	char *argv[] = {name, NULL};

	return status_of(execve("/bin/true", argv, NULL));
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return status_of(pid);
}

static int try_ptrace(void)
{
	return status_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_bpf(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	return status_of(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int try_open(void)
{
	return status_of(open("/etc/hostname", O_RDONLY | O_CLOEXEC));
}

static int try_unix_socket(void)
{
	return status_of(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_raw_socket_family(void)
{
	return status_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? OTHER : status_of(listen(fd, 1));
}

static int try_kill(void)
{
	return status_of(kill(getppid(), 0));
}

static int try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return status_of(p == MAP_FAILED ? -1 : 0);
}

static int try_exec_by_mprotect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return OTHER;
	return status_of(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int try_inet_socket(void)
{
	return status_of(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

static int try_more_files(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	return status_of(setrlimit(RLIMIT_NOFILE, &lim));
}

static const struct {
	const char *what;
	int (*try)(void);
	int status; /* wanted exit status, 0: killed by SIGSYS */
} cases[] = {
	{"execve", try_exec, 0},
	{"fork", try_fork, 0},
	{"ptrace", try_ptrace, 0},
	{"bpf", try_bpf, 0},
	{"open", try_open, REFUSED},
	{"unix socket", try_unix_socket, REFUSED},
	{"packet socket", try_raw_socket_family, REFUSED},
	{"listen", try_listen, REFUSED},
	{"kill", try_kill, REFUSED},
	{"mmap PROT_EXEC", try_exec_memory, REFUSED},
	{"mprotect PROT_EXEC", try_exec_by_mprotect, REFUSED},
	{"setrlimit", try_more_files, REFUSED},
	{"internet socket", try_inet_socket, ALLOWED},
};

static int in_cage(int (*try)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (caps_become(stub_user()) || sandbox_warm_up() || sandbox_enter())
			_exit(NO_CAGE);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void the_cage_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = in_cage(cases[i].try);

		if (cases[i].status ? WIFEXITED(status) && WEXITSTATUS(status) == cases[i].status
				    : WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
			continue;
		fail_msg("%s: %s %d", cases[i].what, WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cage_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
