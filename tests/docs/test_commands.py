#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Proves that help, man pages, completion and parsing of each command agree, and that the man pages
are clean."""

import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, "build", "hokm-xdp")
PAGES = ("hokm-xdp.8", "hokm-xdp-ctl.8", "hokm-xdp.conf.5")
# "  -c, --config FILE   text", "      --json   text"
OPTION = re.compile(r"^  (?:-(\w), |    )--([a-z-]+)(?: ([A-Z]+)(?= |$))?(?: .*)?$", re.M)
COMMAND = re.compile(r"^  ([a-z][a-z-]*) ", re.M)
# A value for an option whose value is checked while the line is read.
VALUES = {"timeout": "1s", "status": "200", "port": "1", "peer-priority": "1", "self": "10.0.0.1",
          "peer": "10.0.0.2", "vip": "10.0.0.3", "witness": "10.0.0.4", "gateway": "10.0.0.5",
          "limit": "1", "recent": "1",
          "within": "1s", "watch": "1s", "players": "1",
          "settled": "1s", "rest": "1s"}

failed = 0


def report(name, wrong):
    """One line for a check; `wrong` has its findings."""
    global failed
    for line in wrong:
        print("#", line)
    failed += bool(wrong)
    print("not ok" if wrong else "ok", name)


def run(*words):
    done = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def plain(roff):
    return re.sub(r"\\f[BIR]", "", roff).replace("\\-", "-")


def section(page, title):
    """The text under `.SS title`."""
    m = re.search(r"^\.SS %s\b.*?$(.*?)(?=^\.S[SH] |\Z)" % re.escape(title), page, re.M | re.S)
    return m.group(1) if m else None


def options_of(words):
    code, text, _ = run(*words, "--help")
    if code:
        return None
    return [(m.group(1), m.group(2), m.group(3)) for m in OPTION.finditer(text)]


def parser_takes(words, options):
    """Findings of the parser: it takes each form of all options, and goes on to --help."""
    apart, joined, short = [], [], []
    for letter, name, value in options:
        given = [VALUES.get(name, "x")] if value else []
        apart += ["--" + name] + given
        joined += ["--" + "=".join([name] + given)]
        short += ["-" + letter] + given if letter else []
    # Unit tests read every form of a line of ctl.
    for form in (apart, joined + short) if words[0] != "ctl" else (apart,):
        code, out, errors = run(*words, *form, "--help")
        if code or "usage: " not in out:
            yield "%s %s --help: %s" % (" ".join(words), " ".join(form), errors)


def check(words, page, title, common=()):
    """Findings of one command. `common` are the options that its page has elsewhere."""
    options = options_of(words)
    if not options:
        return ["%s --help shows no options" % " ".join(words)]
    text = section(page, title)
    if text is None:
        return ["the man page has no section %s" % title]
    wrong = []
    names = {name for _, name, _ in options}
    in_page = set(re.findall(r"^(?:-\w, )?--([a-z-]+)", text, re.M))
    if in_page | {"help"} | set(common) != names | {"help"} | set(common):
        wrong.append("man page: %s, help: %s" % (sorted(in_page), sorted(names)))
    completed = run("complete", *words, "")[1].split()
    if {w[2:] for w in completed if w.startswith("--")} != names:
        wrong.append("completion: %s, help: %s" % (completed, sorted(names)))
    wrong += parser_takes(words, [o for o in options if o[1] != "help"])
    code, _, errors = (1, "", "--no-such-option") if common else run(*words, "--no-such-option")
    if not code or "--no-such-option" not in errors:
        wrong.append("an option that does not exist is taken")
    return wrong


def page_is_clean(path):
    wrong = []
    for argv in (["mandoc", "-Tlint", "-Wwarning", path],
                 ["groff", "-man", "-Tutf8", "-ww", "-z", path]):
        try:
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False)
        except FileNotFoundError:
            if argv[0] == "mandoc":
                wrong.append("mandoc is not installed: tools/install-deps test")
            continue
        # The pages have the version of the program in place of a date.
        wrong += [line for line in done.stdout.decode().splitlines() if "missing date" not in line]
    return wrong


def main():
    pages = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in PAGES:
            path = os.path.join(folder, name)
            done = subprocess.run([os.path.join(TOP, "tools/packaging/man"), PROGRAM, name],
                                  stdout=subprocess.PIPE, check=True)
            with open(path, "wb") as f:
                f.write(done.stdout)
            pages[name] = plain(done.stdout.decode())
            report("the page %s is clean" % name, page_is_clean(path))
    commands = COMMAND.findall(run("--help")[1])
    listed = re.findall(r"^\.SS ([a-z-]+)", pages["hokm-xdp.8"], re.M)
    completed = [w for w in run("complete", "")[1].split() if not w.startswith("-")]
    report("help, man page and completion list the same commands",
           [] if commands and commands == listed == completed
           else ["%s, %s, %s" % (commands, listed, completed)])
    for command in commands:
        if command != "ctl":
            report(command, check([command], pages["hokm-xdp.8"], command))
    report("help COMMAND, help ctl VERB: the same as with --help",
           [w for w in commands + ["ctl drain"]
            if run("help", *w.split())[:2] != (0, run(*w.split(), "--help")[1])])
    report("help of help: the usage",
           [w for w in ("help", "--help", "-h")
            if run("help", w)[:2] != (0, run("--help")[1])])
    common = [name for _, name, _ in options_of(["ctl"])]
    verbs = [w for w in run("complete", "ctl", "")[1].split() if not w.startswith("-")]
    report("ctl: the page lists the verbs that completion has",
           [] if verbs and verbs == re.findall(r"^\.SS ctl ([a-z-]+)", pages["hokm-xdp-ctl.8"],
                                               re.M) else [" ".join(verbs)])
    for verb in verbs:
        report("ctl " + verb, check(["ctl", verb], pages["hokm-xdp-ctl.8"], "ctl " + verb, common))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
