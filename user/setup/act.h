/* SPDX-License-Identifier: GPL-2.0-only */
/* What setup does to the machine, each thing in one place: files, processes, questions. */
#ifndef HOKM_SETUP_ACT_H
#define HOKM_SETUP_ACT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a whole file, and waits for nobody. Returns 0 or -errno; -EINVAL: it is no regular file.
 * The caller frees *text with setup_forget().
 */
int setup_read(const char *path, char **text);

/* Writes a file by rename, so that it is there as a whole or not at all. Returns 0 or -errno. */
int setup_write(const char *path, const char *text, mode_t mode);

/*
 * Makes a file readable for this process's user only, and its own; *changed says whether it was
 * not. `dry`: it only looks. Returns 0 or -errno.
 */
int setup_restrict(const char *path, bool dry, bool *changed);

/* A file is there, and `ours` does not know its text, or it cannot be read. */
bool setup_foreign(const char *path, bool (*ours)(const char *text));

/* Wipes a text and frees it. NULL is fine. */
void setup_forget(char *text);

/*
 * Runs a command, whose words are split as words_split() does. `input` is its stdin, and *output
 * gets what it writes to stdout; the caller frees that. Each may be NULL: then stdin is empty, and
 * stdout that of this process. Returns 0, -ECHILD when it failed, or -errno.
 */
int setup_run(const char *input, char **output, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Asks the operator at the terminal, also where stdin is something else. Returns `yes` at once if
 * that is true; false without a terminal.
 */
bool setup_ask(bool yes, const char *question);

/*
 * Reads one line from a file, or for "-" from stdin, without echo if that is a terminal. Returns 0
 * or -errno; -ENODATA: there is no line. A signal that ends the process finds the terminal as it
 * was.
 */
int setup_read_code(const char *path, char *line, size_t size);

#endif
