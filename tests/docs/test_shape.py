#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Proves that the comparison of outputs sees what matters and nothing else."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pages  # noqa: E402  (needs the path above)

HEAD = "  PEER    STATE   LAST"
OK = [
    ("times and numbers differ", ["up 4.6 s, 12 left"], ["up 700 ms, 7 left"]),
    ("never and a time are alike", ["advert never"], ["advert 3.1 s ago"]),
    ("MAC addresses differ", ["at 02:00:c0:a8:01:1a"], ["at aa:bb:cc:dd:ee:ff"]),
    ("the page leaves lines out", ["a b", "…", "c d"], ["a b", "x y", "c d"]),
    ("other rows of a table", [HEAD, "  backup  alive  1 s"], [HEAD, "  third  SILENT  never"]),
    ("a line repeats more often", ["1 left", "empty"], ["3 left", "2 left", "1 left", "empty"]),
]
BAD = [
    ("another word", ["is OWNER of"], ["is not owner of"]),
    ("a line is gone", ["a b", "c d"], ["a b"]),
    ("lines changed places", ["a b", "c d"], ["c d", "a b"]),
    ("a column is gone", [HEAD], ["  PEER    STATE"]),
    ("a table without rows", [HEAD, "  backup  alive  1 s"], [HEAD]),
]


def main():
    failed = False
    for words, page, real in OK:
        good = pages.missing(page, real) is None
        print("%s accepted: %s" % ("ok" if good else "not ok", words))
        failed |= not good
    for words, page, real in BAD:
        good = pages.missing(page, real) is not None
        print("%s refused: %s" % ("ok" if good else "not ok", words))
        failed |= not good
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
