/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building and sending RSTs and tickles; act/tickle.h has their form. Both carry the true sequence
 * numbers when these are known: a stateful firewall on the way to the client forwards what fits its
 * window, and drops a tickle with zeros.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "act/tickle.h"
#include "base/log.h"

#define TTL           64
#define SEND_BUFFER   (4 << 20)
#define PACKETS_A_TRY 2 /* for one connection: RST and tickle */

/*
 * The source address for the routing of a packet. Without it the kernel would route by the
 * destination alone, and a rule for what comes from the VIP (`ip rule add from`) would not hold.
 */
union source {
	struct cmsghdr align;
	unsigned char buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct tickle {
	int fd;
	unsigned char packets[TICKLE_MAX * PACKETS_A_TRY][TICKLE_LEN];
	struct sockaddr_in to[TICKLE_MAX * PACKETS_A_TRY];
	struct iovec iov[TICKLE_MAX * PACKETS_A_TRY];
	struct mmsghdr msgs[TICKLE_MAX * PACKETS_A_TRY];
	union source sources[TICKLE_MAX * PACKETS_A_TRY];
	unsigned char conn_of[TICKLE_MAX * PACKETS_A_TRY]; /* index of the connection */
};
_Static_assert(TICKLE_MAX <= 256, "an index fits conn_of");

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const unsigned char *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void tickle_build(const struct tickle_conn *c, bool rst, uint8_t packet[TICKLE_LEN])
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(TICKLE_LEN),
		.frag_off = htons(IP_DF),
		.ttl = TTL,
		.protocol = IPPROTO_TCP,
		.saddr = c->vip.s_addr,
		.daddr = c->client.s_addr,
	};
	struct tcphdr tcp = {
		.source = c->port,
		.dest = c->client_port,
		.seq = c->known ? htonl(rst ? c->seq : c->seq - 1) : 0,
		.ack_seq = c->known ? htonl(c->ack) : 0,
		.doff = sizeof(tcp) / 4,
		.rst = rst,
		.ack = 1,
		.window = 0, /* hokm_egress relies on it */
	};
	uint32_t sum = IPPROTO_TCP + sizeof(tcp);

	sum = sum16(&ip.saddr, 8, sum);
	tcp.check = htons(fold(sum16(&tcp, sizeof(tcp), sum)));
	ip.check = htons(fold(sum16(&ip, sizeof(ip), 0)));
	memcpy(packet, &ip, sizeof(ip));
	memcpy(packet + sizeof(ip), &tcp, sizeof(tcp));
}
_Static_assert(sizeof(struct iphdr) + sizeof(struct tcphdr) == TICKLE_LEN, "no options");

int tickle_open(struct tickle **out)
{
	struct tickle *t = calloc(1, sizeof(*t));
	const int bytes = SEND_BUFFER;
	int err;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	/* With IPPROTO_RAW the packets bring their IP header, and nothing is ever received. */
	t->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (t->fd < 0) {
		err = -errno;
		log_error("could not open the raw socket for RSTs: %s%s", strerror(-err),
			  err == -EPERM ? "; CAP_NET_RAW is needed" : "");
		free(t);
		return err;
	}
	if (setsockopt(t->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes))) {
		err = -errno;
		log_error("could not set up the raw socket for RSTs: %s; CAP_NET_ADMIN is needed",
			  strerror(-err));
		tickle_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void tickle_close(struct tickle *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

static void set_source(union source *s, struct in_addr addr)
{
	const struct in_pktinfo info = {.ipi_spec_dst = addr};

	s->align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(info)),
		.cmsg_level = IPPROTO_IP,
		.cmsg_type = IP_PKTINFO,
	};
	memcpy(CMSG_DATA(&s->align), &info, sizeof(info));
}

static void add(struct tickle *t, unsigned int at, const struct tickle_conn *c, bool rst,
		unsigned int index)
{
	tickle_build(c, rst, t->packets[at]);
	t->to[at] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = c->client};
	t->iov[at] = (struct iovec){.iov_base = t->packets[at], .iov_len = TICKLE_LEN};
	set_source(&t->sources[at], c->vip);
	t->msgs[at].msg_hdr = (struct msghdr){
		.msg_name = &t->to[at],
		.msg_namelen = sizeof(t->to[at]),
		.msg_iov = &t->iov[at],
		.msg_iovlen = 1,
		.msg_control = &t->sources[at],
		.msg_controllen = sizeof(t->sources[at]),
	};
	t->conn_of[at] = (unsigned char)index;
}

static int send_to_clients(struct tickle *t, const struct tickle_conn *conns, unsigned int n,
			   bool tickle_known)
{
	unsigned int packets = 0, sent = 0;
	int err = 0;

	if (n > TICKLE_MAX)
		n = TICKLE_MAX;
	for (unsigned int i = 0; i < n; i++) {
		if (conns[i].known)
			add(t, packets++, &conns[i], true, i);
		if (tickle_known || !conns[i].known)
			add(t, packets++, &conns[i], false, i);
	}
	while (sent < packets) {
		int rc = sendmmsg(t->fd, &t->msgs[sent], packets - sent, 0);

		if (rc > 0) {
			sent += (unsigned int)rc;
			continue;
		}
		err = rc < 0 ? -errno : -EIO;
		if (err == -EAGAIN || err == -ENOBUFS || err == -EINTR)
			break;
		/* Once more without a source: the VIP may be no address of this machine. */
		if (t->msgs[sent].msg_hdr.msg_controllen)
			t->msgs[sent].msg_hdr.msg_controllen = 0;
		else /* there is no route to this client: go on with the others */
			sent++;
	}
	if (!sent)
		return n ? err : 0;
	return sent == packets ? (int)n : t->conn_of[sent];
}

int tickle_send(struct tickle *t, const struct tickle_conn *conns, unsigned int n)
{
	return send_to_clients(t, conns, n, true);
}

int tickle_reset(struct tickle *t, const struct tickle_conn *conns, unsigned int n)
{
	return send_to_clients(t, conns, n, false);
}
