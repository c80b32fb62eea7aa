/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon: one process, one event loop, one struct passed down.
 *
 *   start.c   takes everything into possession in order, gives it back in reverse
 *   loop.c    timers, sockets and results: sense.c -> decide/ -> act.c -> act/apply.c
 *   sense.c   what maps, checks and the operator say, as input of the policy
 *   act.c     the VRRP machine's actions
 *   sweep.c   the walk through conns: expiry, count of players
 *   ending.c, takeover.c  connections that are ended, here and of a dead peer
 *   repl.c    replication: what peers are told of connections, and tell
 *   health.c  schedules the active checks, takes their results in
 *   observe.c the passive checks: samples, and what follows from them
 *   lock.c    one daemon a node
 *   reload.c  SIGHUP: a second configuration, compared and swapped
 *   verbs.c   what ctl can ask, status.c how it is answered
 *   run.c     `hokm-xdp run` and `hokm-xdp cleanup`
 *
 * The thread of the loop touches no disk and looks no name up; whatever may block is the agent's,
 * a hook's or the reload thread's.
 */
#ifndef HOKM_DAEMON_H
#define HOKM_DAEMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "act/apply.h"
#include "path/bpf.h"
#include "act/hooks.h"
#include "agent/agent.h"
#include "conf/conf.h"
#include "serve/serve.h"
#include "daemon/session_end.h"
#include "decide/health.h"
#include "decide/observe.h"
#include "decide/policy.h"
#include "decide/vrrp.h"
#include "sense/events.h"
#include "sense/link.h"
#include "sense/pulse.h"
#include "sense/vrrp_sock.h"

/* Priorities of the loop's sources: ownership first, people last. */
#define DAEMON_PRIO_VRRP  (-20)
#define DAEMON_PRIO_PULSE (-10)
#define DAEMON_PRIO_REPL  (-5)

#define DAEMON_GARP_GAP_NS (100 * NS_PER_MS) /* within a burst */

/* One service: its slot in the maps and its checks. */
struct daemon_service {
	uint8_t slot;
	uint32_t tag;
	struct health checks[CONF_CHECKS_MAX];
	char detail[CONF_CHECKS_MAX][128]; /* the agent's words on the last result */
	enum hokm_svc_state adopted;       /* shown until the first results are in; INIT for none */
	enum hokm_svc_state health;        /* INIT, UP or DOWN by checks */
	enum hokm_reason reason;
	uint64_t since_ns;
	uint64_t players;  /* counted by the last complete sweep */
	uint64_t ended_ns; /* when its players were ended last; 0: not since it went down */
	/* what the server has said to players, and when that grew last; 0: not looked */
	uint64_t said, said_ns;
	/* told that its players stay, for want of a peer, though the drain is over */
	bool drain_kept;
	struct observe observe;
	bool observe_failed;                        /* said so; until it works again */
	uint64_t oldest_upgrade_ns, oldest_ping_ns; /* waiting since; 0: none; by the last sample */
};

/* One configured node, seen from here. slot is HOKM_NO_PEER for ourselves. */
struct daemon_node {
	uint8_t slot;
	bool pulsing; /* last announced */
	uint64_t discarded;
};

struct daemon_stats {
	uint64_t adverts_sent, adverts_failed, adverts_received;
	uint64_t discarded[VRRP_DISCARD_COUNT];
	uint64_t discard_logged_ns[VRRP_DISCARD_COUNT];
	uint64_t late_max_ns; /* worst lateness of the pulse timer */
	uint64_t agent_restarts;
	uint64_t conns_expired;            /* silent for idle_timeout: nobody said how they ended */
	uint64_t conns_left;               /* ended, and taken off the table */
	uint64_t stale_told, stale_untold; /* events of stale connections, and those too many */
};

/* The walk through conns: expiry of ended entries and the count of players, a slice a tick. */
struct daemon_sweep {
	struct hokm_conn_cursor cursor;
	uint64_t players[HOKM_MAX_SERVICES];
	uint64_t now_ns;   /* of the slice */
	uint64_t began_ns; /* of this walk and the one before it */
	uint64_t before_ns;
	uint64_t next_ns;   /* when the next walk begins */
	unsigned int stale; /* events of this walk */
	bool running;
};

/*
 * The walk that ends connections of services here; masks and reasons by slot, which a reload keeps.
 */
struct daemon_ending {
	sd_event_source *timer;
	unsigned int wanted, walking;
	uint64_t quiet_ns; /* when our RSTs were announced last */
	enum hokm_reason reason[HOKM_MAX_SERVICES];
	/* of this walk; ended: those of all that had a socket */
	unsigned int asked[HOKM_MAX_SERVICES], ended;
	struct hokm_conn_cursor cursor;
};

struct daemon {
	struct conf *conf;
	sd_event *event;
	uint64_t started_ns;
	uint64_t nonce;
	int lock_fd;
	struct hokm_bpf_opts bpf_opts;
	bool adopted;
	bool stopping;
	uint64_t stop_by_ns; /* stopping: do not wait for the successor longer than this */
	bool vrrp_started;

	struct hokm_bpf *bpf;
	struct apply *apply;
	struct vrrp_sock *vrrp_sock;
	struct pulse *pulse;
	struct link_watch *link;
	struct hooks *hooks;
	struct daemon_repl *repl; /* NULL: off */
	struct daemon_takeover *takeover;
	struct session_reset reset;
	struct agent *agent;
	struct events *events;
	struct ctl_server *ctl;
	struct reload *reload;

	sd_event_source *vrrp_timer, *vrrp_io, *pulse_timer, *health_timer, *garp_timer;

	/* sensed */
	struct hokm_peer peers[HOKM_MAX_PEERS];
	struct daemon_node nodes[CONF_NODES_MAX];
	struct daemon_service services[HOKM_MAX_SERVICES];
	bool link_up;
	uint64_t owned_ns;                  /* when this node was MASTER last */
	uint64_t advert_ns[HOKM_MAX_PEERS]; /* last advert of peers without pulses; 0: gone */
	int pulse_fd;
	uint64_t pulse_ns;  /* last tick */
	uint64_t asking_ns; /* since when peers are asked without a break */
	uint64_t asked_ns;  /* when they had been asked last before that; 0: unknown */

	/* the operator's words */
	bool drain, maint, standby;
	uint64_t drain_ns, drain_until_ns; /* since when; players are ended then, 0: never */
	bool drained;                      /* told that nobody is left */

	/* decided */
	struct vrrp vrrp;
	struct policy_output policy;

	struct apply_want want;
	unsigned int garp_left;
	uint64_t epoch;
	struct daemon_sweep sweep;
	struct daemon_ending ending;
	struct daemon_stats stats;
};

/* start.c. On error everything is undone and -errno returned. */
int daemon_start(struct daemon *d);
/* Gives all back. `keep_path`: players are left, the packet path stays pinned. */
void daemon_close(struct daemon *d, bool keep_path);
/* Fills map cfg, slots and keys from the configuration; also after a reload. */
int daemon_apply_conf(struct daemon *d);
void daemon_reconf_vrrp(struct daemon *d);

/* sense.c */
void daemon_sense(struct daemon *d, struct policy_input *in);
/*
 * Its kernel answers pulses, as the packet path judges it (bpf/peer.h): the limit begins when it
 * answered last or, if that was later, when this daemon began to ask: who was not asked could not
 * answer.
 */
bool daemon_peer_answers(const struct daemon *d, const struct hokm_peer *p, uint64_t now_ns);
/* From when on its silence counts. */
uint64_t daemon_silent_since_ns(const struct daemon *d, const struct hokm_peer *p);
/* How many of our services the peer says are UP there. */
unsigned int daemon_peer_up(const struct daemon *d, const struct hokm_peer *p);

/* act.c */
/* Slot of the node with this address, or HOKM_NO_PEER. */
uint8_t daemon_slot_of(const struct daemon *d, struct in_addr addr);
void daemon_wire_conf(const struct conf *c, struct vrrp_wire_conf *w);
/*
 * Carries one round of actions out; `from` is the state before the step. True when it leaves an
 * event to feed back (what became of an advert), in *next.
 */
bool daemon_act(struct daemon *d, const struct vrrp_actions *acts, enum hokm_vrrp_state from,
		struct vrrp_event *next);

/* loop.c */
/* One-shot timer at a moment of the boot clock; 0 turns it off. */
void daemon_arm(sd_event_source *s, uint64_t at_ns);
int daemon_loop_start(struct daemon *d);
/* A timer that is off; daemon_arm() sets it. 0 or -errno. */
int daemon_add_timer(struct daemon *d, sd_event_source **out, int64_t priority,
		     sd_event_time_handler_t fn);
/* Sets the pulse timer to the configuration's interval. */
int daemon_set_pulse(struct daemon *d);
void daemon_loop_stop(struct daemon *d);
/* Reads the peers, decides the policy, feeds the VRRP machine what changed, applies. */
void daemon_evaluate(struct daemon *d);
void daemon_vrrp_event(struct daemon *d, struct vrrp_event *ev);
/* Gives the VIP away; the loop ends when the successor has it, or soon after. */
void daemon_stop(struct daemon *d);
/* Something in the service's real traffic looked wrong: check at once. */
void daemon_kernel_event(const struct hokm_event *record, void *arg);
void daemon_link_changed(bool up, bool gone, void *arg);
void daemon_start_vrrp_when_known(struct daemon *d);
/* Players served here, by the last complete walk. */
uint64_t daemon_players(const struct daemon *d);

/* sweep.c */
void daemon_sweep_slice(struct daemon *d, uint64_t now_ns);
/* A whole walk now: players with a local socket. -errno on failure. */
int64_t daemon_count_players(struct daemon *d);

/* health.c */
int daemon_health_start(struct daemon *d);
/* After a reload: services may be others. */
void daemon_health_init(struct daemon *d, uint64_t now_ns);
void daemon_health_run(struct daemon *d);
void daemon_health_reply(const struct agent_reply *r, void *arg);
void daemon_agent_died(void *arg);
void daemon_health_hurry(struct daemon *d, unsigned int service);
bool daemon_health_known(const struct daemon *d);
const char *daemon_check_name(enum conf_check_kind kind);

/* observe.c */
/* After daemon_health_init(), at the start and when services changed. */
void daemon_observe_init(struct daemon *d, uint64_t now_ns);
/* Takes a sample of each service whose time has come. */
void daemon_observe(struct daemon *d, uint64_t now_ns);
/* One of this service now: the packet path has just told of a refused SYN. */
void daemon_observe_now(struct daemon *d, unsigned int service);
/* Active checks of this service on alert, or not. */
void daemon_observe_alert(struct daemon *d, unsigned int service, bool on, uint64_t now_ns);
void daemon_observe_verdict(struct daemon *d, unsigned int service, const struct observe_verdict *v,
			    uint64_t now_ns);

/* reload.c */
int reload_open(struct daemon *d, struct reload **out);
void reload_close(struct reload *r);
/* Starts one, after the one that runs if there is; its outcome is logged and shown as an event. */
int reload_start(struct reload *r);

/* verbs.c, status.c */
extern const struct ctl_verb daemon_verbs[];
extern const struct event_names daemon_event_names;
json_t *daemon_status_json(struct daemon *d);
const char *daemon_service_name(const struct daemon *d, unsigned int slot);
const char *daemon_peer_name(const struct daemon *d, unsigned int slot);

/* run.c */
int daemon_run_main(int argc, char **argv);
int daemon_cleanup_main(int argc, char **argv);

#endif
