/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TSIG (RFC 8945): the signature of a DNS message with a shared key, HMAC-SHA256 only. It is the
 * last record of the message. The signature of an answer covers that of its request, so that an
 * answer to another request is worth nothing.
 */
#ifndef HOKM_AGENT_DNS_TSIG_H
#define HOKM_AGENT_DNS_TSIG_H

#include "agent/dns_message.h"
#include "conf/conf_dns.h"

#define TSIG_MAC        32
#define TSIG_SECRET_MAX 256

struct tsig_key {
	char name[CONF_DNS_NAME_MAX];
	uint8_t secret[TSIG_SECRET_MAX];
	size_t len;
};

enum tsig_verdict {
	TSIG_GOOD,
	TSIG_NONE,     /* the message is not signed */
	TSIG_DISOWNED, /* the server names an error, for which it cannot sign: BADKEY or BADSIG */
	TSIG_BAD,      /* not signed with this key, or not for this request */
	TSIG_OLD,      /* signed at another time */
};

struct tsig_seen {
	unsigned int error;   /* of the TSIG record; an RCODE */
	uint64_t server_s;    /* with BADTIME: the time at the server, 0 when it did not say */
	size_t len;           /* of the message before the record */
	unsigned int records; /* in the additional section beside it */
};

/* From the name and the secret in base64. 0 or -EINVAL. */
int tsig_key_set(struct tsig_key *k, const char *name, const char *secret);

/* Signs a finished message. Its signature is in `mac`, for the answer. 0 or -errno. */
int tsig_sign(struct dns_out *m, const struct tsig_key *k, uint64_t now_s, uint8_t mac[TSIG_MAC]);

/*
 * Verifies the answer to a message with the signature `request_mac`. `id` is that of the message.
 */
enum tsig_verdict tsig_verify(const uint8_t *msg, size_t len, const struct tsig_key *k, uint16_t id,
			      const uint8_t request_mac[TSIG_MAC], uint64_t now_s,
			      struct tsig_seen *seen);

#endif
