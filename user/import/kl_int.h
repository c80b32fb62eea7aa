/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of an import share: the state of an import, a rule, and values of lines. */
#ifndef HOKM_KL_INT_H
#define HOKM_KL_INT_H

#include "import/kl_plan.h"

#define KL_ANY "*" /* as the keyword of a rule: every line of the block, which is a list */

/* The state of an import. */
struct kl {
	struct kl_plan *p;
	FILE *errors;
	struct kl_line *instance; /* the one that is imported */
	struct kl_line *mail;     /* the recipients of mail */
	unsigned int missing;
};

/* What is done with one keyword in one block; "" is outside of all blocks. */
struct kl_rule {
	const char *block, *word;
	unsigned int least; /* words behind the keyword */
	void (*fn)(struct kl *k, struct kl_line *l);
	enum kl_verdict verdict;
	const char *why;
};

/* Returns NULL for a keyword without a rule. */
const struct kl_rule *kl_rule_of(const char *block, const char *word);

/*
 * Values of a line, by the index of their word. Each returns true and stores the value, or gives
 * the line its verdict: refused, or left out for an IPv6 address.
 */
bool kl_number(struct kl_line *l, unsigned int at, unsigned int least, unsigned int most,
	       unsigned int *out);
bool kl_seconds(struct kl_line *l, uint64_t *ns);
bool kl_addr(struct kl_line *l, unsigned int at, struct in_addr *out);
bool kl_text(struct kl_line *l, unsigned int at, char *dst, size_t size);

/* The line means the same in the new file, unless it has another verdict already. */
void kl_keep(struct kl_line *l);

#endif
