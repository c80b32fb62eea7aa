/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a row of the schema, for the files that have rows (schema.c, schema_dns.c). A row:
 * path, type with its bounds, field, flags, default of profile standard, default of profile fast
 * (NULL: the same), meaning.
 */
#ifndef HOKM_SCHEMA_ROWS_H
#define HOKM_SCHEMA_ROWS_H

#include "conf/schema.h"

#define MS(n)    ((n)*NS_PER_MS)
#define S(n)     ((n)*NS_PER_S)
#define MIN(n)   S(60 * (n))
#define HOURS(n) MIN(60 * (n))

/* The parts of a row. */
#define BOOL                      .kind = CONF_BOOL
#define NUMBER(least_, greatest_) .kind = CONF_NUMBER, .least = (least_), .greatest = (greatest_)
#define DURATION(least_, greatest_) \
	.kind = CONF_DURATION, .least = (least_), .greatest = (greatest_)
#define WORD(words_)            .kind = CONF_WORD, .words = (words_)
#define NAME                    .kind = CONF_NAME
#define TEXT(least_, greatest_) .kind = CONF_TEXT, .least = (least_), .greatest = (greatest_)
#define PATH                    .kind = CONF_PATH
#define IPV4                    .kind = CONF_IPV4
#define PORT                    NUMBER(1, 65535)

#define FIELD(type_, field_) offsetof(struct type_, field_), sizeof(((struct type_ *)NULL)->field_)
/* No field: the rule of the section reads the value into a variable of this type. */
#define VALUE(type_) 0, sizeof(type_)

/* A row for this title of its section, for example one kind of check. */
#define FOR(title_) (1u << (title_))

#define RELOAD  KEY_RELOAD
#define RESTART KEY_RESTART

/* clang-format off */
#define KEY(path_, type_, field_, flags_, standard_, fast_, meaning_, ...)                  \
	{.path = path_, .type = {type_}, .place = {field_}, .flags = flags_,                \
	 .preset = {standard_, fast_}, .meaning = meaning_, ##__VA_ARGS__}
#define END_OF_KEYS     {.path = NULL}
#define END_OF_SECTIONS {.name = NULL}
/* clang-format on */

/* Keys of sections that have a file of their own. */
extern const struct conf_key conf_dns_keys[];

#endif
