/* SPDX-License-Identifier: GPL-2.0-only */
/* Secrets that are taken out of texts: each value of a configuration, in each form it may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/scrub.h"

static struct conf *conf_with(const char *secret)
{
	struct conf *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->n_secrets = 1;
	c->secrets[0].len = strlen(secret);
	memcpy(c->secrets[0].text, secret, strlen(secret));
	return c;
}

static void scrubbed(const struct conf *c, const char *text, const char *expected)
{
	struct scrub *s = scrub_open(c);
	char *copy = strdup(text);

	assert_non_null(s);
	assert_non_null(copy);
	scrub_text(s, copy, strlen(copy));
	assert_string_equal(copy, expected);
	free(copy);
	scrub_close(s);
}

#define TEXT(field, text) snprintf(field, sizeof(field), "%s", text)

static void every_secret_is_marked(void **state)
{
	struct conf *c = conf_with("long-secret-0123456789");

	(void)state;
	c->n_secrets = 2;
	TEXT(c->secrets[1].text, "old-secret");
	TEXT(c->vrrp_password[0], "pass1234");
	c->n_services = c->services[0].n_checks = 1;
	TEXT(c->services[0].checks[0].header, "Authorization: Bearer xyz9");
	TEXT(c->services[0].checks[0].path, "/health?token=abc");
	c->n_notify = 2;
	TEXT(c->notify[0].credential, "smtp-password");
	TEXT(c->notify[0].endpoint, "smtps://mail.test:465");
	c->notify[1].type = NOTIFY_SLACK;
	TEXT(c->notify[1].endpoint, "https://hook.test/T1/B2");

	scrubbed(c, "a long-secret-0123456789, old-secret\nold-secretold-secret",
		 "a ######################, ##########\n####################");
	scrubbed(c, "pass1234 smtp-password", "######## #############");
	scrubbed(c, "Authorization: Bearer xyz9 at /health?token=abc",
		 "Authorization: ########### at /health?#########");
	scrubbed(c, "smtps://mail.test:465 https://hook.test/T1/B2",
		 "smtps://mail.test:465 #######################");
	free(c);
}

static void arguments_of_a_command_are_marked(void **state)
{
	struct conf *c = conf_with("long-secret-0123456789");

	(void)state;
	c->n_services = c->services[0].n_checks = 1;
	c->services[0].checks[0].kind = CHECK_EXEC;
	TEXT(c->services[0].checks[0].path, "/opt/check -p hunter22");
	scrubbed(c, "command: /opt/check -p hunter22", "command: /opt/check ###########");
	free(c);
}

static void a_secret_in_json_is_marked(void **state)
{
	struct conf *c = conf_with("with \"quotes\" and \\");

	(void)state;
	scrubbed(c, "{\"a\": \"with \\\"quotes\\\" and \\\\\"}",
		 "{\"a\": \"######################\"}");
	scrubbed(c, "with \"quotes\" and \\.", "###################.");
	free(c);
}

/* A password that a longer secret contains, a value that begins another one. */
static void a_part_of_a_secret_does_not_save_the_rest(void **state)
{
	struct conf *c = conf_with("prefix-and-more-0123456789");

	(void)state;
	c->n_secrets = 2;
	TEXT(c->secrets[1].text, "prefix-and-more");
	TEXT(c->vrrp_password[0], "more");
	scrubbed(c, "prefix-and-more-0123456789 more", "########################## ####");
	free(c);
}

/* As the journal shows a command that the file has with quotes. */
static void arguments_are_marked_one_by_one(void **state)
{
	struct conf *c = conf_with("long-secret-0123456789");

	(void)state;
	c->n_services = c->services[0].n_checks = 1;
	c->services[0].checks[0].kind = CHECK_EXEC;
	TEXT(c->services[0].checks[0].path, "/opt/check --token 'X Y 99'");
	TEXT(c->services[0].checks[0].header, "Authorization: Bearer xyz987");
	scrubbed(c, "/opt/check --token X Y 99, xyz987", "/opt/check ####### ######, ######");
	free(c);
}

/* It would mark parts of ordinary words. */
static void a_short_value_is_left(void **state)
{
	struct conf *c = conf_with("long-secret-0123456789");

	(void)state;
	TEXT(c->vrrp_password[0], "abc");
	scrubbed(c, "abcdef", "abcdef");
	free(c);
}

static void without_a_configuration_nothing_is_marked(void **state)
{
	(void)state;
	scrubbed(NULL, "any text", "any text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_secret_is_marked),
		cmocka_unit_test(arguments_of_a_command_are_marked),
		cmocka_unit_test(a_secret_in_json_is_marked),
		cmocka_unit_test(a_part_of_a_secret_does_not_save_the_rest),
		cmocka_unit_test(arguments_are_marked_one_by_one),
		cmocka_unit_test(a_short_value_is_left),
		cmocka_unit_test(without_a_configuration_nothing_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
