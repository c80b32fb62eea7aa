#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A headless Chromium that a program controls: the tests' and the demo's.

As a library: class Browser. As a program it takes pictures of a page, on a phone and on a desktop,
light and dark:

  browser.py NETNS URL SCRATCH PREFIX WHEN

NETNS is the path of the network namespace to be in, SCRATCH a folder for the browser's files, WHEN
an expression of JavaScript that is true when the page is complete. The pictures are
PREFIX-phone-light.png and so on.

It speaks the DevTools protocol over two pipes, so nothing listens on a port. Chromium refuses its
own sandbox to root, and only root can enter a namespace: it runs with --no-sandbox, and opens
nothing but the page of our own listener. Its resolver knows no host name.
"""

import base64
import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

PATIENCE_S = 25
SIZES = {"phone": (360, 740), "desktop": (1280, 900)}
SCHEMES = ("light", "dark")
OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
           "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
           "--disable-component-update", "--disable-extensions", "--disable-default-apps",
           "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--remote-debugging-pipe"]


def enter(netns):
    """Enters the network namespace of this path."""
    fd = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
        raise OSError(ctypes.get_errno(), "setns")
    os.close(fd)


class Browser:
    """One Chromium with one page. Its files are in the folder, which close() removes."""

    def __init__(self, folder):
        self.folder = folder
        self.next_id = 0
        self.rest = b""
        self.errors = []  # what the page wrote to its console as errors
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # Numbers that are free of 3 and 4, which the browser takes.
        theirs = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (commands, answers)]
        os.close(commands)
        os.close(answers)
        os.makedirs(folder, exist_ok=True)
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec chromium "$@" 3<&%d 4>&%d' % tuple(theirs), "bash",
             *OPTIONS, "--user-data-dir=" + folder, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=theirs, start_new_session=True,
            env=dict(os.environ, HOME=folder))
        for fd in theirs:
            os.close(fd)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        self.call("Log.enable")
        self.call("Runtime.enable")
        self.call("Page.enable")

    def message(self, end):
        """The next message of the browser."""
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.answers, 65536)
            if not data:
                raise ConnectionError("the browser ended")
            self.rest += data
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        """The result of a command."""
        self.next_id += 1
        command = {"id": self.next_id, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        end = time.monotonic() + PATIENCE_S
        while True:
            m = self.message(end)
            if m.get("id") == self.next_id:
                if "error" in m:
                    raise ValueError("%s: %s" % (method, m["error"]))
                return m["result"]
            self.note(m)

    def note(self, m):
        """Keeps what the page did wrong."""
        params = m.get("params", {})
        if m.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif m.get("method") == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("location.href === %s && document.readyState === 'complete'" % json.dumps(url))

    def value(self, expression):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise ValueError("%s: %s" % (expression[:80], result["exceptionDetails"]["text"]))
        return result["result"].get("value")

    def wait(self, expression):
        """Until the expression is true."""
        end = time.monotonic() + PATIENCE_S
        while not self.value(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.1)

    def look(self, size, scheme):
        """As on this device, with this preference of its user."""
        width, height = SIZES[size]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=size == "phone")
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        """The whole page as a PNG file."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))

    def close(self):
        """Ends the browser and removes its files."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        shutil.rmtree(self.folder, ignore_errors=True)


def main():
    """Takes the pictures."""
    netns, url, scratch, prefix, when = sys.argv[1:6]
    enter(netns)
    browser = Browser(scratch)
    try:
        browser.open(url)
        browser.wait(when)
        for size in SIZES:
            for scheme in SCHEMES:
                browser.look(size, scheme)
                browser.picture("%s-%s-%s.png" % (prefix, size, scheme))
    finally:
        browser.close()


if __name__ == "__main__":
    main()
