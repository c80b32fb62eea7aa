/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of the doctor on what comes from the other nodes: adverts, pulses, replication, settings.
 * Pure.
 *
 * One fault is to make one finding. So a rule on missing packets asks first whether packets came
 * and were refused, or whether the segment is lost, which have findings of their own.
 */
#include <inttypes.h>

#include "doctor/rules.h"

#define ADVERT_MS 1000 /* the default */

/* ---- adverts ---- */

static bool discards(const struct facts *f, enum vrrp_discard why, struct finding *out)
{
	return f->grew.vrrp[why] &&
	       rule_say(out, "%" PRIu64 " adverts discarded just now: %s (%s)", f->grew.vrrp[why],
			vrrp_discard_text(why), vrrp_discard_name(why));
}

bool rule_other_password(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_AUTH, out) || discards(f, VRRP_BAD_AUTH_TYPE, out);
}

bool rule_other_version(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_VERSION, out);
}

bool rule_other_interval(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_INTERVAL, out) || discards(f, VRRP_BAD_OTHER_INTERVAL, out);
}

bool rule_bad_checksum(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_CHECKSUM, out) || discards(f, VRRP_BAD_SHORT, out);
}

/* XDP sees an advert before the packet filter of this node does. */
bool rule_adverts_filtered(const struct facts *f, struct finding *out)
{
	uint64_t reached = f->grew.vrrp_received;

	for (unsigned int i = 0; i < VRRP_DISCARD_COUNT; i++)
		reached += f->grew.vrrp[i];
	return f->grew.vrrp_seen && !reached &&
	       rule_say(out,
			"%" PRIu64 " adverts arrived at the interface, none reached the daemon",
			f->grew.vrrp_seen);
}

bool rule_other_vrid(const struct facts *f, struct finding *out)
{
	return discards(f, VRRP_BAD_VRID, out);
}

bool rule_stranger_adverts(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_source &&
	       rule_say(out, "%" PRIu64 " adverts of our VRID from an address that is no peer's",
			f->grew.vrrp_source);
}

bool rule_low_ttl(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_ttl &&
	       rule_say(out, "%" PRIu64 " adverts with a TTL below 255", f->grew.vrrp_ttl);
}

bool rule_forged_adverts(const struct facts *f, struct finding *out)
{
	return f->grew.vrrp_mac &&
	       rule_say(out, "%" PRIu64 " adverts with a peer's address from another MAC address",
			f->grew.vrrp_mac);
}

/* ---- peers ---- */

/* Three adverts are not missing. */
static bool adverts_fresh(const struct facts *f, const struct fact_peer *p)
{
	uint64_t advert_ms = f->advert_ms ? f->advert_ms : ADVERT_MS;

	return p->adverts_ms >= 0 && (uint64_t)p->adverts_ms < 4 * advert_ms;
}

/* A peer is owner, by its pulses, and no advert of it comes. */
bool rule_adverts_missing(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (!p->owner || adverts_fresh(f, p) || rules_segment_is_lost(p))
		return false;
	if (p->adverts_ms < 0)
		return rule_say(out, "%s is owner, by its pulses; no advert of it ever came",
				p->name);
	return rule_say(out, "%s is owner, by its pulses; its last advert came %.1f s ago", p->name,
			(double)p->adverts_ms / 1000);
}

bool rule_secrets_differ(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].secrets_differ &&
	       rule_say(out, "pulses of %s arrive and no secret of this node signed them%s",
			f->peers[out->of].name, f->grew.pulse_tag ? "; drop_pulse_tag grows" : "");
}

bool rule_other_pulses(const struct facts *f, struct finding *out)
{
	return f->grew.pulse_version &&
	       rule_say(out, "%" PRIu64 " pulses of another version, kind or VRID",
			f->grew.pulse_version);
}

bool rule_pulse_from_other_mac(const struct facts *f, struct finding *out)
{
	return f->grew.pulse_mac &&
	       rule_say(out, "%" PRIu64 " pulses from another MAC address than their sender signed",
			f->grew.pulse_mac);
}

/* Pulses that came, but were not accepted, have a finding of their own. */
static bool pulses_refused(const struct facts *f, const struct fact_peer *p)
{
	return p->secrets_differ || f->grew.pulse_version || f->grew.pulse_mac;
}

/*
 * A peer whose pulses are not accepted is not known by its MAC address: the claim may be its own.
 */
bool rule_vip_claimed(const struct facts *f, struct finding *out)
{
	for (unsigned int i = 0; i < f->n_peers; i++)
		if (pulses_refused(f, &f->peers[i]))
			return false;
	return f->claimer[0] &&
	       rule_say(out, "%s claims %s by ARP and is no node", f->claimer, f->claimed);
}

/* A single one comes late now and then, as on a machine that is busy. */
#define LATE_PULSES 10

static bool pulses_late(const struct facts *f)
{
	return f->grew.pulse_late >= LATE_PULSES;
}

#define LIFE_MS 10000

/*
 * Late answers are counted for the node, not for each peer. They explain the silence of the only
 * peer, and of one that shows another sign of life or was silent for a short time only.
 */
static bool late_explains(const struct facts *f, const struct fact_peer *p)
{
	return pulses_late(f) && (f->n_peers == 1 || adverts_fresh(f, p) || p->connected ||
				  (p->seen_ms >= 0 && p->seen_ms < LIFE_MS));
}

bool rule_pulses_late(const struct facts *f, struct finding *out)
{
	return pulses_late(f) &&
	       rule_say(out, "%" PRIu64 " answers to pulses came later than pulse.dead just now",
			f->grew.pulse_late);
}

bool rule_pulses_blocked(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return !p->pulsing && !p->vrrp_only && adverts_fresh(f, p) && !pulses_refused(f, p) &&
	       !late_explains(f, p) &&
	       rule_say(out, "%s (%s) sends adverts and answers no pulse", p->name, p->address);
}

bool rule_peer_silent(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	if (p->pulsing || p->vrrp_only || adverts_fresh(f, p) || pulses_refused(f, p) ||
	    late_explains(f, p))
		return false;
	if (p->seen_ms < 0)
		return rule_say(out, "%s (%s) has shown no sign of life", p->name, p->address);
	return rule_say(out, "%s (%s) is silent: last pulse %.1f s ago", p->name, p->address,
			(double)p->seen_ms / 1000);
}

bool rule_peer_stale(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && !p->fresh &&
	       rule_say(out, "the kernel of %s answers pulses, its daemon does not", p->name);
}

bool rule_replication_blocked(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->fresh && p->replicated && !p->connected && !p->bad_tags &&
	       !rules_segment_is_lost(p) &&
	       rule_say(out, "%s answers pulses, and its replication is not connected; %s", p->name,
			f->grew.replication_seen ? "messages arrive at the interface of this node"
						 : "no message of any peer arrived just now");
}

bool rule_replica_cold(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->replicated && p->connected && !p->warm &&
	       rule_say(out, "the replica of %s is not complete yet", p->name);
}

bool rule_replication_forged(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].bad_tags &&
	       rule_say(out,
			"%" PRIu64 " replication messages in the name of %s have a wrong signature",
			f->peers[out->of].bad_tags, f->peers[out->of].name);
}

bool rule_not_steerable(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->pulsing && p->not_steerable[0] && !rules_segment_is_lost(p) &&
	       rule_say(out, "no new player is steered to %s: %s", p->name, p->not_steerable);
}

bool rule_misdirected(const struct facts *f, struct finding *out)
{
	return f->peers[out->of].misdirected &&
	       rule_say(out, "packets of clients arrive at %s, and this node is owner",
			f->peers[out->of].name);
}

bool rule_settings_differ(const struct facts *f, struct finding *out)
{
	const struct fact_peer *p = &f->peers[out->of];

	return p->n_differs &&
	       rule_say(out, "%s differs at %s: %s%s%s", p->differs[0].name, p->name,
			p->differs[0].text, p->n_differs > 1 ? "; also " : "",
			p->n_differs > 1 ? p->differs[1].name : "");
}
