/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-flood: blind TCP segments and ICMP errors to a service, as a sender makes them that does
 * not see the connections they claim to belong to.
 *
 *   hokm-flood [OPTION...] INTERFACE MAC ADDR:PORT
 *     --rate R       packets a second, if the machine can send them         (100000)
 *     --count N      packets                                                (500000)
 *     --seconds S    the longest time, however few were sent                (60)
 *     --client A     address of real players                                (none)
 *     --ports P,…    their ports: every second packet bears one of them     (none)
 *     --syn          SYNs only
 *
 * The kinds follow each other: ACK with data, FIN, RST, SYN, "fragmentation needed". Numbers are
 * random; other packets come from random addresses in 10.0.0.0/8. At the end it prints
 * {"sent":N,"seconds":S,"rate":R}.
 */
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "program.h"

#define NS_PER_S  1000000000ULL
#define BATCH     64 /* a veth loses longer bursts */
#define PORTS_MAX 1024
#define DATA      6
#define FLOOD_NET 0x0a000000u

enum kind { BLIND_ACK, BLIND_FIN, BLIND_RST, BLIND_SYN, BLIND_ICMP, KINDS };
static const uint8_t TCP_FLAGS[] = {TH_ACK | TH_PUSH, TH_FIN | TH_ACK, TH_RST, TH_SYN};

struct packet {
	uint8_t unsent[2]; /* so that the IP header is aligned */
	struct ether_header eth;
	struct iphdr ip;
	union {
		struct {
			struct tcphdr head;
			uint8_t data[DATA];
		} tcp;
		struct {
			struct icmphdr head;
			struct iphdr ip;
			struct tcphdr tcp;
		} icmp;
	} u;
};

struct flood {
	int fd;
	struct sockaddr_ll link;
	struct ether_header eth;
	struct sockaddr_in to;
	unsigned long rate, count, seconds;
	bool only_syn;
	struct in_addr client;
	unsigned int n_ports;
	uint16_t ports[PORTS_MAX];
	uint64_t random;
	struct packet packets[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

/* xorshift64 */
static uint32_t random32(struct flood *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return (uint32_t)(f->random >> 32);
}

static uint32_t sum_words(const void *data, size_t bytes, uint32_t sum)
{
	const uint8_t *b = data;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)b[i] << 8 | b[i + 1];
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void put_ip(struct iphdr *ip, uint8_t protocol, uint32_t from, uint32_t to, size_t payload)
{
	*ip = (struct iphdr){.version = 4,
			     .ihl = 5,
			     .ttl = 60,
			     .protocol = protocol,
			     .tot_len = htons((uint16_t)(sizeof(*ip) + payload)),
			     .saddr = from,
			     .daddr = to};
	ip->check = sum_end(sum_words(ip, sizeof(*ip), 0));
}

static void put_tcp(struct flood *f, struct packet *p, enum kind kind, uint32_t from, uint16_t port)
{
	size_t len = sizeof(p->u.tcp.head) + (kind == BLIND_ACK ? DATA : 0);
	struct tcphdr *t = &p->u.tcp.head;
	uint32_t sum;

	memset(&p->u.tcp, 0, sizeof(p->u.tcp));
	t->source = port;
	t->dest = f->to.sin_port;
	t->seq = random32(f);
	t->ack_seq = random32(f);
	t->doff = sizeof(*t) / 4;
	t->th_flags = TCP_FLAGS[kind];
	t->window = htons(1000);
	put_ip(&p->ip, IPPROTO_TCP, from, f->to.sin_addr.s_addr, len);
	sum = sum_words(&p->ip.saddr, 8, (uint32_t)(IPPROTO_TCP + len));
	t->check = sum_end(sum_words(&p->u.tcp, len, sum));
}

/* About a packet from the service to the client. */
static void put_icmp(struct flood *f, struct packet *p, uint32_t from, uint16_t port)
{
	const size_t len = sizeof(p->u.icmp);

	memset(&p->u.icmp, 0, len);
	p->u.icmp.head.type = ICMP_DEST_UNREACH;
	p->u.icmp.head.code = ICMP_FRAG_NEEDED;
	p->u.icmp.head.un.frag.mtu = htons(1300);
	put_ip(&p->u.icmp.ip, IPPROTO_TCP, f->to.sin_addr.s_addr, from,
	       sizeof(struct tcphdr) + 1400);
	p->u.icmp.tcp.source = f->to.sin_port;
	p->u.icmp.tcp.dest = port;
	p->u.icmp.tcp.seq = random32(f);
	p->u.icmp.tcp.doff = sizeof(struct tcphdr) / 4;
	p->u.icmp.head.checksum = sum_end(sum_words(&p->u.icmp, len, 0));
	put_ip(&p->ip, IPPROTO_ICMP, htonl(FLOOD_NET + 1), f->to.sin_addr.s_addr, len);
}

static size_t put_packet(struct flood *f, struct packet *p, unsigned long i)
{
	enum kind kind = f->only_syn ? BLIND_SYN : (enum kind)(i % KINDS);
	uint32_t from = htonl(FLOOD_NET | (random32(f) & 0xffffff));
	uint16_t port = (uint16_t)(random32(f) | 0x0004); /* never 0 */

	if (f->n_ports && random32(f) & 1) {
		from = f->client.s_addr;
		port = f->ports[random32(f) % f->n_ports];
	}
	p->eth = f->eth;
	if (kind == BLIND_ICMP)
		put_icmp(f, p, from, port);
	else
		put_tcp(f, p, kind, from, port);
	return sizeof(p->eth) + ntohs(p->ip.tot_len);
}

/* Sends the packets from number `sent`. Returns how many went out, or -errno. */
static int send_batch(struct flood *f, unsigned long sent)
{
	int n;

	for (unsigned int i = 0; i < BATCH; i++) {
		f->parts[i].iov_base = &f->packets[i].eth;
		f->parts[i].iov_len = put_packet(f, &f->packets[i], sent + i);
		f->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &f->link,
			.msg_namelen = sizeof(f->link),
			.msg_iov = &f->parts[i],
			.msg_iovlen = 1};
	}
	n = sendmmsg(f->fd, f->messages, BATCH, 0);
	if (n < 0)
		return errno == ENOBUFS || errno == EINTR ? 0 : prog_fail("sendmmsg");
	return n;
}

static int flood(struct flood *f)
{
	uint64_t began = prog_now_ns(), now = began, end = began + f->seconds * NS_PER_S;
	unsigned long sent = 0;

	while (sent < f->count && now < end) {
		uint64_t due = began + sent * NS_PER_S / f->rate;
		int n;

		if (due > now) {
			struct timespec t = {.tv_nsec = (long)(due - now)};

			nanosleep(&t, NULL);
		}
		n = send_batch(f, sent);
		if (n < 0)
			return n;
		sent += (unsigned long)n;
		now = prog_now_ns();
	}
	printf("{\"sent\":%lu,\"seconds\":%.3f,\"rate\":%.0f}\n", sent, prog_ms(now - began) / 1000,
	       (double)sent * 1000 / prog_ms(now - began));
	return 0;
}

static bool read_ports(struct flood *f, char *list)
{
	char *at;

	while ((at = strsep(&list, ","))) {
		unsigned long port;

		if (f->n_ports == PORTS_MAX || !prog_number(at, 1, UINT16_MAX, &port))
			return false;
		f->ports[f->n_ports++] = htons((uint16_t)port);
	}
	return f->n_ports > 0;
}

static bool read_option(struct flood *f, int option)
{
	switch (option) {
	case 'r':
		return prog_number(optarg, 1, 10000000, &f->rate);
	case 'n':
		return prog_number(optarg, 1, 1000000000, &f->count);
	case 's':
		return prog_number(optarg, 1, 3600, &f->seconds);
	case 'c':
		return inet_pton(AF_INET, optarg, &f->client) == 1;
	case 'p':
		return read_ports(f, optarg);
	case 'y':
		f->only_syn = true;
		return true;
	default:
		return false;
	}
}

static bool read_options(struct flood *f, int argc, char **argv)
{
	static const struct option options[] = {
		{"rate", required_argument, NULL, 'r'},
		{"count", required_argument, NULL, 'n'},
		{"seconds", required_argument, NULL, 's'},
		{"client", required_argument, NULL, 'c'},
		{"ports", required_argument, NULL, 'p'},
		{"syn", no_argument, NULL, 'y'},
		{NULL, 0, NULL, 0}};
	const struct ether_addr *mac;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!read_option(f, option))
			return false;
	if (optind + 3 != argc || (f->n_ports && !f->client.s_addr))
		return false;
	f->link.sll_ifindex = (int)if_nametoindex(argv[optind]);
	mac = ether_aton(argv[optind + 1]);
	if (!f->link.sll_ifindex || !mac || !prog_addr(argv[optind + 2], &f->to))
		return false;
	memcpy(f->eth.ether_dhost, mac, ETH_ALEN);
	return true;
}

int main(int argc, char **argv)
{
	static struct flood f = {
		.rate = 100000,
		.count = 500000,
		.seconds = 60,
		.random = 88172645463325252ULL,
		.link = {.sll_family = AF_PACKET, .sll_halen = ETH_ALEN},
		.eth = {.ether_shost = {2, 0, 0, 0, 0, 99}}};
	int err;

	f.eth.ether_type = htons(ETHERTYPE_IP);
	if (!read_options(&f, argc, argv)) {
		fputs("usage: hokm-flood [--rate R] [--count N] [--seconds S] [--syn]\n"
		      "                  [--client A --ports P[,P...]] INTERFACE MAC ADDR:PORT\n",
		      stderr);
		return 1;
	}
	f.fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	err = f.fd < 0 ? prog_fail("socket") : flood(&f);
	if (f.fd >= 0)
		close(f.fd);
	return err ? 1 : 0;
}
