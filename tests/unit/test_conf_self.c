/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which node a machine is, with a machine made up here: this program's getifaddrs() and
 * if_nametoindex() take the place of libc's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf_rig.h"
#include "conf/conf.h"

#define ADDRS_MAX 4

struct fake {
	const char *interface; /* NULL ends the list; a label behind ':' as the kernel has it */
	const char *addr;
};

static const struct fake *machine;

int getifaddrs(struct ifaddrs **out)
{
	struct ifaddrs *list = calloc(ADDRS_MAX + 1, sizeof(*list));
	struct sockaddr_in *sins = calloc(ADDRS_MAX + 1, sizeof(*sins));
	int i;

	if (!machine) {
		free(list);
		free(sins);
		errno = EPERM;
		return -1;
	}
	assert_non_null(list);
	assert_non_null(sins);
	/* The first has no address, as interfaces without one are listed; it holds the memory. */
	list[0].ifa_name = strdup("tun0");
	list[0].ifa_data = sins;
	for (i = 0; machine[i].interface; i++) {
		assert_true(i < ADDRS_MAX);
		list[i].ifa_next = &list[i + 1];
		list[i + 1].ifa_name = strdup(machine[i].interface);
		list[i + 1].ifa_flags = strcmp(machine[i].interface, "lo") ? IFF_UP : IFF_LOOPBACK;
		list[i + 1].ifa_addr = (struct sockaddr *)&sins[i + 1];
		sins[i + 1].sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, machine[i].addr, &sins[i + 1].sin_addr), 1);
	}
	*out = list;
	return 0;
}

void freeifaddrs(struct ifaddrs *list)
{
	free(list->ifa_data);
	for (struct ifaddrs *a = list; a; a = a->ifa_next)
		free(a->ifa_name);
	free(list);
}

unsigned int if_nametoindex(const char *name)
{
	return !strcmp(name, "eth0") || !strcmp(name, "eth1");
}

static int load_file(const char *secret, const struct fake *m, const char *more, struct conf **c,
		     char *errors, size_t size)
{
	static const char nodes[] = "node primary { address = 192.168.1.26 }\n"
				    "node backup { address = 192.168.1.27 }\n";
	char path[] = "/tmp/hokm-self-XXXXXX";
	FILE *f, *e = fmemopen(errors, size, "w");
	int fd = mkstemp(path), err;

	assert_non_null(e);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	fprintf(f, "%s%s%s", secret, nodes, more);
	assert_int_equal(fclose(f), 0);
	memset(errors, 0, size);
	machine = m;
	err = conf_load(path, true, e, c);
	fclose(e);
	unlink(path);
	return err;
}

static int load_as(const struct fake *m, const char *more, struct conf **c, char *errors,
		   size_t size)
{
	return load_file("secret = 0123456789abcdef\n", m, more, c, errors, size);
}

#define WITNESSES "witness w { address = 192.168.1.28 } witness x { address = 192.168.1.29 }"

struct row {
	struct fake m[ADDRS_MAX + 1];
	const char *more;
	const char *error; /* NULL: right */
	const char *name;  /* of the node */
	const char *interface;
};

static const struct row rows[] = {
	{{{"lo", "127.0.0.1"}, {"eth0", "192.168.1.26"}}, "", NULL, "primary", "eth0"},
	{{{"eth0", "10.0.0.1"}, {"eth1", "192.168.1.27"}}, "", NULL, "backup", "eth1"},
	/* The VIP of an owner and a label are nothing special. */
	{{{"eth0:vip", "192.168.1.25"}, {"eth0:1", "192.168.1.26"}}, "", NULL, "primary", "eth0"},
	{{{"eth1", "192.168.1.26"}}, "interface = eth1", NULL, "primary", "eth1"},
	/* The same address twice: the file decides. */
	{{{"eth0", "192.168.1.26"}, {"eth1", "192.168.1.26"}},
	 "interface = eth1",
	 NULL,
	 "primary",
	 "eth1"},
	{{{"eth1", "192.168.1.26"}, {"eth0", "192.168.1.26"}},
	 "interface = eth1",
	 NULL,
	 "primary",
	 "eth1"},
	{{{"eth0", "192.168.1.26"}, {"eth1", "192.168.1.26"}},
	 "",
	 "addresses of primary (on eth0) and of primary (on eth1)",
	 NULL,
	 NULL},
	{{{"eth0", "192.168.1.26"}, {"eth0", "192.168.1.27"}},
	 "",
	 "addresses of primary (on eth0) and of backup (on eth0)",
	 NULL,
	 NULL},
	{{{"eth0", "10.0.0.1"}, {"eth1", "10.0.0.2"}},
	 "",
	 "none of the nodes' addresses is on this machine, which has 10.0.0.1 (eth0), 10.0.0.2 "
	 "(eth1): add",
	 NULL,
	 NULL},
	/* An address on loopback is no interface to the others. */
	{{{"lo", "192.168.1.26"}}, "", "which has no address at all", NULL, NULL},
	{{{"eth0", "192.168.1.26"}},
	 "interface = eth1",
	 ":4: interface = \"eth1\": node primary has its address on eth0",
	 NULL,
	 NULL},
	{{{"eth0", "192.168.1.26"}},
	 "interface = eth9",
	 ":4: interface = \"eth9\": there is no such interface here",
	 NULL,
	 NULL},
};

static void which_node(void **state)
{
	char errors[1024];
	struct conf *c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		int err = load_as(r->m, r->more, &c, errors, sizeof(errors));

		if (r->error) {
			/* What is missing may come later: the daemon waits for it. */
			bool ambiguous = strstr(r->error, "addresses of primary");
			int expected = ambiguous ? -EAGAIN : -EADDRNOTAVAIL;

			if (err != expected || !strstr(errors, r->error))
				fail_msg("row %zu: expected %s, got (%d) %s", i, r->error, err,
					 errors);
			assert_null(c);
			continue;
		}
		if (err)
			fail_msg("row %zu: %s", i, errors);
		assert_string_equal(c->nodes[c->self].name, r->name);
		assert_string_equal(c->interface, r->interface);
		conf_free(c);
	}
}

/* Two members on one machine fail together: what looks like a majority of three is one machine. */
static void a_witness_is_no_node(void **state)
{
	static const struct {
		struct fake m[ADDRS_MAX + 1];
		const char *error;
	} cases[] = {
		{{{"eth0", "192.168.1.28"}},
		 "node: this machine is witness w and no node: start hokm-xdp witness here"},
		{{{"eth0", "192.168.1.26"}, {"eth0", "192.168.1.28"}},
		 "witness: this machine is witness w and a node"},
		{{{"eth1", "192.168.1.29"}, {"eth0", "192.168.1.27"}},
		 "witness: this machine is witness x and a node"},
	};
	char errors[1024];
	struct conf *c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = load_as(cases[i].m, WITNESSES, &c, errors, sizeof(errors));

		if (err != -EINVAL || !strstr(errors, cases[i].error))
			fail_msg("case %zu: (%d) %s", i, err, errors);
	}
}

static void which_witness(void **state)
{
	static const struct {
		struct fake m[ADDRS_MAX + 1];
		const char *more, *name;
		int err;
		unsigned int index;
		const char *interface;
	} cases[] = {
		{{{"eth0", "192.168.1.28"}}, WITNESSES, NULL, 0, 0, "eth0"},
		{{{"eth0", "10.0.0.1"}, {"eth1:a", "192.168.1.29"}}, WITNESSES, NULL, 0, 1, "eth1"},
		{{{"eth0", "192.168.1.29"}}, WITNESSES, "x", 0, 1, "eth0"},
		{{{"eth0", "192.168.1.29"}}, WITNESSES, "w", -EADDRNOTAVAIL, 0, NULL},
		{{{"eth0", "192.168.1.29"}}, WITNESSES, "primary", -ENOENT, 0, NULL},
		{{{"eth0", "192.168.1.26"}}, WITNESSES, NULL, -EADDRNOTAVAIL, 0, NULL},
		{{{"lo", "192.168.1.28"}}, WITNESSES, NULL, -EADDRNOTAVAIL, 0, NULL},
		{{{"eth0", "192.168.1.28"}}, "", NULL, -ENOENT, 0, NULL},
	};
	char interface[IF_NAMESIZE];
	unsigned int index = 9;
	char *errors;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct conf *c;
		int err;

		snprintf(text, sizeof(text),
			 "secret = 0123456789abcdef node primary { address = 192.168.1.26 } "
			 "node backup { address = 192.168.1.27 } %s",
			 cases[i].more);
		c = rig_load(text, &errors);
		assert_non_null(c);
		machine = cases[i].m;
		err = conf_find_witness(c, cases[i].name, &index, interface);
		if (err != cases[i].err)
			fail_msg("case %zu: %d", i, err);
		if (!err) {
			assert_int_equal(index, cases[i].index);
			assert_string_equal(interface, cases[i].interface);
		}
		conf_free(c);
		free(errors);
	}
	machine = NULL;
}

static void names_in_paths(void **state)
{
	static const struct fake m[] = {{"eth0", "192.168.1.27"}, {NULL, NULL}};
	char errors[1024], more[300];
	struct conf *c;

	(void)state;
	assert_int_equal(load_as(m, "", &c, errors, sizeof(errors)), 0);
	assert_string_equal(c->socket, "/run/hokm-xdp/backup.sock");
	assert_string_equal(c->bpffs, "/sys/fs/bpf");
	conf_free(c);
	assert_int_equal(
		load_as(m, "bpffs = \"/run/%n/bpf\" socket = \"/x\"", &c, errors, sizeof(errors)),
		0);
	assert_string_equal(c->socket, "/x");
	assert_string_equal(c->bpffs, "/run/backup/bpf");
	conf_free(c);
	/* A Unix socket's path has 107 bytes at most. */
	snprintf(more, sizeof(more), "socket = \"/%0101d/%%n\"", 0);
	assert_int_equal(load_as(m, more, &c, errors, sizeof(errors)), -EINVAL);
	assert_non_null(
		strstr(errors, "too long: 109 characters with the node's name, at most 107"));
	snprintf(more, sizeof(more), "socket = \"/%099d/%%n\"", 0);
	assert_int_equal(load_as(m, more, &c, errors, sizeof(errors)), 0);
	assert_int_equal(strlen(c->socket), 107);
	conf_free(c);
}

static void not_asked(void **state)
{
	struct conf *c;

	(void)state;
	machine = NULL;
	assert_int_equal(conf_load(rig_private("tests/conf/good/minimal.conf"), false, stderr, &c),
			 0);
	rig_private(NULL);
	assert_int_equal(c->self, c->n_nodes);
	assert_string_equal(c->socket, "/run/hokm-xdp/%n.sock");
	conf_free(c);
}

static void no_list(void **state)
{
	char errors[1024];
	struct conf *c;

	(void)state;
	assert_int_equal(load_as(NULL, "", &c, errors, sizeof(errors)), -EAGAIN);
	assert_non_null(strstr(errors, "the addresses of this machine cannot be read"));
}

/* Whatever comes first, the daemon waits for the other one. */
static void secret_and_address_come_later(void **state)
{
	static const struct fake none[] = {{NULL, NULL}};
	static const struct fake here[] = {{"eth0", "192.168.1.27"}, {NULL, NULL}};
	static const struct {
		const struct fake *m;
		const char *more;
		int err;
	} cases[] = {
		{none, "", -EAGAIN},
		{here, "", -EAGAIN},
		{none, "bogus = 1", -EINVAL},
	};
	char errors[1024];
	struct conf *c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int err = load_file("secret_file = \"/nonexistent/x\"\n", cases[i].m, cases[i].more,
				    &c, errors, sizeof(errors));

		if (err != cases[i].err || !strstr(errors, "secret_file") ||
		    (cases[i].err == -EAGAIN &&
		     !strstr(errors, "none of the nodes' addresses") != (cases[i].m == here)))
			fail_msg("row %zu: (%d) %s", i, err, errors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_node),
		cmocka_unit_test(a_witness_is_no_node),
		cmocka_unit_test(which_witness),
		cmocka_unit_test(names_in_paths),
		cmocka_unit_test(not_asked),
		cmocka_unit_test(no_list),
		cmocka_unit_test(secret_and_address_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
