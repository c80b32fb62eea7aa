/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bad link: a cable between two interfaces that loses, repeats, reorders, delays and cuts the
 * frames that pass through it. A seeded generator decides, so that a run can be repeated.
 *
 *   left [client's end] <--- frames of --to-left ---> [switch's end] right
 *
 * What can happen to a frame, separately in each direction:
 *   cut      a TCP payload is cut into pieces of 1 to `split` bytes, each a valid segment
 *   drop     the frame is lost
 *   dup      the frame is sent a second time behind the first
 *   reorder  the frame is held back until one to three later frames passed, or for HOLD_NS
 *   delay    the frame is delayed by a time from a range; the order is kept
 *
 * Both interfaces must carry nothing but this traffic, and both ends must compute checksums and cut
 * segments themselves (ethtool -K ... tx off gso off tso off gro off). A segment over the MTU,
 * which something on the way has merged, is always cut.
 *
 * The program ends by SIGTERM, SIGINT or after --seconds, and prints its counts as JSON.
 */
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include "../../tools/lab/program.h"
#include "chance.h"
#include "segment.h"

#define MTU         1500
#define FRAME_MAX   (65536 + 64)
#define HELD_MAX    16
#define QUEUE_MAX   65536 /* waiting frames, each direction */
#define BATCH       64    /* frames read from one end before the other end is read */
#define BUFFER_SIZE (64 << 20)
#define HOLD_NS     5000000ULL
#define NS_PER_US   1000ULL
#define NS_PER_S    1000000000ULL

struct rates {
	double drop, dup, reorder; /* percent */
	unsigned int delay_min_us, delay_max_us;
	unsigned int split; /* longest piece; 0: cut only what is over the MTU */
};

struct counts {
	unsigned long long frames, sent, dropped, repeated, reordered, cut, overflow, failed;
};

struct frame {
	struct frame *next;
	uint64_t due_ns;
	unsigned int wait; /* while held: frames that must pass first */
	size_t len;
	uint8_t data[];
};

/* One direction of the link. head..tail: the queue of delayed frames, by due time. */
struct way {
	int in, out;
	struct rates rates;
	struct counts counts;
	struct chance chance;
	struct frame *held[HELD_MAX];
	unsigned int n_held;
	struct frame *head, **tail;
	unsigned int n_queued;
	uint64_t last_due_ns;
	bool only_tcp;
};

struct link {
	struct way way[2]; /* to the right, to the left */
	const char *name[2];
	uint64_t seed;
	unsigned int seconds;
	bool only_tcp;
	uint8_t buffer[FRAME_MAX];
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* ---- the stages of one frame ---- */

static struct frame *frame_new(const uint8_t *data, size_t len)
{
	struct frame *f = malloc(sizeof(*f) + len);

	if (!f)
		return NULL;
	*f = (struct frame){.len = len};
	memcpy(f->data, data, len);
	return f;
}

/* Last stage: the queue. Owns the frame from here. */
static void way_queue(struct way *w, struct frame *f, uint64_t now)
{
	const struct rates *r = &w->rates;
	uint64_t delay_us = r->delay_min_us;

	if (w->n_queued >= QUEUE_MAX) {
		w->counts.overflow++;
		free(f);
		return;
	}
	if (r->delay_max_us > r->delay_min_us)
		delay_us += chance_below(&w->chance, r->delay_max_us - r->delay_min_us + 1);
	f->due_ns = now + delay_us * NS_PER_US;
	if (f->due_ns < w->last_due_ns)
		f->due_ns = w->last_due_ns;
	w->last_due_ns = f->due_ns;
	f->next = NULL;
	*w->tail = f;
	w->tail = &f->next;
	w->n_queued++;
}

static void held_release(struct way *w, unsigned int i, uint64_t now)
{
	struct frame *f = w->held[i];

	w->held[i] = w->held[--w->n_held];
	way_queue(w, f, now);
}

/* The frame passes; frames that were held for it may follow. Owns the frame from here. */
static void way_pass(struct way *w, struct frame *f, uint64_t now)
{
	unsigned int i;

	way_queue(w, f, now);
	for (i = w->n_held; i-- > 0;) {
		if (--w->held[i]->wait == 0)
			held_release(w, i, now);
	}
}

/* Holds the frame back and owns it; false: not held, the caller keeps it. */
static bool way_hold(struct way *w, struct frame *f, uint64_t now)
{
	if (w->n_held == HELD_MAX || !chance_of(&w->chance, w->rates.reorder))
		return false;
	w->counts.reordered++;
	f->wait = 1 + chance_below(&w->chance, 3);
	f->due_ns = now + HOLD_NS;
	w->held[w->n_held++] = f;
	return true;
}

/* One segment, or a frame that is not TCP. */
static void way_piece(struct way *w, const uint8_t *data, size_t len, bool harm, uint64_t now)
{
	struct frame *f;

	if (harm && chance_of(&w->chance, w->rates.drop)) {
		w->counts.dropped++;
		return;
	}
	f = frame_new(data, len);
	if (!f) {
		w->counts.overflow++;
		return;
	}
	if (harm && way_hold(w, f, now))
		return;
	way_pass(w, f, now);
	if (!harm || !chance_of(&w->chance, w->rates.dup))
		return;
	w->counts.repeated++;
	f = frame_new(data, len);
	if (f)
		way_pass(w, f, now);
}

/* ---- cutting ---- */

static void way_cut(struct way *w, const uint8_t *data, const struct tcp_frame *t, bool harm,
		    uint64_t now)
{
	uint8_t out[ETH_HLEN + MTU];
	size_t head = ETH_HLEN + t->ip_len + t->tcp_len, at = 0, piece;
	size_t room = sizeof(out) - head;
	unsigned int index = 0;

	memcpy(out, data, head);
	w->counts.cut++;
	while (at < t->payload) {
		piece = w->rates.split && harm ? 1 + chance_below(&w->chance, w->rates.split)
					       : room;
		if (piece > room)
			piece = room;
		if (piece > t->payload - at)
			piece = t->payload - at;
		memcpy(out + head, data + head + at, piece);
		piece_headers(out, t, at, piece, index++);
		way_piece(w, out, head + piece, harm, now);
		at += piece;
	}
}

static void way_take(struct way *w, const uint8_t *data, size_t len, uint64_t now)
{
	struct tcp_frame t = {0};
	bool tcp = tcp_read(data, len, &t);
	bool harm = tcp || !w->only_tcp;

	w->counts.frames++;
	if (tcp && t.payload > 1 && !t.tcp.syn && !t.tcp.rst && !t.tcp.urg &&
	    (w->rates.split || len > ETH_HLEN + MTU))
		way_cut(w, data, &t, harm, now);
	else
		way_piece(w, data, len, harm, now);
}

/* ---- sockets ---- */

static int side_open(const char *name)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd, size = BUFFER_SIZE;

	addr.sll_ifindex = (int)if_nametoindex(name);
	if (!addr.sll_ifindex) {
		fprintf(stderr, "link: no interface is called %s: %s\n", name, strerror(errno));
		return -1;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		fprintf(stderr, "link: packet socket: %s; needs root\n", strerror(errno));
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0 ||
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		fprintf(stderr, "link: packet socket on %s: %s\n", name, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Counts the frames that the kernel dropped because this program was too slow. */
static void side_lost(struct way *w)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(w->in, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		w->counts.overflow += stats.tp_drops;
}

/* False: nothing more to read now. */
static bool way_read(struct link *l, struct way *w)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof(from);
	ssize_t n = recvfrom(w->in, l->buffer, sizeof(l->buffer), MSG_TRUNC,
			     (struct sockaddr *)&from, &size);

	if (n < 0)
		return errno == EINTR;
	if (from.sll_pkttype == PACKET_OUTGOING)
		return true;
	if ((size_t)n > sizeof(l->buffer))
		w->counts.overflow++;
	else
		way_take(w, l->buffer, (size_t)n, prog_now_ns());
	return true;
}

static void way_send(struct way *w, struct frame *f)
{
	struct pollfd p = {.fd = w->out, .events = POLLOUT};

	while (send(w->out, f->data, f->len, 0) < 0) {
		if ((errno != EAGAIN && errno != ENOBUFS && errno != EINTR) || stop_asked ||
		    poll(&p, 1, 100) < 0) {
			w->counts.failed++;
			return;
		}
	}
	w->counts.sent++;
}

static void way_flush(struct way *w)
{
	uint64_t now = prog_now_ns();
	struct frame *f;
	unsigned int i;

	for (i = w->n_held; i-- > 0;) {
		if (w->held[i]->due_ns <= now)
			held_release(w, i, now);
	}
	while ((f = w->head) && f->due_ns <= now) {
		w->head = f->next;
		if (!w->head)
			w->tail = &w->head;
		w->n_queued--;
		way_send(w, f);
		free(f);
	}
}

static uint64_t way_next(const struct way *w, uint64_t end)
{
	unsigned int i;

	if (w->head && w->head->due_ns < end)
		end = w->head->due_ns;
	for (i = 0; i < w->n_held; i++) {
		if (w->held[i]->due_ns < end)
			end = w->held[i]->due_ns;
	}
	return end;
}

static void way_free(struct way *w)
{
	struct frame *f;

	while ((f = w->head)) {
		w->head = f->next;
		free(f);
	}
	while (w->n_held)
		free(w->held[--w->n_held]);
}

static int link_run(struct link *l)
{
	uint64_t end = prog_now_ns() + l->seconds * NS_PER_S, now;
	struct pollfd fds[2] = {{.fd = l->way[0].in, .events = POLLIN},
				{.fd = l->way[1].in, .events = POLLIN}};
	unsigned int i, n;

	while (!stop_asked && (now = prog_now_ns()) < end) {
		uint64_t next = way_next(&l->way[1], way_next(&l->way[0], end));
		uint64_t wait = next > now ? next - now : 0;
		struct timespec t = {.tv_sec = (time_t)(wait / NS_PER_S),
				     .tv_nsec = (long)(wait % NS_PER_S)};

		if (ppoll(fds, 2, &t, NULL) < 0 && errno != EINTR) {
			fprintf(stderr, "link: ppoll: %s\n", strerror(errno));
			return -errno;
		}
		for (i = 0; i < 2; i++) {
			for (n = 0; n < BATCH && way_read(l, &l->way[i]); n++)
				;
			way_flush(&l->way[i]);
		}
	}
	return 0;
}

/* ---- options ---- */

static bool percent(const char *text, double *value)
{
	char *end;

	if (!text)
		return false;
	*value = strtod(text, &end);
	return end != text && !*end && *value >= 0 && *value <= 100;
}

/* "50" or "50-150", milliseconds. */
static bool delay(const char *text, struct rates *r)
{
	double min, max;
	char *end;

	if (!text)
		return false;
	min = max = strtod(text, &end);
	if (end != text && *end == '-')
		max = strtod(end + 1, &end);
	if (end == text || *end || min < 0 || max < min || max > 10000)
		return false;
	r->delay_min_us = (unsigned int)(min * 1000);
	r->delay_max_us = (unsigned int)(max * 1000);
	return true;
}

/* "drop=2,dup=1,reorder=5,delay=50-150,split=40" */
static bool rates_read(char *text, struct rates *r)
{
	static char drop[] = "drop", dup[] = "dup", reorder[] = "reorder", late[] = "delay",
		    split[] = "split";
	char *const names[] = {drop, dup, reorder, late, split, NULL};
	unsigned long n = 0;
	char *value;
	bool good = true;

	while (good && *text) {
		switch (getsubopt(&text, names, &value)) {
		case 0:
			good = percent(value, &r->drop);
			break;
		case 1:
			good = percent(value, &r->dup);
			break;
		case 2:
			good = percent(value, &r->reorder);
			break;
		case 3:
			good = delay(value, r);
			break;
		case 4:
			good = prog_number(value, 0, MTU, &n);
			r->split = (unsigned int)n;
			break;
		default:
			good = false;
		}
	}
	return good;
}

static int usage(void)
{
	fputs("usage: link --left IF --right IF [--to-right RATES] [--to-left RATES] [--only-tcp]\n"
	      "            [--seed N] [--seconds 300]\n"
	      "RATES: drop=PERCENT,dup=PERCENT,reorder=PERCENT,delay=MS[-MS],split=BYTES\n",
	      stderr);
	return 2;
}

static int options_read(struct link *l, int argc, char **argv)
{
	static const struct option options[] = {
		{"left", required_argument, NULL, 'l'},
		{"right", required_argument, NULL, 'r'},
		{"to-right", required_argument, NULL, 'R'},
		{"to-left", required_argument, NULL, 'L'},
		{"only-tcp", no_argument, NULL, 't'},
		{"seed", required_argument, NULL, 's'},
		{"seconds", required_argument, NULL, 'S'},
		{NULL, 0, NULL, 0},
	};
	unsigned long n = 0;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			l->name[0] = optarg;
			break;
		case 'r':
			l->name[1] = optarg;
			break;
		case 'R':
			good = rates_read(optarg, &l->way[0].rates);
			break;
		case 'L':
			good = rates_read(optarg, &l->way[1].rates);
			break;
		case 't':
			l->only_tcp = true;
			break;
		case 's':
			good = prog_number(optarg, 0, UINT32_MAX, &n);
			l->seed = n;
			break;
		case 'S':
			good = prog_number(optarg, 0, 86400, &n);
			l->seconds = (unsigned int)n;
			break;
		default:
			good = false;
		}
	}
	return good && optind == argc && l->name[0] && l->name[1] ? 0 : usage();
}

static void counts_print(const struct way *w, const char *name, const char *end)
{
	const struct counts *c = &w->counts;

	printf("\"%s\":{\"frames\":%llu,\"sent\":%llu,\"dropped\":%llu,\"repeated\":%llu,"
	       "\"reordered\":%llu,\"cut\":%llu,\"overflow\":%llu,\"failed\":%llu}%s",
	       name, c->frames, c->sent, c->dropped, c->repeated, c->reordered, c->cut, c->overflow,
	       c->failed, end);
}

static int link_open(struct link *l)
{
	int left = side_open(l->name[0]), right = left < 0 ? -1 : side_open(l->name[1]);
	int i;

	if (right < 0) {
		if (left >= 0)
			close(left);
		return -1;
	}
	for (i = 0; i < 2; i++) {
		struct way *w = &l->way[i];

		w->in = i ? right : left;
		w->out = i ? left : right;
		w->tail = &w->head;
		w->chance.state = l->seed * 2 + (uint64_t)i;
		w->only_tcp = l->only_tcp;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct link l = {.seed = 1, .seconds = 300};
	struct sigaction action = {.sa_handler = on_signal};
	int result = options_read(&l, argc, argv);

	if (result)
		return result;
	if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0 ||
	    link_open(&l) < 0)
		return 1;
	fputs("link: ready\n", stderr);
	result = link_run(&l);
	side_lost(&l.way[0]);
	side_lost(&l.way[1]);
	putchar('{');
	counts_print(&l.way[0], "to_right", ",");
	counts_print(&l.way[1], "to_left", "}\n");
	way_free(&l.way[0]);
	way_free(&l.way[1]);
	close(l.way[0].in);
	close(l.way[1].in);
	return result || fflush(stdout) ? 1 : 0;
}
