/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Short, synchronous rtnetlink requests over libnl-3. They return the errno of the kernel: libnl's
 * own error codes map several errnos to one, and the callers must tell EEXIST from EADDRNOTAVAIL.
 *
 * Each socket is used by one thread. Each function returns when the kernel has answered, which
 * takes microseconds.
 */
#ifndef HOKM_NL_H
#define HOKM_NL_H

#include <linux/if_addr.h>
#include <netinet/in.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

/* Opens a connected NETLINK_ROUTE socket. 0 or -errno. Caller: nl_socket_free(). */
int nlr_open(struct nl_sock **out);

/* Sends `msg`, waits for the kernel's acknowledgement, and frees `msg`. Returns 0 or -errno. */
int nlr_request(struct nl_sock *sk, struct nl_msg *msg);

/*
 * Sends `msg`, a question with one answer, calls `fn` for that, and frees `msg`. Returns 0, the
 * -errno of `fn`, or the -errno of the kernel.
 */
typedef int (*nlr_fn)(struct nlmsghdr *nlh, void *arg);
int nlr_get(struct nl_sock *sk, struct nl_msg *msg, nlr_fn fn, void *arg);

/*
 * Sends a dump request (NLM_F_DUMP) of this type with a fixed header of `len` bytes, and calls `fn`
 * for each message of the answer. When `fn` returns -errno, it is not called again, but the dump is
 * still read to its end, so that the socket stays usable. Returns 0, the -errno of `fn`, or the
 * -errno of the kernel; -EINTR means that the dumped table changed meanwhile.
 */
int nlr_dump(struct nl_sock *sk, int type, void *hdr, size_t len, nlr_fn fn, void *arg);

/*
 * Reads an IPv4 address out of a message of a dump of addresses. Returns 1 with its attributes and
 * the address, 0 for another message, and -EPROTO for one that is malformed. The attributes point
 * into the message.
 */
int nlr_ipv4(struct nlmsghdr *nlh, struct nlattr *tb[IFA_MAX + 1], struct in_addr *local);

#endif
