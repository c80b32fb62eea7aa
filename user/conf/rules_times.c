/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules for VRRP, pulses and replication. */
#include <string.h>

#include "base/units.h"
#include "conf/conf_int.h"
#include "conf/schema.h"

#define CENTISECOND (10 * NS_PER_MS)

/* Version 2 has a byte of seconds on the wire, version 3 twelve bits of centiseconds (RFC 9568). */
static void check_advert(const struct conf_sec *s, struct conf *c)
{
	/* The default of profile fast is too short for version 2. */
	if (c->vrrp_version == 2 && c->advert_ns % NS_PER_S && !conf_given(s, "advert"))
		c->advert_ns = NS_PER_S;
	if (!conf_good(s, "advert"))
		return;
	if (c->vrrp_version == 2 && c->advert_ns % NS_PER_S)
		conf_complain(s, "advert",
			      "version 2 takes whole seconds from 1s to 255s; "
			      "for shorter ones set vrrp.version = 3");
	else if (c->vrrp_version == 3 &&
		 (c->advert_ns % CENTISECOND || c->advert_ns > 4095 * CENTISECOND))
		conf_complain(s, "advert",
			      "version 3 takes whole centiseconds from 10ms to 40950ms");
}

/* What is wrong with a password of the file, or NULL. */
static const char *password_problem(const struct conf *c, const struct conf_text *t)
{
	if (t->size > sizeof(c->vrrp_password[0]))
		return "VRRP takes at most 8 characters, readable to every machine in the network: "
		       "never use the secret here";
	for (unsigned int i = 0; i < c->n_secrets; i++)
		if (t->size > 1 && !strncmp(t->s, c->secrets[i].text, t->size - 1))
			return "the beginning of the secret: "
			       "readable to every machine in the network, choose another";
	return NULL;
}

static void read_password(const struct conf_sec *s, struct conf *c)
{
	const struct conf_text *t = conf_value(s, "password");
	const char *problem = t ? password_problem(c, t) : NULL;

	if (t && c->vrrp_version == 3)
		conf_complain(
			s, "password",
			"version 3 adverts carry no password%s: remove it, or set vrrp.version = 2",
			conf_given(s, "version") ? "" : " (3 is the version of profile fast)");
	else if (problem)
		conf_complain(s, "password", "%s", problem);
	else if (t)
		c->vrrp_password_given = conf_read_key(s, conf_key_find("vrrp.password"), c);
}

void rule_vrrp(const struct conf_sec *s, struct conf *c)
{
	check_advert(s, c);
	read_password(s, c);
}

/*
 * The default grows with the interval. A value of the file has room for three pulses, so that a
 * single lost pulse makes no peer dead.
 */
static void fit_limit(const struct conf_sec *s, const char *key, uint64_t pulse_ns, uint64_t *ns)
{
	char text[DURATION_TEXT_MAX];

	if (!conf_given(s, key) && *ns < 10 * pulse_ns)
		*ns = 10 * pulse_ns;
	else if (conf_good(s, key) && *ns < 3 * pulse_ns)
		conf_complain(s, key, "at least 3 times pulse.interval, that is %s",
			      duration_format(3 * pulse_ns, text));
}

/* No connection is over while its node still gets new ones. */
static void fit_players_dead(const struct conf_sec *s, struct conf *c)
{
	const char *key = "players_dead_after";
	char text[DURATION_TEXT_MAX];

	if (!conf_given(s, key) && c->players_dead_ns < 3 * c->peer_dead_ns)
		c->players_dead_ns = 3 * c->peer_dead_ns;
	else if (conf_good(s, key) && c->players_dead_ns < c->peer_dead_ns)
		conf_complain(s, key, "at least pulse.dead, that is %s",
			      duration_format(c->peer_dead_ns, text));
}

/* The longest calm interval at all: replication sends its control messages as often. */
#define CALM_MOST_NS (250 * NS_PER_MS)

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * The longest calm interval: before anything follows from the silence of the owner, the node has
 * woken up, and has asked at the shorter interval for the rest of that time (decide/pulse_pace.h).
 * And its own sign of life, which it renews as rarely, does not get stale.
 */
static void fit_calm(const struct conf_sec *s, struct conf *c)
{
	const char *key = "calm_interval";
	uint64_t most_ns = lesser(c->grant_ns, lesser(c->peer_dead_ns, c->daemon_stale_ns)) / 3;
	char least[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];

	most_ns = lesser(most_ns / NS_PER_MS * NS_PER_MS, CALM_MOST_NS);
	if (most_ns < c->pulse_ns)
		most_ns = c->pulse_ns;
	if (!conf_given(s, key))
		c->calm_pulse_ns = later(
			c->pulse_ns, lesser(c->calm_pulse_ns, lesser(3 * c->pulse_ns, most_ns)));
	else if (conf_good(s, key) &&
		 (c->calm_pulse_ns < c->pulse_ns || c->calm_pulse_ns > most_ns))
		conf_complain(s, key,
			      "at least pulse.interval, %s; at most 250ms, "
			      "and a third of pulse.dead, pulse.stale and grant, %s",
			      duration_format(c->pulse_ns, least), duration_format(most_ns, most));
}

void rule_pulse(const struct conf_sec *s, struct conf *c)
{
	fit_limit(s, "dead", c->pulse_ns, &c->peer_dead_ns);
	fit_players_dead(s, c);
	fit_limit(s, "stale", c->pulse_ns, &c->daemon_stale_ns);
	rule_grants(s->up, c);
	fit_calm(s, c);
}

/* Replication messages are sent with the pulses, and are acknowledged within REPL_FRESH_NS. */
void rule_replication(const struct conf_sec *s, struct conf *c)
{
	if (!c->replicate)
		return;
	if (c->pulse_ns > 500 * NS_PER_MS)
		conf_error_at(s->errors, 0,
			      "pulse.interval is more than 500ms, too slow for replication: "
			      "choose a shorter one, or set replication { enabled = no }");
	if (c->repl_port == c->pulse_port)
		conf_error_at(s->errors, 0,
			      "replication.port and pulse.port are both %u: choose two ports",
			      c->pulse_port);
}
