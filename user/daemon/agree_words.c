/* SPDX-License-Identifier: GPL-2.0-only */
/* See agree_words.h. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/agree_words.h"

/* Appends; what finds no room is left out. */
__attribute__((format(printf, 3, 4))) static void add(char *dst, size_t size, const char *fmt, ...)
{
	size_t at = strlen(dst);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(dst + at, size - at, fmt, ap);
	va_end(ap);
}

static void add_vips(char *dst, size_t size, const struct agree *a)
{
	char text[INET_ADDRSTRLEN];

	for (unsigned int i = 0; i < a->n_vips; i++)
		if (inet_ntop(AF_INET, &a->vips[i], text, sizeof(text)))
			add(dst, size, " %s", text);
}

void agree_words(const struct agree *here, const struct agree *there, unsigned int group, char *dst,
		 size_t size)
{
	dst[0] = '\0';
	add(dst, size, "%s: %s differ", agree_name(group), agree_text(group));
	if (group == AGREE_VERSION)
		add(dst, size, ": here %s, there %s", here->version, there->version);
	if (group != AGREE_VIP)
		return;
	add(dst, size, ": here");
	add_vips(dst, size, here);
	add(dst, size, ", there");
	add_vips(dst, size, there);
}

void agree_names(unsigned int groups, char *dst, size_t size)
{
	dst[0] = '\0';
	for (unsigned int i = 0; i < AGREE_GROUP_COUNT; i++)
		if (groups & 1u << i)
			add(dst, size, "%s%s", dst[0] ? ", " : "", agree_name(i));
}
