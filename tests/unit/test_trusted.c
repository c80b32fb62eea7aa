/* SPDX-License-Identifier: GPL-2.0-only */
/* Which paths only root can change. Needs root, to give files away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/trusted.h"
#include "own_netns.h"

#define OTHER 65534

static char top[32];

static const char *in(const char *name)
{
	static char path[4][96];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", top, name);
	return p;
}

static int set_up(void **state)
{
	int fd;

	(void)state;
	memcpy(top, "/tmp/hxtrustXXXXXX", sizeof("/tmp/hxtrustXXXXXX"));
	assert_non_null(mkdtemp(top));
	assert_int_equal(mkdir(in("dir"), 0755), 0);
	assert_int_equal(chmod(in("dir"), 0755), 0);
	fd = open(in("dir/file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"dir/file", "dir/link", "link", "loop"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(in(files[i]));
	assert_int_equal(rmdir(in("dir")), 0);
	return rmdir(top);
}

static void good(const char *name)
{
	char problem[256] = "";

	if (!trusted_file(in(name), problem, sizeof(problem)))
		fail_msg("%s", problem);
}

/* The words name the file or folder at fault. */
static void bad(const char *name, const char *at_fault, const char *words)
{
	char problem[256] = "", want[256];

	assert_false(trusted_file(in(name), problem, sizeof(problem)));
	snprintf(want, sizeof(want), "%s%s", in(at_fault), words);
	assert_string_equal(problem, want);
}

#define OWNER   " does not belong to root"
#define WRITERS " may be written to by another user than root"

static void a_file_that_another_can_change_is_not_trusted(void **state)
{
	(void)state;
	good("dir/file");
	good("dir/../dir//file");
	assert_int_equal(chmod(in("dir/file"), 0757), 0);
	bad("dir/file", "dir/file", WRITERS);
	assert_int_equal(chmod(in("dir/file"), 0775), 0);
	good("dir/file");
	assert_int_equal(chown(in("dir/file"), 0, OTHER), 0);
	bad("dir/file", "dir/file", WRITERS);
	assert_int_equal(chmod(in("dir/file"), 0755), 0);
	good("dir/file");
	assert_int_equal(chown(in("dir/file"), OTHER, 0), 0);
	bad("dir/file", "dir/file", OWNER);
}

static void a_folder_that_another_can_change_is_not_trusted(void **state)
{
	(void)state;
	assert_int_equal(chmod(in("dir"), 0777), 0);
	bad("dir/file", "dir", WRITERS);
	/* As /tmp: others can add files there, and cannot replace root's. */
	assert_int_equal(chmod(in("dir"), 01777), 0);
	good("dir/file");
	assert_int_equal(chmod(in("dir"), 0755), 0);
	assert_int_equal(chown(in("dir"), OTHER, 0), 0);
	bad("dir/file", "dir", OWNER);
}

static void a_link_is_as_good_as_where_it_leads(void **state)
{
	(void)state;
	assert_int_equal(symlink("dir/file", in("link")), 0);
	good("link");
	assert_int_equal(symlink(in("link"), in("dir/link")), 0);
	good("dir/link");
	assert_int_equal(chown(in("dir/file"), OTHER, 0), 0);
	bad("dir/link", "dir/file", OWNER);
	assert_int_equal(chown(in("dir/file"), 0, 0), 0);
	assert_int_equal(lchown(in("link"), OTHER, 0), 0);
	bad("dir/link", "link", OWNER);
	bad("link", "link", OWNER);
}

static void what_leads_nowhere_is_not_trusted(void **state)
{
	char problem[256];

	(void)state;
	bad("none", "none", ": No such file or directory");
	assert_int_equal(symlink("loop", in("loop")), 0);
	bad("loop", "loop", ": Too many levels of symbolic links");
	assert_false(trusted_file("bin/true", problem, sizeof(problem)));
	assert_false(trusted_file("", problem, sizeof(problem)));
}

#define TRUST_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRUST_TEST(a_file_that_another_can_change_is_not_trusted),
		TRUST_TEST(a_folder_that_another_can_change_is_not_trusted),
		TRUST_TEST(a_link_is_as_good_as_where_it_leads),
		TRUST_TEST(what_leads_nowhere_is_not_trusted),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: giving files away needs root\n");
		return OWN_SKIPPED;
	}
	return cmocka_run_group_tests_name("trusted", tests, NULL, NULL);
}
