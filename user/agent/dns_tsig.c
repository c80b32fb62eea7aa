/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_tsig.h. */
#include <arpa/nameser.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>

#include "agent/dns_tsig.h"

#define ALGORITHM  "hmac-sha256"
#define FUDGE_S    300 /* RFC 8945 section 10 */
#define HEAD_LEN   12
#define ADDITIONAL 3 /* the section */

/* The fields of a TSIG record. */
struct tsig {
	char algorithm[DNS_TEXT_MAX];
	uint64_t signed_s;
	uint16_t fudge_s;
	uint16_t mac_len;
	size_t mac_at;
	uint16_t id, error;
	uint16_t other_len;
	size_t other_at;
};

int tsig_key_set(struct tsig_key *k, const char *name, const char *secret)
{
	uint8_t raw[TSIG_SECRET_MAX + 3];
	size_t len = strlen(secret), pad = 0;
	struct dns_out o = {.len = 0};
	int n;

	memset(k, 0, sizeof(*k));
	while (pad < 2 && len > pad && secret[len - 1 - pad] == '=')
		pad++;
	if (!len || len % 4 || len / 4 * 3 > sizeof(raw) || len / 4 * 3 - pad > TSIG_SECRET_MAX)
		return -EINVAL;
	n = EVP_DecodeBlock(raw, (const unsigned char *)secret, (int)len);
	dns_out_name(&o, name);
	if (n < 0 || (size_t)n <= pad || o.bad || strlen(name) >= sizeof(k->name))
		return -EINVAL;
	memcpy(k->name, name, strlen(name));
	k->len = (size_t)n - pad;
	memcpy(k->secret, raw, k->len);
	OPENSSL_cleanse(raw, sizeof(raw));
	return 0;
}

/* The same name, whatever the case and a dot at the end? */
static bool same_name(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	la -= la && a[la - 1] == '.';
	lb -= lb && b[lb - 1] == '.';
	return la == lb && !strncasecmp(a, b, la);
}

/* What is signed beside the message: RFC 8945 section 4.3.3. */
static void put_variables(struct dns_out *o, const struct tsig_key *k, const struct tsig *t,
			  const uint8_t *other)
{
	dns_out_name(o, k->name);
	dns_out16(o, ns_c_any);
	dns_out32(o, 0);
	dns_out_name(o, ALGORITHM);
	dns_out48(o, t->signed_s);
	dns_out16(o, t->fudge_s);
	dns_out16(o, t->error);
	dns_out16(o, t->other_len);
	dns_out_bytes(o, other, t->other_len);
}

/* The parts of what is signed, one after another. */
struct part {
	const void *data;
	size_t len;
};

static int compute(const struct tsig_key *k, const struct part *parts, unsigned int n,
		   uint8_t mac[TSIG_MAC])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, k->secret, k->len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = TSIG_MAC;
	bool ok = pkey && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1;

	for (unsigned int i = 0; ok && i < n; i++)
		ok = !parts[i].len || EVP_DigestSignUpdate(ctx, parts[i].data, parts[i].len) == 1;
	ok = ok && EVP_DigestSignFinal(ctx, mac, &len) == 1 && len == TSIG_MAC;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok ? 0 : -EIO;
}

static void put_record(struct dns_out *m, const struct tsig_key *k, const struct tsig *t,
		       const uint8_t mac[TSIG_MAC])
{
	struct dns_out data = {.len = 0};

	dns_out_name(&data, ALGORITHM);
	dns_out48(&data, t->signed_s);
	dns_out16(&data, t->fudge_s);
	dns_out16(&data, TSIG_MAC);
	dns_out_bytes(&data, mac, TSIG_MAC);
	dns_out16(&data, t->id);
	dns_out16(&data, t->error);
	dns_out16(&data, t->other_len);
	dns_out_rr(m, k->name, ns_t_tsig, ns_c_any, 0, data.buf, data.len);
}

int tsig_sign(struct dns_out *m, const struct tsig_key *k, uint64_t now_s, uint8_t mac[TSIG_MAC])
{
	struct tsig t = {.signed_s = now_s, .fudge_s = FUDGE_S};
	struct dns_in in = {.buf = m->buf, .len = m->len};
	struct dns_out variables = {.len = 0};
	struct dns_head head;
	int err;

	if (m->bad || dns_in_head(&in, &head))
		return -EMSGSIZE;
	t.id = head.id;
	put_variables(&variables, k, &t, NULL);
	err = compute(k, (const struct part[]){{m->buf, m->len}, {variables.buf, variables.len}}, 2,
		      mac);
	if (err)
		return err;
	put_record(m, k, &t, mac);
	dns_out_count(m, ADDITIONAL, head.count[ADDITIONAL] + 1u);
	return m->bad ? -EMSGSIZE : 0;
}

/* Goes to the last record, which is the only one that may be a TSIG record. */
static int last_record(struct dns_in *in, const struct dns_head *head, struct dns_rr *rr)
{
	unsigned int n = head->count[1] + head->count[2] + head->count[ADDITIONAL];
	int err = dns_in_questions(in, head->count[0]);

	for (unsigned int i = 0; i < n && !err; i++) {
		err = dns_in_rr(in, rr);
		if (!err && rr->type == ns_t_tsig && i + 1 < n)
			err = -EBADMSG;
	}
	return !err && in->at != in->len ? -EBADMSG : err;
}

static int parse(const uint8_t *msg, const struct dns_rr *rr, struct tsig *t)
{
	/* Compression may point back into the message, so the name is read with all of it. */
	struct dns_in in = {.buf = msg, .len = rr->data_at + rr->data_len, .at = rr->data_at};
	int err = dns_in_name(&in, t->algorithm, sizeof(t->algorithm));

	if (!err)
		err = dns_in48(&in, &t->signed_s);
	if (!err)
		err = dns_in16(&in, &t->fudge_s);
	if (!err)
		err = dns_in16(&in, &t->mac_len);
	t->mac_at = in.at;
	if (err || t->mac_len > in.len - in.at)
		return -EBADMSG;
	in.at += t->mac_len;
	err = dns_in16(&in, &t->id);
	if (!err)
		err = dns_in16(&in, &t->error);
	if (!err)
		err = dns_in16(&in, &t->other_len);
	t->other_at = in.at;
	return err || t->other_len != in.len - in.at ? -EBADMSG : 0;
}

/* Is this the signature of the key for the answer? */
static bool matches(const uint8_t *msg, const struct dns_rr *rr, const struct tsig *t,
		    const struct tsig_key *k, const uint8_t request_mac[TSIG_MAC])
{
	struct dns_in in = {.buf = msg, .len = rr->at};
	struct dns_out before = {.len = 0}, after = {.len = 0};
	struct dns_head head;
	uint8_t mac[TSIG_MAC];

	if (t->mac_len != TSIG_MAC || dns_in_head(&in, &head))
		return false;
	dns_out16(&before, TSIG_MAC);
	dns_out_bytes(&before, request_mac, TSIG_MAC);
	/* The head as it was before the record was added. */
	dns_out16(&before, t->id);
	dns_out16(&before, head.flags);
	for (unsigned int i = 0; i < DNS_SECTIONS; i++)
		dns_out16(&before, head.count[i] - (unsigned int)(i == ADDITIONAL));
	put_variables(&after, k, t, msg + t->other_at);
	if (before.bad || after.bad ||
	    compute(k,
		    (const struct part[]){{before.buf, before.len},
					  {msg + HEAD_LEN, rr->at - HEAD_LEN},
					  {after.buf, after.len}},
		    3, mac))
		return false;
	return !CRYPTO_memcmp(mac, msg + t->mac_at, TSIG_MAC);
}

static bool in_time(const struct tsig *t, uint64_t now_s)
{
	uint64_t apart_s = t->signed_s > now_s ? t->signed_s - now_s : now_s - t->signed_s;

	return apart_s <= (t->fudge_s < FUDGE_S ? t->fudge_s : FUDGE_S);
}

enum tsig_verdict tsig_verify(const uint8_t *msg, size_t len, const struct tsig_key *k, uint16_t id,
			      const uint8_t request_mac[TSIG_MAC], uint64_t now_s,
			      struct tsig_seen *seen)
{
	struct dns_in in = {.buf = msg, .len = len};
	struct dns_rr rr = {.at = 0};
	struct dns_head head;
	struct tsig t;

	memset(seen, 0, sizeof(*seen));
	seen->len = len;
	if (dns_in_head(&in, &head) || last_record(&in, &head, &rr))
		return TSIG_BAD;
	seen->records = head.count[ADDITIONAL];
	if (rr.type != ns_t_tsig)
		return TSIG_NONE;
	if (!head.count[ADDITIONAL] || rr.class != ns_c_any || rr.ttl_s || parse(msg, &rr, &t) ||
	    t.id != id || !same_name(rr.name, k->name) || !same_name(t.algorithm, ALGORITHM))
		return TSIG_BAD;
	seen->error = t.error;
	seen->len = rr.at;
	seen->records--;
	if (!t.mac_len && (t.error == ns_r_badkey || t.error == ns_r_badsig))
		return TSIG_DISOWNED;
	if (!matches(msg, &rr, &t, k, request_mac))
		return TSIG_BAD;
	in.at = t.other_at;
	if (t.error == ns_r_badtime && t.other_len == 6 && dns_in48(&in, &seen->server_s))
		seen->server_s = 0;
	return in_time(&t, now_s) ? TSIG_GOOD : TSIG_OLD;
}
