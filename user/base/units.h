/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the configuration and the values they stand for: durations with their unit, numbers,
 * names. All functions are pure: they have no state and do no I/O.
 */
#ifndef HOKM_UNITS_H
#define HOKM_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that duration_format() needs, with the terminating zero. */
#define DURATION_TEXT_MAX 32

/*
 * Parses a duration such as "500ms", "1.5s" or "2m": digits with at most one decimal point, then
 * one of the units ns, us, ms, s, m. Stores nanoseconds in *ns. Returns 0, -EINVAL when the text is
 * no duration or is finer than a nanosecond, or -ERANGE when the value does not fit in 64 bits.
 */
int duration_parse(const char *text, uint64_t *ns);

/*
 * Writes `ns` as the shortest whole number that is exact: 1500 ms as "1500ms", 2 s as "2s". Returns
 * buf.
 */
const char *duration_format(uint64_t ns, char buf[DURATION_TEXT_MAX]);

/* Parses a number of decimal digits only. Returns 0, -EINVAL or -ERANGE. */
int number_parse(const char *text, uint64_t *out);

/*
 * Returns true for a name of letters, digits, '-' and '_' that begins with a letter or a digit.
 * Such a name can be part of the name of a pin or a file.
 */
bool name_valid(const char *text);

/*
 * Splits a command into its words, in place: blanks part them, and '...' or "..." keeps blanks and
 * the other quote. Nothing else is special. argv has room for `most` words and NULL behind them.
 * Returns their number, -EINVAL when a quote is not closed, -E2BIG, or -ENOENT when there is none.
 */
int words_split(char *text, char **argv, int most);

/*
 * Copies `text` into `dst` in a form that is safe to show: each control character becomes \xNN, and
 * a text that does not fit ends in "...". `size` is at least 8. Returns dst.
 */
const char *text_show(const char *text, char *dst, size_t size);

#endif
