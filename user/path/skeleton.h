/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generated skeleton of the BPF programs. Generated code does not follow the warnings of this
 * project, so they are off for it.
 */
#ifndef HOKM_PATH_SKELETON_H
#define HOKM_PATH_SKELETON_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "hokm.skel.h"
#pragma GCC diagnostic pop

#endif
