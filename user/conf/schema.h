/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The schema of the configuration: one row a key, one row a section (schema.c).
 *
 * Everything that the program knows about a key stands in its row. From the rows come
 *
 *   conf_parse.c    the grammar of the file, for libconfuse
 *   schema_type.c   the value of one key: text to field, and what is right when the text is wrong
 *   schema_read.c   a whole file: defaults, values, errors, and what a reload may change
 *   schema_docs.c   the commented sample, hokm-xdp.conf(5) and docs/configuration.md
 *   check_config.c  the listing of `hokm-xdp check-config`
 *
 * A new key is one row in schema.c and the code that uses its field. A condition between several
 * keys is written by hand, as the `rule` of a section (rules_*.c).
 */
#ifndef HOKM_SCHEMA_H
#define HOKM_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

struct conf_sec;

enum conf_kind {
	CONF_BOOL,
	CONF_NUMBER,
	CONF_DURATION, /* the field has nanoseconds */
	CONF_WORD,     /* one of a list; the field has the number of the word */
	CONF_NAME,     /* letters, digits, '-' and '_' */
	CONF_TEXT,
	CONF_PATH, /* absolute */
	CONF_IPV4, /* the address of a host */
};

/* A word of the file and its value in the field. A list ends with word NULL. */
struct conf_word {
	const char *word;
	unsigned int value;
};

struct conf_type {
	enum conf_kind kind;
	uint64_t least, greatest; /* CONF_NUMBER, CONF_DURATION, CONF_TEXT: characters */
	const struct conf_word *words;
};

/* Where the value is in the section's struct. */
struct conf_place {
	size_t offset, size;
};

/* As it would stand in the file; read by the same code. */
struct conf_preset {
	const char *standard; /* NULL: there is no default */
	const char *fast;     /* NULL: as standard */
};

enum {
	KEY_RELOAD = 0,        /* a reload changes it */
	KEY_RESTART = 1 << 0,  /* only a restart changes it: a reload that would is refused */
	KEY_SECRET = 1 << 1,   /* never shown, neither in an error nor in a listing */
	KEY_REQUIRED = 1 << 2, /* the section must have it */
	KEY_EMPTY = 1 << 3,    /* "" is accepted and means none */
	KEY_LIST = 1 << 4,     /* several values: key = {"a", "b"} */
	KEY_BY_RULE = 1 << 5,  /* the section's rule reads the value and sets the default */
	KEY_LOOPBACK = 1 << 6, /* CONF_IPV4: an address of the node alone is accepted, 127.0.0.0/8
				*/
};

struct conf_key {
	const char *path; /* sections and key, such as "vrrp.advert" */
	struct conf_type type;
	struct conf_place place;
	unsigned int flags;
	struct conf_preset preset; /* the default, unless by_title is set */
	const char *meaning;
	/* Only for sections of these titles, bits by the index in conf_section.titles; 0: all. */
	unsigned int titles;
	const struct conf_preset *by_title; /* defaults by the index of the title */
	const char *unset;                  /* what holds without a default, for documents */
	const char *example;                /* for the sample, where there is no default */
};

/*
 * A section stands once and has its keys' fields in the struct of the section around it, or it has
 * titles and each of them is an item of an array there.
 */
struct conf_section {
	const char *name; /* "" for the file itself; NULL ends a list */
	const char *path;
	const char *meaning;
	const struct conf_key *keys;         /* ends with path NULL */
	const struct conf_section *sections; /* those inside, or NULL */
	/* Called after the keys of an item are read, also when the file lacks the section. */
	void (*rule)(const struct conf_sec *s, struct conf *c);

	const char *title_key;      /* what check-config calls the title; NULL: no title */
	struct conf_place title;    /* the title's text, or its index in `titles` */
	const char *const *titles;  /* the only ones possible, ends with NULL; NULL: any name */
	const char *titles_are;     /* what they are, in an error: "the signals" */
	const char *const *without; /* titles of the items when the file has none */
	struct conf_place items;    /* the array: its offset, and the size of one item */
	size_t count;               /* offset of the number of items; 0: one item a title */
	unsigned int least, most;
	const char *too_few;              /* the error when there are fewer than `least` */
	const char *const *example_lines; /* for the sample: they stand there uncommented */
};

/* The file itself; its fields are those of struct conf. */
extern const struct conf_section conf_schema;

/* "advert" of "vrrp.advert" */
const char *conf_key_name(const struct conf_key *k);
/* The row of a key by its path; every path used in the code exists. */
const struct conf_key *conf_key_find(const char *path);
/* Does a section with this title have the key? */
bool conf_key_applies(const struct conf_key *k, unsigned int title);
/* The default as text; NULL when there is none. */
const char *conf_key_default(const struct conf_key *k, enum conf_profile p, unsigned int title);
/* The index of a title among those that are possible; false when it is none of them. */
bool conf_title_find(const struct conf_section *sec, const char *title, unsigned int *index);
/* Titles by their bits, as "websocket, http and tcp". Returns dst. */
const char *conf_title_words(const struct conf_section *sec, unsigned int bits, char *dst,
			     size_t size);

/* schema_type.c */
#define CONF_PROBLEM_MAX 256

/* Text into the key's field of item. False with the words for what would be right. */
bool conf_key_parse(const struct conf_key *k, const char *text, void *item,
		    char problem[CONF_PROBLEM_MAX]);
/* What a value may be, as the documents say it: "duration from 10ms to 255s". Returns dst. */
const char *conf_key_values(const struct conf_key *k, char *dst, size_t size);
/* The value of a number, duration, word or bool in its field. */
uint64_t conf_key_get(const struct conf_key *k, const void *item);
/* The word for the value of a CONF_WORD; "?" when there is none. */
const char *conf_key_word(const struct conf_key *k, const void *item);
/* The field of a key in its item. */
void *conf_key_field(const struct conf_key *k, void *item);
const void *conf_key_field_const(const struct conf_key *k, const void *item);

/* schema_docs.c: the whole document. 0 or -errno. */
int conf_docs_sample(FILE *f);
int conf_docs_man(FILE *f);
int conf_docs_markdown(FILE *f);

#endif
