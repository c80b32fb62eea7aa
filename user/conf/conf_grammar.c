/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The grammar of the file, for libconfuse.
 *
 * Every key is a user-defined value: the callback keeps the text with the line it stands on, which
 * libconfuse itself forgets, and judges nothing. libconfuse gives its error function no argument of
 * ours, so the words are kept in the `comment` of the section where it stopped, which is free for
 * that (comments are blanked before) and is looked for afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"

/*
 * A flag of ours in cfg_opt_t.flags, above all of libconfuse's: the key was seen in this section.
 */
#define SEEN (1 << 30)

static int keep_text(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const size_t size = strlen(value) + 1;
	struct conf_text *t = malloc(sizeof(*t) + size);

	if (!t) {
		cfg_error(cfg, "out of memory");
		return -1;
	}
	t->line = cfg->line;
	t->again = (opt->flags & SEEN) && !(opt->flags & CFGF_LIST);
	t->size = size;
	memcpy(t->s, value, size);
	opt->flags |= SEEN;
	*(void **)result = t;
	return 0;
}

static void free_text(void *value)
{
	struct conf_text *t = value;

	explicit_bzero(t->s, t->size);
	free(t);
}

#define KEY(name)  CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, keep_text, free_text)
#define LIST(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, keep_text, free_text)
/*
 * Also sections that may stand once are MULTI: libconfuse would make an empty one, and merge two.
 */
#define SECTION(name, keys) CFG_SEC(name, keys, CFGF_MULTI)
#define TITLED(name, keys)  CFG_SEC(name, keys, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

static cfg_t *grammar_init(void)
{
	cfg_opt_t check[] = {
		KEY("path"),      KEY("command"),   KEY("status"),  KEY("body"),
		KEY("tls"),       KEY("address"),   KEY("port"),    KEY("interval"),
		KEY("fastinter"), KEY("downinter"), KEY("timeout"), KEY("rise"),
		KEY("fall"),      KEY("attempts"),  KEY("backoff"), CFG_END(),
	};
	cfg_opt_t service[] = {KEY("vip"), KEY("port"), KEY("on_marked_down"),
			       TITLED("check", check), CFG_END()};
	cfg_opt_t node[] = {KEY("address"), KEY("priority"), CFG_END()};
	cfg_opt_t vrrp[] = {
		KEY("version"),       KEY("vrid"),     KEY("mode"),
		KEY("checksum"),      KEY("advert"),   KEY("preempt"),
		KEY("preempt_delay"), KEY("password"), KEY("garp_count"),
		KEY("garp_refresh"),  CFG_END(),
	};
	cfg_opt_t pulse[] = {KEY("port"), KEY("interval"), KEY("dead"), KEY("stale"), CFG_END()};
	cfg_opt_t replication[] = {
		KEY("enabled"), KEY("port"), KEY("rate"), KEY("wait"), CFG_END()};
	cfg_opt_t signal[] = {KEY("enabled"), KEY("min"), KEY("percent"), KEY("after"), CFG_END()};
	cfg_opt_t passive[] = {
		KEY("enabled"), KEY("suspect"), KEY("suspect_max"), KEY("calm"),
		KEY("sample"),  KEY("window"),  KEY("timeout"),     TITLED("signal", signal),
		CFG_END(),
	};
	cfg_opt_t hooks[] = {KEY("before"), KEY("after"), KEY("user"), KEY("timeout"), CFG_END()};
	cfg_opt_t root[] = {
		KEY("secret"),
		KEY("secret_file"),
		KEY("profile"),
		KEY("instance"),
		KEY("interface"),
		KEY("bpffs"),
		KEY("socket"),
		KEY("ctl_group"),
		KEY("agent_user"),
		KEY("log_level"),
		KEY("max_connections"),
		KEY("idle_timeout"),
		LIST("vip"),
		TITLED("node", node),
		TITLED("service", service),
		SECTION("vrrp", vrrp),
		SECTION("pulse", pulse),
		SECTION("replication", replication),
		SECTION("passive", passive),
		SECTION("hooks", hooks),
		CFG_END(),
	};

	return cfg_init(root, CFGF_NONE);
}

__attribute__((format(printf, 2, 0))) static void keep_error(cfg_t *cfg, const char *fmt,
							     va_list ap)
{
	char *text;

	if (cfg->comment || vasprintf(&text, fmt, ap) < 0)
		return;
	cfg->comment = text;
}

static void list_keys(const cfg_t *cfg, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (const cfg_opt_t *o = cfg->opts; o->name && at < size; o++) {
		int n = snprintf(dst + at, size - at, "%s%s", at ? ", " : "", o->name);

		if (n < 0)
			return;
		at += (size_t)n;
	}
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* libconfuse's words in ours, where ours help more. */
static void report(const struct conf_sec *s)
{
	const char *words = s->cfg->comment;
	const char *quoted = strchr(words, '\'');
	const int line = s->cfg->line;
	char name[72] = "", keys[224];

	if (quoted)
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(quoted + 1, "'"), quoted + 1);
	if (begins(words, "no such option") || begins(words, "no sub-section")) {
		list_keys(s->cfg, keys, sizeof(keys));
		conf_error_at(s->errors, line, "%s%s: there is no such key here; known are: %s",
			      s->name, name, keys);
	} else if (begins(words, "found duplicate title")) {
		conf_error_at(s->errors, line,
			      "%s\"%s\" is there already: each name may stand once", s->name, name);
	} else if (begins(words, "missing equal sign")) {
		conf_error_at(s->errors, line, "%s%s: no '=' behind the key: write %s = value",
			      s->name, name, name);
	} else if (begins(words, "missing title")) {
		conf_error_at(s->errors, line, "%s%s: no name: write %s NAME { ... }", s->name,
			      name, name);
	} else if (begins(words, "premature end")) {
		conf_error_at(s->errors, line,
			      "the file ends too early: a value or a } is missing");
	} else if (begins(words, "attempt to append")) {
		conf_error_at(s->errors, line,
			      "%s%s takes one value: write = instead of +=", s->name, name);
	} else if (begins(words, "unexpected token")) {
		conf_error_at(s->errors, line, "%s\"%s\" cannot stand here", s->name, name);
	} else {
		conf_error_at(s->errors, line, "%s%s", s->name, words);
	}
}

/* Finds the section that holds the words; depth is bounded by the grammar. */
static bool report_from(const struct conf_sec *s)
{
	struct conf_sec sub;

	if (s->cfg->comment) {
		report(s);
		return true;
	}
	for (cfg_opt_t *o = s->cfg->opts; o->name; o++)
		for (unsigned int i = 0; o->type == CFGT_SEC && i < cfg_opt_size(o); i++)
			if (conf_nth_section(s, o->name, i, &sub) && report_from(&sub))
				return true;
	return false;
}

cfg_t *conf_grammar_parse(char *buf, size_t len, struct conf_errors *e)
{
	cfg_t *cfg = grammar_init();
	struct conf_sec root = {.errors = e, .cfg = cfg};
	FILE *f = NULL;

	e->whole = false;
	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, keep_error);
	f = len ? fmemopen(buf, len, "r") : NULL;
	if (len && !f) {
		cfg_free(cfg);
		return NULL;
	}
	/* No second copy of the secret in a stdio buffer. */
	if (f)
		setvbuf(f, NULL, _IONBF, 0);
	e->whole = !f || cfg_parse_fp(cfg, f) == CFG_SUCCESS;
	if (f)
		fclose(f);
	if (!e->whole && !report_from(&root))
		conf_error_at(e, cfg->line, "the file cannot be parsed beyond this line");
	return cfg;
}
