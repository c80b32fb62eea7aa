/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a daemon that does not answer has left in the kernel: its ownership, the programs, the
 * connections. Everything is read from the pins; nothing is changed. The kernel says in the same
 * way which programs are attached, because a pin remains when others detach a program.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "path/bpf_internal.h"
#include "base/log.h"

/* The id of a pinned program; 0: there is none. */
static uint32_t pinned_program(const char *dir, const char *name)
{
	char path[PIN_PATH_MAX];
	int fd = pins_path(dir, name, path) ? -1 : bpf_obj_get(path);
	uint32_t id = fd >= 0 ? bpf_prog_id_of(fd) : 0;

	if (fd >= 0)
		close(fd);
	return id;
}

static void look_at_programs(const struct conf *c, const struct hokm_bpf *b, struct hokm_left *left)
{
	char dir[PIN_DIR_MAX], name[HOKM_BPF_NAME_MAX];
	uint32_t id = 0, ingress, egress;

	left->mode = hokm_bpf_mode(b);
	if (pins_dir(c, dir))
		return;
	ingress = pinned_program(dir, PIN_INGRESS);
	egress = pinned_program(dir, PIN_EGRESS);
	if (ingress && if_indextoname((unsigned int)b->ifindex, name))
		left->ingress = !hokm_bpf_program_of(b->ifindex, &id, name) && id == ingress;
	left->egress = egress && tc_program(b->ifindex, TC_EGRESS) == egress;
}

static int count_one(const struct hokm_conn_key *k, const struct hokm_conn *c, void *arg)
{
	struct hokm_left *left = arg;

	(void)k;
	if (c->tcp_state != HOKM_TCP_ESTABLISHED)
		return 0;
	if (c->target == HOKM_LOCAL)
		left->local++;
	else
		left->steered++;
	return 0;
}

static int look_at_maps(struct hokm_bpf *b, struct hokm_left *left)
{
	struct hokm_cfg cfg;
	int err = hokm_bpf_get_own(b, &left->own);

	if (!err)
		err = hokm_bpf_get_cfg(b, &cfg);
	if (err)
		return err;
	left->owner_until_ns = hokm_bpf_owner_until(b, left->own.lease_until_ns);
	left->linger_ns = cfg.linger_ns;
	return hokm_bpf_walk_conns(b, false, count_one, left);
}

int hokm_bpf_look_left(const struct conf *c, struct hokm_left *left)
{
	enum log_level level = log_get_level();
	struct hokm_bpf *b = NULL;
	int err;

	memset(left, 0, sizeof(*left));
	log_set_level(LOG_LVL_ERROR);
	err = hokm_bpf_open_pinned(c, &b);
	if (!err)
		err = look_at_maps(b, left);
	if (!err)
		look_at_programs(c, b, left);
	hokm_bpf_close(b);
	log_set_level(level);
	return err;
}
