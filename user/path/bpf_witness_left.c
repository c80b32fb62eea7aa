/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose pins these are. A witness is known by its address and port, for its name may be that of
 * the witness of another group on this machine.
 *
 * And what a witness left under another name, or in another bpffs: its file was changed while no
 * process ran. Its program would go on answering, keep promises of its own, and take each pulse
 * before the next process hears it.
 *
 * Searched are <bpffs>/hokm-xdp-witness/ of the configuration, and of each bpffs that is mounted.
 * A bpffs may be shared by several network namespaces. So pins count only if their program is the
 * one on an interface of this network namespace.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "path/bpf_internal.h"

/* A start takes less than a second. */
#define LOCK_PAUSE_NS (20 * 1000 * 1000)
#define LOCK_PAUSES   500

struct search {
	/* By address and port pins are those of the witness itself. NULL: those of any witness. */
	const struct hokm_addr *addr;
	__be16 port;
	const char *own; /* its folder, which stays */
	hokm_witness_process_fn process;
	bool lock; /* each bpffs; else the caller has locked its own */
	int removed;
	int err; /* the first one */
};

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* What the start of map cfg says in every version. */
struct who {
	struct hokm_addr addr;
	__be16 port;
};

#define WHO_END (offsetof(struct hokm_cfg, pulse_port) + sizeof(__be16))

/* Returns false when it is not known: there is no map, or it has nothing of this kind. */
static bool read_who(const struct pins *p, struct who *who)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info), zero = 0;
	unsigned char *value;
	bool known;

	if (p->map[MAP_CFG] < 0 || bpf_obj_get_info_by_fd(p->map[MAP_CFG], &info, &size) ||
	    info.type != BPF_MAP_TYPE_ARRAY || info.value_size < WHO_END)
		return false;
	value = calloc(1, info.value_size);
	known = value && !bpf_map_lookup_elem(p->map[MAP_CFG], &zero, value);
	if (known) {
		memcpy(&who->addr, value, sizeof(who->addr));
		memcpy(&who->port, value + offsetof(struct hokm_cfg, pulse_port),
		       sizeof(who->port));
	}
	free(value);
	return known;
}

static bool is_of(const struct search *s, const struct who *who)
{
	return !memcmp(&who->addr, s->addr, sizeof(who->addr)) && who->port == s->port;
}

static int root_of(const char *bpffs, char root[PIN_DIR_MAX])
{
	int n = snprintf(root, PIN_DIR_MAX, "%s/%s", bpffs, PIN_ROOT_WITNESS);

	return n > 0 && n < PIN_DIR_MAX ? 0 : -ENAMETOOLONG;
}

/*
 * A holder of the lock may have removed the folder: then the name is that of another one, or free.
 */
static bool has_name(int fd, const char *root)
{
	struct stat x, y;

	return !fstat(fd, &x) && !lstat(root, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * Returns a descriptor, -EAGAIN while another process has the lock, or -ENOENT. A foreign folder is
 * no place for a lock: its owner could keep it. Who opens the pins then refuses it.
 */
static int try_lock(const char *root)
{
	int fd;

	if ((mkdir(root, 0700) && errno != EEXIST) || pins_dir_is_foreign(root))
		return -ENOENT;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -EAGAIN : -ENOENT;
	if (!flock(fd, LOCK_EX | LOCK_NB) && has_name(fd, root))
		return fd;
	close(fd);
	return -EAGAIN;
}

int witness_lock(const char *bpffs)
{
	const struct timespec pause = {0, LOCK_PAUSE_NS};
	char root[PIN_DIR_MAX];
	int fd = -EAGAIN;

	if (root_of(bpffs, root))
		return -ENOENT;
	for (int i = 0; i < LOCK_PAUSES; i++) {
		fd = try_lock(root);
		if (fd != -EAGAIN)
			return fd;
		(void)nanosleep(&pause, NULL);
	}
	log_error("another process starts or removes a witness in %s, and does not end: "
		  "`fuser %s` names it",
		  root, root);
	return -EBUSY;
}

void witness_unlock(const char *bpffs, int lock)
{
	char root[PIN_DIR_MAX];

	if (lock < 0)
		return;
	if (!root_of(bpffs, root) && has_name(lock, root) && rmdir(root) && errno != ENOTEMPTY)
		log_warn("could not remove %s: %s", root, strerror(errno));
	close(lock);
}

/* Returns 1 when its pins were removed, 0 when they stay, or -errno, logged. */
static int remove_one(const struct search *s, struct pins *p)
{
	struct who who;
	const bool known = read_who(p, &who);
	int err;

	if (!pins_interface(p))
		return 0;
	if (s->addr && (!known || !is_of(s, &who)))
		return 0;
	if (s->process && known && s->process(who.addr, who.port) == HOKM_WITNESS_RUNS) {
		log_warn("the witness with the pins in %s runs, and they stay: stop it first",
			 p->dir);
		return 0;
	}
	log_warn("removing the XDP program that a witness left, with its pins in %s", p->dir);
	err = bpf_detach_ingress(p);
	pins_close(p);
	err = err ? err : pins_remove_folder(p->dir);
	return err ? err : 1;
}

static void look_into(struct search *s, const char *dir)
{
	struct pins p;
	int err = pins_open(dir, &p);

	if (!err) {
		err = remove_one(s, &p);
		pins_close(&p);
	}
	if (err > 0)
		s->removed++;
	else if (err && !s->err)
		s->err = err;
}

static void search_bpffs(struct search *s, const char *bpffs)
{
	char root[PIN_DIR_MAX], dir[PIN_PATH_MAX];
	const int before = s->removed;
	int lock = -ENOENT;
	struct dirent *e;
	DIR *d;

	/* Who may not see the folder has not made it. */
	if (root_of(bpffs, root) || access(root, F_OK) || (s->lock && pins_dir_is_foreign(root)))
		return;
	if (s->lock)
		lock = witness_lock(bpffs);
	if (lock == -EBUSY) {
		s->err = s->err ? s->err : lock;
		return;
	}
	d = opendir(root);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || pins_path(root, e->d_name, dir) || is_same(dir, s->own))
			continue;
		look_into(s, dir);
	}
	if (d)
		closedir(d);
	/* In another bpffs than the caller's. The holder of its lock removes an empty folder. */
	if (!s->lock && s->removed > before)
		lock = try_lock(root);
	witness_unlock(bpffs, lock);
}

static int search_all(struct search *s, const char *bpffs)
{
	char strings[2 * CONF_PATH_MAX];
	struct mntent m;
	FILE *mounts = setmntent("/proc/self/mounts", "re");

	if (bpffs)
		search_bpffs(s, bpffs);
	if (!mounts)
		log_warn("/proc/self/mounts could not be read, for another bpffs: %s",
			 strerror(errno));
	while (mounts && getmntent_r(mounts, &m, strings, sizeof(strings)))
		if (!strcmp(m.mnt_type, "bpf"))
			search_bpffs(s, m.mnt_dir);
	if (mounts)
		endmntent(mounts);
	return s->err ? s->err : s->removed;
}

bool witness_pins_are_of(const struct pins *p, const struct conf *c, unsigned int self)
{
	const struct hokm_addr addr = hokm_addr_from_ipv4(c->witnesses[self].addr);
	const struct search s = {.addr = &addr, .port = htons(c->pulse_port)};
	struct who who;

	return read_who(p, &who) && is_of(&s, &who);
}

bool witness_pins_of_another(const struct pins *p, const struct conf *c, unsigned int self,
			     hokm_witness_process_fn process)
{
	enum hokm_witness_process at;
	struct who who;

	/* On an interface of another network namespace, which shares this bpffs. */
	if (p->link >= 0 && xdp_link_ifindex(p->link, NULL) > 0 && !pins_interface(p))
		return true;
	if (!read_who(p, &who) || witness_pins_are_of(p, c, self))
		return false;
	at = process(who.addr, who.port);
	return at == HOKM_WITNESS_RUNS || (at == HOKM_WITNESS_ABSENT && pins_interface(p));
}

int witness_left_remove(const struct conf *c, unsigned int self, const char *own_dir)
{
	const struct hokm_addr addr = hokm_addr_from_ipv4(c->witnesses[self].addr);
	struct search s = {.addr = &addr, .port = htons(c->pulse_port), .own = own_dir};

	return search_all(&s, c->bpffs);
}

int hokm_bpf_remove_witnesses(hokm_witness_process_fn process)
{
	struct search s = {.process = process, .lock = true};

	return search_all(&s, NULL);
}
