/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * See agree.h. What arrives is signed by a peer, but it is not trusted: each number is checked
 * against its bound, and of a text only the characters of a version are accepted, because it is
 * printed.
 */
#include <arpa/inet.h>
#include <string.h>

#include "decide/agree.h"

#define VIPS_AT    28
#define LIST_AT    32
#define VERSION_AT 48

_Static_assert(AGREE_GROUP_COUNT * sizeof(uint32_t) == VIPS_AT, "the hashes");
_Static_assert(LIST_AT + HOKM_MAX_VIPS * sizeof(struct in_addr) == VERSION_AT, "the VIPs");
_Static_assert(VERSION_AT + AGREE_VERSION_MAX == AGREE_LEN, "the version");

#define GROUP_NAME(p, id, name, text, repair)   [p##_##id] = (name),
#define GROUP_TEXT(p, id, name, text, repair)   [p##_##id] = (text),
#define GROUP_REPAIR(p, id, name, text, repair) [p##_##id] = (repair),
static const char *const names[] = {AGREE_GROUPS(GROUP_NAME, AGREE)};
static const char *const texts[] = {AGREE_GROUPS(GROUP_TEXT, AGREE)};
static const char *const repairs[] = {AGREE_GROUPS(GROUP_REPAIR, AGREE)};

const char *agree_name(unsigned int group)
{
	return group < AGREE_GROUP_COUNT ? names[group] : "?";
}

const char *agree_text(unsigned int group)
{
	return group < AGREE_GROUP_COUNT ? texts[group] : "?";
}

const char *agree_repair(unsigned int group)
{
	return group < AGREE_GROUP_COUNT ? repairs[group] : "?";
}

/* ---- bytes ---- */

void agree_put(const struct agree *a, unsigned char *at)
{
	memset(at, 0, AGREE_LEN);
	for (unsigned int i = 0; i < AGREE_GROUP_COUNT; i++) {
		uint32_t be = htonl(a->hash[i]);

		memcpy(at + i * sizeof(be), &be, sizeof(be));
	}
	at[VIPS_AT] = (unsigned char)a->n_vips;
	memcpy(at + LIST_AT, a->vips, a->n_vips * sizeof(a->vips[0]));
	memcpy(at + VERSION_AT, a->version, strnlen(a->version, AGREE_VERSION_MAX - 1));
}

static bool all_zero(const unsigned char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

/* At least one character, and zeros to the end. */
static bool is_version(const unsigned char *at)
{
	static const char known[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.+~-_";
	size_t n = 0;

	while (n < AGREE_VERSION_MAX && at[n] && strchr(known, at[n]))
		n++;
	return n && n < AGREE_VERSION_MAX && all_zero(at + n, AGREE_VERSION_MAX - n);
}

bool agree_get(const unsigned char *at, struct agree *out)
{
	unsigned int n = at[VIPS_AT];
	size_t used = n * sizeof(out->vips[0]);

	if (!n || n > HOKM_MAX_VIPS || !all_zero(at + VIPS_AT + 1, LIST_AT - VIPS_AT - 1) ||
	    !all_zero(at + LIST_AT + used, VERSION_AT - LIST_AT - used) ||
	    !is_version(at + VERSION_AT))
		return false;
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < AGREE_GROUP_COUNT; i++) {
		uint32_t be;

		memcpy(&be, at + i * sizeof(be), sizeof(be));
		out->hash[i] = ntohl(be);
	}
	out->n_vips = n;
	memcpy(out->vips, at + LIST_AT, used);
	memcpy(out->version, at + VERSION_AT, AGREE_VERSION_MAX);
	return true;
}

/* ---- comparison ---- */

bool agree_waits(const struct agree *file, const struct agree *there)
{
	return there->hash[AGREE_NODE] == (uint32_t)~file->hash[AGREE_NODE];
}

unsigned int agree_differ(const struct agree *here, const struct agree *there)
{
	unsigned int bits = 0;

	for (unsigned int i = 0; i < AGREE_GROUP_COUNT; i++)
		if (here->hash[i] != there->hash[i])
			bits |= 1u << i;
	return agree_waits(here, there) ? bits & ~(1u << AGREE_NODE) : bits;
}

int agree_behind(const struct agree *here, const struct agree *want,
		 const struct agree *const there[HOKM_MAX_PEERS])
{
	const uint32_t before = here->hash[AGREE_NODE], after = want->hash[AGREE_NODE];
	int behind = -1;

	for (int slot = 0; slot < HOKM_MAX_PEERS; slot++) {
		if (!there[slot] || agree_waits(want, there[slot]))
			continue;
		if (there[slot]->hash[AGREE_NODE] == after)
			return -1;
		if (there[slot]->hash[AGREE_NODE] != before && behind < 0)
			behind = slot;
	}
	return behind;
}
