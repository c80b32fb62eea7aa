# SPDX-License-Identifier: GPL-2.0-only
"""Who gets the processors while tests run.

Most tests wait most of the time, and some need all processors for a while. How many of them run at
once is therefore not a fixed number: it rises from a least to a greatest number while the
processors have time to spare, and falls while they have none. On a machine that does other things
too, no more than the least number run.

What gives way (a build, lint) runs on idle processors only. Its time counts as spare time.
"""

import collections
import glob
import os
import threading
import time

IDLE = ("chrt", "--idle", "0")
IDLE_WAIT_S = 10
# Where the kernel groups processes by session (sched_autogroup), the class of a process counts
# within its session only, so the session is made the least important one too.
AUTOGROUP_NICE = "19"

SAMPLE_S = 1.0
SAMPLES = 3  # as many in a row change the number; then a new row begins
NONE = 0.1   # less than this share is no time to spare


def await_idle(pid):
    """Waits until IDLE has had its effect: what undoes it must not come before it."""
    end = time.monotonic() + IDLE_WAIT_S
    while time.monotonic() < end:
        try:
            if os.sched_getscheduler(pid) == os.SCHED_IDLE:
                return
        except ProcessLookupError:
            return
        time.sleep(0.01)


def session_gives_way(pid):
    """Gives the session of a process the least weight, where the kernel has such groups."""
    try:
        with open("/proc/%d/autogroup" % pid, "w", encoding="ascii") as f:
            f.write(AUTOGROUP_NICE)
    except OSError:
        pass  # no such groups, or not root: it only costs time


def gets_equal_share(session):
    """Ends what IDLE and session_gives_way began, for all threads of a session."""
    for path in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        pid, tid = int(path.split("/")[2]), int(path.split("/")[4])
        try:
            if os.getsid(pid) == session:
                os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))
        except OSError:
            pass  # it has ended meanwhile
    try:
        with open("/proc/%d/autogroup" % session, "w", encoding="ascii") as f:
            f.write("0")
    except OSError:
        pass


def processor_ticks():
    """Ticks of all processors since boot, and how many of them were idle."""
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(word) for word in f.readline().split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def session_ticks(sessions):
    """Ticks that each of these sessions has used, with its processes that have ended."""
    used = dict.fromkeys(sessions, 0)
    for path in glob.glob("/proc/[0-9]*/stat") if used else ():
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                words = f.read().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(words[3]) in used:
            used[int(words[3])] += sum(int(word) for word in words[11:15])
    return used


class Places:
    """Places for tests that run at once. Who calls it holds `changed`, but for measure().

    `giving_way` returns the sessions that give way at this moment.
    """

    def __init__(self, changed, giving_way):
        self.changed = changed
        self.giving_way = giving_way
        self.least, self.most, self.spare = 0, 0, 1.0
        self.number = 0  # of places, now
        self.taken = 0
        self.samples = collections.deque(maxlen=SAMPLES)
        self.over = threading.Event()
        self.watch = threading.Thread(target=self.measure)

    def open(self, least, most, spare):
        """From now on this number of places; one more needs this share of spare time."""
        self.least, self.most, self.spare = least, most, spare
        self.number = least
        self.samples.clear()

    def take(self):
        """Takes a place if one is free."""
        if self.taken >= self.number:
            return False
        self.taken += 1
        return True

    def give_back(self):
        self.taken -= 1

    def note(self, spare):
        """This share of the processors was to spare since the last note."""
        self.samples.append(spare)
        if len(self.samples) < SAMPLES:
            return
        if self.spare <= min(self.samples) and self.taken >= self.number < self.most:
            self.number += 1
        elif max(self.samples) < NONE and self.number > self.least:
            self.number -= 1
        else:
            return
        self.samples.clear()

    def measure(self):
        """Takes a note every SAMPLE_S."""
        ticks, idle = processor_ticks()
        ways = session_ticks(self.giving_way())
        while not self.over.wait(SAMPLE_S):
            ticks_now, idle_now = processor_ticks()
            ways_now = session_ticks(self.giving_way())
            spare = idle_now - idle + sum(max(0, ways_now[s] - ways[s])
                                          for s in ways_now if s in ways)
            with self.changed:
                self.note(spare / max(1, ticks_now - ticks))
                self.changed.notify_all()
            ticks, idle, ways = ticks_now, idle_now, ways_now

    def __enter__(self):
        self.watch.start()
        return self

    def __exit__(self, *why):
        self.over.set()
        self.watch.join()
