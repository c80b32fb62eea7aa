/* SPDX-License-Identifier: GPL-2.0-only */
/* URLs of checks. Pure: nothing is looked up. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "probe/probe_run.h"

static const struct scheme {
	const char *name;
	enum conf_check_kind kind;
	bool tls;
	uint16_t port; /* 0: it must be given */
} schemes[] = {
	{"ws", CHECK_WEBSOCKET, false, 80}, {"wss", CHECK_WEBSOCKET, true, 443},
	{"http", CHECK_HTTP, false, 80},    {"https", CHECK_HTTP, true, 443},
	{"tcp", CHECK_TCP, false, 0},       {"tls", CHECK_TCP, true, 443},
};
#define N_SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

static const struct scheme *find_scheme(const char *url, size_t len)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (strlen(schemes[i].name) == len && !strncmp(url, schemes[i].name, len))
			return &schemes[i];
	return NULL;
}

/* "ADDRESS" or "ADDRESS:PORT". */
static const char *parse_host(char *host, const struct scheme *s, struct conf_check *out)
{
	char *colon = strchr(host, ':');
	uint64_t port = s->port;

	if (colon)
		*colon = '\0';
	if (inet_pton(AF_INET, host, &out->addr) != 1)
		return "the address must be a number such as 192.168.1.25; no name is looked up";
	if (colon && (number_parse(colon + 1, &port) || !port || port > UINT16_MAX))
		return "the port must be a number from 1 to 65535";
	if (!port)
		return "the port is missing, as in tcp://192.168.1.25:8765";
	out->port = (uint16_t)port;
	return NULL;
}

static const char *parse_path(const char *path, struct conf_check *out)
{
	if (out->kind == CHECK_TCP)
		return *path && strcmp(path, "/") != 0 ? "a check of a port has no path" : NULL;
	if (strlen(path) >= sizeof(out->path))
		return "the path is too long";
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c > '~')
			return "the path has blanks or unprintable bytes";
	snprintf(out->path, sizeof(out->path), "%s", *path ? path : "/");
	return NULL;
}

const char *probe_url_parse(const char *url, struct conf_check *out)
{
	const char *rest = strstr(url, "://");
	const struct scheme *s = rest ? find_scheme(url, (size_t)(rest - url)) : NULL;
	char host[64];
	const char *why;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (!s)
		return "a URL begins with ws://, wss://, http://, https://, tcp:// or tls://";
	rest += strlen("://");
	len = strcspn(rest, "/");
	if (len >= sizeof(host))
		return "the address is too long";
	memcpy(host, rest, len);
	host[len] = '\0';
	out->kind = s->kind;
	out->tls = s->tls;
	why = parse_host(host, s, out);
	return why ? why : parse_path(rest + len, out);
}

static const char *scheme_of(const struct conf_check *c)
{
	for (size_t i = 0; i < N_SCHEMES; i++)
		if (schemes[i].kind == c->kind && schemes[i].tls == c->tls)
			return schemes[i].name;
	return "?";
}

const char *probe_url_text(const struct conf_check *c, char *dst, size_t size)
{
	char addr[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &c->addr, addr, sizeof(addr));
	if (c->kind == CHECK_EXEC)
		snprintf(dst, size, "`%s`", c->path);
	else
		snprintf(dst, size, "%s://%s:%u%s", scheme_of(c), addr, c->port,
			 c->kind == CHECK_TCP ? "" : c->path);
	return dst;
}
