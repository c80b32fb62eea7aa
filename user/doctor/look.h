/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at this node: its configuration, what its daemon says, and the machine. The daemon is
 * asked for status and counters twice with a pause, because what is counted since its start is
 * wrong only while it grows.
 */
#ifndef HOKM_DOCTOR_LOOK_H
#define HOKM_DOCTOR_LOOK_H

#include "doctor/facts.h"

#define LOOK_CONFIG "/etc/hokm-xdp/hokm-xdp.conf"

struct look {
	const char *config; /* LOOK_CONFIG unless one was given */
	bool config_given;
	json_t *options; /* of ctl, to find the socket: socket, node, config */
	/* Filled by look_at_node(). */
	struct conf *conf; /* NULL: it cannot be used */
	char socket[CONF_PATH_MAX];
	struct facts facts;
	struct facts_said said; /* what the daemon said last */
};

/* 0 or -ENOMEM. In both cases the caller calls look_close(). */
int look_open(struct look *k);
void look_close(struct look *k);
/* The options -c, -s and -n of a command. 0 or -ENOMEM. */
int look_take_option(struct look *k, int option, const char *value);

/*
 * Fills the facts, those of checks excepted. A daemon that does not answer and a configuration that
 * is wrong are facts too. `command` stands in the message when it is not possible. 0 or -errno.
 */
int look_at_node(struct look *k, const char *command);

/* One question. 0 and a new reference in *data; -EACCES, -EBADMSG when refused; or -errno. */
int look_ask(const char *path, const char *verb, json_t **data);

#endif
