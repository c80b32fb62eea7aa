/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of a WebSocket client. RFC 6455, section 5.2, has the form of a frame:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-------+-+-------------+-------------------------------+
 *   |F|R|R|R| opcode|M| Payload len |  length in 16 bits (len 126)  |
 *   |I|S|S|S|  (4)  |A|     (7)     |  or in 64 bits (len 127)      |
 *   |N|V|V|V|       |S|             |                               |
 *   | |1|2|3|       |K|             |                               |
 *   +-+-+-+-+-------+-+-------------+-------------------------------+
 *   |  masking key, 4 bytes, only in frames of a client; then payload |
 *
 * Invariant: ws_parse_server_header() accepts exactly what section 5 allows a server to send
 * without extensions: no RSV bit, no mask, lengths in their shortest form, and control frames that
 * are short and not fragmented.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "agent/ws_client.h"

#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#define BIT_FIN     0x80u
#define BITS_RSV    0x70u
#define BITS_OP     0x0fu
#define BIT_MASK    0x80u
#define BITS_LEN    0x7fu
#define LEN_16      126u
#define LEN_64      127u
#define BIT_CONTROL 0x8u

_Static_assert(WS_KEY_TEXT == 4 * ((WS_KEY_BYTES + 2) / 3) + 1, "base64 of the key");
_Static_assert(WS_ACCEPT_TEXT == 4 * ((20 + 2) / 3) + 1, "base64 of a SHA-1");

void ws_key_text(const uint8_t random[WS_KEY_BYTES], char out[WS_KEY_TEXT])
{
	EVP_EncodeBlock((unsigned char *)out, random, WS_KEY_BYTES);
}

int ws_accept_text(const char *key, char out[WS_ACCEPT_TEXT])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[WS_KEY_TEXT + sizeof(WS_GUID)];
	unsigned int len = 0;
	size_t key_len = strnlen(key, WS_KEY_TEXT);

	if (key_len != WS_KEY_TEXT - 1)
		return -EINVAL;
	memcpy(text, key, key_len);
	memcpy(text + key_len, WS_GUID, sizeof(WS_GUID) - 1);
	if (EVP_Digest(text, key_len + sizeof(WS_GUID) - 1, digest, &len, EVP_sha1(), NULL) != 1 ||
	    len != 20)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
	return 0;
}

size_t ws_build_control(enum ws_opcode op, const uint8_t mask[4], const void *payload, size_t len,
			uint8_t *out)
{
	const uint8_t *in = payload;

	if (len > WS_CONTROL_MAX)
		len = WS_CONTROL_MAX;
	out[0] = (uint8_t)(BIT_FIN | (unsigned int)op);
	out[1] = (uint8_t)(BIT_MASK | len);
	memcpy(out + 2, mask, 4);
	for (size_t i = 0; i < len; i++)
		out[6 + i] = in[i] ^ mask[i & 3];
	return 6 + len;
}

static enum ws_parsed bad(const char **why, const char *text)
{
	*why = text;
	return WS_BAD;
}

static uint64_t read_be(const uint8_t *data, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | data[i];
	return value;
}

/* Parses the length of the payload, with its extension. */
static enum ws_parsed parse_length(const uint8_t *data, size_t len, struct ws_header *h,
				   size_t *used, const char **why)
{
	unsigned int len7 = data[1] & BITS_LEN;
	size_t extra = len7 == LEN_64 ? 8 : len7 == LEN_16 ? 2 : 0;

	if (len < 2 + extra)
		return WS_NEED_MORE;
	*used = 2 + extra;
	h->payload_bytes = extra ? read_be(data + 2, extra) : len7;
	if (h->payload_bytes >> 63)
		return bad(why, "the top bit of the length is set");
	if ((len7 == LEN_16 && h->payload_bytes < LEN_16) ||
	    (len7 == LEN_64 && h->payload_bytes <= UINT16_MAX))
		return bad(why, "the length is not in its shortest form");
	return WS_PARSED;
}

enum ws_parsed ws_parse_server_header(const uint8_t *data, size_t len, struct ws_header *h,
				      size_t *used, const char **why)
{
	unsigned int op;

	if (len < 2)
		return WS_NEED_MORE;
	op = data[0] & BITS_OP;
	h->op = (enum ws_opcode)op;
	h->fin = data[0] & BIT_FIN;
	if (data[0] & BITS_RSV)
		return bad(why, "a reserved bit is set without an extension");
	if (data[1] & BIT_MASK)
		return bad(why, "the frame of a server is masked");
	if ((op & ~BIT_CONTROL) > 2)
		return bad(why, "the opcode is unknown");
	if ((op & BIT_CONTROL) && (!h->fin || (data[1] & BITS_LEN) > WS_CONTROL_MAX))
		return bad(why, "a control frame is fragmented or too long");
	return parse_length(data, len, h, used, why);
}
