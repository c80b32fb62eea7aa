#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads all outputs of one node's status again and again, and compares those of one revision.

  views.py serve QUESTIONS ANSWERS TURN

A question is a line of fields, separated by tabs:

  open NETNS URL SOCKET HOKM FOLDER   begins to read; FOLDER is for the browser's files
  phase WORD                          what is read from now on belongs to this phase
  reached REVISION                    "yes" when each output has shown this revision or a later one
  pairs PHASE                         the smallest number of pairs that an output has in this phase
  report                              what differed, or "same", and the pairs of each, as JSON

The daemon's own reply is what the others are compared with: `ctl status` as text and as JSON, the
screen of `top`, the status page, /metrics and /api/status. Each shows the revision of the state
that it was made from, the text of `ctl status` aside: that one is taken when the daemon says the
same revision before and after it. A pair is an output and a reply of the same revision.
"""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stub"))
import ask  # noqa: E402  (needs the path above)
import browser  # noqa: E402
import helper  # noqa: E402
from page import SHOWN  # noqa: E402

OUTPUTS = ("text", "json", "top", "page", "metrics", "api")
PATIENCE_S = 10
PAUSE_S = 0.02
ROWS, COLUMNS = 24, 80
QUIET_S = 0.03  # ncurses writes a screen at once


def of_peer(p):
    return [p["name"], p["pulsing"], p["daemon_fresh"], p["state"], p["priority"],
            p["services_up"], p["lease_left_ms"] not in (None, 0), (p["replica"] or {}).get(
                "connections")]


def facts(s):
    """What two replies of the same revision must agree on."""
    return [s[k] for k in ("state", "reason", "owner", "epoch", "priority", "players", "panic",
                           "drain", "maint", "standby", "successor", "missing")] + [
        [v["name"], v["state"], v["reason"], v["players"],
         [[c["kind"], c["known"], c["up"], c["reason"]] for c in v["checks"]]]
        for v in s["services"]] + [of_peer(p) for p in s["peers"]]


class Screen:
    """A terminal of 24 rows, as far as the terminal vt100 and this program need one."""

    def __init__(self):
        self.rows = [[" "] * COLUMNS for _ in range(ROWS)]
        self.y = self.x = 0
        self.top, self.end = 0, ROWS  # of the region that scrolls

    def scroll(self, away, empty):
        """One row leaves the region, and an empty one comes in."""
        self.rows.insert(empty, self.rows.pop(away))
        self.erase(empty, 0, COLUMNS)

    def up(self):
        if self.y == self.top:
            self.scroll(self.end - 1, self.top)
        else:
            self.y -= 1

    def down(self):
        if self.y == self.end - 1:
            self.scroll(self.top, self.end - 1)
        else:
            self.y += 1

    def erase(self, y, begin, end):
        self.rows[y][begin:end] = [" "] * (end - begin)

    def control(self, numbers, letter):
        n = [int(v) if v.isdigit() else 0 for v in numbers.split(";")]
        if letter in "Hf":
            self.y, self.x = max(n[0], 1) - 1, max(n[1] if len(n) > 1 else 1, 1) - 1
        elif letter in "ABCD":
            y, x = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[letter]
            self.y, self.x = self.y + y * max(n[0], 1), self.x + x * max(n[0], 1)
        elif letter == "K":
            begin = 0 if n[0] else self.x
            self.erase(self.y, begin, self.x + 1 if n[0] == 1 else COLUMNS)
        elif letter == "J":
            self.erase(self.y, self.x, COLUMNS)
            for y in range(self.y + 1, ROWS):
                self.erase(y, 0, COLUMNS)
        elif letter == "r":
            self.top, self.end = max(n[0], 1) - 1, n[1] if len(n) > 1 else ROWS
        elif letter not in "mhl":
            raise ValueError("the screen does not know CSI %s%s" % (numbers, letter))

    def feed(self, text):
        for numbers, letter, index, plain in re.findall(
                r"\033\[\??([0-9;]*)([A-Za-z])|\033[()].|\033[=>]|\033([MD])|([^\033])",
                text):
            if letter:
                self.control(numbers, letter)
            elif index:
                (self.up if index == "M" else self.down)()
            elif plain == "\r":
                self.x = 0
            elif plain == "\n":
                self.down()
            elif plain == "\b":
                self.x -= 1
            elif plain == "\t":
                self.x = self.x // 8 * 8 + 8
            elif plain >= " " and self.x < COLUMNS:
                self.rows[self.y][self.x] = plain
                self.x += 1

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows)


# What each output says, in the words of the daemon's reply: a list of (what, shown, true).

def has(what, pattern, text, true):
    found = re.search(pattern, text, re.M)
    shown = found.groups() if found else None
    return (what, shown, tuple(str(v) for v in true))


def from_text(text, s):
    yield ("owner", "is OWNER of" in text.partition("\n")[0], s["owner"])
    yield has("state", r"^  state +(\w+) for .*\(([a-z-]+)\)$", text, (s["state"], s["reason"]))
    yield has("epoch", r"priority (\d+), epoch (\d+)", text, (s["priority"], s["epoch"]))
    for v in s["services"]:
        yield has("service", r"^  %s +[0-9.]+:\d+ +(\w+).* (\d+)$" % v["name"], text,
                  (v["state"], v["players"]))
    for p in s["peers"]:
        row = r"^  %s +%s +" % (p["name"], p["address"])
        yield has("peer", row + r"(\w+) +(\d+) ", text, (p["state"], p["priority"]))
        yield ("peer's lease", not re.search(row + r"\w+ +\d+ +- ", text, re.M),
               bool(p["lease_left_ms"]))


def from_top(text, s):
    up = sum(v["state"] == "up" for v in s["services"])
    n = len(s["services"])
    owners = [s["node"]] if s["owner"] else [p["name"] for p in s["peers"] if owns(p)]
    yield has("owner", r"^(\w+) is OWNER of", text, owners[:1]) if owners else (
        "owner", "NO OWNER" in text, True)
    yield has("state", r"^this node: (\w+) for", text, (s["state"],))
    row = r"^%s +(OWNER|-) +(\w+) +(\d+) +(\S+) +(\d+) "
    yield has("node", row % s["node"], text, (
        "OWNER" if s["owner"] else "-", s["state"], s["priority"], "%d/%d" % (up, n),
        s["players"]))
    for p in s["peers"]:
        alive = p["pulsing"]
        yield has("peer", row % p["name"], text, (
            "OWNER" if owns(p) else "-", p["state"] if alive else "SILENT", p["priority"],
            "%d/%d" % (p["services_up"], n) if alive else "-",
            (p["replica"] or {}).get("connections", 0)))
    for v in s["services"]:
        yield has("service", r"^%s +(\w+) +(\d+) " % v["name"], text, (v["state"], v["players"]))


def owns(p):
    return p["pulsing"] and bool(p["lease_left_ms"])


def from_page(shown, s):
    owner = s["node"] if s["owner"] else next(
        (p["name"] for p in s["peers"]
         if p["lease_left_ms"] or (p["pulsing"] and p["state"] == "master")), None)
    verdict = shown.pop("verdict")
    yield ("verdict", verdict.split(" owns ")[0] if " owns " in verdict else None, owner)
    yield ("values", len(shown) >= 15, True)
    for where, text in shown.items():
        yield (where, text, ask.evaluate(s, "." + re.sub(r"\.(\d+)", r"[\1]", where)))


def from_metrics(m, s):
    yield ("owner", m.get("hokm_owner"), s["owner"])
    for name in ("priority", "epoch", "players"):
        yield (name, m.get("hokm_" + name), s[name])
    yield ("state", m.get('hokm_state{state="%s"}' % s["state"]), 1)
    for v in s["services"]:
        label = '{service="%s"}' % v["name"]
        yield ("service up", m.get("hokm_service_up" + label), v["state"] == "up")
        yield ("service players", m.get("hokm_service_players" + label), v["players"])
    for p in s["peers"]:
        label = '{peer="%s"}' % p["name"]
        for name in ("pulsing", "daemon_fresh", "services_up"):
            yield ("peer " + name, m.get("hokm_peer_" + name + label), p[name])


def from_json(said, s):
    yield ("facts", facts(said), facts(s))


SAYS = {"text": from_text, "json": from_json, "top": from_top, "page": from_page,
        "metrics": from_metrics, "api": from_json}


class Views:
    def __init__(self):
        self.phase = "before"
        self.replies = {}   # by revision
        self.differ = []
        self.samples = []   # (output, phase, revision, what it showed)
        self.last = {}      # the newest revision of each output
        self.lock = threading.Lock()

    def open(self, netns, url, path, program, folder):
        helper.enter(netns)
        self.url, self.path, self.program = url.rstrip("/"), path, program
        for work in (self.read_reply, self.read_commands, self.read_http, self.read_top):
            self.start(work)
        self.start(lambda: self.read_page(folder))
        return "reading"

    def start(self, work):
        def without_end():
            while True:
                try:
                    work()
                except Exception as e:  # an output that is never read fails the test
                    print("%s: %s" % (type(e).__name__, e), file=sys.stderr, flush=True)
                time.sleep(PAUSE_S)
        threading.Thread(target=without_end, daemon=True).start()

    def ask(self):
        s = ask.reply_of(self.path, "status")
        with self.lock:
            known = self.replies.setdefault(s["revision"], s)
            if facts(known) != facts(s):
                self.differ.append("two replies of revision %d: %s, %s" % (
                    s["revision"], facts(known), facts(s)))
        return s["revision"]

    def note(self, output, revision, shown):
        with self.lock:
            self.last[output] = revision
            self.samples.append((output, self.phase, revision, shown))

    # ---- the outputs ----

    def read_reply(self):
        self.ask()

    def ctl(self, *words):
        return subprocess.run([self.program, "ctl", "-s", self.path, "status", *words], text=True,
                              capture_output=True, check=True, timeout=PATIENCE_S).stdout

    def read_commands(self):
        before = self.ask()
        text = self.ctl()
        if self.ask() == before:
            self.note("text", before, text)
        said = json.loads(self.ctl("--json"))
        self.note("json", said["revision"], said)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as reply:
            return reply.read().decode()

    def read_http(self):
        metrics = {k: float(v) for k, v in re.findall(
            r"^(hokm_\w+(?:\{[^}]*\})?) (\S+)$", self.get("/metrics"), re.M)}
        self.note("metrics", int(metrics["hokm_status_revision"]), metrics)
        status = json.loads(self.get("/api/status"))
        self.note("api", status["revision"], status)

    def read_page(self, folder):
        page = browser.Browser(folder)
        page.open(self.url + "/")
        while True:
            shown = page.value(
                "(() => {const o = %s; o.revision = document.body.dataset.revision; o.verdict ="
                " document.getElementById('verdict').textContent; return o;})()" % SHOWN)
            revision = shown.pop("revision", None)
            if revision:
                self.note("page", int(revision), shown)
            time.sleep(PAUSE_S)

    def read_top(self):
        pid, fd = pty.fork()
        if not pid:
            os.environ["TERM"] = "vt100"
            os.execl(self.program, self.program, "top", "-s", self.path)
        try:
            self.read_screens(fd)
        finally:
            os.close(fd)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def read_screens(self, fd):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        screen = Screen()
        while True:
            screen.feed(os.read(fd, 65536).decode())
            if select.select([fd], [], [], QUIET_S)[0]:
                continue
            text = screen.text()
            found = re.match(r".*revision (\d+) ", text)
            if found:
                self.note("top", int(found[1]), text)

    # ---- answers ----

    def set_phase(self, word):
        with self.lock:
            self.phase = word
        return "set"

    def reached(self, revision):
        with self.lock:
            return "yes" if all(self.last.get(o, 0) >= int(revision) for o in OUTPUTS) else "no"

    def count(self):
        pairs = {}
        for output, phase, revision, _ in self.samples:
            if revision in self.replies:
                of = pairs.setdefault(output, {})
                of[phase] = of.get(phase, 0) + 1
        return pairs

    def pairs(self, phase):
        with self.lock:
            pairs = self.count()
        return str(min(pairs.get(o, {}).get(phase, 0) for o in OUTPUTS))

    def report(self):
        with self.lock:
            differ, samples = list(self.differ), list(self.samples)
            pairs, replies = self.count(), dict(self.replies)
        moved = {}
        for output, phase, revision, shown in samples:
            moved.setdefault(output, set()).add(revision)
            if revision not in replies:
                continue
            if isinstance(shown, dict):
                shown = dict(shown)
            differ += ["%s, %s, revision %d: %s is %s, true is %s" % (
                output, phase, revision, what, said, true)
                for what, said, true in SAYS[output](shown, replies[revision]) if said != true]
        return json.dumps({"differ": differ[:3] or "same", "n": len(differ), "pairs": pairs,
                           "revisions": {o: len(r) for o, r in moved.items()}})


def main():
    views = Views()
    ways = {"open": views.open, "phase": views.set_phase, "reached": views.reached,
            "pairs": views.pairs, "report": views.report}

    def answer(question):
        way, *fields = question.split("\t")
        try:
            return ways[way](*fields)
        except Exception as e:  # an empty answer fails the test
            print("%s: %s: %s" % (question, type(e).__name__, e), file=sys.stderr, flush=True)
            return ""

    helper.serve(sys.argv[2:], answer)


if __name__ == "__main__":
    main()
