/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_rig.h"

struct conf *rig_load(const char *text, char **errors)
{
	char path[] = "/tmp/hokm-schema-XXXXXX";
	struct conf *c = NULL;
	size_t size;
	FILE *out = open_memstream(errors, &size);
	int fd = mkstemp(path);

	assert_non_null(out);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	conf_load(path, false, out, &c);
	assert_int_equal(fclose(out), 0);
	unlink(path);
	return c;
}

const char *rig_private(const char *file)
{
	static char path[32];
	char buf[4096];
	FILE *f;
	size_t n;
	int fd;

	if (*path)
		unlink(path);
	*path = '\0';
	if (!file)
		return NULL;
	f = fopen(file, "r");
	assert_non_null(f);
	n = fread(buf, 1, sizeof(buf), f);
	assert_true(n < sizeof(buf));
	fclose(f);
	snprintf(path, sizeof(path), "/tmp/hokm-private-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf, n), (ssize_t)n);
	close(fd);
	return path;
}

static void each_in(const struct conf_section *up, const struct conf_section *sec,
		    void (*fn)(const struct rig_row *r, void *arg), void *arg)
{
	for (const struct conf_key *k = sec->keys; k->path; k++) {
		struct rig_row r = {.up = up, .sec = sec, .key = k};

		do {
			if (conf_key_applies(k, r.title))
				fn(&r, arg);
			r.title++;
		} while (sec->titles && sec->titles[r.title]);
	}
	for (const struct conf_section *sub = sec->sections; sub && sub->name; sub++)
		each_in(sec, sub, fn, arg);
}

void rig_each(void (*fn)(const struct rig_row *r, void *arg), void *arg)
{
	each_in(NULL, &conf_schema, fn, arg);
}

void rig_wrap(const struct rig_row *r, const char *before, const char *inside, char *dst,
	      size_t size)
{
	const struct conf_section *up = r->up && r->up->name[0] ? r->up : NULL;
	const char *title = "";

	if (r->sec->title_key)
		title = r->sec->titles ? r->sec->titles[r->title] : "extra";
	if (!r->up)
		snprintf(dst, size, "%s %s", before, inside);
	else if (!up)
		snprintf(dst, size, "%s %s %s { %s }", before, r->sec->name, title, inside);
	else
		snprintf(dst, size, "%s %s { %s %s %s { %s } }", up->name,
			 up->title_key ? "extra" : "", before, r->sec->name, title, inside);
}

void *rig_item(const struct rig_row *r, struct conf *c)
{
	if (!strcmp(r->sec->path, "node"))
		return &c->nodes[0];
	if (!strcmp(r->sec->path, "service") || !strcmp(r->sec->path, "service.recover"))
		return &c->services[0];
	if (!strcmp(r->sec->path, "witness"))
		return c->n_witnesses ? &c->witnesses[0] : NULL;
	if (!strcmp(r->sec->path, "notify"))
		return c->n_notify ? &c->notify[0] : NULL;
	if (!strcmp(r->sec->path, "passive.signal"))
		return &c->observe.limit[r->title];
	if (strcmp(r->sec->path, "service.check") != 0)
		return c;
	for (unsigned int i = 0; i < c->services[0].n_checks; i++)
		if (c->services[0].checks[i].kind == r->title)
			return &c->services[0].checks[i];
	return NULL;
}

bool rig_same(const struct conf_key *k, const void *a, const void *b)
{
	const char *x = conf_key_field_const(k, a), *y = conf_key_field_const(k, b);

	if (k->type.kind == CONF_TEXT || k->type.kind == CONF_NAME || k->type.kind == CONF_PATH)
		return !strcmp(x, y);
	return !memcmp(x, y, k->place.size);
}
