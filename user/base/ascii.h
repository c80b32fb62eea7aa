/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that others wrote, and that must steer neither a terminal nor a parser: what is not
 * printable ASCII becomes a question mark.
 */
#ifndef HOKM_BASE_ASCII_H
#define HOKM_BASE_ASCII_H

static inline void ascii_only(char *text)
{
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

#endif
