/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: one file, the same on every node. A node finds itself by its own addresses.
 *
 * conf_load() returns a struct conf, or errors that name file, line, key, value and what would be
 * right. The struct does not change afterwards: a reload loads a second one and replaces the first.
 */
#ifndef HOKM_CONF_H
#define HOKM_CONF_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "conf/conf_dns.h"
#include "conf/conf_etcd.h"
#include "conf/conf_listen.h"
#include "conf/conf_notify.h"
#include "decide/observe_conf.h"
#include "hokm/abi.h"

struct repl_keys;

/* bytes with the terminating zero, of node, instance and service names */
#define CONF_NAME_MAX   32
#define CONF_PATH_MAX   256
#define CONF_HEADER_MAX 128 /* of a request of a check */
#define CONF_NODES_MAX  (HOKM_MAX_PEERS + 1)
/* Nodes and witnesses together are at most as many as nodes alone may be, and two are nodes. */
#define CONF_WITNESSES_MAX (CONF_NODES_MAX - 2)
#define CONF_CHECKS_MAX    4  /* checks of one service */
#define CONF_ARGS_MAX      32 /* words of a command */

#define CONF_SECRET_MIN 16
#define CONF_SECRET_MAX 256 /* with the terminating zero */

/* A secret that the nodes share. */
struct conf_secret {
	char text[CONF_SECRET_MAX];
	size_t len;
};

enum conf_profile { CONF_PROFILE_STANDARD, CONF_PROFILE_FAST };

enum conf_check_kind { CHECK_WEBSOCKET, CHECK_HTTP, CHECK_TCP, CHECK_EXEC };

/* One active check of a service. */
/* The header of the PROXY protocol that a check sends first. */
enum conf_proxy { CONF_PROXY_NONE, CONF_PROXY_V1, CONF_PROXY_V2 };

struct conf_check {
	enum conf_check_kind kind;
	char path[CONF_PATH_MAX]; /* the request's path, or the command of CHECK_EXEC
				     (words_split()) */
	char body[CONF_NAME_MAX]; /* CHECK_HTTP: a text that the answer must contain; "" for any */
	unsigned int status;      /* CHECK_HTTP: the expected status */
	bool tls;
	enum conf_proxy proxy;        /* CHECK_WEBSOCKET, CHECK_HTTP */
	char origin[CONF_HEADER_MAX]; /* CHECK_WEBSOCKET: headers of the request, "" for none */
	char subprotocol[CONF_HEADER_MAX];
	char header[CONF_HEADER_MAX]; /* a whole one, "Name: value" */
	struct in_addr addr;
	uint16_t port; /* host order */
	uint64_t interval_ns;
	uint64_t fastinter_ns; /* while the state is changing */
	uint64_t downinter_ns; /* while the service is down */
	uint64_t timeout_ns;   /* of the whole check, all attempts included */
	unsigned int rise;     /* successes in a row that make it UP */
	unsigned int fall;     /* failures in a row that make it DOWN */
	unsigned int attempts; /* within one check */
	uint64_t backoff_ns;   /* before the second attempt; it doubles with each further one */
};

/*
 * What happens to the connections of a service that is DOWN because its process is unresponsive.
 * The words are those of HAProxy.
 */
enum conf_marked_down { CONF_SHUTDOWN_SESSIONS, CONF_KEEP };

/* What is run when the service goes DOWN; see decide/recover.h. */
struct conf_recover {
	char command[CONF_PATH_MAX]; /* words_split(); "" for none */
	char user[CONF_NAME_MAX];
	unsigned int attempts;
	unsigned int limit; /* within an hour */
	uint64_t backoff_ns;
	uint64_t timeout_ns;
};

struct conf_service {
	char name[CONF_NAME_MAX];
	enum conf_marked_down on_marked_down;
	unsigned int vip; /* index of conf.vips */
	uint16_t port;    /* host order */
	unsigned int n_checks;
	struct conf_check checks[CONF_CHECKS_MAX];
	struct conf_recover recover;
};

/* What runs on a node, as its peers see it. */
enum conf_peer_kind {
	CONF_PEER_AUTO, /* found out: hokm-xdp once it has answered a pulse */
	CONF_PEER_HOKM,
	CONF_PEER_VRRP, /* keepalived or another program that answers no pulses */
};

struct conf_node {
	char name[CONF_NAME_MAX];
	struct in_addr addr;
	uint8_t priority; /* 1..254 */
	enum conf_peer_kind peer;
	unsigned int n_paths;                              /* the same for all nodes */
	struct in_addr paths[HOKM_MAX_PATHS];              /* its addresses beside the segment */
	char dns_address[CONF_DNS_TYPES][DNS_ADDRESS_MAX]; /* in the DNS record; "" for none */
	char cloud_id[DNS_ADDRESS_MAX]; /* of its machine at the provider; "" for none */
};

/* What answers the nodes on the machine of a witness. */
enum conf_witness_mode {
	CONF_WITNESS_AUTO, /* its kernel; where that is not possible, its process */
	CONF_WITNESS_XDP,
	CONF_WITNESS_USER,
};

/* A member that decides with the nodes who is owner, and has no VIP itself. */
struct conf_witness {
	char name[CONF_NAME_MAX]; /* differs from those of the nodes, too */
	struct in_addr addr;
	enum conf_witness_mode mode;
};

/*
 * Who decides when the nodes cannot hear each other; see conf_majority(). AUTO becomes GATEWAY
 * while the file is read, if it names a gateway and no witness.
 */
enum conf_arbiter {
	CONF_ARBITER_AUTO,
	CONF_ARBITER_WITNESS,
	CONF_ARBITER_MAJORITY,
	CONF_ARBITER_GATEWAY,
	CONF_ARBITER_ETCD,
	CONF_ARBITER_NONE
};

/* What an owner does that hears neither a peer nor the arbiter. */
enum conf_isolation { CONF_ISOLATION_RELEASE, CONF_ISOLATION_KEEP };

/* The hooks, each with a key of its own. Those of one change run in this order. */
enum conf_hook {
	CONF_HOOK_BEFORE, /* before the VIP is configured */
	CONF_HOOK_MASTER, /* after a change to this state */
	CONF_HOOK_BACKUP,
	CONF_HOOK_FAULT,
	CONF_HOOK_STOP,
	CONF_HOOK_AFTER, /* after every change of the state */
	CONF_HOOKS,
};

/* What a hook `before` counts as that does not answer. */
enum conf_silence { CONF_SILENCE_PERMITS, CONF_SILENCE_REFUSES };

struct conf_hooks {
	char command[CONF_HOOKS][CONF_PATH_MAX]; /* words_split(); "" for none */
	char user[CONF_NAME_MAX];                /* the user that runs them */
	char capabilities[CONF_HEADER_MAX];      /* their names, "" for none */
	uint64_t caps;                           /* the same, from caps_parse() */
	uint64_t timeout_ns;
	uint64_t wait_ns; /* how long becoming owner waits for the hook `before`; 0: not */
	enum conf_silence silence;
	char fifo[CONF_PATH_MAX]; /* gets a line for each change, "" for none */
};

/* The meaning, the range and the default of each field are in its row of the schema (schema.c). */
struct conf {
	char file[CONF_PATH_MAX];
	enum conf_profile profile;
	char instance[CONF_NAME_MAX];
	char interface[IF_NAMESIZE];    /* "" until it was looked for */
	char bpffs[CONF_PATH_MAX];      /* pins are in <bpffs>/hokm-xdp/<node> */
	char socket[CONF_PATH_MAX];     /* of ctl; in both paths %n is replaced by self's name */
	char state_file[CONF_PATH_MAX]; /* the operator's orders; %n as above */
	char ctl_group[CONF_NAME_MAX];  /* the group that may look by ctl, "" for none */
	char ctl_admin_group[CONF_NAME_MAX]; /* the group that may act by ctl, "" for none */
	char agent_user[CONF_NAME_MAX];
	unsigned int log_level;       /* enum log_level */
	unsigned int max_connections; /* size of map conns */

	unsigned int n_nodes;
	struct conf_node nodes[CONF_NODES_MAX];
	unsigned int self; /* index of nodes; n_nodes when it was not looked for */

	unsigned int n_witnesses;
	struct conf_witness witnesses[CONF_WITNESSES_MAX];
	enum conf_arbiter arbiter;
	struct in_addr gateway; /* the arbiter's address; 0: that of the default route */
	enum conf_isolation on_isolation;
	uint64_t grant_ns; /* how long a member's grant lasts */

	unsigned int n_vips;
	struct in_addr vips[HOKM_MAX_VIPS];
	unsigned int n_services;
	struct conf_service services[HOKM_MAX_SERVICES];

	/* vrrp */
	unsigned int vrrp_version; /* 2 or 3 */
	uint8_t vrid;
	bool multicast;       /* false: unicast to every other node */
	bool checksum_pseudo; /* version 3: with the pseudo-header */
	uint64_t advert_ns;
	bool preempt;
	uint64_t preempt_delay_ns;
	/*
	 * Version 2. The first is sent, "": no authentication. Those derived from secrets that only
	 * verify are accepted too. Unless the file gives one, conf_complete_password() sets them.
	 */
	bool vrrp_password_given;
	char vrrp_password[HOKM_MAX_SECRETS][9];
	unsigned int garp_count;  /* gratuitous ARPs of one burst */
	uint64_t garp_gap_ns;     /* within a burst */
	uint64_t garp_delay_ns;   /* from a burst to the next one; 0: no second one */
	uint64_t garp_refresh_ns; /* 0: never */

	/* pulses */
	uint16_t pulse_port; /* host order */
	uint64_t pulse_ns;
	uint64_t calm_pulse_ns; /* in a calm group (decide/pulse_pace.h) */
	uint64_t peer_dead_ns;
	uint64_t players_dead_ns;
	uint64_t daemon_stale_ns;

	/* replication */
	bool replicate;
	uint16_t repl_port;     /* host order */
	unsigned int tell_rate; /* clients of a dead peer notified in a second */
	uint64_t warm_ns;       /* the longest wait for a warm replica before preempting */

	struct observe_conf observe; /* passive checks; hold_ns is also what a refused SYN sets */
	uint64_t start_delay_ns;     /* the longest wait for a first frame after the link came */
	uint64_t linger_ns;          /* how long a stopped node steers; 0: not at all */
	uint64_t idle_ns;            /* entries of conns without a packet for this long expire */

	struct conf_hooks hooks;
	struct conf_dns dns;

	unsigned int n_notify;
	struct conf_notify notify[CONF_NOTIFY_MAX];

	struct conf_listen listen;
	struct conf_etcd etcd;

	/* The first one signs, all of them verify. */
	unsigned int n_secrets;
	struct conf_secret secrets[HOKM_MAX_SECRETS];
};

/*
 * Reads and checks `file`. With `find_self` the addresses of this machine's interfaces decide which
 * node it is, and interface, bpffs and socket are completed for that node; check-config does not
 * ask for it. Each error is written to `errors` as one line. Returns 0 and the configuration in
 * *out, which the caller frees with conf_free(); -EINVAL and *out NULL when the file is wrong;
 * -EADDRNOTAVAIL when all that is missing is the node's address or the interface on this machine,
 * which may come later; -EAGAIN when more than that may be right later, and the file may stay as it
 * is: secret_file is not there yet, or an address is on two interfaces; else -errno.
 */
int conf_load(const char *file, bool find_self, FILE *errors, struct conf **out);

/* The file of the drills' history: beside the state file. 0 or -ENOENT. */
int conf_drills_file(const struct conf *c, char path[CONF_PATH_MAX]);
/* The folder of the notifier, beside the state file: its files are in agent/notify_store.h. */
const char *conf_notify_folder(const struct conf *c, char *dst, size_t size);

/* conf_text.c: the same for a text. Errors name a file of /proc. */
int conf_load_text(const char *text, bool find_self, FILE *errors, struct conf **out);

/* Wipes the secrets and frees. NULL is fine. */
void conf_free(struct conf *c);

/*
 * A reload changes nothing that needs a restart, such as interface, VRID or table size. Returns the
 * first key that differs and needs a restart, or NULL.
 */
const char *conf_needs_restart(const struct conf *running, const struct conf *wanted);

/*
 * SipHash keys derived from the secrets (HKDF-SHA256, one label each), in words as hokm/siphash.h
 * takes them. 0 or -errno.
 *
 * The keys of pulses are those of the node and the peers that *cfg names, by their slots; those of
 * replication messages are for the peer with this address. Each direction between two nodes has a
 * key of its own: a message is valid in that direction only.
 */
int conf_pulse_keys(const struct conf *c, const struct hokm_cfg *cfg, struct hokm_keys *out);
int conf_repl_keys(const struct conf *c, struct in_addr peer, struct repl_keys *out);

/* What must agree between the nodes (decide/agree.h). Returns 0 or -errno. */
struct agree;
int conf_agree(const struct conf *c, struct agree *out);

/*
 * Derives the passwords of version 2 adverts that the file does not give. It takes some 50 ms for
 * each secret, on purpose: never on the thread of the event loop. 0 or -errno.
 */
int conf_complete_password(struct conf *c);

/*
 * conf_members.c: the members that must grant, the owner itself among them. 0: no majority decides,
 * but VRRP's timers, because there is no witness and arbiter is auto, a node answers no pulses, or
 * arbiter is etcd, none, or a gateway that does not stand in.
 */
unsigned int conf_majority(const struct conf *c);
/* A node is known to answer no pulses: peer = vrrp. */
bool conf_has_foreign_node(const struct conf *c);
/* The nodes alone would be enough for a majority, and the file does not ask for it. */
bool conf_majority_possible(const struct conf *c);
/*
 * The gateway stands in for the third member of two nodes. Not with on_isolation = keep, where an
 * owner that nobody grants is to stay.
 */
bool conf_stand_in(const struct conf *c);
/* The node that has this address, or NULL. */
const struct conf_node *conf_node_at(const struct conf *c, struct in_addr addr);
/*
 * The key of the record in etcd. All that it is made of is in the digest (conf_agree()), and the
 * order of the VIPs, which may differ between nodes, does not count.
 */
void conf_etcd_key(const struct conf *c, char key[CONF_ETCD_KEY_MAX]);

/* Of fewer members each one would have to grant. */
#define CONF_MAJORITY_LEAST 3

/* How many members only one of the two files has. A witness that becomes a node is another one. */
unsigned int conf_members_differ(const struct conf *a, const struct conf *b);
/*
 * May one node go by the first file while another goes by the second? Each majority of the one has
 * a member in common with each of the other, or one of the files has no majority. The gateway makes
 * no promise and is no member here: a witness may take its place in one reload, and meanwhile a cut
 * between the nodes is what it is to the gateway.
 */
bool conf_majorities_meet(const struct conf *a, const struct conf *b);

/*
 * The longest grant that a member gives: a daemon asks for one of CONF_RESTART_GRANT_NS before it
 * is replaced by an upgrade. 0 where no majority decides.
 */
#define CONF_RESTART_GRANT_NS (5 * NS_PER_S)
uint64_t conf_longest_grant_ns(const struct conf *c);

/* What the group survives, and what not, in one line for the operator. Returns dst. */
#define CONF_ARRANGEMENT_MAX 320
#define CONF_GATEWAY_SURVIVES                                                              \
	"a node that hears no other node may own only while the gateway answers ARP; any " \
	"node may fail or be cut off; the one cut that it does not survive: nodes that "   \
	"reach the gateway and not each other all become owner"
#define CONF_STAND_IN_SURVIVES CONF_GATEWAY_SURVIVES ", also when it lasts only as long as a grant"
#define CONF_ETCD_SURVIVES                                                                  \
	"nodes that do not hear each other ask the etcd cluster, and only the one that "    \
	"holds its record owns; any node may fail or be cut off, or the whole cluster; "    \
	"what it does not survive: cut from each other while the cluster does not answer, " \
	"nobody owns"
const char *conf_arrangement(const struct conf *c, char dst[CONF_ARRANGEMENT_MAX]);

/*
 * The witness that this machine is: the one with this name, or, with name NULL, the one whose
 * address is on one of its interfaces. Writes the index and the interface with its address. 0;
 * -ENOENT, when the file has no such witness; -EADDRNOTAVAIL, when this machine has no such
 * address; else -errno.
 */
int conf_find_witness(const struct conf *c, const char *name, unsigned int *index,
		      char interface[IF_NAMESIZE]);

/* The name of a service in messages between nodes: 32 bits of SipHash over VIP, port and protocol,
 * never 0. */
uint32_t hokm_service_tag(struct in_addr vip, uint16_t port_host);

/*
 * What the DNS record has while this node is owner: its address, or of a floating address the id of
 * its machine. "": none.
 */
const char *conf_dns_value(const struct conf *c, unsigned int node, enum conf_dns_type t);
/* Is it that of a node? */
bool conf_dns_knows(const struct conf *c, enum conf_dns_type t, const char *value);

/* The files of the notifier are then those of a monitor: beside its own state. */
void conf_dns_as_monitor(struct conf *c);

/* The name of a hook's key in section hooks. */
const char *conf_hook_name(enum conf_hook h);

/* ::ffff:a.b.c.d */
struct hokm_addr hokm_addr_from_ipv4(struct in_addr a);
struct in_addr hokm_addr_to_ipv4(const struct hokm_addr *a);

#endif
