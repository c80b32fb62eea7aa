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

#include "conf/conf.h"

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

/* What both profiles have, and the two times that they do not share. */
static void default_limits(const struct observe_conf *o, uint64_t upgrade_ns, uint64_t ping_ns)
{
	static const unsigned int min[HOKM_SIGNAL_COUNT] = {
		[HOKM_SIGNAL_REFUSED] = 1,  [HOKM_SIGNAL_SYN] = 3,   [HOKM_SIGNAL_UPGRADE] = 3,
		[HOKM_SIGNAL_STATUS] = 3,   [HOKM_SIGNAL_PING] = 3,  [HOKM_SIGNAL_RESET] = 5,
		[HOKM_SIGNAL_ABNORMAL] = 5, [HOKM_SIGNAL_CLOSE] = 3, [HOKM_SIGNAL_UNSERVED] = 1,
	};

	for (int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		uint64_t after_ns = i == HOKM_SIGNAL_UPGRADE ? upgrade_ns
				    : i == HOKM_SIGNAL_PING  ? ping_ns
							     : 0;

		assert_true(o->limit[i].on);
		assert_int_equal(o->limit[i].min, min[i]);
		assert_int_equal(o->limit[i].percent, i == HOKM_SIGNAL_UNSERVED ? 1 : 50);
		assert_int_equal(o->limit[i].after_ns, after_ns);
	}
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
	assert_int_equal(c->idle_ns, S(7200));
	default_limits(o, MS(500), S(2));
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
	assert_true(o->on);
	assert_int_equal(o->calm_ns, S(30));
	assert_int_equal(o->timeout_ns, MS(250));
	assert_int_equal(c->idle_ns, S(7200));
	default_limits(o, MS(150), MS(500));
	conf_free(c);
}

static void every_key(void **state)
{
	struct conf *c = good(
		"idle_timeout = 5m\n"
		"passive { enabled = yes suspect = 2s suspect_max = 9s calm = 8s sample = 50ms\n"
		"window = 1s timeout = 700ms\n"
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
	{"passive { signal pong { } }", ":3: passive.signal \"pong\": one of: refused, syn, "
					"upgrade, status, ping, reset, abnormal, "
					"close, unserved"},
	{"passive { signal ping { } signal ping { } }", "\"ping\" is there already"},
	{"passive { signal ping { min = 0 } }", "min = \"0\": a whole number"},
	{"passive { signal ping { percent = 101 } }", "percent = \"101\": a whole number"},
	{"passive { signal ping { after = 10ms } }", "after = \"10ms\": from 20ms to 30s"},
	{"passive { signal reset { after = 1s } }",
	 "after = \"1s\": only for the signals upgrade and ping"},
	{"passive { signal ping { never = 1 } }",
	 ":3: passive.signal ping.never: there is no such"},
	{"passive { signal { } }", ":3: passive.signal: no name"},
	{"passive { enabled = yes suspect = 0s }",
	 "passive.suspect = \"0s\": no service would become suspect: "
	 "give it a time, or set passive.enabled = no"},
	{"passive { suspect = 3s suspect = 4s }", "passive.suspect = \"4s\": given twice"},
	{"passive { suspect_max = 2s }", "\"2s\": at least passive.suspect, that is 3s"},
	{"passive { sample = 1s signal upgrade { after = 31s } }",
	 "passive.signal upgrade.after = \"31s\": from 20ms to 30s"},
	{"passive { signal upgrade { after = 12701ms } }",
	 "after = \"12701ms\": at most 127 times passive.sample, that is 12700ms"},
	{"passive { sample = 10ms window = 1271ms }", "that is 1270ms"},
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

/*
 * Each key with each wrong value: refused with the key, the value and words for what would be
 * right, by every signal alike.
 */
static void wrong_values(void **state)
{
	static const char *const values[] = {
		"\"\"",    "-1",  "0x10",  "1e3", "1.5",       "99999999999999999999",
		"nothing", "1h",  "3 s",   "+1s", "-5s",       "99999999999999999999s",
		"\"1s \"", "1ks", "0.5ns", "50%", "\"a\\nb\"",
	};
	static const char *const keys[] = {
		"suspect",        "suspect_max",  "calm",           "sample",
		"window",         "timeout",      "enabled",        "signal min",
		"signal percent", "signal after", "signal enabled",
	};
	char text[160], key[64], shown[64], *errors;

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
			bool inner = !strncmp(keys[k], "signal ", 7);
			const char *name = inner ? keys[k] + 7 : keys[k];
			const char *value = values[v];
			bool quoted = value[0] == '"';

			snprintf(text, sizeof(text), "passive { %s%s = %s%s%s %s }",
				 inner ? "signal ping { " : "", name, quoted ? "" : "\"", value,
				 quoted ? "" : "\"", inner ? "}" : "");
			snprintf(key, sizeof(key), ":3: passive.%s%s = \"",
				 inner ? "signal ping." : "", name);
			snprintf(shown, sizeof(shown), "\": %s",
				 strstr(name, "enabled") ? "true or false" : "");
			if (load(text, &errors) || !strstr(errors, key) || !strstr(errors, shown))
				fail_msg("%s: %s", text, errors);
			free(errors);
		}
}

/* Every signal takes the three keys that all have. */
static void every_signal(void **state)
{
	char text[160];

	(void)state;
	for (unsigned int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		struct conf *c;

		snprintf(text, sizeof(text),
			 "passive { signal %s { min = 100000 percent = 7 enabled = no } }",
			 hokm_signal_name(i));
		c = good(text);
		for (unsigned int k = 0; k < HOKM_SIGNAL_COUNT; k++) {
			assert_int_equal(c->observe.limit[k].on, k != i);
			assert_int_equal(c->observe.limit[k].min == 100000, k == i);
			assert_int_equal(c->observe.limit[k].percent == 7, k == i);
		}
		conf_free(c);
	}
}

/* The bounds themselves are right. */
static void edges(void **state)
{
	struct conf *c = good("idle_timeout = 43200m passive { sample = 1s window = 127s\n"
			      "signal ping { after = 30s } signal upgrade { after = 2s } }");

	(void)state;
	assert_int_equal(c->idle_ns, S(30 * 86400));
	assert_int_equal(c->observe.window_ns, S(127));
	assert_int_equal(c->observe.limit[HOKM_SIGNAL_PING].after_ns, S(30));
	conf_free(c);
	c = good("idle_timeout = 60s\n"
		 "passive { sample = 10ms window = 20ms suspect = 5m suspect_max = 5m\n"
		 "calm = 0s timeout = 10ms signal ping { after = 1270ms } }");
	assert_int_equal(c->idle_ns, S(60));
	assert_int_equal(c->observe.hold_max_ns, S(300));
	conf_free(c);
}

static void same_settings(const struct observe_conf *a, const struct observe_conf *b)
{
	assert_int_equal(a->on, b->on);
	assert_int_equal(a->sample_ns, b->sample_ns);
	assert_int_equal(a->window_ns, b->window_ns);
	assert_int_equal(a->hold_ns, b->hold_ns);
	assert_int_equal(a->hold_max_ns, b->hold_max_ns);
	assert_int_equal(a->calm_ns, b->calm_ns);
	assert_int_equal(a->timeout_ns, b->timeout_ns);
	for (int i = 0; i < HOKM_SIGNAL_COUNT; i++) {
		assert_int_equal(a->limit[i].on, b->limit[i].on);
		assert_int_equal(a->limit[i].min, b->limit[i].min);
		assert_int_equal(a->limit[i].percent, b->limit[i].percent);
		assert_int_equal(a->limit[i].after_ns, b->limit[i].after_ns);
	}
}

/* Every default that is a comment in the installed file can be used as it is written there. */
static void installed_file(void **state)
{
	FILE *f = fopen("tools/packaging/hokm-xdp.conf", "r");
	char line[256], *text, *errors;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct conf *c, *plain = good("");
	bool in_node = false;

	(void)state;
	assert_non_null(f);
	assert_non_null(out);
	/* "# Words" stay a comment; the sample's own secret and nodes make way for HEAD's. */
	while (fgets(line, sizeof(line), f)) {
		in_node = in_node || !strncmp(line, "node", 4);
		if (!in_node && strncmp(line, "secret", 6))
			fputs(line + (line[0] == '#' && line[1] != ' '), out);
		in_node = in_node && !strchr(line, '}');
	}
	fclose(f);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\nidle_timeout = "));
	c = load(text, &errors);
	if (!c)
		fail_msg("%s", errors);
	/* And they are the defaults. */
	assert_int_equal(c->idle_ns, plain->idle_ns);
	same_settings(&c->observe, &plain->observe);
	conf_free(c);
	conf_free(plain);
	free(errors);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),     cmocka_unit_test(defaults_of_fast),
		cmocka_unit_test(every_key),    cmocka_unit_test(times_follow),
		cmocka_unit_test(off),          cmocka_unit_test(refused),
		cmocka_unit_test(wrong_values), cmocka_unit_test(every_signal),
		cmocka_unit_test(edges),        cmocka_unit_test(installed_file),
	};

	return cmocka_run_group_tests_name("conf_passive", tests, NULL, NULL);
}
