/* SPDX-License-Identifier: GPL-2.0-only */
/* See in_force.h. */
#include "decide/in_force.h"

void in_force_step(struct in_force *f, const struct in_force *wanted, bool owner, bool granted)
{
	if (f->majority == wanted->majority || !owner || granted)
		*f = *wanted;
	else
		f->slots &= wanted->slots;
}
