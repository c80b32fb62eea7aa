/* SPDX-License-Identifier: GPL-2.0-only */
/* See permit.h. */
#include "decide/permit.h"

static void set(struct permit *p, enum permit_word word, uint64_t now_ns)
{
	p->word = word;
	p->since_ns = now_ns;
	if (word != PERMIT_GIVEN && word != PERMIT_REFUSED)
		return;
	p->refusing = word == PERMIT_REFUSED;
	if (!p->refusing)
		p->refusals = 0;
	else if (p->refusals <= PERMIT_DOUBLED)
		p->refusals++;
}

bool permit_ask(struct permit *p, uint64_t now_ns)
{
	if (p->word != PERMIT_NONE)
		return false;
	if (now_ns - p->since_ns > PERMIT_SERIES_NS)
		p->refusals = 0;
	set(p, PERMIT_ASKED, now_ns);
	p->number++;
	return true;
}

void permit_answer(struct permit *p, uint64_t number, bool yes, uint64_t now_ns)
{
	if (p->word == PERMIT_ASKED && p->number == number)
		set(p, yes ? PERMIT_GIVEN : PERMIT_REFUSED, now_ns);
}

static uint64_t lasts_ns(const struct permit *p, const struct permit_conf *c, bool calm)
{
	if (p->word == PERMIT_ASKED)
		return c->wait_ns;
	return calm && p->refusals ? PERMIT_LASTS_NS << (p->refusals - 1) : PERMIT_LASTS_NS;
}

void permit_step(struct permit *p, const struct permit_conf *c, bool calm, uint64_t now_ns)
{
	if (p->word == PERMIT_NONE || now_ns - p->since_ns < lasts_ns(p, c, calm))
		return;
	if (p->word == PERMIT_ASKED) {
		set(p, c->silence ? PERMIT_GIVEN : PERMIT_REFUSED, now_ns);
		return;
	}
	p->refusing &= !calm;
	p->refusals = calm ? p->refusals : 0;
	set(p, PERMIT_NONE, now_ns);
}

bool permit_allows(const struct permit *p, const struct permit_conf *c)
{
	return !c->wait_ns || p->word == PERMIT_GIVEN;
}

bool permit_refuses(const struct permit *p, const struct permit_conf *c)
{
	return c->wait_ns && p->refusing;
}

void permit_reset(struct permit *p)
{
	p->word = PERMIT_NONE;
	p->refusing = false;
	p->refusals = 0;
}

const char *permit_word(enum permit_word word)
{
	static const char *const words[] = {
		[PERMIT_NONE] = "none",
		[PERMIT_ASKED] = "asked",
		[PERMIT_GIVEN] = "given",
		[PERMIT_REFUSED] = "refused"};

	return (unsigned int)word <= PERMIT_REFUSED ? words[word] : "?";
}
