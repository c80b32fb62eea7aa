/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon carries its USDT probes: this program links all of the daemon, and reads the notes of
 * its own file as bpftrace would.
 */
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include "daemon/run.h"

#define NOTE_STAPSDT 3
/* The descriptor: three addresses (place, base, semaphore), then the strings. */
#define STRINGS_OFFSET (3 * sizeof(uint64_t))

static const char *const wanted[] = {
	"state", "settle_begin", "settle_end", "takeover_begin", "takeover_end", "check"};
#define WANTED (sizeof(wanted) / sizeof(wanted[0]))

/* Never called: this makes the linker take the daemon. */
static int (*volatile run)(int, char **, const struct daemon_front *) = daemon_run_main;

static void look_at_note(const char *desc, bool found[WANTED])
{
	const char *provider = desc + STRINGS_OFFSET;
	const char *name = provider + strlen(provider) + 1;

	if (strcmp(provider, "hokm_xdp") != 0)
		return;
	for (size_t i = 0; i < WANTED; i++)
		found[i] |= strcmp(name, wanted[i]) == 0;
}

static void read_notes(Elf_Data *data, bool found[WANTED])
{
	size_t offset = 0, name_at, desc_at, next;
	GElf_Nhdr note;

	while ((next = gelf_getnote(data, offset, &note, &name_at, &desc_at)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type == NOTE_STAPSDT && !strcmp(bytes + name_at, "stapsdt"))
			look_at_note(bytes + desc_at, found);
		offset = next;
	}
}

static void probes_are_there(void **state)
{
	bool found[WANTED] = {false};
	Elf_Scn *section = NULL;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf *elf;

	(void)state;
	assert_true(run != NULL && fd >= 0);
	assert_int_not_equal(elf_version(EV_CURRENT), EV_NONE);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_NOTE)
			read_notes(elf_getdata(section, NULL), found);
	}
	elf_end(elf);
	close(fd);
	for (size_t i = 0; i < WANTED; i++)
		if (!found[i])
			fail_msg("there is no probe %s", wanted[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(probes_are_there)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
