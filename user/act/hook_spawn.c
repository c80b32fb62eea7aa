/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting a hook from a daemon that runs at real-time priority with locked memory.
 *
 * It uses fork(), not vfork(): between fork and exec the child looks up its user and drops its
 * privileges, which must not happen in the memory of the daemon. Memory locks are not inherited.
 * Everything that may block (the look-up, the exec from disk) happens in the child. The child
 * reports a failure through the status pipe. This pipe is close-on-exec: when it ends without a
 * report, the command runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "act/hook_spawn.h"
#include "base/caps.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/trusted.h"
#include "base/units.h"

#define ENV_MAX  12
#define ENV_TEXT 512
#define PATH_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void set_command(struct hook_item *item, const char command[CONF_PATH_MAX])
{
	char copy[CONF_PATH_MAX], *argv[CONF_ARGS_MAX + 1];

	memcpy(item->command, command, sizeof(item->command));
	memcpy(copy, command, sizeof(copy));
	/* The configuration has no command that cannot be split. */
	if (words_split(copy, argv, CONF_ARGS_MAX) > 0)
		snprintf(item->path, sizeof(item->path), "%s", argv[0]);
}

/* What each command learns of the node. */
static void set_node(struct hook_item *item, const struct conf *c)
{
	size_t len = 0;

	memcpy(item->instance, c->instance, sizeof(item->instance));
	memcpy(item->node, c->nodes[c->self].name, sizeof(item->node));
	for (unsigned int i = 0; i < c->n_vips && i < HOKM_MAX_VIPS; i++) {
		if (i)
			item->vips[len++] = ' ';
		/* There is room for each: INET_ADDRSTRLEN counts a zero, which gives the blank. */
		if (inet_ntop(AF_INET, &c->vips[i], item->vips + len, INET_ADDRSTRLEN))
			len += strlen(item->vips + len);
	}
}

void hook_item_fill(struct hook_item *item, const struct conf *c, enum conf_hook hook,
		    const struct hook_call *call)
{
	memset(item, 0, sizeof(*item));
	item->hook = hook;
	item->call = *call;
	item->timeout_ns = c->hooks.timeout_ns;
	set_command(item, c->hooks.command[hook]);
	memcpy(item->user, c->hooks.user, sizeof(item->user));
	memcpy(item->capabilities, c->hooks.capabilities, sizeof(item->capabilities));
	item->caps = c->hooks.caps;
	set_node(item, c);
}

void hook_item_recover(struct hook_item *item, const struct conf *c, const struct conf_service *svc,
		       unsigned int attempt, const struct hook_call *call)
{
	memset(item, 0, sizeof(*item));
	item->hook = CONF_HOOKS;
	item->call = *call;
	item->timeout_ns = svc->recover.timeout_ns;
	set_command(item, svc->recover.command);
	memcpy(item->user, svc->recover.user, sizeof(item->user));
	memcpy(item->service, svc->name, sizeof(item->service));
	item->attempt = attempt;
	set_node(item, c);
}

const char *hook_item_name(const struct hook_item *item)
{
	return item->service[0] ? "recover" : conf_hook_name(item->hook);
}

const char *hook_state_word(enum hokm_vrrp_state state)
{
	switch (state) {
	case HOKM_VRRP_MASTER:
		return "MASTER";
	case HOKM_VRRP_BACKUP:
		return "BACKUP";
	case HOKM_VRRP_FAULT:
		return "FAULT";
	default:
		return "STOP";
	}
}

/* The environment of a hook: the texts of its variables, and the list for execve(). */
struct hook_env {
	char text[ENV_MAX][ENV_TEXT];
	char *list[ENV_MAX + 1];
	unsigned int n;
};

static void env_add(struct hook_env *e, const char *name, const char *value)
{
	snprintf(e->text[e->n], ENV_TEXT, "%s=%s", name, value);
	e->list[e->n] = e->text[e->n];
	e->list[++e->n] = NULL;
}

static void env_fill(struct hook_env *e, const struct hook_item *item, const char *priority)
{
	static const char *const when[] = {
		[HOOK_BEFORE] = "before", [HOOK_AFTER] = "after", [HOOK_RECOVER] = "recover"};
	char attempt[16];

	e->n = 0;
	env_add(e, "HOKM_INSTANCE", item->instance);
	env_add(e, "HOKM_NODE", item->node);
	env_add(e, "HOKM_STATE", hokm_vrrp_state_name(item->call.state));
	env_add(e, "HOKM_FROM", hokm_vrrp_state_name(item->call.from));
	env_add(e, "HOKM_REASON", hokm_reason_name(item->call.reason));
	env_add(e, "HOKM_PRIORITY", priority);
	env_add(e, "HOKM_VIPS", item->vips);
	env_add(e, "HOKM_WHEN", when[item->call.when]);
	if (item->service[0]) {
		snprintf(attempt, sizeof(attempt), "%u", item->attempt);
		env_add(e, "HOKM_SERVICE", item->service);
		env_add(e, "HOKM_ATTEMPT", attempt);
	}
	memcpy(e->text[e->n], PATH_ENV, sizeof(PATH_ENV));
	e->list[e->n] = e->text[e->n];
	e->list[++e->n] = NULL;
}

static void child_report(int status_fd, const struct hook_failure *f)
{
	ssize_t n = write(status_fd, f, sizeof(*f));

	_exit(n == (ssize_t)sizeof(*f) ? 127 : 126);
}

static void child_fail(int status_fd, enum hook_stage stage, int err)
{
	const struct hook_failure f = {.stage = (int)stage, .err = err};

	child_report(status_fd, &f);
}

/* A user who can change a hook with privileges would have these privileges. */
static void child_trust(int status_fd, const struct hook_item *item)
{
	struct hook_failure f = {.stage = HOOK_STAGE_TRUST, .err = EPERM};

	if ((item->caps || caps_is_root(item->user)) &&
	    !trusted_file(item->path, f.words, sizeof(f.words)))
		child_report(status_fd, &f);
}

/* Resets the signals to what a new program expects: none blocked, none ignored. */
static int child_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* This fails for SIGKILL, SIGSTOP and the signals of libc, as expected. */
	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int child_stdio(int output_fd)
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null_fd < 0)
		return -errno;
	if (dup2(null_fd, 0) < 0 || dup2(output_fd, 1) < 0 || dup2(output_fd, 2) < 0)
		return -errno;
	/*
	 * Descriptors of the daemon are close-on-exec. Those that it inherited at its start may not
	 * be.
	 */
	return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

/* The words of a hook, and the texts that they are in. */
struct hook_args {
	char command[CONF_PATH_MAX];
	char kind[sizeof("INSTANCE")], name[CONF_NAME_MAX], state[8], priority[8];
	char *argv[CONF_ARGS_MAX + 4 + 1];
};

/*
 * Like keepalived's notify, the hooks for several states get four arguments behind their own. Those
 * for one state know it. There are no groups of instances: the first is always INSTANCE.
 */
static int args_fill(struct hook_args *a, const struct hook_item *item)
{
	int n;

	memcpy(a->command, item->command, sizeof(a->command));
	memcpy(a->kind, "INSTANCE", sizeof(a->kind));
	memcpy(a->name, item->instance, sizeof(a->name));
	snprintf(a->state, sizeof(a->state), "%s", hook_state_word(item->call.state));
	snprintf(a->priority, sizeof(a->priority), "%u", item->call.priority);
	n = words_split(a->command, a->argv, CONF_ARGS_MAX);
	if (n < 0)
		return n;
	if (item->hook == CONF_HOOK_BEFORE || item->hook == CONF_HOOK_AFTER) {
		a->argv[n++] = a->kind;
		a->argv[n++] = a->name;
		a->argv[n++] = a->state;
		a->argv[n++] = a->priority;
	}
	a->argv[n] = NULL;
	return 0;
}

/* Runs in the child and never returns. */
static void child(const struct hook_item *item, int output_fd, int status_fd)
{
	struct hook_args args;
	struct hook_env env;
	int err;

	if (setpgid(0, 0) < 0)
		child_fail(status_fd, HOOK_STAGE_SETUP, errno);
	caps_ordinary();
	child_trust(status_fd, item);
	err = caps_become_with(item->user, item->caps);
	if (err)
		child_fail(status_fd, HOOK_STAGE_USER, -err);
	err = child_signals();
	if (!err)
		err = child_stdio(output_fd);
	if (err)
		child_fail(status_fd, HOOK_STAGE_SETUP, -err);
	if (chdir("/") < 0)
		child_fail(status_fd, HOOK_STAGE_SETUP, errno);
	err = args_fill(&args, item);
	if (err)
		child_fail(status_fd, HOOK_STAGE_SETUP, -err);
	env_fill(&env, item, args.priority);
	execve(args.argv[0], args.argv, env.list);
	child_fail(status_fd, HOOK_STAGE_EXEC, errno);
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int hook_spawn(const struct hook_item *item, struct hook_process *out)
{
	int output[2] = {-1, -1}, status[2] = {-1, -1};
	int err = 0;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0 ||
	    fcntl(output[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(status[0], F_SETFL, O_NONBLOCK) < 0) {
		err = -errno;
		goto fail;
	}
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto fail;
	}
	if (!pid)
		child(item, output[1], status[1]);
	/* Parent and child both do this, so that the group exists before it gets a signal. */
	(void)setpgid(pid, pid);
	close(output[1]);
	close(status[1]);
	*out = (struct hook_process){.pid = pid, .output_fd = output[0], .status_fd = status[0]};
	return 0;
fail:
	close_pair(output);
	close_pair(status);
	return err;
}

void hook_report_failure(const struct hook_item *item, const struct hook_failure *f)
{
	char advice[LIMITS_ADVICE];

	limits_advice(f->err, advice);
	if (f->stage == HOOK_STAGE_TRUST)
		log_error("hook %s was not run: it would have privileges, and %s", item->path,
			  f->words);
	else if (f->stage == HOOK_STAGE_USER)
		log_error("hook %s was not run: could not change to user %s: %s%s", item->path,
			  item->user, strerror(f->err), advice);
	else if (f->stage != HOOK_STAGE_EXEC)
		log_error("hook %s was not run: could not set up its process: %s%s", item->path,
			  strerror(f->err), advice);
	else if (advice[0])
		log_error("hook %s was not run: %s%s", item->path, strerror(f->err), advice);
	else
		log_error("hook %s was not run: %s; it must exist and be executable for user %s",
			  item->path, strerror(f->err), item->user);
}
