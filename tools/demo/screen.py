#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A picture of a program on a terminal of 80 columns and 24 rows.

    screen.py SCRATCH PREFIX TEXT COMMAND...

Runs COMMAND on a VT100 until TEXT is on its screen, and ends it by the key q. SCRATCH is a folder
for the browser's files. It writes PREFIX.txt, PREFIX.html, a page without outside resources that
shows bold and inverse text too, and PREFIX.png, that page in a headless Chromium.
"""

import codecs
import html
import os
import pty
import re
import select
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/stub"))
from browser import Browser  # noqa: E402  pylint: disable=wrong-import-position

ROWS, COLUMNS = 24, 80
PATIENCE_S = 20
# One sequence of a VT100, one control character, or one letter.
TOKEN = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|\x1b[()].|\x1b[^\[()]|[^\x1b]", re.DOTALL)
STYLE = """body { margin: 0; background: #fff; color: #111 }
pre { margin: 0; padding: 12px; font: 15px/1.25 monospace; display: inline-block }
.i { background: #111; color: #fff }"""


class Screen:
    """What a VT100 shows: each place is a letter, and whether it is bold and inverse."""

    def __init__(self):
        self.places = [[(" ", False, False)] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.bold = self.inverse = False
        self.rest = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data):
        """Bytes of the program. The part of a sequence waits for the rest of it."""
        self.rest += self.decoder.decode(data)
        at = 0
        while True:
            m = TOKEN.match(self.rest, at)
            if not m:
                break
            at = m.end()
            if m.group(2):
                self.sequence([int(n or 0) for n in m.group(1).split(";")], m.group(2))
            elif m.group(0)[0] != "\x1b":
                self.letter(m.group(0))
        self.rest = self.rest[at:]

    def letter(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.row = min(self.row + 1, ROWS - 1)
        elif c == "\b":
            self.column = max(self.column - 1, 0)
        elif c == "\t":
            self.column = min(self.column // 8 * 8 + 8, COLUMNS - 1)
        elif c >= " ":
            if self.column == COLUMNS:
                self.column, self.row = 0, min(self.row + 1, ROWS - 1)
            self.places[self.row][self.column] = (c, self.bold, self.inverse)
            self.column += 1

    def sequence(self, numbers, name):
        n = max(numbers[0], 1)
        if name == "H":
            self.row = min(n, ROWS) - 1
            self.column = min(max(numbers[1] if len(numbers) > 1 else 1, 1), COLUMNS) - 1
        elif name == "A":
            self.row = max(self.row - n, 0)
        elif name == "B":
            self.row = min(self.row + n, ROWS - 1)
        elif name == "C":
            self.column = min(self.column + n, COLUMNS - 1)
        elif name == "D":
            self.column = max(self.column - n, 0)
        elif name in "JK":
            self.clear(name == "J", numbers[0])
        elif name == "m":
            for code in numbers:
                self.bold = code == 1 or (self.bold and code != 0)
                self.inverse = code == 7 or (self.inverse and code != 0)

    def clear(self, all_rows, part):
        """Part 0: from the cursor on; 1: up to it."""
        here = self.row * COLUMNS + min(self.column, COLUMNS - 1)
        for row in range(ROWS) if all_rows else [self.row]:
            for column in range(COLUMNS):
                at = row * COLUMNS + column
                if (at >= here) if part == 0 else (at <= here):
                    self.places[row][column] = (" ", False, False)

    def text(self):
        return "".join("".join(c for c, _, _ in row).rstrip() + "\n" for row in self.places)

    def page(self, title):
        """The screen as a page."""
        rows = []
        for row in self.places:
            line, looks = "", (False, False)
            for c, *now in row + [("", False, False)]:
                if tuple(now) != looks:
                    line += "</span>" if any(looks) else ""
                    names = " ".join(n for n, is_on in zip("bi", now) if is_on)
                    line += '<span class="%s">' % names if names else ""
                    looks = tuple(now)
                line += html.escape(c)
            rows.append(line)
        return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"
                "<style>%s\n.b { font-weight: bold }</style></head>\n<body><pre>%s</pre></body>"
                "</html>\n" % (html.escape(title), STYLE, "\n".join(rows)))


def watch(command, text):
    """The screen of the command when the text is on it."""
    screen, end = Screen(), time.monotonic() + PATIENCE_S
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="vt100", LINES=str(ROWS), COLUMNS=str(COLUMNS), LC_ALL="C.UTF-8")
        os.execv(command[0], command)
    try:
        while text not in screen.text():
            left = end - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                raise TimeoutError("the screen does not show %r:\n%s" % (text, screen.text()))
            screen.feed(os.read(fd, 65536))
        # What was drawn together with the text.
        while select.select([fd], [], [], 0.2)[0]:
            screen.feed(os.read(fd, 65536))
        os.write(fd, b"q")
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
    return screen


def main():
    """Writes the three files."""
    scratch, prefix, text, *command = sys.argv[1:]
    screen = watch(command, text)
    prefix = os.path.abspath(prefix)
    with open(prefix + ".txt", "w", encoding="utf-8") as f:
        f.write(screen.text())
    with open(prefix + ".html", "w", encoding="utf-8") as f:
        f.write(screen.page(" ".join(os.path.basename(word) for word in command)))
    browser = Browser(scratch)
    try:
        browser.call("Emulation.setDeviceMetricsOverride", width=780, height=480,
                     deviceScaleFactor=1, mobile=False)
        browser.open("file://" + prefix + ".html")
        browser.picture(prefix + ".png")
    finally:
        browser.close()


if __name__ == "__main__":
    main()
