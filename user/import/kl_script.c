/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands of keepalived in the terms of hokm-xdp. keepalived runs a script by its path when it
 * looks like one, and by a shell otherwise; here the shell is written out. A script that only asks
 * whether a process exists becomes a check that connects to the port: a process that is there may
 * still serve nobody.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/kl_plan.h"

/* What makes a command one for a shell. */
#define SHELL_CHARS "|&;<>()$`\\\"'*?[]~#=%!\n"

/* The words behind the keyword, with blanks between them. 0 or -E2BIG. */
static int join(const struct kl_line *l, char *dst, size_t size)
{
	size_t used = 0;

	*dst = '\0';
	for (unsigned int i = 1; i < l->n; i++) {
		int n = snprintf(dst + used, size - used, "%s%s", i > 1 ? " " : "", l->word[i]);

		if (n < 0 || (size_t)n >= size - used)
			return -E2BIG;
		used += (size_t)n;
	}
	return 0;
}

/*
 * Appends a text of the configuration: '...' if it can be, else "...". A text that has both quotes,
 * or that libconfuse would change, fits into neither. 0 or -E2BIG.
 */
static int append_text(char *dst, size_t size, const char *text)
{
	char quote = strchr(text, '\'') ? '"' : '\'';
	size_t at = strlen(dst);

	if (quote == '"' && (strchr(text, '"') || strstr(text, "${")))
		return -E2BIG;
	if (at + 1 >= size)
		return -E2BIG;
	dst[at++] = quote;
	for (; *text; text++) {
		if (at + 3 >= size)
			return -E2BIG;
		if (*text == '\\')
			dst[at++] = '\\';
		dst[at++] = *text;
	}
	dst[at++] = quote;
	dst[at] = '\0';
	return 0;
}

static int for_a_shell(char *dst, size_t size, const char *command)
{
	int err;

	snprintf(dst, size, "{\"/bin/sh\", \"-c\", ");
	err = append_text(dst, size, command);
	if (err || strlen(dst) + 2 > size)
		return -E2BIG;
	memcpy(dst + strlen(dst), "}", 2);
	return 0;
}

int kl_command(const struct kl_line *l, char *dst, size_t size)
{
	char command[KL_TEXT_MAX];
	int err = join(l, command, sizeof(command));

	*dst = '\0';
	if (err)
		return err;
	if (command[0] == '/' && !strpbrk(command, SHELL_CHARS))
		return append_text(dst, size, command);
	return for_a_shell(dst, size, command);
}

/* ---- checks ---- */

/* Does the command only ask whether a process is there? */
static bool asks_for_process(const char *command)
{
	static const char *const programs[] = {"killall", "pkill", "pidof", "pgrep", "kill"};
	const char *name = command, *end;

	/* Behind one of these stands another test. */
	if (strpbrk(command, "|&;"))
		return false;
	end = command + strcspn(command, " ");
	for (const char *s = command; s < end; s++)
		if (*s == '/')
			name = s + 1;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strlen(programs[i]) == (size_t)(end - name) &&
		    !strncmp(name, programs[i], (size_t)(end - name)))
			return strncmp(name, "kill", 4) != 0 && strncmp(name, "pkill", 5) != 0
				       ? true
				       : strstr(end, "-0") != NULL;
	return false;
}

/* "</dev/tcp/HOST/PORT": the shell's way to connect. */
static bool connects(const char *command, struct kl_check *out)
{
	const char *s = strstr(command, "/dev/tcp/");
	char host[INET_ADDRSTRLEN], *end;
	struct in_addr addr;
	unsigned long port;
	size_t len;

	if (!s || strpbrk(command, "|&;"))
		return false;
	s += strlen("/dev/tcp/");
	len = strcspn(s, "/");
	if (len >= sizeof(host) || s[len] != '/')
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	if (!strcmp(host, "localhost"))
		snprintf(host, sizeof(host), "127.0.0.1");
	port = strtoul(s + len + 1, &end, 10);
	if (inet_pton(AF_INET, host, &addr) != 1 || !port || port > 65535 || !strchr(" '\")", *end))
		return false;
	memcpy(out->address, host, sizeof(host));
	out->port = (unsigned int)port;
	return true;
}

int kl_check_of(const struct kl_script *s, struct kl_check *out)
{
	char command[KL_TEXT_MAX] = "";
	int err = join(s->command, command, sizeof(command));

	memset(out, 0, sizeof(*out));
	out->script = s;
	if (!err && asks_for_process(command)) {
		kl_say(s->command, KL_CHANGED,
		       "a check that connects to the port: a process that exists may serve nobody");
		return 0;
	}
	if (!err && connects(command, out)) {
		kl_say(s->command, KL_CHANGED, "a check that connects, without a shell");
		return 0;
	}
	out->kind = KL_EXEC;
	if (!err)
		err = kl_command(s->command, out->command, sizeof(out->command));
	if (err) {
		kl_say(s->command, KL_REFUSED,
		       "the command does not fit into one text here: "
		       "write it into a file of its own, and give the path of that file");
		return err;
	}
	if (out->command[0] == '{')
		kl_say(s->command, KL_CHANGED,
		       "the shell is written out; "
		       "it is run by the user of the checks, not by root");
	else
		kl_say(s->command, KL_CHANGED, "it is run by the user of the checks, not by root");
	return 0;
}
