/* SPDX-License-Identifier: GPL-2.0-only */
/* Can hokm-xdp work on this machine? One row of a table for each thing that is looked at. Pure. */
#include <string.h>

#include "setup/machine.h"

#define KERNEL_MAJOR 6
#define KERNEL_MINOR 1
/* Above it a packet does not fit into one page, and not every driver then takes XDP. */
#define MTU_ONE_PAGE 3498

/*
 * Drivers with native XDP and XDP_TX, by the name that ethtool shows: vif is that of xen-netfront,
 * st_gmac and st_xgmac are those of stmmac. `minor`: the first Linux 6.x that has it, 0 for all
 * that this program runs on.
 */
static const struct {
	const char *name;
	unsigned int minor;
} native[] = {
	{"atlantic", 0},      {"bnxt_en", 0},   {"bonding", 0}, {"ena", 0},
	{"fsl_dpaa2_eth", 0}, {"fsl_enetc", 0}, {"gve", 4},     {"hv_netvsc", 0},
	{"i40e", 0},          {"ice", 0},       {"igb", 0},     {"igc", 0},
	{"ixgbe", 0},         {"ixgbevf", 0},   {"mana", 0},    {"mlx4_en", 0},
	{"mlx5_core", 0},     {"mvneta", 0},    {"mvpp2", 0},   {"nfp", 0},
	{"qede", 0},          {"sfc", 0},       {"st_gmac", 0}, {"st_xgmac", 0},
	{"tsnep", 3},         {"tun", 0},       {"veth", 0},    {"vif", 0},
	{"virtio_net", 0},
};

/* Modes of a bond in which Linux lets XDP send through it. */
static const char *const bond_modes[] = {"balance-rr", "active-backup", "balance-xor", "802.3ad"};

static bool is_native(const struct setup_facts *f, const char *driver)
{
	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (!strcmp(native[i].name, driver))
			return f->kernel_major > KERNEL_MAJOR || f->kernel_minor >= native[i].minor;
	return false;
}

/* Says what was found, and returns how that is. */
typedef enum setup_level judge_fn(const struct setup_facts *f, char text[SETUP_TEXT_MAX]);

#define SAY(...) snprintf(text, SETUP_TEXT_MAX, __VA_ARGS__)

static enum setup_level kernel(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	const bool old = f->kernel_major < KERNEL_MAJOR ||
			 (f->kernel_major == KERNEL_MAJOR && f->kernel_minor < KERNEL_MINOR);

	SAY("Linux %u.%u", f->kernel_major, f->kernel_minor);
	return old ? SETUP_STOP : SETUP_WELL;
}

static enum setup_level btf(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	SAY("%s", f->btf ? "the kernel has BTF" : "the kernel has no BTF");
	return f->btf ? SETUP_WELL : SETUP_STOP;
}

static enum setup_level bpffs(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	SAY("/sys/fs/bpf is %s BPF file system", f->bpffs ? "a" : "no");
	return f->bpffs ? SETUP_WELL : SETUP_STOP;
}

static enum setup_level interface(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	SAY("%s is %s", f->interface,
	    f->ethernet ? "an Ethernet interface" : "no Ethernet interface");
	return f->ethernet ? SETUP_WELL : SETUP_STOP;
}

static enum setup_level link(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	SAY("the link of %s is %s", f->interface, f->up ? "up" : "down");
	return f->up ? SETUP_WELL : SETUP_NOTE;
}

static enum setup_level driver(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (is_native(f, f->driver)) {
		SAY("driver %s has native XDP", f->driver);
		return SETUP_WELL;
	}
	SAY("driver %s is not known to have native XDP", f->driver[0] ? f->driver : "(unknown)");
	return SETUP_NOTE;
}

static enum setup_level mtu(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	SAY("MTU %u", f->mtu);
	return f->mtu > MTU_ONE_PAGE ? SETUP_NOTE : SETUP_WELL;
}

/* A bond has native XDP where its mode and each of its ports have it. */
static enum setup_level bond(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	bool known = false;

	if (!f->bond_mode[0])
		return SETUP_WELL;
	for (size_t i = 0; i < sizeof(bond_modes) / sizeof(bond_modes[0]); i++)
		known |= !strcmp(bond_modes[i], f->bond_mode);
	if (!known) {
		SAY("%s is a bond of mode %s, which has no native XDP", f->interface, f->bond_mode);
		return SETUP_NOTE;
	}
	for (unsigned int i = 0; i < f->n_ports; i++) {
		const struct setup_port *port = &f->ports[i];

		if (is_native(f, port->driver))
			continue;
		SAY("driver %s of %s, a port of the bond %s, is not known to have native XDP",
		    port->driver[0] ? port->driver : "(unknown)", port->name, f->interface);
		return SETUP_NOTE;
	}
	SAY("the bond %s has mode %s and %u ports", f->interface, f->bond_mode, f->n_ports);
	return f->n_ports ? SETUP_WELL : SETUP_NOTE;
}

/* The ports of a bond have their own switch each. */
static enum setup_level lro(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	const char *on = f->lro > 0 ? f->interface : NULL;
	bool known = f->lro >= 0;

	for (unsigned int i = 0; i < f->n_ports; i++) {
		if (!on && f->ports[i].lro > 0)
			on = f->ports[i].name;
		known &= f->ports[i].lro >= 0;
	}
	if (on)
		SAY("LRO is on at %s", on);
	else if (known)
		SAY("LRO is off");
	return on ? SETUP_NOTE : SETUP_WELL;
}

/* ena keeps a queue for XDP_TX beside each one. */
static enum setup_level queues(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (strcmp(f->driver, "ena") != 0 || f->queues <= f->queues_most / 2)
		return SETUP_WELL;
	SAY("%s uses %u of %u queues, and ena needs half of them for XDP", f->interface, f->queues,
	    f->queues_most);
	return SETUP_NOTE;
}

static enum setup_level program(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (!f->xdp_id || f->daemon_here) {
		SAY("no XDP program of others on %s", f->interface);
		return SETUP_WELL;
	}
	SAY("XDP program %s (id %u) is on %s", f->xdp_name, f->xdp_id, f->interface);
	return SETUP_STOP;
}

static enum setup_level keepalived(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (!f->keepalived)
		return SETUP_WELL;
	SAY("keepalived runs here");
	return SETUP_NOTE;
}

static enum setup_level vip(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (!f->vip_here || f->daemon_here || f->keepalived)
		return SETUP_WELL;
	SAY("the VIP is an address of this machine already");
	return SETUP_NOTE;
}

static enum setup_level clock_state(const struct setup_facts *f, char text[SETUP_TEXT_MAX])
{
	if (f->clock_synced < 0)
		return SETUP_WELL;
	SAY("the clock is %s", f->clock_synced ? "synchronized" : "not synchronized");
	return f->clock_synced ? SETUP_WELL : SETUP_NOTE;
}

static const struct {
	judge_fn *fn;
	bool witness; /* a witness needs it too */
	const char *next;
} rows[] = {
	{kernel, true, "hokm-xdp needs Linux 6.1 or newer"},
	{btf, false, "boot a kernel that was built with CONFIG_DEBUG_INFO_BTF=y"},
	{bpffs, false, "mount -t bpf -o mode=0700 bpf /sys/fs/bpf"},
	{interface, true, "give the node an address on an Ethernet interface"},
	{link, true, "look at cable and switch: ip link show"},
	{driver, false,
	 "where it has none, the daemon uses generic XDP, which costs more CPU time"},
	{bond, false,
	 "native XDP needs mode balance-rr, active-backup, balance-xor or 802.3ad, "
	 "and a driver with it at each port; else the daemon uses generic XDP"},
	{mtu, false,
	 "some drivers have no native XDP with so large an MTU; it must be the same on all nodes"},
	{lro, false, "turn it off, for native XDP needs that: ethtool -K INTERFACE lro off"},
	{queues, false, "ethtool -L INTERFACE combined with half of them"},
	{program, false,
	 "remove it: ip link set dev INTERFACE xdp off; its own tool may put it back"},
	{keepalived, true,
	 "on one machine only one of both can run: stop it, on the backup first; "
	 "hokm-xdp setup --import FILE takes over its configuration"},
	{vip, false,
	 "remove it from the static configuration of the network: hokm-xdp sets it on the owner"},
	{clock_state, false, "times of events on two machines cannot be compared: run chrony"},
};

unsigned int setup_judge(const struct setup_facts *f, bool witness,
			 struct setup_verdict list[SETUP_VERDICTS_MAX])
{
	unsigned int n = 0;

	_Static_assert(sizeof(rows) / sizeof(rows[0]) <= SETUP_VERDICTS_MAX, "all of them fit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct setup_verdict *v = &list[n];

		if (witness && !rows[i].witness)
			continue;
		v->text[0] = '\0';
		v->level = rows[i].fn(f, v->text);
		v->next = v->level == SETUP_WELL ? NULL : rows[i].next;
		n += v->text[0] != '\0';
	}
	return n;
}
