/* SPDX-License-Identifier: GPL-2.0-only */
/* DNS jobs against the stand-ins of all providers: what is written, refused and reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../stub/dns_rig.h"
#include "agent/agent_spawn.h"
#include "base/caps.h"

#define ANY CONF_DNS_NONE /* all providers of the stand-in */

static struct dns_rig rig;

static void run(const struct dns_request *req, bool allow, struct dns_reply *r)
{
	assert_int_equal(dns_job_run(stub_user(), req, allow, r), 0);
}

struct job_case {
	const char *what;
	enum conf_dns_provider provider;
	enum dns_op op;
	const char *shape, *how, *want;
	enum dns_mode mode;
	bool force;
	enum dns_result result;
	const char *says;  /* a part of the text */
	const char *state; /* a part of what the stub reports afterwards */
};

#define UNCHANGED             "\"changes\": 0"
#define IS_B                  "\"A\": [\"" ADDR_B "\"], "
#define ONCE                  "\"AAAA\": [\"" ADDR_A6 "\"], \"changes\": 1,"
#define FAIL_ALL(word)        "\"fail\": \"" word "\""
#define FAIL_ON(word, method) "\"fail\": \"" word "\", \"on\": \"" method "\""

static const struct job_case cases[] = {
	{"a change", ANY, DNS_OP_WRITE, "one", "", ADDR_B, 0, 0, DNS_CHANGED,
	 ADDR_A " is replaced by " ADDR_B, IS_B},
	{"IPv6", ANY, DNS_OP_WRITE, "one", "", ADDR_B6, 0, 0, DNS_CHANGED, ADDR_B6,
	 "\"AAAA\": [\"" ADDR_B6 "\"]"},
	{"nothing to do", ANY, DNS_OP_WRITE, "one", "", ADDR_A, 0, 0, DNS_SAME, "already",
	 UNCHANGED},
	{"a plan", ANY, DNS_OP_PLAN, "one", "", ADDR_B, 0, 0, DNS_SAME, "is replaced by",
	 UNCHANGED},
	{"a test", ANY, DNS_OP_TEST, "one", "", ADDR_B, 0, 0, DNS_SAME, "is replaced by",
	 UNCHANGED},
	{"a look", ANY, DNS_OP_LOOK, "one", "", ADDR_B, 0, 0, DNS_OTHER, ADDR_A, UNCHANGED},
	{"a look at a foreign address", ANY, DNS_OP_LOOK, "foreign", "", ADDR_B, 0, 0, DNS_REFUSED,
	 "no address of this group", UNCHANGED},
	{"a foreign address", ANY, DNS_OP_WRITE, "foreign", "", ADDR_B, 0, 0, DNS_REFUSED,
	 "no address of this group", UNCHANGED},
	{"a foreign address by force", ANY, DNS_OP_WRITE, "foreign", "", ADDR_B, 0, true,
	 DNS_CHANGED, "is replaced", IS_B},
	{"no record", ANY, DNS_OP_WRITE, "none", "", ADDR_B, 0, true, DNS_REFUSED, "does not exist",
	 UNCHANGED},
	{"several values", ANY, DNS_OP_WRITE, "many", "", ADDR_B, DNS_REPLACE, true, DNS_REFUSED,
	 "2 values", UNCHANGED},
	{"a member", ANY, DNS_OP_WRITE, "member", "", ADDR_B, DNS_MEMBER, 0, DNS_CHANGED, ADDR_B,
	 "[\"198.51.100.1\", \"" ADDR_B "\", \"198.51.100.2\"]"},
	{"a health check", CONF_DNS_ROUTE53, DNS_OP_WRITE, "health", "", ADDR_B, 0, 0, DNS_CHANGED,
	 ADDR_B, IS_B},
	{"a weighted set", CONF_DNS_ROUTE53, DNS_OP_WRITE, "weighted", "", ADDR_B, 0, true,
	 DNS_REFUSED, "left alone", UNCHANGED},
	{"an alias", CONF_DNS_ROUTE53, DNS_OP_WRITE, "alias", "", ADDR_B, 0, true, DNS_REFUSED,
	 "AliasTarget", UNCHANGED},
	{"an expired token", CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, "one", FAIL_ALL("expired"), ADDR_B,
	 0, 0, DNS_DENIED, "Invalid API Token (1000)", UNCHANGED},
	{"an expired token", CONF_DNS_ROUTE53, DNS_OP_WRITE, "one", FAIL_ALL("expired"), ADDR_B, 0,
	 0, DNS_DENIED, "ExpiredToken", UNCHANGED},
	{"an expired token", CONF_DNS_DIGITALOCEAN, DNS_OP_WRITE, "one", FAIL_ALL("expired"),
	 ADDR_B, 0, 0, DNS_DENIED, "Unable to authenticate you.", UNCHANGED},
	{"too many requests", CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, "one", FAIL_ALL("429"), ADDR_B, 0,
	 0, DNS_LIMITED, "rate limited", UNCHANGED},
	{"too many requests", CONF_DNS_ROUTE53, DNS_OP_WRITE, "one", FAIL_ALL("throttle"), ADDR_B,
	 0, 0, DNS_LIMITED, "Throttling: Rate exceeded", UNCHANGED},
	{"too many requests", CONF_DNS_DIGITALOCEAN, DNS_OP_WRITE, "one", FAIL_ALL("429"), ADDR_B,
	 0, 0, DNS_LIMITED, "API Rate limit exceeded.", UNCHANGED},
	{"a failure", ANY, DNS_OP_WRITE, "one", FAIL_ALL("500"), ADDR_B, 0, 0, DNS_FAILED,
	 "HTTP 500", UNCHANGED},
	{"half an answer", ANY, DNS_OP_WRITE, "one", FAIL_ON("half", "GET"), ADDR_B, 0, 0,
	 DNS_FAILED, "GET", UNCHANGED},
	{"no JSON, no XML", ANY, DNS_OP_WRITE, "one", FAIL_ON("garbage", "GET"), ADDR_B, 0, 0,
	 DNS_FAILED, "answer", UNCHANGED},
	{"no answer", ANY, DNS_OP_WRITE, "one", FAIL_ON("timeout", "GET"), ADDR_B, 0, 0, DNS_FAILED,
	 "timed out", UNCHANGED},
	/* The change itself: what counts is what the record has afterwards. */
	{"the change fails", CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, "one", FAIL_ON("500", "PATCH"),
	 ADDR_B, 0, 0, DNS_FAILED, "internal error (7003)", UNCHANGED},
	{"the change fails", CONF_DNS_ROUTE53, DNS_OP_WRITE, "one", FAIL_ON("500", "POST"), ADDR_B,
	 0, 0, DNS_FAILED, "InternalFailure", UNCHANGED},
	{"it is accepted, and another node's value is there again", CONF_DNS_CLOUDFLARE,
	 DNS_OP_WRITE, "one", FAIL_ON("ignored", "PATCH"), ADDR_B, 0, 0, DNS_OTHER,
	 "that node writes it too", "\"A\": [\"" ADDR_A "\"], "},
	{"its answer is lost", CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, "one", FAIL_ON("lost", "PATCH"),
	 ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost", IS_B},
	{"its answer is lost", CONF_DNS_ROUTE53, DNS_OP_WRITE, "one", FAIL_ON("lost", "POST"),
	 ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost", IS_B},
	{"its answer is cut", CONF_DNS_DIGITALOCEAN, DNS_OP_WRITE, "one", FAIL_ON("half", "PATCH"),
	 ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost", IS_B},
	{"it is made, and no answer comes", CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, "one",
	 FAIL_ON("silent", "PATCH"), ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost",
	 IS_B ONCE},
	{"it is made, and no answer comes", CONF_DNS_ROUTE53, DNS_OP_WRITE, "one",
	 FAIL_ON("silent", "POST"), ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost",
	 IS_B ONCE},
	{"it is made, and no answer comes", CONF_DNS_DIGITALOCEAN, DNS_OP_WRITE, "one",
	 FAIL_ON("silent", "PATCH"), ADDR_B, 0, 0, DNS_CHANGED, "the answer to the change was lost",
	 IS_B ONCE},
	{"it has no answer", CONF_DNS_DIGITALOCEAN, DNS_OP_WRITE, "one",
	 FAIL_ON("timeout", "PATCH"), ADDR_B, 0, 0, DNS_FAILED, "timed out", UNCHANGED},
};

static void run_case(const struct job_case *c, enum conf_dns_provider p)
{
	const char *name = conf_dns_provider_name(p);
	struct dns_request req;
	struct dns_reply r;

	rig_control(&rig, c->shape, c->how);
	rig_request(&rig, p, c->op, c->want, &req);
	req.conf.set = c->mode;
	req.force = c->force;
	if (strstr(c->how, "timeout"))
		req.conf.timeout_ns = 300 * NS_PER_MS;
	/* A request before it must not time out. */
	if (strstr(c->how, "silent"))
		req.conf.timeout_ns = 3 * NS_PER_S;
	run(&req, true, &r);
	if (r.result != c->result || !strstr(r.text, c->says))
		fail_msg("%s, %s: %s, expected %s: \"%s\"", name, c->what,
			 dns_result_name(r.result), dns_result_name(c->result), r.text);
	if (!strstr(rig_state(&rig), c->state) || !strstr(rig_state(&rig), "\"untouched\": true"))
		fail_msg("%s, %s: the stub has %s", name, c->what, rig_state(&rig));
	/* Route53 accepts a change before its name servers have it. */
	if (c->result == DNS_CHANGED && !c->how[0])
		assert_non_null(strstr(rig_state(&rig), "\"pending\": false"));
	if (c->result == DNS_LIMITED && p != CONF_DNS_ROUTE53)
		assert_in_range(r.retry_ns, 1700 * NS_PER_S, 1800 * NS_PER_S);
	else if (c->result != DNS_LIMITED)
		assert_int_equal(r.retry_ns, 0);
	assert_null(strstr(r.text, "stub-token"));
}

static void what_happens_at_each_provider(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (enum conf_dns_provider p = CONF_DNS_CLOUDFLARE; p <= CONF_DNS_DIGITALOCEAN;
		     p++)
			if (cases[i].provider == ANY || cases[i].provider == p)
				run_case(&cases[i], p);
}

/* A number that the stub reports. */
static unsigned int count_of(const char *name)
{
	char key[32];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\": ", name);
	at = strstr(rig_state(&rig), key);
	assert_non_null(at);
	return (unsigned int)strtoul(at + strlen(key), NULL, 10);
}

static void a_job_does_not_connect_for_each_request(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (enum conf_dns_provider p = CONF_DNS_CLOUDFLARE; p <= CONF_DNS_DIGITALOCEAN; p++) {
		rig_control(&rig, "one", "");
		rig_request(&rig, p, DNS_OP_WRITE, ADDR_B, &req);
		run(&req, true, &r);
		assert_string_equal(r.text, ADDR_A " is replaced by " ADDR_B);
		assert_true(count_of("requests") >= 4);
		assert_int_equal(count_of("connections"), 1);
	}
}

/* The provider closes each connection that was idle between two requests. */
static void a_kept_connection_that_is_dead_is_no_failure(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (enum conf_dns_provider p = CONF_DNS_CLOUDFLARE; p <= CONF_DNS_DIGITALOCEAN; p++) {
		rig_control(&rig, "one", FAIL_ALL("stale"));
		rig_request(&rig, p, DNS_OP_WRITE, ADDR_B, &req);
		run(&req, true, &r);
		assert_string_equal(r.text, ADDR_A " is replaced by " ADDR_B);
		assert_int_equal(count_of("changes"), 1);
		assert_true(count_of("connections") >= 4);
	}
}

static void nothing_is_written_without_leave(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	rig_request(&rig, CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, ADDR_B, &req);
	run(&req, false, &r);
	assert_int_equal(r.result, DNS_REFUSED);
	assert_non_null(strstr(rig_state(&rig), UNCHANGED));
}

/* Between the reading and the change another writer, such as another group, changes the record. */
static void a_change_of_another_writer_is_not_overwritten(void **state)
{
	struct dns_reply r = {.kind = DNS_ASK};
	struct dns_request req;
	struct pollfd p = {.events = POLLIN};
	pid_t pid;
	int err;

	(void)state;
	rig_control(&rig, "one", "");
	rig_request(&rig, CONF_DNS_ROUTE53, DNS_OP_WRITE, ADDR_B, &req);
	assert_int_equal(dns_job_start(stub_user(), &req, &p.fd, &pid), 0);
	for (;;) {
		assert_int_equal(poll(&p, 1, 20000), 1);
		err = dns_job_receive(p.fd, &r);
		assert_int_equal(err, 0);
		if (r.kind == DNS_DONE)
			break;
		rig_control(&rig, "foreign", "");
		assert_int_equal(dns_job_allow(p.fd, true), 0);
	}
	close(p.fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(r.result, DNS_FAILED);
	assert_non_null(strstr(r.text, "another writer has changed the record"));
	assert_non_null(strstr(rig_state(&rig), UNCHANGED));
}

static void a_foreign_certificate_is_refused(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	for (enum conf_dns_provider p = CONF_DNS_CLOUDFLARE; p <= CONF_DNS_DIGITALOCEAN; p++) {
		rig_request(&rig, p, DNS_OP_WRITE, ADDR_B, &req);
		rig_path(&rig, "other-ca.pem", req.conf.ca_file, sizeof(req.conf.ca_file));
		run(&req, true, &r);
		assert_int_equal(r.result, DNS_FAILED);
		assert_non_null(strstr(r.text, "certificate"));
	}
	/* Of the right authority, but for another name. */
	rig_request(&rig, CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, ADDR_B, &req);
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint),
		 "https://other.example.com:%u/client/v4", rig.port);
	req.known.n = req.fresh = 1;
	snprintf(req.known.value[0], DNS_ADDRESS_MAX, "127.0.0.1");
	run(&req, true, &r);
	assert_int_equal(r.result, DNS_FAILED);
	assert_non_null(strstr(r.text, "certificate"));
	assert_true(rig_unasked(&rig));
}

/* The name of the provider is not resolved for a while, which is often so in a partition. */
static void a_provider_is_found_without_its_name(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	rig_request(&rig, CONF_DNS_CLOUDFLARE, DNS_OP_WRITE, ADDR_B, &req);
	snprintf(req.conf.endpoint, sizeof(req.conf.endpoint),
		 "https://%.64s.example.com:%u/client/v4",
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 rig.port);
	run(&req, true, &r);
	assert_int_equal(r.result, DNS_FAILED);
	assert_non_null(strstr(r.text, "was not resolved"));
	req.known.n = 1;
	snprintf(req.known.value[0], DNS_ADDRESS_MAX, "127.0.0.1");
	run(&req, true, &r);
	assert_string_equal(r.text, ADDR_A " is replaced by " ADDR_B);
	assert_int_equal(r.hosts.n, 1);
	assert_string_equal(r.hosts.value[0], "127.0.0.1");
	/* What is there now is not the provider. */
	rig_path(&rig, "other-ca.pem", req.conf.ca_file, sizeof(req.conf.ca_file));
	run(&req, true, &r);
	assert_non_null(strstr(r.text, "certificate"));
}

static void unsafe_credentials_are_not_used(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	rig_request(&rig, CONF_DNS_CLOUDFLARE, DNS_OP_TEST, ADDR_B, &req);
	rig_write(&rig, "secrets", SECRETS, 0640);
	run(&req, true, &r);
	assert_int_equal(r.result, DNS_DENIED);
	assert_non_null(strstr(r.text, "chmod 600"));
	rig_write(&rig, "secrets", "OTHER=1\n", 0600);
	run(&req, true, &r);
	assert_int_equal(r.result, DNS_DENIED);
	assert_non_null(strstr(r.text, "CF_API_TOKEN is not given"));
	rig_write(&rig, "secrets", "CF_API_TOKEN=a wrong\ttoken\n", 0600);
	run(&req, true, &r);
	assert_non_null(strstr(r.text, "unprintable"));
	rig_write(&rig, "secrets", SECRETS, 0600);
	assert_true(rig_unasked(&rig));
}

static void credentials_come_from_the_environment_and_systemd_too(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	rig_request(&rig, CONF_DNS_ROUTE53, DNS_OP_TEST, ADDR_B, &req);
	req.conf.credentials[0] = '\0';
	setenv("AWS_ACCESS_KEY_ID", "AKIDSTUB", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "stub/secret+0123456789", 1);
	run(&req, true, &r);
	assert_string_equal(dns_result_name(r.result), "same");
	setenv("AWS_SECRET_ACCESS_KEY", "a-wrong-one", 1);
	run(&req, true, &r);
	assert_int_equal(r.result, DNS_DENIED);
	assert_non_null(strstr(r.text, "SignatureDoesNotMatch"));
	setenv("CREDENTIALS_DIRECTORY", rig.folder, 1);
	rig_write(&rig, "hokm-dns", SECRETS, 0400);
	run(&req, true, &r);
	assert_string_equal(dns_result_name(r.result), "same");
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_ACCESS_KEY_ID");
}

static bool is_dns_job(pid_t pid)
{
	char path[64], line[256] = "";
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	len = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	for (size_t i = 0; i < len; i++)
		if (!line[i])
			line[i] = ' ';
	return strstr(line, "dns-job") != NULL;
}

/* A process that may be dumped belongs to its user in /proc, another one to root. */
static int uid_in_proc(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	return stat(path, &st) ? -1 : (int)st.st_uid;
}

/* Starts a job as a monitor does, which is no root, and sends it no request. */
static _Noreturn void start_as_a_user(void)
{
	pid_t pid;
	int fd;

	setenv("CF_API_TOKEN", "stub-token-0123456789", 1);
	if (caps_become(stub_user()) || agent_spawn_dns(CAPS_SAME_USER, &fd, &pid))
		_exit(1);
	for (unsigned int i = 0; i < 1000 && !is_dns_job(pid); i++)
		(void)poll(NULL, 0, 5);
	for (unsigned int i = 0; i < 400 && uid_in_proc(pid) > 0; i++)
		(void)poll(NULL, 0, 5);
	_exit(is_dns_job(pid) && uid_in_proc(pid) == 0 ? 0 : 2);
}

static void a_job_cannot_be_dumped_while_it_waits_for_its_request(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		start_as_a_user();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Counts what a client of AWS's own makes of the stub. */
static void a_real_client_is_answered(void **state)
{
	char port[16];
	const char *const client[] = {
		"/usr/bin/python3", "tests/stub/dns_botocore.py", rig.folder, port, NULL};

	(void)state;
	rig_control(&rig, "one", "");
	snprintf(port, sizeof(port), "%u", rig.port);
	assert_int_equal(rig_run(client), 0);
	assert_non_null(strstr(rig_state(&rig), IS_B));
}

static int start(void **state)
{
	(void)state;
	return rig_start(&rig) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	rig_stop(&rig);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_happens_at_each_provider),
		cmocka_unit_test(a_job_does_not_connect_for_each_request),
		cmocka_unit_test(a_kept_connection_that_is_dead_is_no_failure),
		cmocka_unit_test(nothing_is_written_without_leave),
		cmocka_unit_test(a_change_of_another_writer_is_not_overwritten),
		cmocka_unit_test(a_foreign_certificate_is_refused),
		cmocka_unit_test(a_provider_is_found_without_its_name),
		cmocka_unit_test(unsafe_credentials_are_not_used),
		cmocka_unit_test(credentials_come_from_the_environment_and_systemd_too),
		cmocka_unit_test(a_job_cannot_be_dumped_while_it_waits_for_its_request),
		cmocka_unit_test(a_real_client_is_answered),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return dns_job_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
