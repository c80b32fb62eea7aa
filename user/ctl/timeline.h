/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline of failovers: the records of one or more nodes (serve/record.h) as rows of one
 * order, and the failovers among them. Pure: it reads no clock, no file and no socket.
 *
 *   timeline.c         clocks, and the rows in their order
 *   timeline_find.c    which rows are a failover, and what each row means in it
 *   render_timeline.c  the command
 *
 * All moments are microseconds since boot by the clock of the first record, which is that of the
 * asked daemon. The clock of another node is compared by steered probes: each is signed, tells when
 * it was sent, and the receiver notes when it arrived. With one of each direction the difference of
 * the clocks is known as exactly as the two journeys lasted. Where no probe arrived, or where a
 * node has booted since, the wall clocks decide, and the output names that.
 *
 * A record comes from a file, so nothing in it is taken for granted.
 */
#ifndef HOKM_CTL_TIMELINE_H
#define HOKM_CTL_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_RECORDS_MAX 16
#define TIMELINE_NO          SIZE_MAX

enum timeline_by {
	TIMELINE_OWN,   /* the first record itself */
	TIMELINE_BOTH,  /* a probe of each direction: error_us is the greatest error */
	TIMELINE_ONE,   /* a probe of one direction: error_us is what its journey takes usually */
	TIMELINE_WALL,  /* the wall clocks of the nodes */
	TIMELINE_BOOTED /* the same, because the probes contradict each other */
};

/* A moment of the record's node is `shift_us` later by the clock of the first record. */
struct timeline_clock {
	const char *node; /* of the record */
	int64_t shift_us, error_us;
	enum timeline_by by;
};

struct timeline_row {
	int64_t at_us;
	unsigned int record;
	const json_t *event; /* borrowed from the record */
	size_t order;        /* place in the record */
};

struct timeline {
	struct timeline_clock clocks[TIMELINE_RECORDS_MAX];
	unsigned int n_clocks;
	struct timeline_row *rows; /* the earliest first */
	size_t n;
};

/*
 * Merges the records, at most TIMELINE_RECORDS_MAX; they stay the caller's and must outlive the
 * timeline. 0 or -ENOMEM. Caller: timeline_free().
 */
int timeline_merge(const json_t *const *records, unsigned int n, struct timeline *t);
void timeline_free(struct timeline *t);

/* Rows begin to end-1. The others are the index of a row, or TIMELINE_NO. */
struct failover {
	size_t begin; /* the first signal */
	size_t end;
	size_t decision; /* the former owner gave the VIP up; where nobody did: `owned` */
	size_t owned;    /* a node became owner */
	size_t last;     /* the last connection that came to it */
	unsigned int came;
	const char *from; /* the former owner; NULL: not known */
	bool cut;         /* connections went on to come */
};

/*
 * Writes the failovers whose owner came at `since_us` or later, the earliest first, at most `max`;
 * when there are more, the newest ones. Returns how many.
 */
size_t timeline_find(const struct timeline *t, int64_t since_us, struct failover *list, size_t max);

/* What the row means in the failover: a word, or "". */
const char *timeline_mark(const struct timeline *t, const struct failover *f, size_t row);

/* Texts of an event; "" when it has none. */
const char *timeline_text(const struct timeline_row *row, const char *key);
bool timeline_kernel(const struct timeline_row *row);

#endif
