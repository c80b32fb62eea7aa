/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of vmlinux/vmlinux.h as a table. It has a translation unit of its own, because that
 * header and the system's define the same names.
 */
#ifndef HOKM_TEST_VMLINUX_LAYOUT_H
#define HOKM_TEST_VMLINUX_LAYOUT_H

struct layout_field {
	const char *type;  /* struct name, "union NAME", or NULL for a constant */
	const char *field; /* NULL: the whole struct; for a constant its name */
	/* offset; for a whole struct its size in bytes; for a constant its value */
	unsigned int bit;
	unsigned int bits;  /* size of the field */
	unsigned int grows; /* whole struct: the kernel's struct may have further fields */
};

extern const struct layout_field VMLINUX_LAYOUT[];
extern const unsigned int VMLINUX_LAYOUT_COUNT;
/*
 * The offset and width of each bit field, which has no address, found by setting it. Returns their
 * number.
 */
unsigned int layout_bit_fields(struct layout_field *out, unsigned int max);

#endif
