/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The job behind `ctl conns`; it runs on a thread of its own. See conns.h.
 *
 * It needs the memory of one frame, and for a sorted list that of the rows which were asked for.
 * Whether the client is still there is checked with every frame, and every CHECK_EVERY entries
 * while nothing is sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/conns.h"

#define FRAME_ROWS  256
#define CHECK_EVERY 4096

struct conns_job {
	struct conns_query q;
	struct hokm_bpf *bpf; /* a handle of our own on the maps */
	struct ctl_stream *to;
	struct conns_text text; /* the frame under construction */
	unsigned int rows;      /* in that frame */
	uint64_t seen, total, shown;
	struct conns_best best;
	struct conns_tally *tally;
	struct conns_kill *kill;
};

int conns_job_new(const struct conns_names *names, const struct hokm_bpf *b, const json_t *args,
		  void **job, char *error, size_t size)
{
	struct conns_job *j = calloc(1, sizeof(*j));
	int err;

	*job = NULL;
	if (!j)
		return -ENOMEM;
	j->q.names = *names;
	err = conns_query_read(&j->q, args, error, size);
	if (!err && j->q.summary) {
		j->tally = calloc(1, sizeof(*j->tally));
		err = j->tally ? 0 : -ENOMEM;
	}
	if (!err) {
		err = hokm_bpf_view(b, &j->bpf);
		if (err)
			snprintf(error, size, "could not open the maps a second time: %s",
				 strerror(-err));
	}
	if (err) {
		conns_job_free(j);
		return err;
	}
	conns_best_init(&j->best, j->q.limit);
	*job = j;
	return 0;
}

void conns_job_free(void *job)
{
	struct conns_job *j = job;

	if (!j)
		return;
	hokm_bpf_close(j->bpf);
	conns_text_free(&j->text);
	conns_best_free(&j->best);
	free(j->tally);
	free(j);
}

/* ---- frames ---- */

static int send_text(struct conns_job *j, bool more)
{
	int err = j->text.failed ? -ENOMEM : ctl_stream_send(j->to, j->text.buf, j->text.len, more);

	j->text.len = 0;
	j->rows = 0;
	return err;
}

static const char *key_name(const struct conns_query *q, unsigned int i)
{
	if (q->replica)
		return conns_peer_key(i);
	return i < q->n_fields ? conns_field_name(q->fields[i]) : NULL;
}

static int send_keys(struct conns_job *j)
{
	static const char head[] = "{\"keys\":[";
	const char *name;

	conns_text_add(&j->text, head, sizeof(head) - 1);
	for (unsigned int i = 0; (name = key_name(&j->q, i)); i++) {
		if (i)
			conns_text_add(&j->text, ",", 1);
		conns_text_word(&j->text, name);
	}
	conns_text_add(&j->text, "]}", 2);
	return send_text(j, true);
}

static int send_rows(struct conns_job *j)
{
	if (!j->rows)
		return 0;
	conns_text_add(&j->text, "]}", 2);
	return send_text(j, true);
}

static void begin_row(struct conns_job *j)
{
	static const char head[] = "{\"rows\":[";

	if (j->rows)
		conns_text_add(&j->text, ",", 1);
	else
		conns_text_add(&j->text, head, sizeof(head) - 1);
}

static int end_row(struct conns_job *j)
{
	j->shown++;
	return ++j->rows < FRAME_ROWS ? 0 : send_rows(j);
}

static int add_row(struct conns_job *j, const struct hokm_conn_key *k, const struct hokm_conn *c)
{
	begin_row(j);
	conns_row(&j->text, &j->q, k, c);
	return end_row(j);
}

static int send_end(struct conns_job *j)
{
	char end[128];
	int n = snprintf(end, sizeof(end),
			 "{\"total\":%llu,\"seen\":%llu,\"shown\":%llu,\"limit\":%u}",
			 (unsigned long long)j->total, (unsigned long long)j->seen,
			 (unsigned long long)j->shown, j->q.limit);

	return ctl_stream_send(j->to, end, (size_t)n, false);
}

/* ---- the walk ---- */

static int take(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct conns_job *j = arg;
	int err = j->seen++ % CHECK_EVERY ? 0 : ctl_stream_check(j->to);

	if (err || !conns_match(&j->q, k, c))
		return err;
	j->total++;
	if (j->tally)
		conns_tally_add(j->tally, &j->q, k, c);
	else if (j->q.sort != CONNS_BY_NONE)
		err = conns_best_put(&j->best, conns_rank(&j->q, c), k, c);
	else if (j->shown < j->q.limit)
		err = add_row(j, k, c);
	return err;
}

static int take_replica(const struct hokm_conn_key *k, const struct hokm_replica *r, void *arg)
{
	struct conns_job *j = arg;
	int err = j->seen++ % CHECK_EVERY ? 0 : ctl_stream_check(j->to);

	if (err || !conns_peer_match(&j->q, k, r) || j->total++ >= j->q.limit)
		return err;
	begin_row(j);
	conns_peer_row(&j->text, &j->q, k, r);
	return end_row(j);
}

static int list(struct conns_job *j)
{
	int err = send_keys(j);

	if (!err && j->q.replica)
		err = hokm_bpf_walk_replica(j->bpf, take_replica, j);
	else if (!err)
		err = hokm_bpf_walk_conns(j->bpf, j->q.half_open, take, j);
	if (!err)
		conns_best_sort(&j->best);
	for (unsigned int i = 0; !err && i < j->best.n; i++)
		err = add_row(j, &j->best.heap[i].entry->key, &j->best.heap[i].entry->conn);
	if (!err)
		err = send_rows(j);
	return err ? err : send_end(j);
}

/* The reply to a summary or to `kill`: one frame. */
static int send_json(struct conns_job *j, json_t *data)
{
	char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
	int err;

	json_decref(data);
	if (!text)
		return -ENOMEM;
	err = ctl_stream_send(j->to, text, strlen(text), false);
	free(text);
	return err;
}

static int take_kill(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct conns_job *j = arg;

	return conns_match(&j->q, k, c) ? conns_kill_add(j->kill, k, c) : 0;
}

static int kill_all(struct conns_job *j)
{
	int err = conns_kill_open(&j->q, &j->kill);

	if (!err)
		err = hokm_bpf_walk_conns(j->bpf, false, take_kill, j);
	if (!err)
		err = send_json(j, conns_kill_end(j->kill));
	conns_kill_close(j->kill);
	j->kill = NULL;
	return err;
}

static int summarize(struct conns_job *j)
{
	struct hokm_latency latency[HOKM_MAX_SERVICES] = {0};
	int err = hokm_bpf_walk_conns(j->bpf, j->q.half_open, take, j);

	for (unsigned int s = 0; !err && s < HOKM_MAX_SERVICES; s++)
		if (j->q.names.service[s][0])
			err = hokm_bpf_get_latency(j->bpf, s, &latency[s]);
	if (err)
		return err;
	return send_json(j, json_pack("{s:I, s:I, s:o}", "total", (json_int_t)j->total, "seen",
				      (json_int_t)j->seen, "summary",
				      conns_summary(j->tally, &j->q, latency)));
}

int conns_job_run(void *job, struct ctl_stream *s, char *error, size_t size)
{
	struct conns_job *j = job;
	int err;

	j->to = s;
	err = j->q.kill ? kill_all(j) : j->q.summary ? summarize(j) : list(j);
	if (err && j->q.kill)
		snprintf(error, size, "could not terminate the connections: %s", strerror(-err));
	else if (err)
		snprintf(error, size, "could not read map %s: %s",
			 j->q.half_open ? "half_open"
			 : j->q.replica ? "replica"
					: "conns",
			 strerror(-err));
	return err;
}
