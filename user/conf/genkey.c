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

const struct command genkey_command = {
	.name = "genkey",
	.operands = "",
	.summary = "print a new secret for the configuration",
	.about = "Prints a new random secret, for the key secret of the configuration.",
};

int genkey_main(int argc, char **argv)
{
	char text[GENKEY_TEXT_MAX];
	struct command_line l;
	int what, shown;

	command_begin(&l, &genkey_command, argc, argv, stdout, stderr);
	what = command_next(&l);
	if (what > 0)
		what = command_wrong(&l, "it takes no `%s`", l.value);
	if (what)
		return what == COMMAND_HELP ? EX_OK : EX_USAGE;
	if (genkey_make(text)) {
		fprintf(stderr, "genkey: the kernel gave no random bytes\n");
		return EX_OSERR;
	}
	shown = printf("%s\n", text);
	explicit_bzero(text, sizeof(text));
	return shown < 0 || fflush(stdout) ? EX_IOERR : EX_OK;
}
