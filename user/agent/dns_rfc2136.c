/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A name server of one's own, such as BIND 9: dynamic update (RFC 2136), signed with a TSIG key
 * (RFC 8945). All questions go to the primary server of the zone, over TCP, and every answer must
 * be signed for its question.
 *
 * A change is one update message. Its prerequisite is the whole set of values as it was read, so
 * the server itself refuses the change (NXRRSET) when another writer has changed the record
 * meanwhile. The update deletes the old value and adds the new one with the same TTL; the other
 * values stay.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/dns_tcp.h"
#include "agent/dns_tsig.h"

#define FLAG_ANSWER 0x8000u
#define FLAG_AA     0x0400u /* the server has the zone itself */
#define FLAG_TC     0x0200u
#define OPCODE      0x7800u
#define OP_UPDATE   ((unsigned int)ns_o_update << 11)
#define RCODE       0x000fu
#define TTL_MAX     0x7fffffffu /* RFC 2181 section 8: a greater one counts as 0 */

enum { ZONE, PREREQUISITE, UPDATE }; /* sections of an update message */

struct session {
	struct tsig_key key;
	struct dns_tcp tcp;
	struct dns_out out;
	/* the last answer */
	uint8_t buf[DNS_MESSAGE_MAX];
	struct dns_head head;
	struct dns_in in; /* behind the questions */
	unsigned int rcode;
};

static int login(struct dns_job *j)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return dns_fail(j, DNS_FAILED, "out of memory");
	j->own = s;
	s->tcp.fd = -1;
	if (tsig_key_set(&s->key, j->secret[0], j->secret[1]))
		return dns_fail(j, DNS_DENIED,
				"DNS_TSIG_KEY is no name, "
				"or DNS_TSIG_SECRET is no base64 of at most %d bytes",
				TSIG_SECRET_MAX);
	return 0;
}

static void logout(struct dns_job *j)
{
	struct session *s = j->own;

	if (!s)
		return;
	dns_tcp_close(&s->tcp);
	explicit_bzero(&s->key, sizeof(s->key));
	free(s);
	j->own = NULL;
}

static int type_of(const struct dns_job *j)
{
	return j->req->type == CONF_DNS_AAAA ? ns_t_aaaa : ns_t_a;
}

static int begin(struct dns_job *j, unsigned int flags, const char *name, unsigned int type)
{
	struct session *s = j->own;
	struct dns_head head = {.flags = (uint16_t)flags, .count = {1}};

	if (RAND_bytes((unsigned char *)&head.id, sizeof(head.id)) != 1)
		return dns_fail(j, DNS_FAILED, "no random numbers");
	dns_out_head(&s->out, &head);
	dns_out_name(&s->out, name);
	dns_out16(&s->out, type);
	dns_out16(&s->out, ns_c_in);
	return 0;
}

/* What the server says of the signature of the question. */
static int fail_signature(struct dns_job *j, const struct tsig_seen *seen, uint64_t now_s)
{
	const char *word = dns_rcode_name(seen->error);
	bool ahead = seen->server_s > now_s;

	if (seen->error == ns_r_badtime && seen->server_s)
		return dns_fail(j, DNS_FAILED, "%s answered %s: its clock is %llu s %s this node's",
				j->base, word,
				(unsigned long long)(ahead ? seen->server_s - now_s
							   : now_s - seen->server_s),
				ahead ? "ahead of" : "behind");
	return dns_fail(j, seen->error == ns_r_badtime ? DNS_FAILED : DNS_DENIED,
			"%s answered %s: it does not accept the key %s", j->base, word,
			((struct session *)j->own)->key.name);
}

/* An answer that is not signed as it should be is worth nothing, except as a failure. */
static int fail_unsigned(struct dns_job *j, enum tsig_verdict v, unsigned int rcode)
{
	if (v == TSIG_NONE && rcode != ns_r_noerror)
		return dns_fail(j, rcode == ns_r_refused ? DNS_DENIED : DNS_FAILED,
				"%s answered %s, unsigned", j->base, dns_rcode_name(rcode));
	return dns_fail(j, DNS_FAILED, "the answer of %s %s", j->base,
			v == TSIG_NONE  ? "is not signed"
			: v == TSIG_OLD ? "was signed at another time: compare the clocks"
					: "is damaged, or not signed with the key");
}

static int verify(struct dns_job *j, size_t got, const struct dns_head *sent,
		  const uint8_t mac[TSIG_MAC], uint64_t now_s)
{
	struct session *s = j->own;
	struct tsig_seen seen;
	enum tsig_verdict v;

	s->in = (struct dns_in){.buf = s->buf, .len = got};
	if (dns_in_head(&s->in, &s->head) || s->head.id != sent->id ||
	    !(s->head.flags & FLAG_ANSWER) || (s->head.flags ^ sent->flags) & OPCODE)
		return dns_fail(j, DNS_FAILED, "%s sent what is no answer to the question",
				j->base);
	s->rcode = s->head.flags & RCODE;
	v = tsig_verify(s->buf, got, &s->key, sent->id, mac, now_s, &seen);
	if (v == TSIG_DISOWNED || (v == TSIG_GOOD && seen.error))
		return fail_signature(j, &seen, now_s);
	if (v != TSIG_GOOD)
		return fail_unsigned(j, v, s->rcode);
	if (s->head.flags & FLAG_TC || dns_in_questions(&s->in, s->head.count[0]))
		return dns_fail(j, DNS_FAILED, "the answer of %s is not whole", j->base);
	s->in.len = seen.len;
	return 0;
}

/* 0 when a good answer came, whatever its RCODE. */
static int ask(struct dns_job *j)
{
	struct session *s = j->own;
	struct dns_in in = {.buf = s->out.buf, .len = s->out.len};
	uint64_t now_s = (uint64_t)time(NULL);
	uint8_t mac[TSIG_MAC];
	struct dns_head sent;
	size_t got = 0;

	if (dns_in_head(&in, &sent) || tsig_sign(&s->out, &s->key, now_s, mac))
		return dns_fail(j, DNS_FAILED, "the question could not be written or signed");
	if (dns_tcp_ask(&s->tcp, j, s->out.buf, s->out.len, s->buf, sizeof(s->buf), &got))
		return -1;
	if (!verify(j, got, &sent, mac, (uint64_t)time(NULL)))
		return 0;
	dns_tcp_close(&s->tcp);
	return -1;
}

static int fail_rcode(struct dns_job *j, const char *what)
{
	unsigned int rcode = ((struct session *)j->own)->rcode;
	bool later = rcode == ns_r_servfail || rcode == ns_r_nxrrset || rcode == ns_r_formerr;
	enum dns_result r = later ? DNS_FAILED : rcode == ns_r_refused ? DNS_DENIED : DNS_REFUSED;

	return dns_fail(j, r, "%s answered %s with %s%s", j->base, what, dns_rcode_name(rcode),
			rcode == ns_r_nxrrset   ? ": another writer has changed the record"
			: rcode == ns_r_refused ? ": the key may not do that, or the zone is frozen"
			: rcode == ns_r_notauth ? ": it is not the primary server of the zone"
						: "");
}

/* ---- zone and record ---- */

static bool is_about(const struct dns_rr *rr, const char *name, int type)
{
	return rr->class == ns_c_in && rr->type == type && dns_same_name(rr->name, name);
}

/* Reads the next record of the answers. 1: there is one, 0: there is no more, -1: failed. */
static int next(struct dns_job *j, struct dns_rr *rr)
{
	struct session *s = j->own;

	if (!s->head.count[1])
		return 0;
	s->head.count[1]--;
	return dns_in_rr(&s->in, rr)
		       ? dns_fail(j, DNS_FAILED, "the answer of %s is damaged", j->base)
		       : 1;
}

/* A name that the server does not have is refused by some, and not found by others. */
static int try_zone(struct dns_job *j, const char *zone)
{
	struct session *s = j->own;
	struct dns_rr rr;
	int more;

	if (begin(j, 0, zone, ns_t_soa) || ask(j))
		return -1;
	if (s->rcode == ns_r_refused || s->rcode == ns_r_nxdomain || s->rcode == ns_r_notauth)
		return 0;
	if (s->rcode != ns_r_noerror)
		return fail_rcode(j, "the question for the zone");
	if (!(s->head.flags & FLAG_AA))
		return 0;
	while ((more = next(j, &rr)) > 0)
		if (is_about(&rr, zone, ns_t_soa)) {
			snprintf(j->zone, sizeof(j->zone), "%s", zone);
			return 1;
		}
	return more;
}

static int find_zone(struct dns_job *j)
{
	return dns_try_zones(j, try_zone) == 1 ? 0 : -1;
}

static int take_value(struct dns_job *j, const struct dns_rr *rr)
{
	const struct session *s = j->own;
	int family = rr->type == ns_t_a ? AF_INET : AF_INET6;
	size_t len = rr->type == ns_t_a ? NS_INADDRSZ : NS_IN6ADDRSZ;
	char text[DNS_ADDRESS_MAX];

	if (rr->data_len != len || !inet_ntop(family, s->buf + rr->data_at, text, sizeof(text)))
		return dns_fail(j, DNS_FAILED, "%s sent an address that is none", j->base);
	j->ttl_s = rr->ttl_s > TTL_MAX ? 0 : rr->ttl_s;
	return dns_add_value(j, text, "");
}

static int take_values(struct dns_job *j)
{
	const char *record = j->req->conf.record;
	struct dns_rr rr;
	int more, err = 0;

	while (!err && (more = next(j, &rr)) != 0) {
		if (more < 0)
			return -1;
		if (is_about(&rr, record, ns_t_cname))
			return dns_fail(j, DNS_REFUSED,
					"%s is an alias (CNAME), which is left alone", record);
		if (is_about(&rr, record, type_of(j)))
			err = take_value(j, &rr);
	}
	return err;
}

/* The head of an update whose prerequisite is the present set. */
static int begin_update(struct dns_job *j)
{
	struct session *s = j->own;
	int family = j->req->type == CONF_DNS_AAAA ? AF_INET6 : AF_INET;
	size_t len = family == AF_INET6 ? NS_IN6ADDRSZ : NS_INADDRSZ;
	uint8_t raw[NS_IN6ADDRSZ];

	if (begin(j, OP_UPDATE, j->zone, ns_t_soa))
		return -1;
	for (unsigned int i = 0; i < j->present.n; i++) {
		if (inet_pton(family, j->present.value[i], raw) != 1)
			return dns_fail(j, DNS_FAILED, "%s is no address", j->present.value[i]);
		dns_out_rr(&s->out, j->req->conf.record, (unsigned int)type_of(j), ns_c_in, 0, raw,
			   len);
	}
	dns_out_count(&s->out, PREREQUISITE, j->present.n);
	return 0;
}

/* An update that updates nothing: may the key do it? */
static int test_update(struct dns_job *j)
{
	const struct session *s = j->own;

	if (begin_update(j) || ask(j))
		return -1;
	return s->rcode == ns_r_noerror ? 0 : fail_rcode(j, "an update that changes nothing");
}

static int find(struct dns_job *j)
{
	const struct session *s = j->own;
	int err = begin(j, 0, j->req->conf.record, (unsigned int)type_of(j));

	if (err || ask(j))
		return -1;
	if (s->rcode == ns_r_nxdomain)
		return 0;
	if (s->rcode != ns_r_noerror)
		return fail_rcode(j, "the question for the record");
	if (!(s->head.flags & FLAG_AA))
		return dns_fail(j, DNS_REFUSED, "%s is no name server of %s: %s is delegated",
				j->base, j->zone, j->req->conf.record);
	err = take_values(j);
	return !err && j->req->op == DNS_OP_TEST && j->present.n ? test_update(j) : err;
}

static void put_update(struct dns_job *j, const char *address, unsigned int class, uint32_t ttl_s)
{
	struct session *s = j->own;
	int family = j->req->type == CONF_DNS_AAAA ? AF_INET6 : AF_INET;
	uint8_t raw[NS_IN6ADDRSZ];

	if (inet_pton(family, address, raw) != 1)
		s->out.bad = true;
	dns_out_rr(&s->out, j->req->conf.record, (unsigned int)type_of(j), class, ttl_s, raw,
		   family == AF_INET6 ? NS_IN6ADDRSZ : NS_INADDRSZ);
}

static int change(struct dns_job *j, const struct dns_plan *plan)
{
	struct session *s = j->own;

	if (begin_update(j))
		return -1;
	put_update(j, j->present.value[plan->at], ns_c_none, 0);
	put_update(j, plan->after.value[plan->at], ns_c_in, j->ttl_s);
	dns_out_count(&s->out, UPDATE, 2);
	if (ask(j))
		return -1;
	return s->rcode == ns_r_noerror ? 0 : fail_rcode(j, "the update");
}

const struct dns_provider dns_rfc2136 = {
	.name = "the name server",
	.own_protocol = true,
	.secrets = {"DNS_TSIG_KEY", "DNS_TSIG_SECRET"},
	.needed = 2,
	.login = login,
	.find_zone = find_zone,
	.find = find,
	.change = change,
	.logout = logout,
};
