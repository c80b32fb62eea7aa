#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fills the socket to which a process writes its log, as a service that logs a lot does.

  fill_log.py PID

The journal gives each service a socket with room for megabytes. The process itself is not
disturbed: its descriptor is borrowed (pidfd_getfd), and nothing here waits. Prints how many bytes
the socket took.
"""

import ctypes
import os
import socket
import sys

SYS_PIDFD_GETFD = 438
LINE = b"another line of this service\n"


def borrow(pid, fd):
    """A descriptor of this process for the same socket."""
    libc = ctypes.CDLL(None, use_errno=True)
    got = libc.syscall(SYS_PIDFD_GETFD, os.pidfd_open(pid), fd, 0)
    if got < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return socket.socket(fileno=got)


def fill(log):
    """Until it takes no line more."""
    n = 0
    try:
        while True:
            n += log.send(LINE, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return n


print(fill(borrow(int(sys.argv[1]), 2)))
