/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication messages as bytes; repl_wire.h has the layout. No byte is read before the length was
 * checked, and, beyond the fields that determine the format, no field is used before the signature
 * was verified.
 */
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "decide/repl_wire.h"
#include "hokm/siphash.h"

_Static_assert(REPL_HEAD_LEN + REPL_TAG_LEN == HOKM_REPL_MIN, "shortest message");
_Static_assert(REPL_HEAD_LEN + REPL_RECORDS * REPL_RECORD_LEN + REPL_TAG_LEN <= HOKM_REPL_MAX,
	       "a full message fits");

#define FAULT_NAME(p, id, name, text) [p##_##id] = (name),
#define FAULT_TEXT(p, id, name, text) [p##_##id] = (text),
static const char *const fault_names[] = {REPL_FAULTS(FAULT_NAME, REPL_BAD)};
static const char *const fault_texts[] = {REPL_FAULTS(FAULT_TEXT, REPL_BAD)};

const char *repl_fault_name(enum repl_fault f)
{
	return (unsigned int)f < REPL_FAULT_COUNT ? fault_names[f] : "?";
}

const char *repl_fault_text(enum repl_fault f)
{
	return (unsigned int)f < REPL_FAULT_COUNT ? fault_texts[f] : "?";
}

static unsigned char *put16(unsigned char *at, uint16_t be)
{
	memcpy(at, &be, sizeof(be));
	return at + sizeof(be);
}

static unsigned char *put32(unsigned char *at, uint32_t v)
{
	v = htobe32(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static unsigned char *put64(unsigned char *at, uint64_t v)
{
	v = htobe64(v);
	memcpy(at, &v, sizeof(v));
	return at + sizeof(v);
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return be32toh(v);
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return be64toh(v);
}

static unsigned char *put_record(unsigned char *at, const struct repl_record *r)
{
	memcpy(at, &r->client, sizeof(r->client));
	at = put16(at + sizeof(r->client), r->client_port);
	*at++ = r->what;
	*at++ = r->began;
	at = put32(at, r->tag);
	at = put32(at, r->isn);
	at = put32(at, r->seq_next);
	at = put32(at, r->ack_next);
	return put32(at, r->age_ms);
}

static bool get_record(const unsigned char *at, struct repl_record *r)
{
	memcpy(&r->client, at, sizeof(r->client));
	memcpy(&r->client_port, at + 16, sizeof(r->client_port));
	r->what = at[18];
	r->began = at[19];
	r->tag = get32(at + 20);
	r->isn = get32(at + 24);
	r->seq_next = get32(at + 28);
	r->ack_next = get32(at + 32);
	r->age_ms = get32(at + 36);
	if (r->what == REPL_BEGIN || r->what == REPL_END)
		return true;
	return (r->what == REPL_HAVE || r->what == REPL_GONE || r->what == REPL_ENDED) && r->tag &&
	       r->client_port;
}

size_t repl_wire_build(const struct repl_msg *m, uint8_t vrid, const __u64 key[2], void *buf)
{
	unsigned char *at = buf;
	size_t len;

	at = put32(at, REPL_MAGIC);
	*at++ = REPL_VERSION;
	*at++ = (unsigned char)m->kind;
	*at++ = vrid;
	*at++ = (unsigned char)(m->kind == REPL_CONTROL ? m->has_agree : m->n);
	at = put64(at, m->session);
	at = put64(at, m->echo);
	at = put64(at, m->stamp_ns);
	at = put64(at, m->echo_stamp_ns);
	at = put32(at, m->stream);
	at = put32(at, m->number);
	for (unsigned int i = 0; i < m->n; i++)
		at = put_record(at, &m->records[i]);
	if (m->kind == REPL_CONTROL && m->has_agree) {
		agree_put(&m->agree, at);
		at += AGREE_LEN;
	}
	len = (size_t)(at - (unsigned char *)buf);
	put64(at, siphash_bytes(buf, len, key));
	return len + REPL_TAG_LEN;
}

/* What stands between head and tag. False: a record or the digest is invalid. */
static bool get_body(const unsigned char *at, struct repl_msg *m)
{
	m->n = 0;
	m->has_agree = m->kind == REPL_CONTROL && at[7];
	if (m->kind == REPL_CONTROL)
		return !at[7] || (at[7] == 1 && agree_get(at + REPL_HEAD_LEN, &m->agree));
	for (m->n = 0; m->n < at[7]; m->n++)
		if (!get_record(at + REPL_HEAD_LEN + m->n * REPL_RECORD_LEN, &m->records[m->n]))
			return false;
	return m->n > 0;
}

enum repl_fault repl_wire_parse(const void *buf, size_t len, uint8_t vrid, const __u64 key[2],
				struct repl_msg *out)
{
	const unsigned char *at = buf;
	size_t signed_len = len - REPL_TAG_LEN;

	if (len < HOKM_REPL_MIN || len > HOKM_REPL_MAX)
		return REPL_BAD_SHORT;
	if (get32(at) != REPL_MAGIC || at[4] != REPL_VERSION || at[6] != vrid ||
	    (at[5] != REPL_CONTROL && at[5] != REPL_DATA))
		return REPL_BAD_VERSION;
	if (signed_len !=
	    REPL_HEAD_LEN + at[7] * (size_t)(at[5] == REPL_DATA ? REPL_RECORD_LEN : AGREE_LEN))
		return REPL_BAD_SHORT;
	if (get64(at + signed_len) != siphash_bytes(buf, signed_len, key))
		return REPL_BAD_TAG;
	out->kind = (enum repl_kind)at[5];
	out->session = get64(at + 8);
	out->echo = get64(at + 16);
	out->stamp_ns = get64(at + 24);
	out->echo_stamp_ns = get64(at + 32);
	out->stream = get32(at + 40);
	out->number = get32(at + 44);
	return out->session && get_body(at, out) ? REPL_BAD_NONE : REPL_BAD_RECORD;
}
