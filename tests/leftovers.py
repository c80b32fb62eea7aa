# SPDX-License-Identifier: GPL-2.0-only
"""What a test may leave behind on the machine. tests/run compares it before and after."""

import glob
import os
import re
import subprocess


def output_of(env, *argv):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=env, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.decode("utf-8", "replace")


def our_processes():
    found = set()
    for comm in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(comm, encoding="utf-8", errors="replace") as f:
                name = f.read().strip()
        except OSError:
            continue
        if name.startswith(("hokm", "keepalived", "qemu-system")):
            found.add("process %s %s" % (comm.split("/")[2], name))
    return found


def bpf_objects(env):
    found = set()
    for kind in ("prog", "link"):
        for line in output_of(env, "bpftool", kind, "list").splitlines():
            if re.match(r"^\d+:", line) and (kind == "link" or "name hokm" in line):
                found.add("bpf %s %s" % (kind, line.strip()))
    return found


def snapshot(env):
    """Everything that a test may leave behind on the machine, one word for each."""
    found = our_processes() | bpf_objects(env)
    found |= {"namespace " + l.split()[0]
              for l in output_of(env, "ip", "netns", "list").splitlines() if l.strip()}
    found |= {"interface " + l.split(":")[1].strip().split("@")[0]
              for l in output_of(env, "ip", "-o", "link").splitlines() if l.count(":") >= 2}
    with open("/proc/self/mounts", encoding="utf-8") as f:
        found |= {"bpf mount " + l.split()[1] for l in f if l.split()[2] == "bpf"}
    for folder, _, files in os.walk("/sys/fs/bpf"):
        found |= {"pin " + os.path.join(folder, f) for f in files}
        found.add("folder " + folder)
    return found
