#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The status page in a real browser, for a namespace test, from one process (see helper.sh).

  page.py serve QUESTIONS ANSWERS TURN

A question is a line of fields, separated by tabs. Answers are text; "" while the page is not ready.

  open NETNS URL FOLDER   starts a browser there; answers at once
  value EXPRESSION        of JavaScript in the page, as JSON
  look SIZE SCHEME        phone or desktop, light or dark
  errors                  what the page wrote to its console as errors, as JSON
  compare SOCKET          how page, /metrics, /api/status and the daemon's own status differ; "same"
  close                   ends the browser
  crowd ADDRESS PORT N    N idle clients and N that close before they are answered; answers how many
                          of those who ask meanwhile got an answer, and how many asked
"""

import json
import os
import re
import socket
import sys
import threading
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "stub"))
import ask  # noqa: E402  (needs the path above)
import browser  # noqa: E402
import helper  # noqa: E402

ASK_EACH = 25  # of each crowd between two that want an answer: both fit into the backlog
PATIENCE_S = 10
SHOWN = ("Object.fromEntries(Array.from(document.querySelectorAll('[data-path]'),"
         " e => [e.dataset.path, e.textContent]))")
# The metric, and where the status has the same value.
METRICS = {"hokm_owner": ".owner", "hokm_priority": ".priority", "hokm_epoch": ".epoch",
           "hokm_players": ".players"}
FIELDS = (".state", ".owner", ".reason", ".epoch", ".priority", ".players")


class Page:
    """The browser, its page, and what the node says by other ways."""

    def __init__(self):
        self.browser = None
        self.url = None
        self.trouble = ""

    def open(self, netns, url, folder):
        # All of this process is there from now on: it asks the listener itself, too.
        helper.enter(netns)
        self.url = url
        threading.Thread(target=self.start, args=(url, folder), daemon=True).start()
        return "starting"

    def start(self, url, folder):
        try:
            started = browser.Browser(folder)
            started.open(url)
            self.browser = started
        except (OSError, ValueError) as e:
            print("the browser did not start: %s" % e, file=sys.stderr)

    def value(self, expression):
        return json.dumps(self.browser.value(expression)) if self.browser else ""

    def look(self, size, scheme):
        self.browser.look(size, scheme)
        return "done"

    def errors(self):
        return json.dumps(self.browser.errors)

    def close(self):
        self.browser.close()
        self.browser = None
        return "closed"

    def get(self, path):
        with urllib.request.urlopen(self.url.rstrip("/") + path, timeout=PATIENCE_S) as reply:
            return reply.read().decode()

    def compare(self, path):
        """The status is read before and after: what is shown was true at one of both moments."""
        before = ask.reply_of(path, "status")
        shown = self.browser.value(SHOWN)
        metrics = dict(re.findall(r"^(\w+) ([0-9.e+-]+)$", self.get("/metrics"), re.M))
        status = json.loads(self.get("/api/status"))
        after = ask.reply_of(path, "status")
        differ = []
        for where, text in shown.items():
            there = "." + re.sub(r"\.(\d+)", r"[\1]", where)
            if text not in (ask.evaluate(before, there), ask.evaluate(after, there)):
                differ.append("page %s: %s" % (where, text))
        for name, there in METRICS.items():
            true = [float(ask.value_at(s, there)) for s in (before, after)]
            if float(metrics.get(name, "nan")) not in true:
                differ.append("metric %s: %s" % (name, metrics.get(name)))
        for there in FIELDS:
            if ask.value_at(status, there) not in [ask.value_at(s, there) for s in (before, after)]:
                differ.append("api %s: %s" % (there, ask.value_at(status, there)))
        if len(shown) < 15:
            differ.append("the page shows only %d values" % len(shown))
        return "; ".join(differ) or "same"


def connect(address, port, source):
    s = socket.socket()
    s.settimeout(PATIENCE_S)
    s.bind((source, 0))
    s.connect((address, port))
    return s


def is_answered(address, port):
    """Asks as a client of an address of its own; one that is turned away asks again."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with connect(address, port, "127.0.0.1") as s:
                s.sendall(b"GET /api/status HTTP/1.0\r\n\r\n")
                if b" 200 " in s.recv(64):
                    return True
        except OSError:
            pass
        time.sleep(0.05)
    return False


def crowd(address, port, n):
    idle = []
    asked = answered = 0
    for i in range(int(n)):
        idle.append(connect(address, int(port), "127.0.0.2"))
        with connect(address, int(port), "127.0.0.3") as s:
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        if i % ASK_EACH == 0:
            asked += 1
            answered += is_answered(address, int(port))
    for s in idle:
        s.close()
    return "%d %d" % (answered, asked)


def main():
    page = Page()
    ways = {"open": page.open, "value": page.value, "look": page.look, "errors": page.errors,
            "compare": page.compare, "close": page.close, "crowd": crowd}

    def answer(question):
        way, *fields = question.split("\t")
        try:
            return ways[way](*fields)
        except (OSError, ValueError, TypeError, AttributeError) as e:
            print("%s: %s" % (question, e), file=sys.stderr)
            return ""

    helper.serve(sys.argv[2:], answer)


if __name__ == "__main__":
    main()
