/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue between those who log and stderr. A journal that stands still, or a full pipe, blocks
 * write(2) for as long as it lasts. With the queue only the queue's own thread waits.
 *
 * Lines keep their order. While the queue is full, new lines are lost. They are counted, and the
 * first line after them says how many they were.
 *
 * A process without a running queue writes directly. So does a child after fork(), because it has
 * no such thread.
 */
#ifndef HOKM_LOG_QUEUE_H
#define HOKM_LOG_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of a line at most, newline included. */
#define LOG_LINE_MAX 1024

/*
 * Starts the thread, with ordinary priority and all signals blocked. It calls `first` (may be NULL)
 * before anything else: there it gives up privileges. exit(3) stops it. Returns 0 or -errno.
 */
int log_queue_start(int (*first)(void));

/*
 * Writes what is queued and ends the thread. If stderr takes nothing for a second, the rest is
 * lost, and so is each later line of the process. Without a running queue nothing happens.
 */
void log_queue_stop(void);
/* The same; the rest is lost when stderr takes nothing for wait_ms. */
void log_queue_stop_within(unsigned int wait_ms);

/*
 * Takes a line of `len` bytes, newline included. It never waits for stderr. Returns false when
 * there is no queue, so that the caller must write.
 */
bool log_queue_put(const char *line, size_t len);

/* How many lines were lost since the start. */
uint64_t log_queue_lost(void);

/* In log.c: writes prefix, text and newline to `line` of LOG_LINE_MAX bytes. Returns the length. */
size_t log_lost_line(char *line, uint64_t n);

#endif
