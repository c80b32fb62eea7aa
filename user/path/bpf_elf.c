/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bytes of the BPF object, from the generated skeleton. Nothing else of the skeleton is used:
 * the loader finds maps and programs by name, because it adopts, sizes and attaches each in its own
 * way.
 */
#include "path/bpf_elf.h"
#include "path/skeleton.h"

const void *bpf_elf_bytes(size_t *size)
{
	return hokm_bpf__elf_bytes(size);
}
