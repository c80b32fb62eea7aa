/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the configuration is loaded; for user/conf/conf*.c only.
 *
 *   conf_scan.c     the file's bytes: comments blanked, what cannot be text refused
 *   conf_grammar.c  libconfuse: sections and keys, each value kept as text with its line
 *   conf_read.c     a key's text as a number, a duration, an address, with the error that helps
 *   conf_default.c  what a profile says
 *   conf_nodes.c, conf_service.c, conf_timing.c, conf_passive.c  the sections
 *   conf_self.c     which of the nodes this machine is
 *   conf.c          all of it in order
 *
 * libconfuse stops at its first error, so it only sees syntax; every value is checked after it, and
 * all errors of a file come out in one go, in the order of the lines.
 */
#ifndef HOKM_CONF_INT_H
#define HOKM_CONF_INT_H

#include <confuse.h>

#include "conf/conf.h"

#define CONF_FILE_MAX   (1u << 20)
#define CONF_ERRORS_MAX 32
#define CONF_SECRET_MIN 16
#define CONF_DEPTH_MAX  8

struct conf_error {
	int line; /* 0: of the file as a whole */
	unsigned int seq;
	char text[384];
};

struct conf_errors {
	bool whole;     /* the file was parsed to its end: what is missing is really missing */
	unsigned int n; /* may be above CONF_ERRORS_MAX: those are only counted */
	struct conf_error list[CONF_ERRORS_MAX];
};

/* A value as it stands in the file. Wiped when freed: it may be the secret. */
struct conf_text {
	int line;
	bool again; /* the key was given before in the same section */
	size_t size;
	char s[];
};

/* A section being read; name is what stands before its keys in an error, such as "vrrp.". */
struct conf_sec {
	struct conf_errors *errors;
	cfg_t *cfg;
	char name[2 * CONF_NAME_MAX + 32];
};

/* conf_read.c: errors */
void conf_error_at(struct conf_errors *e, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* `name.key = "value": …` at the value's line; a value that is not given is left out. */
void conf_complain(const struct conf_sec *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void conf_errors_print(struct conf_errors *e, const char *file, FILE *to);

/* conf_read.c: values. Each returns true when the key is given and good, and only then writes. */
const struct conf_text *conf_value(const struct conf_sec *s, const char *key);
bool conf_given(const struct conf_sec *s, const char *key);
bool conf_read_text(const struct conf_sec *s, const char *key, char *dst, size_t size);
bool conf_read_name(const struct conf_sec *s, const char *key, char *dst, size_t size);
bool conf_read_path(const struct conf_sec *s, const char *key, char *dst, size_t size);
bool conf_read_number(const struct conf_sec *s, const char *key, unsigned int min, unsigned int max,
		      unsigned int *out);
bool conf_read_port(const struct conf_sec *s, const char *key, uint16_t *out);
bool conf_read_bool(const struct conf_sec *s, const char *key, bool *out);
bool conf_read_duration(const struct conf_sec *s, const char *key, uint64_t min_ns, uint64_t max_ns,
			uint64_t *out);
/* words ends with NULL; the index of the word. */
bool conf_read_word(const struct conf_sec *s, const char *key, const char *const *words,
		    unsigned int *out);
bool conf_read_ipv4(const struct conf_sec *s, const char *key, struct in_addr *out);
/* Text as an address that a host may have; "" or what is wrong with it. */
const char *conf_ipv4_problem(const char *text, struct in_addr *out);

/* The section `key` of the root, if it is there; false and errors when more than one. */
bool conf_one_section(const struct conf_sec *root, const char *key, struct conf_sec *out);
/* The i-th section `key` with its title; false behind the last one. */
bool conf_nth_section(const struct conf_sec *s, const char *key, unsigned int i,
		      struct conf_sec *out);

/* conf_scan.c: true when fit for the parser; buf ends with a zero byte. */
bool conf_scan(char *buf, size_t len, struct conf_errors *e);

/*
 * conf_grammar.c: what could be parsed, also after an error (then e->whole is false); NULL when
 * there is no memory. Caller: cfg_free().
 */
cfg_t *conf_grammar_parse(char *buf, size_t len, struct conf_errors *e);

/* conf_default.c */
void conf_default(struct conf *c, enum conf_profile profile);
void conf_default_observe(struct observe_conf *o, enum conf_profile profile);
void conf_default_check(struct conf_check *k, enum conf_check_kind kind, enum conf_profile profile);

/* The sections, in the order in which they need each other. */
void conf_read_general(const struct conf_sec *root, struct conf *c);
void conf_read_secret(const struct conf_sec *root, struct conf *c);
void conf_read_vips(const struct conf_sec *root, struct conf *c);
void conf_read_nodes(const struct conf_sec *root, struct conf *c);
void conf_read_services(const struct conf_sec *root, struct conf *c);
void conf_read_vrrp(const struct conf_sec *root, struct conf *c);
void conf_read_pulse(const struct conf_sec *root, struct conf *c);
void conf_read_replication(const struct conf_sec *root, struct conf *c);
void conf_read_passive(const struct conf_sec *root, struct conf *c);
void conf_read_hooks(const struct conf_sec *root, struct conf *c);

extern const char *const conf_profile_words[];
extern const char *const conf_check_words[];
extern const char *const conf_marked_down_words[];

/* conf_self.c: fills self and interface, puts the node's name in for %n. */
void conf_find_self(const struct conf_sec *root, struct conf *c);

/* keys.c: HKDF-SHA256 of the secret with a label. 0 or -errno. */
int conf_derive(const struct conf *c, const char *label, void *out, size_t len);
/* Eight characters for VRRP's PASS. */
int conf_derive_password(const struct conf *c, char out[9]);

#endif
