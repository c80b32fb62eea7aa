/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The confinement of the agent and the DNS jobs, of the notifier, and of the listener: which calls
 * kill the process, which are refused, and which work. Each case is a child that changes to the
 * user of the agent, confines itself as the process does, and makes one call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <linux/bpf.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "../stub/stub.h"
#include "agent/agent_child.h"
#include "agent/sandbox.h"

#define KILLED  0
#define REFUSED 10 /* exit status: the call failed with EPERM or EACCES */
#define ALLOWED 11
#define OTHER   12
#define NO_CAGE 13

#define IPPROTO_VRRP 112

static int status_of(long ret)
{
	if (ret >= 0)
		return ALLOWED;
	return errno == EPERM || errno == EACCES ? REFUSED : OTHER;
}

static int try_exec(void)
{
	char name[] = "true";
	char *argv[] = {name, NULL};

	return status_of(execve("/bin/true", argv, NULL));
}

static int try_exec_fd(void)
{
	char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};

	return status_of(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, envp, 0));
}

/* libc starts it with clone() or clone3(). */
static int try_spawn(void)
{
	char name[] = "true", *argv[] = {name, NULL}, *envp[] = {NULL};
	pid_t pid;

	errno = posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp);
	return status_of(errno ? -1 : 0);
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

static int try_bpf_object(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	return status_of(syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr)));
}

static int try_memory_of_another(void)
{
	return status_of(process_vm_readv(getppid(), NULL, 0, NULL, 0, 0));
}

static int try_roots_file(void)
{
	return status_of(open("/etc/shadow", O_RDONLY | O_CLOEXEC));
}

static int try_roots_folder(void)
{
	return status_of(open("/etc/hokm-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int try_raw_ip(void)
{
	return status_of(socket(AF_INET, SOCK_RAW, IPPROTO_VRRP));
}

static int try_new_namespace(void)
{
	return status_of(unshare(CLONE_NEWUSER));
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
	int agent, notifier, listener; /* wanted exit status */
} cases[] = {
	{"execve", try_exec, KILLED, KILLED, KILLED},
	{"execveat", try_exec_fd, KILLED, KILLED, KILLED},
	{"posix_spawn", try_spawn, KILLED, REFUSED, KILLED},
	{"fork", try_fork, KILLED, REFUSED, KILLED},
	{"ptrace", try_ptrace, KILLED, KILLED, KILLED},
	{"process_vm_readv", try_memory_of_another, KILLED, KILLED, KILLED},
	{"bpf, a new map", try_bpf, KILLED, KILLED, KILLED},
	{"bpf, a map of the daemon", try_bpf_object, KILLED, KILLED, KILLED},
	{"unshare", try_new_namespace, KILLED, KILLED, KILLED},
	{"a file of root's", try_roots_file, REFUSED, REFUSED, REFUSED},
	{"a file in a folder of root's", try_roots_folder, REFUSED, REFUSED, REFUSED},
	{"packet socket", try_raw_socket_family, REFUSED, REFUSED, REFUSED},
	{"raw IP socket", try_raw_ip, REFUSED, REFUSED, REFUSED},
	{"listen", try_listen, REFUSED, REFUSED, OTHER},
	{"kill", try_kill, REFUSED, REFUSED, REFUSED},
	{"mmap PROT_EXEC", try_exec_memory, REFUSED, REFUSED, REFUSED},
	{"mprotect PROT_EXEC", try_exec_by_mprotect, REFUSED, REFUSED, REFUSED},
	{"setrlimit", try_more_files, REFUSED, REFUSED, REFUSED},
	{"open", try_open, REFUSED, ALLOWED, REFUSED},
	{"unix socket", try_unix_socket, REFUSED, ALLOWED, REFUSED},
	{"internet socket", try_inet_socket, ALLOWED, ALLOWED, REFUSED},
};

static int in_cage(int (*try)(void), int (*enter)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (agent_become(stub_user()) || sandbox_warm_up() || enter())
			_exit(NO_CAGE);
		_exit(try());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void check(const char *what, int status, int wanted)
{
	if (wanted ? WIFEXITED(status) && WEXITSTATUS(status) == wanted
		   : WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return;
	fail_msg("%s: %s %d", what, WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void the_cage_of_agent_and_dns_job_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].what, in_cage(cases[i].try, sandbox_enter), cases[i].agent);
}

static void the_cage_of_the_notifier_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].what, in_cage(cases[i].try, sandbox_enter_with_names),
		      cases[i].notifier);
}

/* What the kernel shows of a process that may be dumped belongs to its user, else to root. */
static bool may_be_dumped(pid_t pid)
{
	char path[64], line[128];
	unsigned long most = 1;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "Max core file size %*u %lu", &most);
	fclose(f);
	return st.st_uid != 0 || most != 0;
}

static void check_dump(int (*enter)(void))
{
	int ready[2], status;
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (agent_become(stub_user()) || sandbox_warm_up() || enter() ||
		    write(ready[1], &c, 1) != 1)
			_exit(NO_CAGE);
		for (;;)
			poll(NULL, 0, 1000);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_false(may_be_dumped(pid));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
}

static void no_core_dump_has_the_secrets(void **state)
{
	(void)state;
	check_dump(sandbox_enter);
	check_dump(sandbox_enter_with_names);
	check_dump(sandbox_enter_to_listen);
}

static void the_cage_of_the_listener_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].what, in_cage(cases[i].try, sandbox_enter_to_listen),
		      cases[i].listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cage_of_agent_and_dns_job_holds),
		cmocka_unit_test(the_cage_of_the_notifier_holds),
		cmocka_unit_test(no_core_dump_has_the_secrets),
		cmocka_unit_test(the_cage_of_the_listener_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
