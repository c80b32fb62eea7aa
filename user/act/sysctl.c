/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ARP sysctls (Documentation/networking/ip-sysctl.rst of Linux).
 *
 *   arp_ignore = 1 of the interface. The kernel answers ARP there only for addresses of this
 *       interface. Without it, a node that is not owner would answer for the VIP because of its
 *       local route on lo. Other interfaces have a fence instead (bpf/fence.h): arp_ignore = 1
 *       there would silence addresses that the machine has on lo or elsewhere.
 *   arp_announce = 2 of the interface and of `all`. The kernel never uses the VIP as sender of its
 *       ARP requests. Without it, a node that sends from the VIP would teach its own MAC while
 *       another node is owner, through any interface in the segment. The value of `all` holds for
 *       interfaces that are made later too. It changes nothing but the sender of ARP requests: an
 *       address of the sending interface, in the subnet of the target where there is one.
 *
 * The kernel uses the greater of the values of the interface and of `all`. 2 is the greatest value
 * of arp_announce.
 *
 * Two more belong to the operator, and the daemon takes them as it finds them. Other programs
 * (`sysctl --system`, agents of container networks) must not make them worse while it runs:
 *
 *   arp_ignore above 1, of `all`. The owner would answer no ARP for the VIP, whose prefix has no
 *       other address. Found at the start, it only causes a warning.
 *   rp_filter 1 of the interface or of `all`, while neither is 2: it is strict then. The kernel
 *       would drop packets of clients that the machine reaches by another interface, after the
 *       packet path has counted and tracked them.
 *
 * proxy_arp is not among them: requests for a VIP never come to the code that it changes.
 *
 * The save file is text with one `name value` a line. It is written under another name and linked
 * into place: so it is either complete or absent, and an older file is never overwritten.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/sysctl.h"
#include "base/log.h"

#define PATH_BUF  512
#define VALUE_MAX 15 /* greatest plausible value; those of the kernel are 0 to 8 */

struct arp_sysctl {
	const char *saved_as;
	bool all; /* of all interfaces, not of the one of the instance */
	const char *name;
	int want;
};

static const struct arp_sysctl arp_sysctls[] = {
	{"arp_ignore", false, "arp_ignore", 1},
	{"arp_announce", false, "arp_announce", 2},
	{"all.arp_announce", true, "arp_announce", 2},
};
#define N_SYSCTLS (sizeof(arp_sysctls) / sizeof(arp_sysctls[0]))
#define N_OLD     2 /* values in a file that version 0.1.0 saved */

static const char *owner_of(const struct arp_sysctl *s, const char *ifname)
{
	return s->all ? "all" : ifname;
}

/* Returns -ENAMETOOLONG when the path does not fit, and never a cut one. */
static int path_of(char *buf, const char *ifname, const char *name)
{
	int n = snprintf(buf, PATH_BUF, "/proc/sys/net/ipv4/conf/%s/%s", ifname, name);

	return n > 0 && n < PATH_BUF ? 0 : -ENAMETOOLONG;
}

/* Reads a small file as a string. */
static int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err = 0;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		err = -errno;
	else
		buf[n] = '\0';
	close(fd);
	return err;
}

static int parse_value(const char *text, int *out)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || end == text || (*end && *end != '\n') || v < 0 || v > VALUE_MAX)
		return -EINVAL;
	*out = (int)v;
	return 0;
}

static int read_value(const char *ifname, const char *name, int *out)
{
	char path[PATH_BUF], text[32];
	int err = path_of(path, ifname, name);

	if (!err)
		err = read_text(path, text, sizeof(text));
	return err ? err : parse_value(text, out);
}

static int write_value(const char *ifname, const char *name, int value)
{
	char path[PATH_BUF], text[16];
	int err = path_of(path, ifname, name);
	int len = snprintf(text, sizeof(text), "%d\n", value);
	int fd;

	if (err)
		return err;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		err = errno ? -errno : -EIO;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* Creates the folder of the save file: this may run before the control socket is created. */
static int make_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	char dir[PATH_BUF];

	if (!slash || slash == file)
		return 0;
	if ((size_t)(slash - file) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, file, (size_t)(slash - file));
	dir[slash - file] = '\0';
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_text(const char *path, const char *text)
{
	size_t len = strlen(text);
	int err = 0;
	int fd;

	/*
	 * A daemon that died while saving may have left the file. O_EXCL follows no symbolic link.
	 */
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	errno = 0;
	if (write(fd, text, len) != (ssize_t)len)
		err = errno ? -errno : -ENOSPC;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* Writes the present values to save_file unless it exists. */
static int save(const char *ifname, const char *save_file)
{
	char tmp[PATH_BUF], text[128];
	size_t at = 0;
	int err, n;

	if (!access(save_file, F_OK))
		return 0;
	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];
		int value;

		err = read_value(owner_of(s, ifname), s->name, &value);
		if (err)
			return err;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %d\n", s->saved_as, value);
	}
	n = snprintf(tmp, sizeof(tmp), "%s.new", save_file);
	if (n < 0 || n >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	err = make_folder(save_file);
	if (!err)
		err = write_text(tmp, text);
	if (!err && link(tmp, save_file) < 0 && errno != EEXIST)
		err = -errno;
	(void)unlink(tmp); /* when this fails, the next save removes the file */
	return err;
}

/*
 * Reads save_file. It must have exactly the lines that save() writes, in the same order. Returns
 * how many there are, or -errno.
 */
static int load(const char *save_file, int values[N_SYSCTLS])
{
	char text[256] = "";
	char *line = text;
	size_t n = 0;
	int err = read_text(save_file, text, sizeof(text));

	for (; !err && n < N_SYSCTLS && (*line || n < N_OLD); n++) {
		size_t len = strlen(arp_sysctls[n].saved_as);
		char *end = strchr(line, '\n');

		if (!end || strncmp(line, arp_sysctls[n].saved_as, len) != 0 || line[len] != ' ')
			return -EINVAL;
		err = parse_value(line + len + 1, &values[n]);
		line = end + 1;
	}
	if (!err && *line)
		err = -EINVAL;
	return err ? err : (int)n;
}

static void warn_all(const char *ifname)
{
	int all = 0;

	if (!read_value("all", "arp_ignore", &all) && all > 1)
		log_warn("net.ipv4.conf.all.arp_ignore is %d, which overrules the 1 of %s: "
			 "set it to 1 or less, or the owner may not answer ARP for the VIP",
			 all, ifname);
}

const char *sysctl_name_now(int ifindex, const char *ifname, char buf[IF_NAMESIZE])
{
	return if_indextoname((unsigned int)ifindex, buf) ? buf : ifname;
}

int sysctl_arp_set(const char *ifname, const char *save_file)
{
	int err = save(ifname, save_file);

	if (err) {
		log_error("could not save the ARP sysctls of %s to %s: %s", ifname, save_file,
			  strerror(-err));
		return err;
	}
	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];

		err = write_value(owner_of(s, ifname), s->name, s->want);
		if (err) {
			log_error("could not set net.ipv4.conf.%s.%s to %d: %s%s",
				  owner_of(s, ifname), s->name, s->want, strerror(-err),
				  err == -EROFS || err == -EACCES
					  ? " (is /proc/sys mounted read-only, as in a container?)"
					  : "");
			(void)sysctl_arp_restore(ifname, save_file);
			return err;
		}
	}
	warn_all(ifname);
	return 0;
}

int sysctl_arp_again(const char *ifname, bool say)
{
	int n = 0;

	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];
		int value;
		int err = read_value(owner_of(s, ifname), s->name, &value);

		if (!err && value == s->want)
			continue;
		if (!err)
			err = write_value(owner_of(s, ifname), s->name, s->want);
		if (err)
			return err;
		if (say)
			log_warn("net.ipv4.conf.%s.%s was set to %d by another program: "
				 "set to %d again",
				 owner_of(s, ifname), s->name, value, s->want);
		n++;
	}
	return n;
}

/* ---- values of the operator ---- */

#define ARP_IGNORE_MOST 1
#define RP_STRICT       1
#define RP_LOOSE        2

static int greater(int a, int b)
{
	return a > b ? a : b;
}

int sysctl_kept_read(const char *ifname, struct sysctl_kept *k)
{
	int all_rp = 0;
	int err = read_value("all", "arp_ignore", &k->all_arp_ignore);

	if (!err)
		err = read_value("all", "rp_filter", &all_rp);
	if (!err)
		err = read_value(ifname, "rp_filter", &k->rp_filter);
	if (err)
		return err;
	k->strict = greater(all_rp, k->rp_filter) == RP_STRICT;
	return 0;
}

static int arp_ignore_again(const struct sysctl_kept *was, const struct sysctl_kept *now)
{
	int err;

	if (now->all_arp_ignore <= ARP_IGNORE_MOST || was->all_arp_ignore > ARP_IGNORE_MOST)
		return 0;
	err = write_value("all", "arp_ignore", was->all_arp_ignore);
	if (err)
		return err;
	log_warn("net.ipv4.conf.all.arp_ignore was set to %d by another program; "
		 "the owner answers no ARP for the VIP then: set to %d again",
		 now->all_arp_ignore, was->all_arp_ignore);
	return 1;
}

static int rp_filter_again(const char *ifname, const struct sysctl_kept *was,
			   const struct sysctl_kept *now)
{
	int value = was->rp_filter == RP_STRICT ? RP_LOOSE : was->rp_filter;
	struct sysctl_kept then;
	int err;

	if (!now->strict || was->strict)
		return 0;
	err = write_value(ifname, "rp_filter", value);
	if (!err)
		err = sysctl_kept_read(ifname, &then);
	if (!err && then.strict) { /* by the value of `all`, which only a greater one overrules */
		value = RP_LOOSE;
		err = write_value(ifname, "rp_filter", value);
	}
	if (err)
		return err;
	log_warn("reverse path filtering of %s became strict by another program; "
		 "it drops packets of clients whose route leaves by another interface: "
		 "net.ipv4.conf.%s.rp_filter is set to %d",
		 ifname, ifname, value);
	return 1;
}

int sysctl_kept_again(const char *ifname, const struct sysctl_kept *was)
{
	struct sysctl_kept now;
	int err = sysctl_kept_read(ifname, &now);
	int arp, rp;

	if (err)
		return err;
	arp = arp_ignore_again(was, &now);
	rp = rp_filter_again(ifname, was, &now);
	if (arp < 0 || rp < 0)
		return arp < 0 ? arp : rp;
	return arp + rp;
}

/* ---- restoring ---- */

int sysctl_arp_restore(const char *ifname, const char *save_file)
{
	int values[N_SYSCTLS] = {0};
	int n = load(save_file, values);
	int err;

	if (n == -ENOENT)
		return 0;
	if (n < 0) {
		log_error(
			"could not read the saved ARP sysctls in %s: %s; "
			"set arp_ignore and arp_announce of %s, and arp_announce of `all`, by hand "
			"and remove the file",
			save_file, strerror(-n), ifname);
		return n;
	}
	for (int i = 0; i < n; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];

		err = write_value(owner_of(s, ifname), s->name, values[i]);
		if (err == -ENOENT) /* the interface was removed, and its sysctls with it */
			continue;
		if (err) {
			log_error("could not restore net.ipv4.conf.%s.%s to %d: %s; "
				  "the value stays saved in %s",
				  owner_of(s, ifname), s->name, values[i], strerror(-err),
				  save_file);
			return err;
		}
	}
	if (unlink(save_file) < 0) {
		err = -errno;
		log_error("could not remove %s: %s", save_file, strerror(-err));
		return err;
	}
	return 0;
}
