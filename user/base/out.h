/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One traversal, two formats: a listing for people (indented `name: value`) or the same as JSON.
 *
 * An object is open from the start. Inside an array names are NULL. Failures are kept and returned
 * by out_close(), so that a traversal needs no checks of its own.
 */
#ifndef HOKM_OUT_H
#define HOKM_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define OUT_DEPTH_MAX 8

struct out; /* opaque */

/* NULL when there is no memory. `to` is borrowed. Caller: out_close(). */
struct out *out_open(FILE *to, bool json);
/* Writes what is left, frees. 0, or the first failure as -errno. */
int out_close(struct out *o);

void out_obj_begin(struct out *o, const char *name);
void out_obj_end(struct out *o);
void out_arr_begin(struct out *o, const char *name);
void out_arr_end(struct out *o);

void out_str(struct out *o, const char *name, const char *value);
void out_u64(struct out *o, const char *name, uint64_t value);
void out_bool(struct out *o, const char *name, bool value);
/* People read "500ms"; JSON has the name with _ms behind it, and a number of milliseconds. */
void out_duration(struct out *o, const char *name, uint64_t ns);

#endif
