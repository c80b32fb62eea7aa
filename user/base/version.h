/* SPDX-License-Identifier: GPL-2.0-only */
/* The version of the program. It is written nowhere else. */
#ifndef HOKM_VERSION_H
#define HOKM_VERSION_H

#define HOKM_VERSION "0.1.0"

#endif
