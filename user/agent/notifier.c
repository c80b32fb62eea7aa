/* SPDX-License-Identifier: GPL-2.0-only */
/* See notify.h: the daemon's side. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent_spawn.h"
#include "agent/child.h"
#include "agent/notifier.h"
#include "agent/notify_store.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/timer.h"

#define RESTART_NS    (2 * NS_PER_S)
#define KEPT_NS       (200 * NS_PER_MS) /* until kept events are tried again */
#define CLOSE_WAIT_MS 1500
#define KEEP_MAX      32 /* events that are kept while no notifier takes them */

struct notifier {
	sd_event *event;
	const struct conf *conf;
	int dir; /* the folder of the queue; -1: none */
	struct child child;
	sd_event_source *restart;
	unsigned int n_kept;
	struct notify_event kept[KEEP_MAX];
	uint32_t lost; /* and not counted by the notifier yet */
	bool conf_due; /* the notifier runs, and has not taken its settings */
};

/* ---- messages ---- */

static bool send_msg(struct notifier *n, struct notify_msg *m, int pass_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.room = {0}};
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

	if (pass_fd >= 0) {
		h.msg_control = control.room;
		h.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &pass_fd, sizeof(int));
	}
	return sendmsg(n->child.fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(*m);
}

static bool send_event(struct notifier *n, const struct notify_event *e)
{
	struct notify_msg m = {.type = NOTIFY_MSG_EVENT, .n = n->lost};

	m.event = *e;
	if (n->child.fd < 0 || !send_msg(n, &m, -1))
		return false;
	if (n->lost)
		log_warn("%u events were not notified: the notifier did not run or took none",
			 n->lost);
	n->lost = 0;
	return true;
}

/*
 * Settings that were not taken come first, and a notifier that does not run gets all at its start.
 */
static void try_again(struct notifier *n)
{
	if (n->child.fd >= 0 && !n->conf_due)
		timer_arm(n->restart, clock_now_ns() + KEPT_NS);
}

/* What it does not take now is tried again, also when no other event comes. */
static void send_kept(struct notifier *n)
{
	unsigned int sent = 0;

	while (sent < n->n_kept && send_event(n, &n->kept[sent]))
		sent++;
	n->n_kept -= sent;
	memmove(n->kept, n->kept + sent, n->n_kept * sizeof(n->kept[0]));
	if (n->n_kept)
		try_again(n);
}

void notifier_who(const struct conf *c, struct notify_who *who)
{
	const bool is_node = c->self < c->n_nodes;
	const bool is_monitor = !is_node && c->dns.mode == CONF_DNS_MONITOR;

	memset(who, 0, sizeof(*who));
	snprintf(who->node, sizeof(who->node), "%s",
		 is_node      ? c->nodes[c->self].name
		 : is_monitor ? CONF_DNS_MONITOR_NAME
			      : "unknown");
	snprintf(who->instance, sizeof(who->instance), "%s", c->instance);
	if (is_monitor || !inet_ntop(AF_INET, &c->vips[0], who->vip, sizeof(who->vip)))
		who->vip[0] = '\0';
}

static void add_known(struct notify_known *known, const char *name)
{
	snprintf(known->name[known->n++], NOTIFY_SUBJECT_MAX, "%s", name);
}

void notifier_known(const struct conf *c, struct notify_known *known)
{
	const bool is_node = c->self < c->n_nodes;

	_Static_assert(
		CONF_NODES_MAX + CONF_WITNESSES_MAX + HOKM_MAX_SERVICES + HOKM_MAX_PATHS + 3 <=
			NOTIFY_KNOWN_MAX,
		"there is room for all");
	memset(known, 0, sizeof(*known));
	known->dns = c->dns.provider != CONF_DNS_NONE &&
		     (c->dns.mode == CONF_DNS_MONITOR) != is_node;
	for (unsigned int i = 0; i < c->n_nodes; i++)
		add_known(known, c->nodes[i].name);
	for (unsigned int i = 0; i < c->n_witnesses; i++)
		add_known(known, c->witnesses[i].name);
	for (unsigned int i = 0; i < c->n_services; i++)
		add_known(known, c->services[i].name);
	/* As pulse_paths.c calls them. */
	if (is_node && c->nodes[c->self].n_paths)
		add_known(known, "segment");
	for (unsigned int i = 0; is_node && i < c->nodes[c->self].n_paths; i++)
		snprintf(known->name[known->n++], NOTIFY_SUBJECT_MAX, "path %u", i + 1);
	/* The subjects of events about the arbiter. */
	if (c->arbiter == CONF_ARBITER_GATEWAY)
		add_known(known, "gateway");
	if (c->arbiter == CONF_ARBITER_ETCD)
		add_known(known, "etcd");
}

static void send_conf(struct notifier *n)
{
	const struct conf *c = n->conf;
	struct notify_msg m = {.type = NOTIFY_MSG_WHO, .n = c->n_notify};
	bool sent;

	notifier_who(c, &m.who);
	notifier_known(c, &m.known);
	sent = send_msg(n, &m, n->dir);
	for (unsigned int i = 0; sent && i < c->n_notify; i++) {
		memset(&m, 0, sizeof(m));
		m.type = NOTIFY_MSG_CHANNEL;
		m.channel = c->notify[i];
		sent = send_msg(n, &m, -1);
	}
	explicit_bzero(&m, sizeof(m));
	if (sent) {
		n->conf_due = false;
		return;
	}
	/* Its socket is full, or it has died: then on_end() follows. */
	if (!n->conf_due)
		log_warn("the notifier has not taken its settings: %s; it gets them again in 2 s",
			 strerror(errno));
	n->conf_due = true;
	timer_arm(n->restart, clock_now_ns() + RESTART_NS);
}

/* ---- the process ---- */

static void on_end(pid_t pid, const siginfo_t *info, void *arg)
{
	struct notifier *n = arg;

	log_warn("notifier %d ended with %s %d; it is started again", (int)pid,
		 child_ended_with(info), info->si_status);
	timer_arm(n->restart, clock_now_ns() + RESTART_NS);
}

static int start(struct notifier *n)
{
	int err = child_start(&n->child, n->event, agent_spawn_notifier, n->conf->agent_user,
			      on_end, n);

	if (err)
		return err;
	send_conf(n);
	send_kept(n);
	return 0;
}

static void try_start(struct notifier *n)
{
	char advice[LIMITS_ADVICE];
	int err = start(n);

	if (!err)
		return;
	log_error("could not start the notifier: %s; nobody is notified until it runs%s",
		  strerror(-err), limits_advice(err, advice));
	timer_arm(n->restart, clock_now_ns() + RESTART_NS);
}

static int on_restart(sd_event_source *s, uint64_t usec, void *arg)
{
	struct notifier *n = arg;

	(void)s;
	(void)usec;
	if (n->child.fd >= 0 && n->conf_due)
		send_conf(n);
	if (n->child.fd >= 0)
		send_kept(n);
	else if (n->conf->n_notify)
		try_start(n);
	return 0;
}

/* ---- the folder ---- */

/* A daemon that took over from another one may not give files away, and need not. */
static int give_folder(int dir, const struct passwd *user)
{
	struct stat st;

	if (fstat(dir, &st))
		return -errno;
	if (geteuid() != 0 || (st.st_uid == user->pw_uid && st.st_gid == user->pw_gid))
		return 0;
	return fchown(dir, user->pw_uid, user->pw_gid) ? -errno : 0;
}

/* The folder belongs to the user of the agent; the way to it may be closed for that user. */
static int open_folder(const struct conf *c)
{
	char path[2 * CONF_PATH_MAX], *slash, buf[4096];
	struct passwd pw, *user = NULL;
	int dir, err = 0;

	store_folder(c, path, sizeof(path));
	slash = strrchr(path, '/');
	*slash = '\0';
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	*slash = '/';
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	if (geteuid() != 0)
		err = 0; /* It belongs to that user already. */
	else if (getpwnam_r(c->agent_user, &pw, buf, sizeof(buf), &user) || !user)
		err = -ENOENT;
	else
		err = give_folder(dir, &pw);
	if (err)
		close(dir);
	return err ? err : dir;
}

/*
 * Without channels too: the first one may come with a reload, and by then the daemon may not give
 * files away any more.
 */
static void use_folder(struct notifier *n)
{
	if (n->dir < 0)
		n->dir = open_folder(n->conf);
	if (n->dir < 0 && n->conf->n_notify)
		log_warn("notifications are not kept on disk: %s", strerror(-n->dir));
}

int notifier_open(sd_event *event, const struct conf *c, struct notifier **out)
{
	struct notifier *n = calloc(1, sizeof(*n));
	int err;

	*out = NULL;
	if (!n)
		return -ENOMEM;
	n->event = sd_event_ref(event);
	n->conf = c;
	n->dir = -1;
	child_init(&n->child);
	err = timer_add(event, &n->restart, 0, on_restart, n);
	if (err) {
		notifier_close(n);
		return err;
	}
	use_folder(n);
	if (c->n_notify)
		try_start(n);
	*out = n;
	return 0;
}

void notifier_reconf(struct notifier *n, const struct conf *c)
{
	n->conf = c;
	use_folder(n);
	if (n->child.fd >= 0)
		send_conf(n);
	else if (c->n_notify)
		try_start(n);
}

void notifier_take(struct notifier *n, const struct notify_event *e)
{
	if (!n->conf->n_notify)
		return;
	send_kept(n);
	if (!n->n_kept && send_event(n, e))
		return;
	if (n->n_kept == KEEP_MAX) {
		n->lost++;
		memmove(n->kept, n->kept + 1, (KEEP_MAX - 1) * sizeof(n->kept[0]));
		n->n_kept--;
	}
	n->kept[n->n_kept++] = *e;
	try_again(n);
}

void notifier_cut(struct notifier *n, int wait_ms)
{
	if (n)
		child_cut(&n->child, wait_ms);
}

void notifier_close(struct notifier *n)
{
	if (!n)
		return;
	child_end(&n->child, CLOSE_WAIT_MS);
	sd_event_source_disable_unref(n->restart);
	if (n->dir >= 0)
		close(n->dir);
	sd_event_unref(n->event);
	free(n);
}
