/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which boot of the machine this is. CLOCK_BOOTTIME begins anew with each boot: a moment of it that
 * a file keeps means something only in the boot that the file names.
 */
#ifndef HOKM_BASE_BOOT_ID_H
#define HOKM_BASE_BOOT_ID_H

#include <stdbool.h>

#define BOOT_ID_MAX 37 /* bytes of /proc/sys/kernel/random/boot_id, with a terminating zero */

/* "" when it cannot be read. All bytes are written. Reads a file of the kernel, not of a disk. */
void boot_id_read(char id[BOOT_ID_MAX]);

/* Whether it is the id of this boot. One that is not known is equal to none. */
bool boot_id_is_this(const char id[BOOT_ID_MAX]);

#endif
