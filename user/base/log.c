/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One log line is one write(2) to stderr of at most LOG_LINE_MAX bytes, newline included. In the
 * daemon a queue lies between (log_queue.h): a write may block.
 *
 * When systemd started the process (JOURNAL_STREAM is set), a line begins with its priority in the
 * form of sd-daemon(3), for example `<6>`, and the journal adds the time. Otherwise a line begins
 * with the wall-clock time and the level. Control characters are shown as \xNN, so that text from a
 * peer or a hook can neither forge a second line nor move the cursor of a terminal. A line that is
 * too long ends in "...".
 *
 * The level is the only state of the process here. It is atomic, so that any thread may log.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_queue.h"
#include "base/units.h"

static _Atomic enum log_level current_level = LOG_LVL_INFO;

static const struct {
	const char *name;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LVL_ERROR] = {"error", 3},
	[LOG_LVL_WARN] = {"warn", 4},
	[LOG_LVL_INFO] = {"info", 6},
	[LOG_LVL_DEBUG] = {"debug", 7},
};

#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, level);
}

enum log_level log_get_level(void)
{
	return atomic_load(&current_level);
}

int log_level_from_name(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < N_LEVELS; i++) {
		if (!strcmp(name, levels[i].name)) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < N_LEVELS ? levels[level].name : "?";
}

/* Writes the priority, or time and level, to `line`. Returns the length. */
static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	char clock[32];
	int n;

	if (getenv("JOURNAL_STREAM")) {
		n = snprintf(line, size, "<%d>", levels[level].priority);
	} else {
		if (clock_gettime(CLOCK_REALTIME, &ts) || !localtime_r(&ts.tv_sec, &tm) ||
		    !strftime(clock, sizeof(clock), "%Y-%m-%d %H:%M:%S", &tm))
			n = snprintf(line, size, "%s ", levels[level].name);
		else
			n = snprintf(line, size, "%s.%03ld %s ", clock, ts.tv_nsec / 1000000,
				     levels[level].name);
	}
	return n > 0 ? (size_t)n : 0;
}

/* Prefix, text and newline. Returns the length. */
static size_t put_line(char line[LOG_LINE_MAX], enum log_level level, const char *text)
{
	size_t len = put_prefix(line, LOG_LINE_MAX, level);

	text_show(text, line + len, LOG_LINE_MAX - 1 - len);
	len = strlen(line);
	line[len++] = '\n';
	return len;
}

size_t log_lost_line(char *line, uint64_t n)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "%llu log lines were lost here: what reads the log took them too slowly",
		 (unsigned long long)n);
	return put_line(line, LOG_LVL_WARN, text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	/* A caller may log first and return -errno afterwards. */
	const int saved = errno;
	/* Longer than a line, so that text_show() sees when a message does not fit. */
	char text[2 * LOG_LINE_MAX];
	char line[LOG_LINE_MAX];
	va_list ap;
	size_t len;
	int n;

	if ((size_t)level >= N_LEVELS || level > log_get_level())
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		snprintf(text, sizeof(text), "(a log message could not be formatted)");
	len = put_line(line, level, text);
	/* There is no other place to report that stderr itself fails. */
	if (!log_queue_put(line, len) && write(STDERR_FILENO, line, len) < 0)
		errno = saved;
	errno = saved;
}
