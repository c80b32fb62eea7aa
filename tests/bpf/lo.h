/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The egress program attached to lo of the test's own network namespace: what the kernel itself
 * sends from the VIP passes it, with the socket that sent it.
 */
#ifndef HOKM_TEST_LO_H
#define HOKM_TEST_LO_H

#include "fixture.h"

#define LO 1

/* Fails the test when this kernel has no clsact or no BPF classifier. */
void lo_egress_attach(const struct fix *x);
/* Takes clsact and its filter away. */
void lo_egress_detach(void);

#endif
