/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine that runs checks, and what a kind of check is to it.
 *
 * A check is a run of up to `attempts` tries with a doubling pause between them, all inside one
 * deadline. The engine owns time, retries and the reply; a kind makes one try: start() begins it
 * without blocking, ended() and step() carry it on, and check_pass() or check_fail() says how it
 * went, from any of them, once. stop() then gives back what start() took. Everything is driven from
 * one loop (check_engine_wait, check_engine_run); nothing blocks.
 */
#ifndef HOKM_AGENT_CHECK_H
#define HOKM_AGENT_CHECK_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/agent.h"
#include "agent/broker.h"

#define CHECK_HEADERS_MAX (16 * 1024) /* bytes of an answer's headers */
#define CHECK_BODY_MAX    (64 * 1024) /* bytes of a body that are looked at */

struct check_run;

struct check_kind {
	const char *name;
	size_t priv_bytes; /* of the kind's own state, zeroed before each try; 0 for none */
	void (*start)(struct check_run *r);
	/*
	 * libcurl is through with r->easy: transferred, or connected when it was only to connect.
	 */
	void (*ended)(struct check_run *r, CURLcode code);
	/* May be NULL. Something may have arrived, or a time asked for by wake_ns has come. */
	void (*step)(struct check_run *r);
	/* May be NULL. The broker's answer. */
	void (*answered)(struct check_run *r, const struct broker_answer *a);
	/*
	 * May be NULL. The socket to wait for and the events, when libcurl does not: false for
	 * none.
	 */
	bool (*wants)(const struct check_run *r, struct curl_waitfd *fd);
	/*
	 * What it means that time is up now; fills in the reason by check_fail() or check_pass().
	 */
	void (*late)(struct check_run *r);
	/* The try is over: give back what it took, r->easy aside. May be NULL. */
	void (*stop)(struct check_run *r);
};

extern const struct check_kind check_http;
extern const struct check_kind check_websocket;
extern const struct check_kind check_tcp;
extern const struct check_kind check_exec;

struct check_engine; /* opaque */

struct check_run {
	const struct check_kind *kind;
	struct check_engine *engine;
	struct agent_request request;
	uint64_t started_ns, deadline_ns;
	uint64_t wake_ns;     /* step() wanted then at the latest; UINT64_MAX for never */
	unsigned int attempt; /* the one that runs or ran last, from 1 */
	bool trying;          /* start() was called, stop() was not */
	bool ended;           /* the try has its result */
	uint64_t ended_ns;    /* when; a kind may set it before its tidying up */
	enum hokm_reason reason;
	char detail[sizeof(((struct agent_reply *)NULL)->detail)];
	CURL *easy; /* of the try, in the engine's multi handle */
	struct curl_slist *headers;
	void *priv;
};

typedef void (*check_reply_fn)(const struct agent_reply *r, void *arg);

/*
 * `broker_fd` is the exec broker's socket, or -1: exec checks then end as CHECK_EXEC. The engine
 * does not close it. 0 or -errno.
 */
int check_engine_open(int broker_fd, check_reply_fn fn, void *arg, struct check_engine **out);
/* Ends what runs, without replies. */
void check_engine_close(struct check_engine *e);

/*
 * Begins a check. One with the same id that still runs ends as CHECK_ERROR. The reply may come from
 * within.
 */
void check_engine_start(struct check_engine *e, const struct agent_request *r);

/* Sleeps until something happened to a check, `fd` is readable, or a time has come. 0 or -errno. */
int check_engine_wait(struct check_engine *e, int fd);
/* Carries all checks on. 0, or -EPIPE when the broker is lost. */
int check_engine_run(struct check_engine *e);

/* For kinds: the result of the try, with words of what happened. The first one counts. */
void check_pass(struct check_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_fail(struct check_run *r, enum hokm_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Makes r->easy for `path` ("" for a bare connection) with what all kinds have in common, not yet
 * started. False: the try has failed.
 */
bool check_easy_make(struct check_run *r, const char *path);
/* Gives r->easy to libcurl. */
void check_easy_start(struct check_run *r);
/* Takes it back; its connection is closed. */
void check_easy_drop(struct check_run *r);
/* Ends the try by a libcurl code that is not CURLE_OK. */
void check_fail_curl(struct check_run *r, CURLcode code);

/* The multi handle of all tries. */
CURLM *check_engine_multi(struct check_engine *e);

/* Sends to the broker; false when it could not be. */
bool check_ask_broker(struct check_run *r, const struct broker_request *q);

#endif
