/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The access of the model stand_in.pml to the code: the rules of grants by rules.h, and
 * user/decide/stand_in.c as it is. The model keeps how old a moment is, in steps of the node's own
 * clock, and the code gets moments.
 *
 * A step is an eighth of STAND_IN_SOLE_NS, and a grant lasts for three steps: long enough for an
 * answer that is a step late. So the other constants are those of the code too.
 */
#define STEP_NS 125000000ULL
#define LENGTH  3
#define LONGEST (2 * LENGTH)
#include "rules.h"
#include "decide/stand_in.c"

/* Ages: 0 never, else steps and one. They grow no further than something depends on them. */
#define AGE_MAX     10
#define SEEN_MAX    7
#define HEARD_MAX   (2 * LENGTH + 2)
#define UNHEARD_MAX (LENGTH + 2)
/* An answer to a question of this age is of no use any more, and never comes. */
#define QUESTION_MAX (LENGTH + 2)

#define SOLE 6 /* a lease of VRRP */

/* An answer of the peer is younger when it arrives (pulse.dead), and so is one of the gateway. */
#ifndef LATE
#define LATE LENGTH
#endif
#ifndef QUESTION_LATE
#define QUESTION_LATE LENGTH
#endif
/* In so many ticks a clock differs once: fewer than a quarter of a second may not matter. */
#ifndef EVEN
#define EVEN 8
#endif
#define PEER    0 /* slots of the members */
#define GATEWAY 7

/* The fate of a message at once. LATER: it is under way, to arrive later or never. */
#define LOST     0
#define SIGN     1 /* of a pulse: the peer's kernel hears it, and does not answer */
#define HEARD    2 /* it answers, and the answer is lost */
#define ANSWERED 3
#define LATER    4
#define DELAYED  5 /* the peer hears it at once, and its answer is under way */
#ifndef CUT
#define CUT 0
#endif
#ifndef RELEASES
#define RELEASES 1
#endif
#ifndef SLOW
#define SLOW 0
#endif
#ifndef ONCE
#define ONCE 0
#endif
#ifndef DRIFTS
#define DRIFTS 2
#endif

/* What the next answer of the gateway counts for, as the daemon set it for the packet path. */
#define NOTHING 0
#define RENEWS  1
#define CLAIMS  2 /* as long as no sign of the peer comes */

static const struct stand_in_conf rules_conf = {
	.length_ns = LENGTH * STEP_NS,
	.longest_ns = LONGEST * STEP_NS,
	.sole_ns = SOLE * STEP_NS,
	.pulse_ns = STEP_NS / 2,
	.each_ns = STEP_NS / 2,
	.adver_ns = 2 * STEP_NS,
};

static uint64_t rules_moment(int age)
{
	return age ? NOW_NS - (uint64_t)(age - 1) * STEP_NS : 0;
}

static unsigned char rules_age(uint64_t moment_ns, int most)
{
	uint64_t age = moment_ns ? (NOW_NS - moment_ns) / STEP_NS + 1 : 0;

	return (unsigned char)(age < (uint64_t)most ? age : (uint64_t)most);
}

/*
 * A question is sent now. open: the age of the one that is open; again: of struct stand_in_asked.
 * Returns the age from which the next answer counts.
 */
static unsigned char rules_question(int open, unsigned char *again)
{
	/* Within a step those before this one are older by something. */
	struct stand_in_asked asked = {*again ? rules_moment(*again) - 1 : 0};
	uint64_t from_ns = stand_in_question(
		&asked, open ? rules_moment(open) - 1 : 0, rules_conf.length_ns, NOW_NS);

	*again = BROKEN(QUESTION) ? 0 : rules_age(asked.again_ns, QUESTION_MAX);
	return BROKEN(QUESTION) ? 1 : rules_age(from_ns, QUESTION_MAX);
}

/* For so many steps an answer is a grant: `length` is that of the grant, `age` its question's. */
static int rules_answer_left(int length, int age)
{
	if (BROKEN(ARRIVAL))
		age = 1;
	return rules_used(length) - (age - 1);
}

/* stand_in_step(), with the faults that are in what it gets. */
static void rules_stand_in(struct stand_in *s, struct stand_in_input *in,
			   struct stand_in_output *out)
{
	if (BROKEN(SIGN)) {
		in->sign_ns = s->since_ns = 1;
		in->lease_ns = 0;
	}
	if (BROKEN(TOUCH)) {
		s->since_ns = s->unheard_ns = 0;
		s->heard_ns = in->sign_ns > in->answered_ns ? in->sign_ns : in->answered_ns;
	}
	if (BROKEN(SOLE))
		in->seen_ns = NOW_NS;
	if (BROKEN(BARRED))
		in->barred_ns = 0;
	stand_in_step(s, &rules_conf, in, NOW_NS, out);
}
