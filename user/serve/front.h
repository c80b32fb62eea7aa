/* SPDX-License-Identifier: GPL-2.0-only */
/* The control server as the daemon's front: main.c hands it to daemon_run_main(). */
#ifndef HOKM_SERVE_FRONT_H
#define HOKM_SERVE_FRONT_H

#include "daemon/front_ops.h"

extern const struct daemon_front serve_front;

#endif
