/* SPDX-License-Identifier: GPL-2.0-only */
/* See report.h. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/out.h"
#include "test/report.h"

static const char *const categories[] = {
	[TEST_CONNECTIVITY] = "connectivity",
	[TEST_HEALTH] = "health",
	[TEST_GAME] = "game",
	[TEST_VRRP] = "vrrp",
	[TEST_FAILOVER] = "failover",
	[TEST_DNS] = "dns",
	[TEST_NOTIFY] = "notify",
};

const char *test_category_name(enum test_category c)
{
	return c < TEST_CATEGORIES ? categories[c] : "?";
}

enum test_category test_category_find(const char *name)
{
	enum test_category c = 0;

	while (c < TEST_CATEGORIES && strcmp(categories[c], name) != 0)
		c++;
	return c;
}

const char *test_result_name(enum test_result r)
{
	static const char *const names[] = {
		[TEST_SKIP] = "SKIP", [TEST_PASS] = "PASS", [TEST_FAIL] = "FAIL"};

	return names[r];
}

struct test_row *test_add(struct test_report *t, enum test_category c, const char *name,
			  const char *expected)
{
	struct test_row *r;

	if (t->n < TEST_ROWS_MAX)
		t->n++;
	r = &t->rows[t->n - 1];
	*r = (struct test_row){.category = c, .result = TEST_SKIP, .seen = "it was not looked at"};
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->expected, sizeof(r->expected), "%s", expected);
	return r;
}

struct test_row *test_end(struct test_row *r, enum test_result result, const char *seen, ...)
{
	va_list ap;

	r->result = result;
	va_start(ap, seen);
	vsnprintf(r->seen, sizeof(r->seen), seen, ap);
	va_end(ap);
	return r;
}

unsigned int test_count(const struct test_report *t, enum test_result r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n; i++)
		n += t->rows[i].result == r;
	return n;
}

/* ---- text ---- */

static void show_row(const struct test_row *r, unsigned int number, FILE *to)
{
	fprintf(to, "%3u  %s  %s: %s", number, test_result_name(r->result),
		test_category_name(r->category), r->name);
	if (r->took_ns)
		fprintf(to, " (%.2f ms)", (double)r->took_ns / NS_PER_MS);
	if (r->result == TEST_PASS) {
		fprintf(to, ": %s\n", r->seen);
		return;
	}
	if (r->result == TEST_SKIP) {
		fprintf(to, "\n           reason    %s\n", r->seen);
		return;
	}
	fprintf(to, "\n           expected  %s\n           seen      %s\n", r->expected, r->seen);
	if (r->next[0])
		fprintf(to, "           next      %s\n", r->next);
}

void test_show(const struct test_report *t, FILE *to)
{
	for (unsigned int i = 0; i < t->n; i++)
		show_row(&t->rows[i], i + 1, to);
	fprintf(to, "%u passed, %u failed, %u skipped\n", test_count(t, TEST_PASS),
		test_count(t, TEST_FAIL), test_count(t, TEST_SKIP));
}

/* ---- JSON ---- */

static void list_row(const struct test_row *r, unsigned int number, struct out *o)
{
	out_obj_begin(o, NULL);
	out_u64(o, "number", number);
	out_str(o, "category", test_category_name(r->category));
	out_str(o, "name", r->name);
	out_str(o, "result", test_result_name(r->result));
	out_str(o, "expected", r->expected);
	out_str(o, "seen", r->seen);
	out_str(o, "next", r->next);
	out_u64(o, "took_us", r->took_ns / (NS_PER_MS / 1000));
	out_obj_end(o);
}

int test_list(const struct test_report *t, const char *node, FILE *to)
{
	struct out *o = out_open(to, true);

	if (!o)
		return -ENOMEM;
	out_str(o, "node", node);
	out_arr_begin(o, "tests");
	for (unsigned int i = 0; i < t->n; i++)
		list_row(&t->rows[i], i + 1, o);
	out_arr_end(o);
	out_u64(o, "passed", test_count(t, TEST_PASS));
	out_u64(o, "failed", test_count(t, TEST_FAIL));
	out_u64(o, "skipped", test_count(t, TEST_SKIP));
	return out_close(o);
}

/* ---- JUnit XML ---- */

/*
 * XML 1.0 has no way to write most control characters, and a text that was cut may end within a
 * character of UTF-8: only ASCII is written.
 */
static void put_xml(const char *text, FILE *to)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text < ' ' || *text > '~' ? ' ' : *text, to);
		}
}

static void put_attribute(const char *name, const char *value, FILE *to)
{
	fprintf(to, " %s=\"", name);
	put_xml(value, to);
	fputc('"', to);
}

static void put_failure(const struct test_row *r, FILE *to)
{
	fputs("\n      <failure", to);
	put_attribute("message", r->seen, to);
	fputs(">expected: ", to);
	put_xml(r->expected, to);
	fputs("\nseen: ", to);
	put_xml(r->seen, to);
	fputs("\nnext: ", to);
	put_xml(r->next, to);
	fputs("</failure>\n    ", to);
}

static void put_case(const struct test_row *r, unsigned int number, FILE *to)
{
	char name[sizeof(r->name) + 16];

	snprintf(name, sizeof(name), "%u %s", number, r->name);
	fprintf(to, "    <testcase classname=\"hokm-xdp.%s\"", test_category_name(r->category));
	put_attribute("name", name, to);
	fprintf(to, " time=\"%.6f\">", (double)r->took_ns / NS_PER_S);
	if (r->result == TEST_FAIL)
		put_failure(r, to);
	if (r->result == TEST_SKIP) {
		fputs("\n      <skipped", to);
		put_attribute("message", r->seen, to);
		fputs("/>\n    ", to);
	}
	fputs("</testcase>\n", to);
}

static void put_suite(const struct test_report *t, enum test_category c, const char *node, FILE *to)
{
	unsigned int of[TEST_FAIL + 1] = {0};

	for (unsigned int i = 0; i < t->n; i++)
		of[t->rows[i].result] += t->rows[i].category == c;
	if (!of[TEST_SKIP] && !of[TEST_PASS] && !of[TEST_FAIL])
		return;
	fprintf(to, "  <testsuite name=\"hokm-xdp.%s\"", test_category_name(c));
	put_attribute("hostname", node, to);
	fprintf(to, " tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\">\n",
		of[TEST_SKIP] + of[TEST_PASS] + of[TEST_FAIL], of[TEST_FAIL], of[TEST_SKIP]);
	for (unsigned int i = 0; i < t->n; i++)
		if (t->rows[i].category == c)
			put_case(&t->rows[i], i + 1, to);
	fputs("  </testsuite>\n", to);
}

void test_junit(const struct test_report *t, const char *node, FILE *to)
{
	fprintf(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (enum test_category c = 0; c < TEST_CATEGORIES; c++)
		put_suite(t, c, node, to);
	fputs("</testsuites>\n", to);
}
