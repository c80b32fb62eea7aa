#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A WebSocket client over python3-websockets for frames tests; see frames_ws.py and frames.h.

It does the same as frames_client.c: sends messages of every shape, waits for "!end", and
exchanges small messages slowly. When everything is acknowledged, it prints a line of JSON with
the frames that each connection sent and received. It closes after a line on stdin and prints the
totals.
"""

import argparse
import asyncio
import fcntl
import json
import ssl
import struct
import sys
import termios

import websockets

sys.dont_write_bytecode = True
import frames_ws  # noqa: E402  (after the line above: no bytecode in the source tree)


class Player:
    """A connection."""

    def __init__(self, args, number):
        self.args = args
        self.chance = frames_ws.generator(args.seed * 1000 + number)
        self.ws = None

    async def hear(self, word):
        """Reads until the server sends this word."""
        async for message in self.ws:
            if message == word:
                return
        raise ConnectionError("the server closed the connection before " + word)

    async def talk(self):
        """Does everything up to the first line of JSON."""
        args = self.args
        context = None
        if args.tls:
            context = ssl.create_default_context(cafile=args.tls)
            context.check_hostname = False
        self.ws = await websockets.connect(
            "%s://%s:%d/" % ("wss" if args.tls else "ws", args.addr, args.port), ssl=context,
            max_size=None, max_queue=None, ping_interval=None,
            compression="deflate" if self.chance.random() < args.deflate else None)
        # Reads at the same time: else each end could wait for room in the buffer of the other.
        hearing = asyncio.create_task(self.hear("!end"))
        for _ in range(args.messages):
            await frames_ws.send_random(self.ws, self.chance, args.max)
        await self.ws.send("!end")
        await hearing
        for _ in range(args.quick):
            await self.ws.send("!echo")
            await self.hear("!echo")
        await self.sent()

    async def sent(self):
        """Waits until the kernel of the server has acknowledged everything."""
        fd = self.ws.transport.get_extra_info("socket").fileno()
        while self.ws.transport.get_write_buffer_size() or struct.unpack(
                "i", fcntl.ioctl(fd, termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
            await asyncio.sleep(0.01)

    async def close(self):
        """Closes from here, or lets the server close."""
        if self.chance.random() < self.args.bye:
            await self.ws.send("!bye 4000")
        else:
            await self.ws.close(self.chance.choice((1000, 1001, 3000)), "so long")
        await self.ws.wait_closed()

    def counts(self):
        """The part of this connection in the first line."""
        counts = frames_ws.counts_of(self.ws)
        return {"port": self.ws.local_address[1], "sent": dict(counts["sent"]),
                "received": dict(counts["received"])}


async def run(args):
    """Runs all connections together."""
    players = [Player(args, n) for n in range(args.conns)]
    await asyncio.gather(*(p.talk() for p in players))
    sums = frames_ws.total([p.ws for p in players])
    print(json.dumps({"conns": [p.counts() for p in players], **sums}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(p.close() for p in players))
    print(json.dumps(frames_ws.total([p.ws for p in players])), flush=True)


def main():
    """Reads the options and runs the players for at most --seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--addr", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--conns", type=int, default=8)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--max", type=int, default=200000)
    parser.add_argument("--quick", type=int, default=4)
    parser.add_argument("--deflate", type=float, default=0.5)
    parser.add_argument("--bye", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--tls", metavar="CERT")
    args = parser.parse_args()
    frames_ws.count_frames()
    asyncio.run(asyncio.wait_for(run(args), args.seconds))


if __name__ == "__main__":
    main()
