/* SPDX-License-Identifier: GPL-2.0-only */
/* See scrub.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "doctor/scrub.h"

#define WORDS_MAX 64 /* of one value */

struct scrub {
	size_t n;
	/* Each one allocated. The longest comes first: a shorter one may be a part of it. */
	char **values;
};

/* Takes over `value`, also when it fails. NULL is no memory. */
static int keep(struct scrub *s, char *value)
{
	char **longer = value ? realloc(s->values, (s->n + 1) * sizeof(*longer)) : NULL;
	size_t at;

	if (!longer) {
		free(value);
		return -ENOMEM;
	}
	s->values = longer;
	for (at = s->n++; at > 0 && strlen(longer[at - 1]) < strlen(value); at--)
		longer[at] = longer[at - 1];
	longer[at] = value;
	return 0;
}

/* As JSON writes it, without the quotes around it. NULL: no memory, or no text in UTF-8. */
static char *in_json(const char *value)
{
	json_t *text = json_string(value);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL, *inner = NULL;

	if (quoted && strlen(quoted) >= 2)
		inner = strndup(quoted + 1, strlen(quoted) - 2);
	free(quoted);
	json_decref(text);
	return inner;
}

int scrub_add(struct scrub *s, const char *value)
{
	char *json;
	int err;

	if (strlen(value) < SCRUB_MIN)
		return 0;
	err = keep(s, strdup(value));
	json = err ? NULL : in_json(value);
	if (json && strcmp(json, value) != 0)
		return keep(s, json);
	free(json);
	return err;
}

/*
 * The words of a text, each by itself: other programs show them with other quotes or blanks
 * between. A text with an open quote has no words.
 */
static int add_words(struct scrub *s, const char *text)
{
	char copy[CONF_PATH_MAX], *argv[WORDS_MAX + 1];
	int n, err = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	n = words_split(copy, argv, WORDS_MAX);
	for (int i = 0; !err && i < n; i++)
		err = scrub_add(s, argv[i]);
	explicit_bzero(copy, sizeof(copy));
	return err;
}

/* What follows `mark` in text, without spaces before it, as a whole and word by word. */
static int add_behind(struct scrub *s, const char *text, char mark)
{
	const char *at = strchr(text, mark);
	int err;

	if (!at)
		return 0;
	at += 1 + strspn(at + 1, " ");
	err = scrub_add(s, at);
	return err ? err : add_words(s, at);
}

/* A token may stand in a header, in a query, or among the arguments of a command. */
static int add_check(struct scrub *s, const struct conf_check *check)
{
	int err = add_behind(s, check->header, ':');

	return err ? err : add_behind(s, check->path, check->kind == CHECK_EXEC ? ' ' : '?');
}

static int add_service(struct scrub *s, const struct conf_service *svc)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < svc->n_checks; i++)
		err = add_check(s, &svc->checks[i]);
	return err;
}

static int add_channel(struct scrub *s, const struct conf_notify *channel)
{
	int err = scrub_add(s, channel->credential);

	/* The URL itself may be what lets one write there. */
	if (!err && (channel->type == NOTIFY_SLACK || channel->type == NOTIFY_WEBHOOK))
		err = scrub_add(s, channel->endpoint);
	return err;
}

static int add_all(struct scrub *s, const struct conf *c)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < c->n_secrets; i++)
		err = scrub_add(s, c->secrets[i].text);
	for (unsigned int i = 0; !err && i < HOKM_MAX_SECRETS; i++)
		err = scrub_add(s, c->vrrp_password[i]);
	for (unsigned int i = 0; !err && i < c->n_services; i++)
		err = add_service(s, &c->services[i]);
	for (unsigned int i = 0; !err && i < c->n_notify; i++)
		err = add_channel(s, &c->notify[i]);
	return err;
}

struct scrub *scrub_open(const struct conf *c)
{
	struct scrub *s = calloc(1, sizeof(*s));

	if (s && c && add_all(s, c)) {
		scrub_close(s);
		return NULL;
	}
	return s;
}

void scrub_close(struct scrub *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		explicit_bzero(s->values[i], strlen(s->values[i]));
		free(s->values[i]);
	}
	free(s->values);
	free(s);
}

void scrub_text(const struct scrub *s, char *text, size_t len)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t n = strlen(s->values[i]);
		char *at = text;

		while ((at = memmem(at, len - (size_t)(at - text), s->values[i], n))) {
			memset(at, SCRUB_MARK, n);
			at += n;
		}
	}
}
