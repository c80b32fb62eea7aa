/* SPDX-License-Identifier: GPL-2.0-only */
/* See upgrade.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "act/ender.h"
#include "act/hooks.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/log_queue.h"
#include "base/rt_thread.h"
#include "base/version.h"
#include "base/wait_fd.h"
#include "conf/conf.h"
#include "daemon/etcd_watch.h"
#include "daemon/configure.h"
#include "daemon/check_runner.h"
#include "daemon/dns.h"
#include "daemon/node.h"
#include "daemon/notify_feed.h"
#include "daemon/operator.h"
#include "daemon/publish.h"
#include "daemon/upkeep.h"
#include "daemon/upgrade.h"
#include "decide/parting.h"

#define CAME_FROM "HOKM_XDP_UPGRADED_FROM"
#define JUDGE_MS  10000
#define WAIT_NS   (10 * NS_PER_S)
#define TEXT_MAX  512

_Static_assert(PARTING_NS < UPGRADE_ADVERT_NS / 4, "see the arithmetic in upgrade.h");

enum phase { NONE, JUDGING, REFUSED, WAITING, PARTING, DONE };
static const char *const phase_names[] = {
	[NONE] = "none",       [JUDGING] = "judging", [REFUSED] = "refused",
	[WAITING] = "parting", [PARTING] = "parting", [DONE] = "done",
};

struct upgrade {
	struct upgrade_of of;
	char program[PATH_MAX]; /* "" unknown */
	char file[CONF_PATH_MAX];
	enum phase phase;
	char text[TEXT_MAX];

	/* The thread's results, read after it has set `judged`. */
	pthread_t thread;
	atomic_bool judged;
	bool accepted;
	struct conf *wanted; /* what the new daemon will read; NULL: this one cannot read it */
	char words[TEXT_MAX];

	uint64_t since_ns; /* WAITING, PARTING */
	struct parting parting;
	bool as_owner; /* PARTING began with this node as owner: its lease was made longer */
};

static struct {
	int argc;
	char **argv;
} command;

extern char **environ;

void upgrade_remember(int argc, char **argv)
{
	command.argc = argc;
	command.argv = argv;
}

/* ---- the thread: what the new binary says ---- */

/* Reads until the child closes the pipe, JUDGE_MS at most. Returns 0 or -errno. */
static int read_words(int fd, char words[TEXT_MAX])
{
	uint64_t end_ns = clock_now_ns() + JUDGE_MS * NS_PER_MS;
	size_t n = 0;

	for (;;) {
		char rest[256];
		ssize_t got;
		int err = wait_fd(fd, POLLIN, end_ns);

		if (err)
			return err;
		got = n + 1 < TEXT_MAX ? read(fd, words + n, TEXT_MAX - 1 - n)
				       : read(fd, rest, sizeof(rest));
		if (got <= 0)
			break;
		if (n + 1 < TEXT_MAX)
			n += (size_t)got;
	}
	words[strcspn(words, "\n")] = '\0';
	return 0;
}

static int spawn(struct upgrade *u, int out, pid_t *pid)
{
	char verb[] = "accepts";
	char *argv[] = {u->program, verb, u->file, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&files))
		return -ENOMEM;
	if (posix_spawnattr_init(&attr)) {
		posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	err = -posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (!err)
		err = -posix_spawn_file_actions_adddup2(&files, out, 1);
	if (!err)
		err = -posix_spawn_file_actions_adddup2(&files, out, 2);
	if (!err)
		err = -posix_spawnattr_setsigmask(&attr, &none);
	if (!err)
		err = -posix_spawnattr_setsigdefault(&attr, &all);
	if (!err)
		err = -posix_spawnattr_setflags(
			&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!err)
		err = -posix_spawn(pid, u->program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static int run(struct upgrade *u)
{
	int err, status, fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	err = spawn(u, fds[1], &pid);
	close(fds[1]);
	if (!err) {
		err = read_words(fds[0], u->words);
		if (err)
			(void)kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		u->accepted = !err && WIFEXITED(status) && !WEXITSTATUS(status);
	}
	close(fds[0]);
	return err;
}

/* The errors are for nobody: the new binary accepts the file. */
static void read_wanted(struct upgrade *u)
{
	FILE *errors = fopen("/dev/null", "we");

	if (!errors)
		return;
	(void)conf_load(u->file, true, errors, &u->wanted);
	(void)fclose(errors);
}

/* Has ordinary priority: what the daemon starts does not inherit its real-time priority. */
static void *judge(void *arg)
{
	struct upgrade *u = arg;
	char advice[LIMITS_ADVICE];
	int err = run(u);

	if (err)
		snprintf(u->words, sizeof(u->words), "could not be run: %s%s", strerror(-err),
			 limits_advice(err, advice));
	else if (!u->accepted && !u->words[0])
		snprintf(u->words, sizeof(u->words), "it ended without a word");
	if (u->accepted)
		read_wanted(u);
	atomic_store(&u->judged, true);
	return NULL;
}

/* ---- on the loop ---- */

static void refuse(struct upgrade *u, const char *why)
{
	u->phase = REFUSED;
	snprintf(u->text, sizeof(u->text), "%s", why);
	log_error("upgrade refused, nothing changed: %s: %s", u->program, why);
	events_add(u->of.node->events, "config", HOKM_R_RELOAD_REFUSED, "upgrade refused: %s", why);
}

/* Would a reload of the file be refused for the peers' sake? */
static bool is_harmful(struct upgrade *u, char *why, size_t size)
{
	bool harms = u->wanted && u->of.reload_harms(*u->of.reload, u->wanted, why, size);

	conf_free(u->wanted);
	u->wanted = NULL;
	return harms;
}

static void take_verdict(struct upgrade *u, uint64_t now_ns)
{
	char why[TEXT_MAX];

	rt_thread_over(u->thread);
	if (!u->accepted) {
		refuse(u, u->words);
		return;
	}
	if (is_harmful(u, why, sizeof(why))) {
		refuse(u, why);
		return;
	}
	log_info("upgrade: %s is %s and accepts the configuration and the pinned maps", u->program,
		 u->words);
	u->phase = WAITING;
	u->since_ns = now_ns;
}

/*
 * Every backup that may take the VIP learns the interval of adverts, or sees the lease in pulses.
 */
static bool long_lease_holds(const struct node *n, uint64_t now_ns)
{
	const struct conf *c = n->conf;

	if (c->vrrp_version != 3 || c->advert_ns >= UPGRADE_ADVERT_NS)
		return false;
	for (unsigned int i = 0; i < c->n_nodes; i++) {
		uint8_t slot = n->peers.by_node[i];

		if (i != c->self && c->nodes[i].priority >= c->nodes[c->self].priority &&
		    slot < HOKM_MAX_PEERS &&
		    peers_sight(&n->peers, slot, now_ns).by == PEER_BY_ADVERT)
			return false;
	}
	return true;
}

static void begin_parting(struct upgrade *u, uint64_t now_ns)
{
	struct vrrp *vrrp = u->of.vrrp;
	struct vrrp_conf v;

	u->phase = PARTING;
	u->since_ns = now_ns;
	u->parting = parting_begin();
	u->as_owner = vrrp->state == HOKM_VRRP_MASTER;
	if (vrrp->state != HOKM_VRRP_MASTER)
		return;
	*u->of.longer_grant_ns = UPGRADE_GRANT_NS;
	if (!long_lease_holds(u->of.node, now_ns))
		return;
	configure_vrrp(u->of.node->conf, &v);
	v.adver_ns = UPGRADE_ADVERT_NS;
	vrrp_reconf(vrrp, &v, now_ns);
}

/*
 * The pins stay as they are, and so does the lease in map own: for the packet path this is a
 * restart. Descriptors are closed by the kernel; the agent, the notifier, the listener and DNS jobs
 * are killed here: the new daemon would not know these children of its process. Each wait is
 * bounded, because the lease runs.
 */
static void replace(struct upgrade *u)
{
	char *argv[16] = {u->program};

	for (int i = 0; i < command.argc && i < 14; i++)
		argv[i + 1] = command.argv[i];
	log_info("upgrade: %s takes over", u->program);
	check_runner_cut(u->of.checks, UPGRADE_END_MS);
	dns_cut(u->of.dns, UPGRADE_END_MS);
	notify_feed_cut(u->of.notify, UPGRADE_END_MS);
	publish_cut(u->of.publish, UPGRADE_END_MS);
	etcd_watch_close(u->of.etcd, UPGRADE_END_MS);
	if (setenv(CAME_FROM, HOKM_VERSION, 1) || close_range(3, ~0U, CLOSE_RANGE_CLOEXEC))
		log_error("upgrade: %s", strerror(errno));
	caps_leave_realtime();
	log_queue_stop_within(UPGRADE_END_MS);
	execv(u->program, argv);
	/* The agent is gone: a start anew is what is left. The lease is long enough for it. */
	log_error("upgrade: could not run %s: %s; this daemon ends, and systemd starts it again",
		  u->program, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void send_advert(struct upgrade *u)
{
	struct vrrp_event ev = {.kind = VRRP_EV_RENEW};

	inbox_note_vrrp(&u->of.node->inbox, &ev);
}

/* What exec must not cut off, or would have to wait for; NULL: nothing. */
static const char *in_the_way(const struct upgrade *u)
{
	const struct upgrade_of *of = &u->of;

	if (hooks_busy(of->hooks))
		return "a hook or a command of recover runs and does not end";
	if (dns_saving(of->dns))
		return "the file of the DNS orders is not written";
	if (orders_file_busy(of->operator->file))
		return "the state file is not written";
	if (of->reload_reads(*of->reload))
		return "the configuration is being read";
	if (apply_works(of->node->apply) || upkeep_works(of->upkeep) || !ender_idle(of->ender))
		return "the kernel does not answer a thread of this daemon; its lock is held";
	return NULL;
}

/* With the interval of the configuration again, which the peers learn from the next advert. */
static void stay(struct upgrade *u, const char *why, uint64_t now_ns)
{
	struct vrrp_conf v;

	*u->of.longer_grant_ns = 0;
	configure_vrrp(u->of.node->conf, &v);
	vrrp_reconf(u->of.vrrp, &v, now_ns);
	send_advert(u);
	refuse(u, why ? why : "the lease could not be made long enough: this node is too slow now");
}

/* The arbiter may have shortened the lease. */
static uint64_t lease_end_ns(const struct upgrade *u)
{
	uint64_t until_ns = u->of.vrrp->lease_until_ns, most_ns = u->of.etcd->out.until_ns;

	return until_ns < most_ns ? until_ns : most_ns;
}

static void part(struct upgrade *u, uint64_t now_ns)
{
	const struct vrrp *v = u->of.vrrp;
	uint64_t lease_ns = vrrp_lease_ns(v->conf.version, 0, v->conf.adver_ns);
	const char *why = in_the_way(u);

	/*
	 * This node has become owner while it waited, with a lease that does not last for an exec.
	 */
	if (v->state == HOKM_VRRP_MASTER && !u->as_owner) {
		begin_parting(u, now_ns);
		return;
	}
	switch (parting_step(&u->parting, v->state == HOKM_VRRP_MASTER,
			     hokm_bpf_owner_until(u->of.node->bpf, lease_end_ns(u)), lease_ns,
			     now_ns)) {
	case PARTING_ADVERT:
		send_advert(u);
		break;
	case PARTING_GO:
		if (!why)
			replace(u);
		else if (now_ns - u->since_ns > WAIT_NS)
			stay(u, why, now_ns);
		break;
	case PARTING_STAY:
		stay(u, why, now_ns);
		break;
	case PARTING_WAIT:
		break;
	}
}

static void await_end(struct upgrade *u, uint64_t now_ns)
{
	const char *why = in_the_way(u);

	if (!why)
		begin_parting(u, now_ns);
	else if (now_ns - u->since_ns > WAIT_NS)
		refuse(u, why);
}

void upgrade_tick(struct upgrade *u, uint64_t now_ns)
{
	if (u->phase == JUDGING && atomic_load(&u->judged))
		take_verdict(u, now_ns);
	else if (u->phase == WAITING)
		await_end(u, now_ns);
	else if (u->phase == PARTING)
		part(u, now_ns);
}

bool upgrade_parts(const struct upgrade *u)
{
	return u->phase == PARTING;
}

/* ---- open, start, close ---- */

int upgrade_open(const struct upgrade_of *of, struct upgrade **out)
{
	struct upgrade *u = calloc(1, sizeof(*u));
	const char *from = getenv(CAME_FROM);
	ssize_t n;

	*out = u;
	if (!u)
		return -ENOMEM;
	u->of = *of;
	if (from) {
		u->phase = DONE;
		snprintf(u->text, sizeof(u->text), "%s", from);
		log_info("upgrade: this is hokm-xdp %s, it was %s", HOKM_VERSION, from);
		unsetenv(CAME_FROM);
	}
	n = readlink("/proc/self/exe", u->program, sizeof(u->program) - 1);
	u->program[n > 0 ? n : 0] = '\0';
	return 0;
}

void upgrade_close(struct upgrade *u)
{
	if (!u)
		return;
	if (u->phase == JUDGING)
		pthread_join(u->thread, NULL);
	conf_free(u->wanted);
	free(u);
}

int upgrade_start(struct upgrade *u, char *why, size_t size)
{
	int err;

	if (u->of.vrrp->state == HOKM_VRRP_INIT || !u->program[0] || !command.argc)
		err = -EAGAIN;
	else if (u->phase == JUDGING || u->phase == WAITING || u->phase == PARTING)
		err = -EBUSY;
	else
		err = 0;
	if (err) {
		snprintf(why, size,
			 err == -EBUSY ? "an upgrade is under way"
				       : "this daemon is starting or stopping");
		return err;
	}
	memcpy(u->file, u->of.node->conf->file, sizeof(u->file));
	memset(u->words, 0, sizeof(u->words));
	u->text[0] = '\0';
	u->accepted = false;
	atomic_store(&u->judged, false);
	err = -pthread_create(&u->thread, NULL, judge, u);
	if (err)
		snprintf(why, size, "could not begin: %s", strerror(-err));
	else
		u->phase = JUDGING;
	return err;
}

bool upgrade_works(const struct upgrade *u)
{
	return u->phase == JUDGING || u->phase == WAITING || u->phase == PARTING;
}

const char *upgrade_phase(const struct upgrade *u)
{
	return phase_names[u->phase];
}

const char *upgrade_text(const struct upgrade *u)
{
	return u->text;
}

const char *upgrade_program(const struct upgrade *u)
{
	return u->program;
}
