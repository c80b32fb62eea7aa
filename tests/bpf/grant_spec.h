/* SPDX-License-Identifier: GPL-2.0-only */
/* Map grants, and pulses with wishes and answers, as the tests of the programs need them. */
#ifndef HOKM_TEST_GRANT_SPEC_H
#define HOKM_TEST_GRANT_SPEC_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "hokm/grant_count.h"
#include "pulse_spec.h"
#include "skel.h"

#define LENGTH_NS LONG_NS /* of a grant: no test waits for its end */
#define EPOCH     5

static inline struct hokm_grants grants_get(struct fix *x)
{
	const uint32_t zero = 0;
	struct hokm_grants g;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.grants), &zero, &g), 0);
	return g;
}

static inline void grants_put(struct fix *x, const struct hokm_grants *g)
{
	const uint32_t zero = 0;

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.grants), &zero, g, BPF_ANY),
			 0);
}

/* A member whose silence is over, and that has promised nothing. */
static inline struct hokm_grants grants_member(void)
{
	return (struct hokm_grants){.own = {.silent_until_ns = 1, .longest_ns = LENGTH_NS}};
}

/* A node that wishes to own and has the promise of itself; `majority` members must grant. */
static inline struct hokm_grants grants_claimant(uint16_t majority)
{
	const struct hokm_grant_ask ask = {
		.member = HOKM_GRANT_SELF,
		.wish = HOKM_WISH_OWN,
		.epoch = EPOCH,
		.length_ns = LENGTH_NS,
	};
	struct hokm_grants g = grants_member();

	g.count.majority = majority;
	g.wish = HOKM_WISH_OWN;
	g.wish_epoch = EPOCH;
	assert_int_equal(hokm_grant_carry_out(&g.own, &ask, fix_now()), HOKM_VERDICT_GRANTED);
	return g;
}

/* A probe of the peer of this slot with this wish for `length_ns`. */
static inline struct hokm_pulse wish_of(const struct fix *x, unsigned int slot, uint64_t sent_ns,
					enum hokm_wish wish, uint64_t epoch, uint64_t length_ns)
{
	struct hokm_pulse p = pulse_probe_of(x, slot, 1 + slot, sent_ns);

	p.grant.wish = (uint8_t)wish;
	p.grant.wish_epoch = htobe64(77); /* an owner says since when it is one */
	p.grant.epoch = htobe64(epoch);
	p.grant.length_us = htobe32((uint32_t)(length_ns / 1000));
	pulse_sign(x, slot, &p);
	return p;
}

/* The answer of the member of this slot to a probe that this node sent at `sent_ns`. */
static inline struct hokm_pulse granted_by(const struct fix *x, unsigned int slot, uint64_t sent_ns,
					   uint64_t epoch, uint64_t length_ns)
{
	struct hokm_pulse p = pulse_answer_of(x, slot, sent_ns);

	p.lease_left_ns = 0;
	p.grant = (struct hokm_pulse_grant){
		.epoch = htobe64(epoch),
		.wish_epoch = htobe64(epoch),
		.length_us = htobe32((uint32_t)(length_ns / 1000)),
		.holder = htonl(OWN_ADDR),
		.left_us = htobe32((uint32_t)(length_ns / 1000)),
		.wish = HOKM_WISH_OWN,
		.verdict = HOKM_VERDICT_GRANTED,
	};
	pulse_sign(x, slot, &p);
	return p;
}

#endif
