#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes words of ownership by hand into pinned maps `own` and `grants`, as a daemon and its packet
path would.

  owner_words.py FOLDER STEP...

  lease=MS      the lease of VRRP ends in MS
  majority=N    so many members must grant; 0: grants do not count
  wish=EPOCH    the node wishes to own in this epoch; 0: it wishes nothing
  end=EPOCH:MS  what a majority granted in this epoch ends in MS
  stand=MS      the clock of the node stood still for MS: all that it has ends so much later
  wait=MS
  at=FOLDER     the steps that follow are those of another node

MS may have decimals. Each step prints a line: what it is, the boot time at which it was done, and
the end that it wrote, in ns.
"""

import ctypes
import mmap
import os
import platform
import sys
import time

BPF = {"x86_64": 321, "aarch64": 280}  # the system call
OBJ_GET = 7
# struct hokm_own and struct hokm_grants (include/hokm)
LEASE = 0
SELF_WORD, WISH, MAJORITY, WISH_EPOCH, END = 0, 32, 36, 40, 48
MEMBER_ENDS = range(64, 64 + 8 * 64, 64)
OWN = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class ObjGet(ctypes.Structure):
    _fields_ = [("pathname", ctypes.c_uint64), ("bpf_fd", ctypes.c_uint32),
                ("file_flags", ctypes.c_uint32)]


def mapped(path):
    name = ctypes.create_string_buffer(path.encode())
    attr = ObjGet(ctypes.addressof(name), 0, 0)
    fd = LIBC.syscall(BPF[platform.machine()], OBJ_GET, ctypes.byref(attr), ctypes.sizeof(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    place = mmap.mmap(fd, mmap.PAGESIZE)
    os.close(fd)
    return place


def store(place, kind, offset, value):
    """One store of the processor, so that nobody sees half of a word."""
    kind.from_buffer(place, offset).value = value


def grow(place, offset, by):
    """A word that is 0 says nothing, and stays."""
    word = ctypes.c_uint64.from_buffer(place, offset)
    if word.value:
        word.value += by


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Node:
    def __init__(self, folder):
        self.own = mapped(folder + "/own")
        self.grants = mapped(folder + "/grants")

    def lease(self, value):
        until = boot_ns() + int(float(value) * 1e6)
        store(self.own, ctypes.c_uint64, LEASE, until)
        return until

    def majority(self, value):
        store(self.grants, ctypes.c_uint16, MAJORITY, int(value))

    def wish(self, value):
        store(self.grants, ctypes.c_uint64, WISH_EPOCH, int(value))
        store(self.grants, ctypes.c_uint32, WISH, OWN if int(value) else 0)

    def end(self, value):
        epoch, ms = value.split(":")
        until = (boot_ns() + int(float(ms) * 1e6)) // 1000
        store(self.grants, ctypes.c_uint64, END, until << 16 | int(epoch))
        return until * 1000

    def stand(self, value):
        us = int(float(value) * 1000)
        grow(self.own, LEASE, us * 1000)
        grow(self.grants, SELF_WORD, us << 8)
        for offset in MEMBER_ENDS:
            grow(self.grants, offset, us << 16)
        # Last: from here on the node acts as owner again.
        grow(self.grants, END, us << 16)


def main():
    node = Node(sys.argv[1])
    for step in sys.argv[2:]:
        what, value = step.split("=", 1)
        until = None
        if what == "at":
            node = Node(value)
        elif what == "wait":
            time.sleep(float(value) / 1000)
        else:
            until = getattr(node, what)(value)
        print(what, boot_ns(), until or 0)


if __name__ == "__main__":
    main()
