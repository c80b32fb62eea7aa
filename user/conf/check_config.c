/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp check-config`: loads the file as the daemon would, without asking which node this is,
 * so that it can run anywhere, and lists every setting with its default filled in. Secret and VRRP
 * password are never shown, only where they come from.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/check_config.h"
#include "conf/conf_int.h"
#include "base/log.h"
#include "base/out.h"

static void list_addr(struct out *o, const char *name, struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];

	if (inet_ntop(AF_INET, &addr, text, sizeof(text)))
		out_str(o, name, text);
}

static void list_general(struct out *o, const struct conf *c)
{
	out_str(o, "profile", conf_profile_words[c->profile]);
	out_str(o, "instance", c->instance);
	out_str(o, "interface", c->interface[0] ? c->interface : "auto");
	out_str(o, "bpffs", c->bpffs);
	out_str(o, "socket", c->socket);
	out_str(o, "ctl_group", c->ctl_group);
	out_str(o, "agent_user", c->agent_user);
	out_str(o, "log_level", log_level_name((enum log_level)c->log_level));
	out_u64(o, "max_connections", c->max_connections);
	out_duration(o, "idle_timeout", c->idle_ns);
	out_str(o, "secret", "set");
	out_arr_begin(o, "vips");
	for (unsigned int i = 0; i < c->n_vips; i++)
		list_addr(o, NULL, c->vips[i]);
	out_arr_end(o);
}

static void list_nodes(struct out *o, const struct conf *c)
{
	out_arr_begin(o, "nodes");
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		out_obj_begin(o, NULL);
		out_str(o, "name", c->nodes[i].name);
		list_addr(o, "address", c->nodes[i].addr);
		out_u64(o, "priority", c->nodes[i].priority);
		out_obj_end(o);
	}
	out_arr_end(o);
}

static void list_check(struct out *o, const struct conf_check *k)
{
	out_obj_begin(o, NULL);
	out_str(o, "kind", conf_check_words[k->kind]);
	if (k->kind == CHECK_EXEC) {
		out_str(o, "command", k->path);
	} else {
		list_addr(o, "address", k->addr);
		out_u64(o, "port", k->port);
	}
	if (k->kind == CHECK_WEBSOCKET || k->kind == CHECK_HTTP) {
		out_str(o, "path", k->path);
		out_bool(o, "tls", k->tls);
	}
	if (k->kind == CHECK_HTTP) {
		out_u64(o, "status", k->status);
		out_str(o, "body", k->body);
	}
	out_duration(o, "interval", k->interval_ns);
	out_duration(o, "fastinter", k->fastinter_ns);
	out_duration(o, "downinter", k->downinter_ns);
	out_duration(o, "timeout", k->timeout_ns);
	out_u64(o, "rise", k->rise);
	out_u64(o, "fall", k->fall);
	out_u64(o, "attempts", k->attempts);
	out_duration(o, "backoff", k->backoff_ns);
	out_obj_end(o);
}

static void list_services(struct out *o, const struct conf *c)
{
	out_arr_begin(o, "services");
	for (unsigned int i = 0; i < c->n_services; i++) {
		const struct conf_service *v = &c->services[i];

		out_obj_begin(o, NULL);
		out_str(o, "name", v->name);
		list_addr(o, "vip", c->vips[v->vip]);
		out_u64(o, "port", v->port);
		out_str(o, "on_marked_down", conf_marked_down_words[v->on_marked_down]);
		out_arr_begin(o, "checks");
		for (unsigned int k = 0; k < v->n_checks; k++)
			list_check(o, &v->checks[k]);
		out_arr_end(o);
		out_obj_end(o);
	}
	out_arr_end(o);
}

static void list_passive(struct out *o, const struct observe_conf *p)
{
	out_bool(o, "enabled", p->on);
	out_duration(o, "suspect", p->hold_ns);
	out_duration(o, "suspect_max", p->hold_max_ns);
	out_duration(o, "calm", p->calm_ns);
	out_duration(o, "sample", p->sample_ns);
	out_duration(o, "window", p->window_ns);
	out_duration(o, "timeout", p->timeout_ns);
	out_arr_begin(o, "signals");
	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		const struct observe_limit *l = &p->limit[i];

		out_obj_begin(o, NULL);
		out_str(o, "name", hokm_signal_name(i));
		out_bool(o, "enabled", l->on);
		out_u64(o, "min", l->min);
		out_u64(o, "percent", l->percent);
		if (l->after_ns)
			out_duration(o, "after", l->after_ns);
		out_obj_end(o);
	}
	out_arr_end(o);
}

static void list_times(struct out *o, const struct conf *c)
{
	out_obj_begin(o, "vrrp");
	out_u64(o, "version", c->vrrp_version);
	out_u64(o, "vrid", c->vrid);
	out_str(o, "mode", c->multicast ? "multicast" : "unicast");
	out_str(o, "checksum", c->checksum_pseudo ? "pseudo-header" : "plain");
	out_duration(o, "advert", c->advert_ns);
	out_bool(o, "preempt", c->preempt);
	out_duration(o, "preempt_delay", c->preempt_delay_ns);
	out_bool(o, "authenticated", c->vrrp_password[0] != '\0');
	out_u64(o, "garp_count", c->garp_count);
	out_duration(o, "garp_refresh", c->garp_refresh_ns);
	out_obj_end(o);
	out_obj_begin(o, "pulse");
	out_u64(o, "port", c->pulse_port);
	out_duration(o, "interval", c->pulse_ns);
	out_duration(o, "dead", c->peer_dead_ns);
	out_duration(o, "stale", c->daemon_stale_ns);
	out_obj_end(o);
	out_obj_begin(o, "replication");
	out_bool(o, "enabled", c->replicate);
	out_u64(o, "port", c->repl_port);
	out_u64(o, "rate", c->tell_rate);
	out_duration(o, "wait", c->warm_ns);
	out_obj_end(o);
	out_obj_begin(o, "passive");
	list_passive(o, &c->observe);
	out_obj_end(o);
	out_obj_begin(o, "hooks");
	out_str(o, "before", c->hooks.before);
	out_str(o, "after", c->hooks.after);
	out_str(o, "user", c->hooks.user);
	out_duration(o, "timeout", c->hooks.timeout_ns);
	out_obj_end(o);
}

static void list_errors(struct out *o, char *errors)
{
	char *save, *line = strtok_r(errors, "\n", &save);

	out_arr_begin(o, "errors");
	for (; line; line = strtok_r(NULL, "\n", &save))
		out_str(o, NULL, line);
	out_arr_end(o);
}

/* c is NULL when there are errors. 0 or -errno. */
static int show(const struct conf *c, char *errors, bool json)
{
	struct out *o;

	if (!c && !json)
		return fputs(errors, stderr) == EOF ? -EIO : 0;
	if (c && !json)
		printf("OK %s\n", c->file);
	o = out_open(stdout, json);
	if (!o)
		return -ENOMEM;
	if (json)
		out_bool(o, "ok", c != NULL);
	if (c) {
		list_general(o, c);
		list_nodes(o, c);
		list_services(o, c);
		list_times(o, c);
	} else {
		list_errors(o, errors);
	}
	return out_close(o);
}

static int check(const char *file, bool json)
{
	struct conf *c = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);
	int err, shown;

	if (!errors) {
		fprintf(stderr, "check-config: %s\n", strerror(errno));
		return CHECK_CONFIG_NO_INPUT;
	}
	err = conf_load(file, false, errors, &c);
	if (fclose(errors) == EOF || !text) {
		fprintf(stderr, "check-config: out of memory\n");
		conf_free(c);
		free(text);
		return CHECK_CONFIG_NO_INPUT;
	}
	shown = show(c, text, json);
	if (shown)
		fprintf(stderr, "check-config: the result could not be written: %s\n",
			strerror(-shown));
	conf_free(c);
	free(text);
	if (err && err != -EINVAL)
		return CHECK_CONFIG_NO_INPUT;
	return err ? CHECK_CONFIG_WRONG : shown ? 1 : CHECK_CONFIG_OK;
}

int check_config_main(int argc, char **argv)
{
	const char *file = NULL;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			json = true;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			printf("usage: hokm-xdp check-config FILE [--json]\n");
			return CHECK_CONFIG_OK;
		} else if (argv[i][0] == '-' || file) {
			fprintf(stderr, "check-config: \"%s\" is not understood\n", argv[i]);
			file = NULL;
			break;
		} else {
			file = argv[i];
		}
	}
	if (!file) {
		fprintf(stderr, "usage: hokm-xdp check-config FILE [--json]\n");
		return CHECK_CONFIG_USAGE;
	}
	return check(file, json);
}
