/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine that runs checks, and what a kind of check has to provide.
 *
 * A run of a check has up to `attempts` attempts, with a doubling pause between them, and all
 * within one deadline. The engine is responsible for time, repetition and the reply. A kind makes
 * one attempt: start() begins it without blocking, ended(), answered() and step() continue it, and
 * any of them reports the result once with check_pass() or check_fail(). Then stop() frees what
 * start() used. One loop drives everything (check_engine_wait(), check_engine_run()), and nothing
 * blocks.
 *
 * The engine belongs to the agent process, which has one thread. It owns its runs; a kind must not
 * keep a run after stop().
 */
#ifndef HOKM_AGENT_CHECK_H
#define HOKM_AGENT_CHECK_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/broker.h"
#include "agent/messages.h"

#define CHECK_HEADERS_MAX (16 * 1024) /* bytes of the headers of an answer */
#define CHECK_BODY_MAX    (64 * 1024) /* bytes of a body that are searched */

struct check_run;

/* A kind of check. A function may be NULL if its comment allows it. */
struct check_kind {
	const char *name;
	size_t priv_bytes; /* of r->priv, zeroed before each attempt; 0 for none */
	void (*start)(struct check_run *r);
	/* libcurl finished with r->easy: it transferred, or connected, or failed. May be NULL. */
	void (*ended)(struct check_run *r, CURLcode code);
	/* Something may have arrived, or r->wake_ns has passed. May be NULL. */
	void (*step)(struct check_run *r);
	/* The broker answered. May be NULL. */
	void (*answered)(struct check_run *r, const struct broker_answer *a);
	/*
	 * Fills *fd with a socket and the events to wait for, in addition to those that libcurl
	 * waits for. Returns false for none. May be NULL.
	 */
	bool (*wants)(const struct check_run *r, struct curl_waitfd *fd);
	/* The deadline has passed: reports what that means for the check. */
	void (*late)(struct check_run *r);
	/* The attempt is over: frees what it used, except r->easy. May be NULL. */
	void (*stop)(struct check_run *r);
};

extern const struct check_kind check_http;
extern const struct check_kind check_websocket;
extern const struct check_kind check_tcp;
extern const struct check_kind check_exec;

struct check_engine; /* opaque */

/* One run of one check. */
struct check_run {
	const struct check_kind *kind;
	struct check_engine *engine;
	struct agent_request request;
	uint64_t started_ns, deadline_ns;
	uint64_t wake_ns;     /* when step() is needed at the latest; UINT64_MAX for never */
	unsigned int attempt; /* the present or the last one, from 1 */
	bool trying;          /* start() was called, stop() was not */
	bool ended;           /* the attempt has its result */
	uint64_t ended_ns;    /* when; a kind may set it before it cleans up */
	enum hokm_reason reason;
	char detail[sizeof(((struct agent_reply *)NULL)->detail)];
	uint64_t mark_ns; /* when the last step of the attempt ended */
	uint64_t step_ns[CHECK_STEPS];
	CURL *easy; /* of the attempt, in the multi handle of the engine */
	struct curl_slist *headers;
	void *priv; /* of the kind */
};

typedef void (*check_reply_fn)(const struct agent_reply *r, void *arg);

/*
 * Makes an engine. `broker_fd` is the socket of the exec broker and stays the caller's; with -1,
 * exec checks fail with CHECK_EXEC. Returns 0 or -errno. The caller closes *out with
 * check_engine_close().
 */
int check_engine_open(int broker_fd, check_reply_fn fn, void *arg, struct check_engine **out);

/* Stops all runs without a reply. NULL is allowed. */
void check_engine_close(struct check_engine *e);

/*
 * Begins a run. A run with the same id that is not over ends with CHECK_ERROR. The reply may come
 * during this call.
 */
void check_engine_start(struct check_engine *e, const struct agent_request *r);

/*
 * Sleeps until something happened to a run, `fd` is readable, or a time has come. Returns 0 or
 * -errno, logged.
 */
int check_engine_wait(struct check_engine *e, int fd);

/* Continues all runs. Returns 0, or -EPIPE when the broker is lost. */
int check_engine_run(struct check_engine *e);

/*
 * For kinds: report the result of the attempt, with a text that says what was tried and what
 * happened. Only the first report of an attempt counts.
 */
void check_pass(struct check_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_fail(struct check_run *r, enum hokm_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For kinds: a step of the attempt is over, and the next one begins. */
void check_step_done(struct check_run *r, enum check_step step);

/* Takes from libcurl how long the steps took that it made. */
void check_easy_steps(struct check_run *r);

/*
 * For kinds: makes r->easy for `path` with the options that all kinds share, and does not start it.
 * Returns false when the attempt has failed already.
 */
bool check_easy_make(struct check_run *r, const char *path);

/* For kinds: makes r->easy and starts a connection without a request. */
void check_easy_connect(struct check_run *r);

/* For kinds: reports that check_easy_connect() did not connect before the deadline. */
void check_late_connect(struct check_run *r);

/* For kinds: starts r->easy. */
void check_easy_start(struct check_run *r);

/* Frees r->easy and closes its connection. Does nothing when there is none. */
void check_easy_drop(struct check_run *r);

/* For kinds: fails the attempt because of a libcurl code other than CURLE_OK. */
void check_fail_curl(struct check_run *r, CURLcode code);

/* Returns the multi handle of the engine, which owns it. */
CURLM *check_engine_multi(struct check_engine *e);

/* For kinds: sends a request to the broker. Returns false when that was not possible. */
bool check_ask_broker(struct check_run *r, const struct broker_request *q);

#endif
