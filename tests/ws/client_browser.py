#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Players in Chromium: client_browser.py ADDRESS PORT COUNT.

Serves a page on 127.0.0.1, lets a headless Chromium open it, and prints the events of the page's
WebSockets in the form of client_node.js. Every other player only listens, the others send a move
every 100 ms. Each player connects again 20 ms after its connection ended.

All files of the browser are in a folder that is removed at the end. Its resolver knows no host
name.
"""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

PAGE = """<!doctype html><script>
"use strict";
const report = (ev, id) => navigator.sendBeacon("/event", JSON.stringify({t: Date.now(), ev, id}));
function play(id) {
	const ws = new WebSocket("ws://ADDRESS:PORT/");
	let opened = false, timer = null, moves = 0;
	ws.onopen = () => {
		opened = true;
		report("open", id);
		if (id % 2)
			timer = setInterval(() => ws.send(JSON.stringify({move: ++moves})), 100);
	};
	ws.onclose = () => {
		clearInterval(timer);
		report(opened ? "closed" : "failed", id);
		setTimeout(play, 20, id);
	};
}
for (let id = 0; id < COUNT; id++)
	play(id);
</script>"""


class Collector(http.server.BaseHTTPRequestHandler):
    """Serves the page and prints the events that the page posts."""

    def reply(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):  # noqa: N802 (named by the library)
        self.reply(self.server.page)

    def do_POST(self):  # noqa: N802
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(json.dumps(event), flush=True)
        self.reply(b"")

    def log_message(self, *args):
        """Requests are not logged."""


def main():
    """Runs until SIGTERM."""
    address, port, count = sys.argv[1:4]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.page = (PAGE.replace("ADDRESS", address).replace("PORT", port)
                   .replace("COUNT", str(int(count)))).encode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="hokm-browser.")
    browser = subprocess.Popen(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--disable-extensions", "--disable-default-apps",
         "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE " + address,
         "--disable-features=PrivateNetworkAccessChecks,LocalNetworkAccessChecks,"
         "BlockInsecurePrivateNetworkRequests",
         "--user-data-dir=" + folder, "http://127.0.0.1:%d/" % server.server_port],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=sys.stderr,
        start_new_session=True, env=dict(os.environ, HOME=folder))

    def stop(*_):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    try:
        browser.wait()
        print("the browser exited with status %d" % browser.returncode, file=sys.stderr)
    finally:
        try:
            os.killpg(browser.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        browser.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
