/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The limits that the system sets to a process (getrlimit(2)): how many files it may have open, and
 * how many processes its user. A call that meets one fails with an errno that names no limit.
 */
#ifndef HOKM_BASE_LIMITS_H
#define HOKM_BASE_LIMITS_H

#include <stddef.h>

/* Open files that are enough with many clients of the control socket. */
#define LIMITS_FILES 512

/*
 * Raises the limit of open files to LIMITS_FILES where the hard limit allows it. Logs how to raise
 * the hard limit where it does not: the process works as long as what is left is enough.
 */
void limits_raise_files(void);

#define LIMITS_ADVICE 160
/*
 * Which limit err (an errno, or its negative) may come from, and what to do, as a clause that
 * begins with "; ". "" for all other errors. Returns dst.
 */
const char *limits_advice(int err, char dst[LIMITS_ADVICE]);

#endif
