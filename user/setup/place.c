/* SPDX-License-Identifier: GPL-2.0-only */
/* Who is who: which of this machine's addresses is that of the node. Pure. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "setup/plan.h"

static const char *show(struct in_addr a, char buf[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, buf, INET_ADDRSTRLEN);
}

static bool same(struct in_addr a, struct in_addr b)
{
	return a.s_addr == b.s_addr;
}

static bool in_subnet(const struct setup_addr *of, struct in_addr a)
{
	uint32_t mask = of->prefix ? htonl(~0U << (32 - of->prefix)) : 0;

	return !((of->addr.s_addr ^ a.s_addr) & mask);
}

static const struct setup_addr *find(const struct setup_addr *list, unsigned int n,
				     struct in_addr a)
{
	for (unsigned int i = 0; i < n; i++)
		if (same(list[i].addr, a))
			return &list[i];
	return NULL;
}

static void show_all(const struct setup_addr *list, unsigned int n, char *to, size_t size)
{
	char buf[INET_ADDRSTRLEN];
	size_t at = 0;

	snprintf(to, size, "none");
	for (unsigned int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%s/%u (%s)", i ? ", " : "",
				       show(list[i].addr, buf), list[i].prefix, list[i].interface);
}

/* The only address that can be the node's. NULL: there is none, or more than one. */
static const struct setup_addr *guess(const struct setup_wish *w, const struct setup_addr *list,
				      unsigned int n, unsigned int *times)
{
	const struct setup_addr *found = NULL;

	*times = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (same(list[i].addr, w->vip) || !in_subnet(&list[i], w->vip) ||
		    !in_subnet(&list[i], w->peer))
			continue;
		found = &list[i];
		++*times;
	}
	return *times == 1 ? found : NULL;
}

/* Returns what is wrong with the wish, whatever this machine is. */
static const char *wrong_wish(const struct setup_wish *w)
{
	if (!w->peer.s_addr)
		return "name the other node by --peer ADDRESS";
	if (same(w->peer, w->vip))
		return "the VIP is an address of its own: neither node has it as its own address";
	if (w->witness.s_addr && (same(w->witness, w->peer) || same(w->witness, w->vip)))
		return "the witness is a third machine: neither node, and without the VIP";
	if (w->witness.s_addr && w->gateway.s_addr)
		return "a witness decides, and nobody asks the gateway: leave one of them out";
	if (w->gateway.s_addr && (same(w->gateway, w->peer) || same(w->gateway, w->vip)))
		return "the gateway is neither a node nor the VIP";
	return NULL;
}

static int choose(const struct setup_wish *w, const struct setup_addr *list, unsigned int n,
		  const struct setup_addr **self, char words[SETUP_WORDS_MAX])
{
	char all[SETUP_WORDS_MAX / 2];
	unsigned int times;

	show_all(list, n, all, sizeof(all));
	*self = w->self.s_addr ? find(list, n, w->self) : guess(w, list, n, &times);
	if (*self)
		return 0;
	if (w->self.s_addr)
		snprintf(words, SETUP_WORDS_MAX,
			 "--self is no address of this machine, which has %s", all);
	else if (times)
		snprintf(words, SETUP_WORDS_MAX,
			 "several addresses can be this node's: choose one by --self; it has %s",
			 all);
	else
		snprintf(words, SETUP_WORDS_MAX,
			 "no address of this machine shares a subnet with the VIP and the peer: "
			 "it has %s",
			 all);
	return -EINVAL;
}

static const char *wrong_self(const struct setup_wish *w, const struct setup_addr *self)
{
	if (!in_subnet(self, w->vip) || !in_subnet(self, w->peer))
		return "this node, the peer and the VIP must share a subnet: "
		       "steering needs one network segment";
	if (same(self->addr, w->vip))
		return "this node's own address is that of the VIP: it needs one of its own";
	if (same(self->addr, w->witness))
		return "the witness is a third machine, not this node";
	if (w->gateway.s_addr && (same(self->addr, w->gateway) || !in_subnet(self, w->gateway)))
		return "the gateway is a machine in the subnet of this node, and not this node";
	if (w->prefix && w->prefix != 32 && w->prefix != self->prefix)
		return "the VIP's prefix differs from that of this node's interface";
	return NULL;
}

int setup_place(const struct setup_wish *w, const struct setup_addr *list, unsigned int n,
		struct setup_plan *out, char words[SETUP_WORDS_MAX])
{
	const char *wrong = wrong_wish(w);
	const struct setup_addr *self = NULL;
	int err = 0;

	*out = (struct setup_plan){.fast = w->fast,
				   .vip = w->vip,
				   .witness = w->witness,
				   .gateway = w->gateway,
				   .port = w->port};
	if (!wrong && find(list, n, w->peer))
		wrong = "--peer is an address of this machine: name the other node";
	if (!wrong)
		err = choose(w, list, n, &self, words);
	if (!wrong && !err)
		wrong = wrong_self(w, self);
	if (wrong)
		snprintf(words, SETUP_WORDS_MAX, "%s", wrong);
	if (wrong || err)
		return -EINVAL;
	out->nodes[w->backup ? SETUP_BACKUP : SETUP_PRIMARY] = self->addr;
	out->nodes[w->backup ? SETUP_PRIMARY : SETUP_BACKUP] = w->peer;
	return 0;
}

void setup_take_gateway(const struct setup_wish *w, const struct setup_addr *self,
			struct in_addr gateway, struct setup_plan *out)
{
	if (w->witness.s_addr || w->gateway.s_addr || w->no_gateway)
		return;
	if (gateway.s_addr && in_subnet(self, gateway) && !same(gateway, self->addr) &&
	    !same(gateway, w->peer) && !same(gateway, w->vip))
		out->gateway = gateway;
}
