/* SPDX-License-Identifier: GPL-2.0-only */
/* The control server of a monitor: main.c hands it to monitor_main(). */
#ifndef HOKM_SERVE_MONITOR_FRONT_H
#define HOKM_SERVE_MONITOR_FRONT_H

#include "daemon/monitor.h"

extern const struct monitor_front serve_monitor_front;

#endif
