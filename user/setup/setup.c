/* SPDX-License-Identifier: GPL-2.0-only */
/* Checks this machine against a configuration, and puts the files into place; see setup.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/act.h"
#include "setup/replace.h"
#include "setup/setup.h"
#include "setup/unit.h"

int setup_begin(struct setup *s)
{
	const char *slash = strrchr(s->config, '/');
	const int folder = slash ? (int)(slash - s->config) + 1 : 0;

	if (strlen(s->config) >= CONF_PATH_MAX ||
	    snprintf(s->rules, sizeof(s->rules), "%.*sfirewall.nft", folder, s->config) >=
		    (int)sizeof(s->rules))
		return -ENAMETOOLONG;
	s->systemd = !strcmp(s->config, SETUP_CONFIG) && !access("/run/systemd/system", F_OK);
	return 0;
}

/* ---- who is this machine ---- */

static int find_witness(struct setup *s, const char *text)
{
	unsigned int at;
	int err = conf_load_text(text, false, stderr, &s->conf);

	if (!err)
		err = conf_find_witness(s->conf, NULL, &at, s->interface);
	if (!err) {
		s->witness = true;
		s->self = s->conf->witnesses[at].addr;
		printf("this machine is the witness %s\n", s->conf->witnesses[at].name);
	}
	return err;
}

static int find_role(struct setup *s, const char *text)
{
	char buf[INET_ADDRSTRLEN];
	int err = find_witness(s, text);

	s->unit = s->witness ? "hokm-xdp-witness.service" : "hokm-xdp.service";
	snprintf(s->dropin, sizeof(s->dropin), "/etc/systemd/system/%s.d/hokm-xdp-setup.conf",
		 s->unit);
	if (err != -ENOENT && err != -EADDRNOTAVAIL)
		return err;
	conf_free(s->conf);
	err = conf_load_text(text, true, stderr, &s->conf);
	if (err)
		return err;
	s->self = s->conf->nodes[s->conf->self].addr;
	snprintf(s->interface, sizeof(s->interface), "%s", s->conf->interface);
	inet_ntop(AF_INET, &s->self, buf, sizeof(buf));
	printf("this machine is the node %s (%s, %s)\n", s->conf->nodes[s->conf->self].name, buf,
	       s->interface);
	return 0;
}

/* ---- checks ---- */

static bool check(const struct setup *s, const struct setup_facts *f)
{
	static const char *const words[] = {"ok", "note", "STOP"};
	struct setup_verdict list[SETUP_VERDICTS_MAX];
	unsigned int n = setup_judge(f, s->witness, list);
	bool good = true;

	for (unsigned int i = 0; i < n; i++) {
		printf("  %-5s %s\n", words[list[i].level], list[i].text);
		if (list[i].next)
			printf("        %s\n", list[i].next);
		good &= list[i].level != SETUP_STOP;
	}
	return good;
}

/* ---- files ---- */

/* Reports a failure. Returns err. */
static int complain(const char *what, const char *path, int err)
{
	fprintf(stderr, "hokm-xdp setup: could not %s %s: %s\n", what, path, strerror(-err));
	return err;
}

/* Makes the folder of the configuration, not those above it. */
static int make_folder(const char *path)
{
	char folder[CONF_PATH_MAX];
	const char *slash = strrchr(path, '/');

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	return !*folder || !mkdir(folder, 0755) || errno == EEXIST ? 0 : -errno;
}

static int put_file(const struct setup *s, const char *path, const char *text, mode_t mode)
{
	int err = s->dry ? 0 : make_folder(path);

	printf("%s %s\n", s->dry ? "would write" : "writes", path);
	if (!err && !s->dry)
		err = setup_write(path, text, mode);
	return err ? complain("write", path, err) : 0;
}

/* The text is right. A copy of it may still be readable for others, as scp makes it. */
static int keep_conf(const struct setup *s)
{
	bool changed;
	int err = setup_restrict(s->config, s->dry, &changed);

	if (err)
		return complain("restrict", s->config, err);
	if (!changed)
		printf("%s is as it should be\n", s->config);
	else
		printf("%s has the right text; it %s mode 0600 and the owner root\n", s->config,
		       s->dry ? "would get" : "gets");
	return 0;
}

static int put_conf(const struct setup *s, const char *text)
{
	char *present = NULL;
	int err = setup_read(s->config, &present);

	if (err && err != -ENOENT)
		return complain("read", s->config, err);
	if (present && !strcmp(present, text)) {
		setup_forget(present);
		return keep_conf(s);
	}
	printf("%s %s:\n", s->config, present ? "changes" : "is new");
	setup_diff(present ? present : "", text, stdout);
	err = present ? setup_replace(s, s->config, present) : 0;
	if (!err)
		err = put_file(s, s->config, text, 0600);
	setup_forget(present);
	return err;
}

/* ---- packet filters ---- */

static int rules_text(const struct setup *s, char **text)
{
	size_t size;
	FILE *to = open_memstream(text, &size);
	int err;

	if (!to)
		return -errno;
	err = setup_rules(s->conf, s->self, to);
	return fclose(to) && !err ? -errno : err;
}

static int put_rules(const struct setup *s, const char *text)
{
	char *present = NULL;
	int err = setup_read(s->rules, &present);

	if (err && err != -ENOENT)
		return complain("read", s->rules, err);
	if (present && !strcmp(present, text)) {
		printf("%s is as it should be\n", s->rules);
		err = 0;
	} else {
		err = present ? setup_replace(s, s->rules, present) : 0;
		if (!err)
			err = put_file(s, s->rules, text, 0644);
	}
	setup_forget(present);
	return err;
}

static int load_rules(const struct setup *s, const char *text)
{
	int err = s->dry ? 0 : setup_run(text, NULL, "nft -f -");

	printf("%s table inet " SETUP_TABLE " of nftables\n", s->dry ? "would load" : "loads");
	return err ? complain("load the", "table inet " SETUP_TABLE, err) : 0;
}

static void show_commands(const struct setup *s, enum setup_firewall kind, const char *chain)
{
	setup_firewall_commands(kind, chain, s->conf, s->self, "  ", stdout);
}

/* The firewall of another program stays that program's: its commands are for the operator. */
static bool others_rule(const struct setup *s, const struct setup_facts *f)
{
	if (f->ufw || f->firewalld) {
		printf("%s rules the packet filter of this machine. Run:\n",
		       f->ufw ? "ufw" : "firewalld");
		show_commands(s, f->ufw ? SETUP_UFW : SETUP_FIREWALLD, "");
		return true;
	}
	for (unsigned int i = 0; i < f->n_drops; i++) {
		printf("chain %s drops what it does not accept, and no other table changes that.\n"
		       "Run, and add it to the file that makes the chain:\n",
		       f->drops[i]);
		show_commands(s, SETUP_NFT, f->drops[i]);
	}
	return false;
}

static int put_firewall(const struct setup *s, const struct setup_facts *f)
{
	char *text = NULL;
	int err;

	if (s->no_firewall || others_rule(s, f))
		return 0;
	if (!f->nft) {
		printf("there is no nft: no table of nftables\n");
		return 0;
	}
	err = rules_text(s, &text);
	if (!err)
		err = put_rules(s, text);
	if (!err)
		err = load_rules(s, text);
	if (!err && s->systemd)
		err = setup_put_dropin(s);
	free(text);
	return err;
}

/* --yes alone starts nothing: that is a step of its own. */
static bool wants_start(struct setup *s)
{
	if (!s->systemd || s->dry)
		s->start = false;
	else if (!s->start)
		s->start = !s->yes && setup_ask(false, "Enable and start hokm-xdp here now?");
	return s->start;
}

/* A file that setup did not write stands where the table is to be. */
static bool no_place(const struct setup *s, const struct setup_facts *f)
{
	if (s->no_firewall || f->ufw || f->firewalld || !f->nft ||
	    !setup_foreign(s->rules, setup_ruled))
		return false;
	fprintf(stderr,
		"hokm-xdp setup: nothing was written: %s is not of setup. "
		"Move it away, or add --no-firewall\n",
		s->rules);
	return true;
}

int setup_apply(struct setup *s, const char *text)
{
	struct setup_facts f;
	int err = find_role(s, text);

	if (err)
		return SETUP_NOT_DONE;
	setup_look(s->interface, s->conf, &f);
	if (!check(s, &f)) {
		fprintf(stderr, "hokm-xdp setup: this machine is not ready; nothing was written\n");
		return SETUP_NOT_DONE;
	}
	if (no_place(s, &f) || put_conf(s, text) || put_firewall(s, &f))
		return SETUP_NOT_DONE;
	if (wants_start(s))
		return setup_start(s, &f) ? SETUP_NOT_DONE : SETUP_DONE;
	if (!s->dry)
		printf("to start it: systemctl enable --now %s%s\n", s->unit,
		       s->witness ? "; one that runs needs systemctl restart"
				  : "; one that runs needs hokm-xdp ctl reload");
	if (!s->dry && !s->witness)
		printf("then, on both: hokm-xdp ctl status, and hokm-xdp test\n");
	return SETUP_DONE;
}
