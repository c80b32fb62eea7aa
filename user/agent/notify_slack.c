/* SPDX-License-Identifier: GPL-2.0-only */
/* Notifications to Slack: an incoming webhook, whose URL is the credential. It answers "ok". */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notify_deliver.h"

/* Slack cuts texts above 40,000 characters. */
static int fill(struct delivery *d, const struct notify_message *m)
{
	char title[NOTIFY_TITLE_MAX], *text = NULL;
	char *body = malloc(NOTIFY_BODY_MAX);
	json_t *json = NULL;

	if (!body)
		return -ENOMEM;
	notify_title(m, title, sizeof(title));
	notify_body(m, body, NOTIFY_BODY_MAX);
	if (asprintf(&text, "*%s*\n```%s```", title, body) < 0)
		text = NULL;
	if (text)
		json = json_pack("{s:s}", "text", text);
	free(text);
	free(body);
	d->request = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!d->request)
		return -ENOMEM;
	d->request_len = strlen(d->request);
	return deliver_post(d, d->conf->credential, "application/json");
}

static void judge(struct delivery *d)
{
	if (strcmp(d->reply, "ok") != 0)
		deliver_say(d, DELIVER_RETRY, "Slack did not answer ok: %.80s", d->reply);
}

const struct deliver_type deliver_slack = {.fill = fill, .judge = judge, .http = true};
