/* SPDX-License-Identifier: GPL-2.0-only */
/* See secret.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "setup/secret.h"

/* Whether setup can write it between double quotes, where libconfuse expands ${...}. */
static bool is_plain(const struct conf_secret *s)
{
	const size_t len = strlen(s->text);

	return len == s->len && len < GENKEY_TEXT_MAX && strcspn(s->text, "\"\\$\n\r") == len;
}

static int refuse(const char *config, const char *why, FILE *errors)
{
	fprintf(errors, "hokm-xdp setup: %s: %s; edit the file by hand\n", config, why);
	return -EINVAL;
}

static int make(FILE *errors, char secret[GENKEY_TEXT_MAX])
{
	int err = genkey_make(secret);

	if (err)
		fprintf(errors, "hokm-xdp setup: the kernel gave no random bytes\n");
	return err;
}

int setup_secret(const char *config, FILE *errors, char secret[GENKEY_TEXT_MAX])
{
	struct conf *c = NULL;
	char *said = NULL;
	size_t size;
	FILE *quiet = open_memstream(&said, &size);
	int err = quiet ? conf_load(config, false, quiet, &c) : -ENOMEM;

	if (quiet)
		fclose(quiet);
	if (err == -ENOENT)
		err = make(errors, secret);
	else if (err)
		fprintf(errors,
			"%shokm-xdp setup: the secret cannot be kept. "
			"Mend %s, or move it away for a new secret\n",
			said ? said : "", config);
	else if (c->n_secrets != 1)
		err = refuse(config, "it has two secrets, and setup writes one", errors);
	else if (!is_plain(&c->secrets[0]))
		err = refuse(config, "setup cannot write its secret", errors);
	else
		memcpy(secret, c->secrets[0].text, c->secrets[0].len + 1);
	conf_free(c);
	free(said);
	return err;
}
