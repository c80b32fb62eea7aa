#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# lane: beside
"""Proves that the pages are true: links, names, configuration, commands and the shape of outputs.

  tests/docs/test_pages.py            compares; one line "ok ..." or "not ok ..." a check
  tests/docs/test_pages.py --update   writes outputs and generated tables into the pages instead

Commands that need a lab run in one (stages.sh) and are skipped for other users than root.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import names  # noqa: E402  (needs the path above)
import pages  # noqa: E402

STAGES = ("steady", "frozen", "failover", "moved", "drain")
HOST_TIMEOUT_S = 60
# Commands that only look. On a busy machine a pulse may be late just then: they look again.
LOOKS = re.compile(r"hokm-xdp ctl (status|conns|counters|events)\b(?!.* kill)")
LOOK_AGAIN = 20


def run_here(command, env=None):
    """Lines of output of a command in the top folder."""
    path = os.path.join(TOP, "build") + ":" + os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(["bash", "-c", command], cwd=TOP, check=False, timeout=HOST_TIMEOUT_S,
                          env=dict(os.environ, PATH=path, LC_ALL="C.UTF-8", **(env or {})),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8", "replace").rstrip("\n").split("\n")


class Lab:
    """stages.sh as a process that answers."""

    def __init__(self):
        self.proc = subprocess.Popen([os.path.join(HERE, "stages.sh")], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TOP)

    def ask(self, line):
        """Lines of the answer; raises when it is cut short."""
        self.proc.stdin.write((line + "\n").encode())
        self.proc.stdin.flush()
        lines = []
        for raw in self.proc.stdout:
            text = raw.decode("utf-8", "replace").rstrip("\n")
            if text.startswith("=== "):
                return lines
            lines.append(text)
        raise RuntimeError("the lab ended: " + "\n".join(lines[-20:]))

    def close(self):
        """True when it was taken down and left nothing."""
        self.proc.stdin.close()
        rest = self.proc.stdout.read().decode("utf-8", "replace")
        self.proc.stdout.close()
        if self.proc.wait() != 0:
            print(rest)
        return self.proc.returncode == 0


def outputs_of(block, run):
    """[(command line, lines of output)], from running each command of the block."""
    found = []
    for line, shown in block.commands():
        command = pages.COMMAND.match(line).group(1)
        real = run(command)
        for _ in range(LOOK_AGAIN if LOOKS.match(command) else 0):
            if not pages.missing(shown, real):
                break
            time.sleep(0.1)
            real = run(command)
        found.append((line, real))
    return found


def run_host_blocks(all_blocks):
    for block in all_blocks:
        if block.stage() == "host":
            yield block, outputs_of(block, run_here)


def run_own_labs(all_blocks):
    """Commands that make a lab by hand: under a name of their own, shown as the usual one."""
    name = "hxdocs%d" % os.getpid()
    for block in all_blocks:
        if block.stage() == "lab":
            yield block, outputs_of(block, lambda command: [
                line.replace(name, "hxlab") for line in run_here(command, {"LAB_ID": name})])


def run_stages(all_blocks, lab):
    for stage in STAGES:
        wanted = [b for b in all_blocks if b.stage() == stage]
        for line in lab.ask("stage " + stage) if wanted else []:
            if line.startswith("not ok"):
                raise RuntimeError("stage %s: %s" % (stage, line))
        for block in wanted:
            yield block, outputs_of(block, lambda command, b=block: lab.ask(
                "run %s %s" % (b.node(), command)))


def compare(block, outputs):
    """What is on the page and was not in the output."""
    for (line, shown), (_, real) in zip(block.commands(), outputs):
        words = pages.missing(shown, real)
        if words:
            yield "%s: `%s` printed no line like: %s" % (block.where(), line[2:], words)
        if not shown and any(real):
            yield "%s: `%s` has no output on the page" % (block.where(), line[2:])


def as_lines(block, outputs):
    """The block with new outputs."""
    lines, head = [], block.head()
    for line, real in outputs:
        lines.append(line)
        lines += [r.rstrip() for r in (real[:head] if head else real) if r.strip() or not head]
        if head and len(real) > head:
            lines.append(pages.MORE)
    return lines


class Judge:
    """Counts and prints."""

    def __init__(self):
        self.failed = False

    def check(self, words, findings):
        findings = list(findings)
        for line in findings:
            print(line)
        print("%s %s" % ("not ok" if findings else "ok", words), flush=True)
        self.failed |= bool(findings)


def run_all(all_blocks):
    """(block, outputs) of all that can be run here."""
    yield from run_host_blocks(all_blocks)
    if os.geteuid() != 0:
        print("skip commands of the lab: not root")
        return
    yield from run_own_labs(all_blocks)
    lab = Lab()
    try:
        yield from run_stages(all_blocks, lab)
    finally:
        if not lab.close():
            raise RuntimeError("the lab failed or left something behind")


def update(all_pages):
    for page in all_pages:
        names.write_tables(TOP, page)
    all_pages = pages.read_all(TOP)
    new = {}
    for block, outputs in run_all([b for p in all_pages for b in p.blocks]):
        new[id(block)] = as_lines(block, outputs)
    for page in all_pages:
        page.write(new)


def main():
    all_pages = pages.read_all(TOP)
    if sys.argv[1:] == ["--update"]:
        update(all_pages)
        return 0
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        known = names.Known(TOP, run_here, folder)
        for words, check in names.CHECKS:
            judge.check(words, (f for page in all_pages for f in check(known, page)))
    judge.check("README names every page", names.unnamed_pages(all_pages))
    try:
        for block, outputs in run_all([b for p in all_pages for b in p.blocks]):
            judge.check("%s %s" % (block.where(), block.words), compare(block, outputs))
    except (RuntimeError, subprocess.TimeoutExpired) as e:
        judge.check("the commands could be run", [str(e)])
    return 1 if judge.failed else 0


if __name__ == "__main__":
    sys.exit(main())
