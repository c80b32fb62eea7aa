/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of the WebSocket client: the vectors of RFC 6455, and each fault of a server's header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/ws_client.h"

static void accept_is_the_rfc_one(void **state)
{
	char accept[WS_ACCEPT_TEXT];

	(void)state;
	assert_int_equal(ws_accept_text("dGhlIHNhbXBsZSBub25jZQ==", accept), 0);
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_not_equal(ws_accept_text("short", accept), 0);
}

static void key_is_base64_of_16_bytes(void **state)
{
	char key[WS_KEY_TEXT];

	(void)state;
	ws_key_text((const uint8_t *)"the sample nonce", key);
	assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
}

static void control_frame_is_masked(void **state)
{
	/* RFC 6455, 5.7: a masked pong with "Hello". */
	const uint8_t want[] = {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
	const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	uint8_t frame[WS_FRAME_MAX];
	uint8_t big[300];

	(void)state;
	assert_int_equal(ws_build_control(WS_OP_PONG, mask, "Hello", 5, frame), sizeof(want));
	assert_memory_equal(frame, want, sizeof(want));
	memset(big, 1, sizeof(big));
	assert_int_equal(ws_build_control(WS_OP_PING, mask, big, sizeof(big), frame), WS_FRAME_MAX);
}

struct header_row {
	const char *what;
	uint8_t bytes[10];
	size_t len;
	enum ws_parsed parsed;
	enum ws_opcode op;
	uint64_t payload_bytes;
	size_t used;
};

static const struct header_row rows[] = {
	{"nothing", {0}, 0, WS_NEED_MORE, 0, 0, 0},
	{"one byte", {0x81}, 1, WS_NEED_MORE, 0, 0, 0},
	{"text", {0x81, 0x05}, 2, WS_PARSED, WS_OP_TEXT, 5, 2},
	{"begin of fragments", {0x01, 0x03}, 2, WS_PARSED, WS_OP_TEXT, 3, 2},
	{"continuation", {0x80, 0x02}, 2, WS_PARSED, WS_OP_CONTINUATION, 2, 2},
	{"16 bits, cut", {0x82, 126, 1}, 3, WS_NEED_MORE, 0, 0, 0},
	{"16 bits", {0x82, 126, 1, 0}, 4, WS_PARSED, WS_OP_BINARY, 256, 4},
	{"16 bits, smallest", {0x82, 126, 0, 126}, 4, WS_PARSED, WS_OP_BINARY, 126, 4},
	{"16 bits, not needed", {0x82, 126, 0, 125}, 4, WS_BAD, 0, 0, 0},
	{"64 bits, cut", {0x82, 127, 0, 0, 0, 0, 0, 1, 0}, 9, WS_NEED_MORE, 0, 0, 0},
	{"64 bits", {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}, 10, WS_PARSED, WS_OP_BINARY, 65536, 10},
	{"64 bits, not needed", {0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255}, 10, WS_BAD, 0, 0, 0},
	{"top bit", {0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}, 10, WS_BAD, 0, 0, 0},
	{"masked", {0x81, 0x85}, 2, WS_BAD, 0, 0, 0},
	{"RSV1", {0xc1, 0x05}, 2, WS_BAD, 0, 0, 0},
	{"RSV3", {0x91, 0x05}, 2, WS_BAD, 0, 0, 0},
	{"opcode 3", {0x83, 0x00}, 2, WS_BAD, 0, 0, 0},
	{"opcode 7", {0x87, 0x00}, 2, WS_BAD, 0, 0, 0},
	{"opcode B", {0x8b, 0x00}, 2, WS_BAD, 0, 0, 0},
	{"opcode F", {0x8f, 0x00}, 2, WS_BAD, 0, 0, 0},
	{"close", {0x88, 0x02}, 2, WS_PARSED, WS_OP_CLOSE, 2, 2},
	{"ping", {0x89, 0x7d}, 2, WS_PARSED, WS_OP_PING, 125, 2},
	{"pong", {0x8a, 0x00}, 2, WS_PARSED, WS_OP_PONG, 0, 2},
	{"ping in fragments", {0x09, 0x00}, 2, WS_BAD, 0, 0, 0},
	{"long ping", {0x89, 126, 1, 0}, 4, WS_BAD, 0, 0, 0},
};

static void headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct header_row *row = &rows[i];
		const char *why = NULL;
		struct ws_header h;
		size_t used = 0;
		enum ws_parsed parsed = ws_parse_server_header(
			row->bytes, row->len, &h, &used, &why);

		if (parsed != row->parsed)
			fail_msg("%s: %d, expected %d", row->what, parsed, row->parsed);
		if (parsed == WS_BAD && !why)
			fail_msg("%s: bad without a word", row->what);
		if (parsed != WS_PARSED)
			continue;
		if (h.op != row->op || h.payload_bytes != row->payload_bytes || used != row->used)
			fail_msg("%s: opcode %d, %llu bytes, header of %zu", row->what, h.op,
				 (unsigned long long)h.payload_bytes, used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_is_the_rfc_one),
		cmocka_unit_test(key_is_base64_of_16_bytes),
		cmocka_unit_test(control_frame_is_masked),
		cmocka_unit_test(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
