#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How tests/run chooses the next test: lane after lane, the longest first, by spare processors."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
sys.path.insert(0, TESTS)
import processors  # noqa: E402  (needs the line above)

LOADER = importlib.machinery.SourceFileLoader("tests_run", os.path.join(TESTS, "run"))
RUN = importlib.util.module_from_spec(importlib.util.spec_from_loader("tests_run", LOADER))
LOADER.exec_module(RUN)
FAILED = 0


def check(what, good):
    global FAILED
    FAILED += not good
    print("%s %s" % ("ok" if good else "not ok", what))


def places(least, most, notes, taken=10):
    """The number of places after these notes, with half of the processors as the limit."""
    p = processors.Places(None, list)
    p.open(least, most, 0.5)
    for spare in notes:
        while p.taken < taken and p.take():
            pass
        p.note(spare)
    return p.number


def lanes_of(*jobs):
    """A run of these (lane, suite, path, seconds), all of which may start at once."""
    run = RUN.Run(["unit"], [])
    run.all_built = True
    run.places.open(10, 10, 0)
    for lane, suite, path, seconds in jobs:
        run.add(lane, [RUN.Job(suite, path, seconds)])
    RUN.LANES.update({lane: (10, 10, 0) for lane in RUN.LANES})
    return run


def order_of(run, count):
    """Paths of the next tests; each ends when the next one was chosen."""
    found = []
    while len(found) < count:
        job = run.next_test()
        found.append(job.path)
        run.over(job)
    return " ".join(found)


def is_charged(seconds):
    """A session is said to have used the time of a child that has ended."""
    work = "import time\nwhile time.process_time() < %f: pass" % seconds
    code = ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', %r])\n"
            "print(flush=True)\nsys.stdin.read()" % work)
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, start_new_session=True) as proc:
        proc.stdout.readline()
        used = processors.session_ticks([proc.pid])[proc.pid]
        proc.stdin.close()
    return used >= 0.8 * seconds * os.sysconf("SC_CLK_TCK")


def main():
    many = processors.SAMPLES
    check("the least number to begin with", places(2, 4, [1.0] * (many - 1)) == 2)
    check("one more when there is time to spare", places(2, 4, [0.6] * many) == 3)
    check("a new row for the next one", places(2, 4, [0.6] * (2 * many - 1)) == 3)
    check("two more after two rows", places(2, 4, [0.6] * 2 * many) == 4)
    check("no more when one note is below", places(2, 4, [0.6, 0.4] * many) == 2)
    check("no more while a place is free", places(2, 4, [0.6] * many, 1) == 2)
    check("never more than the greatest number", places(2, 3, [0.6] * 4 * many) == 3)
    check("one less when there is none", places(2, 4, [0.6] * 2 * many + [0.0] * many) == 3)
    check("not for a moment", places(2, 4, [0.6] * many + [0.0] * (many - 1) + [0.2]) == 3)
    check("never less than the least number", places(2, 4, [0.0] * 4 * many) == 2)
    run = lanes_of(("beside", "unit", "b", 9), ("alone", "netns", "a", 0),
                   ("measures", "netns", "m1", 1), ("measures", "netns", "m2", 2))
    check("lane after lane, the longest first", order_of(run, 4) == "a m2 m1 b")
    check("then nothing is left", run.next_test() is None)
    run = lanes_of(("beside", "unit", "u/test_x", 2), ("beside", "asan", "a/test_x", 2),
                   ("beside", "unit", "u/test_y", 0))
    first, second = run.next_test(), run.next_test()
    check("no program twice at a time", (first.path, second.path) == ("u/test_x", "u/test_y"))
    run.over(first)
    check("then the other one", run.next_test().path == "a/test_x")
    words = [RUN.Run(["unit"], w).is_wanted("test_hooks_stop") for w in
             ([], ["stop"], ["hooks", "other"], ["other"])]
    check("-k chooses by one of several words", words == [True, True, True, False])
    check("a session is charged for its children", is_charged(0.3))
    return FAILED > 0


if __name__ == "__main__":
    sys.exit(main())
