/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns the arguments of a request into a query. One function for each argument checks it and says
 * what would be right. An unknown argument is refused: a filter that is ignored would show wrong
 * rows.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "serve/conns.h"

#define SHOW_MAX     48
#define V4_PREFIX    96 /* of ::ffff:a.b.c.d */
#define PREFIX_MOST  128
#define ADDRESS_HELP "client is ADDR, ADDR:PORT or ADDR/PREFIX, and [ADDR]:PORT for IPv6"

#define SORT_WORD(id, word) word,
static const char *const sorts[] = {CONNS_SORTS(SORT_WORD)};

struct words {
	char *buf;
	size_t size;
};

/* Writes a message for the operator. Returns -EINVAL. */
static int refuse(const struct words *w, const char *what, const char *got)
{
	char show[SHOW_MAX];

	if (got)
		snprintf(w->buf, w->size, "%s; not \"%s\"", what,
			 text_show(got, show, sizeof(show)));
	else
		snprintf(w->buf, w->size, "%s", what);
	return -EINVAL;
}

static int read_bool(const json_t *value, bool *out, const struct words *w, const char *what)
{
	if (!json_is_boolean(value))
		return refuse(w, what, NULL);
	*out = json_is_true(value);
	return 0;
}

static int read_half_open(struct conns_query *q, const json_t *value, const struct words *w)
{
	return read_bool(value, &q->half_open, w, "half_open is true or false");
}

static int read_summary(struct conns_query *q, const json_t *value, const struct words *w)
{
	return read_bool(value, &q->summary, w, "summary is true or false");
}

static int read_limit(struct conns_query *q, const json_t *value, const struct words *w)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 1 || n > CONNS_MOST) {
		snprintf(w->buf, w->size, "limit is 1 to %d", CONNS_MOST);
		return -EINVAL;
	}
	q->limit = (unsigned int)n;
	return 0;
}

static int read_stale(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *text = json_string_value(value);

	if (!text || duration_parse(text, &q->stale_ns) || !q->stale_ns)
		return refuse(w, "stale is a duration above 0, such as 5s or 200ms", text);
	return 0;
}

static void list_states(char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned int s = 0; s < HOKM_TCP_STATE_COUNT && n < size; s++)
		n += (size_t)snprintf(buf + n, size - n, "%s, ", hokm_tcp_state_name(s));
	for (unsigned int p = 1; p < HOKM_WS_PHASE_COUNT && n < size; p++)
		n += (size_t)snprintf(buf + n, size - n, "%s, ", hokm_ws_phase_name(p));
	if (n < size)
		snprintf(buf + n, size - n, "lost");
}

static int read_state(struct conns_query *q, const char *word, const struct words *w)
{
	bool known = word && !strcmp(word, "lost");
	char states[256], what[320];

	q->lost |= known;
	for (unsigned int s = 0; word && s < HOKM_TCP_STATE_COUNT; s++)
		if (!strcmp(word, hokm_tcp_state_name(s))) {
			q->tcp_states |= 1u << s;
			known = true;
		}
	for (unsigned int p = 0; word && p < HOKM_WS_PHASE_COUNT; p++)
		if (!strcmp(word, hokm_ws_phase_name(p))) {
			q->ws_phases |= 1u << p;
			known = true;
		}
	if (known)
		return 0;
	list_states(states, sizeof(states));
	snprintf(what, sizeof(what), "a state is one of %s", states);
	return refuse(w, what, word);
}

static int read_states(struct conns_query *q, const json_t *value, const struct words *w)
{
	size_t i;
	json_t *word;
	int err;

	if (!json_is_array(value))
		return refuse(w, "states is a list of words", NULL);
	json_array_foreach (value, i, word) {
		q->any_state = false;
		err = read_state(q, json_string_value(word), w);
		if (err)
			return err;
	}
	return 0;
}

/* The address alone; `most` is how many bits it has. */
static bool read_address(struct hokm_addr *a, const char *text, unsigned int *most)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, &a->w[3]) == 1) {
		a->w[2] = htonl(0xffff);
		*most = PREFIX_MOST - V4_PREFIX;
		return true;
	}
	*most = PREFIX_MOST;
	return inet_pton(AF_INET6, text, a) == 1;
}

static bool split_number(const char *text, uint64_t least, uint64_t most, uint64_t *n)
{
	return !number_parse(text, n) && *n >= least && *n <= most;
}

static int read_client(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *text = json_string_value(value);
	char copy[INET6_ADDRSTRLEN + 16], *addr = copy, *colon, *slash;
	unsigned int most;
	uint64_t port = 0, prefix;

	if (!text || strlen(text) >= sizeof(copy))
		return refuse(w, ADDRESS_HELP, text);
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	colon = strrchr(copy, ':');
	if (slash)
		*slash = '\0';
	/* The colons of an IPv6 address without brackets do not begin a port. */
	if (copy[0] == '[' && colon && colon[-1] == ']') {
		addr++;
		colon[-1] = '\0';
	} else if (!colon || strchr(copy, ':') != colon) {
		colon = NULL;
	} else {
		*colon = '\0';
	}
	if ((slash && colon) || !read_address(&q->client, addr, &most))
		return refuse(w, ADDRESS_HELP, text);
	prefix = most;
	if (slash && !split_number(slash + 1, 0, most, &prefix))
		return refuse(w, ADDRESS_HELP, text);
	if (colon && !split_number(colon + 1, 1, UINT16_MAX, &port))
		return refuse(w, ADDRESS_HELP, text);
	q->any_client = false;
	q->prefix = (unsigned int)prefix + PREFIX_MOST - most;
	q->port = htons((uint16_t)port);
	return 0;
}

static int read_service(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *name = json_string_value(value);
	char show[SHOW_MAX];

	for (unsigned int s = 0; name && s < HOKM_MAX_SERVICES; s++)
		if (q->names.service[s][0] && !strcmp(name, q->names.service[s]))
			q->services |= 1u << s;
	q->any_service = false;
	if (q->services)
		return 0;
	snprintf(w->buf, w->size, "there is no service \"%s\"",
		 name ? text_show(name, show, sizeof(show)) : "");
	return -ENOENT;
}

static int read_target(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *name = json_string_value(value);
	char show[SHOW_MAX];

	if (name && !strcmp(name, "local"))
		q->target = HOKM_LOCAL;
	for (int p = 0; name && p < HOKM_MAX_PEERS; p++)
		if (q->names.peer[p][0] && !strcmp(name, q->names.peer[p]))
			q->target = p;
	if (q->target >= 0)
		return 0;
	snprintf(w->buf, w->size, "a target is \"local\" or another node of the group; not \"%s\"",
		 name ? text_show(name, show, sizeof(show)) : "");
	return -ENOENT;
}

static int read_key(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *word = json_string_value(value);

	if (q->sort != CONNS_BY_NONE)
		return refuse(w, "sort and top are the same thing: give one of them", NULL);
	for (unsigned int s = CONNS_BY_NONE + 1; word && s < CONNS_SORT_COUNT; s++)
		if (!strcmp(word, sorts[s]))
			q->sort = (enum conns_sort)s;
	if (q->sort != CONNS_BY_NONE)
		return 0;
	return refuse(w,
		      "a key is one of rtt, rtt-client, age, idle, bytes, frames, stale, upgrade",
		      word);
}

static int read_top(struct conns_query *q, const json_t *value, const struct words *w)
{
	q->descending = true;
	return read_key(q, value, w);
}

static int read_keys(struct conns_query *q, const json_t *value, const struct words *w)
{
	size_t i;
	json_t *name;

	if (!json_array_size(value) || json_array_size(value) > sizeof(q->fields))
		return refuse(w, "keys is a list of fields", NULL);
	/* Rows of map replica always have the same fields. */
	if (q->replica)
		return 0;
	q->n_fields = 0;
	json_array_foreach (value, i, name) {
		const char *word = json_string_value(name);
		int field = word ? conns_field_find(word) : -1;

		if (field < 0)
			return refuse(w, "there is no such field of a connection",
				      word ? word : "");
		q->fields[q->n_fields++] = (unsigned char)field;
	}
	return 0;
}

static int read_peer(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *name = json_string_value(value);

	q->replica = true;
	if (name && !strcmp(name, "all"))
		return 0;
	for (int p = 0; name && p < HOKM_MAX_PEERS; p++)
		if (q->names.peer[p][0] && !strcmp(name, q->names.peer[p]))
			q->holder = p;
	return q->holder >= 0 ? 0
			      : refuse(w, "a peer is \"all\" or another node of the group", name);
}

static int read_action(struct conns_query *q, const json_t *value, const struct words *w)
{
	const char *word = json_string_value(value);

	if (!word || strcmp(word, "kill") != 0)
		return refuse(w, "the only thing to do with connections is kill", word);
	q->kill = true;
	return 0;
}

static int read_dry_run(struct conns_query *q, const json_t *value, const struct words *w)
{
	return read_bool(value, &q->dry_run, w, "dry_run is true or false");
}

static const struct arg {
	const char *name;
	int (*read)(struct conns_query *q, const json_t *value, const struct words *w);
} known[] = {
	{"half_open", read_half_open},
	{"summary", read_summary},
	{"limit", read_limit},
	{"stale", read_stale},
	{"states", read_states},
	{"client", read_client},
	{"service", read_service},
	{"target", read_target},
	{"sort", read_key},
	{"top", read_top},
	{"keys", read_keys},
	{"peer", read_peer},
	{"action", read_action},
	{"dry_run", read_dry_run},
};

static int read_arg(struct conns_query *q, const char *name, const json_t *value,
		    const struct words *w)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i].name))
			return known[i].read(q, value, w);
	return refuse(w, "conns knows no such arg", name);
}

/* Arguments that exclude each other, and defaults that depend on others. */
static int complete(struct conns_query *q, const struct words *w)
{
	bool sorted = q->sort != CONNS_BY_NONE;

	if (q->summary && sorted)
		return refuse(w, "a summary has no rows to sort", NULL);
	if (q->kill && (q->summary || sorted || q->half_open || q->replica || q->limit))
		return refuse(w, "kill takes filters only", NULL);
	if (q->kill && !conns_filtered(q))
		return refuse(
			w, "kill needs a filter: which ones? (`drain --timeout` ends all of them)",
			NULL);
	if (q->dry_run && !q->kill)
		return refuse(w, "dry-run is for kill", NULL);
	if (q->replica && (q->summary || sorted || q->half_open || q->stale_ns || !q->any_state ||
			   q->target >= 0))
		return refuse(w, "with peer only client, service and limit make sense", NULL);
	if (!q->limit)
		q->limit = q->descending ? CONNS_TOP : CONNS_DEFAULT;
	if (!sorted || q->limit <= CONNS_SORTED_MOST)
		return 0;
	snprintf(w->buf, w->size, "at most %d are sorted: a lower limit, or no sort",
		 CONNS_SORTED_MOST);
	return -EINVAL;
}

int conns_query_read(struct conns_query *q, const json_t *args, char *error, size_t size)
{
	const struct words w = {.buf = error, .size = size};
	void *it;

	q->now_ns = clock_now_ns();
	q->any_state = q->any_client = q->any_service = true;
	q->target = -1;
	q->holder = -1;
	while (q->n_fields < sizeof(q->fields) && conns_field_name(q->n_fields)) {
		q->fields[q->n_fields] = (unsigned char)q->n_fields;
		q->n_fields++;
	}
	/* The meaning of the other arguments depends on it. */
	q->replica = json_object_get(args, "peer") != NULL;
	/* The iterator of jansson takes no const pointer; nothing is changed through it. */
	for (it = json_object_iter((json_t *)(uintptr_t)args); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)args, it)) {
		int err = read_arg(q, json_object_iter_key(it), json_object_iter_value(it), &w);

		if (err)
			return err;
	}
	return complete(q, &w);
}
