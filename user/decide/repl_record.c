/* SPDX-License-Identifier: GPL-2.0-only */
/* See repl_record.h. */
#include "decide/repl_record.h"

struct repl_record repl_record_of_change(const struct hokm_change *c, uint32_t tag, uint64_t now_ns)
{
	return (struct repl_record){
		.client = c->key.client,
		.client_port = c->key.client_port,
		.what = c->kind == HOKM_CHANGE_OPEN ? REPL_HAVE : REPL_GONE,
		.began = c->began == 1,
		.tag = tag,
		.isn = c->isn,
		.seq_next = c->seq_next,
		.ack_next = c->ack_next,
		.age_ms = repl_age_ms(c->now_ns, now_ns),
	};
}

struct repl_record repl_record_of_conn(const struct hokm_conn_key *k, const struct hokm_conn *c,
				       uint8_t what, uint32_t tag, uint64_t now_ns)
{
	return (struct repl_record){
		.client = k->client,
		.client_port = k->client_port,
		.what = what,
		.began = c->established_ns != 0,
		.tag = tag,
		.isn = c->isn,
		.seq_next = c->s2c.packets ? c->s2c.seq_next : (uint32_t)(c->vouched >> 32),
		.ack_next = c->s2c.packets ? c->s2c.ack : c->c2s.seq_next,
		.age_ms = repl_age_ms(c->established_ns ? c->established_ns : c->created_ns,
				      now_ns),
	};
}
