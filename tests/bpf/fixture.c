/* SPDX-License-Identifier: GPL-2.0-only */
/* Lays out the maps and runs the programs: see fixture.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "hokm/conn_hash.h"
#include "fixture.h"
#include "skel.h"

uint64_t fix_now(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void map_set(struct bpf_map *m, uint32_t key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(m), &key, value, BPF_ANY), 0);
}

static void map_get(struct bpf_map *m, uint32_t key, void *value)
{
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(m), &key, value), 0);
}

static struct hokm_addr mapped(uint32_t addr)
{
	struct hokm_addr a = {{0, 0, htonl(0xffff), htonl(addr)}};

	return a;
}

void fix_cfg(struct fix *x)
{
	map_set(x->skel->maps.cfg, 0, &x->cfg);
	map_set(x->skel->maps.keys, 0, &x->keys);
}

void fix_own(struct fix *x, const struct hokm_own *own)
{
	map_set(x->skel->maps.own, 0, own);
}

void fix_owner(struct fix *x, bool owner)
{
	uint64_t now = fix_now();
	struct hokm_own own = {
		.lease_until_ns = owner ? now + LONG_NS : 0,
		/* However long the test takes, the daemon asked a moment ago. */
		.daemon_ns = now + LONG_NS,
		.state = owner ? HOKM_VRRP_MASTER : HOKM_VRRP_BACKUP,
		.priority = 110,
		.successor = HOKM_NO_PEER,
		.guess_until_ns = now + LONG_NS,
	};

	fix_own(x, &own);
}

void fix_service(struct fix *x, unsigned int slot, uint32_t tag, enum hokm_svc_state state)
{
	struct hokm_service s = {.tag = tag, .state = (uint8_t)state};

	map_set(x->skel->maps.services, slot, &s);
}

void fix_ending(struct fix *x, unsigned int slot, uint64_t until_ns)
{
	struct hokm_service s = {
		.tag = SERVICE_TAG, .state = HOKM_SVC_UP, .ending_until_ns = until_ns};

	map_set(x->skel->maps.services, slot, &s);
}

void fix_suspect(struct fix *x, unsigned int slot, uint64_t until_ns)
{
	struct hokm_suspect s = {.until_ns = until_ns};

	map_set(x->skel->maps.suspects, slot, &s);
}

void fix_held(struct fix *x, unsigned int slot, uint64_t until_ns, uint64_t held_until_ns)
{
	struct hokm_suspect s = {.until_ns = until_ns, .held_until_ns = held_until_ns};

	map_set(x->skel->maps.suspects, slot, &s);
}

struct hokm_suspect fix_suspect_get(struct fix *x, unsigned int slot)
{
	struct hokm_suspect s;

	map_get(x->skel->maps.suspects, slot, &s);
	return s;
}

struct hokm_peer fix_alive_peer(unsigned int slot)
{
	uint64_t later = fix_now() + LONG_NS;
	struct hokm_peer p = {
		.seen_ns = later,
		.alive_ns = later,
		.daemon_seen_ns = later,
		.state = HOKM_VRRP_BACKUP,
		.svc[0] = {.tag = htonl(SERVICE_TAG), .state = HOKM_SVC_UP},
	};

	memcpy(p.mac, slot ? PEER1_MAC : PEER0_MAC, 6);
	return p;
}

void fix_peer_set(struct fix *x, unsigned int slot, const struct hokm_peer *p)
{
	struct hokm_peer_macs macs;

	map_set(x->skel->maps.peers, slot, p);
	map_get(x->skel->maps.peer_macs, 0, &macs);
	memcpy(&macs.peer[slot], p->mac, sizeof(p->mac));
	map_set(x->skel->maps.peer_macs, 0, &macs);
}

struct hokm_peer fix_peer(struct fix *x, unsigned int slot)
{
	struct hokm_peer p;

	map_get(x->skel->maps.peers, slot, &p);
	return p;
}

void fix_peer_dead(struct fix *x, unsigned int slot)
{
	struct hokm_peer p = fix_alive_peer(slot);

	p.seen_ns = p.alive_ns = fix_now() - 10 * LIMIT_NS;
	fix_peer_set(x, slot, &p);
}

void fix_peer_silent(struct fix *x, unsigned int slot)
{
	struct hokm_peer p = fix_alive_peer(slot);

	p.seen_ns = fix_now() - 10 * LIMIT_NS;
	fix_peer_set(x, slot, &p);
}

static void world_cfg(struct hokm_cfg *c)
{
	memset(c, 0, sizeof(*c));
	c->addr = mapped(OWN_ADDR);
	memcpy(c->mac, OWN_MAC, 6);
	c->vrid = TEST_VRID;
	c->pulse_port = htons(PULSE_PORT);
	c->n_vips = 1;
	c->vip[0] = mapped(VIP_ADDR);
	c->n_services = 1;
	c->service[0].vip = mapped(VIP_ADDR);
	c->service[0].port = htons(GAME_PORT);
	c->service[0].used = 1;
	c->n_peers = 2;
	c->peer[0].addr = mapped(PEER0_ADDR);
	c->peer[0].used = 1;
	c->peer[1].addr = mapped(PEER1_ADDR);
	c->peer[1].used = 1;
	c->n_order = 2;
	c->order[1] = 1;
	c->boot_ahead_ns = clock_boot_ahead_ns();
	c->peer_dead_ns = LIMIT_NS;
	c->players_dead_ns = LIMIT_NS;
	c->daemon_stale_ns = LIMIT_NS;
	c->suspect_ns = SECOND_NS;
	c->pulse_nonce = TEST_NONCE;
}

static void map_empty(struct bpf_map *m)
{
	int fd = bpf_map__fd(m);
	struct hokm_conn_key k;

	while (!bpf_map_get_next_key(fd, NULL, &k))
		assert_int_equal(bpf_map_delete_elem(fd, &k), 0);
}

/*
 * Clears half_open through a mapping, because it has thousands of entries and is cleared hundreds
 * of times.
 */
static void half_zero(struct fix *x)
{
	struct bpf_map *m = x->skel->maps.half_open;
	size_t size = bpf_map__max_entries(m) * sizeof(struct hokm_half_open_set);
	void *sets = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);

	assert_true(sets != MAP_FAILED);
	memset(sets, 0, size);
	assert_int_equal(munmap(sets, size), 0);
}

struct hokm_conn_bits *fix_bits(struct fix *x)
{
	if (x->bits)
		return x->bits;
	x->bits = mmap(NULL, sizeof(*x->bits), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(x->skel->maps.conn_bits), 0);
	assert_true(x->bits != MAP_FAILED);
	return x->bits;
}

/* Zeroes every slot of a per-CPU array. */
static void percpu_zero(struct bpf_map *m, uint32_t slots)
{
	size_t size = (size_t)libbpf_num_possible_cpus() * ((bpf_map__value_size(m) + 7) & ~7u);
	void *zero = calloc(1, size);

	assert_non_null(zero);
	for (uint32_t i = 0; i < slots; i++)
		map_set(m, i, zero);
	free(zero);
}

/* Zeroes every word of an array. */
static void words_zero(struct bpf_map *m)
{
	const uint64_t zero = 0;

	for (uint32_t i = 0; i < bpf_map__max_entries(m); i++)
		map_set(m, i, &zero);
}

static int take_change(void *arg, void *data, size_t size)
{
	struct fix *x = arg;

	assert_int_equal(size, sizeof(struct hokm_change));
	if (x->n_changes < sizeof(x->change) / sizeof(x->change[0]))
		memcpy(&x->change[x->n_changes], data, size);
	x->n_changes++;
	return 0;
}

unsigned int fix_changes(struct fix *x, struct hokm_change *out, unsigned int n)
{
	unsigned int seen;

	if (!x->changes) {
		x->changes = ring_buffer__new(
			bpf_map__fd(x->skel->maps.changes), take_change, x, NULL);
		assert_non_null(x->changes);
	}
	x->n_changes = 0;
	assert_true(ring_buffer__consume(x->changes) >= 0);
	seen = x->n_changes;
	for (unsigned int i = 0; out && i < n && i < seen; i++)
		out[i] = x->change[i];
	return seen;
}

int fix_reset(void **state)
{
	struct fix *x = *state;
	static const struct hokm_waits nothing;
	static const struct hokm_grants no_grants;
	const struct hokm_peer none = {0};

	for (size_t i = 0; i < sizeof(x->keys); i++)
		((uint8_t *)&x->keys)[i] = (uint8_t)(i + i / 256 * 7);
	x->keys.n = 1;
	world_cfg(&x->cfg);
	fix_cfg(x);
	fix_owner(x, true);
	map_set(x->skel->maps.grants, 0, &no_grants);
	for (unsigned int i = 0; i < HOKM_MAX_SERVICES; i++) {
		fix_service(x, i, i ? 0 : SERVICE_TAG, i ? HOKM_SVC_INIT : HOKM_SVC_UP);
		fix_suspect(x, i, 0);
		map_set(x->skel->maps.waits, i, &nothing);
	}
	for (unsigned int i = 0; i < HOKM_MAX_PEERS; i++) {
		struct hokm_peer p = fix_alive_peer(i);

		fix_peer_set(x, i, i < 2 ? &p : &none);
	}
	map_empty(x->skel->maps.conns);
	map_empty(x->skel->maps.replica);
	(void)fix_changes(x, NULL, 0);
	half_zero(x);
	memset(fix_bits(x), 0, sizeof(*x->bits));
	percpu_zero(x->skel->maps.counters, HOKM_COUNTER_SLOTS);
	percpu_zero(x->skel->maps.latency, HOKM_MAX_SERVICES);
	percpu_zero(x->skel->maps.event_limits, HOKM_EVENT_KIND_COUNT);
	words_zero(x->skel->maps.rates);
	map_empty(x->skel->maps.guesses);
	perf_buffer__consume(x->events);
	x->n_events = 0;
	x->linear = 0;
	x->forwarded = false;
	return 0;
}

struct hokm_conn_key fix_key(void)
{
	struct hokm_conn_key k = {
		.client = mapped(CLIENT_ADDR),
		.client_port = htons(CLIENT_PORT),
	};

	return k;
}

int fix_map_fd(struct fix *x, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(x->skel->obj, name);

	assert_true(fd >= 0);
	return fd;
}

void fix_conn_bits(struct fix *x, const struct hokm_conn_key *k)
{
	uint64_t hash = hokm_conn_hash(x->cfg.hash_seed, k);
	struct hokm_conn_bits *b = fix_bits(x);

	for (int i = 0; i < 2; i++)
		b->half[i][hokm_conn_bit_word(hash)] |= hokm_conn_mask(hash);
}

static void conn_put(struct bpf_map *m, const struct hokm_conn *c)
{
	struct hokm_conn_key k = fix_key();

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(m), &k, c, BPF_ANY), 0);
}

void fix_conn_put(struct fix *x, const struct hokm_conn *c)
{
	struct hokm_conn_key k = fix_key();

	fix_conn_bits(x, &k);
	conn_put(x->skel->maps.conns, c);
}

void fix_conn_put_at(struct fix *x, uint16_t client_port, const struct hokm_conn *c)
{
	struct hokm_conn_key k = fix_key();

	k.client_port = htons(client_port);
	fix_conn_bits(x, &k);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.conns), &k, c, BPF_ANY), 0);
}

/* The mask in the fixture's cfg is 0, so every half-open entry stands in the first set. */
static struct hokm_half_open_set half_open_get(struct fix *x)
{
	struct hokm_half_open_set set;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.half_open), &zero, &set), 0);
	return set;
}

void fix_half_put(struct fix *x, const struct hokm_conn *c)
{
	struct hokm_half_open_set set = {
		.way[0] = {.key = fix_key(),
			   .isn = c->isn,
			   .created_ns = c->created_ns ? c->created_ns : 1,
			   .syn_ack_ns = c->syn_ack_ns,
			   .server_next = c->s2c.seq_next,
			   .tcp_state = c->tcp_state,
			   .target = c->target,
			   .flags = c->flags},
	};

	map_set(x->skel->maps.half_open, 0, &set);
}

bool fix_conn_at(struct fix *x, uint16_t client_port, struct hokm_conn *out)
{
	struct hokm_conn_key k = fix_key();

	k.client_port = htons(client_port);
	return !bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.conns), &k, out);
}

bool fix_conn(struct fix *x, struct hokm_conn *out)
{
	return fix_conn_at(x, CLIENT_PORT, out);
}

bool fix_half(struct fix *x, struct hokm_conn *out)
{
	struct hokm_half_open_set set = half_open_get(x);
	struct hokm_conn_key k = fix_key();

	for (int i = 0; i < HOKM_HALF_OPEN_WAYS; i++) {
		const struct hokm_half_open *h = &set.way[i];

		if (!h->created_ns || memcmp(&h->key, &k, sizeof(k)) != 0)
			continue;
		*out = (struct hokm_conn){
			.created_ns = h->created_ns,
			.syn_ack_ns = h->syn_ack_ns,
			.isn = h->isn,
			.tcp_state = h->tcp_state,
			.target = h->target,
			.flags = h->flags,
			.c2s = {.packets = h->packets_in,
				.bytes = h->bytes_in,
				.seq_next = h->isn + 1},
			.s2c = {.packets = h->packets_out, .seq_next = h->server_next}};
		return true;
	}
	return false;
}

unsigned int fix_conn_count(struct fix *x)
{
	struct hokm_conn_key k, *prev = NULL;
	unsigned int n = 0;

	while (!bpf_map_get_next_key(bpf_map__fd(x->skel->maps.conns), prev, &k)) {
		prev = &k;
		n++;
	}
	return n;
}

#define OTHER_LINK 7 /* an index: no interface needs to have it */

static void run(struct fix *x, int prog, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = f->len,
		    .data_out = x->out.b, .data_size_out = sizeof(x->out.b), .repeat = 1);

	struct xdp_md md = {.data_end = x->linear};
	struct __sk_buff skb = {.ingress_ifindex = OTHER_LINK};

	if (x->linear && prog == x->ingress) {
		o.ctx_in = &md;
		o.ctx_size_in = sizeof(md);
	}
	if (x->forwarded && prog == x->egress) {
		o.ctx_in = &skb;
		o.ctx_size_in = sizeof(skb);
	}
	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	x->verdict = (int)o.retval;
	x->out.len = o.data_size_out;
	x->out.l3 = f->l3;
	x->out.l4 = f->l4;
}

/*
 * Older kernels accept the length and make one buffer all the same. So a header that the length
 * cuts off must be counted as malformed.
 */
bool fix_split(struct fix *x, uint32_t linear)
{
	uint8_t bytes[200] = {[12] = 8, [14] = 0x45, [17] = 100, [23] = 17}; /* IPv4, UDP */
	uint64_t before = fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_bad_ip);
	struct xdp_md md = {.data_end = 20};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = bytes, .data_size_in = sizeof(bytes),
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1);

	x->linear = 0;
	if (bpf_prog_test_run_opts(x->ingress, &o) ||
	    fix_count(x, HOKM_NODE_SLOT, HOKM_CTR_bad_ip) == before)
		return false;
	x->linear = linear;
	return true;
}

void fix_ingress(struct fix *x, const struct frame *f)
{
	run(x, x->ingress, f);
}

void fix_egress(struct fix *x, const struct frame *f)
{
	run(x, x->egress, f);
}

void fix_witness(struct fix *x, const struct frame *f)
{
	run(x, x->witness, f);
}

void fix_in(struct fix *x, const struct tcp_spec *s)
{
	struct frame f;

	frame_tcp(&f, s);
	fix_ingress(x, &f);
}

void fix_out(struct fix *x, const struct tcp_spec *s)
{
	struct tcp_spec reply = *s;
	struct frame f;

	reply.reply = true;
	frame_tcp(&f, &reply);
	fix_egress(x, &f);
	assert_int_equal(x->verdict, EGRESS_PASS);
	assert_int_equal(x->out.len, f.len);
	assert_memory_equal(x->out.b, f.b, f.len);
}

unsigned int fix_events(struct fix *x, enum hokm_event_kind kind, struct hokm_event *last)
{
	unsigned int n = 0;

	perf_buffer__consume(x->events);
	for (unsigned int i = 0; i < x->n_events; i++) {
		if (x->event[i].kind != kind)
			continue;
		if (last)
			*last = x->event[i];
		n++;
	}
	return n;
}
