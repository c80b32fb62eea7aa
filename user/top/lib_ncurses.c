/* SPDX-License-Identifier: GPL-2.0-only */
/* See lib_ncurses.h. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "top/lib_ncurses.h"

/* The address of a function or variable, as the pointer that it is stored in. */
static bool look_for(void *handle, const char *name, void **pointer)
{
	*pointer = handle ? dlsym(handle, name) : NULL;
	return *pointer != NULL;
}

#define LOOK_FOR(name) &&look_for(handle, #name, (void **)&functions.name)

const struct lib_ncurses *lib_ncurses(FILE *err)
{
	static const char *const names[] = {"libncursesw.so.6", "libncurses.so.6"};
	static struct lib_ncurses functions;
	static bool complete;

	for (size_t i = 0; !complete && i < sizeof(names) / sizeof(names[0]); i++) {
		void *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);

		complete = look_for(handle, "stdscr", (void **)&functions.screen)
			LIB_NCURSES_FUNCTIONS(LOOK_FOR);
	}
	if (complete)
		return &functions;
	fprintf(err, "hokm-xdp top: ncurses cannot be used, is libncursesw6 installed? %s\n",
		dlerror());
	return NULL;
}
