/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of `hokm-xdp setup`, and where the configuration comes from: from options on the
 * first machine, from its code on the others, from a keepalived.conf, or from the file that is
 * there.
 *
 * The code has the secret in it, and the arguments of a process are there for all users to see. So
 * it is read from stdin or a file only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/gateway.h"
#include "base/units.h"
#include "import/import.h"
#include "setup/act.h"
#include "setup/secret.h"
#include "setup/setup.h"
#include "setup/unit.h"

/* The user that the package makes. */
#define AGENT_USER "hokm-xdp"

struct call {
	struct setup s;
	struct setup_wish wish;
	struct setup_plan plan; /* with the secret */
	const char *import, *join;
	bool remove;
	bool wished; /* an option that says what the group is */
};

enum { OPT_FIREWALL = 'F', OPT_PRIMARY = 'P', OPT_REMOVE = 'R' };

static const struct command_option options[] = {
	{"peer", 'p', false, "ADDRESS", "the other node's own address"},
	{"vip", 'v', false, "ADDRESS", "the virtual IP, with or without /PREFIX (" SETUP_VIP ")"},
	{"port", 't', false, "N", "the TCP port of the game (8765)"},
	{"witness", 'w', false, "ADDRESS", "a third machine that decides with the nodes"},
	{"gateway", 'g', false, "ADDRESS",
	 "decides between two nodes that do not hear each other, if there is no witness; "
	 "none: nobody does (that of the default route)"},
	{"self", 's', false, "ADDRESS", "this node's own address, where several can be meant"},
	{"primary", OPT_PRIMARY, false, NULL,
	 "this node is the primary: so it is without --backup"},
	{"backup", 'b', false, NULL, "this node is the backup, the peer is the primary"},
	{"fast", 'f', false, NULL, "profile fast: failover in a third of a second"},
	{"join", 'j', false, "FILE",
	 "on the other machines: read the code of the first one; - is stdin"},
	{"import", 'i', false, "FILE", "take what a keepalived.conf says; see hokm-xdp import"},
	{"start", 'S', false, NULL, "enable and start the unit"},
	{"no-firewall", OPT_FIREWALL, false, NULL, "no table of nftables, and no commands for one"},
	{"remove", OPT_REMOVE, false, NULL,
	 "stop it, and remove what setup wrote and nobody edited"},
	{"dry-run", 'n', true, NULL, "only say what would be done"},
	{"yes", 'y', true, NULL, "answer each question with yes, except whether to start"},
	{"config", 'c', true, "FILE", "the configuration (" SETUP_CONFIG "); units are left alone"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "done"},
	{"1",
	 "this machine is not ready, you said no, or something failed: the message says which"},
	{"2", "done, and another node does not answer yet"},
	{NULL, NULL},
};

const struct command setup_command = {
	.name = "setup",
	.operands = "",
	.summary = "make this machine a node: checks, configuration, packet filter",
	.about = "Checks whether this machine can be a node, writes the configuration with a new "
		 "secret, and loads a table of nftables of its own, which keeps pulses and "
		 "replication to the other nodes. "
		 "It prints a code for the other machines: there, run hokm-xdp setup --join - and "
		 "paste it. The code is as secret as the secret. It is never an argument, because "
		 "other users can see the arguments of a process. "
		 "Without --peer, --join and --import it takes the configuration that is there. "
		 "A configuration that was edited is replaced only after a question.",
	.options = options,
	.exits = exits,
};

/* ---- command line ---- */

static int take_address(const char *text, struct in_addr *to)
{
	return inet_pton(AF_INET, text, to) == 1 && to->s_addr ? 0 : -EINVAL;
}

static int take_number(const char *text, uint64_t most, uint64_t *to)
{
	return !number_parse(text, to) && *to && *to <= most ? 0 : -EINVAL;
}

static int take_vip(struct setup_wish *w, const char *text)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	uint64_t prefix = 0;

	if (slash && take_number(slash + 1, 32, &prefix))
		return -EINVAL;
	w->prefix = (unsigned int)prefix;
	snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - text) : INET_ADDRSTRLEN,
		 text);
	return take_address(address, &w->vip);
}

static int take_gateway(struct setup_wish *w, const char *text)
{
	w->no_gateway = !strcmp(text, "none");
	w->gateway.s_addr = 0;
	return w->no_gateway ? 0 : take_address(text, &w->gateway);
}

static int take_port(struct setup_wish *w, const char *text)
{
	uint64_t port;

	if (take_number(text, UINT16_MAX, &port))
		return -EINVAL;
	w->port = (uint16_t)port;
	return 0;
}

/* What the group is. Returns 0, -EINVAL for a bad value, or -ENOENT for another option. */
static int take_wish(struct setup_wish *w, int option, const char *value)
{
	switch (option) {
	case 'p':
		return take_address(value, &w->peer);
	case 'v':
		return take_vip(w, value);
	case 't':
		return take_port(w, value);
	case 'w':
		return take_address(value, &w->witness);
	case 'g':
		return take_gateway(w, value);
	case 's':
		return take_address(value, &w->self);
	case OPT_PRIMARY:
		w->backup = false;
		return 0;
	case 'b':
		w->backup = true;
		return 0;
	case 'f':
		w->fast = true;
		return 0;
	}
	return -ENOENT;
}

static void take_flag(struct call *k, int option, const char *value)
{
	switch (option) {
	case 'i':
		k->import = value;
		break;
	case 'S':
		k->s.start = true;
		break;
	case OPT_FIREWALL:
		k->s.no_firewall = true;
		break;
	case OPT_REMOVE:
		k->remove = true;
		break;
	case 'n':
		k->s.dry = true;
		break;
	case 'y':
		k->s.yes = true;
		break;
	case 'c':
		k->s.config = value;
		break;
	case 'j':
		k->join = value;
		break;
	}
}

/* Returns 0, COMMAND_HELP or COMMAND_BAD. */
static int parse(struct call *k, struct command_line *l)
{
	int option, err;

	while ((option = command_next(l)) > 0) {
		if (option == COMMAND_OPERAND)
			return command_wrong(l, "it takes no `%s`", l->value);
		err = take_wish(&k->wish, option, l->value);
		if (err == -EINVAL)
			return command_wrong(l, "`%s` is not a value of this option", l->value);
		k->wished |= !err;
		take_flag(k, option, l->value);
	}
	if (option)
		return option;
	if (k->join && !strncasecmp(k->join, "HOKM", 4))
		return command_wrong(l, "other users can see the arguments of a process: "
					"run hokm-xdp setup --join - and paste the code");
	if ((k->join != NULL) + (k->import != NULL) + k->remove > 1)
		return command_wrong(l, "--join, --import and --remove exclude each other");
	if ((k->join || k->remove) && k->wished)
		return command_wrong(l, "--join and --remove take no addresses: "
					"the code or the file has them");
	return 0;
}

/* ---- where the configuration comes from ---- */

static int fail(const char *words)
{
	fprintf(stderr, "hokm-xdp setup: %s\n", words);
	return -EINVAL;
}

/* The configuration with its stamp. */
static int stamped(const char *conf, char **text)
{
	size_t size;
	FILE *to = open_memstream(text, &size);
	int err;

	if (!to)
		return -errno;
	err = setup_stamp(SETUP_FILE_CONF, conf, to);
	return fclose(to) && !err ? -errno : err;
}

static int text_of_plan(const struct setup_plan *p, char **text)
{
	char *conf = NULL;
	size_t size;
	FILE *to = open_memstream(&conf, &size);
	int err;

	if (!to)
		return -errno;
	err = setup_conf(p, getpwnam(AGENT_USER) ? AGENT_USER : NULL, to);
	if (fclose(to) && !err)
		err = -errno;
	if (!err)
		err = stamped(conf, text);
	setup_forget(conf);
	return err;
}

/* On the interface of this node, which is one of the two. */
static void find_gateway(struct call *k, const struct setup_addr *list, unsigned int n)
{
	struct in_addr gateway = {0};
	char buf[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < n; i++)
		if ((list[i].addr.s_addr == k->plan.nodes[SETUP_PRIMARY].s_addr ||
		     list[i].addr.s_addr == k->plan.nodes[SETUP_BACKUP].s_addr) &&
		    !gateway_find(list[i].interface, &gateway))
			setup_take_gateway(&k->wish, &list[i], gateway, &k->plan);
	if (k->plan.gateway.s_addr != k->wish.gateway.s_addr &&
	    inet_ntop(AF_INET, &k->plan.gateway, buf, sizeof(buf)))
		printf("%s, the gateway of the default route, decides between two nodes "
		       "that do not hear each other;\n--gateway none leaves it out\n",
		       buf);
}

static int from_wish(struct call *k, char **text)
{
	struct setup_addr list[SETUP_ADDRS_MAX];
	char words[SETUP_WORDS_MAX];
	int n = setup_addresses(list);

	if (n < 0)
		return fail("the addresses of this machine cannot be read");
	if (!k->wish.vip.s_addr)
		(void)inet_pton(AF_INET, SETUP_VIP, &k->wish.vip);
	if (setup_place(&k->wish, list, (unsigned int)n, &k->plan, words))
		return fail(words);
	find_gateway(k, list, (unsigned int)n);
	return setup_secret(k->s.config, stderr, k->plan.secret)
		       ? -EINVAL
		       : text_of_plan(&k->plan, text);
}

static int from_code(struct call *k, char **text)
{
	char code[4 * SETUP_CODE_MAX];
	int err = setup_read_code(k->join, code, sizeof(code));

	if (err)
		return fail("the code cannot be read");
	err = setup_code_read(code, &k->plan);
	explicit_bzero(code, sizeof(code));
	if (err == -EPROTO)
		return fail(
			"this code is of another version: install the same one on all machines");
	if (err)
		return fail("this is not the whole code: copy it again, from HOKM1 to its end");
	return text_of_plan(&k->plan, text);
}

static int from_keepalived(struct call *k, char **text)
{
	const struct kl_options opt = {
		.self = k->wish.self,
		.peer = k->wish.peer,
		.port = k->wish.port,
		.secret = k->plan.secret,
	};
	char *conf;
	int err = setup_secret(k->s.config, stderr, k->plan.secret);

	if (!err)
		err = import_file(k->import, &opt, stdout, stderr, &conf);
	if (err)
		return fail("nothing was imported");
	err = stamped(conf, text);
	setup_forget(conf);
	return err;
}

static int make_text(struct call *k, char **text)
{
	int err;

	if (k->join)
		return from_code(k, text);
	if (k->import)
		return from_keepalived(k, text);
	if (k->wished)
		return from_wish(k, text);
	err = setup_read(k->s.config, text);
	return err ? fail("there is no configuration yet: give --peer ADDRESS, "
			  "or --join - with the first server's code")
		   : 0;
}

/* ---- the other machines ---- */

static int show_code(const struct call *k)
{
	char code[SETUP_CODE_MAX];

	if (setup_code_make(&k->plan, code)) {
		fprintf(stderr,
			"hokm-xdp setup: there is no code, for the secret is not one of hokm-xdp "
			"genkey. Copy %s to the other machines, mode 0600, and run hokm-xdp setup "
			"there\n",
			k->s.config);
		return SETUP_NOT_DONE;
	}
	printf("\nOn the other %s, as root:\n\n  hokm-xdp setup --join -\n\n"
	       "and paste this code there. It has the secret in it: send it by no mail or chat.\n\n"
	       "  %s\n\n",
	       k->plan.witness.s_addr ? "machines" : "server", code);
	explicit_bzero(code, sizeof(code));
	return SETUP_DONE;
}

static int finish(const struct call *k)
{
	if (!k->join && !k->import && k->wished && !k->s.dry)
		return show_code(k);
	if (k->import && !k->s.dry)
		printf("\nThe other server needs the same file, mode 0600: copy %s there, and run\n"
		       "hokm-xdp setup on it too.\n",
		       k->s.config);
	else if (k->s.start && !k->s.witness && !setup_peers_answer(&k->s))
		return SETUP_PEER_SILENT;
	return SETUP_DONE;
}

static int run(struct call *k)
{
	char *text = NULL;
	int code = SETUP_NOT_DONE;

	if (setup_begin(&k->s)) {
		fail("the path of the configuration is too long");
		return SETUP_NOT_DONE;
	}
	if (k->remove)
		return setup_remove(&k->s);
	if (!make_text(k, &text))
		code = setup_apply(&k->s, text);
	setup_forget(text);
	if (code == SETUP_DONE)
		code = finish(k);
	conf_free(k->s.conf);
	return code;
}

int setup_main(int argc, char **argv)
{
	struct call k = {.s.config = SETUP_CONFIG, .wish.port = SETUP_PORT};
	struct command_line l;
	int err;

	command_begin(&l, &setup_command, argc, argv, stdout, stderr);
	err = parse(&k, &l);
	if (err)
		return err == COMMAND_HELP ? EX_OK : EX_USAGE;
	/* Errors come behind what was said before, also in a pipe. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid()) {
		fprintf(stderr, "hokm-xdp setup: only root can do that: use sudo\n");
		return EX_NOPERM;
	}
	err = run(&k);
	explicit_bzero(&k.plan, sizeof(k.plan));
	return err;
}
