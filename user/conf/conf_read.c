/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A key's text as a value, and the errors of a file.
 *
 * A reader that finds its key missing leaves the default alone; one that finds it wrong says so,
 * with the value and what would be right, and leaves the default alone too, so that reading goes on
 * and finds the next error. The values of secret and password are never shown.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_int.h"
#include "base/units.h"

#define SHOWN_MAX 80 /* bytes of a value in an error */

void conf_error_at(struct conf_errors *e, int line, const char *fmt, ...)
{
	struct conf_error *err;
	char text[sizeof(err->text)];
	va_list ap;

	e->n++;
	if (e->n > CONF_ERRORS_MAX)
		return;
	err = &e->list[e->n - 1];
	err->line = line;
	err->seq = e->n;
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	text_show(text, err->text, sizeof(err->text));
}

static bool is_hidden(const char *key)
{
	return !strcmp(key, "secret") || !strcmp(key, "password");
}

/* The key's value whether or not it was given twice; NULL when not given. */
static const struct conf_text *find_text(const struct conf_sec *s, const char *key)
{
	cfg_opt_t *opt = cfg_getopt(s->cfg, key);

	return opt && cfg_opt_size(opt) ? cfg_opt_getnptr(opt, 0) : NULL;
}

bool conf_given(const struct conf_sec *s, const char *key)
{
	return find_text(s, key) != NULL;
}

void conf_complain(const struct conf_sec *s, const char *key, const char *fmt, ...)
{
	const struct conf_text *t = find_text(s, key);
	char words[256], shown[SHOWN_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(words, sizeof(words), fmt, ap) < 0)
		words[0] = '\0';
	va_end(ap);
	if (!t)
		conf_error_at(s->errors, s->name[0] ? s->cfg->line : 0, "%s%s: %s", s->name, key,
			      words);
	else if (is_hidden(key))
		conf_error_at(s->errors, t->line, "%s%s (value not shown): %s", s->name, key,
			      words);
	else
		conf_error_at(s->errors, t->line, "%s%s = \"%s\": %s", s->name, key,
			      text_show(t->s, shown, sizeof(shown)), words);
}

static int by_line(const void *a, const void *b)
{
	const struct conf_error *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

void conf_errors_print(struct conf_errors *e, const char *file, FILE *to)
{
	const unsigned int kept = e->n < CONF_ERRORS_MAX ? e->n : CONF_ERRORS_MAX;

	qsort(e->list, kept, sizeof(e->list[0]), by_line);
	for (unsigned int i = 0; i < kept; i++) {
		if (e->list[i].line)
			fprintf(to, "%s:%d: %s\n", file, e->list[i].line, e->list[i].text);
		else
			fprintf(to, "%s: %s\n", file, e->list[i].text);
	}
	if (e->n > kept)
		fprintf(to, "%s: and %u more errors\n", file, e->n - kept);
}

const struct conf_text *conf_value(const struct conf_sec *s, const char *key)
{
	const struct conf_text *t = find_text(s, key);

	if (t && t->again) {
		conf_complain(s, key, "given twice in the same section: keep one");
		return NULL;
	}
	return t;
}

bool conf_read_text(const struct conf_sec *s, const char *key, char *dst, size_t size)
{
	const struct conf_text *t = conf_value(s, key);

	if (!t)
		return false;
	for (const char *p = t->s; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			conf_complain(s, key, "control characters are not allowed");
			return false;
		}
	}
	if (t->size > size) {
		conf_complain(s, key, "at most %zu characters", size - 1);
		return false;
	}
	memcpy(dst, t->s, t->size);
	return true;
}

bool conf_read_name(const struct conf_sec *s, const char *key, char *dst, size_t size)
{
	const struct conf_text *t = conf_value(s, key);

	if (!t)
		return false;
	if (!name_valid(t->s) || t->size > size) {
		conf_complain(s, key,
			      "a name of 1 to %zu letters, digits, '-' and '_', beginning with a "
			      "letter or digit",
			      size - 1);
		return false;
	}
	memcpy(dst, t->s, t->size);
	return true;
}

bool conf_read_path(const struct conf_sec *s, const char *key, char *dst, size_t size)
{
	const struct conf_text *t = conf_value(s, key);

	if (!t)
		return false;
	if (t->s[0] != '/') {
		conf_complain(s, key, "an absolute path, beginning with /");
		return false;
	}
	return conf_read_text(s, key, dst, size);
}

bool conf_read_number(const struct conf_sec *s, const char *key, unsigned int min, unsigned int max,
		      unsigned int *out)
{
	const struct conf_text *t = conf_value(s, key);
	uint64_t n;

	if (!t)
		return false;
	if (number_parse(t->s, &n) || n < min || n > max) {
		conf_complain(s, key, "a whole number from %u to %u", min, max);
		return false;
	}
	*out = (unsigned int)n;
	return true;
}

bool conf_read_port(const struct conf_sec *s, const char *key, uint16_t *out)
{
	unsigned int n;

	if (!conf_read_number(s, key, 1, 65535, &n))
		return false;
	*out = (uint16_t)n;
	return true;
}

bool conf_read_bool(const struct conf_sec *s, const char *key, bool *out)
{
	const struct conf_text *t = conf_value(s, key);
	int b;

	if (!t)
		return false;
	b = cfg_parse_boolean(t->s);
	if (b < 0) {
		conf_complain(s, key, "true or false");
		return false;
	}
	*out = b > 0;
	return true;
}

bool conf_read_duration(const struct conf_sec *s, const char *key, uint64_t min_ns, uint64_t max_ns,
			uint64_t *out)
{
	const struct conf_text *t = conf_value(s, key);
	char low[DURATION_TEXT_MAX], high[DURATION_TEXT_MAX];
	uint64_t ns;
	int err;

	if (!t)
		return false;
	err = duration_parse(t->s, &ns);
	if (err == -EINVAL) {
		conf_complain(s, key,
			      "a number with a unit of ns, us, ms, s or m, such as \"500ms\" or "
			      "\"1.5s\"");
		return false;
	}
	if (err || ns < min_ns || ns > max_ns) {
		conf_complain(s, key, "from %s to %s", duration_format(min_ns, low),
			      duration_format(max_ns, high));
		return false;
	}
	*out = ns;
	return true;
}

bool conf_read_word(const struct conf_sec *s, const char *key, const char *const *words,
		    unsigned int *out)
{
	const struct conf_text *t = conf_value(s, key);
	char list[128] = "";
	size_t at = 0;

	if (!t)
		return false;
	for (unsigned int i = 0; words[i]; i++) {
		if (!strcmp(t->s, words[i])) {
			*out = i;
			return true;
		}
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "",
					       words[i]);
	}
	conf_complain(s, key, "one of: %s", list);
	return false;
}

const char *conf_ipv4_problem(const char *text, struct in_addr *out)
{
	uint32_t a;

	if (inet_pton(AF_INET, text, out) != 1)
		return "an IPv4 address such as \"192.168.1.26\"";
	a = ntohl(out->s_addr);
	if (a >> 24 == 0 || a >> 24 == 127 || a >> 28 >= 14)
		return "not an address that a host on the network can have";
	return "";
}

bool conf_read_ipv4(const struct conf_sec *s, const char *key, struct in_addr *out)
{
	const struct conf_text *t = conf_value(s, key);
	struct in_addr addr;
	const char *problem;

	if (!t)
		return false;
	problem = conf_ipv4_problem(t->s, &addr);
	if (*problem) {
		conf_complain(s, key, "%s", problem);
		return false;
	}
	*out = addr;
	return true;
}

bool conf_nth_section(const struct conf_sec *s, const char *key, unsigned int i,
		      struct conf_sec *out)
{
	cfg_opt_t *opt = cfg_getopt(s->cfg, key);
	cfg_t *cfg = opt && i < cfg_opt_size(opt) ? cfg_opt_getnsec(opt, i) : NULL;
	int n;

	if (!cfg)
		return false;
	out->errors = s->errors;
	out->cfg = cfg;
	if (cfg_title(cfg))
		n = snprintf(out->name, sizeof(out->name), "%s%s %.*s.", s->name, key,
			     CONF_NAME_MAX, cfg_title(cfg));
	else
		n = snprintf(out->name, sizeof(out->name), "%s%s.", s->name, key);
	return n > 0;
}

bool conf_one_section(const struct conf_sec *root, const char *key, struct conf_sec *out)
{
	struct conf_sec second;

	if (conf_nth_section(root, key, 1, &second)) {
		conf_error_at(root->errors, second.cfg->line,
			      "%s { }: a second section of this name ends here: keep one", key);
		return false;
	}
	return conf_nth_section(root, key, 0, out);
}
