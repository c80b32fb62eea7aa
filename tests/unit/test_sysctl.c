/* SPDX-License-Identifier: GPL-2.0-only */
/* The ARP sysctls of an interface, in a namespace of the test: set, saved, restored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/sysctl.h"
#include "own_netns.h"

static struct own_netns ns;
static char dir[] = "/tmp/hxsysctlXXXXXX";
static char folder[64], file[96];

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int value(const char *ifname, const char *name)
{
	char path[128], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", ifname, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (int)strtol(text, NULL, 10);
}

static void expect(int ignore, int announce)
{
	assert_int_equal(value("all", "arp_announce"), announce == 2 ? 2 : 0);
	assert_int_equal(value("hx0", "arp_ignore"), ignore);
	assert_int_equal(value("hx0", "arp_announce"), announce);
}

static int fresh(void **state)
{
	(void)state;
	(void)unlink(file);
	put("/proc/sys/net/ipv4/conf/hx0/arp_ignore", "2\n");
	put("/proc/sys/net/ipv4/conf/hx0/arp_announce", "1\n");
	return 0;
}

static void set_number(const char *ifname, const char *name, int number)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", ifname, name);
	snprintf(text, sizeof(text), "%d\n", number);
	put(path, text);
}

static void operator_filters(int all, int own)
{
	set_number("all", "arp_filter", all);
	set_number("hx0", "arp_filter", own);
}

static void operator_sets(int all_arp_ignore, int all_rp_filter, int rp_filter)
{
	set_number("all", "arp_ignore", all_arp_ignore);
	set_number("all", "rp_filter", all_rp_filter);
	set_number("hx0", "rp_filter", rp_filter);
}

static void set_and_restored(void **state)
{
	(void)state;
	(void)rmdir(folder);
	assert_int_equal(sysctl_arp_set("hx0", file), 0); /* creates the folder */
	expect(1, 2);
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(2, 1);
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_equal(sysctl_arp_restore("hx0", file), 0); /* nothing to do */
	expect(2, 1);
}

static void a_second_daemon_keeps_the_first_values(void **state)
{
	(void)state;
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_int_equal(sysctl_arp_set("hx0", file), 0); /* as after a crash of the first daemon */
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(2, 1);
}

static void a_broken_file_changes_nothing(void **state)
{
	static const char *const broken[] = {
		"",
		"arp_ignore 1\n",
		"arp_ignore 1\narp_announce\n",
		"arp_ignore 1\narp_announce 99\n",
		"arp_ignore -1\narp_announce 2\n",
		"arp_ignore 1\narp_announce 2\nmore\n",
		"arp_ignore 1\narp_announce 2\nall.arp_announce\n",
		"arp_ignore 1\narp_announce 2\nall.arp_announce 0\nmore\n",
		"arp_ignore 1\narp_announce 2\nall.arp_announce 0\nall.arp_ignore\n",
		"arp_ignore 1\narp_announce 2\nall.arp_announce 0\nall.arp_ignore 2\nmore\n",
		"arp_ignore 1x\narp_announce 2\n",
		"../../x 1\narp_announce 2\n",
		"interface hx0\narp_ignore 1\narp_announce 2\n",
		"interface hx0 2\narp_ignore 1\narp_announce 2\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put(file, broken[i]);
		assert_int_equal(sysctl_arp_restore("hx0", file), -EINVAL);
		expect(2, 1);
	}
}

#define OF_ANOTHER_BOOT                  \
	"interface hx0 2\nboot 0123\n"   \
	"arp_ignore 0\narp_announce 0\n" \
	"all.arp_announce 2\n"

/* The values of a boot are gone with it, and the file may have stayed on disk. */
static void a_file_of_another_boot_says_nothing(void **state)
{
	(void)state;
	put(file, OF_ANOTHER_BOOT);
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(2, 1);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(2, 1);
}

/* A daemon is killed, and the next one is of another interface. */
static void each_interface_gets_its_own_values_back(void **state)
{
	(void)state;
	assert_int_equal(RUN("ip", "link", "add", "hx8", "type", "veth", "peer", "name", "hx9"), 0);
	set_number("hx8", "arp_ignore", 0);
	set_number("hx8", "arp_announce", 0);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_int_equal(sysctl_arp_set("hx8", file), 0);
	assert_int_equal(value("hx0", "arp_ignore"), 2);
	assert_int_equal(value("hx0", "arp_announce"), 1);
	assert_int_equal(value("all", "arp_announce"), 2);
	/* What restores it may have a file that names the first one again. */
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	assert_int_equal(value("hx8", "arp_ignore"), 0);
	assert_int_equal(value("hx8", "arp_announce"), 0);
	expect(2, 1);
	assert_int_equal(RUN("ip", "link", "del", "hx8"), 0);
}

/* The values of an interface that was given another name go with it. */
static void a_renamed_interface_gets_its_values_back(void **state)
{
	(void)state;
	assert_int_equal(RUN("ip", "link", "add", "hx8", "type", "veth", "peer", "name", "hx9"), 0);
	set_number("hx8", "arp_ignore", 3);
	assert_int_equal(sysctl_arp_set("hx8", file), 0);
	assert_int_equal(RUN("ip", "link", "set", "hx8", "name", "hx7"), 0);
	assert_int_equal(sysctl_arp_set("hx7", file), 0); /* the file names it so by now */
	assert_int_equal(sysctl_arp_restore("hx7", file), 0);
	assert_int_equal(value("hx7", "arp_ignore"), 3);
	assert_int_equal(RUN("ip", "link", "del", "hx7"), 0);
}

/* In the place of no file, and of one of another boot; never in that of one that says something. */
static void what_an_earlier_version_saved_is_taken_over(void **state)
{
	static const char *const there[] = {NULL, OF_ANOTHER_BOOT};
	char former[128];

	(void)state;
	snprintf(former, sizeof(former), "%s/former.sysctl", folder);
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		assert_int_equal(sysctl_arp_set("hx0", file), 0);
		assert_int_equal(unlink(file), 0);
		if (there[i])
			put(file, there[i]);
		put(former, "arp_ignore 2\narp_announce 1\nall.arp_announce 0\n");
		sysctl_arp_take_over("hx0", former, file);
		assert_int_not_equal(access(former, F_OK), 0);
		assert_int_equal(sysctl_arp_set("hx0", file), 0);
		assert_int_equal(sysctl_arp_restore("hx0", file), 0);
		expect(2, 1);
	}
	sysctl_arp_take_over("hx0", former, file); /* nothing to do */
	assert_int_not_equal(access(file, F_OK), 0);
}

static void what_is_saved_is_not_replaced_by_an_earlier_version(void **state)
{
	char former[128];

	(void)state;
	snprintf(former, sizeof(former), "%s/former.sysctl", folder);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	put(former, "arp_ignore 0\narp_announce 0\nall.arp_announce 0\n");
	sysctl_arp_take_over("hx0", former, file);
	assert_int_equal(unlink(former), 0);
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(2, 1);
}

/* Its file names no value of `all`: that one stays as it is. */
static void a_file_of_the_version_before_is_read(void **state)
{
	(void)state;
	put(file, "arp_ignore 0\narp_announce 1\n");
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	expect(0, 1);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void no_such_interface(void **state)
{
	(void)state;
	assert_int_equal(sysctl_arp_set("hxnone", file), -ENOENT);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void interface_gone_before_restoring(void **state)
{
	(void)state;
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_int_equal(sysctl_arp_restore("hxnone", file), 0);
	assert_int_not_equal(access(file, F_OK), 0);
}

static void nowhere_to_save(void **state)
{
	(void)state;
	/* A full disk must not keep the node from starting. */
	assert_int_equal(sysctl_arp_set("hx0", "/proc/hx/hx.sysctl"), 0);
	expect(1, 2);
	assert_int_equal(sysctl_arp_restore("hx0", "/proc/hx/hx.sysctl"), 0);
	expect(1, 2);
	set_number("all", "arp_announce", 0);
}

/* What `sysctl --system` does to values of the operator that were harmless. */
static void what_gets_worse_is_put_back(void **state)
{
	static const struct {
		const char *what;
		int ignore, all_rp, rp; /* set by another program */
		int put_back, then_ignore, then_rp;
	} cases[] = {
		{"nothing", 0, 0, 0, 0, 0, 0},
		{"harmless", 1, 0, 2, 0, 1, 2},
		{"arp_ignore of all", 8, 0, 0, 1, 0, 0},
		{"rp_filter of the interface", 0, 0, 1, 1, 0, 0},
		{"rp_filter of all", 0, 1, 0, 1, 0, 2},
		{"all of them", 2, 1, 1, 2, 0, 2},
		{"strict overruled", 0, 2, 1, 0, 0, 1},
	};
	struct sysctl_kept was;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		operator_sets(0, 0, 0);
		assert_int_equal(sysctl_kept_read("hx0", &was), 0);
		operator_sets(cases[i].ignore, cases[i].all_rp, cases[i].rp);
		if (sysctl_kept_again("hx0", &was) != cases[i].put_back ||
		    value("all", "arp_ignore") != cases[i].then_ignore ||
		    value("all", "rp_filter") != cases[i].all_rp ||
		    value("hx0", "rp_filter") != cases[i].then_rp)
			fail_msg("%s: arp_ignore %d, rp_filter %d", cases[i].what,
				 value("all", "arp_ignore"), value("hx0", "rp_filter"));
		assert_int_equal(sysctl_kept_again("hx0", &was), 0);
	}
}

/* Found at the start it is left: rules of routing may make it harmless. */
static void an_arp_filter_that_comes_later_is_taken_back(void **state)
{
	static const struct {
		int all_found, found, all, own; /* the last two are set by another program */
		int put_back, then_all, then_own;
	} rows[] = {
		{0, 0, 0, 0, 0, 0, 0}, {0, 0, 1, 0, 1, 0, 0}, {0, 0, 0, 1, 1, 0, 0},
		{0, 0, 1, 1, 2, 0, 0}, {1, 0, 1, 1, 0, 1, 1}, {0, 1, 1, 0, 0, 1, 0},
	};
	struct sysctl_kept was;

	(void)state;
	operator_sets(0, 0, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		operator_filters(rows[i].all_found, rows[i].found);
		assert_int_equal(sysctl_kept_read("hx0", &was), 0);
		operator_filters(rows[i].all, rows[i].own);
		if (sysctl_kept_again("hx0", &was) != rows[i].put_back ||
		    value("all", "arp_filter") != rows[i].then_all ||
		    value("hx0", "arp_filter") != rows[i].then_own)
			fail_msg("row %zu: all %d, interface %d", i, value("all", "arp_filter"),
				 value("hx0", "arp_filter"));
		assert_int_equal(sysctl_kept_again("hx0", &was), 0);
	}
	operator_filters(0, 0);
}

/* An owner that answers no ARP is none: the value is the daemon's while it runs. */
static void what_silences_the_owner_is_set_at_the_start(void **state)
{
	static const struct {
		int found, then;
	} rows[] = {{0, 0}, {1, 1}, {2, 1}, {8, 1}};
	struct sysctl_kept was;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		operator_sets(rows[i].found, 0, 0);
		assert_int_equal(sysctl_kept_read("hx0", &was), 0);
		assert_int_equal(sysctl_arp_set("hx0", file), 0);
		assert_int_equal(value("all", "arp_ignore"), rows[i].then);
		assert_int_equal(sysctl_arp_again("hx0", true), 0);
		assert_int_equal(sysctl_kept_again("hx0", &was), 0);
		/* `sysctl --system` sets it again. */
		operator_sets(8, 0, 0);
		assert_int_equal(sysctl_kept_again("hx0", &was), 1);
		assert_int_equal(value("all", "arp_ignore"), rows[i].then);
		assert_int_equal(sysctl_arp_restore("hx0", file), 0);
		assert_int_equal(value("all", "arp_ignore"), rows[i].found);
		expect(2, 1);
	}
}

static bool file_names(const char *name)
{
	char text[256] = "";
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strstr(text, name) != NULL;
}

/* What the daemon did not change is not restored, and no other value is taken for it. */
static void what_was_left_is_not_saved(void **state)
{
	(void)state;
	operator_sets(0, 0, 0);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_false(file_names("all.arp_ignore"));
	set_number("all", "arp_ignore", 1); /* by the operator: harmless */
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	assert_int_equal(value("all", "arp_ignore"), 1);
	expect(2, 1);
	operator_sets(0, 0, 0);
}

/* A daemon left the value and was killed, or is of a version that had no line for it. */
static void what_became_worse_after_a_kill_is_saved(void **state)
{
	(void)state;
	operator_sets(0, 0, 0);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	set_number("all", "arp_ignore", 8);
	assert_int_equal(sysctl_arp_set("hx0", file), 0);
	assert_int_equal(value("all", "arp_ignore"), 1);
	assert_int_equal(sysctl_arp_set("hx0", file), 0); /* what is there is of the daemon */
	assert_int_equal(sysctl_arp_restore("hx0", file), 0);
	assert_int_equal(value("all", "arp_ignore"), 8);
	expect(2, 1);
	operator_sets(0, 0, 0);
}

/* The values of `all` go from the file of one interface to that of the next. */
static void another_interface_keeps_the_values_of_all(void **state)
{
	static const int found[] = {1, 8};

	(void)state;
	assert_int_equal(RUN("ip", "link", "add", "hx8", "type", "veth", "peer", "name", "hx9"), 0);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		operator_sets(found[i], 0, 0);
		assert_int_equal(sysctl_arp_set("hx0", file), 0);
		assert_int_equal(sysctl_arp_set("hx8", file), 0);
		assert_int_equal(value("all", "arp_ignore"), 1);
		assert_int_equal(file_names("all.arp_ignore"), found[i] > 1);
		assert_int_equal(sysctl_arp_restore("hx8", file), 0);
		assert_int_equal(value("all", "arp_ignore"), found[i]);
		expect(2, 1);
	}
	operator_sets(0, 0, 0);
	assert_int_equal(RUN("ip", "link", "del", "hx8"), 0);
}

static void a_strict_filter_at_the_start_stays(void **state)
{
	struct sysctl_kept was;

	(void)state;
	operator_sets(0, 0, 1);
	assert_int_equal(sysctl_kept_read("hx0", &was), 0);
	operator_sets(0, 1, 1);
	assert_int_equal(sysctl_kept_again("hx0", &was), 0);
	assert_int_equal(value("hx0", "rp_filter"), 1);
	operator_sets(0, 0, 0);
	assert_int_equal(sysctl_kept_read("hxnone", &was), -ENOENT);
	assert_int_equal(sysctl_kept_again("hxnone", &was), -ENOENT);
}

/* As in a container, for which the host sets what is needed. */
static void what_the_host_has_set_needs_no_writing(void **state)
{
	const unsigned long again = MS_REMOUNT | MS_BIND | MS_RDONLY;

	(void)state;
	set_number("all", "arp_announce", 2);
	set_number("hx0", "arp_announce", 2);
	for (int ignore = 1; ignore >= 0; ignore--) {
		const int err = ignore == 1 ? 0 : -EROFS;

		set_number("hx0", "arp_ignore", ignore);
		assert_int_equal(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL), 0);
		assert_int_equal(mount(NULL, "/proc/sys", NULL, again, NULL), 0);
		assert_int_equal(sysctl_arp_set("hx0", file), err);
		assert_int_equal(sysctl_arp_again("hx0", true), err);
		assert_int_equal(sysctl_arp_restore("hx0", file), 0);
		assert_int_equal(value("hx0", "arp_ignore"), ignore);
		assert_int_equal(umount("/proc/sys"), 0);
	}
	set_number("all", "arp_announce", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(set_and_restored, fresh),
		cmocka_unit_test_setup(a_second_daemon_keeps_the_first_values, fresh),
		cmocka_unit_test_setup(a_broken_file_changes_nothing, fresh),
		cmocka_unit_test_setup(a_file_of_the_version_before_is_read, fresh),
		cmocka_unit_test_setup(a_file_of_another_boot_says_nothing, fresh),
		cmocka_unit_test_setup(each_interface_gets_its_own_values_back, fresh),
		cmocka_unit_test_setup(a_renamed_interface_gets_its_values_back, fresh),
		cmocka_unit_test_setup(what_an_earlier_version_saved_is_taken_over, fresh),
		cmocka_unit_test_setup(what_is_saved_is_not_replaced_by_an_earlier_version, fresh),
		cmocka_unit_test_setup(no_such_interface, fresh),
		cmocka_unit_test_setup(interface_gone_before_restoring, fresh),
		cmocka_unit_test_setup(nowhere_to_save, fresh),
		cmocka_unit_test_setup(what_the_host_has_set_needs_no_writing, fresh),
		cmocka_unit_test(what_gets_worse_is_put_back),
		cmocka_unit_test_setup(what_silences_the_owner_is_set_at_the_start, fresh),
		cmocka_unit_test_setup(what_was_left_is_not_saved, fresh),
		cmocka_unit_test_setup(what_became_worse_after_a_kill_is_saved, fresh),
		cmocka_unit_test_setup(another_interface_keeps_the_values_of_all, fresh),
		cmocka_unit_test(a_strict_filter_at_the_start_stays),
		cmocka_unit_test(an_arp_filter_that_comes_later_is_taken_back),
	};
	int rc;

	own_netns_make(&ns);
	if (!mkdtemp(dir))
		return 1;
	snprintf(folder, sizeof(folder), "%s/run", dir);
	snprintf(file, sizeof(file), "%s/hx.sysctl", folder);
	if (mkdir(folder, 0755) < 0)
		return 1;
	rc = cmocka_run_group_tests_name("sysctl", tests, NULL, NULL);
	(void)unlink(file);
	(void)rmdir(folder);
	(void)rmdir(dir);
	return rc;
}
