/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which connections here end because a peer has a later one of the same client address and port:
 * from the change, or the entry, of the peer's packet path to the inbox of this node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>

#include "act_bpf_rig.h"
#include "base/clock.h"
#include "daemon/ended_inbox.h"
#include "decide/repl_record.h"

#define S   NS_PER_S
#define TAG 7

static struct hokm_conn_key key(void)
{
	return (struct hokm_conn_key){
		.client.w = {0, 0, htonl(0xffff), htonl(0x0a000001)}, .client_port = htons(40000)};
}

/* The socket here is older than that of the peer, and its client is silent. */
static struct hokm_bpf *with_a_silent_player(uint64_t now_ns)
{
	struct hokm_bpf *b = rig_open(false);
	struct hokm_conn c = {.tcp_state = HOKM_TCP_ESTABLISHED,
			      .target = HOKM_LOCAL,
			      .flags = HOKM_CONN_OPENED,
			      .created_ns = now_ns - 100 * S,
			      .established_ns = now_ns - 100 * S,
			      .isn = 1};
	struct hokm_conn_key k = key();

	c.c2s.last_ns = now_ns - 10 * S;
	assert_int_equal(bpf_map_update_elem(b->map[MAP_CONNS], &k, &c, 0), 0);
	return b;
}

static unsigned int noted(struct hokm_bpf *b, const struct repl_record *rec, uint64_t now_ns)
{
	static struct ended_inbox in;

	in.n = 0;
	ended_note(&in, b, 1, rec, 0, now_ns);
	if (in.n)
		assert_int_equal(in.queue[0].isn, 1);
	return in.n;
}

static void a_change_ends_only_what_is_older_for_sure(void **state)
{
	static const struct {
		uint8_t kind, began;
		uint64_t age_ns;
		unsigned int noted;
	} rows[] = {
		{HOKM_CHANGE_OPEN, 1, 0, 1},
		{HOKM_CHANGE_OPEN, 0, 0, 0}, /* found in a socket, or of an older program */
		{HOKM_CHANGE_OPEN, 1, 8 * S, 1},
		{HOKM_CHANGE_OPEN, 1, 11 * S, 0}, /* the client spoke here since then */
		{HOKM_CHANGE_CLOSE, 0, 0, 0},
	};
	uint64_t now_ns = clock_now_ns() + 1000 * S;
	struct hokm_bpf *b = with_a_silent_player(now_ns);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hokm_change ch = {.key = key(),
					 .isn = 2,
					 .kind = rows[i].kind,
					 .began = rows[i].began,
					 .now_ns = now_ns - rows[i].age_ns};
		struct repl_record rec;

		rec = repl_record_of_change(&ch, TAG, now_ns);
		assert_int_equal(rec.age_ms, rows[i].age_ns / NS_PER_MS);
		if (noted(b, &rec, now_ns) != rows[i].noted)
			fail_msg("row %zu", i);
	}
	hokm_bpf_close(b);
}

static void so_does_an_entry_of_a_list(void **state)
{
	uint64_t now_ns = clock_now_ns() + 1000 * S;
	struct hokm_bpf *b = with_a_silent_player(now_ns);
	struct hokm_conn c = {.isn = 2, .created_ns = now_ns - S, .established_ns = now_ns - S};
	struct hokm_conn_key k = key();
	struct repl_record rec = repl_record_of_conn(&k, &c, REPL_HAVE, TAG, now_ns);

	(void)state;
	assert_int_equal(rec.age_ms, 1000);
	assert_int_equal(noted(b, &rec, now_ns), 1);
	/* Its beginning was not seen: it may be older than the socket here. */
	c.established_ns = 0;
	rec = repl_record_of_conn(&k, &c, REPL_HAVE, TAG, now_ns);
	assert_int_equal(rec.age_ms, 1000);
	assert_int_equal(noted(b, &rec, now_ns), 0);
	hokm_bpf_close(b);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_change_ends_only_what_is_older_for_sure),
		RIG_TEST(so_does_an_entry_of_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return rig_main(run_all);
}
