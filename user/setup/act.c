/* SPDX-License-Identifier: GPL-2.0-only */
/* See act.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/units.h"
#include "conf/conf.h"
#include "setup/act.h"

#define WORDS_MAX 12 /* of a command */

/* ---- files ---- */

void setup_forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static int read_all(int fd, char **text)
{
	struct stat st;
	ssize_t n = -1;
	char *to;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	to = calloc(1, (size_t)st.st_size + 1);
	if (to)
		n = pread(fd, to, (size_t)st.st_size, 0);
	if (n < 0) {
		int err = errno ? -errno : -EIO;

		free(to);
		return err;
	}
	*text = to;
	return 0;
}

/* Some files lie in a folder of another user, who may have put a pipe there. */
int setup_read(const char *path, char **text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	*text = NULL;
	if (fd < 0)
		return -errno;
	err = read_all(fd, text);
	close(fd);
	return err;
}

static int write_all(int fd, const char *text)
{
	const ssize_t len = (ssize_t)strlen(text);

	return write(fd, text, (size_t)len) == len ? 0 : errno ? -errno : -EIO;
}

int setup_write(const char *path, const char *text, mode_t mode)
{
	char temporary[CONF_PATH_MAX + 8];
	int fd, err;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

int setup_restrict(const char *path, bool dry, bool *changed)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	*changed = false;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else
		*changed = (st.st_mode & 07777) != 0600 || st.st_uid != geteuid();
	if (*changed && !dry && (fchown(fd, geteuid(), getegid()) || fchmod(fd, 0600)))
		err = -errno;
	close(fd);
	return err;
}

bool setup_foreign(const char *path, bool (*ours)(const char *text))
{
	char *text;
	int err = setup_read(path, &text);
	const bool foreign = err ? err != -ENOENT : !ours(text);

	setup_forget(text);
	return foreign;
}

/* ---- processes ---- */

static int spawn(char *const argv[], int in, int out, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int err = -posix_spawn_file_actions_init(&files);

	if (err)
		return err;
	if (in >= 0)
		err = -posix_spawn_file_actions_adddup2(&files, in, 0);
	else
		err = -posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (!err && out >= 0)
		err = -posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!err)
		err = -posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int run(char *const argv[], const char *input, char **output)
{
	int in = input ? memfd_create("hokm-in", MFD_CLOEXEC) : -1;
	int out = output ? memfd_create("hokm-out", MFD_CLOEXEC) : -1;
	int err = (input && in < 0) || (output && out < 0) ? -errno : 0;
	pid_t pid;

	if (!err && input)
		err = write_all(in, input);
	if (!err && input && lseek(in, 0, SEEK_SET))
		err = -errno;
	/* What is in the buffer comes before what the program prints. */
	fflush(stdout);
	if (!err)
		err = spawn(argv, in, out, &pid);
	if (!err)
		err = wait_for(pid);
	if (!err && output)
		err = read_all(out, output);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}

int setup_run(const char *input, char **output, const char *fmt, ...)
{
	char line[CONF_PATH_MAX + 128], *argv[WORDS_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		return -E2BIG;
	n = words_split(line, argv, WORDS_MAX);
	return n < 0 ? n : run(argv, input, output);
}

/* ---- the operator ---- */

bool setup_ask(bool yes, const char *question)
{
	char answer[16] = "";
	FILE *tty = yes ? NULL : fopen("/dev/tty", "r+e");

	if (!tty)
		return yes;
	fprintf(tty, "%s [y/N] ", question);
	fflush(tty);
	if (!fgets(answer, sizeof(answer), tty))
		answer[0] = '\0';
	fclose(tty);
	return answer[0] == 'y' || answer[0] == 'Y';
}

static int read_line(FILE *from, char *line, size_t size)
{
	return fgets(line, (int)size, from) ? 0 : -ENODATA;
}

/* They end or stop the process while the terminal has no echo. */
static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

#define N_STOPS (sizeof(stops) / sizeof(stops[0]))

static volatile sig_atomic_t stopped_by;

static void note_stop(int signal)
{
	stopped_by = signal;
}

/* Until release_stops() these signals arrive only while wait_for_line() waits. */
static void hold_stops(struct sigaction old[N_STOPS], sigset_t *mask)
{
	const struct sigaction note = {.sa_handler = note_stop};
	sigset_t held;

	stopped_by = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < N_STOPS; i++)
		sigaddset(&held, stops[i]);
	sigprocmask(SIG_BLOCK, &held, mask);
	for (size_t i = 0; i < N_STOPS; i++)
		if (!sigaction(stops[i], NULL, &old[i]) && old[i].sa_handler != SIG_IGN)
			(void)sigaction(stops[i], &note, NULL);
}

/* One that arrived does now what it does without all this. */
static void release_stops(const struct sigaction old[N_STOPS], const sigset_t *mask)
{
	for (size_t i = 0; i < N_STOPS; i++)
		(void)sigaction(stops[i], &old[i], NULL);
	if (stopped_by)
		(void)raise(stopped_by);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static int wait_for_line(const sigset_t *mask)
{
	struct pollfd p = {.fd = 0, .events = POLLIN};

	return ppoll(&p, 1, NULL, mask) < 0 ? -errno : 0;
}

static int read_quietly(char *line, size_t size)
{
	struct sigaction old[N_STOPS];
	struct termios before, quiet;
	sigset_t mask;
	int err;

	if (tcgetattr(0, &before))
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "Paste the code that the first server showed (it is not echoed): ");
	hold_stops(old, &mask);
	err = tcsetattr(0, TCSAFLUSH, &quiet) ? -errno : wait_for_line(&mask);
	if (!err)
		err = read_line(stdin, line, size);
	(void)tcsetattr(0, TCSAFLUSH, &before);
	fputc('\n', stderr);
	release_stops(old, &mask);
	return err;
}

int setup_read_code(const char *path, char *line, size_t size)
{
	FILE *from;
	int err;

	if (!strcmp(path, "-"))
		return isatty(0) ? read_quietly(line, size) : read_line(stdin, line, size);
	from = fopen(path, "re");
	if (!from)
		return -errno;
	err = read_line(from, line, size);
	fclose(from);
	return err;
}
