/* SPDX-License-Identifier: GPL-2.0-only */
/* Namespaces for tests, see own_netns.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "own_netns.h"

static void die(const char *what)
{
	fprintf(stderr, "test set-up: %s: %s\n", what, strerror(errno));
	exit(errno == EPERM ? OWN_SKIPPED : 1);
}

int own_run(const char *const argv[])
{
	char *copy[32] = {NULL};
	int status = -1;
	pid_t pid;

	for (int i = 0; i < 31 && argv[i]; i++) {
		copy[i] = strdup(argv[i]);
		if (!copy[i])
			die("strdup");
	}
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		(void)dup2(2, 1);
		execvp(copy[0], copy);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	for (int i = 0; copy[i]; i++)
		free(copy[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void must(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "test set-up: %s failed: %d\n", what, rc);
		exit(1);
	}
}

static int this_ns(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("/proc/self/ns/net");
	return fd;
}

void own_netns_enter(int ns_fd)
{
	if (setns(ns_fd, CLONE_NEWNET) < 0)
		die("setns");
}

struct in_addr own_addr(const char *text)
{
	struct in_addr a = {0};

	must(inet_pton(AF_INET, text, &a) != 1, text);
	return a;
}

bool own_wait(bool (*fn)(void *), void *arg, uint64_t deadline_ms)
{
	uint64_t end = clock_now_ns() + deadline_ms * 1000000;

	while (!fn(arg)) {
		if (clock_now_ns() > end)
			return false;
		(void)poll(NULL, 0, 2);
	}
	return true;
}

static bool link_runs(void *arg)
{
	char path[64], text[16] = "";
	const char *name = arg;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 && !strncmp(text, "up", 2);
}

void own_netns_link(struct own_netns *n)
{
	char path[64], hx0[] = "hx0";

	own_netns_enter(n->a);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), n->b);
	must(RUN("ip", "link", "add", "hx0", "type", "veth", "peer", "name", "hx1"), "veth");
	must(RUN("ip", "link", "set", "hx1", "netns", path), "moving hx1");
	must(RUN("ip", "address", "add", "192.168.1.26/24", "dev", "hx0"), "address of hx0");
	must(RUN("ip", "link", "set", "hx0", "up"), "hx0 up");
	n->ifindex_a = (int)if_nametoindex("hx0");
	own_netns_enter(n->b);
	must(RUN("ip", "address", "add", "192.168.1.27/24", "dev", "hx1"), "address of hx1");
	must(RUN("ip", "link", "set", "hx1", "up"), "hx1 up");
	n->ifindex_b = (int)if_nametoindex("hx1");
	own_netns_enter(n->a);
	must(!own_wait(link_runs, hx0, 5000), "waiting for the link");
}

/* A mounted /sys shows the network namespace in which it was mounted. */
static void own_sys(void)
{
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		die("mounting /sys");
}

void own_netns_make(struct own_netns *n)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		die("the namespaces of the test need root");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("making mounts private");
	n->b = this_ns();
	must(RUN("ip", "link", "set", "lo", "up"), "lo up");
	if (unshare(CLONE_NEWNET) < 0)
		die("second namespace");
	n->a = this_ns();
	own_sys();
	must(RUN("ip", "link", "set", "lo", "up"), "lo up");
	n->addr_a = own_addr("192.168.1.26");
	n->addr_b = own_addr("192.168.1.27");
	own_netns_link(n);
}
