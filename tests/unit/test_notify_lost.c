/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events on their way from the daemon to the notifier: a burst in one turn, and a notifier that
 * takes none. Each of them waits for a channel afterwards, or is counted as dropped there, which is
 * what the receiver reads. The channel of these tests cannot be reached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "../stub/stub.h"
#include "agent/notify_store.h"
#include "daemon/notify_feed.h"

#define PATIENCE_S 40 /* until a test that waits is over */

static char folder[64];
static struct conf conf;
static struct node node;
static struct notify_feed feed;

/*
 * Events in the queue of the channel and those that it has dropped, as `notify status` shows them.
 */
static json_int_t accounted(void)
{
	char path[2 * CONF_PATH_MAX], file[sizeof(path) + 8];
	json_t *status, *channel;
	json_int_t n;

	store_folder(&conf, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/status", path);
	status = json_load_file(file, 0, NULL);
	channel = json_array_get(json_object_get(status, "channels"), 0);
	n = json_integer_value(json_object_get(channel, "waiting")) +
	    json_integer_value(json_object_get(channel, "dropped"));
	json_decref(status);
	return n;
}

static void happen(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		events_add(node.events, "upkeep", HOKM_R_PUT_BACK, "address: put back");
}

static pid_t notifier_pid(void)
{
	char path[64], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	return (pid_t)strtol(text, NULL, 10);
}

static int start(void **state)
{
	struct conf_notify *c = &conf.notify[0];

	(void)state;
	alarm(PATIENCE_S);
	memcpy(folder, "/tmp/hokm-lost-XXXXXX", sizeof("/tmp/hokm-lost-XXXXXX"));
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return -1;
	memset(&conf, 0, sizeof(conf));
	snprintf(conf.state_file, sizeof(conf.state_file), "%s/state", folder);
	snprintf(conf.agent_user, sizeof(conf.agent_user), "%s", stub_user());
	conf.n_nodes = conf.n_notify = 1;
	snprintf(conf.nodes[0].name, sizeof(conf.nodes[0].name), "a");
	snprintf(c->name, sizeof(c->name), "chat");
	c->type = NOTIFY_SLACK;
	snprintf(c->credential, sizeof(c->credential), "http://127.0.0.1:1/");
	c->timeout_ns = 10 * NS_PER_S;
	c->rules = (struct notify_conf){.kinds = ~0u, .per_hour = 3600};
	node = (struct node){.conf = &conf};
	memset(&feed, 0, sizeof(feed));
	if (sd_event_new(&node.event) < 0 || events_open(node.event, -1, NULL, NULL, &node.events))
		return -1;
	return notify_feed_open(&feed, &node);
}

static int stop(void **state)
{
	const char *argv[] = {"rm", "-rf", "--", folder, NULL};
	int status = -1;
	pid_t pid;

	(void)state;
	notify_feed_close(&feed);
	events_close(node.events);
	sd_event_unref(node.event);
	pid = fork();
	if (pid == 0) {
		execv("/usr/bin/rm", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	alarm(0);
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void wait_for(json_int_t n)
{
	while (accounted() != n)
		assert_true(sd_event_run(node.event, 20000) >= 0);
}

static void no_event_of_a_burst_is_lost_without_a_word(void **state)
{
	(void)state;
	happen(3 * NOTIFY_FEED_MAX + 7);
	notify_feed_run(&feed);
	wait_for(3 * NOTIFY_FEED_MAX + 7);
}

/* It stands still, and its socket is full. */
static void what_the_notifier_did_not_take_is_counted_as_dropped(void **state)
{
	pid_t pid = notifier_pid();

	(void)state;
	happen(1);
	notify_feed_run(&feed);
	wait_for(1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	happen(5000);
	notify_feed_run(&feed);
	assert_int_equal(kill(pid, SIGCONT), 0);
	/* It takes what is in the socket, and has room for more. */
	while (accounted() < 2 * NOTIFY_ITEMS_MAX)
		assert_true(sd_event_run(node.event, 20000) >= 0);
	happen(1);
	notify_feed_run(&feed);
	wait_for(5002);
	assert_int_equal(notifier_pid(), pid);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			no_event_of_a_burst_is_lost_without_a_word, start, stop),
		cmocka_unit_test_setup_teardown(
			what_the_notifier_did_not_take_is_counted_as_dropped, start, stop),
	};

	if (argc > 1 && !strcmp(argv[1], "notifier"))
		return notifier_main(argc - 1, argv + 1);
	return cmocka_run_group_tests_name("notify_lost", tests, NULL, NULL);
}
