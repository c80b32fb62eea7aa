/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads the programs of a test and frees them: see fixture.h.
 *
 * The verifier needs most of a second, and five seconds under the emulated processor of
 * tests/kernel, for each of fifty test programs. Therefore the first one pins what it loaded in the
 * folder HOKM_FIX_PINS of a bpf file system, and the others take it from there. fix_reset() lays
 * out every map anew, for the tests of one program as for those of two. Test programs that share
 * pins run one after the other: tests/pins.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fixture.h"
#include "skel.h"

#define NS_FAILED "cannot set up the test's network namespace (run as root): "

static int lo_address(int fd, const char *name, uint32_t addr)
{
	struct ifreq r = {0};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr)};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	memcpy(&r.ifr_addr, &sin, sizeof(sin));
	return ioctl(fd, SIOCSIFADDR, &r);
}

/* A network namespace of its own, with lo up and the VIP and the client's address on it. */
static int enter_netns(void)
{
	struct ifreq r = {.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING};
	int err = -1, fd;

	if (unshare(CLONE_NEWNET))
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "lo");
	if (!ioctl(fd, SIOCSIFFLAGS, &r) && !lo_address(fd, "lo", INADDR_LOOPBACK) &&
	    !lo_address(fd, "lo:1", VIP_ADDR) && !lo_address(fd, "lo:2", CLIENT_ADDR))
		err = 0;
	close(fd);
	return err;
}

/* Rate limits and counters are per CPU: one CPU makes them exact. */
static int stay_on_one_cpu(void)
{
	int cpu = sched_getcpu();
	cpu_set_t set;

	if (cpu < 0)
		return -1;
	CPU_ZERO(&set);
	CPU_SET((unsigned int)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void on_event(void *arg, int cpu, void *data, __u32 size)
{
	struct fix *x = arg;

	(void)cpu;
	assert_true(size >= sizeof(x->event[0]));
	if (x->n_events < sizeof(x->event) / sizeof(x->event[0]))
		memcpy(&x->event[x->n_events++], data, sizeof(x->event[0]));
}

/* The bpf file system knows no dots in names, and the names of libbpf's own maps begin with one. */
static const char *pin_path(char path[64], const char *dir, const char *kind, unsigned int i)
{
	snprintf(path, 64, "%s/%s%u", dir, kind, i);
	return path;
}

/* Maps of skel become those that are pinned. */
static int pinned_maps(struct hokm_bpf *skel, const char *dir)
{
	struct bpf_map *m;
	unsigned int i = 0;
	char path[64];
	int fd, err;

	bpf_object__for_each_map (m, skel->obj) {
		fd = bpf_obj_get(pin_path(path, dir, "map", i++));
		if (fd < 0)
			return -errno;
		err = bpf_map__reuse_fd(m, fd);
		close(fd);
		if (err)
			return err;
	}
	return 0;
}

static int pin_all(struct hokm_bpf *skel, const char *dir)
{
	struct bpf_program *p;
	struct bpf_map *m;
	unsigned int i = 0;
	char path[64];

	bpf_object__for_each_map (m, skel->obj)
		if (bpf_obj_pin(bpf_map__fd(m), pin_path(path, dir, "map", i++)))
			return -errno;
	i = 0;
	bpf_object__for_each_program (p, skel->obj)
		if (bpf_obj_pin(bpf_program__fd(p), pin_path(path, dir, "prog", i++)))
			return -errno;
	return 0;
}

/* A descriptor of a program of skel: the loaded one, or the pinned one. */
static int program(struct hokm_bpf *skel, const struct bpf_program *wanted, const char *dir)
{
	struct bpf_program *p;
	unsigned int i = 0;
	char path[64];

	if (!dir)
		return dup(bpf_program__fd(wanted));
	bpf_object__for_each_program (p, skel->obj) {
		if (p == wanted)
			return bpf_obj_get(pin_path(path, dir, "prog", i));
		i++;
	}
	return -1;
}

static int load(struct hokm_bpf *skel, const char *dir)
{
	struct bpf_program *p;
	char path[64];

	if (!dir)
		return hokm_bpf__load(skel);
	if (access(pin_path(path, dir, "prog", 0), F_OK))
		return hokm_bpf__load(skel) ?: pin_all(skel, dir);
	bpf_object__for_each_program (p, skel->obj)
		bpf_program__set_autoload(p, false);
	return pinned_maps(skel, dir) ?: hokm_bpf__load(skel);
}

static int programs(struct fix *x, const char *dir)
{
	x->ingress = program(x->skel, x->skel->progs.hokm_ingress, dir);
	x->egress = program(x->skel, x->skel->progs.hokm_egress, dir);
	x->fence = program(x->skel, x->skel->progs.hokm_fence, dir);
	x->witness = program(x->skel, x->skel->progs.hokm_witness, dir);
	return x->ingress < 0 || x->egress < 0 || x->fence < 0 || x->witness < 0 ? -1 : 0;
}

int fix_open_small(void **state, uint32_t conns_max)
{
	const char *dir = conns_max ? NULL : getenv("HOKM_FIX_PINS");
	struct fix *x = calloc(1, sizeof(*x));

	*state = NULL;
	if (!x)
		return -1;
	if (enter_netns() || stay_on_one_cpu()) {
		fprintf(stderr, NS_FAILED "%s\n", strerror(errno));
		goto fail;
	}
	x->skel = hokm_bpf__open();
	if (!x->skel)
		goto fail;
	if (conns_max && bpf_map__set_max_entries(x->skel->maps.conns, conns_max))
		goto fail;
	if (load(x->skel, dir) || programs(x, dir)) {
		fprintf(stderr, "cannot load the BPF programs\n");
		goto fail;
	}
	x->events = perf_buffer__new(bpf_map__fd(x->skel->maps.events), 1, on_event, NULL, x, NULL);
	if (!x->events)
		goto fail;
	*state = x;
	return 0;
fail:
	hokm_bpf__destroy(x->skel);
	free(x);
	return -1;
}

int fix_open(void **state)
{
	return fix_open_small(state, 0);
}

int fix_close(void **state)
{
	struct fix *x = *state;

	if (!x)
		return 0;
	perf_buffer__free(x->events);
	ring_buffer__free(x->changes);
	close(x->ingress);
	close(x->egress);
	close(x->fence);
	close(x->witness);
	hokm_bpf__destroy(x->skel);
	free(x);
	return 0;
}
