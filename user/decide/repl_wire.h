/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replication messages on the wire: the payload of a UDP datagram with TTL 255. All fields are in
 * network byte order.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------------------------------------------------------+
 *   |                         magic "HKMR"                          |   0
 *   +---------------+---------------+---------------+---------------+
 *   |    version    |     kind      |     VRID      |    records    |   4
 *   +---------------+---------------+---------------+---------------+
 *   |             session of the sender's daemon (64)               |   8
 *   +---------------------------------------------------------------+
 *   |    session of the receiver's daemon, as far as known (64)     |  16
 *   +---------------------------------------------------------------+
 *   |    CONTROL: clock of the sender (64)               DATA: 0    |  24
 *   +---------------------------------------------------------------+
 *   |    CONTROL: newest clock of the receiver (64)      DATA: 0    |  32
 *   +---------------------------------------------------------------+
 *   |    DATA: stream       CONTROL: stream being received          |  40
 *   +---------------------------------------------------------------+
 *   |    DATA: number       CONTROL: next number expected           |  44
 *   +---------------------------------------------------------------+
 *   |    DATA: records of REPL_RECORD_LEN bytes         ...         |  48
 *   |    CONTROL: a digest of AGREE_LEN bytes, or none              |
 *   +---------------------------------------------------------------+
 *   |    SipHash-2-4 of all bytes before it (64)                    |
 *   +---------------------------------------------------------------+
 *
 * A record is: client address (16 bytes), client port (2), what (1), began (1), tag (4), isn (4),
 * seq_next (4), ack_next (4), age_ms (4). It names its service by tag (hokm_service_tag()), because
 * slots are local to a node. The key of the SipHash is derived from the shared secret. In CONTROL
 * the field `records` counts the digests (decide/agree.h): 0 or 1.
 */
#ifndef HOKM_REPL_WIRE_H
#define HOKM_REPL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decide/agree.h"
#include "hokm/abi.h"

#define REPL_MAGIC      0x484b4d52 /* "HKMR" */
#define REPL_VERSION    3
#define REPL_HEAD_LEN   48
#define REPL_TAG_LEN    8
#define REPL_RECORD_LEN 40
#define REPL_RECORDS    ((HOKM_REPL_MAX - REPL_HEAD_LEN - REPL_TAG_LEN) / REPL_RECORD_LEN) /* 29 */

enum repl_kind { REPL_CONTROL = 1, REPL_DATA = 2 };

/*
 * Meaning of a record. BEGIN and END enclose a full list of the connections that the sender holds;
 * changes may stand between them. HAVE adds or renews a connection, GONE removes it. ENDED names a
 * connection of the receiver: the sender took the receiver for dead and has notified the client.
 */
enum repl_what { REPL_BEGIN = 1, REPL_HAVE = 2, REPL_GONE = 3, REPL_END = 4, REPL_ENDED = 5 };

struct repl_record {
	struct hokm_addr client;
	__be16 client_port;
	uint8_t what; /* enum repl_what; the rest is 0 in BEGIN and END */
	/* HAVE: 1: the sender saw the handshake, so isn and age_ms are those of the connection.
	 * 0: they may be those of a packet that came later. Older versions send 0. */
	uint8_t began;
	uint32_t tag; /* of the service */
	uint32_t isn; /* as in struct hokm_replica */
	uint32_t seq_next;
	uint32_t ack_next;
	/* HAVE: since the connection was established; ENDED: since the client was notified. Does
	 * not wrap around. */
	uint32_t age_ms;
};

/* For a record: since then_ns, at most UINT32_MAX. */
static inline uint32_t repl_age_ms(uint64_t then_ns, uint64_t now_ns)
{
	uint64_t ms = now_ns > then_ns ? (now_ns - then_ns) / 1000000 : 0;

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

struct repl_msg {
	enum repl_kind kind;
	uint64_t session, echo;           /* of the sender's daemon, of the receiver's */
	uint64_t stamp_ns, echo_stamp_ns; /* CONTROL: their clocks */
	uint32_t stream, number;
	unsigned int n; /* records */
	bool has_agree; /* CONTROL: with the sender's digest */
	struct agree agree;
	struct repl_record records[REPL_RECORDS];
};

/* What is wrong with a message; each fault has a counter, a name and a text. */
#define REPL_FAULTS(X, p)                                                       \
	X(p, NONE, "none", "accepted")                                          \
	X(p, SHORT, "short", "the length does not match the number of records") \
	X(p, VERSION, "version", "another version, kind or VRID")               \
	X(p, TAG, "tag", "wrong signature: forged, damaged, or another secret") \
	X(p, RECORD, "record", "a record or digest is invalid")                 \
	X(p, SESSION, "session", "from or for another session of a daemon")     \
	X(p, REPLAY, "replay", "a message that was accepted before")            \
	X(p, ORDER, "order", "an earlier message is missing; it will be repeated")
#define REPL_FAULT_ENUM(p, id, name, text) p##_##id,
enum repl_fault { REPL_FAULTS(REPL_FAULT_ENUM, REPL_BAD) REPL_FAULT_COUNT };
/* "?" for a value that is out of range. */
const char *repl_fault_name(enum repl_fault f);
const char *repl_fault_text(enum repl_fault f);

/* Writes and signs a message. buf has HOKM_REPL_MAX bytes. Returns the length of the message. */
size_t repl_wire_build(const struct repl_msg *m, uint8_t vrid, const __u64 key[2], void *buf);
/*
 * Reads a message. Checks its length, version, signature and records, but neither sessions nor
 * order. *out is valid only when REPL_BAD_NONE is returned.
 */
enum repl_fault repl_wire_parse(const void *buf, size_t len, uint8_t vrid, const __u64 key[2],
				struct repl_msg *out);

#endif
