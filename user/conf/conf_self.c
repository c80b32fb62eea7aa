/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds out which node this machine is: the one whose address is on one of its interfaces. Loopback
 * does not count.
 *
 * The kernel labels addresses ("eth0:1"); the name of the interface ends at the colon.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf_int.h"

/* What was found so far. */
struct found {
	unsigned int node;   /* n_nodes: none */
	const char *witness; /* the witness whose address is here; NULL: none */
	unsigned int times;
	char interface[IF_NAMESIZE];
	char seen[160]; /* this machine's addresses, for the error */
	size_t seen_len;
};

static unsigned int node_with(const struct conf *c, struct in_addr addr)
{
	unsigned int i;

	for (i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].addr.s_addr == addr.s_addr)
			break;
	return i;
}

static const char *witness_with(const struct conf *c, struct in_addr addr)
{
	for (unsigned int i = 0; i < c->n_witnesses; i++)
		if (c->witnesses[i].addr.s_addr == addr.s_addr)
			return c->witnesses[i].name;
	return NULL;
}

static void see(struct found *f, struct in_addr addr, const char *interface)
{
	char text[INET_ADDRSTRLEN] = "";
	int n;

	if (f->seen_len >= sizeof(f->seen))
		return;
	inet_ntop(AF_INET, &addr, text, sizeof(text));
	n = snprintf(f->seen + f->seen_len, sizeof(f->seen) - f->seen_len, "%s%s (%s)",
		     f->seen_len ? ", " : "", text, interface);
	if (n > 0)
		f->seen_len += (size_t)n;
}

/* One address of this machine. False, with an error, when a second node is found. */
static bool take(const struct conf_sec *root, const struct conf *c, struct found *f,
		 struct in_addr addr, const char *interface)
{
	const unsigned int node = node_with(c, addr);

	see(f, addr, interface);
	if (!f->witness)
		f->witness = witness_with(c, addr);
	if (node == c->n_nodes)
		return true;
	/* If the file names an interface, the same address on another one does not count. */
	if (f->times && f->node == node && c->interface[0]) {
		if (!strcmp(interface, c->interface))
			snprintf(f->interface, sizeof(f->interface), "%s", interface);
		return true;
	}
	if (f->times) {
		conf_error_at(root->errors, 0,
			      "node: this machine has the addresses of %s (on %s) and of %s "
			      "(on %s): it can be one node, once; remove one of the addresses%s",
			      c->nodes[f->node].name, f->interface, c->nodes[node].name, interface,
			      f->node == node ? " or set interface" : "");
		root->errors->n_late++;
		return false;
	}
	f->node = node;
	f->times = 1;
	snprintf(f->interface, sizeof(f->interface), "%s", interface);
	return true;
}

static bool look(const struct conf_sec *root, const struct conf *c, struct found *f)
{
	struct ifaddrs *all;
	bool good = true;

	if (getifaddrs(&all) < 0) {
		conf_error_at(root->errors, 0,
			      "node: the addresses of this machine cannot be read: %s",
			      strerror(errno));
		root->errors->n_late++;
		return false;
	}
	for (struct ifaddrs *a = all; a && good; a = a->ifa_next) {
		struct sockaddr_in sin;
		char name[IF_NAMESIZE];

		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET ||
		    (a->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(&sin, a->ifa_addr, sizeof(sin));
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(a->ifa_name, ":"), a->ifa_name);
		good = take(root, c, f, sin.sin_addr, name);
	}
	freeifaddrs(all);
	return good;
}

/* Replaces %n by the node's name. A path that becomes too long is an error. */
static void put_name(const struct conf_sec *root, const char *key, const char *name,
		     char path[CONF_PATH_MAX], size_t max)
{
	char out[CONF_PATH_MAX + CONF_NAME_MAX];
	const char *at = strchr(path, '%');
	int n;

	if (at && at[1] == 'n')
		n = snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - path), path, name, at + 2);
	else
		n = snprintf(out, sizeof(out), "%s", path);
	if (n < 0 || (size_t)n >= max)
		conf_complain(root, key,
			      "too long: %d characters with the node's name, at most %zu", n,
			      max - 1);
	else
		memcpy(path, out, (size_t)n + 1);
}

void conf_find_self(const struct conf_sec *root, struct conf *c)
{
	struct found f = {.node = c->n_nodes};

	if (!look(root, c, &f))
		return;
	if (f.witness) {
		conf_error_at(root->errors, 0,
			      f.times ? "witness: this machine is witness %s and a node: "
					"a witness that fails together with a node decides nothing"
				      : "node: this machine is witness %s and no node: "
					"start hokm-xdp witness here",
			      f.witness);
		return;
	}
	if (!f.times) {
		conf_error_at(
			root->errors, 0,
			"node: none of the nodes' addresses is on this machine, which has %s: "
			"add the address to its interface, or correct the node's section",
			f.seen_len ? f.seen : "no address at all");
		root->errors->n_missing++;
		return;
	}
	if (!c->interface[0])
		snprintf(c->interface, sizeof(c->interface), "%s", f.interface);
	else if (strcmp(c->interface, f.interface)) {
		conf_complain(
			root, "interface", "%snode %s has its address on %s",
			if_nametoindex(c->interface) ? "" : "there is no such interface here; ",
			c->nodes[f.node].name, f.interface);
		root->errors->n_missing++;
	}
	c->self = f.node;
	put_name(root, "bpffs", c->nodes[c->self].name, c->bpffs, CONF_PATH_MAX);
	put_name(root, "state_file", c->nodes[c->self].name, c->state_file, CONF_PATH_MAX);
	put_name(root, "dns.state_file", c->nodes[c->self].name, c->dns.state_file,
		 CONF_DNS_PATH_MAX);
	/* sun_path has 108 bytes. */
	put_name(root, "socket", c->nodes[c->self].name, c->socket, 108);
}

int conf_drills_file(const struct conf *c, char path[CONF_PATH_MAX])
{
	const char *slash = strrchr(c->state_file, '/');
	int n = slash ? snprintf(path, CONF_PATH_MAX, "%.*s/drills.jsonl",
				 (int)(slash - c->state_file), c->state_file)
		      : -1;

	return n > 0 && n < CONF_PATH_MAX ? 0 : -ENOENT;
}

const char *conf_notify_folder(const struct conf *c, char *dst, size_t size)
{
	const char *slash = strrchr(c->state_file, '/');

	snprintf(dst, size, "%.*s/%s.notify", slash ? (int)(slash - c->state_file) : 0,
		 c->state_file, c->self < c->n_nodes ? c->nodes[c->self].name : "node");
	return dst;
}
