/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that the server ends before it has sent anything, or resets although nothing but
 * plain HTTP was spoken (counter unserved). Who ends a connection first decides, and what the
 * server has sent. A RST counts once: for unserved, or for reset_server.
 */
#include <string.h>

#include "talk.h"

#define COUNT(x, c) fix_count(x, 0, HOKM_CTR_##c)

#define FORBIDDEN "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
#define HELLO     "\x16\x03\x01\x00\x04hell"

/* A letter for each segment: small ones of the client, capital ones of the server. */
static void step(struct talk *t, char letter)
{
	switch (letter) {
	case 'u':
		talk_text(t, CLIENT, UPGRADE_REQUEST);
		break;
	case 'g':
		talk_text(t, CLIENT, PLAIN_REQUEST);
		break;
	case 'p': /* a part of a request */
		talk_text(t, CLIENT, "GET /pl");
		break;
	case 't':
		talk_say(t, CLIENT, HELLO, sizeof(HELLO) - 1);
		break;
	case 'f':
		talk_fin(t, CLIENT);
		break;
	case 'r':
		talk_rst(t, CLIENT);
		break;
	case 'A':
		talk_ack(t, SERVER);
		break;
	case 'H':
		talk_text(t, SERVER, "H");
		break;
	case 'N':
		talk_text(t, SERVER, FORBIDDEN);
		break;
	case 'S':
		talk_text(t, SERVER, SWITCHED);
		break;
	case 'F':
		talk_fin(t, SERVER);
		break;
	case 'R':
		talk_rst(t, SERVER);
		break;
	default:
		fail_msg("no such letter: %c", letter);
	}
}

static void expect_of(struct fix *x, const char *letters, unsigned int unserved, unsigned int reset)
{
	struct talk t;

	talk_open(&t, x, CLIENT_PORT);
	for (const char *l = letters; *l; l++)
		step(&t, *l);
	if (COUNT(x, unserved) != unserved || COUNT(x, reset_server) != reset)
		fail_msg("%s: unserved %llu, reset_server %llu", letters,
			 (unsigned long long)COUNT(x, unserved),
			 (unsigned long long)COUNT(x, reset_server));
}

/* As a proxy whose game is dead, or a server that closes at once. */
static void server_that_ends_first_and_says_nothing(void **state)
{
	static const char *const talks[] = {
		"uAF", /* after the request */
		"uF",  /* its FIN acknowledges the request */
		"F",   /* before the request */
		"Fu",  "FuR", "gAF", "tAF", "pAF", "uAR",
		"uR",  "R",   "pR",  "tR",  "Ff",  "Fr", /* the client's end comes later */
	};

	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		fix_reset(state);
		expect_of(*state, talks[i], 1, 0);
	}
}

static void server_that_said_something(void **state)
{
	static const char *const talks[] = {"uANF", "uNF", "gNF", "uHF", "uSF", "uNuF", "NF"};
	static const char *const resets[] = {"uSR"};
	/* A refusal before the whole request was read, or half of an answer. */
	static const char *const plain[] = {"gNR", "uNR", "uANR", "uHR", "HR", "pNR", "tHR"};

	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		fix_reset(state);
		expect_of(*state, talks[i], 0, 0);
	}
	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		fix_reset(state);
		expect_of(*state, resets[i], 0, 1);
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		fix_reset(state);
		expect_of(*state, plain[i], 1, 0);
	}
}

/* Whatever the server does then. */
static void client_that_ends_first(void **state)
{
	static const char *const talks[] = {
		"f", "fF", "ufF", "uAfF", "uAfR", "fR", "uArF", "uAfA", "pfF", "pfR", "tfF", "r"};

	for (size_t i = 0; i < sizeof(talks) / sizeof(talks[0]); i++) {
		fix_reset(state);
		expect_of(*state, talks[i], 0, 0);
	}
}

/* The daemon or the operator terminates the connections. */
static void terminated_by_this_node(void **state)
{
	struct fix *x = *state;

	fix_ending(x, 0, fix_now() + LONG_NS);
	expect_of(x, "uAR", 0, 0);
	assert_int_equal(COUNT(x, shut_down), 1);
}

/*
 * What the server sent before this node saw the connection is not known. A client can have a new
 * connection adopted, by a second SYN before the handshake is complete.
 */
static void adopted_connection(void **state)
{
	struct fix *x = *state;

	for (int sends = 0; sends < 2; sends++) {
		struct hokm_conn c = conn_known(HOKM_LOCAL);

		fix_reset(state);
		c.flags = HOKM_CONN_ADOPTED | HOKM_CONN_OPENED;
		c.ws = HOKM_WS_OPEN;
		c.vouched = VOUCHED(TALK_ISN + 1, TALK_SISN + 1);
		fix_conn_put(x, &c);
		if (sends)
			fix_out(x, SEG(.flags = ACK, .seq = TALK_SISN + 1, .ack = TALK_ISN + 1,
				       .payload = 9));
		fix_out(x, SEG(.flags = RST | ACK, .seq = TALK_SISN + 10, .ack = TALK_ISN + 1));
		assert_int_equal(COUNT(x, unserved), !sends);
		assert_int_equal(COUNT(x, reset_server), sends);
	}
}

/* A player who was steered here counts as every other. */
static void steered_here(void **state)
{
	struct fix *x = *state;
	struct talk t;

	talk_init(&t, x, CLIENT_PORT, TALK_ISN, TALK_SISN);
	t.from = PEER0_MAC;
	talk_handshake(&t);
	step(&t, 'u');
	step(&t, 'F');
	assert_int_equal(COUNT(x, unserved), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOKM_TEST(server_that_ends_first_and_says_nothing),
		HOKM_TEST(server_that_said_something),
		HOKM_TEST(client_that_ends_first),
		HOKM_TEST(terminated_by_this_node),
		HOKM_TEST(adopted_connection),
		HOKM_TEST(steered_here),
	};

	return cmocka_run_group_tests_name("unserved", tests, fix_open, fix_close);
}
