/* SPDX-License-Identifier: GPL-2.0-only */
/* See steer_test.h. */
#include <stddef.h>
#include <string.h>

#include "decide/steer_test.h"

#define MS       1000000ULL
#define FIRST_NS (1000 * MS)
#define LOSS_NS  (1000 * MS)
#define MUTE_NS  (5000 * MS)

#define SOON_NS  (20 * MS)   /* from probe to probe while an answer is awaited */
#define LATER_NS (1000 * MS) /* otherwise */

/* ---- refused ---- */

static bool same_mac(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, 6) == 0;
}

enum steer_why steer_refusal(const struct steer_macs *m, unsigned int slot)
{
	static const unsigned char unknown[6];
	const unsigned char *mac = m->peer[slot];

	if (same_mac(mac, unknown))
		return STEER_FINE;
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++)
		if (i != slot && same_mac(m->peer[i], mac))
			return STEER_TWIN;
	return same_mac(m->gateway, mac) ? STEER_GATEWAY : STEER_FINE;
}

const char *steer_why_text(enum steer_why why)
{
	static const char lost[] =
		"the network drops frames with a client's source address (anti-spoofing, "
		"port security, a cloud), or changes MAC addresses";
	static const char *const texts[] = {
		[STEER_WAITING] = "it is being tested",
		[STEER_LOST] = lost,
		[STEER_TWIN] = "another peer has the same MAC address",
		[STEER_GATEWAY] = "it has the MAC address of the default gateway",
	};

	return texts[why];
}

/* ---- tested ---- */

static uint64_t patience_ns(const struct steer_test *t)
{
	return t->state == STEER_GOOD ? LOSS_NS : FIRST_NS;
}

static bool is_lost(const struct steer_test *t, uint64_t now_ns)
{
	if (!t->asked_ns)
		return false;
	return (t->known_ns && now_ns - t->known_ns >= patience_ns(t)) ||
	       now_ns - t->asked_ns >= MUTE_NS;
}

bool steer_test_waits(const struct steer_test *t)
{
	return t->asked_ns && t->state != STEER_BAD;
}

bool steer_test_look(struct steer_test *t, const struct steer_signs *s, uint64_t now_ns)
{
	bool waits;

	if (s->refused)
		t->state = STEER_BAD;
	if (!s->alive || s->refused) {
		t->asked_ns = t->known_ns = 0;
		return false;
	}
	if (s->asks && t->asked_ns && !t->known_ns)
		t->known_ns = now_ns;
	if (s->arrived) {
		t->state = STEER_GOOD;
		t->asked_ns = t->known_ns = 0;
	} else if (is_lost(t, now_ns)) {
		t->state = STEER_BAD;
	}
	if (now_ns < t->next_ns && t->next_ns - now_ns <= LATER_NS)
		return false;
	waits = !s->arrived && t->state != STEER_BAD;
	t->next_ns = now_ns + (waits ? SOON_NS : LATER_NS);
	if (!s->arrived && !t->asked_ns)
		t->asked_ns = now_ns;
	return true;
}
