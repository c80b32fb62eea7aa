/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening, adopting and removing the packet path.
 *
 * hokm_bpf_open() works in this order. When a step fails, undo() undoes the steps before it.
 *
 *   open the BPF object in this binary and hash its layout
 *   compare it with what is pinned: adopt, start fresh, replace what is incomplete, or refuse
 *   load, with new maps or the adopted ones; or take over the pinned programs, when they are those
 *   of this binary
 *   pin the maps, then write map meta (fresh start only)
 *   begin the silence of a new map grants
 *   write the key, attach the egress filter, pin the programs, attach the ingress link
 *   write the build id to map meta
 *   begin the silence again and pin map meta (only when incomplete pins were replaced)
 *
 * Map meta is written after the last map was pinned, so pins without a version in meta come from a
 * start that did not finish. Where the programs before are still attached, and give grants out of
 * maps that nobody can read, meta is pinned only after the new programs took their place: the maps
 * of a start that did not finish are never adopted under programs that do not use them. The build
 * id in meta is 0 while programs are replaced, so the programs
 * of a start that did not finish are never taken over. Ingress is attached last: no frame reaches
 * the new programs before, and a foreign XDP program is replaced only when nothing else can fail. A
 * new map cfg is all zero, and with it both programs let every frame pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/clock.h"
#include "base/log.h"

/* What hokm_bpf_open() has done so far. */
struct opening {
	const struct conf *c;
	const struct hokm_bpf_opts *opts;
	struct hokm_bpf *b;
	struct bpf_object *obj;
	struct pins pins;
	uint64_t layout;
	bool adopt;
	bool reuse;   /* the pinned programs too */
	bool replace; /* the pins are incomplete, and their programs are attached */
	bool made_dir;
	bool tc_done;
};

struct hokm_bpf *bpf_blank(void)
{
	struct hokm_bpf *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	for (int i = 0; i < MAP_COUNT; i++)
		b->map[i] = -1;
	b->ingress = b->egress = b->fence = b->link = b->lock = -1;
	b->mode = "none";
	return b;
}

struct hokm_bpf *bpf_new(void)
{
	struct hokm_bpf *b = bpf_blank();

	if (b && bpf_maps_init(b)) {
		hokm_bpf_close(b);
		return NULL;
	}
	return b;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void hokm_bpf_close(struct hokm_bpf *b)
{
	if (!b)
		return;
	bpf_changes_close(b);
	bpf_maps_unmap(b);
	for (int i = 0; i < MAP_COUNT; i++)
		close_fd(b->map[i]);
	close_fd(b->ingress);
	close_fd(b->egress);
	close_fd(b->fence);
	close_fd(b->link);
	close_fd(b->lock);
	free(b->percpu);
	free(b->batch_keys);
	free(b->batch_conns);
	free(b);
}

const char *hokm_bpf_folder(const struct hokm_bpf *b)
{
	return b->dir;
}

const char *hokm_bpf_mode(const struct hokm_bpf *b)
{
	return b->mode;
}

int hokm_bpf_ifindex(const struct hokm_bpf *b)
{
	return b->ifindex;
}

/* ---- earlier pins ---- */

/* Returns 0 when complete pins have our schema; otherwise logs and returns -EPROTO. */
static int check_meta(const struct pins *p, uint64_t layout)
{
	if (p->meta.abi_version == HOKM_ABI_VERSION && p->meta.layout_hash == layout)
		return 0;
	log_error("the maps pinned in %s belong to another version (schema %u, layout %016llx; "
		  "this version has %d, %016llx): run that version, "
		  "or run `hokm-xdp cleanup` and start again",
		  p->dir, p->meta.abi_version, (unsigned long long)p->meta.layout_hash,
		  HOKM_ABI_VERSION, (unsigned long long)layout);
	return -EPROTO;
}

static bool pins_whole(const struct pins *p)
{
	return p->n_maps == MAP_ADOPTED && p->meta.abi_version;
}

/* Returns true when a program of these pins may be attached to an interface. */
static bool pins_attached(const struct pins *p, int ifindex)
{
	uint32_t egress = p->egress >= 0 ? bpf_prog_id_of(p->egress) : 0;

	if (p->link >= 0 && xdp_link_ifindex(p->link, NULL) > 0)
		return true;
	return egress && tc_program(ifindex, TC_EGRESS) == egress;
}

/*
 * A daemon was killed while another program removed its pins. The maps that lost theirs belong to
 * the programs alone and cannot be had again. The programs go on, and close the gate when their
 * lease ends, until new ones with new maps take their place without a gap. Until that is done map
 * meta has no pin, so that a start after one that failed or was killed replaces all of them again.
 */
static int replace_all(struct opening *o)
{
	char path[PIN_PATH_MAX];
	int err = pins_path(o->pins.dir, bpf_map_names[MAP_META], path);

	o->replace = true;
	log_warn("the pins in %s are incomplete (%u of %d maps), but their programs are attached: "
		 "replacing all of them; connections are tracked anew",
		 o->pins.dir, o->pins.n_maps, MAP_ADOPTED);
	if (err || !unlink(path) || errno == ENOENT)
		return err;
	return -errno;
}

/* Decides between adopting the pins, starting fresh, and refusing to start. */
static int judge_pins(struct opening *o)
{
	struct pins *p = &o->pins;
	int err;

	if (!p->any)
		return 0;
	if (pins_whole(p)) {
		err = check_meta(p, o->layout);
		o->adopt = !err;
		return err;
	}
	if (pins_attached(p, o->b->ifindex))
		return replace_all(o);
	log_warn("the pins in %s are incomplete (%u of %d maps), "
		 "left by a start that did not finish: removing them and starting fresh",
		 p->dir, p->n_maps, MAP_ADOPTED);
	pins_close(p);
	err = pins_remove(p->dir);
	p->any = false;
	return err;
}

/* ---- opening ---- */

static int find_interface(struct opening *o)
{
	unsigned int ifindex = if_nametoindex(o->c->interface);
	int err;

	snprintf(o->b->ifname, sizeof(o->b->ifname), "%s", o->c->interface);
	if (ifindex) {
		o->b->ifindex = (int)ifindex;
		return 0;
	}
	err = errno == ENXIO ? -ENODEV : -errno;
	log_error("there is no interface \"%s\": %s; `ip link` lists the interfaces",
		  o->c->interface, strerror(-err));
	return err;
}

static int prepare(struct opening *o)
{
	char dir[PIN_DIR_MAX];
	int err = find_interface(o);

	if (!err)
		err = load_open(&o->obj, &o->layout);
	if (!err)
		err = pins_dir(o->c, dir);
	if (!err)
		err = leftovers_remove(dir);
	if (!err)
		err = pins_open(dir, &o->pins);
	if (!err)
		snprintf(o->b->dir, sizeof(o->b->dir), "%s", dir);
	if (!err)
		err = judge_pins(o);
	if (err)
		return err;
	o->made_dir = !o->adopt && !o->replace;
	return pins_make_dir(o->c, dir);
}

/* Duplicates a descriptor, because the BPF object and the pins are closed before b is. */
static int take_fd(int fd, int *out)
{
	if (fd < 0)
		return fd;
	*out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *out < 0 ? -errno : 0;
}

/* Of the object that was loaded, or `pinned`. */
static int prog_fd(const struct opening *o, const char *name, int pinned)
{
	if (o->reuse)
		return pinned;
	return bpf_program__fd(bpf_object__find_program_by_name(o->obj, name));
}

static int take_programs(struct opening *o)
{
	int err = take_fd(prog_fd(o, PROG_INGRESS, o->pins.ingress), &o->b->ingress);

	if (!err)
		err = take_fd(prog_fd(o, PROG_EGRESS, o->pins.egress), &o->b->egress);
	if (!err)
		err = take_fd(prog_fd(o, PROG_FENCE, o->pins.fence), &o->b->fence);
	return err;
}

static int map_fd(const struct opening *o, int i)
{
	const struct bpf_map *map;

	if (o->reuse)
		return o->pins.map[i];
	map = bpf_object__find_map_by_name(o->obj, bpf_map_names[i]);
	return map ? bpf_map__fd(map) : -ENOENT;
}

static int take_maps(struct opening *o)
{
	int err;

	for (int i = 0; i < MAP_COUNT; i++) {
		err = take_fd(map_fd(o, i), &o->b->map[i]);
		if (err)
			return err;
	}
	err = bpf_maps_map(o->b);
	if (!err && o->adopt && !o->reuse)
		bpf_bits_fill(o->b);
	return err;
}

/* With the build id and the tags of the programs, or with neither: they are being replaced. */
static int write_meta(struct opening *o, bool programs_pinned)
{
	struct hokm_meta meta = {
		.abi_version = HOKM_ABI_VERSION,
		.ifindex = (uint32_t)o->b->ifindex,
		.layout_hash = o->layout,
		.created_ns = o->adopt ? o->pins.meta.created_ns : clock_now_ns(),
	};
	uint32_t zero = 0;
	int err;

	if (programs_pinned) {
		meta.build_id = build_id();
		meta.tags[0] = prog_tag(o->b->ingress);
		meta.tags[1] = prog_tag(o->b->egress);
		meta.tags[2] = prog_tag(o->b->fence);
	}
	err = bpf_map_update_elem(o->b->map[MAP_META], &zero, &meta, BPF_ANY);
	if (err)
		log_error("could not write map meta: %s", strerror(-err));
	return err;
}

/* The maps of the programs that were loaded now. */
static int pin_maps(struct opening *o)
{
	int err = 0;

	if (o->reuse)
		return 0;
	if (o->adopt)
		err = write_meta(o, false);
	for (int i = o->adopt ? MAP_ADOPTED : 0; !err && i < MAP_COUNT; i++)
		if (i != MAP_META || !o->replace)
			err = pins_put(o->pins.dir, bpf_map_names[i], o->b->map[i]);
	return err || o->adopt ? err : write_meta(o, false);
}

/*
 * Must happen before the programs see a frame: a key of zeros is known to everybody. Peers of
 * adopted maps have their slots already.
 */
static int write_keys(struct opening *o)
{
	struct hokm_keys keys = {0};
	struct hokm_cfg cfg;
	int err = hokm_bpf_get_cfg(o->b, &cfg);

	if (!err)
		err = conf_pulse_keys(o->c, &cfg, &keys);
	if (!err)
		err = hokm_bpf_set_keys(o->b, &keys);
	explicit_bzero(&keys, sizeof(keys));
	if (err)
		log_error("could not write the pulse keys to map keys: %s", strerror(-err));
	return err;
}

static int attach_egress(const struct hokm_bpf *b, int prog_fd)
{
	int err;

	if (tc_program(b->ifindex, TC_EGRESS) == bpf_prog_id_of(prog_fd))
		return 0;
	err = tc_attach(b->ifindex, TC_EGRESS, prog_fd);
	if (err == -EBUSY)
		log_error(
			"could not attach the egress filter to %s: "
			"another program set the qdisc `ingress`, which takes the place of clsact; "
			"let it use clsact, or remove it: tc qdisc del dev %s ingress",
			b->ifname, b->ifname);
	else if (err)
		log_error("could not attach the egress filter to %s: %s", b->ifname,
			  strerror(-err));
	return err;
}

static int pin_programs(const struct opening *o)
{
	int err;

	if (o->reuse)
		return 0;
	err = pins_put(o->pins.dir, PIN_EGRESS, o->b->egress);
	if (!err)
		err = pins_put(o->pins.dir, PIN_INGRESS, o->b->ingress);
	return err ? err : pins_put(o->pins.dir, PIN_FENCE, o->b->fence);
}

static int attach(struct opening *o)
{
	struct xdp_job job = {
		.ifindex = o->b->ifindex,
		.ifname = o->c->interface,
		.prog_fd = o->b->ingress,
		.opts = o->opts,
		.pins = &o->pins,
	};
	int err;

	o->tc_done = true;
	err = attach_egress(o->b, o->b->egress);
	if (!err)
		err = pin_programs(o);
	if (!err)
		err = xdp_attach(&job);
	return err ? err : bpf_hold_link(o->b);
}

/*
 * The new programs run. Until now the programs before gave grants that the new map does not know:
 * the silence lasts from this moment on.
 */
static int finish(struct opening *o)
{
	int err = write_meta(o, true);

	if (err || !o->replace)
		return err;
	bpf_grants_begin(o->b, o->opts->longest_grant_ns);
	return pins_put(o->pins.dir, bpf_map_names[MAP_META], o->b->map[MAP_META]);
}

/*
 * Handles pins of another interface: it was created again, or the configuration names a new one.
 * The filter of the former interface is removed.
 */
static void follow_interface(struct opening *o)
{
	int old = (int)o->pins.meta.ifindex;

	if ((!o->adopt && !o->replace) || old == o->b->ifindex)
		return;
	if (o->pins.egress >= 0 && tc_program(old, TC_EGRESS) == bpf_prog_id_of(o->pins.egress))
		(void)tc_detach(old, TC_EGRESS);
}

static void undo(struct opening *o)
{
	if (o->tc_done && (o->adopt || o->replace) && o->pins.egress >= 0) {
		(void)attach_egress(o->b, o->pins.egress);
		(void)pins_put(o->pins.dir, PIN_EGRESS, o->pins.egress);
		if (o->pins.ingress >= 0)
			(void)pins_put(o->pins.dir, PIN_INGRESS, o->pins.ingress);
		if (o->pins.fence >= 0)
			(void)pins_put(o->pins.dir, PIN_FENCE, o->pins.fence);
	} else if (o->tc_done) {
		(void)tc_detach(o->b->ifindex, TC_EGRESS);
	}
	if (o->made_dir)
		(void)pins_remove(o->pins.dir);
}

/* The verifier needs seconds, unless what is pinned is what it would look at. */
static int load(struct opening *o)
{
	const char *obstacle = o->adopt ? reuse_obstacle(&o->pins) : "nothing was pinned";

	o->reuse = !obstacle;
	if (o->reuse)
		return 0;
	log_info("loading the BPF programs: %s", obstacle);
	return load_object(o->obj, o->c);
}

static int run_opening(struct opening *o)
{
	int err = prepare(o);

	if (!err)
		err = load_prepare(o->obj, o->c, &o->pins, o->adopt);
	if (!err)
		err = load(o);
	if (!err)
		err = take_maps(o);
	if (!err)
		err = take_programs(o);
	if (!err)
		err = pin_maps(o);
	if (!err && !o->adopt)
		bpf_grants_begin(o->b, o->opts->longest_grant_ns);
	if (!err)
		err = write_keys(o);
	if (!err)
		err = attach(o);
	return err ? err : finish(o);
}

int hokm_bpf_open(const struct conf *c, const struct hokm_bpf_opts *opts, struct hokm_bpf **out,
		  bool *adopted)
{
	struct opening o = {.c = c, .opts = opts};
	int err;

	*out = NULL;
	*adopted = false;
	memset(o.pins.map, -1, sizeof(o.pins.map));
	o.pins.link = o.pins.ingress = o.pins.egress = o.pins.fence = -1;
	o.b = bpf_new();
	if (!o.b)
		return -ENOMEM;
	err = run_opening(&o);
	if (err)
		undo(&o);
	else
		follow_interface(&o);
	pins_close(&o.pins);
	bpf_object__close(o.obj);
	if (err) {
		log_error("could not set up the packet path on %s: %s", c->interface,
			  strerror(-err));
		hokm_bpf_close(o.b);
		return err;
	}
	o.b->mode = xdp_mode(o.b->ifindex);
	*out = o.b;
	*adopted = o.adopt;
	return 0;
}

/* ---- opening for reading ---- */

static int check_pinned(const struct pins *p)
{
	struct bpf_object *obj;
	uint64_t layout;
	int err;

	if (!p->any)
		return -ENOENT;
	if (!pins_whole(p)) {
		log_error("the pins in %s are incomplete: "
			  "a daemon that runs puts them back in a second, "
			  "and one that is started replaces them",
			  p->dir);
		return -EPROTO;
	}
	err = load_open(&obj, &layout);
	if (err)
		return err;
	bpf_object__close(obj);
	return check_meta(p, layout);
}

int hokm_bpf_open_pinned(const struct conf *c, struct hokm_bpf **out)
{
	char dir[PIN_DIR_MAX];
	struct hokm_bpf *b;
	struct pins p;
	int err = pins_dir(c, dir);

	*out = NULL;
	if (!err)
		err = pins_open(dir, &p);
	if (err)
		return err;
	err = check_pinned(&p);
	b = err ? NULL : bpf_new();
	if (b) {
		memcpy(b->map, p.map, MAP_ADOPTED * sizeof(p.map[0]));
		memset(p.map, -1, MAP_ADOPTED * sizeof(p.map[0])); /* b owns these now */
		b->ifindex = (int)p.meta.ifindex;
		b->mode = xdp_mode(b->ifindex);
		err = bpf_maps_map(b);
	} else if (!err) {
		err = -ENOMEM;
	}
	if (err) {
		hokm_bpf_close(b);
		b = NULL;
	}
	pins_close(&p);
	*out = b;
	return err;
}
