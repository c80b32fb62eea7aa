/* SPDX-License-Identifier: GPL-2.0-only */
/* What the Promela part (grants.pml) and the C part (rules.h, steps.h) of the models share. */
#ifndef NODES
#define NODES 2
#endif
#ifndef MEMBERS
#define MEMBERS 3
#endif
#define MAJORITY 2
#ifndef EPOCHS
#define EPOCHS 3
#endif
#ifndef BOOTS
#define BOOTS 2
#endif
#ifndef LENGTH
#define LENGTH 2
#endif
#ifndef PAUSES
#define PAUSES 0
#endif

/* With LONG an owner may ask for a grant of this length, as before an upgrade. */
#ifdef LONG
#define LONGEST (2 * LENGTH)
#elif !defined(LONGEST)
#define LONGEST LENGTH
#endif

#define OWN     1 /* enum hokm_wish */
#define RELEASE 2
