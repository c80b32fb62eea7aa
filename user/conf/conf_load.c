/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads the configuration: file -> bytes -> sections -> struct conf, checked as a whole.
 *
 * The secret is in three places, and all of them are wiped: the bytes of the file, the texts of the
 * parser, and struct conf. libconfuse's scanner is not reentrant: a process loads one file at a
 * time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "conf/schema.h"

/*
 * Reads the file with a zero byte behind it. Caller: wipe_file(). 0 or -errno; -EINVAL: reported.
 */
static int read_file(const char *file, struct conf_errors *e, char **out, size_t *len,
		     struct stat *st)
{
	char *buf = NULL;
	ssize_t n;
	int err = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0) {
		err = -errno;
	} else if (S_ISDIR(st->st_mode)) {
		err = -EISDIR;
	} else if (!S_ISREG(st->st_mode)) {
		err = -ENOTSUP;
	} else if (st->st_size > CONF_FILE_MAX) {
		conf_error_at(e, 0, "larger than 1 MiB: this is no configuration file");
		err = -EINVAL;
	}
	if (err)
		goto out;
	buf = calloc(1, CONF_FILE_MAX + 1);
	if (!buf) {
		err = -ENOMEM;
		goto out;
	}
	for (*len = 0; *len < CONF_FILE_MAX; *len += (size_t)n) {
		n = read(fd, buf + *len, CONF_FILE_MAX - *len);
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
	}
out:
	close(fd);
	*out = buf;
	return err;
}

static void wipe_file(char *buf, size_t len)
{
	if (buf)
		explicit_bzero(buf, len);
	free(buf);
}

static int result(const struct conf_errors *e)
{
	if (e->n > e->n_missing + e->n_late)
		return -EINVAL;
	return e->n_late ? -EAGAIN : e->n ? -EADDRNOTAVAIL : 0;
}

/* 0, -EINVAL, -EADDRNOTAVAIL or -EAGAIN with errors, -ENOMEM. */
static int load(char *buf, size_t len, const struct stat *st, bool find_self, struct conf_errors *e,
		struct conf *c)
{
	struct conf_sec root = {.errors = e, .schema = &conf_schema, .item = c, .st = st};

	const size_t mark = conf_byte_order_mark(buf, len);

	buf += mark;
	len -= mark;
	if (!conf_scan(buf, len, e))
		return -EINVAL;
	root.cfg = conf_parse(buf, len, e);
	if (!root.cfg)
		return -ENOMEM;
	conf_read(&root, c);
	c->self = c->n_nodes;
	if (find_self && e->n == e->n_late)
		conf_find_self(&root, c);
	cfg_free(root.cfg);
	return result(e);
}

int conf_load(const char *file, bool find_self, FILE *errors, struct conf **out)
{
	struct conf_errors *e = calloc(1, sizeof(*e));
	struct conf *c = calloc(1, sizeof(*c));
	char *buf = NULL;
	struct stat st;
	size_t len = 0;
	int err = -ENOMEM;

	*out = NULL;
	if (!e || !c)
		goto out;
	if (snprintf(c->file, sizeof(c->file), "%s", file) >= (int)sizeof(c->file))
		err = -ENAMETOOLONG;
	else
		err = read_file(file, e, &buf, &len, &st);
	if (!err)
		err = load(buf, len, &st, find_self, e, c);
	if (!err) {
		*out = c;
		c = NULL;
	}
out:
	if (err && err != -EINVAL && err != -EADDRNOTAVAIL && err != -EAGAIN)
		fprintf(errors, "%s: the configuration cannot be read: %s\n", file, strerror(-err));
	else if (e)
		conf_errors_print(e, file, errors);
	wipe_file(buf, len);
	conf_free(c);
	free(e);
	return err;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	explicit_bzero(c, sizeof(*c));
	free(c);
}
