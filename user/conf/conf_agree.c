/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The digest of what must agree between nodes (decide/agree.h), made from a configuration. What the
 * order in the file does not matter for is added up, so that the order does not show. A secret
 * counts by an id that is derived from it with a label of its own.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "conf/conf_int.h"
#include "decide/agree.h"
#include "hokm/siphash.h"

#define LABEL_SECRET_ID "hokm-xdp secret id v1"

/* Not secret, as the settings are not: a hash keeps the message short. */
static uint64_t hash(const void *bytes, size_t len)
{
	static const __u64 key[2] = {0x686f6b6d2d786470ULL, 2};

	return siphash_bytes(bytes, len, key);
}

static uint32_t hash_of(uint64_t *words, size_t n)
{
	uint64_t h;

	for (size_t i = 0; i < n; i++)
		words[i] = htobe64(words[i]);
	h = hash(words, n * sizeof(*words));
	return (uint32_t)(h ^ h >> 32);
}

static uint64_t host_of(struct in_addr a)
{
	return ntohl(a.s_addr);
}

/* In ascending order, because the first one means nothing. */
static void put_vips(const struct conf *c, struct agree *a)
{
	uint64_t words[HOKM_MAX_VIPS];

	a->n_vips = c->n_vips;
	for (unsigned int i = 0; i < c->n_vips; i++) {
		unsigned int at = i;

		for (; at && host_of(a->vips[at - 1]) > host_of(c->vips[i]); at--)
			a->vips[at] = a->vips[at - 1];
		a->vips[at] = c->vips[i];
	}
	for (unsigned int i = 0; i < c->n_vips; i++)
		words[i] = host_of(a->vips[i]);
	a->hash[AGREE_VIP] = hash_of(words, c->n_vips);
}

static void put_nodes(const struct conf *c, struct agree *a)
{
	uint64_t majority[] = {conf_majority(c)};

	/* Also arbiter shows here, and peer where it turns the majority off. */
	if (c->arbiter == CONF_ARBITER_GATEWAY)
		majority[0] = UINT64_MAX;
	/* The one counts by its own hold how long the other one may own. */
	if (c->arbiter == CONF_ARBITER_ETCD)
		majority[0] = hash(c->etcd.prefix, strlen(c->etcd.prefix)) ^ c->etcd.hold_ns;
	if (majority[0])
		a->hash[AGREE_NODE] += hash_of(majority, 1);
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		uint64_t words[] = {host_of(c->nodes[i].addr), c->nodes[i].priority};

		a->hash[AGREE_NODE] += hash_of(words, 2);
	}
	/* No node has this priority. */
	for (unsigned int i = 0; i < c->n_witnesses; i++) {
		uint64_t words[] = {host_of(c->witnesses[i].addr), 0};

		a->hash[AGREE_NODE] += hash_of(words, 2);
	}
}

static void put_services(const struct conf *c, struct agree *a)
{
	for (unsigned int i = 0; i < c->n_services; i++) {
		const struct conf_service *s = &c->services[i];
		uint64_t words[] = {host_of(c->vips[s->vip]), s->port};

		a->hash[AGREE_SERVICE] += hash_of(words, 2);
	}
}

static void put_times(const struct conf *c, struct agree *a)
{
	uint64_t vrrp[] = {c->vrrp_version, c->vrid, c->multicast,
			   c->vrrp_version == 3 && c->checksum_pseudo, c->advert_ns};
	uint64_t pulse[] = {c->pulse_port,      c->pulse_ns,
			    c->peer_dead_ns,    c->players_dead_ns,
			    c->daemon_stale_ns, conf_majority(c) ? c->grant_ns : 0};

	a->hash[AGREE_VRRP] = hash_of(vrrp, sizeof(vrrp) / sizeof(vrrp[0]));
	a->hash[AGREE_PULSE] = hash_of(pulse, sizeof(pulse) / sizeof(pulse[0]));
}

static int put_secrets(const struct conf *c, struct agree *a)
{
	unsigned char ids[HOKM_MAX_SECRETS][8];
	int err = 0;

	for (unsigned int i = 0; !err && i < c->n_secrets; i++)
		err = conf_derive(&c->secrets[i], LABEL_SECRET_ID, ids[i], sizeof(ids[i]));
	if (!err)
		a->hash[AGREE_SECRET] = (uint32_t)hash(ids, c->n_secrets * sizeof(ids[0]));
	explicit_bzero(ids, sizeof(ids));
	return err;
}

int conf_agree(const struct conf *c, struct agree *out)
{
	memset(out, 0, sizeof(*out));
	put_vips(c, out);
	put_nodes(c, out);
	put_services(c, out);
	put_times(c, out);
	snprintf(out->version, sizeof(out->version), "%s", HOKM_VERSION);
	out->hash[AGREE_VERSION] = (uint32_t)hash(HOKM_VERSION, strlen(HOKM_VERSION));
	return put_secrets(c, out);
}
