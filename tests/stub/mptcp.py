#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs another program of this folder with MPTCP in place of TCP.

    mptcp.py PROGRAM [ARGUMENT...]
"""
import os
import runpy
import socket
import sys

IPPROTO_MPTCP = 262


class Mptcp(socket.socket):
    """A socket that the program takes for one of TCP."""

    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if fileno is None and family in (-1, socket.AF_INET) and type in (-1, socket.SOCK_STREAM):
            family, type, proto = socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP
        super().__init__(family, type, proto, fileno)


def main():
    """Replaces this program."""
    sys.argv = [os.path.join(os.path.dirname(__file__), sys.argv[1])] + sys.argv[2:]
    socket.socket = Mptcp
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
