/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Check `exec`: the broker runs the command with the number of the check. The check passes when it
 * exits with status 0. The text of the command that is here is for messages only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/check.h"

static bool ask(struct check_run *r, enum broker_op op)
{
	struct broker_request q;

	memset(&q, 0, sizeof(q));
	q.op = op;
	q.id = r->request.id;
	q.seq = r->request.seq;
	q.attempt = r->attempt;
	return check_ask_broker(r, &q);
}

struct exec_state {
	bool runs; /* the broker was asked to run the command, and has not answered */
};

static void exec_start(struct check_run *r)
{
	struct exec_state *s = r->priv;

	s->runs = ask(r, BROKER_RUN);
	if (!s->runs)
		check_fail(r, HOKM_R_CHECK_EXEC,
			   "`%.64s` was not run: the exec broker accepts no requests",
			   r->request.check.path);
}

static void exec_answered(struct check_run *r, const struct broker_answer *a)
{
	struct exec_state *s = r->priv;
	const char *command = r->request.check.path;

	s->runs = false;
	if (a->result == BROKER_EXITED && !a->code)
		check_pass(r, "`%.64s` exited with status 0", command);
	else if (a->result == BROKER_EXITED)
		check_fail(r, HOKM_R_CHECK_EXIT, "`%.64s` exited with status %d", command, a->code);
	else if (a->result == BROKER_SIGNALLED)
		check_fail(r, HOKM_R_CHECK_SIGNAL, "`%.64s` was killed by signal %d (%s)", command,
			   a->code, sigabbrev_np(a->code) ? sigabbrev_np(a->code) : "?");
	else
		check_fail(r, HOKM_R_CHECK_EXEC, "`%.64s` could not be run: %s", command,
			   a->code == EAGAIN ? "no more processes may run (TasksMax=, LimitNPROC=)"
					     : strerror(a->code));
}

static void exec_late(struct check_run *r)
{
	check_fail(r, HOKM_R_CHECK_TIMEOUT, "`%.64s` did not exit within %llu ms and was killed",
		   r->request.check.path,
		   (unsigned long long)(r->request.check.timeout_ns / NS_PER_MS));
}

static void exec_stop(struct check_run *r)
{
	struct exec_state *s = r->priv;

	/* When the broker accepts no message, it is lost, and check_engine_run() finds that out. */
	if (s->runs)
		ask(r, BROKER_KILL);
	s->runs = false;
}

const struct check_kind check_exec = {
	.name = "exec",
	.priv_bytes = sizeof(struct exec_state),
	.start = exec_start,
	.answered = exec_answered,
	.late = exec_late,
	.stop = exec_stop,
};
