#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Players over Debian's python3-websockets: client_python.py ADDRESS PORT COUNT.

Every other player only listens, the others send a move every 100 ms. Each player connects again
20 ms after its connection ended. Each event is a line of JSON in the form of client_node.js.
"""

import asyncio
import json
import sys
import time

import websockets

BACK_S = 0.02


def report(event, number):
    """Prints one event."""
    print(json.dumps({"t": int(time.time() * 1000), "ev": event, "id": number}), flush=True)


async def move(ws):
    """Sends moves until the connection ends."""
    moves = 0
    while True:
        moves += 1
        await ws.send(json.dumps({"move": moves}))
        await asyncio.sleep(0.1)


async def play(url, number):
    """Runs one player, which connects again after each end."""
    while True:
        opened = False
        mover = None
        try:
            async with websockets.connect(url, open_timeout=10, close_timeout=1) as ws:
                opened = True
                report("open", number)
                if number % 2:
                    mover = asyncio.ensure_future(move(ws))
                async for _ in ws:
                    pass
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            pass
        if mover:
            mover.cancel()
            await asyncio.gather(mover, return_exceptions=True)
        report("closed" if opened else "failed", number)
        await asyncio.sleep(BACK_S)


async def main():
    """Runs all players."""
    url = "ws://%s:%s/" % (sys.argv[1], sys.argv[2])
    await asyncio.gather(*(play(url, number) for number in range(int(sys.argv[3]))))


asyncio.run(main())
