/* SPDX-License-Identifier: GPL-2.0-only */
/* See boot_id.h. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/boot_id.h"

void boot_id_read(char id[BOOT_ID_MAX])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, 0, BOOT_ID_MAX);
	if (fd < 0)
		return;
	if (read(fd, id, BOOT_ID_MAX - 1) != BOOT_ID_MAX - 1)
		memset(id, 0, BOOT_ID_MAX);
	close(fd);
}

bool boot_id_is_this(const char id[BOOT_ID_MAX])
{
	char this_boot[BOOT_ID_MAX];

	boot_id_read(this_boot);
	return this_boot[0] && !memcmp(id, this_boot, BOOT_ID_MAX);
}
