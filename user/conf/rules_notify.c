/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for the channels of notifications. A credential that is missing is no error of the file:
 * the failover must not depend on it. The log reports it when the channel is set up.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf_int.h"
#include "conf/schema_notify.h"

/* ---- credentials ---- */

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* NULL, or what is wrong with the file. */
static const char *read_credential(const char *path, char *dst, size_t size)
{
	const char *problem = NULL;
	struct stat st;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &st) < 0)
		problem = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		problem = "not a regular file";
	else if (st.st_mode & S_IRWXO)
		problem = "others may use this file: run chmod o= on it";
	else if ((n = read(fd, dst, size)) < 0)
		problem = strerror(errno);
	else if ((size_t)n == size)
		problem = "too long for a credential";
	close(fd);
	if (problem) {
		explicit_bzero(dst, size);
		return problem;
	}
	while (n > 0 && (dst[n - 1] == '\n' || dst[n - 1] == '\r' || dst[n - 1] == ' '))
		n--;
	dst[n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		if ((unsigned char)dst[i] < ' ')
			problem = "more than one line, or control characters";
	if (problem)
		explicit_bzero(dst, size);
	return problem;
}

/* The variable HOKM_NOTIFY_NAME, in capitals and with '_' for '-'. */
static const char *from_environment(const char *name)
{
	char var[16 + NOTIFY_SUBJECT_MAX];
	int n = snprintf(var, sizeof(var), "HOKM_NOTIFY_%s", name);

	for (int i = 0; i < n; i++)
		var[i] = var[i] == '-' ? '_' : (char)toupper((unsigned char)var[i]);
	return getenv(var);
}

static bool needs_credential(const struct conf_notify *n)
{
	return n->type == NOTIFY_SLACK || n->type == NOTIFY_SMS ||
	       (n->type == NOTIFY_EMAIL && n->user[0]);
}

/*
 * The URL of Slack is the credential: without TLS everybody on the way can read it. A user before
 * the host, as in http://localhost:1@elsewhere, is no host.
 */
static bool is_private_url(const char *url)
{
	static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
	const char *host = url + strlen("http://");

	if (begins(url, "https://"))
		return true;
	if (!begins(url, "http://") || memchr(host, '@', strcspn(host, "/?#")))
		return false;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (begins(host, hosts[i]) && strchr(":/", host[strlen(hosts[i])]))
			return true;
	return false;
}

/*
 * The file with the credential, "" for none: the one that is named, or the one that systemd hands
 * over where the named one is out of reach, as it is for the user of a monitor.
 */
static void find_file(const struct conf_notify *n, char *path, size_t size)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char handed[2 * CONF_NOTIFY_TEXT_MAX];

	snprintf(path, size, "%s", n->credential_file);
	if (!folder || (path[0] && !access(path, R_OK)))
		return;
	snprintf(handed, sizeof(handed), "%s/notify-%s", folder, n->name);
	if (!access(handed, F_OK))
		snprintf(path, size, "%s", handed);
}

static void find_credential(struct conf_notify *n)
{
	const char *value = from_environment(n->name);
	char path[2 * CONF_NOTIFY_TEXT_MAX];
	const char *problem = NULL;

	if (n->type == NOTIFY_SYSLOG)
		return;
	find_file(n, path, sizeof(path));
	if (path[0])
		problem = read_credential(path, n->credential, sizeof(n->credential));
	else if (value && strlen(value) < sizeof(n->credential))
		memcpy(n->credential, value, strlen(value) + 1);
	if (problem)
		snprintf(n->problem, sizeof(n->problem), "%.70s: %s", path, problem);
	else if (!n->credential[0] && needs_credential(n))
		snprintf(n->problem, sizeof(n->problem),
			 "no credential: set credential_file or HOKM_NOTIFY_%s", n->name);
	if (problem || n->type != NOTIFY_SLACK || !n->credential[0] ||
	    is_private_url(n->credential))
		return;
	explicit_bzero(n->credential, sizeof(n->credential));
	snprintf(n->problem, sizeof(n->problem), "the URL of Slack must begin with https://");
}

/* ---- values ---- */

static void read_kinds(const struct conf_sec *s, struct conf_notify *n)
{
	char list[CONF_NOTIFY_TEXT_MAX], *save = NULL;

	n->rules.kinds = ~0u;
	if (!conf_read_key(s, conf_key_find("notify.kinds"), n) || !n->kinds[0])
		return;
	n->rules.kinds = 1u << NOTIFY_K_TEST;
	memcpy(list, n->kinds, sizeof(list));
	for (char *w = strtok_r(list, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		int kind = notify_kind_from_name(w);

		if (kind < 0)
			conf_complain(s, "kinds", "\"%.32s\" is no kind of event", w);
		else
			n->rules.kinds |= 1u << kind;
	}
}

/* Minutes since midnight of "HH:MM", or -1. The characters behind it are not looked at. */
static int minutes_of(const char *t)
{
	int hour, minute;

	for (int i = 0; i < 5; i++)
		if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
			return -1;
	hour = (t[0] - '0') * 10 + t[1] - '0';
	minute = (t[3] - '0') * 10 + t[4] - '0';
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static void read_quiet_hours(const struct conf_sec *s, struct conf_notify *n)
{
	const char *text = n->quiet_hours;
	int from = -1, until = -1;

	if (!conf_read_key(s, conf_key_find("notify.quiet_hours"), n) || !n->quiet_hours[0])
		return;
	if (strlen(text) == strlen("22:00-07:00") && text[5] == '-') {
		from = minutes_of(text);
		until = minutes_of(text + 6);
	}
	if (from < 0 || until < 0 || from == until) {
		conf_complain(s, "quiet_hours", "two times of the day, as in \"22:00-07:00\"");
		return;
	}
	n->rules.quiet = true;
	n->rules.quiet_from = (uint16_t)from;
	n->rules.quiet_until = (uint16_t)until;
}

static void require(const struct conf_sec *s, const char *key, const char *value,
		    const char *example)
{
	if (!value[0] && s->errors->whole)
		conf_complain(s, key, "needed for this type: write %s = \"%s\"", key, example);
}

static void check_email(const struct conf_sec *s, const struct conf_notify *n)
{
	const bool tls = begins(n->endpoint, "smtps://");

	require(s, "endpoint", n->endpoint, "smtp://mail.example.org:587");
	require(s, "from", n->from, "hokm@example.org");
	require(s, "to", n->to, "ops@example.org");
	if (strpbrk(n->from, "<>\", "))
		conf_complain(s, "from", "one address, without a name, as in hokm@example.org");
	if (strpbrk(n->to, "<>\""))
		conf_complain(s, "to", "addresses without names, separated by commas");
	if (n->endpoint[0] && !tls && !begins(n->endpoint, "smtp://"))
		conf_complain(s, "endpoint", "smtp://HOST:PORT or smtps://HOST:PORT");
	if (n->user[0] && !n->starttls && !tls)
		conf_complain(s, "starttls", "a login without TLS: write yes, or use smtps://");
}

/* The sms endpoint carries the account's token, and the webhook's is signed, not secret. */
static void check_url(const struct conf_sec *s, const struct conf_notify *n, bool plain)
{
	if (!n->endpoint[0] || begins(n->endpoint, "https://"))
		return;
	if (!plain || !begins(n->endpoint, "http://"))
		conf_complain(s, "endpoint", plain ? "https:// or http://" : "https://");
}

void rule_notify(const struct conf_sec *s, struct conf *c)
{
	struct conf_notify *n = s->item;

	(void)c;
	read_kinds(s, n);
	read_quiet_hours(s, n);
	switch (n->type) {
	case NOTIFY_EMAIL:
		check_email(s, n);
		break;
	case NOTIFY_SMS:
		require(s, "from", n->from, "+15550100");
		require(s, "to", n->to, "+15550101");
		require(s, "user", n->user, "AC0123456789");
		if (strchr(n->to, ','))
			conf_complain(s, "to", "one number: write a second channel for another");
		check_url(s, n, false);
		break;
	case NOTIFY_WEBHOOK:
		require(s, "endpoint", n->endpoint, "https://example.org/hook");
		check_url(s, n, true);
		break;
	default:
		break;
	}
	find_credential(n);
}
