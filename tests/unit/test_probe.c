/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `hokm-xdp probe`: URLs that are checks and URLs that are refused with their cause, what it prints
 * of a server that answers and of one that does not, and its exit codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../stub/stub.h"
#include "probe/probe_run.h"

static void urls(void **state)
{
	static const struct {
		const char *url, *shown; /* NULL: the same */
		enum conf_check_kind kind;
		bool tls;
		uint16_t port;
	} rows[] = {
		{"ws://192.168.1.25:8765/play", NULL, CHECK_WEBSOCKET, false, 8765},
		{"ws://192.168.1.25", "ws://192.168.1.25:80/", CHECK_WEBSOCKET, false, 80},
		{"wss://10.0.0.1/", "wss://10.0.0.1:443/", CHECK_WEBSOCKET, true, 443},
		{"http://10.0.0.1:8765/health?a=b", NULL, CHECK_HTTP, false, 8765},
		{"https://10.0.0.1:1/", NULL, CHECK_HTTP, true, 1},
		{"tcp://10.0.0.1:65535", NULL, CHECK_TCP, false, 65535},
		{"tls://10.0.0.1/", "tls://10.0.0.1:443", CHECK_TCP, true, 443},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_check c;
		char text[PROBE_URL_MAX];

		assert_null(probe_url_parse(rows[i].url, &c));
		assert_int_equal(c.kind, rows[i].kind);
		assert_int_equal(c.tls, rows[i].tls);
		assert_int_equal(c.port, rows[i].port);
		assert_string_equal(probe_url_text(&c, text, sizeof(text)),
				    rows[i].shown ? rows[i].shown : rows[i].url);
	}
}

static void urls_that_are_none(void **state)
{
	static const struct {
		const char *url, *says;
	} rows[] = {
		{"", "begins with"},
		{"192.168.1.25:8765", "begins with"},
		{"ftp://10.0.0.1/", "begins with"},
		{"ws://game.example/", "no name is looked up"},
		{"ws://[::1]:1/", "no name is looked up"},
		{"ws://user@10.0.0.1/", "no name is looked up"},
		{"ws://10.0.0.1:0/", "from 1 to 65535"},
		{"ws://10.0.0.1:65536/", "from 1 to 65535"},
		{"ws://10.0.0.1:/", "from 1 to 65535"},
		{"ws://10.0.0.1:99999999999999999999/", "from 1 to 65535"},
		{"tcp://10.0.0.1", "port is missing"},
		{"tcp://10.0.0.1:1/x", "no path"},
		{"ws://10.0.0.1/a b", "blanks"},
		{"ws://10.0.0.1/a\r\nX-A: b", "blanks"},
		{"ws://1111111111111111111111111111111111111111111111111111111111111111/", "long"},
	};
	struct conf_check c;
	char url[CONF_PATH_MAX + 32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = probe_url_parse(rows[i].url, &c);

		if (!why || !strstr(why, rows[i].says))
			fail_msg("%s: %s", rows[i].url, why ? why : "was taken");
	}
	snprintf(url, sizeof(url), "ws://10.0.0.1/%0*d", CONF_PATH_MAX, 0);
	assert_string_equal(probe_url_parse(url, &c), "the path is too long");
}

#define WORDS_MAX 8

/* Runs the command. `all` gets what it printed on both outputs. */
static int run(char *all, size_t size, const char *url, const char *const *more)
{
	FILE *f;
	char copy[WORDS_MAX][128] = {"probe"};
	char *argv[WORDS_MAX + 1] = {copy[0]};
	int argc = 1, code;

	all[0] = '\0';
	f = fmemopen(all, size, "w");
	assert_non_null(f);
	for (; more && *more; more++, argc++)
		snprintf(argv[argc] = copy[argc], sizeof(copy[argc]), "%s", *more);
	if (url)
		snprintf(argv[argc] = copy[argc], sizeof(copy[argc]), "%s", url);
	code = probe_run(argc + (url != NULL), argv, f, f);
	fclose(f);
	return code;
}

static void expect_text(const char *all, const char *const *texts)
{
	for (; *texts; texts++)
		if (!strstr(all, *texts))
			fail_msg("`%s` is not in: %s", *texts, all);
}

static void a_server_that_answers(void **state)
{
	const struct stub *s = *state;
	char all[4096], url[64];

	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws/ok", s->port);
	assert_int_equal(run(all, sizeof(all), url, NULL), PROBE_HEALTHY);
	expect_text(all, (const char *const[]){"healthy  ws://127.0.0.1:", "101, ping answered",
					       "\n  connect ", "\n  upgrade ", "\n  ping ",
					       "\n  close ", NULL});
	assert_null(strstr(all, "not done"));
	assert_null(strstr(all, "tls"));
	assert_int_equal(run(all, sizeof(all), url, (const char *const[]){"-q", NULL}),
			 PROBE_HEALTHY);
	assert_string_equal(all, "");

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/ok", s->tls_port);
	assert_int_equal(run(all, sizeof(all), url, (const char *const[]){"--json", NULL}),
			 PROBE_HEALTHY);
	expect_text(all, (const char *const[]){"\"healthy\": true", "\"name\": \"tls\"",
					       "\"reason\": \"check-ok\"", NULL});
}

static void a_server_that_does_not(void **state)
{
	const struct stub *s = *state;
	char all[4096], url[64];

	snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws/no-pong", s->port);
	assert_int_equal(run(all, sizeof(all), url, (const char *const[]){"-t300ms", NULL}),
			 PROBE_NOT_HEALTHY);
	expect_text(all, (const char *const[]){"NOT HEALTHY", "check-pong: no pong",
					       "\n  ping     not done", NULL});
	/* For cron: the reason, in one line. */
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/status/503", s->port);
	assert_int_equal(run(all, sizeof(all), url, (const char *const[]){"--quiet", NULL}),
			 PROBE_NOT_HEALTHY);
	expect_text(all, (const char *const[]){"check-status: GET /status/503: status 503", NULL});
	assert_ptr_equal(strchr(all, '\n'), all + strlen(all) - 1);
	assert_int_equal(run(all, sizeof(all), url, (const char *const[]){"--status=503", NULL}),
			 PROBE_HEALTHY);
}

static void command_lines_that_are_wrong(void **state)
{
	static const char *const lines[][4] = {
		{"--bad", NULL},
		{"-x", NULL},
		{"-t", NULL},
		{"-t", "0s", NULL},
		{"-t", "61s", NULL},
		{"--status", "99", NULL},
		{"--json=1", NULL},
		{"ws://10.0.0.1/", "ws://10.0.0.2/", NULL},
		{"ws://name/", NULL},
		{"-c", "/no/such/file", NULL},
		{"--service", "game", "ws://10.0.0.1/", NULL},
	};
	char all[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(run(all, sizeof(all), NULL, lines[i]), PROBE_USAGE);
		expect_text(all, (const char *const[]){"hokm-xdp probe: ", NULL});
	}
	assert_int_equal(run(all, sizeof(all), NULL, (const char *const[]){"-h", NULL}), 0);
	expect_text(all, (const char *const[]){"usage: hokm-xdp probe", "--timeout TIME",
					       "not healthy", NULL});
}

static struct stub stub;

static int start(void **state)
{
	*state = &stub;
	return stub_start(&stub) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	stub_stop(&stub);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls),
		cmocka_unit_test(urls_that_are_none),
		cmocka_unit_test(a_server_that_answers),
		cmocka_unit_test(a_server_that_does_not),
		cmocka_unit_test(command_lines_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
