/* SPDX-License-Identifier: GPL-2.0-only */
/* The facts about this machine. It only reads. */
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <linux/ethtool.h>
#include <linux/magic.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "path/bpf.h"
#include "setup/act.h"
#include "setup/machine.h"

/* ---- addresses ---- */

static struct in_addr address_of(const struct sockaddr *a)
{
	struct sockaddr_in sin;

	memcpy(&sin, a, sizeof(sin));
	return sin.sin_addr;
}

int setup_addresses(struct setup_addr list[SETUP_ADDRS_MAX])
{
	struct ifaddrs *all;
	int n = 0;

	if (getifaddrs(&all))
		return -errno;
	for (const struct ifaddrs *a = all; a && n < SETUP_ADDRS_MAX; a = a->ifa_next) {
		struct setup_addr *to = &list[n];

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !a->ifa_netmask ||
		    (a->ifa_flags & IFF_LOOPBACK))
			continue;
		to->addr = address_of(a->ifa_addr);
		to->prefix = (unsigned int)__builtin_popcount(address_of(a->ifa_netmask).s_addr);
		/* The kernel labels addresses ("eth0:1"). */
		snprintf(to->interface, sizeof(to->interface), "%.*s",
			 (int)strcspn(a->ifa_name, ":"), a->ifa_name);
		n++;
	}
	freeifaddrs(all);
	return n;
}

static bool has_address(struct in_addr vip)
{
	struct setup_addr list[SETUP_ADDRS_MAX];
	int n = setup_addresses(list);

	for (int i = 0; i < n; i++)
		if (list[i].addr.s_addr == vip.s_addr)
			return true;
	return false;
}

/* ---- the interface ---- */

static bool ask_ethtool(int fd, const char *interface, void *question)
{
	struct ifreq r = {.ifr_data = question};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", interface);
	return !ioctl(fd, SIOCETHTOOL, &r);
}

/* The driver's name, and whether LRO is on: 1, 0, or -1 for not known. */
static int look_at_driver(int fd, const char *interface, char driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};

	if (ask_ethtool(fd, interface, &info))
		snprintf(driver, 32, "%s", info.driver);
	return ask_ethtool(fd, interface, &flags) ? (flags.data & ETH_FLAG_LRO) != 0 : -1;
}

/* The first words of a file of the bond, NULL for none. The caller frees them. */
static char *bond_says(const struct setup_facts *f, const char *file)
{
	char path[96], line[256];
	FILE *from;
	char *said = NULL;

	snprintf(path, sizeof(path), "/sys/class/net/%s/bonding/%s", f->interface, file);
	from = fopen(path, "re");
	if (!from)
		return NULL;
	if (fgets(line, sizeof(line), from))
		said = strdup(line);
	fclose(from);
	return said;
}

static void look_at_bond(int fd, struct setup_facts *f)
{
	char *mode = bond_says(f, "mode"), *slaves = bond_says(f, "slaves"), *rest = NULL;

	/* "active-backup 1" */
	if (mode)
		snprintf(f->bond_mode, sizeof(f->bond_mode), "%.*s", (int)strcspn(mode, " \n"),
			 mode);
	for (const char *name = slaves ? strtok_r(slaves, " \n", &rest) : NULL;
	     name && f->n_ports < SETUP_PORTS_MAX; name = strtok_r(NULL, " \n", &rest)) {
		struct setup_port *port = &f->ports[f->n_ports++];

		snprintf(port->name, sizeof(port->name), "%s", name);
		port->lro = look_at_driver(fd, name, port->driver);
	}
	free(mode);
	free(slaves);
}

static void look_at_channels(int fd, struct setup_facts *f)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};

	if (ask_ethtool(fd, f->interface, &channels)) {
		f->queues = channels.combined_count;
		f->queues_most = channels.max_combined;
	}
}

static void look_at_interface(struct setup_facts *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_mtu = 0};

	f->lro = -1;
	if (fd < 0)
		return;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", f->interface);
	if (!ioctl(fd, SIOCGIFMTU, &r))
		f->mtu = (unsigned int)r.ifr_mtu;
	if (!ioctl(fd, SIOCGIFFLAGS, &r))
		f->up = (r.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	if (!ioctl(fd, SIOCGIFHWADDR, &r))
		f->ethernet = r.ifr_hwaddr.sa_family == ARPHRD_ETHER;
	f->lro = look_at_driver(fd, f->interface, f->driver);
	look_at_channels(fd, f);
	look_at_bond(fd, f);
	close(fd);
}

static void look_at_program(struct setup_facts *f)
{
	char name[HOKM_BPF_NAME_MAX] = "";
	const int ifindex = (int)if_nametoindex(f->interface);

	if (!ifindex || hokm_bpf_program_of(ifindex, &f->xdp_id, name))
		return;
	snprintf(f->xdp_name, sizeof(f->xdp_name), "%s", name);
	f->daemon_here = f->xdp_id && hokm_bpf_is_ours(name);
}

/* ---- kernel, processes, packet filters ---- */

static void look_at_kernel(struct setup_facts *f)
{
	struct utsname u;
	struct statfs fs;

	/* A text that is no version leaves 0.0, which is refused. */
	if (!uname(&u))
		(void)sscanf(u.release, "%u.%u", &f->kernel_major, /* NOLINT(cert-err34-c) */
			     &f->kernel_minor);
	f->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	f->bpffs = !statfs("/sys/fs/bpf", &fs) && (uint32_t)fs.f_type == BPF_FS_MAGIC;
}

static bool file_says(const char *path, const char *line)
{
	FILE *f = fopen(path, "re");
	char text[128];
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		found = !strcmp(text, line);
	}
	fclose(f);
	return found;
}

bool setup_runs(const char *comm)
{
	DIR *proc = opendir("/proc");
	char path[300];
	bool found = false;

	if (!proc)
		return false;
	for (const struct dirent *e = readdir(proc); e && !found; e = readdir(proc)) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		found = file_says(path, comm);
	}
	closedir(proc);
	return found;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static void take_chain(struct setup_facts *f, const json_t *chain)
{
	if (strcmp(text_of(chain, "hook"), "input") != 0 ||
	    strcmp(text_of(chain, "policy"), "drop") != 0 || f->n_drops == SETUP_DROPS_MAX)
		return;
	snprintf(f->drops[f->n_drops++], sizeof(f->drops[0]), "%s %s %s", text_of(chain, "family"),
		 text_of(chain, "table"), text_of(chain, "name"));
}

static void look_at_filters(struct setup_facts *f)
{
	char *said = NULL;
	json_t *all, *o;
	size_t i;

	f->ufw = file_says("/etc/ufw/ufw.conf", "ENABLED=yes");
	f->firewalld = setup_runs("firewalld");
	f->nft = !setup_run(NULL, &said, "nft -j list chains");
	all = f->nft && said ? json_loads(said, 0, NULL) : NULL;
	json_array_foreach (json_object_get(all, "nftables"), i, o)
		take_chain(f, json_object_get(o, "chain"));
	json_decref(all);
	free(said);
}

void setup_look(const char *interface, const struct conf *c, struct setup_facts *f)
{
	struct timex clock = {.modes = 0};
	int state = adjtimex(&clock);

	memset(f, 0, sizeof(*f));
	snprintf(f->interface, sizeof(f->interface), "%s", interface);
	f->clock_synced = state < 0 ? -1 : state != TIME_ERROR;
	look_at_kernel(f);
	look_at_interface(f);
	look_at_program(f);
	look_at_filters(f);
	f->keepalived = setup_runs("keepalived");
	for (unsigned int i = 0; i < c->n_vips; i++)
		f->vip_here |= has_address(c->vips[i]);
}
