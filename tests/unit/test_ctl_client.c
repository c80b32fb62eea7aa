/* SPDX-License-Identifier: GPL-2.0-only */
/* `hokm-xdp ctl` from the command line to the exit code, with a server in a child process. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/client.h"
#include "conf/conf.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl_rig.h"

#define ARGS_MAX 16

/* What one run printed. */
struct run {
	int code;
	char *out, *err;
};

/* Runs `ctl` with these arguments; NULL ends them. Caller: run_free(). */
static struct run run_words(const char *const *words)
{
	char *argv[ARGS_MAX + 2];
	struct run r = {0};
	size_t len;
	FILE *out = open_memstream(&r.out, &len), *err = open_memstream(&r.err, &len);
	int argc = 0;

	assert_true(out && err);
	argv[argc++] = strdup("ctl");
	for (; *words; words++) {
		assert_true(argc < ARGS_MAX);
		argv[argc++] = strdup(*words);
	}
	argv[argc] = NULL;
	r.code = ctl_run(argc, argv, out, err);
	fclose(out);
	fclose(err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return r;
}

#define RUN(...) run_words((const char *const[]){__VA_ARGS__, NULL})

static void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

static void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("missing \"%s\" in:\n%s", part, text);
}

/* The output and the errors contain these parts; "" means that nothing was printed. Frees r. */
static void expect(struct run r, int code, const char *out, const char *err)
{
	if (r.code != code)
		fail_msg("exit code %d, not %d: %s%s", r.code, code, r.out, r.err);
	assert_part(r.out, out);
	assert_part(r.err, err);
	if (!out[0])
		assert_string_equal(r.out, "");
	if (!err[0])
		assert_string_equal(r.err, "");
	run_free(&r);
}

/* ---- without a daemon ---- */

static void test_help(void **state)
{
	(void)state;
	expect(RUN("--help"), CTL_EXIT_OK, "exit codes", "");
	expect(RUN("-h"), CTL_EXIT_OK, "failover", "");
	expect(RUN("conns", "--help"), CTL_EXIT_OK, "--limit N", "");
	expect(RUN("log-level", "-h"), CTL_EXIT_OK, "usage: hokm-xdp ctl log-level [LEVEL]", "");
	expect(RUN("--words"), CTL_EXIT_OK, "undrain\n", "");
	expect(RUN("--words", "events"), CTL_EXIT_OK, "--follow\n", "");
	expect(RUN("--man"), CTL_EXIT_OK, ".SS ctl log\\-level [LEVEL]\n", "");
}

static void test_tables_agree(void **state)
{
	struct run all = RUN("--help"), man = RUN("--man");

	(void)state;
	for (const struct ctl_command *c = ctl_commands; c->name; c++) {
		struct run one = RUN(c->name, "--help"), words = RUN("--words", c->name);

		assert_part(all.out, c->name);
		assert_part(all.out, c->summary);
		assert_part(one.out, c->summary);
		assert_true(strlen(c->about) > 0);
		assert_part(one.out, c->name);
		assert_part(man.out, ".SS ctl ");
		for (const struct ctl_option *o = c->options; o->name; o++) {
			assert_part(one.out, o->name);
			assert_part(words.out, o->name);
			assert_int_equal(o->kind == CTL_FLAG, o->value == NULL);
			assert_non_null(o->help);
			assert_non_null(o->key);
		}
		run_free(&one);
		run_free(&words);
	}
	run_free(&all);
	run_free(&man);
}

static void test_misuse(void **state)
{
	(void)state;
	expect(run_words((const char *const[]){NULL}), CTL_EXIT_USAGE, "", "a command is missing");
	expect(RUN("frobnicate"), CTL_EXIT_USAGE, "", "there is no command \"frobnicate\"");
	expect(RUN("status", "--frob"), CTL_EXIT_USAGE, "", "status has no option --frob");
	expect(RUN("--frob"), CTL_EXIT_USAGE, "", "there is no option --frob");
	expect(RUN("status", "-x"), CTL_EXIT_USAGE, "", "no option -x");
	expect(RUN("status", "now"), CTL_EXIT_USAGE, "", "status does not take \"now\"");
	expect(RUN("log-level", "info", "warn"), CTL_EXIT_USAGE, "", "not take \"warn\"");
	expect(RUN("conns", "--limit"), CTL_EXIT_USAGE, "", "--limit needs a value: N");
	expect(RUN("conns", "--limit", "0"), CTL_EXIT_USAGE, "", "from 1 to 4194304");
	expect(RUN("conns", "--limit=1x"), CTL_EXIT_USAGE, "", "from 1 to 4194304");
	expect(RUN("conns", "--limit", "99999999999999999999"), CTL_EXIT_USAGE, "", "from 1");
	expect(RUN("conns", "--half-open=yes"), CTL_EXIT_USAGE, "", "takes no value");
	expect(RUN("failover", "--to", ""), CTL_EXIT_USAGE, "", "--to needs a value: NODE");
	expect(RUN("status", "-s", "/x", "-n", "y"), CTL_EXIT_USAGE, "",
	       "--config and --node cannot be used with --socket");
	expect(RUN("status", "-n", "../x"), CTL_EXIT_USAGE, "", "not the name of a node");
	expect(RUN("status", "-c", "/nonexistent/hokm.conf"), CTL_EXIT_USAGE, "",
	       "/nonexistent/hokm.conf");
}

static void test_parse(void **state)
{
	char *argv[] = {(char[]){"ctl"},    (char[]){"-s/run/x.sock"}, (char[]){"events"},
			(char[]){"-f"},     (char[]){"--kind"},        (char[]){"open"},
			(char[]){"--json"}, (char[]){"--kind=drop"},   (char[]){"--recent=7"}};
	struct ctl_call call;
	json_t *want = json_pack("{s:b,s:[s,s],s:i}", "follow", 1, "kinds", "open", "drop",
				 "recent", 7);

	(void)state;
	assert_int_equal(ctl_call_parse(&call, 9, argv, stderr), 0);
	assert_string_equal(call.command->name, "events");
	assert_true(json_equal(call.args, want));
	assert_string_equal(json_string_value(json_object_get(call.options, "socket")),
			    "/run/x.sock");
	assert_true(json_is_true(json_object_get(call.options, "json")));
	ctl_call_free(&call);
	json_decref(want);
}

static void test_no_daemon(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char long_path[300];
	struct ctl_rig r;

	(void)state;
	ctl_rig_dir(&r);
	expect(RUN("status", "-s", r.path), CTL_EXIT_NO_DAEMON, "", "no daemon answers on");
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/dead", r.dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	expect(RUN("status", "-s", sa.sun_path), CTL_EXIT_NO_DAEMON, "", "Connection refused");
	assert_int_equal(unlink(sa.sun_path), 0);
	snprintf(long_path, sizeof(long_path), "/%0290d", 0);
	expect(RUN("status", "-s", long_path), CTL_EXIT_USAGE, "", "too long");
	ctl_rig_join(&r);
}

static void touch(const char *dir, const char *name, bool there)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (!there) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
}

static void test_find(void **state)
{
	json_t *none = json_object(), *named = json_pack("{s:s}", "node", "backup");
	char path[CONF_PATH_MAX], want[CONF_PATH_MAX];
	FILE *err = fopen("/dev/null", "w");
	struct ctl_rig r;

	(void)state;
	assert_non_null(err);
	ctl_rig_dir(&r);
	assert_int_equal(ctl_socket_find(none, r.dir, path, sizeof(path), err), CTL_EXIT_NO_DAEMON);
	touch(r.dir, "primary.sock", true);
	assert_int_equal(ctl_socket_find(none, r.dir, path, sizeof(path), err), CTL_EXIT_OK);
	snprintf(want, sizeof(want), "%s/primary.sock", r.dir);
	assert_string_equal(path, want);
	touch(r.dir, "backup.sock", true);
	assert_int_equal(ctl_socket_find(none, r.dir, path, sizeof(path), err), CTL_EXIT_USAGE);
	assert_int_equal(ctl_socket_find(named, r.dir, path, sizeof(path), err), CTL_EXIT_OK);
	snprintf(want, sizeof(want), "%s/backup.sock", r.dir);
	assert_string_equal(path, want);
	touch(r.dir, "backup.sock", false);
	touch(r.dir, "primary.sock", false);
	fclose(err);
	json_decref(none);
	json_decref(named);
	ctl_rig_join(&r);
}

/* ---- with a daemon ---- */

static int verb_status(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	*data = json_pack("{s:s,s:b,s:[s]}", "node", "backup", "owner", 0, "vips", "192.168.1.25");
	return 0;
}

static int verb_level(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	const char *level = json_string_value(json_object_get(args, "level"));

	(void)arg;
	if (level && strcmp(level, "debug") != 0) {
		snprintf(error, size, "log level is error, warn, info or debug");
		return -EINVAL;
	}
	*data = json_pack("{s:s}", "text", level ? level : "info");
	return 0;
}

static int verb_counters(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	*data = json_pack("{s:{s:{s:i}},s:{s:i}}", "services", "game", "syn", 5, "node",
			  "vrrp_seen", 1);
	return 0;
}

static int verb_failover(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)data;
	snprintf(error, size, "this node is not owner; ask the owner: primary");
	return -EPERM;
}

static const struct ctl_verb daemon_like[] = {
	{.name = "status", .handler = verb_status},
	{.name = "log-level", .handler = verb_level},
	{.name = "counters", .handler = verb_counters},
	{.name = "failover", .handler = verb_failover},
	{.name = NULL},
};

static void test_exit_codes(void **state)
{
	struct ctl_rig r;

	(void)state;
	ctl_rig_fork(&r, daemon_like);
	expect(RUN("-s", r.path, "status"), CTL_EXIT_OK, "is not owner of 192.168.1.25\n", "");
	expect(RUN("status", "--owner", "-s", r.path), CTL_EXIT_NOT_OWNER,
	       "backup (?) is not owner of 192.168.1.25\n", "");
	expect(RUN("status", "--owner", "--json", "-s", r.path), CTL_EXIT_NOT_OWNER,
	       "\"owner\": false", "");
	expect(RUN("failover", "-s", r.path), CTL_EXIT_FAILED, "",
	       "hokm-xdp ctl: this node is not owner; ask the owner: primary\n");
	expect(RUN("log-level", "-s", r.path), CTL_EXIT_OK, "info\n", "");
	expect(RUN("log-level", "debug", "-s", r.path), CTL_EXIT_OK, "debug\n", "");
	expect(RUN("log-level", "loud", "-s", r.path), CTL_EXIT_FAILED, "", "log level is");
	expect(RUN("drain", "-s", r.path), CTL_EXIT_FAILED, "", "no verb \"drain\"");
	expect(RUN("counters", "-s", r.path), CTL_EXIT_OK, "SYNs from clients", "");
	expect(RUN("counters", "--service", "chat", "-s", r.path), CTL_EXIT_FAILED, "",
	       "there is no service \"chat\"");
	ctl_rig_join(&r);
}

static void test_events(void **state)
{
	struct ctl_rig r;
	struct run run;

	(void)state;
	ctl_rig_fork(&r, daemon_like);
	expect(RUN("events", "-s", r.path), CTL_EXIT_OK, "daemon operator event 1 (operator)\n",
	       "");
	run = RUN("events", "--recent", "1", "--json", "-s", r.path);
	assert_int_equal(run.code, 0);
	assert_part(run.out, "\"text\":\"event 3\"}\n");
	assert_null(strstr(run.out, "event 2"));
	run_free(&run);
	expect(RUN("events", "--kind", "open", "-s", r.path), CTL_EXIT_OK, "", "");
	expect(RUN("events", "--kind", "opne", "-s", r.path), CTL_EXIT_FAILED, "",
	       "no such kind of event: opne");
	ctl_rig_join(&r);
}

/* `events -f` prints the events, and exits with an error when the daemon dies. */
static void test_events_until_the_daemon_dies(void **state)
{
	char line[256];
	int fds[2], status;
	struct ctl_rig r;
	pid_t child;
	FILE *in;

	(void)state;
	ctl_rig_fork(&r, daemon_like);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char *argv[] = {(char[]){"ctl"}, (char[]){"events"},
				(char[]){"-f"},  (char[]){"-s"},
				r.path,          NULL};
		FILE *out = fdopen(fds[1], "w");

		/* _exit(): this process must not run the clean-up of the rig. */
		_exit(out ? ctl_run(5, argv, out, stderr) : 99);
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	assert_non_null(in);
	for (int i = 1; i <= 3; i++)
		assert_non_null(fgets(line, sizeof(line), in));
	assert_part(line, "event 3");
	assert_int_equal(kill(r.child, SIGKILL), 0);
	assert_null(fgets(line, sizeof(line), in));
	fclose(in);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CTL_EXIT_NO_DAEMON);
	ctl_rig_join(&r);
}

static void test_denied(void **state)
{
	struct ctl_rig r;
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(geteuid(), 0);
	ctl_rig_fork(&r, daemon_like);
	/* Access is denied first by the mode of the socket, then by the server itself. */
	for (int i = 0; i < 2; i++) {
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			char *argv[] = {(char[]){"ctl"}, (char[]){"status"}, (char[]){"-s"}, r.path,
					NULL};

			if (setgid(65534) || setuid(65534))
				_exit(99);
			_exit(ctl_run(4, argv, stdout, stderr));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), CTL_EXIT_DENIED);
		assert_int_equal(chmod(r.path, 0666), 0);
	}
	ctl_rig_join(&r);
}

/* The kernel accepts connections for a stopped daemon, but no reply comes. */
static void test_stopped_daemon(void **state)
{
	struct ctl_rig r;
	int status;

	(void)state;
	ctl_rig_fork(&r, daemon_like);
	assert_int_equal(kill(r.child, SIGSTOP), 0);
	assert_int_equal(waitpid(r.child, &status, WUNTRACED), r.child);
	expect(RUN("status", "-s", r.path), CTL_EXIT_NO_DAEMON, "", "does not answer within");
	ctl_rig_join(&r);
}

static void test_full_disk(void **state)
{
	char *argv[] = {(char[]){"ctl"}, (char[]){"--help"}, NULL};
	FILE *full = fopen("/dev/full", "w");
	char *err = NULL;
	size_t len;
	FILE *e = open_memstream(&err, &len);

	(void)state;
	assert_true(full && e);
	assert_int_equal(ctl_run(2, argv, full, e), CTL_EXIT_FAILED);
	fclose(full);
	fclose(e);
	assert_part(err, "No space left");
	free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_tables_agree),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_until_the_daemon_dies),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_stopped_daemon),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
