# SPDX-License-Identifier: GPL-2.0-only
"""BPF programs that are verified once for many tests.

To load the programs takes most of the time of a short BPF test. With HOKM_FIX_PINS a test takes
what an earlier one pinned in that folder (tests/bpf/fixture_open.c). Tests that run at the same
time need folders of their own, because they share maps too. A folder is lent to one test at a time,
and a test that failed does not give it back: what it left there is not to spoil another test.

Without a bpf file system, or without the right to mount one, nothing is lent: then each test loads
the programs by itself.
"""

import os
import subprocess
import tempfile
import threading

FOLDERS = 2  # as many BPF tests run at the same time


class Pins:
    """A bpf file system of its own, mounted when it is first needed, and its free folders."""

    def __init__(self):
        self.lock = threading.Lock()
        self.mounted = None
        self.free = []

    def mount(self):
        self.mounted = tempfile.mkdtemp(prefix="hokm-pins.")
        done = subprocess.run(["mount", "-t", "bpf", "hokm-pins", self.mounted], check=False,
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode:
            return
        for i in range(FOLDERS):
            folder = os.path.join(self.mounted, str(i))
            os.mkdir(folder)
            self.free.append("HOKM_FIX_PINS=" + folder)

    def take(self):
        """Words to put before the command of a test: none when no folder is free."""
        with self.lock:
            if self.mounted is None:
                self.mount()
            return ["env", self.free.pop()] if self.free else []

    def give_back(self, words):
        with self.lock:
            self.free += words[1:]

    def __enter__(self):
        return self

    def __exit__(self, *why):
        """Unpins everything."""
        if self.mounted is None:
            return
        if os.path.ismount(self.mounted):
            # A process that is still there does not keep the counts of the run from being printed.
            subprocess.run(["umount", "-l", self.mounted], check=True)
        os.rmdir(self.mounted)
