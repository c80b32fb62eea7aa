/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `ctl status` when no daemon answers: what it left in the kernel, as text. The first line is that
 * of any status. gone.c reads the facts.
 */
#include <string.h>

#include "ctl/client.h"
#include "ctl/render.h"

static void print_why(const json_t *data, FILE *out)
{
	const char *why = field_text(data, "why"), *path = field_text(data, "socket");

	if (!strcmp(why, "stopped"))
		fprintf(out, "the daemon does not answer within %d s on %s: it is stopped or stuck",
			CTL_CLIENT_TIMEOUT_S, path);
	else if (!strcmp(why, "refused"))
		fprintf(out, "the daemon is gone: nobody listens on %s", path);
	else
		fprintf(out, "the daemon is gone: there is no socket %s", path);
}

static void print_lease(const json_t *data, FILE *out)
{
	json_int_t ended = field_int(data, "lease_ended_ms", -1);
	char a[RENDER_WORD];

	if (field_true(data, "owner"))
		fprintf(out, "the kernel's lease ends in %s: until then this node is owner",
			word_field_age(data, "lease_left_ms", a));
	else if (ended >= 0)
		fprintf(out, "the kernel's lease ended %s ago: this node is not owner",
			word_age(ended, a));
	else
		fprintf(out, "the kernel holds no lease: this node is not owner");
}

static const char *word_programs(const json_t *data)
{
	bool ingress = field_true(data, "ingress"), egress = field_true(data, "egress");

	if (ingress && egress)
		return "both programs are attached";
	if (ingress)
		return "the egress program is NOT ATTACHED";
	return egress ? "the ingress program is NOT ATTACHED" : "NO PROGRAM IS ATTACHED";
}

static void print_steering(const json_t *data, FILE *out)
{
	json_int_t left = field_int(data, "linger_left_ms", -1);
	char a[RENDER_WORD];

	if (left < 0)
		return;
	fprintf(out, "\n  steering   ");
	if (left)
		fprintf(out, "new connections go to peers for %s more", word_age(left, a));
	else
		fprintf(out, "the time `linger` is over: new connections are not steered to peers");
}

void render_gone(const json_t *data, const json_t *options, FILE *out)
{
	json_int_t daemon = field_int(data, "daemon_ms", -1);
	char a[RENDER_WORD];

	render_headline(data, out);
	if (field_true(options, "owner"))
		return;
	fprintf(out, "  WARNING  ");
	print_why(data, out);
	fprintf(out, "\n  WARNING  ");
	print_lease(data, out);
	fprintf(out, "\n  daemon     last sign of life %s%s, in state %s, epoch %lld",
		word_age(daemon, a), daemon < 0 ? "" : " ago", field_text(data, "state"),
		(long long)field_int(data, "epoch", -1));
	fprintf(out, "\n  path       %s, XDP %s: %s", field_text(data, "interface"),
		field_text(data, "xdp_mode"), word_programs(data));
	print_steering(data, out);
	fprintf(out, "\n  tracked    %lld connections on this node, %lld steered to peers\n",
		(long long)field_int(data, "connections", -1),
		(long long)field_int(data, "steered", -1));
	fprintf(out, "  next       systemctl status hokm-xdp; journalctl -u hokm-xdp; "
		     "hokm-xdp doctor\n");
}
