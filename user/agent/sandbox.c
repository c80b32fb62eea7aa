/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The confinement of the agent: resource limits and a seccomp filter, which treats a system call in
 * one of three ways:
 *
 *   allowed   Calls for polling, TCP sockets, memory, time and exit.
 *   killed    Calls that only an attacker who controls the process would make: to start programs or
 *             processes, to reach the memory of other processes, or to use rare kernel interfaces.
 *   EPERM     All others. When a new version of a library makes another call, the checks go on
 *             without it until this list has it.
 *
 * New sockets can only be internet sockets; the pairs to the daemon and the broker exist already.
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/rand.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/sandbox.h"
#include "agent/ws_client.h"
#include "base/log.h"

#define FILES_MAX 256 /* descriptors: one for each check, and some for libcurl and TLS */
#define DATA_MAX  (256UL * 1024 * 1024)

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const int allowed[] = {
	/* waiting */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(restart_syscall),
	/* sockets; socket() has rules with arguments below */
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(shutdown),
	/* descriptors that are open already */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(fcntl),
	/* memory; mmap() and mprotect() have rules with arguments below */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* time, randomness, locks */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(futex),
	SCMP_SYS(sched_yield),
	/* signals and exit */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(wait4), /* for the exec broker */
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/*
 * What the notifier needs beside that: names are resolved by threads of libcurl, which read files.
 */
static const int allowed_for_names[] = {
	/* files that its user may open: certificates, resolver, its own folder */
	SCMP_SYS(openat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(lseek),
	SCMP_SYS(access),
	SCMP_SYS(fsync),
	SCMP_SYS(renameat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(getdents64),
	/* threads; clone() has a rule with arguments below */
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address),
	/* resolver */
	SCMP_SYS(bind),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(ioctl),
	SCMP_SYS(uname),
	SCMP_SYS(socketpair),
	SCMP_SYS(prlimit64),
	SCMP_SYS(sched_getaffinity),
};

/* All that the HTTP listener needs: its sockets, memory, time and exit. */
static const int allowed_to_listen[] = {
	SCMP_SYS(poll),          SCMP_SYS(ppoll),        SCMP_SYS(restart_syscall),
	SCMP_SYS(epoll_wait),    SCMP_SYS(epoll_pwait),  SCMP_SYS(epoll_ctl),
	SCMP_SYS(accept4),       SCMP_SYS(recvfrom),     SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),        SCMP_SYS(sendmsg),      SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),      SCMP_SYS(read),         SCMP_SYS(write),
	SCMP_SYS(writev),        SCMP_SYS(close),        SCMP_SYS(brk),
	SCMP_SYS(munmap),        SCMP_SYS(mremap),       SCMP_SYS(madvise),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(futex),         SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),  SCMP_SYS(sigaltstack),  SCMP_SYS(getpid),
	SCMP_SYS(gettid),        SCMP_SYS(exit),         SCMP_SYS(exit_group),
};

static const int killed[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(pivot_root),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(pidfd_getfd),
};

int sandbox_warm_up(void)
{
	char accept[WS_ACCEPT_TEXT];
	unsigned char byte;
	CURL *easy;

	tzset();
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		log_error("agent: could not initialize libcurl");
		return -EIO;
	}
	if (RAND_bytes(&byte, 1) != 1 || ws_accept_text("dGhlIHNhbXBsZSBub25jZQ==", accept)) {
		log_error("agent: libcrypto could not give random bytes or compute SHA-1");
		return -EIO;
	}
	easy = curl_easy_init();
	if (!easy)
		return -ENOMEM;
	curl_easy_cleanup(easy);
	return 0;
}

static int limit(int resource, rlim_t most)
{
	struct rlimit lim;

	if (getrlimit((__rlimit_resource_t)resource, &lim))
		return -errno;
	if (lim.rlim_max > most)
		lim.rlim_max = most;
	lim.rlim_cur = lim.rlim_max;
	return setrlimit((__rlimit_resource_t)resource, &lim) ? -errno : 0;
}

static int set_limits(void)
{
	int err = limit(RLIMIT_NOFILE, FILES_MAX);

	if (!err)
		err = limit(RLIMIT_CORE, 0);
	if (!err)
		err = limit(RLIMIT_MEMLOCK, 0);
#ifndef __SANITIZE_ADDRESS__ /* the shadow memory of ASan counts as data */
	if (!err)
		err = limit(RLIMIT_DATA, DATA_MAX);
#endif
	if (!err && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		err = -errno;
	return err;
}

static int add_calls(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return err;
}

/* Memory that is not executable. */
static int add_rules_for_memory(scmp_filter_ctx ctx)
{
	/* datum_a is the mask, datum_b the value that the masked argument must have. */
	const struct scmp_arg_cmp no_exec = {
		.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	return err;
}

/* New sockets. */
static int add_rules_for_sockets(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp inet = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_INET};
	/* libcurl tests with a socket whether IPv6 is available. */
	const struct scmp_arg_cmp inet6 = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_INET6};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, inet);

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, inet6);
	return err;
}

/*
 * A thread may be started, a process not. The flags of clone3() are in memory, which a filter
 * cannot read: libc takes clone() when it does not exist.
 */
static int add_rules_for_names(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp thread = {
		.arg = 0,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = CLONE_THREAD | CLONE_VM,
		.datum_b = CLONE_THREAD | CLONE_VM};
	const struct scmp_arg_cmp local = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, thread);

	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, local);
	return err ? err : add_calls(ctx, allowed_for_names, COUNT_OF(allowed_for_names));
}

static bool is_for_names(int call)
{
	return call == SCMP_SYS(clone) || call == SCMP_SYS(clone3);
}

enum cage { CAGE_CHECKS, CAGE_NAMES, CAGE_LISTEN };

static int add_rules(scmp_filter_ctx ctx, enum cage cage)
{
	int err = add_rules_for_memory(ctx);

	if (err)
		return err;
	if (cage == CAGE_LISTEN)
		return add_calls(ctx, allowed_to_listen, COUNT_OF(allowed_to_listen));
	err = add_calls(ctx, allowed, COUNT_OF(allowed));
	if (!err)
		err = add_rules_for_sockets(ctx);
	return err || cage != CAGE_NAMES ? err : add_rules_for_names(ctx);
}

static int set_filter(enum cage cage)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = 0;

	if (!ctx)
		return -ENOMEM;
	for (size_t i = 0; !err && i < COUNT_OF(killed); i++)
		if (cage != CAGE_NAMES || !is_for_names(killed[i]))
			err = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, killed[i], 0);
	if (!err)
		err = add_rules(ctx, cage);
	if (!err)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

static int enter(enum cage cage)
{
	int err = set_limits();

	if (!err)
		err = set_filter(cage);
	if (err)
		log_error("could not confine the process: %s", strerror(-err));
	return err;
}

int sandbox_enter(void)
{
	return enter(CAGE_CHECKS);
}

int sandbox_enter_with_names(void)
{
	return enter(CAGE_NAMES);
}

int sandbox_enter_to_listen(void)
{
	return enter(CAGE_LISTEN);
}
