/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many of the probes over one path a peer did not answer, for status and metrics. Pure; nothing
 * is decided by it.
 *
 * The numbers of probes and answers are compared over windows of PATH_LOSS_NS. The last whole
 * window is shown, so a value is at most two windows old.
 */
#ifndef HOKM_PATH_LOSS_H
#define HOKM_PATH_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#define PATH_LOSS_NS 10000000000ULL

/* All zero at the start. */
struct path_loss {
	uint64_t since_ns;       /* when the present window began; 0: it has not begun */
	uint64_t sent, answered; /* at that moment */
	bool known;              /* a window was whole */
	unsigned int permille;   /* lost in the last whole window */
};

/*
 * sent, answered: how many in all, of the same moment. Nearly all probes had the time to be
 * answered. A number that is smaller than before begins anew.
 */
void path_loss_step(struct path_loss *l, uint64_t sent, uint64_t answered, uint64_t now_ns);

#endif
