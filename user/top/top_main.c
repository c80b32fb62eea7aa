/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, the terminal and the loop. Once a second the loop asks for status, counters and
 * events, one after the other; each answer and each key draws the screen anew. A signal that ends
 * the program ends the loop, so that the terminal is restored at every exit.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ctl_proto.h"
#include "ctl/gone.h"
#include "ctl/render.h"
#include "top/lib_ncurses.h"
#include "top/top.h"

#define LOOK_NS     NS_PER_S
#define EVENTS      60
#define POLL_MS     250
#define CTRL_L      12
#define FAILED      1
#define EMPTY_INPUT 60 /* reads of keys without one, before the terminal counts as gone */

static const struct command_option options[] = {
	{"config", 'c', true, "FILE", "take the path of the daemon's socket from this file"},
	{"socket", 's', true, "PATH",
	 "path of the daemon's socket (default: the only socket in " CTL_RUN_DIR ")"},
	{"node", 'n', true, "NODE", "ask the daemon of this node, where one machine runs several"},
	{NULL, 0, false, NULL, NULL},
};

static const struct command_row exits[] = {
	{"0", "quit by a key"},
	{"1", "no terminal, or no ncurses; the message says why"},
	{"2", "the command line is wrong, or no socket is known"},
	{"143", "ended by a signal: 128 and its number"},
	{NULL, NULL},
};

const struct command top_command = {
	.name = "top",
	.operands = "",
	.summary = "a screen that follows both nodes",
	.about = "Shows once a second what `hokm-xdp ctl` shows: the owner, its lease or grants, "
		 "all nodes as this one sees them, the services with the reasons of their health, "
		 "round trips of the last minute, and the newest events of the daemon. "
		 "Key f hands the VIP over and d drains this node, and both ask first. "
		 "When the daemon is gone, or has not answered for a second, the screen tells it, "
		 "shows what the pinned maps say, as `ctl status` does, and keeps what the "
		 "daemon said last. It is asked again and again. No colours are used.",
	.options = options,
	.exits = exits,
};

struct top {
	const struct lib_ncurses *lib;
	WINDOW *screen;
	struct top_state state;
	struct top_link link;
	unsigned int next;        /* which of the questions comes next */
	uint64_t at_ns;           /* when the next look begins */
	uint64_t answered_ns;     /* when the last status came; 0: never */
	enum top_do order, asked; /* to be asked; on its way */
	json_t *given;            /* the options */
	uint64_t left_at_ns;      /* when the kernel is asked next what the daemon left */
	int left_err;             /* why the daemon did not answer when the kernel was asked last */
	int err;                  /* why the daemon does not answer, the last time */
	unsigned int empty;       /* input that is ready and has no key */
	bool quit;
};

/* ---- the daemon ---- */

static const char *const looks[] = {"status", "counters", "events"};
#define N_LOOKS (sizeof(looks) / sizeof(looks[0]))

static const char *order_verb(enum top_do order)
{
	return order == TOP_FAILOVER ? "failover" : order == TOP_DRAIN ? "drain" : "undrain";
}

static void trouble(struct top *t, int err)
{
	snprintf(t->state.trouble, sizeof(t->state.trouble), "%s", top_link_why(err));
	t->err = err;
	if (t->asked)
		snprintf(t->state.message, sizeof(t->state.message), "%s: no answer",
			 order_verb(t->asked));
	/* An order that waited must not reach a daemon that answers again minutes later. */
	if (t->order)
		snprintf(t->state.message, sizeof(t->state.message), "%s: not ordered",
			 order_verb(t->order));
	t->order = TOP_NOTHING;
	t->asked = TOP_NOTHING;
	t->next = N_LOOKS;
}

/*
 * What the kernel says in place of a daemon that is silent. Where it says nothing, it is not asked
 * again while the daemon is silent for the same reason: its errors would be written over the
 * screen. Another reason may be one for which it answers: the connection to a daemon that is
 * killed is closed first, and only the next one is refused.
 */
static void look_left(struct top *t, uint64_t now_ns)
{
	int err = t->state.trouble[0] ? t->err : -ETIMEDOUT;

	if (!top_state_silent(&t->state)) {
		top_state_leave(&t->state, NULL);
		t->left_at_ns = 0;
	} else if (now_ns >= t->left_at_ns || err != t->left_err) {
		top_state_leave(&t->state, gone_look(t->given, t->link.path, err));
		t->left_err = err;
		t->left_at_ns = t->state.left ? now_ns + LOOK_NS : UINT64_MAX;
	}
}

static json_t *args_of(const char *verb)
{
	if (strcmp(verb, "events") != 0)
		return json_object();
	return json_pack("{s:i, s:[s]}", "recent", EVENTS, "kinds", "daemon");
}

/* Asks what is due. */
static void ask_next(struct top *t, uint64_t now_ns)
{
	const char *verb = NULL;
	int err;

	if (t->link.verb)
		return;
	if (t->next >= N_LOOKS && now_ns >= t->at_ns) {
		t->next = 0;
		t->at_ns = now_ns + LOOK_NS;
	}
	if (t->order) {
		verb = order_verb(t->order);
		t->asked = t->order;
		t->order = TOP_NOTHING;
	} else if (t->next < N_LOOKS) {
		verb = looks[t->next++];
	}
	if (!verb)
		return;
	err = top_link_ask(&t->link, verb, args_of(verb), now_ns);
	if (err)
		trouble(t, err);
}

/* The answer of the daemon. */
static void take(struct top *t, const char *verb, const json_t *reply, uint64_t now_ns)
{
	json_t *data = json_object_get(reply, "data");
	bool ok = field_true(reply, "ok");

	if (t->asked) {
		t->asked = TOP_NOTHING;
		snprintf(t->state.message, sizeof(t->state.message), "%s%s", ok ? "" : "refused: ",
			 field_text(ok ? data : reply, ok ? "text" : "error"));
		t->at_ns = now_ns;
		return;
	}
	if (!ok) {
		t->err = -EBADMSG;
		snprintf(t->state.trouble, sizeof(t->state.trouble), "%s",
			 field_text(reply, "error"));
		t->next = N_LOOKS;
		return;
	}
	t->state.trouble[0] = '\0';
	if (!strcmp(verb, "status"))
		t->answered_ns = now_ns;
	top_state_take(&t->state, verb, data);
}

static void take_answer(struct top *t, uint64_t now_ns)
{
	const char *verb = t->link.verb;
	json_t *reply;
	int err;

	if (!verb)
		return;
	err = top_link_answer(&t->link, &reply, now_ns);
	if (err == -EAGAIN)
		return;
	if (err)
		trouble(t, err);
	else
		take(t, verb, reply, now_ns);
	json_decref(reply);
}

/* ---- the terminal ---- */

static volatile sig_atomic_t ended_by;

static void on_signal(int sig)
{
	ended_by = sig;
}

/* After ncurses has set its own: those would end the program in the middle of a line. */
static int catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], &sa, NULL))
			return -errno;
	return 0;
}

static void draw(struct top *t)
{
	static struct top_row rows[TOP_ROWS_MAX];
	static const int looks_like[] = {
		[TOP_PLAIN] = A_NORMAL, [TOP_BOLD] = (int)A_BOLD, [TOP_INVERSE] = (int)A_REVERSE};
	int width = t->lib->getmaxx(t->screen), height = t->lib->getmaxy(t->screen);
	int n = height < TOP_ROWS_MAX ? height : TOP_ROWS_MAX;

	if (width < 1 || n < 1)
		return;
	top_rows(&t->state, (unsigned int)width, (unsigned int)n, rows);
	t->lib->werase(t->screen);
	for (int i = 0; i < n; i++) {
		t->lib->wattrset(t->screen, looks_like[rows[i].look]);
		t->lib->wmove(t->screen, i, 0);
		t->lib->waddnstr(t->screen, rows[i].text, -1);
	}
	t->lib->wattrset(t->screen, A_NORMAL);
	t->lib->wrefresh(t->screen);
}

/* The input is ready, or a signal came, which may be a key: the terminal has another size. */
static void take_keys(struct top *t, bool ready)
{
	int key = t->lib->wgetch(t->screen);

	/* A terminal that is gone is ready at each look, and has no key. */
	t->empty = key == ERR && ready ? t->empty + 1 : 0;
	if (t->empty > EMPTY_INPUT)
		t->quit = true;
	for (; key != ERR && !t->quit; key = t->lib->wgetch(t->screen)) {
		enum top_do what;

		if (key == KEY_RESIZE)
			continue;
		if (key == CTRL_L) {
			t->lib->clearok(t->screen, TRUE);
			continue;
		}
		what = top_state_key(&t->state, key);
		if (what == TOP_QUIT)
			t->quit = true;
		else if (what != TOP_NOTHING)
			t->order = what;
	}
}

static void loop(struct top *t)
{
	while (!t->quit && !ended_by) {
		uint64_t now_ns = clock_now_ns();
		struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}};
		int n;

		ask_next(t, now_ns);
		t->state.answered_ms = t->answered_ns
					       ? (int64_t)((now_ns - t->answered_ns) / NS_PER_MS)
					       : -1;
		t->state.waits_ms = (int64_t)(top_link_waits_ns(&t->link, now_ns) / NS_PER_MS);
		look_left(t, now_ns);
		draw(t);
		fds[1] = (struct pollfd){.fd = top_link_fd(&t->link), .events = POLLIN};
		n = poll(fds, 2, POLL_MS);
		take_keys(t, n > 0 && fds[0].revents);
		take_answer(t, clock_now_ns());
	}
}

static int run_screen(struct top *t, FILE *err)
{
	SCREEN *term = t->lib->newterm(NULL, stdout, stdin);

	if (!term) {
		fprintf(err, "hokm-xdp top: the terminal is not known: TERM is \"%s\"\n",
			getenv("TERM") ? getenv("TERM") : "");
		return FAILED;
	}
	t->screen = *t->lib->screen;
	if (!catch_signals()) {
		t->lib->cbreak();
		t->lib->noecho();
		t->lib->keypad(t->screen, TRUE);
		t->lib->nodelay(t->screen, TRUE);
		t->lib->curs_set(0);
		loop(t);
	}
	t->lib->endwin();
	t->lib->delscreen(term);
	return ended_by ? 128 + ended_by : 0;
}

/* ---- the command line ---- */

static int read_line(struct command_line *l, json_t *given)
{
	int what;

	while ((what = command_next(l)) > 0) {
		const char *name = what == 'c' ? "config" : what == 's' ? "socket" : "node";

		if (what == COMMAND_OPERAND)
			return command_wrong(l, "it takes no operand");
		if (json_object_set_new(given, name, json_string(l->value)))
			return command_wrong(l, "--%s is no text", name);
	}
	return what;
}

int top_main(int argc, char **argv)
{
	json_t *given = json_object();
	struct command_line l;
	struct top t = {.next = N_LOOKS, .given = given};
	int code;

	command_begin(&l, &top_command, argc, argv, stdout, stderr);
	top_link_init(&t.link);
	code = read_line(&l, given);
	if (code)
		code = code == COMMAND_HELP ? 0 : CTL_EXIT_USAGE;
	else if (ctl_socket_find(given, CTL_RUN_DIR, t.link.path, sizeof(t.link.path), stderr))
		code = CTL_EXIT_USAGE;
	else if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "hokm-xdp top: this is no terminal; "
				"`hokm-xdp ctl status` prints the same once\n");
		code = FAILED;
	} else {
		t.lib = lib_ncurses(stderr);
		code = t.lib ? run_screen(&t, stderr) : FAILED;
	}
	top_link_close(&t.link);
	top_state_free(&t.state);
	json_decref(given);
	return code;
}
