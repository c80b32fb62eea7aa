/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of secrets and certificates, which a process reads before it gives up its privileges. */
#ifndef HOKM_AGENT_SECRET_FILE_H
#define HOKM_AGENT_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a whole file of at most `max` bytes, with a zero behind it. NULL with errno. */
char *secret_read_all(int fd, size_t max, size_t *len);

/*
 * Why a file of secrets is not used; NULL when it is safe. systemd lets a user read its file by an
 * access control list, which shows as the rights of the group: that is root's then.
 */
const char *secret_not_safe(int fd, bool by_systemd);

#endif
