/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Removing the packet path: that of this node, and what a daemon of another name left on the
 * machine, which happens when the node's name in the file is changed while no daemon runs.
 *
 * A bpffs may be shared by several network namespaces, and so may be its folders of pins. So pins
 * of another name count as left behind only if their program is the one on an interface of this
 * network namespace, and if nobody writes the sign of life of a daemon into their map `own`.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/log.h"

/* A daemon writes its sign of life with each pulse: every 250 ms at least (conf/rules_times.c). */
#define LIFE_US 600000

int bpf_detach_ingress(const struct pins *p)
{
	int err;

	if (p->link < 0 || xdp_link_ifindex(p->link, NULL) <= 0)
		return 0;
	/* Removing the pin is not enough: a running daemon has the link open as well. */
	err = bpf_link_detach(p->link);
	if (err)
		log_error("could not detach the XDP link pinned in %s: %s", p->dir, strerror(-err));
	return err;
}

/*
 * A filter at our handle and priority is ours, except when the pin prog_egress shows that its
 * program is another one.
 */
static int detach_egress(const struct pins *p, int ifindex)
{
	uint32_t program = ifindex > 0 ? tc_listed(ifindex, TC_EGRESS) : 0;

	if (!program)
		return 0;
	if (p->egress >= 0 && bpf_prog_id_of(p->egress) != program) {
		log_warn("the egress filter of interface %d stays: "
			 "its program is not the one pinned in %s, "
			 "which may belong to another network namespace",
			 ifindex, p->dir);
		return 0;
	}
	return tc_detach(ifindex, TC_EGRESS);
}

/* ---- of another name ---- */

int pins_interface(const struct pins *p)
{
	uint32_t program = 0, attached = 0;
	int ifindex = p->link < 0 ? 0 : xdp_link_ifindex(p->link, &program);

	if (ifindex <= 0 || bpf_xdp_query_id(ifindex, 0, &attached))
		return 0;
	return attached && attached == program ? ifindex : 0;
}

/* The moment of the last sign of life; 0: unknown. */
static uint64_t sign_of_life(const struct pins *p)
{
	struct hokm_own own;
	uint32_t zero = 0;

	if (p->meta.abi_version != HOKM_ABI_VERSION || p->map[MAP_OWN] < 0 ||
	    bpf_map_lookup_elem(p->map[MAP_OWN], &zero, &own))
		return 0;
	return own.daemon_ns;
}

static bool has_daemon(const struct pins *p)
{
	uint64_t before = sign_of_life(p);

	usleep(LIFE_US);
	return sign_of_life(p) != before;
}

static int remove_one(const char *dir)
{
	struct pins p;
	int ifindex, err = pins_open(dir, &p);

	if (err)
		return err;
	ifindex = pins_interface(&p);
	if (ifindex && has_daemon(&p)) {
		log_error("a daemon runs on this machine under another name (pins in %s): "
			  "stop it first",
			  dir);
		err = -EADDRINUSE;
	} else if (ifindex) {
		log_warn("removing what a daemon of another name left behind (pins in %s)", dir);
		err = bpf_detach_ingress(&p);
		if (!err)
			err = detach_egress(&p, ifindex);
		if (!err)
			err = pins_remove(dir);
	}
	pins_close(&p);
	return err;
}

int leftovers_remove(const char *own_dir)
{
	char root[PIN_DIR_MAX], dir[PIN_PATH_MAX];
	const char *own_name = strrchr(own_dir, '/');
	struct dirent *e;
	int first = 0;
	DIR *d;

	if (!own_name)
		return 0;
	snprintf(root, sizeof(root), "%.*s", (int)(own_name - own_dir), own_dir);
	own_name++;
	d = opendir(root);
	while (d && (e = readdir(d))) {
		int err;

		if (e->d_name[0] == '.' || !strcmp(e->d_name, own_name))
			continue;
		err = pins_path(root, e->d_name, dir);
		err = err ? err : remove_one(dir);
		first = first ? first : err;
	}
	if (d)
		closedir(d);
	return first;
}

/* ---- of this node ---- */

int hokm_bpf_cleanup(const struct conf *c)
{
	int named = (int)if_nametoindex(c->interface);
	char dir[PIN_DIR_MAX];
	struct pins p;
	int first, err = pins_dir(c, dir);
	bool alone;

	if (err)
		return err;
	libbpf_set_print(NULL); /* libbpf would report each qdisc that does not exist */
	err = pins_open(dir, &p);
	if (err)
		return err;
	first = leftovers_remove(dir);
	/* One that runs has fences, and perhaps the interface that is named. */
	alone = first != -EADDRINUSE;
	err = bpf_detach_ingress(&p);
	first = first ? first : err;
	err = detach_egress(&p, (int)p.meta.ifindex);
	first = first ? first : err;
	err = alone ? fence_remove_all() : 0;
	first = first ? first : err;
	if (alone && named != (int)p.meta.ifindex) {
		err = detach_egress(&p, named);
		first = first ? first : err;
	}
	pins_close(&p);
	/* The pins go last: without them, a later cleanup could not find what is still attached. */
	return first ? first : pins_remove(dir);
}
