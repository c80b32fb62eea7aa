/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up privileges: capabilities(7), the user, and no_new_privs.
 *
 * The daemon starts as root, opens what needs root, and keeps the capabilities in `kept`. It also
 * shrinks the bounding set to them, so that no program it starts later can have more. A child that
 * runs as another user (agent, hooks) first changes the user and then clears every capability, or
 * all but those that the configuration names for hooks. The kernel clears them already when the uid
 * changes from 0 to another, but not when the configured user is root.
 *
 * Capabilities belong to a thread: see base/caps.h for who calls these functions when.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"

#define PASSWD_BUF_BYTES 16384

/* All privileges of the running daemon, and what it uses each of them for. */
static const cap_value_t kept[] = {
	CAP_NET_ADMIN,    /* addresses, routes, XDP and TC, terminating connections */
	CAP_NET_RAW,      /* VRRP and ARP sockets */
	CAP_BPF,          /* maps and programs */
	CAP_PERFMON,      /* perf events of the programs; pointers in the programs */
	CAP_SYS_NICE,     /* real-time priority */
	CAP_IPC_LOCK,     /* locked memory */
	CAP_SETUID,       /* the agent and the hooks change to their users */
	CAP_SETGID,       /* and to the groups of these users */
	CAP_KILL,         /* stopping the agent and the hooks */
	CAP_DAC_OVERRIDE, /* pins and sysctls that belong to another user */
};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

#define BIT(value) (1ULL << (value))

static uint64_t kept_bits(void)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < N_KEPT; i++)
		bits |= BIT(kept[i]);
	return bits;
}

static bool is_effective(cap_t caps, cap_value_t value)
{
	cap_flag_value_t on = CAP_CLEAR;

	return !cap_get_flag(caps, value, CAP_EFFECTIVE, &on) && on == CAP_SET;
}

static void append_name(char *list, size_t size, cap_value_t value)
{
	size_t at = strlen(list);
	char *name = cap_to_name(value);

	snprintf(list + at, size - at, "%s%s", at ? ", " : "", name ? name : "?");
	cap_free(name);
}

/* The name of kept[i] as a file has it: without "cap_". */
static void kept_name(size_t i, char *buf, size_t size)
{
	char *name = cap_to_name(kept[i]);

	snprintf(buf, size, "%s", name && !strncmp(name, "cap_", 4) ? name + 4 : "?");
	cap_free(name);
}

const char *caps_known(char *buf, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < N_KEPT && at < size; i++) {
		char name[24];

		kept_name(i, name, sizeof(name));
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "", name);
	}
	return buf;
}

/* The bit of a name of `len` characters; 0 for one that is not kept. */
static uint64_t bit_of(const char *text, size_t len)
{
	for (size_t i = 0; i < N_KEPT; i++) {
		char name[24];

		kept_name(i, name, sizeof(name));
		if (strlen(name) == len && !strncasecmp(text, name, len))
			return BIT(kept[i]);
	}
	return 0;
}

int caps_parse(const char *names, uint64_t *bits, char *bad, size_t size)
{
	static const char between[] = " ,";

	*bits = 0;
	for (const char *p = names + strspn(names, between); *p; p += strspn(p, between)) {
		const size_t len = strcspn(p, between);
		const size_t prefix = strncasecmp(p, "cap_", 4) ? 0 : 4;
		const uint64_t bit = bit_of(p + prefix, len - prefix);

		if (!bit) {
			snprintf(bad, size, "%.*s", (int)len, p);
			return -EINVAL;
		}
		*bits |= bit;
		p += len;
	}
	return 0;
}

int caps_check(void)
{
	char missing[N_KEPT * 20] = "";
	cap_t caps = cap_get_proc();

	if (!caps) {
		int err = errno;

		log_error("could not read the capabilities of this process: %s", strerror(err));
		return -err;
	}
	for (size_t i = 0; i < N_KEPT; i++)
		if (!is_effective(caps, kept[i]))
			append_name(missing, sizeof(missing), kept[i]);
	cap_free(caps);
	if (!missing[0])
		return 0;
	log_error("missing capabilities: %s; run as root, or add them to the service "
		  "(CapabilityBoundingSet= in systemd, --cap-add in docker)",
		  missing);
	return -EPERM;
}

/* Shrinks the bounding set to `bits`. A second call finds nothing to do and needs no privilege. */
static int drop_bounding(uint64_t bits)
{
	for (cap_value_t value = 0; value < cap_max_bits(); value++)
		if (!(bits & BIT(value)) && cap_get_bound(value) == 1 && cap_drop_bound(value))
			return -errno;
	return 0;
}

/* What the process may have now of CAP_SETPCAP. */
static uint64_t setpcap_bit(void)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t on = CAP_CLEAR;

	if (caps && cap_get_flag(caps, CAP_SETPCAP, CAP_PERMITTED, &on))
		on = CAP_CLEAR;
	cap_free(caps);
	return on == CAP_SET ? BIT(CAP_SETPCAP) : 0;
}

/* The three sets of the process, one bit for a capability. 0 or -errno. */
static int set_caps(uint64_t permitted, uint64_t effective, uint64_t inheritable)
{
	cap_t caps = cap_init();
	int err = 0;

	if (!caps)
		return -errno;
	for (cap_value_t value = 0; !err && value < cap_max_bits(); value++) {
		if (permitted & BIT(value) && cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET))
			err = -errno;
		if (effective & BIT(value) && cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET))
			err = -errno;
		if (inheritable & BIT(value) &&
		    cap_set_flag(caps, CAP_INHERITABLE, 1, &value, CAP_SET))
			err = -errno;
	}
	if (!err && cap_set_proc(caps))
		err = -errno;
	cap_free(caps);
	return err;
}

int caps_keep(bool hand_on)
{
	const uint64_t more = hand_on ? setpcap_bit() : 0;
	int bound_err, err = 0;

	/*
	 * The bounding set comes first, because it needs CAP_SETPCAP, which is given up below. When
	 * this fails, the process itself still has only the kept set; only a program that it starts
	 * as root could have more. With SETPCAP in the bounding set the daemon has it after an
	 * upgrade too.
	 */
	bound_err = drop_bounding(kept_bits() | more);
	if (bound_err)
		log_warn("could not shrink the capability bounding set: %s", strerror(-bound_err));
	if (cap_reset_ambient())
		err = -errno;
	if (!err)
		err = set_caps(kept_bits() | more, kept_bits(), 0);
	if (err)
		log_error("could not give up capabilities: %s", strerror(-err));
	return err;
}

int caps_keep_only(uint64_t bits)
{
	int err = drop_bounding(bits);

	if (!err && cap_reset_ambient())
		err = -errno;
	if (!err)
		err = set_caps(bits, bits, 0);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		log_error("could not give up capabilities: %s", strerror(-err));
	return err;
}

int caps_drop_all(void)
{
	return cap_reset_ambient() ? -errno : set_caps(0, 0, 0);
}

/* The order is groups, gid, uid: each step takes away the right to do the one before it. */
static int become_ids(const char *user, const struct passwd *pw)
{
	/* A process without root, as in the tests, can only keep its own user. */
	if (geteuid() != 0) {
		if (pw->pw_uid == geteuid() && pw->pw_gid == getegid())
			return 0;
		log_error("could not change to user %s: this process does not run as root", user);
		return -EPERM;
	}
	if (initgroups(user, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid)) {
		int err = errno;

		log_error("could not change to user %s: %s", user, strerror(err));
		return -err;
	}
	return 0;
}

/*
 * After the user is another one: exactly these capabilities, also for the programs that it starts.
 * A user that is not root gets them there only as ambient ones.
 */
static int hand_on(uint64_t bits)
{
	int err = set_caps(bits | BIT(CAP_SETPCAP), bits | BIT(CAP_SETPCAP), 0);

	if (!err)
		err = drop_bounding(bits);
	if (!err && cap_reset_ambient())
		err = -errno;
	if (!err)
		err = set_caps(bits, bits, bits);
	for (cap_value_t value = 0; !err && value < cap_max_bits(); value++)
		if (bits & BIT(value) && cap_set_ambient(value, CAP_SET))
			err = -errno;
	return err;
}

bool caps_hand_on(void)
{
	return setpcap_bit() != 0;
}

bool caps_is_root(const char *user)
{
	char buf[PASSWD_BUF_BYTES];
	struct passwd pw, *found = NULL;

	return !getpwnam_r(user, &pw, buf, sizeof(buf), &found) && found && !pw.pw_uid;
}

static int give_up_all(const char *user, int err)
{
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		log_error("could not give up privileges as user %s: %s", user, strerror(-err));
	return err;
}

int caps_become_with(const char *user, uint64_t bits)
{
	char buf[PASSWD_BUF_BYTES];
	struct passwd pw, *found = NULL;
	int err;

	if (!strcmp(user, CAPS_SAME_USER))
		return give_up_all(user, geteuid() == 0 || bits ? -EPERM : caps_drop_all());
	err = getpwnam_r(user, &pw, buf, sizeof(buf), &found);
	if (err || !found) {
		log_error("could not change to user %s: %s; create this user, "
			  "or name another one in the configuration",
			  user, err ? strerror(err) : "there is no such user");
		return err ? -err : -ENOENT;
	}
	/* Otherwise the change of the user would clear the permitted ones. */
	if (bits && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return -errno;
	err = become_ids(user, &pw);
	if (err)
		return err;
	return give_up_all(user, bits ? hand_on(bits) : caps_drop_all());
}

int caps_become(const char *user)
{
	return caps_become_with(user, 0);
}

/* CAP_IPC_LOCK lifts the limit. Without it, the soft limit can only be raised to the hard one. */
static void raise_memlock(void)
{
	struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};

	if (!setrlimit(RLIMIT_MEMLOCK, &lim) || getrlimit(RLIMIT_MEMLOCK, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &lim))
		log_debug("could not raise the limit of locked memory: %s", strerror(errno));
}

static bool has_effective(cap_value_t value)
{
	cap_t caps = cap_get_proc();
	bool has = caps && is_effective(caps, value);

	if (caps)
		(void)cap_free(caps);
	return has;
}

const char *caps_realtime_advice(bool has_sys_nice)
{
	if (!has_sys_nice)
		return "give the daemon CAP_SYS_NICE";
	return "its control group may have no time for real-time processes "
	       "(cpu.rt_runtime_us, cgroup v1), "
	       "or a filter of system calls forbids it";
}

void caps_realtime(int priority)
{
	const struct sched_param param = {.sched_priority = priority};

	/* No RLIMIT_RTTIME: the kernel would kill the daemon when the hypervisor takes its CPU. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param)) {
		int err = errno;

		log_warn("could not get real-time priority (SCHED_FIFO %d): %s; "
			 "adverts may be late on a busy node; %s",
			 priority, strerror(err),
			 caps_realtime_advice(has_effective(CAP_SYS_NICE)));
	}
	raise_memlock();
	/*
	 * MCL_ONFAULT locks a page when it is first used: unused parts of libraries cost nothing.
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warn("could not lock memory: %s; adverts may be late when the node swaps; "
			 "give the daemon CAP_IPC_LOCK",
			 strerror(errno));
}

void caps_leave_realtime(void)
{
	const struct sched_param param = {.sched_priority = 0};

	if (sched_setscheduler(0, SCHED_OTHER, &param))
		log_warn("could not return to ordinary scheduling (SCHED_OTHER): %s",
			 strerror(errno));
}

/*
 * A child of a daemon that the OOM killer must not choose is no more protected than any process. A
 * value that makes the daemon a likelier choice is left alone. Signal-safe.
 */
static int oom_ordinary(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char first = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (read(fd, &first, 1) < 0 || (first == '-' && pwrite(fd, "0\n", 2, 0) < 0))
		err = -errno;
	close(fd);
	return err;
}

void caps_ordinary(void)
{
	int err;

	caps_leave_realtime();
	if (munlockall())
		log_warn("could not unlock memory: %s", strerror(errno));
	err = oom_ordinary();
	if (err)
		log_warn("could not return to the ordinary OOM score: %s; "
			 "the OOM killer spares this process as it does the daemon",
			 strerror(-err));
}
