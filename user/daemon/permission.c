/* SPDX-License-Identifier: GPL-2.0-only */
/* See permission.h. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/node.h"
#include "daemon/permission.h"

static void permission_conf(const struct permission *p, struct permit_conf *out)
{
	const struct conf_hooks *h = &p->node->conf->hooks;

	out->wait_ns = h->command[CONF_HOOK_BEFORE][0] ? h->wait_ns : 0;
	out->silence = h->silence == CONF_SILENCE_PERMITS;
}

bool permission_needed(const struct permission *p)
{
	struct permit_conf c;

	permission_conf(p, &c);
	return c.wait_ns != 0;
}

/* Once for a series of refusals: the hook is asked again and again. */
static void report_refusal(struct permission *p)
{
	if (p->reported)
		return;
	p->reported = true;
	log_error("this node does not become owner reason=%s (%s); it asks again if no peer serves",
		  hokm_reason_name(HOKM_R_HOOK_REFUSED), hokm_reason_text(HOKM_R_HOOK_REFUSED));
	events_add(p->node->events, "hook", HOKM_R_HOOK_REFUSED, "%s",
		   hokm_reason_text(HOKM_R_HOOK_REFUSED));
}

static void note_change(struct permission *p, enum permit_word was)
{
	const struct vrrp_event refused = {.kind = VRRP_EV_REFUSED};

	if (p->permit.word == was)
		return;
	if (p->permit.word == PERMIT_REFUSED) {
		report_refusal(p);
		inbox_note_vrrp(&p->node->inbox, &refused);
	}
	inbox_note(&p->node->inbox, INBOX_POLICY);
}

static void ask(struct permission *p, uint64_t now_ns)
{
	if (permit_ask(&p->permit, now_ns))
		hooks_ask(p->hooks, &p->call, p->node->conf->hooks.wait_ns, p->permit.number);
}

bool permission_lacks(struct permission *p, bool calm, uint64_t now_ns)
{
	const enum permit_word was = p->permit.word;
	struct permit_conf c;

	permission_conf(p, &c);
	permit_step(&p->permit, &c, calm, now_ns);
	if (was == PERMIT_ASKED && p->permit.word != was)
		log_warn("hook before did not answer in time: that counts as %s",
			 permit_word(p->permit.word));
	note_change(p, was);
	/* The peers hand the VIP over to nobody who refuses: no machine would ask again. */
	if (!calm && permit_refuses(&p->permit, &c) && p->permit.word == PERMIT_NONE)
		ask(p, now_ns);
	return !permit_allows(&p->permit, &c);
}

bool permission_refuses(const struct permission *p)
{
	struct permit_conf c;

	permission_conf(p, &c);
	return permit_refuses(&p->permit, &c);
}

void permission_ask(struct permission *p, const struct hook_call *call, uint64_t now_ns)
{
	if (p->permit.word != PERMIT_NONE)
		return;
	log_info("hook before is asked whether this node may become owner: %s",
		 hokm_reason_text(call->reason));
	p->call = *call;
	ask(p, now_ns);
}

static void on_answer(void *arg, uint64_t number, enum hook_answer answer)
{
	struct permission *p = arg;
	const enum permit_word was = p->permit.word;
	struct permit_conf c;

	permission_conf(p, &c);
	permit_answer(&p->permit, number,
		      answer == HOOK_PERMITS || (answer == HOOK_SILENT && c.silence),
		      clock_now_ns());
	note_change(p, was);
}

void permission_reset(struct permission *p)
{
	p->reported = false;
	permit_reset(&p->permit);
}

void permission_init(struct permission *p, struct node *n, struct hooks *hooks)
{
	*p = (struct permission){.node = n, .hooks = hooks};
	hooks_on_answer(hooks, on_answer, p);
}
