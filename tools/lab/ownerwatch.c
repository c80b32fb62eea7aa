/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-ownerwatch: who owns the VIP as the kernels report it, five thousand times a second. It
 * maps the pinned maps `own` and `grants` of several nodes of one machine, and reads from them what
 * the gates of the packet path read (hokm_owner_until_ns()). No daemon is asked.
 *
 *   hokm-ownerwatch [--interval US] NAME=FOLDER...        FOLDER has the pins of a node
 *
 * A look reads all words, the boot time, and all words again, until both readings are equal: so it
 * shows one moment. Between two looks is a step. Each overlap (two owners) and each gap (no owner)
 * is a line on stderr with the boot time at which it began and its length in ns.
 *
 * What is exact
 *   - An owner whose words did not change until they ran out ended at the moment that they name.
 *   - Any other beginning or end lies within a step. An overlap is counted from the first look that
 *     saw it to the last moment at which it is sure: it is never too long. A gap is counted from
 *     the last moment at which an owner is sure to the first look that saw one: it is never too
 *     short, and too long by a step at most.
 *   - `unseen_us` is the longest time for which two nodes can have owned within a step without
 *     being seen. A step is longer when this program gets no processor: `step_max_us`.
 *
 * A folder need not be there yet. Pins that are made again are mapped again. Words of pins that
 * are gone count until they have run out, as in the kernel of a node whose cable is cut.
 *
 * Commands on stdin, as for hokm-arpwatch: mark NAME, status, quit. A mark prints the window as
 * JSON, and times of a window count from its beginning:
 *
 *   owners, owners_before       names with a + between them, now and at the beginning
 *   overlaps, overlap_max_ns    moments with two owners, and the longest
 *   gaps, gap_max_ms            times without an owner, and the longest; one that lasts counts
 *   moved_ms                    until a node owned that did not at the beginning
 */
#include <bpf/bpf.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "hokm/grant_count.h"
#include "program.h"

#include "hokm/abi.h"

#define NODES_MAX  8
#define NAME_SIZE  64
#define OWNERS_MAX 256
#define DEFAULT_US 200
#define PINS_NS    (5 * PROG_NS_PER_MS) /* how often the pins are looked for */

/* What the gates read, and the epoch of the lease. No padding: it is compared as bytes. */
struct words {
	uint64_t lease_ns, epoch, wish_epoch, end;
	uint32_t wish, majority;
};
_Static_assert(sizeof(struct words) == 40, "no padding");

/* A pinned map: mapped for as long as the program runs, or until another one has its name. */
struct pin {
	char path[PATH_MAX];
	dev_t dev;
	ino_t ino;
	const void *map; /* NULL: none yet */
	size_t size;
};

struct node {
	const char *name;
	struct pin own, grants;
	struct words words;
	uint64_t until_ns; /* what the words say: it owns until then */
};

/* A time that may last: since_ns is 0 when there is none. */
struct spell {
	uint64_t since_ns;
	unsigned int who; /* a bit for each node, of the moment before */
};

struct window {
	char name[NAME_SIZE];
	uint64_t start_ns, looks, step_max_ns, unseen_ns;
	uint64_t overlaps, overlap_max_ns, gaps, gap_max_ns, moved_ns;
	unsigned int owners, changes;
};

struct watch {
	struct node node[NODES_MAX];
	unsigned int n_nodes, interval_us;
	uint64_t at_ns;      /* of the last look */
	unsigned int owners; /* a bit for each node, at that moment */
	struct spell overlap, gap;
	struct window window;
	struct prog_lines lines;
	bool stop, input;
};

/* As bpf_ktime_get_boot_ns(); 0 when it cannot be read. */
static uint64_t boot_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_BOOTTIME, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000 * PROG_NS_PER_MS + (uint64_t)t.tv_nsec;
}

/* ---- the pinned maps ---- */

/* 0, or -errno. The map stays when its pin is gone. */
static int pin_map(struct pin *p, const struct stat *st, uint32_t value_size)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(p->path), err = 0;
	void *map;

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		err = -errno;
	else if (info.value_size != value_size)
		err = -EPROTOTYPE;
	map = err ? MAP_FAILED : mmap(NULL, value_size, PROT_READ, MAP_SHARED, fd, 0);
	if (!err && map == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	if (p->map)
		munmap((void *)(uintptr_t)p->map, p->size);
	p->map = map;
	p->size = value_size;
	p->dev = st->st_dev;
	p->ino = st->st_ino;
	return 0;
}

/* Maps what is pinned there, unless it is mapped. Pins that are not there are waited for. */
static int pin_follow(struct pin *p, uint32_t value_size)
{
	struct stat st;
	int err;

	if (stat(p->path, &st) < 0)
		err = -errno;
	else if (p->map && st.st_dev == p->dev && st.st_ino == p->ino)
		return 0;
	else
		err = pin_map(p, &st, value_size);
	if (!err || err == -ENOENT)
		return 0;
	fprintf(stderr, "hokm-ownerwatch: cannot map %s: %s\n", p->path, strerror(-err));
	return err;
}

static int follow_pins(struct watch *w)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < w->n_nodes; i++) {
		err = pin_follow(&w->node[i].own, sizeof(struct hokm_own));
		if (!err)
			err = pin_follow(&w->node[i].grants, sizeof(struct hokm_grants));
	}
	return err;
}

/* ---- a look ---- */

static void read_words(const struct watch *w, struct words out[NODES_MAX])
{
	memset(out, 0, NODES_MAX * sizeof(*out));
	for (unsigned int i = 0; i < w->n_nodes; i++) {
		const struct hokm_own *own = w->node[i].own.map;
		const struct hokm_grants *g = w->node[i].grants.map;

		if (!own || !g)
			continue;
		out[i].lease_ns = __atomic_load_n(&own->lease_until_ns, __ATOMIC_ACQUIRE);
		out[i].epoch = __atomic_load_n(&own->epoch, __ATOMIC_ACQUIRE);
		out[i].majority = __atomic_load_n(&g->count.majority, __ATOMIC_ACQUIRE);
		out[i].wish = __atomic_load_n(&g->wish, __ATOMIC_ACQUIRE);
		out[i].wish_epoch = __atomic_load_n(&g->wish_epoch, __ATOMIC_ACQUIRE);
		out[i].end = __atomic_load_n(&g->end, __ATOMIC_ACQUIRE);
	}
}

/* Words of one moment, which is returned: none of them changed while they were read. */
static uint64_t read_moment(const struct watch *w, struct words out[NODES_MAX])
{
	struct words again[NODES_MAX];
	uint64_t now;

	read_words(w, out);
	for (;;) {
		now = boot_ns();
		read_words(w, again);
		if (!memcmp(out, again, sizeof(again)))
			return now;
		memcpy(out, again, sizeof(again));
	}
}

static uint64_t until_of(const struct words *w)
{
	const struct hokm_grants g = {.wish = w->wish,
				      .count.majority = (__u16)w->majority,
				      .wish_epoch = w->wish_epoch,
				      .end = w->end};

	return hokm_owner_until_ns(w->lease_ns, &g);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void names(const struct watch *w, unsigned int owners, char out[OWNERS_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned int i = 0; i < w->n_nodes; i++) {
		if (owners >> i & 1 && used < OWNERS_MAX)
			used += (size_t)snprintf(out + used, OWNERS_MAX - used, "%s%s",
						 used ? "+" : "", w->node[i].name);
	}
}

/* A line on stderr; the owners are those of the overlap, or the last before the gap. */
static void tell(const struct watch *w, const char *what, const struct spell *s, uint64_t ns)
{
	char who[OWNERS_MAX];

	names(w, s->who, who);
	fprintf(stderr, "%s at %llu for %llu ns, %s %s, window %s\n", what,
		(unsigned long long)s->since_ns, (unsigned long long)ns,
		!strcmp(what, "gap") ? "after" : "of", *who ? who : "nobody", w->window.name);
}

/* ---- a step: from the look at w->at_ns to the one at now ---- */

/* What a step says of one node. */
struct course {
	bool owned, owns;
	uint64_t sure_ns; /* it owned at least until then: the last look, or the end in its words */
	uint64_t most_ns; /* it owned at most until then, within the step */
};

static struct course course_of(const struct watch *w, const struct node *n,
			       const struct words *words, uint64_t now)
{
	struct course c = {.owned = w->at_ns < n->until_ns, .owns = now < until_of(words)};
	bool same = !memcmp(&n->words, words, sizeof(*words));

	c.sure_ns = !c.owned ? 0 : same ? least(n->until_ns, now) : w->at_ns;
	c.most_ns = !same ? now : c.owned ? least(n->until_ns, now) : w->at_ns;
	return c;
}

/* The second node that can have owned within the step ended then at the latest. */
static void note_unseen(struct watch *w, const uint64_t most_ns[NODES_MAX])
{
	uint64_t first = 0, second = 0;

	for (unsigned int i = 0; i < w->n_nodes; i++) {
		second = most(second, least(first, most_ns[i]));
		first = most(first, most_ns[i]);
	}
	if (second > w->at_ns)
		w->window.unseen_ns = most(w->window.unseen_ns, second - w->at_ns);
}

static void note_overlap(struct watch *w, unsigned int owners, uint64_t sure_ns, uint64_t now)
{
	bool two = (owners & (owners - 1)) != 0;
	uint64_t ns;

	if (two && !w->overlap.since_ns) {
		w->overlap = (struct spell){now, owners};
		w->window.overlaps++;
	} else if (!two && w->overlap.since_ns) {
		ns = sure_ns > w->overlap.since_ns ? sure_ns - w->overlap.since_ns : 0;
		tell(w, "overlap", &w->overlap, ns);
		w->window.overlap_max_ns = most(w->window.overlap_max_ns, ns);
		w->overlap.since_ns = 0;
	}
}

/* How long the gap is in this window. */
static uint64_t gap_ns(const struct watch *w, uint64_t now)
{
	return now - most(w->gap.since_ns, w->window.start_ns);
}

static void note_gap(struct watch *w, unsigned int owners, uint64_t sure_ns, uint64_t now)
{
	/* An owner that ran out, and another one before the look: the gap was within the step. */
	bool between = owners && w->owners && !(owners & w->owners) && sure_ns > w->at_ns;

	if (!w->gap.since_ns && (!owners || between)) {
		w->gap = (struct spell){sure_ns ? sure_ns : now, w->owners};
		w->window.gaps++;
	}
	if (w->gap.since_ns && owners) {
		tell(w, "gap", &w->gap, now - w->gap.since_ns);
		w->window.gap_max_ns = most(w->window.gap_max_ns, gap_ns(w, now));
		w->gap.since_ns = 0;
	}
}

static void look(struct watch *w)
{
	struct words words[NODES_MAX];
	uint64_t now = read_moment(w, words), last_ns = 0, first_ns = UINT64_MAX;
	uint64_t most_ns[NODES_MAX] = {0};
	unsigned int owners = 0;

	for (unsigned int i = 0; i < w->n_nodes; i++) {
		struct course c = course_of(w, &w->node[i], &words[i], now);

		owners |= (unsigned int)c.owns << i;
		last_ns = most(last_ns, c.sure_ns);
		if (w->overlap.who >> i & 1)
			first_ns = least(first_ns, c.sure_ns);
		most_ns[i] = c.most_ns;
		w->node[i].words = words[i];
		w->node[i].until_ns = until_of(&words[i]);
	}
	w->window.looks++;
	w->window.step_max_ns = most(w->window.step_max_ns, now - w->at_ns);
	note_unseen(w, most_ns);
	note_overlap(w, owners, first_ns, now);
	note_gap(w, owners, last_ns, now);
	if (owners != w->owners)
		w->window.changes++;
	if (!w->window.moved_ns && owners & ~w->window.owners)
		w->window.moved_ns = now - w->window.start_ns;
	w->owners = owners;
	w->at_ns = now;
}

/* ---- windows ---- */

static void window_begin(void *arg, const char *name)
{
	struct watch *w = arg;

	w->window = (struct window){.start_ns = w->at_ns, .owners = w->owners};
	snprintf(w->window.name, sizeof(w->window.name), "%s", name);
	w->window.overlaps = w->overlap.since_ns != 0;
	w->window.gaps = w->gap.since_ns != 0;
}

static void window_print(void *arg, const char *kind)
{
	const struct watch *w = arg;
	const struct window *win = &w->window;
	uint64_t over_ns = win->overlap_max_ns, none_ns = win->gap_max_ns;
	char before[OWNERS_MAX], now[OWNERS_MAX];

	if (w->overlap.since_ns)
		over_ns = most(over_ns, w->at_ns - w->overlap.since_ns);
	if (w->gap.since_ns)
		none_ns = most(none_ns, gap_ns(w, w->at_ns));
	names(w, win->owners, before);
	names(w, w->owners, now);
	printf("{\"%s\":\"%s\",\"length_ms\":%.1f,\"looks\":%llu,\"step_max_us\":%llu,"
	       "\"unseen_us\":%llu,\"overlaps\":%llu,\"overlap_max_ns\":%llu,\"gaps\":%llu,"
	       "\"gap_max_ms\":%.3f,\"moved_ms\":%.3f,\"changes\":%u,\"owners_before\":\"%s\","
	       "\"owners\":\"%s\"}",
	       kind, win->name, prog_ms(w->at_ns - win->start_ns), (unsigned long long)win->looks,
	       (unsigned long long)win->step_max_ns / 1000,
	       (unsigned long long)win->unseen_ns / 1000, (unsigned long long)win->overlaps,
	       (unsigned long long)over_ns, (unsigned long long)win->gaps, prog_ms(none_ns),
	       prog_ms(win->moved_ns), win->changes, before, now);
	prog_answer_end();
}

static void command(void *arg, char *line)
{
	static const struct prog_observer observer = {window_print, window_begin};
	struct watch *w = arg;

	look(w);
	w->stop |= prog_observe(&observer, w, line);
}

static int run(struct watch *w)
{
	const struct timespec interval = {0, (long)w->interval_us * 1000};
	uint64_t pins_ns = 0;

	while (!w->stop) {
		struct pollfd p = {.fd = w->input ? STDIN_FILENO : -1, .events = POLLIN};
		int err = 0;

		if (w->at_ns >= pins_ns) {
			err = follow_pins(w);
			pins_ns = w->at_ns + PINS_NS;
		}
		if (err)
			return err;
		look(w);
		if (ppoll(&p, 1, &interval, NULL) < 0 && errno != EINTR)
			return prog_fail("ppoll");
		if (p.revents)
			w->input = prog_lines_read(&w->lines, command, w);
	}
	window_print(w, "window");
	return 0;
}

/* NAME=FOLDER. The argument is changed: the name ends where the = was. */
static bool add_node(struct watch *w, char *text)
{
	struct node *n = &w->node[w->n_nodes];
	char *folder = strchr(text, '=');
	int own, grants;

	if (!folder || folder == text || w->n_nodes == NODES_MAX || strpbrk(text, "\"\\+"))
		return false;
	*folder++ = '\0';
	n->name = text;
	own = snprintf(n->own.path, sizeof(n->own.path), "%s/own", folder);
	grants = snprintf(n->grants.path, sizeof(n->grants.path), "%s/grants", folder);
	w->n_nodes++;
	return own > 0 && own < PATH_MAX && grants > 0 && grants < PATH_MAX;
}

static bool read_options(int argc, char **argv, struct watch *w)
{
	static const struct option options[] = {
		{"interval", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		good = option == 'i' && prog_option("interval", optarg, 1, 100000, &w->interval_us);
	for (int i = optind; good && i < argc; i++)
		good = add_node(w, argv[i]);
	return good && w->n_nodes;
}

int main(int argc, char **argv)
{
	static struct watch w = {.interval_us = DEFAULT_US, .input = true};

	if (!read_options(argc, argv, &w)) {
		fputs("usage: hokm-ownerwatch [--interval US] NAME=FOLDER...\n", stderr);
		return 2;
	}
	/* By default an ordinary process wakes up 50 us too late. */
	if (prctl(PR_SET_TIMERSLACK, 1) < 0)
		(void)prog_fail("timer slack");
	if (follow_pins(&w))
		return 1;
	w.at_ns = boot_ns();
	look(&w);
	window_begin(&w, "start");
	return run(&w) ? 1 : 0;
}
