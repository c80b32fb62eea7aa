/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_command.h. One table of actions, from which parsing and help both come. */
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
	const char *name;
	const char *operand; /* NULL: takes none */
	bool needed;         /* the operand */
	const char *help;
	enum dns_op op;         /* for those that ask the provider */
	const char *ctl_action; /* for those that ask the daemon */
	bool history;
	int (*run)(const struct action *a, const struct call *c);
};

static int ask_provider(const struct action *a, const struct call *c);
static int ask_daemon(const struct action *a, const struct call *c);

static const struct action actions[] = {
	{.name = "test",
	 .help = "verify credentials, zone and record; changes nothing",
	 .op = DNS_OP_TEST,
	 .run = ask_provider},
	{.name = "plan",
	 .operand = "ADDRESS",
	 .help = "show the change that this node, or set ADDRESS, would make",
	 .op = DNS_OP_PLAN,
	 .run = ask_provider},
	{.name = "status",
	 .help = "show the state, as the daemon of this node has it",
	 .run = ask_daemon},
	{.name = "set",
	 .operand = "ADDRESS",
	 .needed = true,
	 .help = "the owner writes ADDRESS, which stays until start",
	 .ctl_action = "set",
	 .run = ask_daemon},
	{.name = "start",
	 .help = "the record follows the owner again, and is written now",
	 .ctl_action = "start",
	 .run = ask_daemon},
	{.name = "stop",
	 .help = "leave the record as it is until start",
	 .ctl_action = "stop",
	 .run = ask_daemon},
	{.name = "history",
	 .help = "what was changed, refused and ordered, the oldest first",
	 .history = true,
	 .run = ask_daemon},
	/* main.c runs it: nothing here may use the daemon. */
	{.name = "monitor", .help = "watch all nodes from this machine and write the record"},
};
#define N_ACTIONS (sizeof(actions) / sizeof(actions[0]))

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
		if (r->present.n)
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
			 c->nodes[i].dns_address[type]);
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
		const char *want = c->nodes[node].dns_address[t];

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

static void usage(FILE *f)
{
	fprintf(f, "usage: hokm-xdp dns ACTION [options]\n\n");
	for (size_t i = 0; i < N_ACTIONS; i++)
		fprintf(f, "  %-8s %-9s %s\n", actions[i].name,
			actions[i].operand ? actions[i].operand : "", actions[i].help);
	fprintf(f, "\n"
		   "  -c, --config FILE    the configuration (test and plan: default " CONFIG ")\n"
		   "  -n, --node NODE      as this node, where the machine is several or none\n"
		   "  -s, --socket PATH    the socket of the daemon\n"
		   "      --force          replace an address that is not the group's\n"
		   "      --json           print JSON\n"
		   "  -h, --help           print this help and exit\n");
}

/* The letter of an option that has a value, or 0. */
static char letter_of(const char *word)
{
	static const char *const words[] = {"-c", "--config", "-n", "--node", "-s", "--socket"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return word[strspn(word, "-")];
	return 0;
}

static void set_value(struct call *c, char letter, const char *value)
{
	if (letter == 'c')
		c->config = value;
	else if (letter == 'n')
		c->node = value;
	else
		c->socket = value;
}

/* What is wrong with the words after the action, or NULL. */
static const char *parse(int argc, char **argv, const struct action *a, struct call *c)
{
	for (int i = 2; i < argc; i++) {
		char letter = letter_of(argv[i]);

		if (letter && ++i == argc)
			return "an option lacks its value";
		if (letter)
			set_value(c, letter, argv[i]);
		else if (!strcmp(argv[i], "--json"))
			c->json = true;
		else if (!strcmp(argv[i], "--force"))
			c->force = true;
		else if (argv[i][0] == '-' || !a->operand || c->address)
			return "there is a word too many";
		else
			c->address = argv[i];
	}
	return a->needed && !c->address ? "the address is missing" : NULL;
}

int dns_command_main(int argc, char **argv)
{
	struct call c = {.json = false};
	const struct action *a = NULL;
	const char *problem;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			usage(stdout);
			return EXIT_OK;
		}
	for (size_t i = 0; argc > 1 && i < N_ACTIONS; i++)
		if (!strcmp(argv[1], actions[i].name))
			a = &actions[i];
	problem = a ? parse(argc, argv, a, &c) : "name an action";
	if (problem) {
		fprintf(stderr, "hokm-xdp dns: %s\n", problem);
		usage(stderr);
		return EXIT_WRONG;
	}
	return a->run ? a->run(a, &c) : EXIT_WRONG;
}
