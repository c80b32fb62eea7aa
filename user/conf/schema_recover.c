/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section service.recover. See schema.c. */
#include "conf/schema_recover.h"
#include "conf/schema_rows.h"
#include "decide/recover.h"

const struct conf_key conf_recover_keys[] = {
	KEY("service.recover.command", PATH, FIELD(conf_service, recover.command),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The program that is run, and its arguments, without a shell: "
	    "one text, in which '...' keeps blanks, or a list, {\"/bin/x\", \"-a\"}. "
	    "\"\" for none."),
	KEY("service.recover.user", NAME, FIELD(conf_service, recover.user), RELOAD, "nobody", NULL,
	    "The user that runs it. It has no capabilities, root neither. With root, the program "
	    "must belong to root, and so must each folder on its path; no other user may write to "
	    "them."),
	KEY("service.recover.attempts", NUMBER(1, 20), FIELD(conf_service, recover.attempts),
	    RELOAD, "3", NULL,
	    "How often the command is run at most until the service is up again."),
	KEY("service.recover.backoff", DURATION(S(1), HOURS(1)),
	    FIELD(conf_service, recover.backoff_ns), RELOAD, "10s", NULL,
	    "How long the service has to come up, from the end of the first command to the second "
	    "one. It doubles with each further one, up to 1h."),
	KEY("service.recover.limit", NUMBER(1, RECOVER_LIMIT_MAX),
	    FIELD(conf_service, recover.limit), RELOAD, "6", NULL,
	    "How often the command is run at most within an hour, "
	    "however often the service is up in between."),
	KEY("service.recover.timeout", DURATION(MS(100), MIN(10)),
	    FIELD(conf_service, recover.timeout_ns), RELOAD, "60s", NULL,
	    "A command that runs for longer than this is terminated."),
	END_OF_KEYS,
};
