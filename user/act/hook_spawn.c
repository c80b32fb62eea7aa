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

#include "base/caps.h"
#include "act/hook_spawn.h"

#define ENV_MAX  12
#define ENV_TEXT 512
#define PATH_ENV "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void hook_item_fill(struct hook_item *item, const struct conf *c, const struct hook_call *call)
{
	size_t len = 0;

	memset(item, 0, sizeof(*item));
	item->call = *call;
	item->timeout_ns = c->hooks.timeout_ns;
	memcpy(item->path, call->when == HOOK_BEFORE ? c->hooks.before : c->hooks.after,
	       sizeof(item->path));
	memcpy(item->user, c->hooks.user, sizeof(item->user));
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

/* The states that keepalived passes to its notify scripts. */
static const char *notify_state(enum hokm_vrrp_state state)
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
	e->n = 0;
	env_add(e, "HOKM_INSTANCE", item->instance);
	env_add(e, "HOKM_NODE", item->node);
	env_add(e, "HOKM_STATE", hokm_vrrp_state_name(item->call.state));
	env_add(e, "HOKM_FROM", hokm_vrrp_state_name(item->call.from));
	env_add(e, "HOKM_REASON", hokm_reason_name(item->call.reason));
	env_add(e, "HOKM_PRIORITY", priority);
	env_add(e, "HOKM_VIPS", item->vips);
	env_add(e, "HOKM_WHEN", item->call.when == HOOK_BEFORE ? "before" : "after");
	memcpy(e->text[e->n], PATH_ENV, sizeof(PATH_ENV));
	e->list[e->n] = e->text[e->n];
	e->list[++e->n] = NULL;
}

static void child_fail(int status_fd, enum hook_stage stage, int err)
{
	struct hook_failure f = {.stage = (int)stage, .err = err};
	ssize_t n = write(status_fd, &f, sizeof(f));

	_exit(n == (ssize_t)sizeof(f) ? 127 : 126);
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

/* Runs in the child and never returns. */
static void child(const struct hook_item *item, int output_fd, int status_fd)
{
	struct hook_env env;
	char priority[8], instance_word[] = "INSTANCE", state[8];
	char path[CONF_PATH_MAX], name[CONF_NAME_MAX];
	char *argv[] = {path, instance_word, name, state, priority, NULL};
	int err;

	if (setpgid(0, 0) < 0)
		child_fail(status_fd, HOOK_STAGE_SETUP, errno);
	caps_ordinary();
	err = caps_become(item->user);
	if (err)
		child_fail(status_fd, HOOK_STAGE_USER, -err);
	err = child_signals();
	if (!err)
		err = child_stdio(output_fd);
	if (err)
		child_fail(status_fd, HOOK_STAGE_SETUP, -err);
	if (chdir("/") < 0)
		child_fail(status_fd, HOOK_STAGE_SETUP, errno);
	memcpy(path, item->path, sizeof(path));
	memcpy(name, item->instance, sizeof(name));
	snprintf(state, sizeof(state), "%s", notify_state(item->call.state));
	snprintf(priority, sizeof(priority), "%u", item->call.priority);
	env_fill(&env, item, priority);
	execve(path, argv, env.list);
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
