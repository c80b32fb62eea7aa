/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses of clients, as the daemon lists them: of connections that this node tracks, and of
 * those that peers replicated to it. Some are enough: they are examples for the routes of the
 * kernel (facts_routes.c). Where the kernel drops the packets of all new clients, handshakes that
 * are not complete have their addresses. They count only then: anybody can begin a handshake with
 * an address that is not its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/render.h"
#include "doctor/facts.h"

/* Many connections have one address, behind a router that translates. */
#define ROWS 512

static void add(struct fact_clients *to, struct in_addr addr)
{
	for (unsigned int i = 0; i < to->n; i++)
		if (to->list[i].s_addr == addr.s_addr)
			return;
	if (to->n < FACT_CLIENTS)
		to->list[to->n++] = addr;
}

/* Each row begins with "ADDRESS:PORT". */
static void take_rows(struct fact_clients *to, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *client = json_string_value(json_array_get(row, 0));
		char text[INET_ADDRSTRLEN];
		struct in_addr addr;

		if (!client)
			continue;
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(client, ":"), client);
		if (inet_pton(AF_INET, text, &addr) == 1)
			add(to, addr);
	}
}

/* args: of `conns`; it is taken over. */
static int ask(struct fact_clients *to, const char *socket, json_t *args)
{
	struct ctl_conn conn;
	json_t *msg = NULL;
	bool more = true;
	int err = args ? ctl_conn_open(&conn, socket) : -ENOMEM;

	if (err) {
		json_decref(args);
		return err;
	}
	err = ctl_conn_ask(&conn, "conns", args, &msg);
	while (!err && more) {
		take_rows(to, json_object_get(json_object_get(msg, "data"), "rows"));
		more = field_true(msg, "ok") && field_true(msg, "more");
		json_decref(msg);
		msg = NULL;
		if (more)
			err = ctl_conn_more(&conn, &msg);
	}
	json_decref(msg);
	ctl_conn_close(&conn);
	json_decref(args);
	return err;
}

int facts_clients(const char *socket, bool unanswered, struct fact_clients *out)
{
	int err;

	out->n = 0;
	err = ask(out, socket, json_pack("{s:i, s:[s]}", "limit", ROWS, "keys", "client"));
	if (!err)
		err = ask(out, socket, json_pack("{s:i, s:s}", "limit", ROWS, "peer", "all"));
	if (err || (out->n && !unanswered))
		return err;
	/* Here the places are for them. */
	out->n = 0;
	return ask(out, socket,
		   json_pack("{s:i, s:[s], s:b}", "limit", ROWS, "keys", "client", "half_open", 1));
}
