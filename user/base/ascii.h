/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that others wrote, and that must steer neither a terminal nor a parser: what is not
 * printable ASCII becomes a question mark.
 */
#ifndef HOKM_BASE_ASCII_H
#define HOKM_BASE_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline void ascii_only(char *text)
{
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Does the text end within `size` bytes, and is all of it printable? */
static inline bool ascii_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len < size;
}

#endif
