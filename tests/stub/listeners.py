#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Players that only listen: they send nothing after the upgrade.

So only a packet from the network can show them that their connection is lost.

  listeners.py --addr A.B.C.D --port N --count N [--seconds S] [--from A.B.C.D]
               [--fast-open]

With --fast-open the request is in the SYN (TCP Fast Open); net.ipv4.tcp_fastopen must allow that
without a cookie.

Prints {"up": N} when all are connected. When all connections have ended or the time is over,
prints a second line: how many ended, when the first and the last ended (milliseconds of the wall
clock), by which error, and how many are left.
"""

import argparse
import collections
import json
import os
import select
import socket
import sys
import time

UPGRADE = (b"GET / HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
AT_ONCE = 200  # handshakes at a time
PATIENCE_S = 30


class Listeners:
    """All connections, and when each ended."""

    def __init__(self, args):
        self.args = args
        self.epoll = select.epoll()
        self.socks = {}
        self.up = set()
        self.ended = []
        self.why = collections.Counter()

    def open_one(self):
        """Begins a connection."""
        sock = socket.socket()
        sock.setblocking(False)
        if self.args.source:
            sock.bind((self.args.source, 0))
        server = (self.args.addr, self.args.port)
        if self.args.fast_open:
            sock.sendto(UPGRADE, socket.MSG_FASTOPEN, server)
        else:
            sock.connect_ex(server)
        self.socks[sock.fileno()] = [sock, b""]
        self.epoll.register(sock.fileno(),
                            select.EPOLLIN if self.args.fast_open else select.EPOLLOUT)

    def end(self, fd, why):
        """Records the end of a connection."""
        self.ended.append(time.time())
        self.why[why] += 1
        self.up.discard(fd)
        self.epoll.unregister(fd)
        self.socks.pop(fd)[0].close()

    def look(self, fd, events):
        """Handles the events of one connection."""
        sock, head = self.socks[fd]
        try:
            if events & select.EPOLLOUT:
                sock.send(UPGRADE)
                self.epoll.modify(fd, select.EPOLLIN)
                return
            data = sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as err:
            self.end(fd, os.strerror(err.errno))
            return
        if not data:
            self.end(fd, "end of file")
        elif fd not in self.up:
            self.socks[fd][1] = head + data
            if b"\r\n\r\n" in head + data:
                if b" 101 " not in head + data:
                    self.end(fd, "not upgraded")
                else:
                    self.up.add(fd)

    def wait(self, seconds):
        """Waits for events and handles them."""
        for fd, events in self.epoll.poll(seconds):
            if fd in self.socks:
                self.look(fd, events)

    def connect(self):
        """Opens all connections. False when one fails."""
        begun = 0
        end = time.monotonic() + PATIENCE_S
        while len(self.up) < self.args.count:
            if self.ended or time.monotonic() > end:
                print(json.dumps({"up": len(self.up), "failed": dict(self.why)}), flush=True)
                return False
            while begun < self.args.count and begun - len(self.up) < AT_ONCE:
                self.open_one()
                begun += 1
            self.wait(0.1)
        print(json.dumps({"up": len(self.up)}), flush=True)
        return True

    def listen(self):
        """Waits until no connection is left or the time is over, then prints the result."""
        end = time.monotonic() + self.args.seconds
        while self.socks and time.monotonic() < end:
            self.wait(0.1)
        print(json.dumps({
            "ended": len(self.ended),
            "left": len(self.socks),
            "first_ms": int(self.ended[0] * 1000) if self.ended else None,
            "last_ms": int(self.ended[-1] * 1000) if self.ended else None,
            "why": dict(self.why)}), flush=True)


def main():
    """Reads the options, connects, listens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addr", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--from", dest="source", default="")
    parser.add_argument("--fast-open", action="store_true")
    listeners = Listeners(parser.parse_args())
    if not listeners.connect():
        return 1
    listeners.listen()
    return 0


if __name__ == "__main__":
    sys.exit(main())
