/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frame tracking: TLS records (RFC 8446 section 5.1). The header is type, version and length:
 *
 *   | type (1) | version (2): 3, minor | length (2) |
 *
 * Records are counted; nothing inside them is read.
 */
#ifndef HOKM_WS_RECORD_H
#define HOKM_WS_RECORD_H

#include "hokm/ws_state.h"

#define WS_RECORD_HEAD 5 /* bytes of a record header */
/* Greatest length that a record may have (RFC 5246 section 6.2.3; TLS 1.3 allows less). */
#define WS_RECORD_MAX (16384 + 2048)

/* change_cipher_spec to heartbeat */
WS_INLINE bool ws_record_type(__u8 type)
{
	return type >= 20 && type <= 24;
}

/* Reads one byte: a record is long and its header is short, so this need not be faster. */
WS_INLINE void ws_step_records(struct ws_run *r, const struct ws_bytes *b)
{
	struct hokm_ws *w = &r->ws;
	__u8 byte = (__u8)(b->hi >> 56);
	__u64 len;

	if ((w->have == 0 && !ws_record_type(byte)) || (w->have == 1 && byte != 3)) {
		ws_lose(r, HOKM_FAULT_RECORD);
		return;
	}
	if (w->have == 0)
		w->left = 0;
	w->left = w->left << 8 | byte;
	w->have++;
	r->off++;
	if (w->have < WS_RECORD_HEAD)
		return;
	len = w->left & 0xffff;
	w->have = 0;
	w->left = 0;
	if (len > WS_RECORD_MAX) {
		ws_lose(r, HOKM_FAULT_RECORD);
		return;
	}
	r->seen.records++;
	r->off += (__u32)len;
}

#endif
