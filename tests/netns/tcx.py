#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Attaches a program at the tcx hook of an interface, in the network namespace that it runs in.

  tcx.py INTERFACE ingress|egress pass|next

The program does nothing. `pass` ends the chain, so that no filter of clsact sees the packet; `next`
lets the filters see it. Prints "attached", and stays until it is ended: the program goes with it.
Where the kernel has no tcx (before Linux 6.6) it prints "no tcx", and its exit status is 77.
"""

import ctypes
import errno
import os
import signal
import socket
import struct
import sys

BPF_PROG_TYPE_SCHED_CLS = 3
TCX = {"ingress": 46, "egress": 47}  # enum bpf_attach_type
VERDICT = {"pass": 0, "next": -1}  # TCX_PASS, TCX_NEXT
MOVE, EXIT = 0xb7, 0x95


def instruction(code, number=0):
    """About register 0."""
    return struct.pack("=BBhi", code, 0, 0, number)


def attach(interface, hook, verdict):
    """Returns the link, whose last handle keeps the program."""
    libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
    code = instruction(MOVE, VERDICT[verdict]) + instruction(EXIT)
    prog = libbpf.bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, b"a_policer", b"GPL", code,
                                ctypes.c_size_t(len(code) // 8), None)
    if prog < 0:
        raise OSError(-prog, "bpf_prog_load")
    link = libbpf.bpf_link_create(prog, socket.if_nametoindex(interface), TCX[hook], None)
    if link == -errno.EINVAL:
        print("no tcx", flush=True)
        sys.exit(77)
    if link < 0:
        raise OSError(-link, os.strerror(-link))
    return link


attach(*sys.argv[1:])
print("attached", flush=True)
signal.pause()
