/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of the BPF object, from the generated skeleton. Nothing else of the skeleton is used:
 * the loader finds maps and programs by name, because it adopts, sizes and attaches each in its own
 * way.
 */
#include "path/bpf_elf.h"

/* Generated code does not follow the warnings of this project. */
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
