/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that is killed at its n-th system call: for tests of what a process leaves behind when
 * it ends anywhere.
 *
 * cut_run() is called instead of the function that does the work, and traces a child that does it.
 * What is to happen stands in FOLDER/cut, and what has happened is in FOLDER/ran afterwards. So
 * both processes may be descendants of the test that share no more than a folder with it.
 */
#ifndef HOKM_TESTS_CUT_RIG_H
#define HOKM_TESTS_CUT_RIG_H

#include <stdbool.h>

#define CUT_SENDS 4

struct cut_ran {
	/* System calls that began, by how often it had sent something over the socket `fd`. */
	unsigned int calls[CUT_SENDS];
	bool killed;
	/* of the child, when it first sent something */
	unsigned int uid, seccomp;
	unsigned long long caps;
};

/* Chooses the calls of a run: HOKM_CUT_SEED in the environment, else the time; it is printed. */
unsigned int cut_seed(void);

/* Orders the next one to be killed at its call number `at`, after `sends` sends; 0: never. */
void cut_order(const char *folder, unsigned int sends, unsigned int at);
/* Back to runs without a tracer. */
void cut_off(const char *folder);
/* What the last one did. False when there is no such report. */
bool cut_report(const char *folder, struct cut_ran *ran);

/*
 * Notes that this process works in FOLDER, until its end and that of its children. When another one
 * does, cut_met() is true from then on.
 */
void cut_enter(const char *folder);
bool cut_met(const char *folder);

/* Is there an order? Asked by the process that then calls cut_run(). */
bool cut_wanted(const char *folder);
/*
 * Runs fn(argc, argv), which must not return, in a child. `fd` is its socket, which is open until
 * the report is written. Never returns.
 */
void cut_run(const char *folder, int fd, int (*fn)(int argc, char **argv), int argc, char **argv);

#endif
