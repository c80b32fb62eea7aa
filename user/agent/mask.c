/* SPDX-License-Identifier: GPL-2.0-only */
/* See mask.h. */
#include <string.h>

#include "agent/mask.h"

void mask_secret(char *text, const char *secret)
{
	const size_t len = strlen(secret), size = strlen(text);
	size_t n = len < size ? len : size;

	if (len < MASK_LEAST)
		return;
	for (char *at = strstr(text, secret); at; at = strstr(at + len, secret))
		memset(at, '*', len);
	while (n >= MASK_LEAST && memcmp(text + size - n, secret, n) != 0)
		n--;
	if (n >= MASK_LEAST)
		memset(text + size - n, '*', n);
}
