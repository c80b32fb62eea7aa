/* SPDX-License-Identifier: GPL-2.0-only */
/* The socket of a witness between two namespaces: real packets, their TTL, and the way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf_rig.h"
#include "hokm/pulse_tag.h"
#include "own_netns.h"
#include "sense/pulse.h"
#include "witness/witness_sock.h"

#define PORT    8766
#define WAIT_MS 20000

static struct own_netns ns;

/* The witness is 192.168.1.26 in namespace a, the node 192.168.1.27 in b. */
static struct {
	struct witness w;
	int fd, node;
	struct pulse_signer signer;
} rig;

static const struct hokm_own nothing_owned;
static const struct hokm_service no_service[HOKM_MAX_SERVICES];

static int node_socket(void)
{
	const struct sockaddr_in own = {
		.sin_family = AF_INET, .sin_addr = ns.addr_b, .sin_port = htons(PORT)};
	const int yes = 1;
	int fd;

	own_netns_enter(ns.b);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &yes, sizeof(yes)), 0);
	own_netns_enter(ns.a);
	return fd;
}

static int begin(void **state)
{
	struct hokm_cfg cfg = {.addr = hokm_addr_from_ipv4(ns.addr_b)};
	struct conf *c;
	char *errors;

	(void)state;
	cfg.peer[0].addr = hokm_addr_from_ipv4(ns.addr_a);
	c = rig_load("secret = 0123456789abcdef\n node x { address = 192.168.1.27 } "
		     "node y { address = 192.168.1.30 } witness w { address = 192.168.1.26 }",
		     &errors);
	assert_non_null(c);
	free(errors);
	assert_int_equal(witness_init(&rig.w, c, 0, clock_now_ns()), 0);
	rig.w.promise.silent_until_ns = 1; /* long ago */
	rig.signer = (struct pulse_signer){
		.addr = ns.addr_b, .mac = {2, 0, 0, 0, 0, 1}, .vrid = c->vrid, .nonce = 7};
	assert_int_equal(conf_pulse_keys(c, &cfg, &rig.signer.keys), 0);
	conf_free(c);
	own_netns_enter(ns.a);
	rig.fd = witness_sock_open(ns.addr_a, PORT);
	assert_true(rig.fd >= 0);
	rig.node = node_socket();
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(rig.fd);
	close(rig.node);
	return 0;
}

/* Sends bytes with this TTL, and lets the witness serve them. */
static void send_and_serve(const void *bytes, size_t len, int ttl)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_addr = ns.addr_a, .sin_port = htons(PORT)};
	struct pollfd p = {.fd = rig.fd, .events = POLLIN};

	assert_int_equal(setsockopt(rig.node, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	assert_int_equal(sendto(rig.node, bytes, len, 0, (const struct sockaddr *)&to, sizeof(to)),
			 len);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(witness_sock_serve(rig.fd, &rig.w, 64), 1);
}

static struct hokm_pulse wish(uint64_t epoch)
{
	const struct pulse_wish w = {
		.wish = HOKM_WISH_OWN, .epoch = epoch, .length_ns = 100 * NS_PER_MS};
	const struct pulse_state says = {.own = &nothing_owned, .services = no_service, .wish = &w};
	struct hokm_pulse p;

	pulse_build_probe(&p, &rig.signer, 0, ns.addr_a, &says, clock_now_ns());
	return p;
}

/* XDP on the node discards an answer that has another TTL, address, port or tag. */
static void the_answer_is_one_that_the_node_accepts(void **state)
{
	const struct hokm_pulse p = wish(3);
	_Alignas(struct cmsghdr) unsigned char control[64];
	struct pollfd waits = {.fd = rig.node, .events = POLLIN};
	struct sockaddr_in from = {0};
	struct hokm_pulse got;
	struct iovec iov = {.iov_base = &got, .iov_len = sizeof(got)};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	int ttl = 0;

	(void)state;
	send_and_serve(&p, sizeof(p), 255);
	assert_int_equal(rig.w.answered, 1);
	assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
	assert_int_equal(recvmsg(rig.node, &msg, 0), sizeof(got));
	assert_int_equal(msg.msg_flags & MSG_TRUNC, 0);
	assert_int_equal(from.sin_addr.s_addr, ns.addr_a.s_addr);
	assert_int_equal(ntohs(from.sin_port), PORT);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	memcpy(&ttl, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(ttl));
	assert_int_equal(ttl, 255);
	assert_int_equal(be64toh(got.tag), hokm_pulse_tag(&got, ns.addr_a.s_addr, ns.addr_b.s_addr,
							  rig.signer.keys.from[0][0]));
	assert_int_equal(got.grant.verdict, HOKM_VERDICT_GRANTED);
}

static void a_packet_from_behind_a_router_is_discarded(void **state)
{
	const struct hokm_pulse p = wish(3);

	(void)state;
	send_and_serve(&p, sizeof(p), 254);
	assert_int_equal(rig.w.answered, 0);
	assert_int_equal(rig.w.discarded[WITNESS_TTL], 1);
	assert_null(witness_holder(&rig.w, clock_now_ns()));
}

static void a_packet_of_another_length_is_discarded(void **state)
{
	unsigned char bytes[2000] = {0};
	const struct hokm_pulse p = wish(3);

	(void)state;
	memcpy(bytes, &p, sizeof(p));
	send_and_serve(bytes, sizeof(p) + 1, 255);
	send_and_serve(bytes, sizeof(bytes) - 600, 255);
	send_and_serve(bytes, sizeof(p) - 1, 255);
	send_and_serve(bytes, 0, 255);
	assert_int_equal(rig.w.answered, 0);
	assert_int_equal(rig.w.discarded[WITNESS_SHORT], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_answer_is_one_that_the_node_accepts, begin, end),
		cmocka_unit_test_setup_teardown(
			a_packet_from_behind_a_router_is_discarded, begin, end),
		cmocka_unit_test_setup_teardown(
			a_packet_of_another_length_is_discarded, begin, end),
	};

	own_netns_make(&ns);
	return cmocka_run_group_tests_name("witness_sock", tests, NULL, NULL);
}
