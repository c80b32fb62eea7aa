/* SPDX-License-Identifier: GPL-2.0-only */
/* The lock of a node, and whether another process could take it: the folder of the socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lock.h"
#include "own_netns.h"

static struct own_netns ns;
static char root[] = "/tmp/hxlockXXXXXX";
static struct conf conf, other;

static void configure(struct conf *c, const char *socket)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->socket, sizeof(c->socket), "%s/%s", root, socket);
	snprintf(c->file, sizeof(c->file), "%s/hokm-xdp.conf", root);
	c->n_nodes = 1;
	snprintf(c->nodes[0].name, sizeof(c->nodes[0].name), "primary");
}

/* The words of lock_may() contain `words`; NULL: it has none. */
static int may(const struct conf *c, const char *words)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int err;

	assert_non_null(f);
	err = lock_may(c, f);
	assert_int_equal(fclose(f), 0);
	if (words ? !strstr(text, words) : len != 0)
		fail_msg("%d: \"%s\" and not \"%s\"", err, text, words ? words : "");
	free(text);
	return err;
}

static bool is_folder(const char *name, mode_t mode)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return !stat(path, &st) && st.st_mode == (S_IFDIR | mode);
}

static void remove_it(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(remove(path), 0);
}

/* As a start would, and with the same mode. */
static void a_folder_that_was_removed_is_made_again(void **state)
{
	const mode_t was = umask(0077); /* that of the unit */

	(void)state;
	configure(&conf, "run/hokm.sock");
	assert_int_equal(may(&conf, NULL), 0);
	umask(was);
	assert_true(is_folder("run", 0755));
	assert_int_equal(may(&conf, NULL), 0);
	remove_it("run"); /* it is empty */
}

static void one_that_cannot_be_made_is_named(void **state)
{
	FILE *f;
	char path[64];

	(void)state;
	configure(&conf, "above/run/hokm.sock");
	assert_int_equal(may(&conf, "/above/run, the folder of the control socket: No such file"),
			 -ENOENT);
	assert_int_equal(may(&conf, "the folder above it is gone: make it again"), -ENOENT);
	snprintf(path, sizeof(path), "%s/above", root);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(may(&conf, "Not a directory"), -ENOTDIR);
	remove_it("above");
}

/* Whatever socket the other file names, and also while the folder of the first one is away. */
static void two_sockets_are_two_daemons(void **state)
{
	struct node_lock first, second;

	(void)state;
	configure(&conf, "one/hokm.sock");
	configure(&other, "two/hokm.sock");
	assert_int_equal(lock_node(&conf, &first), 0);
	assert_int_equal(lock_node(&conf, &second), -EADDRINUSE);
	assert_int_equal(lock_node(&other, &second), -EADDRINUSE);
	assert_int_equal(second.file, -1);
	remove_it("one/hokm.sock.lock");
	remove_it("one");
	assert_int_equal(lock_node(&conf, &second), -EADDRINUSE);
	unlock_node(&first);
	assert_int_equal(lock_node(&other, &second), 0);
	unlock_node(&second);
	unlock_node(&second); /* nothing to do */
	remove_it("one/hokm.sock.lock");
	remove_it("one");
	remove_it("two/hokm.sock.lock");
	remove_it("two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_that_was_removed_is_made_again),
		cmocka_unit_test(one_that_cannot_be_made_is_named),
		cmocka_unit_test(two_sockets_are_two_daemons),
	};
	int rc;

	own_netns_make(&ns);
	if (!mkdtemp(root))
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	if (rmdir(root))
		rc = rc ? rc : 1;
	return rc;
}
