/* SPDX-License-Identifier: GPL-2.0-only */
/* The generated skeleton, compiled without the warnings of this project. */
#ifndef HOKM_SKEL_H
#define HOKM_SKEL_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "hokm.skel.h"
#pragma GCC diagnostic pop

#endif
