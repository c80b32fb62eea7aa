/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending probes (include/hokm/abi.h has the bytes of a pulse). The socket only sends: a classic
 * BPF filter discards every packet that reaches it, so that packets of a peer never wake this
 * process, whether or not XDP is attached.
 */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rt_thread.h"
#include "hokm/grant_count.h"
#include "hokm/pulse_tag.h"
#include "sense/pulse.h"
#include "sense/sock.h"

struct pulse {
	int fd;
	uint16_t port;        /* host order, of both ends */
	pthread_mutex_t lock; /* of the signer */
	struct pulse_signer signer;
};

int pulse_open(int ifindex, struct in_addr addr, uint16_t port_host, struct pulse **out)
{
	const struct sock_option options[] = {
		{SOL_SOCKET, SO_BINDTOIFINDEX, ifindex, "SO_BINDTOIFINDEX"},
		{SOL_SOCKET, SO_PRIORITY, SOCK_PRIORITY, "SO_PRIORITY"},
		{IPPROTO_IP, IP_TTL, 255, "IP_TTL"},
		{IPPROTO_IP, IP_TOS, SOCK_TOS_CS6, "IP_TOS"},
	};
	struct sock_filter discard_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog filter = {.len = 1, .filter = discard_all};
	struct pulse *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	if (!p)
		return -ENOMEM;
	p->port = port_host;
	p->fd = sock_open_udp("pulse", addr, port_host, options,
			      sizeof(options) / sizeof(options[0]), &filter);
	err = p->fd < 0 ? p->fd : rt_lock_init(&p->lock);
	if (!err) {
		*out = p;
		return 0;
	}
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	return err;
}

int pulse_set_interface(struct pulse *p, int ifindex)
{
	return sock_set_interface(p->fd, "pulse", ifindex);
}

void pulse_close(struct pulse *p)
{
	if (!p)
		return;
	close(p->fd);
	explicit_bzero(&p->signer, sizeof(p->signer));
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pulse_set_signer(struct pulse *p, const struct pulse_signer *s)
{
	pthread_mutex_lock(&p->lock);
	p->signer = *s;
	pthread_mutex_unlock(&p->lock);
}

const struct pulse_signer *pulse_signer(const struct pulse *p)
{
	return &p->signer;
}

void pulse_set_mac(struct pulse *p, const unsigned char mac[6])
{
	pthread_mutex_lock(&p->lock);
	memcpy(p->signer.mac, mac, sizeof(p->signer.mac));
	pthread_mutex_unlock(&p->lock);
}

/* sendmmsg() stops at a message that fails, and reports the failure when that one is the first. */
static unsigned int send_all(int fd, struct mmsghdr *msgs, unsigned int n)
{
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n;) {
		int done = sendmmsg(fd, msgs + i, n - i, 0);

		if (done > 0)
			sent += (unsigned int)done;
		i += done > 0 ? (unsigned int)done : 1;
	}
	return sent;
}

unsigned int pulse_probe(struct pulse *p, const struct pulse_to *to, unsigned int n,
			 const struct pulse_state *state, uint64_t now_ns)
{
	struct sockaddr_in addrs[HOKM_MAX_PEERS];
	struct hokm_pulse probes[HOKM_MAX_PEERS];
	struct mmsghdr msgs[HOKM_MAX_PEERS];
	struct iovec iov[HOKM_MAX_PEERS];

	if (n > HOKM_MAX_PEERS)
		return 0;
	pthread_mutex_lock(&p->lock);
	for (unsigned int i = 0; i < n; i++) {
		pulse_build_probe(&probes[i], &p->signer, to[i].slot, to[i].peer, state, now_ns);
		iov[i] = (struct iovec){.iov_base = &probes[i], .iov_len = sizeof(probes[i])};
		addrs[i] = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = to[i].peer, .sin_port = htons(p->port)};
		msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &addrs[i],
						       .msg_namelen = sizeof(addrs[i]),
						       .msg_iov = &iov[i],
						       .msg_iovlen = 1}};
	}
	pthread_mutex_unlock(&p->lock);
	return send_all(p->fd, msgs, n);
}

static void fill_wish(struct hokm_pulse_grant *out, const struct pulse_wish *w)
{
	if (!w || w->wish == HOKM_WISH_NONE)
		return;
	out->wish = (uint8_t)w->wish;
	out->epoch = htobe64(w->epoch);
	out->length_us = htobe32((uint32_t)(w->length_ns / 1000));
}

static void fill_state(struct hokm_pulse *out, const struct pulse_state *state, uint64_t now_ns)
{
	const struct hokm_own *o = state->own;
	uint64_t until_ns = state->grants ? hokm_owner_until_ns(o->lease_until_ns, state->grants)
					  : o->lease_until_ns;

	out->state = o->state;
	out->priority = o->priority;
	out->epoch = htobe64(o->epoch);
	if (until_ns > now_ns)
		out->lease_left_ns = htobe64(until_ns - now_ns);
	if (until_ns > now_ns && state->grants)
		out->grant.wish_epoch = htobe64(hokm_grants_owned_since(state->grants, now_ns));
	fill_wish(&out->grant, state->wish);
	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		const struct hokm_service *svc = &state->services[i];

		out->svc[i].tag = htobe32(svc->tag);
		out->svc[i].state = svc->tag ? svc->state : 0;
	}
}

void pulse_build_probe(struct hokm_pulse *out, const struct pulse_signer *s, unsigned int slot,
		       struct in_addr peer, const struct pulse_state *state, uint64_t now_ns)
{
	memset(out, 0, sizeof(*out));
	out->magic = htobe32(HOKM_PULSE_MAGIC);
	out->version = HOKM_PULSE_VERSION;
	out->kind = HOKM_PULSE_PROBE;
	out->vrid = s->vrid;
	out->nonce = htobe64(s->nonce);
	out->sent_ns = htobe64(now_ns);
	memcpy(out->mac, s->mac, sizeof(out->mac));
	fill_state(out, state, now_ns);
	out->tag = htobe64(hokm_pulse_tag(out, s->addr.s_addr, peer.s_addr, s->keys.to[slot]));
}
