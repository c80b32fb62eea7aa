/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for the arbiter `etcd`: its endpoints, files and times. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema_etcd.h"

#define SEPARATORS " \t,"
/* A claim has room for its question, and for one more that was on its way. */
#define ADVERT_LEAST_NS (100 * NS_PER_MS)
#define ADVERTS_A_HOLD  10
#define TIMEOUTS_A_HOLD 4

/* What is wrong with a URL, or NULL. Only scheme, host and port. */
static const char *check_url(char *url)
{
	size_t len = strlen(url), scheme;

	if (len && url[len - 1] == '/')
		url[--len] = '\0';
	scheme = !strncmp(url, "https://", 8) ? 8 : !strncmp(url, "http://", 7) ? 7 : 0;
	if (!scheme || !url[scheme])
		return "write http://HOST:PORT or https://HOST:PORT";
	if (strpbrk(url + scheme, "/?#@\\\"'"))
		return "only scheme, host and port; a user belongs into etcd.credentials";
	return NULL;
}

static void split_endpoints(const struct conf_sec *s, struct conf_etcd *e)
{
	char list[CONF_ETCD_LIST_MAX], *save = NULL;
	const char *problem = NULL;

	memcpy(list, e->list, sizeof(list));
	for (char *url = strtok_r(list, SEPARATORS, &save); url && !problem;
	     url = strtok_r(NULL, SEPARATORS, &save)) {
		if (e->n_endpoints == CONF_ETCD_ENDPOINTS_MAX || strlen(url) >= CONF_ETCD_URL_MAX)
			problem = "at most 8 endpoints, of 127 characters each";
		else
			problem = check_url(url);
		if (!problem)
			snprintf(e->endpoint[e->n_endpoints++], CONF_ETCD_URL_MAX, "%s", url);
	}
	if (problem)
		conf_complain(s, "endpoints", "%s", problem);
}

void rule_etcd(const struct conf_sec *s, struct conf *c)
{
	struct conf_etcd *e = &c->etcd;

	split_endpoints(s, e);
	e->timeout_default = !conf_given(s, "timeout");
	if (e->prefix[0] != '/')
		conf_complain(s, "prefix", "it begins with a slash");
	for (const char *p = e->prefix; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\') {
			conf_complain(s, "prefix", "no blanks, quotes and backslashes");
			break;
		}
	if (!e->cert_file[0] != !e->key_file[0])
		conf_complain(s, e->cert_file[0] ? "cert_file" : "key_file",
			      "cert_file and key_file belong together");
}

static void check_times(const struct conf_sec *root, struct conf *c)
{
	struct conf_etcd *e = &c->etcd;

	if (c->advert_ns < ADVERT_LEAST_NS)
		conf_complain(root, "arbiter",
			      "vrrp.advert is too short: 100ms is the least with etcd");
	if (e->timeout_ns > c->advert_ns)
		conf_complain(root, "arbiter", "etcd.timeout is longer than vrrp.advert");
	if (c->peer_dead_ns > c->advert_ns)
		conf_complain(root, "arbiter", "pulse.dead is longer than vrrp.advert");
	if (e->hold_ns < ADVERTS_A_HOLD * c->advert_ns ||
	    e->hold_ns < TIMEOUTS_A_HOLD * e->timeout_ns)
		conf_complain(root, "arbiter",
			      "etcd.hold is too short: at least %d times vrrp.advert",
			      ADVERTS_A_HOLD);
}

void conf_check_etcd(const struct conf_sec *root, struct conf *c)
{
	if (c->arbiter != CONF_ARBITER_ETCD || !conf_good(root, "arbiter"))
		return;
	if (c->etcd.timeout_default && c->etcd.timeout_ns > c->advert_ns)
		c->etcd.timeout_ns = c->advert_ns;
	check_times(root, c);
	if (!c->etcd.n_endpoints)
		conf_complain(root, "arbiter",
			      "no cluster is named: write etcd { endpoints = \"...\" }");
	if (c->n_nodes != 2)
		conf_complain(root, "arbiter",
			      "etcd decides between two nodes, and there are %u: "
			      "with more of them use a witness",
			      c->n_nodes);
	if (c->n_witnesses)
		conf_complain(root, "arbiter",
			      "there is a witness, and it would be asked by nobody: "
			      "remove it, or write auto");
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].peer == CONF_PEER_VRRP)
			conf_complain(root, "arbiter",
				      "node %s has peer = vrrp, and asks no cluster",
				      c->nodes[i].name);
}

void conf_etcd_key(const struct conf *c, char key[CONF_ETCD_KEY_MAX])
{
	struct in_addr lowest = {0};
	char vip[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < c->n_vips; i++)
		if (!i || ntohl(c->vips[i].s_addr) < ntohl(lowest.s_addr))
			lowest = c->vips[i];
	if (!inet_ntop(AF_INET, &lowest, vip, sizeof(vip)))
		vip[0] = '\0';
	snprintf(key, CONF_ETCD_KEY_MAX, "%s/%s/%u", c->etcd.prefix, vip, c->vrid);
}
