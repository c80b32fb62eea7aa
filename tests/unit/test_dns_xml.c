/* SPDX-License-Identifier: GPL-2.0-only */
/* What a provider sends as XML: whole documents, and those that are made to do harm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/dns_xml.h"

#define NAME_MAX_SENT 8192
#define PATH_ROOM     512 /* of the reader */

struct seen {
	unsigned int n;
	char path[64], text[64];
	const char *stop_at;
};

static int note(const char *path, const char *text, void *arg)
{
	struct seen *s = arg;

	s->n++;
	snprintf(s->path, sizeof(s->path), "%s", path);
	snprintf(s->text, sizeof(s->text), "%s", text);
	return s->stop_at && !strcmp(s->stop_at, path);
}

static int read_xml(const char *body, struct seen *s)
{
	return dns_xml(body, strlen(body), note, s);
}

static void elements_have_their_path_and_text(void **state)
{
	struct seen s = {0};

	(void)state;
	assert_int_equal(read_xml("<a><b>one</b><c/></a>", &s), 0);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.path, "/a");
	s = (struct seen){.stop_at = "/a/b"};
	assert_int_equal(read_xml("<a><b>one</b><c/></a>", &s), -1);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.text, "one");
}

/*
 * A name that has no room is refused, and nothing is written outside of the reader's buffers. After
 * the parser was stopped expat still reports the end of an empty element.
 */
static void a_long_name_writes_nowhere(void **state)
{
	static char body[NAME_MAX_SENT + 16];
	struct seen s;

	(void)state;
	for (size_t len = 1; len <= NAME_MAX_SENT; len *= 2) {
		size_t at = (size_t)snprintf(body, sizeof(body), "<a><");

		memset(body + at, 'x', len);
		snprintf(body + at + len, sizeof(body) - at - len, "/></a>");
		s = (struct seen){0};
		assert_int_equal(read_xml(body, &s), len < PATH_ROOM ? 0 : -EBADMSG);
		assert_int_equal(s.n, len < PATH_ROOM ? 2 : 0);
	}
}

static void what_is_no_whole_document_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "<a>", "<a></b>", "no XML", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct seen s = {0};

		assert_int_equal(read_xml(bad[i], &s), -EBADMSG);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_have_their_path_and_text),
		cmocka_unit_test(a_long_name_writes_nowhere),
		cmocka_unit_test(what_is_no_whole_document_is_refused),
	};

	return cmocka_run_group_tests_name("dns_xml", tests, NULL, NULL);
}
