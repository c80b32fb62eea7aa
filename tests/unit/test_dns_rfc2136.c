/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dynamic update against a real BIND 9: what is written, refused and reported; and hosts that
 * answer with what no name server would send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/nameser.h>
#include <endian.h>
#include <time.h>

#include "../stub/named_rig.h"
#include "agent/dns_tsig.h"

#define RECORDS                                                                      \
	"game 77 A 203.0.113.26\ngame 77 TXT \"stays\"\ngame 77 AAAA 2001:db8::26\n" \
	"foreign A 198.51.100.1\nforced A 198.51.100.1\n"                            \
	"many A 203.0.113.26\nmany A 198.51.100.1\n"                                 \
	"member A 198.51.100.1\nmember A 203.0.113.26\nmember A 198.51.100.2\n"      \
	"alias CNAME game\n*.wild A 203.0.113.26\nraced A 203.0.113.26\n"            \
	"child NS ns.child\nns.child A 127.0.0.9\nkept A 203.0.113.26\n"

#define HOSTILE_PORT 5399

static struct dns_rig rig;

static void run(const struct dns_request *req, struct dns_reply *r)
{
	assert_int_equal(dns_job_run(stub_user(), req, true, r), 0);
}

static void expect(const char *what, const struct dns_reply *r, enum dns_result result,
		   const char *says)
{
	if (r->result != result || !strstr(r->text, says))
		fail_msg("%s: %s, expected %s \"%s\": \"%s\"", what,
			 dns_result_name((enum dns_result)r->result), dns_result_name(result), says,
			 r->text);
	assert_null(strstr(r->text, NAMED_SECRET));
}

struct update_case {
	const char *name;
	enum dns_op op;
	const char *want;
	enum dns_mode mode;
	bool force;
	enum dns_result result;
	const char *says;
	const char *type, *after; /* what dig prints then; NULL: not asked */
};

#define LINE(name, ttl, type, value) name ".example.com. " ttl " IN " type " " value "\n"
#define KEPT                         LINE("kept", "300", "A", ADDR_A)

static const struct update_case cases[] = {
	{"kept", DNS_OP_PLAN, ADDR_B, 0, 0, DNS_SAME, "is replaced by", "A", KEPT},
	{"kept", DNS_OP_TEST, ADDR_B, 0, 0, DNS_SAME, "is replaced by", "A", KEPT},
	{"kept", DNS_OP_LOOK, ADDR_B, 0, 0, DNS_OTHER, ADDR_A, "A", KEPT},
	{"kept", DNS_OP_WRITE, ADDR_A, 0, 0, DNS_SAME, "already", "A", KEPT},
	{"game", DNS_OP_WRITE, ADDR_B, 0, 0, DNS_CHANGED, ADDR_A " is replaced by " ADDR_B, "A",
	 LINE("game", "77", "A", ADDR_B)},
	{"game", DNS_OP_WRITE, ADDR_B6, 0, 0, DNS_CHANGED, ADDR_B6, "AAAA",
	 LINE("game", "77", "AAAA", ADDR_B6)},
	{"game", DNS_OP_LOOK, ADDR_B, 0, 0, DNS_SAME, "already", "TXT",
	 LINE("game", "77", "TXT", "\"stays\"")},
	{"foreign", DNS_OP_WRITE, ADDR_B, 0, 0, DNS_REFUSED, "no address of this group", "A",
	 LINE("foreign", "300", "A", "198.51.100.1")},
	{"forced", DNS_OP_WRITE, ADDR_B, 0, true, DNS_CHANGED, "is replaced by", "A",
	 LINE("forced", "300", "A", ADDR_B)},
	{"none", DNS_OP_WRITE, ADDR_B, 0, true, DNS_REFUSED, "does not exist", "A", ""},
	{"many", DNS_OP_WRITE, ADDR_B, 0, true, DNS_REFUSED, "2 values", NULL, NULL},
	{"member", DNS_OP_WRITE, ADDR_B, DNS_MEMBER, 0, DNS_CHANGED, ADDR_B, "A",
	 LINE("member", "300", "A", "198.51.100.1") LINE("member", "300", "A", "198.51.100.2")
		 LINE("member", "300", "A", ADDR_B)},
	{"alias", DNS_OP_WRITE, ADDR_B, 0, true, DNS_REFUSED, "CNAME", "CNAME",
	 LINE("alias", "300", "CNAME", "game.example.com.")},
	/* The answer is made from a wildcard; a change would make a new record. */
	{"x.wild", DNS_OP_WRITE, ADDR_B, 0, 0, DNS_FAILED, "NXRRSET", NULL, NULL},
	{"x.child", DNS_OP_WRITE, ADDR_B, 0, true, DNS_REFUSED, "delegated", NULL, NULL},
};

static void a_change_touches_nothing_else(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct update_case *c = &cases[i];
		char name[64];

		named_request(&rig, c->op, c->name, c->want, &req);
		req.conf.set = c->mode;
		req.force = c->force;
		run(&req, &r);
		expect(c->name, &r, c->result, c->says);
		snprintf(name, sizeof(name), "%s.example.com", c->name);
		if (c->after)
			assert_string_equal(named_dig(name, c->type), c->after);
	}
}

struct key_case {
	const char *what, *secrets, *zone;
	enum dns_op op;
	enum dns_result result;
	const char *says;
};

#define KEY(name, secret) "DNS_TSIG_KEY=" name "\nDNS_TSIG_SECRET=" secret "\n"

static const struct key_case keys[] = {
	{"an unknown key", KEY("nobody", NAMED_SECRET), "", DNS_OP_WRITE, DNS_DENIED, "BADKEY"},
	{"a wrong secret", KEY(NAMED_KEY, NAMED_READER), "", DNS_OP_WRITE, DNS_DENIED, "BADSIG"},
	{"a key that may only read", KEY("reader", NAMED_READER), "", DNS_OP_WRITE, DNS_DENIED,
	 "the update with REFUSED"},
	{"its test", KEY("reader", NAMED_READER), "", DNS_OP_TEST, DNS_DENIED, "REFUSED"},
	{"no base64", KEY(NAMED_KEY, "no*base64***"), "", DNS_OP_TEST, DNS_DENIED, "base64"},
	{"no name", KEY("a..b", NAMED_SECRET), "", DNS_OP_TEST, DNS_DENIED, "is no name"},
	{"no secret", "DNS_TSIG_KEY=" NAMED_KEY "\n", "", DNS_OP_TEST, DNS_DENIED,
	 "DNS_TSIG_SECRET is not given"},
	{"another's zone", NAMED_SECRETS, "kept.example.com", DNS_OP_WRITE, DNS_REFUSED,
	 "has no zone for kept.example.com"},
	{"the zone by name", NAMED_SECRETS, "example.com", DNS_OP_PLAN, DNS_SAME, "is replaced by"},
};

static void a_key_that_is_not_right_changes_nothing(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		rig_write(&rig, "secrets", keys[i].secrets, 0600);
		named_request(&rig, keys[i].op, "kept", ADDR_B, &req);
		snprintf(req.conf.zone, sizeof(req.conf.zone), "%s", keys[i].zone);
		run(&req, &r);
		expect(keys[i].what, &r, keys[i].result, keys[i].says);
	}
	rig_write(&rig, "secrets", NAMED_SECRETS, 0600);
	assert_string_equal(named_dig("kept.example.com", "A"), KEPT);
}

/* Another program writes between the job's reading and its writing. */
static void a_change_by_another_writer_is_not_overwritten(void **state)
{
	struct dns_request req;
	struct dns_reply r = {.kind = DNS_ASK};
	pid_t pid;
	int fd;

	(void)state;
	named_request(&rig, DNS_OP_WRITE, "raced", ADDR_B, &req);
	assert_int_equal(dns_job_start(stub_user(), &req, &fd, &pid), 0);
	for (int asked = 0; r.kind != DNS_DONE; asked++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		assert_true(asked < 3);
		assert_int_equal(poll(&p, 1, NAMED_WAIT_MS), 1);
		assert_int_equal(dns_job_receive(fd, &r), 0);
		if (r.kind != DNS_ASK)
			continue;
		named_update(&rig, "update add raced.example.com 300 A 198.51.100.77");
		assert_int_equal(dns_job_allow(fd, true), 0);
	}
	close(fd);
	waitpid(pid, NULL, 0);
	expect("raced", &r, DNS_FAILED, "NXRRSET: another writer has changed the record");
	assert_string_equal(
		named_dig("raced.example.com", "A"),
		LINE("raced", "300", "A", "198.51.100.77") LINE("raced", "300", "A", ADDR_A));
}

/* ---- signatures ---- */

struct talk {
	struct tsig_key key;
	uint8_t mac[TSIG_MAC];
	uint16_t id;
	uint8_t answer[DNS_MESSAGE_MAX];
	size_t len;
};

static int dial(void)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(NAMED_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Asks BIND for a record, signed at now_s. */
static void ask_bind(struct talk *t, uint64_t now_s)
{
	struct dns_out o;
	uint16_t len;
	int fd = dial();

	t->id = 0x1234;
	assert_int_equal(tsig_key_set(&t->key, NAMED_KEY, NAMED_SECRET), 0);
	dns_out_head(&o, &(struct dns_head){.id = t->id, .count = {1}});
	dns_out_name(&o, "member.example.com");
	dns_out16(&o, ns_t_a);
	dns_out16(&o, ns_c_in);
	assert_int_equal(tsig_sign(&o, &t->key, now_s, t->mac), 0);
	len = htobe16((uint16_t)o.len);
	assert_int_equal(send(fd, &len, sizeof(len), MSG_NOSIGNAL), sizeof(len));
	assert_int_equal(send(fd, o.buf, o.len, MSG_NOSIGNAL), o.len);
	assert_int_equal(recv(fd, &len, sizeof(len), MSG_WAITALL), sizeof(len));
	t->len = be16toh(len);
	assert_int_equal(recv(fd, t->answer, t->len, MSG_WAITALL), t->len);
	close(fd);
}

static enum tsig_verdict look(const struct talk *t, const uint8_t *msg, size_t len, uint64_t now_s,
			      struct tsig_seen *seen)
{
	/* A copy of its own, so that reading past its end is found. */
	uint8_t *copy = malloc(len ? len : 1);
	enum tsig_verdict v;

	assert_non_null(copy);
	memcpy(copy, msg, len);
	v = tsig_verify(copy, len, &t->key, t->id, t->mac, now_s, seen);
	free(copy);
	return v;
}

static void an_altered_answer_is_not_accepted(void **state)
{
	static const uint8_t flips[] = {0x01, 0x80, 0x10};
	uint64_t now_s = (uint64_t)time(NULL);
	static struct talk t, u;
	struct tsig_seen seen;

	(void)state;
	ask_bind(&t, now_s);
	assert_int_equal(look(&t, t.answer, t.len, now_s, &seen), TSIG_GOOD);
	assert_int_equal(seen.error, 0);
	/* Its id is compared by the caller: the signature has that of the question. */
	for (size_t i = 2; i < t.len; i++)
		for (size_t f = 0; f < sizeof(flips); f++) {
			t.answer[i] ^= flips[f];
			if (look(&t, t.answer, t.len, now_s, &seen) == TSIG_GOOD)
				fail_msg("byte %zu of %zu, bit 0x%02x", i, t.len, flips[f]);
			t.answer[i] ^= flips[f];
		}
	for (size_t len = 0; len < t.len; len++)
		assert_int_not_equal(look(&t, t.answer, len, now_s, &seen), TSIG_GOOD);
	/* An earlier answer to the same question, and one that was kept for long. */
	ask_bind(&u, now_s + 1);
	memcpy(t.mac, u.mac, sizeof(t.mac));
	assert_int_equal(look(&t, t.answer, t.len, now_s, &seen), TSIG_BAD);
	assert_int_equal(look(&u, u.answer, u.len, now_s + 1000, &seen), TSIG_OLD);
}

static void a_wrong_clock_is_named(void **state)
{
	uint64_t now_s = (uint64_t)time(NULL);
	static struct talk t;
	struct tsig_seen seen;

	(void)state;
	ask_bind(&t, now_s - 1000);
	assert_int_equal(look(&t, t.answer, t.len, now_s - 1000, &seen), TSIG_GOOD);
	assert_string_equal(dns_rcode_name(seen.error), "BADTIME");
	assert_in_range(seen.server_s, now_s, now_s + 100);
}

/*
 * The clock of this program and of its jobs, which is off by so many seconds. It stands in for the
 * function of the C library. A job gets few variables; it does not need this one here.
 */
#define CLOCK_OFF "CREDENTIALS_DIRECTORY"

time_t time(time_t *out)
{
	const char *off = getenv(CLOCK_OFF);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += off ? strtol(off, NULL, 10) : 0;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* Both clocks are read in whole seconds, one after the other: a second more or less. */
static void a_job_with_a_wrong_clock_says_how_wrong(void **state)
{
	static const struct {
		const char *off, *says;
	} clocks[] = {{"-100050", "BADTIME: its clock is 1000"},
		      {"-100000", " s ahead of this node's"},
		      {"100000", "BADTIME: its clock is "},
		      {"100000", " s behind this node's"}};
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		assert_int_equal(setenv(CLOCK_OFF, clocks[i].off, 1), 0);
		named_request(&rig, DNS_OP_WRITE, "kept", ADDR_B, &req);
		run(&req, &r);
		unsetenv(CLOCK_OFF);
		expect("a wrong clock", &r, DNS_FAILED, clocks[i].says);
	}
}

/* ---- a host that is no name server ---- */

enum hostile {
	SILENT,
	CLOSES,
	SHORT,
	HALF,
	NOISE,
	ECHOES,
	UNSIGNED,
	UNSIGNED_REFUSED,
	WRONG_ID,
	COUNTS,
	LOOPS,
	HOSTILE_KINDS
};

static const char *const hostile_says[HOSTILE_KINDS] = {
	[SILENT] = "timed out",       [CLOSES] = "closed the connection",
	[SHORT] = "no DNS message",   [HALF] = "closed the connection",
	[NOISE] = "no answer",        [ECHOES] = "no answer",
	[UNSIGNED] = "is not signed", [UNSIGNED_REFUSED] = "REFUSED, unsigned",
	[WRONG_ID] = "no answer",     [COUNTS] = "damaged",
	[LOOPS] = "damaged",
};

/* Makes the answer of what was asked, in place. The length that is sent before it. */
static size_t spoil(enum hostile how, uint8_t *msg, size_t *len)
{
	msg[2] |= how == ECHOES ? 0 : 0x80;
	switch (how) {
	case SHORT:
		*len = 5;
		break;
	case HALF:
		return 60000;
	case NOISE:
		memset(msg, 0x5a, *len);
		break;
	case UNSIGNED_REFUSED:
		msg[3] |= ns_r_refused;
		/* fallthrough */
	case UNSIGNED:
		msg[11] = 0;
		/* The question alone: 12 bytes, the name "example.com" or more, type and class. */
		*len = NS_HFIXEDSZ + strlen((const char *)msg + NS_HFIXEDSZ) + 1 + 4;
		break;
	case WRONG_ID:
		msg[0] ^= 1;
		break;
	case COUNTS:
		memset(msg + 4, 0xff, 8);
		break;
	case LOOPS:
		msg[12] = 0xc0;
		msg[13] = 12;
		break;
	default:
		break;
	}
	return *len;
}

static void serve_badly(int listener, enum hostile how)
{
	uint8_t msg[2048];
	size_t len, framed;
	uint16_t be;
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || recv(fd, &be, sizeof(be), MSG_WAITALL) != sizeof(be))
		_exit(1);
	len = be16toh(be);
	if (len > sizeof(msg) || recv(fd, msg, len, MSG_WAITALL) != (ssize_t)len || how == CLOSES)
		_exit(0);
	if (how == SILENT) {
		(void)recv(fd, msg, 1, 0);
		_exit(0);
	}
	framed = spoil(how, msg, &len);
	be = htobe16((uint16_t)framed);
	if (send(fd, &be, sizeof(be), MSG_NOSIGNAL) < 0 || send(fd, msg, len, MSG_NOSIGNAL) < 0)
		_exit(1);
	_exit(0);
}

static void a_hostile_answer_is_not_believed(void **state)
{
	const struct sockaddr_in at = {.sin_family = AF_INET,
				       .sin_port = htons(HOSTILE_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 4), 0);
	for (enum hostile how = SILENT; how < HOSTILE_KINDS; how++) {
		pid_t pid = fork();

		if (pid == 0)
			serve_badly(listener, how);
		named_request(&rig, DNS_OP_WRITE, "kept", ADDR_B, &req);
		snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://127.0.0.1:%d",
			 HOSTILE_PORT);
		if (how == SILENT)
			req.conf.timeout_ns = 300 * NS_PER_MS;
		run(&req, &r);
		expect("a hostile answer", &r, how == UNSIGNED_REFUSED ? DNS_DENIED : DNS_FAILED,
		       hostile_says[how]);
		waitpid(pid, NULL, 0);
	}
	close(listener);
	run(&req, &r);
	expect("nobody listens", &r, DNS_FAILED, "Connection refused");
}

static void an_endpoint_of_another_family_is_asked(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	named_request(&rig, DNS_OP_PLAN, "kept", ADDR_B, &req);
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://[::1]:%d", NAMED_PORT);
	run(&req, &r);
	expect("IPv6", &r, DNS_SAME, "is replaced by");
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint), "dns://127.0.0.1");
	run(&req, &r);
	expect("port 53", &r, DNS_SAME, "is replaced by");
}

static int start(void **state)
{
	(void)state;
	return named_start(&rig, RECORDS) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_touches_nothing_else),
		cmocka_unit_test(a_key_that_is_not_right_changes_nothing),
		cmocka_unit_test(a_change_by_another_writer_is_not_overwritten),
		cmocka_unit_test(an_altered_answer_is_not_accepted),
		cmocka_unit_test(a_wrong_clock_is_named),
		cmocka_unit_test(a_job_with_a_wrong_clock_says_how_wrong),
		cmocka_unit_test(a_hostile_answer_is_not_believed),
		cmocka_unit_test(an_endpoint_of_another_family_is_asked),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return dns_job_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
