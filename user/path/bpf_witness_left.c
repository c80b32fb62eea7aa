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
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "path/bpf_internal.h"
#include "path/bpf_witness.h"

struct search {
	/* By address and port pins are those of the witness itself. NULL: those of any witness. */
	const struct hokm_addr *addr;
	__be16 port;
	const char *own; /* its folder, which stays */
	hokm_witness_runs_fn runs;
	int removed;
	int err; /* the first one */
};

static bool is_same(const char *a, const char *b)
{
	struct stat x, y;

	return b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Returns false when it is not known: pins of another version, or not whole. */
static bool read_cfg(const struct pins *p, struct hokm_cfg *cfg)
{
	uint32_t zero = 0;

	return p->meta.abi_version == HOKM_ABI_VERSION && p->map[MAP_CFG] >= 0 &&
	       !bpf_map_lookup_elem(p->map[MAP_CFG], &zero, cfg);
}

static bool is_of(const struct search *s, const struct hokm_cfg *cfg)
{
	return !memcmp(&cfg->addr, s->addr, sizeof(cfg->addr)) && cfg->pulse_port == s->port;
}

/* Returns 1 when its pins were removed, 0 when they stay, or -errno, logged. */
static int remove_one(const struct search *s, struct pins *p)
{
	struct hokm_cfg cfg;
	const bool known = read_cfg(p, &cfg);
	int err;

	if (!pins_interface(p))
		return 0;
	if (s->addr && (!known || !is_of(s, &cfg)))
		return 0;
	if (s->runs && known && s->runs(cfg.addr, cfg.pulse_port)) {
		log_warn("the witness with the pins in %s runs, and they stay: stop it first",
			 p->dir);
		return 0;
	}
	log_warn("removing the XDP program that a witness left, with its pins in %s", p->dir);
	err = bpf_detach_ingress(p);
	pins_close(p);
	err = err ? err : pins_remove(p->dir);
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
	struct dirent *e;
	int n = snprintf(root, sizeof(root), "%s/%s", bpffs, PIN_ROOT_WITNESS);
	/* Who may not see the folder has not made it. */
	DIR *d = n > 0 && n < (int)sizeof(root) ? opendir(root) : NULL;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || pins_path(root, e->d_name, dir) || is_same(dir, s->own))
			continue;
		look_into(s, dir);
	}
	if (d)
		closedir(d);
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
	struct hokm_cfg cfg;

	return read_cfg(p, &cfg) && is_of(&s, &cfg);
}

bool witness_pins_of_another(const struct pins *p, const struct conf *c, unsigned int self,
			     hokm_witness_runs_fn runs)
{
	struct hokm_cfg cfg;

	/* On an interface of another network namespace, which shares this bpffs. */
	if (p->link >= 0 && xdp_link_ifindex(p->link, NULL) > 0 && !pins_interface(p))
		return true;
	return read_cfg(p, &cfg) && !witness_pins_are_of(p, c, self) &&
	       runs(cfg.addr, cfg.pulse_port);
}

int witness_left_remove(const struct conf *c, unsigned int self, const char *own_dir)
{
	const struct hokm_addr addr = hokm_addr_from_ipv4(c->witnesses[self].addr);
	struct search s = {.addr = &addr, .port = htons(c->pulse_port), .own = own_dir};

	return search_all(&s, c->bpffs);
}

int hokm_bpf_remove_witnesses(hokm_witness_runs_fn runs)
{
	struct search s = {.runs = runs};

	return search_all(&s, NULL);
}
