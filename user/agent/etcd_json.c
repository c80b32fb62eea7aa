/* SPDX-License-Identifier: GPL-2.0-only */
/* See etcd_json.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/etcd_json.h"
#include "base/ascii.h"

/* ---- what is said ---- */

#define BASE64_MAX(n) (((n) + 2) / 3 * 4 + 1)

/* dst: room for BASE64_MAX of the text. */
static const char *encode(const char *text, char *dst)
{
	EVP_EncodeBlock((unsigned char *)dst, (const unsigned char *)text, (int)strlen(text));
	return dst;
}

/* Takes the reference over; NULL when there was no memory. */
static char *dump(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	return text;
}

char *etcd_json_range(const char *key)
{
	char k[BASE64_MAX(CONF_ETCD_KEY_MAX)];

	return dump(json_pack("{s:s}", "key", encode(key, k)));
}

char *etcd_json_write(const char *key, const struct etcd_question *q)
{
	char k[BASE64_MAX(CONF_ETCD_KEY_MAX)], v[BASE64_MAX(ETCD_VALUE_MAX)];
	char value[ETCD_VALUE_MAX], addr[INET_ADDRSTRLEN], revision[24];

	if (!q->holder.s_addr || !inet_ntop(AF_INET, &q->holder, addr, sizeof(addr)))
		snprintf(value, sizeof(value), "%" PRIu64, q->epoch);
	else
		snprintf(value, sizeof(value), "%" PRIu64 " %s %" PRIu64, q->epoch, addr,
			 q->hold_ms);
	snprintf(revision, sizeof(revision), "%" PRIu64, q->revision);
	encode(key, k);
	return dump(json_pack("{s:[{s:s, s:s, s:s, s:s}], s:[{s:{s:s, s:s}}], s:[{s:{s:s}}]}",
			      "compare", "key", k, "target", "MOD", "result", "EQUAL",
			      "mod_revision", revision, "success", "request_put", "key", k, "value",
			      encode(value, v), "failure", "request_range", "key", k));
}

char *etcd_json_login(const char *user, const char *password)
{
	return dump(json_pack("{s:s, s:s}", "name", user, "password", password));
}

/* ---- what is answered ---- */

/* A number that is there as a text, or as a number of JSON; 0 where it is left out. */
static bool number(const json_t *o, const char *key, uint64_t *n)
{
	const json_t *value = json_object_get(o, key);
	const char *text = json_string_value(value);
	char *end = NULL;

	*n = 0;
	if (!value)
		return true;
	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*n = (uint64_t)json_integer_value(value);
		return true;
	}
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &end, 10);
	return !errno && !*end;
}

/* Digits and nothing before them. *end: what follows. */
static bool decimal(const char *text, const char **end, uint64_t *n)
{
	char *after = NULL;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*n = strtoull(text, &after, 10);
	*end = after;
	return !errno;
}

/* " 192.168.1.26 10000". */
static bool take_holder(const char *text, struct etcd_reply *out)
{
	char addr[INET_ADDRSTRLEN];
	const char *end = text[0] == ' ' ? strchr(text + 1, ' ') : NULL;
	size_t len = end ? (size_t)(end - text - 1) : 0;

	if (!len || len >= sizeof(addr))
		return false;
	memcpy(addr, text + 1, len);
	addr[len] = '\0';
	return inet_pton(AF_INET, addr, &out->holder) == 1 && out->holder.s_addr &&
	       decimal(end + 1, &end, &out->hold_ms) && !*end && out->hold_ms &&
	       out->hold_ms <= CONF_ETCD_HOLD_MAX_MS;
}

/* "7 192.168.1.26 10000" or "7" into epoch, holder and hold. */
static bool take_value(const char *text, struct etcd_reply *out)
{
	unsigned char raw[BASE64_MAX(ETCD_VALUE_MAX)];
	size_t len = text ? strlen(text) : 0;
	const char *end = NULL;
	int n;

	if (!len || len % 4 || len >= sizeof(raw))
		return false;
	n = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
	n -= n > 0 ? (text[len - 1] == '=') + (text[len - 2] == '=') : 0;
	if (n <= 0 || memchr(raw, '\0', (size_t)n))
		return false;
	raw[n] = '\0';
	return decimal((const char *)raw, &end, &out->epoch) && (!*end || take_holder(end, out));
}

/* The answer to a range. NULL, or what is wrong. */
static const char *take_range(const json_t *range, struct etcd_reply *out)
{
	const json_t *list = json_object_get(range, "kvs"), *kv = json_array_get(list, 0);

	out->revision = out->epoch = out->hold_ms = 0;
	out->holder.s_addr = 0;
	if (!list || (json_is_array(list) && !json_array_size(list)))
		return NULL;
	if (!number(kv, "mod_revision", &out->revision) || !out->revision)
		return "it has a record without a revision";
	if (!take_value(json_string_value(json_object_get(kv, "value")), out))
		return "the record has a value that is not of this program: "
		       "choose another etcd.prefix";
	return NULL;
}

static const char *take_write(const json_t *all, const struct etcd_question *q, uint64_t revision,
			      struct etcd_reply *out)
{
	const json_t *first = json_array_get(json_object_get(all, "responses"), 0);

	if (!json_is_true(json_object_get(all, "succeeded"))) {
		first = json_object_get(first, "response_range");
		return json_is_object(first) ? take_range(first, out)
					     : "it refused the transaction without a record";
	}
	if (!json_is_object(json_object_get(first, "response_put")) || revision <= q->revision)
		return "it carried the transaction out without a new revision";
	out->moved = true;
	out->revision = revision;
	out->epoch = q->epoch;
	out->holder = q->holder;
	out->hold_ms = q->hold_ms;
	return NULL;
}

void etcd_json_read(const char *body, size_t len, const struct etcd_question *q,
		    struct etcd_reply *out, uint64_t *cluster)
{
	json_t *all = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *header = json_object_get(all, "header");
	const char *wrong = NULL;
	uint64_t revision;

	out->moved = false;
	if (!json_is_object(all))
		wrong = "it is no JSON object";
	else if (!number(header, "cluster_id", cluster) || !*cluster ||
		 !number(header, "revision", &revision) || !revision)
		wrong = "it has no cluster id or no revision";
	else if (q->op == ETCD_READ)
		wrong = take_range(all, out);
	else
		wrong = take_write(all, q, revision, out);
	json_decref(all);
	out->valid = !wrong;
	if (wrong)
		snprintf(out->text, sizeof(out->text), "the answer is not used: %s", wrong);
}

int etcd_json_token(const char *body, size_t len, char token[ETCD_TOKEN_MAX])
{
	json_t *all = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(all, "token"));
	int err = text && *text && strlen(text) < ETCD_TOKEN_MAX ? 0 : -EBADMSG;

	/* It goes into a header: a line break in it would be another header. */
	for (const char *p = text; !err && *p; p++)
		if (*p <= ' ' || *p > '~')
			err = -EBADMSG;
	if (!err)
		snprintf(token, ETCD_TOKEN_MAX, "%s", text);
	json_decref(all);
	return err;
}

void etcd_json_words(const char *body, size_t len, char *dst, size_t size)
{
	json_t *all = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *text = json_string_value(json_object_get(all, "message"));

	if (!text)
		text = json_string_value(json_object_get(all, "error"));
	snprintf(dst, size, "%.*s", (int)size - 1, text ? text : "no words");
	ascii_only(dst);
	json_decref(all);
}
