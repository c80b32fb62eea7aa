/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The moments before exec, with concerns of its own: what runs then is neither cut off nor waited
 * for without limit. The test program is the new binary too: as `accepts` it accepts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/ender.h"
#include "act/hooks.h"
#include "daemon/check_runner.h"
#include "daemon/configure.h"
#include "daemon/dns.h"
#include "daemon/node.h"
#include "daemon/notify_feed.h"
#include "daemon/operator.h"
#include "daemon/etcd_watch.h"
#include "daemon/publish.h"
#include "daemon/upgrade.h"
#include "daemon/upkeep.h"

#define MS     1000000ULL
#define TICK   (10 * MS)
#define ADVERT (100 * MS)

/* ---- the concerns ---- */

static bool hook, dns_file, state_file, worker, keeper, socket_end, reload, readable, harms;
static jmp_buf replaced;

bool hooks_busy(const struct hooks *h)
{
	(void)h;
	return hook;
}

bool dns_saving(const struct dns *d)
{
	(void)d;
	return dns_file;
}

bool orders_file_busy(const struct orders_file *f)
{
	(void)f;
	return state_file;
}

bool apply_works(const struct apply *a)
{
	(void)a;
	return worker;
}

bool upkeep_works(const struct upkeep *u)
{
	(void)u;
	return keeper;
}

static bool reload_reads(const struct reload *r)
{
	(void)r;
	return reload;
}

static bool reload_harms(const struct reload *r, const struct conf *wanted, char *why, size_t size)
{
	(void)r;
	(void)wanted;
	snprintf(why, size, "the peers need it");
	return harms;
}

/* The running daemon cannot read what only a newer version can. */
int conf_load(const char *file, bool find_self, FILE *errors, struct conf **out)
{
	(void)file;
	(void)find_self;
	(void)errors;
	*out = readable ? calloc(1, sizeof(**out)) : NULL;
	return *out ? 0 : -EINVAL;
}

void conf_free(struct conf *c)
{
	free(c);
}

bool ender_idle(const struct ender *e)
{
	(void)e;
	return !socket_end;
}

void check_runner_cut(struct check_runner *r, int ms)
{
	(void)r;
	(void)ms;
}

void dns_cut(struct dns *d, int ms)
{
	(void)d;
	(void)ms;
}

void notify_feed_cut(struct notify_feed *f, int ms)
{
	(void)f;
	(void)ms;
}

void etcd_watch_close(struct etcd_watch *w, int wait_ms)
{
	(void)w;
	(void)wait_ms;
}

void publish_cut(struct publish *p, int ms)
{
	(void)p;
	(void)ms;
}

void events_add(struct events *e, const char *kind, enum hokm_reason reason, const char *fmt, ...)
{
	(void)e;
	(void)kind;
	(void)reason;
	(void)fmt;
}

void configure_vrrp(const struct conf *c, struct vrrp_conf *out)
{
	(void)c;
	*out = (struct vrrp_conf){.version = 3, .priority = 110, .adver_ns = ADVERT};
}

int execv(const char *path, char *const argv[])
{
	(void)path;
	(void)argv;
	longjmp(replaced, 1);
}

/* ---- the world of each test ---- */

static struct conf conf;
static struct node node;
static struct vrrp vrrp;
static struct operator_orders orders;
static struct upgrade *upgrade;
static struct reload *no_reload;
static uint64_t now_ns, longer_grant_ns;
static unsigned int adverts;

static int open_upgrade(void **state)
{
	static struct etcd_watch etcd = {.out.until_ns = UINT64_MAX};
	const struct upgrade_of of = {
		.node = &node,
		.etcd = &etcd,
		.vrrp = &vrrp,
		.operator= & orders,
		.reload = &no_reload,
		.reload_reads = reload_reads,
		.reload_harms = reload_harms,
		.longer_grant_ns = &longer_grant_ns,
	};
	struct vrrp_conf v;

	(void)state;
	hook = dns_file = state_file = worker = keeper = socket_end = reload = harms = false;
	readable = true;
	memset(&node, 0, sizeof(node));
	conf.vrrp_version = 3;
	conf.advert_ns = ADVERT;
	conf.n_nodes = 1;
	node.conf = &conf;
	now_ns = 1000 * MS;
	configure_vrrp(&conf, &v);
	vrrp_init(&vrrp, &v, now_ns);
	vrrp.state = HOKM_VRRP_MASTER;
	vrrp.lease_until_ns = now_ns + 275 * MS;
	adverts = 0;
	return upgrade_open(&of, &upgrade);
}

static int close_upgrade(void **state)
{
	(void)state;
	upgrade_close(upgrade);
	return 0;
}

/* One turn of the loop: an advert that was asked for gives a lease. */
static void tick(void)
{
	now_ns += TICK;
	upgrade_tick(upgrade, now_ns);
	adverts += node.inbox.n_events;
	if (node.inbox.n_events)
		vrrp.lease_until_ns = now_ns + vrrp_lease_ns(3, 0, vrrp.conf.adver_ns);
	node.inbox.n_events = 0;
}

/* Until there is a verdict. The new binary accepts. */
static void judged(void)
{
	char why[128];

	assert_int_equal(upgrade_start(upgrade, why, sizeof(why)), 0);
	while (!strcmp(upgrade_phase(upgrade), "judging")) {
		usleep(1000);
		upgrade_tick(upgrade, now_ns);
	}
}

/* Begins, and nobody minds. */
static void begin(void)
{
	judged();
	assert_string_equal(upgrade_phase(upgrade), "parting");
	assert_false(upgrade_parts(upgrade));
}

/* After how many turns the new binary takes over; 0: not within `most`. */
static unsigned int turns_until_replaced(unsigned int most)
{
	volatile unsigned int turns = 0;

	if (setjmp(replaced))
		return turns;
	while (turns < most) {
		turns++;
		tick();
	}
	return 0;
}

/* ---- tests ---- */

static void three_adverts_and_then_the_new_binary(void **state)
{
	(void)state;
	begin();
	assert_in_range(turns_until_replaced(100), 10, 20);
	assert_int_equal(adverts, 3);
}

/* Its ordinary lease does not last for an exec. */
static void a_backup_that_becomes_owner_makes_its_lease_longer(void **state)
{
	(void)state;
	vrrp.state = HOKM_VRRP_BACKUP;
	begin();
	tick();
	assert_true(upgrade_parts(upgrade));
	worker = true;
	assert_int_equal(turns_until_replaced(20), 0);
	assert_int_equal(adverts, 0);
	vrrp.state = HOKM_VRRP_MASTER;
	vrrp.lease_until_ns = now_ns + 275 * MS;
	worker = false;
	assert_in_range(turns_until_replaced(100), 10, 30);
	assert_int_equal(adverts, 3);
	assert_int_equal(vrrp.conf.adver_ns, UPGRADE_ADVERT_NS);
}

static void what_runs_is_not_cut_off(void **state)
{
	bool *const running[] = {&hook,   &dns_file,   &state_file, &worker,
				 &keeper, &socket_end, &reload};

	for (size_t i = 0; i < sizeof(running) / sizeof(running[0]); i++) {
		/* It runs when the upgrade begins. */
		*running[i] = true;
		begin();
		assert_int_equal(turns_until_replaced(50), 0);
		assert_int_equal(adverts, 0);
		*running[i] = false;
		assert_in_range(turns_until_replaced(100), 10, 30);
		close_upgrade(state);
		assert_int_equal(open_upgrade(state), 0);
		/* It begins between the adverts and exec. */
		begin();
		tick();
		tick();
		assert_true(upgrade_parts(upgrade));
		*running[i] = true;
		assert_int_equal(turns_until_replaced(50), 0);
		*running[i] = false;
		assert_in_range(turns_until_replaced(100), 1, 30);
		close_upgrade(state);
		assert_int_equal(open_upgrade(state), 0);
	}
}

/* An owner whose lease does not last any longer goes on as before, at its own interval. */
static void a_kernel_that_does_not_answer_ends_the_upgrade(void **state)
{
	(void)state;
	for (int begun = 0; begun < 2; begun++) {
		worker = !begun;
		begin();
		if (begun) {
			tick();
			tick();
			assert_int_equal(vrrp.conf.adver_ns, UPGRADE_ADVERT_NS);
		}
		worker = true;
		assert_int_equal(turns_until_replaced(1200), 0);
		assert_string_equal(upgrade_phase(upgrade), "refused");
		assert_non_null(strstr(upgrade_text(upgrade), "the kernel does not answer"));
		assert_int_equal(vrrp.conf.adver_ns, ADVERT);
		assert_false(upgrade_parts(upgrade));
	}
}

/* Another secret, for example. */
static void a_file_that_a_reload_would_refuse_ends_the_upgrade(void **state)
{
	(void)state;
	harms = true;
	judged();
	assert_string_equal(upgrade_phase(upgrade), "refused");
	assert_string_equal(upgrade_text(upgrade), "the peers need it");
	assert_int_equal(turns_until_replaced(100), 0);
	assert_int_equal(adverts, 0);
	harms = false;
	begin();
	assert_in_range(turns_until_replaced(100), 10, 20);
}

static void a_file_of_a_newer_version_is_not_judged(void **state)
{
	(void)state;
	harms = true;
	readable = false;
	begin();
	assert_in_range(turns_until_replaced(100), 10, 20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_upgrade, close_upgrade)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(three_adverts_and_then_the_new_binary),
		TEST(a_backup_that_becomes_owner_makes_its_lease_longer),
		TEST(what_runs_is_not_cut_off),
		TEST(a_kernel_that_does_not_answer_ends_the_upgrade),
		TEST(a_file_that_a_reload_would_refuse_ends_the_upgrade),
		TEST(a_file_of_a_newer_version_is_not_judged),
	};

	if (argc > 1 && !strcmp(argv[1], "accepts"))
		return puts("hokm-xdp of the test") < 0;
	upgrade_remember(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
