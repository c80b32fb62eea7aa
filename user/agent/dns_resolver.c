/* SPDX-License-Identifier: GPL-2.0-only */
/* See dns_resolver.h. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "agent/dns_resolver.h"
#include "base/clock.h"

#define SEPARATORS  " \t,"
#define TIMEOUT_MS  2000 /* of a question, at most; c-ares doubles it for the second attempt */
#define ATTEMPTS    2
#define POLL_MAX_MS 500
#define FLAG_AA     0x04 /* in the third byte of an answer */

/* ---- channels ---- */

static int open_channel(ares_channel *channel, const struct dns_request *req, int flags)
{
	uint64_t timeout_ms = req->conf.timeout_ns / NS_PER_MS;
	char lookups[] = "b"; /* DNS only: no file is read */
	struct ares_options o = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | flags,
		.timeout = (int)(timeout_ms < TIMEOUT_MS ? timeout_ms : TIMEOUT_MS),
		.tries = ATTEMPTS,
		.lookups = lookups};

	return ares_init_options(
		channel, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
}

int resolver_open(struct resolver *r, const struct dns_request *req)
{
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	memset(r, 0, sizeof(*r));
	r->req = req;
	if (status == ARES_SUCCESS)
		status = open_channel(&r->names, req, 0);
	for (unsigned int i = 0; i < CONF_DNS_SERVERS_MAX && status == ARES_SUCCESS; i++) {
		r->server[i].of = r;
		status = open_channel(&r->server[i].channel, req, ARES_FLAG_NORECURSE);
	}
	return status;
}

void resolver_close(struct resolver *r)
{
	for (unsigned int i = 0; i < CONF_DNS_SERVERS_MAX; i++)
		if (r->server[i].channel)
			ares_destroy(r->server[i].channel);
	if (r->names)
		ares_destroy(r->names);
	ares_library_cleanup();
}

/* ---- waiting ---- */

static unsigned int add_sockets(ares_channel channel, struct pollfd *p)
{
	ares_socket_t socks[ARES_GETSOCK_MAXNUM];
	/* The macros of c-ares for these bits shift a signed 1 by 31 places for the last one. */
	unsigned int bits = (unsigned int)ares_getsock(channel, socks, ARES_GETSOCK_MAXNUM);
	unsigned int n = 0;

	for (unsigned int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		short events = (short)((bits & 1U << i ? POLLIN : 0) |
				       (bits & 1U << (i + ARES_GETSOCK_MAXNUM) ? POLLOUT : 0));

		if (events)
			p[n++] = (struct pollfd){.fd = socks[i], .events = events};
	}
	return n;
}

/* One turn of a channel: what has come, and what took too long. */
static void process(ares_channel channel, const struct pollfd *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (p[i].revents)
			ares_process_fd(channel,
					p[i].revents & ~POLLOUT ? p[i].fd : ARES_SOCKET_BAD,
					p[i].revents & POLLOUT ? p[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/*
 * Waits for the answers of all channels. False when no question is under way or the time is over.
 * The channels' own timeouts are seen at the end of each wait, which is short for that.
 */
static bool turn(struct resolver *r, uint64_t by_ns)
{
	struct pollfd p[(CONF_DNS_SERVERS_MAX + 1) * ARES_GETSOCK_MAXNUM];
	unsigned int used[CONF_DNS_SERVERS_MAX + 1], n;
	/* An answer may add servers, which have no sockets yet. */
	const unsigned int servers = r->n;
	uint64_t now_ns = clock_now_ns(), left_ms;

	n = used[0] = add_sockets(r->names, p);
	for (unsigned int i = 0; i < servers; i++) {
		used[i + 1] = add_sockets(r->server[i].channel, p + n);
		n += used[i + 1];
	}
	if (!n || now_ns >= by_ns)
		return false;
	left_ms = (by_ns - now_ns) / NS_PER_MS + 1;
	(void)poll(p, n, (int)(left_ms < POLL_MAX_MS ? left_ms : POLL_MAX_MS));
	process(r->names, p, used[0]);
	n = used[0];
	for (unsigned int i = 0; i < servers; i++) {
		process(r->server[i].channel, p + n, used[i + 1]);
		n += used[i + 1];
	}
	return true;
}

/* ---- the servers of the zone ---- */

/* Takes a server, unless there are too many. */
static struct resolver_server *add_server(struct resolver *r, const char *name, size_t len)
{
	struct resolver_server *s = &r->server[r->n];

	if (r->n == CONF_DNS_SERVERS_MAX || !len || len >= sizeof(s->name))
		return NULL;
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	r->n++;
	return s;
}

_Static_assert(RESOLVER_ADDRESS_MAX > RESOLVER_NAME_MAX, "a configured name is its address");

static void add_configured(struct resolver *r)
{
	const char *at = r->req->conf.name_servers;

	for (size_t len; *at; at += len) {
		struct resolver_server *s;

		at += strspn(at, SEPARATORS);
		len = strcspn(at, SEPARATORS);
		s = add_server(r, at, len);
		if (s)
			memcpy(s->addresses, s->name, sizeof(s->name));
	}
}

static void on_names(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct resolver *r = arg;
	struct hostent *h = NULL;

	(void)timeouts;
	r->status = status == ARES_SUCCESS ? ares_parse_ns_reply(msg, len, &h) : status;
	if (r->status != ARES_SUCCESS)
		return;
	for (char **name = h->h_aliases; *name; name++)
		(void)add_server(r, *name, strlen(*name));
	ares_free_hostent(h);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	struct resolver_server *s = arg;
	size_t at = 0;

	(void)timeouts;
	if (status != ARES_SUCCESS || !list)
		return;
	for (struct ares_addrinfo_node *a = list->nodes; a; a = a->ai_next) {
		char text[NI_MAXHOST];

		if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0,
				NI_NUMERICHOST) ||
		    at + strlen(text) + 2 > sizeof(s->addresses))
			continue;
		at += (size_t)snprintf(s->addresses + at, sizeof(s->addresses) - at, "%s%s",
				       at ? "," : "", text);
	}
	ares_freeaddrinfo(list);
}

static void ask_names(struct resolver *r, uint64_t by_ns)
{
	const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = ARES_AI_NOSORT};

	r->status = ARES_ETIMEOUT;
	ares_query(r->names, r->req->conf.zone, ns_c_in, ns_t_ns, on_names, r);
	while (turn(r, by_ns))
		;
	for (unsigned int i = 0; i < r->n; i++)
		ares_getaddrinfo(r->names, r->server[i].name, NULL, &hints, on_addresses,
				 &r->server[i]);
	while (turn(r, by_ns))
		;
}

int resolver_find(struct resolver *r, uint64_t by_ns)
{
	add_configured(r);
	if (!r->n)
		ask_names(r, by_ns);
	/* A server without an address stays in the list: it does not have the new value. */
	for (unsigned int i = 0; i < r->n; i++)
		if (r->server[i].addresses[0] &&
		    ares_set_servers_ports_csv(r->server[i].channel, r->server[i].addresses) !=
			    ARES_SUCCESS)
			r->server[i].addresses[0] = '\0';
	if (r->n)
		return ARES_SUCCESS;
	return r->status == ARES_SUCCESS ? ARES_ENODATA : r->status;
}

/* ---- the record ---- */

/* The addresses of an answer as texts. */
static void read_addresses(const struct resolver *r, const unsigned char *msg, int len,
			   struct dns_set *set)
{
	struct ares_addrttl v4[DNS_VALUES_MAX];
	struct ares_addr6ttl v6[DNS_VALUES_MAX];
	bool is_v6 = r->req->type == CONF_DNS_AAAA;
	int n = DNS_VALUES_MAX;
	int status = is_v6 ? ares_parse_aaaa_reply(msg, len, NULL, v6, &n)
			   : ares_parse_a_reply(msg, len, NULL, v4, &n);

	set->n = 0;
	for (int i = 0; status == ARES_SUCCESS && i < n; i++)
		if (is_v6 ? inet_ntop(AF_INET6, &v6[i].ip6addr, set->value[set->n], DNS_ADDRESS_MAX)
			  : inet_ntop(AF_INET, &v4[i].ipaddr, set->value[set->n], DNS_ADDRESS_MAX))
			set->n++;
}

/* The new address, and no other one of the group. */
static bool is_new(const struct dns_request *req, const struct dns_set *set)
{
	for (unsigned int i = 0; i < set->n; i++)
		if (strcmp(set->value[i], req->want) != 0 &&
		    dns_set_find(&req->group, set->value[i]) < req->group.n)
			return false;
	return dns_set_find(set, req->want) < set->n;
}

static void on_record(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
	struct resolver_server *s = arg;
	struct dns_set set;

	(void)timeouts;
	s->asked = false;
	/* An answer from a cache says nothing about the zone. */
	if (status != ARES_SUCCESS || len < NS_HFIXEDSZ || !(msg[2] & FLAG_AA))
		return;
	read_addresses(s->of, msg, len, &set);
	s->has = is_new(s->of->req, &set);
}

void resolver_ask(struct resolver *r, uint64_t by_ns)
{
	int type = r->req->type == CONF_DNS_AAAA ? ns_t_aaaa : ns_t_a;

	for (unsigned int i = 0; i < r->n; i++) {
		struct resolver_server *s = &r->server[i];

		if (s->has || s->asked || !s->addresses[0])
			continue;
		s->asked = true;
		ares_query(s->channel, r->req->conf.record, ns_c_in, type, on_record, s);
	}
	while (turn(r, by_ns))
		;
}

unsigned int resolver_have(const struct resolver *r)
{
	unsigned int have = 0;

	for (unsigned int i = 0; i < r->n; i++)
		have += r->server[i].has;
	return have;
}

/* ---- the addresses of a host ---- */

struct lookup {
	int status;
	struct ares_addrinfo *list;
};

static void on_lookup(void *arg, int status, int timeouts, struct ares_addrinfo *list)
{
	struct lookup *l = arg;

	(void)timeouts;
	l->status = status;
	l->list = list;
}

int resolver_lookup(const char *host, const char *port, uint64_t by_ns, struct ares_addrinfo **list)
{
	const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
						  .ai_socktype = SOCK_STREAM,
						  .ai_flags = ARES_AI_NUMERICSERV};
	struct ares_options o = {.timeout = TIMEOUT_MS, .tries = 1};
	struct lookup l = {.status = ARES_ETIMEOUT};
	struct resolver r = {.n = 0};
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	*list = NULL;
	if (status != ARES_SUCCESS)
		return status;
	status = ares_init_options(&r.names, &o, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (status == ARES_SUCCESS) {
		ares_getaddrinfo(r.names, host, port, &hints, on_lookup, &l);
		while (turn(&r, by_ns))
			;
		/* Ends what is still under way: on_lookup() is called now at the latest. */
		ares_destroy(r.names);
		status = l.status;
		if (status == ARES_SUCCESS)
			*list = l.list;
		else if (l.list)
			ares_freeaddrinfo(l.list);
	}
	ares_library_cleanup();
	return status;
}
