/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiled BPF programs, which are part of this binary. They have a file of their own, because
 * the generated skeleton defines another struct hokm_bpf.
 */
#ifndef HOKM_PATH_BPF_ELF_H
#define HOKM_PATH_BPF_ELF_H

#include <stddef.h>

/* Returns the ELF object and its size in bytes. The storage is static. */
const void *bpf_elf_bytes(size_t *size);

#endif
