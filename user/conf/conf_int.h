/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a file is loaded; only for user/conf.
 *
 *   conf_load.c    all steps in their order
 *   conf_scan.c    the bytes: comments are blanked, what cannot be text is refused
 *   conf_parse.c   libconfuse: sections and keys; each value is kept as text with its line
 *   schema_read.c  the texts become values, by the rows of the schema
 *   rules_*.c      conditions between keys, and what a single row cannot express
 *   conf_self.c    which of the nodes this machine is
 *   conf_error.c   the errors of a file
 *
 * libconfuse stops at its first error, so it only checks syntax. Every value is checked afterwards,
 * and all errors of a file are reported together, in the order of the lines.
 */
#ifndef HOKM_CONF_INT_H
#define HOKM_CONF_INT_H

#include <confuse.h>
#include <sys/stat.h>

#include "conf/conf.h"

#define CONF_FILE_MAX   (1u << 20)
#define CONF_ERRORS_MAX 32
#define CONF_DEPTH_MAX  8

/* The longest `after` of a signal. Map waits must remember a request for longer than this. */
#define PASSIVE_AFTER_MAX (30 * NS_PER_S)

struct conf_key;
struct conf_section;

struct conf_error {
	int line; /* 0: of the file as a whole */
	unsigned int seq;
	char text[384];
};

struct conf_errors {
	/* How many of them say only that this machine lacks an address or an interface now. */
	unsigned int n_missing;
	/* How many say that something else than the text of the file is wrong, and may pass. */
	unsigned int n_late;
	bool whole;     /* the file was parsed to its end: what is missing is really missing */
	unsigned int n; /* may be above CONF_ERRORS_MAX: those are only counted */
	struct conf_error list[CONF_ERRORS_MAX];
};

/* A value as it stands in the file. Wiped when freed: it may be the secret. */
struct conf_text {
	int line;
	bool again; /* the key was given before in the same section */
	bool good;  /* it was read into its field */
	size_t size;
	char s[];
};

/* A section that is being read. */
struct conf_sec {
	struct conf_errors *errors;
	const struct conf_section *schema;
	cfg_t *cfg;                /* NULL: the file does not have the section */
	const struct conf_sec *up; /* the section around it */
	const struct stat *st;     /* of the file; only in the section of the whole file */
	void *item;                /* the struct that its fields are in */
	unsigned int title;        /* index of its title, where the schema lists the titles */
	char name[2 * CONF_NAME_MAX + 32]; /* what stands before a key in an error: "vrrp." */
};

/* conf_error.c */
void conf_error_at(struct conf_errors *e, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* `name.key = "value": …` at the line of the value; a key that is not given has no value. */
void conf_complain(const struct conf_sec *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_errors_print(struct conf_errors *e, const char *file, FILE *to);

/* conf_scan.c: true when fit for the parser; buf ends with a zero byte. */
bool conf_scan(char *buf, size_t len, struct conf_errors *e);

/*
 * conf_parse.c: what could be parsed, also after an error (then e->whole is false); NULL when there
 * is no memory. Caller: cfg_free().
 */
cfg_t *conf_parse(char *buf, size_t len, struct conf_errors *e);
/* The i-th section of this kind in `up`; false behind the last one. */
bool conf_nth_section(const struct conf_sec *up, const struct conf_section *schema, unsigned int i,
		      struct conf_sec *out);
/* The value of a key, whether or not it is right; NULL when it is not given. */
struct conf_text *conf_text_of(const struct conf_sec *s, const char *key);

/* schema_read.c */
/* Sets every field to the default of the profile. */
void conf_default(struct conf *c, enum conf_profile profile);
/* Defaults, then the file's values, then the rules, section by section. */
void conf_read(const struct conf_sec *root, struct conf *c);
/* The value; NULL when the key is not given, or given twice, which is reported elsewhere. */
struct conf_text *conf_value(const struct conf_sec *s, const char *key);
bool conf_given(const struct conf_sec *s, const char *key);
/* Given, and the value is right on its own. */
bool conf_good(const struct conf_sec *s, const char *key);
/* For keys with KEY_BY_RULE: the value into its field, if it is given. True when it is good. */
bool conf_read_key(const struct conf_sec *s, const struct conf_key *k, void *item);

/* The rules of the sections; see struct conf_section. */
void rule_file(const struct conf_sec *s, struct conf *c);
void rule_node(const struct conf_sec *s, struct conf *c);
void rule_witness(const struct conf_sec *s, struct conf *c);
void rule_service(const struct conf_sec *s, struct conf *c);
void rule_check(const struct conf_sec *s, struct conf *c);
void rule_vrrp(const struct conf_sec *s, struct conf *c);
void rule_pulse(const struct conf_sec *s, struct conf *c);
void rule_replication(const struct conf_sec *s, struct conf *c);
void rule_passive(const struct conf_sec *s, struct conf *c);
void rule_signal(const struct conf_sec *s, struct conf *c);
void rule_dns(const struct conf_sec *s, struct conf *c);
void rule_hooks(const struct conf_sec *s, struct conf *c);
void rule_recover(const struct conf_sec *s, struct conf *c);

/* rules_path.c: the list `path` of a node, which is the last one of c. */
void rule_paths(const struct conf_sec *s, const struct conf *c, struct conf_node *node);

/* rules_witness.c: the conditions between arbiter, grant, the members and the pulses. */
void conf_check_etcd(const struct conf_sec *root, struct conf *c);
void rule_grants(const struct conf_sec *root, struct conf *c);

/*
 * conf_command.c: a command whose first value was read into its field, of CONF_PATH_MAX bytes at
 * most. The other values of a list are appended. What words_split() refuses is an error.
 */
void conf_check_command(const struct conf_sec *s, const char *key, char *command, size_t size);

/* conf_secret.c: the secrets, from the file or from the file that it names. */
void conf_read_secrets(const struct conf_sec *root, struct conf *c);

/* conf_self.c: sets self and interface, and replaces %n by the node's name. */
void conf_find_self(const struct conf_sec *root, struct conf *c);

/*
 * How many bytes at the beginning of a file are a byte order mark of UTF-8, which editors of
 * Windows write and nobody sees.
 */
size_t conf_byte_order_mark(const char *text, size_t len);

/*
 * What is wrong with a file that holds a secret, or NULL: others may use it, or its owner is
 * neither root nor the user of this process. buf keeps the words.
 */
const char *conf_secret_mode(const struct stat *st, const char *path, char *buf, size_t size);

/* node_keys.c: HKDF-SHA256 of a secret with a label. 0 or -errno. */
int conf_derive(const struct conf_secret *s, const char *label, void *out, size_t len);
/* The key of replication messages of a secret, from which each direction gets its own. */
int conf_repl_key(const struct conf_secret *s, __u64 key[2]);
/* Eight characters for the PASS authentication of VRRP, by scrypt: takes some 50 ms. */
int conf_derive_password(const struct conf_secret *s, char out[9]);

#endif
