/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings that differ between two nodes (decide/agree.h) as words, for log, events and status. */
#ifndef HOKM_DAEMON_AGREE_WORDS_H
#define HOKM_DAEMON_AGREE_WORDS_H

#include "decide/agree.h"

#define AGREE_WORDS_MAX 512

/*
 * One group that differs as words, such as "vip: the lists of VIPs differ: here 192.168.1.25, there
 * 192.168.1.25 192.168.1.30".
 */
void agree_words(const struct agree *here, const struct agree *there, unsigned int group, char *dst,
		 size_t size);
/* The names of the groups of a set of bits, as "vip, pulse"; "" for none. */
void agree_names(unsigned int groups, char *dst, size_t size);

#endif
