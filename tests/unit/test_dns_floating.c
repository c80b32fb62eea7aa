/* SPDX-License-Identifier: GPL-2.0-only */
/* Jobs for floating addresses against the stand-ins of DigitalOcean and of EC2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../stub/dns_rig.h"

#define ANY     CONF_DNS_NONE /* all providers of floating addresses */
#define DO_IP   CONF_DNS_DIGITALOCEAN_IP
#define EIP     CONF_DNS_AWS_EIP
#define PRIVATE CONF_DNS_AWS_PRIVATE

static struct dns_rig rig;

static void run(const struct dns_request *req, bool allow, struct dns_reply *r)
{
	assert_int_equal(dns_job_run(stub_user(), req, allow, r), 0);
}

struct job_case {
	const char *what;
	enum conf_dns_provider provider;
	enum dns_op op;
	const char *shape, *how;
	bool force, take;
	enum dns_result result;
	const char *says;     /* a part of the text */
	const char *holder;   /* that the stub has afterwards */
	unsigned int changes; /* that it has carried out */
};

#define FAIL_ALL(word)        "\"fail\": \"" word "\""
#define FAIL_ON(word, method) "\"fail\": \"" word "\", \"on\": \"" method "\""

/* Machine b wants the address. */
static const struct job_case cases[] = {
	{"a change", ANY, DNS_OP_WRITE, "one", "", 0, 0, DNS_CHANGED, "the address moves from ",
	 "b", 1},
	{"a plan", ANY, DNS_OP_PLAN, "one", "", 0, 0, DNS_SAME, "the address moves from ", "a", 0},
	{"a test", EIP, DNS_OP_TEST, "one", "", 0, 0, DNS_SAME, "the address moves from ", "a", 0},
	{"a look", ANY, DNS_OP_LOOK, "one", "", 0, 0, DNS_OTHER, "has the address, another node",
	 "a", 0},
	{"a stranger has it", ANY, DNS_OP_WRITE, "foreign", "", 0, true, DNS_REFUSED,
	 "is no node of this group", "x", 0},
	{"a look at a stranger", DO_IP, DNS_OP_LOOK, "foreign", "", 0, 0, DNS_REFUSED,
	 "is no node of this group", "x", 0},
	{"a stranger has it, by force", DO_IP, DNS_OP_WRITE, "foreign", "", true, 0, DNS_CHANGED,
	 "the address moves from ", "b", 1},
	{"no machine has it", ANY, DNS_OP_WRITE, "none", "", 0, 0, DNS_REFUSED,
	 "dns.take_unassigned = yes", "", 0},
	{"no machine has it, by force", EIP, DNS_OP_WRITE, "none", "", true, 0, DNS_CHANGED,
	 "from no machine to ", "b", 1},
	{"no machine has it, and it is taken", ANY, DNS_OP_WRITE, "none", "", 0, true, DNS_CHANGED,
	 "from no machine to ", "b", 1},
	{"a primary address", PRIVATE, DNS_OP_WRITE, "primary", "", true, true, DNS_REFUSED,
	 "is the primary address of eni-0a26", "a", 0},
	{"an expired token", DO_IP, DNS_OP_WRITE, "one", FAIL_ALL("expired"), 0, 0, DNS_DENIED,
	 "Unable to authenticate you.", "a", 0},
	{"an expired token", EIP, DNS_OP_WRITE, "one", FAIL_ALL("expired"), 0, 0, DNS_DENIED,
	 "RequestExpired: Request has expired.", "a", 0},
	{"too many requests", DO_IP, DNS_OP_WRITE, "one", FAIL_ALL("429"), 0, 0, DNS_LIMITED,
	 "API Rate limit exceeded.", "a", 0},
	{"too many requests", PRIVATE, DNS_OP_WRITE, "one", FAIL_ALL("throttle"), 0, 0, DNS_LIMITED,
	 "RequestLimitExceeded", "a", 0},
	{"a failure", PRIVATE, DNS_OP_WRITE, "one", FAIL_ALL("500"), 0, 0, DNS_FAILED, "HTTP 500",
	 "a", 0},
	{"half an answer", DO_IP, DNS_OP_WRITE, "one", FAIL_ON("half", "GET"), 0, 0, DNS_FAILED,
	 "GET", "a", 0},
	{"no JSON, no XML", PRIVATE, DNS_OP_WRITE, "one", FAIL_ALL("garbage"), 0, 0, DNS_FAILED,
	 "answer", "a", 0},
	{"no answer", EIP, DNS_OP_WRITE, "one", FAIL_ALL("timeout"), 0, 0, DNS_FAILED, "timed out",
	 "a", 0},
	/* The change itself: what counts is who has the address afterwards. */
	{"the change fails", DO_IP, DNS_OP_WRITE, "one", FAIL_ON("500", "POST"), 0, 0, DNS_FAILED,
	 "Unexpected server-side error", "a", 0},
	{"the action fails", DO_IP, DNS_OP_WRITE, "one", FAIL_ALL("errored"), 0, 0, DNS_FAILED,
	 "the action has failed", "a", 0},
	{"its answer is lost", DO_IP, DNS_OP_WRITE, "one", FAIL_ON("lost", "POST"), 0, 0,
	 DNS_CHANGED, "the answer to the change was lost", "b", 1},
	{"its answer is cut", DO_IP, DNS_OP_WRITE, "one", FAIL_ON("half", "POST"), 0, 0,
	 DNS_CHANGED, "the answer to the change was lost", "b", 1},
};

static bool stub_says(const char *key, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), "\"%s\": %s", key, value);
	return strstr(rig_state(&rig), text) != NULL;
}

static void check_stub(const char *what, const char *name, const char *holder, unsigned int changes)
{
	char who[16], n[16];

	snprintf(who, sizeof(who), "\"%s\"", holder);
	snprintf(n, sizeof(n), "%u,", changes);
	if (!stub_says("holder", who) || !stub_says("changes", n) ||
	    !stub_says("untouched", "true"))
		fail_msg("%s, %s: the stub has %s", name, what, rig_state(&rig));
}

static void run_case(const struct job_case *c, enum conf_dns_provider p)
{
	const char *name = conf_dns_provider_name(p);
	struct dns_request req;
	struct dns_reply r;

	rig_control(&rig, c->shape, c->how);
	rig_floating(&rig, p, c->op, 'b', &req);
	req.force = c->force;
	req.conf.take_unassigned = c->take;
	if (strstr(c->how, "timeout"))
		req.conf.timeout_ns = 300 * NS_PER_MS;
	run(&req, true, &r);
	if (r.result != c->result || !strstr(r.text, c->says))
		fail_msg("%s, %s: %s, expected %s: \"%s\"", name, c->what,
			 dns_result_name(r.result), dns_result_name(c->result), r.text);
	check_stub(c->what, name, c->holder, c->changes);
	assert_true(r.hidden);
	assert_null(strstr(r.text, "stub-token"));
}

static void a_floating_address_is_moved_only_as_it_may_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (enum conf_dns_provider p = DO_IP; p <= PRIVATE; p++)
			if (cases[i].provider == ANY || cases[i].provider == p)
				run_case(&cases[i], p);
}

static void an_instance_may_be_named_in_place_of_its_interface(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	rig_floating(&rig, EIP, DNS_OP_WRITE, 'b', &req);
	snprintf(req.group.value[0], DNS_ADDRESS_MAX, "i-0a26");
	snprintf(req.group.value[1], DNS_ADDRESS_MAX, "i-0b27");
	snprintf(req.want, sizeof(req.want), "i-0b27");
	run(&req, true, &r);
	assert_string_equal(r.text, "the address moves from i-0a26 to i-0b27");
	check_stub("an instance", "aws-eip", "b", 1);
}

static void no_address_is_moved_without_leave(void **state)
{
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	for (enum conf_dns_provider p = DO_IP; p <= PRIVATE; p++) {
		rig_control(&rig, "one", "");
		rig_floating(&rig, p, DNS_OP_WRITE, 'b', &req);
		run(&req, false, &r);
		assert_int_equal(r.result, DNS_REFUSED);
		check_stub("no leave", conf_dns_provider_name(p), "a", 0);
	}
}

static void a_floating_address_that_is_not_there_is_refused_in_words(void **state)
{
	static const struct {
		enum conf_dns_provider provider;
		const char *record, *says;
	} strange[] = {
		{DO_IP, "198.51.100.9", "could not be found. (not_found)"},
		{EIP, "198.51.100.9", "InvalidAddress.NotFound: Address '198.51.100.9' not found."},
		{PRIVATE, "10.0.0.101", "no machine has the address"},
	};
	struct dns_request req;
	struct dns_reply r;

	(void)state;
	rig_control(&rig, "one", "");
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		rig_floating(&rig, strange[i].provider, DNS_OP_WRITE, 'b', &req);
		snprintf(req.conf.record, sizeof(req.conf.record), "%s", strange[i].record);
		run(&req, true, &r);
		if (r.result != DNS_REFUSED || !strstr(r.text, strange[i].says))
			fail_msg("%s: %s: %s", strange[i].record, dns_result_name(r.result),
				 r.text);
	}
	rig_floating(&rig, PRIVATE, DNS_OP_WRITE, 'b', &req);
	snprintf(req.want, sizeof(req.want), "eni-0fff");
	run(&req, true, &r);
	assert_non_null(strstr(r.text, "InvalidNetworkInterfaceID.NotFound"));
	check_stub("strange ones", "all", "a", 0);
}

/* AWS's own client moves both addresses at the stub. */
static void a_real_client_of_ec2_is_answered(void **state)
{
	char port[16];
	const char *const client[] = {
		"/usr/bin/python3", "tests/stub/ec2_botocore.py", rig.folder, port, NULL};

	(void)state;
	rig_control(&rig, "one", "");
	snprintf(port, sizeof(port), "%u", rig.port);
	assert_int_equal(rig_run(client), 0);
	check_stub("botocore", "aws", "a", 2);
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
		cmocka_unit_test(a_floating_address_is_moved_only_as_it_may_be),
		cmocka_unit_test(an_instance_may_be_named_in_place_of_its_interface),
		cmocka_unit_test(no_address_is_moved_without_leave),
		cmocka_unit_test(a_floating_address_that_is_not_there_is_refused_in_words),
		cmocka_unit_test(a_real_client_of_ec2_is_answered),
	};

	if (argc > 1 && !strcmp(argv[1], "dns-job"))
		return dns_job_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, start, stop);
}
