/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text is written at once. JSON is collected with jansson and written by out_close().
 *
 * In text, each level is indented by two columns. In an array, each element begins with a dash. The
 * dash of an object is written with the first member of the object: until then level.dash is true.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/out.h"
#include "base/units.h"

struct out {
	FILE *to;
	bool json;
	int err;
	unsigned int depth; /* index of the innermost open level */
	struct {
		json_t *node; /* JSON only; owned by the level above, the root by this struct */
		bool array;
		bool dash; /* text only: the dash is still to be written */
	} level[OUT_DEPTH_MAX];
};

static void fail(struct out *o, int err)
{
	if (!o->err)
		o->err = err;
}

struct out *out_open(FILE *to, bool json)
{
	struct out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->to = to;
	o->json = json;
	if (json) {
		o->level[0].node = json_object();
		if (!o->level[0].node) {
			free(o);
			return NULL;
		}
	}
	return o;
}

int out_close(struct out *o)
{
	int err;

	if (o->depth)
		fail(o, -EPROTO);
	if (o->json && !o->err) {
		if (json_dumpf(o->level[0].node, o->to, JSON_INDENT(2)) < 0 ||
		    putc('\n', o->to) == EOF)
			fail(o, -EIO);
	}
	json_decref(o->level[0].node);
	if (fflush(o->to) == EOF || ferror(o->to))
		fail(o, -EIO);
	err = o->err;
	free(o);
	return err;
}

/* Adds value to the innermost level, which takes over the reference. */
static void add_json(struct out *o, const char *name, json_t *value)
{
	json_t *node = o->level[o->depth].node;
	int bad = o->level[o->depth].array ? json_array_append_new(node, value)
					   : json_object_set_new(node, name, value);

	if (bad)
		fail(o, -ENOMEM);
}

/* Writes the indent, the dash and the name of the next value. */
static void put_name(struct out *o, const char *name)
{
	unsigned int indent = 2 * o->depth;

	if (o->level[o->depth].dash) {
		fprintf(o->to, "%*s- ", (int)indent - 2, "");
		o->level[o->depth].dash = false;
	} else {
		fprintf(o->to, "%*s", (int)indent, "");
		if (o->level[o->depth].array)
			fputs("- ", o->to);
	}
	if (name)
		fprintf(o->to, "%s:", name);
}

static void begin(struct out *o, const char *name, bool array)
{
	json_t *node = NULL;
	bool dash = false;

	if (o->depth + 1 == OUT_DEPTH_MAX) {
		fail(o, -EOVERFLOW);
		return;
	}
	if (o->json) {
		node = array ? json_array() : json_object();
		add_json(o, name, node);
	} else if (name) {
		put_name(o, name);
		putc('\n', o->to);
	} else {
		dash = true;
	}
	o->depth++;
	o->level[o->depth].node = node;
	o->level[o->depth].array = array;
	o->level[o->depth].dash = dash;
}

static void end(struct out *o, bool array)
{
	if (!o->depth || o->level[o->depth].array != array)
		fail(o, -EPROTO);
	else
		o->depth--;
}

void out_obj_begin(struct out *o, const char *name)
{
	begin(o, name, false);
}

void out_obj_end(struct out *o)
{
	end(o, false);
}

void out_arr_begin(struct out *o, const char *name)
{
	begin(o, name, true);
}

void out_arr_end(struct out *o)
{
	end(o, true);
}

void out_str(struct out *o, const char *name, const char *value)
{
	char shown[512];

	if (o->json) {
		add_json(o, name, json_string(value));
		return;
	}
	put_name(o, name);
	fprintf(o->to, "%s%s\n", name ? " " : "",
		*value ? text_show(value, shown, sizeof(shown)) : "(none)");
}

void out_u64(struct out *o, const char *name, uint64_t value)
{
	if (o->json) {
		if (value > INT64_MAX)
			fail(o, -ERANGE);
		add_json(o, name, json_integer((json_int_t)value));
		return;
	}
	put_name(o, name);
	fprintf(o->to, "%s%" PRIu64 "\n", name ? " " : "", value);
}

void out_bool(struct out *o, const char *name, bool value)
{
	if (o->json) {
		add_json(o, name, json_boolean(value));
		return;
	}
	put_name(o, name);
	fprintf(o->to, "%s%s\n", name ? " " : "", value ? "true" : "false");
}

void out_duration(struct out *o, const char *name, uint64_t ns)
{
	char text[DURATION_TEXT_MAX], key[64];

	if (!o->json) {
		put_name(o, name);
		fprintf(o->to, "%s%s\n", name ? " " : "", duration_format(ns, text));
		return;
	}
	snprintf(key, sizeof(key), "%s_ms", name ? name : "");
	if (ns % 1000000)
		add_json(o, key, json_real((double)ns / 1e6));
	else
		add_json(o, key, json_integer((json_int_t)(ns / 1000000)));
}
