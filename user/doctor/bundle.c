/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See bundle.h. The files are collected in a directory that only this user can enter, tar packs
 * them, and the directory is removed, also after a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor/bundle.h"
#include "doctor/scrub.h"

#define ARGS_MAX 10
/* Of one command. A ruleset or a journal that is longer is cut off. */
#define OUTPUT_MAX (4u << 20)
#define FILES_MAX  32

extern char **environ;

/* What the system's tools are asked. `timeout` ends a tool that does not answer. */
#define TOOL "timeout", "-k", "1", "10"
static const struct {
	const char *name;
	const char *argv[ARGS_MAX];
} tools[] = {
	{"machine-kernel.txt", {TOOL, "uname", "-a"}},
	{"machine-system.txt", {TOOL, "cat", "/etc/os-release"}},
	{"machine-links.txt", {TOOL, "ip", "-d", "-s", "link", "show"}},
	{"machine-addresses.txt", {TOOL, "ip", "address", "show"}},
	{"machine-routes.txt", {TOOL, "ip", "route", "show", "table", "all"}},
	{"machine-rules.txt", {TOOL, "ip", "rule", "show"}},
	{"machine-neighbours.txt", {TOOL, "ip", "neighbour", "show"}},
	{"machine-sysctls.txt", {TOOL, "sysctl", "net.ipv4", "net.core"}},
	{"machine-filters.txt", {TOOL, "nft", "list", "ruleset"}},
	{"machine-bpf-net.txt", {TOOL, "bpftool", "net", "show"}},
	{"machine-bpf-programs.txt", {TOOL, "bpftool", "prog", "show"}},
	{"machine-listeners.txt", {TOOL, "ss", "-ltn"}},
	{"machine-units.txt", {TOOL, "systemctl", "--no-pager", "status", "hokm-xdp.service"}},
	{"machine-journal.txt",
	 {TOOL, "journalctl", "--no-pager", "-u", "hokm-xdp.service", "-n5000"}},
};

struct bundle {
	char dir[64];
	int fd; /* of the directory */
	size_t n;
	const char *names[FILES_MAX];
	struct scrub *scrub;
	FILE *err;
};

static int complain(const struct bundle *b, const char *what, const char *name, int err)
{
	fprintf(b->err, "hokm-xdp doctor: %s %s: %s\n", what, name, strerror(-err));
	return err;
}

/* ---- one file ---- */

static int put(struct bundle *b, const char *name, char *text, size_t len)
{
	int fd, err = 0;
	ssize_t n = 0;

	scrub_text(b->scrub, text, len);
	fd = b->n < FILES_MAX ? openat(b->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)
			      : -1;
	if (fd < 0)
		return complain(b, "cannot write", name, b->n < FILES_MAX ? -errno : -E2BIG);
	b->names[b->n++] = name;
	for (size_t at = 0; !err && at < len; at += (size_t)n) {
		n = write(fd, text + at, len - at);
		err = n < 0 ? -errno : 0;
	}
	if (close(fd) && !err)
		err = -errno;
	return err ? complain(b, "cannot write", name, err) : 0;
}

/* ---- programs ---- */

/* Runs argv[0] of PATH with `out` as its output, and as its errors if `both`. 0 or -errno. */
static int start(const char *const *argv, int out, bool both, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int err = -posix_spawn_file_actions_init(&files);

	if (err)
		return err;
	err = -posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = -posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!err && both)
		err = -posix_spawn_file_actions_adddup2(&files, out, 2);
	if (!err)
		err = -posix_spawnp(pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv,
				    environ);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

/* The exit status; -1 for a program that was ended by a signal. */
static int end_of(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Reads until the end, but keeps only the whole lines that fit: a part of a secret would not be
 * found. Returns the number of bytes kept.
 */
static size_t read_all(int fd, char *text)
{
	char rest[4096] = "";
	size_t len = 0, line = OUTPUT_MAX;

	for (;;) {
		bool room = len < OUTPUT_MAX;
		ssize_t n = read(fd, room ? text + len : rest,
				 room ? OUTPUT_MAX - len : sizeof(rest));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += room ? (size_t)n : 0;
	}
	while (len == OUTPUT_MAX && line > 0 && text[line - 1] != '\n')
		line--;
	return len < OUTPUT_MAX ? len : line;
}

/* A tool that is not installed is no failure: its file has the error. */
static int put_tool(struct bundle *b, size_t i)
{
	char *text = malloc(OUTPUT_MAX);
	int fds[2], err;
	size_t len;
	pid_t pid;

	if (!text || pipe2(fds, O_CLOEXEC)) {
		err = text ? -errno : -ENOMEM;
		free(text);
		return complain(b, "cannot run", tools[i].name, err);
	}
	err = start(tools[i].argv, fds[1], true, &pid);
	close(fds[1]);
	len = err ? (size_t)snprintf(text, OUTPUT_MAX, "not run: %s\n", strerror(-err))
		  : read_all(fds[0], text);
	close(fds[0]);
	if (!err)
		(void)end_of(pid);
	err = put(b, tools[i].name, text, len);
	free(text);
	return err;
}

static int pack(const struct bundle *b, int out)
{
	const char *argv[] = {"tar", "-C", b->dir, "--owner=0", "--group=0", "-cz", ".", NULL};
	pid_t pid;
	int err = start(argv, out, false, &pid);

	if (err)
		return complain(b, "cannot start", "tar", err);
	return end_of(pid) ? complain(b, "the archive is not complete:", "tar", -EIO) : 0;
}

/* ---- the whole ---- */

static int collect(struct bundle *b, struct bundle_text *texts, size_t n)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		if (texts[i].text)
			err = put(b, texts[i].name, texts[i].text, strlen(texts[i].text));
	for (size_t i = 0; !err && i < sizeof(tools) / sizeof(tools[0]); i++)
		err = put_tool(b, i);
	return err;
}

static int open_dir(struct bundle *b)
{
	int err;

	snprintf(b->dir, sizeof(b->dir), "/tmp/hokm-xdp-bundle.XXXXXX");
	if (!mkdtemp(b->dir))
		return complain(b, "cannot make", b->dir, -errno);
	b->fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->fd >= 0)
		return 0;
	err = complain(b, "cannot open", b->dir, -errno);
	(void)rmdir(b->dir);
	return err;
}

static void remove_dir(struct bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (unlinkat(b->fd, b->names[i], 0))
			complain(b, "cannot remove", b->names[i], -errno);
	close(b->fd);
	if (rmdir(b->dir))
		complain(b, "cannot remove", b->dir, -errno);
}

int bundle_write(const char *path, const struct conf *c, struct bundle_text *texts, size_t n,
		 FILE *err_to)
{
	struct bundle b = {.fd = -1, .err = err_to, .scrub = scrub_open(c)};
	int out, err;

	if (!b.scrub)
		return complain(&b, "cannot read", "the secrets", -ENOMEM);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0) {
		err = complain(&b, "cannot create", path, -errno);
		scrub_close(b.scrub);
		return err;
	}
	err = open_dir(&b);
	if (!err)
		err = collect(&b, texts, n);
	if (!err)
		err = pack(&b, out);
	if (b.fd >= 0)
		remove_dir(&b);
	if (close(out) && !err)
		err = complain(&b, "cannot write", path, -errno);
	if (err)
		(void)unlink(path);
	scrub_close(b.scrub);
	return err;
}
