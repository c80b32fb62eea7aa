/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The history of the drills of this machine: a file beside the state file of the daemon
 * (conf_drills_file()), one line of JSON for each drill, the newest last. It holds the newest
 * DRILLS_KEPT of them. It is written whole and renamed, so a reader sees the old or the new file.
 *
 * Fields of a line:
 *   time, at     the end of the drill: text in UTC, and seconds of the wall clock
 *   node         where it was ordered
 *   scheduled    by a timer
 *   result       "passed", "failed", or "skipped": nothing was moved
 *   why          of a drill that did not pass: what was seen
 *   failed       how many rows failed
 *   rows         name, result, seen, took_ms of each row
 */
#ifndef HOKM_DOCTOR_DRILLS_H
#define HOKM_DOCTOR_DRILLS_H

#include <jansson.h>
#include <stdio.h>

#define DRILLS_KEPT 100

/*
 * Lines that are no object are left out. Without a file the list is empty. Returns 0 and a new
 * reference in *list, or -errno.
 */
int drills_read(const char *path, json_t **list);

/* Adds a line; the oldest go. 0 or -errno. */
int drills_add(const char *path, const json_t *line);

/* The field result; a line of version 0.1.0 may have `failed` only. */
const char *drill_result(const json_t *drill);

/* The newest drill that moved the VIP; NULL for none. Belongs to the list. */
const json_t *drills_last_run(const json_t *list);

/* A table, the newest drill last. */
void drills_show(const json_t *list, FILE *out);

#endif
