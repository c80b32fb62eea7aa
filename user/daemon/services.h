/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The services of this node: their places in the maps, their active and passive checks, their
 * players. In the order of the configuration; other parts of the program name a service by its slot
 * (maps, packet path) or by its tag (other nodes), and one function each finds it.
 */
#ifndef HOKM_DAEMON_SERVICES_H
#define HOKM_DAEMON_SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "decide/health.h"
#include "decide/observe.h"
#include "decide/recent.h"
#include "decide/recover.h"
#include "decide/unanswered.h"
#include "hokm/names.h"

#define SERVICE_DETAIL_MAX 128

/* One active check. */
struct service_check {
	struct health health;
	char detail[SERVICE_DETAIL_MAX]; /* the agent's description of the last result */
	/* The agent's reply, from when it is noted until the check runner takes it. */
	struct {
		bool waits;
		uint32_t seq;
		enum hokm_reason reason;
		char detail[SERVICE_DETAIL_MAX];
	} reply;
	bool fresh; /* the last result was not yet shown to the passive checks */
};

struct service {
	const struct conf_service *conf;
	struct in_addr vip;
	uint8_t slot;
	uint32_t tag;
	struct service_check checks[CONF_CHECKS_MAX]; /* conf->n_checks of them */
	/* From the maps, shown until the first results are there; INIT: none. */
	enum hokm_svc_state adopted;
	enum hokm_svc_state health; /* INIT, UP or DOWN, by the active checks */
	enum hokm_reason reason;
	uint64_t since_ns;

	struct observe observe; /* passive checks */
	struct recent recent;   /* how long its upgrades took lately */
	uint64_t recent_ns;     /* when that was read; 0: not yet */
	bool observe_failed;    /* reported; until it works again */
	bool unseen;            /* players come, but no packet of the server has passed egress */
	struct unanswered unanswered;
	/*
	 * Why syns-unanswered is over that a daemon before this one may have notified. The notifier
	 * learns that, and nobody else. NONE: nothing is to be said.
	 */
	enum hokm_reason answers_end;
	/* When the oldest request without an answer began, by the last sample; 0: none. */
	uint64_t oldest_upgrade_ns, oldest_ping_ns;

	uint64_t players; /* counted by the last complete sweep */
	/* When its sessions were terminated last; 0: not since it went DOWN. */
	uint64_t terminated_ns;
	/* When it was last looked whose upgrade request waits; 0: not since it went DOWN. */
	uint64_t waiters_ns;
	/* How much the server sent to players, and when that grew last; 0: never looked. */
	uint64_t sent, active_ns;
	struct recover recover;
	/* Reported: the drain is over, but no peer serves the players, so they stay. */
	bool drain_kept;
};

struct services {
	unsigned int n;
	uint64_t counted_ns; /* when the sweep began that counted `players`; 0: none has ended */
	struct service list[HOKM_MAX_SERVICES];
};

/* NULL when no service has this slot or tag. */
const struct service *services_by_slot(const struct services *s, unsigned int slot);
const struct service *services_by_tag(const struct services *s, uint32_t tag);
/* Another number when another service, or another order of them, is there. */
uint64_t services_digest(const struct services *s);
/* Its name in the configuration, or NULL. */
const char *services_name(const struct services *s, unsigned int slot);

/* Sets the checks back to their beginning: at the start, and after a reload. */
void services_init_checks(struct services *s, const struct observe_conf *observe, uint64_t now_ns);
/*
 * After a reload: a service of the same tag keeps its health, its players and what its passive
 * checks have seen. A check keeps its own health, wherever it stands in the file now. The
 * configuration of `old` must still be there.
 */
void services_carry_over(struct services *s, const struct services *old,
			 const struct observe_conf *observe, uint64_t now_ns);

/* Every service has a first result. */
bool services_known(const struct services *s);
/* Players on this node, by the last complete sweep. */
uint64_t services_players(const struct services *s);

/* Puts the active checks of the service on alert, or takes them off it (health_alert()). */
void service_alert(struct service *svc, bool on, uint64_t now_ns);
/* The active checks of the service run as soon as possible (health_hurry(), health_doubt()). */
void service_hurry(struct service *svc, uint64_t now_ns);
void service_doubt(struct service *svc, uint64_t now_ns);

#endif
