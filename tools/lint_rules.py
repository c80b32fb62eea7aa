# SPDX-License-Identifier: GPL-2.0-only
"""The rules of the house that a text search can judge.

Each rule is a function: it takes a Tree and yields one line a finding, "file:line: what is wrong".
RULES names them; tools/lint runs them and tests/lint proves that each one can fail.
"""

import ast
import os
import re

FUNCTION_LINES = 80
FILE_LINES = 800
HEADER_LINES = 3  # the SPDX line stands among these: a script's first line is its interpreter

SPDX = "SPDX-License-Identifier: GPL-2.0-only"
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "system", "alloca", "atoi")

# What decide/ may include: types, bytes and its own words; nothing that does I/O or knows the time.
DECIDE_SYSTEM = {"arpa/inet.h", "endian.h", "errno.h", "limits.h", "linux/types.h",
                 "netinet/in.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h"}
# observe_conf.h is settings alone, shared with the configuration that reads them.
DECIDE_OWN = re.compile(r"^(decide|hokm)/|^base/observe_conf\.h$")
DECIDE_CALLS = ("clock_gettime", "clock_now_ns", "time", "gettimeofday", "socket", "send",
                "sendto", "sendmsg", "recv", "recvfrom", "recvmsg", "open", "fopen", "read",
                "write", "ioctl", "printf", "fprintf", "getenv", "getrandom", "rand", "random",
                "log_debug", "log_info", "log_warn", "log_error")

# bpf/: clang's BPF target breaks on libc's headers.
BPF_SYSTEM = {"bpf/bpf_helpers.h", "bpf/bpf_endian.h", "bpf/bpf_core_read.h",
              "bpf/bpf_tracing.h"}

# Longer than this is no polling step but a guess at how long something takes.
POLL_STEP_S = 0.1

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
C_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
C_SIGNATURE = re.compile(r"^[A-Za-z_].*\)\s*$|^\s+.*\)\s*$")
SH_FUNCTION = re.compile(r"^([A-Za-z_][\w-]*)\s*\(\)")
SLEEP = re.compile(r"\bsleep[ (]+([0-9.]+)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


class Tree:
    """The source files under a folder; build/, hidden folders and links are none."""

    def __init__(self, top):
        self.top = top
        self.files = sorted(self._walk())

    def _walk(self):
        for folder, subs, names in os.walk(self.top):
            subs[:] = [s for s in subs if not s.startswith(".") and s not in
                       ("build", "__pycache__")]
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    yield os.path.relpath(path, self.top)
        if os.path.exists(os.path.join(self.top, ".ci/run")):
            yield ".ci/run"

    def read(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def kind(self, path):
        """c, sh, py, make or "" for what is no source."""
        if path.endswith((".c", ".h")):
            return "c"
        if path.endswith(".py"):
            return "py"
        if path.endswith(".sh"):
            return "sh"
        if os.path.basename(path) == "Makefile":
            return "make"
        if os.path.splitext(path)[1]:
            return ""
        head = self.read(path)[:64].split("\n", 1)[0]
        if head.startswith("#!"):
            return "py" if "python" in head else "sh"
        return ""

    def of(self, *kinds, under=""):
        return [p for p in self.files if p.startswith(under) and self.kind(p) in kinds]


def blank(match):
    """Comments and strings become spaces; lines stay where they are."""
    return re.sub(r"[^\n]", " ", match.group(0))


def code_lines(tree, path):
    return C_NOISE.sub(blank, tree.read(path)).split("\n")


def rule_spdx(tree):
    for path in tree.of("c", "sh", "py", "make") + [p for p in tree.files
                                                    if p.endswith((".service", ".clang-tidy"))]:
        if SPDX not in "\n".join(tree.read(path).split("\n")[:HEADER_LINES]):
            yield "%s:1: no line '%s' at the top" % (path, SPDX)


def rule_banned(tree):
    pattern = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
    for path in tree.of("c"):
        for n, line in enumerate(code_lines(tree, path), 1):
            m = pattern.search(line)
            if m:
                yield "%s:%d: %s() is banned" % (path, n, m.group(1))


def rule_unfinished(tree):
    for path in tree.of("c", "sh", "py", "make"):
        if path == "tools/lint_rules.py":
            continue
        for n, line in enumerate(tree.read(path).split("\n"), 1):
            m = UNFINISHED.search(line)
            if m and not line.lstrip().startswith("mktemp") and "XXXX" not in line:
                yield "%s:%d: %s: finish it or open an issue" % (path, n, m.group(1))


def c_functions(lines):
    """(name line, lines) of each function: its brace stands alone in the first column."""
    start = None
    for n, line in enumerate(lines, 1):
        if line.rstrip() == "{" and n > 1 and C_SIGNATURE.match(lines[n - 2]):
            start = n
        elif line.startswith("}") and start:
            yield start - 1, n - start + 1
            start = None


def sh_functions(lines):
    start = None
    for n, line in enumerate(lines, 1):
        if SH_FUNCTION.match(line) and not line.rstrip().endswith("}"):
            start = n
        elif line.startswith(("}", ")")) and start:
            yield start, n - start + 1
            start = None


def py_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def rule_length(tree):
    for path in tree.of("c", "sh", "py"):
        text, kind = tree.read(path), tree.kind(path)
        lines = text.split("\n")
        if len(lines) > FILE_LINES:
            yield "%s:1: %d lines, %d is the limit" % (path, len(lines), FILE_LINES)
        found = (c_functions(lines) if kind == "c" else sh_functions(lines) if kind == "sh"
                 else py_functions(text))
        for n, size in found:
            if size > FUNCTION_LINES:
                yield "%s:%d: a function of %d lines, %d is the limit" % (path, n, size,
                                                                          FUNCTION_LINES)


def includes(tree, path):
    for n, line in enumerate(tree.read(path).split("\n"), 1):
        m = INCLUDE.match(line)
        if m:
            yield n, m.group(1) == "<", m.group(2)


def rule_decide(tree):
    """DESIGN section 3, rule 9: decisions do no I/O and know no clock."""
    calls = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(DECIDE_CALLS))
    for path in tree.of("c", under="user/decide/"):
        for n, system, name in includes(tree, path):
            if name not in DECIDE_SYSTEM if system else not DECIDE_OWN.match(name):
                yield "%s:%d: decisions are pure: %s must not be included" % (path, n, name)
        for n, line in enumerate(code_lines(tree, path), 1):
            m = calls.search(line)
            if m:
                yield "%s:%d: decisions are pure: %s() must not be called" % (path, n,
                                                                              m.group(1))


def rule_bpf(tree):
    for path in tree.of("c", under="bpf/"):
        for n, system, name in includes(tree, path):
            if system and name not in BPF_SYSTEM:
                yield "%s:%d: %s: no libc or kernel header in bpf/, use vmlinux.h" % (path, n,
                                                                                     name)


def rule_sleep(tree):
    for path in tree.of("sh", "py", "c", under="tests/netns/"):
        for n, line in enumerate(tree.read(path).split("\n"), 1):
            m = SLEEP.search(line)
            if m and float(m.group(1).strip(".") or 0) > POLL_STEP_S:
                yield "%s:%d: sleeps %s s: wait for a condition with a deadline" % (path, n,
                                                                                   m.group(1))


RULES = {
    "spdx": rule_spdx,
    "banned": rule_banned,
    "unfinished": rule_unfinished,
    "length": rule_length,
    "decide": rule_decide,
    "bpf": rule_bpf,
    "sleep": rule_sleep,
}
