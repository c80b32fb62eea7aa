/* SPDX-License-Identifier: GPL-2.0-only */
/* The paths of the pulses as JSON, for `ctl status`. */
#ifndef HOKM_PATHS_STATUS_H
#define HOKM_PATHS_STATUS_H

#include <jansson.h>
#include <stdint.h>

struct pulse_paths;

/* This node's paths beside the segment: where they end. New reference; empty without any. */
json_t *paths_status_json(const struct pulse_paths *p);
/* All paths to the peer of this slot, the segment first. New reference. */
json_t *paths_status_peer_json(const struct pulse_paths *p, unsigned int slot, uint64_t now_ns);

#endif
