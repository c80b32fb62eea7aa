/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The texts that setup writes and shows; see plan.h. Pure.
 *
 * The stamp is two lines of comment. The second one has a checksum of everything behind it, so that
 * an edit is noticed: the first 16 digits of SHA-256, which the package's postrm computes with
 * sha256sum. It proves nothing against a person who may write to the file.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "setup/plan.h"

#define WRITTEN     "# Written by hokm-xdp setup"
#define SUM         "# Checksum of the rest: "
#define SUM_DIGITS  16
#define SUM_LINE    (sizeof(SUM) - 1 + SUM_DIGITS + 1) /* with its end */
#define SHA256_SIZE 32

/* The first line of each kind of file. */
static const char *const heads[] = {
	[SETUP_FILE_CONF] = WRITTEN ". Every key: hokm-xdp.conf(5).\n",
	[SETUP_FILE_RULES] = WRITTEN ", loaded before hokm-xdp starts.\n",
	[SETUP_FILE_DROPIN] = WRITTEN ".\n",
};

static const char *show(struct in_addr a, char buf[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, buf, INET_ADDRSTRLEN);
}

static int stream_error(FILE *f)
{
	return ferror(f) ? -EIO : 0;
}

/* ---- the configuration ---- */

int setup_conf(const struct setup_plan *p, const char *agent_user, FILE *to)
{
	char buf[INET_ADDRSTRLEN];

	fprintf(to, "# The same on all machines of the group: each finds itself by its address.\n");
	fprintf(to, "secret = \"%s\"\n", p->secret);
	if (p->fast)
		fprintf(to, "profile = fast\n");
	if (agent_user)
		fprintf(to, "agent_user = %s\n", agent_user);
	if (p->gateway.s_addr)
		fprintf(to,
			"gateway = \"%s\" # decides between nodes that do not hear each other\n",
			show(p->gateway, buf));
	fprintf(to, "vip = {\"%s\"}\n", show(p->vip, buf));
	fprintf(to, "node primary { address = \"%s\" priority = 110 }\n",
		show(p->nodes[SETUP_PRIMARY], buf));
	fprintf(to, "node backup { address = \"%s\" priority = 100 }\n",
		show(p->nodes[SETUP_BACKUP], buf));
	if (p->witness.s_addr)
		fprintf(to, "witness witness { address = \"%s\" }\n", show(p->witness, buf));
	fprintf(to, "service game { port = %u }\n", p->port);
	return stream_error(to);
}

/* ---- the stamp ---- */

/* Writes the line with the checksum of a text. Returns 0 or -ENOMEM. */
static int sum_line(const char *text, char line[SUM_LINE + 1])
{
	unsigned char sum[SHA256_SIZE];
	size_t at = sizeof(SUM) - 1;

	if (!EVP_Digest(text, strlen(text), sum, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	memcpy(line, SUM, at);
	for (size_t i = 0; i < SUM_DIGITS / 2; i++, at += 2)
		snprintf(line + at, 3, "%02x", sum[i]);
	line[at] = '\n';
	line[at + 1] = '\0';
	return 0;
}

int setup_stamp(enum setup_file kind, const char *text, FILE *to)
{
	char line[SUM_LINE + 1];
	int err = sum_line(text, line);

	if (err)
		return err;
	fprintf(to, "%s%s%s", heads[kind], line, text);
	return stream_error(to);
}

static bool has_head(const char *file, enum setup_file kind)
{
	return !strncmp(file, heads[kind], strlen(heads[kind]));
}

bool setup_ruled(const char *file)
{
	return has_head(file, SETUP_FILE_RULES);
}

bool setup_unedited(const char *file)
{
	const char *second = strchr(file, '\n');
	char line[SUM_LINE + 1];

	if (!has_head(file, SETUP_FILE_CONF) && !has_head(file, SETUP_FILE_RULES) &&
	    !has_head(file, SETUP_FILE_DROPIN))
		return false;
	if (!second || strlen(++second) < SUM_LINE || sum_line(second + SUM_LINE, line))
		return false;
	return !strncmp(second, line, SUM_LINE);
}

/* ---- packet filters ---- */

/* Calls fn for each other member: nodes, and with `witnesses` those too. */
static void each_peer(const struct conf *c, struct in_addr self, bool witnesses,
		      void (*fn)(const char *address, void *arg), void *arg)
{
	char buf[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr != self.s_addr)
			fn(show(c->nodes[i].addr, buf), arg);
	for (unsigned int i = 0; witnesses && i < c->n_witnesses; i++)
		if (c->witnesses[i].addr.s_addr != self.s_addr)
			fn(show(c->witnesses[i].addr, buf), arg);
}

/*
 * Calls fn for each address that another node has beside the segment. Pulses and replication come
 * from there.
 */
static void each_path(const struct conf *c, struct in_addr self,
		      void (*fn)(const char *address, void *arg), void *arg)
{
	char buf[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < c->n_nodes; i++)
		for (unsigned int p = 0; p < c->nodes[i].n_paths; p++)
			if (c->nodes[i].addr.s_addr != self.s_addr)
				fn(show(c->nodes[i].paths[p], buf), arg);
}

static bool is_node(const struct conf *c, struct in_addr self)
{
	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == self.s_addr)
			return true;
	return false;
}

struct list {
	FILE *to;
	unsigned int n;
};

static void add_element(const char *address, void *arg)
{
	struct list *l = arg;

	fprintf(l->to, "%s%s", l->n++ ? ", " : "", address);
}

static void game_rules(const struct conf *c, FILE *to)
{
	char buf[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < c->n_services; i++)
		fprintf(to, "\t\tip daddr %s tcp dport %u accept\n",
			show(c->vips[c->services[i].vip], buf), c->services[i].port);
}

static void path_rules(const struct conf *c, struct in_addr self, FILE *to)
{
	struct list l = {.to = to};

	if (!c->nodes[0].n_paths) /* the same number on all nodes */
		return;
	fprintf(to, "\t\tip saddr { ");
	each_path(c, self, add_element, &l);
	fprintf(to, " } udp dport { %u, %u } accept\n", c->pulse_port, c->repl_port);
}

static int write_rules(const struct conf *c, struct in_addr self, FILE *to)
{
	struct list l = {.to = to};
	const bool node = is_node(c, self);

	fprintf(to, "# What is accepted here may still be dropped by a table of another program.\n"
		    "table inet hokm_xdp\ndelete table inet hokm_xdp\ntable inet hokm_xdp {\n"
		    "\tset peers {\n\t\ttype ipv4_addr\n\t\telements = { ");
	each_peer(c, self, node, add_element, &l);
	fprintf(to, " }\n\t}\n\tchain input {\n"
		    "\t\ttype filter hook input priority filter - 10; policy accept;\n"
		    "\t\tiifname \"lo\" accept\n");
	if (node)
		fprintf(to, "\t\tip saddr @peers meta l4proto 112 accept\n");
	fprintf(to, "\t\tip saddr @peers udp dport %u accept\n", c->pulse_port);
	if (node) {
		path_rules(c, self, to);
		fprintf(to, "\t\tip saddr @peers udp dport %u accept\n", c->repl_port);
		game_rules(c, to);
		fprintf(to, "\t\tudp dport %u drop\n", c->repl_port);
	}
	fprintf(to, "\t\tudp dport %u drop\n\t}\n}\n", c->pulse_port);
	return stream_error(to);
}

int setup_rules(const struct conf *c, struct in_addr self, FILE *to)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int err;

	if (!f)
		return -errno;
	err = write_rules(c, self, f);
	if (fclose(f) && !err)
		err = -errno;
	if (!err)
		err = setup_stamp(SETUP_FILE_RULES, text, to);
	free(text);
	return err;
}

/* ---- commands for packet filters of others ---- */

#define UFW_FILE(rule) "sed -i '/^COMMIT/i" rule "' /etc/ufw/before.rules"
#define RICH_RULE      "firewall-cmd --permanent --add-rich-rule='rule family=\"ipv4\" "
#define RICH(what)     RICH_RULE "source address=\"@\" " what " accept'"

/*
 * How each program says it. @ stands for an address, # for a port, % for the chain of nftables. ufw
 * has no word for protocol 112: its rules for that are in a file.
 */
static const struct dialect {
	const char *vrrp, *udp, *game, *end;
} dialects[] = {
	[SETUP_NFT] = {"nft insert rule % ip saddr @ meta l4proto 112 accept",
		       "nft insert rule % ip saddr @ udp dport # accept",
		       "nft insert rule % tcp dport # accept", NULL},
	[SETUP_UFW] = {UFW_FILE(" -A ufw-before-input -p 112 -s @ -j ACCEPT"),
		       "ufw allow proto udp from @ to any port #", "ufw allow #/tcp", "ufw reload"},
	[SETUP_FIREWALLD] = {RICH("protocol value=\"vrrp\""),
			     RICH("port port=\"#\" protocol=\"udp\""),
			     "firewall-cmd --permanent --add-port=#/tcp", "firewall-cmd --reload"},
};

struct dictation {
	const struct dialect *d;
	const struct conf *c;
	const char *chain, *indent;
	bool node;
	FILE *to;
};

static void say(const struct dictation *d, const char *command, const char *address,
		unsigned int port)
{
	fputs(d->indent, d->to);
	for (; *command; command++)
		if (*command == '@')
			fputs(address, d->to);
		else if (*command == '#')
			fprintf(d->to, "%u", port);
		else if (*command == '%')
			fputs(d->chain, d->to);
		else
			fputc(*command, d->to);
	fputc('\n', d->to);
}

static void say_of_peer(const char *address, void *arg)
{
	const struct dictation *d = arg;

	if (d->node)
		say(d, d->d->vrrp, address, 0);
	say(d, d->d->udp, address, d->c->pulse_port);
	if (d->node)
		say(d, d->d->udp, address, d->c->repl_port);
}

static void say_of_path(const char *address, void *arg)
{
	const struct dictation *d = arg;

	say(d, d->d->udp, address, d->c->pulse_port);
	say(d, d->d->udp, address, d->c->repl_port);
}

int setup_firewall_commands(enum setup_firewall kind, const char *chain, const struct conf *c,
			    struct in_addr self, const char *indent, FILE *to)
{
	struct dictation d = {&dialects[kind], c, chain, indent, is_node(c, self), to};

	each_peer(c, self, d.node, say_of_peer, &d);
	if (d.node)
		each_path(c, self, say_of_path, &d);
	for (unsigned int i = 0; d.node && i < c->n_services; i++)
		say(&d, d.d->game, "", c->services[i].port);
	if (d.d->end)
		say(&d, d.d->end, "", 0);
	return stream_error(to);
}

/* ---- differences ---- */

/* So many different lines are looked through for the next line that two texts have in common. */
#define RESYNC_LINES 100

static size_t line_length(const char *text)
{
	return strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
}

static bool same_line(const char *a, const char *b)
{
	return line_length(a) == line_length(b) && !memcmp(a, b, line_length(a));
}

/*
 * What follows some words is not for a screen, also where that is a list over several lines, and
 * also in a comment. The state goes from line to line:
 *
 *   SHOWN -word-> SIGN -=-> VALUE -{-> LIST -}-> SHOWN, and a text in quotes within the last two.
 *
 * REST: this is no key with a value, and only this line is hidden.
 */
struct mask {
	enum { SHOWN, SIGN, VALUE, LIST, REST } at;
	char quote; /* that of the text which is open, or 0 */
	bool escaped, comment;
};

static bool of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* The length of the word that begins here and hides what follows, 0 for none. */
static size_t hiding_word(const char *at)
{
	static const char *const hiding[] = {"secret", "password", "header", "endpoint"};

	for (size_t i = 0; i < sizeof(hiding) / sizeof(hiding[0]); i++)
		if (!strncasecmp(at, hiding[i], strlen(hiding[i])))
			return strlen(hiding[i]);
	return 0;
}

static void mask_quoted(struct mask *m, char c)
{
	if (!m->escaped && c == m->quote) {
		m->quote = 0;
		m->at = m->at == LIST ? LIST : SHOWN;
	}
	m->escaped = !m->escaped && c == '\\';
}

static void mask_char(struct mask *m, char c)
{
	if (m->quote)
		mask_quoted(m, c);
	else if (c == ' ' || c == '\t' || c == '\r' || (c == '#' && m->comment))
		;
	else if (m->at == SIGN)
		m->at = c == '=' ? VALUE : c == '+' ? SIGN : REST;
	else if (m->at == REST)
		;
	else if (c == '"' || c == '\'')
		m->quote = c;
	else if (m->at == VALUE)
		m->at = c == '{' ? LIST : REST;
	else if (m->at == LIST && c == '}')
		m->at = SHOWN;
}

static void mask_end_of_line(struct mask *m)
{
	if (m->comment)
		m->quote = 0;
	if (m->at == REST || (m->at == SIGN && m->comment))
		m->at = SHOWN;
}

/* Takes the next line. Returns how much of its beginning may be shown. */
static size_t mask_line(struct mask *m, const char *line)
{
	const size_t len = strcspn(line, "\n");
	const bool comment = line[strspn(line, " \t")] == '#';
	size_t shown, word;

	if (m->at == SHOWN || (m->comment && !comment))
		*m = (struct mask){.comment = comment};
	shown = m->at == SHOWN ? len : 0;
	for (size_t i = 0; i < len; i++) {
		word = m->at == SHOWN ? hiding_word(line + i) : 0;
		if (word) {
			m->at = i && of_word(line[i - 1]) ? REST : SIGN;
			shown = shown == len ? i + word : shown;
			i += word - 1;
		} else if (m->at == LIST && !m->quote && !m->comment && line[i] == '#') {
			break;
		} else if (m->at != SHOWN) {
			mask_char(m, line[i]);
		}
	}
	mask_end_of_line(m);
	return shown;
}

static void show_line(struct mask *m, char sign, const char *line, FILE *out)
{
	const size_t len = strcspn(line, "\n"), shown = mask_line(m, line);

	fprintf(out, "  %c %.*s%s%s\n", sign, (int)shown, line, shown && shown < len ? " " : "",
		shown < len ? "***" : "");
}

/* The start of the last line that both end with, in the first text. */
static const char *common_end(const char *from, const char *to, const char **to_end)
{
	const char *a = from + strlen(from), *b = to + strlen(to), *end = a;

	*to_end = b;
	while (a > from && b > to && a[-1] == b[-1]) {
		a--;
		b--;
		/* A line begins here in both. */
		if ((a == from || a[-1] == '\n') && (b == to || b[-1] == '\n')) {
			end = a;
			*to_end = b;
		}
	}
	return end;
}

/* The line so many lines on, or NULL when that is not before the end. */
static const char *line_on(const char *text, const char *end, unsigned int lines)
{
	for (; lines && text < end; lines--)
		text += line_length(text);
	return text < end ? text : NULL;
}

/*
 * How many lines come before the next one that both texts have: as few as can be in both together.
 * Without such a line within RESYNC_LINES all of them come before it.
 */
static void lines_to_common(const char *from, const char *from_end, const char *to,
			    const char *to_end, unsigned int *n_from, unsigned int *n_to)
{
	for (unsigned int sum = 1; sum <= RESYNC_LINES; sum++)
		for (*n_from = 0; *n_from <= sum; (*n_from)++) {
			const char *a = line_on(from, from_end, *n_from);
			const char *b = line_on(to, to_end, sum - *n_from);

			*n_to = sum - *n_from;
			if (a && b && same_line(a, b))
				return;
		}
	*n_from = *n_to = UINT_MAX;
}

/* Passes over the lines that both begin with, and no further than to the ends. */
static void pass_common(struct mask *of_from, const char **from, const char *from_end,
			struct mask *of_to, const char **to, const char *to_end)
{
	while (*from < from_end && *to < to_end && same_line(*from, *to)) {
		(void)mask_line(of_from, *from);
		(void)mask_line(of_to, *to);
		*from += line_length(*from);
		*to += line_length(*to);
	}
}

unsigned int setup_diff(const char *from, const char *to, FILE *out)
{
	const char *from_end, *to_end;
	struct mask of_from = {0}, of_to = {0};
	unsigned int n = 0, n_from, n_to;

	pass_common(&of_from, &from, from + strlen(from), &of_to, &to, to + strlen(to));
	from_end = common_end(from, to, &to_end);
	while (from < from_end || to < to_end) {
		lines_to_common(from, from_end, to, to_end, &n_from, &n_to);
		for (; n_from-- && from < from_end; from += line_length(from), n++)
			show_line(&of_from, '-', from, out);
		for (; n_to-- && to < to_end; to += line_length(to), n++)
			show_line(&of_to, '+', to, out);
		if (from < from_end && to < to_end)
			pass_common(&of_from, &from, from_end, &of_to, &to, to_end);
	}
	return n;
}
