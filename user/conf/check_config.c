/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp check-config`: loads a file as the daemon does and lists every setting, those that the
 * file leaves out with their default. It does not ask which node this is, so that it can run on any
 * machine. Secret and VRRP password are never shown.
 *
 * With --keys it writes the documents about all keys.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf/check_config.h"
#include "conf/notes.h"
#include "conf/schema.h"
#include "base/out.h"

static void list_addr(struct out *o, const char *name, struct in_addr addr)
{
	char text[INET_ADDRSTRLEN];

	if (inet_ntop(AF_INET, &addr, text, sizeof(text)))
		out_str(o, name, text);
}

static void list_text(struct out *o, const struct conf_key *k, const char *text)
{
	/* The field of a key without a default is empty until the daemon has looked for it. */
	out_str(o, conf_key_name(k), *text || k->preset.standard || k->by_title ? text : "auto");
}

static void list_paths(struct out *o, const struct conf_node *node)
{
	out_arr_begin(o, "path");
	for (unsigned int i = 0; i < node->n_paths; i++)
		list_addr(o, NULL, node->paths[i]);
	out_arr_end(o);
}

/* Keys whose value is not what their field has, or must not be shown. */
static void list_by_rule(struct out *o, const struct conf_key *k, const struct conf *c,
			 const void *item)
{
	if (!strcmp(k->path, "profile"))
		out_str(o, "profile", conf_key_word(k, item));
	else if (!strcmp(k->path, "vrrp.password"))
		out_bool(o, "authenticated",
			 c->vrrp_version == 2 &&
				 (!c->vrrp_password_given || c->vrrp_password[0][0]));
	else if (!strcmp(k->path, "service.vip"))
		list_addr(o, "vip", c->vips[((const struct conf_service *)item)->vip]);
	else if (!strcmp(k->path, "node.path"))
		list_paths(o, item);
	else if (!strncmp(k->path, "notify.", strlen("notify.")))
		list_text(o, k, conf_key_field_const(k, item));
}

static void list_key(struct out *o, const struct conf_key *k, const struct conf *c,
		     const void *item)
{
	const char *name = conf_key_name(k);
	const void *field = conf_key_field_const(k, item);

	if (k->flags & KEY_BY_RULE) {
		list_by_rule(o, k, c, item);
		return;
	}
	switch (k->type.kind) {
	case CONF_BOOL:
		out_bool(o, name, conf_key_get(k, item));
		break;
	case CONF_NUMBER:
		out_u64(o, name, conf_key_get(k, item));
		break;
	case CONF_DURATION:
		out_duration(o, name, conf_key_get(k, item));
		break;
	case CONF_WORD:
		out_str(o, name, conf_key_word(k, item));
		break;
	case CONF_IPV4:
		if (((const struct in_addr *)field)->s_addr)
			list_addr(o, name, *(const struct in_addr *)field);
		else
			list_text(o, k, "");
		break;
	default:
		list_text(o, k, field);
	}
}

static void list_keys(struct out *o, const struct conf_section *sec, unsigned int title,
		      const struct conf *c, const void *item)
{
	for (const struct conf_key *k = sec->keys; k->path; k++)
		if (conf_key_applies(k, title))
			list_key(o, k, c, item);
}

static void list_sections(struct out *o, const struct conf_section *sec, const struct conf *c,
			  const void *item);

/* The title of item i, which is text in the item, an index in it, or i itself. */
static void list_item(struct out *o, const struct conf_section *sec, unsigned int i,
		      const struct conf *c, const void *item)
{
	const void *field = (const char *)item + sec->title.offset;
	unsigned int title = i;

	if (sec->titles && sec->title.size)
		title = *(const unsigned int *)field;
	out_obj_begin(o, NULL);
	out_str(o, sec->title_key, sec->titles ? sec->titles[title] : field);
	list_keys(o, sec, title, c, item);
	list_sections(o, sec, c, item);
	out_obj_end(o);
}

/* A section with titles is listed as an array with the plural of its name. */
static void list_items(struct out *o, const struct conf_section *sec, const struct conf *c,
		       const void *up)
{
	const char *items = (const char *)up + sec->items.offset;
	const void *count = (const char *)up + sec->count;
	const unsigned int n = sec->count ? *(const unsigned int *)count : sec->most;
	char plural[CONF_NAME_MAX];

	snprintf(plural, sizeof(plural), "%ss", sec->name);
	out_arr_begin(o, plural);
	for (unsigned int i = 0; i < n; i++)
		list_item(o, sec, i, c, items + i * sec->items.size);
	out_arr_end(o);
}

static void list_sections(struct out *o, const struct conf_section *sec, const struct conf *c,
			  const void *item)
{
	for (sec = sec->sections; sec && sec->name; sec++) {
		if (sec->title_key) {
			list_items(o, sec, c, item);
			continue;
		}
		out_obj_begin(o, sec->name);
		list_keys(o, sec, 0, c, item);
		list_sections(o, sec, c, item);
		out_obj_end(o);
	}
}

static void list_all(struct out *o, const struct conf *c)
{
	char arrangement[CONF_ARRANGEMENT_MAX];

	out_str(o, "owner_by", conf_arrangement(c, arrangement));
	list_keys(o, &conf_schema, 0, c, c);
	out_str(o, "secret", "set");
	out_u64(o, "secrets", c->n_secrets);
	out_arr_begin(o, "vips");
	for (unsigned int i = 0; i < c->n_vips; i++)
		list_addr(o, NULL, c->vips[i]);
	out_arr_end(o);
	list_sections(o, &conf_schema, c, c);
}

int check_config_list(const struct conf *c, FILE *to)
{
	struct out *o = out_open(to, false);

	if (!o)
		return -ENOMEM;
	list_all(o, c);
	return out_close(o);
}

static void list_lines(struct out *o, const char *name, char *text)
{
	char *save, *line = strtok_r(text, "\n", &save);

	out_arr_begin(o, name);
	for (; line; line = strtok_r(NULL, "\n", &save))
		out_str(o, NULL, line);
	out_arr_end(o);
}

/*
 * c is NULL when there are errors; `text` has them, or else the notes, one in a line. 0 or -errno.
 */
static int show(const struct conf *c, char *text, bool json)
{
	struct out *o;

	if (!json && fputs(text, stderr) == EOF)
		return -EIO;
	if (!json && !c)
		return 0;
	if (!json)
		printf("OK %s\n", c->file);
	o = out_open(stdout, json);
	if (!o)
		return -ENOMEM;
	if (json) {
		out_bool(o, "ok", c != NULL);
		list_lines(o, c ? "notes" : "errors", text);
	}
	if (c)
		list_all(o, c);
	return out_close(o);
}

static int check(const char *file, bool json)
{
	struct conf *c = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&text, &size);
	int err, shown;

	if (!errors) {
		fprintf(stderr, "check-config: %s\n", strerror(errno));
		return CHECK_CONFIG_NO_INPUT;
	}
	err = conf_load(file, false, errors, &c);
	if (!err)
		conf_notes(c, errors);
	if (fclose(errors) == EOF || !text) {
		fprintf(stderr, "check-config: out of memory\n");
		conf_free(c);
		free(text);
		return CHECK_CONFIG_NO_INPUT;
	}
	shown = show(c, text, json);
	if (shown)
		fprintf(stderr, "check-config: the result could not be written: %s\n",
			strerror(-shown));
	conf_free(c);
	free(text);
	if (err && err != -EINVAL && err != -EAGAIN)
		return CHECK_CONFIG_NO_INPUT;
	return err ? CHECK_CONFIG_WRONG : shown ? 1 : CHECK_CONFIG_OK;
}

/* What the program itself says of its keys; packaging and documents are made from it. */
static const struct {
	const char *name;
	int (*write)(FILE *f);
} documents[] = {
	{"sample", conf_docs_sample},
	{"man", conf_docs_man},
	{"markdown", conf_docs_markdown},
};

static int document(const char *name)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		int err;

		if (strcmp(name, documents[i].name) != 0)
			continue;
		err = documents[i].write(stdout);
		if (err)
			fprintf(stderr, "check-config: the document could not be written: %s\n",
				strerror(-err));
		return err ? 1 : CHECK_CONFIG_OK;
	}
	fprintf(stderr, "check-config: --keys needs one of: sample, man, markdown\n");
	return CHECK_CONFIG_USAGE;
}

static const struct command_option options[] = {
	{"json", 'j', false, NULL, "print JSON"},
	{"keys", 'k', false, "FORM",
	 "print what is known of all keys instead, as sample, man or markdown"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "the file can be used"},
	{"2", "the command line is wrong"},
	{"66", "the file cannot be read"},
	{"78", "the file has an error, which is printed with its line"},
	{NULL, NULL},
};

const struct command check_config_command = {
	.name = "check-config",
	.operands = "FILE",
	.summary = "check a configuration, and show its errors or its meaning",
	.about =
		"Reads FILE as the daemon does and lists every setting, those that the file leaves "
		"out with their default. It runs on any machine. Secrets are never shown.",
	.options = options,
	.exits = exits,
};

int check_config_main(int argc, char **argv)
{
	const char *file = NULL, *keys = NULL;
	struct command_line l;
	bool json = false;
	int what;

	command_begin(&l, &check_config_command, argc, argv, stdout, stderr);
	while ((what = command_next(&l)) > 0) {
		if (what == 'j')
			json = true;
		else if (what == 'k')
			keys = l.value;
		else if (file)
			what = command_wrong(&l, "there is a word too many: %s", l.value);
		else
			file = l.value;
		if (what < 0)
			break;
	}
	if (!what && !file && !keys)
		what = command_wrong(&l, "name a file");
	if (what)
		return what == COMMAND_HELP ? CHECK_CONFIG_OK : CHECK_CONFIG_USAGE;
	return keys ? document(keys) : check(file, json);
}
