/* SPDX-License-Identifier: GPL-2.0-only */
/* See hooks_rig.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "hooks_rig.h"
#include "own_netns.h"

void hooks_path(const struct hooks_rig *r, char *buf, size_t size, const char *name)
{
	assert_true(snprintf(buf, size, "%s/%s", r->dir, name) < (int)size);
}

/* Writes a shell script of that name. In it $OUT is the file that hooks_read() reads. */
static void script(struct hooks_rig *r, char *path, size_t size, const char *name, const char *body)
{
	char text[1024];
	int fd, n;

	hooks_path(r, path, size, name);
	n = snprintf(text, sizeof(text), "#!/bin/sh\nOUT=%s\n%s\n", r->out, body);
	assert_true(n > 0 && n < (int)sizeof(text));
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, (size_t)n), n);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
}

void hooks_script(struct hooks_rig *r, enum conf_hook h, const char *body)
{
	script(r, r->conf.hooks.command[h], sizeof(r->conf.hooks.command[h]), conf_hook_name(h),
	       body);
}

void hooks_before(struct hooks_rig *r, const char *body)
{
	hooks_script(r, CONF_HOOK_BEFORE, body);
}

void hooks_after(struct hooks_rig *r, const char *body)
{
	hooks_script(r, CONF_HOOK_AFTER, body);
}

void hooks_add_args(struct hooks_rig *r, enum conf_hook h, const char *args)
{
	char *command = r->conf.hooks.command[h];
	size_t len = strlen(command), size = sizeof(r->conf.hooks.command[h]);

	assert_true(snprintf(command + len, size - len, "%s", args) < (int)(size - len));
}

void hooks_read(const struct hooks_rig *r, char *buf, size_t size)
{
	int fd = open(r->out, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, buf, size - 1);
	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

int hooks_set_up(void **state)
{
	struct hooks_rig *r = calloc(1, sizeof(*r));
	int fd;

	assert_non_null(r);
	memcpy(r->dir, "/tmp/hxhooksXXXXXX", sizeof("/tmp/hxhooksXXXXXX"));
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(chmod(r->dir, 0755), 0);
	hooks_path(r, r->out, sizeof(r->out), "out");
	fd = open(r->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	snprintf(r->conf.instance, sizeof(r->conf.instance), "game one");
	snprintf(r->conf.nodes[0].name, sizeof(r->conf.nodes[0].name), "east");
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "nobody");
	r->conf.hooks.timeout_ns = 20 * NS_PER_S;
	r->conf.n_vips = 2;
	r->conf.vips[0] = own_addr("192.168.1.25");
	r->conf.vips[1] = own_addr("255.255.255.255");
	assert_true(sd_event_new(&r->event) >= 0);
	assert_int_equal(hooks_open(r->event, &r->conf, &r->hooks), 0);
	*state = r;
	return 0;
}

int hooks_tear_down(void **state)
{
	struct hooks_rig *r = *state;
	char path[64];

	hooks_close(r->hooks);
	sd_event_unref(r->event);
	for (enum conf_hook h = 0; h < CONF_HOOKS; h++) {
		hooks_path(r, path, sizeof(path), conf_hook_name(h));
		(void)unlink(path);
	}
	hooks_path(r, path, sizeof(path), "fifo");
	(void)unlink(path);
	assert_int_equal(unlink(r->out), 0);
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

void hooks_call(struct hooks_rig *r, bool is_before, enum hokm_vrrp_state to)
{
	struct hook_call c = {
		.when = is_before ? HOOK_BEFORE : HOOK_AFTER,
		.state = to,
		.from = HOKM_VRRP_BACKUP,
		.reason = HOKM_R_MASTER_DOWN,
		.priority = 110,
	};

	hooks_queue(r->hooks, &c);
}

void hooks_run_all(struct hooks_rig *r, uint64_t deadline_ms)
{
	uint64_t end = clock_now_ns() + deadline_ms * NS_PER_MS;

	while (hooks_busy(r->hooks) && clock_now_ns() < end)
		assert_true(sd_event_run(r->event, 20000) >= 0);
	assert_false(hooks_busy(r->hooks));
}

struct hooks_stats hooks_stats_of(const struct hooks_rig *r)
{
	struct hooks_stats s;

	hooks_get_stats(r->hooks, &s);
	return s;
}

int hooks_prepare(void)
{
	sigset_t child;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: hooks become another user, which needs root\n");
		return OWN_SKIPPED;
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigaddset(&child, SIGTERM); /* as in the daemon: a hook must not inherit it */
	return sigprocmask(SIG_BLOCK, &child, NULL) < 0;
}
