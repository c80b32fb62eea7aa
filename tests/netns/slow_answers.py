#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Carries TCP connections to a server, and its answers back, as late as a file says.

  slow_answers.py PORT SERVER-PORT FILE

Listens on PORT, and connects to SERVER-PORT of 127.0.0.1 for each connection. Questions go on at
once. Answers wait for as many milliseconds as stand in FILE when they come. What waits when the
client has closed its connection is discarded, as by a network that is slow. Ends by SIGTERM,
or after LIFE_S.
"""

import asyncio
import sys

LIFE_S = 300


def later_s(path):
    with open(path, encoding="ascii") as f:
        return int(f.read() or 0) / 1000


async def carry(reader, writer, path=None):
    """Until the end of the one side, which ends the other one. Without a path, at once."""
    try:
        while data := await reader.read(65536):
            if path:
                await asyncio.sleep(later_s(path))
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def main():
    port, server, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

    async def client(reader, writer):
        try:
            back, on = await asyncio.open_connection("127.0.0.1", server)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, on), carry(back, writer, path))

    await asyncio.start_server(client, "0.0.0.0", port)
    print("carrying", flush=True)
    await asyncio.sleep(LIFE_S)


asyncio.run(main())
