/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bench's world: the real programs loaded, never attached, in a network namespace of their own;
 * the maps of an owner with one live peer, 4096 players here and 4096 there. In the second half
 * they are 65,536 here, which fills half of conns.
 *
 * Stamps of what must stay alive lie a day ahead, so that no path changes while it is measured.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "bench.h"
#include "hokm/conn_hash.h"
#include "hokm/grant_count.h"
#include "path/skeleton.h"

#define DAY_NS    86400000000000ULL
#define LIMIT_NS  100000000ULL
#define HASH_SEED 0x5eed00009e37ULL

int complain(const char *what, int err)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(-err));
	return err;
}

static int put(const struct bpf_map *m, uint32_t key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(m), &key, value, BPF_ANY))
		return complain(bpf_map__name(m), -errno);
	return 0;
}

static struct hokm_addr mapped(uint32_t addr)
{
	struct hokm_addr a = {{0, 0, htonl(0xffff), htonl(addr)}};

	return a;
}

static int put_cfg(struct bench *b)
{
	struct hokm_cfg c = {
		.addr = mapped(BENCH_ADDR),
		.vrid = BENCH_VRID,
		.n_vips = 1,
		.pulse_port = htons(BENCH_PULSE),
		.n_order = 1,
		.n_peers = 1,
		.n_services = 1,
		.peer_dead_ns = LIMIT_NS,
		.players_dead_ns = DAY_NS, /* a probe is a sign of life too */
		.daemon_stale_ns = LIMIT_NS,
		.suspect_ns = LIMIT_NS,
		.pulse_nonce = 1,
		.hash_seed = HASH_SEED,
		.half_open_mask = bpf_map__max_entries(b->skel->maps.half_open) - 1,
		.vip[0] = mapped(BENCH_VIP),
		.service[0] = {.vip = mapped(BENCH_VIP), .port = htons(BENCH_PORT), .used = 1},
		.peer[0] = {.addr = mapped(BENCH_PEER), .used = 1, .priority = 100},
	};

	memcpy(c.mac, BENCH_MAC, 6);
	return put(b->skel->maps.cfg, 0, &c);
}

static int put_peer(struct bench *b)
{
	struct hokm_peer p = {
		.seen_ns = clock_now_ns() + DAY_NS,
		.alive_ns = clock_now_ns() + DAY_NS,
		.daemon_seen_ns = clock_now_ns() + DAY_NS,
		.state = HOKM_VRRP_BACKUP,
		.priority = 100,
		.svc[0] = {.tag = htonl(BENCH_TAG), .state = HOKM_SVC_UP},
	};
	struct hokm_peer_macs macs = {0};
	int err;

	memcpy(p.mac, BENCH_PEER_MAC, 6);
	memcpy(&macs.peer[0], p.mac, 6);
	err = put(b->skel->maps.peers, 0, &p);
	return err ? err : put(b->skel->maps.peer_macs, 0, &macs);
}

static int put_probes(struct bench *b)
{
	const struct hokm_keys keys = {
		.from[0][0] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL},
		.n = 1,
	};
	struct bench_probes probes;
	int err = put(b->skel->maps.keys, 0, &keys);

	if (err)
		return err;
	bench_probes(&b->frames[FRAME_PROBE], &probes, &keys);
	return put(bpf_object__find_map_by_name(b->obj, "probes"), 0, &probes);
}

struct hokm_conn_key world_key(uint32_t client)
{
	struct hokm_conn_key k = {.client = mapped(client),
				  .client_port = htons(BENCH_CLIENT_PORT)};

	return k;
}

/* The bits of the filter in front of conns; the seed is that of put_cfg(). */
void world_put_bits(struct bench *b, const struct hokm_conn_key *k)
{
	uint64_t hash = hokm_conn_hash(HASH_SEED, k);

	for (int i = 0; i < 2; i++)
		b->bits->half[i][hokm_conn_bit_word(hash)] |= hokm_conn_mask(hash);
}

int world_put_flows(struct bench *b, uint32_t base, uint32_t n, const struct hokm_conn *c)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct hokm_conn_key k = world_key(base + i);

		if (bpf_map_update_elem(b->conns_fd, &k, c, BPF_ANY))
			return complain("conns", -errno);
		world_put_bits(b, &k);
	}
	return 0;
}

/* A node that steers a connection sees one half of it, and follows nothing. */
static int put_steered(struct bench *b)
{
	struct hokm_conn c = {
		.created_ns = clock_now_ns(),
		.established_ns = clock_now_ns(),
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = 0,
		.flags = HOKM_CONN_OPENED,
		.vouched = (__u64)SEGMENT_ACK << 32 | SEGMENT_SEQ,
		.c2s.packets = 1,
		.c2s.seq_next = SEGMENT_SEQ,
		.c2s.ack = SEGMENT_ACK,
		.c2s.ws.state = HOKM_FOLLOW_LOST,
		.s2c.ws.state = HOKM_FOLLOW_LOST,
	};

	return world_put_flows(b, BASE_STEERED, FLOWS_STEERED, &c);
}

int world_fill(struct bench *b)
{
	return world_put_flows(b, BASE_LOCAL, FLOWS_MAX, &b->followed);
}

/*
 * Removes what packets number first to last - 1 entered into conns. By key: a walk through the
 * table would leave nothing of the paths' own entries in the caches. half_open needs none: it
 * evicts.
 */
int world_purge(struct bench *b, const struct path *p, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i < last; i++) {
		const struct hokm_conn_key k = world_key(
			p->base + (((uint32_t)i * BENCH_STRIDE) & (p->flows - 1)));

		if (bpf_map_delete_elem(b->conns_fd, &k) && errno != ENOENT)
			return complain("remove a measured flow", -errno);
	}
	return 0;
}

static int put_grants(struct bench *b, bool count)
{
	const struct hokm_grants g = {
		.count.majority = count ? 2 : 0,
		.wish = HOKM_WISH_OWN,
		.wish_epoch = 1,
		.end = hokm_grant_end_word(1, clock_now_ns() + DAY_NS),
	};

	return put(b->skel->maps.grants, 0, &g);
}

int world_set(struct bench *b, enum bench_world world)
{
	struct hokm_own own = {
		.lease_until_ns = world == WORLD_NOT_OWNER ? 0 : clock_now_ns() + DAY_NS,
		.daemon_ns = clock_now_ns() + DAY_NS,
		.state = world == WORLD_NOT_OWNER ? HOKM_VRRP_BACKUP : HOKM_VRRP_MASTER,
		.priority = 110,
		.successor = HOKM_NO_PEER,
	};
	struct hokm_service s = {
		.tag = BENCH_TAG,
		.state = world == WORLD_DOWN_HERE ? HOKM_SVC_DOWN : HOKM_SVC_UP,
	};
	int err = put(b->skel->maps.own, 0, &own);

	err = err ? err : put_grants(b, world == WORLD_GRANTED);
	return err ? err : put(b->skel->maps.services, 0, &s);
}

uint64_t world_counter(struct bench *b, int slot, int counter)
{
	static struct hokm_counters values[256];
	const int cpus = libbpf_num_possible_cpus();
	uint64_t sum = 0;
	__u32 key = (__u32)slot;

	if (cpus <= 0 || cpus > 256 ||
	    bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.counters), &key, values))
		return 0;
	for (int i = 0; i < cpus; i++) {
		uint64_t all[HOKM_CTR_COUNT];

		memcpy(all, &values[i], sizeof(all));
		for (int j = 0; j < HOKM_CTR_COUNT; j++)
			if (counter < 0 || counter == j)
				sum += all[j];
	}
	return sum;
}

static int prog_fd(const struct bench *b, const char *name)
{
	const struct bpf_program *p = bpf_object__find_program_by_name(b->obj, name);

	return p ? bpf_program__fd(p) : -ENOENT;
}

static int fill_one(struct bench *b, const char *map, const char *const *floors, int subject)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(b->obj, map);
	int err = 0;

	for (uint32_t i = 0; !err && i < BENCH_SLOTS; i++) {
		int fd = i == BENCH_SUBJECT ? subject : floors[i] ? prog_fd(b, floors[i]) : -ENOENT;

		if (i == BENCH_SUBJECT || floors[i])
			err = put(m, i, &fd);
	}
	return err;
}

static int fill_jumps(struct bench *b)
{
	static const char *const in[BENCH_SLOTS] = {
		[BENCH_TRIVIAL] = "floor_trivial", [BENCH_HASH] = "floor_hash",
		[BENCH_CLOCK] = "floor_clock",     [BENCH_COUNTER] = "floor_counter",
		[BENCH_INSERT] = "floor_insert",   [BENCH_TOUCH] = "floor_touch",
		[BENCH_KNOWN] = "floor_known",     [BENCH_SYN] = "floor_syn",
		[BENCH_LEASE] = "gate_lease",      [BENCH_GRANTS] = "gate_grants",
	};
	static const char *const out[BENCH_SLOTS] = {
		[BENCH_TRIVIAL] = "floor_tc",
		[BENCH_TOUCH] = "floor_touch_out",
		[BENCH_KNOWN] = "floor_known_out",
	};
	int err;

	b->wrap_fd[WRAP_RAW] = prog_fd(b, "wrap_raw");
	b->wrap_fd[WRAP_TCP] = prog_fd(b, "wrap_tcp");
	b->wrap_fd[WRAP_DATA] = prog_fd(b, "wrap_data");
	b->wrap_fd[WRAP_PING] = prog_fd(b, "wrap_ping");
	b->wrap_fd[WRAP_PROBE] = prog_fd(b, "wrap_probe");
	b->wrap_fd[WRAP_DATA_OUT] = prog_fd(b, "wrap_data_out");
	b->subject_in_fd = bpf_program__fd(b->skel->progs.hokm_ingress);
	b->subject_out_fd = bpf_program__fd(b->skel->progs.hokm_egress);
	b->floor_tc_fd = prog_fd(b, "floor_tc");
	b->ctl_fd = bpf_map__fd(bpf_object__find_map_by_name(b->obj, "ctl"));
	err = fill_one(b, "jump", in, b->subject_in_fd);
	return err ? err : fill_one(b, "jump_out", out, b->subject_out_fd);
}

/* The one key of the hot look-up. */
static int put_hot(struct bench *b)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(b->obj, "hot");
	const struct hokm_conn_key k = {.client.w[3] = htonl(0x0a000001)};
	const uint64_t one = 1;

	if (bpf_map_update_elem(bpf_map__fd(m), &k, &one, BPF_ANY))
		return complain("hot", -errno);
	return 0;
}

static int map_bits(struct bench *b)
{
	struct hokm_conn_bits *bits = mmap(NULL, sizeof(*bits), PROT_READ | PROT_WRITE, MAP_SHARED,
					   bpf_map__fd(b->skel->maps.conn_bits), 0);

	if (bits == MAP_FAILED)
		return complain("conn_bits", -errno);
	b->bits = bits;
	return 0;
}

/* The map of the bench's programs becomes that of the subject. */
static int share(struct bench *b, const char *name, const struct bpf_map *m)
{
	return bpf_map__reuse_fd(bpf_object__find_map_by_name(b->obj, name), bpf_map__fd(m));
}

static int load(struct bench *b, const char *bpf_object)
{
	int err;

	b->skel = hokm_bpf__open();
	if (!b->skel)
		return complain("open the packet path", -errno);
	if (b->conns_max && bpf_map__set_max_entries(b->skel->maps.conns, b->conns_max))
		return complain("size conns", -errno);
	if (hokm_bpf__load(b->skel))
		return complain("load the packet path (are you root?)", -errno);
	b->conns_fd = bpf_map__fd(b->skel->maps.conns);
	err = map_bits(b);
	if (err)
		return err;
	b->obj = bpf_object__open_file(bpf_object, NULL);
	if (!b->obj)
		return complain(bpf_object, -errno);
	if (bpf_map__reuse_fd(bpf_object__find_map_by_name(b->obj, "conns"), b->conns_fd))
		return complain("share conns", -errno);
	if (share(b, "own", b->skel->maps.own) || share(b, "grants", b->skel->maps.grants))
		return complain("share what the gates read", -errno);
	if (bpf_map__max_entries(b->skel->maps.half_open) != BENCH_SETS ||
	    bpf_map__reuse_fd(bpf_object__find_map_by_name(b->obj, "half_open"),
			      bpf_map__fd(b->skel->maps.half_open)))
		return complain("share half_open", -EINVAL);
	if (bpf_object__load(b->obj))
		return complain("load the bench's programs", -errno);
	return 0;
}

static int put_maps(struct bench *b)
{
	int err = put_cfg(b);

	err = err ? err : put_peer(b);
	err = err ? err : put_probes(b);
	err = err ? err : put_hot(b);
	return err ? err : world_set(b, WORLD_OWNER);
}

static int put_conns(struct bench *b)
{
	int err = conn_open(b, BASE_LOCAL, false);

	err = err ? err : conn_get(b, BASE_LOCAL, &b->followed);
	err = err ? err : world_put_flows(b, BASE_LOCAL, FLOWS_FEW, &b->followed);
	err = err ? err : put_steered(b);
	return err ? err : conn_open(b, BASE_PING, false);
}

int bench_open(struct bench *b, const char *bpf_object)
{
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return complain("stay on one CPU", -errno);
	if (unshare(CLONE_NEWNET))
		return complain("a network namespace of our own (are you root?)", -errno);
	bench_frames(b);
	err = load(b, bpf_object);
	err = err ? err : fill_jumps(b);
	err = err ? err : put_maps(b);
	return err ? err : put_conns(b);
}

const struct bpf_object *world_object(const struct bench *b)
{
	return b->skel->obj;
}

void bench_close(struct bench *b)
{
	if (b->bits)
		munmap(b->bits, sizeof(*b->bits));
	b->bits = NULL;
	hokm_bpf__destroy(b->skel);
	bpf_object__close(b->obj);
	b->skel = NULL;
	b->obj = NULL;
}
