/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications by e-mail: SMTP (RFC 5321) with STARTTLS or TLS, a text message (RFC 5322). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/notify_deliver.h"

static size_t read_request(char *dst, size_t size, size_t n, void *arg)
{
	struct delivery *d = arg;
	size_t left = d->request_len - d->request_sent, len = size * n;

	if (len > left)
		len = left;
	memcpy(dst, d->request + d->request_sent, len);
	d->request_sent += len;
	return len;
}

/* Lines of mail end with CR LF. */
static void put_lines(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputc('\r', f);
		fputc(*text, f);
	}
}

/* A header field is one line, whatever is in the text of an event. */
static const char *one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return text;
}

static int write_mail(struct delivery *d, const struct notify_message *m)
{
	static unsigned int count;
	char title[NOTIFY_TITLE_MAX], date[64];
	char *body = malloc(NOTIFY_BODY_MAX);
	time_t now = (time_t)m->now.wall_s;
	struct tm tm;
	FILE *f;

	if (!body)
		return -ENOMEM;
	f = open_memstream(&d->request, &d->request_len);
	if (!f) {
		free(body);
		return -ENOMEM;
	}
	if (!localtime_r(&now, &tm) ||
	    !strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S %z", &tm))
		date[0] = '\0';
	(void)notify_title(m, title, sizeof(title));
	fprintf(f, "Date: %s\r\nFrom: <%s>\r\nTo: %s\r\nSubject: %s\r\n", date, d->conf->from,
		d->conf->to, one_line(title));
	fprintf(f, "Message-ID: <%lld.%d.%u@%s.hokm-xdp>\r\n", (long long)m->now.wall_s,
		(int)getpid(), ++count, m->who->node);
	/* Automatic replies, such as those of holidays, are not wanted (RFC 3834). */
	fputs("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	      "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	      f);
	put_lines(f, notify_body(m, body, NOTIFY_BODY_MAX));
	free(body);
	return fclose(f) ? -ENOMEM : 0;
}

static int add_recipients(struct delivery *d)
{
	char list[CONF_NOTIFY_TEXT_MAX], *save = NULL;
	int err = 0;

	memcpy(list, d->conf->to, sizeof(list));
	for (char *to = strtok_r(list, ", ", &save); to && !err; to = strtok_r(NULL, ", ", &save))
		err = deliver_add(d, to);
	return err;
}

static int fill(struct delivery *d, const struct notify_message *m)
{
	const struct conf_notify *c = d->conf;
	const bool smtps = !strncmp(c->endpoint, "smtps:", strlen("smtps:"));
	long ssl = c->starttls || smtps ? CURLUSESSL_ALL : CURLUSESSL_NONE;
	char url[CONF_NOTIFY_TEXT_MAX + NOTIFY_SUBJECT_MAX];
	int err = write_mail(d, m);

	if (!err)
		err = add_recipients(d);
	if (err)
		return err;
	/* The path of the URL is the name that this node says in EHLO. */
	snprintf(url, sizeof(url), "%s/%s", c->endpoint, m->who->node);
	if (curl_easy_setopt(d->easy, CURLOPT_URL, url) ||
	    curl_easy_setopt(d->easy, CURLOPT_USE_SSL, ssl) ||
	    curl_easy_setopt(d->easy, CURLOPT_MAIL_FROM, c->from) ||
	    curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT, d->list) ||
	    /* One recipient who is refused must not cost the others the message. */
	    curl_easy_setopt(d->easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L) ||
	    curl_easy_setopt(d->easy, CURLOPT_UPLOAD, 1L) ||
	    curl_easy_setopt(d->easy, CURLOPT_READFUNCTION, read_request) ||
	    curl_easy_setopt(d->easy, CURLOPT_READDATA, d))
		return -ENOMEM;
	if (c->user[0] && (curl_easy_setopt(d->easy, CURLOPT_USERNAME, c->user) ||
			   curl_easy_setopt(d->easy, CURLOPT_PASSWORD, c->credential)))
		return -ENOMEM;
	return 0;
}

const struct deliver_type deliver_email = {.fill = fill};
