/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The secrets that the nodes share: from the key secret, or from the lines of the file that
 * secret_file names. There is more than one only while a secret is replaced.
 *
 * The file that holds them is for root alone (or for the user who checks it). The secrets of our
 * documents are public, and are refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "conf/schema.h"

/* Both secrets, each with its line end, behind a byte order mark. */
#define FILE_MAX (HOKM_MAX_SECRETS * (CONF_SECRET_MAX + 1) + 3)

#define PROBLEM_MAX 192

/* What the documents show, or showed. */
static const char *const published[] = {
	"put the output of hokm-xdp genkey here",
	"put at least sixteen characters here",
	"change-me-to-a-long-random-text",
	"at least sixteen characters",
};

const char *conf_secret_mode(const struct stat *st, const char *path, char *buf, size_t size)
{
	/* A path that is too long for the words is cut. */
	if (st->st_mode & S_IRWXO)
		(void)snprintf(buf, size, "others may use this file: run chmod o= %s", path);
	else if (st->st_uid && st->st_uid != geteuid())
		(void)snprintf(buf, size,
			       "this file belongs to user %u, who may read and replace the secret: "
			       "run chown root %s",
			       st->st_uid, path);
	else
		return NULL;
	return buf;
}

size_t conf_byte_order_mark(const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";

	return len >= sizeof(mark) - 1 && !memcmp(text, mark, sizeof(mark) - 1)
		       ? sizeof(mark) - 1
		       : 0;
}

/* An agent may write the file later, or a file system with it may be mounted later. */
static bool may_come(int err)
{
	return err != EACCES && err != EPERM && err != ELOOP && err != ENAMETOOLONG;
}

/*
 * Reads the file of the secrets into dst, without the newline at its end. NULL, or what is wrong
 * with the file; then *len is 0, and *late is whether the same path may be good later. words: room
 * for PROBLEM_MAX characters.
 */
static const char *load_secrets(const char *path, char *dst, size_t size, size_t *len, bool *late,
				char *words)
{
	const char *problem = NULL;
	struct stat st;
	ssize_t n = 0;
	int fd;

	*len = 0;
	*late = false;
	/* O_NONBLOCK: a FIFO in place of the file must not block the daemon. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		*late = may_come(errno);
		return strerror(errno);
	}
	if (fstat(fd, &st) < 0)
		problem = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		problem = "not a regular file";
	else if ((problem = conf_secret_mode(&st, path, words, PROBLEM_MAX)))
		; /* not read */
	else if ((n = read(fd, dst, size)) < 0)
		problem = strerror(errno);
	*late = !problem && !n;
	close(fd);
	if (*late)
		return "empty: nothing was written into it yet";
	if (problem)
		return problem;
	if (n > 0 && dst[n - 1] == '\n')
		n--;
	*len = (size_t)n;
	return NULL;
}

static bool is_published(const char *secret, size_t len)
{
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++)
		if (strlen(published[i]) == len && !memcmp(published[i], secret, len))
			return true;
	return false;
}

static void add_secret(const struct conf_sec *s, const char *key, const char *secret, size_t len,
		       struct conf *c)
{
	struct conf_secret *to = &c->secrets[c->n_secrets];

	if (c->n_secrets == HOKM_MAX_SECRETS) {
		conf_complain(s, key,
			      "more than %d secrets: the new and the old one are enough, "
			      "see \"Replace the secret\" in docs/operation.md",
			      HOKM_MAX_SECRETS);
		return;
	}
	if (len < CONF_SECRET_MIN || len >= sizeof(to->text)) {
		conf_complain(
			s, key,
			"the secret has %zu characters: it needs %d to %zu, for example from: "
			"hokm-xdp genkey",
			len, CONF_SECRET_MIN, sizeof(to->text) - 1);
		return;
	}
	if (memchr(secret, '\0', len)) {
		conf_complain(s, key, "the secret has a zero byte in it: use printable text");
		return;
	}
	if (is_published(secret, len)) {
		conf_complain(s, key,
			      "the example of the documents, which everybody knows: "
			      "write the output of hokm-xdp genkey");
		return;
	}
	for (unsigned int i = 0; i < c->n_secrets; i++)
		if (c->secrets[i].len == len && !memcmp(c->secrets[i].text, secret, len)) {
			conf_complain(s, key, "the same secret twice");
			return;
		}
	memcpy(to->text, secret, len);
	to->text[len] = '\0';
	to->len = len;
	c->n_secrets++;
}

static void read_secret_file(const struct conf_sec *root, const char *path, struct conf *c)
{
	char buf[FILE_MAX + 1], words[PROBLEM_MAX];
	size_t len;
	bool late;
	const char *problem = load_secrets(path, buf, sizeof(buf), &len, &late, words);
	const char *line = buf + conf_byte_order_mark(buf, len), *end = buf + len;

	if (problem)
		conf_complain(root, "secret_file", "%s", problem);
	root->errors->n_late += late;
	for (const char *stop; !problem && line <= end; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		len = (size_t)(stop - line);
		/* The same file with line ends of Windows has the same secrets. */
		len -= len && line[len - 1] == '\r';
		add_secret(root, "secret_file", line, len, c);
	}
	explicit_bzero(buf, sizeof(buf));
}

static void read_secret_key(const struct conf_sec *root, struct conf *c)
{
	cfg_opt_t *opt = cfg_getopt(root->cfg, "secret");
	char words[PROBLEM_MAX];
	const char *problem = root->st ? conf_secret_mode(root->st, c->file, words, sizeof(words))
				       : NULL;

	if (problem)
		conf_complain(root, "secret", "%s", problem);
	for (unsigned int i = 0; i < cfg_opt_size(opt); i++) {
		const struct conf_text *t = cfg_opt_getnptr(opt, i);

		add_secret(root, "secret", t->s, t->size - 1, c);
	}
}

void conf_read_secrets(const struct conf_sec *root, struct conf *c)
{
	char path[CONF_PATH_MAX];
	const struct conf_text *t = conf_value(root, "secret");

	if (t && conf_given(root, "secret_file"))
		conf_complain(root, "secret_file", "secret is given too: keep one of them");
	else if (t)
		read_secret_key(root, c);
	else if (conf_read_key(root, conf_key_find("secret_file"), path))
		read_secret_file(root, path, c);
	else if (root->errors->whole && !conf_given(root, "secret") &&
		 !conf_given(root, "secret_file"))
		conf_complain(root, "secret",
			      "missing: the nodes need a shared secret; write secret = \"...\" "
			      "or secret_file = \"/path\"");
}
