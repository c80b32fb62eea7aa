/* SPDX-License-Identifier: GPL-2.0-only */
/* See front.h. */
#include "conf/conf.h"
#include "serve/front.h"
#include "serve/serve.h"
#include "serve/verbs.h"

static int front_open(struct daemon *d, sd_event *event, const struct conf *c,
		      struct events *events, void **front)
{
	const struct ctl_groups groups = {.look = c->ctl_group, .act = c->ctl_admin_group};
	struct ctl_server *s;
	int err = ctl_server_open(event, c->socket, &groups, serve_verbs, d, events,
				  &serve_event_names, &s);

	*front = s;
	return err;
}

static void front_close(void *front)
{
	ctl_server_close(front);
}

const struct daemon_front serve_front = {
	.open = front_open, .close = front_close, .state = serve_state, .line = serve_line};
