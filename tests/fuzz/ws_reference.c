/* SPDX-License-Identifier: GPL-2.0-only */
/* A slow and simple reader: see ws_reference.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ws_reference.h"

#define RECORD_MAX    (16384 + 2048)
#define SHORTEST      12 /* no first line is shorter than "HTTP/1.1 101" */
#define CODE_EMPTY    1005
#define NAME          "upgrade:"
#define VALUE         "websocket"
#define ENCODING_LEN  18 /* of "transfer-encoding:" */
#define LENGTH_DIGITS 5
#define LENGTH_MAX    0xfffe
#define PROXY2_HEAD   12
#define FIRST_TLS     20
#define LAST_TLS      24
#define TLS_VERSION   3

/* The number of bytes from `at` on that have come, at most `want`. */
static size_t there(const struct ref_stream *s, uint64_t at, size_t want)
{
	size_t n = 0;

	while (n < want && at + n < s->len && (!s->known || s->known[at + n]))
		n++;
	return n;
}

static bool is_tls(uint8_t byte)
{
	return byte >= FIRST_TLS && byte <= LAST_TLS;
}

/* ---- heads ---- */

/* What the lines of a head say. */
struct head {
	bool websocket, other, loose;
	bool unknown; /* the length of the body */
	bool has_length;
	unsigned long length;
	size_t first; /* bytes of the first line */
};

static bool begins(const uint8_t *b, size_t len, const char *word)
{
	return len >= strlen(word) && !strncasecmp((const char *)b, word, strlen(word));
}

/* The number behind the last blank or colon of the line; false: it is none, or too long. */
static bool line_number(const uint8_t *line, size_t len, unsigned long *number)
{
	size_t at = len;

	while (at && isdigit(line[at - 1]))
		at--;
	if (at == len || len - at > LENGTH_DIGITS || !memchr(" \t:", line[at - 1], 3))
		return false;
	*number = strtoul((const char *)line + at, NULL, 10);
	return *number <= LENGTH_MAX;
}

static bool line_names_websocket(const uint8_t *line, size_t len)
{
	for (size_t i = strlen(NAME); i + strlen(VALUE) <= len; i++)
		if (begins(line + i, len - i, VALUE))
			return true;
	return false;
}

static void read_line(const uint8_t *line, size_t len, struct head *h)
{
	unsigned long number = 0;

	if (begins(line, len, NAME)) {
		h->other = true;
		h->websocket = h->websocket || line_names_websocket(line, len);
	} else if (begins(line, len, "content-length:")) {
		if (!line_number(line, len, &number) || (h->has_length && number != h->length))
			h->unknown = true;
		else
			h->length = number;
		h->has_length = h->has_length || !h->unknown;
	} else if (len >= ENCODING_LEN && begins(line + 10, len - 10, "ncoding:")) {
		h->unknown = true;
	}
}

/* Length of the head with its blank line; 0 while it is incomplete. */
static size_t head_length(const uint8_t *head, size_t n, struct head *h)
{
	size_t begin = 0;

	for (size_t i = 0; i < n; i++) {
		size_t end = i;

		if (head[i] != '\n')
			continue;
		if (end > begin && head[end - 1] == '\r')
			end--;
		else
			h->loose = true;
		if (!begin)
			h->first = i;
		else if (end == begin)
			return i + 1;
		else
			read_line(head + begin, end - begin, h);
		begin = i + 1;
	}
	return 0;
}

static bool is_method(const uint8_t *head)
{
	static const char *const methods[] = {"GET ", "POST", "PUT ", "PATC", "DELE", "OPTI"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (begins(head, 4, methods[i]))
			return true;
	return false;
}

/* Are the bytes that have come the beginning of a request, or of an answer? */
static bool head_begins_well(const uint8_t *head, size_t n, bool client)
{
	const uint8_t *end = memchr(head, '\n', n < SHORTEST ? n : SHORTEST);

	if (client)
		return !end && (n < 4 || is_method(head));
	if (n >= 8 && (!begins(head, n, "HTTP/1.") || (head[7] != '0' && head[7] != '1')))
		return false;
	if (end)
		return false;
	return n < SHORTEST || (isdigit(head[9]) && isdigit(head[10]) && isdigit(head[11]) &&
				memcmp(head + 9, "000", 3) != 0);
}

/*
 * What may stand before a head of the client: blank lines, and the header of the PROXY protocol.
 * Returns true when something was skipped, or when the bytes that came do not tell yet.
 */
static bool read_proxy(const uint8_t *b, size_t n, struct ref_result *r)
{
	const uint8_t *end;

	if (*b == '\r' || *b == '\n') {
		r->need++;
		return true;
	}
	if (!*b) {
		if ((n >= 8 && memcmp(b, "\0\r\nQUIT\n", 8)) || (n > 8 && b[8] >> 4 != 2))
			r->state = HOKM_FOLLOW_PLAIN;
		else
			r->need += n < PROXY2_HEAD ? n : PROXY2_HEAD + b[10] * 256u + b[11];
		r->stopped = n < PROXY2_HEAD;
		return true;
	}
	if (!begins(b, n, "PROX"))
		return false;
	end = memchr(b, '\n', n);
	if (end && (end == b || end[-1] != '\r'))
		r->doubt = true;
	r->need += end ? (size_t)(end - b) + 1 : n;
	r->stopped = !end;
	return true;
}

/* The head h was read to its end: the next head begins behind the body. */
static void skip_body(struct ref_result *r, const struct head *h)
{
	r->doubt = r->doubt || h->loose;
	if (h->unknown)
		r->state = HOKM_FOLLOW_PLAIN;
	else
		r->need += h->length;
}

static void request_read(struct ref_result *r, const struct head *h)
{
	bool body = h->unknown || h->length;

	r->requests++;
	if (!h->websocket) {
		skip_body(r, h);
		return;
	}
	r->upgrade = true;
	r->sure = !body && !h->loose && !r->doubt;
	r->state = body ? HOKM_FOLLOW_PLAIN : HOKM_FOLLOW_FRAMES;
}

static void answer_read(struct ref_result *r, struct head *h, unsigned int status)
{
	if (status / 100 == 1 && status != 101) {
		r->doubt = r->doubt || h->loose;
		return;
	}
	r->answers++;
	r->sure = !r->doubt;
	r->status = (uint16_t)status;
	if (status == 101) {
		r->state = h->other && !h->websocket ? HOKM_FOLLOW_PLAIN : HOKM_FOLLOW_FRAMES;
		return;
	}
	if (status == 204 || status == 304) {
		h->unknown = false;
		h->length = 0;
	} else if (!h->has_length) {
		h->unknown = true;
	}
	skip_body(r, h);
}

/* Returns true when another head may follow. */
static bool read_head(const struct ref_stream *s, struct ref_result *r)
{
	size_t n = there(s, r->need, s->len), len;
	const uint8_t *head = s->bytes + r->need;
	struct head h = {0};

	if (!n)
		return false;
	if (is_tls(head[0])) {
		r->tls = true;
		r->state = HOKM_FOLLOW_RECORDS;
		return false;
	}
	if (s->client && read_proxy(head, n, r))
		return !r->stopped;
	if (!head_begins_well(head, n, s->client)) {
		r->state = HOKM_FOLLOW_PLAIN;
		return false;
	}
	len = head_length(head, n, &h);
	r->need += len ? len : n;
	if (!len)
		return false;
	if (s->client)
		request_read(r, &h);
	else
		answer_read(r, &h,
			    (head[9] - '0') * 100u + (head[10] - '0') * 10u + head[11] - '0');
	return true;
}

/* ---- frames ---- */

struct header {
	bool fin, rsv1, rsv2, rsv3, masked;
	unsigned int opcode, len7;
	size_t len_bytes; /* bytes of the extended length */
	size_t size;
	uint64_t len;
};

static struct header header_of(const uint8_t *b)
{
	struct header h = {
		.fin = b[0] & 0x80,
		.rsv1 = b[0] & 0x40,
		.rsv2 = b[0] & 0x20,
		.rsv3 = b[0] & 0x10,
		.opcode = b[0] % 16,
		.masked = b[1] & 0x80,
		.len7 = b[1] % 128,
	};

	h.len_bytes = h.len7 == 126 ? 2 : h.len7 == 127 ? 8 : 0;
	h.size = 2 + h.len_bytes + (h.masked ? 4 : 0);
	return h;
}

static void header_length(struct header *h, const uint8_t *b)
{
	h->len = h->len7;
	if (!h->len_bytes)
		return;
	h->len = 0;
	for (size_t i = 0; i < h->len_bytes; i++)
		h->len = h->len * 256 + b[2 + i];
}

static bool is_control(const struct header *h)
{
	return h->opcode >= 8;
}

/* The fault in the first two bytes of a header. */
static enum hokm_ws_fault judge(const struct header *h, const struct ref_result *r, bool client)
{
	bool known = (h->opcode <= 2) || (h->opcode >= 8 && h->opcode <= 10);

	if (h->rsv2 || h->rsv3)
		return HOKM_FAULT_RSV;
	if (h->masked != client)
		return HOKM_FAULT_MASK;
	if (!known)
		return HOKM_FAULT_OPCODE;
	if (h->rsv1 && h->opcode != 1 && h->opcode != 2)
		return HOKM_FAULT_RSV;
	if (is_control(h))
		return h->fin && h->len7 <= 125 ? HOKM_FAULT_NONE : HOKM_FAULT_CONTROL;
	if (h->opcode == 0 && !r->open && !r->unsure)
		return HOKM_FAULT_ORDER;
	if (h->opcode != 0 && r->open)
		return HOKM_FAULT_ORDER;
	return HOKM_FAULT_NONE;
}

static bool length_is_shortest(const struct header *h)
{
	if (h->len_bytes == 2)
		return h->len > 125;
	if (h->len_bytes == 8)
		return h->len > 65535 && h->len <= INT64_MAX;
	return true;
}

static void frame_done(struct ref_result *r, const struct header *h)
{
	static const unsigned int kinds[] = {0, 1, 2, 0, 0, 0, 0, 0, 3, 4, 5};
	bool first = true;

	for (int i = 0; i < REF_KINDS; i++)
		first = first && !r->n[i];
	if (first)
		r->first_kind = kinds[h->opcode];
	r->n[kinds[h->opcode]]++;
	if (!is_control(h)) {
		r->open = !h->fin;
		r->unsure = false;
	}
	r->in_header = false;
	r->need += h->size + h->len;
}

static void close_done(const struct ref_stream *s, struct ref_result *r, const struct header *h)
{
	const uint8_t *b = s->bytes + r->need;
	const uint8_t *mask = b + h->size - 4, *code = b + h->size;

	r->close = true;
	r->close_code = CODE_EMPTY;
	if (h->len >= 2 && h->masked)
		r->close_code = (uint16_t)((code[0] ^ mask[0]) * 256 + (code[1] ^ mask[1]));
	else if (h->len >= 2)
		r->close_code = (uint16_t)(code[0] * 256 + code[1]);
	r->state = HOKM_FOLLOW_DONE;
}

/* A header at r->need that is incomplete. */
static bool stop_inside(struct ref_result *r, size_t n)
{
	r->in_header = n;
	r->need += n;
	return false;
}

/* Reads one frame; returns false when no further one can be read. */
static bool read_frame(const struct ref_stream *s, struct ref_result *r)
{
	size_t n = there(s, r->need, 16), want;
	const uint8_t *b = s->bytes + r->need;
	struct header h;

	if (n < 2)
		return stop_inside(r, n);
	h = header_of(b);
	r->fault = judge(&h, r, s->client);
	if (r->fault)
		return false;
	if (n < h.size)
		return stop_inside(r, n);
	header_length(&h, b);
	if (!length_is_shortest(&h)) {
		r->fault = HOKM_FAULT_LENGTH;
		return false;
	}
	want = h.size + (h.opcode == 8 && h.len >= 2 ? 2 : 0);
	if (n < want)
		return stop_inside(r, n);
	if (h.opcode == 8)
		close_done(s, r, &h);
	frame_done(r, &h);
	return r->state == HOKM_FOLLOW_FRAMES;
}

/* ---- TLS records ---- */

static bool read_record(const struct ref_stream *s, struct ref_result *r)
{
	size_t n = there(s, r->need, 5), len;
	const uint8_t *b = s->bytes + r->need;

	if ((n > 0 && !is_tls(b[0])) || (n > 1 && b[1] != TLS_VERSION)) {
		r->fault = HOKM_FAULT_RECORD;
		return false;
	}
	if (n < 5)
		return stop_inside(r, n);
	len = b[3] * 256u + b[4];
	if (len > RECORD_MAX) {
		r->fault = HOKM_FAULT_RECORD;
		return false;
	}
	r->records++;
	r->need += 5 + len;
	return true;
}

struct ref_result ref_read(const struct ref_stream *s, const struct ref_start *from)
{
	struct ref_result r = {
		.state = from->frames ? HOKM_FOLLOW_FRAMES : HOKM_FOLLOW_HEAD,
		.need = from->at,
		.open = from->open,
		.unsure = from->unsure,
	};

	while (r.state == HOKM_FOLLOW_HEAD && r.need < s->len && read_head(s, &r))
		;
	while (r.state == HOKM_FOLLOW_FRAMES && r.need < s->len && read_frame(s, &r))
		;
	while (r.state == HOKM_FOLLOW_RECORDS && r.need < s->len && read_record(s, &r))
		;
	return r;
}
