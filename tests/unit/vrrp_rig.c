/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads the stories of vrrp_rig.h; a failure names the story and the row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp_rig.h"

static struct in_addr octet(long last)
{
	struct in_addr a = {.s_addr = last ? htonl(0x0a000000U | (uint32_t)last) : 0};

	return a;
}

void rig_init(struct rig *r)
{
	struct vrrp_conf conf = {
		.version = 3,
		.priority = 128,
		.adver_ns = 100 * RIG_MS,
		.preempt = true,
		.preempt_delay_ns = 2000 * RIG_MS,
		.addr = octet(2),
	};

	memset(r, 0, sizeof(*r));
	r->now_ns = 1000000 * RIG_MS;
	vrrp_init(&r->v, &conf, r->now_ns);
}

/* ---- words ---- */

/* Takes `word` off the front of the text. */
static bool take(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0)
		return false;
	*text += len;
	*text += strspn(*text, " ,");
	return true;
}

static long number(const char **text)
{
	char *end;
	long n = strtol(*text, &end, 10);

	if (end == *text)
		fail_msg("\"%s\" is no number", *text);
	*text = end + strspn(end, " ,:/");
	return n;
}

static enum hokm_reason reason(const char **text)
{
	const char *name = *text;

	*text += strlen(name);
	for (unsigned int i = 0; *name && i < HOKM_REASON_COUNT; i++)
		if (strcmp(hokm_reason_name(i), name) == 0)
			return (enum hokm_reason)i;
	if (*name)
		fail_msg("\"%s\" is no reason", name);
	return HOKM_R_NONE;
}

static uint64_t from_now(const struct rig *r, long ms)
{
	return r->now_ns + (uint64_t)(ms * (int64_t)RIG_MS);
}

static enum vrrp_event_kind kind(const char **text)
{
	static const struct {
		const char *word;
		enum vrrp_event_kind kind;
	} kinds[] = {
		{"start", VRRP_EV_START},       {"stop", VRRP_EV_STOP},
		{"timer", VRRP_EV_TIMER},       {"advert", VRRP_EV_ADVERT},
		{"sent", VRRP_EV_SENT},         {"send failed", VRRP_EV_SEND_FAILED},
		{"fault", VRRP_EV_FAULT},       {"clear", VRRP_EV_CLEAR},
		{"handover", VRRP_EV_HANDOVER}, {"pulse", VRRP_EV_PULSE},
		{"refused", VRRP_EV_REFUSED},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (take(text, kinds[i].word))
			return kinds[i].kind;
	fail_msg("\"%s\" is no event", *text);
	return VRRP_EV_TIMER;
}

static void read_advert(const char **text, struct vrrp_advert *a)
{
	a->version = 3;
	a->priority = (uint8_t)number(text);
	a->adver_ns = (take(text, "every") ? (uint64_t)number(text) : 100) * RIG_MS;
	if (take(text, "from"))
		a->source = octet(number(text));
}

/* A word about the grants; false: it is none. */
static bool read_grants(const char **text, struct vrrp_view *view)
{
	if (take(text, "absent-holds"))
		view->by_grants = view->absent_holds = true;
	else if (take(text, "occupied"))
		view->by_grants = view->occupied = true;
	else if (take(text, "stand-in"))
		view->stand_in = true;
	else if (take(text, "lapsed"))
		view->lapsed = true;
	else if (take(text, "stood"))
		view->by_grants = view->stood = true;
	else if (take(text, "kept"))
		view->kept = true;
	else if (take(text, "barred"))
		view->barred = true;
	else if (take(text, "free"))
		view->by_grants = view->free = true;
	else if (take(text, "granted"))
		view->by_grants = view->free = view->granted = true;
	else
		return false;
	return true;
}

static void read_view(const struct rig *r, const char *text, struct vrrp_view *view)
{
	view->may_preempt = true;
	while (*text) {
		bool fresh = take(&text, "fresh");

		if (fresh || take(&text, "stale")) {
			view->owner_pulses = true;
			view->owner_seen_ns = r->now_ns - (fresh ? 0 : 500 * RIG_MS);
		} else if (take(&text, "lease")) {
			view->lease_until_ns = from_now(r, number(&text));
			view->peer_holds = view->lease_until_ns > r->now_ns;
		} else if (take(&text, "of")) {
			view->holder = octet(number(&text));
			view->holder_priority = (uint8_t)number(&text);
		} else if (take(&text, "seen")) {
			view->holder_seen_ns = from_now(r, -number(&text));
		} else if (take(&text, "best")) {
			view->best_successor = true;
		} else if (take(&text, "uncontested")) {
			view->uncontested = true;
		} else if (take(&text, "unpermitted")) {
			view->unpermitted = true;
		} else if (take(&text, "asked")) {
			view->contested = true;
			view->asked_ns = from_now(r, -number(&text));
		} else if (take(&text, "better announces")) {
			view->better_announces = true;
		} else if (take(&text, "lesser announces")) {
			view->lesser_announces = true;
		} else if (take(&text, "undecided")) {
			view->undecided = true;
		} else if (take(&text, "held back")) {
			view->may_preempt = false;
		} else if (take(&text, "rival deaf")) {
			view->rival_deaf = true;
		} else if (take(&text, "rival unseen")) {
			view->rival_unseen = true;
		} else if (take(&text, "deaf")) {
			view->deaf = true;
		} else if (take(&text, "unproven")) {
			view->unproven = true;
		} else if (!read_grants(&text, view)) {
			fail_msg("pulses cannot say \"%s\"", text);
		}
	}
}

/* ---- a row ---- */

static void reload(struct rig *r, const char *text)
{
	struct vrrp_conf conf = r->v.conf;

	if (take(&text, "every"))
		conf.adver_ns = (uint64_t)number(&text) * RIG_MS;
	if (take(&text, "delay"))
		conf.preempt_delay_ns = (uint64_t)number(&text) * RIG_MS;
	vrrp_reconf(&r->v, &conf, r->now_ns);
}

static void happen(struct rig *r, const struct rig_step *st, struct vrrp_actions *acts)
{
	const char *text = st->happens;
	struct vrrp_event *ev = &r->ev;
	long after_ms = take(&text, "after") ? number(&text) : 0;

	r->now_ns += (uint64_t)after_ms * RIG_MS;
	acts->n = 0;
	if (take(&text, "reload")) {
		reload(r, text);
		return;
	}
	memset(ev, 0, sizeof(*ev));
	ev->kind = kind(&text);
	if (ev->kind == VRRP_EV_TIMER && !after_ms && r->v.timer_at_ns > r->now_ns)
		r->now_ns = r->v.timer_at_ns;
	ev->sent_ns = r->now_ns;
	if (ev->kind == VRRP_EV_ADVERT)
		read_advert(&text, &ev->advert);
	else if (ev->kind == VRRP_EV_SENT && *text)
		ev->sent_ns = r->now_ns - (uint64_t)number(&text) * RIG_MS;
	else if (take(&text, "adopting"))
		ev->adopted_lease_ns = from_now(r, number(&text));
	else
		ev->reason = reason(&text);
	read_view(r, st->pulses, &ev->view);
	vrrp_step(&r->v, ev, r->now_ns, acts);
}

static void put(char *buf, size_t size, const struct rig *r, const struct vrrp_action *a)
{
	static const char *const names[] = {
		[VRRP_ACT_ADVERT] = "advert",   [VRRP_ACT_LEASE] = "lease",
		[VRRP_ACT_RAISE] = "raise",     [VRRP_ACT_LOWER] = "lower",
		[VRRP_ACT_GARP] = "garp",       [VRRP_ACT_STATE] = "state",
		[VRRP_ACT_PROBE] = "probe",     [VRRP_ACT_DISCARD] = "discard",
		[VRRP_ACT_ONE_WAY] = "one-way", [VRRP_ACT_ASK] = "ask",
	};
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? " " : "", names[a->kind]);
	len = strlen(buf);
	if (a->kind == VRRP_ACT_ADVERT)
		snprintf(buf + len, size - len, ":%u", a->priority);
	if (a->kind == VRRP_ACT_LEASE)
		snprintf(buf + len, size - len, ":%lld",
			 (long long)(a->until_ns - r->now_ns) / (long long)RIG_MS);
}

static void judge(const struct rig *r, const char *title, unsigned int row,
		  const struct rig_step *st, const char *did)
{
	const char *state = hokm_vrrp_state_name(r->v.state), *text = st->state;
	long long timer_ms = r->v.timer_at_ns
				     ? ((long long)r->v.timer_at_ns - (long long)r->now_ns) /
					       (long long)RIG_MS
				     : -1;

	if (strcmp(did, st->does) != 0)
		fail_msg("%s, row %u (%s): did \"%s\", not \"%s\"", title, row, st->happens, did,
			 st->does);
	if (!take(&text, state))
		fail_msg("%s, row %u (%s): state %s, not %s", title, row, st->happens, state,
			 st->state);
	if (*text && strcmp(text, hokm_reason_name(r->v.reason)) != 0)
		fail_msg("%s, row %u (%s): reason %s, not %s", title, row, st->happens,
			 hokm_reason_name(r->v.reason), text);
	if (st->timer_ms && timer_ms != st->timer_ms)
		fail_msg("%s, row %u (%s): timer in %lld ms, not %d", title, row, st->happens,
			 timer_ms, st->timer_ms);
}

void rig_run(struct rig *r, const char *title, const struct rig_step *steps, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct vrrp_actions acts;
		char did[256] = "";

		happen(r, &steps[i], &acts);
		for (unsigned int a = 0; a < acts.n; a++)
			put(did, sizeof(did), r, &acts.a[a]);
		judge(r, title, i + 1, &steps[i], did);
	}
}

void rig_tell(struct rig *r, const struct rig_step *steps, unsigned int n)
{
	for (unsigned int i = 0, end; i < n; i = end) {
		if (!steps[i].begin)
			fail_msg("the table begins without a story: \"%s\"", steps[i].happens);
		for (end = i + 1; end < n && !steps[end].begin;)
			end++;
		steps[i].begin(r);
		rig_run(r, steps[i].happens, &steps[i + 1], end - i - 1);
	}
}

void rig_backup(struct rig *r)
{
	static const struct rig_step steps[] = {
		{"start", "", "state", "backup", 350},
	};

	rig_init(r);
	rig_run(r, "on the way to BACKUP", steps, 1);
}

void rig_master(struct rig *r)
{
	static const struct rig_step steps[] = {
		{"timer", "", "advert:128", "backup"},
		{"sent", "", "lease:275 raise state", "master", 100},
	};

	rig_backup(r);
	rig_run(r, "on the way to MASTER", steps, 2);
}
