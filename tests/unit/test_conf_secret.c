/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the secret is kept: who may use its file, which secrets are none, what the password in
 * adverts tells of it, and that genkey makes good ones. The tests run in the project's root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/genkey.h"
#include "conf_rig.h"
#include "daemon/configure.h"

#define NODES "node a { address = 10.0.0.1 } node b { address = 10.0.0.2 }\n"
#define HEAD  "secret = 0123456789abcdef " NODES

/* ------------------------------------------------------------------------------ who may use it */
struct row {
	mode_t mode;
	uid_t uid;
	const char *words; /* NULL: accepted */
};

static const struct row rows[] = {
	{0600, 0, NULL},
	{0400, 0, NULL},
	{0640, 0, NULL}, /* a group that the operator chose */
	{0644, 0, "others may use this file: run chmod o= /tmp/"},
	{0604, 0, "others may use this file: run chmod o= /tmp/"},
	{0602, 0, "others may use this file: run chmod o= /tmp/"},
	{0601, 0, "others may use this file: run chmod o= /tmp/"},
	{0600, 65534,
	 "this file belongs to user 65534, who may read and replace the secret: "
	 "run chown root /tmp/"},
};

static void put_file(char *path, const char *text, mode_t mode, uid_t uid)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(fchown(fd, uid, (gid_t)-1), 0);
	close(fd);
}

/* What is said of a file; NULL: it is accepted. The caller frees it. */
static char *errors_of(const char *path)
{
	struct conf *c;
	char *errors;
	size_t size;
	FILE *f = open_memstream(&errors, &size);

	assert_non_null(f);
	conf_load(path, false, f, &c);
	assert_int_equal(fclose(f), 0);
	if (c) {
		free(errors);
		errors = NULL;
	}
	conf_free(c);
	return errors;
}

static void judge(const struct row *r, const char *path, const char *key)
{
	char *errors = errors_of(path);

	if (!r->words && errors)
		fail_msg("mode %o of user %u must be accepted: %s", r->mode, r->uid, errors);
	if (r->words && (!errors || !strstr(errors, r->words) || !strstr(errors, key)))
		fail_msg("mode %o of user %u must be refused with: %s %s\n%s", r->mode, r->uid, key,
			 r->words, errors ? errors : "(accepted)");
	free(errors);
}

/* Another user of the machine reads the secret, and is a peer from then on. */
static void file_with_a_secret_is_read_by_no_other(void **state)
{
	(void)state;
	if (geteuid())
		skip(); /* only root can give files away, and read those of others */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char conf[] = "/tmp/hokm-mode-XXXXXX", plain[] = "/tmp/hokm-mode-XXXXXX";
		char secret[] = "/tmp/hokm-mode-XXXXXX", text[256];

		put_file(conf, HEAD, rows[i].mode, rows[i].uid);
		judge(&rows[i], conf, ":1: secret (value not shown): ");
		put_file(secret, "0123456789abcdef\n", rows[i].mode, rows[i].uid);
		snprintf(text, sizeof(text), "secret_file = \"%s\"\n" NODES, secret);
		/* Without a secret in it the file itself may be read by all. */
		put_file(plain, text, 0644, 65534);
		judge(&rows[i], plain, ":1: secret_file = ");
		unlink(conf);
		unlink(secret);
		unlink(plain);
	}
}

/* What an agent that fetches secrets makes right later is no error of the configuration. */
static void a_secret_may_come_later(void **state)
{
	static const struct {
		const char *text; /* of the file of the secret; NULL: there is none */
		mode_t mode;
		int err;
		const char *words;
	} cases[] = {
		{NULL, 0, -EAGAIN, "No such file or directory"},
		{"", 0600, -EAGAIN, "empty: nothing was written into it yet"},
		{"", 0644, -EINVAL, "others may use this file"},
		{"0123456789\n", 0600, -EINVAL, "the secret has 10 characters"},
		{"0123456789abcdef\n", 0600, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char conf[] = "/tmp/hokm-mode-XXXXXX", secret[] = "/tmp/hokm-mode-XXXXXX";
		char line[256], errors[512] = "";
		FILE *f = fmemopen(errors, sizeof(errors), "w");
		struct conf *c;

		assert_non_null(f);
		put_file(secret, cases[i].text ? cases[i].text : "", cases[i].mode, geteuid());
		if (!cases[i].text)
			unlink(secret);
		snprintf(line, sizeof(line), "secret_file = \"%s\"\n" NODES, secret);
		put_file(conf, line, 0600, geteuid());
		assert_int_equal(conf_load(conf, false, f, &c), cases[i].err);
		fclose(f);
		assert_non_null(strstr(errors, cases[i].words));
		conf_free(c);
		unlink(conf);
		unlink(secret);
	}
}

/* The two secrets of a file with this text. */
static void secrets_of(const char *text, char first[CONF_SECRET_MAX], char second[CONF_SECRET_MAX])
{
	char secret[] = "/tmp/hokm-mode-XXXXXX", conf[] = "/tmp/hokm-mode-XXXXXX", line[256];
	struct conf *c;

	put_file(secret, text, 0600, geteuid());
	/* The file that names it was written by the same editor. */
	snprintf(line, sizeof(line), "\xef\xbb\xbfsecret_file = \"%s\"\r\n" NODES, secret);
	put_file(conf, line, 0600, geteuid());
	assert_int_equal(conf_load(conf, false, stderr, &c), 0);
	assert_int_equal(c->n_secrets, 2);
	snprintf(first, CONF_SECRET_MAX, "%s", c->secrets[0].text);
	snprintf(second, CONF_SECRET_MAX, "%s", c->secrets[1].text);
	conf_free(c);
	unlink(secret);
	unlink(conf);
}

/* Nodes whose files differ in what nobody sees would not hear each other. */
static void an_editor_of_windows_changes_no_secret(void **state)
{
	static const char *const texts[] = {
		"0123456789abcdef\nfedcba9876543210\n",
		"0123456789abcdef\r\nfedcba9876543210\r\n",
		"0123456789abcdef\r\nfedcba9876543210",
		"\357\273\2770123456789abcdef\r\nfedcba9876543210\r\n",
	};
	char first[CONF_SECRET_MAX], second[CONF_SECRET_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		secrets_of(texts[i], first, second);
		assert_string_equal(first, "0123456789abcdef");
		assert_string_equal(second, "fedcba9876543210");
	}
}

/* ---------------------------------------------------------------------------- public secrets */
static unsigned int refuse_examples(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024], text[1200], value[256], *errors;
	unsigned int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct conf *c;

		if (sscanf(line, "secret = \"%255[^\"]\"", value) != 1)
			continue;
		snprintf(text, sizeof(text), "secret = \"%s\" " NODES, value);
		c = rig_load(text, &errors);
		if (c || !strstr(errors, "everybody knows"))
			fail_msg("%s: \"%s\" must be refused: %s", path, value, errors);
		conf_free(c);
		free(errors);
		n++;
	}
	fclose(f);
	return n;
}

/* Two groups that were set up by copying would share a secret with the whole world. */
static void examples_of_the_documents_are_no_secrets(void **state)
{
	static const char *const former[] = {
		"secret = \"put at least sixteen characters here\" " NODES,
		"secret = {0123456789abcdef, \"change-me-to-a-long-random-text\"} " NODES,
	};

	(void)state;
	assert_int_equal(refuse_examples("docs/setup.md"), 1);
	assert_int_equal(refuse_examples("tools/packaging/hokm-xdp.conf"), 1);
	assert_int_equal(refuse_examples("docs/configuration.md"), 1);
	for (size_t i = 0; i < sizeof(former) / sizeof(former[0]); i++) {
		char *errors;

		assert_null(rig_load(former[i], &errors));
		assert_non_null(strstr(errors, "everybody knows"));
		free(errors);
	}
}

/* ------------------------------------------------------------------------------------- genkey */
/* What genkey prints, without its newline. */
static void generate(char *text, size_t size)
{
	char name[] = "genkey", *argv[] = {name, NULL};
	FILE *f = tmpfile();
	int out = dup(STDOUT_FILENO);

	assert_true(f && out >= 0);
	fflush(stdout);
	assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
	assert_int_equal(genkey_main(1, argv), 0);
	assert_true(dup2(out, STDOUT_FILENO) >= 0);
	close(out);
	rewind(f);
	assert_non_null(fgets(text, (int)size, f));
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

static void genkey_prints_a_new_secret_each_time(void **state)
{
	char a[256], b[256], text[512], *errors;
	struct conf *c;

	(void)state;
	generate(a, sizeof(a));
	generate(b, sizeof(b));
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 64);
	assert_int_equal(strspn(a, "0123456789abcdef"), 64);
	/* Without quotes too. */
	snprintf(text, sizeof(text), "secret = {%s, \"%s\"} " NODES, a, b);
	c = rig_load(text, &errors);
	assert_non_null(c);
	assert_string_equal(c->secrets[0].text, a);
	assert_string_equal(c->secrets[1].text, b);
	conf_free(c);
	free(errors);
}

/* ---------------------------------------------------------------------- password in adverts */
static struct conf *good(const char *text)
{
	char *errors;
	struct conf *c = rig_load(text, &errors);

	if (!c)
		fail_msg("%s", errors);
	free(errors);
	return c;
}

/* Authentication type 1 with an empty password is what keepalived sends in no case. */
static void empty_password_is_no_authentication(void **state)
{
	static const struct {
		const char *text;
		bool use_pass;
	} cases[] = {
		{HEAD "vrrp { password = \"\" }", false},
		{HEAD "vrrp { password = \"hush\" }", true},
		{HEAD, true},
		{HEAD "vrrp { version = 3 }", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf *c = good(cases[i].text);
		struct vrrp_wire_conf w;

		assert_int_equal(conf_complete_password(c), 0);
		configure_wire(c, &w);
		assert_int_equal(w.use_pass, cases[i].use_pass);
		assert_int_equal(w.password[0] != '\0', cases[i].use_pass);
		conf_free(c);
	}
}

/* Only the daemon derives: a check of the file is quick. A password of the file is the only one. */
static void password_is_derived_only_on_demand(void **state)
{
	struct conf *c = good("secret = {0123456789abcdef, 0123456789abcdeg} " NODES);
	char first[9];

	(void)state;
	assert_string_equal(c->vrrp_password[0], "");
	assert_int_equal(conf_complete_password(c), 0);
	assert_int_equal(strlen(c->vrrp_password[0]), 8);
	assert_int_equal(strlen(c->vrrp_password[1]), 8);
	assert_int_equal(conf_derive_password(c->secrets, first), 0);
	assert_string_equal(c->vrrp_password[0], first);
	assert_string_not_equal(c->vrrp_password[1], first);
	conf_free(c);
	c = good("secret = {0123456789abcdef, 0123456789abcdeg} " NODES "vrrp { password = hush }");
	assert_int_equal(conf_complete_password(c), 0);
	assert_string_equal(c->vrrp_password[0], "hush");
	assert_string_equal(c->vrrp_password[1], "");
	conf_free(c);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* A host of the segment reads the password and tries a dictionary: 5 ms a word at least. */
static void password_opens_no_secret_to_a_dictionary(void **state)
{
	static struct conf_secret s = {.text = "0123456789abcdef", .len = 16};
	char password[9];
	uint64_t from_ns;

	(void)state;
	from_ns = cpu_ns();
	assert_int_equal(conf_derive_password(&s, password), 0);
	assert_true(cpu_ns() - from_ns > 5 * NS_PER_MS);
	s.len = 0;
	assert_int_equal(conf_derive_password(&s, password), -EINVAL);
}

static void write_secret_file(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%s\n", text) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void remove_secret_file(const char *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* ---------------------------------------------------------------------------- the URL of Slack */
/* It is a credential: on the way to another machine everybody could read it. */
static void slack_is_not_used_without_tls(void **state)
{
	static const struct {
		const char *url;
		bool used;
	} urls[] = {
		{"https://hooks.slack.com/services/T0/B0/x", true},
		{"http://127.0.0.1:8080/services/T0/B0/x", true},
		{"http://[::1]/services/T0/B0/x", true},
		{"http://localhost", true},
		{"http://hooks.slack.com/services/T0/B0/x", false},
		{"http://127.0.0.1.example.org/x", false},
		{"http://localhost:1@hooks.slack.com/x", false},
		{"hooks.slack.com/services/T0/B0/x", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct conf *c;

		assert_int_equal(setenv("HOKM_NOTIFY_CHAT", urls[i].url, 1), 0);
		c = good(HEAD "notify chat { type = slack }");
		if (!c->notify[0].problem[0] != urls[i].used)
			fail_msg("%s: \"%s\"", urls[i].url, c->notify[0].problem);
		assert_string_equal(c->notify[0].credential, urls[i].used ? urls[i].url : "");
		conf_free(c);
	}
	assert_int_equal(unsetenv("HOKM_NOTIFY_CHAT"), 0);
}

#define HOOK HEAD "notify hook { type = webhook endpoint = \"https://example.org/\" "

/* The files of a node are out of reach for a monitor, which has the same configuration. */
static void a_credential_of_systemd_stands_in_for_a_file_out_of_reach(void **state)
{
	static const struct {
		const char *file;
		const char *credential, *problem;
	} cases[] = {
		{"", "of-systemd", ""},
		{"named", "of-file", ""},
		{"missing", "of-systemd", ""},
		{"unsafe", "", "unsafe: "},
	};
	char folder[] = "/tmp/hokm-secret-XXXXXX", text[512];

	(void)state;
	assert_non_null(mkdtemp(folder));
	write_secret_file(folder, "notify-hook", "of-systemd", 0400);
	write_secret_file(folder, "named", "of-file", 0600);
	write_secret_file(folder, "unsafe", "of-file", 0644);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conf *c;

		if (cases[i].file[0])
			snprintf(text, sizeof(text), HOOK "credential_file = \"%s/%s\" }", folder,
				 cases[i].file);
		else
			snprintf(text, sizeof(text), HOOK "}");
		c = good(text);
		assert_string_equal(c->notify[0].credential, cases[i].credential);
		assert_non_null(strstr(c->notify[0].problem, cases[i].problem));
		conf_free(c);
	}
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	remove_secret_file(folder, "notify-hook");
	remove_secret_file(folder, "named");
	remove_secret_file(folder, "unsafe");
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_with_a_secret_is_read_by_no_other),
		cmocka_unit_test(a_secret_may_come_later),
		cmocka_unit_test(an_editor_of_windows_changes_no_secret),
		cmocka_unit_test(examples_of_the_documents_are_no_secrets),
		cmocka_unit_test(genkey_prints_a_new_secret_each_time),
		cmocka_unit_test(empty_password_is_no_authentication),
		cmocka_unit_test(password_is_derived_only_on_demand),
		cmocka_unit_test(password_opens_no_secret_to_a_dictionary),
		cmocka_unit_test(slack_is_not_used_without_tls),
		cmocka_unit_test(a_credential_of_systemd_stands_in_for_a_file_out_of_reach),
	};

	return cmocka_run_group_tests_name("conf_secret", tests, NULL, NULL);
}
