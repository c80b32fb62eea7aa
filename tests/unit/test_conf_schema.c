/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of the schema, each of them: they are complete, their bounds hold, their defaults are
 * those that a file without the key has, and a reload changes what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "conf_rig.h"

#define SECRET "secret = 0123456789abcdef "
#define NODES_OF(a, b)                                                              \
	"node a { address = 10.0.0.1 dns_address = 203.0.113.1 cloud_id = " a " } " \
	"node b { address = 10.0.0.2 dns_address = 203.0.113.2 cloud_id = " b " }\n"
#define NODES    NODES_OF("eni-1", "eni-2")
#define DROPLETS NODES_OF("1", "2")
#define BASE     SECRET NODES
#define TEXT_MAX CONF_ETCD_LIST_MAX /* the longest text of a key */
#define FILE_MAX 2048
#define ENDPOINT "http://10.0.0.5:2379"

/* ------------------------------------------------------------------------------ complete rows */
static void complete(const struct rig_row *r, void *arg)
{
	const struct conf_key *k = r->key;
	const size_t len = strlen(k->meaning), prefix = strlen(r->sec->path);
	const bool fixed = conf_key_default(k, CONF_PROFILE_STANDARD, r->title) != NULL;
	char problem[CONF_PROBLEM_MAX];
	static char scratch[sizeof(struct conf)];

	(void)arg;
	if (!len || k->meaning[len - 1] != '.')
		fail_msg("%s: the meaning is no sentence", k->path);
	if (strncmp(k->path, r->sec->path, prefix) != 0 || (prefix && k->path[prefix] != '.') ||
	    conf_key_find(k->path) != k)
		fail_msg("%s is not in the section of its path, or is there twice", k->path);
	if (!k->place.size || k->place.offset + k->place.size > sizeof(scratch))
		fail_msg("%s has no field", k->path);
	/* One of them: a default, an example of a required key, or words for what holds. */
	if (!fixed && !k->example)
		fail_msg("%s %s has neither default nor example", k->path,
			 r->sec->titles ? r->sec->titles[r->title] : "");
	if (!fixed && !k->unset && !(k->flags & KEY_REQUIRED))
		fail_msg("%s: nothing says what holds without it", k->path);
	for (int p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST && fixed; p++)
		if (!conf_key_parse(k, conf_key_default(k, p, r->title), scratch, problem))
			fail_msg("%s: its default is wrong: %s", k->path, problem);
}

static void rows_are_complete(void **state)
{
	(void)state;
	rig_each(complete, NULL);
}

/* -------------------------------------------------------------------------------------- bounds */
/* What a key at one of its ends needs, because of the other keys: in its section, or before it. */
static const struct {
	const char *path, *value, *inside, *before;
} companions[] = {
	{"vrrp.advert", "10ms", "version = 3", ""},
	{"arbiter", "witness", "", "witness w { address = 10.0.0.4 }"},
	{"arbiter", "majority", "", "node c { address = 10.0.0.3 }"},
	{"arbiter", "etcd", "", "etcd { endpoints = \"" ENDPOINT "\" }"},
	{"grant", "10ms", "", "pulse { interval = 3ms }"},
	{"pulse.interval", "10s", "", "replication { enabled = no }"},
	{"pulse.calm_interval", "1ms", "interval = 1ms", ""},
	{"pulse.calm_interval", "10s", "interval = 10s", "replication { enabled = no }"},
	{"pulse.dead", "3ms", "interval = 1ms", ""},
	{"pulse.players_dead_after", "3ms", "interval = 1ms dead = 3ms", ""},
	{"pulse.stale", "3ms", "interval = 1ms", ""},
	{"service.check.fastinter", "3600s", "interval = 60m", ""},
	{"service.check.timeout", "10ms", "attempts = 1", ""},
	{"service.check.attempts", "10", "backoff = 0s", ""},
	{"service.check.backoff", "60s", "timeout = 10m", ""},
	{"passive.window", "20ms", "sample = 10ms", ""},
	{"passive.window", "127s", "sample = 1s", ""},
	{"passive.suspect_max", "0s", "suspect = 0s", ""},
	{"passive.signal.after", "20ms", "", "sample = 10ms"},
	{"passive.signal.after", "30s", "", "sample = 1s"},
	{"dns.provider", "cloudflare", "record = game.example.com", ""},
	{"dns.provider", "route53", "record = game.example.com", ""},
	{"dns.provider", "digitalocean", "record = game.example.com", ""},
	{"dns.provider", "rfc2136", "record = game.example.com endpoint = \"dns://x\"", ""},
	{"dns.provider", "digitalocean-ip", "record = 203.0.113.5", ""},
	{"dns.provider", "aws-eip", "record = 203.0.113.5 region = x", ""},
	{"dns.provider", "aws-private", "record = 10.0.0.9 region = x", ""},
	{"notify.type", "email", "endpoint = \"smtp://x\" from = a to = b", ""},
	{"notify.type", "sms", "user = a from = b to = c", ""},
	{"notify.type", "webhook", "endpoint = \"https://x\"", ""},
};

/* What the row's section must have in any case. */
static const char *required(const struct rig_row *r)
{
	const char *key = conf_key_name(r->key);

	if (!strcmp(r->sec->path, "node") && strcmp(key, "address") != 0)
		return "address = 10.0.0.3";
	if (!strcmp(r->sec->path, "witness") && strcmp(key, "address") != 0)
		return "address = 10.0.0.4";
	if (!strcmp(r->sec->path, "service.check") && r->title == CHECK_EXEC &&
	    strcmp(key, "command") != 0)
		return "command = \"/x\"";
	if (!strcmp(r->key->path, "dns.record"))
		return "provider = cloudflare";
	if (!strcmp(r->key->path, "etcd.cert_file"))
		return "key_file = \"/key\"";
	if (!strcmp(r->key->path, "etcd.key_file"))
		return "cert_file = \"/cert\"";
	return "";
}

/* A file that has the key with a value, and what this value needs. */
static void make_file(const struct rig_row *r, const char *value, char file[FILE_MAX])
{
	const char *inside = "", *before = "";
	char keys[TEXT_MAX + 256], section[TEXT_MAX + 512];

	for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
		if (strcmp(companions[i].path, r->key->path) != 0 ||
		    strcmp(companions[i].value, value) != 0)
			continue;
		inside = companions[i].inside;
		before = companions[i].before;
	}
	snprintf(keys, sizeof(keys), "%s %s %s = \"%s\"", required(r), inside,
		 conf_key_name(r->key), value);
	rig_wrap(r, before, keys, section, sizeof(section));
	snprintf(file, FILE_MAX, "%s%s%s\n", strcmp(r->key->path, "secret") ? SECRET : "",
		 strcmp(value, "digitalocean-ip") ? NODES : DROPLETS, section);
}

static void accepted(const struct rig_row *r, const char *value)
{
	char file[FILE_MAX], *errors;
	struct conf *c;

	make_file(r, value, file);
	c = rig_load(file, &errors);
	if (!c)
		fail_msg("%s = %s must be accepted\n%s%s", r->key->path, value, file, errors);
	conf_free(c);
	free(errors);
}

static void refused(const struct rig_row *r, const char *value, const char *words)
{
	char file[FILE_MAX], expected[128], *errors;
	struct conf *c;

	make_file(r, value, file);
	c = rig_load(file, &errors);
	if (r->key->flags & KEY_SECRET)
		snprintf(expected, sizeof(expected), ":2: %s%s (value not shown): ",
			 r->up ? "vrrp." : "", conf_key_name(r->key));
	else
		snprintf(expected, sizeof(expected), "%s = \"%.60s", conf_key_name(r->key), value);
	if (c || !strstr(errors, expected) || !strstr(errors, ":2: ") || !strstr(errors, words))
		fail_msg("%s = %s must be refused with %s %s\n%s%s", r->key->path, value, expected,
			 words, file, errors);
	free(errors);
}

static void number_bounds(const struct rig_row *r)
{
	const struct conf_type *t = &r->key->type;
	char value[32], words[96];

	snprintf(words, sizeof(words), "a whole number from %" PRIu64 " to %" PRIu64, t->least,
		 t->greatest);
	snprintf(value, sizeof(value), "%" PRIu64, t->least);
	accepted(r, value);
	snprintf(value, sizeof(value), "%" PRIu64, t->greatest);
	accepted(r, value);
	snprintf(value, sizeof(value), "%" PRIu64, t->greatest + 1);
	refused(r, value, words);
	snprintf(value, sizeof(value), "%" PRId64, (int64_t)t->least - 1);
	refused(r, value, words);
}

static void duration_bounds(const struct rig_row *r)
{
	const struct conf_type *t = &r->key->type;
	char least[DURATION_TEXT_MAX], greatest[DURATION_TEXT_MAX], value[DURATION_TEXT_MAX];
	char words[96];

	accepted(r, duration_format(t->least, least));
	accepted(r, duration_format(t->greatest, greatest));
	snprintf(words, sizeof(words), "from %s to %s", least, greatest);
	refused(r, duration_format(t->greatest + 1, value), words);
	if (t->least)
		refused(r, duration_format(t->least - 1, value), words);
	refused(r, "5", "a number with a unit");
}

/* n characters; a path begins with /, a header with its name; lists, times, addresses are such. */
static const char *long_text(const struct conf_key *k, size_t n, char *dst)
{
	memset(dst, 'x', n);
	dst[n] = '\0';
	if ((k->type.kind == CONF_PATH || !strcmp(k->path, "etcd.prefix")) && n)
		dst[0] = '/';
	if (!strcmp(k->path, "service.check.header") && n > 1)
		dst[1] = ':';
	for (size_t i = 50; !strcmp(k->path, "dns.record") && i < n - 1; i += 50)
		dst[i] = '.';
	if (!strcmp(k->path, "notify.kinds") || !strcmp(k->path, "hooks.capabilities"))
		memset(dst, ',', n);
	if (!strcmp(k->path, "notify.quiet_hours") && n >= strlen("22:00-07:00"))
		memcpy(dst, "22:00-07:00", strlen("22:00-07:00"));
	if (!strcmp(k->path, "etcd.endpoints") && n >= strlen(ENDPOINT)) {
		memset(dst, ' ', n);
		memcpy(dst, ENDPOINT, strlen(ENDPOINT));
	}
	if (!strcmp(k->path, "listen.address") && n <= strlen("111.111.111.111"))
		memcpy(dst, n < strlen("111.111.111.111") ? "1.1.1.1" : "111.111.111.111", n);
	return dst;
}

static void text_bounds(const struct rig_row *r)
{
	const struct conf_key *k = r->key;
	char text[TEXT_MAX + 2];
	const bool is_file = !strcmp(k->path, "secret_file"); /* no such file is there */

	if (k->type.least) {
		accepted(r, long_text(k, k->type.least, text));
		refused(r, long_text(k, k->type.least - 1, text), "");
	}
	if (k->type.kind == CONF_TEXT)
		assert_int_equal(k->type.greatest, k->place.size - 1);
	if (!is_file)
		accepted(r, long_text(k, k->place.size - 1, text));
	refused(r, long_text(k, k->place.size, text), "");
	if (k->type.kind == CONF_PATH && !is_file)
		refused(r, "x", "an absolute path");
	if (k->type.kind == CONF_NAME)
		refused(r, "a b", "a name of 1 to");
}

static void word_bounds(const struct rig_row *r)
{
	for (const struct conf_word *w = r->key->type.words; w->word; w++)
		accepted(r, w->word);
	refused(r, "no-such-word", "one of: ");
}

static void bounds(const struct rig_row *r, void *arg)
{
	(void)arg;
	switch (r->key->type.kind) {
	case CONF_BOOL:
		accepted(r, "yes");
		accepted(r, "off");
		refused(r, "2", "true or false");
		break;
	case CONF_NUMBER:
		number_bounds(r);
		break;
	case CONF_DURATION:
		duration_bounds(r);
		break;
	case CONF_WORD:
		word_bounds(r);
		break;
	case CONF_IPV4:
		if (!(r->key->flags & KEY_LIST))
			refused(r, "10.0.0", "an IPv4 address");
		break;
	default:
		text_bounds(r);
	}
}

static void bounds_hold(void **state)
{
	(void)state;
	rig_each(bounds, NULL);
}

/* ------------------------------------------------------------------------------- a key twice */
static void twice(const struct rig_row *r, void *arg)
{
	const char *key = conf_key_name(r->key);
	const char *value = conf_key_default(r->key, CONF_PROFILE_STANDARD, r->title);
	char file[FILE_MAX], keys[512], section[768], *errors;
	const char *words = "given twice in the same section: keep one";
	struct conf *c;

	(void)arg;
	if (!value)
		value = r->key->example;
	snprintf(keys, sizeof(keys), "%s\n%s = \"%s\"\n%s = \"%s\"\n", required(r), key, value, key,
		 value);
	rig_wrap(r, "", keys, section, sizeof(section));
	snprintf(file, sizeof(file), "%s" NODES "%s\n",
		 strcmp(r->key->path, "secret") ? SECRET : "", section);
	c = rig_load(file, &errors);
	/* The second one stands in line 4. */
	if (c || !strstr(errors, ":4: ") || !strstr(errors, key) || !strstr(errors, words))
		fail_msg("%s twice must be refused\n%s%s", r->key->path, file, errors);
	free(errors);
}

/* The first value would be lost without a word. */
static void no_key_may_stand_twice(void **state)
{
	(void)state;
	rig_each(twice, NULL);
}

/* ------------------------------------------------------------------------------------ defaults */
struct loaded {
	struct conf *c;
	enum conf_profile profile;
	unsigned int compared;
};

static void default_used(const struct rig_row *r, void *arg)
{
	static struct conf scratch;
	struct loaded *l = arg;
	const char *text = conf_key_default(r->key, l->profile, r->title);
	void *item = rig_item(r, l->c);
	char problem[CONF_PROBLEM_MAX];

	if (!text || !item)
		return;
	if (!strcmp(r->key->path, "vip"))
		item = l->c->vips;
	/* The file of the test sets these. */
	if (!strcmp(r->key->path, "profile") || !strcmp(r->key->path, "node.dns_address") ||
	    !strcmp(r->key->path, "node.cloud_id"))
		return;
	assert_true(conf_key_parse(r->key, text, &scratch, problem));
	if (!rig_same(r->key, &scratch, item))
		fail_msg("%s: the default is not %s", r->key->path, text);
	l->compared++;
}

static void compare_defaults(struct conf *c, enum conf_profile profile)
{
	struct loaded l = {.c = c, .profile = profile};

	assert_non_null(c);
	assert_int_equal(c->profile, profile);
	rig_each(default_used, &l);
	assert_true(l.compared > 80);
}

static void defaults_are_used(void **state)
{
	static const char *const files[] = {BASE, BASE "profile = fast"};

	(void)state;
	for (int p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++) {
		char *errors;
		struct conf *c = rig_load(files[p], &errors);

		compare_defaults(c, (enum conf_profile)p);
		conf_free(c);
		free(errors);
	}
}

/* Without a file: what tests of other parts start from. */
static void defaults_without_a_file(void **state)
{
	static struct conf c;

	(void)state;
	for (int p = CONF_PROFILE_STANDARD; p <= CONF_PROFILE_FAST; p++) {
		conf_default(&c, (enum conf_profile)p);
		compare_defaults(&c, (enum conf_profile)p);
	}
}

/* -------------------------------------------------------------------------------------- reload */
static void reload_of(const struct rig_row *r, void *arg)
{
	struct conf *a = arg, b = *a;
	const struct conf_key *k = r->key;
	char *field = conf_key_field(k, rig_item(r, &b) ? rig_item(r, &b) : &b);
	const bool restart = k->flags & KEY_RESTART;
	const char *path;

	/* These have no field in the configuration. */
	if (k->flags & KEY_BY_RULE || !rig_item(r, &b))
		return;
	field[0] ^= 1;
	path = conf_needs_restart(a, &b);
	if (restart && (!path || strcmp(path, k->path) != 0))
		fail_msg("%s: a reload would change it", k->path);
	if (!restart && path)
		fail_msg("%s: a reload does not change it", k->path);
}

static void reload_follows_the_rows(void **state)
{
	char *errors;
	struct conf *c = rig_load(BASE, &errors);

	(void)state;
	assert_non_null(c);
	c->self = 0;
	assert_null(conf_needs_restart(c, c));
	rig_each(reload_of, c);
	conf_free(c);
	free(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(no_key_may_stand_twice),
		cmocka_unit_test(defaults_are_used),
		cmocka_unit_test(defaults_without_a_file),
		cmocka_unit_test(reload_follows_the_rows),
	};

	return cmocka_run_group_tests_name("conf_schema", tests, NULL, NULL);
}
