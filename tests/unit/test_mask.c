/* SPDX-License-Identifier: GPL-2.0-only */
/* No part of a secret is left in a text, wherever the text was cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/mask.h"

static void texts(void **state)
{
	static const struct {
		const char *text, *secret, *masked;
	} rows[] = {
		{"the token abcdef is wrong", "abcdef", "the token ****** is wrong"},
		{"abcdef", "abcdef", "******"},
		{"abcdefabcdef, abcdef", "abcdef", "************, ******"},
		{"the text was cut: abcde", "abcdef", "the text was cut: *****"},
		{"the text was cut: abcd", "abcdef", "the text was cut: ****"},
		{"three characters show nothing: abc", "abcdef",
		 "three characters show nothing: abc"},
		{"abcde is none", "abcdef", "abcde is none"},
		{"xaaaa", "aaaab", "x****"},
		{"aaaaaaaa", "aaaa", "********"},
		{"abcd", "abcdef", "****"},
		{"abc", "abc", "abc"}, /* too short for a secret */
		{"nothing is given", "", "nothing is given"},
		{"", "abcdef", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		memcpy(text, rows[i].text, strlen(rows[i].text) + 1);
		mask_secret(text, rows[i].secret);
		assert_string_equal(text, rows[i].masked);
	}
}

/* A text with the secret in it, cut at every length, before and after it was masked. */
static void every_cut(void **state)
{
	static const char secret[] = "0123456789abcdef";
	static const char whole[] = "HTTP 400: your token 0123456789abcdef is bad";

	(void)state;
	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		char text[sizeof(whole)];

		memcpy(text, whole, cut);
		text[cut] = '\0';
		mask_secret(text, secret);
		for (size_t n = MASK_LEAST; n < sizeof(secret); n++) {
			char part[sizeof(secret)] = "";

			memcpy(part, secret, n);
			assert_null(strstr(text, part));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
