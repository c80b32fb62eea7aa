/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both programs write in an entry of conns: its state and flags, and its close code.
 *
 * The two programs run on different CPUs, and a FIN of each side may pass at the same moment. With
 * plain stores one of them would be lost, and the connection would never be over. So these fields
 * are changed by atomic operations on the 32-bit word in which they lie.
 *
 * Invariants
 *  - Of several changes at the same moment each counts, and exactly one of them sets ENDED or the
 *    close code.
 *  - Atomic operations with a result are full barriers for all CPUs (also on arm64).
 *  - A field of one byte with one writer (target) is stored plainly: a compare-and-swap of another
 *    CPU then fails and is tried again.
 */
#ifndef HOKM_BPF_CONN_WORD_H
#define HOKM_BPF_CONN_WORD_H

#include "packet.h"

/* The word of tcp_state, target, flags and close_side. */
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, tcp_state) % 4 == 0, "a word of its own");
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, flags) ==
		       HOKM_OFFSETOF(struct hokm_conn, tcp_state) + 2,
	       "flags are the third byte");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes of a word");
#define WORD_FLAGS 16 /* shift of the flags */
#define WORD_SIDE  24 /* shift of close_side */

static __always_inline __u32 *conn_word(struct hokm_conn *c)
{
	return (__u32 *)&c->tcp_state;
}

/* Sets a flag of an entry that other CPUs can see. */
static __always_inline void conn_flag(struct hokm_conn *c, __u32 flag)
{
	__sync_fetch_and_or(conn_word(c), flag << WORD_FLAGS);
}

/* What happens to the TCP state, for conn_move(). MOVE_NONE: a side begins to close, no more. */
#define MOVE_NONE       0
#define MOVE_FIN_CLIENT 1
#define MOVE_FIN_SERVER 2
#define MOVE_RESET      3

/* The word after the move; the same word when the move changes nothing. */
static __always_inline __u32 word_moved(__u32 word, __u32 move, __u32 side)
{
	__u32 first = move == MOVE_FIN_CLIENT ? HOKM_TCP_FIN_CLIENT : HOKM_TCP_FIN_SERVER;
	__u32 other = move == MOVE_FIN_CLIENT ? HOKM_TCP_FIN_SERVER : HOKM_TCP_FIN_CLIENT;
	__u32 state = word & 0xff, to = first;

	if (state == HOKM_TCP_CLOSED || state == HOKM_TCP_RESET)
		return word;
	if (move == MOVE_NONE)
		to = state;
	else if (move == MOVE_RESET)
		to = HOKM_TCP_RESET;
	else if (state == first)
		return word;
	else if (state == other)
		to = HOKM_TCP_CLOSED;
	if (to == HOKM_TCP_CLOSED || to == HOKM_TCP_RESET)
		word |= HOKM_CONN_ENDED << WORD_FLAGS;
	if (!(word >> WORD_SIDE))
		word |= side << WORD_SIDE;
	return (word & ~0xffU) | to;
}

/* Tries of conn_move(): other CPUs change the word a few times in the life of a connection. */
#define MOVE_TRIES 8

/*
 * Moves the TCP state. The other program may move it at the same moment; each of the two moves
 * counts, and one of them ends the connection. Returns the new state, or 0 when nothing changed.
 *
 * A function of its own for the verifier, for the reason given at event_conn().
 */
__noinline int conn_move(struct hokm_conn *c, __u32 move, __u32 side)
{
	__u32 word, moved;

	if (!c)
		return 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < MOVE_TRIES; i++) {
		word = *(volatile __u32 *)conn_word(c);
		moved = word_moved(word, move, side);
		if (moved == word)
			return 0;
		if (__sync_val_compare_and_swap(conn_word(c), word, moved) == word)
			return moved & 0xff;
	}
	return 0;
}

/*
 * Takes the place of the close code. Returns false when there is one: both programs may find a
 * close frame at the same moment, and one of them is the first.
 */
_Static_assert(HOKM_OFFSETOF(struct hokm_conn, rsv16) ==
		       HOKM_OFFSETOF(struct hokm_conn, close_code) + 2,
	       "the other half of the word is zero");
static __always_inline bool close_code_take(struct hokm_conn *c, __u32 code)
{
	return !c->close_code && !__sync_val_compare_and_swap((__u32 *)&c->close_code, 0, code);
}

#endif
