/* SPDX-License-Identifier: GPL-2.0-only */
/* See lib_mhd.h. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/lib_mhd.h"
#include "base/log.h"

#define SO_NAME "libmicrohttpd.so.12"

/* The address of a function, as the pointer that it is stored in. */
static bool look_for(void *handle, const char *name, void **pointer)
{
	*pointer = handle ? dlsym(handle, name) : NULL;
	if (!*pointer)
		log_error("listener: %s cannot be used, is its package installed? %s", SO_NAME,
			  dlerror());
	return *pointer != NULL;
}

#define LOOK_FOR(name) &&look_for(handle, "MHD_" #name, (void **)&functions.name)

const struct lib_mhd *lib_mhd(void)
{
	static struct lib_mhd functions;
	static bool complete;
	void *handle;

	if (!complete) {
		handle = dlopen(SO_NAME, RTLD_NOW | RTLD_LOCAL);
		complete = true LIB_MHD_FUNCTIONS(LOOK_FOR);
	}
	return complete ? &functions : NULL;
}
