#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Connections with other requests before the WebSocket upgrade, as proxies make them.

    reuse.py serve PORT
    reuse.py play ADDRESS PORT TIMES

The server answers requests on one connection until an upgrade: GET with 200, /denied with 401,
/chunks in chunks, POST when its body is there, and it skips blank lines and headers of the PROXY
protocol. Its payload goes out by plain write(), so that it lies outside the linear part of the skb.

The client opens each connection of STORIES that many times. After its upgrade each sends a frame
and gets it back. When all are there it prints "ready", and it stays until SIGTERM.
"""
import asyncio
import base64
import hashlib
import sys

UPGRADE = (b"GET /play HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: %s\r\n\r\n")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
GET = b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
PROXY2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14" b"\x0a\0\0\x01\x0a\0\0\x02\x0f\xa0\x22\x3d"
          b"\x05\0\x05GET a")
POST = b"POST /login HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET a"
EXPECT = b"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"

# What is sent at once; a "101" is awaited behind the last, one answer behind each other one.
STORIES = {
    "upgrade": [UPGRADE],
    "get": [GET, UPGRADE],
    "denied": [b"GET /denied HTTP/1.1\r\nHost: h\r\n\r\n", UPGRADE],
    "chunks": [b"GET /chunks HTTP/1.1\r\nHost: h\r\n\r\n", UPGRADE],
    "pipelined": [GET + UPGRADE],
    "three": [GET, GET, UPGRADE],
    "post": [POST, UPGRADE],
    "post at once": [POST + UPGRADE],
    "continue": [EXPECT, b"ab", UPGRADE],
    "blank": [b"\r\n" + UPGRADE],
    "proxy 1": [b"PROXY TCP4 10.0.0.1 10.0.0.2 4000 8765\r\n" + UPGRADE],
    "proxy 2": [PROXY2 + UPGRADE],
}
FRAME = b"\x81\x82\0\0\0\0hi"


async def read_head(reader):
    """The lines of the next request, behind blank lines and the PROXY protocol."""
    while True:
        line = await reader.readuntil(b"\n")
        if line == b"\0\r\n":
            await reader.readexactly(5)
            rest = await reader.readexactly(4)
            await reader.readexactly(rest[2] << 8 | rest[3])
        elif line.strip() and not line.startswith(b"PROXY"):
            return line + await reader.readuntil(b"\r\n\r\n")


async def answer(reader, writer):
    """Answers one request. True: it was an upgrade."""
    head = await read_head(reader)
    if b"Upgrade: websocket" in head:
        key = head.partition(b"Sec-WebSocket-Key: ")[2].split()[0]
        writer.write(SWITCH % base64.b64encode(hashlib.sha1(key + GUID).digest()))
        return True
    if b"100-continue" in head:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if b"Content-Length: " in head:
        await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
    if b"/denied" in head:
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\ndenied")
    elif b"/chunks" in head:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    else:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return False


async def serve_one(reader, writer):
    try:
        while not await answer(reader, writer):
            pass
        while True:
            head = await reader.readexactly(6)
            data = await reader.readexactly(head[1] & 0x7F)
            data = bytes(b ^ head[2 + i % 4] for i, b in enumerate(data))
            opcode = 0x8A if head[0] == 0x89 else head[0]
            writer.write(bytes([opcode, len(data)]) + data)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def play_one(address, port, name):
    reader, writer = await asyncio.open_connection(address, port)
    for part in STORIES[name][:-1]:
        writer.write(part)
        text = await reader.readuntil(b"\r\n\r\n")
        if b"chunked" in text:
            await reader.readuntil(b"0\r\n\r\n")
        elif b"Content-Length" in text:
            await reader.readexactly(int(text.partition(b"Content-Length: ")[2].split()[0]))
    writer.write(STORIES[name][-1])
    await reader.readuntil(b" 101 ")
    await reader.readuntil(b"\r\n\r\n")
    writer.write(FRAME)
    await reader.readexactly(4)
    return writer


async def main(what, *args):
    if what == "serve":
        server = await asyncio.start_server(serve_one, "0.0.0.0", int(args[0]))
        await server.serve_forever()
    address, port, times = args[0], int(args[1]), int(args[2])
    open_ones = [await play_one(address, port, name) for name in STORIES for _ in range(times)]
    print(f"ready {len(open_ones)}", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
