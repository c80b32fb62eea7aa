/* SPDX-License-Identifier: GPL-2.0-only */
/* One daemon for each network namespace: who gets the lock, and who does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/netns_lock.h"
#include "own_netns.h"

#define FILE_NAME "/etc/hokm-xdp/hokm-xdp.conf"
#define NOBODY    65534

static struct own_netns ns;

static int take(struct netns_lock *l)
{
	*l = NETNS_LOCK_NONE;
	return netns_lock_take(FILE_NAME, l);
}

static void the_second_one_is_refused(void **state)
{
	struct netns_lock first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	assert_int_equal(take(&second), -EADDRINUSE);
	assert_int_equal(second.name, -1);
	assert_int_equal(second.words, -1);
	netns_lock_release(&first);
	assert_int_equal(take(&second), 0);
	netns_lock_release(&second);
	netns_lock_release(&second); /* nothing to do */
}

static void each_namespace_has_its_own(void **state)
{
	struct netns_lock first, second;

	(void)state;
	assert_int_equal(take(&first), 0);
	own_netns_enter(ns.b);
	assert_int_equal(take(&second), 0);
	netns_lock_release(&second);
	own_netns_enter(ns.a);
	netns_lock_release(&first);
}

/* A file with a long name is cut where the words are, and not where the lock is. */
static void a_long_name_of_the_file_is_no_way_around(void **state)
{
	struct netns_lock first = NETNS_LOCK_NONE, second = NETNS_LOCK_NONE;
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(netns_lock_take(name, &first), 0);
	assert_int_equal(netns_lock_take(name, &second), -EADDRINUSE);
	netns_lock_release(&first);
}

/* A process that holds the lock until end() of it. */
static pid_t holder(const char *file)
{
	struct netns_lock l;
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a check fails */
		c = netns_lock_take(file, &l) ? 'n' : 'y';
		(void)!write(ready[1], &c, 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void the_end_of_its_process_releases_it(void **state)
{
	pid_t pid = holder(FILE_NAME);
	struct netns_lock l;

	(void)state;
	assert_int_equal(take(&l), -EADDRINUSE);
	end(pid);
	assert_int_equal(take(&l), 0);
	netns_lock_release(&l);
}

/* What the refusal of this process says. */
static void refusal(char *words, size_t size)
{
	int saved = dup(STDERR_FILENO), out[2];
	struct netns_lock l;
	ssize_t n;

	assert_true(saved >= 0);
	assert_int_equal(pipe(out), 0);
	assert_true(dup2(out[1], STDERR_FILENO) >= 0);
	assert_int_equal(take(&l), -EADDRINUSE);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(out[0], words, size - 1);
	assert_true(n > 0);
	words[n] = '\0';
	close(saved);
	close(out[0]);
	close(out[1]);
}

static void the_refusal_names_process_and_file(void **state)
{
	char words[1024], wanted[64];
	pid_t pid = holder(FILE_NAME);

	(void)state;
	refusal(words, sizeof(words));
	snprintf(wanted, sizeof(wanted), "process %d, configuration %s:", (int)pid, FILE_NAME);
	assert_non_null(strstr(words, wanted));
	end(pid);
}

/* The number of a process in a container is that of another process here. */
static void a_process_of_another_container_has_no_number(void **state)
{
	char words[1024];
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	(void)state;
	assert_true(own >= 0);
	assert_int_equal(unshare(CLONE_NEWPID), 0); /* of the next child */
	pid = holder(FILE_NAME);
	assert_int_equal(setns(own, CLONE_NEWPID), 0);
	refusal(words, sizeof(words));
	assert_null(strstr(words, "process 1,"));
	assert_non_null(strstr(words, "ss -xap"));
	assert_non_null(strstr(words, "configuration " FILE_NAME " "));
	end(pid);
	close(own);
}

static void a_relative_name_of_the_file_is_made_whole(void **state)
{
	char folder[] = "/tmp/netns-lock.XXXXXX", words[1024], wanted[64];
	pid_t pid;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	fd = open("a.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	pid = holder("./a.conf");
	refusal(words, sizeof(words));
	snprintf(wanted, sizeof(wanted), "configuration %s/a.conf:", folder);
	assert_non_null(strstr(words, wanted));
	end(pid);
	assert_int_equal(unlink("a.conf"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
	close(fd);
}

/* Any user may take a free name, and must not keep the daemon from starting by that. */
static void a_name_that_another_user_took_does_not_count(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX, .sun_path = "\0hokm-xdp"};
	struct netns_lock l;
	int fd;

	(void)state;
	assert_int_equal(seteuid(NOBODY), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(seteuid(0), 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa,
			      offsetof(struct sockaddr_un, sun_path) + 1 + strlen("hokm-xdp")),
			 0);
	assert_int_equal(take(&l), 0);
	netns_lock_release(&l);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_one_is_refused),
		cmocka_unit_test(each_namespace_has_its_own),
		cmocka_unit_test(a_long_name_of_the_file_is_no_way_around),
		cmocka_unit_test(the_end_of_its_process_releases_it),
		cmocka_unit_test(the_refusal_names_process_and_file),
		cmocka_unit_test(a_process_of_another_container_has_no_number),
		cmocka_unit_test(a_relative_name_of_the_file_is_made_whole),
		cmocka_unit_test(a_name_that_another_user_took_does_not_count),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
