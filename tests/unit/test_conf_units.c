/* SPDX-License-Identifier: GPL-2.0-only */
/* Durations, numbers, names and shown text: words to values and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const struct {
	const char *text;
	int err;
	uint64_t ns;
} durations[] = {
	{"0s", 0, 0},
	{"1ns", 0, 1},
	{"7us", 0, 7000},
	{"500ms", 0, 500000000},
	{"1s", 0, 1000000000},
	{"2m", 0, 120000000000},
	{"0.1s", 0, 100000000},
	{"1.5s", 0, 1500000000},
	{"00.250s", 0, 250000000},
	{"0.000000001s", 0, 1},
	{"1.50us", 0, 1500},
	{"18446744073709551615ns", 0, UINT64_MAX},
	{"18446744073709551616ns", -ERANGE, 0},
	{"18446744073709551615s", -ERANGE, 0},
	{"99999999999999999999999999s", -ERANGE, 0},
	{"0.00000000000000000000000001s", -ERANGE, 0},
	{"0.5ns", -EINVAL, 0},
	{"1.0000000001s", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"5", -EINVAL, 0},
	{"s", -EINVAL, 0},
	{".5s", -EINVAL, 0},
	{"5.s", -EINVAL, 0},
	{"1.2.3s", -EINVAL, 0},
	{"-1s", -EINVAL, 0},
	{"+1s", -EINVAL, 0},
	{" 1s", -EINVAL, 0},
	{"1 s", -EINVAL, 0},
	{"1s ", -EINVAL, 0},
	{"1h", -EINVAL, 0},
	{"1S", -EINVAL, 0},
	{"1sec", -EINVAL, 0},
	{"0x1s", -EINVAL, 0},
};

static void duration_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		uint64_t ns = 0;
		int err = duration_parse(durations[i].text, &ns);

		if (err != durations[i].err || ns != durations[i].ns)
			fail_msg("%s: %d, %llu ns", durations[i].text, err, (unsigned long long)ns);
	}
}

static void duration_out(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "0s"},          {1, "1ns"},           {1500, "1500ns"},
		{2000, "2us"},      {500000000, "500ms"}, {1500000000, "1500ms"},
		{5000000000, "5s"}, {60000000000, "60s"}, {UINT64_MAX, "18446744073709551615ns"},
	};
	char buf[DURATION_TEXT_MAX];
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(duration_format(rows[i].ns, buf), rows[i].text);
		assert_int_equal(duration_parse(buf, &back), 0);
		assert_int_equal(back, rows[i].ns);
	}
}

static void numbers(void **state)
{
	uint64_t n = 7;

	(void)state;
	assert_int_equal(number_parse("0", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(number_parse("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(number_parse("18446744073709551616", &n), -ERANGE);
	assert_int_equal(number_parse("", &n), -EINVAL);
	assert_int_equal(number_parse("-1", &n), -EINVAL);
	assert_int_equal(number_parse("1 ", &n), -EINVAL);
	assert_int_equal(number_parse("0x10", &n), -EINVAL);
	assert_int_equal(number_parse("1.0", &n), -EINVAL);
	assert_true(n == UINT64_MAX);
}

static void names(void **state)
{
	(void)state;
	assert_true(name_valid("a"));
	assert_true(name_valid("node-1_b"));
	assert_true(name_valid("1"));
	assert_false(name_valid(""));
	assert_false(name_valid("-a"));
	assert_false(name_valid("_a"));
	assert_false(name_valid("a.b"));
	assert_false(name_valid("a/b"));
	assert_false(name_valid("a b"));
	assert_false(name_valid("\xc3\xa4"));
}

static void shown_text(void **state)
{
	char buf[16];

	(void)state;
	assert_string_equal(text_show("", buf, sizeof(buf)), "");
	assert_string_equal(text_show("plain", buf, sizeof(buf)), "plain");
	assert_string_equal(text_show("a\nb\x7f", buf, sizeof(buf)), "a\\x0ab\\x7f");
	assert_string_equal(text_show("\xc3\xa4", buf, sizeof(buf)), "\xc3\xa4");
	assert_string_equal(text_show("0123456789ab", buf, sizeof(buf)), "0123456789ab");
	assert_string_equal(text_show("0123456789abc", buf, sizeof(buf)), "0123456789ab...");
	assert_string_equal(text_show("0123456789\n", buf, sizeof(buf)), "0123456789...");
}

static void command_words(void **state)
{
	static const struct {
		const char *text;
		int n;
		const char *words[4];
	} rows[] = {
		{"/bin/true", 1, {"/bin/true"}},
		{"  /bin/x  -a   b ", 3, {"/bin/x", "-a", "b"}},
		{"/bin/x 'a b' \"c 'd\"", 3, {"/bin/x", "a b", "c 'd"}},
		{"/bin/x '' -f'a b'c", 3, {"/bin/x", "", "-fa bc"}},
		{"/bin/x $HOME \\ *", 4, {"/bin/x", "$HOME", "\\", "*"}},
		{"a b c d", 4, {"a", "b", "c", "d"}},
		{"a b c d e", -E2BIG, {NULL}},
		{"/bin/x 'a", -EINVAL, {NULL}},
		{"/bin/x \"a'", -EINVAL, {NULL}},
		{"", -ENOENT, {NULL}},
		{"   ", -ENOENT, {NULL}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char copy[64], *argv[5];

		snprintf(copy, sizeof(copy), "%s", rows[i].text);
		assert_int_equal(words_split(copy, argv, 4), rows[i].n);
		for (int w = 0; w < rows[i].n; w++)
			assert_string_equal(argv[w], rows[i].words[w]);
		if (rows[i].n > 0)
			assert_null(argv[rows[i].n]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_in), cmocka_unit_test(duration_out),
		cmocka_unit_test(numbers),     cmocka_unit_test(names),
		cmocka_unit_test(shown_text),  cmocka_unit_test(command_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
