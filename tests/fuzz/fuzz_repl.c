/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzes replication with libFuzzer: the parser (user/decide/repl_wire.c) with the bytes unchanged,
 * and a link (user/decide/repl.c) with the same bytes as messages with right tags, as a faulty peer
 * would send them. The input is a series of steps:
 *
 *   length (2 bytes, little-endian), step (1 byte), that many bytes
 *   step 0   the bytes unchanged
 *        1   with a right tag
 *        2   with a right tag and an echo of this session
 *        3   the bytes choose: connections are replicated, a list begins or ends
 *        4   time passes
 *
 * What must never happen, besides reads past the end: an accepted message with more records than it
 * can have or with a record that names nothing; a digest with more VIPs than there is room for; a
 * datagram that is too long; a link that is warm although it never got a whole list.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "decide/repl.h"
#include "hokm/siphash.h"

#define SESSION 0x1234567ULL
#define PEER    0x7654321ULL
#define VRID    25

static const __u64 key[2] = {3, 4};

struct talk {
	struct repl_link *link;
	uint64_t now_ns;
	bool began, ended;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign(uint8_t *b, size_t len)
{
	uint64_t tag = htobe64(siphash_bytes(b, len - REPL_TAG_LEN, key));

	memcpy(b + len - REPL_TAG_LEN, &tag, sizeof(tag));
}

/*
 * Writes the head as the peer's daemon would; kind, stream, number and records are those of the
 * input.
 */
static void dress(const struct talk *t, uint8_t *b, size_t len)
{
	const uint32_t magic = htobe32(REPL_MAGIC);
	const uint64_t peer = htobe64(PEER), us = htobe64(SESSION), now = htobe64(t->now_ns);

	memcpy(b, &magic, sizeof(magic));
	b[4] = REPL_VERSION;
	b[5] = (uint8_t)(1 + b[5] % 2);
	b[6] = VRID;
	b[7] = (uint8_t)((len - REPL_HEAD_LEN - REPL_TAG_LEN) /
			 (b[5] == REPL_CONTROL ? AGREE_LEN : REPL_RECORD_LEN));
	memcpy(b + 8, &peer, sizeof(peer));
	memcpy(b + 16, &us, sizeof(us));
	if (b[5] == REPL_CONTROL) {
		memcpy(b + 24, &now, sizeof(now));
		memcpy(b + 32, &now, sizeof(now));
	}
}

static void receive(struct talk *t, const uint8_t *b, size_t len)
{
	const struct agree *there;
	struct repl_received in;

	repl_receive(t->link, b, len, t->now_ns, &in);
	there = repl_agree(t->link);
	if (in.fault >= REPL_FAULT_COUNT || in.n > REPL_RECORDS || (in.fault && in.n))
		abort();
	if (there && (there->n_vips > HOKM_MAX_VIPS ||
		      strnlen(there->version, AGREE_VERSION_MAX) == AGREE_VERSION_MAX))
		abort();
	if (in.restarted)
		t->began = t->ended = false;
	for (unsigned int i = 0; i < in.n; i++) {
		const struct repl_record *r = &in.records[i];

		if (r->what == REPL_BEGIN)
			t->began = true;
		else if (r->what == REPL_END)
			t->ended = true;
		else if (!r->tag || !r->client_port)
			abort();
	}
	if (repl_warm(t->link) && !t->ended)
		abort();
}

static void put(struct talk *t, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct repl_record r = {.what = b[i] & 1 ? REPL_HAVE : REPL_GONE,
					.tag = 1,
					.client_port = (uint16_t)(b[i] | 1)};

		if (b[i] == 0xff)
			repl_list_begin(t->link, t->now_ns);
		else if (b[i] == 0xfe)
			repl_list_end(t->link, t->now_ns);
		else if (b[i] == 0xfd)
			repl_lost(t->link);
		else
			repl_put(t->link, &r, t->now_ns, t->now_ns);
	}
}

static void drain(struct talk *t)
{
	uint8_t out[HOKM_REPL_MAX];
	struct repl_stats s;

	for (int i = 0; i < 300; i++) {
		size_t len = repl_next(t->link, t->now_ns, out);
		struct repl_msg m;

		if (!len)
			break;
		if (len > sizeof(out) || repl_wire_parse(out, len, VRID, key, &m) != REPL_BAD_NONE)
			abort();
	}
	repl_get_stats(t->link, t->now_ns, &s);
}

static void step(struct talk *t, uint8_t what, const uint8_t *bytes, size_t len)
{
	uint8_t b[HOKM_REPL_MAX + 64];
	struct repl_msg m;

	if (len > sizeof(b))
		len = sizeof(b);
	memcpy(b, bytes, len);
	if (what % 5 == 4) {
		t->now_ns += len * 10000000ULL;
	} else if (what % 5 == 3) {
		put(t, b, len);
	} else {
		if (what % 5 == 2 && len >= HOKM_REPL_MIN)
			dress(t, b, len);
		if (what % 5 && len >= REPL_TAG_LEN)
			sign(b, len);
		if (repl_wire_parse(b, len, VRID, key, &m) == REPL_BAD_NONE && m.n > REPL_RECORDS)
			abort();
		receive(t, b, len);
	}
	drain(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct repl_conf conf = {
		.session = SESSION,
		.vrid = VRID,
		.keys = {.sign = {key[0], key[1]}, .verify = {{key[0], key[1]}}, .n_verify = 1}};
	struct talk t = {.now_ns = 1000000000ULL};

	if (repl_new(&conf, &t.link))
		return 0;
	drain(&t);
	while (size >= 3) {
		size_t len = data[0] | (size_t)data[1] << 8;
		uint8_t what = data[2];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		step(&t, what, data, len);
		data += len;
		size -= len;
	}
	repl_free(t.link);
	return 0;
}
