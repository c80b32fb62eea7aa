/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command in the file: one text, or a list of words. It is kept as one text that words_split()
 * divides into the same words.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"

/* Appends an argument so that words_split() gives it back. False: no room, or both quotes in it. */
static bool append_word(char *command, size_t size, const char *word)
{
	const size_t at = strlen(command);
	const char *quote = !*word || strchr(word, ' ') || strchr(word, '"') ? "'" : "";
	int n;

	if (strchr(word, '\''))
		quote = strchr(word, '"') ? NULL : "\"";
	n = quote ? snprintf(command + at, size - at, "%s%s%s%s", at ? " " : "", quote, word, quote)
		  : -1;
	return n >= 0 && (size_t)n < size - at;
}

static void join_list(const struct conf_sec *s, const char *key, char *command, size_t size)
{
	cfg_opt_t *opt = s->cfg ? cfg_getopt(s->cfg, key) : NULL;
	const unsigned int n = opt ? cfg_opt_size(opt) : 0;
	bool fits = true;

	if (n < 2)
		return;
	command[0] = '\0';
	for (unsigned int i = 0; i < n && fits; i++) {
		const struct conf_text *t = cfg_opt_getnptr(opt, i);

		fits = append_word(command, size, t->s);
		for (const char *p = t->s; *p; p++)
			fits &= (unsigned char)*p >= 0x20 && *p != 0x7f;
	}
	if (!fits)
		conf_complain(s, key,
			      "the list is longer than %zu characters in all, "
			      "or an argument has both kinds of quotes or control characters",
			      size - 1);
}

void conf_check_command(const struct conf_sec *s, const char *key, char *command, size_t size)
{
	char copy[CONF_PATH_MAX], *argv[CONF_ARGS_MAX + 1];
	int n;

	if (!conf_good(s, key))
		return;
	join_list(s, key, command, size);
	snprintf(copy, sizeof(copy), "%s", command);
	n = words_split(copy, argv, CONF_ARGS_MAX);
	if (n == -EINVAL)
		conf_complain(s, key, "a quote is not closed");
	else if (n == -E2BIG)
		conf_complain(s, key, "more than %d words", CONF_ARGS_MAX);
	else if (n > 0 && argv[0][0] != '/')
		conf_complain(s, key, "an absolute path, beginning with /");
}
