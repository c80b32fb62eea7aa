/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may use the control socket, and for what: root acts; members of ctl_admin_group act; members
 * of ctl_group look. The kernel tells who a client was at the moment of connect(); this thread
 * looks up no names.
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/server.h"

#define PEER_GROUPS_MAX 256

static bool in_group(int fd, gid_t gid, gid_t primary)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (gid == CTL_NO_GROUP)
		return false;
	if (primary == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len))
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

enum ctl_role ctl_role_of(const struct ctl_server *s, int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		return CTL_ROLE_NONE;
	*uid = who.uid;
	if (who.uid == 0 || who.uid == geteuid() || in_group(fd, s->gid[CTL_ROLE_ACTS], who.gid))
		return CTL_ROLE_ACTS;
	return in_group(fd, s->gid[CTL_ROLE_LOOKS], who.gid) ? CTL_ROLE_LOOKS : CTL_ROLE_NONE;
}

static int find_group(const char *key, const char *group, gid_t *gid)
{
	const struct group *g;

	*gid = CTL_NO_GROUP;
	if (!group || !group[0])
		return 0;
	errno = 0;
	g = getgrnam(group);
	if (!g) {
		int err = errno ? -errno : -ENOENT;

		log_error("%s %s: there is no such group; "
			  "create it (groupadd %s) or correct the key",
			  key, group, group);
		return err;
	}
	*gid = g->gr_gid;
	return 0;
}

int ctl_access_open(struct ctl_server *s, const struct ctl_groups *groups)
{
	int err = find_group("ctl_group", groups->look, &s->gid[CTL_ROLE_LOOKS]);

	return err ? err : find_group("ctl_admin_group", groups->act, &s->gid[CTL_ROLE_ACTS]);
}
