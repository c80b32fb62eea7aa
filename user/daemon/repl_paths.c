/* SPDX-License-Identifier: GPL-2.0-only */
/* See repl_paths.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "daemon/node.h"
#include "daemon/repl_paths.h"

#define AGAIN_NS (10 * NS_PER_S)

/* ---- sockets ---- */

static void shut(struct repl_socket *s)
{
	s->io = sd_event_source_disable_unref(s->io);
	repl_sock_close(s->sock);
	s->sock = NULL;
}

static int open_at(const struct repl_paths *p, struct repl_socket *s, int ifindex,
		   struct in_addr addr)
{
	int err = repl_sock_open(ifindex, addr, p->node->conf->repl_port, &s->sock);

	if (!err)
		err = sd_event_add_io(p->node->event, &s->io, repl_sock_fd(s->sock), EPOLLIN,
				      p->on_readable, p->arg);
	if (err >= 0)
		err = sd_event_source_set_priority(s->io, NODE_PRIO_REPL);
	if (err < 0)
		shut(s);
	return err < 0 ? err : 0;
}

int repl_paths_open(struct repl_paths *p, struct node *n, const struct pulse_paths *pulses,
		    sd_event_io_handler_t on_readable, void *arg)
{
	const struct conf *c = n->conf;

	memset(p, 0, sizeof(*p));
	p->node = n;
	p->pulses = pulses;
	p->on_readable = on_readable;
	p->arg = arg;
	return open_at(p, &p->list[HOKM_PATH_SEGMENT], hokm_bpf_ifindex(n->bpf),
		       c->nodes[c->self].addr);
}

void repl_paths_close(struct repl_paths *p)
{
	for (unsigned int path = 0; path < PULSE_PATHS; path++)
		shut(&p->list[path]);
}

int repl_paths_set_interface(struct repl_paths *p, int ifindex)
{
	return repl_sock_set_interface(p->list[HOKM_PATH_SEGMENT].sock, ifindex);
}

static bool same_place(const struct path_place *a, const struct path_place *b)
{
	return a->addr.s_addr == b->addr.s_addr && a->ifindex == b->ifindex;
}

static void follow_one(const struct repl_paths *p, struct repl_socket *s,
		       const struct pulse_path *pulses, uint64_t now_ns)
{
	if (!pulses->pulse) {
		shut(s);
		memset(&s->place, 0, sizeof(s->place));
		return;
	}
	if (same_place(&s->place, &pulses->place) && (s->sock || now_ns < s->again_ns))
		return;
	shut(s);
	s->place = pulses->place;
	s->again_ns = now_ns + AGAIN_NS;
	/* A failure is logged there, and what it needs is there for the pulses. */
	(void)open_at(p, s, s->place.ifindex, s->place.addr);
}

void repl_paths_follow(struct repl_paths *p, uint64_t now_ns)
{
	for (unsigned int path = 1; path < PULSE_PATHS; path++)
		follow_one(p, &p->list[path], &p->pulses->list[path], now_ns);
}

/* ---- peers ---- */

/* The node of the configuration that has this slot, or NULL. */
static const struct conf_node *node_in(const struct repl_paths *p, unsigned int slot)
{
	const struct conf *c = p->node->conf;

	for (unsigned int i = 0; i < c->n_nodes; i++)
		if (p->node->peers.by_node[i] == slot)
			return &c->nodes[i];
	return NULL;
}

static struct in_addr addr_on(const struct conf_node *n, unsigned int path)
{
	return path == HOKM_PATH_SEGMENT ? n->addr : n->paths[path - 1];
}

static uint8_t slot_of(const struct repl_paths *p, unsigned int path, struct in_addr from)
{
	const struct conf *c = p->node->conf;

	if (path == HOKM_PATH_SEGMENT)
		return peers_by_addr(&p->node->peers, from);
	for (unsigned int i = 0; i < c->n_nodes && from.s_addr; i++)
		if (path <= c->nodes[i].n_paths &&
		    addr_on(&c->nodes[i], path).s_addr == from.s_addr)
			return p->node->peers.by_node[i];
	return HOKM_NO_PEER;
}

/* ---- which path ---- */

static uint32_t answering(const struct repl_paths *p, unsigned int slot, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;
	uint32_t answers = peers_on_segment(peers, slot, now_ns) ? 1U << HOKM_PATH_SEGMENT : 0;

	for (unsigned int path = 1; path < PULSE_PATHS; path++) {
		uint64_t seen_ns = peers->list[slot].path[path - 1].seen_ns;

		if (p->list[path].sock && seen_ns && seen_ns + peers->dead_ns > now_ns)
			answers |= 1U << path;
	}
	return answers;
}

void repl_paths_choose(struct repl_paths *p, unsigned int slot, bool connected, uint64_t now_ns)
{
	const struct peers *peers = &p->node->peers;
	const struct repl_path_input in = {
		.answers = answering(p, slot, now_ns),
		.fresh = peers_sight(peers, slot, now_ns).fresh,
		.connected = connected,
	};
	struct repl_path *to = &p->to[slot];
	char name[24] = "the segment";

	if (!repl_path_step(to, &in, now_ns))
		return;
	if (to->at != HOKM_PATH_SEGMENT)
		snprintf(name, sizeof(name), "path %u", to->at);
	log_info("peer %s: replication goes over %s", peers->list[slot].name, name);
}

void repl_paths_forget(struct repl_paths *p, unsigned int slot)
{
	memset(&p->to[slot], 0, sizeof(p->to[slot]));
}

/* ---- messages ---- */

int repl_paths_send(const struct repl_paths *p, unsigned int slot, const void *buf, size_t len)
{
	const struct conf_node *n = node_in(p, slot);
	unsigned int at = p->to[slot].at;

	if (!n || !p->list[at].sock || (at != HOKM_PATH_SEGMENT && at > n->n_paths))
		return -ENETUNREACH;
	return repl_sock_send(p->list[at].sock, addr_on(n, at), buf, len);
}

ssize_t repl_paths_recv(const struct repl_paths *p, int fd, void *buf, size_t size, uint8_t *slot)
{
	unsigned int path = 0;
	struct in_addr from;
	ssize_t n;

	while (path < PULSE_PATHS &&
	       !(p->list[path].sock && repl_sock_fd(p->list[path].sock) == fd))
		path++;
	if (path == PULSE_PATHS)
		return -EBADF;
	n = repl_sock_recv(p->list[path].sock, buf, size, &from);
	*slot = n < 0 ? HOKM_NO_PEER : slot_of(p, path, from);
	return n;
}
