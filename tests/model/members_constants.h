/* SPDX-License-Identifier: GPL-2.0-only */
/* What the Promela part (members.pml) and the C part of the model share, beside constants.h. */
#define MEMBERS 4
#define EVEN_CLOCKS
/* A step of a node whose VRRP machine takes it for the owner. */
#define MASTER 8
#include "constants.h"
