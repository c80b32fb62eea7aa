/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO that gets one line for each change of the state, in the format of keepalived's
 * notify_fifo:
 *
 *   INSTANCE "NAME" STATE PRIORITY
 *
 * A line is written whole or not at all, at the moment of the change, and nothing waits for a
 * reader. The FIFO is open for reading here too, so that lines wait in it while no reader has it
 * open; the oldest 64 KiB of them. A FIFO that others remove or make anew is opened again with the
 * next line. Only act/hooks.c uses this header.
 */
#ifndef HOKM_ACT_HOOK_FIFO_H
#define HOKM_ACT_HOOK_FIFO_H

#include "act/hooks.h"

struct hook_fifo {
	const char *path; /* borrowed; "" for none */
	int fd;           /* -1: none */
	bool full;        /* the last line did not fit, which is logged */
	uint64_t lost;
};

/*
 * Makes the FIFO, for root only, unless there is one; one of the operator keeps its owner and its
 * mode. A failure is logged, and its lines count as lost.
 */
void hook_fifo_open(struct hook_fifo *f, const char *path);
/* The FIFO stays, so that a reader that has it open reads on when the daemon is back. */
void hook_fifo_close(struct hook_fifo *f);
void hook_fifo_write(struct hook_fifo *f, const char *instance, const struct hook_call *call);

#endif
