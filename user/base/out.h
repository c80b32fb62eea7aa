/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listings in two formats from one traversal. The caller walks its data once and calls the
 * functions below. The result is either text for the operator (indented lines `name: value`) or
 * JSON.
 *
 * The outermost object is open from the start. Inside an array, `name` is NULL. A struct out keeps
 * the first failure, and out_close() returns it, so that a traversal needs no checks of its own.
 */
#ifndef HOKM_OUT_H
#define HOKM_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Deepest nesting of objects and arrays. */
#define OUT_DEPTH_MAX 8

struct out; /* opaque */

/*
 * Begins a listing that goes to `to`, which stays the caller's. Returns NULL when there is no
 * memory. The caller frees it with out_close().
 */
struct out *out_open(FILE *to, bool json);

/* Writes what is left and frees `o`. Returns 0, or the first failure of the listing as -errno. */
int out_close(struct out *o);

void out_obj_begin(struct out *o, const char *name);
void out_obj_end(struct out *o);
void out_arr_begin(struct out *o, const char *name);
void out_arr_end(struct out *o);

void out_str(struct out *o, const char *name, const char *value);
void out_u64(struct out *o, const char *name, uint64_t value);
void out_bool(struct out *o, const char *name, bool value);

/* Text shows "500ms". JSON has "_ms" appended to the name, and a number of milliseconds. */
void out_duration(struct out *o, const char *name, uint64_t ns);

#endif
