/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `hokm-xdp setup` makes of the words of its command line. All of this is pure.
 *
 *   setup_place()  the addresses of this machine and the wish -> who is who
 *   setup_code_*() a plan -> the code for the other machines, and back
 *   setup_conf()   a plan -> a configuration
 *   setup_stamp()  a text -> the same with a mark, by which edits are noticed
 *   setup_rules()  a configuration -> a table of nftables
 *   setup_diff()   what differs between two texts, without secrets
 *
 * The code is the word HOKM1 and 55 bytes in base32 (RFC 4648, letters of any case; blanks and
 * hyphens in it do not count):
 *
 *    0       1               5               9               13   15               19
 *   +-------+---------------+---------------+---------------+----+----------------+
 *   | flags |  VIP          |  primary      |  backup       |port|  third, or 0   |
 *   +-------+---------------+---------------+---------------+----+----------------+
 *   |  secret, 32 bytes                             51 | checksum, 4 bytes
 *   +--------------------------------------------------+------------------
 *
 * The third address is that of the gateway, with its flag, or that of a witness. Addresses
 * and numbers are in network order. The checksum covers HOKM1 and what is before it. It finds
 * errors of copying and proves nothing: the code is as secret as the secret.
 */
#ifndef HOKM_SETUP_PLAN_H
#define HOKM_SETUP_PLAN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "conf/genkey.h"

#define SETUP_CODE_MAX  96  /* bytes of a code, with the terminating zero */
#define SETUP_WORDS_MAX 320 /* bytes of the words about an error */
#define SETUP_VIP       "192.168.1.25"
#define SETUP_PORT      8765

enum { SETUP_PRIMARY, SETUP_BACKUP, SETUP_NODES };

/*
 * The group. It is the same on all machines. An address 0.0.0.0: there is no witness, or no gateway
 * that decides. There is one of them at most.
 */
struct setup_plan {
	bool fast;
	struct in_addr vip, nodes[SETUP_NODES], witness, gateway;
	uint16_t port;                /* host order */
	char secret[GENKEY_TEXT_MAX]; /* 64 hexadecimal digits */
};

/* An address of this machine. */
struct setup_addr {
	struct in_addr addr;
	unsigned int prefix;
	char interface[IF_NAMESIZE];
};

/* What the command line says. 0.0.0.0 and 0: not given. */
struct setup_wish {
	struct in_addr self, peer, vip, witness, gateway;
	unsigned int prefix; /* of the VIP */
	uint16_t port;
	bool fast, backup;
	bool no_gateway; /* none is to decide, whatever the routes are */
};

/*
 * Finds this machine's own address, which shares a subnet with VIP and peer, and fills the plan but
 * for its secret. Returns 0, or -EINVAL and what is wrong in `words`.
 */
int setup_place(const struct setup_wish *w, const struct setup_addr *list, unsigned int n,
		struct setup_plan *out, char words[SETUP_WORDS_MAX]);

/*
 * The gateway of the default route over the interface of this node. It decides if it is in the
 * node's subnet, and the wish names neither a witness nor a gateway and does not exclude it.
 */
void setup_take_gateway(const struct setup_wish *w, const struct setup_addr *self,
			struct in_addr gateway, struct setup_plan *out);

/* Returns 0, or -EINVAL when the secret is none of `genkey`. */
int setup_code_make(const struct setup_plan *p, char code[SETUP_CODE_MAX]);

/* Returns 0; -EBADMSG: this is no whole code; -EPROTO: it is of another version. */
int setup_code_read(const char *code, struct setup_plan *out);

/*
 * Writes a configuration. `agent_user` is the user that runs the checks, NULL for the default.
 * Returns 0 or -errno of the stream.
 */
int setup_conf(const struct setup_plan *p, const char *agent_user, FILE *to);

enum setup_file { SETUP_FILE_CONF, SETUP_FILE_RULES, SETUP_FILE_DROPIN };

/* Writes a text behind two lines that say who wrote it, with its checksum. 0 or -errno. */
int setup_stamp(enum setup_file kind, const char *text, FILE *to);

/* This file is one of setup_stamp(), and nobody has edited it since. */
bool setup_unedited(const char *file);

/*
 * Writes a table of nftables for a machine that is this node or this witness: pulses and
 * replication are accepted from the other members only. It has a stamp. Returns 0 or -errno.
 */
int setup_rules(const struct conf *c, struct in_addr self, FILE *to);

/* This file was written by setup_rules(), and perhaps edited since. */
bool setup_ruled(const char *file);

enum setup_firewall { SETUP_NFT, SETUP_UFW, SETUP_FIREWALLD };

/*
 * Writes the commands that let in the same packets, as lines of a shell with this indent. `chain`
 * is that of nftables: "inet filter input".
 */
int setup_firewall_commands(enum setup_firewall kind, const char *chain, const struct conf *c,
			    struct in_addr self, const char *indent, FILE *to);

/*
 * Writes the lines that differ, '-' before those of `from` and '+' before those of `to`. Values of
 * secrets, passwords, headers and endpoints are replaced, in comments too. Returns how many lines
 * differ.
 */
unsigned int setup_diff(const char *from, const char *to, FILE *out);

#endif
