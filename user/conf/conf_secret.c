/* SPDX-License-Identifier: GPL-2.0-only */
/* The secret that the nodes share: from the key secret, or from the file that secret_file names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "conf/schema.h"

/*
 * Reads the file of the secret into dst, without the newline at its end. NULL, or what is wrong
 * with the file; then *len is 0.
 */
static const char *load_secret(const char *path, char *dst, size_t size, size_t *len)
{
	const char *problem = NULL;
	struct stat st;
	ssize_t n = 0;
	int fd;

	*len = 0;
	/* O_NONBLOCK: a FIFO in place of the file must not block the daemon. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0)
		problem = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		problem = "not a regular file";
	else if (st.st_mode & S_IRWXO)
		problem = "others may use this file: run chmod o= on it";
	else if ((n = read(fd, dst, size)) < 0)
		problem = strerror(errno);
	close(fd);
	if (problem)
		return problem;
	if (n > 0 && dst[n - 1] == '\n')
		n--;
	*len = (size_t)n;
	return NULL;
}

static void set_secret(const struct conf_sec *s, const char *key, const char *secret, size_t len,
		       struct conf *c)
{
	if (len < CONF_SECRET_MIN || len >= sizeof(c->secret)) {
		conf_complain(
			s, key,
			"the secret has %zu characters: it needs %d to %zu, for example from: "
			"openssl rand -hex 16",
			len, CONF_SECRET_MIN, sizeof(c->secret) - 1);
		return;
	}
	if (memchr(secret, '\0', len)) {
		conf_complain(s, key, "the secret has a zero byte in it: use printable text");
		return;
	}
	memcpy(c->secret, secret, len);
	c->secret[len] = '\0';
	c->secret_len = len;
}

static void read_secret_file(const struct conf_sec *root, const char *path, struct conf *c)
{
	char buf[CONF_SECRET_MAX + 1];
	size_t len;
	const char *problem = load_secret(path, buf, sizeof(buf), &len);

	if (problem)
		conf_complain(root, "secret_file", "%s", problem);
	else
		set_secret(root, "secret_file", buf, len, c);
	explicit_bzero(buf, sizeof(buf));
}

void conf_read_secret(const struct conf_sec *root, struct conf *c)
{
	const struct conf_text *t = conf_value(root, "secret");
	char path[CONF_PATH_MAX];

	if (t && conf_given(root, "secret_file"))
		conf_complain(root, "secret_file", "secret is given too: keep one of them");
	else if (t)
		set_secret(root, "secret", t->s, t->size - 1, c);
	else if (conf_read_key(root, conf_key_find("secret_file"), path))
		read_secret_file(root, path, c);
	else if (root->errors->whole && !conf_given(root, "secret") &&
		 !conf_given(root, "secret_file"))
		conf_complain(root, "secret",
			      "missing: the nodes need a shared secret; write secret = \"...\" "
			      "or secret_file = \"/path\"");
}
