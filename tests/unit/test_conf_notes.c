/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What check-config remarks of hooks that would fail on this machine, of a password in clear, and
 * of a key without an effect. Needs root, as hooks do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/notes.h"
#include "own_netns.h"

struct rig {
	char dir[32], file[48];
	struct conf conf;
	char *text;
};

static int set_up(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	memcpy(r->dir, "/tmp/hxnotesXXXXXX", sizeof("/tmp/hxnotesXXXXXX"));
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(chmod(r->dir, 0755), 0);
	snprintf(r->file, sizeof(r->file), "%s/hook", r->dir);
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "nobody");
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	(void)unlink(r->file);
	assert_int_equal(rmdir(r->dir), 0);
	free(r->text);
	free(r);
	return 0;
}

static void put_file(struct rig *r, const char *text, mode_t mode)
{
	int fd = open(r->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void command(struct rig *r, enum conf_hook h, const char *text)
{
	snprintf(r->conf.hooks.command[h], sizeof(r->conf.hooks.command[h]), "%s", text);
}

static const char *notes(struct rig *r)
{
	size_t size;
	FILE *f;

	free(r->text);
	f = open_memstream(&r->text, &size);
	assert_non_null(f);
	conf_notes(&r->conf, f);
	assert_int_equal(fclose(f), 0);
	return r->text;
}

static void a_good_hook_is_not_remarked(void **state)
{
	struct rig *r = *state;

	put_file(r, "#!/bin/sh\n", 0755);
	assert_string_equal(notes(r), "");
	command(r, CONF_HOOK_MASTER, r->file);
	command(r, CONF_HOOK_AFTER, "/bin/true 'an argument'");
	assert_string_equal(notes(r), "");
}

/* Each of these was silent until the first change of the state, when it is too late. */
static void one_that_cannot_run_is_not_passed_over(void **state)
{
	struct rig *r = *state;
	char want[192];

	command(r, CONF_HOOK_STOP, r->file);
	snprintf(want, sizeof(want), "note: hooks.stop: %s: No such file or directory\n", r->file);
	assert_string_equal(notes(r), want);
	put_file(r, "#!/bin/sh\n", 0644);
	snprintf(want, sizeof(want),
		 "note: hooks.stop: user nobody cannot run %s: Permission denied\n", r->file);
	assert_string_equal(notes(r), want);
	/* Root could run it. */
	put_file(r, "#!/bin/sh\n", 0700);
	assert_string_equal(notes(r), want);
	put_file(r, "#!/bin/sh\n", 0755);
	assert_int_equal(chmod(r->dir, 0700), 0);
	assert_string_equal(notes(r), want);
	command(r, CONF_HOOK_STOP, r->dir);
	snprintf(want, sizeof(want), "note: hooks.stop: %s is not a file\n", r->dir);
	assert_string_equal(notes(r), want);
}

/* keepalived refuses it too, with enable_script_security. */
static void a_privileged_one_that_others_can_change_is_not_passed_over(void **state)
{
	struct rig *r = *state;
	char want[192];

	put_file(r, "#!/bin/sh\n", 0757);
	command(r, CONF_HOOK_FAULT, r->file);
	assert_string_equal(notes(r), "");
	snprintf(want, sizeof(want),
		 "note: hooks.fault: %s is not run with privileges: "
		 "%s may be written to by another user than root\n",
		 r->file, r->file);
	r->conf.hooks.caps = 1;
	assert_string_equal(notes(r), want);
	r->conf.hooks.caps = 0;
	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "root");
	assert_string_equal(notes(r), want);
	put_file(r, "#!/bin/sh\n", 0755);
	assert_string_equal(notes(r), "");
}

static void an_unknown_user_is_not_passed_over(void **state)
{
	struct rig *r = *state;

	snprintf(r->conf.hooks.user, sizeof(r->conf.hooks.user), "hx-no-such-user");
	assert_string_equal(notes(r), "");
	command(r, CONF_HOOK_BEFORE, "/bin/true");
	assert_string_equal(notes(r),
			    "note: hooks.user: there is no user hx-no-such-user on this machine\n");
}

static void a_fifo_that_cannot_be_is_not_passed_over(void **state)
{
	struct rig *r = *state;
	char want[192];

	snprintf(r->conf.hooks.fifo, sizeof(r->conf.hooks.fifo), "%s", r->file);
	assert_string_equal(notes(r), "");
	put_file(r, "", 0644);
	snprintf(want, sizeof(want), "note: hooks.fifo: %s is there, and is no FIFO\n", r->file);
	assert_string_equal(notes(r), want);
	assert_int_equal(unlink(r->file), 0);
	assert_int_equal(mkfifo(r->file, 0600), 0);
	assert_string_equal(notes(r), "");
	snprintf(r->conf.hooks.fifo, sizeof(r->conf.hooks.fifo), "%s/no/x", r->dir);
	snprintf(want, sizeof(want), "note: hooks.fifo: %s/no/: No such file or directory\n",
		 r->dir);
	assert_string_equal(notes(r), want);
}

#define NOTES_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

/* Once for each endpoint that gets it, and only where etcd is asked. */
static void a_password_in_clear_is_not_passed_over(void **state)
{
	struct rig *r = *state;
	struct conf_etcd *e = &r->conf.etcd;

	r->conf.arbiter = CONF_ARBITER_ETCD;
	e->n_endpoints = 2;
	snprintf(e->endpoint[0], sizeof(e->endpoint[0]), "https://10.0.0.5:2379");
	snprintf(e->endpoint[1], sizeof(e->endpoint[1]), "http://e");
	assert_string_equal(notes(r), "");
	snprintf(e->credentials, sizeof(e->credentials), "/c");
	assert_string_equal(
		notes(r), "note: etcd.endpoints: http://e gets the password in clear: use https\n");
	r->conf.arbiter = CONF_ARBITER_NONE;
	assert_string_equal(notes(r), "");
}

/* Where the nodes alone can be a majority, and the file leaves it open. */
static void three_nodes_without_a_majority_are_not_passed_over(void **state)
{
	struct rig *r = *state;
	struct conf *c = &r->conf;

	c->arbiter = CONF_ARBITER_AUTO;
	c->n_nodes = 2;
	assert_string_equal(notes(r), "");
	c->n_nodes = 5;
	assert_non_null(strstr(notes(r), "note: arbiter: "));
	assert_non_null(strstr(notes(r), "fewer than 3 of the 5 nodes"));
	c->arbiter = CONF_ARBITER_NONE;
	assert_string_equal(notes(r), "");
	c->arbiter = CONF_ARBITER_MAJORITY;
	assert_string_equal(notes(r), "");
	c->arbiter = CONF_ARBITER_AUTO;
	c->n_witnesses = 1;
	assert_string_equal(notes(r), "");
	c->n_witnesses = 0;
	c->nodes[2].peer = CONF_PEER_VRRP;
	assert_string_equal(notes(r), "");
}

static void a_gateway_that_nobody_asks_is_not_passed_over(void **state)
{
	static const struct {
		enum conf_arbiter arbiter;
		unsigned int nodes, witnesses;
		enum conf_peer_kind peer;
		const char *words; /* NULL: it is asked */
	} cases[] = {
		{CONF_ARBITER_GATEWAY, 2, 0, CONF_PEER_AUTO, NULL},
		{CONF_ARBITER_NONE, 2, 0, CONF_PEER_AUTO, "It needs arbiter = gateway or auto"},
		{CONF_ARBITER_AUTO, 2, 1, CONF_PEER_AUTO, "The witness decides"},
		{CONF_ARBITER_AUTO, 2, 0, CONF_PEER_VRRP, "A node has peer = vrrp"},
		{CONF_ARBITER_AUTO, 3, 0, CONF_PEER_AUTO, "it needs arbiter = gateway"},
	};
	struct rig *r = *state;
	struct conf *c = &r->conf;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *said;

		c->arbiter = cases[i].arbiter;
		c->n_nodes = cases[i].nodes;
		c->n_witnesses = cases[i].witnesses;
		c->nodes[1].peer = cases[i].peer;
		c->gateway.s_addr = 0;
		assert_null(strstr(notes(r), "note: gateway: "));
		c->gateway.s_addr = htonl(0x0a000009);
		said = strstr(notes(r), "note: gateway: ");
		assert_true(cases[i].words ? said && strstr(said, cases[i].words) : !said);
	}
}

/* Beside a witness the owner ends to be owner all the same. */
static void keep_without_an_effect_is_not_passed_over(void **state)
{
	static const char alone[] = "note: on_isolation: keep does nothing here. "
				    "It needs arbiter = gateway or etcd.\n";
	static const char majority[] = "note: on_isolation: keep does nothing here. "
				       "An owner that no majority grants ends to be owner.\n";
	static const struct {
		enum conf_arbiter arbiter;
		unsigned int witnesses;
		const char *note;
	} cases[] = {
		{CONF_ARBITER_AUTO, 0, alone},    {CONF_ARBITER_NONE, 0, alone},
		{CONF_ARBITER_AUTO, 1, majority}, {CONF_ARBITER_WITNESS, 1, majority},
		{CONF_ARBITER_GATEWAY, 0, ""},    {CONF_ARBITER_ETCD, 0, ""},
	};
	struct rig *r = *state;

	r->conf.n_nodes = 2;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r->conf.arbiter = cases[i].arbiter;
		r->conf.n_witnesses = cases[i].witnesses;
		r->conf.on_isolation = CONF_ISOLATION_KEEP;
		assert_string_equal(notes(r), cases[i].note);
		r->conf.on_isolation = CONF_ISOLATION_RELEASE;
		assert_string_equal(notes(r), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NOTES_TEST(a_good_hook_is_not_remarked),
		NOTES_TEST(one_that_cannot_run_is_not_passed_over),
		NOTES_TEST(a_fifo_that_cannot_be_is_not_passed_over),
		NOTES_TEST(a_privileged_one_that_others_can_change_is_not_passed_over),
		NOTES_TEST(an_unknown_user_is_not_passed_over),
		NOTES_TEST(a_password_in_clear_is_not_passed_over),
		NOTES_TEST(a_gateway_that_nobody_asks_is_not_passed_over),
		NOTES_TEST(three_nodes_without_a_majority_are_not_passed_over),
		NOTES_TEST(keep_without_an_effect_is_not_passed_over),
	};

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: looking as another user needs root\n");
		return OWN_SKIPPED;
	}
	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
