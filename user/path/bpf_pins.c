/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of pins of this node: <bpffs>/hokm-xdp/<node>, mode 0700; of a witness it is
 * <bpffs>/hokm-xdp-witness/<witness>, and has fewer pins. It has the maps by their names,
 * prog_ingress, prog_egress, prog_fence and link_ingress. A bpffs forbids dots in names, so a dot
 * in the name of the node becomes an underscore.
 *
 * To replace a pin, the new object is pinned under another name and then renamed. So the name
 * exists at every moment. The kernel detaches a link when its last pin and its last descriptor are
 * gone.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/log.h"

#define PIN_ROOT "hokm-xdp"

static int folder_of(const char *bpffs, const char *root, const char *name, char dir[PIN_DIR_MAX])
{
	int n = snprintf(dir, PIN_DIR_MAX, "%s/%s/%s", bpffs, root, name);

	if (n < 0 || n >= PIN_DIR_MAX)
		return -ENAMETOOLONG;
	if (!name[0] || strchr(name, '/')) {
		log_error("the name \"%s\" cannot be the name of a folder of pins: "
			  "choose a name that is not empty and has no /",
			  name);
		return -EINVAL;
	}
	for (char *p = dir + n - strlen(name); *p; p++)
		if (*p == '.')
			*p = '_';
	return 0;
}

int pins_dir(const struct conf *c, char dir[PIN_DIR_MAX])
{
	return folder_of(c->bpffs, PIN_ROOT, c->nodes[c->self].name, dir);
}

int pins_dir_witness(const struct conf *c, const char *name, char dir[PIN_DIR_MAX])
{
	return folder_of(c->bpffs, PIN_ROOT_WITNESS, name, dir);
}

int pins_path(const char *dir, const char *name, char path[PIN_PATH_MAX])
{
	int n = snprintf(path, PIN_PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PIN_PATH_MAX ? 0 : -ENAMETOOLONG;
}

bool pins_dir_is_foreign(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return false;
	if (S_ISDIR(st.st_mode) && (st.st_uid == 0 || st.st_uid == geteuid()) &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	log_error("%s belongs to user %u with mode %04o: others than root could change what is "
		  "pinned there. Find out who made it, then remove it (rm -r %s); a bpffs of mode "
		  "0700 keeps others out",
		  path, st.st_uid, st.st_mode & 07777, path);
	return true;
}

/* The same for a folder of pins and the one above it. */
static bool is_foreign(const char *dir)
{
	char above[PIN_PATH_MAX];

	snprintf(above, sizeof(above), "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	return pins_dir_is_foreign(above) || pins_dir_is_foreign(dir);
}

static int make_one(const char *path)
{
	int err;

	if (!mkdir(path, 0700) || errno == EEXIST)
		return pins_dir_is_foreign(path) ? -EBUSY : 0;
	err = -errno;
	log_error("could not create the folder of pins %s: %s", path, strerror(-err));
	return err;
}

/* With this mode, as systemd does it: else every user can make folders there. */
#define MOUNT_IT "mount -t bpf -o mode=0700 bpf %s"

int pins_make_dir(const struct conf *c, const char *dir)
{
	char root[PIN_PATH_MAX];
	struct statfs fs;
	int err;

	if (statfs(c->bpffs, &fs) < 0) {
		err = -errno;
		log_error("there is no bpffs at %s: %s; mount one: " MOUNT_IT, c->bpffs,
			  strerror(-err), c->bpffs);
		return err == -ENOENT ? -EINVAL : err;
	}
	if (fs.f_type != BPF_FS_MAGIC) {
		log_error("%s is not a bpffs; mount one: " MOUNT_IT, c->bpffs, c->bpffs);
		return -EINVAL;
	}
	snprintf(root, sizeof(root), "%.*s", (int)(strrchr(dir, '/') - dir), dir);
	err = make_one(root);
	return err ? err : make_one(dir);
}

/* Opens one pin. *fd is -1 when it does not exist. */
static int open_one(const char *dir, const char *name, int *fd)
{
	char path[PIN_PATH_MAX];
	int err = pins_path(dir, name, path);
	int got;

	*fd = -1;
	if (err)
		return err;
	got = bpf_obj_get(path);
	if (got == -ENOENT)
		return 0;
	if (got < 0) {
		log_error("could not open pin %s: %s%s", path, strerror(-got),
			  got == -EPERM || got == -EACCES ? "; run as root or with CAP_BPF" : "");
		return got;
	}
	*fd = got;
	return 0;
}

static void read_meta(struct pins *p)
{
	uint32_t zero = 0;

	if (p->map[MAP_META] < 0 || bpf_map_lookup_elem(p->map[MAP_META], &zero, &p->meta))
		memset(&p->meta, 0, sizeof(p->meta));
}

int pins_open(const char *dir, struct pins *p)
{
	int err = 0;

	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "%s", dir);
	for (int i = 0; i < MAP_COUNT; i++)
		p->map[i] = -1;
	p->link = p->ingress = p->egress = p->fence = -1;
	if (is_foreign(dir))
		return -EBUSY;
	for (int i = 0; !err && i < MAP_COUNT; i++) {
		err = open_one(dir, bpf_map_names[i], &p->map[i]);
		p->n_maps += i < MAP_ADOPTED && p->map[i] >= 0;
	}
	if (!err)
		err = open_one(dir, PIN_LINK, &p->link);
	if (!err)
		err = open_one(dir, PIN_INGRESS, &p->ingress);
	if (!err)
		err = open_one(dir, PIN_EGRESS, &p->egress);
	if (!err)
		err = open_one(dir, PIN_FENCE, &p->fence);
	if (err) {
		pins_close(p);
		return err;
	}
	p->any = p->n_maps || p->link >= 0 || p->ingress >= 0 || p->egress >= 0;
	read_meta(p);
	return 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void pins_close(struct pins *p)
{
	for (int i = 0; i < MAP_COUNT; i++)
		close_one(&p->map[i]);
	close_one(&p->link);
	close_one(&p->ingress);
	close_one(&p->egress);
	close_one(&p->fence);
}

int pins_put(const char *dir, const char *name, int fd)
{
	char path[PIN_PATH_MAX], fresh[PIN_PATH_MAX], fresh_name[32];
	int err;

	snprintf(fresh_name, sizeof(fresh_name), "%s_new", name);
	err = pins_path(dir, name, path);
	if (!err)
		err = pins_path(dir, fresh_name, fresh);
	if (err)
		return err;
	if (unlink(fresh) < 0 && errno != ENOENT)
		err = -errno;
	if (!err)
		err = bpf_obj_pin(fd, fresh);
	if (!err && rename(fresh, path) < 0) {
		err = -errno;
		(void)unlink(fresh);
	}
	if (err)
		log_error("could not pin %s: %s", path, strerror(-err));
	return err;
}

/* Removes all files of the folder: an earlier version may have used other names. */
static int remove_files(const char *dir, DIR *d)
{
	char path[PIN_PATH_MAX];
	struct dirent *e;
	int first = 0;

	while ((e = readdir(d))) {
		int err;

		if (e->d_name[0] == '.')
			continue;
		err = pins_path(dir, e->d_name, path);
		if (!err && unlink(path) < 0)
			err = -errno;
		if (err) {
			log_error("could not remove pin %s/%s: %s", dir, e->d_name, strerror(-err));
			first = first ? first : err;
		}
	}
	return first;
}

int pins_remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	int err;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	err = remove_files(dir, d);
	closedir(d);
	if (!err && rmdir(dir) < 0) {
		err = -errno;
		log_error("could not remove the folder of pins %s: %s", dir, strerror(-err));
	}
	return err;
}

int pins_remove(const char *dir)
{
	const bool was_there = !access(dir, F_OK);
	int err = pins_remove_folder(dir);
	char root[PIN_DIR_MAX];
	char *slash;

	/* Other nodes may have folders beside this one: only the last removes the folder above. */
	snprintf(root, sizeof(root), "%s", dir);
	slash = strrchr(root, '/');
	if (!err && was_there && slash) {
		*slash = '\0';
		if (rmdir(root) < 0 && errno != ENOTEMPTY)
			log_warn("could not remove %s: %s", root, strerror(errno));
	}
	return err;
}
