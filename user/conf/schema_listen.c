/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section listen. See schema.c. */
#include "conf/schema_listen.h"
#include "conf/schema_rows.h"

const struct conf_key conf_listen_keys[] = {
	KEY("listen.port", NUMBER(0, 65535), FIELD(conf, listen.port), RELOAD, "0", NULL,
	    "The TCP port of the listener, from 1024 on. 0: there is no listener."),
	KEY("listen.address", TEXT(7, INET_ADDRSTRLEN - 1), FIELD(conf, listen.address), RELOAD,
	    "127.0.0.1", NULL,
	    "The IPv4 address of this node on which it listens. It may come later. "
	    "An address other than 127.0.0.1 belongs behind a packet filter."),
	KEY("listen.clients", NUMBER(1, CONF_LISTEN_CLIENTS_MAX), FIELD(conf, listen.clients),
	    RELOAD, "64", NULL,
	    "The greatest number of connections at the same time. More wait until one ends."),
	KEY("listen.clients_per_address", NUMBER(1, CONF_LISTEN_CLIENTS_MAX),
	    FIELD(conf, listen.clients_per_address), RELOAD, "32", NULL,
	    "The same from one address. More are closed at once."),
	KEY("listen.timeout", DURATION(MS(100), MIN(1)), FIELD(conf, listen.timeout_ns), RELOAD,
	    "10s", NULL,
	    "A connection is closed after this time, whether or not it has its answer, "
	    "unless it follows /api/events."),
	END_OF_KEYS,
};
