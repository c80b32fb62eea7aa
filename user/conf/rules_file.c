/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for the keys outside of sections, and for the nodes. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

/* %n in a path stands for the node's name; conf_find_self() replaces it. */
static void check_path(const struct conf_sec *root, const char *key, const char *path)
{
	const char *at = strchr(path, '%');

	if (at && (at[1] != 'n' || strchr(at + 1, '%')))
		conf_complain(root, key, "%% may stand once, as %%n, for the node's name");
}

static bool is_listed(const struct conf *c, struct in_addr addr)
{
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (c->vips[i].s_addr == addr.s_addr)
			return true;
	return false;
}

static void add_vip(const struct conf_sec *root, const struct conf_text *t, struct conf *c)
{
	char problem[CONF_PROBLEM_MAX] = "", shown[32];
	struct in_addr addr;

	if (conf_key_parse(conf_key_find("vip"), t->s, &addr, problem)) {
		if (is_listed(c, addr))
			snprintf(problem, sizeof(problem), "in the list twice");
		else if (c->n_vips == HOKM_MAX_VIPS)
			snprintf(problem, sizeof(problem), "too many: at most %d VIPs",
				 HOKM_MAX_VIPS);
		else
			c->vips[c->n_vips++] = addr;
	}
	if (problem[0])
		conf_error_at(root->errors, t->line, "vip = \"%s\": %s",
			      text_show(t->s, shown, sizeof(shown)), problem);
}

static void read_vips(const struct conf_sec *root, struct conf *c)
{
	const struct conf_key *k = conf_key_find("vip");
	cfg_opt_t *opt = root->cfg ? cfg_getopt(root->cfg, "vip") : NULL;
	const unsigned int n = opt ? cfg_opt_size(opt) : 0;
	char problem[CONF_PROBLEM_MAX];

	if (!n && opt && opt->flags & CFGF_MODIFIED)
		conf_error_at(root->errors, 0, "vip = {}: at least one VIP, or no such key");
	c->n_vips = 0;
	for (unsigned int i = 0; i < n; i++)
		add_vip(root, cfg_opt_getnptr(opt, i), c);
	if (c->n_vips)
		return;
	/* Also after an error: other rules look at the first VIP. */
	conf_key_parse(k, conf_key_default(k, c->profile, 0), c->vips, problem);
	c->n_vips = 1;
}

void rule_file(const struct conf_sec *s, struct conf *c)
{
	check_path(s, "bpffs", c->bpffs);
	check_path(s, "socket", c->socket);
	check_path(s, "state_file", c->state_file);
	conf_read_secrets(s, c);
	read_vips(s, c);
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
				      "not given, and the default for its place, %u, is "
				      "that of node %s: set it",
				      node->priority, o->name);
	}
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (node->addr.s_addr && c->vips[i].s_addr == node->addr.s_addr)
			conf_complain(s, "address",
				      "this is a VIP: a node needs an address of its own");
}

/* Without a priority of its own a node has one by its place in the file: 110, 100, 90 … */
void rule_node(const struct conf_sec *s, struct conf *c)
{
	struct conf_node *node = s->item;

	if (!conf_good(s, "priority"))
		node->priority = (uint8_t)(110 - 10 * c->n_nodes);
	refuse_same_node(s, c, node);
	rule_paths(s, c, node);
}
