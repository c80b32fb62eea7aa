/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only the bytes of the skeleton are used: maps and programs are found by name, which lets the
 * daemon adopt, size and attach each on its own terms.
 */
#include "path/bpf_elf.h"

/* Generated code is not held to this project's warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "hokm.skel.h"
#pragma GCC diagnostic pop

const void *bpf_elf_bytes(size_t *size)
{
	return hokm_bpf__elf_bytes(size);
}
