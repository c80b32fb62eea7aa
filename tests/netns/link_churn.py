#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Creates and deletes links, so that others wait for the kernel's lock for network settings (RTNL).

  link_churn.py NETNS RATE SECONDS

RATE times a second a pair of veth links is created in the network namespace NETNS. Another thread
deletes all that are there, again and again, and with them a few bridges: for each bridge the kernel
waits with the lock until no processor uses it any more, 15 ms and more. So the lock is held most of
the time. A creation that is late is made up for. After half a second of links the program prints
"churns". After SECONDS, or with a line on its standard input, it deletes the last links and prints
"N pairs in S s".
"""

import os
import select
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
import helper  # noqa: E402  (needs the line above)

GROUP = 77  # of all links that it creates
BRIDGES = 4  # in each deletion
RTM_NEWLINK, RTM_DELLINK = 16, 17
F_REQUEST, F_ACK, F_EXCL, F_CREATE = 0x1, 0x4, 0x200, 0x400
IFLA_LINKINFO, IFLA_GROUP, IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 18, 27, 1, 2, 1
LINK = bytes(16)  # struct ifinfomsg: any index, no flags
ENODEV = 19
PAUSE_S = 0.01  # between two deletions


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


OF_GROUP = attribute(IFLA_GROUP, struct.pack("=I", GROUP))


class Kernel:
    """A netlink socket in the namespace that the process has entered."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)

    def ask(self, kind, flags, attributes):
        """Returns the error, 0 for none, when the kernel has carried the request out."""
        size = 16 + len(LINK) + len(attributes)
        self.sock.send(struct.pack("=IHHII", size, kind, F_REQUEST | F_ACK | flags, 1, 0) + LINK +
                       attributes)
        return -struct.unpack_from("=i", self.sock.recv(4096), 16)[0]

    def create(self, kind):
        peer = attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, LINK + OF_GROUP))
        info = attribute(IFLA_INFO_KIND, kind) + (peer if kind == b"veth" else b"")
        error = self.ask(RTM_NEWLINK, F_CREATE | F_EXCL,
                         OF_GROUP + attribute(IFLA_LINKINFO, info))
        if error:
            raise OSError(error, "a link could not be created")

    def delete_all(self):
        error = self.ask(RTM_DELLINK, 0, OF_GROUP)
        if error not in (0, ENODEV):
            raise OSError(error, "the links could not be deleted")


def keep_deleting(over):
    kernel = Kernel()
    while not over.wait(PAUSE_S):
        for _ in range(BRIDGES):
            kernel.create(b"bridge")
        kernel.delete_all()


def main(netns, rate, seconds):
    helper.enter(netns)
    kernel, over = Kernel(), threading.Event()
    deleter = threading.Thread(target=keep_deleting, args=(over,))
    deleter.start()
    begin = now = time.monotonic()
    n = 0
    try:
        while now - begin < seconds:
            if select.select([0], [], [], max(0, begin + n / rate - now))[0]:
                os.read(0, 512)
                break
            kernel.create(b"veth")
            n += 1
            if n == rate // 2:
                print("churns", flush=True)
            now = time.monotonic()
    finally:
        over.set()
        deleter.join()
        kernel.delete_all()
    print("%d pairs in %.2f s" % (n, now - begin), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
