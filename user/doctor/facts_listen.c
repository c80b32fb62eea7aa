/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sockets of this machine that listen for the services, and how many connections wait for each
 * of them. The kernel lists the sockets of a network namespace in /proc/self/net/tcp and tcp6, and
 * those that listen first:
 *
 *   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *    0: 1901A8C0:223D 00000000:0000 0A 00000000:00000023 00:00000000 00000000     0  0 47110 ...
 *
 * Addresses are in hexadecimal as they lie in memory, ports as numbers, 0A is LISTEN. The rx_queue
 * of a socket that listens is the number of connections that accept() has not taken. tcp6 has the
 * address :: for a server that takes both families.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/facts.h"

#define ADDRESS_HEX 32
#define LISTENS     0x0a
/* Of a line: address, port, st, rx_queue, inode. */
#define LISTENER " %*u: %32[0-9A-F]:%4x %*[0-9A-F]:%*4x %2x %*8x:%8x %*2x:%*8x %*8x %*u %*u %lu"

struct line {
	char hex[ADDRESS_HEX + 1]; /* its address */
	unsigned int port, state, waiting;
	unsigned long inode;
};

/* Does the address of a line take connections to the VIP? */
static bool takes(const char *hex, struct in_addr vip)
{
	char want[9];

	if (!hex[strspn(hex, "0")])
		return true;
	snprintf(want, sizeof(want), "%08X", vip.s_addr);
	/* An IPv4 address of tcp6 lies in its last word. */
	return strlen(hex) >= 8 && !strcmp(hex + strlen(hex) - strlen(want), want);
}

static void note(struct fact_listeners *out, const struct conf *c, const struct line *l, bool six)
{
	for (unsigned int i = 0; i < c->n_services && out->n < FACT_LISTENERS; i++) {
		const struct conf_service *s = &c->services[i];

		if (s->port != l->port || !takes(l->hex, c->vips[s->vip]))
			continue;
		out->list[out->n++] = (struct fact_listener){
			.service = i,
			.inode = l->inode,
			.waiting = l->waiting,
			.six = six,
			.stuck = l->waiting > 0,
		};
	}
}

/* False: it cannot be read. */
static bool read_file(bool six, const struct conf *c, struct fact_listeners *out)
{
	FILE *f = fopen(six ? "/proc/self/net/tcp6" : "/proc/self/net/tcp", "re");
	char text[256];

	if (!f)
		return false;
	while (fgets(text, sizeof(text), f)) {
		struct line l;

		/* NOLINTNEXTLINE(cert-err34-c) */
		if (sscanf(text, LISTENER, l.hex, &l.port, &l.state, &l.waiting, &l.inode) != 5)
			continue;
		if (l.state != LISTENS)
			break;
		note(out, c, &l, six);
	}
	fclose(f);
	return true;
}

void facts_listeners(const struct conf *c, struct fact_listeners *out)
{
	memset(out, 0, sizeof(*out));
	out->known = read_file(false, c, out);
	(void)read_file(true, c, out); /* a kernel without IPv6 has none */
}

void facts_from_listeners(struct facts *f, const struct conf *c)
{
	struct fact_listeners now;

	facts_listeners(c, &now);
	for (unsigned int i = 0; now.known && i < c->n_services && !f->no_listener[0]; i++) {
		bool found = false;

		for (unsigned int l = 0; l < now.n; l++)
			found = found || now.list[l].service == i;
		if (!found)
			snprintf(f->no_listener, sizeof(f->no_listener), "%s", c->services[i].name);
	}
}

/* Connections that waited before still wait: none was accepted, or fewer than came. */
static bool still_stuck(const struct fact_listener *now, const struct fact_listeners *before)
{
	for (unsigned int i = 0; i < before->n; i++)
		if (before->list[i].inode == now->inode && before->list[i].service == now->service)
			return before->list[i].stuck && now->waiting >= before->list[i].waiting;
	return false;
}

void facts_follow_listeners(const struct fact_listeners *before, struct fact_listeners *now)
{
	for (unsigned int i = 0; i < now->n; i++)
		now->list[i].stuck = still_stuck(&now->list[i], before);
}

/*
 * The kernel shares connections out among sockets of one family. A socket of IPv6 for both gets
 * none while one of IPv4 is there.
 */
static void judge(struct facts *f, const char *service, const struct fact_listeners *now,
		  unsigned int s, bool six)
{
	unsigned int n = 0, stuck = 0, idle = 0, waiting = 0;

	for (unsigned int i = 0; i < now->n; i++) {
		const struct fact_listener *l = &now->list[i];

		if (l->service != s || l->six != six)
			continue;
		n++;
		idle += !l->waiting;
		if (l->stuck) {
			stuck++;
			waiting += l->waiting;
		}
	}
	/* A server whose only socket accepts nothing fails its checks: no finding of its own. */
	if (stuck && idle)
		snprintf(f->stuck_listener, sizeof(f->stuck_listener),
			 "%u of %u sockets that listen for service %s: %u connections wait", stuck,
			 n, service, waiting);
}

void facts_judge_listeners(struct facts *f, const struct conf *c, const struct fact_listeners *now)
{
	for (unsigned int s = 0; s < c->n_services && !f->stuck_listener[0]; s++) {
		judge(f, c->services[s].name, now, s, false);
		if (!f->stuck_listener[0])
			judge(f, c->services[s].name, now, s, true);
	}
}
