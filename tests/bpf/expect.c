/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters, the replica, guesses and expectations of the BPF tests. */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fixture.h"
#include "hokm/names.h"
#include "skel.h"

#define XDP_VERDICT_DROP 1
#define XDP_VERDICT_PASS 2
#define XDP_VERDICT_TX   3

/* All counters of one slot, summed over the CPUs. */
static void slot_sum(struct fix *x, uint32_t slot, uint64_t sum[HOKM_CTR_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	struct hokm_counters *c;

	assert_true(cpus > 0);
	c = calloc((size_t)cpus, sizeof(*c));
	assert_non_null(c);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.counters), &slot, c), 0);
	memset(sum, 0, HOKM_CTR_COUNT * sizeof(sum[0]));
	for (int cpu = 0; cpu < cpus; cpu++) {
		uint64_t one[HOKM_CTR_COUNT];

		_Static_assert(sizeof(one) == sizeof(*c), "counters are an array of words");
		memcpy(one, &c[cpu], sizeof(one));
		for (int i = 0; i < HOKM_CTR_COUNT; i++)
			sum[i] += one[i];
	}
	free(c);
}

uint64_t fix_count(struct fix *x, unsigned int slot, enum hokm_counter c)
{
	uint64_t sum[HOKM_CTR_COUNT];

	slot_sum(x, slot, sum);
	return sum[c];
}

static uint64_t sum_from(struct fix *x, int first)
{
	uint64_t sum[HOKM_CTR_COUNT], total = 0;

	for (uint32_t slot = 0; slot < HOKM_COUNTER_SLOTS; slot++) {
		slot_sum(x, slot, sum);
		for (int i = first; i < HOKM_CTR_COUNT; i++)
			total += sum[i];
	}
	return total;
}

uint64_t fix_count_all(struct fix *x)
{
	return sum_from(x, 0);
}

/* The drop_* counters are the last ones of the list; the first of them is drop_arp_gate. */
uint64_t fix_count_drops(struct fix *x)
{
	return sum_from(x, HOKM_CTR_drop_arp_gate);
}

void expect_counts(struct fix *x, const struct want *w, size_t n)
{
	uint64_t sum[HOKM_CTR_COUNT], want[HOKM_CTR_COUNT] = {0};
	bool good = true;

	slot_sum(x, 0, sum);
	for (size_t i = 0; i < n; i++)
		want[w[i].c] = w[i].n;
	for (unsigned int i = 0; i < HOKM_CTR_COUNT; i++) {
		if (sum[i] == want[i])
			continue;
		print_error("counter %s is %llu, not %llu\n", hokm_counter_name(i),
			    (unsigned long long)sum[i], (unsigned long long)want[i]);
		good = false;
	}
	assert_true(good);
}

void fix_waits(struct fix *x, struct hokm_waits *out)
{
	uint32_t slot = 0;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.waits), &slot, out), 0);
}

static uint32_t waiting(const uint32_t *ring)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < HOKM_WAIT_SLOTS; i++) {
		assert_true(ring[i] < 1u << 31);
		sum += ring[i];
	}
	return sum;
}

void expect_waiting(struct fix *x, uint32_t upgrades, uint32_t pings)
{
	struct hokm_waits w;

	fix_waits(x, &w);
	assert_int_equal(waiting(w.upgrade), upgrades);
	assert_int_equal(waiting(w.ping), pings);
}

uint64_t fix_latency(struct fix *x, enum hokm_latency_kind kind, uint64_t *us)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t sum = 0, all[HOKM_LAT_COUNT][HOKM_LATENCY_PLACES];
	struct hokm_latency *l;
	uint32_t slot = 0;

	assert_true(cpus > 0);
	l = calloc((size_t)cpus, sizeof(*l));
	assert_non_null(l);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.latency), &slot, l), 0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		_Static_assert(sizeof(all) == sizeof(*l), "histograms one after the other");
		memcpy(all, &l[cpu], sizeof(all));
		for (unsigned int i = 0; i < HOKM_LATENCY_PLACES; i++) {
			sum += all[kind][i];
			if (all[kind][i] && us)
				*us = i ? 1ull << i : 0;
		}
	}
	free(l);
	return sum;
}

void expect_pass(struct fix *x, const struct frame *f)
{
	uint64_t drops = fix_count_drops(x);

	fix_ingress(x, f);
	assert_int_equal(x->verdict, XDP_VERDICT_PASS);
	assert_int_equal(x->out.len, f->len);
	assert_memory_equal(x->out.b, f->b, f->len);
	assert_int_equal(fix_count_drops(x), drops);
}

void expect_drop(struct fix *x, const struct frame *f, unsigned int slot, enum hokm_counter c)
{
	uint64_t drops = fix_count_drops(x), before = fix_count(x, slot, c);

	fix_ingress(x, f);
	assert_int_equal(x->verdict, XDP_VERDICT_DROP);
	assert_int_equal(fix_count(x, slot, c), before + 1);
	assert_int_equal(fix_count_drops(x), drops + 1);
}

void expect_drop_alone(struct fix *x, const struct frame *f, enum hokm_counter c)
{
	struct hokm_peer before[2] = {fix_peer(x, 0), fix_peer(x, 1)}, after;
	struct hokm_event ev;

	expect_drop(x, f, HOKM_NODE_SLOT, c);
	for (unsigned int i = 0; i < 2; i++) {
		after = fix_peer(x, i);
		/* Noted for the operator, and nothing else. */
		after.wrong_tag_ns = before[i].wrong_tag_ns;
		assert_memory_equal(&after, &before[i], sizeof(after));
	}
	assert_true(fix_events(x, HOKM_EV_DROP, &ev) > 0);
	assert_int_equal(ev.counter, c);
}

void expect_steer(struct fix *x, const struct frame *f, const uint8_t *mac)
{
	uint64_t drops = fix_count_drops(x);

	fix_ingress(x, f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	assert_int_equal(x->out.len, f->len);
	assert_memory_equal(x->out.b, mac, 6);
	assert_memory_equal(x->out.b + 6, OWN_MAC, 6);
	assert_memory_equal(x->out.b + 12, f->b + 12, f->len - 12);
	assert_int_equal(fix_count_drops(x), drops);
}

void expect_in_pass(struct fix *x, const struct tcp_spec *s)
{
	struct frame f;

	frame_tcp(&f, s);
	expect_pass(x, &f);
}

void expect_in_steer(struct fix *x, const struct tcp_spec *s, const uint8_t *mac)
{
	struct frame f;

	frame_tcp(&f, s);
	expect_steer(x, &f, mac);
}

bool frame_tcp_checksum_ok(const struct frame *f)
{
	const uint8_t *ip = f->b + f->l3;
	uint32_t len = ((uint32_t)ip[2] << 8 | ip[3]) - 20, sum = 6 + len;

	for (unsigned int i = 12; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	for (uint32_t i = 0; i < len; i += 2)
		sum += (uint32_t)ip[20 + i] << 8 | (i + 1 < len ? ip[21 + i] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

bool frame_is_answer(const struct frame *out, const struct frame *f)
{
	static const uint8_t ip[10] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6};
	static const uint8_t rest[8] = {[4] = 0x50, [5] = RST}; /* no ACK, no window */
	struct frame got = {.len = out->len, .l3 = f->l3};
	const uint8_t *in_ip = f->b + f->l3, *in_tcp = f->b + f->l4, *at = got.b + f->l3;

	if (out->len != f->l3 + 40)
		return false;
	memcpy(got.b, out->b, out->len);
	if (memcmp(got.b, f->b + 6, 6) != 0 || memcmp(got.b + 6, OWN_MAC, 6) != 0 ||
	    memcmp(got.b + 12, f->b + 12, f->l3 - 12) != 0) /* tags and type */
		return false;
	if (memcmp(at, ip, sizeof(ip)) != 0 || memcmp(at + 12, in_ip + 16, 4) != 0 ||
	    memcmp(at + 16, in_ip + 12, 4) != 0 || !frame_ip_checksum_ok(&got))
		return false;
	at += 20;
	return !memcmp(at, in_tcp + 2, 2) && !memcmp(at + 2, in_tcp, 2) &&
	       !memcmp(at + 4, in_tcp + 8, 4) && !memcmp(at + 8, rest, sizeof(rest)) && !at[18] &&
	       !at[19] && frame_tcp_checksum_ok(&got);
}

void expect_in_answer(struct fix *x, const struct tcp_spec *s)
{
	uint64_t drops = fix_count_drops(x);
	struct frame f;

	frame_tcp(&f, s);
	fix_ingress(x, &f);
	assert_int_equal(x->verdict, XDP_VERDICT_TX);
	assert_true(frame_is_answer(&x->out, &f));
	assert_int_equal(fix_count_drops(x), drops);
}

void fix_reset_peers(struct fix *x)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct hokm_peer p = fix_alive_peer(i);

		fix_peer_set(x, i, &p);
	}
}

struct hokm_conn conn_known(uint8_t target)
{
	struct hokm_conn c = {
		.created_ns = fix_now(),
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = target,
		.flags = HOKM_CONN_OPENED,
		.vouched = VOUCHED(1001, 5001),
		.c2s = {.packets = 1, .seq_next = 1001, .ack = 5001},
	};

	return c;
}

struct hokm_conn fix_steered_conn(unsigned int peer)
{
	return (struct hokm_conn){
		.tcp_state = HOKM_TCP_ESTABLISHED,
		.target = (uint8_t)peer,
		.isn = 1000,
		.flags = HOKM_CONN_OPENED,
		.vouched = VOUCHED(1001, 5001),
		.c2s = {.packets = 1, .seq_next = 1001, .ack = 5001}};
}

void fix_replica_put(struct fix *x, unsigned int holder)
{
	struct hokm_conn_key k = fix_key();
	struct hokm_replica r = {
		.told_ns = 1,
		.isn = 1000,
		.seq_next = 5001,
		.ack_next = 1001,
		.holder = (uint8_t)holder,
	};

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(x->skel->maps.replica), &k, &r, BPF_ANY),
			 0);
}

bool fix_replica(struct fix *x, struct hokm_replica *out)
{
	struct hokm_conn_key k = fix_key();

	return !bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.replica), &k, out);
}

uint64_t fix_windows(uint64_t began_ns)
{
	return fix_now() / FIX_WINDOW_NS - (began_ns - FIX_TICK_NS) / FIX_WINDOW_NS + 1;
}

void fix_guesses(struct fix *x, bool given)
{
	const uint32_t zero = 0;
	struct hokm_own own;

	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(x->skel->maps.own), &zero, &own), 0);
	own.daemon_ns = fix_now() + LONG_NS;
	own.guess_until_ns = given ? own.daemon_ns : 0;
	fix_own(x, &own);
}
