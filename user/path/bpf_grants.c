/* SPDX-License-Identifier: GPL-2.0-only */
/* Map grants: hokm/abi_grant.h has its layout, hokm/grant.h and hokm/grant_count.h its rules. */
#include "base/clock.h"
#include "hokm/grant_count.h"
#include "path/bpf_internal.h"
#include "path/bpf_witness.h"

struct hokm_grants *hokm_bpf_grants(const struct hokm_bpf *b)
{
	return b->grants;
}

uint64_t hokm_bpf_owner_until(const struct hokm_bpf *b, uint64_t lease_until_ns)
{
	if (!b)
		return lease_until_ns;
	return b->grants ? hokm_owner_until_ns(lease_until_ns, b->grants) : 0;
}

void bpf_grants_begin(struct hokm_bpf *b, uint64_t longest_ns)
{
	if (!longest_ns)
		return;
	HOKM_GRANT_STORE(&b->grants->own.longest_ns, longest_ns);
	HOKM_GRANT_STORE(&b->grants->own.silent_until_ns,
			 clock_now_ns() + hokm_grant_silence_ns(longest_ns));
}

void hokm_bpf_allow_grants(struct hokm_bpf *b, uint64_t longest_ns)
{
	struct hokm_promise *p = &b->grants->own;

	if (!longest_ns)
		HOKM_GRANT_STORE(&p->silent_until_ns, 0);
	else if (!p->silent_until_ns)
		bpf_grants_begin(b, longest_ns);
	else
		HOKM_GRANT_STORE(&p->longest_ns, longest_ns);
}

void bpf_grants_forget(struct hokm_bpf *b, unsigned int slot)
{
	struct hokm_granted *m = &b->grants->member[slot];

	hokm_grant_forget(&b->grants->own, HOKM_GRANT_PEER(slot));
	HOKM_GRANT_STORE(&m->end, 0);
	HOKM_GRANT_STORE(&m->answered_ns, 0);
	HOKM_GRANT_STORE(&m->held_until_ns, 0);
	HOKM_GRANT_STORE(&m->seen_epoch, 0);
	HOKM_GRANT_STORE(&m->holder, 0);
	HOKM_GRANT_STORE(&m->verdict, 0);
	HOKM_GRANT_STORE(&m->wished.epoch, 0);
	HOKM_GRANT_STORE(&m->wished.sent_ns, 0);
}
