/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The value of one key: its text becomes a value in its field, or words that say what is right.
 * Values of the file and defaults take the same way.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <confuse.h>

#include "base/units.h"
#include "conf/schema.h"

/* The words that follow the value in an error. */
#define WRONG(problem, ...) (snprintf(problem, CONF_PROBLEM_MAX, __VA_ARGS__), false)

void *conf_key_field(const struct conf_key *k, void *item)
{
	return (char *)item + k->place.offset;
}

const void *conf_key_field_const(const struct conf_key *k, const void *item)
{
	return (const char *)item + k->place.offset;
}

uint64_t conf_key_get(const struct conf_key *k, const void *item)
{
	const void *field = conf_key_field_const(k, item);

	switch (k->place.size) {
	case sizeof(uint8_t):
		return *(const uint8_t *)field;
	case sizeof(uint16_t):
		return *(const uint16_t *)field;
	case sizeof(uint32_t):
		return *(const uint32_t *)field;
	default:
		return *(const uint64_t *)field;
	}
}

static bool put(const struct conf_key *k, void *field, uint64_t value)
{
	switch (k->place.size) {
	case sizeof(uint8_t):
		*(uint8_t *)field = (uint8_t)value;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)field = (uint16_t)value;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		*(uint64_t *)field = value;
	}
	return true;
}

const char *conf_key_word(const struct conf_key *k, const void *item)
{
	const uint64_t value = conf_key_get(k, item);

	for (const struct conf_word *w = k->type.words; w->word; w++)
		if (w->value == value)
			return w->word;
	return "?";
}

static const char *list_words(const struct conf_key *k, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (const struct conf_word *w = k->type.words; w->word && at < size; w++)
		at += (size_t)snprintf(dst + at, size - at, "%s%s", at ? ", " : "", w->word);
	return dst;
}

static bool parse_bool(const struct conf_key *k, const char *text, void *field, char *problem)
{
	const int value = cfg_parse_boolean(text);

	if (value < 0)
		return WRONG(problem, "true or false; yes, no, on and off are accepted too");
	return put(k, field, value > 0);
}

static bool parse_number(const struct conf_key *k, const char *text, void *field, char *problem)
{
	uint64_t n;

	if (number_parse(text, &n) || n < k->type.least || n > k->type.greatest)
		return WRONG(problem, "a whole number from %" PRIu64 " to %" PRIu64, k->type.least,
			     k->type.greatest);
	return put(k, field, n);
}

static bool parse_duration(const struct conf_key *k, const char *text, void *field, char *problem)
{
	char least[DURATION_TEXT_MAX], greatest[DURATION_TEXT_MAX];
	uint64_t ns;
	const int err = duration_parse(text, &ns);

	if (err == -EINVAL)
		return WRONG(problem, "a number with a unit of ns, us, ms, s or m, "
				      "such as \"500ms\" or \"1.5s\"");
	if (err || ns < k->type.least || ns > k->type.greatest)
		return WRONG(problem, "from %s to %s", duration_format(k->type.least, least),
			     duration_format(k->type.greatest, greatest));
	return put(k, field, ns);
}

static bool parse_word(const struct conf_key *k, const char *text, void *field, char *problem)
{
	char words[128];

	for (const struct conf_word *w = k->type.words; w->word; w++)
		if (!strcmp(w->word, text))
			return put(k, field, w->value);
	return WRONG(problem, "one of: %s", list_words(k, words, sizeof(words)));
}

static bool parse_text(const struct conf_key *k, const char *text, void *field, char *problem)
{
	const size_t size = strlen(text) + 1;

	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return WRONG(problem, "control characters are not allowed");
	if (size > k->place.size)
		return WRONG(problem, "at most %zu characters", k->place.size - 1);
	memcpy(field, text, size);
	return true;
}

static bool parse_name(const struct conf_key *k, const char *text, void *field, char *problem)
{
	if (!name_valid(text) || strlen(text) >= k->place.size)
		return WRONG(problem,
			     "a name of 1 to %zu letters, digits, '-' and '_', beginning "
			     "with a letter or digit",
			     k->place.size - 1);
	return parse_text(k, text, field, problem);
}

static bool parse_path(const struct conf_key *k, const char *text, void *field, char *problem)
{
	/* The first word of a command may be quoted. */
	const bool quoted = k->flags & KEY_LIST && (*text == '\'' || *text == '"');

	if (text[quoted] != '/')
		return WRONG(problem, "an absolute path, beginning with /");
	return parse_text(k, text, field, problem);
}

static bool parse_ipv4(const struct conf_key *k, const char *text, void *field, char *problem)
{
	struct in_addr addr;
	uint32_t a;

	if (inet_pton(AF_INET, text, &addr) != 1)
		return WRONG(problem, "an IPv4 address such as \"192.168.1.26\"");
	a = ntohl(addr.s_addr);
	if (a >> 24 == 127 && k->flags & KEY_LOOPBACK)
		return memcpy(field, &addr, sizeof(addr)), true;
	if (a >> 24 == 0 || a >> 24 == 127 || a >> 28 >= 14)
		return WRONG(problem, "not an address that a host on the network can have");
	memcpy(field, &addr, sizeof(addr));
	return true;
}

bool conf_key_parse(const struct conf_key *k, const char *text, void *item,
		    char problem[CONF_PROBLEM_MAX])
{
	static bool (*const parse[])(const struct conf_key *, const char *, void *, char *) = {
		[CONF_BOOL] = parse_bool,         [CONF_NUMBER] = parse_number,
		[CONF_DURATION] = parse_duration, [CONF_WORD] = parse_word,
		[CONF_NAME] = parse_name,         [CONF_TEXT] = parse_text,
		[CONF_PATH] = parse_path,         [CONF_IPV4] = parse_ipv4,
	};
	void *field = conf_key_field(k, item);

	if (!*text && k->flags & KEY_EMPTY) {
		*(char *)field = '\0';
		return true;
	}
	return parse[k->type.kind](k, text, field, problem);
}

/* A bound in a document: hours and days are clearer than many seconds. */
static const char *span_words(uint64_t ns, char buf[DURATION_TEXT_MAX])
{
	const uint64_t minute = 60 * NS_PER_S, hour = 60 * minute, day = 24 * hour;

	if (ns >= 2 * day && ns % day == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 " days", ns / day);
	else if (ns >= 2 * hour && ns % hour == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 " hours", ns / hour);
	else if (ns >= 2 * minute && ns % minute == 0)
		snprintf(buf, DURATION_TEXT_MAX, "%" PRIu64 "m", ns / minute);
	else
		duration_format(ns, buf);
	return buf;
}

const char *conf_key_values(const struct conf_key *k, char *dst, size_t size)
{
	const struct conf_type *t = &k->type;
	char least[DURATION_TEXT_MAX], greatest[DURATION_TEXT_MAX], words[128];

	switch (t->kind) {
	case CONF_BOOL:
		snprintf(dst, size, "yes or no");
		break;
	case CONF_NUMBER:
		snprintf(dst, size, "number from %" PRIu64 " to %" PRIu64, t->least, t->greatest);
		break;
	case CONF_DURATION:
		snprintf(dst, size, "duration from %s to %s", span_words(t->least, least),
			 span_words(t->greatest, greatest));
		break;
	case CONF_WORD:
		snprintf(dst, size, "one of: %s", list_words(k, words, sizeof(words)));
		break;
	case CONF_NAME:
		snprintf(dst, size, "name of at most %zu characters", k->place.size - 1);
		break;
	case CONF_TEXT:
		if (t->least)
			snprintf(dst, size, "text of %" PRIu64 " to %" PRIu64 " characters%s",
				 t->least, t->greatest,
				 k->flags & KEY_LIST ? ", or a list of them" : "");
		else
			snprintf(dst, size, "text of at most %" PRIu64 " characters", t->greatest);
		break;
	case CONF_PATH:
		snprintf(dst, size, "absolute path%s",
			 k->flags & KEY_LIST ? ", with arguments" : "");
		break;
	case CONF_IPV4:
		snprintf(dst, size,
			 k->flags & KEY_LIST ? "list of IPv4 addresses" : "IPv4 address");
		break;
	}
	return dst;
}
