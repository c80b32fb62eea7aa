/* SPDX-License-Identifier: GPL-2.0-only */
/* What `ctl status` says of the way to the VIP and away from it. */
#include <string.h>

#include "ctl/render.h"

static const char *granted_node(const json_t *member)
{
	const json_t *holder = json_object_get(member, "holder");

	if (json_is_string(holder))
		return json_string_value(holder);
	return field_int(member, "granted_ms", 0) ? "this node" : "nobody";
}

/* " (witness)", with what answers there. */
static const char *witness_words(const json_t *member)
{
	const json_t *in = json_object_get(member, "answers_in");

	if (!field_true(member, "witness"))
		return "";
	if (!json_is_string(in))
		return " (witness)";
	return !strcmp(json_string_value(in), "xdp") ? " (witness, answers in XDP)"
						     : " (witness, answers in user space)";
}

/* A line for each of the others: which node it grants, and whether it answers. */
static void render_member(const json_t *member, FILE *out)
{
	const json_t *age = json_object_get(member, "answered_ms");

	fprintf(out, "    %s%s grants %s", field_text(member, "name"), witness_words(member),
		granted_node(member));
	/* How it answers is in the line of the arbiter. */
	if (field_true(member, "stand_in")) {
		fprintf(out, " (asked while the other node is silent)\n");
		return;
	}
	if (!json_is_integer(age))
		fprintf(out, ", has NEVER ANSWERED");
	else if (json_integer_value(age) >= 1000)
		fprintf(out, ", SILENT for %lld s", (long long)(json_integer_value(age) / 1000));
	if (field_int(member, "longest_ms", 0))
		fprintf(out, ", GRANTS FOR %lld ms ONLY: less than the grant of this node",
			(long long)field_int(member, "longest_ms", 0));
	else if (field_true(member, "unwilling"))
		fprintf(out, ", TAKES NO PART: its file has other members or another arbiter");
	fprintf(out, "\n");
}

static void render_grants(const json_t *grants, FILE *out)
{
	json_int_t silent_ms = field_int(grants, "silent_ms", 0);
	const json_t *member;
	size_t i;

	if (!json_is_object(grants))
		return;
	fprintf(out, "  grants     %lld of %lld members needed, %lld in touch%s\n",
		(long long)field_int(grants, "majority", 0),
		(long long)field_int(grants, "members", 0),
		(long long)field_int(grants, "in_touch", 0),
		field_true(grants, "in_force") ? "" : "; NOT IN FORCE until they grant the owner");
	if (silent_ms)
		fprintf(out, "    this node grants nobody for %lld ms more: it has booted\n",
			(long long)silent_ms);
	json_array_foreach (json_object_get(grants, "others"), i, member)
		render_member(member, out);
}

/* The record in etcd, and what went wrong with the last question. */
static void render_record(const json_t *arbiter, FILE *out)
{
	const json_t *holder = json_object_get(arbiter, "holder");
	const json_t *problem = json_object_get(arbiter, "problem");

	fprintf(out, "    record %s: epoch %lld, revision %lld, held by %s\n",
		field_text(arbiter, "key"), (long long)field_int(arbiter, "epoch", 0),
		(long long)field_int(arbiter, "revision", 0),
		json_is_string(holder) ? json_string_value(holder) : "nobody");
	if (json_is_string(problem))
		fprintf(out, "    NO ANSWER to the last question: %s\n",
			json_string_value(problem));
}

/* Who decides while no peer is heard, and what that does not survive. */
static void render_arbiter(const json_t *arbiter, FILE *out)
{
	const json_t *address = json_object_get(arbiter, "address");
	const json_t *age = json_object_get(arbiter, "answered_ms");
	const bool etcd = !strcmp(field_text(arbiter, "kind"), "etcd");
	char a[RENDER_WORD];

	if (!json_is_object(arbiter))
		return;
	fprintf(out, "  arbiter    %s %s, %s; ", etcd ? "etcd" : "gateway",
		json_is_string(address) ? json_string_value(address) : "UNKNOWN",
		field_text(arbiter, "phase"));
	if (json_is_integer(age))
		fprintf(out, "it answered %s ago\n", word_field_age(arbiter, "answered_ms", a));
	else
		fprintf(out, "it has NEVER ANSWERED\n");
	if (etcd)
		render_record(arbiter, out);
	fprintf(out, "    %s\n", field_text(arbiter, "survives"));
}

void render_ownership(const json_t *data, FILE *out)
{
	const json_t *successor = json_object_get(data, "successor");
	const char *permission = field_text(data, "permission");
	char a[RENDER_WORD];

	if (!strcmp(permission, "asked"))
		fprintf(out, "  permission asked: the hook before runs\n");
	else if (!strcmp(permission, "refused"))
		fprintf(out, "  permission REFUSED by the hook before: "
			     "this node does not become owner\n");
	if (field_true(data, "owner"))
		fprintf(out, "  lease      %s left\n", word_field_age(data, "lease_left_ms", a));
	render_grants(json_object_get(data, "grants"), out);
	render_arbiter(json_object_get(data, "arbiter"), out);
	fprintf(out, "  successor  %s\n",
		json_is_string(successor) ? json_string_value(successor)
					  : "none: no peer is healthy enough");
}
