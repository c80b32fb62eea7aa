/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading back what hokm_bpf_open() attached and pinned, and putting it back (architecture rule
 * 12). The handle holds the programs, the link and the maps by descriptors of its own, so nothing
 * is lost when another program removes a pin.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/log.h"

int bpf_hold_link(struct hokm_bpf *b)
{
	char path[PIN_PATH_MAX];
	int err = pins_path(b->dir, PIN_LINK, path);

	if (err)
		return err;
	if (b->link >= 0)
		close(b->link);
	b->link = bpf_obj_get(path);
	return b->link < 0 ? b->link : 0;
}

static int twin_fd(int fd, int *out)
{
	*out = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd >= 0 && *out < 0 ? -errno : 0;
}

static int twin_fds(const struct hokm_bpf *b, struct hokm_bpf *t)
{
	int err = 0;

	for (int i = 0; !err && i < MAP_COUNT; i++)
		err = twin_fd(b->map[i], &t->map[i]);
	if (!err)
		err = twin_fd(b->ingress, &t->ingress);
	if (!err)
		err = twin_fd(b->egress, &t->egress);
	if (!err)
		err = twin_fd(b->fence, &t->fence);
	return err ? err : twin_fd(b->link, &t->link);
}

int hokm_bpf_twin(const struct hokm_bpf *b, struct hokm_bpf **out)
{
	struct hokm_bpf *t = bpf_blank();
	int err;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->ifindex = b->ifindex;
	t->mode = b->mode;
	memcpy(t->dir, b->dir, sizeof(t->dir));
	memcpy(t->ifname, b->ifname, sizeof(t->ifname));
	err = twin_fds(b, t);
	if (err) {
		hokm_bpf_close(t);
		return err;
	}
	*out = t;
	return 0;
}

int hokm_bpf_move(struct hokm_bpf *b, int ifindex)
{
	struct hokm_meta meta;
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(b->map[MAP_META], &zero, &meta);

	if (err)
		return err;
	b->ifindex = ifindex;
	meta.ifindex = (uint32_t)ifindex;
	return bpf_map_update_elem(b->map[MAP_META], &zero, &meta, BPF_ANY);
}

int hokm_bpf_follow(struct hokm_bpf *b, int ifindex)
{
	b->ifindex = ifindex;
	return bpf_hold_link(b);
}

/* Is a bpffs two folders above the one of the node? Another agent may have unmounted it. */
static bool has_bpffs(const char *above)
{
	const char *slash = strrchr(above, '/');
	char root[PIN_DIR_MAX];
	struct statfs fs;

	if (!slash)
		return false;
	snprintf(root, sizeof(root), "%.*s", (int)(slash - above), above);
	return !statfs(root, &fs) && fs.f_type == BPF_FS_MAGIC;
}

/* The folder of the node, and the one above it. -EMEDIUMTYPE: there is no bpffs. */
static int make_folders(const char *dir)
{
	char above[PIN_DIR_MAX];
	char *slash;

	snprintf(above, sizeof(above), "%s", dir);
	slash = strrchr(above, '/');
	if (slash)
		*slash = '\0';
	if (!has_bpffs(above))
		return -EMEDIUMTYPE;
	if (mkdir(above, 0700) < 0 && errno != EEXIST)
		return -errno;
	return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int bpf_attach_ingress(struct hokm_bpf *b)
{
	const struct hokm_bpf_opts opts = {0};
	struct pins p;
	struct xdp_job job = {
		.ifindex = b->ifindex,
		.ifname = b->ifname,
		.prog_fd = b->ingress,
		.opts = &opts,
		.pins = &p,
	};
	int err = make_folders(b->dir);

	if (!err)
		err = pins_open(b->dir, &p);
	if (err)
		return err;
	err = xdp_attach(&job);
	pins_close(&p);
	if (!err)
		err = bpf_hold_link(b);
	if (!err)
		b->mode = xdp_mode(b->ifindex);
	return err;
}

int hokm_bpf_again_ingress(struct hokm_bpf *b)
{
	char name[IF_NAMESIZE];
	int err;

	if (b->link < 0)
		return -EBADF;
	if (xdp_link_ifindex(b->link, NULL) == b->ifindex)
		return 0;
	if (!if_indextoname((unsigned int)b->ifindex, name))
		return -ENODEV;
	err = bpf_attach_ingress(b);
	return err ? err : 1;
}

int hokm_bpf_again_egress(struct hokm_bpf *b)
{
	int err;

	if (b->egress < 0)
		return -EBADF;
	if (tc_program(b->ifindex, TC_EGRESS) == bpf_prog_id_of(b->egress))
		return 0;
	err = tc_attach(b->ifindex, TC_EGRESS, b->egress);
	return err ? err : 1;
}

/*
 * Returns 1 when the pin had been removed and was made again, 0 when it was there or this packet
 * path has none, or -errno.
 */
static int pin_again(const struct hokm_bpf *b, const char *name, int fd)
{
	char path[PIN_PATH_MAX];
	int err = pins_path(b->dir, name, path);

	if (err || fd < 0)
		return err;
	if (!access(path, F_OK))
		return 0;
	err = make_folders(b->dir);
	if (!err)
		err = pins_put(b->dir, name, fd);
	return err ? err : 1;
}

const char *hokm_bpf_again_text(int err, const char *bpffs, char dst[HOKM_AGAIN_TEXT_MAX])
{
	if (err != -EMEDIUMTYPE)
		return strerror(-err);
	snprintf(dst, HOKM_AGAIN_TEXT_MAX,
		 "no bpffs is mounted where the pins were: mount -t bpf -o mode=0700 bpf %s; "
		 "until then the end of this process would be that of its programs",
		 bpffs);
	return dst;
}

int hokm_bpf_again_pins(struct hokm_bpf *b)
{
	const struct {
		const char *name;
		int fd;
	} programs[] = {{PIN_LINK, b->link},
			{PIN_INGRESS, b->ingress},
			{PIN_EGRESS, b->egress},
			{PIN_FENCE, b->fence}};
	int n = 0;

	if (b->link < 0)
		return -EBADF;
	for (int i = 0; i < MAP_COUNT; i++) {
		int made = pin_again(b, bpf_map_names[i], b->map[i]);

		if (made < 0)
			return made;
		n += made;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		int made = pin_again(b, programs[i].name, programs[i].fd);

		if (made < 0)
			return made;
		n += made;
	}
	return n;
}
