/* SPDX-License-Identifier: GPL-2.0-only */
/* What `hokm-xdp setup` says of a machine: machines that are good but for one thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "setup/machine.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct setup_facts good(void)
{
	struct setup_facts f = {
		.kernel_major = 6,
		.kernel_minor = 1,
		.btf = true,
		.bpffs = true,
		.interface = "eth0",
		.driver = "virtio_net",
		.ethernet = true,
		.up = true,
		.mtu = 1500,
		.clock_synced = 1,
	};

	return f;
}

static void old_kernel(struct setup_facts *f)
{
	f->kernel_major = 5;
	f->kernel_minor = 19;
}
static void new_kernel(struct setup_facts *f)
{
	f->kernel_major = 7;
	f->kernel_minor = 0;
}
static void no_btf(struct setup_facts *f)
{
	f->btf = false;
}
static void no_bpffs(struct setup_facts *f)
{
	f->bpffs = false;
}
static void tunnel(struct setup_facts *f)
{
	f->ethernet = false;
}
static void down(struct setup_facts *f)
{
	f->up = false;
}
static void slow_driver(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "r8169");
}
static void jumbo(struct setup_facts *f)
{
	f->mtu = 9000;
}
static void lro_on(struct setup_facts *f)
{
	f->lro = 1;
}
static void lro_unknown(struct setup_facts *f)
{
	f->lro = -1;
}
static void bond(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "bonding");
	snprintf(f->bond_mode, sizeof(f->bond_mode), "802.3ad");
	f->n_ports = 2;
	f->ports[0] = f->ports[1] = (struct setup_port){.name = "eth1", .driver = "i40e"};
}
static void bond_lro(struct setup_facts *f)
{
	bond(f);
	f->ports[1].lro = 1;
}
static void bond_slow_port(struct setup_facts *f)
{
	bond(f);
	snprintf(f->ports[1].driver, sizeof(f->ports[1].driver), "r8169");
}
static void bond_alb(struct setup_facts *f)
{
	bond(f);
	snprintf(f->bond_mode, sizeof(f->bond_mode), "balance-alb");
}
static void bond_empty(struct setup_facts *f)
{
	bond(f);
	f->n_ports = 0;
}
static void foreign(struct setup_facts *f)
{
	f->xdp_id = 7;
}
static void ours(struct setup_facts *f)
{
	f->xdp_id = 7;
	f->daemon_here = f->vip_here = true;
}
static void keepalived(struct setup_facts *f)
{
	f->keepalived = f->vip_here = true;
}
static void static_vip(struct setup_facts *f)
{
	f->vip_here = true;
}
static void no_clock(struct setup_facts *f)
{
	f->clock_synced = 0;
}
static void ena(struct setup_facts *f)
{
	snprintf(f->driver, sizeof(f->driver), "ena");
	f->queues = f->queues_most = 8;
}

static const struct {
	void (*spoil)(struct setup_facts *f);
	enum setup_level node, witness; /* the worst verdict */
} machines[] = {
	{new_kernel, SETUP_WELL, SETUP_WELL},  {old_kernel, SETUP_STOP, SETUP_STOP},
	{no_btf, SETUP_STOP, SETUP_WELL},      {no_bpffs, SETUP_STOP, SETUP_WELL},
	{tunnel, SETUP_STOP, SETUP_STOP},      {down, SETUP_NOTE, SETUP_NOTE},
	{slow_driver, SETUP_NOTE, SETUP_WELL}, {jumbo, SETUP_NOTE, SETUP_WELL},
	{lro_on, SETUP_NOTE, SETUP_WELL},      {foreign, SETUP_STOP, SETUP_WELL},
	{ours, SETUP_WELL, SETUP_WELL},        {keepalived, SETUP_NOTE, SETUP_NOTE},
	{static_vip, SETUP_NOTE, SETUP_WELL},  {no_clock, SETUP_NOTE, SETUP_WELL},
	{ena, SETUP_NOTE, SETUP_WELL},         {lro_unknown, SETUP_WELL, SETUP_WELL},
	{bond, SETUP_WELL, SETUP_WELL},        {bond_lro, SETUP_NOTE, SETUP_WELL},
	{bond_alb, SETUP_NOTE, SETUP_WELL},    {bond_slow_port, SETUP_NOTE, SETUP_WELL},
	{bond_empty, SETUP_NOTE, SETUP_WELL},
};

static const struct {
	const char *driver;
	unsigned int minor; /* of Linux 6 */
	bool native;
} drivers[] = {
	{"virtio_net", 1, true}, {"vif", 1, true},       {"xen_netfront", 1, false},
	{"mana", 1, true},       {"fsl_enetc", 1, true}, {"gve", 1, false},
	{"gve", 3, false},       {"gve", 4, true},       {"bonding", 1, true},
	{"tsnep", 2, false},     {"tsnep", 3, true},     {"r8169", 12, false},
	{"st_gmac", 1, true},    {"stmmac", 1, false},   {"", 1, false},
};

static enum setup_level worst(const struct setup_facts *f, bool witness)
{
	struct setup_verdict list[SETUP_VERDICTS_MAX];
	unsigned int n = setup_judge(f, witness, list);
	enum setup_level level = SETUP_WELL;

	assert_true(n > 0);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(list[i].level == SETUP_WELL, list[i].next == NULL);
		assert_true(list[i].text[0]);
		if (list[i].level > level)
			level = list[i].level;
	}
	return level;
}

static void no_machine_is_set_up_that_cannot_work(void **state)
{
	struct setup_facts f = good();

	(void)state;
	assert_int_equal(worst(&f, false), SETUP_WELL);
	for (size_t i = 0; i < COUNT(machines); i++) {
		f = good();
		machines[i].spoil(&f);
		if (worst(&f, false) != machines[i].node || worst(&f, true) != machines[i].witness)
			fail_msg("row %zu", i);
	}
}

/* A driver that does not say whether it has LRO is not said to have it off. */
static void nothing_unknown_is_said_to_be_well(void **state)
{
	(void)state;
	for (int known = 0; known < 2; known++) {
		struct setup_facts f = good();
		struct setup_verdict list[SETUP_VERDICTS_MAX];
		bool said = false;

		f.lro = known - 1;
		for (unsigned int i = 0, n = setup_judge(&f, false, list); i < n; i++)
			said |= strstr(list[i].text, "LRO") != NULL;
		assert_int_equal(said, known);
	}
}

static void no_driver_is_said_to_have_what_its_kernel_lacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(drivers); i++) {
		struct setup_facts f = good();

		f.kernel_minor = drivers[i].minor;
		snprintf(f.driver, sizeof(f.driver), "%s", drivers[i].driver);
		if ((worst(&f, false) == SETUP_WELL) != drivers[i].native)
			fail_msg("row %zu: %s", i, drivers[i].driver);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_machine_is_set_up_that_cannot_work),
		cmocka_unit_test(nothing_unknown_is_said_to_be_well),
		cmocka_unit_test(no_driver_is_said_to_have_what_its_kernel_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
