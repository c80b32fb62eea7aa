/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of section hooks. See schema.c. */
#include "conf/schema_hooks.h"
#include "conf/schema_rows.h"

static const char *const names[] = {
	[CONF_HOOK_BEFORE] = "before", [CONF_HOOK_MASTER] = "master", [CONF_HOOK_BACKUP] = "backup",
	[CONF_HOOK_FAULT] = "fault",   [CONF_HOOK_STOP] = "stop",     [CONF_HOOK_AFTER] = "after",
};

const char *conf_hook_name(enum conf_hook h)
{
	return (unsigned int)h < CONF_HOOKS ? names[h] : "?";
}

static const struct conf_word silences[] = {
	{"permits", CONF_SILENCE_PERMITS}, {"refuses", CONF_SILENCE_REFUSES}, {NULL, 0}};

const struct conf_key conf_hooks_keys[] = {
	KEY("hooks.before", PATH, FIELD(conf, hooks.command[CONF_HOOK_BEFORE]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run before the VIP is configured on the interface. \"\" "
	    "for none."),
	KEY("hooks.master", PATH, FIELD(conf, hooks.command[CONF_HOOK_MASTER]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run after the node has become owner. \"\" for none."),
	KEY("hooks.backup", PATH, FIELD(conf, hooks.command[CONF_HOOK_BACKUP]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run after the node has become backup, also at its start. \"\" "
	    "for none."),
	KEY("hooks.fault", PATH, FIELD(conf, hooks.command[CONF_HOOK_FAULT]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run after the node has become unfit to be owner. \"\" for none."),
	KEY("hooks.stop", PATH, FIELD(conf, hooks.command[CONF_HOOK_STOP]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run when the daemon stops. \"\" for none."),
	KEY("hooks.after", PATH, FIELD(conf, hooks.command[CONF_HOOK_AFTER]),
	    RELOAD | KEY_EMPTY | KEY_LIST, "", NULL,
	    "The command that is run after each change of the node's state, behind the command of "
	    "that state. \"\" for none."),
	KEY("hooks.user", NAME, FIELD(conf, hooks.user), RELOAD, "nobody", NULL,
	    "The user that runs the hooks. With root, and with capabilities, a hook must belong to "
	    "root, and so must each folder on its path; no other user may write to them."),
	KEY("hooks.capabilities", TEXT(0, CONF_HEADER_MAX - 1), FIELD(conf, hooks.capabilities),
	    RESTART | KEY_EMPTY, "", NULL,
	    "The capabilities that the hooks have, such as \"net_admin net_raw\": some of those "
	    "that the daemon has. They have no other ones, root neither. \"\" for none."),
	KEY("hooks.timeout", DURATION(MS(100), MIN(10)), FIELD(conf, hooks.timeout_ns), RELOAD,
	    "10s", NULL, "A hook that runs for longer than this is terminated."),
	KEY("hooks.before_wait", DURATION(0, MIN(1)), FIELD(conf, hooks.wait_ns), RELOAD, "0s",
	    NULL,
	    "How long a backup that would become owner waits for the hook before. Exit status 0 "
	    "permits it, any other one refuses. 0s: the change does not wait, and the exit status "
	    "does not count."),
	KEY("hooks.before_silent", WORD(silences), FIELD(conf, hooks.silence), RELOAD, "permits",
	    NULL,
	    "What a hook before counts as that is not over within before_wait, or cannot be run."),
	KEY("hooks.fifo", PATH, FIELD(conf, hooks.fifo), RESTART | KEY_EMPTY, "", NULL,
	    "A FIFO that gets the line INSTANCE \"NAME\" STATE PRIORITY for each change of the "
	    "node's state, as with keepalived's notify_fifo. It is made when it is missing. \"\" "
	    "for none."),
	END_OF_KEYS,
};
