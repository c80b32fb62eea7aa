/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hokm-replicadiff: compares the replica that a node has of a peer's connections with the
 * connections of the peer, entry by entry, from the pinned maps: `conns` of the holder and
 * `replica` of the other node.
 *
 *   hokm-replicadiff [--holder SLOT] [--at-least N] [--quiet] CONNS REPLICA
 *
 * It compares client, port, isn, seq_next and ack_next; not the service, whose slot differs between
 * nodes. A holder replicates the connections that have their socket on it, are established and have
 * not ended (user/daemon/replication.c). It prints the first differences and "N equal, M missing, E
 * extra, O other". The exit code is 0 when nothing differs and at least N entries are equal, 1
 * otherwise, 2 when the maps cannot be read.
 */
#include <bpf/bpf.h>
#include <getopt.h>

#include "hokm/abi.h"
#include "program.h"

#define BATCH 4096
#define SHOWN 10

struct entry {
	struct hokm_addr client;
	__be16 port;
	uint16_t pad;
	uint32_t isn, seq_next, ack_next;
};

struct list {
	struct entry *e;
	size_t n, room;
};

struct request {
	unsigned int holder;
	size_t at_least;
	bool quiet;
};

/* Reads an entry of a map. False: the entry is not one to compare. */
typedef bool (*read_fn)(const struct hokm_conn_key *k, const void *value, unsigned int holder,
			struct entry *out);

static bool read_conn(const struct hokm_conn_key *k, const void *value, unsigned int holder,
		      struct entry *out)
{
	const struct hokm_conn *c = value;
	bool server_sent = c->s2c.packets != 0;

	(void)holder;
	*out = (struct entry){.client = k->client, .port = k->client_port, .isn = c->isn};
	out->seq_next = server_sent ? c->s2c.seq_next : 0;
	out->ack_next = server_sent ? c->s2c.ack : c->c2s.seq_next;
	return c->target == HOKM_LOCAL && c->flags & HOKM_CONN_OPENED &&
	       !(c->flags & HOKM_CONN_ENDED);
}

static bool read_replica(const struct hokm_conn_key *k, const void *value, unsigned int holder,
			 struct entry *out)
{
	const struct hokm_replica *r = value;

	*out = (struct entry){.client = k->client, .port = k->client_port, .isn = r->isn};
	out->seq_next = r->seq_next;
	out->ack_next = r->ack_next;
	return r->holder == holder;
}

static int add(struct list *l, const struct entry *e)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : BATCH;
		struct entry *more = reallocarray(l->e, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->e = more;
		l->room = room;
	}
	l->e[l->n++] = *e;
	return 0;
}

static int open_map(const char *path, size_t value_size)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.value_size != value_size ||
	    info.key_size != sizeof(struct hokm_conn_key)) {
		close(fd);
		return -EPROTOTYPE;
	}
	return fd;
}

static int walk(int fd, size_t value_size, read_fn read, unsigned int holder, struct list *out)
{
	struct hokm_conn_key *keys = calloc(BATCH, sizeof(*keys));
	char *values = calloc(BATCH, value_size);
	__u32 cursor = 0;
	bool more = keys && values, first = true;
	int err = more ? 0 : -ENOMEM;

	while (more && !err) {
		__u32 n = BATCH;
		struct entry e;

		more = !bpf_map_lookup_batch(
			fd, first ? NULL : &cursor, &cursor, keys, values, &n, NULL);
		if (!more && errno != ENOENT)
			err = -errno;
		first = false;
		for (__u32 i = 0; !err && i < n; i++)
			if (read(&keys[i], values + i * value_size, holder, &e))
				err = add(out, &e);
	}
	free(keys);
	free(values);
	return err;
}

static int by_client(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int rc = memcmp(&x->client, &y->client, sizeof(x->client));

	return rc ? rc : memcmp(&x->port, &y->port, sizeof(x->port));
}

static int read_map(const char *path, size_t value_size, read_fn read, unsigned int holder,
		    struct list *out)
{
	int err, fd = open_map(path, value_size);

	err = fd < 0 ? fd : walk(fd, value_size, read, holder, out);
	if (fd >= 0)
		close(fd);
	if (err)
		fprintf(stderr, "hokm-replicadiff: cannot read %s: %s\n", path, strerror(-err));
	else if (out->n)
		qsort(out->e, out->n, sizeof(*out->e), by_client);
	return err;
}

static void show(const char *word, const struct entry *e)
{
	char addr[INET_ADDRSTRLEN];

	printf("%-7s %s:%u isn %u seq_next %u ack_next %u\n", word,
	       inet_ntop(AF_INET, &e->client.w[3], addr, sizeof(addr)) ? addr : "?", ntohs(e->port),
	       e->isn, e->seq_next, e->ack_next);
}

static int compare(const struct list *conns, const struct list *replica, const struct request *req)
{
	size_t c = 0, r = 0, equal = 0, missing = 0, extra = 0, other = 0;

	while (c < conns->n || r < replica->n) {
		const struct entry *x = &conns->e[c], *y = &replica->e[r];
		int order = c == conns->n ? 1 : r == replica->n ? -1 : by_client(x, y);
		bool same = !order && !memcmp(x, y, sizeof(*x));
		bool shown = !req->quiet && missing + extra + other < SHOWN;

		if (shown && order <= 0 && !same)
			show(order ? "missing" : "has", x);
		if (shown && order >= 0 && !same)
			show(order ? "extra" : "knows", y);
		equal += same;
		missing += order < 0;
		extra += order > 0;
		other += !order && !same;
		c += order <= 0;
		r += order >= 0;
	}
	printf("%zu equal, %zu missing, %zu extra, %zu other\n", equal, missing, extra, other);
	return missing + extra + other || equal < req->at_least;
}

static int read_options(int argc, char **argv, struct request *req)
{
	static const struct option options[] = {
		{"holder", required_argument, NULL, 'h'},
		{"at-least", required_argument, NULL, 'n'},
		{"quiet", no_argument, NULL, 'q'},
		{NULL, 0, NULL, 0}};
	unsigned long n = 0;
	bool good = true;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		good = c == 'q' || (c == 'h' && prog_number(optarg, 0, HOKM_MAX_PEERS - 1, &n)) ||
		       (c == 'n' && prog_number(optarg, 0, 1u << 30, &n));
		if (c == 'h')
			req->holder = (unsigned int)n;
		else if (c == 'n')
			req->at_least = n;
		else
			req->quiet = true;
	}
	return good && optind + 2 == argc ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct list conns = {0}, replica = {0};
	struct request req = {0};
	int code = 2;

	if (read_options(argc, argv, &req)) {
		fputs("usage: hokm-replicadiff [--holder SLOT] [--at-least N] [--quiet]\n"
		      "                        CONNS REPLICA\n",
		      stderr);
		return 2;
	}
	if (!read_map(argv[optind], sizeof(struct hokm_conn), read_conn, 0, &conns) &&
	    !read_map(argv[optind + 1], sizeof(struct hokm_replica), read_replica, req.holder,
		      &replica))
		code = compare(&conns, &replica, &req);
	free(conns.e);
	free(replica.e);
	return code;
}
