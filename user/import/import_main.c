/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of `hokm-xdp import`, and the way from one program to the other. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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

static void usage(FILE *f)
{
	fputs("usage: hokm-xdp import [OPTION]… /etc/keepalived/keepalived.conf\n"
	      "\n"
	      "Shows the configuration of hokm-xdp that means the same, and the verdict of each\n"
	      "line. It changes nothing.\n"
	      "\n"
	      "  -o FILE                write the configuration to a new FILE, with mode 0600\n"
	      "  --self ADDRESS         this node's own address, where the file has none\n"
	      "  --peer ADDRESS         the other node's, where the file has none\n"
	      "  --peer-priority N      its priority; without it 10 less than a MASTER's,\n"
	      "                         10 more than a BACKUP's\n"
	      "  --port N               the TCP port of the game (8765)\n"
	      "  --instance NAME        of several vrrp_instance, this one\n",
	      f);
}

static int take_number(const char *text, unsigned int most, unsigned int *out)
{
	uint64_t n;

	if (number_parse(text, &n) || !n || n > most)
		return -EINVAL;
	*out = (unsigned int)n;
	return 0;
}

static int take_option(struct call *c, int option)
{
	switch (option) {
	case 'o':
		c->out = optarg;
		return 0;
	case 's':
		return inet_pton(AF_INET, optarg, &c->opt.self) == 1 ? 0 : -EINVAL;
	case 'p':
		return inet_pton(AF_INET, optarg, &c->opt.peer) == 1 ? 0 : -EINVAL;
	case 'y':
		return take_number(optarg, 254, &c->opt.peer_priority);
	case 't':
		return take_number(optarg, 65535, &c->opt.port);
	case 'i':
		c->opt.instance = optarg;
		return 0;
	}
	return -EINVAL;
}

/* Returns 0, -EINVAL for a wrong command line, or 1 when help was asked for. */
static int parse(int argc, char **argv, struct call *c)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"self", required_argument, NULL, 's'},
		{"peer", required_argument, NULL, 'p'},
		{"peer-priority", required_argument, NULL, 'y'},
		{"port", required_argument, NULL, 't'},
		{"instance", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		if (option == 'h')
			return 1;
		if (option == '?')
			return -EINVAL;
		if (take_option(c, option)) {
			fprintf(stderr, "hokm-xdp import: `%s` is not a value of this option\n",
				optarg);
			return -EINVAL;
		}
	}
	if (optind + 1 != argc)
		return -EINVAL;
	c->file = argv[optind];
	return 0;
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
		fprintf(stderr, "hokm-xdp import: %s: %s\n", c->file,
			err == -EINVAL ? "nothing was imported" : strerror(-err));
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
	int err = parse(argc, argv, &c);

	if (err) {
		usage(err < 0 ? stderr : stdout);
		return err < 0 ? EX_USAGE : EX_OK;
	}
	if (genkey_make(c.secret)) {
		fprintf(stderr, "hokm-xdp import: the kernel gave no random bytes\n");
		return EX_OSERR;
	}
	c.opt.secret = c.secret;
	err = run(&c);
	explicit_bzero(c.secret, sizeof(c.secret));
	return err;
}
