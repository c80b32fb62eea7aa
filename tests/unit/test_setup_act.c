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
#include "setup/secret.h"
#include "setup/setup.h"
#include "setup/unit.h"

#define SECRET "0123456789abcdeffedcba98765432100123456789abcdeffedcba9876543210"
#define CONF(secret)                                             \
	"secret = " secret "\nvip = {\"192.168.1.25\"}\n"        \
	"node a { address = \"192.168.1.26\" priority = 110 }\n" \
	"node b { address = \"192.168.1.27\" priority = 100 }\nservice game { port = 8765 }\n"
#define RULES "# Written by hokm-xdp setup, loaded before hokm-xdp starts.\n"
#define STAMP                                                         \
	"# Written by hokm-xdp setup. Every key: hokm-xdp.conf(5).\n" \
	"# Checksum of the rest: "
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
	static const char *const names[] = {
		"nft", "systemctl", "log", "conf", "conf.old", "firewall.nft"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		(void)unlink(in_folder(names[i]));
	return rmdir(folder);
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

static const struct {
	const char *rules, *old;
	bool rules_stay, old_stays;
} removals[] = {
	{RULES "table\n", STAMP "0\n", false, false},
	{"table inet mine {}\n", "secret = x\n", true, true},
	{"# Written by hand\n", "", true, true},
};

static void remove_takes_no_file_and_no_table_of_others(void **state)
{
	char path[128];
	struct setup s = {.config = path, .yes = true};

	(void)state;
	snprintf(path, sizeof(path), "%s", in_folder("conf"));
	assert_int_equal(setup_begin(&s), 0);
	stub("nft", "table inet hokm_xdp");
	for (size_t i = 0; i < COUNT(removals); i++) {
		char *log = NULL;

		(void)unlink(in_folder("log"));
		put("conf", "x", 0600);
		put("conf.old", removals[i].old, 0600);
		put("firewall.nft", removals[i].rules, 0600);
		assert_int_equal(setup_remove(&s), SETUP_DONE);
		assert_false(there("conf"));
		assert_int_equal(there("firewall.nft"), removals[i].rules_stay);
		assert_int_equal(there("conf.old"), removals[i].old_stays);
		(void)setup_read(in_folder("log"), &log);
		if (removals[i].rules_stay && log)
			assert_null(strstr(log, "delete"));
		setup_forget(log);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_that_is_there_gets_a_new_secret),
		cmocka_unit_test(no_copy_stays_readable_for_others),
		cmocka_unit_test(remove_takes_no_file_and_no_table_of_others),
		cmocka_unit_test(a_witness_that_runs_gets_its_new_configuration),
		cmocka_unit_test(no_interrupt_leaves_the_terminal_without_echo),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
