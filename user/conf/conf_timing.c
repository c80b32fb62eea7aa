/* SPDX-License-Identifier: GPL-2.0-only */
/* The sections vrrp, pulse, replication and hooks. */
#include <string.h>

#include "conf/conf_int.h"
#include "base/units.h"

#define CENTISECOND (10 * NS_PER_MS)
#define MINUTE      (60 * NS_PER_S)

/* Version 2 has a byte of seconds on the wire, version 3 twelve bits of centiseconds (RFC 9568). */
static void read_advert(const struct conf_sec *s, struct conf *c)
{
	uint64_t ns;

	if (!conf_read_duration(s, "advert", NS_PER_MS, 255 * NS_PER_S, &ns))
		return;
	if (c->vrrp_version == 2 && ns % NS_PER_S)
		conf_complain(s, "advert",
			      "version 2 takes whole seconds from 1s to 255s; for shorter ones set "
			      "vrrp.version = 3");
	else if (c->vrrp_version == 3 && (ns % CENTISECOND || ns > 4095 * CENTISECOND))
		conf_complain(s, "advert",
			      "version 3 takes whole centiseconds from 10ms to 40950ms");
	else
		c->advert_ns = ns;
}

static void read_password(const struct conf_sec *s, struct conf *c)
{
	const struct conf_text *t = conf_value(s, "password");

	if (!t)
		return;
	if (c->vrrp_version == 3) {
		conf_complain(
			s, "password",
			"version 3 adverts carry no password%s: remove it, or set "
			"vrrp.version = 2",
			conf_given(s, "version") ? "" : " (3 is the version of profile fast)");
		return;
	}
	if (t->size > sizeof(c->vrrp_password)) {
		conf_complain(
			s, "password",
			"VRRP takes at most 8 characters, and shows them to the whole network "
			"segment: never use the secret here");
		return;
	}
	if (!strncmp(t->s, c->secret, t->size - 1) && t->size > 1) {
		conf_complain(s, "password",
			      "the beginning of the secret: VRRP shows it to the whole network "
			      "segment, choose another");
		return;
	}
	conf_read_text(s, "password", c->vrrp_password, sizeof(c->vrrp_password));
}

void conf_read_vrrp(const struct conf_sec *root, struct conf *c)
{
	static const char *const versions[] = {"2", "3", NULL};
	static const char *const modes[] = {"multicast", "unicast", NULL};
	static const char *const checksums[] = {"pseudo-header", "plain", NULL};
	struct conf_sec s;
	unsigned int n;

	if (!conf_one_section(root, "vrrp", &s))
		return;
	if (conf_read_word(&s, "version", versions, &n))
		c->vrrp_version = n + 2;
	/* The advert of profile fast is too short for version 2. */
	if (c->vrrp_version == 2 && c->advert_ns % NS_PER_S)
		c->advert_ns = NS_PER_S;
	read_advert(&s, c);
	read_password(&s, c);
	if (conf_read_number(&s, "vrid", 1, 255, &n))
		c->vrid = (uint8_t)n;
	if (conf_read_word(&s, "mode", modes, &n))
		c->multicast = n == 0;
	if (conf_read_word(&s, "checksum", checksums, &n))
		c->checksum_pseudo = n == 0;
	conf_read_bool(&s, "preempt", &c->preempt);
	conf_read_duration(&s, "preempt_delay", 0, 60 * MINUTE, &c->preempt_delay_ns);
	conf_read_number(&s, "garp_count", 1, 60, &c->garp_count);
	conf_read_duration(&s, "garp_refresh", 0, 24 * 60 * MINUTE, &c->garp_refresh_ns);
}

/*
 * dead and stale follow a longer interval when the file leaves them out; when it gives them, three
 * pulses must fit in, so that a single lost one makes nobody dead.
 */
static void read_limit(const struct conf_sec *s, const char *key, uint64_t pulse_ns, uint64_t *ns)
{
	char text[DURATION_TEXT_MAX];

	if (!conf_given(s, key)) {
		if (*ns < 10 * pulse_ns)
			*ns = 10 * pulse_ns;
		return;
	}
	if (conf_read_duration(s, key, NS_PER_MS, 10 * MINUTE, ns) && *ns < 3 * pulse_ns)
		conf_complain(s, key, "at least 3 times pulse.interval, that is %s",
			      duration_format(3 * pulse_ns, text));
}

void conf_read_pulse(const struct conf_sec *root, struct conf *c)
{
	struct conf_sec s;

	if (conf_one_section(root, "pulse", &s)) {
		conf_read_port(&s, "port", &c->pulse_port);
		conf_read_duration(&s, "interval", NS_PER_MS, 10 * NS_PER_S, &c->pulse_ns);
		read_limit(&s, "dead", c->pulse_ns, &c->peer_dead_ns);
		read_limit(&s, "stale", c->pulse_ns, &c->daemon_stale_ns);
	}
}

void conf_read_replication(const struct conf_sec *root, struct conf *c)
{
	struct conf_sec s;

	if (conf_one_section(root, "replication", &s)) {
		conf_read_bool(&s, "enabled", &c->replicate);
		conf_read_port(&s, "port", &c->repl_port);
		conf_read_number(&s, "rate", 100, 10000000, &c->tell_rate);
		conf_read_duration(&s, "wait", 0, 60 * MINUTE, &c->warm_ns);
	}
	/* Its messages go out with the pulses, and must be answered within REPL_FRESH_NS. */
	if (c->replicate && c->pulse_ns > 500 * NS_PER_MS)
		conf_error_at(
			root->errors, 0,
			"pulse.interval is more than 500ms, too slow for replication: choose a "
			"shorter one, or say replication { enabled = no }");
	if (c->replicate && c->repl_port == c->pulse_port)
		conf_error_at(root->errors, 0,
			      "replication.port and pulse.port are both %u: choose two ports",
			      c->pulse_port);
}

/* A hook's path; "" says that there is none. */
static void read_hook(const struct conf_sec *s, const char *key, char dst[CONF_PATH_MAX])
{
	const struct conf_text *t = conf_value(s, key);

	if (t && t->s[0])
		conf_read_path(s, key, dst, CONF_PATH_MAX);
}

void conf_read_hooks(const struct conf_sec *root, struct conf *c)
{
	struct conf_sec s;

	if (!conf_one_section(root, "hooks", &s))
		return;
	read_hook(&s, "before", c->hooks.before);
	read_hook(&s, "after", c->hooks.after);
	conf_read_name(&s, "user", c->hooks.user, sizeof(c->hooks.user));
	conf_read_duration(&s, "timeout", 100 * NS_PER_MS, 10 * MINUTE, &c->hooks.timeout_ns);
}
