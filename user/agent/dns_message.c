/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_message.h. */
#include <arpa/nameser.h>
#include <ares.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/dns_message.h"

#define COUNTS_AT 4 /* of the sections, in the head */

/* ---- writing ---- */

void dns_out_bytes(struct dns_out *o, const void *data, size_t len)
{
	if (o->bad || len > sizeof(o->buf) - o->len) {
		o->bad = true;
		return;
	}
	if (len)
		memcpy(o->buf + o->len, data, len);
	o->len += len;
}

void dns_out16(struct dns_out *o, unsigned int v)
{
	const uint16_t be = htobe16((uint16_t)v);

	dns_out_bytes(o, &be, sizeof(be));
}

void dns_out32(struct dns_out *o, uint32_t v)
{
	const uint32_t be = htobe32(v);

	dns_out_bytes(o, &be, sizeof(be));
}

void dns_out48(struct dns_out *o, uint64_t v)
{
	const uint64_t be = htobe64(v << 16);

	dns_out_bytes(o, &be, 6);
}

void dns_out_name(struct dns_out *o, const char *name)
{
	size_t from = o->len;

	while (*name) {
		size_t len = strcspn(name, ".");
		uint8_t byte = (uint8_t)len;

		if (!len || len > NS_MAXLABEL)
			o->bad = true;
		dns_out_bytes(o, &byte, 1);
		for (size_t i = 0; i < len && !o->bad; i++) {
			byte = (uint8_t)tolower((unsigned char)name[i]);
			dns_out_bytes(o, &byte, 1);
		}
		name += len;
		name += *name == '.';
	}
	dns_out_bytes(o, "", 1);
	if (o->len - from > NS_MAXCDNAME)
		o->bad = true;
}

void dns_out_head(struct dns_out *o, const struct dns_head *h)
{
	o->len = 0;
	o->bad = false;
	dns_out16(o, h->id);
	dns_out16(o, h->flags);
	for (unsigned int i = 0; i < DNS_SECTIONS; i++)
		dns_out16(o, h->count[i]);
}

void dns_out_rr(struct dns_out *o, const char *name, unsigned int type, unsigned int class,
		uint32_t ttl_s, const void *data, size_t len)
{
	dns_out_name(o, name);
	dns_out16(o, type);
	dns_out16(o, class);
	dns_out32(o, ttl_s);
	dns_out16(o, (unsigned int)len);
	dns_out_bytes(o, data, len);
}

void dns_out_count(struct dns_out *o, unsigned int section, unsigned int count)
{
	const uint16_t be = htobe16((uint16_t)count);

	memcpy(o->buf + COUNTS_AT + section * sizeof(be), &be, sizeof(be));
}

/* ---- reading ---- */

static int take(struct dns_in *in, void *dst, size_t len)
{
	if (len > in->len - in->at)
		return -EBADMSG;
	memcpy(dst, in->buf + in->at, len);
	in->at += len;
	return 0;
}

int dns_in16(struct dns_in *in, uint16_t *v)
{
	uint16_t be;
	int err = take(in, &be, sizeof(be));

	if (!err)
		*v = be16toh(be);
	return err;
}

int dns_in32(struct dns_in *in, uint32_t *v)
{
	uint32_t be;
	int err = take(in, &be, sizeof(be));

	if (!err)
		*v = be32toh(be);
	return err;
}

int dns_in48(struct dns_in *in, uint64_t *v)
{
	uint64_t be = 0;
	int err = take(in, &be, 6);

	if (!err)
		*v = be64toh(be) >> 16;
	return err;
}

int dns_in_name(struct dns_in *in, char *name, size_t size)
{
	char *text = NULL;
	long used = 0;
	int err = -EBADMSG;

	if (in->at >= in->len ||
	    ares_expand_name(in->buf + in->at, in->buf, (int)in->len, &text, &used) != ARES_SUCCESS)
		return -EBADMSG;
	if (used > 0 && (size_t)used <= in->len - in->at && strlen(text) < size) {
		snprintf(name, size, "%s", text);
		in->at += (size_t)used;
		err = 0;
	}
	ares_free_string(text);
	return err;
}

int dns_in_head(struct dns_in *in, struct dns_head *h)
{
	int err = dns_in16(in, &h->id);

	if (!err)
		err = dns_in16(in, &h->flags);
	for (unsigned int i = 0; i < DNS_SECTIONS && !err; i++)
		err = dns_in16(in, &h->count[i]);
	return err;
}

int dns_in_questions(struct dns_in *in, unsigned int count)
{
	char name[DNS_TEXT_MAX];
	uint32_t type_and_class;
	int err = 0;

	for (unsigned int i = 0; i < count && !err; i++) {
		err = dns_in_name(in, name, sizeof(name));
		if (!err)
			err = dns_in32(in, &type_and_class);
	}
	return err;
}

int dns_in_rr(struct dns_in *in, struct dns_rr *rr)
{
	int err;

	rr->at = in->at;
	err = dns_in_name(in, rr->name, sizeof(rr->name));
	if (!err)
		err = dns_in16(in, &rr->type);
	if (!err)
		err = dns_in16(in, &rr->class);
	if (!err)
		err = dns_in32(in, &rr->ttl_s);
	if (!err)
		err = dns_in16(in, &rr->data_len);
	if (!err && rr->data_len > in->len - in->at)
		err = -EBADMSG;
	if (err)
		return err;
	rr->data_at = in->at;
	in->at += rr->data_len;
	return 0;
}

const char *dns_rcode_name(unsigned int rcode)
{
	static const char *const names[] = {
		[ns_r_noerror] = "NOERROR",
		[ns_r_formerr] = "FORMERR",
		[ns_r_servfail] = "SERVFAIL",
		[ns_r_nxdomain] = "NXDOMAIN",
		[ns_r_notimpl] = "NOTIMP",
		[ns_r_refused] = "REFUSED",
		[ns_r_yxdomain] = "YXDOMAIN",
		[ns_r_yxrrset] = "YXRRSET",
		[ns_r_nxrrset] = "NXRRSET",
		[ns_r_notauth] = "NOTAUTH",
		[ns_r_notzone] = "NOTZONE",
		[ns_r_badsig] = "BADSIG",
		[ns_r_badkey] = "BADKEY",
		[ns_r_badtime] = "BADTIME",
		[22] = "BADTRUNC", /* RFC 8945 */
	};

	if (rcode >= sizeof(names) / sizeof(names[0]) || !names[rcode])
		return "an unknown error";
	return names[rcode];
}
