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
 *   arp_ignore of `all`, 1 at most. With a greater value the owner would answer no ARP for the VIP,
 *       whose prefix has no other address. A smaller value belongs to the operator, and is left.
 *
 * Three belong to the operator, and the daemon takes them as it finds them. Other programs
 * (`sysctl --system`, agents of container networks) must not make them worse while it runs:
 *
 *   arp_ignore of `all`, 0 or 1. What becomes greater is set to what it was.
 *   rp_filter 1 of the interface or of `all`, while neither is 2: it is strict then. The kernel
 *       would drop packets of clients that the machine reaches by another interface, after the
 *       packet path has counted and tracked them. Found at the start, it is left.
 *   arp_filter 1 of the interface or of `all`. The kernel would answer ARP for the VIP only to
 *       hosts whose route leaves by the interface. With a second one in the segment that may be
 *       nobody, for the fence lets no other interface answer. Found at the start, it is left: rules
 *       of routing may lead each answer out where its question came in. `doctor` tells if not.
 *
 * proxy_arp is not among them: requests for a VIP never come to the code that it changes.
 *
 * The save file is text: `interface NAME INDEX`, `boot ID`, and then one `name value` a line. A
 * value that is left is not in it. It is written under another name and renamed: so it is always
 * complete. Sysctls do not survive a boot, so that a file of another boot says nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "act/sysctl.h"
#include "base/boot_id.h"
#include "base/log.h"
#include "base/units.h"

#define PATH_BUF  512
#define VALUE_MAX 15 /* greatest plausible value; those of the kernel are 0 to 8 */

#define ARP_IGNORE_MOST 1
#define RP_STRICT       1
#define RP_LOOSE        2

struct arp_sysctl {
	const char *saved_as;
	bool all; /* of all interfaces, not of the one of the instance */
	const char *name;
	int want;
	bool most; /* a smaller value is as good, and is left */
};

static const struct arp_sysctl arp_sysctls[] = {
	{"arp_ignore", false, "arp_ignore", 1, false},
	{"arp_announce", false, "arp_announce", 2, false},
	{"all.arp_announce", true, "arp_announce", 2, false},
	{"all.arp_ignore", true, "arp_ignore", ARP_IGNORE_MOST, true},
};
#define N_SYSCTLS (sizeof(arp_sysctls) / sizeof(arp_sysctls[0]))
#define N_OLD     2 /* the values of which each file has a line; version 0.1.0 saved no others */

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

static int write_file(const char *ifname, const char *name, int value)
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

/* In a container /proc/sys may be read-only: what the host has set needs no writing. */
static int write_value(const char *ifname, const char *name, int value)
{
	int err = write_file(ifname, name, value), now = 0;

	return err && !read_value(ifname, name, &now) && now == value ? 0 : err;
}

/* Creates the folder of the save file: a first start may be the first that needs it. */
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
	return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : 0;
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
	else if (fsync(fd)) /* a machine that loses its power must not leave an empty file */
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

const char *sysctl_name_now(int ifindex, const char *ifname, char buf[IF_NAMESIZE])
{
	return if_indextoname((unsigned int)ifindex, buf) ? buf : ifname;
}

/* ---- the save file ---- */

#define NOT_SAVED (-1)

struct saved {
	char ifname[IF_NAMESIZE]; /* "": a file of an earlier version, which does not say */
	unsigned int ifindex;
	int values[N_SYSCTLS]; /* NOT_SAVED: it was left as it was, and is not restored */
};

/* "interface NAME INDEX" and "boot ID". Moves *line behind them. -ENOENT: of another boot. */
static int load_head(char **line, struct saved *s)
{
	char boot[BOOT_ID_MAX] = "", index[12] = "";
	uint64_t value;
	int words, len = 0;

	if (strncmp(*line, "interface ", 10) != 0)
		return 0;
	words = sscanf(*line, "interface %15s %11s\nboot %36s\n%n", s->ifname, index, boot, &len);
	if (words != 3 || !len || number_parse(index, &value) || value > INT_MAX)
		return -EINVAL;
	s->ifindex = (unsigned int)value;
	*line += len;
	return boot_id_is_this(boot) ? 0 : -ENOENT;
}

/*
 * Reads save_file. It must have exactly the lines that write_saved() writes, in the same order.
 * Those of earlier versions have no head. After the first N_OLD, a line may be missing: each is
 * found by its name. -ENOENT: there is none of this boot.
 */
static int load(const char *save_file, struct saved *s)
{
	char text[256] = "";
	char *line = text;
	int err = read_text(save_file, text, sizeof(text));

	memset(s, 0, sizeof(*s));
	for (size_t i = 0; i < N_SYSCTLS; i++)
		s->values[i] = NOT_SAVED;
	if (!err)
		err = load_head(&line, s);
	for (size_t i = 0; !err && i < N_SYSCTLS; i++) {
		const char *name = arp_sysctls[i].saved_as;
		char *end = strchr(line, '\n');
		size_t len = strlen(name);

		if (end && !strncmp(line, name, len) && line[len] == ' ') {
			err = parse_value(line + len + 1, &s->values[i]);
			line = end + 1;
		} else if (i < N_OLD) {
			return -EINVAL;
		}
	}
	return !err && *line ? -EINVAL : err;
}

/* Writes the file as a whole, in the place of an older one. */
static int write_saved(const struct saved *s, const char *save_file)
{
	char tmp[PATH_BUF], text[256], boot[BOOT_ID_MAX];
	int err, n = snprintf(tmp, sizeof(tmp), "%s.new", save_file);
	size_t at;

	if (n < 0 || n >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	boot_id_read(boot);
	at = (size_t)snprintf(text, sizeof(text), "interface %s %u\nboot %s\n", s->ifname,
			      s->ifindex, boot);
	for (size_t i = 0; i < N_SYSCTLS; i++)
		if (s->values[i] != NOT_SAVED)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %d\n",
					       arp_sysctls[i].saved_as, s->values[i]);
	err = make_folder(save_file);
	if (!err)
		err = write_text(tmp, text);
	if (!err && rename(tmp, save_file))
		err = -errno;
	if (err)
		(void)unlink(tmp); /* when this fails, the next save removes the file */
	return err;
}

/* The interface of these values by its name now: its name may have been changed meanwhile. */
static const char *name_of(const struct saved *s, const char *otherwise, char buf[IF_NAMESIZE])
{
	if (!s->ifname[0])
		return otherwise;
	return sysctl_name_now((int)s->ifindex, s->ifname, buf);
}

static int put_value(const struct arp_sysctl *s, const char *ifname, int value,
		     const char *save_file)
{
	int err = write_value(owner_of(s, ifname), s->name, value);

	if (err == -ENOENT) /* the interface was removed, and its sysctls with it */
		return 0;
	if (err)
		log_error("could not restore net.ipv4.conf.%s.%s to %d: %s; "
			  "the value stays saved in %s",
			  owner_of(s, ifname), s->name, value, strerror(-err), save_file);
	return err;
}

/* Whether these values, as an earlier daemon found them, are of the interface of this daemon. */
static bool is_of(const struct saved *s, const char *ifname, unsigned int ifindex)
{
	return !s->ifname[0] || !strcmp(s->ifname, ifname) || s->ifindex == ifindex;
}

/*
 * Writes the present values to save_file, except those that it has of this interface. An earlier
 * daemon may have used another one, and been killed: that one gets its own values back. Those of
 * `all` in the file stay, because what is there now is of that daemon. A value that the file has
 * not was left by that daemon, so that what is there now is of others.
 */
static int save(const char *ifname, const char *save_file)
{
	struct saved was, now = {.ifindex = if_nametoindex(ifname)};
	char buf[IF_NAMESIZE];
	int err = load(save_file, &was);
	bool same = !err && is_of(&was, ifname, now.ifindex);
	bool other = !err && !same;

	if (err == -EINVAL) /* restoring reports it */
		return 0;
	if (err && err != -ENOENT)
		return err;
	snprintf(now.ifname, sizeof(now.ifname), "%s", ifname);
	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];
		bool saved = was.values[i] != NOT_SAVED;

		now.values[i] = was.values[i];
		if (saved && (same || s->all))
			continue;
		err = read_value(owner_of(s, ifname), s->name, &now.values[i]);
		if (!err && saved)
			err = put_value(s, name_of(&was, ifname, buf), was.values[i], save_file);
		if (err)
			return err;
		if (s->most && now.values[i] <= s->want)
			now.values[i] = NOT_SAVED;
	}
	if (same && !memcmp(now.values, was.values, sizeof(now.values)))
		return 0;
	if (other)
		log_info("the ARP sysctls of %s are as before: an earlier daemon used it",
			 name_of(&was, ifname, buf));
	return write_saved(&now, save_file);
}

void sysctl_arp_take_over(const char *ifname, const char *former, const char *save_file)
{
	struct saved s;
	int err;

	/* A file of another boot says nothing, and does not count. */
	if (load(save_file, &s) != -ENOENT || load(former, &s))
		return;
	snprintf(s.ifname, sizeof(s.ifname), "%s", ifname);
	s.ifindex = if_nametoindex(ifname);
	err = write_saved(&s, save_file);
	if (!err && unlink(former))
		err = -errno;
	if (err)
		log_warn("could not move the saved ARP sysctls from %s to %s: %s", former,
			 save_file, strerror(-err));
}

static int set_one(const struct arp_sysctl *s, const char *ifname)
{
	int value = 0;
	int err = s->most ? read_value(owner_of(s, ifname), s->name, &value) : 0;

	if (err || (s->most && value <= s->want))
		return err;
	err = write_value(owner_of(s, ifname), s->name, s->want);
	if (!err && s->most)
		log_warn("net.ipv4.conf.%s.%s was %d; the owner would answer no ARP for the VIP: "
			 "set to %d until hokm-xdp is stopped; correct it in /etc/sysctl.d",
			 owner_of(s, ifname), s->name, value, s->want);
	return err;
}

int sysctl_arp_set(const char *ifname, const char *save_file)
{
	int err = save(ifname, save_file);

	if (err == -ENOENT && !if_nametoindex(ifname)) {
		log_error("there is no interface %s: its ARP sysctls cannot be set", ifname);
		return err;
	}
	/* Better a value that stays than a node that does not start because a disk is full. */
	if (err)
		log_warn("could not save the ARP sysctls of %s to %s: %s; "
			 "they stay as they are when the daemon ends",
			 ifname, save_file, strerror(-err));
	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];

		err = set_one(s, ifname);
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
	return 0;
}

int sysctl_arp_again(const char *ifname, bool say)
{
	int n = 0;

	for (size_t i = 0; i < N_SYSCTLS; i++) {
		const struct arp_sysctl *s = &arp_sysctls[i];
		int value = 0;
		int err;

		if (s->most) /* sysctl_kept_again() knows what it was */
			continue;
		err = read_value(owner_of(s, ifname), s->name, &value);
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

static int greater(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

int sysctl_kept_read(const char *ifname, struct sysctl_kept *k)
{
	int all_rp = 0;
	int err = read_value("all", "arp_ignore", &k->all_arp_ignore);

	if (!err)
		err = read_value("all", "rp_filter", &all_rp);
	if (!err)
		err = read_value(ifname, "rp_filter", &k->rp_filter);
	if (!err)
		err = read_value("all", "arp_filter", &k->all_arp_filter);
	if (!err)
		err = read_value(ifname, "arp_filter", &k->arp_filter);
	if (err)
		return err;
	k->strict = greater(all_rp, k->rp_filter) == RP_STRICT;
	return 0;
}

static int arp_ignore_again(const struct sysctl_kept *was, const struct sysctl_kept *now)
{
	const int value = smaller(was->all_arp_ignore, ARP_IGNORE_MOST);
	int err;

	if (now->all_arp_ignore <= ARP_IGNORE_MOST)
		return 0;
	err = write_value("all", "arp_ignore", value);
	if (err)
		return err;
	log_warn("net.ipv4.conf.all.arp_ignore was set to %d by another program; "
		 "the owner answers no ARP for the VIP then: set to %d again",
		 now->all_arp_ignore, value);
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

/* The kernel filters when one of the two values is not 0. */
static bool arp_is_filtered(const struct sysctl_kept *k)
{
	return k->all_arp_filter || k->arp_filter;
}

static int clear_arp_filter(const char *owner, int now)
{
	int err = now ? write_value(owner, "arp_filter", 0) : 0;

	if (err)
		return err;
	if (now)
		log_warn("net.ipv4.conf.%s.arp_filter was set to %d by another program; "
			 "the owner answers no ARP for the VIP then "
			 "to hosts whose route leaves by another interface: set to 0 again",
			 owner, now);
	return now != 0;
}

static int arp_filter_again(const char *ifname, const struct sysctl_kept *was,
			    const struct sysctl_kept *now)
{
	int all, own;

	if (!arp_is_filtered(now) || arp_is_filtered(was))
		return 0;
	all = clear_arp_filter("all", now->all_arp_filter);
	own = all < 0 ? all : clear_arp_filter(ifname, now->arp_filter);
	return own < 0 ? own : all + own;
}

int sysctl_kept_again(const char *ifname, const struct sysctl_kept *was)
{
	struct sysctl_kept now;
	int err = sysctl_kept_read(ifname, &now);
	int ignore, strict, filter;

	if (err)
		return err;
	ignore = arp_ignore_again(was, &now);
	strict = rp_filter_again(ifname, was, &now);
	filter = arp_filter_again(ifname, was, &now);
	if (ignore < 0 || strict < 0)
		return ignore < 0 ? ignore : strict;
	return filter < 0 ? filter : ignore + strict + filter;
}

/* ---- restoring ---- */

int sysctl_arp_restore(const char *ifname, const char *save_file)
{
	char buf[IF_NAMESIZE];
	struct saved saved;
	int err = load(save_file, &saved);

	if (err == -EINVAL)
		log_error("could not read the saved ARP sysctls in %s: %s; "
			  "set arp_ignore and arp_announce of %s and of `all` by hand "
			  "and remove the file",
			  save_file, strerror(-err), ifname);
	else if (err && err != -ENOENT)
		log_error("could not read the saved ARP sysctls in %s: %s", save_file,
			  strerror(-err));
	if (err)
		return err == -ENOENT ? 0 : err;
	for (size_t i = 0; i < N_SYSCTLS; i++) {
		if (saved.values[i] == NOT_SAVED)
			continue;
		err = put_value(&arp_sysctls[i], name_of(&saved, ifname, buf), saved.values[i],
				save_file);
		if (err)
			return err;
	}
	if (unlink(save_file) < 0) {
		err = -errno;
		log_error("could not remove %s: %s", save_file, strerror(-err));
	}
	return err;
}
