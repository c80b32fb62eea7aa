/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libmicrohttpd, loaded by the one process that uses it: the HTTP listener. Daemon and ctl neither
 * load it nor need it to be installed.
 */
#ifndef HOKM_AGENT_LIB_MHD_H
#define HOKM_AGENT_LIB_MHD_H

#include <microhttpd.h>

/* The functions that the listener calls, without "MHD_" in front. */
/* clang-format off */
#define LIB_MHD_FUNCTIONS(f) \
	f(start_daemon) f(run) f(get_timeout) f(get_daemon_info) f(get_connection_info) \
	f(lookup_connection_value) f(create_response_from_buffer) \
	f(create_response_from_callback) f(add_response_header) f(queue_response) \
	f(destroy_response) f(suspend_connection) f(resume_connection)
/* clang-format on */

#define LIB_MHD_POINTER(name) __typeof__(MHD_##name) *(name);

struct lib_mhd {
	LIB_MHD_FUNCTIONS(LIB_MHD_POINTER)
};

/*
 * The first call loads the library, and must be made before the process is confined. NULL, logged,
 * when it is not installed or has no such function.
 */
const struct lib_mhd *lib_mhd(void);

#endif
