/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS messages (RFC 1035, and RFC 2136 for updates): a writer, and a reader that trusts no byte.
 * Names on the wire are read by c-ares. Constants are those of <arpa/nameser.h>.
 *
 * A writer that ran out of room notes that and writes nothing more, so that only its end has to be
 * checked. A reader never goes past the end of its message.
 */
#ifndef HOKM_AGENT_DNS_MESSAGE_H
#define HOKM_AGENT_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_OUT_MAX     8192 /* an update of 16 values of a long name, and its signature */
#define DNS_MESSAGE_MAX 65535
#define DNS_TEXT_MAX    1025 /* a name as text, with escapes and a zero */
#define DNS_SECTIONS    4    /* question, answer, authority, additional */

struct dns_out {
	uint8_t buf[DNS_OUT_MAX];
	size_t len;
	bool bad; /* no room, or a name that cannot be written */
};

struct dns_in {
	const uint8_t *buf;
	size_t len, at;
};

struct dns_head {
	uint16_t id, flags;
	uint16_t count[DNS_SECTIONS];
};

/* A resource record as read. `data` points into the message. */
struct dns_rr {
	size_t at; /* where it begins */
	char name[DNS_TEXT_MAX];
	uint16_t type, class;
	uint32_t ttl_s;
	size_t data_at;
	uint16_t data_len;
};

void dns_out16(struct dns_out *o, unsigned int v);
void dns_out32(struct dns_out *o, uint32_t v);
void dns_out48(struct dns_out *o, uint64_t v);
void dns_out_bytes(struct dns_out *o, const void *data, size_t len);
/* In lower case and without compression, which is the canonical form. */
void dns_out_name(struct dns_out *o, const char *name);
/* Starts a message. */
void dns_out_head(struct dns_out *o, const struct dns_head *h);
/* A resource record whose data is `data`. */
void dns_out_rr(struct dns_out *o, const char *name, unsigned int type, unsigned int class,
		uint32_t ttl_s, const void *data, size_t len);
/* Sets the count of a section in the head. */
void dns_out_count(struct dns_out *o, unsigned int section, unsigned int count);

/* Each returns 0 or -EBADMSG. */
int dns_in16(struct dns_in *in, uint16_t *v);
int dns_in32(struct dns_in *in, uint32_t *v);
int dns_in48(struct dns_in *in, uint64_t *v);
int dns_in_name(struct dns_in *in, char *name, size_t size);
int dns_in_head(struct dns_in *in, struct dns_head *h);
/* Goes past `count` questions. */
int dns_in_questions(struct dns_in *in, unsigned int count);
int dns_in_rr(struct dns_in *in, struct dns_rr *rr);

/* The word for an RCODE or the error of a TSIG record: "REFUSED". */
const char *dns_rcode_name(unsigned int rcode);

#endif
