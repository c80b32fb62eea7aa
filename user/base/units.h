/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the configuration as values and back: durations with their unit, numbers, names. Pure.
 */
#ifndef HOKM_UNITS_H
#define HOKM_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DURATION_TEXT_MAX 32

/*
 * "500ms", "1.5s", "2m": digits, at most one point, and a unit of ns, us, ms, s, m. 0, -EINVAL when
 * it is none (also when it is finer than a nanosecond), -ERANGE when it does not fit in 64 bits.
 */
int duration_parse(const char *text, uint64_t *ns);

/* The shortest whole number that says it exactly: 1500 ms as "1500ms", 2 s as "2s". Returns buf. */
const char *duration_format(uint64_t ns, char buf[DURATION_TEXT_MAX]);

/* Decimal digits only. 0, -EINVAL or -ERANGE. */
int number_parse(const char *text, uint64_t *out);

/*
 * Letters, digits, '-' and '_', beginning with a letter or digit: fit for a pin's and a file's
 * name.
 */
bool name_valid(const char *text);

/*
 * Copies text into dst for showing to people: control characters as \xNN, cut with "..." when it is
 * too long. size >= 8. Returns dst.
 */
const char *text_show(const char *text, char *dst, size_t size);

#endif
