/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See bpf_witness.h. Opening works in this order: look at the interface and at the pins, load the
 * program with the maps that stay, pin new maps, and write map meta last. So pins without a version
 * in meta come from a start that did not finish.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "path/bpf_internal.h"

struct opening {
	const struct conf *c;
	struct hokm_bpf *b;
	struct bpf_object *obj;
	struct pins pins;
	hokm_witness_process_fn process;
	uint64_t layout;
	bool adopt;
	bool of_self; /* the pins have the address and port of this witness */
	bool left;    /* pins in another folder: those of this one are not the last promises */
};

/* The program of the interface is none, or that of the pinned link. */
static int check_interface(const struct opening *o)
{
	char name[HOKM_BPF_NAME_MAX];
	uint32_t here = 0, ours = 0;
	int err = hokm_bpf_program_of(o->b->ifindex, &here, name);

	if (err || !here)
		return err;
	if (o->pins.link >= 0 && xdp_link_ifindex(o->pins.link, &ours) == o->b->ifindex &&
	    ours == here)
		return 0;
	log_warn("%s has an XDP program that is not this witness's: id %u, name %s", o->b->ifname,
		 here, name);
	return -EBUSY;
}

static bool pins_whole(const struct opening *o)
{
	for (int i = 0; bpf_witness_maps[i] != MAP_COUNT; i++)
		if (o->pins.map[bpf_witness_maps[i]] < 0)
			return false;
	return o->pins.meta.abi_version == HOKM_ABI_VERSION &&
	       o->pins.meta.layout_hash == o->layout;
}

/* Whatever is pinned must stop answering before the silence of new maps begins. */
static int remove_pins(struct pins *p)
{
	int err = bpf_detach_ingress(p);

	pins_close(p);
	return err ? err : pins_remove_folder(p->dir);
}

static int judge_pins(struct opening *o)
{
	int err;

	o->adopt = pins_whole(o) && o->of_self && !o->left;
	if (o->adopt || !o->pins.any)
		return 0;
	log_warn("maps pinned in %s are made anew: of another version or witness, or not whole",
		 o->pins.dir);
	err = remove_pins(&o->pins);
	o->pins.any = false;
	return err;
}

/* Two groups of one machine may give their witnesses the same name. */
static int check_pins(struct opening *o, unsigned int self)
{
	o->of_self = witness_pins_are_of(&o->pins, o->c, self);
	if (!witness_pins_of_another(&o->pins, o->c, self, o->process))
		return 0;
	log_error("the pins in %s are of another witness: give this one another name; "
		  "`hokm-xdp witness --remove-all` removes those of witnesses that do not run",
		  o->pins.dir);
	return -EEXIST;
}

static int look(struct opening *o, unsigned int self, const char *interface)
{
	struct hokm_bpf *b = o->b;
	int err;

	snprintf(b->ifname, sizeof(b->ifname), "%s", interface);
	b->ifindex = (int)if_nametoindex(interface);
	if (!b->ifindex) {
		log_error("there is no interface \"%s\": `ip link` lists the interfaces",
			  interface);
		return -ENODEV;
	}
	err = pins_dir_witness(o->c, o->c->witnesses[self].name, b->dir);
	if (!err)
		err = load_open(&o->obj, &o->layout);
	if (!err)
		err = pins_open(b->dir, &o->pins);
	if (!err)
		err = check_pins(o, self);
	if (!err)
		err = witness_left_remove(o->c, self, b->dir);
	o->left = err > 0;
	if (err >= 0)
		err = check_interface(o);
	if (!err)
		err = judge_pins(o);
	return err ? err : pins_make_dir(o->c, b->dir);
}

/* Duplicates a descriptor: the BPF object is closed before b is. */
static int take_fd(int fd, int *out)
{
	*out = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (*out >= 0)
		return 0;
	return fd < 0 ? fd : -errno;
}

static int take(struct opening *o)
{
	struct hokm_bpf *b = o->b;
	int err = take_fd(bpf_program__fd(bpf_object__find_program_by_name(o->obj, PROG_WITNESS)),
			  &b->ingress);

	for (int i = 0; !err && bpf_witness_maps[i] != MAP_COUNT; i++) {
		const enum bpf_map_id id = bpf_witness_maps[i];

		err = take_fd(bpf_map__fd(bpf_object__find_map_by_name(o->obj, bpf_map_names[id])),
			      &b->map[id]);
	}
	return err ? err : bpf_maps_map_witness(b);
}

static int write_meta(const struct opening *o)
{
	const struct hokm_meta meta = {
		.abi_version = HOKM_ABI_VERSION,
		.ifindex = (uint32_t)o->b->ifindex,
		.layout_hash = o->layout,
		.created_ns = o->adopt ? o->pins.meta.created_ns : clock_now_ns(),
	};
	uint32_t zero = 0;
	int err = bpf_map_update_elem(o->b->map[MAP_META], &zero, &meta, BPF_ANY);

	if (err)
		log_error("could not write map meta: %s", strerror(-err));
	return err;
}

static int pin(struct opening *o)
{
	int err = 0;

	for (int i = 0; !err && !o->adopt && bpf_witness_maps[i] != MAP_COUNT; i++)
		err = pins_put(o->b->dir, bpf_map_names[bpf_witness_maps[i]],
			       o->b->map[bpf_witness_maps[i]]);
	if (!err)
		err = pins_put(o->b->dir, PIN_INGRESS, o->b->ingress);
	return err ? err : write_meta(o);
}

int hokm_bpf_open_witness(const struct conf *c, unsigned int self, const char *interface,
			  hokm_witness_process_fn process, struct hokm_bpf **out, bool *adopted)
{
	struct opening o = {.c = c, .b = bpf_new(), .process = process};
	int lock = -ENOENT, err;

	*out = NULL;
	*adopted = false;
	if (!o.b)
		return -ENOMEM;
	memset(o.pins.map, -1, sizeof(o.pins.map));
	o.pins.link = o.pins.ingress = o.pins.egress = o.pins.fence = -1;
	lock = witness_lock(c->bpffs);
	err = lock == -EBUSY ? lock : look(&o, self, interface);
	if (!err)
		err = load_witness(o.obj, c, &o.pins, o.adopt);
	if (!err)
		err = take(&o);
	if (!err)
		err = pin(&o);
	pins_close(&o.pins);
	bpf_object__close(o.obj);
	if (err) {
		witness_unlock(c->bpffs, lock);
		hokm_bpf_close(o.b);
		return err;
	}
	/* The pins say whose they are only after the caller wrote cfg. */
	o.b->lock = lock;
	*out = o.b;
	*adopted = o.adopt;
	return 0;
}

int hokm_bpf_attach_witness(struct hokm_bpf *b)
{
	int err = bpf_attach_ingress(b);

	if (b->lock >= 0)
		close(b->lock);
	b->lock = -1;
	return err;
}

static int remove_own(const struct conf *c, unsigned int self, const char *dir,
		      hokm_witness_process_fn process)
{
	struct pins p;
	bool any;
	int err;

	/* Who may not see the folder has not made it. */
	if (access(dir, F_OK))
		return 0;
	err = pins_open(dir, &p);
	if (err)
		return err;
	if (witness_pins_of_another(&p, c, self, process)) {
		log_warn("the pins in %s are of another witness: they stay", dir);
		pins_close(&p);
		return 0;
	}
	any = p.any;
	err = remove_pins(&p);
	return err ? err : any;
}

int hokm_bpf_remove_witness(const struct conf *c, unsigned int self,
			    hokm_witness_process_fn process)
{
	char dir[PIN_DIR_MAX];
	int left, own, lock, err = pins_dir_witness(c, c->witnesses[self].name, dir);

	if (err)
		return err;
	lock = witness_lock(c->bpffs);
	if (lock == -EBUSY)
		return lock;
	own = remove_own(c, self, dir, process);
	left = witness_left_remove(c, self, dir);
	witness_unlock(c->bpffs, lock);
	if (own < 0 || left < 0)
		return own < 0 ? own : left;
	return own || left;
}
