/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of `hokm-xdp import`, and the way from one program to the other. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/units.h"
#include "conf/genkey.h"
#include "import/import.h"

#define DEFAULT_PORT 8765

struct call {
	const char *file, *out;
	struct kl_options opt;
	char secret[GENKEY_TEXT_MAX];
};

static const struct command_option options[] = {
	{"output", 'o', true, "FILE", "write the configuration to a new FILE, with mode 0600"},
	{"self", 's', false, "ADDRESS", "this node's own address, where the file has none"},
	{"peer", 'p', false, "ADDRESS", "the other node's, where the file has none"},
	{"peer-priority", 'y', false, "N",
	 "its priority; without it 10 less than a MASTER's, 10 more than a BACKUP's"},
	{"port", 't', false, "N", "the TCP port of the game (8765)"},
	{"instance", 'i', false, "NAME", "of several vrrp_instance, this one"},
	{NULL, 0, false, NULL, NULL},
};

const struct command import_command = {
	.name = "import",
	.operands = "KEEPALIVED.CONF",
	.summary = "a configuration of keepalived as one of hokm-xdp",
	.about = "Shows the configuration of hokm-xdp that means the same as that of keepalived, "
		 "and the verdict of each line. It changes nothing.",
	.options = options,
};

static int take_number(const char *text, unsigned int most, unsigned int *out)
{
	uint64_t n;

	if (number_parse(text, &n) || !n || n > most)
		return -EINVAL;
	*out = (unsigned int)n;
	return 0;
}

static int take_option(struct call *c, int option, const char *value)
{
	switch (option) {
	case 'o':
		c->out = value;
		return 0;
	case 's':
		return inet_pton(AF_INET, value, &c->opt.self) == 1 ? 0 : -EINVAL;
	case 'p':
		return inet_pton(AF_INET, value, &c->opt.peer) == 1 ? 0 : -EINVAL;
	case 'y':
		return take_number(value, 254, &c->opt.peer_priority);
	case 't':
		return take_number(value, 65535, &c->opt.port);
	case 'i':
		c->opt.instance = value;
		return 0;
	}
	return -EINVAL;
}

/* Returns 0, COMMAND_HELP or COMMAND_BAD. */
static int parse(struct call *c, struct command_line *l)
{
	int option;

	while ((option = command_next(l)) > 0) {
		if (option == COMMAND_OPERAND && c->file)
			return command_wrong(l, "there is a word too many: %s", l->value);
		if (option == COMMAND_OPERAND)
			c->file = l->value;
		else if (take_option(c, option, l->value))
			return command_wrong(l, "`%s` is not a value of this option", l->value);
	}
	return option || c->file ? option : command_wrong(l, "name the file of keepalived");
}

/* Never over a file that is there. */
static int write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd))
		err = errno ? -errno : -EIO;
	if (close(fd) && !err)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

static void recipe(const char *path, FILE *to)
{
	fprintf(to,
		"\nFrom keepalived to hokm-xdp, one node at a time: both speak VRRP.\n"
		"  1. Compare the lines above that are not kept, then %s.\n"
		"  2. Copy the same file to the other node, mode 0600: it has a new secret.\n"
		"  3. On the node that is backup now: systemctl disable --now keepalived &&\n"
		"     systemctl enable --now hokm-xdp, then hokm-xdp ctl status.\n"
		"  4. On the node that is master now: systemctl disable --now keepalived.\n"
		"     The other node owns the VIP. Then systemctl enable --now hokm-xdp.\n"
		"  5. On both nodes: hokm-xdp ctl status. Each one names the other one as alive.\n",
		path);
}

static int run(const struct call *c)
{
	FILE *report = c->out ? stdout : stderr;
	char *text;
	int err = import_file(c->file, &c->opt, report, stderr, &text);

	if (err) {
		fprintf(stderr, "hokm-xdp import: %s: nothing was imported%s\n", c->file,
			err == -ENOMEM ? ": no memory" : "");
		return err == -EINVAL ? EX_DATAERR : EX_NOINPUT;
	}
	if (c->out)
		err = write_new(c->out, text);
	else
		fputs(text, stdout);
	explicit_bzero(text, strlen(text));
	free(text);
	if (err) {
		fprintf(stderr, "hokm-xdp import: could not write %s: %s\n", c->out,
			err == -EEXIST ? "the file exists" : strerror(-err));
		return EX_CANTCREAT;
	}
	recipe(c->out ? "read the new file" : "put the new file into place", report);
	return EX_OK;
}

int import_main(int argc, char **argv)
{
	struct call c = {.opt.port = DEFAULT_PORT};
	struct command_line l;
	int err;

	command_begin(&l, &import_command, argc, argv, stdout, stderr);
	err = parse(&c, &l);
	if (err)
		return err == COMMAND_HELP ? EX_OK : EX_USAGE;
	if (genkey_make(c.secret)) {
		fprintf(stderr, "hokm-xdp import: the kernel gave no random bytes\n");
		return EX_OSERR;
	}
	c.opt.secret = c.secret;
	err = run(&c);
	explicit_bzero(c.secret, sizeof(c.secret));
	return err;
}
