/* SPDX-License-Identifier: GPL-2.0-only */
/* The result of a probe as text and as JSON. */
#include <stdio.h>

#include "hokm/names.h"
#include "probe/probe_run.h"

const char *probe_step_name(const struct conf_check *c, enum check_step step)
{
	static const char *const names[][CHECK_STEPS] = {
		[CHECK_WEBSOCKET] = {"connect", "tls", "upgrade", "ping", "close"},
		[CHECK_HTTP] = {"connect", "tls", "answer", "body", NULL},
		[CHECK_TCP] = {"connect", "tls", NULL, NULL, NULL},
		[CHECK_EXEC] = {NULL, NULL, NULL, NULL, NULL},
	};

	return step == CHECK_STEP_TLS && !c->tls ? NULL : names[c->kind][step];
}

bool probe_is_healthy(const struct probe_result *r)
{
	return r->reply.reason == HOKM_R_CHECK_OK;
}

static double ms(uint64_t ns)
{
	return (double)ns / NS_PER_MS;
}

static void show_steps(const struct probe_result *r, FILE *out)
{
	for (unsigned int i = 0; i < CHECK_STEPS; i++) {
		const char *name = probe_step_name(&r->request.check, (enum check_step)i);

		if (name && r->reply.step_ns[i])
			fprintf(out, "  %-8s %8.2f ms\n", name, ms(r->reply.step_ns[i]));
		else if (name)
			fprintf(out, "  %-8s not done\n", name);
	}
}

void probe_show(const struct probe_result *r, bool steps, FILE *out)
{
	bool ok = probe_is_healthy(r);
	char url[PROBE_URL_MAX];

	fprintf(out, "%s  %s%s%s: %s%s%s", ok ? "healthy" : "NOT HEALTHY",
		r->service ? r->service : "", r->service ? " " : "",
		probe_url_text(&r->request.check, url, sizeof(url)),
		ok ? "" : hokm_reason_name((enum hokm_reason)r->reply.reason), ok ? "" : ": ",
		r->reply.detail);
	if (r->reply.attempts > 1)
		fprintf(out, " (attempt %u)", r->reply.attempts);
	fprintf(out, ", %.2f ms\n", ms(r->reply.took_ns));
	if (steps)
		show_steps(r, out);
}

static void list_steps(const struct probe_result *r, struct out *o)
{
	out_arr_begin(o, "steps");
	for (unsigned int i = 0; i < CHECK_STEPS; i++) {
		const char *name = probe_step_name(&r->request.check, (enum check_step)i);

		if (!name)
			continue;
		out_obj_begin(o, NULL);
		out_str(o, "name", name);
		out_bool(o, "done", r->reply.step_ns[i] != 0);
		out_u64(o, "took_us", r->reply.step_ns[i] / (NS_PER_MS / 1000));
		out_obj_end(o);
	}
	out_arr_end(o);
}

void probe_list(const struct probe_result *r, struct out *o)
{
	char url[PROBE_URL_MAX];

	out_obj_begin(o, NULL);
	out_str(o, "service", r->service ? r->service : "");
	out_str(o, "check", check_kind_name(r->request.check.kind));
	out_str(o, "target", probe_url_text(&r->request.check, url, sizeof(url)));
	out_bool(o, "healthy", probe_is_healthy(r));
	out_str(o, "reason", hokm_reason_name((enum hokm_reason)r->reply.reason));
	out_str(o, "detail", r->reply.detail);
	out_u64(o, "attempts", r->reply.attempts);
	out_u64(o, "took_us", r->reply.took_ns / (NS_PER_MS / 1000));
	list_steps(r, o);
	out_obj_end(o);
}
