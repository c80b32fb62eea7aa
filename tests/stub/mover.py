#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""One player of the game by python3-websockets: for each line of its standard input it makes so many moves.

    mover.py ADDRESS PORT

Prints {"moves": N} when it is connected and after each line; ends with 1 when its connection breaks.
"""
import asyncio
import json
import sys

import websockets


async def main():
    """Connects, and does what it is told."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    ws = await websockets.connect("ws://%s:%s/" % (sys.argv[1], sys.argv[2]), ping_interval=None)
    moves = 0
    while True:
        print(json.dumps({"moves": moves}), flush=True)
        words = (await lines.readline()).split()
        if not words:
            return
        for _ in range(int(words[0])):
            moves += 1
            await ws.send(json.dumps({"move": moves}))
            answer = json.loads(await asyncio.wait_for(ws.recv(), 10))
            if answer["echo"] != moves:
                sys.exit("move %d was answered with %s" % (moves, answer))


if __name__ == "__main__":
    asyncio.run(main())
