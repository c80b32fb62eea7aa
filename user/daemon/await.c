/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See await.h. The wait has an event loop of its own, with signals and the watchdog. systemd gets
 * READY when the wait begins: a boot must not stand still until a cable is plugged in.
 *
 * Only the first look may find a file that is wrong. Later an operator may edit it, and each save
 * of an unfinished text would end the wait for good.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "act/twin.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timer.h"
#include "conf/conf.h"
#include "daemon/await.h"
#include "path/bpf.h"

#define LOOK_NS  (200 * NS_PER_MS)
#define AGAIN_NS (60 * NS_PER_S)
/* Another reason is logged at once, but two that take turns do not fill the log. */
#define OTHER_NS (5 * NS_PER_S)
/* Answers come within this time. It delays each start. */
#define ASK_MS 100
/*
 * While a twin is there, one look follows the other and lasts so long: each hears the questions of
 * a twin that waits in the same way. A daemon that starts asks during one look. One that is heard
 * in this many looks waits.
 */
#define LISTEN_MS   300
#define WAITS_LOOKS 3
/*
 * A switch forwards some time after its port has a link. Until another host answers, silence proves
 * nothing. An address that was not there may have come with the link: networkd and NetworkManager
 * set it only then.
 */
#define FRESH_NS (5 * NS_PER_S)
/*
 * A twin that was there is silent for seconds while its cable or its switch port flaps, or while
 * its virtual machine stands still for a snapshot or a migration. It runs all the time, or goes on.
 */
#define SILENT_NS (10 * NS_PER_S)

struct await {
	const char *file;
	struct conf *conf;
	int err;                 /* of the last look */
	bool twin;               /* the last look found one */
	char mac[18];            /* of the twin that was found last */
	uint64_t twin_ns;        /* when it answered last; 0: there was none */
	bool linkless;           /* there was no link or no address, and nothing was heard since */
	uint64_t link_ns;        /* linkless: when the link was seen first; 0: it was not */
	unsigned int goes_first; /* looks in a row by which this node goes before its twin */
	char *errors;
	size_t errors_len;
	uint64_t reported_ns;
	char *reported; /* the reason that was logged last; NULL: none */
	sd_event *event;
	sd_event_source *timer;
};

static void read_file(struct await *w)
{
	FILE *f;

	free(w->errors);
	w->errors = NULL;
	f = open_memstream(&w->errors, &w->errors_len);
	w->err = f ? conf_load(w->file, true, f, &w->conf) : -ENOMEM;
	if (f && fclose(f))
		w->err = w->err ? w->err : -ENOMEM;
}

/*
 * Does another host have the node's address? Not asked where pins are left: the daemon before this
 * one was of this machine, and its lease may run. Returns 1, 0, or -ENETDOWN: no link, no answer.
 */
static int find_twin(const struct await *w, struct twin_seen *seen)
{
	struct hokm_bpf *left = NULL;
	int err = hokm_bpf_open_pinned(w->conf, &left);

	hokm_bpf_close(left);
	/* Where nobody is asked, no answer is waited for. */
	seen->heard = err != -ENOENT;
	if (seen->heard)
		return 0;
	err = twin_find(w->conf, w->twin_ns ? LISTEN_MS : ASK_MS, seen);
	if (err >= 0 || err == -ENETDOWN)
		return err;
	log_warn("could not ask whether another host has the address of this node: %s",
		 strerror(-err));
	seen->heard = true;
	return 0;
}

/* This node and its twin were switched on together, and both wait: does this one start now? */
static bool goes_first(struct await *w, const struct twin_seen *seen, const char *addr)
{
	w->goes_first = seen->goes_first ? w->goes_first + 1 : 0;
	if (w->goes_first < WAITS_LOOKS)
		return false;
	log_warn("%s has the address %s of this node, and waits too: "
		 "this node starts, because its MAC address is the smaller one; "
		 "switch one of the two off, or give it another address",
		 w->mac, addr);
	return true;
}

/* The wait goes on, for this reason. */
__attribute__((format(printf, 2, 3))) static void wait_for(struct await *w, const char *why, ...)
{
	va_list args;
	int n;

	free(w->errors);
	va_start(args, why);
	n = vasprintf(&w->errors, why, args);
	va_end(args);
	conf_free(w->conf);
	w->conf = NULL;
	w->err = n < 0 ? -ENOMEM : -EADDRNOTAVAIL;
	if (n < 0)
		w->errors = NULL;
}

/* The link has just come, and nobody answers yet: there may be a twin all the same. */
static bool is_deaf(struct await *w, const struct twin_seen *seen)
{
	const uint64_t now_ns = clock_now_ns();

	if (!w->linkless)
		return false;
	w->link_ns = w->link_ns ? w->link_ns : now_ns;
	w->linkless = !seen->heard && now_ns - w->link_ns < FRESH_NS;
	return w->linkless;
}

/* The node's address as text. */
static const char *own_addr(const struct await *w, char text[INET_ADDRSTRLEN])
{
	const struct in_addr *addr = &w->conf->nodes[w->conf->self].addr;

	return inet_ntop(AF_INET, addr, text, INET_ADDRSTRLEN) ? text : "?";
}

/* Nobody can be asked. The next silence may be that of a fresh link, and is not the twin's. */
static void no_link_yet(struct await *w)
{
	w->linkless = true;
	w->link_ns = 0;
	w->twin_ns = w->twin_ns ? clock_now_ns() : 0;
}

/* Nobody else has the address, as far as the answers tell. */
static void heard_no_twin(struct await *w, const struct twin_seen *seen)
{
	char addr[INET_ADDRSTRLEN];

	w->twin = false;
	w->goes_first = 0;
	/* Answers of other hosts prove nothing about a twin that was there. */
	if (w->twin_ns && clock_now_ns() - w->twin_ns < SILENT_NS)
		wait_for(w, "%s had the address %s of this node, and is silent now", w->mac,
			 own_addr(w, addr));
	else if (is_deaf(w, seen))
		wait_for(w, "%s has just got its link or its address, and nobody answers there yet",
			 w->conf->interface);
}

static void has_no_link(struct await *w)
{
	char addr[INET_ADDRSTRLEN];

	w->twin = false;
	w->goes_first = 0;
	no_link_yet(w);
	wait_for(w,
		 "%s has no link: plug its cable in, or set it up; before, "
		 "it is not known whether another host has the address %s of this node",
		 w->conf->interface, own_addr(w, addr));
}

static void found_twin(struct await *w, const struct twin_seen *seen)
{
	const unsigned char *m = seen->mac;
	char addr[INET_ADDRSTRLEN];

	w->twin = true;
	w->twin_ns = clock_now_ns();
	w->linkless = false;
	snprintf(w->mac, sizeof(w->mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
		 m[4], m[5]);
	if (goes_first(w, seen, own_addr(w, addr)))
		return;
	wait_for(w,
		 "%s has the address %s of this node, "
		 "and is not of this machine: a clone of it, or its predecessor; "
		 "switch one of the two off, or give it another address",
		 w->mac, own_addr(w, addr));
}

static void look(struct await *w)
{
	struct twin_seen seen = {0};
	int found;

	read_file(w);
	if (w->err) {
		w->twin = false;
		w->goes_first = 0;
		/* An address may come meanwhile, with its link. */
		no_link_yet(w);
		return;
	}
	found = find_twin(w, &seen);
	if (found > 0)
		found_twin(w, &seen);
	else if (!found)
		heard_no_twin(w, &seen);
	else
		has_no_link(w);
}

bool await_is_due(bool same, uint64_t since_ns)
{
	return since_ns >= (same ? AGAIN_NS : OTHER_NS);
}

static void report(struct await *w, uint64_t now_ns)
{
	bool same;

	w->errors[strcspn(w->errors, "\n")] = '\0';
	same = w->reported && !strcmp(w->reported, w->errors);
	if (w->reported_ns && !await_is_due(same, now_ns - w->reported_ns))
		return;
	w->reported_ns = now_ns;
	free(w->reported);
	w->reported = strdup(w->errors);
	log_warn("waiting: %s", w->errors);
	/* A status line that is lost is no reason to fail: systemd may not be there at all. */
	(void)sd_notifyf(0, "READY=1\nSTATUS=waiting: %s", w->errors);
}

/* What was found, and nothing of it can be said. */
static bool is_lost(const struct await *w)
{
	return w->err == -ENOMEM || !w->errors;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	struct await *w = arg;

	(void)s;
	(void)usec;
	look(w);
	if (!w->err || is_lost(w))
		return sd_event_exit(w->event, 0);
	report(w, clock_now_ns());
	timer_arm(w->timer, clock_now_ns() + (w->twin ? 0 : LOOK_NS));
	return 0;
}

static int on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
	struct await *w = arg;

	(void)s;
	/* SIGHUP asks for the file to be read, which happens all the time. */
	if (si->ssi_signo == SIGHUP)
		return 0;
	log_info("stopping; what this node needs was not there yet, or not free");
	w->err = -EINTR;
	return sd_event_exit(w->event, 0);
}

static int add_sources(struct await *w)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	sigset_t mask;
	int err = 0;

	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&mask, signals[i]);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	for (size_t i = 0; err >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		err = sd_event_add_signal(w->event, NULL, signals[i], on_signal, w);
	if (err >= 0)
		err = sd_event_set_watchdog(w->event, true);
	if (err >= 0)
		err = timer_add(w->event, &w->timer, 0, on_timer, w);
	return err < 0 ? err : 0;
}

static void wait_for_it(struct await *w)
{
	int err = sd_event_new(&w->event);

	if (err >= 0)
		err = add_sources(w);
	if (err >= 0) {
		report(w, clock_now_ns());
		timer_arm(w->timer, clock_now_ns() + (w->twin ? 0 : LOOK_NS));
		err = sd_event_loop(w->event);
	}
	if (err < 0) {
		log_error("could not wait for what this node needs: %s", strerror(-err));
		w->err = err;
	}
	sd_event_source_disable_unref(w->timer);
	sd_event_unref(w->event);
	if (!w->err)
		(void)sd_notify(0, "STATUS=what this node needs is there: starting");
}

/* Who starts the daemon by hand and names a file that is not there has its name wrong. */
static bool may_pass(int err)
{
	return err == -EADDRNOTAVAIL || err == -EAGAIN ||
	       (err == -ENOENT && getenv("NOTIFY_SOCKET"));
}

int await_conf(const char *file, struct conf **out)
{
	struct await w = {.file = file};

	look(&w);
	if (may_pass(w.err))
		wait_for_it(&w);
	if (w.err && w.err != -EINTR && !may_pass(w.err) && w.errors)
		fputs(w.errors, stderr);
	free(w.errors);
	free(w.reported);
	*out = w.conf;
	return w.err;
}
