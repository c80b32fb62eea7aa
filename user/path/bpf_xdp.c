/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ingress: a pinned XDP link, which stays when the daemon ends.
 *
 *   our pinned link is on this interface  -> replace its program in place, without a gap, unless it
 *                                            is the one already
 *   the interface has another program     -> refuse with its id and name, or with replace_foreign
 *                                            detach it and create a link
 *   otherwise                             -> create a link: native mode, or generic mode when the
 *                                            driver does not support native mode
 *
 * The kernel refuses a link with EBUSY while a program is attached by netlink, and the other way
 * round. So both kinds of foreign programs are looked for. A foreign program is attached again when
 * a later step fails.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/log.h"

/* The XDP program that is on the interface and is not ours. */
struct foreign {
	uint32_t id;
	uint32_t flags; /* XDP_FLAGS_*_MODE */
	int prog_fd;    /* for attaching it again; -1 when the kernel gives no descriptor */
	char name[BPF_OBJ_NAME_LEN + 1];
};

uint32_t bpf_prog_id_of(int prog_fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &len) ? 0 : info.id;
}

int xdp_link_ifindex(int link_fd, uint32_t *program)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(link_fd, &info, &len);

	if (err)
		return err;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	if (program)
		*program = info.prog_id;
	return (int)info.xdp.ifindex;
}

const char *xdp_mode(int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	if (bpf_xdp_query(ifindex, 0, &q))
		return "none";
	switch (q.attach_mode) {
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	default:
		return "none";
	}
}

/* ---- foreign programs ---- */

/* Finds the program that is attached now; its id is 0 when there is none. */
static int find_program(int ifindex, struct foreign *f)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int err = bpf_xdp_query(ifindex, 0, &q);

	*f = (struct foreign){.prog_fd = -1, .name = "unknown"};
	if (err) {
		log_error("could not query the XDP program of interface %d: %s", ifindex,
			  strerror(-err));
		return err;
	}
	f->id = q.drv_prog_id ? q.drv_prog_id : q.skb_prog_id ? q.skb_prog_id : q.hw_prog_id;
	f->flags = q.drv_prog_id   ? XDP_FLAGS_DRV_MODE
		   : q.skb_prog_id ? XDP_FLAGS_SKB_MODE
				   : XDP_FLAGS_HW_MODE;
	if (!f->id)
		return 0;
	/* Without CAP_SYS_ADMIN the name stays "unknown". */
	f->prog_fd = bpf_prog_get_fd_by_id(f->id);
	if (f->prog_fd >= 0 && !bpf_obj_get_info_by_fd(f->prog_fd, &info, &len))
		memcpy(f->name, info.name, sizeof(info.name));
	return 0;
}

_Static_assert(sizeof(((struct foreign *)0)->name) <= HOKM_BPF_NAME_MAX, "every name fits");

int hokm_bpf_program_of(int ifindex, uint32_t *id, char name[HOKM_BPF_NAME_MAX])
{
	struct foreign f;
	int err = find_program(ifindex, &f);

	if (f.prog_fd >= 0)
		close(f.prog_fd);
	*id = f.id;
	memcpy(name, f.name, sizeof(f.name));
	return err;
}

bool hokm_bpf_is_ours(const char *name)
{
	return !strcmp(name, PROG_INGRESS) || !strcmp(name, PROG_WITNESS);
}

/* Returns the link of program `id` on ifindex, -ENOENT for none, or -ENOTUNIQ for several. */
static int find_link(int ifindex, uint32_t id)
{
	uint32_t link_id = 0, program = 0;
	int found = -ENOENT;

	while (!bpf_link_get_next_id(link_id, &link_id)) {
		int fd = bpf_link_get_fd_by_id(link_id);

		if (fd < 0)
			continue;
		if (xdp_link_ifindex(fd, &program) != ifindex || program != id) {
			close(fd);
			continue;
		}
		if (found >= 0) { /* one of the two may be in another network namespace */
			close(found);
			close(fd);
			return -ENOTUNIQ;
		}
		found = fd;
	}
	return found;
}

static int evict(const struct xdp_job *j, const struct foreign *f)
{
	int fd = find_link(j->ifindex, f->id);
	int err;

	if (fd == -ENOENT) {
		err = bpf_xdp_detach(j->ifindex, f->flags, NULL);
	} else if (fd < 0) {
		err = fd;
	} else {
		err = bpf_link_detach(fd);
		close(fd);
	}
	if (err)
		log_error("could not detach XDP program %u (%s) from %s: %s", f->id, f->name,
			  j->ifname, strerror(-err));
	else
		log_warn("replaced XDP program %u (%s) on %s", f->id, f->name, j->ifname);
	return err;
}

static void put_back(const struct xdp_job *j, const struct foreign *f)
{
	int err = f->prog_fd < 0 ? -ENOENT : bpf_xdp_attach(j->ifindex, f->prog_fd, f->flags, NULL);

	if (err)
		log_error("could not attach the former XDP program %u (%s) to %s again: %s", f->id,
			  f->name, j->ifname, strerror(-err));
}

/* ---- ours ---- */

static int create_link(const struct xdp_job *j)
{
	LIBBPF_OPTS(bpf_link_create_opts, native, .flags = XDP_FLAGS_DRV_MODE);
	LIBBPF_OPTS(bpf_link_create_opts, generic, .flags = XDP_FLAGS_SKB_MODE);
	int fd = -EOPNOTSUPP;

	if (!j->opts->generic_only) {
		fd = bpf_link_create(j->prog_fd, j->ifindex, BPF_XDP, &native);
		if (fd >= 0 || fd == -EPERM || fd == -EBUSY || fd == -ENODEV)
			return fd;
		log_warn("the driver of %s does not support native XDP (%s): trying generic XDP, "
			 "which costs more CPU time for each packet",
			 j->ifname, strerror(-fd));
	}
	return bpf_link_create(j->prog_fd, j->ifindex, BPF_XDP, &generic);
}

static int create_and_pin(const struct xdp_job *j)
{
	int fd = create_link(j);
	int err;

	if (fd < 0) {
		log_error("could not attach XDP to %s: %s%s", j->ifname, strerror(-fd),
			  fd == -EPERM   ? "; CAP_NET_ADMIN and CAP_BPF are needed"
			  : fd == -EBUSY ? "; another XDP program was attached meanwhile"
					 : "");
		return fd;
	}
	/* This replaces the pin of an old link of ours, and the kernel then detaches that link. */
	err = pins_put(j->pins->dir, PIN_LINK, fd);
	close(fd);
	return err;
}

/* Returns true when the program of this interface belongs to the pinned link. */
static bool link_is_here(const struct xdp_job *j, uint32_t program_here)
{
	uint32_t program = 0;
	int ifindex;

	if (j->pins->link < 0)
		return false;
	ifindex = xdp_link_ifindex(j->pins->link, &program);
	if (ifindex == j->ifindex && program == program_here)
		return true;
	log_info("the pinned XDP link is attached to %s: creating a new link on %s",
		 ifindex > 0 ? "another interface" : "no interface any more", j->ifname);
	return false;
}

int xdp_attach(const struct xdp_job *j)
{
	struct foreign f;
	int err = find_program(j->ifindex, &f);

	if (err)
		return err;
	if (link_is_here(j, f.id)) {
		err = f.id == bpf_prog_id_of(j->prog_fd)
			      ? 0
			      : bpf_link_update(j->pins->link, j->prog_fd, NULL);
		if (err)
			log_error("could not replace the XDP program of the link on %s: %s",
				  j->ifname, strerror(-err));
	} else if (f.id && !j->opts->replace_foreign) {
		log_error("%s already has an XDP program that is not ours: id %u, name %s; "
			  "remove it (ip link set dev %s xdp off, or bpftool link detach), "
			  "or start with --replace",
			  j->ifname, f.id, f.name, j->ifname);
		err = -EBUSY;
	} else {
		err = f.id ? evict(j, &f) : 0;
		if (!err) {
			err = create_and_pin(j);
			if (err && f.id)
				put_back(j, &f);
		}
	}
	if (f.prog_fd >= 0)
		close(f.prog_fd);
	return err;
}
