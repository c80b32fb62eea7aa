/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the tree of lines to a plan: each line is judged by its rule, then what holds between lines
 * is settled. Scripts and definitions may stand behind the instance that uses them, so the instance
 * is judged last.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "import/kl_int.h"

#define DEFAULT_PRIO    100
#define PRIORITY_MOST   254
#define PRIORITY_STEP   10 /* assumed between two nodes */
#define ADVERT_LEAST_NS (10 * 1000000ULL)

/* The same keyword later in the same block: keepalived takes the last one. */
static struct kl_line *again(const struct kl_line *l)
{
	struct kl_line *later = NULL;

	for (struct kl_line *x = l->next; x; x = x->next)
		if (!strcmp(x->word[0], l->word[0]))
			later = x;
	return later;
}

static void judge(struct kl *k, struct kl_line *l, const char *in)
{
	const struct kl_rule *r = kl_rule_of(in, l->word[0]);
	const bool list = r && !strcmp(r->word, KL_ANY);
	struct kl_line *later = *in && !list && !l->opens ? again(l) : NULL;

	if (!r)
		kl_say(l, KL_LEFT_OUT, "no such keyword is known here");
	else if (l->n - 1 < r->least && !list)
		kl_say(l, KL_REFUSED, "a value is missing");
	else if (later)
		kl_say(l, KL_LEFT_OUT, "given again in line %u, and keepalived takes the last one",
		       later->number);
	else if (r->fn)
		r->fn(k, l);
	else
		kl_say(l, r->verdict, "%s", r->why ? r->why : "");
}

/* Deeper blocks are judged when the rule of their first line has a function. */
static void walk(struct kl *k, struct kl_line *first, const char *in)
{
	for (struct kl_line *l = first; l; l = l->next) {
		const struct kl_rule *r = kl_rule_of(in, l->word[0]);

		if (l->verdict == KL_UNKNOWN)
			judge(k, l, in);
		if (l->block && r && r->fn && l->verdict != KL_REFUSED &&
		    (strcmp(l->word[0], "vrrp_instance") != 0 || l == k->instance))
			walk(k, l->block, l->word[0]);
	}
}

/* ---- what holds between lines ---- */

/* The instance to import, and a verdict for those that are not. */
static void choose_instance(struct kl *k, struct kl_line *first)
{
	unsigned int n = 0;

	for (struct kl_line *l = first; l; l = l->next) {
		const bool is = !strcmp(l->word[0], "vrrp_instance") && l->n > 1;

		n += is;
		if (is && (!k->p->opt.instance || !strcmp(l->word[1], k->p->opt.instance)))
			k->instance = l;
	}
	if (n > 1 && !k->p->opt.instance)
		k->instance = NULL;
	for (struct kl_line *l = first; l; l = l->next)
		if (!strcmp(l->word[0], "vrrp_instance") && l->n > 1 && l != k->instance)
			kl_say(l, k->instance ? KL_LEFT_OUT : KL_REFUSED,
			       "one configuration has one instance: "
			       "import this one with --instance %s",
			       l->word[1]);
}

static void missing(struct kl *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void missing(struct kl *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(k->errors, fmt, ap);
	va_end(ap);
	fputc('\n', k->errors);
	k->missing++;
}

/* Scripts and definitions may stand behind the instance that uses them. */
static void walk_all(struct kl *k, struct kl_line *first)
{
	for (struct kl_line *l = first; l; l = l->next) {
		struct kl_line *next = l->next;

		if (!strcmp(l->word[0], "vrrp_instance"))
			continue;
		l->next = NULL;
		walk(k, l, "");
		l->next = next;
	}
	walk(k, first, "");
}

/* keepalived ignores nopreempt beside state MASTER, and warns. */
static void settle_preempt(struct kl_plan *p)
{
	if (!p->nopreempt || !p->master)
		return;
	kl_say(p->nopreempt, KL_LEFT_OUT,
	       "keepalived ignores it beside state MASTER. preempt = no in the new file does it");
	p->nopreempt = NULL;
}

static void settle_advert(struct kl_plan *p)
{
	if (!p->advert_ns)
		p->advert_ns = NS_PER_S;
	if (p->version == 2)
		p->advert_ns = (p->advert_ns + NS_PER_S - 1) / NS_PER_S * NS_PER_S;
	else
		p->advert_ns = p->advert_ns / ADVERT_LEAST_NS * ADVERT_LEAST_NS;
	if (p->advert_ns < ADVERT_LEAST_NS)
		p->advert_ns = ADVERT_LEAST_NS;
}

/* The other node's priority stands in its own file. */
static void settle_priorities(struct kl *k)
{
	struct kl_plan *p = k->p;

	if (!p->priority)
		p->priority = DEFAULT_PRIO;
	if (p->opt.peer_priority)
		return;
	if (!p->master && p->priority == PRIORITY_MOST)
		missing(k, "no priority is above this node's: give --peer-priority N");
	else if (p->master)
		p->opt.peer_priority = p->priority > PRIORITY_STEP ? p->priority - PRIORITY_STEP
								   : 1;
	else
		p->opt.peer_priority = p->priority + PRIORITY_STEP < PRIORITY_MOST
					       ? p->priority + PRIORITY_STEP
					       : PRIORITY_MOST;
}

static void settle_addresses(struct kl *k)
{
	struct kl_plan *p = k->p;

	if (p->opt.self.s_addr)
		p->self = p->opt.self;
	if (p->opt.peer.s_addr && !p->n_peers)
		p->peers[p->n_peers++] = p->opt.peer;
	if (!p->self.s_addr)
		missing(k, "this node's own address is not in the file: give --self ADDRESS");
	if (!p->n_peers)
		missing(k, "the peer's address is not in the file: give --peer ADDRESS");
	if (!p->n_vips)
		missing(k, "no VIP is left: hokm-xdp needs one IPv4 address that moves");
	if (!p->vrid)
		missing(k, "the instance has no virtual_router_id");
}

static void settle_mail(struct kl *k)
{
	if (k->mail && !k->p->mail_wanted)
		kl_say(k->mail, KL_LEFT_OUT,
		       "no smtp_alert is in the file, so keepalived sends no mail about VRRP; "
		       "see section notify");
}

static unsigned int count_refused(const struct kl_line *l)
{
	unsigned int n = 0;

	for (; l; l = l->next)
		n += (l->verdict == KL_REFUSED) + count_refused(l->block);
	return n;
}

int kl_understand(const struct kl_tree *t, const struct kl_options *opt, FILE *errors,
		  struct kl_plan *p)
{
	struct kl k = {.p = p, .errors = errors};

	memset(p, 0, sizeof(*p));
	p->opt = *opt;
	p->version = 2;
	choose_instance(&k, kl_first(t));
	walk_all(&k, kl_first(t));
	if (!k.instance)
		missing(&k,
			opt->instance ? "there is no vrrp_instance %s"
				      : "there is no vrrp_instance to import%s",
			opt->instance ? opt->instance : "");
	else
		settle_addresses(&k);
	settle_preempt(p);
	settle_advert(p);
	settle_priorities(&k);
	settle_mail(&k);
	if (!p->n_checks && k.instance)
		p->checks[p->n_checks++] = (struct kl_check){.kind = KL_TCP};
	return k.missing || count_refused(kl_first(t)) ? -EINVAL : 0;
}
