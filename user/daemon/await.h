/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The wait for this node's address and interface, and for the files of its secret and of the
 * configuration. At boot they may come later than the daemon: by DHCP, with a bond that is put
 * together, from an agent that fetches secrets, with a file system that is mounted late. A daemon
 * that ended instead would have to be started by hand. And while another host has this address
 * (act/twin.h), it is not there either. Without a link nobody can be asked for it.
 */
#ifndef HOKM_DAEMON_AWAIT_H
#define HOKM_DAEMON_AWAIT_H

#include <stdbool.h>
#include <stdint.h>

struct conf;

/*
 * Reads the configuration as conf_load() does. While only the node's address or interface or the
 * file of its secret is missing on this machine, or another host has the address, or a service
 * manager started the daemon and there is no configuration, it waits, reports that at once and then
 * each minute, and another reason soon, in the log and to systemd, and reads the file again until
 * they are there. A file that becomes wrong while it waits is a reason, too. Returns 0, or -errno,
 * logged; -EINTR: SIGTERM or SIGINT ended the wait.
 */
int await_conf(const char *file, struct conf **out);

/*
 * Is a reason to be reported so long after the last report? same: it was the reason then, too. A
 * wait of days does not fill the log, and who looks at its end sees what is waited for.
 */
bool await_is_due(bool same, uint64_t since_ns);

#endif
