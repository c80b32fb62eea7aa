/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this machine is like, and whether hokm-xdp can work on it.
 *
 *   machine.c  the facts
 *   judge.c    the rules, one table: facts in, verdicts out, pure
 */
#ifndef HOKM_SETUP_MACHINE_H
#define HOKM_SETUP_MACHINE_H

#include "setup/plan.h"

#define SETUP_ADDRS_MAX 64
#define SETUP_DROPS_MAX 4
#define SETUP_PORTS_MAX 8
#define SETUP_TEXT_MAX  160

/* One of the interfaces that a bond is made of. */
struct setup_port {
	char name[IF_NAMESIZE], driver[32];
	int lro; /* 1, 0, or -1 for not known */
};

struct setup_facts {
	unsigned int kernel_major, kernel_minor; /* 0.0: not known */
	bool btf, bpffs;
	/* The interface of the node. */
	char interface[IF_NAMESIZE], driver[32];
	bool ethernet, up;
	unsigned int mtu;
	int lro;                          /* 1, 0, or -1 for not known */
	unsigned int queues, queues_most; /* combined; 0: not known */
	/* A bond. Of more ports than these the rest is not looked at. */
	char bond_mode[24]; /* "active-backup"; "" for no bond */
	unsigned int n_ports;
	struct setup_port ports[SETUP_PORTS_MAX];
	uint32_t xdp_id; /* of the program there, 0 for none */
	char xdp_name[32];
	bool vip_here;    /* the VIP is an address of this machine */
	bool daemon_here; /* hokm-xdp has its packet path on the interface */
	bool keepalived;  /* it runs */
	int clock_synced; /* 1, 0, or -1 for not known */
	/* Packet filters. */
	bool nft, ufw, firewalld;
	unsigned int n_drops;
	char drops[SETUP_DROPS_MAX][64]; /* chains at the input that drop by policy */
};

/* This machine's addresses, those of loopback left out. Returns their number, or -errno. */
int setup_addresses(struct setup_addr list[SETUP_ADDRS_MAX]);

/* Fills *f. `interface` is the node's, `vips` are those of the configuration. */
void setup_look(const char *interface, const struct conf *c, struct setup_facts *f);

/* Whether a process with this name runs. */
bool setup_runs(const char *comm);

enum setup_level { SETUP_WELL, SETUP_NOTE, SETUP_STOP };

struct setup_verdict {
	enum setup_level level;
	char text[SETUP_TEXT_MAX];
	const char *next; /* what to do, NULL for nothing */
};

#define SETUP_VERDICTS_MAX 16

/*
 * Judges a node; of a witness only what it needs. Returns how many verdicts there are. Those of
 * SETUP_WELL name what was looked at. Pure.
 */
unsigned int setup_judge(const struct setup_facts *f, bool witness,
			 struct setup_verdict list[SETUP_VERDICTS_MAX]);

#endif
