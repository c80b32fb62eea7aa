/* SPDX-License-Identifier: GPL-2.0-only */
/* The status page of the HTTP listener: one file (http_page.html), which is part of the program. */
#ifndef HOKM_AGENT_HTTP_PAGE_H
#define HOKM_AGENT_HTTP_PAGE_H

#include <stddef.h>

struct http_page {
	const char *text;
	size_t len;
	/*
	 * Content-Security-Policy: the page's own script and style, by their hashes, and the events
	 * of this listener. Nothing else runs or is loaded, whatever a text of the state contains.
	 */
	char policy[384];
};

/*
 * The first call computes the hashes, and must be made before the process is confined. NULL when
 * they cannot be computed: then there is no page.
 */
const struct http_page *http_page(void);

#endif
