/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said to etcd's JSON gateway and what it answers. Numbers of 64 bits are texts there, keys
 * and values base64, and what is 0, false or empty is left out.
 */
#ifndef HOKM_AGENT_ETCD_JSON_H
#define HOKM_AGENT_ETCD_JSON_H

#include "agent/etcd_client.h"

#define ETCD_VALUE_MAX 96
#define ETCD_TOKEN_MAX 2048

/* The body of a request; NULL without memory. Caller: free(). */
char *etcd_json_range(const char *key);
char *etcd_json_write(const char *key, const struct etcd_question *q);
char *etcd_json_login(const char *user, const char *password);

/*
 * Reads an answer with HTTP status 200 into valid, moved, revision, epoch and holder, or what is
 * wrong with it into text. *cluster: the id of the cluster.
 */
void etcd_json_read(const char *body, size_t len, const struct etcd_question *q,
		    struct etcd_reply *out, uint64_t *cluster);
/* The token of a login. 0, or -EBADMSG. */
int etcd_json_token(const char *body, size_t len, char token[ETCD_TOKEN_MAX]);
/* The words of an answer with another status: printable, cut to `size`. */
void etcd_json_words(const char *body, size_t len, char *dst, size_t size);

#endif
