/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications as text messages: Twilio's API, a form with basic authentication. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/notify_deliver.h"

#define API "https://api.twilio.com"

static int write_form(struct delivery *d, const struct notify_message *m)
{
	char text[NOTIFY_SHORT_MAX];
	char *to = curl_easy_escape(d->easy, d->conf->to, 0);
	char *from = curl_easy_escape(d->easy, d->conf->from, 0);
	char *body = curl_easy_escape(d->easy, notify_short(m, text, sizeof(text)), 0);
	int n = -1;

	if (to && from && body)
		n = asprintf(&d->request, "To=%s&From=%s&Body=%s", to, from, body);
	curl_free(to);
	curl_free(from);
	curl_free(body);
	if (n < 0) {
		d->request = NULL;
		return -ENOMEM;
	}
	d->request_len = (size_t)n;
	return 0;
}

static int fill(struct delivery *d, const struct notify_message *m)
{
	const struct conf_notify *c = d->conf;
	char url[2 * CONF_NOTIFY_TEXT_MAX + 64];
	int err = write_form(d, m);

	if (err)
		return err;
	snprintf(url, sizeof(url), "%s/2010-04-01/Accounts/%s/Messages.json",
		 c->endpoint[0] ? c->endpoint : API, c->user);
	if (curl_easy_setopt(d->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) ||
	    curl_easy_setopt(d->easy, CURLOPT_USERNAME, c->user) ||
	    curl_easy_setopt(d->easy, CURLOPT_PASSWORD, c->credential))
		return -ENOMEM;
	return deliver_post(d, url, "application/x-www-form-urlencoded");
}

const struct deliver_type deliver_sms = {.fill = fill, .http = true};
