/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-arpwatch: finds the owner of an address many times a second.
 *
 * Each round broadcasts one ARP request for the address and records every MAC that answers it. A
 * round that two MACs answer has two owners. The request is a probe as in RFC 5227 (sender address
 * 0.0.0.0), which changes no neighbour table. Its sender hardware address carries the number of the
 * round, and the answer repeats it, so that even a late answer is counted for its round.
 *
 *    sender hardware address   02 ff | number of the round, 32 bits
 *
 * Commands on stdin, as for hokm-players: mark NAME, status, quit. A mark prints the window as
 * JSON:
 *
 *   two_owner_rounds  rounds that more than one MAC answered (must be 0)
 *   silent_ms         longest time between two answers
 *   moved_ms          from the mark to the first answer of another owner than the one at the mark
 *   gap_ms            from the last answer of the old owner to the first answer of the new one
 */
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "../lab/program.h"

#define ROUNDS     1024 /* rounds whose answers are still accepted */
#define NAME_SIZE  64
#define DEFAULT_MS 5

struct round {
	uint32_t number;
	uint8_t mac[ETH_ALEN]; /* of the first answer */
	uint8_t answers;       /* different MACs, counted to 2 */
};

struct window {
	char name[NAME_SIZE];
	uint64_t start_ns, last_ns; /* last_ns: of any answer */
	uint64_t silent_ns, moved_ns, gap_ns;
	uint64_t rounds, answers, two_owner_rounds;
	uint32_t changes;
	uint8_t owner_before[ETH_ALEN];
};

struct watch {
	int fd, ifindex;
	struct in_addr addr;
	unsigned int interval_ms;
	uint32_t number;
	struct round rounds[ROUNDS];
	uint8_t owner[ETH_ALEN]; /* the MAC that answered last, zero: none yet */
	uint64_t owner_ns;       /* time of its last answer */
	struct window window;
	struct prog_lines lines;
	bool stop, input;
};

static bool known(const uint8_t mac[ETH_ALEN])
{
	static const uint8_t none[ETH_ALEN];

	return memcmp(mac, none, ETH_ALEN) != 0;
}

static void mac_text(const uint8_t mac[ETH_ALEN], char out[18])
{
	out[0] = '\0';
	if (known(mac))
		snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
			 mac[4], mac[5]);
}

static void window_begin(void *arg, const char *name)
{
	struct watch *w = arg;

	memset(&w->window, 0, sizeof(w->window));
	snprintf(w->window.name, sizeof(w->window.name), "%s", name);
	w->window.start_ns = prog_now_ns();
	w->window.last_ns = w->window.start_ns;
	memcpy(w->window.owner_before, w->owner, ETH_ALEN);
}

static void window_print(void *arg, const char *kind)
{
	const struct watch *w = arg;
	const struct window *win = &w->window;
	uint64_t silent = prog_now_ns() - win->last_ns;
	char before[18], after[18];

	if (silent < win->silent_ns)
		silent = win->silent_ns;
	mac_text(win->owner_before, before);
	mac_text(w->owner, after);
	printf("{\"%s\":\"%s\",\"length_ms\":%.1f,\"rounds\":%llu,\"answers\":%llu,"
	       "\"two_owner_rounds\":%llu,\"silent_ms\":%.1f,\"moved_ms\":%.1f,\"gap_ms\":%.1f,"
	       "\"changes\":%u,\"owner_before\":\"%s\",\"owner\":\"%s\"}",
	       kind, win->name, prog_ms(prog_now_ns() - win->start_ns),
	       (unsigned long long)win->rounds, (unsigned long long)win->answers,
	       (unsigned long long)win->two_owner_rounds, prog_ms(silent), prog_ms(win->moved_ns),
	       prog_ms(win->gap_ns), win->changes, before, after);
	prog_answer_end();
}

static int ask(struct watch *w)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ARP),
				 .sll_ifindex = w->ifindex,
				 .sll_halen = ETH_ALEN};
	struct ether_arp arp = {.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
					   .ar_pro = htons(ETHERTYPE_IP),
					   .ar_hln = ETH_ALEN,
					   .ar_pln = 4,
					   .ar_op = htons(ARPOP_REQUEST)}};
	uint32_t number = htonl(++w->number);

	arp.arp_sha[0] = 0x02;
	arp.arp_sha[1] = 0xff;
	memcpy(arp.arp_sha + 2, &number, sizeof(number));
	memcpy(arp.arp_tpa, &w->addr, sizeof(w->addr));
	memset(to.sll_addr, 0xff, ETH_ALEN);
	w->rounds[w->number % ROUNDS] = (struct round){.number = w->number};
	w->window.rounds++;
	if (sendto(w->fd, &arp, sizeof(arp), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return errno == ENOBUFS || errno == ENETDOWN ? 0 : -errno;
	return 0;
}

static void note_owner(struct watch *w, const uint8_t mac[ETH_ALEN], uint64_t now)
{
	struct window *win = &w->window;

	if (now - win->last_ns > win->silent_ns)
		win->silent_ns = now - win->last_ns;
	win->last_ns = now;
	if (memcmp(w->owner, mac, ETH_ALEN) != 0) {
		if (known(w->owner)) {
			win->changes++;
			if (now - w->owner_ns > win->gap_ns)
				win->gap_ns = now - w->owner_ns;
			if (!win->moved_ns)
				win->moved_ns = now - win->start_ns;
		}
		memcpy(w->owner, mac, ETH_ALEN);
	}
	w->owner_ns = now;
}

static void on_answer(struct watch *w, const struct ether_arp *arp)
{
	struct round *r;
	uint32_t number;

	if (arp->ea_hdr.ar_op != htons(ARPOP_REPLY) || arp->arp_tha[0] != 0x02 ||
	    arp->arp_tha[1] != 0xff || memcmp(arp->arp_spa, &w->addr, sizeof(w->addr)) != 0)
		return;
	memcpy(&number, arp->arp_tha + 2, sizeof(number));
	r = &w->rounds[ntohl(number) % ROUNDS];
	if (r->number != ntohl(number))
		return;
	w->window.answers++;
	if (r->answers == 0) {
		memcpy(r->mac, arp->arp_sha, ETH_ALEN);
		r->answers = 1;
	} else if (r->answers == 1 && memcmp(r->mac, arp->arp_sha, ETH_ALEN) != 0) {
		r->answers = 2;
		w->window.two_owner_rounds++;
	}
	note_owner(w, arp->arp_sha, prog_now_ns());
}

static void read_answers(struct watch *w)
{
	struct ether_arp arp;
	ssize_t n;

	while ((n = recv(w->fd, &arp, sizeof(arp), MSG_DONTWAIT)) >= 0) {
		if ((size_t)n >= sizeof(arp))
			on_answer(w, &arp);
	}
}

static void command(void *arg, char *line)
{
	static const struct prog_observer observer = {window_print, window_begin};
	struct watch *w = arg;

	w->stop |= prog_observe(&observer, w, line);
}

static int run(struct watch *w, int timer)
{
	struct pollfd fds[3] = {{.fd = timer, .events = POLLIN},
				{.fd = w->fd, .events = POLLIN},
				{.fd = STDIN_FILENO, .events = POLLIN}};
	uint64_t ticks;
	int err;

	while (!w->stop) {
		fds[2].fd = w->input ? STDIN_FILENO : -1;
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			read_answers(w);
		if (fds[0].revents && read(timer, &ticks, sizeof(ticks)) > 0) {
			err = ask(w);
			if (err)
				return err;
		}
		if (fds[2].revents)
			w->input = prog_lines_read(&w->lines, command, w);
	}
	window_print(w, "window");
	return 0;
}

/* Promiscuous, because answers go to the hardware address in the request, which is not ours. */
static int open_socket(struct watch *w, const char *ifname)
{
	struct packet_mreq promisc = {.mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ARP)};

	w->ifindex = (int)if_nametoindex(ifname);
	if (!w->ifindex)
		return -errno;
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return -errno;
	at.sll_ifindex = w->ifindex;
	promisc.mr_ifindex = w->ifindex;
	if (bind(w->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    setsockopt(w->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0)
		return -errno;
	return 0;
}

static int open_timer(unsigned int interval_ms)
{
	struct itimerspec every = {0};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	every.it_interval.tv_sec = interval_ms / 1000;
	every.it_interval.tv_nsec = (long)(interval_ms % 1000 * PROG_NS_PER_MS);
	every.it_value = every.it_interval;
	return timerfd_settime(fd, 0, &every, NULL) < 0 ? -errno : fd;
}

static int usage(void)
{
	fputs("usage: hokm-arpwatch --addr A.B.C.D [--dev eth0] [--interval MS]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"addr", required_argument, NULL, 'a'},
		{"dev", required_argument, NULL, 'd'},
		{"interval", required_argument, NULL, 'i'},
		{NULL, 0, NULL, 0}};
	struct watch w = {.fd = -1, .input = true, .interval_ms = DEFAULT_MS};
	const char *dev = "eth0";
	bool good = true;
	int option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'a')
			good = inet_pton(AF_INET, optarg, &w.addr) == 1;
		else if (option == 'd')
			dev = optarg;
		else
			good = option == 'i' && prog_uint(optarg, 1, 60000, &w.interval_ms);
		if (!good)
			return usage();
	}
	if (!w.addr.s_addr)
		return usage();
	err = open_socket(&w, dev);
	if (err) {
		fprintf(stderr, "hokm-arpwatch: cannot listen on %s: %s\n", dev, strerror(-err));
		return 1;
	}
	err = open_timer(w.interval_ms);
	if (err >= 0) {
		window_begin(&w, "start");
		err = run(&w, err);
	}
	if (err < 0)
		fprintf(stderr, "hokm-arpwatch: stopped: %s\n", strerror(-err));
	close(w.fd);
	return err < 0;
}
