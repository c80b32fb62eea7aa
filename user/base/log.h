/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log lines to the journal (when started by systemd) or stderr: one line per event, `LEVEL
 * message`, with key=value pairs where a script may look. Never a secret.
 */
#ifndef HOKM_LOG_H
#define HOKM_LOG_H

#include <stdbool.h>

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };

/* Level below which lines are dropped; process-wide, set at start and by ctl log-level. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* "error" | "warn" | "info" | "debug"; -EINVAL for anything else. */
int log_level_from_name(const char *name, enum log_level *out);
const char *log_level_name(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LVL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LVL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LVL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LVL_DEBUG, __VA_ARGS__)

#endif
