/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp notify`.
 *
 * status and history read the files that the notifier writes, so that they work while the daemon
 * does not. test sends a message itself, in a child process that is confined like the notifier,
 * because answers from the network are not parsed as root (rule 10, docs/architecture.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent_child.h"
#include "agent/notifier.h"
#include "agent/notify_store.h"
#include "agent/sandbox.h"
#include "base/clock.h"
#include "base/units.h"

#define DEFAULT_CONF "/etc/hokm-xdp/hokm-xdp.conf"
#define FILE_MAX     (2 * STORE_HISTORY_MAX)
#define HISTORY_ROWS 50

struct call {
	const char *file, *operand;
	bool json, monitor;
	struct conf *conf;
};

/* ---- files of the notifier ---- */

/* The folder belongs to a user without privileges: its files are not trusted. */
static char *read_file(const struct call *k, const char *name, int *err)
{
	char folder[2 * CONF_PATH_MAX];
	int dir, fd;
	char *text = calloc(1, FILE_MAX + 1);
	ssize_t n = -1;

	store_folder(k->conf, folder, sizeof(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*err = !text ? ENOMEM : fd < 0 ? errno : 0;
	if (!*err) {
		n = read(fd, text, FILE_MAX);
		*err = n < 0 ? errno : 0;
	}
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	if (*err) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static long long number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *moment(long long s, char *dst, size_t size)
{
	time_t t = (time_t)s;
	struct tm tm;

	if (!s || !localtime_r(&t, &tm) || !strftime(dst, size, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(dst, size, "never");
	return dst;
}

static int no_file(const struct call *k, int err)
{
	if (err == ENOENT)
		fprintf(stderr, "hokm-xdp notify: the notifier of this %s has not run yet\n",
			k->monitor ? "monitor" : "node");
	else
		fprintf(stderr, "hokm-xdp notify: its files cannot be read: %s\n", strerror(err));
	return 1;
}

/* ---- status ---- */

static void show_channel(const json_t *c)
{
	char when[48], name[64], type[32], circuit[32], text[256];

	printf("%s (%s)\n", text_show(text_of(c, "name"), name, sizeof(name)),
	       text_show(text_of(c, "type"), type, sizeof(type)));
	printf("  circuit:   %s", text_show(text_of(c, "circuit"), circuit, sizeof(circuit)));
	if (number_of(c, "retry_in_s"))
		printf(", was to be tried again in %lld s", number_of(c, "retry_in_s"));
	printf("\n  waiting:   %lld events, %lld dropped, %lld problems open\n",
	       number_of(c, "waiting"), number_of(c, "dropped"), number_of(c, "open_problems"));
	printf("  messages:  %lld delivered, %lld attempts failed, %lld refused for good\n",
	       number_of(c, "delivered"), number_of(c, "failed"), number_of(c, "refused"));
	printf("  delivered: %s\n", moment(number_of(c, "last_delivered"), when, sizeof(when)));
	if (text_of(c, "last")[0])
		printf("  last:      %s\n", text_show(text_of(c, "last"), text, sizeof(text)));
	if (text_of(c, "problem")[0])
		printf("  problem:   %s\n", text_show(text_of(c, "problem"), text, sizeof(text)));
}

static int show_status(struct call *k)
{
	int err;
	char *text = read_file(k, "status", &err), when[48];
	json_t *all, *c;
	size_t i;

	if (!text)
		return no_file(k, err);
	all = json_loads(text, 0, NULL);
	free(text);
	if (!json_is_object(all)) {
		json_decref(all);
		return no_file(k, EBADMSG);
	}
	if (k->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("state of %s\n", moment(number_of(all, "at"), when, sizeof(when)));
		json_array_foreach (json_object_get(all, "channels"), i, c)
			show_channel(c);
	}
	json_decref(all);
	return 0;
}

/* ---- history ---- */

static void show_row(const struct call *k, const char *line)
{
	char when[48], name[64], result[16], title[256], detail[256];
	json_t *row = json_loads(line, 0, NULL);

	if (!row)
		return;
	if (k->json)
		puts(line);
	else
		printf("%s  %-10s %-9s %s  (%s)\n",
		       moment(number_of(row, "time"), when, sizeof(when)),
		       text_show(text_of(row, "channel"), name, sizeof(name)),
		       text_show(text_of(row, "result"), result, sizeof(result)),
		       text_show(text_of(row, "title"), title, sizeof(title)),
		       text_show(text_of(row, "detail"), detail, sizeof(detail)));
	json_decref(row);
}

/* The newest rows; --json shows all of them. */
static const char *newest(const struct call *k, const char *text)
{
	const char *p = text + strlen(text);
	unsigned int rows = 0;

	if (k->json)
		return text;
	while (p > text && (p[-1] != '\n' || rows++ <= HISTORY_ROWS - 1))
		p--;
	return p;
}

static int show_history(struct call *k)
{
	static const char *const names[] = {"history.1", "history"};
	bool found = false;
	int err = 0;

	for (size_t i = k->json ? 0 : 1; i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = read_file(k, names[i], &err), *save = NULL, *at;

		if (!text)
			continue;
		found = true;
		at = text + (newest(k, text) - text);
		for (at = strtok_r(at, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
			show_row(k, at);
		free(text);
	}
	return found ? 0 : no_file(k, err);
}

/* ---- test ---- */

static void print_end(const struct channel *c, const struct delivery *d, void *arg)
{
	static const char *const results[] = {"delivered", "failed", "refused"};
	int *left = arg;

	printf("%s: %s: %s\n", c->conf.name, results[d->result % 3], d->detail);
	if (d->result == DELIVER_OK)
		--*left;
}

static void fill_test(struct notify_event *e)
{
	memset(e, 0, sizeof(*e));
	e->kind = NOTIFY_K_TEST;
	e->severity = NOTIFY_CRITICAL;
	e->reason = HOKM_R_OPERATOR;
	e->at = engine_now(clock_now_ns());
	snprintf(e->text, sizeof(e->text), "test message of hokm-xdp: nothing has happened");
}

static bool is_running(const struct engine *e)
{
	for (unsigned int i = 0; i < e->n; i++)
		if (e->channels[i].delivery)
			return true;
	return false;
}

static int send_test(const struct notify_who *who, const struct conf_notify *list, unsigned int n)
{
	int left = (int)n, err;
	struct notify_event event;
	struct engine e;

	err = sandbox_warm_up();
	if (!err)
		err = engine_open(&e, print_end, &left);
	if (!err)
		err = sandbox_enter_with_names();
	if (err)
		return 1;
	for (unsigned int i = 0; i < n; i++)
		if (list[i].problem[0])
			printf("%s: failed: %s\n", list[i].name, list[i].problem);
	engine_configure(&e, who, list, n);
	for (unsigned int i = 0; i < e.n; i++)
		e.channels[i].conf.rules = (struct notify_conf){.kinds = ~0u, .per_hour = 3600};
	fill_test(&event);
	engine_take(&e, &event, clock_now_ns());
	engine_run(&e, clock_now_ns());
	while (is_running(&e)) {
		engine_wait(&e, -1, 1000, clock_now_ns());
		engine_run(&e, clock_now_ns());
	}
	engine_close(&e);
	fflush(stdout);
	return left ? 1 : 0;
}

static unsigned int choose(const struct call *k, struct conf_notify *list)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < k->conf->n_notify; i++)
		if (!k->operand || !strcmp(k->operand, k->conf->notify[i].name))
			list[n++] = k->conf->notify[i];
	return n;
}

static int run_test(struct call *k)
{
	struct conf_notify list[CONF_NOTIFY_MAX];
	unsigned int n = choose(k, list);
	struct notify_who who;
	int status = 0;
	pid_t pid;

	if (!n) {
		fprintf(stderr, "hokm-xdp notify: there is no channel%s%s in %s\n",
			k->operand ? " " : "", k->operand ? k->operand : "", k->conf->file);
		return 1;
	}
	notifier_who(k->conf, &who);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(geteuid() == 0 && agent_become(k->conf->agent_user)
			      ? 1
			      : send_test(&who, list, n));
	explicit_bzero(list, sizeof(list));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- the table ---- */

/* What the commands are called, in the order of `commands`. */
static const struct command_row words[] = {
	{"test", "send a test message now on CHANNEL, or on all channels"},
	{"status", "circuit, queue and counters of each channel"},
	{"history", "the deliveries so far, the newest last"},
	{NULL, NULL},
};

static const struct {
	bool operand; /* takes a channel */
	int (*run)(struct call *k);
} commands[] = {
	{true, run_test},
	{false, show_status},
	{false, show_history},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))
_Static_assert(N_COMMANDS + 1 == sizeof(words) / sizeof(words[0]), "a row for each word");

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration (" DEFAULT_CONF ")"},
	{"monitor", 'm', false, NULL, "of the DNS monitor of this machine, not of its node"},
	{"json", 'j', false, NULL, "print JSON"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "done"},
	{"1", "a channel did not take the message, or there is nothing to show"},
	{"64", "the command line is wrong"},
	{"78", "the configuration cannot be used"},
	{NULL, NULL},
};

const struct command notify_command = {
	.name = "notify",
	.operands = "COMMAND [CHANNEL]",
	.summary = "notifications: try a channel, see queue and deliveries",
	.about = "Shows what the notifier of this node did, "
		 "also while the daemon does not run, or sends a test message.",
	.options = options,
	.words = words,
	.exits = exits,
};

static int run_command(size_t at, struct call *k)
{
	/* On a machine that is no node the channels can be tested, too. */
	FILE *quiet = fopen("/dev/null", "we");
	int err = conf_load(k->file, true, quiet ? quiet : stderr, &k->conf), code;

	if (quiet)
		fclose(quiet);
	if (err) {
		err = conf_load(k->file, false, stderr, &k->conf);
		if (!err && k->conf->dns.mode == CONF_DNS_MONITOR)
			k->monitor = true;
	}
	if (err)
		return EX_CONFIG;
	if (k->monitor)
		conf_dns_as_monitor(k->conf);
	code = commands[at].run(k);
	conf_free(k->conf);
	return fflush(stdout) || ferror(stdout) ? EX_IOERR : code;
}

/* The place of a command, N_COMMANDS when there is none of this name. */
static size_t find_command(const char *name)
{
	size_t at = 0;

	while (at < N_COMMANDS && strcmp(name, words[at].name) != 0)
		at++;
	return at;
}

/* 0, COMMAND_HELP or COMMAND_BAD. */
static int parse(struct command_line *l, struct call *k, size_t *at)
{
	int what;

	while ((what = command_next(l)) > 0) {
		if (what == 'j') {
			k->json = true;
		} else if (what == 'm') {
			k->monitor = true;
		} else if (what == 'c') {
			k->file = l->value;
		} else if (*at == N_COMMANDS) {
			*at = find_command(l->value);
			if (*at == N_COMMANDS)
				return command_wrong(l, "there is no command %s", l->value);
		} else if (commands[*at].operand && !k->operand) {
			k->operand = l->value;
		} else {
			return command_wrong(l, "there is a word too many: %s", l->value);
		}
	}
	return what || *at < N_COMMANDS ? what : command_wrong(l, "name a command");
}

int notify_main(int argc, char **argv)
{
	struct call k = {.file = DEFAULT_CONF};
	size_t at = N_COMMANDS;
	struct command_line l;
	int what;

	command_begin(&l, &notify_command, argc, argv, stdout, stderr);
	what = parse(&l, &k, &at);
	if (what)
		return what == COMMAND_HELP ? EX_OK : EX_USAGE;
	return run_command(at, &k);
}
