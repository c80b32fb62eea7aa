/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp ctl`: sends one request to the daemon, shows the reply as text or JSON, and ends with
 * an exit code for scripts (CTL_EXIT_* of ctl.h).
 */
#include <errno.h>
#include <string.h>

#include "conf/conf.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/gone.h"
#include "ctl/render.h"

/* How many events `ctl events` begins with when --recent is not given. */
#define RECENT_ALONE  50
#define RECENT_FOLLOW 10 /* with --follow */

struct ctl {
	const struct ctl_call *call;
	char path[CONF_PATH_MAX];
	struct ctl_conn conn;
	FILE *out, *err;
};

/* Reports why the daemon could not be asked. Returns the exit code. */
static int no_answer(const struct ctl *k, int err)
{
	switch (-err) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(k->err,
			"hokm-xdp ctl: no daemon answers on %s: %s; "
			"`hokm-xdp doctor` and `systemctl status hokm-xdp` say more\n",
			k->path, strerror(-err));
		return CTL_EXIT_NO_DAEMON;
	case ETIMEDOUT:
		fprintf(k->err,
			"hokm-xdp ctl: the daemon on %s does not answer within %d s: "
			"its process is stopped or stuck\n",
			k->path, CTL_CLIENT_TIMEOUT_S);
		return CTL_EXIT_NO_DAEMON;
	case ENODATA:
	case EPIPE:
	case ECONNRESET:
		fprintf(k->err, "hokm-xdp ctl: the daemon on %s closed the connection\n", k->path);
		return CTL_EXIT_NO_DAEMON;
	case EACCES:
	case EPERM:
		fprintf(k->err,
			"hokm-xdp ctl: permission denied on %s: "
			"only root and members of ctl_group or ctl_admin_group may use it\n",
			k->path);
		return CTL_EXIT_DENIED;
	case EBADMSG:
	case EMSGSIZE:
		fprintf(k->err, "hokm-xdp ctl: the answer on %s is not one of a hokm-xdp daemon\n",
			k->path);
		return CTL_EXIT_FAILED;
	default:
		fprintf(k->err, "hokm-xdp ctl: the request to the daemon on %s failed: %s\n",
			k->path, strerror(-err));
		return CTL_EXIT_FAILED;
	}
}

/* Reports why the daemon refused the command. Returns the exit code. */
static int refused(const struct ctl *k, const json_t *reply)
{
	fprintf(k->err, "hokm-xdp ctl: %s\n", field_text(reply, "error"));
	return field_int(reply, "code", 0) == EACCES ? CTL_EXIT_DENIED : CTL_EXIT_FAILED;
}

static void print_json(const json_t *msg, size_t flags, FILE *out)
{
	/* ctl_run() checks the stream for failed writes at the end. */
	if (!json_dumpf(msg, out, flags))
		fputc('\n', out);
}

static void print_event(const struct ctl *k, const json_t *event)
{
	if (field_true(k->call->options, "json"))
		print_json(event, JSON_COMPACT, k->out);
	else
		render_event(event, k->out);
}

static int print_events(struct ctl *k, const json_t *data)
{
	const json_t *events = json_object_get(data, "events");
	size_t i;
	json_t *msg;
	int err;

	json_array_foreach (events, i, msg)
		print_event(k, msg);
	if (!field_true(k->call->args, "follow"))
		return CTL_EXIT_OK;
	for (;;) {
		if (fflush(k->out))
			return CTL_EXIT_FAILED;
		err = ctl_conn_next(&k->conn, &msg);
		if (err)
			return no_answer(k, err);
		print_event(k, msg);
		json_decref(msg);
	}
}

/* Reports why a long reply is incomplete. Returns the exit code. */
static int reply_incomplete(const struct ctl *k, int err)
{
	if (err == -ETIMEDOUT)
		fprintf(k->err,
			"hokm-xdp ctl: the reply is incomplete: nothing more came within %d s\n",
			CTL_CLIENT_MORE_S);
	else if (err == -ENODATA || err == -EPIPE || err == -ECONNRESET)
		fprintf(k->err,
			"hokm-xdp ctl: the reply is incomplete: "
			"the daemon on %s closed the connection, "
			"because it stopped or because the reply was read too slowly\n",
			k->path);
	else
		return no_answer(k, err);
	return CTL_EXIT_FAILED;
}

/* Shows a reply of one or more frames. `reply` is the first one, borrowed. */
static int print_frames(struct ctl *k, json_t *reply)
{
	const struct ctl_view *view = k->call->command->view;
	void *state = view->open(k->call->options, k->out, k->err);
	json_t *msg = json_incref(reply);
	int code = CTL_EXIT_OK, shown = CTL_EXIT_OK, err = state ? 0 : -ENOMEM;
	bool more = state != NULL;

	while (more && field_true(msg, "ok")) {
		view->frame(state, json_object_get(msg, "data"));
		more = field_true(msg, "more") && !ferror(k->out);
		if (!more)
			break;
		json_decref(msg);
		err = ctl_conn_more(&k->conn, &msg);
		more = !err;
	}
	if (err)
		code = reply_incomplete(k, err);
	else if (!field_true(msg, "ok"))
		code = refused(k, msg);
	json_decref(msg);
	if (state)
		shown = view->close(state);
	return code ? code : shown;
}

static int print_reply(struct ctl *k, const json_t *data)
{
	const struct ctl_command *c = k->call->command;
	int code;

	if (!c->render)
		return print_events(k, data);
	code = c->judge ? c->judge(data, k->call->options, k->err) : CTL_EXIT_OK;
	if (code == CTL_EXIT_FAILED)
		return code;
	if (field_true(k->call->options, "json") && !c->patient)
		print_json(data, JSON_INDENT(2), k->out);
	else
		c->render(data, k->call->options, k->out);
	return code;
}

/* Adds to the request what was not typed: for `events`, how many lines to begin with. */
static int prepare_args(const struct ctl_call *call)
{
	int n = field_true(call->args, "follow") ? RECENT_FOLLOW : RECENT_ALONE;

	if (call->command->view)
		return call->command->view->prepare(call->options, call->args);
	if (call->command->render || json_object_get(call->args, "recent"))
		return 0;
	return json_object_set_new(call->args, "recent", json_integer(n)) ? -ENOMEM : 0;
}

/* As a ctl_ask_fn; each question has a connection of its own. */
static json_t *ask_again(void *ctl, const char *verb)
{
	struct ctl *k = ctl;
	json_t *args = json_object(), *reply = NULL, *data = NULL;
	int err = args ? ctl_conn_open(&k->conn, k->path) : -ENOMEM;

	if (!err)
		err = ctl_conn_ask(&k->conn, verb, args, &reply);
	if (err && !k->call->command->patient)
		(void)no_answer(k, err);
	else if (!err && field_true(reply, "ok"))
		data = json_incref(json_object_get(reply, "data"));
	else if (!err)
		(void)refused(k, reply);
	json_decref(args);
	json_decref(reply);
	ctl_conn_close(&k->conn);
	return data;
}

/*
 * No daemon answers, with this exit code. Shows what it left in the kernel, if the command can.
 * Returns the exit code: this one, or what the command's judge finds by that.
 */
static int show_gone(struct ctl *k, int code, int err)
{
	const struct ctl_command *c = k->call->command;
	const json_t *options = k->call->options;
	json_t *data;
	int judged;

	if (code != CTL_EXIT_NO_DAEMON || !c->render_gone)
		return code;
	data = gone_look(options, k->path, err);
	if (!data)
		return code;
	judged = c->judge(data, options, k->err);
	if (field_true(options, "json"))
		print_json(data, JSON_INDENT(2), k->out);
	else
		c->render_gone(data, options, k->out);
	json_decref(data);
	return judged ? judged : code;
}

static int ask(struct ctl *k)
{
	const struct ctl_call *call = k->call;
	json_t *reply;
	int code, err;

	err = prepare_args(call);
	if (!err)
		err = ctl_conn_open(&k->conn, k->path);
	if (err)
		return show_gone(k, no_answer(k, err), err);
	err = ctl_conn_ask(&k->conn, call->command->name, call->args, &reply);
	if (err) {
		code = show_gone(k, no_answer(k, err), err);
	} else {
		if (call->command->view)
			code = print_frames(k, reply);
		else if (field_true(reply, "ok"))
			code = print_reply(k, json_object_get(reply, "data"));
		else
			code = refused(k, reply);
		json_decref(reply);
	}
	ctl_conn_close(&k->conn);
	if (!code && call->command->follow)
		code = call->command->follow(call->options, ask_again, k, k->out);
	return code;
}

static int run_call(const struct ctl_call *call, FILE *out, FILE *err)
{
	struct ctl k = {.call = call, .path = "", .out = out, .err = err};
	int code;

	if (field_true(call->options, "help")) {
		ctl_help(call->command, out);
		return CTL_EXIT_OK;
	}
	if (!call->command) {
		fprintf(err, "hokm-xdp ctl: a command is missing\n");
		ctl_help(NULL, err);
		return CTL_EXIT_USAGE;
	}
	code = ctl_socket_find(call->options, CTL_RUN_DIR, k.path, sizeof(k.path), err);
	return code ? show_gone(&k, code, -ENOENT) : ask(&k);
}

int ctl_run(int argc, char **argv, FILE *out, FILE *err)
{
	struct ctl_call call;
	int code, ret;

	/* --words and --man are for completion and for tools/packaging/man. */
	if (argc > 1 && !strcmp(argv[1], "--words")) {
		ctl_words(argc > 2 ? ctl_command_find(argv[2]) : NULL, out);
		code = CTL_EXIT_OK;
	} else if (argc > 1 && !strcmp(argv[1], "--man")) {
		ctl_man(out);
		code = CTL_EXIT_OK;
	} else {
		ret = ctl_call_parse(&call, argc, argv, err);
		if (ret == -ENOMEM)
			fprintf(err, "hokm-xdp ctl: out of memory\n");
		code = ret ? CTL_EXIT_USAGE : run_call(&call, out, err);
		ctl_call_free(&call);
	}
	if (fflush(out) || ferror(out)) {
		fprintf(err, "hokm-xdp ctl: the output could not be written: %s\n",
			strerror(errno));
		return code ? code : CTL_EXIT_FAILED;
	}
	return code;
}

int ctl_main(int argc, char **argv)
{
	return ctl_run(argc, argv, stdout, stderr);
}
