#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""WebSocket clients that use the same ports twice, as behind a NAT gateway.

usage: port_again.py ADDR PORT FROM FIRST-PORT COUNT

Reads commands and answers each with a line. The first clients connect at once: "old COUNT".

  again  the first ones go without a word (the caller drops their packets), and others connect
         from the same ports: "again COUNT"
  ping   each of them pings and waits for its pong: "ping COUNT" has how many got one
"""
import socket
import struct
import sys

SECONDS = 5
REQUEST = (b"GET / HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
PING, PONG = b"\x89\x80\0\0\0\0", b"\x8a\0"


def connect(server, own):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(SECONDS)
    sock.bind(own)
    sock.connect(server)
    sock.sendall(REQUEST)
    if not sock.recv(4096).startswith(b"HTTP/1.1 101 "):
        raise OSError("no 101")
    return sock


def pongs(socks):
    """All ping before the first one waits."""
    count = 0
    for sock in socks:
        sock.sendall(PING)
    for sock in socks:
        try:
            count += sock.recv(4096) == PONG
        except OSError:
            pass
    return count


def main():
    server, first, count = (sys.argv[1], int(sys.argv[2])), int(sys.argv[4]), int(sys.argv[5])
    names = [(sys.argv[3], first + i) for i in range(count)]
    socks = [connect(server, own) for own in names]
    print("old", pongs(socks), flush=True)
    for line in sys.stdin:
        if line.strip() == "again":
            for sock in socks:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.close()
            socks = [connect(server, own) for own in names]
            print("again", len(socks), flush=True)
        elif line.strip() == "ping":
            print("ping", pongs(socks), flush=True)


main()
