/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that a seed repeats: splitmix64. */
#ifndef WS_CHANCE_H
#define WS_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline uint64_t chance_draw(struct chance *c)
{
	uint64_t z = (c->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0 .. n - 1 */
static inline unsigned int chance_below(struct chance *c, unsigned int n)
{
	return (unsigned int)(chance_draw(c) % n);
}

static inline bool chance_of(struct chance *c, double percent)
{
	return percent > 0 && (double)(chance_draw(c) >> 11) / (double)(1ULL << 53) * 100 < percent;
}

#endif
