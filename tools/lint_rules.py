# SPDX-License-Identifier: GPL-2.0-only
"""The rules of the house that need no other tool.

Each rule is a function: it takes a Tree (lint_tree.py) and yields one line a finding, "file:line:
what is wrong". A line that a rule prints itself, with "# " before it, is a figure. RULES names the
rules; tools/lint runs them and tests/lint proves that each one can fail. Here stand the rules about
the words and calls that a line of code must not have; the others are in lint_form.py (lengths,
widths, cuts), lint_deps.py (dependencies of folders and files), lint_repeat.py (repetition),
lint_words.py (words, cited rules) and lint_commits.py (commits).
"""

import re

import lint_commits
import lint_deps
import lint_form
import lint_repeat
import lint_words

# Rules that the tree does not keep yet: `tools/lint RULE` runs them, `tools/lint` alone does not.
PENDING = ()

# Rules that need more than the files, which not every copy of the tree has.
BY_NAME_ONLY = ("commits",)

HEADER_LINES = 3  # the SPDX line is one of these: the first line of a script is its interpreter

SPDX = "SPDX-License-Identifier: GPL-2.0-only"
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "system", "alloca", "atoi")

# The loop's thread must not wait, and the table of routes may be long. The VIP worker reads it.
LOOP_BANNED = ("gateway_find", "gateway_mac", "gateways_find")

# What decide/ may include: types, bytes and its own words; nothing that does I/O or knows the time.
DECIDE_SYSTEM = {"arpa/inet.h", "endian.h", "errno.h", "limits.h", "linux/types.h",
                 "netinet/in.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h"}
DECIDE_OWN = re.compile(r"^(decide|hokm)/")
DECIDE_CALLS = ("clock_gettime", "clock_now_ns", "time", "gettimeofday", "socket", "send",
                "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "open", "fopen", "read",
                "write", "ioctl", "printf", "fprintf", "getenv", "getrandom", "rand", "random",
                "log_debug", "log_info", "log_warn", "log_error")

# The wall clock is set forward and back by operators and NTP. Only these may read it: for a time
# that people read, for a provider that asks for one, for a time that a file keeps over a reboot.
WALL_READERS = re.compile(r"^user/(base/log|sense/events|daemon/operator|daemon/dns_report|"
                          r"daemon/notify_feed|test/drill|agent/dns_http|agent/dns_rfc2136|"
                          r"agent/notify_(main|engine|store))\.c$")
# The waits with a time limit go by the wall clock, too.
WALL = re.compile(r"\b(CLOCK_REALTIME\w*|CLOCK_TAI|(?:time|gettimeofday|sem_timedwait|"
                  r"pthread_cond_timedwait|pthread_mutex_timedlock|bpf_ktime_get_tai_ns)"
                  r"(?=\s*\())")

# bpf/: clang's BPF target breaks on libc's headers.
BPF_SYSTEM = {"bpf/bpf_helpers.h", "bpf/bpf_endian.h", "bpf/bpf_core_read.h",
              "bpf/bpf_tracing.h"}

# Longer than this is no polling step but a guess at how long something takes.
POLL_STEP_S = 0.1

SLEEP = re.compile(r"\bsleep[ (]+([0-9.]+)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def rule_spdx(tree):
    for path in tree.of("c", "sh", "py", "make") + [p for p in tree.files
                                                    if p.endswith((".service", ".clang-tidy"))]:
        if SPDX not in "\n".join(tree.lines(path)[:HEADER_LINES]):
            yield "%s:1: no line '%s' at the top" % (path, SPDX)


def rule_banned(tree):
    for path in tree.of("c"):
        names = BANNED + LOOP_BANNED * path.startswith("user/daemon/")
        pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(names))
        for n, line in enumerate(tree.code_lines(path), 1):
            m = pattern.search(line)
            if m:
                yield "%s:%d: %s() is banned" % (path, n, m.group(1))


def rule_unfinished(tree):
    for path in tree.of("c", "sh", "py", "make"):
        if path == "tools/lint_rules.py":  # it spells the words
            continue
        for n, line in enumerate(tree.lines(path), 1):
            m = UNFINISHED.search(line)
            if m and not line.lstrip().startswith("mktemp") and "XXXX" not in line:
                yield "%s:%d: %s: finish it or open an issue" % (path, n, m.group(1))


def rule_decide(tree):
    """Rule 9 of docs/architecture.md: decisions do no I/O and know no clock."""
    calls = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(DECIDE_CALLS))
    for path in tree.of("c", under="user/decide/"):
        for n, system, name in tree.includes(path):
            if name not in DECIDE_SYSTEM if system else not DECIDE_OWN.match(name):
                yield "%s:%d: decisions are pure: %s must not be included" % (path, n, name)
        for n, line in enumerate(tree.code_lines(path), 1):
            m = calls.search(line)
            if m:
                yield "%s:%d: decisions are pure: %s() must not be called" % (path, n,
                                                                              m.group(1))


def rule_wall(tree):
    for path in tree.of("c", under="user/") + tree.of("c", under="bpf/"):
        if WALL_READERS.match(path):
            continue
        for n, line in enumerate(tree.code_lines(path), 1):
            m = WALL.search(line)
            if m:
                yield "%s:%d: the wall clock may be set at any time: no %s here" % (path, n,
                                                                                    m.group(1))


def rule_bpf(tree):
    for path in tree.of("c", under="bpf/"):
        for n, system, name in tree.includes(path):
            if system and name not in BPF_SYSTEM:
                yield "%s:%d: %s: no libc or kernel header in bpf/, use vmlinux.h" % (path, n,
                                                                                     name)


def rule_sleep(tree):
    for path in tree.of("sh", "py", "c", under="tests/netns/"):
        for n, line in enumerate(tree.lines(path), 1):
            m = SLEEP.search(line)
            if m and float(m.group(1).strip(".") or 0) > POLL_STEP_S:
                yield "%s:%d: sleeps %s s: wait for a condition with a deadline" % (path, n,
                                                                                   m.group(1))


RULES = {
    "spdx": rule_spdx,
    "banned": rule_banned,
    "unfinished": rule_unfinished,
    "decide": rule_decide,
    "wall": rule_wall,
    "bpf": rule_bpf,
    "sleep": rule_sleep,
    "length": lint_form.rule_length,
    "columns": lint_form.rule_columns,
    "torn": lint_form.rule_torn,
    "strings": lint_form.rule_strings,
    "may-use": lint_deps.rule_may_use,
    "circles": lint_deps.rule_circles,
    "fan-in": lint_deps.rule_fan_in,
    "stems": lint_deps.rule_stems,
    "cited": lint_words.rule_cited,
    "repeat": lint_repeat.rule_repeat,
    "words": lint_words.rule_words,
    "commits": lint_commits.rule_commits,
}


def by_itself(names):
    """The rules that tools/lint runs when it is given none by name."""
    return [n for n in names if n not in PENDING + BY_NAME_ONLY]
