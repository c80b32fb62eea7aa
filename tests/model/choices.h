/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is chosen when a search begins, so that one program serves several of them. The environment
 * variable MODEL_FAULT names a fault on purpose, which the search must find. MODEL_START is the
 * number of the state in which it begins.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS(X)                                                                                 \
	/* of grants.pml (rules.h, steps.h) */                                                    \
	X(DRIFT)    /* both sides count the same length: no allowance for the clocks' drift */    \
	X(SILENCE)  /* a member that has booted grants at once */                                 \
	X(LONGEST)  /* a member that has booted is silent for an ordinary grant only (LONG) */    \
	X(TWO)      /* a member grants what it has promised to another */                         \
	X(EXPIRY)   /* a node counts its own vote although it has promised it to another */       \
	X(EPOCH)    /* neither the member nor the asker compares epochs */                        \
	X(RAISE)    /* a node goes on with a greater epoch, and has released the former one */    \
	X(PATIENCE) /* a node that does not get a majority wishes on without end (LIVE) */        \
	X(FRESH)    /* a node that wakes from a pause counts what it was granted before from */   \
		    /* then on, without a fresh word of the members (PAUSES) */                   \
	X(WAKE)     /* a member that wakes from a pause takes its promises for ended (PAUSES) */  \
	X(EXCUSE)   /* two owners after a pause are no exception (PAUSES) */                      \
	X(MUTE)     /* what proves a pause ends nothing (PAUSES) */                               \
	X(BEFORE)   /* an answer to a question from before the grant is such a proof (PAUSES) */  \
	X(LATE)     /* a wish that comes late takes the promise of another owner (LATE) */        \
	/* of members.pml (members_rules.h, members_steps.h) */                                   \
	X(COUNT)     /* a new member counts at once, while the former number must grant */        \
	X(LEFT)      /* what a removed member has granted counts with the new number */           \
	X(PEER)      /* a node goes by a second change before its peer has read the first one */  \
	X(EARLY)     /* a node tells its peer the members of its file before they are in force */ \
	X(AT_ONCE)   /* two members change at once */                                             \
	X(OLD_EPOCH) /* an owner whose change waits never goes on with a greater epoch (LIVE) */  \
	X(STAYS)     /* an owner never goes by the members of its new file (LIVE) */              \
	/* of stand_in.pml (stand_in_rules.h, stand_in_steps.h) */                                \
	X(SIGN)     /* an answer counts for a claim although the peer has just shown a sign */    \
	X(BETWEEN)  /* a sign between the question and its answer does not end the claim */       \
	X(TOUCH)    /* a claimant counts its silence from before the time without any word */     \
	X(ARRIVAL)  /* an answer counts from its arrival, not from its question */                \
	X(QUESTION) /* an answer counts from the newest question, not the oldest open one */      \
	X(SOLE)     /* a claimant does not wait longer for a peer that was not seen for long */   \
	X(BARRED)   /* a claimant does not wait longer in the second after its own silence */     \
	X(YIELD)    /* of two owners that hear each other none gives way (LIVE) */

#define FAULT_ID(name) FAULT_##name,
enum fault { FAULT_NONE, FAULTS(FAULT_ID) };

static enum fault fault;
static int start_at;

#define BROKEN(name) (fault == FAULT_##name)

/* Before main(). A name that is none of the list ends the search. */
__attribute__((constructor)) static void choices_read(void)
{
#define FAULT_NAME(name) {#name, FAULT_##name},
	static const struct {
		const char *name;
		enum fault fault;
	} all[] = {FAULTS(FAULT_NAME)};
	const char *wanted = getenv("MODEL_FAULT"), *number = getenv("MODEL_START");

	if (number)
		start_at = (int)strtol(number, NULL, 10);
	if (!wanted || !*wanted)
		return;
	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(wanted, all[i].name))
			fault = all[i].fault;
	if (fault == FAULT_NONE) {
		fprintf(stderr, "no fault has the name %s\n", wanted);
		exit(2);
	}
}
