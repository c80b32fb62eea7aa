/* SPDX-License-Identifier: GPL-2.0-only */
/* vmlinux/vmlinux.h against the running kernel's own BTF: every struct, field and constant. */
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "fixture.h"
#include "vmlinux_layout.h"

/* bpf_sock_tuple and iphdr hold anonymous structs, found by descending into them. */
static bool find_field(const struct btf *btf, const struct btf_type *t, const char *name,
		       unsigned int base, struct layout_field *out)
{
	const struct btf_member *m = btf_members(t);
	const char *dot = strchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : strlen(name);

	for (unsigned int i = 0; i < btf_vlen(t); i++) {
		const char *have = btf__name_by_offset(btf, m[i].name_off);
		const struct btf_type *inner = btf__type_by_id(btf, m[i].type);
		unsigned int at = base + btf_member_bit_offset(t, i);
		bool same = strlen(have) == len && !strncmp(have, name, len);

		if (btf_is_composite(inner) && (!*have || (same && dot)) &&
		    find_field(btf, inner, *have ? dot + 1 : name, at, out))
			return true;
		if (!same || dot)
			continue;
		out->bit = at;
		out->bits = btf_member_bitfield_size(t, i);
		if (!out->bits)
			out->bits = (unsigned int)btf__resolve_size(btf, (int)m[i].type) * 8;
		return true;
	}
	return false;
}

static const struct btf_type *find_type(const struct btf *btf, const char *name)
{
	bool is_union = !strncmp(name, "union ", 6);
	int id = btf__find_by_name_kind(
		btf, is_union ? name + 6 : name, is_union ? BTF_KIND_UNION : BTF_KIND_STRUCT);

	if (id <= 0)
		fail_msg("the kernel has no type %s", name);
	return btf__type_by_id(btf, (unsigned int)id);
}

static void compare(const struct btf *btf, const struct layout_field *ours)
{
	const struct btf_type *t = find_type(btf, ours->type);
	struct layout_field kernel = {0};

	if (!ours->field) {
		if (ours->grows ? t->size < ours->bit : t->size != ours->bit)
			fail_msg("%s has %u bytes, the kernel's %u", ours->type, ours->bit,
				 t->size);
		return;
	}
	if (!find_field(btf, t, ours->field, 0, &kernel))
		fail_msg("the kernel's %s has no %s", ours->type, ours->field);
	if (kernel.bit != ours->bit || kernel.bits != ours->bits)
		fail_msg("%s.%s: bit %u, %u bits; the kernel's: bit %u, %u bits", ours->type,
			 ours->field, ours->bit, ours->bits, kernel.bit, kernel.bits);
}

static bool enum_value(const struct btf *btf, const char *name, unsigned int *value)
{
	for (unsigned int id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const struct btf_enum *e;

		if (btf_kind(t) != BTF_KIND_ENUM)
			continue;
		e = btf_enum(t);
		for (unsigned int i = 0; i < btf_vlen(t); i++) {
			if (strcmp(btf__name_by_offset(btf, e[i].name_off), name))
				continue;
			*value = (unsigned int)e[i].val;
			return true;
		}
	}
	return false;
}

static int open_btf(void **state)
{
	*state = btf__load_vmlinux_btf();
	if (!*state)
		fprintf(stderr, "the running kernel has no BTF (CONFIG_DEBUG_INFO_BTF)\n");
	return *state ? 0 : -1;
}

static int close_btf(void **state)
{
	btf__free(*state);
	return 0;
}

static void structs_and_fields_agree(void **state)
{
	for (unsigned int i = 0; i < VMLINUX_LAYOUT_COUNT; i++)
		if (VMLINUX_LAYOUT[i].type)
			compare(*state, &VMLINUX_LAYOUT[i]);
}

static void bit_fields_agree(void **state)
{
	struct layout_field f[32];
	unsigned int n = layout_bit_fields(f, 32);

	assert_int_equal(n, 11);
	for (unsigned int i = 0; i < n; i++)
		compare(*state, &f[i]);
}

static void constants_agree(void **state)
{
	unsigned int value;

	for (unsigned int i = 0; i < VMLINUX_LAYOUT_COUNT; i++) {
		const struct layout_field *c = &VMLINUX_LAYOUT[i];

		if (c->type)
			continue;
		if (!enum_value(*state, c->field, &value))
			fail_msg("the kernel has no constant %s", c->field);
		if (value != c->bit)
			fail_msg("%s is %u, the kernel's %u", c->field, c->bit, value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_and_fields_agree),
		cmocka_unit_test(bit_fields_agree),
		cmocka_unit_test(constants_agree),
	};

	return cmocka_run_group_tests_name("vmlinux", tests, open_btf, close_btf);
}
