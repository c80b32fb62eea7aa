/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages between daemon and agent. They go over a SOCK_SEQPACKET pair: the daemon sends one
 * struct agent_commands and then any number of struct agent_request, the agent sends a struct
 * agent_reply, each as one packet.
 */
#ifndef HOKM_AGENT_MESSAGES_H
#define HOKM_AGENT_MESSAGES_H

#include <stdint.h>

#include "conf/conf.h"
#include "hokm/names.h"

/* The descriptor of the socket to the daemon, in the agent. */
#define AGENT_FD 3

/* Checks of a node: ids are less than this. */
#define AGENT_CHECKS_MAX (HOKM_MAX_SERVICES * CONF_CHECKS_MAX)

/*
 * The commands of exec checks, by the id of the check; "" for other checks. They are the first
 * message, before the agent has read a byte of the network, and there is no second one: with other
 * commands the daemon starts another agent.
 */
struct agent_commands {
	char command[AGENT_CHECKS_MAX][CONF_PATH_MAX];
};

struct agent_request {
	uint32_t id;  /* of the check, chosen by the caller; less than AGENT_CHECKS_MAX */
	uint32_t seq; /* of the run of this check, returned in the reply */
	struct conf_check check; /* has no secret */
	char host[64];           /* Host header: VIP:port */
};

/*
 * The request for a check of a service: of the daemon when it is due, and of `hokm-xdp probe`.
 * `check` is its place in the service. seq stays 0.
 */
void agent_request_fill(struct agent_request *out, unsigned int id, const struct conf_service *svc,
			unsigned int check, struct in_addr vip);

/* "websocket", "http" ... */
const char *check_kind_name(enum conf_check_kind kind);

/* The steps of a check, in the order in which they are made. A kind makes some of them. */
enum check_step {
	CHECK_STEP_CONNECT, /* TCP */
	CHECK_STEP_TLS,
	CHECK_STEP_ANSWER, /* the answer to the request: its 101, or its first byte */
	CHECK_STEP_END,    /* the pong to the ping, or the rest of the answer */
	CHECK_STEP_CLOSE,  /* the answer to the close */
	CHECK_STEPS,
};

struct agent_reply {
	uint32_t id;
	uint32_t seq;
	uint32_t reason; /* enum hokm_reason, CHECK_* */
	uint32_t attempts;
	uint64_t took_ns;
	uint64_t step_ns[CHECK_STEPS]; /* how long each took in the last attempt; 0: not made */
	char detail[128];              /* what was tried and what happened; printable ASCII */
};

#endif
