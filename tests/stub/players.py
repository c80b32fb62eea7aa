#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Players that arrive at a steady rate, stay for a time and leave. Each gives one line of JSON.

    players.py ADDRESS PORT --rate N [--seconds S | --count N] [--stay S] [--ping S]
        [--patience S]

A player connects, upgrades, waits for the greeting, sends text and pings while it stays, and
closes with 1000. It gives up when the connection or the greeting takes longer than --patience.
`start` is when it began to connect (ms of CLOCK_BOOTTIME), `server` the name in the greeting (""
without a greeting), `took` the ms until the greeting, `end` how the connection ended: ok, status,
timeout, refused, closed, reset. All lines are printed at the end. SIGTERM stops new arrivals, ends
the present connections and loses no line.
"""
import argparse
import asyncio
import base64
import json
import os
import signal
import struct
import time

TEXT, CLOSE, PING = 1, 8, 9
GIVE_UP_S = 5


def frame(opcode, payload):
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def read_frame(reader):
    b0, b1 = await reader.readexactly(2)
    return b0 & 15, await reader.readexactly(b1 & 0x7F)


async def join(reader, writer, result):
    """Upgrades and reads the greeting. False: the server refused the upgrade."""
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(("GET /play HTTP/1.1\r\nHost: game\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\n"
                  f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in head[:16]:
        result["end"] = "status"
        return False
    _, name = await read_frame(reader)
    result["server"] = name.decode()
    return True


async def talk(writer, until, ping_s):
    while time.monotonic() < until:
        writer.write(frame(TEXT, b"card") + frame(PING, b"x"))
        await asyncio.sleep(min(ping_s, max(0, until - time.monotonic())))


async def listen(reader):
    """Reads until the server sends a close frame or closes."""
    while True:
        opcode, _ = await read_frame(reader)
        if opcode == CLOSE:
            return


async def stay(reader, writer, options, result):
    listener = asyncio.ensure_future(listen(reader))
    talker = asyncio.ensure_future(talk(writer, time.monotonic() + options.stay, options.ping))
    try:
        await asyncio.wait({listener, talker}, return_when=asyncio.FIRST_COMPLETED)
        if listener.done():
            listener.result()
            result["end"] = "closed"
            return
        writer.write(frame(CLOSE, struct.pack(">H", 1000)))
        await asyncio.wait_for(listener, GIVE_UP_S)
        result["end"] = "ok"
    finally:
        listener.cancel()
        talker.cancel()


async def player(options, results):
    began = time.monotonic()
    result = {"start": int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000), "server": "",
              "took": -1, "end": "timeout"}
    results.append(result)
    writer = None
    try:
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(options.address, options.port), options.patience)
        if await asyncio.wait_for(join(reader, writer, result), options.patience):
            result["took"] = int((time.monotonic() - began) * 1000)
            await stay(reader, writer, options, result)
    except ConnectionRefusedError:
        result["end"] = "refused"
    except ConnectionResetError:
        result["end"] = "reset"
    except asyncio.IncompleteReadError:
        result["end"] = "closed"
    except (asyncio.TimeoutError, OSError):
        pass
    finally:
        if writer:
            writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--count", type=int, default=100000)
    parser.add_argument("--stay", type=float, default=1)
    parser.add_argument("--ping", type=float, default=0.3)
    parser.add_argument("--patience", type=float, default=GIVE_UP_S)
    options = parser.parse_args()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    results, tasks = [], set()
    end = time.monotonic() + options.seconds
    while not stop.is_set() and time.monotonic() < end and len(results) < options.count:
        task = asyncio.ensure_future(player(options, results))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            await asyncio.wait_for(stop.wait(), 1 / options.rate)
        except asyncio.TimeoutError:
            pass
    if tasks and not stop.is_set():
        await asyncio.wait(tasks, timeout=2 * options.patience + GIVE_UP_S + options.stay)
    # Again and again: wait_for() loses a cancellation that comes together with its result.
    while tasks:
        for task in list(tasks):
            task.cancel()
        await asyncio.wait(list(tasks), timeout=0.1)
    for result in results:
        print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
