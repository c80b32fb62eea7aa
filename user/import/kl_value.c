/* SPDX-License-Identifier: GPL-2.0-only */
/* Values in the lines of keepalived.conf; see kl_int.h. */
#include <arpa/inet.h>
#include <string.h>

#include "base/units.h"
#include "import/kl_int.h"

/* A number within limits; else the line is refused. */
bool kl_number(struct kl_line *l, unsigned int at, unsigned int least, unsigned int most,
	       unsigned int *out)
{
	uint64_t n;

	if (number_parse(l->word[at], &n) || n < least || n > most) {
		kl_say(l, KL_REFUSED, "`%s` is no number from %u to %u", l->word[at], least, most);
		return false;
	}
	*out = (unsigned int)n;
	return true;
}

/* Seconds, with decimals or without. */
bool kl_seconds(struct kl_line *l, uint64_t *ns)
{
	char text[DURATION_TEXT_MAX];

	if (snprintf(text, sizeof(text), "%ss", l->word[1]) >= (int)sizeof(text) ||
	    duration_parse(text, ns)) {
		kl_say(l, KL_REFUSED, "`%s` is no number of seconds", l->word[1]);
		return false;
	}
	return true;
}

void kl_keep(struct kl_line *l)
{
	if (l->verdict == KL_UNKNOWN)
		l->verdict = KL_KEPT;
}

bool kl_text(struct kl_line *l, unsigned int at, char *dst, size_t size)
{
	if (snprintf(dst, size, "%s", l->word[at]) >= (int)size || strpbrk(dst, "\"\\\n")) {
		kl_say(l, KL_REFUSED, "`%s` is too long, or has a quote or a backslash in it",
		       l->word[at]);
		return false;
	}
	kl_keep(l);
	return true;
}

bool kl_addr(struct kl_line *l, unsigned int at, struct in_addr *out)
{
	char host[INET6_ADDRSTRLEN];
	size_t len = strcspn(l->word[at], "/");
	struct in6_addr six;

	if (len < sizeof(host)) {
		memcpy(host, l->word[at], len);
		host[len] = '\0';
		if (inet_pton(AF_INET, host, out) == 1)
			return true;
		if (inet_pton(AF_INET6, host, &six) == 1) {
			kl_say(l, KL_LEFT_OUT, "IPv6: hokm-xdp moves IPv4 addresses");
			return false;
		}
	}
	kl_say(l, KL_REFUSED, "`%s` is no IPv4 address", l->word[at]);
	return false;
}
