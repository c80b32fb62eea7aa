/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout hash of the pinned maps. A daemon refuses pins with another hash than its own, so the
 * hash may change only together with HOKM_ABI_VERSION: every other change of it would make an
 * upgrade refuse the pins of the running daemon (architecture rule 7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "path/bpf_internal.h"

#define LAYOUT_HASH_OF_ABI_11 0x935479fd27f981ddULL

static void layout_hash_belongs_to_the_abi_version(void **state)
{
	struct bpf_object *obj;
	uint64_t hash;

	(void)state;
	assert_int_equal(load_open(&obj, &hash), 0);
	assert_int_equal(HOKM_ABI_VERSION, 11);
	assert_int_equal(hash, LAYOUT_HASH_OF_ABI_11);
	bpf_object__close(obj);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_hash_belongs_to_the_abi_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
