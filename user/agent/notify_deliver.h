/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One attempt to send one message on one channel. A type of channel is a row of the table in
 * notify_deliver.c and a file notify_TYPE.c, which fills in the transfer and may judge its end.
 *
 * A credential is only in struct conf_notify and in the transfer: never in `detail`, never in a
 * log.
 */
#ifndef HOKM_AGENT_NOTIFY_DELIVER_H
#define HOKM_AGENT_NOTIFY_DELIVER_H

#include <curl/curl.h>

#include "conf/conf_notify.h"
#include "agent/notify_text.h"

enum deliver_result {
	DELIVER_OK,
	DELIVER_RETRY,   /* the channel cannot be used now */
	DELIVER_REFUSED, /* this message will never be accepted */
};

#define DELIVER_DETAIL_MAX 128
#define DELIVER_REPLY_MAX  512

struct delivery {
	const struct conf_notify *conf;
	CURL *easy; /* NULL: it ended at once */
	struct curl_slist *list;
	char *request; /* what is sent, owned */
	size_t request_len, request_sent;
	char reply[DELIVER_REPLY_MAX]; /* its beginning, with a terminating zero */
	size_t reply_len;
	char error[CURL_ERROR_SIZE];

	/* the end */
	enum deliver_result result;
	uint64_t retry_after_s;          /* the server asked for it; 0: it did not */
	char detail[DELIVER_DETAIL_MAX]; /* printable ASCII */
};

struct deliver_type {
	/* Fills in what is to be sent. 0 or -errno. */
	int (*fill)(struct delivery *d, const struct notify_message *m);
	/* Corrects the result of an HTTP answer with status 2xx; NULL: it is good. */
	void (*judge)(struct delivery *d);
	bool http;
};

extern const struct deliver_type deliver_email, deliver_slack, deliver_sms, deliver_webhook,
	deliver_syslog;

/*
 * Prepares a transfer, which the caller adds to its multi handle, or, if easy is NULL, the result.
 * Returns 0 or -ENOMEM. Caller: deliver_free().
 */
int deliver_open(const struct conf_notify *c, const struct notify_message *m,
		 struct delivery **out);
/* The transfer has ended: fills in result and detail. */
void deliver_end(struct delivery *d, CURLcode code);
void deliver_free(struct delivery *d);

/* For the types. */
void deliver_say(struct delivery *d, enum deliver_result result, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An HTTP POST of d->request. 0 or -ENOMEM. */
int deliver_post(struct delivery *d, const char *url, const char *content_type);
/* Adds "Name: value" to d->list. 0 or -ENOMEM. */
int deliver_add(struct delivery *d, const char *line);

#endif
