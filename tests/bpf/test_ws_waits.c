/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that wait for an answer: each one is counted in the ring, at the place of its time,
 * from when the server's kernel acknowledged it until it is answered or can no longer be answered,
 * and is taken off exactly once. Also round trips and their histograms.
 */
#include <string.h>

#include "hokm/ws.h"
#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define TEXT (WS_FIN | WS_TEXT)
#define PING (WS_FIN | 0x09)
#define PONG (WS_FIN | 0x0a)

#define ROUND_TRIP_US 3000

static uint32_t place(uint64_t ns)
{
	return (uint32_t)(ns / HOKM_WAIT_NS % HOKM_WAIT_SLOTS);
}

static void expect_place(struct fix *x, uint64_t upgrade_ns, uint64_t ping_ns)
{
	struct hokm_waits w;

	expect_waiting(x, !!upgrade_ns, !!ping_ns);
	fix_waits(x, &w);
	if (upgrade_ns)
		assert_int_equal(w.upgrade[place(upgrade_ns)], 1);
	if (ping_ns)
		assert_int_equal(w.ping[place(ping_ns)], 1);
}

static void expect_none(const struct talk *t)
{
	struct hokm_conn c = talk_conn(t);

	assert_int_equal(c.upgrade_ns | c.ping_c2s_ns, 0);
	expect_waiting(t->x, 0, 0);
}

static void ask(struct talk *t, struct fix *x)
{
	talk_open(t, x, CLIENT_PORT);
	talk_text(t, CLIENT, UPGRADE_REQUEST);
	expect_none(t);
	talk_ack(t, SERVER);
	assert_true(talk_conn(t).upgrade_ns != 0);
	assert_int_equal(talk_conn(t).upgrade_ns, talk_conn(t).asked_ns);
	expect_place(x, talk_conn(t).upgrade_ns, 0);
}

static void ping(struct talk *t, struct fix *x)
{
	talk_upgrade(t, x);
	talk_frame(t, CLIENT, PING, 4);
	assert_true(talk_conn(t).ping_c2s_ns != 0);
	expect_place(x, 0, talk_conn(t).ping_c2s_ns);
}

/* ---- how waiting ends ---- */

static void fin_of_server(struct talk *t)
{
	talk_fin(t, SERVER);
}

static void fin_of_client(struct talk *t)
{
	talk_fin(t, CLIENT);
}

static void rst_of_server(struct talk *t)
{
	talk_rst(t, SERVER);
}

static void rst_of_client(struct talk *t)
{
	talk_rst(t, CLIENT);
}

static void server_out_of_step(struct talk *t)
{
	uint8_t state = talk_conn(t).s2c.ws.state;

	if (state == HOKM_FOLLOW_FRAMES) {
		talk_text(t, SERVER, "zzzz");
		return;
	}
	/* A gap in the head ends it. */
	t->next[SERVER] += 100;
	talk_text(t, SERVER, "y");
	talk_ack(t, CLIENT);
	talk_text(t, SERVER, "y");
}

typedef void end_fn(struct talk *t);

static void waiting_ends_when_no_answer_can_come(void **state)
{
	static end_fn *const ends[] = {
		fin_of_server, fin_of_client, rst_of_server, rst_of_client, server_out_of_step};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		fix_reset(state);
		ask(&t, x);
		ends[i](&t);
		expect_none(&t);
		fix_reset(state);
		ping(&t, x);
		ends[i](&t);
		expect_none(&t);
		assert_int_equal(talk_conn(&t).rtt_c2s_us, 0);
	}
}

static void close_of_either_side_ends_waiting(void **state)
{
	static const int sides[] = {CLIENT, SERVER};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < 2; i++) {
		fix_reset(state);
		ping(&t, x);
		talk_close(&t, sides[i], 1000);
		expect_none(&t);
	}
}

static void new_syn_ends_waiting_of_the_old_entry(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	ask(&t, x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 7777777));
	assert_false(fix_conn(x, &c));
	expect_waiting(x, 0, 0);
	fix_reset(state);
	ping(&t, x);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 7777777));
	assert_false(fix_conn(x, &c));
	expect_waiting(x, 0, 0);
}

/* A SYN for a connection whose socket is open: the request goes on waiting. */
static void stray_syn_does_not_end_waiting(void **state)
{
	struct fix *x = *state;
	struct socks s;
	struct talk t;

	ask(&t, x);
	socks_connect(&s);
	expect_in_pass(x, SEG(.flags = SYN, .seq = 7777777));
	expect_place(x, talk_conn(&t).upgrade_ns, 0);
	socks_close(&s);
}

/* Nothing waits for a side that has sent its FIN. */
static void nothing_waits_after_a_fin(void **state)
{
	static end_fn *const ends[] = {fin_of_server, fin_of_client, rst_of_server, rst_of_client};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		fix_reset(state);
		talk_upgrade(&t, x);
		ends[i](&t);
		talk_frame(&t, CLIENT, PING, 4);
		expect_none(&t);
		fix_reset(state);
		talk_open(&t, x, CLIENT_PORT);
		ends[i](&t);
		talk_text(&t, CLIENT, UPGRADE_REQUEST);
		expect_none(&t);
	}
	/* The second FIN of the connection ends the waiting that began before it. */
	fix_reset(state);
	ping(&t, x);
	talk_fin(&t, CLIENT);
	talk_fin(&t, SERVER);
	expect_none(&t);
}

static void second_fin_ends_waiting(void **state)
{
	struct fix *x = *state;
	struct hokm_conn c;
	struct talk t;

	ping(&t, x);
	c = talk_conn(&t);
	c.tcp_state = HOKM_TCP_FIN_SERVER;
	fix_conn_put(x, &c);
	talk_fin(&t, CLIENT);
	assert_int_equal(talk_conn(&t).tcp_state, HOKM_TCP_CLOSED);
	expect_none(&t);
}

/* ---- which requests wait ---- */

static void nothing_waits_for_an_unreadable_server(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_text(&t, SERVER, "zzzz");
	talk_frame(&t, CLIENT, PING, 4);
	expect_none(&t);
	talk_frame(&t, SERVER, TEXT, 4);
	talk_frame(&t, CLIENT, PING, 4); /* in TRIAL */
	expect_none(&t);
	talk_frame(&t, SERVER, TEXT, 4);
	talk_frame(&t, CLIENT, PING, 4);
	expect_place(x, 0, talk_conn(&t).ping_c2s_ns);

	/* A request whose answer could not be read. */
	fix_reset(state);
	talk_open(&t, x, CLIENT_PORT);
	server_out_of_step(&t);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	assert_int_equal(COUNT(x, upgrade), 1);
	expect_none(&t);
}

/* When only the client's direction lost synchronization, the server's answer is still read. */
static void answers_are_awaited_with_an_unreadable_client(void **state)
{
	struct fix *x = *state;
	struct talk t;

	ping(&t, x);
	talk_text(&t, CLIENT, "zzzz");
	expect_place(x, 0, talk_conn(&t).ping_c2s_ns);
	talk_frame(&t, SERVER, PONG, 4);
	expect_none(&t);
}

static void oldest_ping_counts_and_is_taken_off_once(void **state)
{
	struct fix *x = *state;
	uint64_t began;
	struct talk t;

	ping(&t, x);
	began = talk_conn(&t).ping_c2s_ns;
	talk_frame(&t, CLIENT, PING, 4);
	talk_at(&t, CLIENT, t.next[CLIENT] - 10, "x", 1, ACK); /* repeated: no ping */
	assert_int_equal(talk_conn(&t).ping_c2s_ns, began);
	expect_place(x, 0, began);
	talk_frame(&t, SERVER, PONG, 4);
	expect_none(&t);
	talk_frame(&t, SERVER, PONG, 4);
	talk_frame(&t, SERVER, PONG, 4); /* without a ping */
	expect_none(&t);
	assert_int_equal(fix_latency(x, HOKM_LAT_ping_in, NULL), 1);
}

static void request_that_is_repeated_waits_once(void **state)
{
	struct fix *x = *state;
	struct talk t;

	ask(&t, x);
	talk_at(&t, CLIENT, TALK_ISN + 1, UPGRADE_REQUEST, (uint32_t)strlen(UPGRADE_REQUEST), ACK);
	expect_place(x, talk_conn(&t).upgrade_ns, 0);
	assert_int_equal(COUNT(x, upgrade), 1);
}

/* Each service has a ring of its own. */
static void many_requests_wait_together(void **state)
{
	struct fix *x = *state;
	struct talk t[20];

	for (uint16_t i = 0; i < 20; i++) {
		talk_open(&t[i], x, (uint16_t)(CLIENT_PORT + i));
		talk_text(&t[i], CLIENT, UPGRADE_REQUEST);
		talk_ack(&t[i], SERVER);
	}
	expect_waiting(x, 20, 0);
	for (uint16_t i = 0; i < 20; i += 2)
		talk_text(&t[i], SERVER, SWITCHED);
	expect_waiting(x, 10, 0);
	for (uint16_t i = 0; i < 20; i += 2)
		talk_frame(&t[i], CLIENT, PING, 0);
	expect_waiting(x, 10, 10);
	for (uint16_t i = 0; i < 20; i++)
		talk_rst(&t[i], i % 3 ? CLIENT : SERVER);
	expect_waiting(x, 0, 0);
}

/* ---- what the server never got, or cannot answer ---- */

/* The kernel discards a segment with a wrong checksum without a word; XDP has read it. */
static void request_that_the_kernel_did_not_take_never_waits(void **state)
{
	uint32_t len = (uint32_t)strlen(UPGRADE_REQUEST);
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	t.next[CLIENT] -= len;
	talk_ack(&t, SERVER);
	expect_none(&t);
	t.next[CLIENT] += len - 1;
	talk_ack(&t, SERVER);
	expect_none(&t);
	t.next[CLIENT]++;
	talk_ack(&t, SERVER);
	expect_place(x, talk_conn(&t).asked_ns, 0);
}

static void closed_window(struct talk *t, const char *text)
{
	static struct frame f;
	uint32_t len = (uint32_t)strlen(text);

	frame_tcp(&f, SEG(.flags = ACK, .sport = t->port, .seq = t->next[CLIENT],
			  .ack = t->next[SERVER], .payload = len, .data = text));
	memset(f.b + f.l4 + 14, 0, 2);
	fix_ingress(t->x, &f);
	t->next[CLIENT] += len;
}

/* The client takes no bytes: then the server cannot answer. */
static void closed_window_of_the_client_is_no_silence_of_the_server(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	closed_window(&t, UPGRADE_REQUEST);
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_ASKED);
	talk_ack(&t, SERVER);
	expect_none(&t);
	fix_reset(state);
	ask(&t, x);
	closed_window(&t, "");
	expect_none(&t);
	fix_reset(state);
	talk_upgrade(&t, x);
	closed_window(&t, "\x89\x80mask");
	assert_int_equal(COUNT(x, in_ping), 1);
	expect_none(&t);
}

/* Whatever the server sends, it is not silent. */
static void any_byte_of_the_server_ends_waiting(void **state)
{
	static const char *const says[] = {"H", "HTTP/1.1 100 Continue\r\n\r\n", "junk, not HTTP"};
	struct fix *x = *state;
	struct talk t;

	for (unsigned int i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		fix_reset(state);
		ask(&t, x);
		talk_text(&t, SERVER, says[i]);
		expect_none(&t);
		talk_ack(&t, SERVER);
		expect_none(&t);
	}
	assert_int_equal(talk_conn(&t).ws, HOKM_WS_PLAIN);
}

/* ---- how long it took ---- */

static void expect_time(struct fix *x, enum hokm_latency_kind kind, uint32_t told, uint64_t least,
			uint64_t most)
{
	uint64_t us = 0;

	assert_in_range(told, least, most);
	assert_int_equal(fix_latency(x, kind, &us), 1);
	assert_true(us <= told && told < 2 * us);
}

static void round_trips_are_timed(void **state)
{
	struct fix *x = *state;
	uint64_t began, up, in, out;
	struct hokm_conn c;
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	began = fix_now();
	talk_text(&t, CLIENT, UPGRADE_REQUEST);
	spin_us(ROUND_TRIP_US);
	talk_text(&t, SERVER, SWITCHED);
	up = (fix_now() - began) / 1000;
	began = fix_now();
	talk_frame(&t, CLIENT, PING, 4);
	spin_us(2 * ROUND_TRIP_US);
	talk_frame(&t, SERVER, PONG, 4);
	in = (fix_now() - began) / 1000;
	began = fix_now();
	talk_frame(&t, SERVER, PING, 4);
	assert_true(talk_conn(&t).ping_s2c_ns >= began);
	spin_us(4 * ROUND_TRIP_US);
	talk_frame(&t, CLIENT, PONG, 4);
	out = (fix_now() - began) / 1000;
	c = talk_conn(&t);
	expect_time(x, HOKM_LAT_upgrade, c.upgrade_us, ROUND_TRIP_US, up);
	expect_time(x, HOKM_LAT_ping_in, c.rtt_c2s_us, 2 * ROUND_TRIP_US, in);
	expect_time(x, HOKM_LAT_ping_out, c.rtt_s2c_us, 4 * ROUND_TRIP_US, out);
	assert_int_equal(c.ping_s2c_ns | c.ping_c2s_ns, 0);
}

static void syn_ack_is_timed_once(void **state)
{
	struct fix *x = *state;
	uint64_t began = fix_now(), us = 0;

	fix_in(x, SEG(.flags = SYN, .seq = TALK_ISN));
	spin_us(ROUND_TRIP_US);
	fix_out(x, SEG(.flags = SYN | ACK, .seq = TALK_SISN, .ack = TALK_ISN + 1));
	fix_out(x, SEG(.flags = SYN | ACK, .seq = TALK_SISN, .ack = TALK_ISN + 1));
	assert_int_equal(fix_latency(x, HOKM_LAT_syn_ack, &us), 1);
	assert_in_range(us * 2, ROUND_TRIP_US, 2 * (fix_now() - began) / 1000);
}

/* The places of the histogram, with times that the test sets in the entry. */
static void latency_is_counted_in_its_place(void **state)
{
	static const uint64_t ages_us[] = {70000, 150000, 1500000};
	static const uint64_t places[] = {65536, 131072, 1048576};
	struct fix *x = *state;

	for (unsigned int i = 0; i < sizeof(ages_us) / sizeof(ages_us[0]); i++) {
		struct hokm_conn c;
		uint64_t us = 0;
		struct talk t;

		fix_reset(state);
		talk_upgrade(&t, x);
		c = talk_conn(&t);
		c.ping_s2c_ns = fix_now() - ages_us[i] * 1000;
		fix_conn_put(x, &c);
		talk_frame(&t, CLIENT, PONG, 4);
		assert_int_equal(fix_latency(x, HOKM_LAT_ping_out, &us), 1);
		/* The next place is possible when the machine was slow. */
		assert_true(us == places[i] || us == 2 * places[i]);
		assert_true(us <= talk_conn(&t).rtt_s2c_us && talk_conn(&t).rtt_s2c_us < 2 * us);
		assert_true(talk_conn(&t).rtt_s2c_us >= ages_us[i]);
	}
}

/*
 * A pong that passed while the client's direction was not synchronized must not lengthen the next
 * round trip.
 */
static void server_pings_are_forgotten_when_synchronization_is_lost(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_upgrade(&t, x);
	talk_frame(&t, SERVER, PING, 4);
	assert_true(talk_conn(&t).ping_s2c_ns != 0);
	talk_text(&t, CLIENT, "zzzz");
	assert_int_equal(talk_conn(&t).ping_s2c_ns, 0);
	talk_frame(&t, SERVER, PING, 4);
	assert_int_equal(talk_conn(&t).ping_s2c_ns, 0);
	talk_frame(&t, CLIENT, TEXT, 4);
	talk_frame(&t, CLIENT, TEXT, 4);
	talk_frame(&t, CLIENT, PONG, 4);
	assert_int_equal(talk_conn(&t).rtt_s2c_us, 0);
	assert_int_equal(fix_latency(x, HOKM_LAT_ping_out, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(waiting_ends_when_no_answer_can_come),
		HOKM_TEST(close_of_either_side_ends_waiting),
		HOKM_TEST(new_syn_ends_waiting_of_the_old_entry),
		HOKM_TEST(stray_syn_does_not_end_waiting),
		HOKM_TEST(nothing_waits_after_a_fin),
		HOKM_TEST(second_fin_ends_waiting),
		HOKM_TEST(nothing_waits_for_an_unreadable_server),
		HOKM_TEST(answers_are_awaited_with_an_unreadable_client),
		HOKM_TEST(oldest_ping_counts_and_is_taken_off_once),
		HOKM_TEST(request_that_is_repeated_waits_once),
		HOKM_TEST(many_requests_wait_together),
		HOKM_TEST(request_that_the_kernel_did_not_take_never_waits),
		HOKM_TEST(closed_window_of_the_client_is_no_silence_of_the_server),
		HOKM_TEST(any_byte_of_the_server_ends_waiting),
		HOKM_TEST(round_trips_are_timed),
		HOKM_TEST(syn_ack_is_timed_once),
		HOKM_TEST(latency_is_counted_in_its_place),
		HOKM_TEST(server_pings_are_forgotten_when_synchronization_is_lost),
	};

	return cmocka_run_group_tests_name("ws_waits", tests, fix_open, fix_close);
}
