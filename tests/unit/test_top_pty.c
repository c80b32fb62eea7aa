/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp top` in a terminal: a pseudo-terminal, and a control server in the daemon's place.
 *
 * ncurses sends only what changed. So a test that looks for a text presses ^L first, which makes
 * the program draw all of the screen, and looks at what came behind the last sequence that clears
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "ctl_rig.h"
#include "top/top.h"

#define CLEAR   "\033[H\033[2J"
#define LEAVE   "\033[?1049l"
#define LOOK_MS 300

/* What the server and the tests share. */
static struct {
	volatile int owner;     /* the node of the server is owner */
	volatile int failovers; /* so many were ordered */
	volatile int hang;      /* the server answers no status any more, and has noted it: */
	volatile int hangs;
} * shared;

/* ---- the server ---- */

static int verb_status(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	int owner = shared->owner;

	while (shared->hang) {
		shared->hangs = 1;
		pause(); /* until it is killed */
	}
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	*data = json_pack("{s:s, s:s, s:[s], s:b, s:s, s:s, s:[{s:s, s:b, s:i, s:s}]}", "node",
			  "primary", "address", "192.168.1.26", "vips", "192.168.1.25", "owner",
			  owner, "state", owner ? "master" : "backup", "successor", "backup",
			  "peers", "name", "backup", "pulsing", 1, "lease_left_ms", owner ? 0 : 900,
			  "state", owner ? "backup" : "master");
	return *data ? 0 : -ENOMEM;
}

static int verb_counters(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	*data = json_object();
	return 0;
}

static int verb_failover(void *arg, const json_t *args, json_t **data, char *error, size_t size)
{
	(void)arg;
	(void)args;
	(void)error;
	(void)size;
	shared->failovers++;
	shared->owner = 0;
	*data = json_pack("{s:s}", "text", "the VIP goes to backup");
	return *data ? 0 : -ENOMEM;
}

static const struct ctl_verb verbs[] = {
	{.name = "status", .handler = verb_status},
	{.name = "counters", .handler = verb_counters},
	{.name = "failover", .acts = true, .handler = verb_failover},
	{.name = NULL},
};

/* ---- the terminal ---- */

struct term {
	int fd;
	pid_t pid;
	size_t len;
	char seen[1 << 20]; /* all that came */
};

/* Returns in the child only to end it. */
static void run_top(const char *path, const char *terminal)
{
	char *argv[] = {(char[]){"top"}, (char[]){"-s"}, strdup(path), NULL};

	setenv("TERM", terminal, 1);
	setenv("NO_COLOR", "1", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	_exit(top_main(3, argv));
}

static void term_open(struct term *t, const char *path, const char *terminal)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	memset(t, 0, sizeof(*t));
	fflush(NULL);
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	assert_true(t->pid >= 0);
	if (!t->pid)
		run_top(path, terminal);
}

/* Reads what comes within the time; false at the end. */
static bool term_read(struct term *t, int ms)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	ssize_t n;

	assert_true(t->len < sizeof(t->seen) - 1);
	if (poll(&p, 1, ms) <= 0)
		return true;
	n = read(t->fd, t->seen + t->len, sizeof(t->seen) - 1 - t->len);
	if (n > 0)
		t->len += (size_t)n;
	t->seen[t->len] = '\0';
	return n > 0;
}

static void press(const struct term *t, const char *keys)
{
	assert_int_equal(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* The screen that was drawn last. */
static const char *screen(const struct term *t)
{
	const char *at = t->seen, *next;

	while ((next = strstr(at + 1, CLEAR)))
		at = next;
	return at;
}

/* Waits until the screen shows one text and not the other one, which may be NULL. */
static void wait_for(struct term *t, const char *text, const char *without)
{
	uint64_t give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;

	for (;;) {
		uint64_t until_ns = clock_now_ns() + LOOK_MS * NS_PER_MS;

		press(t, "\f");
		while (clock_now_ns() < until_ns)
			assert_true(term_read(t, LOOK_MS / 3));
		if (strstr(screen(t), text) && (!without || !strstr(screen(t), without)))
			return;
		if (clock_now_ns() > give_up_ns)
			fail_msg("\"%s\" is not on the screen: %s", text, screen(t));
	}
}

/* Waits for the end of the program, and returns its exit code. */
static int term_end(struct term *t)
{
	int status;

	while (term_read(t, 1000))
		;
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static tcflag_t line_mode(const struct term *t)
{
	struct termios settings;

	assert_int_equal(tcgetattr(t->fd, &settings), 0);
	return settings.c_lflag & (ECHO | ICANON);
}

static void assert_restored(const struct term *t)
{
	assert_int_equal(line_mode(t), ECHO | ICANON);
	assert_non_null(strstr(screen(t), LEAVE));
}

/* A sequence "ESC [ N ; N m" sets a colour by an N from 30 on. */
static bool has_colours(const char *seen)
{
	while ((seen = strstr(seen, "\033["))) {
		size_t len = strspn(seen + 2, "0123456789;");
		const char *part = seen + 1;

		if (seen[2 + len] == 'm')
			for (; part && part < seen + 2 + len; part = strchr(part + 1, ';'))
				if (strtol(part + 1, NULL, 10) >= 30)
					return true;
		seen += 2;
	}
	return false;
}

/* ---- tests ---- */

static struct term term;

static void test_f_and_n_order_nothing(void **state)
{
	struct ctl_rig r;

	(void)state;
	assert_true(has_colours("x\033[3;1H\033[1;31m"));
	shared->owner = 1;
	shared->failovers = 0;
	ctl_rig_fork(&r, verbs);
	term_open(&term, r.path, "xterm");
	wait_for(&term, "primary is OWNER of 192.168.1.25", NULL);
	wait_for(&term, "event 3", NULL);
	assert_int_equal(line_mode(&term), 0);
	press(&term, "f");
	wait_for(&term, "Hand the VIP over to backup now?", NULL);
	press(&term, "n");
	wait_for(&term, "nothing was ordered", "Hand the VIP over");
	assert_int_equal(shared->failovers, 0);
	assert_int_equal(shared->owner, 1);
	press(&term, "q");
	assert_int_equal(term_end(&term), 0);
	assert_restored(&term);
	assert_false(has_colours(term.seen));
	close(term.fd);
	ctl_rig_join(&r);
}

/* A server makes its socket again when that is moved away, so a link leads to it. */
static void takes_the_place(const struct ctl_rig *now, const struct ctl_rig *dead)
{
	assert_int_equal(unlink(dead->path), 0);
	assert_int_equal(symlink(now->path, dead->path), 0);
}

static void test_a_failover_and_a_dead_daemon_are_followed(void **state)
{
	struct winsize small = {.ws_row = 10, .ws_col = 40};
	struct ctl_rig r, again;

	(void)state;
	shared->owner = 1;
	shared->failovers = 0;
	ctl_rig_fork(&r, verbs);
	term_open(&term, r.path, "xterm");
	wait_for(&term, "primary is OWNER of", NULL);
	press(&term, "fy");
	wait_for(&term, "backup is OWNER of", "primary is OWNER of");
	assert_int_equal(shared->failovers, 1);
	wait_for(&term, "the VIP goes to backup", NULL);
	wait_for(&term, "HEARD", NULL);
	assert_int_equal(ioctl(term.fd, TIOCSWINSZ, &small), 0);
	wait_for(&term, "backup is OWNER of", "HEARD");
	kill(r.child, SIGKILL);
	wait_for(&term, "NO ANSWER OF THE DAEMON", NULL);
	shared->owner = 1;
	ctl_rig_fork(&again, verbs);
	takes_the_place(&again, &r);
	wait_for(&term, "primary is OWNER of", "NO ANSWER");
	kill(term.pid, SIGTERM);
	assert_int_equal(term_end(&term), 128 + SIGTERM);
	assert_restored(&term);
	close(term.fd);
	ctl_rig_join(&r);
	ctl_rig_join(&again);
}

/*
 * From the moment when the server is unresponsive there is always a question on its way, so the
 * order waits until the server is killed, or until the question has waited too long.
 */
static void test_an_order_that_waits_for_a_dead_daemon_is_never_sent(void **state)
{
	struct ctl_rig r, again;
	uint64_t give_up_ns;

	(void)state;
	shared->owner = 1;
	shared->failovers = 0;
	ctl_rig_fork(&r, verbs);
	term_open(&term, r.path, "xterm");
	wait_for(&term, "primary is OWNER of", NULL);
	press(&term, "f");
	wait_for(&term, "Hand the VIP over to backup now?", NULL);
	shared->hang = 1;
	give_up_ns = clock_now_ns() + CTL_RIG_PATIENCE_NS;
	while (!shared->hangs && clock_now_ns() < give_up_ns)
		assert_true(term_read(&term, LOOK_MS));
	assert_int_equal(shared->hangs, 1);
	press(&term, "y");
	wait_for(&term, "primary is OWNER of", "Hand the VIP over");
	kill(r.child, SIGKILL);
	wait_for(&term, "failover: not ordered", NULL);
	shared->hang = 0;
	ctl_rig_fork(&again, verbs);
	takes_the_place(&again, &r);
	wait_for(&term, "primary is OWNER of", "NO ANSWER");
	assert_int_equal(shared->failovers, 0);
	press(&term, "q");
	assert_int_equal(term_end(&term), 0);
	close(term.fd);
	ctl_rig_join(&r);
	ctl_rig_join(&again);
}

/* A listening socket that has no place for one more. Returns how many sockets wait in it. */
static unsigned int full_queue(struct sockaddr_un *sa, int *listener, int waiting[8])
{
	unsigned int n = 0;

	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*listener >= 0);
	assert_int_equal(bind(*listener, (struct sockaddr *)sa, sizeof(*sa)), 0);
	assert_int_equal(listen(*listener, 0), 0);
	for (; n < 8; n++) {
		waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(waiting[n] >= 0);
		if (connect(waiting[n], (struct sockaddr *)sa, sizeof(*sa))) {
			assert_int_equal(errno, EAGAIN);
			close(waiting[n]);
			return n;
		}
	}
	fail_msg("the queue is not full");
	return n;
}

/* A daemon that was stopped for minutes. The old limit of one question is 10 s. */
static void test_a_full_queue_stops_no_screen(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int listener, waiting[8];
	unsigned int n;
	uint64_t begun_ns;

	(void)state;
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/hokm-top-%d.sock", getpid());
	n = full_queue(&sa, &listener, waiting);
	begun_ns = clock_now_ns();
	term_open(&term, sa.sun_path, "xterm");
	wait_for(&term, "NO ANSWER OF THE DAEMON", NULL);
	press(&term, "h");
	wait_for(&term, "hand the VIP over to the healthiest peer", NULL);
	press(&term, "xq");
	assert_int_equal(term_end(&term), 0);
	assert_true(clock_now_ns() - begun_ns < (CTL_CLIENT_TIMEOUT_S - 1) * NS_PER_S);
	assert_restored(&term);
	close(term.fd);
	while (n)
		close(waiting[--n]);
	close(listener);
	unlink(sa.sun_path);
}

static void test_where_no_screen_can_be_it_is_told(void **state)
{
	int status, fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	(void)state;
	term_open(&term, "/nonexistent/x.sock", "no-such-terminal");
	assert_int_equal(term_end(&term), 1);
	assert_non_null(strstr(term.seen, "the terminal is not known: TERM is"));
	close(term.fd);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDERR_FILENO);
		run_top("/nonexistent/x.sock", "xterm");
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	close(fd);
}

static int share(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_f_and_n_order_nothing),
		cmocka_unit_test(test_a_failover_and_a_dead_daemon_are_followed),
		cmocka_unit_test(test_an_order_that_waits_for_a_dead_daemon_is_never_sent),
		cmocka_unit_test(test_a_full_queue_stops_no_screen),
		cmocka_unit_test(test_where_no_screen_can_be_it_is_told),
	};

	return cmocka_run_group_tests_name("top_pty", tests, share, NULL);
}
