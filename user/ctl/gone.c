/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads what a daemon that does not answer has left in the kernel; see gone.h. In the JSON, moments
 * are durations: how long ago, or how far ahead of `now`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "ctl/gone.h"
#include "path/bpf.h"

#define CONFIG "/etc/hokm-xdp/hokm-xdp.conf"

static const char *const why_words[] = {
	[GONE_NO_SOCKET] = "no-socket",
	[GONE_REFUSED] = "refused",
	[GONE_STOPPED] = "stopped",
};

static json_t *ipv4(struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET, &addr, text, sizeof(text)) ? text : "?");
}

static json_t *vips_of(const struct conf *c)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->n_vips; i++)
		if (json_array_append_new(list, ipv4(c->vips[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* In ms how long ago a moment was, null for a moment that never was or is not yet. */
static json_t *ago(uint64_t moment_ns, uint64_t now_ns)
{
	if (!moment_ns || moment_ns > now_ns)
		return json_null();
	return json_integer((json_int_t)((now_ns - moment_ns) / NS_PER_MS));
}

/* In ms how far ahead a moment is; 0: it is over, or never was. */
static json_t *ahead(uint64_t moment_ns, uint64_t now_ns)
{
	return json_integer(
		moment_ns > now_ns ? (json_int_t)((moment_ns - now_ns) / NS_PER_MS) : 0);
}

/* A node without peers has nobody to steer to. */
static json_t *linger_left(const struct conf *c, const struct hokm_left *left, uint64_t now_ns)
{
	if (c->n_nodes < 2 || !left->ingress)
		return json_null();
	return ahead(left->own.daemon_ns ? left->own.daemon_ns + left->linger_ns : 0, now_ns);
}

static void put(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value))
		log_error("status: no memory for %s", key);
}

json_t *gone_json(const struct conf *c, const struct hokm_left *left, enum gone_why why,
		  uint64_t now_ns)
{
	const struct conf_node *self = &c->nodes[c->self];
	const struct hokm_own *own = &left->own;
	json_t *o = json_object();

	put(o, "daemon", json_string("gone"));
	put(o, "why", json_string(why_words[why]));
	put(o, "socket", json_string(c->socket));
	put(o, "node", json_string(self->name));
	put(o, "address", ipv4(self->addr));
	put(o, "vips", vips_of(c));
	put(o, "owner", json_boolean(left->owner_until_ns > now_ns));
	put(o, "state", json_string(hokm_vrrp_state_name(own->state)));
	put(o, "epoch", json_integer((json_int_t)own->epoch));
	put(o, "daemon_ms", ago(own->daemon_ns, now_ns));
	put(o, "lease_left_ms", ahead(left->owner_until_ns, now_ns));
	put(o, "lease_ended_ms", ago(left->owner_until_ns, now_ns));
	put(o, "interface", json_string(c->interface));
	put(o, "xdp_mode", json_string(left->mode));
	put(o, "ingress", json_boolean(left->ingress));
	put(o, "egress", json_boolean(left->egress));
	put(o, "linger_left_ms", linger_left(c, left, now_ns));
	put(o, "connections", json_integer((json_int_t)left->local));
	put(o, "steered", json_integer((json_int_t)left->steered));
	return o;
}

/* Is this configuration that of the daemon that was asked? */
static bool is_of(const struct conf *c, const json_t *options, const char *path)
{
	const char *node = json_string_value(json_object_get(options, "node"));

	if (c->self >= c->n_nodes || (node && strcmp(c->nodes[c->self].name, node) != 0))
		return false;
	/* Where no socket was found in the usual folder, a daemon may listen elsewhere. */
	return path[0] ? !strcmp(c->socket, path) : access(c->socket, F_OK) != 0;
}

/*
 * The configuration of the daemon that was asked, or NULL. ctl_socket_find() has already reported
 * what is wrong with a file that was given.
 */
static struct conf *config_of(const json_t *options, const char *path)
{
	const char *file = json_string_value(json_object_get(options, "config"));
	FILE *errors = fopen("/dev/null", "we");
	struct conf *c = NULL;

	if (!errors)
		return NULL;
	if (conf_load(file ? file : CONFIG, true, errors, &c))
		c = NULL;
	fclose(errors);
	if (!c || is_of(c, options, path))
		return c;
	conf_free(c);
	return NULL;
}

/* -ENOENT for an error that does not tell where the daemon is. */
static int why_gone(int err, enum gone_why *why)
{
	switch (-err) {
	case ENOENT:
		*why = GONE_NO_SOCKET;
		return 0;
	case ECONNREFUSED:
		*why = GONE_REFUSED;
		return 0;
	case ETIMEDOUT:
		*why = GONE_STOPPED;
		return 0;
	default:
		return -ENOENT;
	}
}

json_t *gone_look(const json_t *options, const char *path, int err)
{
	struct hokm_left left;
	enum gone_why why;
	struct conf *c;
	json_t *data = NULL;

	if (geteuid() || why_gone(err, &why))
		return NULL;
	c = config_of(options, path);
	if (c && !hokm_bpf_look_left(c, &left))
		data = gone_json(c, &left, why, clock_now_ns());
	conf_free(c);
	return data;
}
