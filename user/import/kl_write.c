/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration that an import makes. It has what the file of keepalived said, and nothing that
 * is the default here anyway, except for times that differ between the two programs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "import/kl_plan.h"

static const char *addr_text(struct in_addr a, char buf[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, buf, INET_ADDRSTRLEN);
}

static void write_time(FILE *to, const char *before, const char *key, uint64_t ns)
{
	char buf[DURATION_TEXT_MAX];

	if (ns)
		fprintf(to, "%s%s = \"%s\"\n", before, key, duration_format(ns, buf));
}

static void write_node(FILE *to, const char *name, struct in_addr a, unsigned int priority)
{
	char buf[INET_ADDRSTRLEN];

	fprintf(to, "node %s { address = \"%s\" priority = %u }\n", name, addr_text(a, buf),
		priority);
}

/* The same file serves all nodes. The one with the highest priority stands first. */
static void write_nodes(const struct kl_plan *p, FILE *to)
{
	bool first = p->priority > p->opt.peer_priority;

	if (first)
		write_node(to, "primary", p->self, p->priority);
	for (unsigned int i = 0; i < p->n_peers; i++) {
		char name[CONF_NAME_MAX];

		snprintf(name, sizeof(name), i ? "node%u" : first ? "backup" : "primary", i + 2);
		write_node(to, name, p->peers[i],
			   p->opt.peer_priority > i ? p->opt.peer_priority - i : 1);
	}
	if (!first)
		write_node(to, "backup", p->self, p->priority);
}

static void write_vips(const struct kl_plan *p, FILE *to)
{
	char buf[INET_ADDRSTRLEN];

	fprintf(to, "vip = {");
	for (unsigned int i = 0; i < p->n_vips; i++)
		fprintf(to, "%s\"%s\"", i ? ", " : "", addr_text(p->vips[i], buf));
	fprintf(to, "}\n");
}

static void write_check(const struct kl_check *c, FILE *to)
{
	const struct kl_script *s = c->script;

	fprintf(to, "\tcheck %s {\n", c->kind == KL_EXEC ? "exec" : "tcp");
	if (c->kind == KL_EXEC)
		fprintf(to, "\t\tcommand = %s\n", c->command);
	if (c->address[0])
		fprintf(to, "\t\taddress = \"%s\"\n", c->address);
	if (c->port)
		fprintf(to, "\t\tport = %u\n", c->port);
	if (s) {
		write_time(to, "\t\t", "interval", s->interval_ns);
		write_time(to, "\t\t", "timeout", s->timeout_ns);
		fprintf(to, "\t\trise = %u\n\t\tfall = %u\n\t\tattempts = 1\n", s->rise, s->fall);
	}
	fprintf(to, "\t}\n");
}

/* Each VIP has a service of its own: a service has one VIP. */
static void write_services(const struct kl_plan *p, FILE *to)
{
	char buf[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < p->n_vips; i++) {
		fprintf(to, i ? "service game%u {\n" : "service game {\n", i + 1);
		if (p->n_vips > 1)
			fprintf(to, "\tvip = \"%s\"\n", addr_text(p->vips[i], buf));
		fprintf(to, "\tport = %u\n", p->opt.port);
		for (unsigned int c = 0; c < p->n_checks; c++)
			write_check(&p->checks[c], to);
		fprintf(to, "}\n");
	}
}

static void write_vrrp(const struct kl_plan *p, FILE *to)
{
	char buf[DURATION_TEXT_MAX];

	fprintf(to, "vrrp {\n\tversion = %u\n\tvrid = %u\n", p->version, p->vrid);
	if (p->unicast)
		fprintf(to, "\tmode = unicast\n");
	write_time(to, "\t", "advert", p->advert_ns);
	if (p->nopreempt)
		fprintf(to, "\tpreempt = no\n");
	else
		fprintf(to, "\tpreempt_delay = \"%llus\"\n",
			(unsigned long long)(p->preempt_delay_ns / 1000000000));
	if (p->version == 2)
		fprintf(to, "\tpassword = \"%s\"\n", p->authenticated ? p->password : "");
	if (p->garp_count)
		fprintf(to, "\tgarp_count = %u\n", p->garp_count);
	write_time(to, "\t", "garp_refresh", p->garp_refresh_ns);
	if (p->garp_delay)
		fprintf(to, "\tgarp_delay = \"%s\"\n", duration_format(p->garp_delay_ns, buf));
	fprintf(to, "}\n");
}

static void write_hooks(const struct kl_plan *p, FILE *to)
{
	static const char *const keys[KL_HOOKS] = {"master", "backup", "fault", "stop", "after"};
	bool any = false;

	for (unsigned int i = 0; i < KL_HOOKS; i++)
		any |= p->hooks[i][0] != '\0';
	if (!any)
		return;
	fprintf(to, "hooks {\n");
	for (unsigned int i = 0; i < KL_HOOKS; i++)
		if (p->hooks[i][0])
			fprintf(to, "\t%s = %s\n", keys[i], p->hooks[i]);
	if (p->user[0])
		fprintf(to, "\tuser = %s\n", p->user);
	fprintf(to, "}\n");
}

static void write_mail(const struct kl_plan *p, FILE *to)
{
	if (!p->mail_wanted || !p->mail_to[0] || !p->mail_server[0])
		return;
	fprintf(to, "notify mail {\n\ttype = email\n\tendpoint = \"smtp://%s\"\n", p->mail_server);
	fprintf(to, "\tfrom = \"%s\"\n\tto = \"%s\"\n", p->mail_from, p->mail_to);
	fprintf(to, "\t# keepalived speaks to its server without TLS.\n\tstarttls = no\n}\n");
}

int kl_write(const struct kl_plan *p, const char *source, FILE *to)
{
	fprintf(to, "# Imported from %s. The same file serves all nodes.\n", source);
	fprintf(to, "secret = \"%s\"\n", p->opt.secret);
	fprintf(to, "instance = %s\n", p->instance);
	write_vips(p, to);
	write_nodes(p, to);
	write_services(p, to);
	write_vrrp(p, to);
	write_hooks(p, to);
	write_mail(p, to);
	return ferror(to) ? -EIO : 0;
}
