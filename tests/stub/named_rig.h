/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For unit tests: a BIND 9 of their own in their own network namespace, with the zone example.com.
 * It is a copy of the program, because Debian's AppArmor profile lets the installed one read only
 * its own folders.
 */
#ifndef HOKM_TESTS_NAMED_RIG_H
#define HOKM_TESTS_NAMED_RIG_H

#include <sys/prctl.h>

#include "../stub/dns_rig.h"
#include "../unit/own_netns.h"

#define NAMED_PORT     5353
#define NAMED_ENDPOINT "dns://127.0.0.1:5353"
#define NAMED_KEY      "hokm-key"
#define NAMED_SECRET   "aG9rbS14ZHAgdGVzdCBrZXkgb2YgMzIgYnl0ZXMgISE="
#define NAMED_READER   "cmVhZGVyLXJlYWRlci1yZWFkZXItcmVhZGVyLTMyYnk="
#define NAMED_SECRETS  "DNS_TSIG_KEY=" NAMED_KEY "\nDNS_TSIG_SECRET=" NAMED_SECRET "\n"
#define NAMED_WAIT_MS  60000

static inline bool named_runs(void *arg)
{
	static char log[65536];
	const struct dns_rig *r = arg;
	char path[256];
	size_t n;
	FILE *f;

	rig_path(r, "log", path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		return false;
	n = fread(log, 1, sizeof(log) - 1, f);
	log[n] = '\0';
	fclose(f);
	return strstr(log, " running\n") != NULL;
}

static inline void named_write_conf(const struct dns_rig *r)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "options { directory \"%s\"; listen-on port %d { 127.0.0.1; };\n"
		 "  listen-on port 53 { 127.0.0.1; };\n"
		 "  listen-on-v6 port %d { ::1; }; pid-file none; session-keyfile none;\n"
		 "  recursion no; dnssec-validation no; notify no; empty-zones-enable no; };\n"
		 "controls {};\n"
		 "key \"" NAMED_KEY "\" { algorithm hmac-sha256; secret \"" NAMED_SECRET "\"; };\n"
		 "key \"reader\" { algorithm hmac-sha256; secret \"" NAMED_READER "\"; };\n"
		 "zone \"example.com\" { type primary; file \"zone\";\n"
		 "  allow-update { key " NAMED_KEY "; }; };\n",
		 r->folder, NAMED_PORT, NAMED_PORT);
	rig_write(r, "named.conf", text, 0600);
}

/* The values of each record are those that a case begins with. */
static inline void named_write_zone(const struct dns_rig *r, const char *records)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "$TTL 300\n@ SOA ns1 root 1 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n%s",
		 records);
	rig_write(r, "zone", text, 0600);
}

static inline void named_exec(const struct dns_rig *r)
{
	char program[256], log[256], conf[256];
	int fd;

	rig_path(r, "named", program, sizeof(program));
	rig_path(r, "log", log, sizeof(log));
	rig_path(r, "named.conf", conf, sizeof(conf));
	fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(126);
	execl(program, program, "-g", "-n", "1", "-c", conf, (char *)NULL);
	_exit(127);
}

static inline bool named_start(struct dns_rig *r, const char *records)
{
	static struct own_netns netns;

	own_netns_make(&netns);
	snprintf(r->folder, sizeof(r->folder), "/tmp/hokm-named-test.XXXXXX");
	if (!mkdtemp(r->folder))
		return false;
	if (rig_run((const char *const[]){"/usr/bin/cp", "/usr/sbin/named", r->folder, NULL}))
		return false;
	rig_write(r, "secrets", NAMED_SECRETS, 0600);
	named_write_conf(r);
	named_write_zone(r, records);
	r->in = -1;
	r->pid = fork();
	if (r->pid == 0)
		named_exec(r);
	return own_wait(named_runs, r, NAMED_WAIT_MS);
}

/* Changes the zone as another program would, with the words of nsupdate. */
static inline void named_update(const struct dns_rig *r, const char *words)
{
	char text[1024], path[256];

	snprintf(text, sizeof(text),
		 "server 127.0.0.1 %d\nkey hmac-sha256:" NAMED_KEY " " NAMED_SECRET "\n%s\nsend\n",
		 NAMED_PORT, words);
	rig_write(r, "update", text, 0600);
	rig_path(r, "update", path, sizeof(path));
	assert_int_equal(rig_run((const char *const[]){"/usr/bin/nsupdate", "-v", path, NULL}), 0);
}

/* The records of a name as dig prints them, sorted: "NAME TTL IN TYPE VALUE" in lines. */
static inline const char *named_dig(const char *name, const char *type)
{
	static char text[2048];
	char command[256];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command),
		 "dig @127.0.0.1 -p %d +tcp +noall +answer %s %s | tr -s '\\t' ' ' | sort",
		 NAMED_PORT, name, type);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	assert_int_equal(pclose(f), 0);
	return text;
}

/* A request about NAME.example.com. */
static inline void named_request(const struct dns_rig *r, enum dns_op op, const char *name,
				 const char *want, struct dns_request *req)
{
	rig_request(r, CONF_DNS_RFC2136, op, want, req);
	req->conf.timeout_ns = 20 * NS_PER_S;
	snprintf(req->conf.record, sizeof(req->conf.record), "%s.example.com", name);
	snprintf(req->conf.endpoint, sizeof(req->conf.endpoint), NAMED_ENDPOINT);
}

#endif
