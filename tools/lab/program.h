/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the small programs of the lab, the demo and the tests share: the clock, numbers and
 * addresses of the command line, signals and commands as input, the limit of open files, error
 * messages. Everything is inline, because most of these programs are one file and link nothing of
 * the project.
 */
#ifndef HOKM_LAB_PROGRAM_H
#define HOKM_LAB_PROGRAM_H

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define PROG_NS_PER_MS 1000000ULL
#define PROG_LINE_MAX  256
/* The same number stands in tools/demo/observe.sh. */
#define PROG_ANSWER_BYTES 512

/* CLOCK_MONOTONIC; 0 when it cannot be read. */
static inline uint64_t prog_now_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 * PROG_NS_PER_MS + (uint64_t)t.tv_nsec;
}

static inline double prog_ms(uint64_t ns)
{
	return (double)ns / (double)PROG_NS_PER_MS;
}

/* For qsort() over uint64_t. */
static inline int prog_by_value(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/*
 * Ends the line of an answer, and sends it. It is filled with spaces up to a multiple of
 * PROG_ANSWER_BYTES: a shell reads so many bytes at once, but a line of any length byte by byte,
 * with several system calls for each.
 */
static inline void prog_answer_end(void)
{
	size_t used = __fpending(stdout) + 1;

	while (used++ % PROG_ANSWER_BYTES)
		putchar(' ');
	putchar('\n');
	fflush(stdout);
}

/* Prints errno after `what`. Returns -errno, never 0. */
static inline int prog_fail(const char *what)
{
	int err = errno;

	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(err));
	return err ? -err : -EIO;
}

/* True when the text is a decimal number from min to max and nothing else. */
static inline bool prog_number(const char *text, unsigned long min, unsigned long max,
			       unsigned long *out)
{
	char *end;

	if (!text || !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return !errno && !*end && *out >= min && *out <= max;
}

static inline bool prog_uint(const char *text, unsigned int min, unsigned int max,
			     unsigned int *out)
{
	unsigned long n;

	if (!prog_number(text, min, max, &n))
		return false;
	*out = (unsigned int)n;
	return true;
}

/* The same for the value of an option, with a message when it is refused. */
static inline bool prog_option(const char *option, const char *text, unsigned int min,
			       unsigned int max, unsigned int *out)
{
	if (prog_uint(text, min, max, out))
		return true;
	fprintf(stderr, "%s: --%s '%s' is not a number from %u to %u\n",
		program_invocation_short_name, option, text, min, max);
	return false;
}

/* "A.B.C.D:PORT" */
static inline bool prog_addr(const char *text, struct sockaddr_in *out)
{
	const char *colon = strchr(text, ':');
	char host[INET_ADDRSTRLEN];
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof(host) ||
	    !prog_number(colon + 1, 1, UINT16_MAX, &port))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

/* A descriptor that can be read once SIGTERM or SIGINT arrived; -errno. */
static inline int prog_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return prog_fail("sigprocmask");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? prog_fail("signalfd") : fd;
}

/* Allows at least `need` open files. 0 or -errno. */
static inline int prog_files(rlim_t need)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return prog_fail("getrlimit");
	if (files.rlim_cur >= need)
		return 0;
	if (files.rlim_max < need) {
		fprintf(stderr, "%s: needs %llu open files, the hard limit is %llu\n",
			program_invocation_short_name, (unsigned long long)need,
			(unsigned long long)files.rlim_max);
		return -EMFILE;
	}
	files.rlim_cur = need;
	return setrlimit(RLIMIT_NOFILE, &files) < 0 ? prog_fail("setrlimit") : 0;
}

/* Allows as many open files as the hard limit. 0 or -errno. */
static inline int prog_files_most(void)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) < 0 ? prog_fail("getrlimit")
						    : prog_files(files.rlim_max);
}

/* Commands on stdin, one a line. */
struct prog_lines {
	char text[PROG_LINE_MAX];
	size_t len;
};

typedef void (*prog_line_fn)(void *arg, char *line);

/* An observer prints its window as JSON (`kind` is its first key), and begins another one. */
struct prog_observer {
	void (*print)(void *arg, const char *kind);
	void (*begin)(void *arg, const char *name);
};

/* Carries a command out: mark NAME, status, quit. True: the program is to end. */
static inline bool prog_observe(const struct prog_observer *o, void *arg, const char *line)
{
	static const char mark[] = "mark ";

	if (!strcmp(line, "quit"))
		return true;
	if (!strcmp(line, "status")) {
		o->print(arg, "status");
	} else if (!strncmp(line, mark, strlen(mark)) && !strpbrk(line, "\"\\")) {
		o->print(arg, "window");
		o->begin(arg, line + strlen(mark));
	} else {
		fprintf(stderr, "%s: unknown command '%s': use mark, status, quit\n",
			program_invocation_short_name, line);
	}
	return false;
}

/*
 * Reads once from stdin and calls fn for each whole line, without its newline. False when no more
 * can come; the program then runs on without commands.
 */
static inline bool prog_lines_read(struct prog_lines *l, prog_line_fn fn, void *arg)
{
	ssize_t n = read(STDIN_FILENO, l->text + l->len, sizeof(l->text) - l->len);
	char *end;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	l->len += (size_t)n;
	while ((end = memchr(l->text, '\n', l->len))) {
		*end = '\0';
		fn(arg, l->text);
		l->len -= (size_t)(end + 1 - l->text);
		memmove(l->text, end + 1, l->len);
	}
	if (l->len == sizeof(l->text)) {
		fprintf(stderr, "%s: a command is too long and was ignored\n",
			program_invocation_short_name);
		l->len = 0;
	}
	return true;
}

#endif
