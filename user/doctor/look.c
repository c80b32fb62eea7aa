/* SPDX-License-Identifier: GPL-2.0-only */
/* See look.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/ctl.h"
#include "ctl/render.h"
#include "doctor/look.h"

/* Between the two looks. */
#define PAUSE_NS     (1500 * NS_PER_MS)
#define PAUSE_MAX_NS (10 * NS_PER_S)
/* A queue that is short at two looks was empty between them, if the server is well. */
#define GLANCE_NS (100 * NS_PER_MS)

int look_ask(const char *path, const char *verb, json_t **data)
{
	json_t *args = json_object(), *reply = NULL;
	struct ctl_conn conn;
	int err = args ? ctl_conn_open(&conn, path) : -ENOMEM;

	if (!err) {
		err = ctl_conn_ask(&conn, verb, args, &reply);
		ctl_conn_close(&conn);
	}
	if (!err && !field_true(reply, "ok"))
		err = field_int(reply, "code", 0) == EACCES ? -EACCES : -EBADMSG;
	if (!err)
		*data = json_incref(json_object_get(reply, "data"));
	json_decref(args);
	json_decref(reply);
	return err;
}

static int ask_both(const char *path, struct facts_said *said)
{
	int err = look_ask(path, "status", &said->status);

	return err ? err : look_ask(path, "counters", &said->counters);
}

static void forget(struct facts_said *said)
{
	json_decref(said->status);
	json_decref(said->counters);
}

/* Long enough for an advert, if they come as they should. */
static uint64_t pause_of(const struct conf *c)
{
	uint64_t pause_ns = c ? c->advert_ns + PAUSE_NS / 2 : PAUSE_NS;

	return pause_ns > PAUSE_MAX_NS ? PAUSE_MAX_NS : pause_ns < PAUSE_NS ? PAUSE_NS : pause_ns;
}

/* Looks at the queues of the game's sockets all the time. */
static void pause_and_watch(struct look *k)
{
	const struct timespec glance = {.tv_nsec = GLANCE_NS};
	const uint64_t pause_ns = pause_of(k->conf);
	struct fact_listeners before, now;

	if (k->conf)
		facts_listeners(k->conf, &now);
	for (uint64_t ns = 0; ns < pause_ns; ns += GLANCE_NS) {
		/* An interrupted sleep only looks earlier. */
		(void)nanosleep(&glance, NULL);
		if (!k->conf)
			continue;
		before = now;
		facts_listeners(k->conf, &now);
		facts_follow_listeners(&before, &now);
	}
	if (k->conf)
		facts_judge_listeners(&k->facts, k->conf, &now);
}

/* 0: it answered, and what it said last is in k->said. Else -errno. */
static int look_twice(struct look *k)
{
	struct facts_said before = {NULL, NULL};
	struct fact_tracked was = facts_conntrack(), is;
	int err = ask_both(k->socket, &before);

	if (!err) {
		pause_and_watch(k);
		err = ask_both(k->socket, &k->said);
	}
	if (!err) {
		facts_from_daemon(&k->facts, &before, &k->said);
		is = facts_conntrack();
		k->facts.grew.ct_invalid = is.invalid - was.invalid;
		k->facts.grew.ct_dropped = is.dropped - was.dropped;
	}
	forget(&before);
	return err;
}

/* Loads the configuration. What is wrong with it is a fact. */
static void look_at_config(struct look *k)
{
	struct facts *f = &k->facts;
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);
	int err;

	if (!errors)
		return;
	err = conf_load(k->config, true, errors, &k->conf);
	if (fclose(errors))
		err = -ENOMEM;
	snprintf(f->config, sizeof(f->config), "%s", k->config);
	f->config_missing = err == -ENOENT && !k->config_given;
	/* Only root may read it, and a daemon may run with another file than the usual one. */
	if (err && err != -EACCES && err != -EPERM && (err != -ENOENT || k->config_given)) {
		f->config_ok = false;
		snprintf(f->config_error, sizeof(f->config_error), "%.*s",
			 text && *text ? (int)strcspn(text, "\n") : 40,
			 text && *text ? text : strerror(-err));
	}
	free(text);
}

/*
 * Where the daemon is asked. 0, CTL_EXIT_NO_DAEMON, or another CTL_EXIT_* with its cause printed.
 */
static int find_socket(const struct look *k, char *path, size_t size)
{
	char *text = NULL;
	size_t length;
	FILE *errors;
	int code;

	if (k->conf && !json_object_get(k->options, "socket") &&
	    !json_object_get(k->options, "node")) {
		snprintf(path, size, "%s", k->conf->socket);
		return 0;
	}
	errors = open_memstream(&text, &length);
	if (!errors)
		return CTL_EXIT_FAILED;
	/*
	 * A configuration that cannot be used has been noted; without it the only socket is meant.
	 */
	if (!k->facts.config_ok)
		json_object_del(k->options, "config");
	code = ctl_socket_find(k->options, CTL_RUN_DIR, path, size, errors);
	if (!fclose(errors) && code && code != CTL_EXIT_NO_DAEMON)
		fputs(text, stderr);
	free(text);
	return code;
}

static int look_at_daemon(struct look *k, const char *command)
{
	int code = find_socket(k, k->socket, sizeof(k->socket)), err;

	if (code && code != CTL_EXIT_NO_DAEMON)
		return -EINVAL;
	err = code ? -ENOENT : look_twice(k);
	switch (-err) {
	case 0:
		k->facts.daemon = FACT_ANSWERS;
		return 0;
	case ENOENT:
	case ECONNREFUSED:
	case ENODATA:
	case EPIPE:
	case ECONNRESET:
		k->facts.daemon = FACT_GONE;
		return 0;
	case ETIMEDOUT:
		k->facts.daemon = FACT_SILENT;
		return 0;
	}
	fprintf(stderr, "hokm-xdp %s: the daemon on %s could not be asked: %s\n", command,
		k->socket, strerror(-err));
	return err;
}

/* Without clients the peer is an example of who is in the segment. */
static void look_at_routes(struct look *k)
{
	struct fact_clients clients = {.n = 0};

	if (k->facts.daemon == FACT_ANSWERS &&
	    facts_clients(k->socket, k->facts.unanswered[0], &clients))
		clients.n = 0;
	for (unsigned int i = 0; !clients.n && i < k->conf->n_nodes; i++)
		if (i != k->conf->self)
			clients.list[clients.n++] = k->conf->nodes[i].addr;
	if (k->facts.daemon == FACT_ANSWERS)
		facts_from_routes(&k->facts, k->conf, &clients);
	facts_from_sources(&k->facts, k->conf);
	facts_from_listeners(&k->facts, k->conf);
}

int look_at_node(struct look *k, const char *command)
{
	int err;

	look_at_config(k);
	err = look_at_daemon(k, command);
	if (err)
		return err;
	facts_from_machine(&k->facts);
	if (k->conf) {
		facts_from_conf(&k->facts, k->conf);
		facts_from_drills(&k->facts, k->conf);
		look_at_routes(k);
	}
	facts_from_xdp(&k->facts);
	if (k->conf && k->facts.daemon != FACT_ANSWERS)
		facts_from_pins(&k->facts, k->conf);
	return 0;
}

int look_open(struct look *k)
{
	memset(k, 0, sizeof(*k));
	facts_init(&k->facts);
	k->config = LOOK_CONFIG;
	k->options = json_object();
	return k->options ? 0 : -ENOMEM;
}

int look_take_option(struct look *k, int option, const char *value)
{
	const char *key = option == 's' ? "socket" : option == 'n' ? "node" : "config";

	if (option == 'c') {
		k->config = value;
		k->config_given = true;
	}
	return json_object_set_new(k->options, key, json_string(value)) ? -ENOMEM : 0;
}

void look_close(struct look *k)
{
	forget(&k->said);
	conf_free(k->conf);
	json_decref(k->options);
}
