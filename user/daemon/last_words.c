/* SPDX-License-Identifier: GPL-2.0-only */
/* See last_words.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "act/session_reset.h"
#include "base/log.h"
#include "daemon/last_words.h"
#include "path/bpf.h"

struct batch {
	struct session_reset reset;
	const struct conf *conf;
	const struct conf_service *services[HOKM_MAX_SERVICES]; /* by slot; NULL: unused */
	struct tickle_conn conns[TICKLE_MAX];
	unsigned int n;
	int64_t ended;
};

/* 0 or -errno. */
static int flush(struct batch *b)
{
	int n = b->n ? session_reset_send(&b->reset, b->conns, b->n) : 0;

	b->ended += b->n;
	b->n = 0;
	return n < 0 ? n : 0;
}

static int end_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct batch *b = arg;
	const struct conf_service *svc = k->service < HOKM_MAX_SERVICES ? b->services[k->service]
									: NULL;

	if (!svc || c->target != HOKM_LOCAL || c->tcp_state != HOKM_TCP_ESTABLISHED ||
	    c->flags & HOKM_CONN_ENDED)
		return 0;
	b->conns[b->n++] = (struct tickle_conn){
		.client = hokm_addr_to_ipv4(&k->client),
		.vip = b->conf->vips[svc->vip],
		.client_port = k->client_port,
		.port = htobe16(svc->port),
		.seq = c->s2c.seq_next,
		.ack = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.known = c->s2c.packets > 0,
	};
	return b->n == TICKLE_MAX ? flush(b) : 0;
}

/* The daemon gave the slots: each has the name of its service (hokm_service_tag()). */
static int find_services(struct hokm_bpf *bpf, struct batch *b)
{
	for (unsigned int slot = 0; slot < HOKM_MAX_SERVICES; slot++) {
		struct hokm_service seen;
		int err = hokm_bpf_get_service(bpf, slot, &seen);

		if (err)
			return err;
		for (unsigned int i = 0; seen.tag && i < b->conf->n_services; i++) {
			const struct conf_service *svc = &b->conf->services[i];

			if (hokm_service_tag(b->conf->vips[svc->vip], svc->port) == seen.tag)
				b->services[slot] = svc;
		}
	}
	return 0;
}

static int end_all(struct hokm_bpf *bpf, struct batch *b)
{
	int err = session_reset_open(&b->reset);

	if (err)
		return err;
	err = find_services(bpf, b);
	if (!err)
		err = hokm_bpf_walk_conns(bpf, false, end_one, b);
	if (!err)
		err = flush(b);
	session_reset_close(&b->reset);
	return err;
}

int64_t last_words(const struct conf *c)
{
	struct batch b = {.conf = c};
	struct hokm_bpf *bpf;
	int err = hokm_bpf_open_pinned(c, &bpf);

	if (err == -ENOENT)
		return 0;
	if (!err)
		err = end_all(bpf, &b);
	hokm_bpf_close(bpf);
	if (err)
		log_error("could not terminate the connections on this node: %s", strerror(-err));
	return err ? err : b.ended;
}
