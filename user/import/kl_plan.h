/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a configuration of keepalived asks for, in the terms of hokm-xdp.
 *
 *   kl_read()       the file as a tree of lines
 *   kl_understand() the tree -> struct kl_plan, and a verdict for each line (kl_rules.c, one table
 *                   row a keyword)
 *   kl_write()      the plan -> a configuration
 */
#ifndef HOKM_KL_PLAN_H
#define HOKM_KL_PLAN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "import/kl_file.h"

#define KL_SCRIPTS_MAX  32
#define KL_CHECKS_MAX   8
#define KL_PEERS_MAX    8
#define KL_TEXT_MAX     256
#define KL_PASSWORD_MAX 8 /* what keepalived takes of auth_pass, and what fits into an advert */

/* vrrp_script. */
struct kl_script {
	const char *name;
	struct kl_line *line;    /* that begins its block */
	struct kl_line *command; /* the line with its command; NULL: none */
	uint64_t interval_ns, timeout_ns;
	unsigned int rise, fall;
};

/* A check of the new configuration. */
struct kl_check {
	enum { KL_TCP, KL_EXEC } kind;
	char command[KL_TEXT_MAX]; /* KL_EXEC: a value of the key command, with its quotes */
	char address[INET_ADDRSTRLEN];
	unsigned int port;              /* KL_TCP: 0 for the service's */
	const struct kl_script *script; /* NULL: none was given */
};

/* What only the operator knows; zero for what the file says or can be assumed. */
struct kl_options {
	const char *instance; /* NULL: the only one of the file */
	struct in_addr self, peer;
	unsigned int peer_priority;
	unsigned int port;
	const char *secret;
};

enum kl_hook { KL_MASTER, KL_BACKUP, KL_FAULT, KL_STOP, KL_NOTIFY, KL_HOOKS };

struct kl_plan {
	struct kl_options opt;
	char instance[CONF_NAME_MAX], interface[16];
	bool master; /* state MASTER */
	struct kl_line *nopreempt;
	struct in_addr self, peers[KL_PEERS_MAX], vips[HOKM_MAX_VIPS];
	unsigned int n_peers, n_vips;
	bool unicast;
	unsigned int vrid, priority, version;
	uint64_t advert_ns, preempt_delay_ns, garp_refresh_ns, garp_delay_ns;
	bool garp_delay; /* it was given: 0 has a meaning */
	unsigned int garp_count;
	bool authenticated;
	char password[KL_PASSWORD_MAX + 1];
	struct kl_script scripts[KL_SCRIPTS_MAX];
	unsigned int n_scripts;
	struct kl_check checks[KL_CHECKS_MAX];
	unsigned int n_checks;
	char hooks[KL_HOOKS][KL_TEXT_MAX]; /* values of keys, with their quotes; "" for none */
	char user[CONF_NAME_MAX];
	char mail_server[KL_TEXT_MAX], mail_from[KL_TEXT_MAX], mail_to[KL_TEXT_MAX];
	bool mail_wanted; /* smtp_alert */
};

/*
 * Fills *p, and gives each line of the tree its verdict. Returns 0, or -EINVAL when a line is
 * refused or something is missing that only the operator knows, which is written to `errors`.
 */
int kl_understand(const struct kl_tree *t, const struct kl_options *opt, FILE *errors,
		  struct kl_plan *p);

/* ---- kl_rules.c uses these of kl_script.c ---- */

/*
 * Turns the words of a line after its keyword into the value of a key that takes a command, with
 * its quotes: a path with arguments, or a list with a shell for what only a shell understands.
 * Returns 0, or -E2BIG when it does not fit.
 */
int kl_command(const struct kl_line *l, char *dst, size_t size);

/* The check that stands for a script. Gives the lines of the script their verdicts. */
int kl_check_of(const struct kl_script *s, struct kl_check *out);

/* Writes the configuration. Returns 0 or -errno of the stream. */
int kl_write(const struct kl_plan *p, const char *source, FILE *to);

#endif
