/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_command.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/dns_job.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "ctl/ctl.h"
#include "dns/dns_command.h"

#define EXIT_OK     0
#define EXIT_FAILED 1
#define EXIT_WRONG  2
#define CONFIG      "/etc/hokm-xdp/hokm-xdp.conf"
#define WORDS_MAX   16

/* A command line. */
struct call {
	const char *config, *node, *socket, *address;
	bool json, force;
};

struct action {
	bool operand;           /* takes an address */
	bool needed;            /* which must be given */
	enum dns_op op;         /* for those that ask the provider */
	const char *ctl_action; /* for those that ask the daemon */
	bool history;
	int (*run)(const struct action *a, const struct call *c);
};

static int ask_provider(const struct action *a, const struct call *c);
static int ask_daemon(const struct action *a, const struct call *c);

/* What the actions are called, in the order of `actions`. */
static const struct command_row words[] = {
	{"test", "verify credentials, zone and record; changes nothing"},
	{"plan", "show the change that this node, or set ADDRESS, would make"},
	{"status", "show the state, as the daemon of this node has it"},
	{"set", "the owner writes ADDRESS, which stays until start"},
	{"start", "the record follows the owner again, and is written now"},
	{"stop", "leave the record as it is until start"},
	{"history", "what was changed, refused and ordered, the oldest first"},
	{"monitor", "watch all nodes from this machine and write the record"},
	{NULL, NULL},
};

static const struct action actions[] = {
	{.op = DNS_OP_TEST, .run = ask_provider},
	{.operand = true, .op = DNS_OP_PLAN, .run = ask_provider},
	{.run = ask_daemon},
	{.operand = true, .needed = true, .ctl_action = "set", .run = ask_daemon},
	{.ctl_action = "start", .run = ask_daemon},
	{.ctl_action = "stop", .run = ask_daemon},
	{.history = true, .run = ask_daemon},
	/* main.c runs the monitor: nothing here may use the daemon. */
	{.run = NULL},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))
_Static_assert(N_ACTIONS + 1 == sizeof(words) / sizeof(words[0]), "a row for each word");

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "the configuration (test and plan: default " CONFIG ")"},
	{"node", 'n', true, "NODE", "as this node, where the machine is several or none"},
	{"socket", 's', true, "PATH", "the socket of the daemon"},
	{"force", 'f', false, NULL, "replace an address that is not the group's"},
	{"json", 'j', false, NULL, "print JSON"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "done"},
	{"1", "it failed; the message names the cause"},
	{"2", "the command line or the configuration is wrong"},
	{NULL, NULL},
};

const struct command dns_command = {
	.name = "dns",
	.operands = "ACTION [ADDRESS]",
	.summary = "DNS failover: try, plan, look, set, watch",
	.about = "DNS failover from the command line. "
		 "test and plan ask the provider and need no daemon, the others ask the daemon.",
	.options = options,
	.words = words,
	.exits = exits,
};

/* ---- test and plan ---- */

/* The node that a monitor prefers. */
static unsigned int preferred(const struct conf *c)
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < c->n_nodes; i++)
		if (c->nodes[i].priority > c->nodes[best].priority)
			best = i;
	return best;
}

/* The node whose address is wanted: named, or this machine. n_nodes when there is none. */
static unsigned int find_node(const struct conf *c, const char *name)
{
	unsigned int i = 0;

	if (!name && c->dns.mode == CONF_DNS_MONITOR)
		return preferred(c);
	if (!name)
		return c->self;
	while (i < c->n_nodes && strcmp(c->nodes[i].name, name) != 0)
		i++;
	if (i == c->n_nodes)
		fprintf(stderr, "hokm-xdp dns: %s has no node \"%s\"\n", c->file, name);
	return i;
}

static json_t *values_json(const struct dns_set *set)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < set->n; i++)
		if (json_array_append_new(list, json_string(set->value[i])))
			break;
	return list;
}

static void print_values(const char *what, const struct dns_set *set)
{
	printf("  %-10s", what);
	for (unsigned int i = 0; i < set->n; i++)
		printf("%s%s", i ? ", " : "", set->value[i]);
	printf("%s\n", set->n ? "" : "none");
}

static void print_reply(const struct conf *c, const struct dns_request *req,
			const struct dns_reply *r)
{
	printf("%s %s at %s: %s\n", c->dns.record,
	       conf_dns_type_name((enum conf_dns_type)req->type),
	       conf_dns_provider_name(c->dns.provider), r->result == DNS_SAME ? "ok" : "FAILED");
	if (r->zone[0]) {
		printf("  zone      %s\n", r->zone);
		print_values("record", &r->present);
		if (r->ttl_s)
			printf("  TTL       %u\n", r->ttl_s);
		if (r->planned)
			print_values("after", &r->after);
	}
	printf("  %s\n", r->text);
	if (r->ttl_s * NS_PER_S > c->dns.ttl_ns)
		printf("  WARNING   the TTL is longer than dns.ttl: "
		       "clients may keep an old address for so long\n");
}

static json_t *reply_json(const struct dns_request *req, const struct dns_reply *r)
{
	return json_pack(
		"{s:s, s:b, s:s, s:s, s:s, s:I, s:b, s:o, s:o}", "type",
		conf_dns_type_name((enum conf_dns_type)req->type), "ok", r->result == DNS_SAME,
		"result", dns_result_name((enum dns_result)r->result), "text", r->text, "zone",
		r->zone, "ttl", (json_int_t)r->ttl_s, "planned", r->planned != 0, "record",
		values_json(&r->present), "after",
		values_json(r->planned ? &r->after : &r->present));
}

static void fill_request(const struct conf *c, enum dns_op op, unsigned int type, const char *want,
			 struct dns_request *req)
{
	memset(req, 0, sizeof(*req));
	req->op = op;
	req->type = type;
	req->conf = c->dns;
	snprintf(req->want, sizeof(req->want), "%s", want);
	for (unsigned int i = 0; i < c->n_nodes; i++)
		snprintf(req->group.value[req->group.n++], DNS_ADDRESS_MAX, "%s",
			 conf_dns_value(c, i, (enum conf_dns_type)type));
}

/* One record. 0 or an exit code; the reply goes to `list` with --json. */
static int ask_one(const struct conf *c, const struct action *a, const struct call *call,
		   unsigned int type, const char *want, json_t *list)
{
	struct dns_request req;
	struct dns_reply r;
	int err;

	fill_request(c, a->op, type, want, &req);
	req.force = call->force;
	err = dns_job_run(c->agent_user, &req, false, &r);
	if (err) {
		fprintf(stderr, "hokm-xdp dns: the job at the provider failed: %s\n",
			strerror(-err));
		return EXIT_FAILED;
	}
	if (list)
		err = json_array_append_new(list, reply_json(&req, &r));
	else
		print_reply(c, &req, &r);
	return err || r.result != DNS_SAME ? EXIT_FAILED : EXIT_OK;
}

static int ask_all(const struct conf *c, const struct action *a, const struct call *call,
		   json_t *list)
{
	unsigned int node = find_node(c, call->node);
	unsigned int asked = 0;
	int code = EXIT_OK;

	if (node >= c->n_nodes)
		return EXIT_WRONG;
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++) {
		const char *want = conf_dns_value(c, node, (enum conf_dns_type)t);

		if (call->address && (strchr(call->address, ':') != NULL) != (t == CONF_DNS_AAAA))
			continue;
		if (!want[0])
			continue;
		asked++;
		if (ask_one(c, a, call, t, call->address ? call->address : want, list))
			code = EXIT_FAILED;
	}
	if (!asked)
		fprintf(stderr, "hokm-xdp dns: the nodes have no address of that type\n");
	return asked ? code : EXIT_WRONG;
}

/* Where a monitor writes the record, this machine need not be a node. 0 or -errno. */
static int load(const char *file, const struct call *call, struct conf **c)
{
	int err = conf_load(file, false, stderr, c);

	if (err || call->node || (*c)->dns.mode == CONF_DNS_MONITOR)
		return err;
	conf_free(*c);
	return conf_load(file, true, stderr, c);
}

static int ask_provider(const struct action *a, const struct call *call)
{
	json_t *list = call->json ? json_array() : NULL;
	const char *file = call->config ? call->config : CONFIG;
	struct conf *c;
	int code = EXIT_WRONG;

	if (load(file, call, &c)) {
		fprintf(stderr,
			"hokm-xdp dns: the configuration %s cannot be used; "
			"on a machine that is no node, name one with -n\n",
			file);
		json_decref(list);
		return EXIT_WRONG;
	}
	if (c->dns.provider == CONF_DNS_NONE)
		fprintf(stderr, "hokm-xdp dns: DNS failover is off: %s has no dns.record\n", file);
	else
		code = ask_all(c, a, call, list);
	if (list && json_dumpf(list, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(list);
	conf_free(c);
	return code;
}

/* ---- the daemon ---- */

struct words {
	const char *list[WORDS_MAX];
	int n;
};

static void add_option(struct words *w, const char *option, const char *value)
{
	if (!value)
		return;
	w->list[w->n++] = option;
	w->list[w->n++] = value;
}

/*
 * The socket of the monitor, when the configuration is given, or is there, and has one that writes
 * the record. "": the daemon of a node is asked.
 */
static void find_monitor(const struct call *c, char *path, size_t size)
{
	const char *file = c->config ? c->config : CONFIG;
	struct conf *conf = NULL;

	path[0] = '\0';
	if (c->socket || c->node || access(file, R_OK) || conf_load(file, false, stderr, &conf))
		return;
	if (conf->dns.mode == CONF_DNS_MONITOR)
		snprintf(path, size, "%s", conf->dns.monitor_socket);
	conf_free(conf);
}

static int ask_daemon(const struct action *a, const struct call *c)
{
	struct words w = {.list = {"ctl", "dns"}, .n = 2};
	char *argv[WORDS_MAX + 1] = {NULL};
	char monitor[CONF_DNS_PATH_MAX];

	find_monitor(c, monitor, sizeof(monitor));
	if (!monitor[0])
		add_option(&w, "--config", c->config);
	add_option(&w, "--node", c->node);
	add_option(&w, "--socket", monitor[0] ? monitor : c->socket);
	add_option(&w, "--address", c->address);
	if (c->json)
		w.list[w.n++] = "--json";
	if (c->force)
		w.list[w.n++] = "--force";
	if (a->history)
		w.list[w.n++] = "--history";
	if (a->ctl_action)
		w.list[w.n++] = a->ctl_action;
	/* getopt's old custom: the words are not changed. */
	for (int i = 0; i < w.n; i++)
		memcpy(&argv[i], &w.list[i], sizeof(argv[i]));
	return ctl_main(w.n, argv);
}

/* ---- command line ---- */

static void set_option(struct call *c, int option, const char *value)
{
	switch (option) {
	case 'c':
		c->config = value;
		break;
	case 'n':
		c->node = value;
		break;
	case 's':
		c->socket = value;
		break;
	case 'f':
		c->force = true;
		break;
	case 'j':
		c->json = true;
		break;
	}
}

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < N_ACTIONS; i++)
		if (!strcmp(name, words[i].name))
			return &actions[i];
	return NULL;
}

/* 0, COMMAND_HELP or COMMAND_BAD. */
static int parse(struct command_line *l, const struct action **a, struct call *c)
{
	int what;

	while ((what = command_next(l)) > 0) {
		if (what != COMMAND_OPERAND) {
			set_option(c, what, l->value);
		} else if (!*a) {
			*a = find_action(l->value);
			if (!*a)
				return command_wrong(l, "there is no action %s", l->value);
		} else if ((*a)->operand && !c->address) {
			c->address = l->value;
		} else {
			return command_wrong(l, "there is a word too many: %s", l->value);
		}
	}
	if (!what && !*a)
		return command_wrong(l, "name an action");
	if (!what && (*a)->needed && !c->address)
		return command_wrong(l, "the address is missing");
	return what;
}

int dns_command_main(int argc, char **argv)
{
	struct call c = {.json = false};
	const struct action *a = NULL;
	struct command_line l;
	int what;

	command_begin(&l, &dns_command, argc, argv, stdout, stderr);
	what = parse(&l, &a, &c);
	if (what)
		return what == COMMAND_HELP ? EXIT_OK : EXIT_WRONG;
	return a && a->run ? a->run(a, &c) : EXIT_WRONG;
}
