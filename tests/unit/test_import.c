/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configurations of keepalived, imported. Each file in tests/import says in its comments what must
 * hold; keepalived does not see them.
 *
 *   #: OPTION VALUE   what the operator adds: self, peer, priority, instance
 *   #= refused        nothing is imported
 *   #> TEXT           stands in the report, the errors or the new configuration
 *   #! TEXT           stands in none of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/import.h"

#define FILES     "tests/import/*.conf"
#define LEAST     50
#define LINE      512
#define WANTS_MAX 32
#define SECRET    "0123456789abcdeffedcba9876543210"

struct shape {
	struct kl_options opt;
	char instance[LINE];
	bool refused;
	char wants[WANTS_MAX][LINE];
	unsigned int n;
};

static void read_option(struct shape *s, const char *text)
{
	char name[16], value[64];

	assert_int_equal(sscanf(text, "%15s %63s", name, value), 2);
	if (!strcmp(name, "self")) {
		assert_int_equal(inet_pton(AF_INET, value, &s->opt.self), 1);
	} else if (!strcmp(name, "peer")) {
		assert_int_equal(inet_pton(AF_INET, value, &s->opt.peer), 1);
	} else if (!strcmp(name, "priority")) {
		s->opt.peer_priority = (unsigned int)strtoul(value, NULL, 10);
	} else {
		assert_string_equal(name, "instance");
		snprintf(s->instance, sizeof(s->instance), "%s", value);
		s->opt.instance = s->instance;
	}
}

static void read_shape(const char *path, struct shape *s)
{
	FILE *f = fopen(path, "re");
	char line[LINE];

	assert_non_null(f);
	memset(s, 0, sizeof(*s));
	s->opt.port = 8765;
	s->opt.secret = SECRET;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "#: ", 3))
			read_option(s, line + 3);
		else if (!strcmp(line, "#= refused"))
			s->refused = true;
		else if (!strncmp(line, "#> ", 3) || !strncmp(line, "#! ", 3))
			memcpy(s->wants[s->n++], line, LINE);
		assert_in_range(s->n, 0, WANTS_MAX - 1);
	}
	fclose(f);
	assert_true(s->n > 0);
}

/* Report, errors and configuration, one behind the other. The caller frees the result. */
static char *import_all(const char *path, const struct kl_options *opt, int *err)
{
	char *said, *text, *all;
	size_t size;
	FILE *f = open_memstream(&said, &size);

	assert_non_null(f);
	*err = import_file(path, opt, f, f, &text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(!text, *err != 0);
	assert_true(asprintf(&all, "%s%s", said, text ? text : "") > 0);
	free(said);
	free(text);
	return all;
}

static void check_shape(const char *path, unsigned int *wrong)
{
	struct shape s;
	char *all;
	int err;

	read_shape(path, &s);
	all = import_all(path, &s.opt, &err);
	if (err != (s.refused ? -EINVAL : 0)) {
		print_error("%s: error %d:\n%s", path, err, all);
		++*wrong;
	}
	for (unsigned int i = 0; i < s.n; i++)
		if (!strstr(all, s.wants[i] + 3) == (s.wants[i][1] == '>')) {
			print_error("%s: %s\n%s", path, s.wants[i], all);
			++*wrong;
		}
	free(all);
}

static void each_shape_is_imported_or_refused(void **state)
{
	unsigned int wrong = 0;
	glob_t g;

	(void)state;
	assert_int_equal(glob(FILES, 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= LEAST);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_shape(g.gl_pathv[i], &wrong);
	globfree(&g);
	assert_int_equal(wrong, 0);
}

/* ---- files that nobody wrote ---- */

static int import_text(const char *text, size_t len)
{
	const struct kl_options opt = {.port = 8765, .secret = SECRET};
	char path[] = "/tmp/hokm-import-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	free(import_all(path, &opt, &err));
	unlink(path);
	return err;
}

static void a_hostile_file_is_refused(void **state)
{
	char *big = malloc(100000);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 100000);
	assert_int_equal(import_text(big, 100000), -EINVAL);
	memset(big, '{', 1000);
	assert_int_equal(import_text(big, 1000), -EINVAL);
	memset(big, '}', 1000);
	assert_int_equal(import_text(big, 1000), -EINVAL);
	for (size_t i = 0; i + 1 < 100000; i += 2)
		memcpy(big + i, "a\n", 2);
	assert_int_equal(import_text(big, 100000), -EINVAL);
	for (size_t i = 0; i + 1 < 1000; i += 2)
		memcpy(big + i, "a ", 2);
	assert_int_equal(import_text(big, 1000), -EINVAL);
	for (size_t i = 0; i + 2 < 99; i += 3)
		memcpy(big + i, "a {", 3);
	assert_int_equal(import_text(big, 99), -EINVAL);
	free(big);
}

/* Every cut of a good file is refused or imported; none makes the program go wrong. */
static void each_beginning_of_a_file_is_taken(void **state)
{
	char text[8192];
	FILE *f = fopen("tests/import/28-mail.conf", "re");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_int_equal(import_text(text, len), 0);
	for (size_t n = 0; n < len; n += 3) {
		int err = import_text(text, n);

		assert_true(!err || err == -EINVAL);
	}
}

static void a_file_that_includes_itself_ends(void **state)
{
	char path[] = "/tmp/hokm-import-XXXXXX", text[64];
	const struct kl_options opt = {.port = 8765, .secret = SECRET};
	int fd = mkstemp(path), err, n;

	(void)state;
	assert_true(fd >= 0);
	n = snprintf(text, sizeof(text), "include %s\n", path);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	free(import_all(path, &opt, &err));
	unlink(path);
	assert_int_equal(err, -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_is_imported_or_refused),
		cmocka_unit_test(a_hostile_file_is_refused),
		cmocka_unit_test(each_beginning_of_a_file_is_taken),
		cmocka_unit_test(a_file_that_includes_itself_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
