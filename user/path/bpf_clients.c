/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Some clients of the tables of connections, as examples. Of each table a few entries are read, one
 * by one: a table of hundreds of thousands is walked by nobody for that. The order of a hash table
 * is as good as chance.
 */
#include <string.h>

#include "conf/conf.h"
#include "path/bpf_internal.h"

#define LOOKS 32 /* entries of each table: many connections may be of one address */

struct clients {
	const struct hokm_cfg *cfg;
	struct hokm_client *list;
	unsigned int n, max;
};

static struct hokm_client *find(const struct clients *c, const struct hokm_client *one)
{
	for (unsigned int i = 0; i < c->n; i++)
		if (c->list[i].addr.s_addr == one->addr.s_addr &&
		    c->list[i].vip.s_addr == one->vip.s_addr)
			return &c->list[i];
	return NULL;
}

/* Returns false when the service is not known any more. */
static bool read_key(const struct clients *c, const struct hokm_conn_key *k,
		     struct hokm_client *out)
{
	if (k->service >= HOKM_MAX_SERVICES || !c->cfg->service[k->service].used)
		return false;
	out->addr = hokm_addr_to_ipv4(&k->client);
	out->vip = hokm_addr_to_ipv4(&c->cfg->service[k->service].vip);
	return true;
}

/* Its client has answered: nobody but him can have this address. */
static bool is_established(int map_fd, const struct hokm_conn_key *k, uint64_t *sent_ns)
{
	struct hokm_conn conn;

	if (bpf_map_lookup_elem(map_fd, k, &conn) || conn.tcp_state != HOKM_TCP_ESTABLISHED)
		return false;
	*sent_ns = conn.s2c.last_ns;
	return true;
}

static void add(struct clients *c, const struct hokm_client *one)
{
	struct hokm_client *known = find(c, one);

	if (!known)
		c->list[c->n++] = *one;
	else if (known->sent_ns < one->sent_ns)
		known->sent_ns = one->sent_ns;
}

/* conns: of map conns. Peers replicate established connections only. */
static void collect(struct clients *c, int map_fd, bool conns)
{
	struct hokm_conn_key key, next;
	const struct hokm_conn_key *at = NULL;

	for (int i = 0; i < LOOKS && c->n < c->max; i++) {
		struct hokm_client client = {0};

		if (map_fd < 0 || bpf_map_get_next_key(map_fd, at, &next))
			return;
		key = next;
		at = &key;
		if (read_key(c, &key, &client) &&
		    (!conns || is_established(map_fd, &key, &client.sent_ns)))
			add(c, &client);
	}
}

unsigned int hokm_bpf_some_clients(struct hokm_bpf *b, struct hokm_client *list, unsigned int max)
{
	struct hokm_cfg cfg;
	struct clients c = {.cfg = &cfg, .list = list, .max = max};

	if (hokm_bpf_get_cfg(b, &cfg))
		return 0;
	collect(&c, b->map[MAP_CONNS], true);
	collect(&c, b->map[MAP_REPLICA], false);
	return c.n;
}
