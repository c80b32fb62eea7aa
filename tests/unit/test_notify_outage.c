/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The notifier's process while all of its servers are away and more happens than it can ever tell:
 * memory and disk are bounded by what fits into the queues, not by what happened. The delivery of
 * what waited is in test_notify_engine.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "../stub/stub.h"
#include "agent/notifier.h"
#include "agent/notify_store.h"

#define PATIENCE_S 600
#define WARM       1000 /* events until every table of the notifier is full */
#define EVENTS     8000 /* after that */
#define AT_ONCE    16   /* fewer than the daemon keeps when the socket is full */
#define CHANNELS   3
/* What an allocator may take more for the same contents. Events that were kept would take 10 MB. */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_KB (1024 * 1024) /* it keeps what was freed */
#else
#define GROWTH_KB 1024
#endif
/* Two channels that wait, each with as many events and problems as it may have. */
#define QUEUE_MAX (CHANNELS * 2 * NOTIFY_ITEMS_MAX * sizeof(struct notify_item))

static char folder[64];
static struct conf conf;

static void channel_of(struct conf_notify *c, const char *name, enum conf_notify_type type)
{
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->type = type;
	/* Nobody listens there. */
	snprintf(c->endpoint, sizeof(c->endpoint), "%s://127.0.0.1:1",
		 type == NOTIFY_EMAIL ? "smtp" : "http");
	memcpy(c->credential, c->endpoint, sizeof(c->credential));
	snprintf(c->from, sizeof(c->from), "hokm@example.org");
	snprintf(c->to, sizeof(c->to), "ops@example.org");
	c->timeout_ns = NS_PER_S;
	c->rules = (struct notify_conf){.kinds = ~0u, .per_hour = 3600, .recovery = true};
}

static void open_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/hokm-outage-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(conf.state_file, sizeof(conf.state_file), "%s/state", folder);
	snprintf(conf.agent_user, sizeof(conf.agent_user), "%s", stub_user());
	conf.n_nodes = 1;
	snprintf(conf.nodes[0].name, sizeof(conf.nodes[0].name), "a");
	channel_of(&conf.notify[0], "chat", NOTIFY_SLACK);
	channel_of(&conf.notify[1], "mail", NOTIFY_EMAIL);
	channel_of(&conf.notify[2], "hook", NOTIFY_WEBHOOK);
	conf.n_notify = CHANNELS;
}

static void remove_folder(void)
{
	static const char *const names[] = {
		"queue", "queue.new", "status", "status.new", "history", "history.1"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/a.notify/%s", folder, names[i]);
		assert_true(!unlink(path) || errno == ENOENT);
	}
	snprintf(path, sizeof(path), "%s/a.notify", folder);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static off_t size_of(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a.notify/%s", folder, name);
	return stat(path, &st) ? 0 : st.st_size;
}

/* The first number of the file behind this word; -1 without one. */
static long long number_in(const char *path, const char *word)
{
	char text[8192];
	const char *at;
	FILE *f = fopen(path, "re");
	size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[len] = '\0';
	at = strstr(text, word);
	return at ? strtoll(at + strlen(word), NULL, 10) : -1;
}

/* Of the notifier, which is the only child. */
static long long memory_kb(const char *word)
{
	char path[64];
	long long pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	pid = number_in(path, "");
	assert_true(pid > 0);
	snprintf(path, sizeof(path), "/proc/%lld/status", pid);
	return number_in(path, word);
}

/* Of the channel that comes first. */
static long long told(const char *word)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/a.notify/status", folder);
	return number_in(path, word);
}

/* Problems that begin and end, of more services than are remembered, and single events. */
static void make_event(unsigned int i, struct notify_event *e)
{
	char text[96];

	if (i % 3 == 2) {
		assert_true(notify_event_from("upkeep", HOKM_R_PUT_BACK, "address: back", e));
	} else {
		snprintf(text, sizeof(text), "game%u %s", i / 3 % 100,
			 i % 2 ? "up -> down: no answer" : "down -> up: it answers");
		assert_true(notify_event_from(
			"service", i % 2 ? HOKM_R_CHECK_TIMEOUT : HOKM_R_CHECK_OK, text, e));
	}
	e->at = (struct notify_time){1700000000 + i, clock_now_ns()};
}

/* Hands events over at the pace of the notifier, which notes on disk what it could not keep. */
static void happen(struct notifier *n, unsigned int events)
{
	struct notify_event e;

	for (unsigned int i = 0; i < events; i++) {
		long long before = told("\"dropped\":");

		make_event(i, &e);
		notifier_take(n, &e);
		for (int ms = 0; i % AT_ONCE == 0 && ms < 200 && told("\"dropped\":") == before;
		     ms++)
			poll(NULL, 0, 1);
		assert_in_range(size_of("queue"), 0, QUEUE_MAX);
	}
}

static void an_outage_fills_neither_memory_nor_disk(void **state)
{
	long long kb, data_kb, dropped;
	struct notifier *n;
	sd_event *loop;

	(void)state;
	alarm(PATIENCE_S);
	open_folder();
	assert_int_equal(sd_event_new(&loop), 0);
	assert_int_equal(notifier_open(loop, &conf, &n), 0);
	while (told("\"waiting\":") < 0)
		poll(NULL, 0, 10);
	happen(n, WARM);
	assert_int_equal(told("\"waiting\":"), NOTIFY_ITEMS_MAX);
	dropped = told("\"dropped\":");
	kb = memory_kb("VmRSS:");
	data_kb = memory_kb("VmData:");
	assert_true(kb > 0 && data_kb > 0);

	happen(n, EVENTS);
	assert_true(told("\"dropped\":") > dropped + EVENTS / 2);
	assert_int_equal(told("\"waiting\":"), NOTIFY_ITEMS_MAX);
	assert_true(told("\"open_problems\":") <= NOTIFY_PROBLEMS_MAX);
	assert_int_equal(told("\"delivered\":"), 0);
	print_message("resident %lld kB, %lld kB after %u more events; the queue has %lld bytes\n",
		      kb, memory_kb("VmRSS:"), EVENTS, (long long)size_of("queue"));
	assert_true(memory_kb("VmRSS:") <= kb + GROWTH_KB);
	assert_true(memory_kb("VmData:") <= data_kb + GROWTH_KB);
	assert_in_range(size_of("history"), 1, STORE_HISTORY_MAX + 4096);
	notifier_close(n);
	sd_event_unref(loop);
	remove_folder();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_fills_neither_memory_nor_disk),
	};

	if (argc > 1 && !strcmp(argv[1], "notifier"))
		return notifier_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
