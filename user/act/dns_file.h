/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of DNS failover (act/dns_book.h). It is written to a second file, synced, and renamed,
 * so that at every moment it is the old or the new one; by a thread of ordinary priority, because a
 * disk may be slow. Used by the thread of the event loop only.
 */
#ifndef HOKM_ACT_DNS_FILE_H
#define HOKM_ACT_DNS_FILE_H

#include "act/dns_book.h"

struct dns_file; /* opaque */

/* Opens the file and reads it. A damaged one, or one that others than its owner may use, is logged
 * and ignored. 0 or -errno. Caller: dns_file_close(). */
int dns_file_open(const char *path, struct dns_book *b, struct dns_file **out);
/* Waits until the last change is written. NULL is fine. */
void dns_file_close(struct dns_file *f, const struct dns_book *b);

/* Begins to write the book, or notes that it has changed while the thread still writes. */
void dns_file_write(struct dns_file *f, const struct dns_book *b);
/* Now and then: takes the end of the thread, and writes what has changed meanwhile. */
void dns_file_tick(struct dns_file *f, const struct dns_book *b);
/* It is being written. */
bool dns_file_busy(const struct dns_file *f);
/* The last attempt could not write it. */
bool dns_file_failed(const struct dns_file *f);

#endif
