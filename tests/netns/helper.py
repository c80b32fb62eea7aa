# SPDX-License-Identifier: GPL-2.0-only
"""What the tests' own programs share: network namespaces, and the loop of a helper."""

import ctypes
import os


def enter_fd(fd):
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
        raise OSError(ctypes.get_errno(), "setns")


def enter(netns):
    """Enters the network namespace of this path."""
    fd = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter_fd(fd)
    finally:
        os.close(fd)


def serve(paths, answer):
    """Reads lines without end; for each writes answer(line) behind its length (see helper.sh)."""
    # Open for reading and writing: a pipe with both ends open never ends.
    lines, answers, turn = (os.open(path, os.O_RDWR) for path in paths)
    os.write(turn, b".")
    rest = b""
    while True:
        *whole, rest = (rest + os.read(lines, 4096)).split(b"\n")
        for line in whole:
            text = answer(line.decode()).encode()
            text = b"%08d" % len(text) + text
            while text:
                text = text[os.write(answers, text):]
