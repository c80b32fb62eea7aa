/* SPDX-License-Identifier: GPL-2.0-only */
/* The program's version: the one place where it is written. */
#ifndef HOKM_VERSION_H
#define HOKM_VERSION_H

#define HOKM_VERSION "0.1.0"

#endif
