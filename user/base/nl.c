/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Synchronous rtnetlink requests and dumps over libnl-3 (RFC 3549). A struct answer collects what
 * the callbacks of one request see: the error of the kernel and the error of the caller's function.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/handlers.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <string.h>

#include "base/nl.h"

struct answer {
	nlr_fn fn;
	void *arg;
	int fn_err;
	int kernel_err;
	bool acked;
};

/*
 * Maps an error of libnl itself (no memory, a broken socket). Errors of the kernel arrive in
 * on_error() with their errno.
 */
static int errno_of(int nlerr)
{
	switch (-nlerr) {
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
		return -EPERM;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_AF_NOSUPPORT:
		return -EAFNOSUPPORT;
	default:
		return -EIO;
	}
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct answer *a = arg;

	if (a->fn && !a->fn_err)
		a->fn_err = a->fn(nlmsg_hdr(msg), a->arg);
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct answer *a = arg;

	(void)msg;
	a->acked = true;
	return NL_STOP;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct answer *a = arg;

	(void)from;
	a->kernel_err = e->error;
	return NL_STOP;
}

int nlr_open(struct nl_sock **out)
{
	struct nl_sock *sk = nl_socket_alloc();
	int err;

	*out = NULL;
	if (!sk)
		return -ENOMEM;
	err = nl_connect(sk, NETLINK_ROUTE); /* libnl opens with SOCK_CLOEXEC */
	if (err < 0) {
		nl_socket_free(sk);
		return errno_of(err);
	}
	*out = sk;
	return 0;
}

/* Reads messages until the acknowledgement, the end of the dump, or an error. */
static int receive(struct nl_sock *sk, struct answer *a)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (!cb)
		return -ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, a);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, a);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, a);
	err = nl_recvmsgs(sk, cb);
	nl_cb_put(cb);
	if (a->kernel_err)
		return a->kernel_err;
	if (err < 0)
		return errno_of(err);
	return a->fn_err;
}

int nlr_request(struct nl_sock *sk, struct nl_msg *msg)
{
	struct answer a = {0};
	int err = nl_send_auto(sk, msg); /* libnl adds NLM_F_ACK */

	nlmsg_free(msg);
	if (err < 0)
		return errno_of(err);
	return receive(sk, &a);
}

/* The acknowledgement comes behind the answer, in a datagram of its own. */
int nlr_get(struct nl_sock *sk, struct nl_msg *msg, nlr_fn fn, void *arg)
{
	struct answer a = {.fn = fn, .arg = arg};
	int err = nl_send_auto(sk, msg);

	nlmsg_free(msg);
	if (err < 0)
		return errno_of(err);
	do {
		err = receive(sk, &a);
	} while (!a.acked && !a.kernel_err && (!err || a.fn_err));
	return err;
}

int nlr_dump(struct nl_sock *sk, int type, void *hdr, size_t len, nlr_fn fn, void *arg)
{
	struct answer a = {.fn = fn, .arg = arg};
	int err = nl_send_simple(sk, type, NLM_F_DUMP, hdr, len);

	if (err < 0)
		return errno_of(err);
	return receive(sk, &a);
}

int nlr_ipv4(struct nlmsghdr *nlh, struct nlattr *tb[IFA_MAX + 1], struct in_addr *local)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlh);

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (nlmsg_parse(nlh, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return -EPROTO;
	if (ifa->ifa_family != AF_INET || !tb[IFA_LOCAL] ||
	    nla_len(tb[IFA_LOCAL]) != (int)sizeof(*local))
		return 0;
	memcpy(local, nla_data(tb[IFA_LOCAL]), sizeof(*local));
	return 1;
}
