/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_book.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "act/dns_book.h"

void dns_book_add(struct dns_book *b, int64_t at_s, enum conf_dns_type type, const char *what,
		  const char *text)
{
	struct dns_entry *e;

	if (b->n == DNS_HISTORY_MAX)
		memmove(b->history, b->history + 1, --b->n * sizeof(b->history[0]));
	e = &b->history[b->n++];
	memset(e, 0, sizeof(*e));
	e->at_s = at_s;
	e->type = type;
	snprintf(e->what, sizeof(e->what), "%s", what);
	snprintf(e->text, sizeof(e->text), "%.*s", (int)sizeof(e->text) - 1, text);
}

static json_t *types_json(const struct dns_book *b)
{
	json_t *types = json_object();

	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++)
		if (json_object_set_new(
			    types, conf_dns_type_name((enum conf_dns_type)t),
			    json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:I}", "held", b->held[t],
				      "right", b->right[t], "tried", b->tried[t], "mine",
				      b->mine[t], "trouble", b->trouble[t], "changed_s",
				      (json_int_t)b->changed_s[t], "changed_ns",
				      (json_int_t)b->changed_ns[t]))) {
			json_decref(types);
			return NULL;
		}
	return types;
}

static json_t *history_json(const struct dns_book *b)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < b->n; i++) {
		const struct dns_entry *e = &b->history[i];

		if (json_array_append_new(
			    list, json_pack("{s:I, s:s, s:s, s:s}", "at_s", (json_int_t)e->at_s,
					    "type", conf_dns_type_name(e->type), "what", e->what,
					    "text", e->text))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *dns_book_json(const struct dns_book *b)
{
	return json_pack("{s:b, s:b, s:s, s:o, s:o}", "stopped", b->stopped, "force", b->force,
			 "boot_id", b->boot_id, "types", types_json(b), "history", history_json(b));
}

static bool take_address(const json_t *o, const char *key, char dst[DNS_ADDRESS_MAX])
{
	const char *text = json_string_value(json_object_get(o, key));

	if (!text || strlen(text) >= DNS_ADDRESS_MAX)
		return false;
	snprintf(dst, DNS_ADDRESS_MAX, "%s", text);
	return true;
}

static bool take_types(const json_t *types, struct dns_book *b)
{
	for (unsigned int t = 0; t < CONF_DNS_TYPES; t++) {
		const json_t *o = json_object_get(types, conf_dns_type_name((enum conf_dns_type)t));
		json_int_t changed_ns;

		if (!take_address(o, "held", b->held[t]) || !take_address(o, "right", b->right[t]))
			return false;
		/* A book of a version that did not know it has none. */
		if (json_object_get(o, "tried") && !take_address(o, "tried", b->tried[t]))
			return false;
		b->mine[t] = json_is_true(json_object_get(o, "mine"));
		b->trouble[t] = json_is_true(json_object_get(o, "trouble"));
		b->changed_s[t] = json_integer_value(json_object_get(o, "changed_s"));
		changed_ns = json_integer_value(json_object_get(o, "changed_ns"));
		b->changed_ns[t] = changed_ns > 0 ? (uint64_t)changed_ns : 0;
	}
	return true;
}

static bool take_history(const json_t *list, struct dns_book *b)
{
	json_t *o;
	size_t i;

	if (!json_is_array(list))
		return false;
	json_array_foreach (list, i, o) {
		const char *type = json_string_value(json_object_get(o, "type"));
		const char *what = json_string_value(json_object_get(o, "what"));
		const char *text = json_string_value(json_object_get(o, "text"));

		if (!type || !what || !text)
			return false;
		dns_book_add(b, json_integer_value(json_object_get(o, "at_s")),
			     strcmp(type, "AAAA") ? CONF_DNS_A : CONF_DNS_AAAA, what, text);
	}
	return true;
}

int dns_book_parse(const char *text, size_t len, struct dns_book *b)
{
	json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	const char *boot_id = json_string_value(json_object_get(o, "boot_id"));
	bool good;

	memset(b, 0, sizeof(*b));
	good = json_is_boolean(json_object_get(o, "stopped")) &&
	       take_types(json_object_get(o, "types"), b) &&
	       take_history(json_object_get(o, "history"), b);
	b->stopped = json_is_true(json_object_get(o, "stopped"));
	b->force = json_is_true(json_object_get(o, "force"));
	/* A book of a version that did not know it has none. */
	snprintf(b->boot_id, sizeof(b->boot_id), "%s", boot_id ? boot_id : "");
	if (!good)
		memset(b, 0, sizeof(*b));
	json_decref(o);
	return good ? 0 : -EBADMSG;
}
