/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication messages on the wire: UDP payload, TTL 255, HOKM_REPL_MIN..HOKM_REPL_MAX bytes, all
 * in network order.
 *
 *    0       magic "HKMR"                          4  version, kind, vrid, records
 *    8       session of the sender's daemon       16  session of the receiver's, as far as known
 *   24       DATA: 0     CONTROL: sender's clock  32  DATA: 0     CONTROL: newest clock heard
 *   40       stream                               44  DATA: number of this message in the stream
 *                                                     CONTROL: number that is expected next
 *   48       records, REPL_RECORD_LEN bytes each (none in CONTROL)
 *   then     SipHash-2-4 over everything before, key derived from the shared secret
 *
 * A record names its service by tag (hokm_service_tag), since slots are local to a node.
 */
#ifndef HOKM_REPL_WIRE_H
#define HOKM_REPL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "hokm/abi.h"

#define REPL_MAGIC      0x484b4d52 /* "HKMR" */
#define REPL_VERSION    2
#define REPL_HEAD_LEN   48
#define REPL_TAG_LEN    8
#define REPL_RECORD_LEN 40
#define REPL_RECORDS    ((HOKM_REPL_MAX - REPL_HEAD_LEN - REPL_TAG_LEN) / REPL_RECORD_LEN) /* 29 */

enum repl_kind { REPL_CONTROL = 1, REPL_DATA = 2 };

/*
 * What a record says. BEGIN and END enclose a full list of the sender's connections; changes may
 * stand between. HAVE makes or renews, GONE takes away.
 */
enum repl_what { REPL_BEGIN = 1, REPL_HAVE = 2, REPL_GONE = 3, REPL_END = 4 };

struct repl_record {
	struct hokm_addr client;
	__be16 client_port;
	uint8_t what; /* enum repl_what; the rest is 0 in BEGIN and END */
	uint32_t tag; /* of the service */
	uint32_t isn; /* as in struct hokm_replica */
	uint32_t seq_next;
	uint32_t ack_next;
	uint32_t age_ms; /* since it was established; HAVE only, stays at its greatest value */
};

struct repl_msg {
	enum repl_kind kind;
	uint64_t session, echo;
	uint64_t stamp_ns, echo_stamp_ns; /* CONTROL */
	uint32_t stream, number;
	unsigned int n;
	struct repl_record records[REPL_RECORDS];
};

/* What was wrong with a message; one counter and one word each. */
#define REPL_FAULTS(X, p)                                                               \
	X(p, NONE, "none", "taken")                                                     \
	X(p, SHORT, "short", "truncated, or its length does not fit its records")       \
	X(p, VERSION, "version", "of another version, kind or VRID")                    \
	X(p, TAG, "tag", "its tag does not verify: forged, damaged, or another secret") \
	X(p, RECORD, "record", "a record makes no sense")                               \
	X(p, SESSION, "session", "of or for another session of a daemon")               \
	X(p, REPLAY, "replay", "taken before")                                          \
	X(p, ORDER, "order", "one before it is missing: will be sent again")
#define REPL_FAULT_ENUM(p, id, name, text) p##_##id,
enum repl_fault { REPL_FAULTS(REPL_FAULT_ENUM, REPL_BAD) REPL_FAULT_COUNT };
const char *repl_fault_name(enum repl_fault f);
const char *repl_fault_text(enum repl_fault f);

/* Signs. Length of the message, at most HOKM_REPL_MAX; buf must have as much. */
size_t repl_wire_build(const struct repl_msg *m, uint8_t vrid, const __u64 key[2], void *buf);
/*
 * Length, version, tag and records; nothing about sessions and order. *out is whole on NONE only.
 */
enum repl_fault repl_wire_parse(const void *buf, size_t len, uint8_t vrid, const __u64 key[2],
				struct repl_msg *out);

#endif
