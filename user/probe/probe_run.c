/* SPDX-License-Identifier: GPL-2.0-only */
/* The command `hokm-xdp probe`. */
#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "base/units.h"
#include "probe/probe_run.h"

#define CONFIG             "/etc/hokm-xdp/hokm-xdp.conf"
#define DEFAULT_TIMEOUT_NS (10 * NS_PER_S)
#define TIMEOUT_MAX_NS     (60 * NS_PER_S)
#define STATUS_DEFAULT     200

enum { OPTION_SERVICE = 128, OPTION_STATUS, OPTION_JSON };

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "make the checks of this file (" CONFIG ")"},
	{"service", OPTION_SERVICE, false, "NAME", "only those of this service"},
	{"timeout", 't', true, "TIME",
	 "time for the whole check, such as 500ms; a URL gets 10s, others their own"},
	{"status", OPTION_STATUS, false, "N", "the status that http:// must answer (200)"},
	{"quiet", 'q', true, NULL, "print only what is not healthy, one line each"},
	{"json", OPTION_JSON, false, NULL, "print JSON"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "healthy"},
	{"1", "not healthy; one line states the reason"},
	{"2", "the command line or the configuration is wrong, or no check could be made"},
	{NULL, NULL},
};

const struct command probe_command = {
	.name = "probe",
	.operands = "[URL]",
	.summary = "one health check as the daemon makes it, each step timed",
	.about = "Makes one check with the code of the daemon, in a process without rights, and "
		 "shows how long each step took: connecting, TLS, upgrade, ping, close. "
		 "URL is ws://, wss://, http:// or https:// with a numeric address, a port and a "
		 "path, or tcp:// or tls:// with address and port. No name is looked up, and "
		 "a URL gets one attempt. Without URL the checks of the configuration are made, "
		 "each with its own attempts. While the daemon runs, its VIP leads to the "
		 "server of this node. The exit code fits a vrrp_script of keepalived, and with "
		 "--quiet a job of cron.",
	.options = options,
	.exits = exits,
};

struct call {
	const char *url, *config, *service;
	uint64_t timeout_ns; /* 0: not given */
	uint64_t status;
	bool quiet, json;
	FILE *out, *err;
	struct out *list;
	bool asked, unhealthy;
};

static int take_option(struct call *k, struct command_line *l, int option)
{
	switch (option) {
	case 'c':
		k->config = l->value;
		return 0;
	case OPTION_SERVICE:
		k->service = l->value;
		return 0;
	case 't':
		if (!duration_parse(l->value, &k->timeout_ns) && k->timeout_ns >= NS_PER_MS &&
		    k->timeout_ns <= TIMEOUT_MAX_NS)
			return 0;
		return command_wrong(l, "--timeout takes from 1ms to 60s, such as 500ms");
	case OPTION_STATUS:
		if (!number_parse(l->value, &k->status) && k->status >= 100 && k->status <= 599)
			return 0;
		return command_wrong(l, "--status takes from 100 to 599");
	case 'q':
		k->quiet = true;
		return 0;
	case OPTION_JSON:
		k->json = true;
		return 0;
	}
	if (k->url)
		return command_wrong(l, "there is a word too many: %s", l->value);
	k->url = l->value;
	return 0;
}

/* 0, or COMMAND_HELP or COMMAND_BAD. */
static int parse(struct call *k, struct command_line *l)
{
	int option;

	while ((option = command_next(l)) > 0) {
		int err = take_option(k, l, option);

		if (err)
			return err;
	}
	if (!option && k->url && (k->config || k->service))
		return command_wrong(l, "give a URL, or --config and --service");
	return option;
}

/* Makes the check and shows it. Returns 0 or -errno. */
static int make_check(struct call *k, struct probe_result *r, const char *user)
{
	int err;

	if (k->timeout_ns)
		r->request.check.timeout_ns = k->timeout_ns;
	err = agent_run_once(&r->request, user, &r->reply);
	if (err) {
		fprintf(k->err, "hokm-xdp probe: the check could not be made: %s\n",
			strerror(-err));
		return err;
	}
	k->asked = true;
	k->unhealthy |= !probe_is_healthy(r);
	if (k->list)
		probe_list(r, k->list);
	else if (!k->quiet || !probe_is_healthy(r))
		probe_show(r, !k->quiet, k->out);
	return 0;
}

static int check_url(struct call *k)
{
	struct probe_result r = {.service = NULL};
	const char *why = probe_url_parse(k->url, &r.request.check);

	if (why) {
		fprintf(k->err, "hokm-xdp probe: %s: %s\n", k->url, why);
		return -EINVAL;
	}
	r.request.check.status = (unsigned int)k->status;
	r.request.check.attempts = 1;
	r.request.check.timeout_ns = DEFAULT_TIMEOUT_NS;
	return make_check(k, &r, NULL);
}

static int check_service(struct call *k, const struct conf *c, unsigned int s)
{
	const struct conf_service *svc = &c->services[s];
	int err = 0;

	for (unsigned int i = 0; !err && i < svc->n_checks; i++) {
		struct probe_result r = {.service = svc->name};

		agent_request_fill(&r.request, i, svc, i, c->vips[svc->vip]);
		err = make_check(k, &r, c->agent_user);
	}
	return err;
}

static int check_conf(struct call *k)
{
	const char *file = k->config ? k->config : CONFIG;
	struct conf *c = NULL;
	int err = conf_load(file, false, k->err, &c);

	if (err) {
		fprintf(k->err, "hokm-xdp probe: %s cannot be used: %s\n", file, strerror(-err));
		return err;
	}
	for (unsigned int s = 0; !err && s < c->n_services; s++)
		if (!k->service || !strcmp(k->service, c->services[s].name))
			err = check_service(k, c, s);
	if (!err && !k->asked) {
		fprintf(k->err, "hokm-xdp probe: %s has no check%s%s\n", file,
			k->service ? " of service " : "", k->service ? k->service : "");
		err = -ENOENT;
	}
	conf_free(c);
	return err;
}

static int check_all(struct call *k)
{
	int err, closed = 0;

	if (k->json) {
		k->list = out_open(k->out, true);
		if (!k->list)
			return -ENOMEM;
		out_arr_begin(k->list, "checks");
	}
	err = k->url ? check_url(k) : check_conf(k);
	if (k->list) {
		out_arr_end(k->list);
		out_bool(k->list, "healthy", !err && k->asked && !k->unhealthy);
		closed = out_close(k->list);
	}
	return err ? err : closed;
}

int probe_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct call k = {.status = STATUS_DEFAULT, .out = out, .err = err};
	struct command_line l;
	int stop;

	command_begin(&l, &probe_command, argc, argv, out, err);
	stop = parse(&k, &l);
	if (stop)
		return stop == COMMAND_HELP ? PROBE_HEALTHY : PROBE_USAGE;
	if (check_all(&k))
		return PROBE_USAGE;
	if (fflush(out)) {
		fprintf(err, "hokm-xdp probe: the output could not be written: %s\n",
			strerror(errno));
		return PROBE_USAGE;
	}
	return k.unhealthy ? PROBE_NOT_HEALTHY : PROBE_HEALTHY;
}

int probe_main(int argc, char **argv)
{
	return probe_run(argc, argv, stdout, stderr);
}
