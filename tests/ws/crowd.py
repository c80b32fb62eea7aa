#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The ordinary traffic of a game: players of every kind, and what else an open port receives.

  crowd.py --addr A.B.C.D --port N [--players N] [--idle N] [--silent N] [--join MS] [--http MS]
           [--garbage MS] [--slow N] [--scan SECONDS] [--seed N]

  players  send a move every 100 to 500 ms and wait for its echo; connect again after each end
  idle     ping every 20 s and send nothing else; give up when no pong comes within 20 s
  silent   only listen
  join     a player that connects every MS ms, sends some moves and leaves within two seconds: by a
           close frame, by FIN or by RST
  http     a GET every MS ms of a path that exists or does not
  garbage  bytes that are not HTTP, every MS ms
  slow     HTTP heads that come byte by byte and never end, half of them upgrades
  scan     the ports 8700 to 8800 every SECONDS seconds, by connect() and by bare SYNs

Runs until SIGTERM, then prints its figures as one line of JSON. "broken" counts the connections of
players, idle and silent clients that ended although the client did not end them.
"""

import argparse
import asyncio
import collections
import json
import random
import signal
import socket
import struct

import websockets

PORTS = range(8700, 8801)
TROUBLE = (OSError, asyncio.TimeoutError, websockets.WebSocketException)


class Crowd:
    """All clients and their figures."""

    def __init__(self, args):
        self.args = args
        self.chance = random.Random(args.seed)
        self.seen = collections.Counter(
            {k: 0 for k in ("echoes", "wrong", "broken", "failed", "joined", "http", "http_failed",
                            "garbage", "slow", "scanned")})

    def connect(self, ping_interval=None):
        """Opens a WebSocket to the game."""
        return websockets.connect(
            "ws://%s:%d/" % (self.args.addr, self.args.port), open_timeout=10, close_timeout=2,
            ping_interval=ping_interval, ping_timeout=20)

    async def move(self, ws, number):
        """Sends a move and waits for its echo."""
        await ws.send('{"move":%d}' % number)
        answer = json.loads(await asyncio.wait_for(ws.recv(), 10))
        self.seen["echoes" if answer["echo"] == number else "wrong"] += 1

    async def stay(self, use, ping_interval=None):
        """Connects, uses the connection, and connects again after its end."""
        while True:
            try:
                ws = await self.connect(ping_interval)
            except TROUBLE:
                self.seen["failed"] += 1
                await asyncio.sleep(0.2)
                continue
            try:
                await use(ws)
            except TROUBLE:
                pass
            self.seen["broken"] += 1

    async def play(self, ws):
        """Sends moves until the connection ends."""
        number = 0
        while True:
            number += 1
            await self.move(ws, number)
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))

    async def listen(self, ws):
        """Only reads until the connection ends; the library sends the pings."""
        async for _ in ws:
            pass

    async def visit(self):
        """Connects, sends some moves, leaves in one of three ways."""
        try:
            ws = await self.connect()
            for number in range(1, self.chance.randrange(2, 5)):
                await self.move(ws, number)
                await asyncio.sleep(self.chance.uniform(0, 0.6))
            self.seen["joined"] += 1
            way = self.chance.randrange(4)
            if way == 0:
                sock = ws.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if way < 2:
                ws.transport.abort()
            else:
                await ws.close()
        except TROUBLE:
            self.seen["failed"] += 1

    async def get(self):
        """Sends one plain request."""
        path = self.chance.choice(("/health", "/health", "/", "/nothing"))
        try:
            reader, writer = await asyncio.open_connection(self.args.addr, self.args.port)
            writer.write(("GET %s HTTP/1.1\r\nHost: game\r\n\r\n" % path).encode())
            answer = await asyncio.wait_for(reader.read(200), 10)
            self.seen["http" if answer.startswith(b"HTTP/1.1 ") else "http_failed"] += 1
            writer.close()
        except TROUBLE:
            self.seen["http_failed"] += 1

    async def babble(self):
        """Sends random bytes. The server may end the connection in any way."""
        try:
            reader, writer = await asyncio.open_connection(self.args.addr, self.args.port)
            writer.write(self.chance.randbytes(self.chance.randrange(1, 600)))
            self.seen["garbage"] += 1
            await asyncio.wait_for(reader.read(200), 5)
            writer.close()
        except TROUBLE:
            pass

    async def dawdle(self, upgrade):
        """Sends a head that never ends."""
        head = b"GET /health HTTP/1.1\r\nHost: game\r\n"
        if upgrade:
            head = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        while True:
            try:
                _, writer = await asyncio.open_connection(self.args.addr, self.args.port)
                self.seen["slow"] += 1
                for byte in head + b"X-Padding: " + b"x" * 1000:
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(0.3)
            except TROUBLE:
                await asyncio.sleep(1)

    async def knock(self, port):
        """Connects to a port and closes."""
        try:
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(self.args.addr, port), 2)
            writer.close()
        except TROUBLE:
            pass
        self.seen["scanned"] += 1

    def syn(self, raw, own, port):
        """Sends a bare SYN. The kernel here resets each answer."""
        source = self.chance.randrange(20000, 30000)
        head = struct.pack("!HHIIBBHHH", source, port, self.chance.getrandbits(32), 0, 5 << 4, 2,
                           1024, 0, 0)
        pseudo = socket.inet_aton(own) + socket.inet_aton(self.args.addr) + struct.pack(
            "!HH", socket.IPPROTO_TCP, len(head))
        total = sum(struct.unpack("!%dH" % ((len(pseudo) + len(head)) // 2), pseudo + head))
        total = (total & 0xffff) + (total >> 16)
        total = ~((total & 0xffff) + (total >> 16)) & 0xffff
        raw.sendto(head[:16] + struct.pack("!H", total) + head[18:], (self.args.addr, 0))
        self.seen["scanned"] += 1

    async def scan(self):
        """Scans all ports in both ways."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((self.args.addr, self.args.port))
            own = probe.getsockname()[0]
        await asyncio.gather(*(self.knock(port) for port in PORTS))
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            for port in PORTS:
                self.syn(raw, own, port)
                await asyncio.sleep(0)

    async def every(self, seconds, what):
        """Starts a task at random intervals of this mean, without waiting for its end."""
        tasks = set()
        while seconds:
            task = asyncio.create_task(what())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(seconds * self.chance.uniform(0.5, 1.5))

    async def run(self):
        """Runs until SIGTERM, then prints the figures."""
        args = self.args
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        clients = [self.stay(self.play) for _ in range(args.players)]
        clients += [self.stay(self.listen, 20) for _ in range(args.idle)]
        clients += [self.stay(self.listen) for _ in range(args.silent)]
        clients += [self.dawdle(n % 2 == 0) for n in range(args.slow)]
        clients += [self.every(args.join / 1000, self.visit),
                    self.every(args.http / 1000, self.get),
                    self.every(args.garbage / 1000, self.babble),
                    self.every(args.scan, self.scan)]
        tasks = [asyncio.create_task(client) for client in clients]
        await stop.wait()
        print(json.dumps(self.seen), flush=True)
        # Again and again: wait_for() loses a cancellation that comes together with its result.
        while not all(task.done() for task in tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)


def main():
    """Options, then the crowd."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--addr", required=True)
    parser.add_argument("--port", type=int, required=True)
    for name in ("players", "idle", "silent", "slow", "join", "http", "garbage"):
        parser.add_argument("--" + name, type=int, default=0)
    parser.add_argument("--scan", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asyncio.run(Crowd(parser.parse_args()).run())


if __name__ == "__main__":
    main()
