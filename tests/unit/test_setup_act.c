/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `hokm-xdp setup` does to files, units and the terminal, in a folder of its own and with
 * stubs of nft and systemctl, which note how they were called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "setup/act.h"
#include "setup/replace.h"
#include "setup/secret.h"
#include "setup/setup.h"
#include "setup/unit.h"

#define SECRET "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210"
#define CONF(secret)                                             \
	"secret = " secret "\nvip = {\"192.168.1.25\"}\n"        \
	"node a { address = \"192.168.1.26\" priority = 110 }\n" \
	"node b { address = \"192.168.1.27\" priority = 100 }\nservice game { port = 8765 }\n"
#define POSTRM   "tools/packaging/debian/hokm-xdp.postrm"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/hokm-setup-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[4][128];
	static unsigned int next;
	char *to = path[next++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", folder, name);
	return to;
}

static void put(const char *name, const char *text, mode_t mode)
{
	assert_int_equal(setup_write(in_folder(name), text, mode), 0);
}

static bool there(const char *name)
{
	return !access(in_folder(name), F_OK);
}

static void stub(const char *name, const char *says)
{
	char text[512];

	snprintf(text, sizeof(text), "#!/bin/sh\necho \"%s $*\" >>%s/log\necho '%s'\n", name,
		 folder, says);
	put(name, text, 0700);
}

static int begin(void **state)
{
	char path[1024];

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s:%s", folder, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int end(void **state)
{
	(void)state;
	return setup_run(NULL, NULL, "rm -r %s", folder);
}

/* Text as setup writes it, with a line that a person added to it if `edited`. */
static void put_made(const char *name, enum setup_file kind, const char *body, bool edited)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(setup_stamp(kind, body, to), 0);
	if (edited)
		fprintf(to, "# mine\n");
	assert_int_equal(fclose(to), 0);
	put(name, text, 0600);
	free(text);
}

/* ---- the secret ---- */

static const struct {
	const char *conf; /* NULL: there is none */
	mode_t mode;
	int err;
	const char *found; /* the secret, or a word of the message */
} secrets[] = {
	{NULL, 0, 0, NULL},
	{CONF("\"" SECRET "\""), 0600, 0, SECRET},
	{CONF("\"handwritten secret\""), 0600, 0, "handwritten secret"},
	{CONF("\"" SECRET "\""), 0644, -EINVAL, "others may use this file"},
	{CONF("\"" SECRET), 0600, -EINVAL, "move it away"},
	{CONF("{\"" SECRET "\", \"handwritten secret\"}"), 0600, -EINVAL, "two secrets"},
	{CONF("\"" SECRET SECRET "\""), 0600, -EINVAL, "cannot write"},
	{CONF("'a secret with a \"'"), 0600, -EINVAL, "cannot write"},
};

static void no_file_that_is_there_gets_a_new_secret(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(secrets); i++) {
		char secret[GENKEY_TEXT_MAX] = "", *said;
		size_t size;
		FILE *errors = open_memstream(&said, &size);
		int err;

		assert_non_null(errors);
		(void)unlink(in_folder("conf"));
		if (secrets[i].conf)
			put("conf", secrets[i].conf, secrets[i].mode);
		err = setup_secret(in_folder("conf"), errors, secret);
		assert_int_equal(fclose(errors), 0);
		if (err != secrets[i].err || (!err && strlen(said)) ||
		    (secrets[i].found && !strstr(err ? said : secret, secrets[i].found)))
			fail_msg("row %zu: %d, %s", i, err, said);
		assert_int_equal(strlen(secret) >= 16, !err);
		free(said);
	}
}

/* ---- files ---- */

static void no_copy_stays_readable_for_others(void **state)
{
	struct stat st;
	bool changed;

	(void)state;
	put("conf", "x", 0644);
	assert_int_equal(setup_restrict(in_folder("conf"), true, &changed), 0);
	assert_true(changed);
	assert_int_equal(stat(in_folder("conf"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(setup_restrict(in_folder("conf"), false, &changed), 0);
	assert_true(changed);
	assert_int_equal(stat(in_folder("conf"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(setup_restrict(in_folder("conf"), false, &changed), 0);
	assert_false(changed);
}

enum work { NONE, MADE, EDITED, OTHERS };

/* A configuration of other machines. A file with errors ends the removal. */
#define GROUP                               \
	"secret = \"sixteen characters\"\n" \
	"node a { address = 192.0.2.1 }\n"  \
	"node b { address = 192.0.2.2 }\n"

static void put_work(const char *name, enum setup_file kind, enum work work)
{
	(void)unlink(in_folder(name));
	if (work == OTHERS)
		put(name, "# Written by hand\n" GROUP, 0600);
	else if (work != NONE)
		put_made(name, kind, GROUP, work == EDITED);
}

/* What --remove must leave: all but what is as setup wrote it. */
static const enum work removals[][3] = {
	/* configuration, its copy, table */
	{MADE, NONE, MADE},     {EDITED, NONE, MADE},     {OTHERS, EDITED, MADE},
	{MADE, EDITED, EDITED}, {EDITED, OTHERS, OTHERS}, {MADE, OTHERS, NONE},
	{NONE, NONE, NONE},     {MADE, MADE, MADE},
};

static bool keeps(const char *name, enum work work)
{
	return there(name) == (work == EDITED || work == OTHERS);
}

static bool table_deleted(void)
{
	char *log = NULL;
	bool deleted;

	(void)setup_read(in_folder("log"), &log);
	deleted = log && strstr(log, "nft delete");
	setup_forget(log);
	return deleted;
}

static void remove_takes_nothing_that_a_person_edited(void **state)
{
	char path[128];
	struct setup s = {.config = path, .yes = true};

	(void)state;
	snprintf(path, sizeof(path), "%s", in_folder("conf"));
	assert_int_equal(setup_begin(&s), 0);
	stub("nft", "table inet hokm_xdp");
	for (size_t i = 0; i < COUNT(removals); i++) {
		const enum work *w = removals[i];

		(void)unlink(in_folder("log"));
		put_work("conf", SETUP_FILE_CONF, w[0]);
		put_work("conf.old", SETUP_FILE_CONF, w[1]);
		put_work("firewall.nft", SETUP_FILE_RULES, w[2]);
		assert_int_equal(setup_remove(&s), SETUP_DONE);
		if (!keeps("conf", w[0]) || !keeps("conf.old", w[1]) ||
		    !keeps("firewall.nft", w[2]))
			fail_msg("row %zu", i);
		assert_int_equal(table_deleted(), w[2] == MADE);
	}
}

/* The folder may be that of another user: a pipe must not hold up root. */
static void no_pipe_is_read(void **state)
{
	char *text;

	(void)state;
	assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
	alarm(5);
	assert_int_equal(setup_read(in_folder("pipe"), &text), -EINVAL);
	assert_null(text);
	assert_true(setup_foreign(in_folder("pipe"), setup_unedited));
	alarm(0);
	assert_int_equal(unlink(in_folder("pipe")), 0);
}

static void no_former_file_is_overwritten_by_the_next(void **state)
{
	char text[8], name[SETUP_OLD_NAME];

	(void)state;
	for (unsigned int i = 0; i <= SETUP_OLD_MAX; i++) {
		const int full = i == SETUP_OLD_MAX;

		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(setup_keep_old(in_folder("c"), text, name), full ? -EDQUOT : 0);
		/* The same once more needs no second copy. */
		assert_int_equal(setup_keep_old(in_folder("c"), "0", name), 0);
	}
	for (unsigned int i = 0; i < SETUP_OLD_MAX; i++) {
		char *kept;

		snprintf(text, sizeof(text), "%u", i);
		setup_old_name(in_folder("c"), i, name);
		assert_int_equal(setup_read(name, &kept), 0);
		assert_string_equal(kept, text);
		setup_forget(kept);
	}
}

/* The script of the package has the program no more: it compares the stamps itself. */
static void purge_takes_no_table_that_a_person_edited(void **state)
{
	static const char *const files[] = {"firewall.nft", "hokm-xdp.conf.old.2"};
	char script[512];

	(void)state;
	stub("nft", "");
	snprintf(script, sizeof(script),
		 "#!/bin/sh\nsed 's,/etc/,%s/etc/,g; s,/var/,%s/var/,g; s,/run/,%s/run/,g' " POSTRM
		 " | sh -s purge 2>'%s/said'\n",
		 folder, folder, folder, folder);
	put("purge", script, 0700);
	for (enum work w = MADE; w <= OTHERS; w++) {
		(void)unlink(in_folder("log"));
		(void)mkdir(in_folder("etc"), 0700);
		(void)mkdir(in_folder("etc/hokm-xdp"), 0700);
		put_work("etc/hokm-xdp/hokm-xdp.conf", SETUP_FILE_CONF, w);
		for (size_t i = 0; i < COUNT(files); i++) {
			char name[64];

			snprintf(name, sizeof(name), "etc/hokm-xdp/%s", files[i]);
			put_work(name, SETUP_FILE_RULES, w);
		}
		assert_int_equal(setup_run(NULL, NULL, "%s", in_folder("purge")), 0);
		assert_false(there("etc/hokm-xdp/hokm-xdp.conf"));
		assert_int_equal(there("etc/hokm-xdp/firewall.nft"), w != MADE);
		assert_int_equal(there("etc/hokm-xdp/hokm-xdp.conf.old.2"), w != MADE);
		assert_int_equal(there("etc/hokm-xdp"), w != MADE);
		assert_int_equal(table_deleted(), w == MADE);
	}
}

/* ---- units ---- */

static void a_witness_that_runs_gets_its_new_configuration(void **state)
{
	static const char *const calls[] = {
		"systemctl enable --now u\n",
		"systemctl enable --now u\nsystemctl reload u\n",
		"systemctl enable u\nsystemctl restart u\n",
	};

	(void)state;
	stub("systemctl", "");
	for (size_t i = 0; i < COUNT(calls); i++) {
		const struct setup s = {.unit = "u", .witness = i == 2};
		const struct setup_facts f = {.daemon_here = i == 1};
		char *log;

		(void)unlink(in_folder("log"));
		assert_int_equal(setup_start(&s, &f), 0);
		assert_int_equal(setup_read(in_folder("log"), &log), 0);
		assert_string_equal(log, calls[i]);
		setup_forget(log);
	}
}

/* ---- the terminal ---- */

static bool echoes(int tty)
{
	struct termios t;

	assert_int_equal(tcgetattr(tty, &t), 0);
	return t.c_lflag & ECHO;
}

/* Waits for up to 30 s. */
static void wait_for_echo(int tty, bool wanted)
{
	const struct timespec step = {.tv_nsec = 10000000};

	for (int i = 0; i < 3000 && echoes(tty) != wanted; i++)
		(void)nanosleep(&step, NULL);
	assert_int_equal(echoes(tty), wanted);
}

static void ask_on(int tty)
{
	char line[64];

	signal(SIGINT, SIG_DFL);
	if (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) || dup2(tty, 0) < 0)
		_exit(9);
	_exit(setup_read_code("-", line, sizeof(line)) || strcmp(line, "code\n") != 0);
}

static void no_interrupt_leaves_the_terminal_without_echo(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *typed = i ? "\003" : "code\n";
		int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty, status;
		pid_t pid;

		assert_true(master >= 0);
		assert_int_equal(grantpt(master) || unlockpt(master), 0);
		tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(tty >= 0);
		pid = fork();
		if (!pid)
			ask_on(tty);
		assert_true(pid > 0);
		wait_for_echo(tty, false);
		assert_int_equal(write(master, typed, strlen(typed)), strlen(typed));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(echoes(tty));
		if (i)
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
		else
			assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
		close(tty);
		close(master);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_that_is_there_gets_a_new_secret),
		cmocka_unit_test(no_copy_stays_readable_for_others),
		cmocka_unit_test(remove_takes_nothing_that_a_person_edited),
		cmocka_unit_test(no_pipe_is_read),
		cmocka_unit_test(no_former_file_is_overwritten_by_the_next),
		cmocka_unit_test(purge_takes_no_table_that_a_person_edited),
		cmocka_unit_test(a_witness_that_runs_gets_its_new_configuration),
		cmocka_unit_test(no_interrupt_leaves_the_terminal_without_echo),
	};

	/* setup runs its own program, /proc/self/exe, with a command: that is this one here. */
	(void)argv;
	if (argc > 1)
		return 0;
	return cmocka_run_group_tests(tests, begin, end);
}
