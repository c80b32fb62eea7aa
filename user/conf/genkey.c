/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A new secret: 256 bits of the kernel, as 64 hexadecimal digits. In this form it fits the key
 * secret, with and without quotes, and a line of a secret_file.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sysexits.h>

#include "conf/genkey.h"

int genkey_make(char text[GENKEY_TEXT_MAX])
{
	uint8_t bytes[(GENKEY_TEXT_MAX - 1) / 2];

	/* So few bytes come whole, once the kernel's generator is ready. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

int genkey_main(int argc, char **argv)
{
	char text[GENKEY_TEXT_MAX];
	int shown;

	if (argc > 1) {
		const bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		fprintf(help ? stdout : stderr, "usage: hokm-xdp genkey\n");
		return help ? EX_OK : EX_USAGE;
	}
	if (genkey_make(text)) {
		fprintf(stderr, "genkey: the kernel gave no random bytes\n");
		return EX_OSERR;
	}
	shown = printf("%s\n", text);
	explicit_bzero(text, sizeof(text));
	return shown < 0 || fflush(stdout) ? EX_IOERR : EX_OK;
}
