/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the floods of the BPF tests share: a frame is built once, and each packet changes some of
 * its fields.
 */
#ifndef HOKM_TEST_FLOOD_H
#define HOKM_TEST_FLOOD_H

#include <stdint.h>

#define FLOOD_PACKETS_MAX 100000000ul

/* The number that the environment variable HOKM_FLOOD sets, or this one. */
unsigned long flood_packets(unsigned long without);

/* The number in network byte order, at any address. */
void flood_put32(uint8_t *at, uint32_t v);
void flood_put16(uint8_t *at, uint16_t v);

#endif
