/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `hokm-xdp test`; see report.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor/drills.h"
#include "doctor/look.h"
#include "base/units.h"
#include "test/active.h"
#include "test/drill.h"
#include "test/from_facts.h"
#include "test/full_frames.h"
#include "test/players.h"
#include "test/test.h"

enum { EXIT_PASSED, EXIT_FAILED, EXIT_WRONG };
enum {
	OPTION_JUNIT = 128,
	OPTION_CONNECT,
	OPTION_SEND,
	OPTION_YES,
	OPTION_NO_FAILBACK,
	OPTION_WITHIN,
	OPTION_PLAYERS,
	OPTION_WATCH,
	OPTION_SCHEDULED,
	OPTION_SETTLED,
	OPTION_REST,
	OPTION_HISTORY
};

#define LIMIT_NS   NS_PER_S
#define WATCH_NS   (60 * NS_PER_S)
#define WATCH_MAX  (3600 * NS_PER_S)
#define SETTLED_NS (60 * NS_PER_S)
#define REST_NS    (12 * WATCH_MAX)
#define REST_MAX   (366 * 24 * WATCH_MAX)
#define PLAYERS    20

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration of the daemon (" LOOK_CONFIG ")"},
	{"socket", 's', true, "PATH", "path of the daemon's socket"},
	{"node", 'n', true, "NODE", "the daemon of this node, where one machine runs several"},
	{"json", 'j', false, NULL, "print JSON"},
	{"junit", OPTION_JUNIT, false, "FILE", "also write JUnit XML to FILE"},
	{"connect", OPTION_CONNECT, false, "URL",
	 "with game and failover: connect there, such as ws://192.168.1.25:8765/, as a player"},
	{"yes", OPTION_YES, false, NULL, "with failover: do not ask"},
	{"no-failback", OPTION_NO_FAILBACK, false, NULL,
	 "with failover: leave the VIP at the peer, and this node in standby"},
	{"within", OPTION_WITHIN, false, "TIME",
	 "with failover: the longest time until the peer owns, or gap, that passes (1s)"},
	{"players", OPTION_PLAYERS, false, "N",
	 "with failover --connect: connections to keep (20)"},
	{"watch", OPTION_WATCH, false, "TIME", "with failover --connect: for how long (60s)"},
	{"scheduled", OPTION_SCHEDULED, false, NULL,
	 "with failover, by a timer: does not ask, and moves nothing unless this node is the owner "
	 "and the pair is well"},
	{"settled", OPTION_SETTLED, false, "TIME",
	 "with --scheduled: how long this node must have been the owner (1m)"},
	{"rest", OPTION_REST, false, "TIME",
	 "with --scheduled: the shortest time between two drills (720m)"},
	{"history", OPTION_HISTORY, false, NULL, "test nothing: show the drills of the past"},
	{"send", OPTION_SEND, false, NULL, "with notify: send a message to each channel"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row words[] = {
	{"connectivity", "configuration, daemon, interface, VIP, ports, peers"},
	{"health", "each health check once"},
	{"game", "a WebSocket connection through the VIP, with a ping"},
	{"vrrp", "one owner, adverts, passwords, signatures, settings"},
	{"failover", "a drill: moves the VIP and back; only if it is named"},
	{"dns", "what hokm-xdp dns test says"},
	{"notify", "the channels of notifications"},
	{"all", "all of these but failover, the default"},
	{NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "no test failed"},
	{"1", "a test failed"},
	{"2", "the command line is wrong, or nothing could be tested"},
	{NULL, NULL},
};

const struct command test_command = {
	.name = "test",
	.operands = "[CATEGORY ...]",
	.summary = "numbered tests of this node, with what is expected and seen",
	.about =
		"Each test passes, fails, or is skipped with a reason. Nothing is changed and no "
		"player notices: the VIP stays where it is, and notify only connects to the "
		"services, unless --send is given. dns asks the provider. "
		"Only failover moves the VIP, when it is named, on the owner, and after a "
		"question, or with --scheduled as hokm-xdp-drill.timer runs it. With --connect URL "
		"it moves nothing: it watches with players of its own, while the drill runs on the "
		"owner. "
		"On a node the VIP leads to the server of this node, so test the way of the "
		"players from another machine, with game --connect URL: it needs neither "
		"a daemon nor a configuration.",
	.options = options,
	.words = words,
	.exits = exits,
};

struct call {
	bool wanted[TEST_CATEGORIES], any;
	bool drill; /* the category failover is named */
	bool json, send, yes, history;
	uint64_t watch_ns, players;
	struct drill_conf drill_conf;
	const char *junit, *url;
	struct look look;
	struct test_report report;
};

/* ---- command line ---- */

static int take_category(struct call *k, const struct command_line *l)
{
	enum test_category c = test_category_find(l->value);

	k->any = true;
	if (!strcmp(l->value, "all"))
		memset(k->wanted, true, sizeof(k->wanted));
	else if (c == TEST_CATEGORIES)
		return command_wrong(l, "there is no category `%s`", l->value);
	else
		k->wanted[c] = true;
	k->drill |= c == TEST_FAILOVER;
	return 0;
}

static int take_time(const struct command_line *l, uint64_t *ns)
{
	if (duration_parse(l->value, ns) || !*ns || *ns > WATCH_MAX)
		return command_wrong(l, "`%s`: a time up to 60m, such as 500ms", l->value);
	return 0;
}

static int take_rest(const struct command_line *l, uint64_t *ns)
{
	if (duration_parse(l->value, ns) || *ns > REST_MAX)
		return command_wrong(l, "`%s`: a time up to 366 days, such as 720m", l->value);
	return 0;
}

static int take_option(struct call *k, const struct command_line *l, int option)
{
	switch (option) {
	case COMMAND_OPERAND:
		return take_category(k, l);
	case 'j':
		k->json = true;
		return 0;
	case OPTION_JUNIT:
		k->junit = l->value;
		return 0;
	case OPTION_CONNECT:
		k->url = l->value;
		return 0;
	case OPTION_SEND:
		k->send = true;
		return 0;
	case OPTION_YES:
		k->yes = true;
		return 0;
	case OPTION_NO_FAILBACK:
		k->drill_conf.failback = false;
		return 0;
	case OPTION_SCHEDULED:
		k->drill_conf.scheduled = k->yes = true;
		return 0;
	case OPTION_SETTLED:
		return take_time(l, &k->drill_conf.settled_ns);
	case OPTION_REST:
		return take_rest(l, &k->drill_conf.rest_ns);
	case OPTION_HISTORY:
		k->history = true;
		return 0;
	case OPTION_WITHIN:
		return take_time(l, &k->drill_conf.limit_ns);
	case OPTION_WATCH:
		return take_time(l, &k->watch_ns);
	case OPTION_PLAYERS:
		if (number_parse(l->value, &k->players) || !k->players || k->players > PLAYERS_MAX)
			return command_wrong(l, "--players: 1 to %d", PLAYERS_MAX);
		return 0;
	}
	return look_take_option(&k->look, option, l->value) ? COMMAND_BAD : 0;
}

static int parse(struct call *k, struct command_line *l)
{
	for (;;) {
		const int option = command_next(l);
		int err;

		if (option <= 0) {
			if (!k->any)
				memset(k->wanted, true, sizeof(k->wanted));
			return option;
		}
		err = take_option(k, l, option);
		if (err)
			return err;
	}
}

/* ---- the tests ---- */

/* Does a wanted category need the daemon or the configuration? */
static bool needs_node(const struct call *k)
{
	for (enum test_category c = 0; c < TEST_CATEGORIES; c++)
		if (k->wanted[c] && !((c == TEST_GAME || c == TEST_FAILOVER) && k->url))
			return true;
	return false;
}

static bool agreed(const struct call *k)
{
	char line[16] = "";

	if (k->yes)
		return true;
	fprintf(stderr, "The VIP moves to a peer%s. Go on? Type yes: ",
		k->drill_conf.failback ? ", and back" : "");
	return fgets(line, sizeof(line), stdin) && !strcmp(line, "yes\n");
}

static void run_drill(struct call *k)
{
	const struct drill_conf *c = &k->drill_conf;
	const enum drill_end end = drill_run(&k->look, c, &k->report);
	char path[CONF_PATH_MAX], why[192];
	int err;

	if (end == DRILL_NOTHING)
		return;
	err = drill_keep(&k->look, c, end, &k->report, path);
	if (err)
		fprintf(stderr, "hokm-xdp test: the drill could not be noted in %s: %s\n", path,
			strerror(-err));
	if (end == DRILL_RAN && drill_tell(&k->look, &k->report, why, sizeof(why)))
		fprintf(stderr, "hokm-xdp test: the daemon could not report the drill: %s\n", why);
	/* A timer would go on without --rest, and nobody would read the message. */
	if (err && c->scheduled)
		test_end(test_add(&k->report, TEST_FAILOVER, "history", "the drill is noted"),
			 TEST_FAIL, "it could not be noted: %s", strerror(-err));
}

static void test_failover(struct call *k)
{
	const struct players_conf players = {
		.url = k->url,
		.n = (unsigned int)k->players,
		.watch_ns = k->watch_ns,
		.limit_ns = k->drill_conf.limit_ns};
	struct test_report *t = &k->report;

	if (k->drill && k->url)
		players_watch(&players, t);
	else if (k->drill && k->look.facts.daemon == FACT_ANSWERS && agreed(k))
		run_drill(k);
	else
		test_end(test_add(t, TEST_FAILOVER, "drill", "the VIP moves and comes back"),
			 TEST_SKIP, "%s",
			 !k->drill ? "it moves the VIP: only hokm-xdp test failover runs it"
			 : k->look.facts.daemon == FACT_ANSWERS
				 ? "not agreed to: --yes does not ask"
				 : "the daemon does not answer");
}

static void test_network(struct call *k)
{
	test_ports(k->look.conf, &k->report);
	test_full_frames(k->look.conf, k->look.facts.interface, &k->report);
}

static void test_one(struct call *k, enum test_category c)
{
	const struct conf *conf = k->look.conf;
	struct test_report *t = &k->report;

	test_from_facts(&k->look.facts, c, t);
	if (c == TEST_FAILOVER) {
		test_failover(k);
		return;
	}
	if (!conf && c != TEST_CONNECTIVITY && c != TEST_VRRP && !(c == TEST_GAME && k->url)) {
		test_end(test_add(t, c, test_category_name(c), "it can be tested"), TEST_SKIP,
			 "the configuration %s cannot be used", k->look.config);
		return;
	}
	if (c == TEST_CONNECTIVITY && conf)
		test_network(k);
	else if (c == TEST_HEALTH)
		test_health(conf, t);
	else if (c == TEST_GAME)
		test_game(conf, k->url, t);
	else if (c == TEST_DNS)
		test_dns(conf, t);
	else if (c == TEST_NOTIFY)
		test_notify(conf, k->send, t);
}

/* A new file, or one of the same name replaced, never through a link of another user. */
static int write_junit(const struct call *k)
{
	int fd = open(k->junit, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	int err = to ? 0 : -errno;

	if (to) {
		test_junit(&k->report, k->look.facts.node, to);
		err = ferror(to) ? -EIO : 0;
		if (fclose(to) && !err)
			err = -errno;
	} else if (fd >= 0) {
		close(fd);
	}
	if (err)
		fprintf(stderr, "hokm-xdp test: %s could not be written: %s\n", k->junit,
			strerror(-err));
	return err;
}

static int show(const struct call *k)
{
	int err = 0;

	if (k->json)
		err = test_list(&k->report, k->look.facts.node, stdout);
	else
		test_show(&k->report, stdout);
	if (!err && k->junit)
		err = write_junit(k);
	return err || fflush(stdout) || ferror(stdout) ? -EIO : 0;
}

/* Needs no daemon: only the configuration, which says where the history is. */
static int show_history(struct call *k)
{
	char path[CONF_PATH_MAX] = "";
	json_t *list = NULL;
	int err = conf_load(k->look.config, true, stderr, &k->look.conf);

	/* What is wrong with the configuration was printed. */
	if (err)
		return EXIT_WRONG;
	err = conf_drills_file(k->look.conf, path);
	if (!err)
		err = drills_read(path, &list);
	if (err) {
		fprintf(stderr, "hokm-xdp test: the history %s could not be read: %s\n", path,
			strerror(-err));
		return EXIT_WRONG;
	}
	if (!k->json)
		drills_show(list, stdout);
	else if (json_dumpf(list, stdout, JSON_INDENT(2)) || fputc('\n', stdout) == EOF)
		err = -EIO;
	json_decref(list);
	return err || fflush(stdout) || ferror(stdout) ? EXIT_WRONG : EXIT_PASSED;
}

static int run(struct call *k)
{
	if (k->history)
		return show_history(k);
	if (needs_node(k) && look_at_node(&k->look, "test"))
		return EXIT_WRONG;
	for (enum test_category c = 0; c < TEST_CATEGORIES; c++)
		if (k->wanted[c])
			test_one(k, c);
	if (show(k))
		return EXIT_WRONG;
	return test_count(&k->report, TEST_FAIL) ? EXIT_FAILED : EXIT_PASSED;
}

int test_main(int argc, char **argv)
{
	static struct call k = {.watch_ns = WATCH_NS,
				.players = PLAYERS,
				.drill_conf = {.failback = true,
					       .limit_ns = LIMIT_NS,
					       .settled_ns = SETTLED_NS,
					       .rest_ns = REST_NS}};
	struct command_line l;
	int code;

	command_begin(&l, &test_command, argc, argv, stdout, stderr);
	code = look_open(&k.look) ? COMMAND_BAD : parse(&k, &l);
	if (code)
		code = code == COMMAND_HELP ? EXIT_PASSED : EXIT_WRONG;
	else
		code = run(&k);
	look_close(&k.look);
	return code;
}
