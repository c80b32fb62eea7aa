#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Bytes on request over TCP, for tests of what large segments meet on their way.

  bulk.py serve PORT        each line "N" of a connection is answered with N bytes
  bulk.py ask ADDR PORT     one connection; each line "N" of standard input asks for N bytes and
                            prints "got BYTES MS"; an end or a reset of the connection prints "lost"

A request that is not answered whole within LIMIT_S prints how much arrived.
"""
import socket
import sys
import threading
import time

LIMIT_S = 10
CHUNK = 65536


def answer(conn):
    with conn, conn.makefile("rb") as lines:
        for line in lines:
            conn.sendall(b"x" * int(line))


def serve(port):
    listener = socket.create_server(("", port), backlog=64)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer, args=(conn,), daemon=True).start()


def fetch(conn, line):
    """Asks with the line as it is: leading zeros make a long request."""
    begin, got, count = time.monotonic(), 0, int(line)
    conn.sendall(line.encode())
    while got < count:
        left_s = LIMIT_S - (time.monotonic() - begin)
        if left_s <= 0:
            break
        conn.settimeout(left_s)
        try:
            part = conn.recv(CHUNK)
        except TimeoutError:
            break
        if not part:
            raise ConnectionResetError
        got += len(part)
    print("got %d %d" % (got, (time.monotonic() - begin) * 1000), flush=True)


def ask(addr, port):
    with socket.create_connection((addr, port), timeout=LIMIT_S) as conn:
        print("connected", flush=True)
        try:
            for line in sys.stdin:
                fetch(conn, line)
        except OSError:
            print("lost", flush=True)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "ask":
        ask(sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
