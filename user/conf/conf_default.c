/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds when the file says nothing: a profile is one column of times. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_int.h"
#include "base/log.h"

#define MS(n) ((n)*NS_PER_MS)
#define S(n)  ((n)*NS_PER_S)

struct profile {
	unsigned int vrrp_version;
	uint64_t advert_ns, preempt_delay_ns;
	uint64_t stale_ns, suspect_ns, suspect_max_ns;
	uint64_t sample_ns, window_ns, alert_timeout_ns, late_upgrade_ns, late_ping_ns;
	uint64_t interval_ns, fastinter_ns, downinter_ns, timeout_ns, backoff_ns;
	unsigned int rise, fall, attempts;
};

static const struct profile profiles[] = {
	[CONF_PROFILE_STANDARD] =
		{
			.vrrp_version = 2,
			.advert_ns = S(1),
			.preempt_delay_ns = S(10),
			.stale_ns = MS(500),
			.suspect_ns = S(3),
			.suspect_max_ns = S(60),
			.sample_ns = MS(100),
			.window_ns = S(2),
			.alert_timeout_ns = S(1),
			.late_upgrade_ns = MS(500),
			.late_ping_ns = S(2),
			.interval_ns = S(5),
			.fastinter_ns = S(1),
			.downinter_ns = S(2),
			.timeout_ns = S(10),
			.backoff_ns = MS(500),
			.rise = 2,
			.fall = 3,
			.attempts = 3,
		},
	[CONF_PROFILE_FAST] =
		{
			.vrrp_version = 3,
			.advert_ns = MS(100),
			.preempt_delay_ns = S(2),
			.stale_ns = MS(200),
			.suspect_ns = S(1),
			.suspect_max_ns = S(30),
			.sample_ns = MS(20),
			.window_ns = MS(500),
			.alert_timeout_ns = MS(250),
			.late_upgrade_ns = MS(150),
			.late_ping_ns = MS(500),
			.interval_ns = MS(200),
			.fastinter_ns = MS(50),
			.downinter_ns = MS(100),
			.timeout_ns = MS(250),
			.backoff_ns = MS(20),
			.rise = 2,
			.fall = 2,
			.attempts = 1,
		},
};

const char *const conf_profile_words[] = {"standard", "fast", NULL};
const char *const conf_check_words[] = {"websocket", "http", "tcp", "exec", NULL};
const char *const conf_marked_down_words[] = {"shutdown_sessions", "keep", NULL};

void conf_default_check(struct conf_check *k, enum conf_check_kind kind, enum conf_profile profile)
{
	const struct profile *p = &profiles[profile];

	*k = (struct conf_check){
		.kind = kind,
		.status = kind == CHECK_HTTP ? 200 : 0,
		.interval_ns = p->interval_ns,
		.fastinter_ns = p->fastinter_ns,
		.downinter_ns = p->downinter_ns,
		.timeout_ns = p->timeout_ns,
		.backoff_ns = p->backoff_ns,
		.rise = p->rise,
		.fall = p->fall,
		.attempts = p->attempts,
	};
	if (kind == CHECK_WEBSOCKET)
		snprintf(k->path, sizeof(k->path), "/");
	else if (kind == CHECK_HTTP)
		snprintf(k->path, sizeof(k->path), "/health");
}

static void default_limit(struct observe_conf *o, enum hokm_signal signal, unsigned int min,
			  uint64_t after_ns)
{
	o->limit[signal] = (struct observe_limit){
		.on = true, .min = min, .percent = 50, .after_ns = after_ns};
}

void conf_default_observe(struct observe_conf *o, enum conf_profile profile)
{
	const struct profile *p = &profiles[profile];

	o->on = true;
	o->sample_ns = p->sample_ns;
	o->window_ns = p->window_ns;
	o->hold_ns = p->suspect_ns;
	o->hold_max_ns = p->suspect_max_ns;
	o->calm_ns = p->suspect_max_ns;
	o->timeout_ns = p->alert_timeout_ns;
	default_limit(o, HOKM_SIGNAL_REFUSED, 1, 0);
	default_limit(o, HOKM_SIGNAL_SYN, 3, 0);
	default_limit(o, HOKM_SIGNAL_UPGRADE, 3, p->late_upgrade_ns);
	default_limit(o, HOKM_SIGNAL_STATUS, 3, 0);
	default_limit(o, HOKM_SIGNAL_PING, 3, p->late_ping_ns);
	default_limit(o, HOKM_SIGNAL_RESET, 5, 0);
	default_limit(o, HOKM_SIGNAL_ABNORMAL, 5, 0);
	default_limit(o, HOKM_SIGNAL_CLOSE, 3, 0);
}

void conf_default(struct conf *c, enum conf_profile profile)
{
	const struct profile *p = &profiles[profile];

	c->profile = profile;
	snprintf(c->instance, sizeof(c->instance), "hokm");
	snprintf(c->bpffs, sizeof(c->bpffs), "/sys/fs/bpf");
	snprintf(c->socket, sizeof(c->socket), "/run/hokm-xdp/%%n.sock");
	snprintf(c->agent_user, sizeof(c->agent_user), "nobody");
	c->log_level = LOG_LVL_INFO;
	c->max_connections = 131072;

	c->n_vips = 1;
	c->vips[0].s_addr = htonl(0xc0a80119); /* 192.168.1.25 */

	c->vrrp_version = p->vrrp_version;
	c->vrid = 25;
	c->multicast = true;
	c->checksum_pseudo = true;
	c->advert_ns = p->advert_ns;
	c->preempt = true;
	c->preempt_delay_ns = p->preempt_delay_ns;
	c->garp_count = 5;
	c->garp_refresh_ns = S(60);

	c->pulse_port = 8766;
	c->pulse_ns = MS(10);
	c->peer_dead_ns = MS(100);
	c->daemon_stale_ns = p->stale_ns;
	c->replicate = true;
	c->repl_port = 8767;
	c->tell_rate = 100000;
	c->warm_ns = S(30);
	conf_default_observe(&c->observe, profile);
	c->idle_ns = S(7200);

	snprintf(c->hooks.user, sizeof(c->hooks.user), "nobody");
	c->hooks.timeout_ns = S(10);
}
