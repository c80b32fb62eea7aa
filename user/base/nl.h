/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short, synchronous rtnetlink requests over libnl-3, with the kernel's own errno kept: libnl's
 * error codes fold several of them into one, and the callers must tell EEXIST from EADDRNOTAVAIL.
 */
#ifndef HOKM_NL_H
#define HOKM_NL_H

#include <netlink/msg.h>
#include <netlink/netlink.h>

/* A connected NETLINK_ROUTE socket. Caller: nl_socket_free(). 0 or -errno. */
int nlr_open(struct nl_sock **out);

/* Sends the request, waits for the kernel's acknowledgement, frees msg. 0 or -errno. */
int nlr_request(struct nl_sock *sk, struct nl_msg *msg);

/*
 * Sends a request of the given type with a fixed header and NLM_F_DUMP, calls fn for each message
 * of the answer. fn returns 0 to go on, -errno to be remembered (the dump is still read to its end,
 * so that the socket stays usable). 0, the first -errno of fn, or the kernel's.
 */
typedef int (*nlr_fn)(struct nlmsghdr *nlh, void *arg);
int nlr_dump(struct nl_sock *sk, int type, void *hdr, size_t len, nlr_fn fn, void *arg);

#endif
