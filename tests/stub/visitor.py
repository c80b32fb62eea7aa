#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One player over python3-websockets that follows the commands on its standard input, one a line.

    visitor.py ADDRESS PORT

    talk TEXTS PINGS   sends so many text frames and pings, waits for each answer before the next
    text | ping        sends one, does not wait for the answer
    close CODE         closes with the closing handshake
    leave | reset      closes without a handshake, by FIN or by RST

It prints a line of JSON when it is connected and after each command: `port` is its own, `texts`
and `pings` count what it sent, `rtt_us` is the shortest and longest wait for a pong, `code` the
close code.
"""
import asyncio
import json
import socket
import struct
import sys

import websockets


class Visitor:
    """A connection and its figures."""

    def __init__(self, ws):
        self.ws = ws
        self.state = {"port": ws.local_address[1], "texts": 0, "pings": 0, "rtt_us": [],
                      "code": None}

    async def talk(self, texts, pings):
        """Texts first, then pings: at the same time each would lengthen the waits of the other."""
        for number in range(int(texts)):
            await self.ws.send("card %d" % number)
            await self.ws.recv()
            self.state["texts"] += 1
        for _ in range(int(pings)):
            took = await (await self.ws.ping())
            self.state["pings"] += 1
            waits = self.state["rtt_us"] + [int(took * 1e6)]
            self.state["rtt_us"] = [min(waits), max(waits)]

    async def do(self, word, *args):
        """Carries out one command."""
        if word == "talk":
            await self.talk(*args)
        elif word == "text":
            await self.ws.send("one more")
            self.state["texts"] += 1
        elif word == "ping":
            await self.ws.ping()
            self.state["pings"] += 1
        elif word == "close":
            await self.ws.close(int(args[0]))
            self.state["code"] = self.ws.close_code
        elif word == "leave":
            self.ws.transport.close()
        elif word == "reset":
            self.ws.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.ws.transport.abort()
        else:
            raise ValueError("no such command: " + word)

    def report(self):
        """Prints the figures."""
        print(json.dumps(self.state), flush=True)


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    visitor = Visitor(await websockets.connect(
        "ws://%s:%s/" % (sys.argv[1], sys.argv[2]), open_timeout=None, ping_interval=None,
        compression=None))
    await visitor.ws.recv()  # the greeting
    visitor.report()
    while True:
        words = (await lines.readline()).decode().split()
        if not words:
            return
        await visitor.do(*words)
        visitor.report()


if __name__ == "__main__":
    asyncio.run(main())
