#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Proves that each rule of the lint can fail.

Each rule refuses a tree with one fault and passes the same tree without it. The rules that start
other tools, and some others, run by the command tools/lint. The rest run by its main() in this
process, because to start the command takes most of the time of such a rule.
"""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TAG = "/* SPDX-License-Identifier: GPL-2.0-only */\n"
SHTAG = "#!/bin/bash\n# SPDX-License-Identifier: GPL-2.0-only\n"
LONG_BODY = "\ta++;\n" * 70
MAIN = TAG + "int main(void)\n{\n%s\treturn 0;\n}\n"
BPF = {"bpf/hokm.bpf.c": TAG + "int x = 1;\n"}
FUNCTION = "void %s(void)\n{\n%s}\n"
PAGE = "docs/architecture.md"
TABLE = """# Architecture
## May use
| folder | may use |
| --- | --- |
| `user/a` | nothing |
| `user/b` | `user/a` |
| `bpf` | `include/hokm` |
| `user/main.c` | `user/b` |
| `include/hokm` | |
"""
HOUSE = {PAGE: TABLE, "user/a/a.h": TAG, "user/b/b.h": TAG, "bpf/bpf.h": TAG,
         "include/hokm/h.h": TAG, "user/main.c": TAG}
NUMBERED = "## Rules that never break\n1. **One.** Words.\n2. **Two.** Words.\n## Rest\n3. Three.\n"
STATE = {"user/d/d.h": TAG + "struct daemon {\n\tint a;\n};\n"}
SIX = "".join("\tif (f(%d))\n" % i for i in range(6))
ROWS = "\n".join("\t{%d}," % i for i in range(9)) + "\n"

# Files of this repository that a rule needs.
SETTINGS = {"format": [".clang-format"], "tidy": [".clang-tidy"], "gcc": ["Makefile"],
            "clang": ["Makefile"]}

# Rules that run by the command: those that need other tools, and two that need none.
BY_COMMAND = ("format", "shellcheck", "cppcheck", "tidy", "gcc", "clang", "spdx", "bpf")

# Rule, what is wrong, the file, its text when bad, its text when good, words of the finding. A rule
# about several files has None for the file, and in place of texts {file: text}.
CASES = [
    ("spdx", "C without licence", "user/a.c", "int a;\n", TAG + "int a;\n", "no line"),
    ("spdx", "script without licence", "tools/a", "#!/bin/bash\ntrue\n", SHTAG + "true\n",
     "no line"),
    ("banned", "a banned call", "user/a.c", TAG + "\tstrcpy(a, b);\n",
     TAG + "\t/* strcpy(a, b) */ x->system(1); f(\"atoi(\");\n", "strcpy() is banned"),
    ("banned", "a call of the loop that may take long", "user/daemon/a.c",
     TAG + "\tgateway_find(a, b);\n", TAG, "gateway_find() is banned"),
    ("unfinished", "unfinished work", "user/a.c", TAG + "/* TO" + "DO */\n", TAG, "finish it"),
    ("length", "a long C function", "user/a.c", TAG + "void f(void)\n{\n" + LONG_BODY + "}\n",
     TAG + "void f(void)\n{\n\ta++;\n}\n", "a function of"),
    ("length", "a long shell function", "tools/a.sh", SHTAG + "f()\n{\n" + LONG_BODY + "}\n",
     SHTAG + "f()\n{\n\ttrue\n}\n", "a function of"),
    ("length", "a long Python function", "tools/a.py",
     SHTAG + "def f():\n" + "    a = 1\n" * 70, SHTAG + "def f():\n    a = 1\n", "a function of"),
    ("length", "a long file", "user/a.c", TAG + "int a;\n" * 600,
     TAG + "int a;\n" * 599, "601 lines, 600"),
    ("length", "long functions everywhere", "user/a.c",
     TAG + 3 * (FUNCTION % ("f", 20 * "\ta++;\n")),
     TAG + 3 * (FUNCTION % ("f", "\ta++;\n")), "the median C function has 22"),
    ("columns", "a wide line", "tools/a.sh", SHTAG + "\t" * 12 + "abcde\n",
     SHTAG + "\t" * 12 + "abc\u2026\n", "101 columns"),
    ("torn", "a comment whose end stands alone", "user/a.c", TAG + "\t/* c\n\t */\n",
     TAG + "/*\n * b\n */\n/* c */\n", "user/a.c:2: the end of this comment"),
    ("torn", "a type without its name", "user/a.c", TAG + "static const struct a\n\t*b[2];\n",
     TAG + "static const struct a *b[2] = {\n\tNULL,\n};\n", "stands on the next line"),
    ("strings", "a string cut in a phrase", "user/a.c",
     TAG + 'char *a = "this is cut "\n\t"here";\n',
     TAG + 'char *a = "whole, "\n\t"whole.\\n"\n\t"a  "\n\t"b", *b = "c ";\n',
     "middle of a phrase"),
    ("strings", "a long string without a clause", "user/a.c",
     TAG + 'char *a = "one and "\n\t"two";\n',
     TAG + 'char *a = "one "\n\t"and two", *b = "A sentence. A "\n\t"second one.";\n',
     "middle of a phrase"),
    ("may-use", "no table", None, {"user/a/x.c": TAG}, HOUSE, "no table below"),
    ("may-use", "a folder without a row", None, dict(HOUSE, **{"user/e/x.c": TAG}),
     dict(HOUSE, **{"user/e/x.c": TAG, PAGE: TABLE + "| `user/e` | nothing |\n"}),
     "user/e has no row"),
    ("may-use", "a row without a folder", None,
     dict(HOUSE, **{PAGE: TABLE + "| `user/e` | `user/a` |\n"}), HOUSE,
     "names user/e, which is not there"),
    ("may-use", "an arrow upward", None,
     dict(HOUSE, **{"user/a/x.c": TAG + '#include "b/b.h"\n'}),
     dict(HOUSE, **{"user/b/x.c": TAG + '#include <b/x.h>\n#include "a/a.h"\n'}),
     "user/a may not use user/b (b/b.h)"),
    ("may-use", "an include from the own folder", None,
     dict(HOUSE, **{"user/a/x.c": TAG + '#include "../../bpf/bpf.h"\n'}),
     dict(HOUSE, **{"include/hokm/y.h": TAG, "bpf/x.h": TAG + '#include "bpf.h"\n'
                    '#include "hokm/y.h"\n'}), "user/a may not use bpf"),
    ("may-use", "an arrow upward from include/", None,
     dict(HOUSE, **{"include/hokm/y.h": TAG + '#include "a/a.h"\n'}),
     dict(HOUSE, **{"include/hokm/y.h": TAG + '#include "hokm/h.h"\n'}),
     "include/hokm may not use user/a"),
    ("may-use", "a row of one file", None,
     dict(HOUSE, **{"user/other.c": TAG + '#include "b/b.h"\n'}),
     dict(HOUSE, **{"user/main.c": TAG + '#include "b/b.h"\n'}), "user has no row"),
    ("may-use", "a circle in the table", None,
     dict(HOUSE, **{PAGE: TABLE.replace("nothing", "`user/b`")}), HOUSE, "may use each other"),
    ("circles", "two folders that call each other", None,
     {"user/a/x.c": TAG + FUNCTION % ("x1", "\ty1();\n"),
      "user/b/y.c": TAG + FUNCTION % ("y1", "\tx1();\n")},
     {"user/a/x.c": TAG + FUNCTION % ("x1", "\ty1();\n"),
      "user/b/y.c": TAG + FUNCTION % ("y1", "\t/* x1() */ f(\"x1()\");\n")},
     "user/a/x -> user/b/y -> user/a/x (user/a/x.c:4 calls y1(); user/b/y.c:4 calls x1())"),
    ("circles", "a circle by include and call", None,
     {"user/a/x.h": TAG + '#include "a/y.h"\n', "user/a/x.c": TAG + FUNCTION % ("x1", ""),
      "user/a/y.h": TAG, "user/a/y.c": TAG + FUNCTION % ("y1", "\tx1();\n")},
     {"user/a/x.h": TAG + '#include "a/y.h"\n', "user/a/x.c": TAG + FUNCTION % ("x1", ""),
      "user/a/y.h": TAG, "user/a/y.c": TAG + "static " + FUNCTION % ("x1", "") +
      FUNCTION % ("y1", "\tx1();\n")}, "user/a/x.h:2 includes a/y.h"),
    ("circles", "a circle through a third concern", None,
     {"user/a/x.c": TAG + FUNCTION % ("x1", "\tx2();\n"),
      "user/a/x_two.c": TAG + FUNCTION % ("x2", "\ty1();\n"),
      "user/a/y.c": TAG + FUNCTION % ("y1", "\tx1();\n")},
     {"user/a/x.c": TAG + FUNCTION % ("x1", "\tx2();\n\ty1();\n"),
      "user/a/x_two.c": TAG + FUNCTION % ("x2", "\tx1();\n"),
      "user/a/y.c": TAG + FUNCTION % ("y1", "")},
     "user/a/x_two -> user/a/y -> user/a/x -> user/a/x_two"),
    ("fan-in", "a header that all include", None,
     dict({"user/d/%d.c" % i: TAG + '#include "d/d.h"\n' for i in range(10)}, **STATE),
     dict({"user/d/%d.c" % i: TAG + '#include "d/d.h"\n' for i in range(9)}, **STATE),
     "10 files include it"),
    ("stems", "two files with one stem", None, {"user/a/x.c": TAG, "user/b/x.h": TAG},
     {"user/a/x.c": TAG, "user/a/x.h": TAG, "user/a/y.c": TAG, "include/hokm/y.h": TAG},
     "has the same stem"),
    ("stems", "one stem in bpf/ and include/", None, {"include/hokm/x.h": TAG, "bpf/x.h": TAG},
     {"include/hokm/x.h": TAG, "tests/bpf/x.h": TAG}, "has the same stem"),
    ("cited", "a rule that is not there", None,
     {PAGE: NUMBERED, "user/a.c": TAG + "/* rules 1 and 3 */\n"},
     {PAGE: NUMBERED, "user/a.c": TAG + "/* rules 1 and 2 */\n"}, "no rule 3"),
    ("cited", "a page that is not ours", "user/a.c", TAG + "/* DES" + "IGN, section 4 */\n", TAG,
     "no page of this repository"),
    ("repeat", "six like lines", None,
     {"user/a.c": TAG + SIX, "bpf/b.h": TAG + "int z;\n" + SIX.replace("\t", "  ")},
     {"user/a.c": TAG + SIX, "bpf/b.h": TAG + SIX.replace("f(3)", "g(3)"),
      "tests/c.c": TAG + SIX}, "user/a.c:2: 6 lines stand in bpf/b.h:3"),
    ("repeat", "repetition in scripts", None,
     {"tools/a": SHTAG + SIX, "tools/b": SHTAG + SIX},
     {"tools/a": SHTAG + ROWS, "tools/b": SHTAG + ROWS}, "6 lines stand in"),
    ("words", "a riddle in a comment", "user/a.c", TAG + "/* The peer was told\n * of it. */\n",
     TAG + "/* The daemon notified the client. */\nint told;\n", '"told": better: notified'),
    ("words", "a phrase over two lines", "user/a.c", TAG + "/*\n * It says\n * so. */\n",
     TAG + "/* It says: so what. A long-lived one, 2 in step 3. */\n", '"says so": better'),
    ("words", "a riddle in a message", "user/a.c", TAG + 'char *a = "the server hung";\n',
     TAG + 'char *a = "event game-hung, tests/test_hung.sh";\n', '"hung": better'),
    ("words", "a riddle in a page", "docs/a.md", "Who had been dead is dead.\n",
     "A peer that was dead stays dead. Who may connect?\n", "name the subject"),
    ("decide", "I/O header in a decision", "user/decide/a.c", TAG + "#include <sys/socket.h>\n",
     TAG + '#include <stdint.h>\n#include "decide/a.h"\n', "sys/socket.h must not"),
    ("decide", "libbpf in a decision", "user/decide/a.h", TAG + "#include <bpf/libbpf.h>\n", TAG,
     "bpf/libbpf.h must not"),
    ("decide", "another part in a decision", "user/decide/a.c", TAG + '#include "act/vip.h"\n',
     TAG, "act/vip.h must not"),
    ("decide", "the clock in a decision", "user/decide/a.c", TAG + "\tx = clock_now_ns();\n",
     TAG + "\t/* clock_now_ns() */\n", "clock_now_ns() must not"),
    ("wall", "a clock that operators set", "user/daemon/a.c",
     TAG + "\tclock_gettime(CLOCK_REALTIME, &t);\n",
     TAG + "\tclock_gettime(CLOCK_BOOTTIME, &t); /* not CLOCK_REALTIME */\n", "no CLOCK_REALTIME"),
    ("wall", "a wait that ends by the wall clock", "user/act/a.c",
     TAG + "\tpthread_cond_timedwait(&c, &m, &t);\n", TAG + "\tuptime(&t);\n",
     "no pthread_cond_timedwait here"),
    ("wall", "the time that people read", "user/daemon/grants.c", TAG + "\tx = time(NULL);\n",
     {"user/daemon/dns_report.c": TAG + "\tx = time(NULL);\n"}, "no time here"),
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


def command():
    """The module that tools/lint is."""
    loader = importlib.machinery.SourceFileLoader("lint_command", os.path.join(TOP, "tools/lint"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


LINT = command()


def write_tree(top, rule, path, text):
    """The files of a case, and those of this repository that the rule needs."""
    for name in SETTINGS.get(rule, ()):
        shutil.copy(os.path.join(TOP, name), top)
    files = dict(BPF) if rule in ("gcc", "clang") else {}
    files.update(text if isinstance(text, dict) else {path: text})
    for name, content in files.items():
        os.makedirs(os.path.join(top, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(top, name), "w", encoding="utf-8") as f:
            f.write(content)


def lint_by_command(argv):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "B")}
    done = subprocess.run([os.path.join(TOP, "tools/lint")] + argv, check=False, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def lint_here(argv):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = LINT.main(argv)
    return status, out.getvalue()


def lint(rule, path, text):
    """Exit status and output of one rule over a tree with one file, or with {file: text}."""
    with tempfile.TemporaryDirectory() as top:
        write_tree(top, rule, path, text)
        run = lint_by_command if rule in BY_COMMAND else lint_here
        return run(["--top", top, rule])


def commit(top, subject, lines, body=""):
    """Adds a commit to the repository in top, which is made when it is not there."""
    git = ["git", "-C", top, "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
    if not os.path.exists(os.path.join(top, ".git")):
        subprocess.run(["git", "init", "-q", "-b", "main", top], check=True, env=env)
    with open(os.path.join(top, "a"), "a", encoding="utf-8") as f:
        f.write("a\n" * lines)
    subprocess.run(git + ["add", "a"], check=True, env=env)
    subprocess.run(git + ["commit", "-q", "-m", subject, "-m", body], check=True, env=env)


def commits_are_judged():
    """True when the rule `commits` refuses each bad message and passes a good one."""
    cases = [("area: " + "x" * 70, 1, "", "columns"), ("No area", 1, "", "not of the form"),
             ("area: what", 30, "", "without a reason"), ("a: b", 1, "y" * 91, "lines over"),
             ("area: what", 30, "Cause, effect, proof.", "")]
    for subject, lines, body, words in cases:
        with tempfile.TemporaryDirectory() as top:
            commit(top, "start: here", 1)
            commit(top, subject, lines, body)
            done = subprocess.run([os.path.join(TOP, "tools/lint"), "--top", top, "commits"],
                                  env=dict(os.environ, LINT_RANGE="HEAD~1..HEAD"), check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = done.stdout.decode("utf-8", "replace")
        if done.returncode != bool(words) or words not in text:
            print("judged wrongly by rule commits: %s\n%s" % (subject, text))
            return False
    return True


def main():
    failed = not commits_are_judged()
    print("%s rule commits finds bad messages" % ("not ok" if failed else "ok"))
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
