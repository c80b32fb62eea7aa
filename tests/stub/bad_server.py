#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A game server that passes its checks and fails its players in a way that a file names.

    bad_server.py NAME PORT MODE_FILE

It greets each player with a text frame that holds NAME, echoes text, answers pings and close
frames, and serves GET /health. Several processes may serve one port (SO_REUSEPORT). Checks come
from the addresses of its own machine and always meet a good server. For players the first word of
MODE_FILE, read at each connection, names the fault:

    good            none
    status-503      the server answers the upgrade with 503
    status-404      the server answers the upgrade with 404, which is the player's fault
    silent          the server does not answer the upgrade
    auth-MS         the server answers the upgrade MS milliseconds late: slow, but honest
    pong-MS         the server sends each pong MS milliseconds late
    close-CODE      the server closes with CODE soon after the greeting
    reset           the server ends the connection by RST (SO_LINGER 0)
    fin             the server ends the connection by FIN, without a close frame
"""
import asyncio
import base64
import hashlib
import socket
import struct
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
SOON_S = 0.05


def frame(opcode, payload):
    assert len(payload) < 126
    return bytes([0x80 | opcode, len(payload)]) + payload


async def read_frame(reader):
    b0, b1 = await reader.readexactly(2)
    size = b1 & 0x7F
    if size == 126:
        size = struct.unpack(">H", await reader.readexactly(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", await reader.readexactly(8))[0]
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return b0 & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(data))


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return lines[0], headers


def answer(writer, status):
    writer.write(b"HTTP/1.1 %d Words\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" % status)


def switch(writer, headers):
    key = headers["sec-websocket-key"].encode()
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")


def later(writer, seconds, data):
    def send():
        if not writer.is_closing():
            writer.write(data)
    asyncio.get_running_loop().call_later(seconds, send)


async def play(reader, writer, mode):
    """Serves the player until it closes."""
    late_s = int(mode[5:]) / 1000 if mode.startswith("pong-") else 0
    while True:
        opcode, data = await read_frame(reader)
        if opcode == PING:
            later(writer, late_s, frame(PONG, data))
        elif opcode == TEXT:
            writer.write(frame(TEXT, data[:125]))
        elif opcode == CLOSE:
            writer.write(frame(CLOSE, data[:2]))
            return


async def end_badly(reader, writer, mode):
    """True when the mode says that the server ends this connection."""
    if mode.startswith("close-"):
        await asyncio.sleep(SOON_S)
        writer.write(frame(CLOSE, struct.pack(">H", int(mode[6:]))))
        await writer.drain()
        await reader.read(4096)
    elif mode == "reset":
        await asyncio.sleep(SOON_S)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif mode == "fin":
        await asyncio.sleep(SOON_S)
    else:
        return False
    return True


async def serve(server, reader, writer):
    mode = server.mode_for(writer.get_extra_info("peername")[0])
    request, headers = await read_head(reader)
    if "websocket" not in headers.get("upgrade", "").lower():
        answer(writer, 200)
    elif mode.startswith("status-"):
        answer(writer, int(mode[7:]))
    elif mode == "silent":
        await reader.read()
    else:
        if mode.startswith("auth-"):
            await asyncio.sleep(int(mode[5:]) / 1000)
        switch(writer, headers)
        writer.write(frame(TEXT, server.name.encode()))
        if not await end_badly(reader, writer, mode):
            await play(reader, writer, mode)


class Server:
    def __init__(self, name, mode_file):
        self.name, self.mode_file = name, mode_file

    def mode_for(self, address):
        if not address.startswith("192.168.1.5"):
            return "good"
        with open(self.mode_file, encoding="ascii") as f:
            return f.read().split()[0]

    async def connected(self, reader, writer):
        try:
            await serve(self, reader, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client records how its connection ended
        finally:
            writer.close()


async def main():
    server = Server(sys.argv[1], sys.argv[3])
    listener = await asyncio.start_server(server.connected, "0.0.0.0", int(sys.argv[2]),
                                          backlog=512, reuse_port=True)
    print("ready", flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
