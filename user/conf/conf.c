/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads the configuration: file -> bytes -> sections -> struct conf, checked as a whole.
 *
 * The secret passes through three places, all wiped: the file's bytes, the values kept beside the
 * parser, and struct conf. libconfuse's scanner is not reentrant: one load at a time per process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"

/*
 * Reads the file with a zero byte behind it. Caller: wipe_file(). 0 or -errno, -EINVAL after an
 * error.
 */
static int read_file(const char *file, struct conf_errors *e, char **out, size_t *len)
{
	char *buf = NULL;
	struct stat st;
	ssize_t n;
	int err = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		err = -errno;
	} else if (S_ISDIR(st.st_mode)) {
		err = -EISDIR;
	} else if (!S_ISREG(st.st_mode)) {
		err = -ENOTSUP;
	} else if (st.st_size > CONF_FILE_MAX) {
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

static void check_path(const struct conf_sec *root, const char *key, const char *path)
{
	const char *at = strchr(path, '%');

	if (at && (at[1] != 'n' || strchr(at + 1, '%')))
		conf_complain(root, key, "%% may stand once, as %%n, for the node's name");
}

/* Everything that can be read of what was parsed. */
static void read_all(const struct conf_sec *root, bool find_self, struct conf *c)
{
	unsigned int profile = CONF_PROFILE_STANDARD;
	int err;

	conf_read_word(root, "profile", conf_profile_words, &profile);
	conf_default(c, (enum conf_profile)profile);
	conf_read_secret(root, c);
	conf_read_general(root, c);
	check_path(root, "bpffs", c->bpffs);
	check_path(root, "socket", c->socket);
	conf_read_vips(root, c);
	conf_read_nodes(root, c);
	conf_read_services(root, c);
	if (c->secret_len) {
		err = conf_derive_password(c, c->vrrp_password);
		if (err)
			conf_error_at(root->errors, 0,
				      "no key can be derived from the secret with libcrypto: %s",
				      strerror(-err));
	}
	conf_read_vrrp(root, c);
	if (c->vrrp_version == 3)
		explicit_bzero(c->vrrp_password, sizeof(c->vrrp_password));
	conf_read_pulse(root, c);
	conf_read_replication(root, c);
	conf_read_passive(root, c);
	conf_read_hooks(root, c);
	c->self = c->n_nodes;
	if (find_self && !root->errors->n)
		conf_find_self(root, c);
}

/* 0, -EINVAL with errors, -ENOMEM. */
static int load(char *buf, size_t len, bool find_self, struct conf_errors *e, struct conf *c)
{
	struct conf_sec root = {.errors = e};

	if (!conf_scan(buf, len, e))
		return -EINVAL;
	root.cfg = conf_grammar_parse(buf, len, e);
	if (!root.cfg)
		return -ENOMEM;
	read_all(&root, find_self, c);
	cfg_free(root.cfg);
	return e->n ? -EINVAL : 0;
}

int conf_load(const char *file, bool find_self, FILE *errors, struct conf **out)
{
	struct conf_errors *e = calloc(1, sizeof(*e));
	struct conf *c = calloc(1, sizeof(*c));
	char *buf = NULL;
	size_t len = 0;
	int err = -ENOMEM;

	*out = NULL;
	if (!e || !c)
		goto out;
	if (snprintf(c->file, sizeof(c->file), "%s", file) >= (int)sizeof(c->file))
		err = -ENAMETOOLONG;
	else
		err = read_file(file, e, &buf, &len);
	if (!err)
		err = load(buf, len, find_self, e, c);
	if (!err) {
		*out = c;
		c = NULL;
	}
out:
	if (err && err != -EINVAL)
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

const char *conf_needs_restart(const struct conf *running, const struct conf *wanted)
{
	const struct conf_node *a = &running->nodes[running->self];
	const struct conf_node *b = &wanted->nodes[wanted->self];

	if (strcmp(running->interface, wanted->interface))
		return "interface";
	if (strcmp(a->name, b->name))
		return "node (this node's name)";
	if (a->addr.s_addr != b->addr.s_addr)
		return "node.address";
	if (strcmp(running->bpffs, wanted->bpffs))
		return "bpffs";
	if (strcmp(running->socket, wanted->socket))
		return "socket";
	if (strcmp(running->ctl_group, wanted->ctl_group))
		return "ctl_group";
	if (strcmp(running->agent_user, wanted->agent_user))
		return "agent_user";
	if (running->max_connections != wanted->max_connections)
		return "max_connections";
	if (running->vrid != wanted->vrid)
		return "vrrp.vrid";
	if (running->multicast != wanted->multicast)
		return "vrrp.mode";
	if (running->pulse_port != wanted->pulse_port)
		return "pulse.port";
	if (running->replicate != wanted->replicate)
		return "replication.enabled";
	if (running->repl_port != wanted->repl_port)
		return "replication.port";
	return NULL;
}
