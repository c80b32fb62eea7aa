/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A configuration of keepalived as a tree of lines: keepalived.conf(5), sections "DESCRIPTION" and
 * "Parameter substitution". Each line has its words, the block that it opens, and later the verdict
 * of the import.
 */
#ifndef HOKM_KL_FILE_H
#define HOKM_KL_FILE_H

#include <stdbool.h>
#include <stdio.h>

#define KL_WORDS_MAX 32 /* words of a line */
#define KL_LINE_MAX  1024
#define KL_WHY_MAX   240
#define KL_DEPTH_MAX 8 /* blocks in blocks, and files in files */
#define KL_LINES_MAX 4096

/* The verdict of a line. */
enum kl_verdict {
	KL_UNKNOWN,  /* no rule has looked at it */
	KL_KEPT,     /* the new configuration means the same */
	KL_CHANGED,  /* it means something else, which `why` states */
	KL_LEFT_OUT, /* nothing stands for it, for the reason in `why` */
	KL_REFUSED,  /* nothing can be imported until the operator has done what `why` states */
};

struct kl_line {
	const char *file; /* of the tree */
	unsigned int number;
	unsigned int n;
	char *word[KL_WORDS_MAX + 1]; /* without quotes; NULL behind the last one */
	bool opens;                   /* a block begins with this line */
	enum kl_verdict verdict;
	char why[KL_WHY_MAX];
	struct kl_line *block, *next;
	char text[KL_LINE_MAX]; /* the words, each with its terminating zero */
};

struct kl_tree; /* opaque */

/*
 * Reads `path` and what it includes. A line that no keepalived would understand, such as a template
 * whose holes are not filled, is an error, which is written to `errors` with its file and line.
 * Returns 0 and *out; -EINVAL for such errors; else -errno, also written. The caller frees *out
 * with kl_free().
 */
int kl_read(const char *path, FILE *errors, struct kl_tree **out);

/* NULL is fine. */
void kl_free(struct kl_tree *t);

/* The first line outside of all blocks; NULL for an empty file. It belongs to the tree. */
struct kl_line *kl_first(const struct kl_tree *t);

/* Gives a line its verdict, and the reason. A reason that is too long is cut. */
void kl_say(struct kl_line *l, enum kl_verdict v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
