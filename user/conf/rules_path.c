/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for the paths beside the segment. The first path of a node leads to the first path of each
 * other node, the second one to the second one, so all nodes have the same number.
 *
 * Whether a path really leads elsewhere is not in the file: the daemon looks at the interface that
 * has the address (act/path_look.h).
 */
#include <stdio.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

static bool has_path(const struct conf_node *n, struct in_addr addr)
{
	for (unsigned int i = 0; i < n->n_paths; i++)
		if (n->paths[i].s_addr == addr.s_addr)
			return true;
	return false;
}

/* What else the file says of this address, or NULL. */
static const char *taken(const struct conf *c, const struct conf_node *node, struct in_addr addr)
{
	for (unsigned int i = 0; i < c->n_vips; i++)
		if (c->vips[i].s_addr == addr.s_addr)
			return "this is a VIP: a path needs an address of its own";
	if (node->addr.s_addr == addr.s_addr)
		return "this is the node's address: a path needs another one";
	if (has_path(node, addr))
		return "in the list twice";
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == addr.s_addr || has_path(&c->nodes[i], addr))
			return "another node has this address already";
	return NULL;
}

static void add_path(const struct conf_sec *s, const struct conf *c, struct conf_node *node,
		     const struct conf_text *t)
{
	char problem[CONF_PROBLEM_MAX] = "", shown[32];
	struct in_addr addr;

	if (conf_key_parse(conf_key_find("node.path"), t->s, &addr, problem)) {
		const char *why = taken(c, node, addr);

		if (!why && node->n_paths == HOKM_MAX_PATHS)
			snprintf(problem, sizeof(problem), "too many: at most %d paths",
				 HOKM_MAX_PATHS);
		else if (why)
			snprintf(problem, sizeof(problem), "%s", why);
		else
			node->paths[node->n_paths++] = addr;
	}
	if (problem[0])
		conf_error_at(s->errors, t->line, "%spath = \"%s\": %s", s->name,
			      text_show(t->s, shown, sizeof(shown)), problem);
}

static int line_of(const struct conf_sec *s)
{
	return s->cfg ? (int)s->cfg->line : 0;
}

static void refuse_other_number(const struct conf_sec *s, const struct conf *c,
				const struct conf_node *node)
{
	const struct conf_node *first = &c->nodes[0];

	if (!c->n_nodes || first->n_paths == node->n_paths)
		return;
	conf_error_at(s->errors, line_of(s),
		      "node %s has %u in its list path and node %s has %u: "
		      "all nodes need the same number, in the same order",
		      node->name, node->n_paths, first->name, first->n_paths);
}

void rule_paths(const struct conf_sec *s, const struct conf *c, struct conf_node *node)
{
	cfg_opt_t *opt = s->cfg ? cfg_getopt(s->cfg, "path") : NULL;
	const unsigned int n = opt ? cfg_opt_size(opt) : 0;

	node->n_paths = 0;
	for (unsigned int i = 0; i < n; i++)
		add_path(s, c, node, cfg_opt_getnptr(opt, i));
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (node->addr.s_addr && has_path(&c->nodes[i], node->addr))
			conf_complain(s, "address", "node %s has this address in its list path",
				      c->nodes[i].name);
	if (n && conf_good(s, "peer") && node->peer == CONF_PEER_VRRP)
		conf_error_at(s->errors, line_of(s),
			      "%spath: a node with peer = vrrp answers no pulses on any path",
			      s->name);
	if (s->errors->n)
		return;
	refuse_other_number(s, c, node);
}
