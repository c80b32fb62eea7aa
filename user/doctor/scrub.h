/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes secrets out of texts that leave this machine. Pure.
 *
 * A secret is found by its value, wherever a text has it: as it is, and as JSON writes it. Each
 * byte of it becomes SCRUB_MARK, so that a text keeps its length and its lines.
 */
#ifndef HOKM_SCRUB_H
#define HOKM_SCRUB_H

#include <stddef.h>

#include "conf/conf.h"

#define SCRUB_MARK '#'
/* A shorter value would also take ordinary words away. No secret of a configuration is so short,
 * except a password of VRRP, which stands in no listing. */
#define SCRUB_MIN 4

struct scrub; /* opaque */

/* With every secret that `c` has; NULL is a configuration without any. NULL: no memory. */
struct scrub *scrub_open(const struct conf *c);
/* Wipes the values and frees. NULL is fine. */
void scrub_close(struct scrub *s);

/* Adds a value. One shorter than SCRUB_MIN is left out. 0 or -ENOMEM. */
int scrub_add(struct scrub *s, const char *value);

/* Marks every secret in text[len]. */
void scrub_text(const struct scrub *s, char *text, size_t len);

#endif
