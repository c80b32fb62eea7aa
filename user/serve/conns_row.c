/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes a connection as a row of JSON text, without a tree of objects, which would take many times
 * as long for a million rows. One table of fields: a field is a number, or has a function that
 * writes it.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "serve/conns.h"
#include "decide/stale.h"

#define NOTHING INT64_MIN /* null */

void conns_text_free(struct conns_text *t)
{
	free(t->buf);
	memset(t, 0, sizeof(*t));
}

void conns_text_add(struct conns_text *t, const char *bytes, size_t len)
{
	if (!t->failed && t->cap - t->len < len) {
		size_t cap = t->cap ? t->cap : 4096;
		char *grown;

		while (cap - t->len < len)
			cap *= 2;
		grown = realloc(t->buf, cap);
		if (grown) {
			t->buf = grown;
			t->cap = cap;
		}
		t->failed = !grown;
	}
	if (t->failed)
		return;
	memcpy(t->buf + t->len, bytes, len);
	t->len += len;
}

/* A word of this program: it has nothing that needs to be escaped. */
void conns_text_word(struct conns_text *t, const char *word)
{
	conns_text_add(t, "\"", 1);
	conns_text_add(t, word, strlen(word));
	conns_text_add(t, "\"", 1);
}

void conns_text_int(struct conns_text *t, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		digits[--at] = '-';
	conns_text_add(t, digits + at, sizeof(digits) - at);
}

/* ---- fields ---- */

struct row {
	const struct conns_query *q;
	const struct hokm_conn_key *k;
	const struct hokm_conn *c;
	uint64_t stale_ns;
	enum hokm_reason why;
};

static int64_t since_ms(const struct row *r, uint64_t then_ns)
{
	if (!then_ns)
		return NOTHING;
	return r->q->now_ns > then_ns ? (int64_t)((r->q->now_ns - then_ns) / NS_PER_MS) : 0;
}

static int64_t count(uint64_t n)
{
	return n < INT64_MAX ? (int64_t)n : INT64_MAX;
}

static int64_t unless_zero(uint64_t n)
{
	return n ? count(n) : NOTHING;
}

#define NUMBERS(X)                                                         \
	X(age_ms, since_ms(r, r->c->created_ns))                           \
	X(idle_ms, since_ms(r, conn_last_ns(r->c)))                        \
	X(idle_in_ms, since_ms(r, r->c->c2s.last_ns))                      \
	X(idle_out_ms, since_ms(r, r->c->s2c.last_ns))                     \
	X(frames_in, count(r->c->c2s.frames))                              \
	X(frames_out, count(r->c->s2c.frames))                             \
	X(packets_in, count(r->c->c2s.packets))                            \
	X(packets_out, count(r->c->s2c.packets))                           \
	X(bytes_in, count(r->c->c2s.bytes))                                \
	X(bytes_out, count(r->c->s2c.bytes))                               \
	X(rtt_us, unless_zero(r->c->rtt_c2s_us))                           \
	X(rtt_client_us, unless_zero(r->c->rtt_s2c_us))                    \
	X(upgrade_us, r->c->switch_ns ? count(r->c->upgrade_us) : NOTHING) \
	X(http_status, unless_zero(r->c->status))                          \
	X(close_code, unless_zero(r->c->close_code))                       \
	X(sync_lost, count(r->c->sync_lost))                               \
	X(upgrade_wait_ms, since_ms(r, r->c->upgrade_ns))                  \
	X(ping_wait_ms, since_ms(r, r->c->ping_c2s_ns))                    \
	X(ping_client_wait_ms, since_ms(r, r->c->ping_s2c_ns))             \
	X(stale_ms, r->stale_ns ? count(r->stale_ns / NS_PER_MS) : NOTHING)
#define NUMBER_FUNCTION(name, value)                   \
	static int64_t get_##name(const struct row *r) \
	{                                              \
		return value;                          \
	}
NUMBERS(NUMBER_FUNCTION)

static void put_null(struct conns_text *t)
{
	conns_text_add(t, "null", 4);
}

static void put_octets(struct conns_text *t, const unsigned char *octet)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			conns_text_add(t, ".", 1);
		conns_text_int(t, octet[i]);
	}
}

static void put_client(struct conns_text *t, const struct row *r)
{
	const struct hokm_addr *a = &r->k->client;
	bool v4 = !a->w[0] && !a->w[1] && a->w[2] == htonl(0xffff);
	char v6[INET6_ADDRSTRLEN] = "?";

	conns_text_add(t, "\"", 1);
	if (v4) {
		put_octets(t, (const unsigned char *)&a->w[3]);
	} else {
		/* Cannot fail: the buffer is as long as an address can be. */
		(void)inet_ntop(AF_INET6, a, v6, sizeof(v6));
		conns_text_add(t, "[", 1);
		conns_text_add(t, v6, strlen(v6));
		conns_text_add(t, "]", 1);
	}
	conns_text_add(t, ":", 1);
	conns_text_int(t, ntohs(r->k->client_port));
	conns_text_add(t, "\"", 1);
}

static void put_service(struct conns_text *t, const struct row *r)
{
	bool known = r->k->service < HOKM_MAX_SERVICES && r->q->names.service[r->k->service][0];

	conns_text_word(t, known ? r->q->names.service[r->k->service] : "?");
}

static void put_target(struct conns_text *t, const struct row *r)
{
	unsigned int slot = r->c->target;

	if (slot == HOKM_LOCAL)
		conns_text_word(t, "local");
	else if (slot < HOKM_MAX_PEERS && r->q->names.peer[slot][0])
		conns_text_word(t, r->q->names.peer[slot]);
	else
		conns_text_word(t, "?");
}

static void put_state(struct conns_text *t, const struct row *r)
{
	conns_text_word(t, hokm_tcp_state_name(r->c->tcp_state));
}

static void put_ws(struct conns_text *t, const struct row *r)
{
	conns_text_word(t, hokm_ws_phase_name(r->c->ws));
}

static void put_follow_in(struct conns_text *t, const struct row *r)
{
	conns_text_word(t, hokm_follow_state_name(r->c->c2s.ws.state));
}

static void put_follow_out(struct conns_text *t, const struct row *r)
{
	conns_text_word(t, hokm_follow_state_name(r->c->s2c.ws.state));
}

static void put_close_side(struct conns_text *t, const struct row *r)
{
	if (r->c->close_side == HOKM_SIDE_CLIENT)
		conns_text_word(t, "client");
	else if (r->c->close_side == HOKM_SIDE_SERVER)
		conns_text_word(t, "server");
	else
		put_null(t);
}

static void put_stale_reason(struct conns_text *t, const struct row *r)
{
	if (r->stale_ns)
		conns_text_word(t, hokm_reason_name(r->why));
	else
		put_null(t);
}

static void put_flags(struct conns_text *t, const struct row *r)
{
	const struct {
		bool on;
		const char *word;
	} flags[] = {{r->c->flags & HOKM_CONN_STEERED_IN, "steered-in"},
		     {r->c->flags & HOKM_CONN_ADOPTED, "adopted"},
		     {conns_lost(r->c), "lost"}};
	bool first = true;

	conns_text_add(t, "[", 1);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!flags[i].on)
			continue;
		if (!first)
			conns_text_add(t, ",", 1);
		first = false;
		conns_text_word(t, flags[i].word);
	}
	conns_text_add(t, "]", 1);
}

#define NUMBER_FIELD(name, value) {#name, get_##name, NULL},
static const struct field {
	const char *name;
	int64_t (*number)(const struct row *r); /* NOTHING: null */
	void (*put)(struct conns_text *t, const struct row *r);
} fields[] = {{"client", NULL, put_client},
	      {"service", NULL, put_service},
	      {"state", NULL, put_state},
	      {"ws", NULL, put_ws},
	      {"target", NULL, put_target},
	      {"flags", NULL, put_flags},
	      {"follow_in", NULL, put_follow_in},
	      {"follow_out", NULL, put_follow_out},
	      {"close_side", NULL, put_close_side},
	      {"stale_reason", NULL, put_stale_reason},
	      NUMBERS(NUMBER_FIELD)};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))
_Static_assert(N_FIELDS <= sizeof(((struct conns_query *)NULL)->fields), "a query holds all");

int conns_field_find(const char *name)
{
	for (size_t i = 0; i < N_FIELDS; i++)
		if (!strcmp(name, fields[i].name))
			return (int)i;
	return -1;
}

const char *conns_field_name(unsigned int field)
{
	return field < N_FIELDS ? fields[field].name : NULL;
}

void conns_row(struct conns_text *t, const struct conns_query *q, const struct hokm_conn_key *k,
	       const struct hokm_conn *c)
{
	struct row r = {.q = q, .k = k, .c = c};

	r.stale_ns = stale_ns(c, q->now_ns, &r.why);
	for (unsigned int i = 0; i < q->n_fields; i++) {
		const struct field *f = &fields[q->fields[i]];
		int64_t n = f->number ? f->number(&r) : 0;

		conns_text_add(t, i ? "," : "[", 1);
		if (f->put)
			f->put(t, &r);
		else if (n == NOTHING)
			put_null(t);
		else
			conns_text_int(t, n);
	}
	conns_text_add(t, "]", 1);
}
