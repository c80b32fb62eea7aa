/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands outside of sections: secret, names and paths, VIPs; and the nodes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "base/log.h"
#include "base/units.h"

void conf_read_general(const struct conf_sec *root, struct conf *c)
{
	static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
	const struct conf_text *t;

	conf_read_name(root, "instance", c->instance, sizeof(c->instance));
	conf_read_text(root, "interface", c->interface, sizeof(c->interface));
	conf_read_path(root, "bpffs", c->bpffs, sizeof(c->bpffs));
	conf_read_path(root, "socket", c->socket, sizeof(c->socket));
	t = conf_value(root, "ctl_group");
	if (t && t->s[0]) /* "" says that only root may */
		conf_read_name(root, "ctl_group", c->ctl_group, sizeof(c->ctl_group));
	conf_read_name(root, "agent_user", c->agent_user, sizeof(c->agent_user));
	conf_read_word(root, "log_level", levels, &c->log_level);
	conf_read_number(root, "max_connections", 1024, 4194304, &c->max_connections);
	conf_read_duration(root, "idle_timeout", 60 * NS_PER_S, 30 * 86400 * NS_PER_S, &c->idle_ns);
}

/*
 * Reads the secret's file into dst and returns its length, without the newline at its end, or what
 * is wrong with it in words, *len then being 0.
 */
static const char *load_secret(const char *path, char *dst, size_t size, size_t *len)
{
	const char *problem = NULL;
	struct stat st;
	ssize_t n = 0;
	int fd;

	*len = 0;
	/* O_NONBLOCK: a FIFO in its place must not hold the daemon up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0)
		problem = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		problem = "not a regular file";
	else if (st.st_mode & S_IRWXO)
		problem = "others may use this file: run chmod o= on it";
	else if ((n = read(fd, dst, size)) < 0)
		problem = strerror(errno);
	close(fd);
	if (problem)
		return problem;
	if (n > 0 && dst[n - 1] == '\n')
		n--;
	*len = (size_t)n;
	return NULL;
}

static void take_secret(const struct conf_sec *s, const char *key, const char *secret, size_t len,
			struct conf *c)
{
	if (len < CONF_SECRET_MIN || len >= sizeof(c->secret)) {
		conf_complain(s, key, "the secret has %zu characters: it needs %d to %zu%s", len,
			      CONF_SECRET_MIN, sizeof(c->secret) - 1,
			      ", for example from: openssl rand -hex 16");
		return;
	}
	if (memchr(secret, '\0', len)) {
		conf_complain(s, key, "the secret has a zero byte in it: use printable text");
		return;
	}
	memcpy(c->secret, secret, len);
	c->secret[len] = '\0';
	c->secret_len = len;
}

void conf_read_secret(const struct conf_sec *root, struct conf *c)
{
	const struct conf_text *t = conf_value(root, "secret");
	char buf[CONF_SECRET_MAX + 1], path[CONF_PATH_MAX];
	const char *problem;
	size_t len;

	if (t && conf_given(root, "secret_file")) {
		conf_complain(root, "secret_file", "secret is given too: keep one of them");
		return;
	}
	if (t) {
		take_secret(root, "secret", t->s, t->size - 1, c);
		return;
	}
	if (conf_read_path(root, "secret_file", path, sizeof(path))) {
		problem = load_secret(path, buf, sizeof(buf), &len);
		if (problem)
			conf_complain(root, "secret_file", "%s", problem);
		else
			take_secret(root, "secret_file", buf, len, c);
		explicit_bzero(buf, sizeof(buf));
		return;
	}
	if (root->errors->whole && !conf_given(root, "secret") && !conf_given(root, "secret_file"))
		conf_complain(root, "secret",
			      "missing: the nodes need a shared secret; write secret = \"...\" or "
			      "secret_file = \"/path\"");
}

void conf_read_vips(const struct conf_sec *root, struct conf *c)
{
	cfg_opt_t *opt = cfg_getopt(root->cfg, "vip");
	const unsigned int n = opt ? cfg_opt_size(opt) : 0;
	char shown[32];

	if (!n) {
		if (opt && (opt->flags & CFGF_MODIFIED))
			conf_error_at(root->errors, 0,
				      "vip = {}: at least one VIP, or no such key");
		return;
	}
	c->n_vips = 0;
	for (unsigned int i = 0; i < n; i++) {
		const struct conf_text *t = cfg_opt_getnptr(opt, i);
		struct in_addr addr;
		const char *problem = conf_ipv4_problem(t->s, &addr);

		for (unsigned int k = 0; !*problem && k < c->n_vips; k++)
			if (c->vips[k].s_addr == addr.s_addr)
				problem = "in the list twice";
		if (!*problem && c->n_vips == HOKM_MAX_VIPS)
			problem = "too many: at most 4 VIPs";
		if (*problem)
			conf_error_at(root->errors, t->line, "vip = \"%s\": %s",
				      text_show(t->s, shown, sizeof(shown)), problem);
		else
			c->vips[c->n_vips++] = addr;
	}
	/* All of them wrong: the file is refused, but what follows looks at the first one. */
	if (!c->n_vips)
		c->n_vips = 1;
}

static void refuse_same_node(const struct conf_sec *s, const struct conf *c,
			     const struct conf_node *node)
{
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		const struct conf_node *o = &c->nodes[i];

		if (node->addr.s_addr && o->addr.s_addr == node->addr.s_addr)
			conf_complain(s, "address", "node %s has this address already", o->name);
		if (o->priority != node->priority)
			continue;
		if (conf_given(s, "priority"))
			conf_complain(s, "priority", "node %s has this priority already", o->name);
		else
			conf_complain(s, "priority",
				      "not given, and the default for its place, %u, is that of "
				      "node %s: set it",
				      node->priority, o->name);
	}
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (node->addr.s_addr && c->vips[i].s_addr == node->addr.s_addr)
			conf_complain(s, "address",
				      "this is a VIP: a node needs an address of its own");
}

static void read_node(const struct conf_sec *s, struct conf *c)
{
	struct conf_node *node = &c->nodes[c->n_nodes];
	const char *title = cfg_title(s->cfg);
	unsigned int priority;

	/* No dots: the name becomes a folder in bpffs, which has no names with dots. */
	if (!name_valid(title) || strlen(title) >= sizeof(node->name)) {
		conf_error_at(s->errors, s->cfg->line,
			      "node \"%.*s\": a name of 1 to %d letters, digits, '-' and '_'",
			      CONF_NAME_MAX, title, CONF_NAME_MAX - 1);
		return;
	}
	snprintf(node->name, sizeof(node->name), "%s", title);
	node->priority = (uint8_t)(110 - 10 * c->n_nodes);
	conf_read_ipv4(s, "address", &node->addr);
	if (!conf_given(s, "address") && s->errors->whole)
		conf_complain(s, "address", "missing: the node's own IPv4 address");
	if (conf_read_number(s, "priority", 1, 254, &priority))
		node->priority = (uint8_t)priority;
	refuse_same_node(s, c, node);
	c->n_nodes++;
}

void conf_read_nodes(const struct conf_sec *root, struct conf *c)
{
	struct conf_sec s;

	for (unsigned int i = 0; conf_nth_section(root, "node", i, &s); i++) {
		if (c->n_nodes == CONF_NODES_MAX) {
			conf_error_at(root->errors, s.cfg->line, "node: at most %d of them",
				      CONF_NODES_MAX);
			return;
		}
		read_node(&s, c);
	}
	if (root->errors->whole && !conf_nth_section(root, "node", 1, &s))
		conf_error_at(root->errors, 0,
			      "node: a group needs at least two: write node NAME { address = "
			      "\"...\" } for each");
}
