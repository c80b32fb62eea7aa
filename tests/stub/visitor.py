#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One player by python3-websockets that does what its standard input says, a line a time.

    visitor.py ADDRESS PORT

    talk TEXTS PINGS   so many text frames and pings, each answered before the next
    text | ping        one, without waiting for the answer
    close CODE         the closing handshake
    leave | reset      the end without one, by FIN or by RST

Each line is answered with one of JSON, the first when it is connected: `port` is its own, `texts` and
`pings` what it has sent, `rtt_us` the shortest and longest wait for a pong, `code` how it was closed.
"""
import asyncio
import json
import socket
import struct
import sys

import websockets


class Visitor:
    """A connection, and what came of it."""

    def __init__(self, ws):
        self.ws = ws
        self.told = {"port": ws.local_address[1], "texts": 0, "pings": 0, "rtt_us": [], "code": None}

    async def talk(self, texts, pings):
        """Both at once would measure each other's waits."""
        for number in range(int(texts)):
            await self.ws.send("card %d" % number)
            await self.ws.recv()
            self.told["texts"] += 1
        for _ in range(int(pings)):
            took = await (await self.ws.ping())
            self.told["pings"] += 1
            waits = self.told["rtt_us"] + [int(took * 1e6)]
            self.told["rtt_us"] = [min(waits), max(waits)]

    async def do(self, word, *args):
        """One line."""
        if word == "talk":
            await self.talk(*args)
        elif word == "text":
            await self.ws.send("one more")
            self.told["texts"] += 1
        elif word == "ping":
            await self.ws.ping()
            self.told["pings"] += 1
        elif word == "close":
            await self.ws.close(int(args[0]))
            self.told["code"] = self.ws.close_code
        elif word == "leave":
            self.ws.transport.close()
        elif word == "reset":
            self.ws.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.ws.transport.abort()
        else:
            raise ValueError("no such command: " + word)

    def tell(self):
        """Where it stands."""
        print(json.dumps(self.told), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    visitor = Visitor(await websockets.connect(
        "ws://%s:%s/" % (sys.argv[1], sys.argv[2]), open_timeout=None, ping_interval=None,
        compression=None))
    await visitor.ws.recv()  # the greeting
    visitor.tell()
    while True:
        words = (await lines.readline()).decode().split()
        if not words:
            return
        await visitor.do(*words)
        visitor.tell()


if __name__ == "__main__":
    asyncio.run(main())
