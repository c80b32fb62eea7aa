/* SPDX-License-Identifier: GPL-2.0-only */
/* See agreement.h. */
#include <string.h>

#include "base/log.h"
#include "daemon/agreement.h"
#include "daemon/node.h"
#include "daemon/replication.h"

int agreement_reconf(struct agreement *a)
{
	struct agree here;
	int err = conf_agree(a->node->conf, &here);

	if (err) {
		log_error("could not make the digest of the settings: %s", strerror(-err));
		return err;
	}
	a->members = here.hash[AGREE_NODE];
	a->here = here;
	a->looked_ns = 0;
	return 0;
}

int agreement_open(struct agreement *a, struct node *n, struct replication *r)
{
	memset(a, 0, sizeof(*a));
	a->node = n;
	a->replication = r;
	return agreement_reconf(a);
}

/* While this node goes by the members of its former file, its digest tells it: agree_waits(). */
static void tell_members(struct agreement *a, bool behind)
{
	const uint32_t tells = behind ? ~a->members : a->members;

	if (a->here.hash[AGREE_NODE] == tells)
		return;
	a->here.hash[AGREE_NODE] = tells;
	a->looked_ns = 0;
}

const struct agree *agreement_there(const struct agreement *a, unsigned int slot, uint64_t now_ns)
{
	const struct repl_link *l = replication_link(a->replication, slot);

	return l && repl_connected(l, now_ns) ? repl_agree(l) : NULL;
}

static void log_groups(const struct agreement *a, const char *peer, const struct agree *there,
		       unsigned int bits)
{
	char words[AGREE_WORDS_MAX];

	for (unsigned int i = 0; bits >> i; i++) {
		if (!(bits >> i & 1))
			continue;
		agree_words(&a->here, there, i, words, sizeof(words));
		log_warn("peer %s reason=%s (%s): %s", peer,
			 hokm_reason_name(HOKM_R_SETTINGS_DIFFER), words, agree_repair(i));
	}
}

static void report(struct agreement *a, const char *peer, const struct agree *there,
		   unsigned int bits)
{
	enum hokm_reason why = bits ? HOKM_R_SETTINGS_DIFFER : HOKM_R_SETTINGS_AGREE;
	char names[AGREE_WORDS_MAX];

	if (!bits)
		log_info("peer %s reason=%s (%s)", peer, hokm_reason_name(why),
			 hokm_reason_text(why));
	log_groups(a, peer, there, bits);
	/* An event has room for the values of one group only. */
	if (bits & (bits - 1)) {
		agree_names(bits, names, sizeof(names));
		events_add(a->node->events, "peer", why, "%s: these settings differ: %s", peer,
			   names);
	} else if (bits) {
		agree_words(&a->here, there, (unsigned int)__builtin_ctz(bits), names,
			    sizeof(names));
		events_add(a->node->events, "peer", why, "%s: %s", peer, names);
	} else {
		events_add(a->node->events, "peer", why, "%s: %s", peer, hokm_reason_text(why));
	}
}

/* All that differs, as one text, so that another VIP in the peer's list is a change too. */
static void all_words(const struct agreement *a, const struct agree *there, unsigned int bits,
		      char words[AGREE_WORDS_MAX])
{
	size_t at;

	agree_names(bits, words, AGREE_WORDS_MAX);
	at = strlen(words);
	for (unsigned int i = 0; bits >> i; i++, at = strlen(words))
		if (bits >> i & 1)
			agree_words(&a->here, there, i, words + at, AGREE_WORDS_MAX - at);
}

static void look_at(struct agreement *a, unsigned int slot, const struct agree *there)
{
	unsigned int bits = agree_differ(&a->here, there);
	char words[AGREE_WORDS_MAX];

	all_words(a, there, bits, words);
	if (!strcmp(words, a->told[slot]))
		return;
	memcpy(a->told[slot], words, sizeof(words));
	report(a, a->node->peers.list[slot].name, there, bits);
}

void agreement_run(struct agreement *a, bool behind, uint64_t now_ns)
{
	tell_members(a, behind);
	if (!a->replication || now_ns < a->looked_ns + AGREEMENT_EVERY_NS)
		return;
	a->looked_ns = now_ns;
	for (unsigned int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		struct repl_link *l = replication_link(a->replication, slot);
		const struct agree *there = agreement_there(a, slot, now_ns);

		if (l)
			repl_set_agree(l, &a->here);
		if (there)
			look_at(a, slot, there);
	}
}
