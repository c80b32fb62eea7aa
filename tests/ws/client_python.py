#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Players by Debian's python3-websockets: client_python.py ADDRESS PORT COUNT. Every other one only listens, the
rest move every 100 ms; each comes back 20 ms after its connection ended. One JSON line an event, as
client_node.js has them."""

import asyncio
import json
import sys
import time

import websockets

BACK_S = 0.02


def tell(event, number):
    """One line."""
    print(json.dumps({"t": int(time.time() * 1000), "ev": event, "id": number}), flush=True)


async def move(ws):
    """Moves until the connection ends."""
    moves = 0
    while True:
        moves += 1
        await ws.send(json.dumps({"move": moves}))
        await asyncio.sleep(0.1)


async def play(url, number):
    """One player's whole life."""
    while True:
        opened = False
        mover = None
        try:
            async with websockets.connect(url, open_timeout=10, close_timeout=1) as ws:
                opened = True
                tell("open", number)
                if number % 2:
                    mover = asyncio.ensure_future(move(ws))
                async for _ in ws:
                    pass
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            pass
        if mover:
            mover.cancel()
            await asyncio.gather(mover, return_exceptions=True)
        tell("closed" if opened else "failed", number)
        await asyncio.sleep(BACK_S)


async def main():
    """All of them."""
    url = "ws://%s:%s/" % (sys.argv[1], sys.argv[2])
    await asyncio.gather(*(play(url, number) for number in range(int(sys.argv[3]))))


asyncio.run(main())
