/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reload: a thread of ordinary priority reads the file, so that a slow disk delays no advert. When
 * it is done, settle() swaps the configuration. A file with errors, or one that changes what only a
 * restart can change, changes nothing.
 */
#ifndef HOKM_DAEMON_RELOAD_H
#define HOKM_DAEMON_RELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct daemon;
struct reload; /* opaque */

/* 0 or -errno. */
int reload_open(struct daemon *d, struct reload **out);
void reload_close(struct reload *r);
/*
 * Begins to read the file. While one is being read, it is read once more afterwards. The result is
 * logged and shown as an event. 0 or -errno, logged.
 */
int reload_start(struct reload *r);
/*
 * The outcome of the newest request to this daemon: "none" (there was none), "reading", "done" or
 * "refused".
 */
const char *reload_phase(const struct reload *r);
/* refused: why, a line for each error of the file. Otherwise "". Valid until the next request. */
const char *reload_text(const struct reload *r);
/*
 * From settle(): the file was read. True when the configuration was swapped. In the moment before
 * an upgrade the swap is put off: reload_put_off() is true until reload_finish() has done it.
 */
bool reload_finish(struct reload *r);
bool reload_put_off(const struct reload *r);
/*
 * May this file not be taken while the peers are as they are, because two nodes would own the VIP
 * or players would be reset? Then the reason is written to `why`. A reload and an upgrade ask this.
 */
bool reload_harms(const struct reload *r, const struct conf *wanted, char *why, size_t size);
/* The thread reads the file, which a disk may hold up for long. */
bool reload_reads(const struct reload *r);

#endif
