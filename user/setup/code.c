/* SPDX-License-Identifier: GPL-2.0-only */
/* The code that one machine shows and the others read; see plan.h. Pure. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "hokm/siphash.h"
#include "setup/plan.h"

#define WORD         "HOKM"
#define VERSION      '1'
#define HEAD         (sizeof(WORD) - 1 + 1) /* the word and the version */
#define SECRET       ((GENKEY_TEXT_MAX - 1) / 2)
#define CHECKED      (1 + 4 * 4 + 2 + SECRET) /* bytes that the checksum covers */
#define BYTES        (CHECKED + 4)
#define DIGITS       (BYTES * 8 / 5)
#define FLAG_FAST    1
#define FLAG_GATEWAY 2
#define FLAGS_KNOWN  (FLAG_FAST | FLAG_GATEWAY)

_Static_assert(BYTES % 5 == 0, "no bits of the last digit are left over");
_Static_assert(HEAD + DIGITS < SETUP_CODE_MAX, "a code fits");

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static uint32_t checksum(const uint8_t bytes[CHECKED])
{
	static const __u64 no_key[2];
	uint8_t all[HEAD + CHECKED] = WORD "1";
	uint32_t sum;

	memcpy(all + HEAD, bytes, CHECKED);
	sum = (uint32_t)siphash_bytes(all, sizeof(all), no_key);
	explicit_bzero(all, sizeof(all));
	return htonl(sum);
}

/* Returns -1 for what is no digit. */
static int hex_digit(char c)
{
	const char *all = "0123456789abcdef", *at = c ? strchr(all, c) : NULL;

	return at ? (int)(at - all) : -1;
}

static int put_secret(const char *text, uint8_t to[SECRET])
{
	if (strlen(text) != 2 * SECRET)
		return -EINVAL;
	for (size_t i = 0; i < SECRET; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int setup_code_make(const struct setup_plan *p, char code[SETUP_CODE_MAX])
{
	const struct in_addr *third = p->gateway.s_addr ? &p->gateway : &p->witness;
	uint8_t bytes[BYTES] = {0};
	const uint16_t port = htons(p->port);
	uint32_t sum;
	int err;

	bytes[0] |= p->fast ? FLAG_FAST : 0;
	bytes[0] |= p->gateway.s_addr ? FLAG_GATEWAY : 0;
	memcpy(bytes + 1, &p->vip, 4);
	memcpy(bytes + 5, p->nodes, 8);
	memcpy(bytes + 13, &port, 2);
	memcpy(bytes + 15, third, 4);
	err = put_secret(p->secret, bytes + 19);
	sum = checksum(bytes);
	memcpy(bytes + CHECKED, &sum, sizeof(sum));
	memcpy(code, WORD "1", HEAD);
	for (size_t i = 0; i < DIGITS; i++) {
		size_t bit = i * 5, at = bit / 8;
		unsigned int two = (unsigned int)bytes[at] << 8;

		if (at + 1 < BYTES)
			two |= bytes[at + 1];
		code[HEAD + i] = digits[two >> (11 - bit % 8) & 31];
	}
	code[HEAD + DIGITS] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

/* Copies what counts, in upper case. Returns its length; more than `most` means too long. */
static size_t squeeze(const char *code, char *to, size_t most)
{
	size_t n = 0;

	for (; *code && n <= most; code++) {
		if (isspace((unsigned char)*code) || *code == '-')
			continue;
		if (n < most)
			to[n] = (char)toupper((unsigned char)*code);
		n++;
	}
	return n;
}

static int unpack(const char *text, uint8_t bytes[BYTES])
{
	unsigned int bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		const char *at = memchr(digits, text[i], sizeof(digits) - 1);

		if (!at)
			return -EBADMSG;
		bits = (bits << 5 | (unsigned int)(at - digits)) & 0xfff;
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		bytes[n++] = (uint8_t)(bits >> have);
	}
	return 0;
}

/* What no setup would have written, whatever the checksum says. */
static bool makes_sense(const struct setup_plan *p)
{
	const struct in_addr *a = p->nodes;
	const in_addr_t third = p->gateway.s_addr ? p->gateway.s_addr : p->witness.s_addr;

	return p->port && p->vip.s_addr && a[0].s_addr && a[1].s_addr &&
	       a[0].s_addr != a[1].s_addr && p->vip.s_addr != a[0].s_addr &&
	       p->vip.s_addr != a[1].s_addr && third != a[0].s_addr && third != a[1].s_addr &&
	       third != p->vip.s_addr;
}

static int take(const uint8_t bytes[BYTES], struct setup_plan *out)
{
	uint32_t sum = checksum(bytes);
	uint16_t port;

	if (memcmp(&sum, bytes + CHECKED, sizeof(sum)) != 0)
		return -EBADMSG;
	if (bytes[0] & ~FLAGS_KNOWN)
		return -EPROTO;
	*out = (struct setup_plan){.fast = bytes[0] & FLAG_FAST};
	memcpy(&out->vip, bytes + 1, 4);
	memcpy(out->nodes, bytes + 5, 8);
	memcpy(&port, bytes + 13, 2);
	memcpy(bytes[0] & FLAG_GATEWAY ? &out->gateway : &out->witness, bytes + 15, 4);
	out->port = ntohs(port);
	for (size_t i = 0; i < SECRET; i++)
		(void)snprintf(out->secret + 2 * i, 3, "%02x", bytes[19 + i]);
	return makes_sense(out) ? 0 : -EBADMSG;
}

int setup_code_read(const char *code, struct setup_plan *out)
{
	char text[HEAD + DIGITS];
	uint8_t bytes[BYTES];
	size_t len = squeeze(code, text, sizeof(text));
	int err = -EBADMSG;

	memset(out, 0, sizeof(*out));
	if (len >= HEAD && !memcmp(text, WORD, HEAD - 1) &&
	    isdigit((unsigned char)text[HEAD - 1]) && text[HEAD - 1] != VERSION)
		return -EPROTO;
	if (len == sizeof(text) && !memcmp(text, WORD "1", HEAD))
		err = unpack(text + HEAD, bytes);
	if (!err)
		err = take(bytes, out);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}
