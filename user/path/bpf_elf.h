/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compiled BPF programs, carried inside this binary. Apart from everything else because the
 * generated skeleton has a struct hokm_bpf of its own.
 */
#ifndef HOKM_ACT_BPF_ELF_H
#define HOKM_ACT_BPF_ELF_H

#include <stddef.h>

/* The ELF object; static storage. */
const void *bpf_elf_bytes(size_t *size);

#endif
