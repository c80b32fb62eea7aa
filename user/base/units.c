/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsing and formatting of the words of the configuration. Durations are integers of nanoseconds
 * from the first digit on, without floating point, so that "0.1s" is exactly 100 ms.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},
};

#define N_UNITS (sizeof(units) / sizeof(units[0]))

/* Appends one decimal digit to *n. Returns false when the result does not fit. */
static bool push_digit(uint64_t *n, char digit)
{
	return !__builtin_mul_overflow(*n, (uint64_t)10, n) &&
	       !__builtin_add_overflow(*n, (uint64_t)(digit - '0'), n);
}

static uint64_t unit_ns(const char *name)
{
	for (size_t i = 0; i < N_UNITS; i++)
		if (!strcmp(name, units[i].name))
			return units[i].ns;
	return 0;
}

int duration_parse(const char *text, uint64_t *ns)
{
	uint64_t whole = 0, scale = 1, unit, result;
	bool digits = false;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++, digits = true)
		if (!push_digit(&whole, *p))
			return -ERANGE;
	if (digits && *p == '.' && isdigit((unsigned char)p[1])) {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (!push_digit(&whole, *p) ||
			    __builtin_mul_overflow(scale, (uint64_t)10, &scale))
				return -ERANGE;
		}
	}
	unit = unit_ns(p);
	if (!digits || !unit)
		return -EINVAL;
	if (__builtin_mul_overflow(whole, unit, &result))
		return -ERANGE;
	if (result % scale)
		return -EINVAL;
	*ns = result / scale;
	return 0;
}

const char *duration_format(uint64_t ns, char buf[DURATION_TEXT_MAX])
{
	size_t i = 3; /* seconds: "90s" is clearer than minutes */

	while (i > 0 && ns % units[i].ns)
		i--;
	snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
	return buf;
}

int number_parse(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text)
		return -EINVAL;
	for (const char *p = text; *p; p++)
		if (!isdigit((unsigned char)*p))
			return -EINVAL;
	for (const char *p = text; *p; p++)
		if (!push_digit(&n, *p))
			return -ERANGE;
	*out = n;
	return 0;
}

bool name_valid(const char *text)
{
	if (!isalnum((unsigned char)*text))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_')
			return false;
	return true;
}

const char *text_show(const char *text, char *dst, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	const size_t limit = size - sizeof("...");
	size_t at = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c != 0x7f;

		if (at + (plain ? 1 : 4) > limit) {
			memcpy(dst + at, "...", 3);
			at += 3;
			break;
		}
		if (plain) {
			dst[at++] = (char)c;
			continue;
		}
		dst[at++] = '\\';
		dst[at++] = 'x';
		dst[at++] = hex[c >> 4];
		dst[at++] = hex[c & 15];
	}
	dst[at] = '\0';
	return dst;
}

int words_split(char *text, char **argv, int most)
{
	char *to = text, quote = '\0';
	bool inside = false;
	int n = 0;

	for (const char *p = text; *p; p++) {
		if (!quote && *p == ' ') {
			if (inside)
				*to++ = '\0';
			inside = false;
			continue;
		}
		if (!inside && n == most)
			return -E2BIG;
		if (!inside)
			argv[n++] = to;
		inside = true;
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? '\0' : *p;
		else
			*to++ = *p;
	}
	if (quote)
		return -EINVAL;
	*to = '\0';
	argv[n] = NULL;
	return n ? n : -ENOENT;
}
