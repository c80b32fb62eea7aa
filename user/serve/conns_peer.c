/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of map replica as rows: the connections that peers replicated to this node. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "serve/conns.h"

static const char *const keys[] = {"client", "service",  "holder",   "age_ms",     "told_ms",
				   "isn",    "seq_next", "ack_next", "answered_ms"};

const char *conns_peer_key(unsigned int i)
{
	return i < sizeof(keys) / sizeof(keys[0]) ? keys[i] : NULL;
}

bool conns_peer_match(const struct conns_query *q, const struct hokm_conn_key *k,
		      const struct hokm_replica *r)
{
	/*
	 * Client and service, matched as for conns: the replica has nothing for the other filters.
	 */
	static const struct hokm_conn none;

	if (q->holder >= 0 && r->holder != q->holder)
		return false;
	return conns_match(q, k, &none);
}

static void ago(struct conns_text *t, uint64_t then_ns, uint64_t now_ns)
{
	if (then_ns)
		conns_text_int(t, (int64_t)((now_ns > then_ns ? now_ns - then_ns : 0) / NS_PER_MS));
	else
		conns_text_add(t, "null", 4);
}

static void next(struct conns_text *t)
{
	conns_text_add(t, ",", 1);
}

void conns_peer_row(struct conns_text *t, const struct conns_query *q,
		    const struct hokm_conn_key *k, const struct hokm_replica *r)
{
	struct in_addr client = hokm_addr_to_ipv4(&k->client);
	char addr[INET_ADDRSTRLEN] = "?", text[INET_ADDRSTRLEN + 8];

	(void)inet_ntop(AF_INET, &client, addr, sizeof(addr));
	snprintf(text, sizeof(text), "%s:%u", addr, ntohs(k->client_port));
	conns_text_add(t, "[", 1);
	conns_text_word(t, text);
	next(t);
	conns_text_word(t, k->service < HOKM_MAX_SERVICES ? q->names.service[k->service] : "?");
	next(t);
	conns_text_word(t, r->holder < HOKM_MAX_PEERS ? q->names.peer[r->holder] : "?");
	next(t);
	ago(t, r->since_ns, q->now_ns);
	next(t);
	ago(t, r->told_ns, q->now_ns);
	next(t);
	conns_text_int(t, r->isn);
	next(t);
	conns_text_int(t, r->seq_next);
	next(t);
	conns_text_int(t, r->ack_next);
	next(t);
	ago(t, r->answered_ns, q->now_ns);
	conns_text_add(t, "]", 1);
}
