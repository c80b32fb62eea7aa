/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two parts of the fuzzer of the BPF programs share: fuzz_bpf.c runs single frames, and
 * bpf_fuzz_talk.c runs a talk of one connection.
 */
#ifndef HOKM_BPF_FUZZ_H
#define HOKM_BPF_FUZZ_H

#include "../bpf/fixture.h"

#define XDP_DROP_V 1
#define XDP_PASS_V 2
#define XDP_TX_V   3
#define TC_OK_V    (-1) /* TC_ACT_UNSPEC */
#define TC_SHOT_V  2

/*
 * Reports a condition that must hold and does not, and aborts, so that libFuzzer keeps the input.
 */
#define EXPECT(cond) ((cond) ? (void)0 : bpf_fuzz_differ(__FILE__, __LINE__, #cond))
_Noreturn void bpf_fuzz_differ(const char *file, int line, const char *what);

/* Runs a frame through one of the programs. */
void bpf_fuzz_run(const struct frame *f, bool egress);
/* Did the frame of the last run come out unchanged? */
bool bpf_fuzz_untouched(const struct frame *f);

/*
 * Runs a talk: the input from the byte that says how the talk begins. The node is the owner, and
 * its peers are alive.
 */
void bpf_fuzz_talk(struct fix *x, const uint8_t *data, size_t size);

#endif
