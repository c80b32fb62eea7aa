/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to an etcd cluster over libcurl: one handle, whose connections are kept. The endpoints
 * are tried in turn, from the one that answered last, within the time of the question.
 *
 * A member whose cluster id is another one than the first that was seen is not believed: two nodes
 * that ask two clusters would both own.
 */
#ifndef HOKM_AGENT_ETCD_HTTP_H
#define HOKM_AGENT_ETCD_HTTP_H

#include <curl/curl.h>

#include "agent/etcd_json.h"

#define ETCD_SECRET_MAX 256

struct etcd_http {
	const struct etcd_settings *settings;
	char user[ETCD_SECRET_MAX], password[ETCD_SECRET_MAX]; /* "": no login */
	char token[ETCD_TOKEN_MAX];
	struct curl_blob ca, cert, key; /* data NULL: not read */
	CURL *curl;
	CURLM *multi;
	bool superseded; /* the daemon has another question */
	unsigned int at; /* the endpoint that is asked first */
	uint64_t cluster;
	char *body;
	size_t body_len;
	char error[CURL_ERROR_SIZE];
	char problem[ETCD_TEXT_MAX]; /* why nothing can be asked; "": it can */
};

/* Reads secrets and certificates, with the rights of the caller. */
void etcd_http_read_files(struct etcd_http *h);
/* Makes the handle. */
void etcd_http_open(struct etcd_http *h);
void etcd_http_close(struct etcd_http *h);
/*
 * Logs in at the endpoint that is asked first, where a user is set: before the first question,
 * because a member takes its time for a password on purpose, and a question may not have it.
 */
void etcd_http_log_in(struct etcd_http *h);
/*
 * Fills *out within the time of the question, or sets h->superseded. Only a login that is due lasts
 * longer, and no other question ends it: all of them need it.
 */
void etcd_http_ask(struct etcd_http *h, const struct etcd_question *q, struct etcd_reply *out);

#endif
