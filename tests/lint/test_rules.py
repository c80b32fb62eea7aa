#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Proves that each rule of the lint can fail: a tree with one sin is refused, without it it passes."""

import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAG = "/* SPDX-License-Identifier: GPL-2.0-only */\n"
SHTAG = "#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0-only\n"
LONG_BODY = "".join("\ta++;\n" for _ in range(90))
MAIN = TAG + "int main(void)\n{\n%s\treturn 0;\n}\n"
BPF = {"bpf/hokm.bpf.c": TAG + "int x = 1;\n"}

# Rule, what is wrong, the file, its text when bad, its text when good, words of the finding.
CASES = [
    ("spdx", "C without licence", "user/a.c", "int a;\n", TAG + "int a;\n", "no line"),
    ("spdx", "script without licence", "tools/a", "#!/bin/bash\ntrue\n", SHTAG + "true\n",
     "no line"),
    ("banned", "a banned call", "user/a.c", TAG + "\tstrcpy(a, b);\n",
     TAG + "\t/* strcpy(a, b) */ x->system(1); f(\"atoi(\");\n", "strcpy() is banned"),
    ("unfinished", "unfinished work", "user/a.c", TAG + "/* TO" + "DO */\n", TAG, "finish it"),
    ("length", "a long C function", "user/a.c", TAG + "void f(void)\n{\n" + LONG_BODY + "}\n",
     TAG + "void f(void)\n{\n\ta++;\n}\n", "a function of"),
    ("length", "a long shell function", "tools/a.sh", SHTAG + "f()\n{\n" + LONG_BODY + "}\n",
     SHTAG + "f()\n{\n\ttrue\n}\n", "a function of"),
    ("length", "a long Python function", "tools/a.py",
     SHTAG + "def f():\n" + "    a = 1\n" * 90, SHTAG + "def f():\n    a = 1\n", "a function of"),
    ("length", "a long file", "user/a.c", TAG + "int a;\n" * 900, TAG, "lines, 800"),
    ("decide", "I/O header in a decision", "user/decide/a.c", TAG + "#include <sys/socket.h>\n",
     TAG + '#include <stdint.h>\n#include "decide/a.h"\n', "sys/socket.h must not"),
    ("decide", "libbpf in a decision", "user/decide/a.h", TAG + "#include <bpf/libbpf.h>\n", TAG,
     "bpf/libbpf.h must not"),
    ("decide", "another part in a decision", "user/decide/a.c", TAG + '#include "act/vip.h"\n',
     TAG, "act/vip.h must not"),
    ("decide", "the clock in a decision", "user/decide/a.c", TAG + "\tx = clock_now_ns();\n",
     TAG + "\t/* clock_now_ns() */\n", "clock_now_ns() must not"),
    ("bpf", "libc in a BPF program", "bpf/a.h", TAG + "#include <string.h>\n",
     TAG + "#include <bpf/bpf_helpers.h>\n", "no libc"),
    ("sleep", "a guess at a time", "tests/netns/a.sh", SHTAG + "sleep 2\n",
     SHTAG + "sleep 0.02\n", "wait for a condition"),
    ("format", "bad form", "user/a.c", TAG + "int  a ;\n", TAG + "int a;\n", "clang-format"),
    ("shellcheck", "an unquoted path", "tools/a.sh", SHTAG + "cd $1\nrm -rf $x/*\n",
     SHTAG + "echo ok\n", "SC2"),
    ("cppcheck", "an index out of bounds", "user/a.c",
     TAG + "int f(void)\n{\n\tint a[2] = {0};\n\n\treturn a[2];\n}\n", TAG + "int a;\n",
     "out of bounds"),
    ("tidy", "a null pointer read", "user/a.c",
     TAG + "int f(int x);\nint f(int x)\n{\n\tint *p = 0;\n\n\tif (x)\n\t\tp = &x;\n"
     "\treturn *p;\n}\n", TAG + "int a;\n", "Dereference of null pointer"),
    ("gcc", "a gcc warning", "user/main.c", MAIN % "\tint unused;\n\n", MAIN % "", "unused"),
    ("clang", "a clang warning", "user/main.c", MAIN % "\tint unused;\n\n", MAIN % "", "unused"),
]


def lint(rule, path, text):
    """Exit status and output of one rule over a tree that has one file of ours."""
    with tempfile.TemporaryDirectory() as top:
        for name in (".clang-format", ".clang-tidy", "Makefile"):
            shutil.copy(os.path.join(TOP, name), top)
        files = dict(BPF if rule in ("gcc", "clang") else {}, **{path: text})
        for name, content in files.items():
            os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(top, name), "w", encoding="utf-8") as f:
                f.write(content)
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "B")}
        done = subprocess.run([os.path.join(TOP, "tools/lint"), "--top", top, rule], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def main():
    failed = 0
    for rule, name, path, bad, good, words in CASES:
        bad_status, bad_out = lint(rule, path, bad)
        good_status, good_out = lint(rule, path, good)
        if bad_status != 1 or words not in bad_out:
            print("passed by rule %s: %s\n%s" % (rule, name, bad_out))
        elif good_status != 0:
            print("refused by rule %s without %s\n%s" % (rule, name, good_out))
        else:
            print("ok rule %s finds %s" % (rule, name))
            continue
        print("not ok rule %s finds %s" % (rule, name))
        failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
