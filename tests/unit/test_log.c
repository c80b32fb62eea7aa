/* SPDX-License-Identifier: GPL-2.0-only */
/* Log lines: form, level, escaping, length, and that one line is one write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define LINE_MAX_BYTES 1024

/* stderr as a packet socket: one write is one packet, so that reading counts the writes. */
struct caught {
	int sock[2];
	int saved;
	char line[4096];
	ssize_t len;
};

static struct caught caught;

static void catch_begin(void)
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, caught.sock),
		0);
	fflush(stderr);
	caught.saved = dup(STDERR_FILENO);
	assert_true(caught.saved >= 0);
	assert_true(dup2(caught.sock[0], STDERR_FILENO) >= 0);
}

/*
 * Restores stderr. The first line is in caught.line, and len is -1 when there was none. Returns the
 * number of writes.
 */
static int catch_end(void)
{
	char rest[4096];
	int writes = 0;

	dup2(caught.saved, STDERR_FILENO);
	close(caught.saved);
	close(caught.sock[0]);
	caught.len = recv(caught.sock[1], caught.line, sizeof(caught.line) - 1, 0);
	if (caught.len > 0) {
		writes = 1;
		caught.line[caught.len] = '\0';
		while (recv(caught.sock[1], rest, sizeof(rest), 0) > 0)
			writes++;
	}
	close(caught.sock[1]);
	return writes;
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LVL_INFO);
	return setenv("JOURNAL_STREAM", "1:2", 1);
}

static void journal_form(void **state)
{
	static const struct {
		enum log_level level;
		const char *line;
	} rows[] = {
		{LOG_LVL_ERROR, "<3>n=7\n"},
		{LOG_LVL_WARN, "<4>n=7\n"},
		{LOG_LVL_INFO, "<6>n=7\n"},
		{LOG_LVL_DEBUG, "<7>n=7\n"},
	};

	(void)state;
	log_set_level(LOG_LVL_DEBUG);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		catch_begin();
		log_line(rows[i].level, "n=%d", 7);
		assert_int_equal(catch_end(), 1);
		assert_string_equal(caught.line, rows[i].line);
	}
}

static void terminal_form(void **state)
{
	int at = -1, y, mo, d, h, mi, s, ms;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	catch_begin();
	log_warn("n=%d", 7);
	assert_int_equal(catch_end(), 1);
	assert_int_equal(sscanf(caught.line, "%4d-%2d-%2d %2d:%2d:%2d.%3d warn n=7%n", &y, &mo, &d,
				&h, &mi, &s, &ms, &at),
			 7);
	assert_string_equal(caught.line + at, "\n");
}

static void levels(void **state)
{
	(void)state;
	for (int set = LOG_LVL_ERROR; set <= LOG_LVL_DEBUG; set++) {
		log_set_level((enum log_level)set);
		assert_int_equal(log_get_level(), set);
		for (int level = LOG_LVL_ERROR; level <= LOG_LVL_DEBUG; level++) {
			catch_begin();
			log_line((enum log_level)level, "x");
			assert_int_equal(catch_end(), level <= set);
		}
	}
}

static void level_names(void **state)
{
	enum log_level level = LOG_LVL_INFO;

	(void)state;
	for (int i = LOG_LVL_ERROR; i <= LOG_LVL_DEBUG; i++) {
		assert_int_equal(log_level_from_name(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_from_name("loud", &level), -EINVAL);
	assert_int_equal(log_level_from_name("", &level), -EINVAL);
	assert_int_equal(level, LOG_LVL_DEBUG);
	assert_string_equal(log_level_name((enum log_level)99), "?");
}

static void escapes(void **state)
{
	(void)state;
	catch_begin();
	log_info("a\nb\r\t\x1b[2J\x7f \xc3\xa4 %s", "%s\n");
	assert_int_equal(catch_end(), 1);
	assert_string_equal(caught.line, "<6>a\\x0ab\\x0d\\x09\\x1b[2J\\x7f \xc3\xa4 %s\\x0a\n");
}

static void long_lines(void **state)
{
	char text[3000];

	(void)state;
	for (size_t len = 1000; len < sizeof(text); len += 7) {
		memset(text, len % 2 ? 'x' : '\n', len);
		text[len] = '\0';
		catch_begin();
		log_info("%s", text);
		assert_int_equal(catch_end(), 1);
		assert_true(caught.len <= LINE_MAX_BYTES);
		assert_int_equal(caught.line[caught.len - 1], '\n');
		assert_ptr_equal(strchr(caught.line, '\n'), caught.line + caught.len - 1);
		if (len >= LINE_MAX_BYTES)
			assert_string_equal(caught.line + caught.len - 4, "...\n");
	}
}

static void keeps_errno(void **state)
{
	int saved;

	(void)state;
	saved = dup(STDERR_FILENO);
	close(STDERR_FILENO);
	errno = ENOSPC;
	log_info("nobody hears this");
	assert_int_equal(errno, ENOSPC);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(journal_form, setup),
		cmocka_unit_test_setup(terminal_form, setup),
		cmocka_unit_test_setup(levels, setup),
		cmocka_unit_test_setup(level_names, setup),
		cmocka_unit_test_setup(escapes, setup),
		cmocka_unit_test_setup(long_lines, setup),
		cmocka_unit_test_setup(keeps_errno, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
