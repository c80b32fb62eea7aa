/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Until when the packet path may guess who holds a connection that nobody is known to hold
 * (bpf/guess.h). Pure.
 *
 * It may not as long as every alive peer's replica is complete, because then the packet is
 * nobody's. A connection that was opened just before ownership changed may not be replicated yet,
 * so guesses are given for GUESS_NS after each change, and after the last moment of doubt.
 */
#ifndef HOKM_GUESS_TIME_H
#define HOKM_GUESS_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define GUESS_NS 1000000000ULL

struct guess {
	uint32_t owner;    /* address of the owner, as known at the last step; 0: nobody */
	uint64_t until_ns; /* 0: never */
};

/* Ownership changes now, or nothing is known of it yet. */
void guess_note_change(struct guess *g, uint64_t now_ns);
/* At each tick. sure: every alive peer's replica is complete. */
void guess_step(struct guess *g, bool sure, uint32_t owner, uint64_t now_ns);

#endif
