/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states that BPF and user space share, each with its machine name and its text: the VRRP
 * instance, a service, a connection's TCP, its WebSocket, and the frame tracking of a direction.
 */
#ifndef HOKM_ABI_STATES_H
#define HOKM_ABI_STATES_H

#include "hokm/abi_base.h"

/* VRRP state of the instance (RFC 9568 section 6.4; FAULT as in keepalived). */
#define HOKM_VRRP_STATES(X, p)                                               \
	X(p, INIT, "init", "VRRP has not started")                           \
	X(p, BACKUP, "backup", "the node watches the owner")                 \
	X(p, MASTER, "master", "the node is owner while its lease is valid") \
	X(p, FAULT, "fault", "the node cannot become owner")
enum hokm_vrrp_state { HOKM_VRRP_STATES(HOKM_ENUM, HOKM_VRRP) HOKM_VRRP_STATE_COUNT };

/* State of a service on a node. */
#define HOKM_SVC_STATES(X, p)                                                             \
	X(p, INIT, "init", "no check of the service has finished")                        \
	X(p, UP, "up", "the service accepts connections")                                 \
	X(p, DOWN, "down", "the service failed its checks")                               \
	X(p, DRAIN, "drain", "the service keeps its connections and accepts no new ones") \
	X(p, MAINT, "maint", "the operator put the service into maintenance")
enum hokm_svc_state { HOKM_SVC_STATES(HOKM_ENUM, HOKM_SVC) HOKM_SVC_STATE_COUNT };

/* TCP state of a tracked connection, as the packets between client and server show it. */
#define HOKM_TCP_STATES(X, p)                                                \
	X(p, NONE, "none", "no packet of the connection was seen")           \
	X(p, SYN, "syn", "the client sent a SYN")                            \
	X(p, SYN_ACK, "syn-ack", "the server answered the SYN with SYN-ACK") \
	X(p, ESTABLISHED, "established", "the handshake is complete")        \
	X(p, FIN_CLIENT, "fin-client", "the client sent a FIN")              \
	X(p, FIN_SERVER, "fin-server", "the server sent a FIN")              \
	X(p, CLOSED, "closed", "client and server sent a FIN")               \
	X(p, RESET, "reset", "a RST terminated the connection")
enum hokm_tcp_state { HOKM_TCP_STATES(HOKM_ENUM, HOKM_TCP) HOKM_TCP_STATE_COUNT };

/* What is known of the WebSocket of a connection. */
#define HOKM_WS_PHASES(X, p)                                                             \
	X(p, NONE, "none", "no upgrade request was seen")                                \
	X(p, ASKED, "asked", "the upgrade request has no answer yet")                    \
	X(p, OPEN, "open", "the server answered with 101; frames are tracked")           \
	X(p, REFUSED, "refused", "the server answered the upgrade with another status")  \
	X(p, CLOSING, "closing", "a close frame was seen")                               \
	X(p, TLS, "tls", "the connection is encrypted; TCP and TLS records are tracked") \
	X(p, PLAIN, "plain", "the connection is no WebSocket")
enum hokm_ws_phase { HOKM_WS_PHASES(HOKM_ENUM, HOKM_WS) HOKM_WS_PHASE_COUNT };

/* How the byte stream of one direction is tracked (hokm/ws.h). */
#define HOKM_FOLLOW_STATES(X, p)                                                       \
	X(p, HEAD, "head", "the HTTP head is read")                                    \
	X(p, FRAMES, "frames", "WebSocket frames are read")                            \
	X(p, RECORDS, "records", "TLS records are read")                               \
	X(p, PLAIN, "plain", "the stream is not read")                                 \
	X(p, LOST, "lost", "frame tracking lost synchronization; only TCP is tracked") \
	X(p, TRIAL, "trial", "one segment held whole frames; the next one must too")   \
	X(p, DONE, "done", "the close frame was read")
enum hokm_follow_state { HOKM_FOLLOW_STATES(HOKM_ENUM, HOKM_FOLLOW) HOKM_FOLLOW_STATE_COUNT };

/* Why frame tracking of a direction lost synchronization. */
#define HOKM_WS_FAULTS(X, p)                                                                   \
	X(p, NONE, "none", "no fault")                                                         \
	X(p, GAP, "gap", "a frame header was not seen")                                        \
	X(p, RSV, "rsv", "a frame had reserved bits set")                                      \
	X(p, OPCODE, "opcode", "a frame had a reserved opcode")                                \
	X(p, MASK, "mask", "a server masked a frame, or a client did not")                     \
	X(p, CONTROL, "control", "a control frame was fragmented or over 125 bytes")           \
	X(p, LENGTH, "length", "a length was not in its shortest form, or over 2^63")          \
	X(p, ORDER, "order", "a continuation had no message, or a message was inside another") \
	X(p, RECORD, "record", "the bytes were no TLS record")                                 \
	X(p, READ, "read", "the bytes of the packet could not be read")
enum hokm_ws_fault { HOKM_WS_FAULTS(HOKM_ENUM, HOKM_FAULT) HOKM_WS_FAULT_COUNT };

#endif
