/* SPDX-License-Identifier: GPL-2.0-only */
/* The section passive: what it says, what follows when it says less, and how it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"

#define MS(n) ((n)*NS_PER_MS)
#define S(n)  ((n)*NS_PER_S)

#define HEAD                                         \
	"secret = \"a secret of many characters\"\n" \
	"node a { address = 10.0.0.1 } node b { address = 10.0.0.2 }\n"

/* Loads HEAD and `rest`; *errors, to be freed, is what was complained of. NULL: refused. */
static struct conf *load(const char *rest, char **errors)
{
	char name[] = "/tmp/hokm-conf-XXXXXX";
	int fd = mkstemp(name);
	struct conf *c = NULL;
	size_t size;
	FILE *out = open_memstream(errors, &size);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	assert_non_null(out);
	assert_non_null(f);
	assert_true(fprintf(f, "%s%s\n", HEAD, rest) > 0);
	assert_int_equal(fclose(f), 0);
	conf_load(name, false, out, &c);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(unlink(name), 0);
	return c;
}

static struct conf *good(const char *rest)
{
	char *errors;
	struct conf *c = load(rest, &errors);

	if (!c)
		print_error("%s", errors);
	assert_non_null(c);
	free(errors);
	return c;
}

static void defaults(void **state)
{
	struct conf *c = good("");
	const struct observe_conf *o = &c->observe;

	(void)state;
	assert_true(o->on);
	assert_int_equal(o->sample_ns, MS(100));
	assert_int_equal(o->window_ns, S(2));
	assert_int_equal(o->hold_ns, S(3));
	assert_int_equal(o->hold_max_ns, S(60));
	assert_int_equal(o->calm_ns, S(60));
	assert_int_equal(o->timeout_ns, S(1));
	assert_int_equal(o->limit[HOKM_SIGNAL_REFUSED].min, 1);
	assert_int_equal(o->limit[HOKM_SIGNAL_RESET].min, 5);
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].after_ns, MS(500));
	assert_int_equal(o->limit[HOKM_SIGNAL_PING].after_ns, S(2));
	assert_int_equal(c->idle_ns, S(7200));
	for (int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		assert_true(o->limit[i].on);
		assert_int_equal(o->limit[i].percent, 50);
	}
	conf_free(c);
}

static void defaults_of_fast(void **state)
{
	struct conf *c = good("profile = fast");
	const struct observe_conf *o = &c->observe;

	(void)state;
	assert_int_equal(o->sample_ns, MS(20));
	assert_int_equal(o->window_ns, MS(500));
	assert_int_equal(o->hold_ns, S(1));
	assert_int_equal(o->hold_max_ns, S(30));
	assert_int_equal(o->timeout_ns, MS(250));
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].after_ns, MS(150));
	assert_int_equal(o->limit[HOKM_SIGNAL_PING].after_ns, MS(500));
	conf_free(c);
}

static void every_key(void **state)
{
	struct conf *c =
		good("idle_timeout = 5m passive { enabled = yes suspect = 2s suspect_max = "
		     "9s calm = 8s sample = 50ms window = 1s timeout = 700ms "
		     "signal upgrade { after = 300ms min = 4 percent = 60 } "
		     "signal close { enabled = no } signal status { min = 9 } }");
	const struct observe_conf *o = &c->observe;

	(void)state;
	assert_int_equal(c->idle_ns, S(300));
	assert_true(o->on);
	assert_int_equal(o->hold_ns, S(2));
	assert_int_equal(o->hold_max_ns, S(9));
	assert_int_equal(o->calm_ns, S(8));
	assert_int_equal(o->sample_ns, MS(50));
	assert_int_equal(o->window_ns, S(1));
	assert_int_equal(o->timeout_ns, MS(700));
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].after_ns, MS(300));
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].min, 4);
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].percent, 60);
	assert_false(o->limit[HOKM_SIGNAL_CLOSE].on);
	assert_int_equal(o->limit[HOKM_SIGNAL_STATUS].min, 9);
	assert_int_equal(o->limit[HOKM_SIGNAL_STATUS].percent, 50);
	conf_free(c);
}

/* What the file leaves out fits what it says. */
static void times_follow(void **state)
{
	struct conf *c = good("passive { sample = 1s suspect = 2m }");
	const struct observe_conf *o = &c->observe;

	(void)state;
	assert_int_equal(o->window_ns, S(2));
	assert_int_equal(o->limit[HOKM_SIGNAL_UPGRADE].after_ns, S(2));
	assert_int_equal(o->hold_max_ns, S(120));
	conf_free(c);
	c = good("passive { sample = 10ms }");
	assert_int_equal(c->observe.window_ns, MS(10) * (OBSERVE_SAMPLES_MAX - 1));
	assert_int_equal(c->observe.limit[HOKM_SIGNAL_PING].after_ns,
			 MS(10) * (OBSERVE_SAMPLES_MAX - 1));
	conf_free(c);
}

static void off(void **state)
{
	struct conf *c = good("passive { enabled = no }");

	(void)state;
	assert_false(c->observe.on);
	assert_int_equal(c->observe.hold_ns, S(3));
	conf_free(c);
	c = good("passive { suspect = 0s }");
	assert_false(c->observe.on);
	conf_free(c);
}

static const struct {
	const char *text, *complaint;
} bad[] = {
	{"passive { enabled = perhaps }", "passive.enabled = \"perhaps\": "},
	{"passive { suspect = 6m }", "passive.suspect = \"6m\": from 0s to 300s"},
	{"passive { suspect = 5s suspect_max = 4s }",
	 "passive.suspect_max = \"4s\": at least passive.suspect, that is 5s"},
	{"passive { sample = 9ms }", "passive.sample = \"9ms\": from 10ms to 1s"},
	{"passive { sample = 2s }", "passive.sample = \"2s\": from 10ms to 1s"},
	{"passive { window = 150ms }",
	 "passive.window = \"150ms\": at least 2 times passive.sample, that is 200ms"},
	{"passive { window = 13s }", "passive.window = \"13s\": at most 127 times passive.sample"},
	{"passive { timeout = 0s }", "passive.timeout = \"0s\": from "},
	{"passive { signal pong { } }", "signal \"pong\": one of: refused, syn, upgrade, status, "},
	{"passive { signal ping { } signal ping { } }", "\"ping\" is there already"},
	{"passive { signal ping { min = 0 } }", "min = \"0\": a whole number"},
	{"passive { signal ping { percent = 101 } }", "percent = \"101\": a whole number"},
	{"passive { signal ping { after = 10ms } }", "after = \"10ms\": at least 2 times"},
	{"passive { signal reset { after = 1s } }",
	 "after = \"1s\": only for the signals upgrade and ping"},
	{"passive { signal ping { never = 1 } }", "there is no such key here"},
	{"idle_timeout = 59s", "idle_timeout = \"59s\": from 60s to "},
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *errors;
		struct conf *c = load(bad[i].text, &errors);

		if (c || !strstr(errors, bad[i].complaint))
			print_error("%s: %s\n", bad[i].text, errors);
		assert_null(c);
		assert_non_null(strstr(errors, ":3: "));
		assert_non_null(strstr(errors, bad[i].complaint));
		free(errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),  cmocka_unit_test(defaults_of_fast),
		cmocka_unit_test(every_key), cmocka_unit_test(times_follow),
		cmocka_unit_test(off),       cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests_name("conf_passive", tests, NULL, NULL);
}
