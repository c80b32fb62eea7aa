# SPDX-License-Identifier: GPL-2.0-only
"""What the Python ends of a frames test share: python3-websockets with a counter for every frame.

The library reads and writes the frames (RFC 6455 section 5); only counting is added. frames.h has
what a client may ask of a server.
"""

import collections
import random

from websockets.legacy.protocol import WebSocketCommonProtocol

KINDS = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
EDGES = (0, 1, 2, 124, 125, 126, 127, 128, 65535, 65536, 65537)
LETTERS = "abcdefghijklmnop"


def counts_of(protocol):
    """The counters of one connection, sent and received."""
    if not hasattr(protocol, "frame_counts"):
        protocol.frame_counts = {w: collections.Counter({k: 0 for k in KINDS.values()})
                                 for w in ("sent", "received")}
    return protocol.frame_counts


def count_frames():
    """Makes every connection of this process count its frames."""
    read, write = WebSocketCommonProtocol.read_frame, WebSocketCommonProtocol.write_frame_sync

    async def read_frame(self, max_size):
        frame = await read(self, max_size)
        counts_of(self)["received"][KINDS[frame.opcode]] += 1
        return frame

    def write_frame_sync(self, fin, opcode, data):
        write(self, fin, opcode, data)
        counts_of(self)["sent"][KINDS[opcode]] += 1

    WebSocketCommonProtocol.read_frame = read_frame
    WebSocketCommonProtocol.write_frame_sync = write_frame_sync


def total(protocols):
    """The sums over a list of connections, as they are printed."""
    return {w: {k: sum(counts_of(p)[w][k] for p in protocols) for k in KINDS.values()}
            for w in ("sent", "received")}


def size(chance, most):
    """Mostly small sizes, but also every form of the length field and the limits between them."""
    draw = chance.randrange(100)
    if draw < 60:
        n = chance.randrange(126)
    elif draw < 70:
        n = chance.choice(EDGES)
    elif draw < 93:
        n = chance.randrange(2000)
    elif draw < 98:
        n = chance.randrange(65536)
    else:
        n = chance.randrange(200001)
    return chance.randrange(most + 1) if n > most else n


def payload(chance, text, most):
    """A payload: some compress well, some not at all."""
    n = size(chance, most)
    if text:
        return "".join(chance.choices(LETTERS, k=n)) if n < 300 else chance.choice(LETTERS) * n
    return chance.randbytes(n)


async def ping(ws, chance):
    """Sends a ping. Does not wait for the pong, which never comes if the connection ends first."""
    data = chance.randbytes(chance.randrange(126))
    if data in ws.pings:
        return  # the library accepts no two equal pings
    waiter = await ws.ping(data)
    waiter.add_done_callback(lambda f: f.cancelled() or f.exception())


async def send_random(ws, chance, most):
    """Sends one message of any shape, now and then after a control frame."""
    text = chance.random() < 0.5
    if chance.random() < 0.1:
        await ping(ws, chance)
    if chance.random() < 0.05:
        await ws.pong(chance.randbytes(chance.randrange(126)))
    if chance.random() >= 0.15:
        await ws.send(payload(chance, text, most))
        return

    async def fragments(n):
        for _ in range(n):
            yield payload(chance, text, most)
            if chance.random() < 0.3:
                await ping(ws, chance)

    await ws.send(fragments(chance.randrange(1, 6)))


def generator(seed):
    """A random number generator that the seed repeats."""
    return random.Random(seed)
