/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client's SYN with all its variations, the RST with which the kernel refuses it, and the two
 * frames that may leave for it: the SYN again, or the RST unchanged.
 *
 * The expected frame is built from the SYN that the client sent, by code that shares nothing with
 * the program: it has new MAC addresses, no IP options, no IP identification and no payload.
 */
#ifndef HOKM_TEST_SYN_SPEC_H
#define HOKM_TEST_SYN_SPEC_H

#include "fixture.h"

#define ISN 1000u
#define ECE 0x40
#define CWR 0x80
#define DF  0x4000

/* The content of a client's SYN; a field that is zero has a default. */
struct syn_spec {
	uint32_t isn;
	unsigned int words; /* of options */
	uint8_t options[HOKM_SYN_OPTIONS];
	uint8_t flags, tos, ttl;
	uint16_t window, frag;
	unsigned int tags, ip_options, payload, padding;
	const uint8_t *from; /* MAC */
	bool sum_left; /* the RST comes from a packet filter: its checksum is left to the device */
};

/* The SYN that Linux sends. */
extern const struct syn_spec LINUX_SYN;

void syn_frame(struct frame *f, const struct syn_spec *s);
/* The RST that refuses it (RFC 9293 section 3.10.7.1), as the Linux kernel sends it. */
void refusal_frame(struct frame *f, const struct syn_spec *s);

/* The SYN comes in and passes. The RST goes out: x->out is what leaves. */
void in_syn(struct fix *x, const struct syn_spec *s);
void out_refusal(struct fix *x, const struct syn_spec *s);

/* Expects that the SYN left, to that MAC address. */
void expect_syn_left(struct fix *x, const struct syn_spec *s, const uint8_t *mac);
/* Expects that the RST left, unchanged. */
void expect_rst_left(struct fix *x, const struct syn_spec *s);
/* SYN in, RST out; expects that the SYN leaves. */
void syn_is_replayed(struct fix *x, const struct syn_spec *s, const uint8_t *mac);

#endif
