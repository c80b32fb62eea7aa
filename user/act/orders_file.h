/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state file: the operator's orders that are in force (act/orders.h), so that a later daemon
 * knows them. While no order is in force there is no file.
 *
 * A change is written to a second file, synced, and renamed, so that at every moment the file is
 * the old or the new one. A disk may be slow, so a thread of ordinary priority does it.
 *
 * A struct orders_file is used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_ORDERS_FILE_H
#define HOKM_ACT_ORDERS_FILE_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "act/orders.h"

struct orders_file; /* opaque */

/* `path` is copied. Returns 0 or -errno, logged. Caller: orders_file_close(). */
int orders_file_open(sd_event *event, const char *path, struct orders_file **out);
/* Waits until the last change is written. NULL is allowed. */
void orders_file_close(struct orders_file *f);

/*
 * Reads the file, which a start does before the loop runs. A file that is damaged, or that others
 * than its owner may write or read, is logged and ignored: *o is empty then, as without a file.
 */
void orders_file_read(const struct orders_file *f, struct orders *o);

/*
 * Begins to write these orders. While the thread writes earlier ones, they are written afterwards.
 * A failure is logged; call it again with the same orders to try again.
 */
void orders_file_write(struct orders_file *f, const struct orders *o);

/* It is being written now. */
bool orders_file_busy(const struct orders_file *f);
/* The last change is in the file. */
bool orders_file_saved(const struct orders_file *f);
/* It could not be written. */
bool orders_file_failed(const struct orders_file *f);

#endif
