/* SPDX-License-Identifier: GPL-2.0-only */
/* The generated skeleton of the BPF programs, for the tests. */
#ifndef HOKM_TEST_SKEL_H
#define HOKM_TEST_SKEL_H

#include "path/skeleton.h"

#endif
