#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A WebSocket server over python3-websockets for frames tests; see frames_ws.py and frames.h.

  frames_server.py [--port 8766] [--max BYTES] [--seed N] [--cert FILE --key FILE]

At SIGTERM it prints the frames that it sent and received as JSON and ends.
"""

import argparse
import asyncio
import http
import itertools
import json
import signal
import ssl
import sys

import websockets

sys.dont_write_bytecode = True
import frames_ws  # noqa: E402  (after the line above: no bytecode in the source tree)


async def answer(ws, message, chance, most):
    """Answers one message. False: the connection was closed."""
    word = message if isinstance(message, str) and message.startswith("!") else ""
    if word in ("!end", "!echo"):
        await ws.send(word)
    elif word.startswith("!big "):
        await ws.send(bytes(int(word.split()[1])))
    elif word.startswith("!bye "):
        await ws.close(int(word.split()[1]))
        return False
    else:
        await frames_ws.send_random(ws, chance, most)
    return True


async def serve(args):
    """Serves until SIGTERM, then prints the figures."""
    seeds = itertools.count(args.seed)
    players = []

    async def on_player(ws):
        chance = frames_ws.generator(next(seeds))
        players.append(ws)
        try:
            await frames_ws.send_random(ws, chance, args.max)
            async for message in ws:
                if not await answer(ws, message, chance, args.max):
                    break
        except websockets.ConnectionClosed:
            pass

    async def on_request(path, _headers):
        return (http.HTTPStatus.OK, [], b"ok") if path == "/health" else None

    context = None
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with websockets.serve(on_player, "0.0.0.0", args.port, ssl=context, max_size=None,
                                max_queue=None, ping_interval=None, process_request=on_request):
        await stop.wait()
        print(json.dumps(frames_ws.total(players)), flush=True)


def main():
    """Reads the options and serves."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8766)
    parser.add_argument("--max", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    frames_ws.count_frames()
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
