/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log lines, to the journal when systemd started the process, otherwise to stderr. One event is one
 * line. A line has key=value pairs where a script may look for them, and it never has a secret.
 *
 * Any thread and any child process may log. The level belongs to the process. In the daemon a
 * thread writes the lines (log_queue.h), so that those who log never wait.
 */
#ifndef HOKM_LOG_H
#define HOKM_LOG_H

#include <stdbool.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* Sets the level of the process: lines of a less important level are discarded. Default: info. */
void log_set_level(enum log_level level);

/* Returns the level of the process. */
enum log_level log_get_level(void);

/* Finds the level named "error", "warn", "info" or "debug". Returns 0 or -EINVAL. */
int log_level_from_name(const char *name, enum log_level *out);

/* Returns the name of a level; static, "?" for an unknown value. */
const char *log_level_name(enum log_level level);

/* Writes one line. errno is unchanged afterwards. Callers use the four macros below. */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LVL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LVL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LVL_DEBUG, __VA_ARGS__)

#endif
