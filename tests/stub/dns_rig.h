/* SPDX-License-Identifier: GPL-2.0-only */
/* For unit tests of DNS jobs: tests/stub/dns_server.py, its orders, and what it reports. */
#ifndef HOKM_TESTS_DNS_RIG_H
#define HOKM_TESTS_DNS_RIG_H

#include <sys/stat.h>

#include "../stub/stub.h"
#include "agent/dns_job.h"

#define ADDR_A  "203.0.113.26" /* the nodes */
#define ADDR_B  "203.0.113.27"
#define ADDR_A6 "2001:db8::26"
#define ADDR_B6 "2001:db8::27"
#define SECRETS                                          \
	"CF_API_TOKEN=stub-token-0123456789\n"           \
	"DO_API_TOKEN=stub-token-0123456789\n"           \
	"AWS_ACCESS_KEY_ID=AKIDSTUB\n"                   \
	"AWS_SECRET_ACCESS_KEY=stub/secret+0123456789\n" \
	"AWS_SESSION_TOKEN=stub-session-token\n"

struct dns_rig {
	char folder[64];
	pid_t pid;
	int in;
	unsigned int port, runs;
};

static inline void rig_path(const struct dns_rig *r, const char *name, char *dst, size_t size)
{
	snprintf(dst, size, "%s/%s", r->folder, name);
}

static inline void rig_write(const struct dns_rig *r, const char *name, const char *text,
			     mode_t mode)
{
	char path[256], fresh[300];
	FILE *f;

	rig_path(r, name, path, sizeof(path));
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	f = fopen(fresh, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, mode), 0);
	assert_int_equal(rename(fresh, path), 0);
}

/* Begins anew: the records have this shape, and the stub fails as `how` says (JSON members). */
static inline void rig_control(struct dns_rig *r, const char *shape, const char *how)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"run\": %u, \"shape\": \"%s\"%s%s}", ++r->runs, shape,
		 how[0] ? ", " : "", how);
	rig_write(r, "control.json", text, 0600);
}

/* The state that the stub has reported last. */
static inline const char *rig_state(const struct dns_rig *r)
{
	static char text[4096];
	char path[256];
	size_t n;
	FILE *f;

	rig_path(r, "state.json", path, sizeof(path));
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* Has no request come since rig_control()? */
static inline bool rig_unasked(const struct dns_rig *r)
{
	char run[32];

	snprintf(run, sizeof(run), "\"run\": %u,", r->runs);
	return !strstr(rig_state(r), run);
}

static inline bool rig_start(struct dns_rig *r)
{
	int in[2], out[2];
	char line[64] = "";

	snprintf(r->folder, sizeof(r->folder), "/tmp/hokm-dns-test.XXXXXX");
	if (!mkdtemp(r->folder) || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return false;
	rig_write(r, "secrets", SECRETS, 0600);
	r->pid = fork();
	if (r->pid == 0) {
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(126);
		execl("/usr/bin/python3", "/usr/bin/python3", "tests/stub/dns_server.py", r->folder,
		      (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	r->in = in[1];
	for (size_t len = 0; len < sizeof(line) - 1 && !strchr(line, '\n');) {
		ssize_t n = read(out[0], line + len, sizeof(line) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(out[0]);
	return sscanf(line, "ready %u", &r->port) == 1;
}

/* Runs a program; returns its exit status. */
static inline int rig_run(const char *const argv[])
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		char *list[8] = {NULL};

		for (unsigned int i = 0; i < 7 && argv[i]; i++)
			memcpy(&list[i], &argv[i], sizeof(list[i]));
		execv(argv[0], list);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

static inline void rig_stop(struct dns_rig *r)
{
	const char *const remove[] = {"/usr/bin/rm", "-rf", "--", r->folder, NULL};

	close(r->in);
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	if (rig_run(remove))
		print_error("%s could not be removed\n", r->folder);
}

/* A request for the stub, whose group has the nodes A and B. */
static inline void rig_request(const struct dns_rig *r, enum conf_dns_provider p, enum dns_op op,
			       const char *want, struct dns_request *req)
{
	static const char *const paths[] = {
		[CONF_DNS_CLOUDFLARE] = "/client/v4", [CONF_DNS_ROUTE53] = "",
		[CONF_DNS_DIGITALOCEAN] = "/v2",      [CONF_DNS_RFC2136] = "",
		[CONF_DNS_DIGITALOCEAN_IP] = "/v2",   [CONF_DNS_AWS_EIP] = "",
		[CONF_DNS_AWS_PRIVATE] = ""};
	bool v6 = strchr(want, ':');

	memset(req, 0, sizeof(*req));
	req->op = op;
	req->type = v6 ? CONF_DNS_AAAA : CONF_DNS_A;
	req->conf.provider = p;
	req->conf.timeout_ns = 5 * NS_PER_S;
	snprintf(req->conf.record, sizeof(req->conf.record), "game.example.com");
	snprintf(req->conf.endpoint, sizeof(req->conf.endpoint), "https://127.0.0.1:%u%s", r->port,
		 paths[p]);
	rig_path(r, "secrets", req->conf.credentials, sizeof(req->conf.credentials));
	rig_path(r, "ca.pem", req->conf.ca_file, sizeof(req->conf.ca_file));
	snprintf(req->want, sizeof(req->want), "%s", want);
	req->group.n = 2;
	snprintf(req->group.value[0], DNS_ADDRESS_MAX, "%s", v6 ? ADDR_A6 : ADDR_A);
	snprintf(req->group.value[1], DNS_ADDRESS_MAX, "%s", v6 ? ADDR_B6 : ADDR_B);
}

/* Machines a and b, and x, which is a stranger, as a provider of floating addresses names them. */
static inline const char *rig_machine(enum conf_dns_provider p, char which)
{
	if (p == CONF_DNS_DIGITALOCEAN_IP)
		return which == 'a' ? "3164444" : which == 'b' ? "3164445" : "9999999";
	return which == 'a' ? "eni-0a26" : which == 'b' ? "eni-0b27" : "eni-0cfe";
}

/* A request for a floating address, which machine `want` is to have. */
static inline void rig_floating(const struct dns_rig *r, enum conf_dns_provider p, enum dns_op op,
				char want, struct dns_request *req)
{
	rig_request(r, p, op, "", req);
	snprintf(req->conf.record, sizeof(req->conf.record), "%s",
		 p == CONF_DNS_AWS_PRIVATE ? "10.0.0.100" : "203.0.113.5");
	snprintf(req->conf.region, sizeof(req->conf.region), "eu-central-1");
	snprintf(req->want, sizeof(req->want), "%s", rig_machine(p, want));
	for (unsigned int i = 0; i < 2; i++)
		snprintf(req->group.value[i], DNS_ADDRESS_MAX, "%s",
			 rig_machine(p, (char)('a' + i)));
}

#endif
