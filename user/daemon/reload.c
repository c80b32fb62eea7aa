/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reload: the file is read by a thread of ordinary priority, so that a slow disk delays no advert;
 * the loop is told through an eventfd and swaps the configuration between two events. A file that
 * is wrong, or that changes what only a restart can, changes nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/replication.h"

struct reload {
	struct daemon *d;
	sd_event_source *source;
	int fd; /* eventfd: the thread is done */
	pthread_t thread;
	bool running;
	bool again; /* asked for while one ran, which may have read the file too early */
	char file[CONF_PATH_MAX];
	/* the thread's results, read after join */
	struct conf *conf;
	int err;
	char *errors;
	size_t errors_len;
};

/* Of ordinary priority from the start: the daemon's real-time one is reset in what it starts. */
static void *read_conf(void *arg)
{
	struct reload *r = arg;
	uint64_t one = 1;
	FILE *f = open_memstream(&r->errors, &r->errors_len);

	r->err = f ? conf_load(r->file, true, f, &r->conf) : -ENOMEM;
	if (f && fclose(f))
		r->err = r->err ? r->err : -ENOMEM;
	if (write(r->fd, &one, sizeof(one)) != sizeof(one))
		r->err = r->err ? r->err : -EIO;
	return NULL;
}

/* Services that stay keep their health; new ones begin in INIT. */
static void carry_health(struct daemon *d, const struct conf *was, const struct daemon_service *old)
{
	uint64_t now_ns = clock_now_ns();

	for (unsigned int s = 0; s < d->conf->n_services; s++)
		for (unsigned int o = 0; o < was->n_services; o++) {
			const struct conf_service *a = &d->conf->services[s];
			const struct conf_service *b = &was->services[o];

			if (old[o].tag != d->services[s].tag || a->n_checks != b->n_checks)
				continue;
			d->services[s].health = old[o].health;
			d->services[s].reason = old[o].reason;
			d->services[s].since_ns = old[o].since_ns;
			d->services[s].players = old[o].players;
			d->services[s].observe = old[o].observe;
			observe_reconf(&d->services[s].observe, &d->conf->observe, now_ns);
			for (unsigned int i = 0; i < a->n_checks; i++) {
				struct health_conf h = d->services[s].checks[i].conf;

				d->services[s].checks[i] = old[o].checks[i];
				health_reconf(&d->services[s].checks[i], &h, now_ns);
			}
		}
}

static int swap(struct daemon *d, struct conf *wanted)
{
	struct daemon_service old[HOKM_MAX_SERVICES];
	struct conf *was = d->conf;
	int err;

	memcpy(old, d->services, sizeof(old));
	memset(d->services, 0, sizeof(d->services));
	memset(d->want.service, 0, sizeof(d->want.service));
	d->conf = wanted;
	err = daemon_apply_conf(d);
	if (err) {
		d->conf = was;
		memcpy(d->services, old, sizeof(old));
		if (daemon_apply_conf(d))
			log_error("could not go back to the former configuration: restart the "
				  "daemon");
		memcpy(d->services, old, sizeof(old));
		conf_free(wanted);
		return err;
	}
	daemon_health_init(d, clock_now_ns());
	daemon_observe_init(d, clock_now_ns());
	carry_health(d, was, old);
	daemon_reconf_vrrp(d);
	if (daemon_set_pulse(d))
		log_error("could not set the pulse timer: the former interval stays");
	hooks_reconf(d->hooks, d->conf);
	(void)daemon_repl_reconf(d); /* said so; what was told before stays */
	conf_free(was);
	daemon_evaluate(d);
	daemon_health_run(d);
	return 0;
}

/* The configuration's errors, each a line of the log. */
static void log_errors(struct reload *r)
{
	char *save = NULL;

	log_error("reload refused, nothing changed: %s", strerror(-r->err));
	if (!r->errors_len)
		return;
	for (char *line = strtok_r(r->errors, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		log_error("%s", line);
}

static void finish(struct reload *r)
{
	struct daemon *d = r->d;
	const char *key = r->err ? NULL : conf_needs_restart(d->conf, r->conf);

	if (r->err) {
		log_errors(r);
		events_add(d->events, "config", HOKM_R_RELOAD_REFUSED,
			   "reload refused: the file is wrong; the log says where");
		return;
	}
	if (key) {
		log_error("reload refused, nothing changed: %s can only be changed by a restart",
			  key);
		events_add(d->events, "config", HOKM_R_RELOAD_REFUSED,
			   "reload refused: %s can only be changed by a restart", key);
		conf_free(r->conf);
		return;
	}
	r->err = swap(d, r->conf);
	if (r->err) {
		log_error("reload failed, the former configuration stays: %s", strerror(-r->err));
		events_add(d->events, "config", HOKM_R_RELOAD_REFUSED, "reload failed: %s",
			   strerror(-r->err));
		return;
	}
	log_set_level((enum log_level)d->conf->log_level);
	log_info("reloaded %s", r->file);
	events_add(d->events, "config", HOKM_R_RELOADED, "reloaded");
}

static void collect(struct reload *r)
{
	pthread_join(r->thread, NULL);
	r->running = false;
}

static void forget(struct reload *r)
{
	free(r->errors);
	r->errors = NULL;
	r->errors_len = 0;
	r->conf = NULL;
}

static int on_done(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct reload *r = arg;
	uint64_t n;

	(void)s;
	(void)revents;
	if (read(fd, &n, sizeof(n)) != sizeof(n) || !r->running)
		return 0;
	collect(r);
	finish(r);
	forget(r);
	if (r->again)
		(void)reload_start(r);
	else
		(void)sd_notify(0, "READY=1");
	return 0;
}

int reload_open(struct daemon *d, struct reload **out)
{
	struct reload *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->d = d;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = r->fd < 0 ? -errno
			: sd_event_add_io(d->event, &r->source, r->fd, EPOLLIN, on_done, r);
	if (err < 0) {
		reload_close(r);
		return err;
	}
	*out = r;
	return 0;
}

void reload_close(struct reload *r)
{
	if (!r)
		return;
	if (r->running) {
		collect(r);
		conf_free(r->conf);
		forget(r);
	}
	sd_event_source_disable_unref(r->source);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

int reload_start(struct reload *r)
{
	uint64_t now_us = clock_now_ns() / 1000;
	int err;

	r->again = r->running;
	if (r->running)
		return 0;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us);
	memcpy(r->file, r->d->conf->file, sizeof(r->file));
	err = -pthread_create(&r->thread, NULL, read_conf, r);
	if (err)
		log_error("could not start the reload: %s", strerror(-err));
	r->running = err == 0;
	return err;
}
